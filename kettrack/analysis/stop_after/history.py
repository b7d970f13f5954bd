"""What was known of each patient on a day, and the score at the horizon: what "stop after k" is
weighted by and judged by.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.timelines.bucket import Array, Bucket, scores_of
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import Baselines
from kettrack.timelines.person_sessions import response_met
from kettrack.timelines.session_days import (
    SessionDays,
    best_known,
    known_scores,
    session_days,
)
from kettrack.timelines.states import is_assessment, meets

HORIZON: Final = 84  # day of the outcome
WINDOW: Final = 7  # days by which the score may miss it
# columns of the history; the square of the last score stands beside it
LAST = 2
BASELINE = 6
SCORES = slice(LAST, LAST + 2)


@dataclass(frozen=True, slots=True)
class Log:
    """A cohort with its scores and sessions as arrays, and the baselines."""

    cohort: DerivedCohort
    bucket: Bucket
    baselines: Baselines


def take_days(days: SessionDays, kept: Array, day: Array | None = None) -> SessionDays:
    """Some of the days, at other dates where `day` is given."""
    part = SessionDays(
        days.patient[kept],
        days.day[kept],
        days.number[kept],
        days.first_row[kept],
        days.sessions[kept],
    )
    return part if day is None else replace(part, day=day)


def history(log: Log, chosen: SessionDays, entry: Array, known_to: Array) -> Array:
    """Session number, scores known by the end of a day, and what else decides: one row per entry
    and day.

    A response that was there and is lost is a reason of its own to come back, which no mean of
    scores shows: without it the contrast was .17 points too far from 0 in a simulated clinic that
    calls such people back.
    """
    on = take_days(chosen, entry, known_to)
    instrument = log.cohort.instrument.name
    timing = scores_of(log.cohort.scores, instrument)["timing"]
    scores = known_scores(timing, log.bucket, log.baselines, on)
    baseline = scores["baseline"]
    best = best_known(log.bucket, log.baselines, on, log.cohort.instrument.sign)
    last, previous = (
        np.where(np.isnan(scores[name]), baseline, scores[name])
        for name in ("score", "previous_score")
    )
    number = chosen.number[entry]
    harmed = _harmed(log, chosen)[entry]
    told = _told_of_side_effects(log.cohort)[chosen.patient[entry]] <= known_to
    lost = response_met(log.cohort.criteria, best, baseline) & ~response_met(
        log.cohort.criteria, last, baseline
    )
    return np.column_stack(
        [
            number,
            number**2 / 10,
            last,
            last**2 / 10,
            previous,
            scores["mean_score"],
            baseline,
            best,
            lost,
            harmed,
            told,
        ]
    ).astype(np.float64)


def _harmed(log: Log, chosen: SessionDays) -> Array:
    """Whether an adverse event is recorded with a session of the day."""
    named = log.cohort.sessions["adverse_events"]
    first_row = session_days(log.bucket).first_row
    adverse = np.maximum.reduceat(
        (named.notna() & (named != "none")).to_numpy(bool), first_row
    )
    return np.asarray(adverse[np.searchsorted(first_row, chosen.first_row)])


def _told_of_side_effects(cohort: DerivedCohort) -> Array:
    """Day on which each patient's stop for side effects was recorded; infinite without one."""
    day = cohort.patients["stop_day"].astype("Float64").to_numpy(float, na_value=np.inf)
    return np.where(
        (cohort.patients["stop_reason"] == "side_effects").fillna(False).to_numpy(bool),
        day,
        np.inf,
    )


def known_before_outcome(log: Log, last: SessionDays) -> Array:
    """Intercept, number of sessions, scores at the last session and just before the outcome
    window.
    """
    there = np.arange(len(last.day))
    before = history(log, last, there, np.full(len(there), HORIZON - WINDOW - 1))
    return np.column_stack(
        [np.ones(len(there)), history(log, last, there, last.day), before[:, SCORES]]
    )


def outcomes(log: Log, patient: Array) -> tuple[Array, Array, Array]:
    """Score nearest the horizon and its day, the earlier of two; day of the last score of all."""
    bucket = log.bucket
    rows = np.flatnonzero(bucket.score_known)
    who = bucket.score_patient[rows]
    day = bucket.score_day[rows].astype(np.int64)
    scored_to = np.full(bucket.n, np.nan)
    scored_to[who] = day  # of several the last is assigned last and stays
    near = np.abs(day - HORIZON) <= WINDOW
    order = np.lexsort((-rows[near], day[near], np.abs(day[near] - HORIZON), who[near]))
    rows = rows[near][order]
    who = who[near][order]
    first = np.flatnonzero(np.diff(who, prepend=-1))
    score = np.full(bucket.n, np.nan)
    on = np.full(bucket.n, np.nan)
    score[who[first]], on[who[first]] = (
        bucket.score[rows[first]],
        bucket.score_day[rows[first]],
    )
    return score[patient], on[patient], scored_to[patient]


def remission_days(log: Log) -> Array:
    """Day of the score that, at least 7 days after another and with none above the line between,
    shows remission again.

    Of the rule in force only the cut counts: that it must be seen twice is part of the strategy.
    """
    bucket = log.bucket
    out = np.full(bucket.n, np.inf)
    if why_no_remission(log.cohort):
        return out
    rows = np.flatnonzero(bucket.score_known & is_assessment(bucket, log.baselines))
    low = meets(log.cohort.criteria.remission, {"score": bucket.score})[rows]
    who = bucket.score_patient[rows]
    day = bucket.score_day[rows].astype(np.int64)
    begins = low & ~np.append(False, low[:-1] & (who[1:] == who[:-1]))
    since = (
        day[np.maximum.accumulate(np.where(begins, np.arange(len(rows)), 0))]
        if len(rows)
        else day
    )
    again = np.flatnonzero(low & (day - since >= WINDOW))[::-1]
    out[who[again]] = day[again]  # from the back, so that the first stays
    return out


def why_no_remission(cohort: DerivedCohort) -> str:
    """Why the criteria in force cannot say that one score shows remission; empty where they can.

    The strategy is stated as a score that the clinic can see on the day, so a change from baseline
    is none.
    """
    rule = cohort.criteria.remission
    criteria = cohort.criteria.label
    if rule is None:
        return (
            f"the criteria in force, {criteria}, define no remission on the"
            f" {cohort.instrument.name}."
        )
    better = (
        ("at most", "below") if cohort.instrument.sign > 0 else ("at least", "above")
    )
    if rule.predicate.measure != "score" or rule.predicate.operator not in better:
        which = (
            f"the criteria in force, {criteria}, define remission as {rule.predicate}"
        )
        return f"{which}, not as a score on the better side of a cut."
    return ""


def deaths(log: Log) -> Array:
    """Who died up to the end of the outcome window."""
    events = log.cohort.events
    rows = events[
        events["event"].isin(("death", "suicide")) & (events["day"] <= HORIZON + WINDOW)
    ]
    return np.isin(
        np.arange(log.bucket.n),
        log.bucket.patient_id.get_indexer(pd.Index(rows["patient_id"])),
    )
