"""Second opinion on "stop after k": the parametric g-formula on weeks, shown only where it can tell
what did happen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from kettrack.analysis.stop_after.rows import StopData
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.g_formula import (
    WeekModels,
    fit_weeks,
    largest_miss,
    simulate_weeks,
)
from kettrack.estimators.causal.weekly_history import Weeks
from kettrack.estimators.intervals import patient_weights, percentile_interval
from kettrack.timelines.bucket import Array
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.session_days import SessionDays, session_days
from kettrack.timelines.states import is_assessment

REPLICATES: Final = 200
NEAR: Final = 3  # days by which a score may miss the end of its week
# points by which the simulated natural course may miss the observed mean of a week
TOLERANCE: Final = 0.5
PEOPLE: Final = 5_000  # simulated at least
TOGETHER: Final = 20  # replicates


@dataclass(frozen=True, slots=True)
class Opinion:
    """Contrast of means by the g-formula, its interval, and the largest miss of the natural
    course.
    """

    estimate: float
    low: float
    high: float
    miss: float


def weeks_of(cohort: DerivedCohort, data: StopData) -> Weeks:
    """Scores nearest the end of each week, and the session days between one and the next, up to the
    week of the outcome.
    """
    last = (
        round(float(np.nanmedian(data.outcome_day)) / 7) if data.observed.any() else 12
    )
    bucket = cohort.bucket
    baselines = cohort.baselines
    place = np.full(bucket.n, -1)
    place[data.patient] = np.arange(data.n)
    rows = np.flatnonzero(bucket.score_known & is_assessment(bucket, baselines))
    who = place[bucket.score_patient[rows]]
    day = bucket.score_day[rows].astype(np.int64)
    week = np.rint(day / 7).astype(np.int64)
    near = (who >= 0) & (week <= last) & (np.abs(day - 7 * week) <= NEAR)
    # of several the nearest is assigned last and stays
    order = np.argsort(-np.abs(day - 7 * week)[near], kind="stable")
    row = rows[near][order]
    who = who[near][order]
    week = week[near][order]
    score = np.full((data.n, last + 1), np.nan)
    # a session counts at half past
    until = np.broadcast_to(7 * np.arange(last + 1) + 0.6, score.shape).copy()
    score[who, week] = bucket.score[row]
    until[who, week] = bucket.score_day[row] + np.where(
        bucket.score_after[row], 0.75, 0.25
    )
    scale = cohort.instrument
    return Weeks(
        data.baseline,
        score,
        _sessions_until(session_days(bucket), place, until),
        scale.minimum,
        scale.maximum,
    )


def _sessions_until(days: SessionDays, place: Array, until: Array) -> Array:
    """Session days of each person since the time before, up to each time."""
    who = place[days.patient]
    day = days.day
    given = np.zeros(until.shape, np.int64)
    week = (until[who] < (day + 0.5)[:, None]).sum(axis=1)
    inside = (who >= 0) & (week < until.shape[1])
    np.add.at(given, (who[inside], week[inside]), 1)
    return given


def second_opinion(  # noqa: PLR0913 - each part of the question by its name
    cohort: DerivedCohort,
    data: StopData,
    k: int,
    m: int,
    replicates: int,
    seed: int,
    *,
    usual_care: bool = False,
) -> Opinion:
    """G-formula contrast of "stop after k" and "stop after m", with a patient bootstrap of at most
    `REPLICATES`.

    Both strategies go on without a session to the end: with sessions allowed later the question is
    another one.

    Raises
    ------
    NotIdentified
        When sessions are allowed later; when the models, left to themselves, miss the observed mean
        of some week by more than half a point; when nobody who does as a strategy says in the last
        week was scored in it.
    """
    if usual_care:
        raise NotIdentified(
            "this second opinion is only built for no session afterwards, and usual care allows"
            " them."
        )
    weeks = weeks_of(cohort, data)
    models = fit_weeks(weeks)
    many = _repeat(weeks, -(-PEOPLE // data.n))
    miss, week = largest_miss(weeks, simulate_weeks(many, models, None, seed))
    if miss > TOLERANCE:
        raise NotIdentified(
            f"the week-by-week models miss the observed mean of week {week} by {miss:.2f} points,"
            f" more than {TOLERANCE}.",
            (
                "scores every week, on and off treatment."
                if np.isnan(weeks.score[:, 1:]).any()
                else ""
            ),
        )
    estimate = float(_difference(many, models, k, m, seed).mean())
    counted = patient_weights(data.n, min(replicates, REPLICATES), seed)
    fitted = fit_weeks(weeks, counted)
    found = []
    for begin in range(0, len(counted), TOGETHER):
        few = slice(begin, begin + TOGETHER)
        difference = _difference(
            weeks,
            replace(fitted, next_score=fitted.next_score[few]),
            k,
            m,
            seed + begin,
        )
        found.append((difference * counted[few]).sum(axis=1) / counted[few].sum(axis=1))
    low, high = percentile_interval(np.concatenate(found))
    return Opinion(estimate, float(low), float(high), miss)


def _difference(weeks: Weeks, models: WeekModels, k: int, m: int, seed: int) -> Array:
    """Last week's score of each person under the two strategies, with the same chance."""
    ends = [simulate_weeks(weeks, models, number, seed)[..., -1] for number in (k, m)]
    return np.asarray(ends[0] - ends[1])


def _repeat(weeks: Weeks, times: int) -> Weeks:
    sessions = np.tile(weeks.sessions, (times, 1))
    return replace(
        weeks,
        baseline=np.tile(weeks.baseline, times),
        score=np.tile(weeks.score, (times, 1)),
        sessions=sessions,
    )
