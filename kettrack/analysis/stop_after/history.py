"""What was known of each patient on a day, and the score at the horizon: what "stop after k" is
weighted by and judged by; and whether the clinic's visits are regular.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.timelines.bucket import Array, scores_of
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.person_sessions import response_met
from kettrack.timelines.session_days import (
    SessionDays,
    best_known,
    known_scores,
    session_days,
)
from kettrack.timelines.states import is_assessment, meets
from kettrack.vocabulary.columns import DEATHS
from kettrack.vocabulary.days import (
    DAYS_IN_WEEK,
    HORIZON_DAYS,
    HORIZON_TOLERANCE_DAYS,
    SECOND_REMISSION_DAYS,
)

# columns of the history
LAST_SCORE: Final = 2
BASELINE_SCORE: Final = 6
# the last score and its square, which stands beside it
LAST_SCORES: Final = slice(LAST_SCORE, LAST_SCORE + 2)
# share of gaps between sessions that may be uneven, or have a score inside, in regular visits
MOST_IRREGULAR: Final = 0.10
# by which the share of weeks with a score may differ in the course and after it
LARGEST_SCORING_GAP: Final = 0.20


def take_days(
    days: SessionDays,
    kept: Array,
    day: Array | None = None,
) -> SessionDays:
    """Some of the days, at other dates where `day` is given."""
    part = SessionDays(
        patient=days.patient[kept],
        day=days.day[kept],
        number=days.number[kept],
        first_row=days.first_row[kept],
        sessions=days.sessions[kept],
    )
    if day is None:
        return part
    return replace(part, day=day)


def history(
    cohort: DerivedCohort,
    chosen: SessionDays,
    entry: Array,
    known_to: Array,
) -> Floats:
    """Session number, scores known by the end of a day, and what else decides: one row per entry
    and day.

    A response that was there and is lost is a reason of its own to come back, which no mean of
    scores shows: without it the contrast was .17 points too far from 0 in a simulated clinic that
    calls such people back.
    """
    on = take_days(chosen, entry, known_to)
    rows = scores_of(cohort.scores, cohort.instrument.name)
    timing = rows["timing"]
    scores = known_scores(
        timing,
        cohort.bucket,
        cohort.baselines,
        on,
    )
    baseline = scores["baseline"]
    best = best_known(
        cohort.bucket,
        cohort.baselines,
        on,
        cohort.instrument.sign,
    )
    # before the first score since session 1 the baseline is all that is known
    last = _or_baseline(scores["score"], baseline)
    previous = _or_baseline(scores["previous_score"], baseline)
    number = chosen.number[entry]
    who = chosen.patient[entry]
    side_effects_on = _side_effect_days(cohort)[who]
    zero = cohort.bucket.zero
    responded = response_met(
        cohort.criteria,
        best,
        baseline,
        zero,
    )
    responds = response_met(
        cohort.criteria,
        last,
        baseline,
        zero,
    )
    # squares are divided by 10, so that all columns are of like size and fits converge
    columns = [
        number,
        number**2 / 10,
        last,
        last**2 / 10,
        previous,
        scores["mean_score"],
        baseline,
        best,
        responded & ~responds,
        _with_adverse_event(cohort, chosen)[entry],
        side_effects_on <= known_to,
    ]
    return np.column_stack(columns).astype(np.float64)


def _or_baseline(score: Array, baseline: Array) -> Array:
    return np.where(
        np.isnan(score),
        baseline,
        score,
    )


def _with_adverse_event(cohort: DerivedCohort, chosen: SessionDays) -> Bools:
    """Whether an adverse event is recorded with a session of the day."""
    named = cohort.sessions["adverse_events"]
    adverse = named.notna() & (named != "none")
    first_row = session_days(cohort.bucket).first_row
    # sessions are sorted by patient and day: each stretch from one first row to the next is a day
    of_day = np.maximum.reduceat(adverse.to_numpy(bool), first_row)
    place = np.searchsorted(first_row, chosen.first_row)
    return np.asarray(of_day[place])


def _side_effect_days(cohort: DerivedCohort) -> Floats:
    """Day on which each patient's stop for side effects was recorded; infinite without one."""
    patients = cohort.patients
    day = patients["stop_day"].astype("Float64").to_numpy(float, na_value=np.inf)
    stopped = (patients["stop_reason"] == "side_effects").fillna(False)
    return np.where(
        stopped.to_numpy(bool),
        day,
        np.inf,
    )


