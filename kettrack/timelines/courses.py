"""From session days alone: induction, maintenance, re-induction, and whether care goes on."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.timelines import kernels
from kettrack.timelines.bucket import BLOCK, Array, category, days_or_missing
from kettrack.timelines.kernels import MISSING_DAY, CourseLimits
from kettrack.vocabulary.days import COMPLETE_LOG_DAYS
from kettrack.vocabulary.rules import CourseRules

COURSES: Final = ("induction", "maintenance", "re-induction")
CARE: Final = ("in_care", "stopped", "planned_end", "unknown")


def derive_courses(
    sessions: pd.DataFrame, rules: CourseRules | None = None
) -> pd.DataFrame:
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
        `patient_id` `day` `order` `session_number` (1, 2, ... in the patient) `course` (category)
        `course_number` (1, 2, ... in the patient) `number_in_course` (1, 2, ... of its sessions)
        `gap_days` (days since the session before; missing at the first).

    Examples
    --------
    >>> days = [0, 3, 7, 10, 31, 59, 100, 103, 107]
    >>> sessions = pd.DataFrame({"patient_id": "A", "day": days, "order": 1})
    >>> derive_courses(sessions).course.value_counts(sort=False).to_dict()
    {'induction': 4, 'maintenance': 2, 're-induction': 3}
    """
    columns = ["patient_id", "day", "order"]
    out = sessions[columns].reset_index(drop=True)
    patient = out["patient_id"]
    day = out["day"]
    # Rows are sorted by patient: one begins where the name differs from the row before.
    first = (patient != patient.shift()).to_numpy(bool)
    offsets = np.append(np.flatnonzero(first), len(out))
    n_sessions = np.diff(offsets)
    begin = np.repeat(offsets[:-1], n_sessions)
    rules = rules or CourseRules()
    course, number, place = course_arrays(
        offsets,
        day.to_numpy(),
        rules,
    )
    out["session_number"] = np.arange(len(out)) - begin + 1
    out["course"] = category(course, COURSES)
    out["course_number"] = number
    out["number_in_course"] = place
    out["gap_days"] = day.diff().mask(first).astype("Int64")
    return out


def course_arrays(
    offsets: Array,
    day: Array,
    rules: CourseRules,
) -> tuple[Array, Array, Array]:
    """Course of each session as arrays: the path that millions of sessions take.

    Parameters
    ----------
    offsets : int64, shape (patients + 1,)
        Where each patient's sessions begin.
    day : int32, shape (sessions,)
        Rising within a patient.
    rules : CourseRules
        When a series is an induction.

    Returns
    -------
    course : int8, shape (sessions,)
        Position in `COURSES`.
    course_number, number_in_course : int32, shape (sessions,)
        1, 2, ... in the patient, and in the course.
    """
    limits = CourseLimits(
        rules.series_gap_days,
        rules.induction_sessions,
        rules.stretch_after_sessions,
        rules.stretch_gap_days,
        float(rules.stretch_factor),
        rules.reinduction_sessions,
        rules.reinduction_pause_days,
    )
    n_patients = len(offsets) - 1
    blocks = []
    # What a block needs on the way is never there for everybody at once.
    for begin in range(0, max(n_patients, 1), BLOCK):
        block = slice(begin, begin + BLOCK + 1)
        edges = offsets[block]
        first = edges[0]
        rows = slice(first, edges[-1])
        found = kernels.courses(edges - first, day[rows], limits)
        blocks.append(found)
    course, number, place = zip(*blocks, strict=True)
    return (
        np.concatenate(course),
        np.concatenate(number),
        np.concatenate(place),
    )


def first_courses(
    courses: pd.DataFrame,
    patients: pd.DataFrame,
) -> pd.DataFrame:
    """The first course of each patient, told from what was known at the time, never from what
    followed.

    With `planned_sessions` it is the planned number, as long as no pause is over
    `COMPLETE_LOG_DAYS`. Where no plan is recorded it is the run of sessions at most
    `series_gap_days` apart, up to `induction_sessions`. (The course labels of `derive_courses` also
    look at whether the pace slackens for good, which only the next sessions show.)

    Returns
    -------
    DataFrame
        By `patient_id`, in patient order: `length` (sessions), `end_day` (day of the last),
        `next_gap` (days to the session after it; missing without one), `as_planned` (whether the
        planned number was reached).
    """
    number = courses["session_number"].to_numpy()
    begins = np.flatnonzero(number == 1)
    n_sessions = np.diff(begins, append=len(number))
    whose = courses["patient_id"].iloc[begins]
    plan = patients.set_index("patient_id")["planned_sessions"]
    plan = plan.astype("Float64")
    planned = plan.reindex(whose).to_numpy(np.float64, na_value=np.nan)
    day = courses["day"].to_numpy()
    gap = np.diff(day, prepend=0)
    # There is no gap before a first session.
    gap[begins] = 0
    length = _first_lengths(gap, begins, n_sessions, planned)
    # the session after the last of the course
    following = begins + length
    last = length == n_sessions
    following[last] -= 1
    next_gap = gap[following].astype(np.int64)
    columns = {
        "length": length,
        "end_day": day[begins + length - 1],
        "next_gap": pd.arrays.IntegerArray(next_gap, last),
    }
    index = pd.Index(whose, name="patient_id")
    out = pd.DataFrame(columns, index=index).reindex(plan.index)
    as_planned = (out["length"] == plan).fillna(False)
    return out.assign(as_planned=as_planned.astype(bool))


