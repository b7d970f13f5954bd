"""Paired means from sums: before and after, the change between them, and how many got worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.estimators.intervals import wilson
from kettrack.estimators.moments import Moments, moments_of

POINTS: Final = "points of change"
# What is averaged of the people scored at the week -> what it is about, and its unit.
PAIRED: Final = {
    "baseline": ("mean baseline", "points"),
    "score": ("mean score at week {week}", "points"),
    "change": ("mean change", POINTS),
}


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """People who could have been scored at a week, those of them who were worse, and sums over
    those who were scored, by column of `PAIRED`.
    """

    started: int
    worse: int
    sums: Mapping[str, Moments]


def mean_cells(values: Moments) -> dict[str, float]:
    """Mean with Student's interval; without one from a single person."""
    if values.n < 2:
        return {"estimate": values.mean}
    low, high = values.interval(LEVEL)
    return {
        "estimate": values.mean,
        "ci_low": low,
        "ci_high": high,
        "sd": values.sd,
    }


def sums_of(values: pd.Series) -> Moments:
    """Sums over the values of a column."""
    return moments_of(values.to_numpy(np.float64))


def paired_counts(scored: pd.DataFrame, started: int, sign: int) -> PairedCounts:
    """Sums over the people scored.

    Parameters
    ----------
    scored : DataFrame
        One row per person, with the columns of `PAIRED`.
    started : int
        People who could have been scored.
    sign : int
        Of the scale: +1 where higher is worse.
    """
    return PairedCounts(
        started=started,
        worse=int((sign * scored["change"] > 0).sum()),
        sums={name: sums_of(scored[name]) for name in PAIRED},
    )


def paired_rows(counts: PairedCounts, week: int) -> list[dict[str, Any]]:
    """Means before and at the week, the change between them, and how many got worse."""
    change = counts.sums["change"]
    baseline_sd = counts.sums["baseline"].sd
    means = [
        {"key": name, "about": about.format(week=week), "unit": unit}
        | mean_cells(counts.sums[name])
        for name, (about, unit) in PAIRED.items()
    ]
    worse = wilson(counts.worse, change.n, LEVEL)
    return [
        *means,
        {
            "key": "standardised",
            "about": "mean change in SDs of the baseline",
            "unit": "SD",
            "estimate": change.mean / baseline_sd if baseline_sd else np.nan,
        },
        {
            "key": "paired",
            "about": "mean change in SDs of the change",
            "unit": "SD",
            "estimate": change.mean / change.sd if change.sd else np.nan,
        },
        {
            "key": "worse",
            "about": "scored worse than before",
            "unit": "%",
        }
        | {"events": counts.worse, **worse._asdict()},
    ]
