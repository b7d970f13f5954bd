"""Decision points for sequential trials: what was known at each, and the logs that hold its
future.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.timelines.bucket import (
    Array,
    Bucket,
    days_or_missing,
    scores_of,
)
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.person_sessions import EXCLUDED
from kettrack.timelines.session_days import day_key, session_days
from kettrack.vocabulary.course_rules import CourseRules
from kettrack.vocabulary.instruments import GAD7

# days after which a score, or an ECT or TMS, no longer tells how somebody is at the decision
FRESH: Final = 14
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
LEFT_OUT: Final = (
    *EXCLUDED,
    "planned_end",
    "re_induction",
    "no_recent_score",
    "ect_or_tms",
    "log_ends",
)
ELIGIBLE: Final = -1
_DEATHS: Final = ("death", "suicide")


@dataclass(frozen=True, slots=True)
class Points:
    """Every decision point, and the logs in which its future stands; arrays sorted by patient and
    day.

    Parameters
    ----------
    patient, day, session : int64, shape (points,)
        Position of the patient, t0 = the end of this day, number of the session day among those of
        the question.
    fault : int64, shape (points,)
        Position in `LEFT_OUT` of the first reason to leave it out, -1 for none; `log_ends` is not
        among them yet.
    history : float64, shape (points, columns)
        `HISTORY`, and what a question adds to it: what was known at t0; missing where it was not.
    next_day, observed_to : float64, shape (points,)
        Day of the next session of any course, infinite without one; day to which the log is
        complete, missing where unknown.
    left_out_measure : float64, shape (points,)
        Last value of another measure within `FRESH` days before t0; never part of the history.
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
    fault: Array
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


def decision_points(cohort: DerivedCohort, left_out: str = GAD7.name) -> Points:
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
    planned_end = table["as_planned"] | (
        table["planned_sessions"].isna() & (table["sessions_to_date"] >= longest)
    )
    return points_of(cohort, table, left_out, {"planned_end": planned_end})


def points_of(
    cohort: DerivedCohort,
    table: pd.DataFrame,
    left_out: str,
    own: dict[str, pd.Series],
    also: tuple[str, ...] = (),
) -> Points:
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
        Reasons of `LEFT_OUT` that are the question's own, and where they apply.
    also : tuple of str
        Columns of the table that are history beyond `HISTORY`.
    """
    bucket = cohort.bucket
    patient = bucket.patient_id.get_indexer(pd.Index(table["patient_id"])).astype(
        np.int64
    )
    day = table["day"].to_numpy(np.int64)
    score_key, score = _scores(bucket)
    return Points(
        patient,
        day,
        table["session"].to_numpy(np.int64),
        _faults(table, own),
        _history(table, also),
        _numbers(table["next_day"], np.inf),
        _numbers(table["observed_to_day"]),
        _last_value(cohort, left_out, bucket, day_key(patient, day)),
        score_key,
        score,
        session_days(bucket).key,
        _event_keys(cohort, _DEATHS, bucket),
        _event_keys(cohort, ("hospitalisation",), bucket),
        bucket.n,
    )


def _numbers(column: pd.Series, missing: float = np.nan) -> Array:
    return column.astype("Float64").to_numpy(float, na_value=missing)


def _faults(table: pd.DataFrame, own: dict[str, pd.Series]) -> Array:
    """First reason to leave each point out that is known at t0."""
    stale = ~(table["score_age"] <= FRESH).fillna(False).astype(bool)
    treated = (table["ect_tms_before"] <= FRESH).fillna(False).astype(bool)
    found = (
        {name: table["excluded"] == name for name in EXCLUDED}
        | own
        | {"no_recent_score": stale, "ect_or_tms": treated}
    )
    return np.select(
        [column.to_numpy(bool) for column in found.values()],
        [LEFT_OUT.index(name) for name in found],
        ELIGIBLE,
    )


def _history(table: pd.DataFrame, also: tuple[str, ...]) -> Array:
    """Columns of `HISTORY` and further ones; without a score since session 1 the one before the
    last is the baseline.
    """
    score = _numbers(table["score"])
    session = _numbers(table["session"])
    columns = {name: _numbers(table[name]) for name in HISTORY if name in table}
    columns |= {"score_squared": score**2 / 10, "session_squared": session**2 / 10}
    columns["previous_score"] = np.where(
        np.isnan(columns["previous_score"]),
        columns["baseline"],
        columns["previous_score"],
    )
    return np.column_stack(
        [
            *(columns[name] for name in HISTORY),
            *(_numbers(table[name]) for name in also),
        ]
    )


def _scores(bucket: Bucket) -> tuple[Array, Array]:
    """Complete scores in order; of one day those before the session first."""
    known = np.flatnonzero(bucket.score_known)
    key = (
        2 * day_key(bucket.score_patient[known], bucket.score_day[known])
        + bucket.score_after[known]
    )
    order = np.argsort(key, kind="stable")
    return key[order], bucket.score[known][order].astype(np.float64)


def _last_value(
    cohort: DerivedCohort, instrument: str, bucket: Bucket, key: Array
) -> Array:
    """Last value of an instrument in the `FRESH` days up to each point."""
    rows = scores_of(cohort.scores, instrument).dropna(subset=["score"])
    place = day_key(
        bucket.patient_id.get_indexer(pd.Index(rows["patient_id"])),
        days_or_missing(rows["day"]),
    )
    last = np.searchsorted(place, key, "right") - 1
    padded = np.append(place, np.iinfo(np.int64).min // 2)
    value = np.append(rows["score"].to_numpy(float), np.nan)
    return np.where(key - padded[last] <= FRESH, value[last], np.nan)


def _event_keys(cohort: DerivedCohort, names: tuple[str, ...], bucket: Bucket) -> Array:
    rows = cohort.events[cohort.events["event"].isin(names)]
    return np.sort(
        day_key(
            bucket.patient_id.get_indexer(pd.Index(rows["patient_id"])),
            rows["day"].to_numpy(),
        )
    )
