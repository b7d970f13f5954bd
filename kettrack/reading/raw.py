"""A table as it stands in its source: text, each distinct spelling of a column once.

Every judgement is made once per spelling and carried to the rows by codes; a million rows cost
little more than a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kettrack.arrays import Bools, Ints, Objects
from kettrack.reading.near_numbers import (
    NearNumbers,
    near_numbers,
    numbers_together,
)

# Spellings of "nothing here" in exports; `none` is no such word, it is an answer of
# `adverse_events`.
_EMPTY_WORDS: Final = pa.array(
    (
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
)
# Places in a list, -1 = none.
Codes = NDArray[np.signedinteger]


@dataclass(frozen=True, slots=True)
class Cells:
    """One column of text.

    Parameters
    ----------
    codes : int array
        Row to level; -1 = empty. Of the smallest kind that counts the levels.
    levels : object array of str
        The distinct spellings, without blanks around them.
    n_marked : int
        Rows emptied because they said so in a word, such as `NA`.
    """

    codes: Codes
    levels: Objects
    n_marked: int = 0

    @property
    def counts(self) -> Ints:
        """Rows of each level."""
        return counts_of(self.codes, len(self.levels))

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

    def used(self) -> Cells:
        """Without the spellings that no row has: nothing of theirs is judged or counted."""
        used = np.zeros(len(self.levels) + 1, dtype=bool)
        used[self.codes] = True
        if used[:-1].all():
            return self
        place = np.append(np.cumsum(used[:-1]) - 1, -1)
        return replace(
            self,
            codes=place.astype(self.codes.dtype)[self.codes],
            levels=self.levels[used[:-1]],
        )

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


def give_back_memory() -> None:
    """Hand what was used on the way, and is free again, back to the system: allocators keep it."""
    pa.default_memory_pool().release_unused()
    # That of C, which numpy uses; where it cannot be told, nothing happens.
    pa.system_memory_pool().release_unused()


def counts_of(
    codes: Codes,
    n_levels: int,
) -> Ints:
    """How often each code comes; -1 is not counted."""
    # One place higher, -1 is a number that can be counted and left out.
    counts = np.bincount(codes + codes.dtype.type(1), minlength=n_levels + 1)
    return counts[1:].astype(np.int64)


def smallest_codes(
    n_levels: int,
) -> np.dtype[np.signedinteger]:
    """The smallest kind of whole number that counts the levels and holds -1."""
    return np.min_scalar_type(-1 - n_levels)


class Encoder:
    """Encodes one column that comes block by block, each distinct value once.

    Numbers become text, blanks around a cell are dropped, and words for "nothing" become empty.
    """

    def __init__(self) -> None:
        # Of each block its codes, and the values that they stand for.
        self._codes: list[Codes] = []
        self._values: list[pa.Array | NearNumbers] = []
        # Whether a block came with its own list of values, of which some may be in no row.
        self._listed = False

    def add(
        self,
        values: pa.Array,
    ) -> None:
        """Take the next rows: text or plain values of one type, null where there is none."""
        kind = values.type
        near = near_numbers(values)
        if near is not None:
            self._codes.append(near.codes)
            self._values.append(near)
            return
        # Newer kinds, such as the text of Polars, are still unknown to pandas.
        if not pa.types.is_dictionary(kind) and _unknown(kind):
            values = values.cast(pa.string())
        elif pa.types.is_float16(kind):
            # Older versions of Arrow cannot tell distinct ones of these.
            values = values.cast(pa.float32())
        self._listed |= pa.types.is_dictionary(kind)
        coded = pc.dictionary_encode(values)
        smallest = smallest_codes(len(coded.dictionary))
        self._codes.append(_places(coded.indices).astype(smallest))
        self._values.append(coded.dictionary)

    def cells(self) -> Cells:
        """All rows so far; the blocks are taken apart on the way."""
        near = [one for one in self._values if isinstance(one, NearNumbers)]
        all_near = len(near) == len(self._values)
        cells = self._of_numbers(near) if near and all_near else self._of_texts()
        self._codes.clear()
        return cells.used() if self._listed else cells

    def _of_numbers(
        self,
        blocks: list[NearNumbers],
    ) -> Cells:
        places, levels = numbers_together(blocks)
        smallest = smallest_codes(len(levels))
        codes = self._by_row(places.astype(smallest), np.int64(-1))
        return Cells(codes, levels)

    def _of_texts(self) -> Cells:
        written = _texts_of_all(self._values)
        # Two values such as 1 and 1.0, or two spellings with other blanks, may be one level.
        trimmed = pc.utf8_trim_whitespace(written)
        coded = pc.dictionary_encode(trimmed)
        words = coded.dictionary.to_numpy(zero_copy_only=False)
        word = _places(coded.indices)
        said_empty = pc.is_in(coded.dictionary, _EMPTY_WORDS)
        empty = said_empty.to_numpy(zero_copy_only=False)
        # A level that is kept gets the number of kept ones before it. The entry appended is for
        # code -1: what was empty stays empty.
        place = np.cumsum(~empty) - 1
        place[empty] = -1
        smallest = smallest_codes(len(words))
        of_values = np.append(place, -1)[word]
        codes = self._by_row(of_values.astype(smallest), np.int64(-1))
        blank = words == ""
        marked = np.append(empty & ~blank, False)[word]
        n_marked = 0
        if marked.any():
            rows = self._by_row(marked, np.False_)
            n_marked = int(rows.sum())
        return Cells(codes, words[~empty], n_marked)

    def _by_row(
        self,
        of_value: NDArray[Any],
        missing: np.generic,
    ) -> NDArray[Any]:
        """What is said of each block's values, for each row."""
        kind = of_value.dtype
        parts = [of_value[:0]]
        begin = 0
        for codes, values in zip(self._codes, self._values, strict=True):
            end = begin + len(values)
            own = of_value[begin:end]
            # Most numbers have their codes already.
            if kind.kind == "i" and np.array_equal(own, np.arange(len(own))):
                parts.append(codes.astype(kind, copy=False))
            else:
                parts.append(np.append(own, missing).astype(kind)[codes])
            begin = end
        return np.concatenate(parts)


