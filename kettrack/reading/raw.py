"""A table as it stands in its source: text, each distinct spelling of a column once.

Every judgement is made once per spelling and carried to the rows by codes; a million rows cost
little more than a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kettrack.arrays import Bools, Ints, Objects

# Spellings of "nothing here" in exports; `none` is no such word, it is an answer of
# `adverse_events`.
_EMPTY_WORDS: Final = (
    "",
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "<NA>",
    "NaN",
    "nan",
    "NaT",
    "null",
    "NULL",
    ".",
)


@dataclass(frozen=True, slots=True)
class Cells:
    """One column of text.

    Parameters
    ----------
    codes : int array
        Row to level; -1 = empty.
    levels : object array of str
        The distinct spellings, without blanks around them.
    n_marked : int
        Rows emptied because they said so in a word, such as `NA`.
    """

    codes: NDArray[np.int32]
    levels: Objects
    n_marked: int = 0

    @property
    def counts(self) -> Ints:
        """Rows of each level."""
        filled = self.codes[self.codes >= 0]
        counts = np.bincount(filled, minlength=len(self.levels))
        return counts.astype(np.int64)

    @property
    def arrow(self) -> pa.Array:
        """The levels, for vectorised tests."""
        return pa.array(self.levels, pa.string())

    def rows(
        self,
        hit: Bools,
    ) -> NDArray[np.intp]:
        """Positions of the rows whose level is hit."""
        # Code -1, an empty cell, takes the last entry: the one appended.
        hit_or_empty = np.append(hit, False)
        return np.flatnonzero(hit_or_empty[self.codes])

    def keep(
        self,
        rows: Bools,
    ) -> Cells:
        """The same levels with some of the rows."""
        return replace(self, codes=self.codes[rows])


@dataclass(frozen=True, slots=True)
class RawTable:
    """One file before anything in it is believed.

    Parameters
    ----------
    name : str
        Of the table in the vocabulary: `sessions`, `scores`, `patients`, `events`.
    file : str
        As named in problems.
    headers : tuple of str
        As written; may repeat.
    columns : tuple of Cells
        One per header.
    lines : int array
        Line of each row in the file; in Parquet files and frames the row's place, from 1.
    separator : str
        Between cells of a text file; empty otherwise.
    """

    name: str
    file: str
    headers: tuple[str, ...]
    columns: tuple[Cells, ...]
    lines: Ints
    separator: str = ""


def cells_from_arrow(column: pa.ChunkedArray | pa.Array) -> Cells:
    """Encode a text column; blanks around a cell are dropped, and words for "nothing" become
    empty.
    """
    one = column
    if isinstance(column, pa.ChunkedArray):
        one = column.combine_chunks()
    if isinstance(one, pa.ChunkedArray):  # an empty one stays chunked
        one = pa.array([], pa.string())
    trimmed = pc.utf8_trim_whitespace(one.cast(pa.string()))
    coded = pc.dictionary_encode(trimmed)
    spellings = coded.dictionary.to_pylist()
    levels = np.array(spellings, dtype=object)
    filled = pc.fill_null(coded.indices, -1)
    codes = filled.to_numpy(zero_copy_only=False)
    return _without_empty(codes.astype(np.int32), levels)


def _without_empty(
    codes: NDArray[np.int32],
    levels: Objects,
) -> Cells:
    """Take the words for "nothing" out of the levels, and number the others anew."""
    empty = np.isin(levels, _EMPTY_WORDS)
    if not empty.any():
        return Cells(codes, levels)
    blank = levels == ""
    left = ~empty
    # A level that is kept gets the number of kept ones before it. The entry appended is for code
    # -1: what was empty stays empty.
    place = np.where(empty, -1, np.cumsum(left) - 1)
    renumbered = np.append(place, -1).astype(np.int32)
    marked = np.append(empty & ~blank, False)
    n_marked = int(marked[codes].sum())
    return Cells(
        codes=renumbered[codes],
        levels=levels[left],
        n_marked=n_marked,
    )


def table_from_frame(
    name: str,
    frame: pd.DataFrame,
    file: str = "",
) -> RawTable:
    """Take a frame in memory as if it had been read from a file.

    Whatever the dtype (integers, floats like 1.0, object, categories, Arrow-backed), the same
    values give the same text.
    """
    # By place, since two columns may have one name.
    columns = []
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        columns.append(_cells_from_series(column))
    headers = [str(header).strip() for header in frame.columns]
    lines = np.arange(len(frame), dtype=np.int64) + 1
    return RawTable(
        name=name,
        file=file or name,
        headers=tuple(headers),
        columns=tuple(columns),
        lines=lines,
    )


def _cells_from_series(series: pd.Series) -> Cells:
    codes, values = pd.factorize(_plain(series))
    # an Arrow array is slow to go through value by value
    spellings = np.asarray(values, dtype=object)
    texts = [_as_text(value) for value in spellings]
    spelled = cells_from_arrow(pa.array(texts, pa.string()))
    # Row to value, value to level: two values such as 1 and 1.0 may be one level. Code -1, a
    # missing value, takes the entry appended.
    level_of = np.append(spelled.codes, np.int32(-1))
    return Cells(
        codes=level_of[codes],
        levels=spelled.levels,
        n_marked=spelled.n_marked,
    )


def _plain(series: pd.Series) -> pd.Series:
    """Undo categories and Arrow dictionaries, whose distinct values would otherwise come back as
    codes.
    """
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return series.astype(series.cat.categories.dtype)
    if isinstance(dtype, pd.ArrowDtype):
        arrow = dtype.pyarrow_dtype
        if pa.types.is_dictionary(arrow):
            arrow = arrow.value_type
            series = _cast(series, pa.string() if _unknown(arrow) else arrow)
        # Newer kinds, such as the text of Polars, are still unknown to pandas.
        return _cast(series, pa.string()) if _unknown(arrow) else series
    if pd.api.types.is_object_dtype(dtype):
        # True equals 1 to whoever counts distinct values: written out, it stays a truth value.
        return series.map(lambda value: _as_text(value) if _is_truth(value) else value)
    return series


def _unknown(kind: pa.DataType) -> bool:
    """Whether pandas cannot compute with a kind that Arrow can hold."""
    try:
        return not pd.ArrowDtype(kind).type
    except NotImplementedError:
        return True


def _cast(series: pd.Series, kind: pa.DataType) -> pd.Series:
    values = pa.chunked_array([pa.array(series.array)])
    return pd.Series(values.cast(kind), dtype=pd.ArrowDtype(kind))


def _is_truth(value: object) -> bool:
    return isinstance(value, (bool, np.bool_))


def _as_text(value: object) -> str:
    if _is_truth(value):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if number.is_integer():
            return str(int(number))
        return repr(number)
    return str(value)
