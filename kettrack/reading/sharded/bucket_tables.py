"""Checked tables as Parquet and back: types are those of the vocabulary, and codes stay codes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kettrack import __version__
from kettrack.arrays import Objects
from kettrack.reading.assemble import SORTED_BY, SORTED_TIMINGS
from kettrack.reading.coded import Coded, CodedRows, coded_numbers
from kettrack.reading.raw import Codes, smallest_codes
from kettrack.reading.sharded.bucket_numbers import HASH_NAME
from kettrack.reading.typed import CheckedTable
from kettrack.vocabulary.columns import Column, Table

_WORDS: Final = pa.dictionary(pa.int32(), pa.string())
_ARROW: Final = {
    "text": _WORDS,
    "choice": _WORDS,
    "choices": _WORDS,
    "whole": pa.int32(),
    "decimal": pa.float64(),
    "yes_no": pa.bool_(),
}
_NARROWEST: Final = 1 << 16  # numbers that lie so close are counted from the lowest
_ABOUT_FILE: Final = b"kettrack"


def schema_of(
    table: Table,
    names: Sequence[str],
) -> pa.Schema:
    """Types of some columns of a table: none is guessed from the values."""
    return pa.schema([(name, _ARROW[table[name].kind]) for name in names])


def to_arrow(
    checked: CheckedTable,
) -> pa.Table:
    """A checked table in the types of the vocabulary."""
    arrays = [_array(checked.table[name], checked.rows[name]) for name in checked.names]
    return pa.Table.from_arrays(arrays, schema=schema_of(checked.table, checked.names))


def _array(
    column: Column,
    coded: Coded,
) -> pa.Array:
    missing = ~coded.filled
    kind = _ARROW[column.kind]
    if kind == _WORDS:
        # Words that no row has are not written; a bucket knows its own patients only.
        used = coded.used
        place = np.append(np.cumsum(used) - 1, 0)
        codes = place[coded.codes].astype(np.int32)
        words = pa.array(coded.values[used], pa.string())
        indices = pa.array(codes, mask=missing)
        return pa.DictionaryArray.from_arrays(indices, words)
    numbers = coded.said(coded.values, 0.0)
    return pa.array(
        numbers,
        pa.float64(),
        mask=missing,
    ).cast(kind)


def write_bucket_table(
    checked: CheckedTable, number: int, n_buckets: int, path: Any
) -> int:
    """Write one table of a bucket, and return its number of rows."""
    about = {
        "table": checked.table.name,
        "bucket": number,
        "buckets": n_buckets,
        "hash": HASH_NAME,
        "sorted_by": SORTED_BY[checked.table.name],
        "checked_by": f"kettrack {__version__}",
    }
    table = to_arrow(checked)
    described = {_ABOUT_FILE: json.dumps(about).encode()}
    table = table.replace_schema_metadata(described)
    pq.write_table(
        table,
        path,
        compression="zstd",
    )
    return len(table)


def table_of_buckets(
    parts: Sequence[pq.ParquetFile],
    table: Table,
    names: Sequence[str],
    patients: Objects,
) -> CheckedTable:
    """A checked table from one bucket, or from several; a column is read when it is asked for.

    Parameters
    ----------
    parts : sequence of ParquetFile
        One from each bucket.
    table : Table
        What they are.
    names : sequence of str
        Columns of the whole; one that a bucket lacks is missing in its rows.
    patients : array of str
        Sorted; everybody in any of the tables is among them.

    Raises
    ------
    ValueError
        When a type is another, or a patient is not listed.
    """
    schema = schema_of(table, names)
    for part in parts:
        _require_types(part.schema_arrow, schema)
    columns = _ReadWhenAsked(parts, table, schema, patients)
    for name in SORTED_BY[table.name]:
        # What tells the order and whose a row is must be known before anything else.
        columns[name]
    lines = np.arange(columns.n_rows, dtype=np.int64)
    return CheckedTable(
        table,
        CodedRows(lines, columns),
        tuple(names),
    )


def _require_types(
    there: pa.Schema,
    wanted: pa.Schema,
) -> None:
    for field in wanted:
        if field.name in there.names and there.field(field.name).type != field.type:
            raise ValueError(field.name)


class _ReadWhenAsked(Mapping[str, Coded]):
    """Columns of buckets: most questions look at a few, and the others are never unpacked."""

    def __init__(
        self,
        parts: Sequence[pq.ParquetFile],
        table: Table,
        schema: pa.Schema,
        patients: Objects,
    ) -> None:
        self._parts = parts
        self._table = table
        self._schema = schema
        self._patients = patients
        self._read: dict[str, Coded] = {}
        self.n_rows = sum(part.metadata.num_rows for part in parts)
        absent = [one.name for one in table.columns if one.name not in schema.names]
        # Item columns behind the last one that is filled are in no cohort.
        absent = [name for name in absent if not name.startswith("item_")]
        self._names = (*schema.names, *absent)

    def __getitem__(
        self,
        name: str,
    ) -> Coded:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._read:
            self._read[name] = self._column(name)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _column(
        self,
        name: str,
    ) -> Coded:
        if name not in self._schema.names:
            return _nowhere(self._table[name], self.n_rows)
        kind = self._schema.field(name).type
        chunks = [pa.array([], kind)]
        for part in self._parts:
            if name in part.schema_arrow.names:
                chunks += part.read([name])[name].chunks
            else:
                chunks.append(pa.nulls(part.metadata.num_rows, kind))
        order = self._patients if name == "patient_id" else _words_in_order(name)
        return _coded(pa.chunked_array(chunks, kind), order)


def sorted_table(
    checked: CheckedTable,
) -> CheckedTable:
    """The rows in their order; rows that share their key stay as they were."""
    rows = checked.rows
    key = rows.key(SORTED_BY[checked.table.name])
    if (key[1:] < key[:-1]).any():
        rows = rows.keep(np.argsort(key, kind="stable"))
    return CheckedTable(
        checked.table,
        rows,
        checked.names,
    )


def is_sorted(
    checked: CheckedTable,
) -> bool:
    """Whether the rows are in their order, whatever the file says of itself."""
    key = checked.rows.key(SORTED_BY[checked.table.name])
    return not (key[1:] < key[:-1]).any()


def _nowhere(
    column: Column,
    n_rows: int,
) -> Coded:
    kind = np.float64 if _ARROW[column.kind] != _WORDS else object
    return Coded(
        np.full(
            n_rows,
            -1,
            np.int8,
        ),
        np.zeros(0, dtype=kind),
    )


def _words_in_order(
    name: str,
) -> Objects | None:
    """Words whose order is not that of the alphabet."""
    return np.array(SORTED_TIMINGS, dtype=object) if name == "timing" else None


def _coded(
    column: pa.ChunkedArray,
    order: Objects | None,
) -> Coded:
    if column.type == _WORDS:
        return _coded_words(column, order)
    if pa.types.is_floating(column.type):
        return coded_numbers(column.to_numpy(zero_copy_only=False))
    whole = column.cast(pa.int64())
    bounds = pc.min_max(whole).as_py()
    if bounds["min"] is None:
        return Coded(
            np.full(
                len(whole),
                -1,
                np.int8,
            ),
            np.zeros(0),
        )
    low = bounds["min"]
    width = bounds["max"] - low + 1
    if width > _NARROWEST:
        return coded_numbers(whole.cast(pa.float64()).to_numpy())
    # What is missing stands one below the lowest, which is code -1.
    codes = whole.fill_null(low - 1).to_numpy() - low
    values = np.arange(
        low,
        low + width,
        dtype=np.float64,
    )
    return Coded(codes.astype(smallest_codes(width)), values)


def _coded_words(
    column: pa.ChunkedArray,
    order: Objects | None,
) -> Coded:
    one = column.unify_dictionaries().combine_chunks()
    # Without rows there may be no chunk to combine.
    if isinstance(one, pa.ChunkedArray):
        one = one.chunk(0) if one.num_chunks else pa.array([], _WORDS)
    words = np.array(one.dictionary.to_pylist(), dtype=object)
    if order is None:
        order = np.array(sorted(words), dtype=object)
    place = pd.Index(order).get_indexer(pd.Index(words))
    if (place < 0).any():
        raise ValueError("a word that is not listed")
    codes: Codes = one.indices.fill_null(-1).to_numpy()
    smallest = smallest_codes(len(order))
    by_word = np.append(place, -1).astype(smallest)
    return Coded(by_word[codes], order)
