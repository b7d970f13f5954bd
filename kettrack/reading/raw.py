"""A table as it stands in its source: text, each distinct spelling of a column once.

Every judgement is made once per spelling and carried to the rows by codes; a million rows cost
little more than a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# Spellings of "nothing here" in exports; `none` is no such word, it is an answer of
# `adverse_events`.
EMPTY_WORDS = frozenset(
    {"", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NaT", "null", "NULL", "."}
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
    levels: NDArray[np.object_]
    n_marked: int = 0

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows of each level."""
        return np.bincount(
            self.codes[self.codes >= 0], minlength=len(self.levels)
        ).astype(np.int64)

    @property
    def arrow(self) -> pa.Array:
        """The levels, for vectorised tests."""
        return pa.array(self.levels, pa.string())

    def rows(self, hit: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Positions of the rows whose level is hit."""
        return np.flatnonzero(np.append(hit, False)[self.codes])

    def keep(self, rows: NDArray[np.bool_]) -> Cells:
        """The same levels with some of the rows."""
        return Cells(self.codes[rows], self.levels, self.n_marked)


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
    lines: NDArray[np.int64]
    separator: str = ""


def cells_from_arrow(column: pa.ChunkedArray | pa.Array) -> Cells:
    """Encode a text column; blanks around a cell are dropped, and words for "nothing" become
    empty.
    """
    one = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(one, pa.ChunkedArray):  # an empty one stays chunked
        one = pa.array([], pa.string())
    trimmed = pc.utf8_trim_whitespace(one.cast(pa.string()))
    coded = pc.dictionary_encode(trimmed)
    levels = np.array(coded.dictionary.to_pylist(), dtype=object)
    codes = (
        pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    )
    return _without_empty(codes, levels)


def _without_empty(codes: NDArray[np.int32], levels: NDArray[np.object_]) -> Cells:
    empty = np.array([level in EMPTY_WORDS for level in levels], dtype=bool)
    if not empty.any():
        return Cells(codes, levels)
    marked = empty & np.array([level != "" for level in levels], dtype=bool)
    renumbered = np.where(empty, -1, np.cumsum(~empty) - 1).astype(np.int32)
    n_marked = int(np.append(marked, False)[codes].sum())
    return Cells(
        np.append(renumbered, np.int32(-1))[codes].astype(np.int32),
        levels[~empty],
        n_marked,
    )


def table_from_frame(name: str, frame: pd.DataFrame, file: str = "") -> RawTable:
    """Take a frame in memory as if it had been read from a file.

    Whatever the dtype (integers, floats like 1.0, object, categories, Arrow-backed), the same
    values give the same text.
    """
    columns = tuple(
        _cells_from_series(frame.iloc[:, place]) for place in range(frame.shape[1])
    )
    lines = np.arange(1, len(frame) + 1, dtype=np.int64)
    return RawTable(
        name,
        file or name,
        tuple(str(header).strip() for header in frame.columns),
        columns,
        lines,
    )


def _cells_from_series(series: pd.Series) -> Cells:
    codes, values = pd.factorize(_plain(series))
    # an Arrow array is slow to go through value by value
    spellings = np.asarray(values, dtype=object)
    texts = pa.array([_as_text(value) for value in spellings], pa.string())
    spelled = cells_from_arrow(texts)
    return Cells(
        np.append(spelled.codes, np.int32(-1))[codes].astype(np.int32),
        spelled.levels,
        spelled.n_marked,
    )


def _plain(series: pd.Series) -> pd.Series:
    """Undo categories and Arrow dictionaries, whose distinct values would otherwise come back as
    codes.
    """
    if isinstance(series.dtype, pd.ArrowDtype) and pa.types.is_dictionary(
        series.dtype.pyarrow_dtype
    ):
        return series.astype(pd.ArrowDtype(series.dtype.pyarrow_dtype.value_type))
    return (
        series.astype(series.cat.categories.dtype)
        if isinstance(series.dtype, pd.CategoricalDtype)
        else series
    )


def _as_text(value: object) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return str(int(number)) if number.is_integer() else repr(number)
    return str(value)
