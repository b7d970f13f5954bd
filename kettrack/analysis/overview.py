"""The main figures of a cohort in sentences: the first page of a report, and what `kettrack outcomes` prints."""

from __future__ import annotations

from kettrack.analysis.context import rule_words
from kettrack.analysis.courses.session_counts import session_counts
from kettrack.analysis.courses.worsening import worsening
from kettrack.analysis.people.ladder import ladder
from kettrack.analysis.response.after_course import state_after_course
from kettrack.analysis.response.response_curve import response_by_session
from kettrack.privacy.disclosure import get_policy
from kettrack.reading.cohort import Cohort
from kettrack.result import Result


def first_page(cohort: Cohort) -> list[Result]:
    """Results whose sentences a reader sees first: who is counted, response, remission, what followed, worsening included."""
    return [
        ladder(cohort),
        session_counts(cohort),
        response_by_session(cohort, "response"),
        response_by_session(cohort, "remission"),
        state_after_course(cohort),
        worsening(cohort),
    ]


def summary_text(cohort: Cohort) -> str:
    """The same sentences as plain text, with rules, extract and policy.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> "had responded by session" in summary_text(load_cohort(sample_folder()))
    True
    """
    said = [result.text for result in first_page(cohort)]
    extract = cohort.settings.extract or "extract not named"
    rules = f"Rules: {rule_words(cohort)}. Extract: {extract}."
    rows = "One row per patient: kettrack outcomes FOLDER -o outcomes.csv"
    return "\n\n".join([*said, rules, get_policy(cohort.settings.policy).banner, rows])
