"""Shares and rates made again from rounded counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.exact import clopper_pearson, poisson_rate
from kettrack.estimators.intervals import UNDEFINED, PercentInterval, wilson
from kettrack.privacy.policies import Rounding
from kettrack.vocabulary.made_of import Rate, Scaled, Share

_LEVEL: Final = 0.95
# Design effects are told in steps as coarse as these: one of its own could tell a count.
_DESIGN_EFFECTS: Final = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)


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
    # People who might have had it too: all that were not scored, for instance.
    if recipe.plus:
        more, less = (column_numbers(table, column) for column in recipe.plus)
        events = events + more - less
    rows = (
        _of_unit(
            recipe,
            exact,
        )
        & ~np.isnan(events)
        & (of > 0)
    )
    # Two counts are rounded apart, so a part may come out above its whole.
    events = np.clip(
        events,
        0,
        of,
    )
    places = np.flatnonzero(rows)
    found = [_interval(recipe, exact, int(row), events[row], of[row]) for row in places]
    _fill_intervals(
        table,
        recipe.columns,
        places,
        found,
    )


def _interval(
    recipe: Share,
    exact: pd.DataFrame,
    row: int,
    events: float,
    of: float,
) -> PercentInterval:
    """The percentage of rounded counts with an interval of its own kind."""
    if recipe.interval == "wilson":
        return wilson(
            int(events),
            int(of),
            _LEVEL,
        )
    if recipe.interval == "none":
        return PercentInterval(
            100 * events / of,
            np.nan,
            np.nan,
        )
    # People are alike to nobody but themselves: their rows tell as much as they are.
    effect = 1.0
    if recipe.interval == "clustered":
        effect = _design_effect(recipe, exact, row)
    found = clopper_pearson(
        events / effect,
        of / effect,
        _LEVEL,
    )
    return found._replace(estimate=100 * events / of)


def _design_effect(
    recipe: Share,
    exact: pd.DataFrame,
    row: int,
) -> float:
    """How many times as many rows of alike sessions tell as much as those of different people; the
    next of a few steps above what it was.
    """
    low, high = (column_numbers(exact, column)[row] for column in recipe.ends)
    of = column_numbers(
        exact,
        recipe.of,
    )[row]
    share = (
        column_numbers(
            exact,
            recipe.value,
        )[row]
        / 100
    )
    for effect in _DESIGN_EFFECTS:
        found = clopper_pearson(
            share * of / effect,
            of / effect,
            _LEVEL,
        )
        # The interval is at least as wide as the one it stands for, never narrower.
        if found.ci_high - found.ci_low >= (high - low) * (1 - 1e-9):
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
    high = column_numbers(
        exact,
        recipe.ends[1],
    )
    rows = _of_unit(recipe, exact)
    # The gate may have hidden the number of events; then there is no rate either.
    rounded = column_numbers(table, recipe.events)
    places = np.flatnonzero(rows & ~np.isnan(rounded))
    found = []
    for row in places:
        # Without an event the upper end alone tells the time.
        none = -np.log((1 - _LEVEL) / 2) / high[row]
        time = events[row] / rate[row] if rate[row] > 0 else none
        again = poisson_rate(
            int(rounded[row]),
            float(time),
            _LEVEL,
        )
        found.append(PercentInterval(*again))
    _fill_intervals(
        table,
        recipe.columns,
        places,
        found,
    )


def scaled_again(
    recipe: Scaled,
    table: pd.DataFrame,
    exact: pd.DataFrame,
    rounding: Rounding,
) -> None:
    """Fill in a percentage that no counts of the table add up to, rounded like a count.

    Parameters
    ----------
    recipe : Scaled
        What it is made of.
    table, exact : DataFrame
        As in `share_again`.
    rounding : Rounding
        Of the policy.
    """
    rounded = column_numbers(table, recipe.of)
    rows = _known(
        exact,
        recipe.value,
    ) & (rounded > 0)
    events = _as_count(
        exact,
        recipe.value,
        recipe.of,
        rounding,
    )
    events = np.clip(
        events,
        0,
        rounded,
    )
    places = np.flatnonzero(rows)
    found = [
        clopper_pearson(
            events[row],
            rounded[row],
            _LEVEL,
        )
        if recipe.ends and not recipe.weighted
        else UNDEFINED._replace(estimate=100 * float(events[row] / rounded[row]))
        for row in places
    ]
    _fill_intervals(
        table,
        recipe.columns,
        places,
        found,
    )
    # A bootstrap of weights has no formula to make it again from rounded counts.
    if recipe.weighted:
        for column in recipe.ends:
            end = _as_count(
                exact,
                column,
                recipe.of,
                rounding,
            )
            table[column] = np.where(
                rows,
                100 * np.clip(end / rounded, 0, 1),
                np.nan,
            )
    _within(recipe, table)


def _as_count(
    exact: pd.DataFrame,
    column: str,
    of: str,
    rounding: Rounding,
) -> Floats:
    """A percentage as a rounded number of people."""
    people = (
        column_numbers(exact, column)
        * column_numbers(
            exact,
            of,
        )
        / 100
    )
    # A product may miss a whole number by its last bits, and end in the next band.
    return rounding.of(np.round(people, 6))


def _within(
    recipe: Scaled,
    table: pd.DataFrame,
) -> None:
    """Keep a bound on its side of the figure that it bounds: they are rounded apart."""
    if recipe.least:
        least = column_numbers(table, recipe.least)
        table[recipe.value] = np.fmax(
            column_numbers(table, recipe.value),
            least,
        )
    if recipe.most:
        most = column_numbers(table, recipe.most)
        value = column_numbers(table, recipe.value)
        table[recipe.value] = np.where(
            np.isnan(value),
            value,
            np.fmin(value, most),
        )


def column_numbers(
    table: pd.DataFrame,
    column: str,
) -> Floats:
    """A column as numbers; every kind of missing is NaN."""
    known = pd.to_numeric(table[column])
    return known.to_numpy(
        np.float64,
        na_value=np.nan,
        copy=True,
    )


def _of_unit(
    recipe: Share | Rate,
    exact: pd.DataFrame,
) -> Bools:
    """Rows that hold such a figure."""
    known = _known(exact, recipe.value)
    if not recipe.rows:
        return known
    return np.asarray(
        known & (exact[recipe.rows] == recipe.unit).to_numpy(bool),
        bool,
    )


def _known(
    table: pd.DataFrame,
    column: str,
) -> Bools:
    return np.asarray(
        ~np.isnan(column_numbers(table, column)),
        bool,
    )


def fill(
    table: pd.DataFrame,
    rows: Ints,
    found: Mapping[str, Floats | float],
) -> None:
    """Set columns in some rows; the others keep what they hold.

    Parameters
    ----------
    table : DataFrame
        Changed in place.
    rows : int
        Places of the rows.
    found : mapping
        Column to its values in these rows.
    """
    for column, values in found.items():
        whole = column_numbers(table, column)
        whole[rows] = values
        table[column] = whole


def _fill_intervals(
    table: pd.DataFrame,
    columns: tuple[str, ...],
    rows: Ints,
    found: list[PercentInterval],
) -> None:
    """Set a figure and, where it has them, its ends."""
    made = np.array(found, np.float64).reshape(
        -1,
        3,
    )
    fill(
        table,
        rows,
        dict(zip(columns, made.T, strict=False)),
    )
