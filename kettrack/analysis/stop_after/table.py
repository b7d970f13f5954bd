"""Rows of "stop after k against stop after m": the estimate, what stands beside it, its weights,
and every refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.stop_after.beside import (
    COLUMNS,
    Arms,
    beside,
    compared,
    left_out_lines,
    line,
    typed,
)
from kettrack.analysis.stop_after.checks import (
    require_outcomes,
    require_remission,
    require_support,
    require_window,
    window_weights,
)
from kettrack.analysis.stop_after.history import HORIZON
from kettrack.analysis.stop_after.rows import StopData
from kettrack.analysis.stop_after.second import second_opinion
from kettrack.analysis.stop_after.weights import (
    Pair,
    chance_observed,
    contrasts,
    final_weights,
    following_at_most,
    replicate_contrasts,
    static_following,
    unsupported_share,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.stop_strategies import session_hazard
from kettrack.estimators.causal.weights import WeightSummary, describe_weights
from kettrack.estimators.intervals import percentile_interval
from kettrack.timelines.derived import DerivedCohort

OUTCOME: Final = f"mean score around day {HORIZON}"


def weigh_arms(data: StopData, pair: Pair) -> Arms:
    """Weights of every strategy compared, and the refusals that follow from them."""
    hazard = session_hazard(data.rows)
    seen = chance_observed(data)
    following = {
        "stop_after": static_following(data, pair.usual_care),
        "other_rule": static_following(data, not pair.usual_care),
        "at_most_k": following_at_most(data, pair.k),
        "at_most_m": following_at_most(data, pair.m),
    }
    weights = {
        name: final_weights(data, one, hazard, seen) for name, one in following.items()
    }
    support = unsupported_share(data, pair, hazard)

    def check(name: str, reach: int) -> None:
        require_outcomes(data, following[name], pair.k, pair.m)
        require_support(support)
        for k, m in ((pair.k, pair.m), (pair.m, pair.k)):
            require_window(
                window_weights(following[name], weights[name], k, reach), k, m
            )

    def check_rules() -> None:
        require_remission(data)
        require_outcomes(data, following["stop_after"], pair.k, pair.m)
        for name, k, m in (
            ("at_most_k", pair.k, pair.m),
            ("at_most_m", pair.m, pair.k),
        ):
            require_window(describe_weights(weights[name]), k, m)

    checks: dict[str, Callable[[], None]] = {
        "stop_after": partial(check, "stop_after", 1),
        "strict": partial(check, "stop_after", 0),
        "other_rule": partial(check, "other_rule", 1),
        "dynamic": check_rules,
    }
    return Arms(
        following, weights, {name: refusal_of(one) for name, one in checks.items()}
    )


def refusal_of(check: Callable[[], None]) -> NotIdentified | None:
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
    """The table, and what stands against its first row.

    Parameters
    ----------
    draws : tuple of int
        Replicates and seed of the patient bootstrap.
    """
    arms = weigh_arms(data, pair)
    point = contrasts(data, pair)
    rests_on = {
        "static": ("stop_after", "strict"),
        "other": ("other_rule",),
        "dynamic": ("dynamic",),
    }
    wanted = tuple(
        name
        for name, keys in rests_on.items()
        if any(arms.against[key] is None for key in keys)
    )
    intervals = {}
    if wanted:
        found = replicate_contrasts(data, pair, draws, wanted, on_step)
        intervals = {
            name: percentile_interval(values, LEVEL) for name, values in found.items()
        }
    rows = [
        *_contrasts(data, pair, arms, point, intervals),
        _second(cohort, data, pair, arms, draws),
    ]
    rows += beside(cohort, data, pair, arms)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).assign(k=pair.k, m=pair.m)
    return typed(
        pd.concat(
            [
                table,
                pd.DataFrame(left_out_lines(data), columns=list(COLUMNS)).dropna(
                    axis=1, how="all"
                ),
            ]
        )
    ), (arms.against["stop_after"])


def estimands(pair: Pair, irregular: str = "") -> dict[str, str]:
    """What each row is about, in words; `irregular` says in what visits are.

    Examples
    --------
    >>> estimands(Pair(6, 3, False, 12))["strict_k"]
    'Mean score around day 84, if everybody had stopped after 6, no session afterwards: by those who
    did'
    """
    rules = (
        "no session afterwards",
        "usual care afterwards, sessions for a relapse included (experimental)",
    )
    doubt = f" (experimental here: {irregular})" if irregular else ""
    later = rules[pair.usual_care]
    other = rules[not pair.usual_care]
    difference = (
        f"Difference in {OUTCOME}, stop after {pair.k} minus stop after {pair.m}"
    )
    return {
        "stop_after": f"{difference}, {later}: smooth in the number of sessions",
        "strict": f"{difference}, {later}: weighted means of those who did exactly that",
        "strict_k": (
            f"{OUTCOME.capitalize()}, if everybody had stopped after {pair.k}, {later}: by those"
            " who did"
        ),
        "strict_m": (
            f"{OUTCOME.capitalize()}, if everybody had stopped after {pair.m}, {later}: by those"
            " who did"
        ),
        "other_rule": f"{difference}, {other}: another question",
        "dynamic": (
            f"Difference in {OUTCOME}, at most {pair.k} minus at most {pair.m}, both ended by two"
            f" scores in remission, {rules[0]}{doubt}"
        ),
        "g_formula": (
            f"{difference}, {rules[0]}: second opinion by week-by-week models, off where scores"
            " are noisy or patchy"
        ),
    }


def _contrasts(
    data: StopData,
    pair: Pair,
    arms: Arms,
    point: dict[str, Floats],
    intervals: dict[str, tuple[Floats, Floats]],
) -> Iterator[dict[str, Any]]:
    about = estimands(pair, data.irregular)
    theirs = arms.following["stop_after"].sessions
    exactly = {"strict_k": theirs == pair.k, "strict_m": theirs == pair.m}
    either = [arms.following[name].followed for name in ("at_most_k", "at_most_m")]
    who = {
        name: compared(arms.following[name], pair)
        for name in ("stop_after", "other_rule")
    } | exactly
    who |= {
        "strict": exactly["strict_k"] | exactly["strict_m"],
        "dynamic": either[0] | either[1],
    }
    columns = {"stop_after": "smooth", "other_rule": "other"}
    for key in (
        "stop_after",
        "strict",
        "strict_k",
        "strict_m",
        "other_rule",
        "dynamic",
    ):
        name = columns.get(key, key)
        low, high = intervals.get(name, (np.nan, np.nan))
        cells = {
            "estimate": float(point[name]),
            "ci_low": float(low),
            "ci_high": float(high),
        }
        cells |= _thinnest(pair, arms, key)
        numbers: dict[str, Any] = {
            "n": int(who[key].sum()),
            "followers": int((who[key] & data.observed).sum()),
        }
        against = arms.against[key.removesuffix("_k").removesuffix("_m")]
        yield line(key, about[key], against, **numbers, **cells)


def _thinnest(pair: Pair, arms: Arms, key: str) -> dict[str, float]:
    """Effective number and largest share where the comparison is weakest."""
    if key == "dynamic":
        parts = [arms.weights["at_most_k"], arms.weights["at_most_m"]]
    else:
        name, reach = (
            ("other_rule", 1)
            if key == "other_rule"
            else ("stop_after", int(key == "stop_after"))
        )
        numbers = {"strict_k": (pair.k,), "strict_m": (pair.m,)}.get(
            key, (pair.k, pair.m)
        )
        sessions = arms.following[name].sessions
        weights = arms.weights[name]
        parts = [
            weights * (np.abs(sessions - number) <= reach) * (sessions > 0)
            for number in numbers
        ]
    found: list[WeightSummary] = [
        describe_weights(part) for part in parts if part.any()
    ]
    if len(found) < len(parts):
        return {"ess": 0.0}
    return {
        "ess": min(one.ess for one in found),
        "largest_share": max(one.largest_share for one in found),
    }


def _second(
    cohort: DerivedCohort,
    data: StopData,
    pair: Pair,
    arms: Arms,
    draws: tuple[int, int],
) -> dict[str, Any]:
    """The second opinion; where there is no first one there is none."""
    about = estimands(pair)["g_formula"]
    if arms.against["stop_after"] is not None:
        return line(
            "g_formula",
            about,
            NotIdentified(
                "the first row is refused, and this one rests on more assumptions."
            ),
            n=data.n,
        )
    try:
        found = second_opinion(
            cohort, data, pair.k, pair.m, *draws, usual_care=pair.usual_care
        )
    except NotIdentified as error:
        return line("g_formula", about, error, n=data.n)
    return line(
        "g_formula",
        about,
        n=data.n,
        estimate=found.estimate,
        ci_low=found.low,
        ci_high=found.high,
    )
