"""The main figures of a cohort in sentences: the first page of a report, and what `kettrack
outcomes` prints.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kettrack.analysis.context import rule_words
from kettrack.analysis.courses.session_counts import session_counts
from kettrack.analysis.courses.worsening import worsening
from kettrack.analysis.durability.curve import durability_from_response
from kettrack.analysis.in_short import how_long, how_many_sessions, who_the_shares_count
from kettrack.analysis.people.ladder import ladder
from kettrack.analysis.response.after_course import state_after_course
from kettrack.analysis.response.response_curve import response_by_session
from kettrack.privacy.disclosure import get_policy, hide_page_differences
from kettrack.reading.cohort import Cohort
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort, derive

_NOT_TOLD: Final = (
    "{started.left} people started. How many of them can be analysed is not told on this page:"
    " beside the other numbers it could give a hidden count away."
)
_SCORED_ONLY: Final = " These are shares of those scored then; the shares by session count everyone who started."


def first_page(cohort: Cohort | DerivedCohort) -> list[Result]:
    """Results whose sentences a reader sees first.

    Returns
    -------
    list of Result
        How many sessions and how long it lasts, in short; then who is counted, sessions, response,
        remission, what followed, and worsening. Under a release policy no number of people on the
        page lies so near to another that their difference would tell a hidden one.
    """
    cohort = derive(cohort)
    response = response_by_session(cohort, "response")
    page = [
        how_many_sessions(response),
        how_long(durability_from_response(cohort)),
        _counted(ladder(cohort), response),
        session_counts(cohort),
        response,
        response_by_session(cohort, "remission"),
        _saying(state_after_course(cohort), _SCORED_ONLY),
        worsening(cohort),
    ]
    return hide_page_differences(page, cohort.settings.policy)


def _counted(steps: Result, response: Result) -> Result:
    """The ladder, and how the people of the curve fit it; under a release policy only how many
    started.
    """
    if get_policy(steps.policy).smallest_count > 1:
        return replace(steps, sentence=_NOT_TOLD)
    return _saying(steps, who_the_shares_count(steps, response))


def _saying(result: Result, more: str) -> Result:
    return (
        replace(result, sentence=f"{result.sentence}{more}")
        if result.status == "ok"
        else result
    )


def summary_text(cohort: Cohort | DerivedCohort) -> str:
    """The same sentences as plain text, with rules, extract and policy.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> "had responded by session" in summary_text(load_cohort(sample_folder()))
    True
    """
    cohort = derive(cohort)
    said = [result.text for result in first_page(cohort)]
    extract = cohort.settings.extract or "extract not named"
    rules = f"Rules: {rule_words(cohort)}. Extract: {extract}."
    rows = "One row per patient: kettrack outcomes FOLDER -o outcomes.csv"
    return "\n\n".join([*said, rules, get_policy(cohort.settings.policy).banner, rows])
