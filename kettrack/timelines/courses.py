"""From session days alone: induction, maintenance, re-induction, and whether care goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.reading.cohort import Cohort
from kettrack.timelines._kernels import MISSING_DAY
from kettrack.timelines.bucket import Array, category, days_or_missing

STOP_AFTER_DAYS: Final = 60  # esketamine persistence is counted with the same gap (Mindful Health Solutions, n = 911)


@dataclass(frozen=True, slots=True)
class CourseRules:
    """When a series of sessions is an induction.

    The default extends McInnes 2022 (4-8 infusions within 7-28 days) to clinics that give 2-3 sessions a week for 2-3 weeks, up
    to 12, before the intervals stretch.

    Parameters
    ----------
    series_gap_days : int
        Sessions at most this far apart belong to one series.
    induction_sessions : int
        A series is induction up to this number; what follows in it is maintenance.
    stretch_after_sessions, stretch_gap_days, stretch_factor : int, int, float
        The first series also ends when, after at least so many sessions, two gaps in a row are at least so long, and the first
        at least so many times the mean gap so far: twice a week becoming weekly, but not one late session.
    reinduction_sessions : int
        A later series of at least this many sessions can be a re-induction; a smaller one is maintenance.
    reinduction_pause_days : int
        It is one when it comes at least this long after the session before it.
    """

    series_gap_days: int = 10
    induction_sessions: int = 12
    stretch_after_sessions: int = 4
    stretch_gap_days: int = 7
    stretch_factor: float = 1.5
    reinduction_sessions: int = 3
    reinduction_pause_days: int = 28


COURSES: Final = ("induction", "maintenance", "re-induction")
CARE: Final = ("in_care", "stopped", "planned_end", "unknown")


def derive_courses(sessions: pd.DataFrame, rules: CourseRules | None = None) -> pd.DataFrame:
    """Course, and place in it, of each session.

    One row per patient and session in, the same rows out in the same order.

    Parameters
    ----------
    sessions : DataFrame
        `patient_id` `day` `order`, sorted by them.
    rules : CourseRules, optional
        Default as documented there.

    Returns
    -------
    DataFrame
        `patient_id` `day` `order` `session_number` (1, 2, ... in the patient) `course` (category) `course_number` (1, 2, ... in
        the patient) `number_in_course` `gap_days` (days since the session before; missing at the first).

    Examples
    --------
    >>> days = [0, 3, 7, 10, 31, 59, 100, 103, 107]
    >>> sessions = pd.DataFrame({"patient_id": "A", "day": days, "order": 1})
    >>> derive_courses(sessions).course.value_counts(sort=False).to_dict()
    {'induction': 4, 'maintenance': 2, 're-induction': 3}
    """
    rules = rules or CourseRules()
    out = sessions[["patient_id", "day", "order"]].reset_index(drop=True)
    patients = out.groupby("patient_id", sort=False)
    out["session_number"] = patients.cumcount() + 1
    gap = patients["day"].diff()
    course = _course_codes(out["session_number"].to_numpy(), gap.fillna(np.inf).to_numpy(), out["day"].to_numpy(), rules)
    out["course"] = category(course, COURSES)
    first = out["session_number"] == 1
    starts = first | (pd.Series(course).diff() != 0) | ((course == 2) & (gap > rules.series_gap_days))
    out["course_number"] = starts.groupby(out["patient_id"], sort=False).cumsum()
    out["number_in_course"] = out.groupby(["patient_id", "course_number"], sort=False).cumcount() + 1
    out["gap_days"] = gap.astype("Int64")
    return out


def _course_codes(number: Array, gap: Array, day: Array, rules: CourseRules) -> Array:
    """Position in COURSES of each session, from its number in the patient, the gap before it (inf at the first) and its day."""
    if not number.size:
        return np.zeros(0, np.int64)
    first = number == 1
    starts = first | (gap > rules.series_gap_days) | _stretches(number, gap, day, rules)
    series = np.cumsum(starts) - 1
    begins = np.flatnonzero(starts)
    place = np.arange(number.size) - begins[series] + 1
    size, pause, is_first = np.bincount(series)[series], gap[begins][series], first[begins][series]
    again = (pause >= rules.reinduction_pause_days) & (size >= rules.reinduction_sessions) & ~is_first
    within = place <= rules.induction_sessions
    return np.where(within & is_first, 0, np.where(within & again, 2, 1))


def _number_of_series(number: Array, gap: Array, rules: CourseRules) -> Array:
    """Which series of its patient a session is in, by gaps alone: 1, 2, ..."""
    series = np.cumsum((number == 1) | (gap > rules.series_gap_days))
    patient = np.cumsum(number == 1) - 1
    return series - series[number == 1][patient] + 1


def _stretches(number: Array, gap: Array, day: Array, rules: CourseRules) -> Array:
    """Sessions at which the pace of the first series slackens for good; day 0 is the first session."""
    next_gap = np.append(gap[1:], np.inf)
    followed = np.append(number[1:] > 1, False)
    pace = (day - np.where(number > 1, gap, 0)) / np.maximum(number - 2, 1)
    unbroken = _number_of_series(number, gap, rules) == 1
    late = (
        unbroken
        & (number > rules.stretch_after_sessions)
        & (gap >= np.maximum(rules.stretch_gap_days, rules.stretch_factor * pace))
    )
    return late & followed & (next_gap >= rules.stretch_gap_days)


def derive_care(cohort: Cohort) -> pd.DataFrame:
    """Whether each patient's care goes on, has stopped, ended as planned, or cannot be told.

    One row per patient, in the order of `cohort.patients`. A stop is known at a recorded `stop_day`, or when the log is
    complete for 60 days after the last session; a stop after exactly the planned number of sessions is a planned end.

    Returns
    -------
    DataFrame
        `patient_id` `n_sessions` `last_session_day` `care_status` (category) `stop_reason` (missing unless stopped).
    """
    patients = cohort.patients
    counts = cohort.sessions.groupby("patient_id", sort=False)["day"].agg(["size", "max"]).reindex(patients["patient_id"])
    last = counts["max"].to_numpy()
    observed, stop = days_or_missing(patients["observed_to_day"]), days_or_missing(patients["stop_day"])
    recorded = stop >= last  # a stop before a later session was not the end
    known = observed != MISSING_DAY
    over = recorded | (known & (observed >= last + STOP_AFTER_DAYS))
    planned = over & (counts["size"].to_numpy() == patients["planned_sessions"].astype("Float64").fillna(-1).to_numpy())
    status = np.select([planned, over, known], ["planned_end", "stopped", "in_care"], "unknown")
    return pd.DataFrame(
        {
            "patient_id": patients["patient_id"].to_numpy(),
            "n_sessions": counts["size"].to_numpy(),
            "last_session_day": last,
            "care_status": pd.Categorical(status, categories=CARE),
            "stop_reason": patients["stop_reason"].where(over).to_numpy(),
        }
    )
