"""One row per patient and session day: what was known at the end of that day, and what came
next.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.reading.cohort import Cohort
from kettrack.timelines.bucket import Array, Bucket, bucket_of, category
from kettrack.timelines.courses import first_courses
from kettrack.timelines.events import Baselines, find_baselines, ratable
from kettrack.timelines.kept import kept
from kettrack.timelines.session_days import (
    SessionDays,
    days_since_event,
    known_scores,
    last_before,
    session_days,
    session_scores,
)
from kettrack.timelines.states import meets
from kettrack.timelines.tables import log_reasons

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


def person_sessions_table(cohort: Cohort) -> pd.DataFrame:
    """Decision points of the first course: one row per patient and session day, t0 being the end of
    that day.

    Two sessions on a day are one decision point. The history holds only what was known at t0. What
    came later stands in columns named after it: the session score, the next session, the end of the
    course, the reason to stop and how far the log reaches.

    Parameters
    ----------
    cohort : Cohort
        As it came through the reader.

    Returns
    -------
    DataFrame
        Sorted by `patient_id` and `session` (1, 2, ... days with a session), every patient there:

        - `day` (t0) `days_since_first` `last_gap` (days; missing at the first) `sessions_on_day`
          `sessions_to_date` `planned_sessions` (as recorded) `as_planned` (that number had been
          given by t0);
        - history of scores: `baseline` `score` (last known) `score_age` (days) `score_timing`
          `score_after` (taken after this session) `previous_score` (the baseline where `score` is
          the first since session 1; missing without one since) `mean_score` (of the baseline and
          every score since) `n_scores` (since session 1);
        - history of sessions: `dose_mg` (total of the day) `adverse` `serious` `stopped_early` (any
          on that day; missing where nothing is recorded) `dissociation` (highest) `ect_tms_before`
          (days since the last ECT or TMS);
        - later than t0: `session_score` `session_score_day` (last score that belongs to this
          session, see `session_scores`, whenever it came; missing where there is none)
          `session_response` (one of them meets the rule for response) `next_day` `next_gap` (next
          day with a session, of any course) `in_course_next` (it belongs to the first course)
          `is_last` (of the first course) `stop_reason` `recorded_stop_day` (of the patient; history
          only from that day on) `observed_to_day` `days_complete_after` (days of complete log after
          t0; missing where its end is unknown);
        - `response_before` (the last score before session 1 already meets the rule: possible with
          the baseline `mean` or `worst`);
        - `excluded` (first that applies of no_baseline, below_caseness, prior_sessions, placebo;
          missing where the row can be used).

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> table = person_sessions_table(load_cohort(sample_folder()))
    >>> bool((table.score_age.dropna() >= 0).all())
    True
    """
    table = all_sessions_table(cohort)
    return (
        table[table["in_first_course"]]
        .drop(columns="in_first_course")
        .reset_index(drop=True)
    )


@kept("sessions", "scores", "patients", "events", "settings")
def all_sessions_table(cohort: Cohort) -> pd.DataFrame:
    """`person_sessions_table` for every session day of a patient, whatever course it belongs to.

    Returns
    -------
    DataFrame
        The same columns and `in_first_course`. Columns of what came later that speak of the course
        (`session_score` to `is_last`) mean the first course.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> table = all_sessions_table(load_cohort(sample_folder()))
    >>> bool(table.groupby("patient_id").in_first_course.first().all())
    True
    """
    bucket = bucket_of(cohort)
    days = session_days(bucket)
    baselines = find_baselines(bucket, cohort.settings.baseline, cohort.instrument.sign)
    faults = [
        np.isnan(baselines.score),
        ~ratable(baselines, cohort.criteria),
        *log_reasons(cohort).values(),
    ]
    excluded = np.select(faults, range(len(faults)), -1)[days.patient]
    inside = _in_course(cohort, days)
    columns = (
        _place(cohort, days, bucket)
        | known_scores(cohort, bucket, baselines, days)
        | _given(cohort, days)
        | {"ect_tms_before": days_since_event(cohort, ("ect", "tms"), bucket, days)}
        | _belonging(cohort, bucket, baselines, days, inside)
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
    cohort: Cohort,
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
    row, place = session_scores(
        bucket, baselines, days, due, cohort.criteria.late_after_days
    )
    score = np.full(days.day.size, np.nan)
    on = np.full(days.day.size, np.nan)
    # of several the last is assigned last and stays
    score[place], on[place] = bucket.score[row], bucket.score_day[row]
    response = np.zeros(days.day.size, bool)
    response[place[_responds(cohort, bucket, baselines, row)]] = True
    before = last_before(bucket, baselines)
    early = np.zeros(bucket.n, bool)
    early[before >= 0] = _responds(cohort, bucket, baselines, before[before >= 0])
    return {
        "session_score": score,
        "session_score_day": on,
        "session_response": response,
        "response_before": early[days.patient],
    }


def _responds(
    cohort: Cohort, bucket: Bucket, baselines: Baselines, row: Array
) -> Array:
    """Whether each of these scores, by itself, meets the rule for response."""
    return response_met(
        cohort,
        bucket.score[row].astype(float),
        baselines.score[bucket.score_patient[row]],
    )


def response_met(cohort: Cohort, score: Array, baseline: Array) -> Array:
    """Whether a score, by itself, meets the rule for response; never where one of the two is
    missing or there is no rule.
    """
    percent = 100 * (score - baseline) / np.where(baseline == 0, np.nan, baseline)
    return meets(
        cohort.criteria.response,
        {"score": score, "change": score - baseline, "percent_change": percent},
    )


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


def _in_course(cohort: Cohort, days: SessionDays) -> Array:
    """Whether the first course reaches to a day: a course that ends between two sessions of a day
    holds that day.
    """
    length = first_courses(cohort)["length"].to_numpy(np.int64)
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
