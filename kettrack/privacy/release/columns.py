"""Columns of a table read as numbers, and set in some rows only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.intervals import PercentInterval


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
    made = np.array(found, np.float64).reshape(
        -1,
        3,
    )
    # A figure without ends has one column, and takes the first of the three.
    fill(
        table,
        rows,
        dict(zip(columns, made.T, strict=False)),
    )
