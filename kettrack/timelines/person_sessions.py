"""One row per patient and session day: what was known at the end of that day, and what came
next.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.reading.cohort import Cohort
from kettrack.timelines.bucket import Array, Bucket, category, scores_of
from kettrack.timelines.events import Baselines, ratable
from kettrack.timelines.session_days import (
    SessionDays,
    days_since_event,
    known_scores,
    last_before,
    session_days,
    session_scores,
)
from kettrack.timelines.states import measures, meets
from kettrack.vocabulary.rules import Criteria

EXCLUDED: Final = ("no_baseline", "below_caseness", "prior_sessions", "placebo")
_WHOLE: Final = (
    "score_age",
    "session_score_day",
    "last_gap",
    "next_day",
    "next_gap",
    "ect_tms_before",
    "days_complete_after",
)


def session_day_rows(
    cohort: Cohort,
    criteria: Criteria,
    bucket: Bucket,
    baselines: Baselines,
    first: pd.DataFrame,
    reasons: dict[str, Array],
) -> pd.DataFrame:
    """One row per patient and session day, of every course; see `tables.all_sessions_table`.

    Parameters
    ----------
    cohort : Cohort
        Whose sessions, patients and events they are.
    criteria : Criteria
        Rules in force.
    bucket, baselines
        Of its primary instrument.
    first : DataFrame
        From `first_courses`.
    reasons : dict of str to bool, shape (patients,)
        From `log_reasons`.
    """
    days = session_days(bucket)
    timing = scores_of(cohort.scores, criteria.instrument)["timing"]
    faults = [
        np.isnan(baselines.score),
        ~ratable(baselines, criteria),
        *reasons.values(),
    ]
    excluded = np.select(faults, range(len(faults)), -1)[days.patient]
    inside = _in_course(first, days)
    columns = (
        _place(cohort, days, bucket)
        | known_scores(timing, bucket, baselines, days)
        | _given(cohort, days)
        | {
            "ect_tms_before": days_since_event(
                cohort.events, ("ect", "tms"), bucket, days
            )
        }
        | _belonging(criteria, bucket, baselines, days, inside)
        | _later(cohort, days)
        | {"excluded": category(excluded, EXCLUDED)}
    )
    columns |= {
        "in_course_next": _next(days, inside),
        "is_last": inside & ~_next(days, inside),
    }
    out = pd.DataFrame(columns, copy=False)
    return out.assign(
        **{name: out[name].astype("Int32") for name in _WHOLE}, in_first_course=inside
    )


def _place(cohort: Cohort, days: SessionDays, bucket: Bucket) -> dict[str, object]:
    """Which decision point this is, and how far the course has come."""
    first = np.searchsorted(days.patient, days.patient)
    to_date = (
        np.cumsum(days.sessions) - (np.cumsum(days.sessions) - days.sessions)[first]
    )
    planned = cohort.patients["planned_sessions"].astype("Int32").array[days.patient]
    gap = np.where(days.number > 1, np.diff(days.day, prepend=0), np.nan)
    return {
        "patient_id": bucket.patient_id.array[days.patient],
        "session": days.number,
        "day": days.day,
        "days_since_first": days.day - days.day[first],
        "last_gap": gap,
        "sessions_on_day": days.sessions,
        "sessions_to_date": to_date,
        "planned_sessions": planned,
        "as_planned": pd.array(to_date >= planned, "boolean")
        .fillna(False)
        .to_numpy(bool),
    }


def _belonging(
    criteria: Criteria,
    bucket: Bucket,
    baselines: Baselines,
    days: SessionDays,
    inside: Array,
) -> dict[str, object]:
    """Last score of each session, and whether one of them, or the last before session 1, meets the
    rule for response.
    """
    gaps = np.diff(days.day)[_next(days, inside)[:-1]]
    due = float(np.median(gaps)) if gaps.size else np.inf
    row, place = session_scores(bucket, baselines, days, due, criteria.late_after_days)
    score = np.full(days.day.size, np.nan)
    on = np.full(days.day.size, np.nan)
    # of several the last is assigned last and stays
    score[place], on[place] = bucket.score[row], bucket.score_day[row]
    response = np.zeros(days.day.size, bool)
    response[place[_responds(criteria, bucket, baselines, row)]] = True
    before = last_before(bucket, baselines)
    early = np.zeros(bucket.n, bool)
    early[before >= 0] = _responds(criteria, bucket, baselines, before[before >= 0])
    return {
        "session_score": score,
        "session_score_day": on,
        "session_response": response,
        "response_before": early[days.patient],
    }


def _responds(
    criteria: Criteria, bucket: Bucket, baselines: Baselines, row: Array
) -> Array:
    """Whether each of these scores, by itself, meets the rule for response."""
    return response_met(
        criteria,
        bucket.score[row].astype(float),
        baselines.score[bucket.score_patient[row]],
    )


def response_met(criteria: Criteria, score: Array, baseline: Array) -> Array:
    """Whether a score, by itself, meets the rule for response; never where one of the two is
    missing or there is no rule.
    """
    return meets(criteria.response, measures(score, baseline))


def _given(cohort: Cohort, days: SessionDays) -> dict[str, object]:
    """Dose and side effects of a day: the total, and the worst of its sessions."""
    sessions = cohort.sessions
    named = sessions["adverse_events"]
    adverse = np.where(
        named.isna(), np.nan, (named.fillna("none") != "none").to_numpy(float)
    )
    out: dict[str, object] = {
        "dose_mg": days.merge(_numbers(sessions["dose_mg"]), np.add),
        "adverse": _yes_no(days.merge(adverse, np.fmax)),
    }
    for name in ("serious", "stopped_early"):
        out[name] = _yes_no(days.merge(_numbers(sessions[name]), np.fmax))
    return out | {
        "dissociation": days.merge(_numbers(sessions["dissociation"]), np.fmax)
    }


def _later(cohort: Cohort, days: SessionDays) -> dict[str, object]:
    """The next session of any course, and what the patients table says about the end."""
    patients = cohort.patients
    next_day = np.where(
        _next(days, np.ones(days.day.size, bool)), np.append(days.day[1:], 0), np.nan
    )
    observed = patients["observed_to_day"].astype("Int32").array[days.patient]
    return {
        "next_day": next_day,
        "next_gap": next_day - days.day,
        "stop_reason": patients["stop_reason"].array[days.patient],
        "recorded_stop_day": patients["stop_day"].astype("Int32").array[days.patient],
        "observed_to_day": observed,
        "days_complete_after": observed - days.day,
    }


def _in_course(course: pd.DataFrame, days: SessionDays) -> Array:
    """Whether the first course reaches to a day: a course that ends between two sessions of a day
    holds that day.
    """
    length = course["length"].to_numpy(np.int64)
    first = days.first_row[np.searchsorted(days.patient, days.patient)]
    return days.first_row - first < length[days.patient]


def _next(days: SessionDays, chosen: Array) -> Array:
    """Whether the same patient has a next session day, and it is chosen."""
    same = np.append(days.patient[1:] == days.patient[:-1], False)
    return same & np.append(chosen[1:], False)


def _numbers(column: pd.Series) -> Array:
    return column.astype("Float64").to_numpy(float, na_value=np.nan)


def _yes_no(values: Array) -> pd.arrays.BooleanArray:
    return pd.arrays.BooleanArray(values == 1, np.isnan(values))
