"""Sequential trials of the next session: what was known at each decision, who is eligible, which
arm was taken, and what followed.

The clinic never drew lots, but every session day can be read as a small trial: some people had the
next session soon, others did not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import require_log_end
from kettrack.timelines.bucket import Array, Bucket, days_or_missing, scores_of
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.person_sessions import EXCLUDED
from kettrack.timelines.session_days import day_key, session_days
from kettrack.vocabulary.days import (
    FRESH_DAYS,
    NEXT_SESSION_WINDOW_DAYS,
)
from kettrack.vocabulary.instruments import GAD7
from kettrack.vocabulary.rules import CourseRules

Grace = int | Array  # days; one for all decision points, or one for each
# The last score comes first: where few outcomes are missing, only the first columns explain why.
HISTORY: Final = (
    "score",
    "score_squared",
    "session",
    "session_squared",
    "previous_score",
    "mean_score",
    "baseline",
    "score_age",
    "score_after",
    "last_gap",
    "days_since_first",
    "dose_mg",
    "adverse",
)
SQUARES: Final = ("score_squared", "session_squared")
# In the order in which they are asked: the first that applies is the one that is told.
EXCLUSIONS: Final = (
    *EXCLUDED,
    "planned_end",
    "re_induction",
    "no_recent_score",
    "ect_or_tms",
    "log_ends",
)
ELIGIBLE: Final = -1
# Squares are divided by this, so that their size is near that of the other columns.
_SQUARE_SCALE: Final = 10
# What stands for harm beside the answer.
_DEATHS: Final = ("death", "suicide")
_ADMISSIONS: Final = ("hospitalisation",)


@dataclass(frozen=True, slots=True)
class DecisionPoints:
    """Every decision point, and the logs in which its future stands; arrays sorted by patient and
    day.

    Parameters
    ----------
    patient, day, session : int64, shape (points,)
        Position of the patient, t0 = the end of this day, number of the session day among those of
        the question.
    exclusion : int64, shape (points,)
        Position in `EXCLUSIONS` of the first reason to leave it out, -1 for none; `log_ends` is not
        among them yet.
    history : float64, shape (points, columns)
        `HISTORY`, and what a question adds to it: what was known at t0; missing where it was not.
    next_day, observed_to : float64, shape (points,)
        Day of the next session of any course, infinite without one; day to which the log is
        complete, missing where unknown.
    left_out_measure : float64, shape (points,)
        Last value of another measure in the `FRESH_DAYS` days before t0; never part of the history.
    score_key, score : shape (scores,)
        Patient, day and whether taken after the day's session, as one rising number; the score.
    session_key, death_key, admission_key : int64
        Patient and day of each session day, death and admission, sorted.
    patients : int
        Patients of the cohort.
    """

    patient: Array
    day: Array
    session: Array
    exclusion: Array
    history: Array
    next_day: Array
    observed_to: Array
    left_out_measure: Array
    score_key: Array
    score: Array
    session_key: Array
    death_key: Array
    admission_key: Array
    patients: int


def decision_points(
    cohort: DerivedCohort,
    left_out: str = GAD7.name,
) -> DecisionPoints:
    """Every session day of the first courses with what was known at its end.

    Parameters
    ----------
    cohort : DerivedCohort
        As it came through the reader.
    left_out : str
        Instrument kept out of the history, to test it with.
    """
    table = cohort.person_sessions
    longest = CourseRules().induction_sessions
    without_plan = table["planned_sessions"].isna()
    # without a plan the course ends at the usual length, and what follows is maintenance
    at_longest = without_plan & (table["sessions_to_date"] >= longest)
    planned_end = table["as_planned"] | at_longest
    return decision_points_from(cohort, table, left_out, {"planned_end": planned_end})


def decision_points_from(
    cohort: DerivedCohort,
    table: pd.DataFrame,
    left_out: str,
    own: dict[str, pd.Series],
    also: tuple[str, ...] = (),
) -> DecisionPoints:
    """Session days as decision points.

    Parameters
    ----------
    cohort : DerivedCohort
        As it came through the reader.
    table : DataFrame
        Rows of `person_sessions_table` or `all_sessions_table`.
    left_out : str
        Instrument kept out of the history.
    own : dict of str to bool Series
        Reasons of `EXCLUSIONS` that are the question's own, and where they apply.
    also : tuple of str
        Columns of the table that are history beyond `HISTORY`.
    """
    require_log_end(cohort)
    bucket = cohort.bucket
    patient = _positions(bucket, table)
    day = table["day"].to_numpy(np.int64)
    key = day_key(patient, day)
    score_key, score = _scores(bucket)
    return DecisionPoints(
        patient=patient,
        day=day,
        session=table["session"].to_numpy(np.int64),
        exclusion=_exclusions_at_t0(table, own),
        history=_history(table, also),
        next_day=_numbers(table["next_day"], np.inf),
        observed_to=_numbers(table["observed_to_day"]),
        left_out_measure=_last_value(cohort, left_out, key),
        score_key=score_key,
        score=score,
        session_key=session_days(bucket).key,
        death_key=_event_keys(cohort, _DEATHS),
        admission_key=_event_keys(cohort, _ADMISSIONS),
        patients=bucket.n,
    )


def _positions(
    bucket: Bucket,
    rows: pd.DataFrame,
) -> Array:
    """Position of the patient of each row."""
    ids = pd.Index(rows["patient_id"])
    return bucket.patient_id.get_indexer(ids).astype(np.int64)


def _at_most(
    column: pd.Series,
    limit: int,
) -> pd.Series:
    """Where a value is there and within the limit."""
    return (column <= limit).fillna(False).astype(bool)


def _numbers(column: pd.Series, missing: float = np.nan) -> Array:
    return column.astype("Float64").to_numpy(float, na_value=missing)


def _exclusions_at_t0(
    table: pd.DataFrame,
    own: dict[str, pd.Series],
) -> Array:
    """First reason to leave each point out that is known at t0."""
    # a missing age is a missing score: not recent
    recent = _at_most(table["score_age"], FRESH_DAYS)
    treated = _at_most(table["ect_tms_before"], FRESH_DAYS)
    applies = {name: table["excluded"] == name for name in EXCLUDED}
    applies |= own
    applies["no_recent_score"] = ~recent
    applies["ect_or_tms"] = treated
    conditions = [column.to_numpy(bool) for column in applies.values()]
    codes = [EXCLUSIONS.index(name) for name in applies]
    # `select` takes the first condition that holds: `applies` is in the order of the reasons
    return np.select(conditions, codes, ELIGIBLE)


def _history(
    table: pd.DataFrame,
    also: tuple[str, ...],
) -> Array:
    """Columns of `HISTORY` and further ones; without a score since session 1 the one before the
    last is the baseline.
    """
    score = _numbers(table["score"])
    session = _numbers(table["session"])
    columns = {name: _numbers(table[name]) for name in HISTORY if name in table}
    columns["score_squared"] = score**2 / _SQUARE_SCALE
    columns["session_squared"] = session**2 / _SQUARE_SCALE
    # so that the first decision of a person has a change since the start as well
    before = columns["previous_score"]
    baseline = columns["baseline"]
    columns["previous_score"] = np.where(np.isnan(before), baseline, before)
    common = [columns[name] for name in HISTORY]
    further = [_numbers(table[name]) for name in also]
    return np.column_stack(common + further)


def _scores(bucket: Bucket) -> tuple[Array, Array]:
    """Complete scores in order; of one day those before the session first."""
    known = np.flatnonzero(bucket.score_known)
    day = day_key(bucket.score_patient[known], bucket.score_day[known])
    # even = before the session of the day, odd = after it: one number sorts both
    key = 2 * day + bucket.score_after[known]
    order = np.argsort(key, kind="stable")
    score = bucket.score[known][order]
    return key[order], score.astype(np.float64)


def _last_value(
    cohort: DerivedCohort,
    instrument: str,
    key: Array,
) -> Array:
    """Last value of an instrument in the `FRESH_DAYS` days up to each point."""
    rows = scores_of(cohort.scores, instrument).dropna(subset=["score"])
    patient = _positions(cohort.bucket, rows)
    place = day_key(patient, days_or_missing(rows["day"]))
    last = np.searchsorted(place, key, "right") - 1
    # without an earlier value `last` is -1 and picks the padding, which is far in the past
    far_past = np.iinfo(np.int64).min // 2
    taken_at = np.append(place, far_past)[last]
    value = np.append(rows["score"].to_numpy(float), np.nan)[last]
    # a value of another patient is further away than any window, as keys count patients first
    recent = key - taken_at <= FRESH_DAYS
    return np.where(recent, value, np.nan)


def _event_keys(
    cohort: DerivedCohort,
    names: tuple[str, ...],
) -> Array:
    events = cohort.events
    rows = events[events["event"].isin(names)]
    patient = _positions(cohort.bucket, rows)
    day = rows["day"].to_numpy()
    return np.sort(day_key(patient, day))


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


def exclusion_codes(
    points: DecisionPoints,
    grace: Grace,
    recall: int,
) -> Array:
    """Position in `EXCLUSIONS` of the first reason to leave each point out, -1 for an eligible one.

    Nothing after t0 decides, but for how far the log goes.
    """
    end_of_window = points.day + grace + recall + NEXT_SESSION_WINDOW_DAYS
    # an unknown end of the log compares as False, so such a point is left out
    complete = points.observed_to >= end_of_window
    cut_short = (points.exclusion == ELIGIBLE) & ~complete
    log_ends = EXCLUSIONS.index("log_ends")
    return np.where(cut_short, log_ends, points.exclusion)


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
