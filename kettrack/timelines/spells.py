"""Spells of response: from a score that shows it to the score that shows it lost, or to the last
one that could have.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

import numpy as np
import pandas as pd

from kettrack.timelines.bucket import (
    Array,
    Bucket,
    category,
    missing_to_na,
    values_at,
)
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import (
    STATUSES,
    EventRows,
    day_at,
    find_first_run,
    ratable,
)
from kettrack.timelines.kernels import ANY_DAY, MISSING_DAY, NO_ROW
from kettrack.timelines.state_events import illness_rows
from kettrack.timelines.states import is_assessment
from kettrack.vocabulary.rules import SESSIONS_WITHOUT_PLAN, Rule, Run

Origin = Literal["end_of_course", "first_response", "any_response"]
WHY_NOT: Final = (
    "prior_sessions",
    "placebo",
    "no_baseline",
    "below_caseness",
    "course_not_finished",
    "not_scored",
    "no_response",
)


def response_origins(
    cohort: DerivedCohort, origin: Origin = "end_of_course"
) -> pd.DataFrame:
    """The score from which each patient's response is watched, and the next session after it.

    `end_of_course`: the planned number of sessions of the first course, or
    `SESSIONS_WITHOUT_PLAN` where no plan is recorded; the score is the first within
    `Criteria.late_after_days` after that session, and before any other, that shows a response.
    `first_response`: the first proven response of the first course.
    `any_response`: the first proven response at any score after session 1, in whichever course and
    however late; the next session of all is then the retreatment.
    All are known on their day. "The last session of the induction" is not, since only the gap that
    follows tells which one it was: whoever lost the response early would have come back, and not
    count.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    origin : {"end_of_course", "first_response", "any_response"}
        Where time begins.

    Returns
    -------
    DataFrame
        One row per patient in patient order: `patient_id` `origin_row` (in the bucket's scores; -1
        = not watched) `origin_day` `sessions` (session number after which the next one is a
        retreatment) `retreated_day` (day of that one; missing without) `why_not` (first that
        applies of prior_sessions, placebo, no_baseline, below_caseness, course_not_finished,
        not_scored, no_response; missing for those watched).

    Raises
    ------
    NotIdentified
        When the rules in force define no response.
    """
    rule = cohort.response_rule
    bucket = cohort.bucket
    baseline = cohort.baselines.score
    case = ratable(cohort.baselines, cohort.criteria)
    sessions, finished = _course_ends(cohort, cohort.first_courses, origin)
    fits = _can_be_origin(cohort, sessions, origin)
    # A course that is not finished has no end to be watched from, whatever its scores say.
    start = np.where(finished, bucket.first_row(fits), NO_ROW)
    # A response to a course is told by a score in time; with every responder in, by any score.
    late = cohort.criteria.late_after_days
    within = ANY_DAY if origin == "any_response" else late
    event = find_first_run(
        bucket,
        rule,
        baseline,
        np.where(case, start, NO_ROW),
        cohort.alignment.days_since_session,
        within,
    )
    # Watched from the score that proves it: before that, a response that needs a second score could
    # not have been lost.
    watched = event.proven
    if origin == "any_response":
        sessions = values_at(cohort.alignment.sessions_to_date, event.proof_row, 0)
    else:
        watched = watched & _inside(cohort, event, sessions)
    # in the order of `WHY_NOT`
    faults = [
        *cohort.log_reasons.values(),
        np.isnan(baseline),
        ~case,
        ~finished,
        start == NO_ROW,
        ~watched,
    ]
    why_not = np.select(faults, range(len(WHY_NOT)), -1)
    row = np.where(why_not < 0, event.proof_row, NO_ROW)
    next_day = _session_day(bucket, sessions)
    next_day[row == NO_ROW] = MISSING_DAY
    return pd.DataFrame(
        {
            "patient_id": bucket.patient_id,
            "origin_row": row,
            "origin_day": missing_to_na(day_at(bucket, row)),
            "sessions": sessions,
            "retreated_day": missing_to_na(next_day),
            "why_not": category(why_not, WHY_NOT),
        }
    )


def _course_ends(
    cohort: DerivedCohort, course: pd.DataFrame, origin: Origin
) -> tuple[Array, Array]:
    """Number of the last session of each first course, and whether it was reached."""
    length = course["length"].to_numpy(np.int64)
    everybody = np.ones(length.size, bool)
    if origin == "first_response":
        return length, everybody
    if origin == "any_response":
        return np.diff(cohort.bucket.session_offsets), everybody
    recorded = cohort.patients["planned_sessions"].astype("Float64")
    plan = recorded.fillna(SESSIONS_WITHOUT_PLAN).to_numpy(np.int64)
    return plan, length >= plan


def _can_be_origin(
    cohort: DerivedCohort,
    sessions: Array,
    origin: Origin,
) -> Array:
    """Whether each known score can be the one a response is watched from: bool, shape (scores,)."""
    bucket = cohort.bucket
    to_date, since = cohort.alignment
    most = sessions[bucket.score_patient]
    least = most if origin == "end_of_course" else 1
    in_course = (to_date >= least) & (to_date <= most)
    assessed = is_assessment(bucket, cohort.baselines)
    known = bucket.score_known & assessed & in_course
    if origin == "any_response":
        return known
    return known & (since <= cohort.criteria.late_after_days)


def _inside(
    cohort: DerivedCohort,
    event: EventRows,
    sessions: Array,
) -> Array:
    """Whether the response began within the days after a session of the course and was proven
    before any later session.
    """
    to_date, since = cohort.alignment
    late = cohort.criteria.late_after_days
    # without a row the answer must be no: a day too late, and no session to speak of
    began = values_at(since, event.first_row, late + 1)
    to_proof = values_at(to_date, event.proof_row, 0)
    return (began <= late) & (to_proof <= sessions)


def _session_day(bucket: Bucket, sessions: Array) -> Array:
    """Day of the session after the given number, per patient; `MISSING_DAY` where there was
    none.
    """
    # session k of a patient stands k - 1 rows after the first, so the next one k rows after it
    place = bucket.session_offsets[:-1] + sessions
    there = place < bucket.session_offsets[1:]
    row = np.where(there, place, NO_ROW)
    return values_at(bucket.session_day, row, MISSING_DAY)


def single_score(rule: Rule) -> Rule:
    """The same rule where one score is enough."""
    return replace(rule, run=Run())


def loss_rows(
    cohort: DerivedCohort,
    origins: pd.DataFrame,
    rule: Rule,
    untreated: bool = False,
) -> pd.DataFrame:
    """When each watched response was lost, and until when it was known to hold.

    A score shows that a response held only if, had it been above the line, a later score could have
    confirmed that. So the last scores of a log are judged alike whatever they say: one above the
    line still waits, and counts for nothing; one below it must count for no more, or the curve
    would end too high. A loss that can no longer be confirmed ends the spell at the last score
    before it. Event rows that the rule names are losses by themselves, on their day, up to
    `Criteria.state_holds_days` after the last score.

    Parameters
    ----------
    cohort : DerivedCohort
        As given to `response_origins`.
    origins : DataFrame
        From `response_origins`.
    rule : Rule
        Such as `cohort.criteria.loss_of_response`, or `single_score` of it.
    untreated : bool
        Whether only what came before the next session is looked at.

    Returns
    -------
    DataFrame
        One row per patient watched, by `patient_id`: `origin_day` `retreated_day` as they came;
        `after_day` and `lost_day` (the loss lies in (after_day, lost_day]), `known_day` (of the
        score that proved it) and `status`; without a proven loss `held_to_day` (until when it is
        known to have held) and `waiting_day` (of a score above the line that still waits for the
        second, or waited in vain); `decided_to_day` (last score that could have shown a loss) and
        `scored_to_day` (last score), neither before the origin.
    """
    bucket = cohort.bucket
    if untreated:
        bucket = _before_next_session(cohort, origins)
    start = origins["origin_row"].to_numpy()
    event = find_first_run(bucket, rule, cohort.baselines.score, start)
    days = _loss_days(bucket, event, rule, origins["origin_day"])
    out = origins[["patient_id", "origin_day", "retreated_day"]].assign(
        **days, status=category(event.status, STATUSES)
    )
    whole = dict.fromkeys(["origin_day", "retreated_day", *days], "Int64")
    watched = out[start != NO_ROW].astype(whole)
    return _with_event_rows(watched.set_index("patient_id"), cohort, rule, untreated)


def _before_next_session(cohort: DerivedCohort, origins: pd.DataFrame) -> Bucket:
    """The bucket in which scores after the next session count as unknown."""
    bucket = cohort.bucket
    last_session = origins["sessions"].to_numpy()[bucket.score_patient]
    allowed = cohort.alignment.sessions_to_date <= last_session
    return replace(bucket, score_known=bucket.score_known & allowed)


def _loss_days(
    bucket: Bucket,
    event: EventRows,
    rule: Rule,
    origin_day: pd.Series,
) -> dict[str, Array]:
    """The days of `loss_rows` as scores show them, in its order; NaN where there is none."""
    origin = origin_day.astype("Float64").to_numpy(float, na_value=np.nan)
    decided = np.fmax(origin, last_decided(bucket, rule.run))
    scored_to = np.fmax(origin, last_decided(bucket, Run()))
    contrary = np.fmax(origin, days_of(bucket, event.after_row))
    # A row counts for a loss only when it is proven, for a wait only when it is not.
    seen = event.first_row != NO_ROW
    proven = event.proven
    waiting = seen & ~proven
    lost = np.where(proven, event.row, NO_ROW)
    known = np.where(proven, event.proof_row, NO_ROW)
    open_row = np.where(waiting, event.first_row, NO_ROW)
    held_to = np.where(waiting, np.fmin(decided, contrary), decided)
    return {
        "after_day": np.where(proven, contrary, np.nan),
        "lost_day": days_of(bucket, lost),
        "known_day": days_of(bucket, known),
        "held_to_day": held_to,
        "waiting_day": days_of(bucket, open_row),
        "decided_to_day": decided,
        "scored_to_day": scored_to,
    }


def _with_event_rows(
    rows: pd.DataFrame,
    cohort: DerivedCohort,
    rule: Rule,
    untreated: bool,
) -> pd.DataFrame:
    """Put an event row that is a loss by itself in the place of what scores show later, or not for
    certain.
    """
    named = illness_rows(cohort.events, rule)
    # Most rules name no entry, and most logs have none.
    if named.empty:
        return rows
    named = named.merge(rows.reset_index(), on="patient_id")
    day = named["day"]
    last = named["scored_to_day"] + cohort.criteria.state_holds_days
    lost = named["lost_day"]
    counts = (day > named["origin_day"]) & (day <= last)
    counts &= lost.isna() | (day < lost)
    if untreated:
        again = named["retreated_day"]
        counts &= again.isna() | (day <= again)
    first = named[counts].groupby("patient_id")["day"].min()
    # the type of the columns it is written into
    first = first.astype("Int64")
    out = rows.copy()
    who = first.index
    out.loc[who, "after_day"] = first - 1
    out.loc[who, "lost_day"] = first
    out.loc[who, "known_day"] = first
    # the entry itself decides, and shows how the patient was on its day
    for name in ("decided_to_day", "scored_to_day"):
        out.loc[who, name] = np.maximum(out.loc[who, name], first)
    out.loc[who, "status"] = "single"
    out.loc[who, "waiting_day"] = pd.NA
    return out


def days_of(bucket: Bucket, row: Array) -> Array:
    """Day of each patient's row as float; NaN without one."""
    return values_at(bucket.score_day, row)


def last_decided(bucket: Bucket, run: Run) -> Array:
    """Day of each patient's last score that later scores could have confirmed as the first of a
    run; NaN without one.

    With a run of one this is the last score.
    """
    # Patients side by side on one line, so far apart that no gap reaches across.
    known = bucket.score_known
    patient = bucket.score_patient[known]
    day = bucket.score_day[known]
    days = bucket.score_day
    width = int(np.ptp(days)) + 1 if days.size else 1
    reach = min(run.max_gap, width)
    # twice the width: from the last day of one patient no gap reaches the first of the next
    key = patient * (2 * width) + day
    chosen = np.ones(len(key), dtype=bool)
    for _ in range(run.count - 1):
        # a later score that is decided itself, within the gaps of the run
        decided = key[chosen]
        begin = np.searchsorted(decided, key + run.min_gap, "left")
        end = np.searchsorted(decided, key + reach, "right")
        chosen = begin < end
    out = np.full(bucket.n, np.nan)
    # `fmax.at` keeps the latest of several days of a patient, and any day before NaN
    np.fmax.at(out, patient[chosen], day[chosen].astype(float))
    return out
