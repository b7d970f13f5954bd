"""Whether a point in a column of numbers is a decimal point or marks thousands."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow.compute as pc

from kettrack.arrays import Bools, Objects
from kettrack.reading.raw import Cells, RawTable
from kettrack.vocabulary.columns import Column

# A number of thousands, or one with three decimals.
_GROUPED: Final = r"^[+-]?[1-9]\d{0,2}(?:\.\d{3})+$"
POINTED: Final = r"^[+-]?\d*\.\d+"


def is_like(
    cells: Cells,
    pattern: str,
) -> Bools:
    """Which distinct cells have a form."""
    if not len(cells.levels):
        return np.zeros(0, dtype=bool)
    return np.asarray(
        pc.match_substring_regex(cells.arrow, pattern).to_numpy(zero_copy_only=False),
        dtype=bool,
    )


def perhaps_thousands(
    raw: RawTable, column: Column, levels: Objects, cells: Cells, high: float
) -> dict[int, str]:
    """Numbers such as `1.200` where nothing in the column tells whether the point is a decimal
    point: both readings are inside the range, and one is a thousand times the other.
    """
    if column.kind != "decimal" or not raw.separator or not np.isfinite(high):
        return {}
    written = Cells(cells.codes, levels)
    pointed = is_like(written, POINTED)
    grouped = is_like(written, _GROUPED)
    # one number with another count of decimals shows what the point is
    if not grouped.any() or (pointed & ~grouped).any():
        return {}
    places = np.flatnonzero(grouped).tolist()
    without = {place: float(levels[place].replace(".", "")) for place in places}
    # where thousands cannot be meant in one cell, they are meant in none
    if max(without.values()) > high:
        return {}
    return dict.fromkeys(
        places,
        "a number without a mark for thousands; it is not clear whether this one has such a mark."
        " Write 1200 for twelve hundred, and 1.2 or 1.20 for one and a fifth",
    )