def _places(
    indices: pa.Array,
) -> Codes:
    """Places in a dictionary, -1 = none."""
    filled = indices.fill_null(-1) if indices.null_count else indices
    places: Codes = filled.to_numpy()
    return places


def _texts_of_all(
    blocks: list[pa.Array | NearNumbers],
) -> pa.Array:
    """The values of each block as text, one after the other."""
    arrays = [one for one in blocks if isinstance(one, pa.Array)]
    kinds = {one.type for one in arrays}
    # Decimals come back in many blocks, and each is made text once.
    if len(arrays) == len(blocks) and len(kinds) == 1 and _decimal(arrays[0]):
        coded = pc.dictionary_encode(pa.concat_arrays(arrays))
        return _texts(coded.dictionary).take(coded.indices)
    texts = [
        one.texts() if isinstance(one, NearNumbers) else _texts(one) for one in blocks
    ]
    return pa.concat_arrays([pa.array([], pa.string()), *texts])


def _decimal(
    values: pa.Array,
) -> bool:
    return bool(pa.types.is_floating(values.type))


def _texts(
    values: pa.Array,
) -> pa.Array:
    """Distinct values as text, null where nothing is there."""
    kind = values.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if text or _unknown(kind):
        return values.cast(pa.string())
    series = values.to_pandas(types_mapper=pd.ArrowDtype)
    missing = series.isna()
    # an Arrow array is slow to go through value by value
    spellings = np.asarray(series.array, dtype=object)
    texts = [
        None if gone else _as_text(value)
        for value, gone in zip(spellings, missing, strict=True)
    ]
    return pa.array(texts, pa.string())


def _unknown(
    kind: pa.DataType,
) -> bool:
    """Whether pandas cannot compute with a kind that Arrow can hold."""
    try:
        return not pd.ArrowDtype(kind).type
    except NotImplementedError:
        return True


def _is_truth(
    value: object,
) -> bool:
    return isinstance(value, (bool, np.bool_))


def _as_text(
    value: object,
) -> str:
    if _is_truth(value):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if number.is_integer():
            return str(int(number))
        return repr(number)
    return str(value)


def cells_from_arrow(
    column: pa.ChunkedArray | pa.Array,
) -> Cells:
    """Encode a text column as `Encoder` does."""
    encoder = Encoder()
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    for chunk in chunks:
        encoder.add(chunk.cast(pa.string()))
    return encoder.cells()


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
        cells = _cells_from_series(column)
        columns.append(cells)
    headers = [str(header).strip() for header in frame.columns]
    lines = np.arange(len(frame), dtype=np.int64) + 1
    return RawTable(
        name=name,
        file=file or name,
        headers=tuple(headers),
        columns=tuple(columns),
        lines=lines,
    )


def _cells_from_series(
    series: pd.Series,
) -> Cells:
    codes, values = pd.factorize(_plain(series))
    # an Arrow array is slow to go through value by value
    spellings = np.asarray(values, dtype=object)
    texts = [_as_text(value) for value in spellings]
    spelled = cells_from_arrow(pa.array(texts, pa.string()))
    # Row to value, value to level: two values such as 1 and 1.0 may be one level. Code -1, a
    # missing value, takes the entry appended.
    missing = spelled.codes.dtype.type(-1)
    level_of = np.append(spelled.codes, missing)
    return Cells(
        codes=level_of[codes],
        levels=spelled.levels,
        n_marked=spelled.n_marked,
    )


def _plain(
    series: pd.Series,
) -> pd.Series:
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


def _cast(
    series: pd.Series,
    kind: pa.DataType,
) -> pd.Series:
    values = pa.chunked_array([pa.array(series.array)])
    return pd.Series(values.cast(kind), dtype=pd.ArrowDtype(kind))
