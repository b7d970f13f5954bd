"""Questions about a cohort, one room per kind; each answer passes the disclosure gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kettrack.errors import UsageError

if TYPE_CHECKING:
    from kettrack.reading.cohort import Cohort
    from kettrack.result import Result
    from kettrack.timelines.derived import DerivedCohort


def estimate(
    name: str,
    cohort: Cohort | DerivedCohort,
    by: str | None = None,
    on_step: Callable[[], None] | None = None,
    **options: Any,
) -> Result:
    """Answer one question about a cohort.

    Parameters
    ----------
    name : str
        One of `kettrack.questions()`.
    cohort : Cohort or DerivedCohort
        From `load_cohort`, or from `derive`: what several questions share is then worked out once.
    by : str, optional
        Compare groups: `severity`, `route`, `early_response`, a column of the patients table such
        as `age`, `drug`, or another scale such as `GAD-7` by its baseline; for the questions that
        `kettrack.questions()` marks `by_group`.
    on_step : callable, optional
        Called now and then while a long question runs, at most `steps` times.
    **options
        Further keywords of the question, such as `replicates` or `seed`; `kettrack.questions()`
        lists them.

    Returns
    -------
    Result
        Through the disclosure gate under the cohort's policy; `status` is `refused` where the data
        cannot answer.

    Raises
    ------
    UsageError
        For an unknown name, group or option; the message lists those there are.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> estimate("session_counts", load_cohort(sample_folder())).status
    'ok'
    """
    from kettrack.analysis.registry import (
        answered_once,
        get_question,
        require_options,
    )
    from kettrack.timelines.derived import derive

    asked = get_question(name)
    require_options(asked, options)
    derived = derive(cohort)
    if by is not None:
        # Each group is asked the plain question; an option would be lost without a word.
        if options:
            raise UsageError(
                f"by= compares groups with the usual options, so {next(iter(options))} changes"
                " nothing. Leave out one of the two."
            )
        from kettrack.analysis.subgroups.comparison import compare_groups

        return answered_once(
            derived, (name, ("by", by), {}), lambda: compare_groups(name, derived, by)
        )
    if on_step is not None and asked.steps:
        options["on_step"] = on_step
    return asked.answer(derived, **options)
