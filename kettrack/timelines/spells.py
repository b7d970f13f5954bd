"""Spells of response: from a score that shows it to the score that shows it lost, or to the last
one that could have.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

import numpy as np
import pandas as pd

from kettrack.errors import NotIdentified
from kettrack.timelines.bucket import Array, Bucket, category, missing_to_na
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import (
    STATUSES,
    EventRows,
    day_at,
    find_first_run,
    ratable,
)
from kettrack.timelines.kernels import MISSING_DAY, NO_ROW
from kettrack.vocabulary.rules import SESSIONS_WITHOUT_PLAN, Rule, Run

Origin = Literal["end_of_course", "first_response"]
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

    `end_of_course`: the planned number of sessions of the first course, or its session 6 where no
    plan is recorded; the score is the first within 14 days after that session, and before any
    other, that shows a response. `first_response`: the first proven response of the first course.
    Both are known on their day. "The last session of the induction" is not, since only the gap that
    follows tells which one it was: whoever lost the response early would have come back, and not
    count.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    origin : {"end_of_course", "first_response"}
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
    if cohort.criteria.response is None:
        raise NotIdentified(
            f"the rules in force define no response on {cohort.instrument.name}.",
            "scores of an instrument with a response rule, or [criteria] of your own in"
            " kettrack.toml.",
        )
    bucket = cohort.bucket
    course = cohort.first_courses
    base = cohort.baselines
    sessions, finished = _course_ends(cohort, course, origin)
    late = cohort.criteria.late_after_days
    fits = _can_be_origin(cohort, sessions, origin)
    start = _first_row(bucket, fits)
    start = np.where(finished, start, NO_ROW)
    at_risk = np.where(ratable(base, cohort.criteria), start, NO_ROW)
    event = find_first_run(
        bucket,
        cohort.criteria.response,
        base.score,
        at_risk,
        cohort.alignment.days_since_session,
        late,
    )
    # Watched from the score that proves it: before that, a response that needs a second score could
    # not have been lost.
    watched = event.proven & _inside(cohort, event, sessions)
    log = cohort.log_reasons
    faults = [
        *log.values(),
        np.isnan(base.score),
        ~ratable(base, cohort.criteria),
        ~finished,
        start == NO_ROW,
        ~watched,
    ]
    why_not = np.select(
        faults, [np.int8(place) for place in range(len(WHY_NOT))], np.int8(-1)
    )
    row = np.where(why_not < 0, event.proof_row, NO_ROW)
    return pd.DataFrame(
        {
            "patient_id": bucket.patient_id,
            "origin_row": row,
            "origin_day": missing_to_na(day_at(bucket, row)),
            "sessions": sessions,
            "retreated_day": missing_to_na(
                np.where(row == NO_ROW, MISSING_DAY, _session_day(bucket, sessions))
            ),
            "why_not": category(why_not, WHY_NOT),
        }
    )


def _course_ends(
    cohort: DerivedCohort, course: pd.DataFrame, origin: Origin
) -> tuple[Array, Array]:
    """Number of the last session of each first course, and whether it was reached."""
    length = course["length"].to_numpy(np.int64)
    if origin == "first_response":
        return length, np.ones(length.size, bool)
    plan = (
        cohort.patients["planned_sessions"]
        .astype("Float64")
        .fillna(SESSIONS_WITHOUT_PLAN)
        .to_numpy(np.int64)
    )
    return plan, length >= plan


def _can_be_origin(cohort: DerivedCohort, sessions: Array, origin: Origin) -> Array:
    """Whether each known score can be the one a response is watched from: bool, shape (scores,)."""
    bucket = cohort.bucket
    to_date, since = cohort.alignment
    patient = bucket.score_patient
    rows = np.arange(bucket.score.size)
    least = sessions[patient] if origin == "end_of_course" else 1
    in_course = (to_date >= least) & (to_date <= sessions[patient])
    in_time = since <= cohort.criteria.late_after_days
    assessed = rows >= cohort.baselines.first_assessment[patient]
    return bucket.score_known & assessed & in_course & in_time


def _first_row(bucket: Bucket, chosen: Array) -> Array:
    """First chosen score row of each patient; `NO_ROW` without one."""
    out = np.full(bucket.n, NO_ROW, np.int64)
    rows = np.flatnonzero(chosen)
    there, where = np.unique(bucket.score_patient[rows], return_index=True)
    out[there] = rows[where]
    return out


def _inside(cohort: DerivedCohort, event: EventRows, sessions: Array) -> Array:
    """Whether the response began within the days after a session of the course and was proven
    before any later session.
    """
    to_date, since = cohort.alignment
    late = cohort.criteria.late_after_days
    # The entry appended last stands for "no row", which -1 points to.
    in_time = np.append(since, late + 1)[event.first_row] <= late
    return in_time & (np.append(to_date, 0)[event.proof_row] <= sessions)


def _session_day(bucket: Bucket, sessions: Array) -> Array:
    """Day of the session after the given number, per patient; `MISSING_DAY` where there was
    none.
    """
    place = bucket.session_offsets[:-1] + sessions
    there = place < bucket.session_offsets[1:]
    return np.where(
        there,
        np.append(bucket.session_day, MISSING_DAY)[np.where(there, place, -1)],
        MISSING_DAY,
    )


def single_score(rule: Rule) -> Rule:
    """The same rule where one score is enough."""
    return replace(rule, run=Run())


def loss_rows(
    cohort: DerivedCohort, origins: pd.DataFrame, rule: Rule, untreated: bool = False
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
        allowed = (
            cohort.alignment.sessions_to_date
            <= origins["sessions"].to_numpy()[bucket.score_patient]
        )
        bucket = replace(bucket, score_known=bucket.score_known & allowed)
    base = cohort.baselines
    event = find_first_run(bucket, rule, base.score, origins["origin_row"].to_numpy())
    origin = origins["origin_day"].astype("Float64").to_numpy(float, na_value=np.nan)
    decided = np.fmax(origin, last_decided(bucket, rule.run))
    contrary = np.fmax(origin, days_of(bucket, event.after_row))
    waiting = (event.first_row != NO_ROW) & ~event.proven
    out = origins[["patient_id", "origin_day", "retreated_day"]].assign(
        after_day=np.where(event.proven, contrary, np.nan),
        lost_day=np.where(event.proven, days_of(bucket, event.row), np.nan),
        known_day=np.where(event.proven, days_of(bucket, event.proof_row), np.nan),
        status=category(event.status, STATUSES),
        held_to_day=np.where(waiting, np.fmin(decided, contrary), decided),
        waiting_day=np.where(waiting, days_of(bucket, event.first_row), np.nan),
        decided_to_day=decided,
        scored_to_day=np.fmax(origin, last_decided(bucket, Run())),
    )
    days = [name for name in out.columns if str(name).endswith("_day")]
    watched = (
        out[origins["origin_row"] != NO_ROW]
        .astype(dict.fromkeys(days, "Int64"))
        .set_index("patient_id")
    )
    return _with_event_rows(watched, cohort, rule, untreated)


def _with_event_rows(
    rows: pd.DataFrame, cohort: DerivedCohort, rule: Rule, untreated: bool
) -> pd.DataFrame:
    """Put an event row that is a loss by itself in the place of what scores show later, or not for
    certain.
    """
    named = cohort.events[cohort.events["event"].isin(rule.event_rows)]
    named = named[
        ~((named["event"] == "hospitalisation") & (named["detail"] == "medical"))
    ]
    named = named.merge(rows.reset_index(), on="patient_id")
    last = named["scored_to_day"] + cohort.criteria.state_holds_days
    counts = (named["day"] > named["origin_day"]) & (named["day"] <= last)
    counts &= named["lost_day"].isna() | (named["day"] < named["lost_day"])
    if untreated:
        counts &= named["retreated_day"].isna() | (
            named["day"] <= named["retreated_day"]
        )
    first = named[counts].groupby("patient_id")["day"].min().astype("Int64")
    out = rows.copy()
    who = first.index
    for name, day in (
        ("after_day", first - 1),
        ("lost_day", first),
        ("known_day", first),
        ("decided_to_day", first),
    ):
        out.loc[who, name] = (
            day if name != "decided_to_day" else np.maximum(out.loc[who, name], day)
        )
    out.loc[who, "scored_to_day"] = np.maximum(out.loc[who, "scored_to_day"], first)
    out.loc[who, "status"] = "single"
    out.loc[who, "waiting_day"] = pd.NA
    return out


def days_of(bucket: Bucket, row: Array) -> Array:
    """Day of each patient's row as float; NaN without one."""
    return np.append(bucket.score_day.astype(float), np.nan)[row]


def last_decided(bucket: Bucket, run: Run) -> Array:
    """Day of each patient's last score that later scores could have confirmed as the first of a
    run; NaN without one.

    With a run of one this is the last score.
    """
    # Patients side by side on one line, so far apart that no gap reaches across.
    width = np.int64(np.ptp(bucket.score_day) if bucket.score_day.size else 0) + 1
    reach = np.int64(min(run.max_gap, int(width)))
    key = bucket.score_patient * (2 * width) + bucket.score_day
    key = key[bucket.score_known]
    patient = bucket.score_patient[bucket.score_known]
    day = bucket.score_day[bucket.score_known]
    decided = key
    for _ in range(run.count - 1):
        later = (
            np.searchsorted(decided, key + run.min_gap, "left"),
            np.searchsorted(decided, key + reach, "right"),
        )
        chosen = later[0] < later[1]
        decided = key[chosen]
    out = np.full(bucket.n, np.nan)
    chosen = np.isin(key, decided)
    np.fmax.at(out, patient[chosen], day[chosen].astype(float))
    return out
