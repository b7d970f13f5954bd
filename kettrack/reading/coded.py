"""Columns after their cells were judged: for each row a small whole number, and once what it stands
for.

What is told of a column is told of its few values; a row is touched only where rows differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kettrack.arrays import Bools, Floats, Ints, Objects
from kettrack.reading.raw import Codes, counts_of, smallest_codes

_NARROW: Final = 4  # bytes of a value


@dataclass(frozen=True, slots=True)
class Coded:
    """One column.

    Parameters
    ----------
    codes : int array
        Row to value; -1 = missing.
    values : array
        Numbers, distinct and rising, or words, distinct. Some may be in no row.
    """

    codes: Codes
    values: Floats | Objects

    @property
    def filled(self) -> Bools:
        """Whether a value is there, by row."""
        there: Bools = self.codes >= 0
        return there

    @property
    def numbers(self) -> Floats:
        """Values by row, NaN where there is none."""
        return self.said(self.values, np.nan)

    @property
    def used(self) -> Bools:
        """Whether any row has a value, by value."""
        counts = self.counts
        return counts > 0

    @property
    def counts(self) -> Ints:
        """Rows of each value."""
        return counts_of(self.codes, len(self.values))

    def said(
        self,
        of_values: NDArray[Any],
        missing: Any,
    ) -> NDArray[Any]:
        """What is said of the values, for each row.

        Parameters
        ----------
        of_values : array
            By value.
        missing
            For rows without a value.
        """
        # Code -1 takes the entry appended.
        return _of_each(np.append(of_values, missing), self.codes)

    def is_one_of(
        self,
        words: Iterable[str],
    ) -> Bools:
        """Whether a row has one of some words."""
        # Looked for among the values, of which there are few.
        hit = np.isin(self.values, list(words))
        return self.said(hit, False)

    def keep(
        self,
        rows: Bools | Ints,
    ) -> Coded:
        """The same values with some of the rows."""
        return Coded(self.codes[rows], self.values)


def _of_each(
    of_codes: NDArray[Any],
    codes: Codes,
) -> NDArray[Any]:
    """What is said of the codes, for each row."""
    # Brackets are twice as fast for wide values and for codes of one byte, and `take` is faster
    # for the others.
    if of_codes.itemsize > _NARROW or codes.itemsize == 1:
        return of_codes[codes]
    return np.take(of_codes, codes)


def coded_values(
    codes: Codes,
    values: Floats,
) -> Coded:
    """A column from the number that each code stands for; a number may come twice, NaN is none."""
    # A nought with a minus is a nought.
    plain = values + 0.0
    distinct = np.unique(plain[~np.isnan(plain)])
    place = np.searchsorted(distinct, plain)
    place[np.isnan(plain)] = -1
    smallest = smallest_codes(len(distinct))
    # Numbers that came in their order have their codes already.
    if codes.dtype == smallest and np.array_equal(place, np.arange(len(distinct))):
        return Coded(codes, distinct)
    of_code = np.append(place, -1).astype(smallest)
    return Coded(_of_each(of_code, codes), distinct)


def coded_numbers(
    numbers: Floats,
) -> Coded:
    """A column from the number of each row, NaN where there is none."""
    # A nought with a minus is a nought.
    codes, distinct = pd.factorize(numbers + 0.0, sort=True)
    smallest = smallest_codes(len(distinct))
    return Coded(codes.astype(smallest), distinct)


def coded_whole(
    numbers: NDArray[np.signedinteger],
) -> Coded:
    """A column from the whole number of each row, none of them missing; they lie close together."""
    low = int(numbers.min(initial=0))
    high = int(numbers.max(initial=0))
    values = np.arange(low, high + 1, dtype=np.float64)
    smallest = smallest_codes(len(values))
    return Coded((numbers - low).astype(smallest), values)


@dataclass(frozen=True, slots=True)
class CodedRows:
    """One table.

    Parameters
    ----------
    lines : int array
        Line of each row in its source; below 0 for a row that is in none.
    columns : mapping
        Name to column, in the order of the contract.
    """

    lines: Ints
    columns: Mapping[str, Coded]

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(
        self,
        name: str,
    ) -> Coded:
        return self.columns[name]

    @property
    def items(self) -> list[str]:
        """Names of the items of a questionnaire."""
        return [name for name in self.columns if name.startswith("item_")]

    def keep(
        self,
        rows: Bools | Ints,
    ) -> CodedRows:
        """Some of the rows."""
        # Where nothing is left out, nothing is copied.
        if rows.dtype == bool and rows.all():
            return self
        kept = {name: column.keep(rows) for name, column in self.columns.items()}
        return CodedRows(self.lines[rows], kept)

    def replaced(
        self,
        columns: Mapping[str, Coded],
    ) -> CodedRows:
        """With some other columns in the place of those of their names."""
        return CodedRows(self.lines, {**self.columns, **columns})

    def n_patients(
        self,
        rows: Bools,
    ) -> int:
        """How many patients some of the rows are of."""
        codes = np.unique(self["patient_id"].codes[rows])
        return int((codes >= 0).sum())

    def key(
        self,
        names: Sequence[str],
    ) -> Ints:
        """One number for each row: equal where all named columns are equal, and rising with the
        first of them, then the next.
        """
        key = np.zeros(len(self), dtype=np.int64)
        for name in names:
            column = self.columns[name]
            # One more than there are values: a missing one is a value of its own here.
            key *= len(column.values) + 1
            key += column.codes
        return key


def repeated(
    key: Ints,
) -> Bools:
    """Whether another row has the same key."""
    # Most files are sorted and have each key once, which is told at a glance.
    if (key[1:] > key[:-1]).all():
        return np.zeros(len(key), dtype=bool)
    # Sorting nearly sorted numbers stays in the cache; a table of twenty million does not.
    ordered = np.sort(key)
    if (ordered[1:] > ordered[:-1]).all():
        return np.zeros(len(key), dtype=bool)
    return pd.Index(key).duplicated(keep=False)
