"""What one question about the next session differs in from another: its decisions, its grace, its
groups and its words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kettrack.analysis.next_session.points import LEFT_OUT, Points, decision_points
from kettrack.analysis.next_session.trials import WINDOW, Grace, Trials
from kettrack.timelines.bucket import Array
from kettrack.timelines.derived import DerivedCohort

Group = tuple[str, str, Array]  # key, words, which of the trials
REASONS: Final = dict(
    zip(
        LEFT_OUT,
        (
            "no score in the 30 days before session 1",
            "baseline below caseness",
            "sessions before the log begins",
            "placebo was given",
            "the planned end: nobody decides there",
            "in a re-induction, by the sessions so far",
            "no score in the last 14 days",
            "ECT or TMS in the last 14 days",
            "the log ends before the outcome could be seen",
        ),
        strict=True,
    )
)
SESSIONS: Final = ((1, 1), (2, 2), (3, 3), (4, 6), (7, 99))


@dataclass(frozen=True, slots=True)
class Words:
    """What a question says that another does not.

    Parameters
    ----------
    estimand : str
        Of the result.
    who : str
        The people it is about.
    graces : tuple of (str, str)
        Half and twice the grace.
    window : callable
        Days of the outcome for a recall in days.
    also_known : str
        History beyond that of every question.
    decides : str
        Who decides, and where nobody does.
    meanwhile : str
        What scores between a session and the decision about the next do.
    apart : str
        What is not in it.
    warnings : tuple of str
        Where it has been found wanting.
    """

    estimand: str
    who: str
    graces: tuple[str, str]
    window: Callable[[int], str]
    also_known: str
    decides: str
    meanwhile: str
    apart: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One question about the next session.

    Parameters
    ----------
    name : str
        Of the result, and of its first row.
    points : callable
        Decision points of a cohort, with the instrument that is kept out of the history.
    grace : callable
        Days of grace of these points.
    reasons : tuple of str
        Names of `LEFT_OUT` that can apply.
    groups : callable
        Parts of the trials that have a row of their own besides those by score.
    more_rows : callable
        Keys, words, units and numbers of the trials that only this question shows.
    words : Words
        What it says.
    """

    name: str
    points: Callable[[DerivedCohort, str], Points]
    grace: Callable[[Points], Grace]
    reasons: tuple[str, ...]
    groups: Callable[[Trials], list[Group]]
    more_rows: Callable[[Trials], list[tuple[str, str, str, float]]]
    words: Words


def groups_by_session(trials: Trials, session: str) -> list[Group]:
    """Trials after the first, second, third, fourth to sixth, and every later session."""
    return [
        (
            _session_key(low, high),
            _session_words(low, high, session),
            (trials.session >= low) & (trials.session <= high),
        )
        for low, high in SESSIONS
    ]


def _session_words(low: int, high: int, session: str) -> str:
    if low == high:
        return f"decided after {session} {low}"
    last = high == SESSIONS[-1][1]
    return (
        f"decided after {session} {low} or later"
        if last
        else f"decided after {session}s {low} to {high}"
    )


def _session_key(low: int, high: int) -> str:
    return (
        f"session_{low}"
        if low == high
        else f"session_{low}_{'on' if high == SESSIONS[-1][1] else high}"
    )


def first_course(grace: int) -> Question:
    """One more session of the first course, with the same grace for all."""
    return Question(
        name="next_session",
        points=decision_points,
        grace=lambda _: grace,
        reasons=tuple(name for name in LEFT_OUT if name != "re_induction"),
        groups=lambda trials: groups_by_session(trials, "session"),
        more_rows=lambda _: [],
        words=Words(
            estimand=(
                "Mean difference in the score between having and not having another session"
                f" within {grace} days of a session of the first course, care as usual"
                " afterwards, over the decisions of people still coming."
            ),
            who="people still coming",
            graces=(
                f"next session within {grace // 2} days",
                f"next session within {2 * grace} days",
            ),
            window=lambda recall: (
                f"from day {grace + recall} to day {grace + recall + WINDOW} after the decision,"
                " the same days in both arms"
            ),
            also_known="",
            decides="At the planned end, or at session 12 without a plan, nobody decides.",
            meanwhile=(
                "Where many scores come between a session and the decision about the next, the"
                " row weighted for them is the better one: they decide, and the history of the"
                " answer ends before them. In two simulated clinics of 400 it took a bias of 1.6"
                " points down to .09; it is experimental, and its interval takes the weights as"
                " known."
            ),
            apart="Maintenance is not in it.",
        ),
    )
