"""How long a response lasts: from the end of the planned course, or from the first response, by
three estimands.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import FEWEST, LEVEL, made_from, refusal, release
from kettrack.analysis.durability.counts import (
    ESTIMANDS,
    Estimand,
    Watched,
    count_exits,
    exits,
    retreated_unconfirmed,
    watch,
)
from kettrack.analysis.durability.weights import (
    Untreated,
    stay_weights,
    untreated,
    untreated_curve,
)
from kettrack.analysis.durability.words import (
    LAST_DAY,
    ORIGINS,
    WEEK,
    caveats,
    sentence,
)
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import patient_weights, percentile_interval
from kettrack.estimators.survival.life_table import estimate_survival
from kettrack.privacy import disclosure
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.spells import Origin

REPLICATES: Final = 500
SEED: Final = 1
_NOT_RATED: Final = ("prior_sessions", "placebo", "no_baseline", "below_caseness")
LEFT_OUT: Final = {"not_rated": _NOT_RATED} | {
    name: (name,) for name in ("course_not_finished", "not_scored", "no_response")
}
ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "estimand": "label",
    "rule": "label",
    "day": "label",
    "n": "denominator",
    "at_risk": "running",
    "lost": "running",
    "retreated": "running",
    "retreated_unconfirmed": "count",
    "censored": "running",
    **dict.fromkeys(
        ("estimate", "ci_low", "ci_high", "bound_low", "bound_high"), "derived"
    ),
    **dict.fromkeys(("median_day", "median_low", "median_high", "ess"), "derived"),
    **dict.fromkeys(LEFT_OUT, "count"),
}


@question(
    "durability",
    asks="How long does a response last after the planned course?",
    by_group=True,
)
def durability(cohort: DerivedCohort) -> Result:
    """Percent who still hold their response, week by week after the planned course.

    Everyone who shows a response at a score within 14 days after the planned number of sessions
    (session 6 where no plan is recorded), and before another session, is watched from that score.

    Returns
    -------
    Result
        One row per estimand, rule and week, to the last with at least 11 at risk. `estimand`:
        `treatment_policy` (later sessions ignored), `off_treatment` (censored at the next session,
        weighted by the inverse of the chance of not having had one), `composite` (loss or next
        session, whichever comes first). `rule`: `in_force` and, where that asks for a second score,
        `single_score`. `day` since that score, `n` watched; `at_risk` at the beginning of the day;
        `lost`, `retreated` and `censored` up to it (under `treatment_policy` the retreated stay at
        risk); `retreated_unconfirmed`: of the retreated, those for whom a score above the line then
        waited for its second (missing under a release policy); `estimate` `ci_low` `ci_high` (% who
        still hold it; log-log, for `off_treatment` from 500 bootstrap samples of patients; missing
        at 0 and 100 %), `bound_low` `bound_high` (% if every loss that was never confirmed counts,
        or none; by a single score missing; under `off_treatment` the first alone), `median_day`
        with `median_low` and `median_high` (missing = not reached), `ess` (people's worth of
        information under the weights), and the numbers not watched by reason. Refused when fewer
        than 11 are watched.
    """
    return _durability(cohort, "durability", "end_of_course")


@question(
    "durability_from_response",
    asks="How long does a response last, from when it was first seen?",
)
def durability_from_response(cohort: DerivedCohort) -> Result:
    """`durability` from the first proven response of the first course.

    A session after the first course is the retreatment here; those that belong to the course are
    not.
    """
    return _durability(cohort, "durability_from_response", "first_response")


def _durability(cohort: DerivedCohort, name: str, origin: Origin) -> Result:
    estimand = (
        f"Share that still holds a response shown {ORIGINS[origin]}, by day since the score that"
        " showed it."
    )
    try:
        watched = watch(cohort, origin)
        n = len(watched[0].whatever)
        if n < FEWEST:
            raise NotIdentified(
                f"{'only ' if n else ''}{n} people are known to have responded {ORIGINS[origin]};"
                f" a curve needs {FEWEST}.",
                "a score in the 14 days after the planned course and before any further session,"
                " for everyone.",
            )
    except NotIdentified as error:
        return release(refusal(name, cohort, error, estimand), cohort)
    table = pd.concat(
        [_curve(cohort, rule, kind) for rule in watched for kind in ESTIMANDS],
        ignore_index=True,
    )
    table = table.assign(**_left_out(watched[0]))
    result = Result(
        name=name,
        table=table[list(ROLES)],
        roles=ROLES,
        decimals={"median_day": 0, "median_low": 0, "median_high": 0, "ess": 0},
        show=tuple(
            column for column in ROLES if column not in ("key", "ess", *LEFT_OUT)
        ),
        sentence=sentence(table, origin),
        estimand=estimand,
        caveats=caveats(cohort, watched[0], REPLICATES, SEED),
        made_from=made_from(cohort, unit="percent of people", level=LEVEL, seed=SEED),
    )
    return release(result, cohort)


def _left_out(watched: Watched) -> dict[str, int]:
    why = watched.origins["why_not"]
    return {name: int(why.isin(reasons).sum()) for name, reasons in LEFT_OUT.items()}


def _curve(cohort: DerivedCohort, watched: Watched, estimand: Estimand) -> pd.DataFrame:
    """Weekly rows of one estimand under one rule."""
    left = exits(watched, estimand)
    time = left["time"].to_numpy()
    cause = left["cause"].to_numpy()
    days = np.arange(0, min(int(np.sort(time)[-FEWEST]), LAST_DAY) + 1)
    again = (
        watched.whatever["retreated_day"] - watched.whatever["origin_day"]
    ).to_numpy(float, na_value=np.nan)
    came = again <= time if estimand == "treatment_policy" else cause == 2
    waited = came & retreated_unconfirmed(watched)
    numbers = {
        "at_risk": len(time) - np.searchsorted(np.sort(time), days, "left"),
        "lost": np.searchsorted(np.sort(time[cause == 1]), days, "right"),
        "retreated": np.searchsorted(np.sort(again[came]), days, "right"),
        "retreated_unconfirmed": np.searchsorted(np.sort(again[waited]), days, "right"),
        "censored": np.searchsorted(np.sort(time[cause == 0]), days, "right"),
    }
    shares = (
        _weighted(cohort, watched, days)
        if estimand == "off_treatment"
        else _plain(watched, estimand, days)
    )
    missing = dict.fromkeys(("bound_low", "bound_high", "ess"), np.nan)
    table = pd.DataFrame(
        {"day": days, "n": len(time), **numbers, **missing, **shares}
    ).astype({"retreated_unconfirmed": "Int64"})
    # with `retreated` it would tell of the few others
    if disclosure.get_policy(cohort.settings.policy).smallest_count > 1:
        table["retreated_unconfirmed"] = pd.NA
    table = table[table["ess"].fillna(FEWEST) >= FEWEST]
    for name, column in {
        "median_day": "estimate",
        "median_low": "ci_low",
        "median_high": "ci_high",
    }.items():
        reached = table["day"][table[column] <= 50 + 1e-9]
        table = table.assign(
            **{name: float(reached.iloc[0]) if len(reached) else np.nan}
        )
    weekly = table[table["day"] % WEEK == 0].assign(
        estimand=estimand, rule=watched.rule
    )
    return weekly.assign(
        key=[f"{estimand}_{watched.rule}_{day}" for day in weekly["day"]]
    )


def _plain(
    watched: Watched, estimand: Estimand, days: np.ndarray
) -> dict[str, np.ndarray | float]:
    curve = estimate_survival(count_exits(exits(watched, estimand), estimand), LEVEL)
    values = {
        "estimate": curve.estimate,
        "ci_low": curve.ci_low,
        "ci_high": curve.ci_high,
    }
    return {name: 100 * value[days] for name, value in values.items()} | _bounds(
        watched, estimand, curve.estimate, days
    )


def _bounds(
    watched: Watched, estimand: Estimand, curve: np.ndarray, days: np.ndarray
) -> dict[str, np.ndarray]:
    """The curve if every loss that no second score confirmed is one, and if none is; none where one
    score is enough.
    """
    if watched.words.run.count == 1:
        return {}
    lost, held = (
        estimate_survival(
            count_exits(exits(watched, estimand, waiting), estimand), LEVEL
        ).estimate
        for waiting in ("lost", "held")
    )
    # Whoever waits stays at risk for longer in both, which alone may lift or lower the curve by a
    # little.
    return {
        "bound_low": 100 * np.fmin(curve[days], lost[days]),
        "bound_high": 100 * np.fmax(curve[days], held[days]),
    }


def _weighted(
    cohort: DerivedCohort, watched: Watched, days: np.ndarray
) -> dict[str, np.ndarray]:
    last_day = int(days[-1]) + cohort.criteria.state_holds_days
    people = untreated(cohort, watched, last_day)
    estimate = untreated_curve(people, days)
    curves = untreated_curve(
        people, days, patient_weights(len(people.known), REPLICATES, SEED)
    )
    inside = (estimate > 0) & (estimate < 1)
    low, high = (
        np.where(inside, bound, np.nan) for bound in percentile_interval(curves, LEVEL)
    )
    found = {
        "estimate": 100 * estimate,
        "ci_low": 100 * low,
        "ci_high": 100 * high,
        "ess": _information(people, days),
    }
    if watched.words.run.count == 1:
        return found
    lowest = untreated_curve(untreated(cohort, watched, last_day, waiting="lost"), days)
    return found | {"bound_low": 100 * np.fmin(estimate, lowest)}


def _information(people: Untreated, days: np.ndarray) -> np.ndarray:
    """(Sum of weights)^2 / sum of squared weights of those at risk on each day."""
    weights = stay_weights(people, np.ones((1, len(people.known))), days)[0] * (
        people.known[:, None] >= days
    )
    squares = (weights**2).sum(axis=0)
    return np.divide(
        weights.sum(axis=0) ** 2, squares, out=np.zeros(len(days)), where=squares > 0
    )
