"""How each patient left the first course: responded, stopped, not scored again, course completed,
or scored only later.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import require_log_end
from kettrack.errors import NotIdentified
from kettrack.timelines.bucket import Array
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import find_first_run
from kettrack.timelines.kernels import NO_ROW
from kettrack.timelines.states import measures, meets
from kettrack.vocabulary.criteria import TWICE_IN_60_DAYS
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.rules import CourseRules, Rule

# Places in this list, counted from 1, are the causes of the tables; 0 is the end of the log.
CAUSES: Final[tuple[str, ...]] = (
    "responded",
    "stopped",
    "not_scored",
    "completed",
    "scored_later",
)


def first_course_exits(cohort: DerivedCohort, event: str = "response") -> pd.DataFrame:
    """Session at which each patient left the first course, and why.

    Everyone who started with a rated baseline counts, scored afterwards or not. A session belongs
    to the count only when the log is complete for `COMPLETE_LOG_DAYS` after it, whatever followed:
    a recorded stop is known at once and going on only later, so anything else would count recent
    stops and leave out those who were recently going on.

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
        precedes a stop at the same session; `not_scored` has no score after the last session of the
        course; `scored_later` has one, but none within `late_after_days` and before a further
        session; `completed` reached the planned number, or paused and went on within
        `COMPLETE_LOG_DAYS`, without the event.

    Raises
    ------
    NotIdentified
        When the criteria have no such rule, nobody can be counted, or no log says to which day it
        is complete.
    """
    # Several questions and their groups ask for the same table.
    key = ("first course exits", event)
    return cohort.once(key, lambda: _find_exits(cohort, event)).copy(deep=False)


def _find_exits(cohort: DerivedCohort, event: str) -> pd.DataFrame:
    """The table of `first_course_exits`, made anew."""
    _require_countable(cohort, event)
    course = cohort.known_courses
    event_session = event_sessions(cohort, event)
    length = course["length"].to_numpy()
    last_scored = last_scored_sessions(cohort, length)
    again = scored_after(cohort, length)
    exits = _exit_rows(
        course,
        last_scored,
        again,
        event_session,
    )
    before = met_before(cohort, event)
    exits["step"] = exits["step"].where(~before, 0)
    return exits[cohort.rated].reset_index(drop=True)


def _require_countable(cohort: DerivedCohort, event: str) -> None:
    """Refuse, each time for its own reason, what cannot be counted."""
    require_rule(cohort, event)
    if not cohort.rated.any():
        raise NotIdentified(
            "nobody who started has a rated baseline. The ladder lists the reasons.",
            f"a score in the {BASELINE_WINDOW_DAYS} days before session 1.",
        )
    require_log_end(cohort)
    _require_courses(cohort)


def _require_courses(cohort: DerivedCohort) -> None:
    """Refuse where most first courses would be one session, only because sessions are far apart
    and no plan says how many belong together.
    """
    gap = CourseRules().series_gap_days
    begins = cohort.bucket.session_offsets[:-1]
    several = np.diff(cohort.bucket.session_offsets) > 1
    second = begins[several] + 1
    day = cohort.bucket.session_day
    apart = np.zeros(cohort.bucket.n, bool)
    apart[several] = day[second] - day[second - 1] > gap
    planned = cohort.patients["planned_sessions"].notna().to_numpy()
    counted = cohort.rated & several
    ended_so = counted & apart & ~planned
    if ended_so.sum() < FEWEST_PEOPLE or 2 * ended_so.sum() <= counted.sum():
        return
    raise NotIdentified(
        f"no course can be told: most people had their second session more than {gap} days after"
        " the first, and how many sessions were planned is not recorded. Without a plan, a pause"
        f" of more than {gap} days ends a course.",
        "planned_sessions for each patient, in patients.csv.",
    )


def require_rule(cohort: DerivedCohort, event: str) -> None:
    """Refuse where the criteria in force have no rule for the event.

    Raises
    ------
    NotIdentified
        Naming the criteria and the instrument.
    """
    if getattr(cohort.criteria, event) is None:
        raise NotIdentified(
            f"{cohort.criteria.label} has no rule for {event} on {cohort.instrument.name}.",
            "scores of an instrument with such a rule, or [criteria] of your own in kettrack.toml.",
        )


def event_sessions(cohort: DerivedCohort, event: str) -> Array:
    """Session to which each patient's first proven event in time belongs, in patient order;
    infinite without one.
    """
    first_scores = np.where(cohort.rated, cohort.baselines.first_assessment, NO_ROW)
    found = find_first_run(
        cohort.bucket,
        getattr(cohort.criteria, event),
        cohort.baselines.score,
        first_scores,
        cohort.alignment.days_since_session,
        cohort.criteria.late_after_days,
    )
    # The entry appended last stands for "no row", which -1 points to.
    to_date = np.append(cohort.alignment.sessions_to_date, 0)[found.row]
    # No session is infinite, so nobody without an event has responded.
    return np.where(found.proven, to_date, np.inf)


def met_before(cohort: DerivedCohort, event: str) -> Array:
    """Whether each patient's last score before session 1 already meets the rule; possible when the
    baseline is a mean or the worst.
    """
    bucket = cohort.bucket
    before = bucket.score_known & (cohort.alignment.sessions_to_date == 0)
    rows = np.flatnonzero(before)
    last = np.full(bucket.n, np.nan)
    # Rows rise by day within a patient: of several, the last is assigned last and stays.
    last[bucket.score_patient[rows]] = bucket.score[rows]
    values = measures(last, cohort.baselines.score, bucket.zero)
    return meets(getattr(cohort.criteria, event), values)


def last_scored_sessions(cohort: DerivedCohort, length: Array) -> Array:
    """Last session of each first course that is followed by a score in time; 0 without one."""
    bucket = cohort.bucket
    alignment = cohort.alignment
    to_date = alignment.sessions_to_date
    in_course = (to_date > 0) & (to_date <= length[bucket.score_patient])
    in_time = alignment.days_since_session <= cohort.criteria.late_after_days
    rows = np.flatnonzero(bucket.score_known & in_course & in_time)
    last = np.zeros(bucket.n, np.int64)
    # A plain assignment would keep one of a patient's rows; `maximum.at` keeps the largest.
    np.maximum.at(
        last,
        bucket.score_patient[rows],
        to_date[rows],
    )
    return last


def scored_after(cohort: DerivedCohort, length: Array) -> Array:
    """Whether anybody scored each patient again after so many sessions, however much later."""
    bucket = cohort.bucket
    later = cohort.alignment.sessions_to_date >= length[bucket.score_patient]
    return bucket.first_row(bucket.score_known & later) != NO_ROW


def _exit_rows(
    course: pd.DataFrame, last_scored: Array, again: Array, event_session: Array
) -> pd.DataFrame:
    """Combine length, known length, last scored session, whether anybody scored again, and event
    session into one exit per patient.
    """
    length = course["length"].to_numpy()
    known = course["known"].to_numpy()
    responded = event_session <= known
    over = (known == length) & ~responded
    # Nobody knows how these were at the end of the course; of some it is known later.
    unscored = over & (last_scored < length)
    completed = over & ~unscored & course["goes_on"].to_numpy()
    # The first test that holds decides, so the most specific stand first.
    tests = {
        "responded": responded,
        "scored_later": unscored & again,
        "not_scored": unscored,
        "completed": completed,
        "stopped": over,
    }
    places = [CAUSES.index(name) + 1 for name in tests]
    cause = np.select(list(tests.values()), places, 0)
    still_seen = np.minimum(last_scored, known)
    step = np.select(
        [responded, over],
        [event_session, length],
        still_seen,
    )
    columns = {
        "patient_id": course.index,
        "step": step.astype(np.int64),
        "cause": cause,
    }
    return pd.DataFrame(columns)


def require_confirmation(cohort: DerivedCohort) -> DerivedCohort:
    """The same cohort under the same rules, except that a response and a remission count only when
    a second score confirms them.
    """
    criteria = cohort.criteria
    confirmed = replace(
        criteria,
        name=f"{criteria.name}, confirmed twice",
        response=confirmed_rule(criteria.response),
        remission=confirmed_rule(criteria.remission),
    )
    return cohort.with_criteria(confirmed)


def confirmed_rule(rule: Rule | None) -> Rule | None:
    """The rule with a second score; a rule that asks for several scores stays as it is."""
    if rule is None or rule.run.count > 1:
        return rule
    return replace(rule, run=TWICE_IN_60_DAYS)


def counted_outcomes(cohort: DerivedCohort) -> pd.DataFrame:
    """Outcomes of everyone who started a first course with a rated baseline, scored afterwards or
    not, by `patient_id`.
    """
    return cohort.outcomes[cohort.rated].set_index("patient_id")