def known_before_outcome(cohort: DerivedCohort, last: SessionDays) -> Floats:
    """Intercept, number of sessions, scores at the last session and just before the outcome
    window.
    """
    everybody = np.arange(len(last.day))
    eve = HORIZON_DAYS - HORIZON_TOLERANCE_DAYS - 1
    at_session = history(
        cohort,
        last,
        everybody,
        last.day,
    )
    before = history(
        cohort,
        last,
        everybody,
        np.full(len(everybody), eve),
    )
    intercept = np.ones(len(everybody))
    return np.column_stack([intercept, at_session, before[:, LAST_SCORES]])


def outcomes(cohort: DerivedCohort, patient: Array) -> tuple[Floats, Floats, Floats]:
    """Score nearest the horizon and its day, the earlier of two; day of the last score of all."""
    bucket = cohort.bucket
    rows = np.flatnonzero(bucket.score_known)
    who = bucket.score_patient[rows]
    day = bucket.score_day[rows].astype(np.int64)
    scored_to = np.full(bucket.n, np.nan)
    scored_to[who] = day  # of several the last is assigned last and stays
    distance = np.abs(day - HORIZON_DAYS)
    near = distance <= HORIZON_TOLERANCE_DAYS
    # by patient, distance and day; of two scores on a day the later row comes first
    order = np.lexsort((-rows[near], day[near], distance[near], who[near]))
    rows = rows[near][order]
    who = who[near][order]
    # the first row of each patient is the nearest
    first = np.flatnonzero(np.diff(who, prepend=-1))
    nearest = rows[first]
    score = np.full(bucket.n, np.nan)
    score[who[first]] = bucket.score[nearest]
    scored_on = np.full(bucket.n, np.nan)
    scored_on[who[first]] = bucket.score_day[nearest]
    return score[patient], scored_on[patient], scored_to[patient]


def remission_days(cohort: DerivedCohort) -> Floats:
    """Day of the score that shows remission again, at least `SECOND_REMISSION_DAYS` after another
    and with none outside remission between; infinite without one.

    Of the rule in force only the cut-off counts: that it must be seen twice is part of the
    strategy.
    """
    bucket = cohort.bucket
    out = np.full(bucket.n, np.inf)
    if why_no_remission(cohort):
        return out
    assessed = bucket.score_known & is_assessment(bucket, cohort.baselines)
    rows = np.flatnonzero(assessed)
    if not len(rows):
        return out
    remitted = meets(cohort.criteria.remission, {"score": bucket.score})[rows]
    who = bucket.score_patient[rows]
    day = bucket.score_day[rows].astype(np.int64)
    # A stretch in remission begins where the score before is another patient's, or no remission;
    # the running maximum of beginnings is the beginning of the stretch that a row is in.
    goes_on = remitted[:-1] & (who[1:] == who[:-1])
    begins = remitted & ~np.append(False, goes_on)
    row_of_begin = np.where(
        begins,
        np.arange(len(rows)),
        0,
    )
    since = day[np.maximum.accumulate(row_of_begin)]
    again = np.flatnonzero(remitted & (day - since >= SECOND_REMISSION_DAYS))
    from_the_back = again[
        ::-1
    ]  # so that the first of each patient is assigned last and stays
    out[who[from_the_back]] = day[from_the_back]
    return out


def why_no_remission(cohort: DerivedCohort) -> str:
    """Why the criteria in force cannot say that one score shows remission; empty where they can.

    The strategy is stated as a score that the clinic can see on the day, so a change from baseline
    is none.
    """
    rule = cohort.criteria.remission
    scale = cohort.instrument
    criteria = f"the criteria in force, {cohort.criteria.label},"
    if rule is None:
        return f"{criteria} define no remission on the {scale.name}."
    better = ("at most", "below") if scale.sign > 0 else ("at least", "above")
    predicate = rule.predicate
    if predicate.measure == "score" and predicate.operator in better:
        return ""
    return (
        f"{criteria} define remission as {predicate.words}, not as a score on the better side of a"
        " cut-off."
    )


