"""Sequential trials of the next session: which arm was taken at each decision, and what followed.

The clinic never drew lots, but every session day can be read as a small trial: some people had the
next session soon, others did not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from kettrack.analysis.next_session.decisions import (
    ELIGIBLE,
    DecisionPoints,
    Grace,
    exclusion_codes,
)
from kettrack.timelines.bucket import Array
from kettrack.timelines.session_days import day_key
from kettrack.vocabulary.days import NEXT_SESSION_WINDOW_DAYS


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
        See `DecisionPoints`.
    settled : int64
        Days from t0 to the next session or the end of the grace, whichever came first.
    since : float64, shape (trials, longest grace)
        Last score after t0 known the day before day 1, 2, ...; missing without one.
    latest : float64
        Last score after t0 and before the window of the outcome; missing without one.
    sessions_since, sessions_in_window : int64
        Session days from t0 to the window, and in it: who comes is scored more often.
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
    latest: Array
    sessions_since: Array
    sessions_in_window: Array
    grace: Array

    @property
    def observed(self) -> Array:
        """Where the outcome is there."""
        return ~np.isnan(self.outcome)

    @property
    def n(self) -> int:
        """Number of trials."""
        return len(self.arm)

    @property
    def n_people(self) -> int:
        """Number of people behind the trials."""
        return len(np.unique(self.patient))

    def in_arm(
        self,
        arm: bool,
    ) -> Trials:
        """The trials of one arm."""
        return self.take(self.arm == arm)

    def take(
        self,
        rows: Any,
    ) -> Trials:
        """Some of the trials, by a mask, positions or a slice."""
        names = [field.name for field in fields(self)]
        taken = {name: getattr(self, name)[rows] for name in names}
        return Trials(**taken)

    def with_outcome(
        self,
        outcome: Array,
    ) -> Trials:
        """The same trials with another outcome."""
        return replace(self, outcome=outcome)


def find_trials(
    points: DecisionPoints,
    grace: Grace,
    recall: int,
) -> Trials:
    """Eligible decision points, the arm each took, and what followed.

    Parameters
    ----------
    points : DecisionPoints
        From `decision_points`.
    grace : int, or int64, shape (points,)
        Days after t0 within which the next session means going on, the same for all or for each
        point.
    recall : int
        Days a score looks back: the outcome is the first score from `grace` + `recall` days after
        t0 on, at most `NEXT_SESSION_WINDOW_DAYS` days later. With 0 a score on the day of the
        session that settled the arm counts when it was taken after it.

    Examples
    --------
    >>> from kettrack import derive, load_cohort, sample_folder
    >>> from kettrack.vocabulary.days import NEXT_SESSION_GRACE_DAYS
    >>> from kettrack.analysis.next_session.decisions import decision_points
    >>> points = decision_points(derive(load_cohort(sample_folder())))
    >>> trials = find_trials(points, NEXT_SESSION_GRACE_DAYS, 14)
    >>> bool((trials.after[trials.observed] >= 21).all())
    True
    """
    eligible = exclusion_codes(points, grace, recall) == ELIGIBLE
    patient = points.patient[eligible]
    day = points.day[eligible]
    next_day = points.next_day[eligible]
    # one grace for all becomes one for each
    every_grace = np.broadcast_to(np.asarray(grace, np.int64), eligible.shape)
    allowed = every_grace[eligible]
    wait = next_day - day
    arm = wait <= allowed
    key = day_key(patient, day)
    start = key + allowed + recall
    end = start + NEXT_SESSION_WINDOW_DAYS
    # on the day of the session itself only a score after it (odd) sees the session
    after_session = arm & (wait == allowed + recall)
    outcome, outcome_key = _first_outcome(
        points,
        start=2 * start + after_session,
        end=2 * end + 1,
    )
    there = ~np.isnan(outcome)
    # without an outcome the key of t0 stands in, so that both counts below are of something
    outcome_key = np.where(there, outcome_key, 2 * key)
    after = outcome_key // 2 - key
    to_window = _sessions_to(points.session_key, key, 2 * start)
    to_its_end = _sessions_to(points.session_key, key, 2 * end + 1)
    received = _sessions_to(points.session_key, key, outcome_key)
    longest_grace = int(allowed.max(initial=0))
    return Trials(
        patient=patient,
        session=points.session[eligible],
        day=day,
        arm=arm,
        history=points.history[eligible],
        outcome=outcome,
        after=np.where(there, after, np.nan),
        received=np.where(there, received, np.nan),
        stopped=np.isinf(next_day),
        died=_any_between(points.death_key, key, end),
        admitted=_any_between(points.admission_key, key, end),
        left_out_measure=points.left_out_measure[eligible],
        settled=np.minimum(wait, allowed).astype(np.int64),
        since=_scores_since(points, key, longest_grace),
        latest=_latest_score(points, key, start),
        sessions_since=to_window,
        sessions_in_window=to_its_end - to_window,
        grace=allowed,
    )


def _first_outcome(
    points: DecisionPoints,
    start: Array,
    end: Array,
) -> tuple[Array, Array]:
    """First score from one score key to another, missing without one; and its key."""
    # one more entry than scores: `searchsorted` may answer the end
    never = np.iinfo(np.int64).max
    place = np.searchsorted(points.score_key, start)
    found_key = np.append(points.score_key, never)[place]
    found_score = np.append(points.score, np.nan)[place]
    there = found_key <= end
    return np.where(there, found_score, np.nan), found_key


def _sessions_to(
    session_key: Array,
    key: Array,
    outcome_key: Array,
) -> Array:
    """Session days after t0 and before the outcome; one on its day counts when the score was taken
    after it.
    """
    # twice the day is the even key of that day: an outcome before the session is not after it
    before_outcome = np.searchsorted(2 * session_key, outcome_key, "left")
    up_to_t0 = np.searchsorted(session_key, key, "right")
    return before_outcome - up_to_t0


def _any_between(event_key: Array, key: Array, end: Array) -> Array:
    up_to_end = np.searchsorted(event_key, end, "right")
    up_to_t0 = np.searchsorted(event_key, key, "right")
    return up_to_end > up_to_t0


def _scores_since(
    points: DecisionPoints,
    key: Array,
    days: int,
) -> Array:
    """Last score after t0 and before each of so many days, shape (trials, days)."""
    score = np.append(points.score, np.nan)
    ahead = np.arange(1, days + 1)
    day = key[:, None] + ahead
    first = np.searchsorted(points.score_key, 2 * (key + 1))
    last = np.searchsorted(points.score_key, 2 * day) - 1
    # where the last score before a day comes before the first after t0, there is none between
    any_since = last >= first[:, None]
    return np.where(any_since, score[last], np.nan)


def _latest_score(
    points: DecisionPoints,
    key: Array,
    start: Array,
) -> Array:
    """Last score after the day of t0 and before a later day."""
    score = np.append(points.score, np.nan)
    first = np.searchsorted(points.score_key, 2 * (key + 1))
    last = np.searchsorted(points.score_key, 2 * start) - 1
    return np.where(last >= first, score[last], np.nan)
