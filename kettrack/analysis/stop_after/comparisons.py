"""Every comparison of "stop after k against stop after m": its weights and what refuses it, its
estimate, and the sensitivity analyses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.stop_after.checks import (
    require_remission,
    require_scores_at_horizon,
    require_support,
    require_window,
    window_weights,
)
from kettrack.analysis.stop_after.rows import StopData
from kettrack.analysis.stop_after.second_opinion import second_opinion
from kettrack.analysis.stop_after.table import (
    estimands,
    people_left_out,
    row_of,
    table_of,
)
from kettrack.analysis.stop_after.weights import (
    Pair,
    compared_people,
    contrasts,
    final_weights,
    following_at_most,
    nearly_certain,
    replicate_contrasts,
    smooth_contrast,
    static_following,
)
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.stop_strategies import Following
from kettrack.estimators.causal.weights import (
    TRUNCATION_CENTILES,
    describe_weights,
    truncate_weights,
)
from kettrack.estimators.intervals import percentile_interval
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import UNSCORED_WORSE_BY_SD

_Cells = dict[str, Any]
# Row of the table -> name of its contrast.
_CONTRAST_OF: Final = {
    "stop_after": "smooth",
    "strict": "strict",
    "strict_k": "strict_k",
    "strict_m": "strict_m",
    "other_rule": "other",
    "dynamic": "dynamic",
}
# Family of contrasts -> the refusals that its rows rest on.
_RESTS_ON: Final = {
    "static": ("stop_after", "strict"),
    "other": ("other_rule",),
    "dynamic": ("dynamic",),
}


@dataclass(frozen=True, slots=True)
class Arms:
    """Strategies, weights and what refuses each comparison.

    Parameters
    ----------
    following : dict of str to Following
        `stop_after` (each person's own number), `other_rule` (the same under the other rule for
        later sessions), and `at_most_k` `at_most_m`.
    weights : dict of str to float64, shape (n,)
        Final weights of each.
    refusals : dict of str to NotIdentified or None
        By key of the table: why it is refused.
    """

    following: dict[str, Following]
    weights: dict[str, Floats]
    refusals: dict[str, NotIdentified | None]


def weigh_arms(data: StopData, pair: Pair) -> Arms:
    """Weights of every strategy compared, and the refusals that follow from them."""
    # the models of going on and of being scored are the same for every strategy
    hazard = data.hazard
    seen = data.seen
    following = {
        "stop_after": static_following(data, pair.usual_care),
        "other_rule": static_following(data, not pair.usual_care),
        "at_most_k": following_at_most(data, pair.k),
        "at_most_m": following_at_most(data, pair.m),
    }
    weights = {
        name: final_weights(data, one, hazard, seen) for name, one in following.items()
    }
    certain = nearly_certain(data, pair, hazard)

    # In this order: without scores there is nothing to weight, without choices nothing to compare.
    def check_static(name: str, reach: int) -> None:
        theirs = following[name]
        require_scores_at_horizon(data, theirs, pair.k, pair.m)
        require_support(certain)
        for number, other in ((pair.k, pair.m), (pair.m, pair.k)):
            summary = window_weights(theirs, weights[name], number, reach)
            require_window(summary, number, other)

    def check_dynamic() -> None:
        require_remission(data)
        require_scores_at_horizon(data, following["stop_after"], pair.k, pair.m)
        require_window(describe_weights(weights["at_most_k"]), pair.k, pair.m)
        require_window(describe_weights(weights["at_most_m"]), pair.m, pair.k)

    checks: dict[str, Callable[[], None]] = {
        "stop_after": partial(check_static, "stop_after", 1),
        "strict": partial(check_static, "stop_after", 0),
        "other_rule": partial(check_static, "other_rule", 1),
        "dynamic": check_dynamic,
    }
    refusals = {name: _refusal_by(check) for name, check in checks.items()}
    return Arms(following, weights, refusals)


def _refusal_by(check: Callable[[], None]) -> NotIdentified | None:
    """What a check says against an estimate; None where it says nothing."""
    try:
        check()
    except NotIdentified as error:
        return error
    return None


def compare(
    cohort: DerivedCohort,
    data: StopData,
    pair: Pair,
    draws: tuple[int, int],
    on_step: Callable[[], None] = lambda: None,
) -> tuple[pd.DataFrame, NotIdentified | None]:
    """The table, and what refuses its first row.

    Parameters
    ----------
    draws : tuple of int
        Replicates and seed of the patient bootstrap.
    """
    arms = weigh_arms(data, pair)
    point = contrasts(data, pair)
    # bootstraps cost the most: only families with a row that is shown are drawn
    families = tuple(
        family
        for family, keys in _RESTS_ON.items()
        if any(arms.refusals[key] is None for key in keys)
    )
    intervals = {}
    if families:
        drawn = replicate_contrasts(data, pair, draws, families, on_step)
        intervals = {
            name: percentile_interval(values, LEVEL) for name, values in drawn.items()
        }
    rows = [
        *_contrast_rows(data, pair, arms, point, intervals),
        _g_formula_row(cohort, data, pair, arms, draws),
        *_window_rows(pair, arms),
        *_truncated_rows(data, pair, arms),
        *_death_rows(cohort, data, pair, arms),
        *_unscored_rows(cohort, data, pair, arms),
    ]
    # those left out are left out of every pair: their rows name none
    rows = [row | {"k": pair.k, "m": pair.m} for row in rows]
    return table_of([*rows, *people_left_out(data)]), arms.refusals["stop_after"]


def _contrast_rows(
    data: StopData,
    pair: Pair,
    arms: Arms,
    point: dict[str, Floats],
    intervals: dict[str, tuple[Floats, Floats]],
) -> Iterator[_Cells]:
    about = estimands(pair, data.irregular)
    people = _people_of(pair, arms)
    for key, name in _CONTRAST_OF.items():
        # a family whose rows are all refused was never drawn
        low, high = intervals.get(name, (np.nan, np.nan))
        who = people[key]
        # each mean is refused with the difference of the two
        refusal = arms.refusals[key.removesuffix("_k").removesuffix("_m")]
        yield row_of(
            key,
            about[key],
            refusal,
            n=int(who.sum()),
            followers=int((who & data.observed).sum()),
            estimate=float(point[name]),
            ci_low=float(low),
            ci_high=float(high),
            **_weaker_side(pair, arms, key),
        )


def _people_of(pair: Pair, arms: Arms) -> dict[str, Bools]:
    """Who followed a strategy of each row, with or without an outcome."""
    following = arms.following
    sessions = following["stop_after"].sessions
    exactly_k = sessions == pair.k
    exactly_m = sessions == pair.m
    at_most_k = following["at_most_k"].followed
    at_most_m = following["at_most_m"].followed
    return {
        "stop_after": compared_people(following["stop_after"], pair),
        "strict": exactly_k | exactly_m,
        "strict_k": exactly_k,
        "strict_m": exactly_m,
        "other_rule": compared_people(following["other_rule"], pair),
        "dynamic": at_most_k | at_most_m,
    }


def _weaker_side(pair: Pair, arms: Arms, key: str) -> dict[str, float]:
    """Effective sample size and largest share of the weaker side of a comparison."""
    summaries = [
        describe_weights(part)
        for part in _weights_by_side(pair, arms, key)
        if part.any()
    ]
    # a side on which nobody was observed: the comparison rests on no one
    sides = 1 if key in ("strict_k", "strict_m") else 2
    if len(summaries) < sides:
        return {"ess": 0.0}
    return {
        "ess": min(one.ess for one in summaries),
        "largest_share": max(one.largest_share for one in summaries),
    }


def _weights_by_side(pair: Pair, arms: Arms, key: str) -> list[Floats]:
    """Weights of the people that each side of a row rests on; a mean has one side."""
    if key == "dynamic":
        return [arms.weights["at_most_k"], arms.weights["at_most_m"]]
    name = "other_rule" if key == "other_rule" else "stop_after"
    # the smooth rows rest on the neighbouring numbers too, the strict ones on nobody else
    reach = 0 if key.startswith("strict") else 1
    sides = {"strict_k": (pair.k,), "strict_m": (pair.m,)}
    sessions = arms.following[name].sessions
    parts = []
    for number in sides.get(key, (pair.k, pair.m)):
        near = (np.abs(sessions - number) <= reach) & (sessions > 0)
        parts.append(arms.weights[name] * near)
    return parts


def _g_formula_row(
    cohort: DerivedCohort,
    data: StopData,
    pair: Pair,
    arms: Arms,
    draws: tuple[int, int],
) -> _Cells:
    """The second opinion; where there is no first one there is none."""
    row = partial(row_of, "g_formula", estimands(pair)["g_formula"], n=data.n)
    if arms.refusals["stop_after"] is not None:
        return row(
            error=NotIdentified(
                "the first row is refused, and this one rests on more assumptions."
            )
        )
    try:
        opinion = second_opinion(cohort, data, pair, *draws)
    except NotIdentified as error:
        return row(error=error)
    return row(
        estimate=opinion.estimate,
        ci_low=opinion.low,
        ci_high=opinion.high,
    )


def _window_rows(pair: Pair, arms: Arms) -> Iterator[_Cells]:
    """Weights of the people on whom each side of the comparison rests."""
    following = arms.following["stop_after"]
    weights = arms.weights["stop_after"]
    for key, number in (("window_k", pair.k), ("window_m", pair.m)):
        # a window of three numbers: what the smooth curve says at one rests on its neighbours too
        fewest = max(number - 1, 1)
        about = (
            f"Weights of the people who stopped after {fewest} to {number + 1} sessions"
        )
        near = np.abs(following.sessions - number) <= 1
        n = int((following.followed & near).sum())
        try:
            summary = window_weights(following, weights, number)
        except NotIdentified as error:
            yield row_of(key, about, error, n=n)
            continue
        yield row_of(
            key,
            about,
            n=n,
            followers=summary.n,
            ess=summary.ess,
            largest_share=summary.largest_share,
            mean_weight=summary.mean,
            p99_weight=summary.p99,
            max_weight=summary.largest,
        )


def _truncated_rows(data: StopData, pair: Pair, arms: Arms) -> Iterator[_Cells]:
    """The first row with its largest weights cut down: a sensitivity, never an answer."""
    following = arms.following["stop_after"]
    weights = arms.weights["stop_after"]
    n = int(compared_people(following, pair).sum())
    for centile in TRUNCATION_CENTILES[1:]:  # the first cuts nothing
        truncated = truncate_weights(weights, centile)
        about = (
            f"The first row with weights cut at centile {centile:g}: a sensitivity analysis only,"
            " as cutting brings the bias back"
        )
        yield row_of(
            f"truncated_{10 * centile:.0f}",
            about,
            arms.refusals["stop_after"],
            n=n,
            estimate=float(smooth_contrast(data, pair, following, truncated)),
        )


def _death_rows(
    cohort: DerivedCohort, data: StopData, pair: Pair, arms: Arms
) -> Iterator[_Cells]:
    """The first row with the worst score for everybody who died."""
    if not data.died.any():
        return
    scale = cohort.instrument
    worst = scale.maximum if scale.sign > 0 else scale.minimum
    # somebody with a score and a death in the window counts as dead
    counted_worst = replace(data, outcome=np.where(data.died, worst, data.outcome))
    smooth = contrasts(counted_worst, pair, None, ("static",))["smooth"]
    who = compared_people(arms.following["stop_after"], pair)
    yield row_of(
        "deaths_worst",
        f"The first row with the worst score, {worst:g}, for the people who died: a sensitivity"
        " analysis only",
        arms.refusals["stop_after"],
        estimate=float(smooth),
        n=int(who.sum()),
        followers=int((who & data.died).sum()),
    )


def _unscored_rows(
    cohort: DerivedCohort, data: StopData, pair: Pair, arms: Arms
) -> Iterator[_Cells]:
    """The first row if the unscored of one side were worse than similar people who were scored."""
    following = arms.following["stop_after"]
    smooth = float(contrasts(data, pair, None, ("static",))["smooth"])
    who = compared_people(following, pair)
    if not (who & ~data.observed).any():
        return
    spread = float(data.outcome[who & data.observed].std())
    worse_by = UNSCORED_WORSE_BY_SD * spread
    # the difference is the score after k less that after m; worse is higher on most scales
    sign = cohort.instrument.sign
    sides = (("k", pair.k, sign), ("m", pair.m, -sign))
    for name, number, turn in sides:
        of_side = following.sessions == number
        unscored = of_side & ~data.observed
        share = float(unscored.sum() / max(of_side.sum(), 1))
        yield row_of(
            f"unscored_worse_{name}",
            f"The first row if the unscored who stopped after {number} were {worse_by:.1f} points"
            " (half an SD) worse than similar people with a score: a sensitivity analysis only",
            arms.refusals["stop_after"],
            estimate=smooth + turn * worse_by * share,
            n=int(of_side.sum()),
            followers=int(unscored.sum()),
        )
