"""Second opinion on "stop after k": the parametric g-formula on weeks, shown only where it can tell
what did happen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from kettrack.analysis.stop_after.rows import StopData
from kettrack.analysis.stop_after.weights import Pair
from kettrack.arrays import Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.g_formula import (
    WeekModels,
    fit_weeks,
    largest_miss,
    simulate_weeks,
)
from kettrack.estimators.causal.weekly_history import Weeks
from kettrack.estimators.intervals import (
    drawn_places,
    patient_weights,
    percentile_interval,
)
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.session_days import SessionDays, session_days
from kettrack.timelines.states import is_assessment
from kettrack.vocabulary.days import DAYS_IN_WEEK, HORIZON_DAYS
from kettrack.vocabulary.limits import MOST_REWEIGHTED

G_FORMULA_REPLICATES: Final = 200
DAYS_OFF_WEEK_END: Final = 3  # by which a score may miss the end of its week
# points by which the simulated natural course may miss the observed mean of a week
LARGEST_MISS: Final = 0.5
FEWEST_SIMULATED: Final = 5_000  # people
_AT_A_TIME: Final = 20  # replicates simulated together


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
    bucket = cohort.bucket
    place = np.full(bucket.n, -1)
    place[data.patient] = np.arange(data.n)
    assessed = bucket.score_known & is_assessment(bucket, cohort.baselines)
    rows = np.flatnonzero(assessed)
    who = place[bucket.score_patient[rows]]
    day = bucket.score_day[rows].astype(np.int64)
    week = np.rint(day / DAYS_IN_WEEK).astype(np.int64)
    distance = np.abs(day - DAYS_IN_WEEK * week)
    last = _last_week(data)
    near = (who >= 0) & (week <= last) & (distance <= DAYS_OFF_WEEK_END)
    # of several scores of a week the nearest is assigned last and stays
    order = np.argsort(-distance[near], kind="stable")
    row = rows[near][order]
    who = who[near][order]
    week = week[near][order]
    score = np.full((data.n, last + 1), np.nan)
    score[who, week] = bucket.score[row]
    # Times within a day: a session is at .5, a score before it at .25 and one after it at .75.
    # Without a score the week ends just after a session of its last day.
    week_ends = DAYS_IN_WEEK * np.arange(last + 1) + 0.6
    until = np.broadcast_to(week_ends, score.shape).copy()
    time_of_day = np.where(
        bucket.score_after[row],
        0.75,
        0.25,
    )
    until[who, week] = bucket.score_day[row] + time_of_day
    return Weeks(
        data.baseline,
        score,
        _sessions_until(
            session_days(bucket),
            place,
            until,
        ),
        cohort.instrument.minimum,
        cohort.instrument.maximum,
    )


def _last_week(data: StopData) -> int:
    """The week of the outcome: of the middle outcome, or of the horizon where there is none."""
    if not data.observed.any():
        return HORIZON_DAYS // DAYS_IN_WEEK
    return round(float(np.nanmedian(data.outcome_day)) / DAYS_IN_WEEK)


def _sessions_until(
    days: SessionDays,
    place: Ints,
    until: Floats,
) -> Ints:
    """Session days of each person since the time before, up to each time."""
    who = place[days.patient]
    given = np.zeros(until.shape, np.int64)
    # as many weeks ended before the session: it belongs to the next one
    week = (until[who] < (days.day + 0.5)[:, None]).sum(axis=1)
    inside = (who >= 0) & (week < until.shape[1])
    np.add.at(
        given,
        (who[inside], week[inside]),
        1,
    )
    return given


def second_opinion(
    cohort: DerivedCohort,
    data: StopData,
    pair: Pair,
    replicates: int,
    seed: int,
) -> Opinion:
    """G-formula contrast of "stop after k" and "stop after m", with a patient bootstrap of at most
    `G_FORMULA_REPLICATES`.

    Both strategies go on without a session to the end: with sessions allowed later the question is
    another one.

    Raises
    ------
    NotIdentified
        When sessions are allowed later; when the models, left to themselves, miss the observed mean
        of some week by more than `LARGEST_MISS`; when nobody who does as a strategy says in the
        last week was scored in it.
    """
    if pair.usual_care:
        raise NotIdentified(
            "the second opinion exists only for no session afterwards; usual care allows later"
            " sessions."
        )
    weeks = weeks_of(cohort, data)
    models = fit_weeks(weeks)
    times = -(-FEWEST_SIMULATED // data.n)  # rounded up
    many = _repeat_people(weeks, times)
    miss = _require_natural_course(
        weeks,
        many,
        models,
        seed,
    )
    estimate = _difference_by_person(
        many,
        models,
        pair,
        seed,
    ).mean()
    drawn = _drawn_estimates(
        weeks,
        pair,
        float(estimate),
        min(replicates, G_FORMULA_REPLICATES),
        seed,
    )
    low, high = percentile_interval(drawn)
    return Opinion(
        float(estimate),
        float(low),
        float(high),
        miss,
    )


def _drawn_estimates(
    weeks: Weeks,
    pair: Pair,
    middle: float,
    replicates: int,
    seed: int,
) -> Floats:
    """Estimates from bootstrap samples; of more than `MOST_REWEIGHTED` people, so many drawn by
    chance stand for all, as in `replicate_contrasts`.
    """
    n = len(weeks.baseline)
    chosen = drawn_places(n, MOST_REWEIGHTED, seed)
    if len(chosen) == n:
        return _bootstrap(weeks, pair, replicates, seed)
    some = replace(
        weeks,
        baseline=weeks.baseline[chosen],
        score=weeks.score[chosen],
        sessions=weeks.sessions[chosen],
    )
    own = _difference_by_person(some, fit_weeks(some), pair, seed).mean()
    away = _bootstrap(some, pair, replicates, seed) - own
    return np.asarray(middle + away * np.sqrt(len(chosen) / n))


def _bootstrap(weeks: Weeks, pair: Pair, replicates: int, seed: int) -> Floats:
    counted = patient_weights(len(weeks.baseline), replicates, seed)
    fitted = fit_weeks(weeks, counted)
    drawn = []
    for begin in range(0, len(counted), _AT_A_TIME):
        few = slice(begin, begin + _AT_A_TIME)
        of_few = replace(fitted, next_score=fitted.next_score[few])
        difference = _difference_by_person(
            weeks,
            of_few,
            pair,
            seed + begin,
        )
        weights = counted[few]
        drawn.append((difference * weights).sum(axis=1) / weights.sum(axis=1))
    return np.concatenate(drawn)


def _require_natural_course(
    weeks: Weeks, many: Weeks, models: WeekModels, seed: int
) -> float:
    """The largest miss of the natural course, in points; stop where it is too large."""
    natural = simulate_weeks(many, models, None, seed)
    miss, week = largest_miss(weeks, natural)
    if (
        not miss > LARGEST_MISS
    ):  # a missing miss, where no week is scored, refuses nothing
        return miss
    some_missing = np.isnan(weeks.score[:, 1:]).any()
    raise NotIdentified(
        f"the week-by-week models miss the observed mean of week {week} by {miss:.2f} points; at"
        f" most {LARGEST_MISS} is allowed.",
        "scores every week, on and off treatment." if some_missing else "",
    )


def _difference_by_person(
    weeks: Weeks, models: WeekModels, pair: Pair, seed: int
) -> Floats:
    """Last week's score of each person under the two strategies, with the same chance."""
    after_k = simulate_weeks(weeks, models, pair.k, seed)
    after_m = simulate_weeks(weeks, models, pair.m, seed)
    return np.asarray(after_k[..., -1] - after_m[..., -1])


def _repeat_people(weeks: Weeks, times: int) -> Weeks:
    return replace(
        weeks,
        baseline=np.tile(weeks.baseline, times),
        score=np.tile(weeks.score, (times, 1)),
        sessions=np.tile(weeks.sessions, (times, 1)),
    )
