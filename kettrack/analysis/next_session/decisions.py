"""Decisions on the next session: what was known at each, and who is eligible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import require_log_end
from kettrack.timelines.bucket import Array, Bucket, days_or_missing, scores_of
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.person_sessions import EXCLUDED
from kettrack.timelines.session_days import day_key, session_days
from kettrack.vocabulary.columns import DEATHS
from kettrack.vocabulary.days import (
    FRESH_DAYS,
    NEXT_SESSION_WINDOW_DAYS,
)
from kettrack.vocabulary.instruments import GAD7
from kettrack.vocabulary.limits import FEWEST_PEOPLE
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
    "improved",
    "improved_squared",
    "score_age",
    "score_after",
    "last_gap",
    "days_since_first",
    "dose_mg",
    "adverse",
)
SQUARES: Final = ("score_squared", "session_squared", "improved_squared")
# In the order in which they are asked: the first that applies is the one that is told.
EXCLUSIONS: Final[tuple[str, ...]] = (
    *EXCLUDED,
    "planned_end",
    "re_induction",
    "no_recent_score",
    "ect_or_tms",
    "log_ends",
    "nobody_decides",
)
ELIGIBLE: Final = -1
# Percent that must go on after a session number, and that must pause: below it the course ends
# there, or never does, by a plan that is not in the log, and nobody decides. kettrack's own
# convention.
LEAST_EACH_WAY_PERCENT: Final = 2
# Squares are divided by this, so that their size is near that of the other columns.
_SQUARE_SCALE: Final = 10
# What stands for harm beside the answer.
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
        among them yet, nor `nobody_decides`.
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
        death_key=_event_keys(cohort, DEATHS),
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
    # clinics decide by the share of the baseline that is gone, which no sum of columns tells
    improved = (baseline - score) / np.maximum(baseline, 1)
    columns["improved"] = improved
    columns["improved_squared"] = improved**2
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


def exclusion_codes(
    points: DecisionPoints,
    grace: Grace,
    recall: int,
) -> Array:
    """Position in `EXCLUSIONS` of the first reason to leave each point out, -1 for an eligible one.

    Nothing after t0 of the person decides, but for how far the log goes.
    """
    end_of_window = points.day + grace + recall + NEXT_SESSION_WINDOW_DAYS
    # an unknown end of the log compares as False, so such a point is left out
    complete = points.observed_to >= end_of_window
    cut_short = (points.exclusion == ELIGIBLE) & ~complete
    log_ends = EXCLUSIONS.index("log_ends")
    codes = np.where(cut_short, log_ends, points.exclusion)
    settled = _settled_there(points, codes == ELIGIBLE, grace)
    return np.where(settled, EXCLUSIONS.index("nobody_decides"), codes)


def _settled_there(
    points: DecisionPoints,
    eligible: Array,
    grace: Grace,
) -> Array:
    """Eligible points after a session number after which hardly anybody goes on, or hardly anybody
    pauses.

    Without a plan in the log its end would count as pausing, and where everybody has the next
    session nobody shows what pausing does: the model would have to guess the difference there. It
    is asked of the session number, never of the person.
    """
    session = np.where(eligible, points.session, 0)
    goes_on = eligible & (points.next_day - points.day <= grace)
    number = np.bincount(session, minlength=1)
    going_on = np.bincount(session, goes_on, minlength=1)
    fewer = np.minimum(going_on, number - going_on)
    # a handful of decisions may all have gone one way by chance
    settled = number >= FEWEST_PEOPLE
    settled &= 100 * fewer < LEAST_EACH_WAY_PERCENT * number
    # number 0 stands for the points that are left out already
    settled[0] = False
    return settled[session]
