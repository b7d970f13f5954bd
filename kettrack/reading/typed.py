"""The last step: columns of codes as columns of a cohort's frame, each in its dtype, when somebody
asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from kettrack.arrays import Bools, Numbers
from kettrack.reading.coded import Coded, CodedRows
from kettrack.vocabulary.columns import Column, Table

# Days are never missing, and the order within a day is always told: a plain integer will do.
_PLAIN: Final = ("day", "order")


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """A checked table that is no frame yet: most questions look at a few of its columns.

    Parameters
    ----------
    table : Table
        What it is.
    rows : CodedRows
        Sorted.
    names : tuple of str
        Columns of the frame, in order.
    """

    table: Table
    rows: CodedRows
    names: tuple[str, ...]

    def frame(
        self,
        names: Sequence[str] = (),
        rows: Bools | None = None,
    ) -> pd.DataFrame:
        """Some of the columns, or all of them; some of the rows, or all of them."""
        columns = {}
        for name in names or self.names:
            coded = self.rows[name]
            if rows is not None:
                coded = coded.keep(rows)
            columns[name] = _typed(self.table[name], coded)
        n_rows = len(self.rows) if rows is None else int(rows.sum())
        every_row = pd.RangeIndex(n_rows)
        return pd.DataFrame(columns, index=every_row, copy=False)


def _typed(
    column: Column,
    coded: Coded,
) -> ExtensionArray | Numbers:
    """Values by row: `Int64` and `boolean` are the kinds of pandas that can be missing.

    Parameters
    ----------
    column : Column
        As the vocabulary defines it.
    coded : Coded
        What stands in it.
    """
    if column.name in _PLAIN:
        numbers = coded.values.astype(np.int32)
        return numbers[coded.codes]
    # Timing stays an ordered category: before, unknown, after is its order in time.
    if column.name == "timing":
        words = pd.Index(coded.values, dtype="str")
        return pd.Categorical.from_codes(
            coded.codes,
            words,
            ordered=True,
        )
    return _KINDS.get(column.kind, _text)(coded)


def _text(
    coded: Coded,
) -> ExtensionArray:
    # By their codes, which is several times as fast as pandas' own conversion of categories.
    words = pd.array(coded.values, dtype="str")
    return words.take(coded.codes, allow_fill=True)


def _decimal(
    coded: Coded,
) -> Numbers:
    return coded.numbers


def _whole(
    coded: Coded,
) -> ExtensionArray:
    numbers = coded.values.astype(np.int64)
    by_row = coded.said(numbers, 1)
    missing = ~coded.filled
    return pd.arrays.IntegerArray(by_row, missing)


def _yes_no(
    coded: Coded,
) -> ExtensionArray:
    # What stands where a truth value is missing is never looked at.
    truth = coded.values.astype(bool)
    by_row = coded.said(truth, True)
    missing = ~coded.filled
    return pd.arrays.BooleanArray(by_row, missing)


_KINDS: Final[Mapping[str, Callable[[Coded], ExtensionArray | Numbers]]] = {
    "whole": _whole,
    "decimal": _decimal,
    "yes_no": _yes_no,
}
