"""How each patient left the first course: responded, stopped, not scored, or course completed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.errors import NotIdentified
from kettrack.reading.cohort import Cohort
from kettrack.timelines._kernels import NO_ROW
from kettrack.timelines.alignment import align_scores
from kettrack.timelines.bucket import bucket_of
from kettrack.timelines.courses import STOP_AFTER_DAYS, first_courses
from kettrack.timelines.events import find_baselines, find_run_in_time, ratable
from kettrack.timelines.kept import kept
from kettrack.timelines.states import meets
from kettrack.timelines.tables import log_reasons, outcomes_table, timeline_table
from kettrack.vocabulary.conventions import TWICE_IN_60_DAYS
from kettrack.vocabulary.rules import Rule

CAUSES: Final = ("responded", "stopped", "not_scored", "completed")
NOT_RATED: Final = ("no_baseline", "below_caseness")


@kept("sessions", "scores", "patients", "events", "settings")
def first_course_exits(cohort: Cohort, event: str = "response") -> pd.DataFrame:
    """Session at which each patient left the first course, and why.

    Everyone who started with a rated baseline counts, scored afterwards or not. A session belongs
    to the count only when the log is complete for 60 days after it, whatever followed: a recorded
    stop is known at once and going on only later, so anything else would count recent stops and
    leave out those who were recently going on.

    Parameters
    ----------
    cohort : Cohort
        With `observed_to_day`; patients without it are never at risk.
    event : {"response", "remission"}
        Which event counts as responding.

    Returns
    -------
    DataFrame
        One row per patient: `patient_id` `step` (session; 0 = never at risk: the log is too short,
        its end unknown, nothing was scored yet, or the rule was already met before session 1)
        `cause` (0 = log ends while still in the course, else place in `CAUSES` from 1). An event
        precedes a stop at the same session; `not_scored` has no score within 14 days after the last
        session; `completed` reached the planned number, or paused and went on within 60 days,
        without the event.

    Raises
    ------
    NotIdentified
        When the criteria have no such rule, nobody can be counted, or no log says to which day it
        is complete.
    """
    counted = counted_outcomes(cohort)
    _require(cohort, counted, event)
    course = known_courses(cohort).reindex(counted.index)
    scored_to = (
        _scored_to(cohort, course["length"]).reindex(counted.index).fillna(0).to_numpy()
    )
    happened = _sessions_of(cohort, event).reindex(counted.index).to_numpy(float)
    before = counted.index.isin(_met_before(cohort, event))
    return _exits(course, scored_to, happened).assign(
        step=lambda rows: rows["step"].where(~before, 0)
    )


def _sessions_of(cohort: Cohort, event: str) -> pd.Series:
    """Session to which each patient's first proven event in time belongs, by `patient_id`; infinite
    without one.
    """
    bucket = bucket_of(cohort)
    criteria = cohort.criteria
    base = find_baselines(bucket, cohort.settings.baseline, cohort.instrument.sign)
    start = np.where(ratable(base, criteria), base.first_assessment, NO_ROW)
    found = find_run_in_time(
        bucket, getattr(criteria, event), base.score, start, criteria.late_after_days
    )
    to_date = np.append(align_scores(bucket)[0], 0)[found.row]
    return pd.Series(np.where(found.proven, to_date, np.inf), index=bucket.patient_id)


def _require(cohort: Cohort, counted: pd.DataFrame, event: str) -> None:
    """Refuse, each time for its own reason, what cannot be counted."""
    if getattr(cohort.criteria, event) is None:
        raise NotIdentified(
            f"{cohort.criteria.label} has no rule for {event} on {cohort.instrument.name}.",
            "another instrument.",
        )
    if counted.empty:
        raise NotIdentified(
            "nobody who started has a rated baseline (see the ladder for the reasons).",
            "a score in the 30 days before session 1.",
        )
    if cohort.patients["observed_to_day"].isna().all():
        raise NotIdentified(
            "nobody's log says to which day it is complete, so stopping cannot be told from"
            " going on.",
            "observed_to_day for each patient in patients.csv.",
        )


def _met_before(cohort: Cohort, event: str) -> pd.Index:
    """Patients whose last score before session 1 already meets the rule; possible when the baseline
    is a mean or the worst.
    """
    rule = getattr(cohort.criteria, event)
    line = timeline_table(cohort)
    before = (
        line[(line["sessions_to_date"] == 0) & line["score"].notna()]
        .groupby("patient_id")
        .last()
    )
    change = before["score"] - before["baseline"]
    percent = 100 * change / before["baseline"].where(before["baseline"] != 0)
    measures = {
        "score": before["score"].to_numpy(),
        "change": change.to_numpy(),
        "percent_change": percent.to_numpy(),
    }
    return before.index[meets(rule, measures)]


def by_confirmed(cohort: Cohort) -> Cohort:
    """The same cohort under the same rules, a response and a remission asking for a second score
    7-60 days later.
    """
    criteria = cohort.criteria
    response = _twice(criteria.response)
    remission = _twice(criteria.remission)
    return cohort.with_criteria(
        replace(
            criteria,
            name=f"{criteria.name}, confirmed twice",
            response=response,
            remission=remission,
        )
    )


def _twice(rule: Rule | None) -> Rule | None:
    return (
        rule
        if rule is None or rule.run.count > 1
        else replace(rule, run=TWICE_IN_60_DAYS)
    )


def counted_outcomes(cohort: Cohort) -> pd.DataFrame:
    """Outcomes of everyone who started a first course with a rated baseline, scored afterwards or
    not, by `patient_id`.
    """
    outcomes = outcomes_table(cohort)
    left_out = outcomes["exclusion_reason"].isin(NOT_RATED) | np.logical_or.reduce(
        list(log_reasons(cohort).values())
    )
    return outcomes[~left_out].set_index("patient_id")


def _exits(
    course: pd.DataFrame, scored_to: np.ndarray, happened: np.ndarray
) -> pd.DataFrame:
    """Combine length, known length, last scored session and event session into one exit per
    patient.
    """
    length = course["length"].to_numpy()
    known = course["known"].to_numpy()
    responded = happened <= known
    over = (known == length) & ~responded
    unscored = over & (scored_to < length)
    completed = over & ~unscored & course["goes_on"].to_numpy()
    cause = np.select([responded, unscored, completed, over], [1, 3, 4, 2], 0)
    step = np.select(
        [responded, over], [happened, length], np.minimum(scored_to, known)
    )
    return pd.DataFrame(
        {"patient_id": course.index, "step": step.astype(np.int64), "cause": cause}
    )


def known_courses(cohort: Cohort) -> pd.DataFrame:
    """By patient: `length` of the first course, sessions `known` with a complete log, whether care
    `goes_on` after it.
    """
    first = first_courses(cohort)
    patients = cohort.patients.set_index("patient_id")
    complete_to = (
        patients["observed_to_day"].astype("Float64") - STOP_AFTER_DAYS
    ).fillna(-1)
    sessions = cohort.sessions.set_index("patient_id")
    complete = (
        (sessions["day"] <= complete_to.reindex(sessions.index))
        .groupby(level=0)
        .sum()
        .reindex(patients.index)
    )
    goes_on = (first["next_gap"] <= STOP_AFTER_DAYS).fillna(False).astype(bool) | first[
        "as_planned"
    ]
    return pd.DataFrame(
        {
            "length": first["length"],
            "known": complete.clip(upper=first["length"]),
            "goes_on": goes_on,
        }
    ).astype({"known": np.int64})


def _scored_to(cohort: Cohort, length: pd.Series) -> pd.Series:
    """Last session of the first course that is followed by a score within 14 days, per patient."""
    line = timeline_table(cohort).dropna(subset=["score"])
    in_time = (
        (line["days_since_session"] <= cohort.criteria.late_after_days)
        .fillna(False)
        .astype(bool)
    )
    within = line["sessions_to_date"] <= line["patient_id"].map(length).astype(
        "Float64"
    ).fillna(0)
    return line[in_time & within].groupby("patient_id")["sessions_to_date"].max()
