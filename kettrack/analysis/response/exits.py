"""How each patient left the first course: responded, stopped, not scored, or course completed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.errors import NotIdentified
from kettrack.timelines.bucket import Array
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import find_run_in_time
from kettrack.timelines.kernels import NO_ROW
from kettrack.timelines.states import measures, meets
from kettrack.vocabulary.conventions import TWICE_IN_60_DAYS
from kettrack.vocabulary.rules import Rule

CAUSES: Final = ("responded", "stopped", "not_scored", "completed")
NOT_RATED: Final = ("no_baseline", "below_caseness")


def first_course_exits(cohort: DerivedCohort, event: str = "response") -> pd.DataFrame:
    """Session at which each patient left the first course, and why.

    Everyone who started with a rated baseline counts, scored afterwards or not. A session belongs
    to the count only when the log is complete for 60 days after it, whatever followed: a recorded
    stop is known at once and going on only later, so anything else would count recent stops and
    leave out those who were recently going on.

    Parameters
    ----------
    cohort : DerivedCohort
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
    key = ("first course exits", event)
    return cohort.once(key, lambda: _find_exits(cohort, event)).copy(deep=False)


def _find_exits(cohort: DerivedCohort, event: str) -> pd.DataFrame:
    _require(cohort, event)
    course = cohort.known_courses
    happened = _sessions_of(cohort, event)
    scored_to = _scored_to(cohort, course["length"].to_numpy())
    exits = _exits(course, scored_to, happened)
    before = _met_before(cohort, event)
    exits["step"] = exits["step"].where(~before, 0)
    return exits[cohort.rated].reset_index(drop=True)


def _sessions_of(cohort: DerivedCohort, event: str) -> Array:
    """Session to which each patient's first proven event in time belongs, in patient order;
    infinite without one.
    """
    found = find_run_in_time(
        cohort.bucket,
        getattr(cohort.criteria, event),
        cohort.baselines.score,
        np.where(cohort.rated, cohort.baselines.first_assessment, NO_ROW),
        cohort.alignment.days_since_session,
        cohort.criteria.late_after_days,
    )
    # The entry appended last stands for "no row", which -1 points to.
    to_date = np.append(cohort.alignment.sessions_to_date, 0)[found.row]
    return np.where(found.proven, to_date, np.inf)


def _require(cohort: DerivedCohort, event: str) -> None:
    """Refuse, each time for its own reason, what cannot be counted."""
    if getattr(cohort.criteria, event) is None:
        raise NotIdentified(
            f"{cohort.criteria.label} has no rule for {event} on {cohort.instrument.name}.",
            "another instrument.",
        )
    if not cohort.rated.any():
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


def _met_before(cohort: DerivedCohort, event: str) -> Array:
    """Whether each patient's last score before session 1 already meets the rule; possible when the
    baseline is a mean or the worst.
    """
    bucket = cohort.bucket
    before = bucket.score_known & (cohort.alignment.sessions_to_date == 0)
    rows = np.flatnonzero(before)
    last = np.full(bucket.n, np.nan)
    # Rows rise by day within a patient: of several, the last is assigned last and stays.
    last[bucket.score_patient[rows]] = bucket.score[rows]
    return meets(
        getattr(cohort.criteria, event), measures(last, cohort.baselines.score)
    )


def by_confirmed(cohort: DerivedCohort) -> DerivedCohort:
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


def counted_outcomes(cohort: DerivedCohort) -> pd.DataFrame:
    """Outcomes of everyone who started a first course with a rated baseline, scored afterwards or
    not, by `patient_id`.
    """
    return cohort.outcomes[cohort.rated].set_index("patient_id")


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


def _scored_to(cohort: DerivedCohort, length: Array) -> Array:
    """Last session of each first course that is followed by a score in time; 0 without one."""
    bucket = cohort.bucket
    to_date, since = cohort.alignment
    in_course = (to_date > 0) & (to_date <= length[bucket.score_patient])
    in_time = since <= cohort.criteria.late_after_days
    rows = np.flatnonzero(bucket.score_known & in_course & in_time)
    out = np.zeros(bucket.n, np.int64)
    np.maximum.at(out, bucket.score_patient[rows], to_date[rows])
    return out
