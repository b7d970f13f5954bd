"""How each patient left the first course: responded, stopped, not scored, or course completed."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.errors import NotIdentified
from kettrack.reading.cohort import Cohort
from kettrack.timelines.courses import STOP_AFTER_DAYS, derive_care, derive_courses
from kettrack.timelines.tables import log_reasons, outcomes_table, timeline_table

CAUSES: Final = ("responded", "stopped", "not_scored", "completed")
NOT_RATED: Final = ("no_baseline", "below_caseness")


def first_course_exits(cohort: Cohort, event: str = "response") -> pd.DataFrame:
    """Session at which each patient left the first course, and why.

    Everyone who started with a rated baseline counts, scored afterwards or not. A session belongs to the count only when the
    log is complete for 60 days after it, or a stop is recorded, so that going on and stopping are judged alike.

    Parameters
    ----------
    cohort : Cohort
        With `observed_to_day` or `stop_day`, else nothing can be told.
    event : {"response", "remission"}
        Which event counts as responding.

    Returns
    -------
    DataFrame
        One row per patient: `patient_id` `step` (session; 0 = never at risk: the log is too short, or nothing was scored yet)
        `cause` (0 = log ends while still in the course, else place in `CAUSES` from 1). An event precedes a stop at the same
        session; `not_scored` has no score within 14 days after the last session; `completed` went on to maintenance, or reached
        the planned number, without the event.

    Raises
    ------
    NotIdentified
        When no patient's log says to which day it is complete.
    """
    counted = counted_outcomes(cohort)
    course = _first_courses(cohort).reindex(counted.index)
    if (course["care_status"] == "unknown").all():
        raise NotIdentified(
            "nobody's log says to which day it is complete, so stopping cannot be told from going on.",
            "observed_to_day, or stop_day, for each patient in patients.csv.",
        )
    scored_to = _scored_to(cohort, course["length"])
    happened = counted[f"{event}_session"].astype("Float64").to_numpy(float, na_value=np.inf)
    happened[~counted[f"{event}_status"].isin(["single", "confirmed"])] = np.inf
    return _exits(course, scored_to.reindex(counted.index).fillna(0).to_numpy(), happened)


def counted_outcomes(cohort: Cohort) -> pd.DataFrame:
    """Outcomes of everyone who started a first course with a rated baseline, scored afterwards or not, by `patient_id`."""
    outcomes = outcomes_table(cohort)
    left_out = outcomes["exclusion_reason"].isin(NOT_RATED) | np.logical_or.reduce(list(log_reasons(cohort).values()))
    return outcomes[~left_out].set_index("patient_id")


def _exits(course: pd.DataFrame, scored_to: np.ndarray, happened: np.ndarray) -> pd.DataFrame:
    """Combine length, known length, last scored session and event session into one exit per patient."""
    length, known = course["length"].to_numpy(), course["known"].to_numpy()
    responded = happened <= known
    over = (known == length) & ~responded
    unscored = over & (scored_to < length)
    completed = over & ~unscored & course["goes_on"].to_numpy()
    cause = np.select([responded, unscored, completed, over], [1, 3, 4, 2], 0)
    step = np.select([responded, over], [happened, length], np.minimum(scored_to, known))
    return pd.DataFrame({"patient_id": course.index, "step": step.astype(np.int64), "cause": cause})


def _first_courses(cohort: Cohort) -> pd.DataFrame:
    """Per patient: sessions of the first course, how many have a complete log, and whether care goes on after them."""
    sessions = derive_courses(cohort.sessions).set_index("patient_id")
    first, care = sessions[sessions["course_number"] == 1], derive_care(cohort).set_index("patient_id")
    patients = cohort.patients.set_index("patient_id")
    length = first.groupby(level=0).size().reindex(patients.index)
    complete_to = patients["observed_to_day"].astype("Float64") - STOP_AFTER_DAYS
    complete = (first["day"] <= complete_to.reindex(first.index)).fillna(False)
    known = complete.groupby(level=0).sum().reindex(patients.index)
    pause = sessions[sessions["course_number"] == 2].groupby(level=0)["gap_days"].first().reindex(patients.index)
    as_planned = patients["planned_sessions"].astype("Float64") == length
    return pd.DataFrame(
        {
            "length": length,
            "known": known.mask(care["care_status"].isin(["stopped", "planned_end"]), length).astype(np.int64),
            "goes_on": (pause <= STOP_AFTER_DAYS).fillna(False).astype(bool) | as_planned.fillna(False).astype(bool),
            "care_status": care["care_status"],
        }
    )


def _scored_to(cohort: Cohort, length: pd.Series) -> pd.Series:
    """Last session of the first course that is followed by a score within 14 days, per patient."""
    line = timeline_table(cohort).dropna(subset=["score"])
    in_time = (line["days_since_session"] <= cohort.criteria.late_after_days).fillna(False).astype(bool)
    within = line["sessions_to_date"] <= line["patient_id"].map(length).astype("Float64").fillna(0)
    return line[in_time & within].groupby("patient_id")["sessions_to_date"].max()
