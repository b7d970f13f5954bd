"""Columns of a table read as numbers, and set in some rows only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.intervals import PercentInterval
from kettrack.vocabulary.made_of import Kept, MadeOf, Rate, Share

_HALF: Final = 50.0
_LAST_BITS: Final = 1e-7  # a half that is a sum may end a few bits below it


def column_numbers(
    table: pd.DataFrame,
    column: str,
) -> Floats:
    """A column as numbers; every kind of missing is NaN.

    Examples
    --------
    >>> column_numbers(pd.DataFrame({"n": pd.array([3, None], "Int64")}), "n").tolist()
    [3.0, nan]
    """
    known = pd.to_numeric(table[column])
    # A copy, since the caller fills in cells.
    return known.to_numpy(
        np.float64,
        na_value=np.nan,
        copy=True,
    )


def known_rows(
    table: pd.DataFrame,
    column: str,
) -> Bools:
    """Rows in which a column has a number."""
    # Hidden and never there look the same here: the table before the gate is the one to ask.
    return np.asarray(~np.isnan(column_numbers(table, column)), bool)


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


def fill_intervals(
    table: pd.DataFrame,
    columns: tuple[str, ...],
    rows: Ints,
    found: list[PercentInterval],
) -> None:
    """Set a figure and, where it has them, its ends.

    Parameters
    ----------
    table, rows
        As in `fill`.
    columns : tuple of str
        The figure, and the two ends of its interval; or the figure alone.
    found : list of PercentInterval
        One for each row.
    """
    made = np.array(found, np.float64).reshape(-1, 3)
    # A figure without ends has one column, and takes the first of the three.
    fill(
        table,
        rows,
        dict(zip(columns, made.T, strict=False)),
    )


def first_with_half(
    share: Floats,
    step: pd.Series,
) -> Floats:
    """First step with at least one half, on every row from there; missing before.

    Parameters
    ----------
    share : float
        In percent, step by step.
    step : Series
        What the steps are called.

    Examples
    --------
    >>> first_with_half(np.array([20.0, 50, 60]), pd.Series([2, 4, 6])).tolist()
    [nan, 4.0, 4.0]
    """
    # Once reached it stays, whatever the interval does later.
    reached = np.maximum.accumulate(np.nan_to_num(share) >= _HALF - _LAST_BITS)
    first = float(step.iloc[int(reached.argmax())])
    return np.where(
        reached,
        first,
        np.nan,
    )


def counts_behind(recipes: Iterable[MadeOf]) -> dict[str, frozenset[str]]:
    """Of each figure that counts of its own row give, the columns of those counts.

    Examples
    --------
    >>> behind = counts_behind([Share(value="estimate", events="events", of="n")])
    >>> sorted(behind["estimate"])
    ['events', 'n']
    """
    behind: dict[str, set[str]] = defaultdict(set)
    for recipe in recipes:
        match recipe:
            case Share():
                needs = {recipe.events, recipe.of, recipe.without, *recipe.plus}
            case Rate():
                needs = {recipe.events}
            case Kept():
                needs = {recipe.of}
            # What no counts of its row give says nothing here: it goes with any of them.
            case _:
                continue
        for column in recipe.columns:
            behind[column] |= needs - {""}
    return {column: frozenset(needs) for column, needs in behind.items()}


def hide_derived(
    table: pd.DataFrame,
    derived: Iterable[str],
    hidden: pd.DataFrame,
    behind: Mapping[str, frozenset[str]],
) -> None:
    """Hide the figures of rows in which a count is hidden.

    Parameters
    ----------
    table : DataFrame
        Changed in place.
    derived : iterable of str
        Columns of its figures.
    hidden : DataFrame of bool
        Which counts are hidden, a column for each.
    behind : mapping
        From `counts_behind`: such a figure stays where the counts behind it are shown. Any other
        goes with every count of its row.
    """
    counts = {str(c): hidden[c].to_numpy(bool) for c in hidden}
    for column in derived:
        needs = [counts[c] for c in behind.get(column, counts) if c in counts]
        gone = np.any([np.zeros(len(table), bool), *needs], axis=0)
        if gone.any():
            table[column] = table[column].mask(gone)
