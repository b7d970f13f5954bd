"""Estimates: a cohort in, a `Result` out, through the disclosure gate."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from kettrack.errors import UsageError

if TYPE_CHECKING:
    from kettrack.reading.cohort import Cohort
    from kettrack.result import Result

# Name of an estimate -> module and function; what a name needs is imported when it is asked for.
ESTIMATES: Final = {
    "ladder": ("ladder", "ladder"),
    "baseline_table": ("baseline", "baseline_table"),
    "session_counts": ("session_counts", "session_counts"),
    "session_gaps": ("session_counts", "session_gaps"),
    "response_by_session": ("response_curve", "response_by_session"),
    "remission_by_session": ("response_curve", "remission_by_session"),
    "worsening": ("worsening", "worsening"),
    "state_after_course": ("after_course", "state_after_course"),
    "waterfall": ("after_course", "waterfall"),
    "expected_course": ("expected_course", "expected_course"),
    "swimmer": ("swimmer", "swimmer"),
    "state_occupancy": ("occupancy", "state_occupancy"),
    "severity_flows": ("flows", "severity_flows"),
    "losses": ("losses", "losses"),
    "retreatment": ("retreatment", "retreatment"),
    "retreatment_courses": ("retreatment", "retreatment_courses"),
    "maintenance_lengths": ("holding", "maintenance_lengths"),
    "holding_interval": ("holding", "holding_interval"),
    "session_intervals": ("holding", "session_intervals"),
    "specification": ("specification", "specification"),
}


def estimate(name: str, cohort: Cohort) -> Result:
    """Answer one question about a cohort.

    Parameters
    ----------
    name : str
        One of `kettrack.analysis.ESTIMATES`.
    cohort : Cohort
        From `load_cohort`.

    Returns
    -------
    Result
        Through the disclosure gate under the cohort's policy; `status` is `refused` where the data cannot answer.

    Raises
    ------
    UsageError
        For an unknown name; the message lists those there are.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> estimate("session_counts", load_cohort(sample_folder())).status
    'ok'
    """
    if name not in ESTIMATES:
        raise UsageError(f"No estimate is called {name!r}; there are: {', '.join(ESTIMATES)}.")
    module, function = ESTIMATES[name]
    result: Result = getattr(import_module(f"kettrack.analysis.{module}"), function)(cohort)
    return result
