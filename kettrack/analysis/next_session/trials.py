"""Sequential trials of the next session: who is eligible at each decision point, which arm was
taken, and what followed.

The clinic never drew lots, but every session day is a trial it ran unawares: some had the next
session soon, some did not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np

from kettrack.analysis.next_session.points import ELIGIBLE, LEFT_OUT, Points
from kettrack.timelines.bucket import Array
from kettrack.timelines.session_days import day_key

GRACE: Final = 7  # days within which the next session counts as going on
WINDOW: Final = 14  # days in which the outcome may come
Grace = int | Array  # days; one for all decision points, or one for each


@dataclass(frozen=True, slots=True)
class Trials:
    """Eligible decision points under one grace; every array has one entry per trial, missing is
    NaN.

    Parameters
    ----------
    patient, session, day : int64
        Whose, the number of the session day, and t0.
    arm : bool
        Whether the next session came within the grace.
    history : float64, shape (trials, columns)
        `HISTORY`.
    outcome, after, received : float64
        First score of the window, its day counted from t0, and session days between t0 and it.
    stopped, died, admitted : bool
        No later session in the log; a death, and an admission, between t0 and the end of the
        window.
    left_out_measure : float64
        See `Points`.
    settled : int64
        Days from t0 to the next session or the end of the grace, whichever came first.
    since : float64, shape (trials, longest grace)
        Last score after t0 known the day before day 1, 2, ...; missing without one.
    grace : int64
        Days after t0 within which the next session meant going on.
    """

    patient: Array
    session: Array
    day: Array
    arm: Array
    history: Array
    outcome: Array
    after: Array
    received: Array
    stopped: Array
    died: Array
    admitted: Array
    left_out_measure: Array
    settled: Array
    since: Array
    grace: Array

    @property
    def observed(self) -> Array:
        """Where the outcome is there."""
        return ~np.isnan(self.outcome)

    def take(self, rows: Any) -> Trials:
        """Some of the trials, by a mask, positions or a slice."""
        return Trials(*(getattr(self, field.name)[rows] for field in fields(self)))

    def with_outcome(self, outcome: Array) -> Trials:
        """The same trials with another outcome."""
        return replace(self, outcome=outcome)


def faults_of(points: Points, grace: Grace, recall: int) -> Array:
    """Position in `LEFT_OUT` of the first reason to leave each point out, -1 for an eligible one.

    Nothing after t0 decides, but for how far the log goes.
    """
    complete = points.observed_to >= points.day + grace + recall + WINDOW
    return np.where(
        (points.fault == ELIGIBLE) & ~complete, LEFT_OUT.index("log_ends"), points.fault
    )


def find_trials(points: Points, grace: Grace, recall: int) -> Trials:
    """Eligible decision points, the arm each took, and what followed.

    Parameters
    ----------
    points : Points
        From `decision_points`.
    grace : int, or int64, shape (points,)
        Days after t0 within which the next session means going on, the same for all or for each
        point.
    recall : int
        Days a score looks back: the outcome is the first score from `grace` + `recall` days after
        t0 on, at most `WINDOW` days later. With 0 a score on the day of the session that settled
        the arm counts when it was taken after it.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> from kettrack.analysis.next_session.points import decision_points
    >>> trials = find_trials(decision_points(load_cohort(sample_folder())), GRACE, 14)
    >>> bool((trials.after[trials.observed] >= 21).all())
    True
    """
    kept = faults_of(points, grace, recall) == ELIGIBLE
    patient = points.patient[kept]
    day = points.day[kept]
    next_day = points.next_day[kept]
    allowed = np.broadcast_to(np.asarray(grace, np.int64), kept.shape)[kept]
    arm = next_day <= day + allowed
    start = day + allowed + recall
    key = day_key(patient, day)
    place = np.searchsorted(
        points.score_key, 2 * day_key(patient, start) + (arm & (next_day == start))
    )
    score_key = np.append(points.score_key, np.iinfo(np.int64).max)
    score = np.append(points.score, np.nan)
    end = key + allowed + recall + WINDOW
    there = score_key[place] <= 2 * end + 1
    outcome_key = np.where(there, score_key[place], 2 * key)
    return Trials(
        patient,
        points.session[kept],
        day,
        arm,
        points.history[kept],
        np.where(there, score[place], np.nan),
        np.where(there, outcome_key // 2 - key, np.nan),
        np.where(there, _sessions_to(points.session_key, key, outcome_key), np.nan),
        np.isinf(next_day),
        _any_between(points.death_key, key, end),
        _any_between(points.admission_key, key, end),
        points.left_out_measure[kept],
        np.minimum(next_day - day, allowed).astype(np.int64),
        _scores_since(score_key, score, key, int(allowed.max(initial=0))),
        allowed,
    )


def _sessions_to(session_key: Array, key: Array, outcome_key: Array) -> Array:
    """Session days after t0 and before the outcome; one on its day counts when the score was taken
    after it.
    """
    return np.searchsorted(2 * session_key, outcome_key, "left") - np.searchsorted(
        session_key, key, "right"
    )


def _any_between(event_key: Array, key: Array, end: Array) -> Array:
    return np.searchsorted(event_key, end, "right") > np.searchsorted(
        event_key, key, "right"
    )


def _scores_since(score_key: Array, score: Array, key: Array, days: int) -> Array:
    """Last score after t0 and before each of so many days, shape (trials, days)."""
    first = np.searchsorted(score_key, 2 * (key + 1))
    last = np.searchsorted(score_key, 2 * (key[:, None] + np.arange(1, days + 1))) - 1
    return np.where(last >= first[:, None], score[last], np.nan)
