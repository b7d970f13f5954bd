"""Percentages that no counts of their table add up to, rounded as if they were counts; and tables
of which each row has a figure of its own kind.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats
from kettrack.estimators.intervals import wilson
from kettrack.privacy.policies import Policy, Rounding
from kettrack.privacy.release.columns import (
    column_numbers,
    fill,
    fill_intervals,
    known_rows,
)
from kettrack.privacy.release.shares import (
    SHARE_LEVEL,
    design_effects,
    share_interval,
)
from kettrack.vocabulary.made_of import (
    ByRow,
    FigureDifference,
    LikeCounts,
    Scaled,
    Share,
    ShareInterval,
)

_LAST_BITS: Final = 6  # decimals of a product that should be a whole number
_SAME: Final = 1e-6  # percentages this near are one


def scaled_again(
    recipe: Scaled,
    table: pd.DataFrame,
    exact: pd.DataFrame,
    rounding: Rounding,
) -> None:
    """Fill in a figure that no counts of the table add up to, rounded like a count.

    Parameters
    ----------
    recipe : Scaled
        What it is made of.
    table : DataFrame
        With rounded counts; changed in place.
    exact : DataFrame
        Before the gate.
    rounding : Rounding
        Of the policy.
    """
    people = column_numbers(table, recipe.of)
    rows = np.flatnonzero(known_rows(exact, recipe.value) & (people > 0))
    # A bootstrap of weights has no formula to make it again from rounded counts.
    grid = [recipe.value, *recipe.ends] if recipe.weighted else [recipe.value]
    for column in grid:
        value = _on_grid(
            recipe,
            exact,
            column,
            people,
            rounding,
        )
        fill(
            table,
            rows,
            {column: value[rows]},
        )
    _within(recipe, table)
    if recipe.ends and not recipe.weighted:
        _with_interval(
            recipe,
            table,
            exact,
            rows.tolist(),
        )


def _on_grid(
    recipe: Scaled,
    exact: pd.DataFrame,
    column: str,
    people: Floats,
    rounding: Rounding,
) -> Floats:
    """A figure as a rounded number of people, of the rounded number of all."""
    value = column_numbers(exact, column) / recipe.per
    count = value * column_numbers(exact, recipe.of)
    # A product may miss a whole number by its last bits, and end in the next band.
    rounded = rounding.of(np.abs(np.round(count, _LAST_BITS)))
    share = np.sign(value) * rounded / people
    # A difference of two shares may be below 0.
    return recipe.per * (np.clip(share, -1, 1) if recipe.at_most_all else share)


def _with_interval(
    recipe: Scaled,
    table: pd.DataFrame,
    exact: pd.DataFrame,
    rows: list[int],
) -> None:
    """Fill in the ends of a percentage, as wide as they were."""
    as_share = _share_of(recipe)
    effects = design_effects(as_share, exact)
    value = column_numbers(table, recipe.value)
    people = column_numbers(table, recipe.of)
    found = [
        share_interval(
            "clustered",
            value[row] / 100 * people[row],
            people[row],
            effects[row],
        )
        for row in rows
    ]
    fill_intervals(
        table,
        recipe.columns,
        np.array(rows, np.int64),
        found,
    )


def _share_of(recipe: Scaled | ByRow) -> Share:
    # Logs that end take people out, as likeness between sessions does: both widen the interval.
    return Share(
        value=recipe.value,
        events="",
        of=recipe.of,
        ends=recipe.ends,
        interval="clustered",
    )


def _within(
    recipe: Scaled,
    table: pd.DataFrame,
) -> None:
    """Keep a bound on its side of the figure that it bounds, and a part within its whole: they are
    rounded apart.
    """
    value = column_numbers(table, recipe.value)
    there = np.flatnonzero(~np.isnan(value))
    # A bound that crossed its figure would read as a mistake.
    if recipe.least:
        least = np.fmax(value, column_numbers(table, recipe.least))
        fill(
            table,
            there,
            {recipe.value: least[there]},
        )
    if recipe.most:
        most = np.fmin(value, column_numbers(table, recipe.most))
        fill(
            table,
            there,
            {recipe.value: most[there]},
        )


def by_row_again(
    recipe: ByRow,
    table: pd.DataFrame,
    exact: pd.DataFrame,
    policy: Policy,
) -> None:
    """Fill in figures of which each row has its own kind: a percentage of counts beside it, another
    percentage, or no percentage at all.

    Parameters
    ----------
    recipe : ByRow
        Where the figures, their counts and their units stand.
    table, exact : DataFrame
        As in `scaled_again`.
    policy : Policy
        One that rounds.
    """
    known = known_rows(exact, recipe.value)
    percent = known & _percent_rows(recipe, exact)
    counted = percent & _counted_rows(recipe, exact)
    _fill_counted(recipe, table, exact, counted)
    # The rest is cut out and put back, so that one recipe fills rows of one kind only.
    _fill_scaled(
        recipe,
        table,
        exact,
        percent & ~counted,
        policy,
    )
    people = column_numbers(exact, recipe.of)
    kept = np.flatnonzero(known & ~percent & (people >= policy.fewest_behind))
    for column in recipe.columns:
        own = column_numbers(exact, column)
        fill(
            table,
            kept,
            {column: own[kept]},
        )


def _percent_rows(
    recipe: ByRow,
    exact: pd.DataFrame,
) -> Bools:
    """Rows with a percentage."""
    # Most tables hold one kind of figure, and name no unit in their rows.
    if not recipe.unit:
        return np.full(len(exact), recipe.percent)
    units = exact[recipe.unit].astype("str").str
    return np.asarray(units.startswith(("%", "percent")), bool)


def _counted_rows(
    recipe: ByRow,
    exact: pd.DataFrame,
) -> Bools:
    """Rows whose percentage is that of the counts beside it; a curve, for instance, is not."""
    if not recipe.events:
        return np.zeros(len(exact), bool)
    of = column_numbers(exact, recipe.of)
    events = column_numbers(exact, recipe.events)
    whole = np.where(
        of > 0,
        of,
        np.nan,
    )
    off = 100 * events / whole - column_numbers(exact, recipe.value)
    return np.asarray(np.abs(off) < _SAME, bool)


def _fill_counted(
    recipe: ByRow,
    table: pd.DataFrame,
    exact: pd.DataFrame,
    rows: Bools,
) -> None:
    events = column_numbers(table, recipe.events) if recipe.events else np.array([])
    of = column_numbers(table, recipe.of)
    effects = design_effects(_share_of(recipe), exact) if recipe.ends else []
    places = [
        int(row)
        for row in np.flatnonzero(rows)
        if of[row] > 0 and not np.isnan(events[row])
    ]
    found = []
    for row in places:
        kind = _interval_of(recipe, exact, row)
        part = min(events[row], of[row])
        effect = effects[row] if kind == "clustered" else 1.0
        found.append(share_interval(kind, part, of[row], effect))
    fill_intervals(
        table,
        recipe.columns,
        np.array(places, np.int64),
        found,
    )


def _interval_of(
    recipe: ByRow,
    exact: pd.DataFrame,
    row: int,
) -> ShareInterval:
    """Which interval a row has; intervals that hold together are wider than each by itself."""
    # What describes everybody has no interval.
    if not recipe.ends:
        return "none"
    low, high = (column_numbers(exact, column)[row] for column in recipe.ends)
    if np.isnan(low + high):
        return "none"
    events = int(column_numbers(exact, recipe.events)[row])
    of = int(column_numbers(exact, recipe.of)[row])
    own = wilson(events, of, SHARE_LEVEL)
    near = abs(own.ci_low - low) + abs(own.ci_high - high) < _SAME
    return "wilson" if near else "clustered"


def _fill_scaled(
    recipe: ByRow,
    table: pd.DataFrame,
    exact: pd.DataFrame,
    rows: Bools,
    policy: Policy,
) -> None:
    """Percentages without counts beside them: some stand on weights, others on a model."""
    rounding = policy.rounding
    if rounding is None or not rows.any():
        return
    part = table[rows].copy()
    own = exact[rows]
    for scaled in _scaled_parts(recipe):
        scaled_again(scaled, part, own, rounding)
    places = np.flatnonzero(rows)
    fill(
        table,
        places,
        {column: column_numbers(part, column) for column in recipe.columns},
    )


def _scaled_parts(recipe: ByRow) -> list[Scaled]:
    """The figure with its ends, or each of them for itself."""
    if recipe.anew:
        return [Scaled(value=recipe.value, of=recipe.of, ends=recipe.ends)]
    return [Scaled(value=column, of=recipe.of) for column in recipe.columns]


def difference_again(
    recipe: FigureDifference,
    table: pd.DataFrame,
) -> None:
    """Fill in a difference of two figures that are made again already.

    Parameters
    ----------
    recipe : FigureDifference
        Which figures.
    table : DataFrame
        Changed in place.
    """
    first = column_numbers(table, recipe.first)
    table[recipe.value] = first - column_numbers(table, recipe.second)


def like_counts_again(
    recipe: LikeCounts,
    table: pd.DataFrame,
    exact: pd.DataFrame,
    rounding: Rounding,
) -> None:
    """Fill in effective numbers of people, rounded as counts are.

    Parameters
    ----------
    recipe : LikeCounts
        Their columns.
    table, exact, rounding
        As in `scaled_again`.
    """
    for column in recipe.values:
        if column in exact:
            # Without weights such a number is a count.
            table[column] = rounding.of(column_numbers(exact, column))
