"""Two sides of a comparison in rows that belong together: how far they are apart, and what must go
where one of them is hidden.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Floats, Ints
from kettrack.estimators.difference import Ends, ends_apart, joint_stretch
from kettrack.privacy.release.cells import COUNTS
from kettrack.privacy.release.columns import column_numbers, fill
from kettrack.result import SUPPRESSED, Result
from kettrack.vocabulary.made_of import RowDifference

_LEVEL: Final = 0.95


def fill_row_differences(
    recipe: RowDifference,
    table: pd.DataFrame,
) -> None:
    """Fill in how far each row is from the one before it that is about the same thing.

    Parameters
    ----------
    recipe : RowDifference
        Where the figures stand.
    table : DataFrame
        Changed in place. Its figures are exact, or made again from rounded counts: the difference
        tells no more than they do.
    """
    # Of two rows that are about the same thing the later one is looked at.
    later = table[recipe.within].duplicated().to_numpy(bool)
    second = np.flatnonzero(later)
    one = _ends_of(recipe, table, second)
    other = _ends_of(
        recipe,
        table,
        np.flatnonzero(~later),
    )
    alone = ends_apart(one, other)
    known = int((~np.isnan(alone.estimate)).sum())
    stretch = joint_stretch(known, _LEVEL)
    joint = ends_apart(
        one,
        other,
        stretch,
    )
    values = (
        *alone,
        joint.low,
        joint.high,
    )
    fill(
        table,
        second,
        dict(zip(recipe.columns, values, strict=True)),
    )


def _ends_of(
    recipe: RowDifference,
    table: pd.DataFrame,
    places: Ints,
) -> Ends:
    low, high = recipe.figure_ends
    columns: list[Floats] = [
        column_numbers(table, name)[places]
        for name in (
            recipe.figure,
            low,
            high,
        )
    ]
    return Ends.of(*columns)


def sides_together(result: Result) -> Result:
    """A comparison that is shown whole or not at all: where a row is hidden, no number of any side
    is shown.

    Whoever has a difference and the figure of one side has that of the other; and the counts of two
    periods add up to those of everyone, which may be hidden elsewhere. Good figures are not shown
    where the harm beside them is hidden.

    Parameters
    ----------
    result : Result
        Through the gate.
    """
    compared = any(isinstance(recipe, RowDifference) for recipe in result.recipes)
    if not compared or SUPPRESSED not in result.table:
        return result
    if not result.table[SUPPRESSED].any():
        return result
    table = result.table.copy()
    nothing = pd.Series(np.nan, index=table.index)
    for name, role in result.roles.items():
        if role == "derived":
            table[name] = nothing
        # A count that is hidden is missing as a whole number.
        elif role in COUNTS:
            table[name] = nothing.astype("Int64")
    table[SUPPRESSED] = True
    return replace(result, table=table)
