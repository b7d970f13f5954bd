"""What stands beside "stop after k against stop after m": weights, sensitivity, who is left out;
and the shape of its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.stop_after.checks import window_weights
from kettrack.analysis.stop_after.rows import GRACE, StopData
from kettrack.analysis.stop_after.weights import Pair, contrasts, smooth_contrast
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.stop_strategies import Following
from kettrack.estimators.causal.weights import TRUNCATION_CENTILES, truncate_weights
from kettrack.timelines.bucket import Array
from kettrack.timelines.derived import DerivedCohort

COLUMNS: Final = (
    "key",
    "about",
    "unit",
    "k",
    "m",
    "n",
    "followers",
    "estimate",
    "ci_low",
    "ci_high",
    "ess",
    "largest_share",
    "mean_weight",
    "p99_weight",
    "max_weight",
    "status",
    "reason",
)
UNIT: Final = "points"
_LEFT_OUT: Final = {
    "no_baseline": "Not in it: no score before session 1",
    "below_caseness": "Not in it: a baseline below caseness",
    "prior_sessions": "Not in it: sessions before this log",
    "placebo": "Not in it: placebo first",
    "log_ends": (
        "Not in it: a log that ends before the outcome window does, or whose end is unknown"
    ),
}


@dataclass(frozen=True, slots=True)
class Arms:
    """Strategies, weights and what stands against each comparison.

    Parameters
    ----------
    following : dict of str to Following
        `stop_after` (each person's own number), `other_rule` (the same under the other rule for
        later sessions), and `at_most_k` `at_most_m`.
    weights : dict of str to float64, shape (n,)
        Final weights of each.
    against : dict of str to NotIdentified or None
        By key of the table: why it is refused.
    """

    following: dict[str, Following]
    weights: dict[str, Floats]
    against: dict[str, NotIdentified | None]


def line(
    key: str, about: str, against: NotIdentified | None = None, **cells: Any
) -> dict[str, Any]:
    """A row; refused, it keeps who followed and the weights, and loses the estimate."""
    if against is not None:
        kept = {
            name: value
            for name, value in cells.items()
            if name not in ("estimate", "ci_low", "ci_high")
        }
        return {
            "key": key,
            "about": about,
            "unit": UNIT,
            **kept,
            "status": "refused",
            "reason": against.reason,
        }
    return {"key": key, "about": about, "unit": UNIT, **cells}


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """The table with whole numbers of people, numbers as floats, and a status in every row."""
    floats = dict.fromkeys(
        COLUMNS[COLUMNS.index("estimate") : COLUMNS.index("status")], "float64"
    )
    table = table.astype(
        dict.fromkeys(("k", "m", "n", "followers"), "Int64") | floats
    ).reset_index(drop=True)
    words = {
        name: table[name].astype(object).where(table[name].notna(), other)
        for name, other in (("status", "ok"), ("reason", ""))
    }
    return table.assign(**words)


def left_out_lines(data: StopData) -> list[dict[str, Any]]:
    """Who is not in it and why, and who came back past the grace; each a row of its own, so that a
    small one hides alone.
    """
    rows = [
        line(f"left_out_{name}", _LEFT_OUT[name], followers=number)
        for name, number in data.left_out.items()
    ]
    about = (
        f"A session more than {GRACE} days after the last of the course, up to the day of the"
        " outcome"
    )
    rows += [line("later_sessions", about, followers=int(data.later.sum()))]
    rows += [
        line(
            "cohort",
            "Everybody followed from session 1, whatever they did",
            followers=data.n,
        )
    ]
    return [{**row, "unit": "patients"} for row in rows]


def compared(following: Following, pair: Pair) -> Array:
    """Who followed a strategy that the smooth model takes in, with or without an outcome."""
    return np.asarray(following.followed & (following.sessions <= pair.largest))


def beside(
    cohort: DerivedCohort, data: StopData, pair: Pair, arms: Arms
) -> list[dict[str, Any]]:
    """Rows of weights and of sensitivity."""
    return [
        *_windows(pair, arms),
        *_truncated(data, pair, arms),
        *_deaths(cohort, data, pair, arms),
    ]


def _windows(pair: Pair, arms: Arms) -> Iterator[dict[str, Any]]:
    """Weights of the people on whom each side of the comparison rests."""
    following = arms.following["stop_after"]
    for key, number in (("window_k", pair.k), ("window_m", pair.m)):
        about = (
            f"Weights of those who stopped after {max(number - 1, 1)} to {number + 1}"
        )
        there = int(
            (following.followed & (np.abs(following.sessions - number) <= 1)).sum()
        )
        try:
            found = window_weights(following, arms.weights["stop_after"], number)
        except NotIdentified as error:
            yield line(key, about, error, n=there)
            continue
        cells: dict[str, Any] = {
            "ess": found.ess,
            "largest_share": found.largest_share,
            "mean_weight": found.mean,
        }
        yield line(
            key,
            about,
            n=there,
            followers=found.n,
            p99_weight=found.p99,
            max_weight=found.largest,
            **cells,
        )


def _truncated(data: StopData, pair: Pair, arms: Arms) -> Iterator[dict[str, Any]]:
    """The first row with its largest weights cut down: a sensitivity, never an answer."""
    n = int(compared(arms.following["stop_after"], pair).sum())
    for centile in TRUNCATION_CENTILES[1:]:
        weights = truncate_weights(arms.weights["stop_after"], centile)
        estimate = float(
            smooth_contrast(data, pair, arms.following["stop_after"], weights)
        )
        about = (
            f"First row with weights cut at the {centile:g}th centile: sensitivity only, it"
            " brings the bias back"
        )
        yield line(
            f"truncated_{10 * centile:.0f}",
            about,
            arms.against["stop_after"],
            n=n,
            estimate=estimate,
        )


def _deaths(
    cohort: DerivedCohort, data: StopData, pair: Pair, arms: Arms
) -> Iterator[dict[str, Any]]:
    """The first row with the worst score for everybody who died."""
    if data.died.any():
        scale = cohort.instrument
        worst = scale.maximum if scale.sign > 0 else scale.minimum
        counted_worst = replace(data, outcome=np.where(data.died, worst, data.outcome))
        estimate = float(contrasts(counted_worst, pair, None, ("static",))["smooth"])
        about = f"First row with the worst score, {worst:g}, for those who died: sensitivity only"
        who = compared(arms.following["stop_after"], pair)
        numbers: dict[str, Any] = {
            "n": int(who.sum()),
            "followers": int((who & data.died).sum()),
        }
        yield line(
            "deaths_worst",
            about,
            arms.against["stop_after"],
            estimate=estimate,
            **numbers,
        )