def deaths(cohort: DerivedCohort) -> Bools:
    """Who died up to the end of the outcome window."""
    events = cohort.events
    fatal = events["event"].isin(DEATHS)
    in_time = events["day"] <= HORIZON_DAYS + HORIZON_TOLERANCE_DAYS
    ids = pd.Index(events.loc[fatal & in_time, "patient_id"])
    died = cohort.bucket.patient_id.get_indexer(ids)
    return np.isin(np.arange(cohort.bucket.n), died)


def why_irregular(
    cohort: DerivedCohort,
    patient: Array,
    days: Array,
) -> str:
    """In what visits are irregular, in words; empty where they are regular.

    Visits are regular where sessions are evenly spaced, none is decided by a score between two, and
    people are scored whoever attends.

    Parameters
    ----------
    patient : int64, shape (n,)
        Position in the cohort.
    days : float64, shape (n, most sessions)
        Session days of the course up to the horizon; missing beyond.
    """
    gaps = np.diff(days, axis=1)
    known = gaps[~np.isnan(gaps)]
    if not known.size:
        return ""
    uneven = np.abs(known - np.median(known)) > 1
    who, day = _scores_to_horizon(cohort, patient)
    in_care, after = _weeks_scored(
        who,
        day,
        np.nanmax(days, axis=1),
    )
    between = _gaps_scored(who, day, days)
    holds = {
        "sessions are unevenly spaced": float(uneven.mean()) > MOST_IRREGULAR,
        "scores are taken between sessions": between > MOST_IRREGULAR,
        # a missing share compares as false
        "scores depend on attendance": abs(in_care - after) > LARGEST_SCORING_GAP,
    }
    return ", ".join(words for words, true in holds.items() if true)


def _scores_to_horizon(cohort: DerivedCohort, patient: Array) -> tuple[Ints, Ints]:
    """Person, by place in `patient`, and day of each score after day 0 up to the horizon."""
    bucket = cohort.bucket
    place = np.full(bucket.n, -1)
    place[patient] = np.arange(len(patient))
    rows = np.flatnonzero(bucket.score_known)
    who = place[bucket.score_patient[rows]]
    day = bucket.score_day[rows].astype(np.int64)
    kept = (who >= 0) & (day > 0) & (day <= HORIZON_DAYS)
    return who[kept], day[kept]


def _weeks_scored(
    who: Array,
    day: Array,
    last_day: Array,
) -> tuple[float, float]:
    """Share of weeks with a score: of those wholly in the course, and of those begun after it;
    before the outcome window.
    """
    last_week_ends = HORIZON_DAYS - HORIZON_TOLERANCE_DAYS
    end = np.arange(
        DAYS_IN_WEEK,
        last_week_ends + 1,
        DAYS_IN_WEEK,
    )
    scored = np.zeros((len(last_day), HORIZON_DAYS // DAYS_IN_WEEK), dtype=bool)
    scored[who, (day - 1) // DAYS_IN_WEEK] = True
    weeks = scored[:, : len(end)]
    course_ends = last_day[:, None]
    in_course = weeks[end <= course_ends]
    # a week off, so that a score that belongs to the last session is not one of afterwards
    after = weeks[end - DAYS_IN_WEEK >= course_ends + DAYS_IN_WEEK]
    return _mean_or_missing(in_course), _mean_or_missing(after)


def _mean_or_missing(values: Array) -> float:
    return float(values.mean()) if values.size else float("nan")


def _gaps_scored(
    who: Array,
    day: Array,
    days: Array,
) -> float:
    """Share of gaps between two sessions of the course with a score on a day strictly inside."""
    theirs = days[who]
    # sessions before the day of the score: the number of the gap it lies in
    before = (theirs < day[:, None]).sum(axis=1)
    on_session = (theirs == day[:, None]).any(axis=1)
    sessions = (~np.isnan(days)).sum(axis=1)
    inside = ~on_session & (before > 0) & (before < sessions[who])
    # person and gap as one number
    gap = who[inside] * days.shape[1] + before[inside]
    n_gaps = int((sessions - 1).sum())
    return len(np.unique(gap)) / max(n_gaps, 1)
