"""What one question about the next session differs in from another: its decisions, its grace, its
groups and its words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.analysis.next_session.decisions import (
    EXCLUSIONS,
    LEAST_EACH_WAY_PERCENT,
    DecisionPoints,
    Grace,
    decision_points,
)
from kettrack.analysis.next_session.outcome_model import SESSION_GROUPS
from kettrack.analysis.next_session.trials import Trials
from kettrack.timelines.bucket import Array
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import (
    BASELINE_WINDOW_DAYS,
    FRESH_DAYS,
    NEXT_SESSION_WINDOW_DAYS,
)
from kettrack.vocabulary.rules import CourseRules

TrialGroup = tuple[str, str, Array]  # key, words, which of the trials
# In the order of `EXCLUSIONS`; a reason without words stops the import.
EXCLUSION_WORDS: Final = dict(
    zip(
        EXCLUSIONS,
        (
            f"no score in the {BASELINE_WINDOW_DAYS} days before session 1",
            "baseline below caseness",
            "sessions before the log begins",
            "placebo was given",
            "the planned end of the course: nobody decides there",
            "in a re-induction, judged by the sessions so far",
            f"no score in the last {FRESH_DAYS} days",
            f"ECT or TMS in the last {FRESH_DAYS} days",
            "the log ends before the outcome could be seen",
            (
                f"fewer than {LEAST_EACH_WAY_PERCENT} % go on, or fewer pause, after this number of"
                " sessions: nobody decides there"
            ),
        ),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolWords:
    """What a question says that another does not.

    Parameters
    ----------
    estimand : str
        Of the result.
    people : str
        Whom it is about.
    graces : tuple of (str, str)
        Half and twice the grace.
    window : callable
        Days of the outcome for a recall in days.
    further_history : str
        History beyond that of every question.
    decisions : str
        Who decides, and where nobody does.
    scores_between : str
        What scores between a session and the decision about the next do.
    excludes : str
        What is not in it.
    warnings : tuple of str
        Where simulations found it biased.
    """

    estimand: str
    people: str
    graces: tuple[str, str]
    window: Callable[[int], str]
    further_history: str
    decisions: str
    scores_between: str
    excludes: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialProtocol:
    """One question about the next session.

    Parameters
    ----------
    name : str
        Of the result, and of its first row.
    points : callable
        Decision points of a cohort, with the instrument that is kept out of the history.
    grace : callable
        Days of grace of these points.
    exclusions : tuple of str
        Names of `EXCLUSIONS` that can apply.
    groups : callable
        Parts of the trials that have a row of their own besides those by score.
    weighted_for_wait : bool
        Whether the answer is weighted for scores taken while the decision was open; the answer
        without or with these weights is a row beside it.
    more_rows : callable
        Keys, words, units and numbers of the trials that only this question shows.
    words : ProtocolWords
        What it says.
    """

    name: str
    points: Callable[[DerivedCohort, str], DecisionPoints]
    grace: Callable[[DecisionPoints], Grace]
    exclusions: tuple[str, ...]
    groups: Callable[[Trials], list[TrialGroup]]
    weighted_for_wait: bool
    more_rows: Callable[[Trials], list[tuple[str, str, str, float]]]
    words: ProtocolWords


def groups_by_session(trials: Trials, session: str) -> list[TrialGroup]:
    """Trials after the first, second, third, fourth to sixth, and every later session."""
    # together they hold every session number once
    groups = []
    for low, high in SESSION_GROUPS:
        chosen = (trials.session >= low) & (trials.session <= high)
        words = f"decided after {_range_words(low, high, session)}"
        groups.append((range_key("session", low, high), words, chosen))
    return groups


def range_key(name: str, low: float, high: float) -> str:
    """Key of the row of a range, such as `session_4_6`; without an end `session_7_on`.

    Examples
    --------
    >>> range_key("session", 1, 1), range_key("session", 7, np.inf)
    ('session_1', 'session_7_on')
    """
    if low == high:
        return f"{name}_{low}"
    return f"{name}_{low}_{'on' if np.isinf(high) else high}"


def _range_words(low: float, high: float, session: str) -> str:
    if low == high:
        return f"{session} {low}"
    if np.isinf(high):
        return f"{session} {low} or later"
    return f"{session}s {low} to {high}"


def first_course_estimand(grace: str) -> str:
    """What `next_session` estimates, for a grace in words."""
    return (
        "Mean difference in the score between having and not having another session within"
        f" {grace} after a session of the first course, with care as usual afterwards. The mean is"
        " over the decisions of people still coming."
    )


def first_course(grace: int) -> TrialProtocol:
    """One more session of the first course, with the same grace for all."""

    def window(recall: int) -> str:
        start = grace + recall
        end = start + NEXT_SESSION_WINDOW_DAYS
        return f"from day {start} to day {end} after the decision, the same days in both groups"

    return TrialProtocol(
        name="next_session",
        points=decision_points,
        grace=lambda _: grace,
        # a re-induction comes after the first course
        exclusions=tuple(name for name in EXCLUSIONS if name != "re_induction"),
        groups=lambda trials: groups_by_session(trials, "session"),
        weighted_for_wait=True,
        more_rows=lambda _: [],
        words=ProtocolWords(
            estimand=first_course_estimand(f"{grace} days"),
            people="people still coming",
            graces=(
                f"next session within {grace // 2} days",
                f"next session within {2 * grace} days",
            ),
            window=window,
            further_history="",
            decisions=(
                "Nobody decides at the planned end, or, without a plan, at session"
                f" {CourseRules().induction_sessions}."
            ),
            scores_between=_SCORES_BETWEEN,
            excludes="Maintenance is not part of it.",
        ),
    )


# The number is that of simulated clinics (`trials.families`); it follows no rule.
_SCORES_BETWEEN: Final = (
    "The history ends on the day of the session. Scores that come between a session and the"
    " decision about the next one decide too, so the answer is weighted for them; the row"
    " without these weights stands beside it. Where such scores decided, in simulated clinics of"
    " three kinds in which sessions did nothing, the answer without the weights was up to 0.2"
    " points off. The interval takes the weights as known."
)
