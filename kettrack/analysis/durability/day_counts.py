"""Durability as counts by day: everything that a curve without weights needs, and nothing of a
single person. Counts of several sites can be added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.analysis.context import LEVEL
from kettrack.analysis.durability.counts import (
    CAUSES,
    Estimand,
    Watched,
    came_again,
    count_exits,
    days_since_origin,
    exits,
    fell_silent,
    retreated_unconfirmed,
)
from kettrack.arrays import Floats, Ints
from kettrack.estimators.survival.competing_risks import (
    ExitCounts,
    estimate_incidence,
)
from kettrack.estimators.survival.life_table import (
    LifeCounts,
    estimate_survival,
    from_here_on,
    padded,
    steps_to_show,
)
from kettrack.vocabulary.days import LAST_CURVE_DAY
from kettrack.vocabulary.limits import FEWEST_PEOPLE

# Exits by cause first, then what is counted beside them.
BY_DAY: Final = ("censored", "lost", "retreated", "came_again", "waited", "silent")


def ends_of(name: str) -> tuple[str, str, str]:
    """Columns of a percentage and of its interval."""
    return name, f"{name}_low", f"{name}_high"


@dataclass(frozen=True, slots=True)
class DayCounts:
    """What became of the watched people on each day 0, 1, ... since their origin.

    Parameters
    ----------
    by_day : int64, shape (days, 6)
        One column for each of `BY_DAY`: people who left the curve, by cause; and, of those watched,
        people treated again while on the curve, those of them with a loss that still waited for its
        second score, and people who fell silent.
    settled : mapping
        `bound_low` `bound_high` `silent_low` `silent_high`, as far as there are any, to the losses
        if what is not known were settled so.
    """

    by_day: Ints
    settled: Mapping[str, LifeCounts]

    def column(self, name: str) -> Ints:
        """Numbers by day of one of `BY_DAY`."""
        return self.by_day[:, BY_DAY.index(name)]

    def life(self, estimand: Estimand) -> LifeCounts:
        """Losses and ends; a retreatment is a loss in the composite, and an end off treatment."""
        again = self.column("retreated")
        composite = estimand == "composite"
        return LifeCounts(
            self.column("lost") + (again if composite else 0),
            self.column("censored") + (0 if composite else again),
        )

    def __add__(self, other: DayCounts) -> DayCounts:
        days = max(len(self.by_day), len(other.by_day))
        return DayCounts(
            padded(self.by_day, days) + padded(other.by_day, days),
            {name: each + other.settled[name] for name, each in self.settled.items()},
        )


def count_by_day(watched: Watched, estimand: Estimand) -> DayCounts:
    """Count what became of the watched people under an estimand; what is not known is settled for
    the estimands without weights only.
    """
    left = exits(watched, estimand)
    time = left["time"].to_numpy()
    cause = left["cause"].to_numpy()
    again = days_since_origin(watched.whatever, "retreated_day")
    came = came_again(watched, estimand, left)
    days = {name: time[cause == place] for place, name in enumerate(CAUSES)}
    days["came_again"] = again[came].astype(np.int64)
    days["waited"] = again[came & retreated_unconfirmed(watched)].astype(np.int64)
    days["silent"] = time[fell_silent(watched, left)]
    longest = int(time.max(initial=-1)) + 1
    table = [np.bincount(days[name], minlength=longest) for name in BY_DAY]
    # Weights need the rows, so the bounds off treatment are not counts.
    settled = {} if estimand == "hypothetical" else _settled(watched, estimand)
    return DayCounts(
        np.column_stack(table).astype(np.int64),
        settled,
    )


def _settled(watched: Watched, estimand: Estimand) -> dict[str, LifeCounts]:
    """Losses under both answers to each thing that is not known."""
    return {
        name: count_exits(exits(those, estimand), estimand)
        for name, those in watched.settled.items()
    }


def days_told(counts: DayCounts, estimand: Estimand) -> Ints:
    """Days of a curve, as long as it stands on enough people."""
    life = counts.life(estimand)
    longest = LAST_CURVE_DAY + 1
    shown = steps_to_show(
        life.still_counted,
        life.censored,
        FEWEST_PEOPLE,
        longest,
    )
    return np.arange(shown)


def numbers_by_day(counts: DayCounts, days: Ints) -> dict[str, Ints]:
    """People at risk at the beginning of each day, and those gone by it, by reason."""
    whole = padded(counts.by_day, max(len(counts.by_day), len(days)))
    so_far = {name: whole[:, place].cumsum()[days] for place, name in enumerate(BY_DAY)}
    leaving = whole[:, : len(CAUSES)].sum(axis=1)
    return {
        "at_risk": from_here_on(leaving)[days],
        "lost": so_far["lost"],
        "retreated": so_far["came_again"],
        "retreated_unconfirmed": so_far["waited"],
        "censored": so_far["censored"],
        "silent": so_far["silent"],
    }


def shares_by_day(
    counts: DayCounts,
    estimand: Estimand,
    days: Ints,
) -> dict[str, Floats]:
    """Percent still responding with interval and bounds, without weights."""
    curve = estimate_survival(counts.life(estimand), LEVEL)
    # Where everybody has left, the curve goes on as it is.
    place = np.minimum(days, len(curve.estimate) - 1)
    found = {
        "estimate": 100 * curve.estimate[place],
        "ci_low": 100 * curve.ci_low[place],
        "ci_high": 100 * curve.ci_high[place],
    }
    if estimand == "composite":
        found |= _firsts(counts, days)
    # Whoever waits stays at risk for longer in both, which alone may lift or lower the curve by a
    # little. A pair that settles more is at least as wide as the one before.
    low = high = found["estimate"]
    for name, life in counts.settled.items():
        still = _still(life, days)
        if name.endswith("_low"):
            found[name] = low = np.fmin(low, still)
        else:
            found[name] = high = np.fmax(high, still)
    return found


def _still(life: LifeCounts, days: Ints) -> Floats:
    """Percent still responding on each day."""
    share = estimate_survival(life, LEVEL).estimate
    return 100 * share[np.minimum(days, len(share) - 1)]


def _firsts(counts: DayCounts, days: Ints) -> dict[str, Floats]:
    """Percent to whom a loss, and to whom another session, came first, with intervals."""
    events = np.column_stack(
        [
            counts.column("lost"),
            counts.column("retreated"),
        ]
    )
    left = ExitCounts(events, counts.column("censored"))
    found = estimate_incidence(left, LEVEL)
    place = np.minimum(days, len(found.free) - 1)
    arrays = (
        found.estimate,
        found.ci_low,
        found.ci_high,
    )
    return {
        name: 100 * array[place, cause]
        for cause, event in enumerate(("lost_first", "again_first"))
        for name, array in zip(ends_of(event), arrays, strict=True)
    }


def first_day_of_half(days: Ints, percent: Floats) -> float:
    """First day on which a curve is at 50 % or below; NaN where it never is."""
    # Percentages are products of shares: a half may miss 50 by the last bit.
    reached = days[percent <= 50 + 1e-9]
    return float(reached[0]) if len(reached) else np.nan
