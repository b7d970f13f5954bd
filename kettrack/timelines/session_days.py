"""Days with a session as arrays, and what was known about symptoms at the end of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kettrack.timelines.bucket import Array, Bucket
from kettrack.timelines.events import Baselines
from kettrack.timelines.kernels import NO_ROW
from kettrack.timelines.states import is_assessment
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS

# more days than any log has, so that patient and day make one sortable number
_SPAN = 1 << 21


@dataclass(frozen=True, slots=True)
class SessionDays:
    """Every day on which a patient had a session, sorted by patient and day; two sessions on a day
    are one entry.

    Parameters
    ----------
    patient : int64, shape (days,)
        Position of the patient.
    day : int64, shape (days,)
        The day.
    number : int64, shape (days,)
        1, 2, ... in the patient.
    first_row : int64, shape (days,)
        Row of the first session of the day in the cohort's sessions.
    sessions : int64, shape (days,)
        Sessions on the day.
    """

    patient: Array
    day: Array
    number: Array
    first_row: Array
    sessions: Array

    @property
    def key(self) -> Array:
        """Patient and day as one number that sorts like the pair."""
        return day_key(self.patient, self.day)

    def merge(self, values: Array, how: np.ufunc) -> Array:
        """One value per day from one per session."""
        return (
            np.asarray(how.reduceat(values, self.first_row))
            if len(self.first_row)
            else values[:0]
        )


def day_key(patient: Array, day: Array) -> Array:
    """Patient and day as one number that sorts like the pair."""
    return patient.astype(np.int64) * _SPAN + day.astype(np.int64) + _SPAN // 2


def session_days(bucket: Bucket) -> SessionDays:
    """Days with a session, of every patient of a bucket.

    Examples
    --------
    >>> from kettrack.timelines.bucket import bucket_from_arrays
    >>> none, day = np.zeros(0, int), np.array([0, 3, 3])
    >>> bucket = bucket_from_arrays(1, none, none, none, np.zeros(3, int), day)
    >>> session_days(bucket).sessions.tolist()
    [1, 2]
    """
    patient = np.repeat(np.arange(bucket.n), np.diff(bucket.session_offsets))
    day = bucket.session_day.astype(np.int64)
    key = day_key(patient, day)
    first_row = (
        np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
        if key.size
        else np.zeros(0, np.int64)
    )
    who = patient[first_row]
    number = np.arange(who.size) - np.searchsorted(who, who) + 1
    return SessionDays(
        who, day[first_row], number, first_row, np.diff(np.append(first_row, key.size))
    )


def known_scores(
    timing: pd.Series, bucket: Bucket, baselines: Baselines, days: SessionDays
) -> dict[str, Array]:
    """What was known of the primary instrument at the end of each session day.

    A score of that day counts, taken before or after the session; one of a later day never does,
    not even one taken before the next session, which only those who come can have. Scores more than
    30 days before session 1 are too old to be known.

    Returns
    -------
    dict of str to array, shape (days,)
        `baseline` `score` `score_age` (days) `score_timing` (category) `score_after` (whether taken
        after this session) `previous_score` (the baseline, where `score` is the first since session
        1; NaN without a score since) `mean_score` (of the baseline and every score since)
        `n_scores` (since session 1).
    """
    since = _assessments(bucket, baselines)
    before = last_before(bucket, baselines)
    n = _count_to(since, bucket, days)
    start = np.searchsorted(bucket.score_patient[since], days.patient)
    baseline = baselines.score[days.patient]
    last = _take(since, start + n - 1, n > 0)
    row = np.where(n > 0, last, before[days.patient])
    earlier = _take(since, start + n - 2, n > 1)
    sums = np.concatenate([[0.0], np.cumsum(bucket.score[since])])
    return {
        "baseline": baseline,
        "score": _at(bucket.score, row),
        "score_age": days.day - _at(bucket.score_day, row),
        "score_timing": timing.array.take(row, allow_fill=True),
        "score_after": (
            _at(bucket.score_after, row, False)
            & (_at(bucket.score_day, row) == days.day)
        ),
        "previous_score": np.where(n == 1, baseline, _at(bucket.score, earlier)),
        "mean_score": (baseline + sums[start + n] - sums[start]) / (n + 1),
        "n_scores": n,
    }


def best_known(
    bucket: Bucket, baselines: Baselines, days: SessionDays, sign: int
) -> Array:
    """Best score known at the end of each session day: of the baseline and every score since
    session 1.

    Parameters
    ----------
    sign : int
        Of the instrument: +1 where a lower score is better.

    Returns
    -------
    array, shape (days,)
        Scores; NaN without a baseline.
    """
    since = _assessments(bucket, baselines)
    n = _count_to(since, bucket, days)
    start = np.searchsorted(bucket.score_patient[since], days.patient)
    # Patients side by side, each so far below the one before that a running minimum starts anew.
    severity = sign * bucket.score[since]
    who = bucket.score_patient[since]
    below = (np.ptp(severity) + 1 if severity.size else 1.0) * who
    running = np.minimum.accumulate(severity - below) + below
    best = np.append(running, np.inf)[np.where(n > 0, start + n - 1, -1)]
    return sign * np.where(
        n > 0,
        np.minimum(best, sign * baselines.score[days.patient]),
        sign * baselines.score[days.patient],
    )


def session_scores(
    bucket: Bucket, baselines: Baselines, days: SessionDays, due: float, within: int
) -> tuple[Array, Array]:
    """Scores that belong to a session day: with its session behind them, before the next one is
    usually due.

    Where none came so soon, the first within `within` days belongs to it. Who stops is asked again
    and again with the same session behind them, who goes on only until the next: without `due`
    those who stop would be looked at more often, and more of them be seen to respond.

    Parameters
    ----------
    due : float
        Days after which the next session usually comes.
    within : int
        Days after which a score no longer belongs to a session.

    Returns
    -------
    row : int64, shape (belonging,)
        Rows of the bucket, rising.
    place : int64, shape (belonging,)
        Position of the session day of each.
    """
    row = _assessments(bucket, baselines)
    key = day_key(bucket.score_patient[row], bucket.score_day[row])
    taken_after = bucket.score_after[row]
    place = (
        np.where(
            taken_after,
            np.searchsorted(days.key, key, "right"),
            np.searchsorted(days.key, key, "left"),
        )
        - 1
    )
    late = bucket.score_day[row] - days.day[place]
    row = row[late <= within]
    place = place[late <= within]
    late = late[late <= within]
    soon = np.zeros(days.day.size, bool)
    soon[place[late < due]] = True
    first = np.append(True, place[1:] != place[:-1])[: place.size]
    belongs = np.where(soon[place], late < due, first)
    return row[belongs], place[belongs]


def _assessments(bucket: Bucket, baselines: Baselines) -> Array:
    """Rows of complete scores after the first session."""
    return np.flatnonzero(bucket.score_known & is_assessment(bucket, baselines))


def last_before(bucket: Bucket, baselines: Baselines) -> Array:
    """Row of each patient's last complete score of the 30 days up to the first session; -1 =
    none.
    """
    before = ~is_assessment(bucket, baselines)
    rows = np.flatnonzero(
        bucket.score_known & before & (bucket.score_day >= -BASELINE_WINDOW_DAYS)
    )
    out = np.full(bucket.n, NO_ROW, np.int64)
    out[bucket.score_patient[rows]] = rows
    return out


def _count_to(since: Array, bucket: Bucket, days: SessionDays) -> Array:
    """Scores since session 1 up to the end of each session day."""
    key = day_key(bucket.score_patient[since], bucket.score_day[since])
    return np.searchsorted(key, days.key, "right") - np.searchsorted(
        bucket.score_patient[since], days.patient
    )


def _take(rows: Array, place: Array, there: Array) -> Array:
    """Rows at places, -1 where there is none."""
    padded = np.append(rows, NO_ROW)
    return np.where(there, padded[np.where(there, place, rows.size)], NO_ROW)


def _at(values: Array, row: Array, missing: object = np.nan) -> Array:
    """Values of rows, `missing` where the row is -1."""
    if not values.size:
        return np.full(row.size, missing)
    return np.where(row >= 0, values[row], missing)  # type: ignore[call-overload]


def days_since_event(
    events: pd.DataFrame, names: tuple[str, ...], bucket: Bucket, days: SessionDays
) -> Array:
    """Days from the last event of these names to each session day, that day included; NaN without
    one.
    """
    rows = events[events["event"].isin(names)]
    who = bucket.patient_id.get_indexer(pd.Index(rows["patient_id"]))
    key = np.sort(day_key(who, rows["day"].to_numpy()))
    place = np.searchsorted(key, days.key, "right") - 1
    found = key[place] if key.size else np.zeros(place.size, np.int64)
    same = (place >= 0) & (found // _SPAN == days.patient)
    return np.where(same, days.key - found, np.nan)