def _first_lengths(
    gap: Array,
    begins: Array,
    n_sessions: Array,
    planned: Array,
) -> Array:
    """Sessions of each patient's first course.

    Parameters
    ----------
    gap : shape (sessions,)
        Days since the session before.
    begins, n_sessions, planned : shape (patients,)
        Where each patient's sessions begin, how many there are, and how many were planned; NaN =
        not known.
    """
    rules = CourseRules()
    unplanned = np.isnan(planned)
    longest = np.where(unplanned, rules.series_gap_days, COMPLETE_LOG_DAYS)
    most = np.where(unplanned, rules.induction_sessions, planned)
    too_long = gap > np.repeat(longest, n_sessions)
    n_too_long = np.cumsum(too_long)
    # From the first gap that is too long, every later session is outside.
    together = n_too_long == np.repeat(n_too_long[begins], n_sessions)
    # The sessions before that gap are the run; a plan may end it sooner.
    run = np.add.reduceat(together, begins, dtype=np.int64)
    return np.minimum(run, most).astype(np.int64)


def known_courses(
    first: pd.DataFrame,
    sessions: pd.DataFrame,
    patients: pd.DataFrame,
) -> pd.DataFrame:
    """How much of each first course the log is complete for.

    Parameters
    ----------
    first : DataFrame
        From `first_courses`.
    sessions, patients : DataFrame
        Of the cohort.

    Returns
    -------
    DataFrame
        By `patient_id`, in patient order: `length` of the first course; sessions `known`, with a
        log that is complete for `COMPLETE_LOG_DAYS` after them; whether care `goes_on` after the
        course.
    """
    observed = patients.set_index("patient_id")["observed_to_day"].astype("Float64")
    # without an end of the log no session is known: even day 0 is later than -1
    complete_to = (observed - COMPLETE_LOG_DAYS).fillna(-1)
    rows = sessions.set_index("patient_id")
    within = rows["day"] <= complete_to.reindex(rows.index)
    n_complete = within.groupby(level=0).sum()
    complete = n_complete.reindex(observed.index)
    length = first["length"]
    soon = (first["next_gap"] <= COMPLETE_LOG_DAYS).fillna(False)
    # complete sessions beyond the first course are none of it
    known = complete.clip(upper=length)
    out = {
        "length": length,
        "known": known.astype(np.int64),
        "goes_on": soon.astype(bool) | first["as_planned"],
    }
    return pd.DataFrame(out)


def care_status(
    first: pd.DataFrame,
    sessions: pd.DataFrame,
    patients: pd.DataFrame,
) -> pd.DataFrame:
    """Whether each patient's care goes on, has stopped, ended as planned, or cannot be told.

    One row per patient, in the order of `patients`. A stop is known at a recorded `stop_day`, or
    when the log is complete for `COMPLETE_LOG_DAYS` after the last session. A stop at the end of
    the first course, with the planned number of sessions given, is a planned end.

    Parameters
    ----------
    first : DataFrame
        From `first_courses`.
    sessions, patients : DataFrame
        Of the cohort.

    Returns
    -------
    DataFrame
        `patient_id` `n_sessions` `last_session_day` `care_status` (category) `stop_reason` (missing
        while in care).
    """
    by_patient = sessions.groupby("patient_id", sort=False)["day"]
    counts = by_patient.agg(["size", "max"]).reindex(patients["patient_id"])
    n_sessions = counts["size"].to_numpy()
    last = counts["max"].to_numpy()
    observed = days_or_missing(patients["observed_to_day"])
    stop = days_or_missing(patients["stop_day"])
    recorded = stop >= last  # a stop before a later session was not the end
    known = observed != MISSING_DAY
    # a missing end of the log is `MISSING_DAY`, far below every day
    complete = observed >= last + COMPLETE_LOG_DAYS
    over = recorded | (known & complete)
    in_first_course = n_sessions == first["length"].to_numpy()
    planned = over & in_first_course & first["as_planned"].to_numpy()
    # the first that applies
    cases = {"planned_end": planned, "stopped": over, "in_care": known}
    status = np.select(list(cases.values()), list(cases), "unknown")
    reason = patients["stop_reason"].where(over)
    return pd.DataFrame(
        {
            "patient_id": patients["patient_id"].to_numpy(),
            "n_sessions": n_sessions,
            "last_session_day": last,
            "care_status": pd.Categorical(status, categories=CARE),
            "stop_reason": reason.to_numpy(),
        }
    )
