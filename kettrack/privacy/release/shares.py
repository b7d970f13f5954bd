"""Shares and rates made again from rounded counts."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools
from kettrack.estimators.exact import clopper_pearson, poisson_rate
from kettrack.estimators.intervals import PercentInterval, wilson
from kettrack.privacy.release.columns import (
    column_numbers,
    fill_intervals,
    known_rows,
)
from kettrack.vocabulary.made_of import Rate, Share, ShareInterval

SHARE_LEVEL: Final = 0.95
# Design effects are told in steps as coarse as these: one of its own could tell a count.
_DESIGN_EFFECTS: Final = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
_LAST_BITS: Final = 1e-9  # of an interval that is as wide as another


def share_again(
    recipe: Share,
    table: pd.DataFrame,
    exact: pd.DataFrame,
) -> None:
    """Fill in a percentage and its interval from the rounded counts of its own row.

    Parameters
    ----------
    recipe : Share
        What it is made of.
    table : DataFrame
        With rounded counts; changed in place.
    exact : DataFrame
        Before the gate: tells which rows have a percentage, and how alike the sessions of one
        person are.
    """
    events = column_numbers(table, recipe.events)
    of = column_numbers(table, recipe.of)
    if recipe.without:
        of = of - column_numbers(table, recipe.without)
    # People who might have had it too: all that were not scored, for instance.
    if recipe.plus:
        more, less = (column_numbers(table, column) for column in recipe.plus)
        events = events + more - less
    there = _of_unit(recipe, exact)
    rows = np.flatnonzero(there & ~np.isnan(events) & (of > 0))
    effects = design_effects(recipe, exact)
    # Two counts are rounded apart, so a part may come out above its whole.
    parts = np.clip(events, 0, of)
    found = [
        share_interval(
            recipe.interval,
            parts[row],
            of[row],
            effects[row],
        )
        for row in rows
    ]
    fill_intervals(table, recipe.columns, rows, found)


def share_interval(
    kind: ShareInterval,
    events: float,
    of: float,
    effect: float = 1.0,
) -> PercentInterval:
    """The percentage of rounded counts with an interval of its own kind.

    Parameters
    ----------
    kind : {"wilson", "exact", "clustered", "none"}
        As in `Share`.
    events, of : float
        Rounded counts.
    effect : float
        From `design_effects`.

    Examples
    --------
    >>> [round(end, 1) for end in share_interval("exact", 21, 39)]
    [53.8, 37.2, 69.9]
    """
    estimate = 100 * events / of
    if kind == "none":
        return PercentInterval(
            estimate,
            np.nan,
            np.nan,
        )
    if kind == "wilson":
        return wilson(
            int(events),
            int(of),
            SHARE_LEVEL,
        )
    # Rows of people who are alike tell as much as fewer rows of different people.
    found = clopper_pearson(
        events / effect,
        of / effect,
        SHARE_LEVEL,
    )
    return found._replace(estimate=estimate)


def design_effects(
    recipe: Share,
    exact: pd.DataFrame,
) -> list[float]:
    """How many times as many rows it takes to tell as much as those of different people would; per
    row of the table the next of a few steps above what it was, and 1 without a clustered interval.

    Parameters
    ----------
    recipe : Share
        What the percentage is made of.
    exact : DataFrame
        Before the gate.
    """
    if recipe.interval != "clustered":
        return [1.0] * len(exact)
    low, high = (column_numbers(exact, column) for column in recipe.ends)
    share = column_numbers(exact, recipe.value) / 100
    of = column_numbers(exact, recipe.of)
    known = ~np.isnan(low + high + share) & (of > 0)
    return [
        _effect(
            share[row],
            of[row],
            high[row] - low[row],
        )
        if known[row]
        else 1.0
        for row in range(len(exact))
    ]


def _effect(
    share: float,
    of: float,
    width: float,
) -> float:
    """The smallest design effect whose interval is at least so wide, never narrower."""
    for effect in _DESIGN_EFFECTS:
        rows = of / effect
        found = clopper_pearson(share * rows, rows, SHARE_LEVEL)
        if found.ci_high - found.ci_low >= width * (1 - _LAST_BITS):
            return effect
    return _DESIGN_EFFECTS[-1]


def rate_again(
    recipe: Rate,
    table: pd.DataFrame,
    exact: pd.DataFrame,
) -> None:
    """Fill in a rate and its interval from its rounded number of events.

    Parameters
    ----------
    recipe : Rate
        What it is made of.
    table, exact : DataFrame
        As in `share_again`. The time behind the rate is worked out from the exact rate.
    """
    events = column_numbers(exact, recipe.events)
    rate = column_numbers(exact, recipe.value)
    low, high = (column_numbers(exact, column) for column in recipe.ends)
    # The gate may have hidden the number of events; then there is no rate either.
    rounded = column_numbers(table, recipe.events)
    rows = np.flatnonzero(_of_unit(recipe, exact) & ~np.isnan(rounded))
    found = []
    for row in rows:
        # Without an event the upper end alone tells the time.
        none = -np.log((1 - SHARE_LEVEL) / 2) / high[row]
        time = float(events[row] / rate[row] if rate[row] > 0 else none)
        effect = _rate_effect(
            events[row],
            time,
            high[row] - low[row],
        )
        again = poisson_rate(
            rounded[row] / effect,
            time / effect,
            SHARE_LEVEL,
        )
        found.append(PercentInterval(*again))
    fill_intervals(table, recipe.columns, rows, found)


def _rate_effect(
    events: float,
    time: float,
    width: float,
) -> float:
    """The same for a rate: events of one person come together, and tell less than they are."""
    for effect in _DESIGN_EFFECTS:
        found = poisson_rate(
            events / effect,
            time / effect,
            SHARE_LEVEL,
        )
        if found.ci_high - found.ci_low >= width * (1 - _LAST_BITS):
            return effect
    return _DESIGN_EFFECTS[-1]


def _of_unit(
    recipe: Share | Rate,
    exact: pd.DataFrame,
) -> Bools:
    """Rows that hold such a figure."""
    known = known_rows(exact, recipe.value)
    # Where no unit is named, every row holds the same kind of figure.
    if not recipe.rows:
        return known
    of_unit = (exact[recipe.rows] == recipe.unit).to_numpy(bool)
    return np.asarray(known & of_unit, bool)
