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
    reinduction_sessions : int
        A later series of at least this many sessions can be a re-induction; a smaller one is maintenance.
    reinduction_pause_days : int
        It is one when it comes at least this long after the session before it.
    """

    series_gap_days: int = 10
    induction_sessions: int = 12
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
    course = _course_codes(out["session_number"].to_numpy(), gap.fillna(np.inf).to_numpy(), rules)
    out["course"] = category(course, COURSES)
    first = out["session_number"] == 1
    starts = first | (pd.Series(course).diff() != 0) | ((course == 2) & (gap > rules.series_gap_days))
    out["course_number"] = starts.groupby(out["patient_id"], sort=False).cumsum()
    out["number_in_course"] = out.groupby(["patient_id", "course_number"], sort=False).cumcount() + 1
    out["gap_days"] = gap.astype("Int64")
    return out


def _course_codes(number: Array, gap: Array, rules: CourseRules) -> Array:
    """Position in COURSES of each session, from its number in the patient and the gap before it (inf at the first)."""
    first = number == 1
    series = np.cumsum(first | (gap > rules.series_gap_days)) - 1
    begins = np.flatnonzero(np.r_[True, np.diff(series) > 0]) if number.size else np.zeros(0, int)
    place = np.arange(number.size) - begins[series] + 1
    size = np.bincount(series)[series] if number.size else np.zeros(0, int)
    pause = gap[begins][series]
    again = (pause >= rules.reinduction_pause_days) & (size >= rules.reinduction_sessions) & ~first[begins][series]
    within = place <= rules.induction_sessions
    return np.where(within & first[begins][series], 0, np.where(within & again, 2, 1))


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
