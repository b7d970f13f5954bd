"""Days with a session as arrays, and what was known about symptoms at the end of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kettrack.timelines.bucket import Array, Bucket, values_at
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

    def merge(
        self,
        values: Array,
        how: np.ufunc,
    ) -> Array:
        """One value per day from one per session."""
        # `reduceat` takes no empty list of places
        if not self.first_row.size:
            return values[:0]
        merged = how.reduceat(values, self.first_row)
        return np.asarray(merged)


def day_key(patient: Array, day: Array) -> Array:
    """Patient and day as one number that sorts like the pair."""
    # Days are moved up by half a span, so that those before the first session stay above the last
    # day of the patient before.
    moved = day.astype(np.int64) + _SPAN // 2
    return patient.astype(np.int64) * _SPAN + moved


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
    n_sessions = np.diff(bucket.session_offsets)
    everyone = np.arange(bucket.n)
    patient = np.repeat(everyone, n_sessions)
    day = bucket.session_day.astype(np.int64)
    key = day_key(patient, day)
    # Keys are sorted and none is negative: a day begins where the key rises.
    step = np.diff(key, prepend=-1)
    first_row = np.flatnonzero(step > 0)
    who = patient[first_row]
    place = np.arange(who.size)
    first_of_patient = np.searchsorted(who, who)
    n_on_day = np.diff(first_row, append=key.size)
    return SessionDays(
        patient=who,
        day=day[first_row],
        number=place - first_of_patient + 1,
        first_row=first_row,
        sessions=n_on_day,
    )


def known_scores(
    timing: pd.Series,
    bucket: Bucket,
    baselines: Baselines,
    days: SessionDays,
) -> dict[str, Array]:
    """What was known of the primary instrument at the end of each session day.

    A score of that day counts, taken before or after the session; one of a later day never does,
    not even one taken before the next session, which only those who come can have. Scores more than
    `BASELINE_WINDOW_DAYS` before session 1 are too old to be known.

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
    # A patient's scores up to a day are entries `start` to `start + n` of `since`.
    start, n = _span_to(since, bucket, days)
    baseline = baselines.score[days.patient]
    end = start + n
    last = _take(since, end - 1, n > 0)
    before_first = before[days.patient]
    row = np.where(n > 0, last, before_first)
    earlier = _take(since, end - 2, n > 1)
    earlier_score = values_at(bucket.score, earlier)
    taken_after = values_at(bucket.score_after, row, False)
    score_day = values_at(bucket.score_day, row)
    same_day = score_day == days.day
    # The sum over a stretch is the difference of two running sums.
    running = np.cumsum(bucket.score[since])
    sums = np.append(0.0, running)
    total = baseline + sums[end] - sums[start]
    return {
        "baseline": baseline,
        "score": values_at(bucket.score, row),
        "score_age": days.day - score_day,
        "score_timing": timing.array.take(row, allow_fill=True),
        "score_after": taken_after & same_day,
        # before the first score since session 1 stands the baseline
        "previous_score": np.where(n == 1, baseline, earlier_score),
        "mean_score": total / (n + 1),
        "n_scores": n,
    }


def best_known(
    bucket: Bucket,
    baselines: Baselines,
    days: SessionDays,
    sign: int,
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
    start, n = _span_to(since, bucket, days)
    severity = sign * bucket.score[since]
    # Patients side by side, each so far below the one before that a running minimum starts anew.
    widest = np.ptp(severity) if since.size else 0.0
    step = widest + 1
    below = step * bucket.score_patient[since]
    lowered = severity - below
    running = np.minimum.accumulate(lowered) + below
    end = start + n
    last = np.where(n > 0, end - 1, NO_ROW)
    best = values_at(running, last, np.inf)
    baseline = sign * baselines.score[days.patient]
    return sign * np.minimum(best, baseline)


def session_scores(
    bucket: Bucket,
    baselines: Baselines,
    days: SessionDays,
    due: float,
    within: int,
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
    day = bucket.score_day[row]
    key = day_key(bucket.score_patient[row], day)
    # The last session day before the score; a session of the same day only if taken after it.
    up_to = np.searchsorted(days.key, key, "right")
    before = np.searchsorted(days.key, key, "left")
    taken_after = bucket.score_after[row]
    n_before = np.where(taken_after, up_to, before)
    place = n_before - 1
    late = day - days.day[place]
    in_time = late <= within
    row = row[in_time]
    place = place[in_time]
    in_due_time = late[in_time] < due
    soon = np.zeros(days.day.size, bool)
    soon[place[in_due_time]] = True
    # Places rise: the first score of a session is where the place differs from the one before.
    step = np.diff(place, prepend=NO_ROW)
    some_soon = soon[place]
    belongs = np.where(some_soon, in_due_time, step > 0)
    return row[belongs], place[belongs]


def _assessments(
    bucket: Bucket,
    baselines: Baselines,
) -> Array:
    """Rows of complete scores after the first session."""
    after = is_assessment(bucket, baselines)
    return np.flatnonzero(bucket.score_known & after)


def last_before(
    bucket: Bucket,
    baselines: Baselines,
) -> Array:
    """Row of each patient's last complete score of the `BASELINE_WINDOW_DAYS` up to the first
    session; -1 = none.
    """
    before = ~is_assessment(bucket, baselines)
    recent = bucket.score_day >= -BASELINE_WINDOW_DAYS
    return bucket.last_row(bucket.score_known & before & recent)


def _span_to(
    since: Array,
    bucket: Bucket,
    days: SessionDays,
) -> tuple[Array, Array]:
    """Scores since session 1 up to the end of each session day: place of the first, and number."""
    patient = bucket.score_patient[since]
    key = day_key(patient, bucket.score_day[since])
    start = np.searchsorted(patient, days.patient)
    end = np.searchsorted(key, days.key, "right")
    return start, end - start


def _take(
    rows: Array,
    place: Array,
    there: Array,
) -> Array:
    """Rows at places, -1 where there is none."""
    known_place = np.where(there, place, NO_ROW)
    return values_at(rows, known_place, NO_ROW)


def days_since_event(
    events: pd.DataFrame,
    names: tuple[str, ...],
    bucket: Bucket,
    days: SessionDays,
) -> Array:
    """Days from the last event of these names to each session day, that day included; NaN without
    one.
    """
    named = events["event"].isin(names)
    rows = events[named]
    if rows.empty:
        return np.full(days.day.size, np.nan)
    patient_id = pd.Index(rows["patient_id"])
    who = bucket.patient_id.get_indexer(patient_id)
    day = rows["day"].to_numpy()
    key = np.sort(day_key(who, day))
    up_to = np.searchsorted(key, days.key, "right")
    place = up_to - 1
    found = key[place]
    # The last event before may be another patient's; within one, keys differ by days.
    patient = found // _SPAN
    same = (place >= 0) & (patient == days.patient)
    since = days.key - found
    return np.where(same, since, np.nan)
