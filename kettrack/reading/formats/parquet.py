"""Tables as Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kettrack.privacy.identifying_people import shown
from kettrack.reading.problems import HIDDEN, Ledger
from kettrack.reading.raw import Cells, Encoder, RawTable
from kettrack.reading.table_files import table_file
from kettrack.settings import Settings

_STRETCH: Final = 1 << 17  # rows read at a time
_DAMAGED: Final = (
    "not a Parquet file that can be read: it is damaged, cut off or of another kind. Write it"
    " again, or save the table as CSV"
)


@table_file(".parquet")
def read_parquet_table(
    name: str,
    file: str,
    data: bytes,
    settings: Settings,
    ledger: Ledger,
) -> RawTable | None:
    """Read a Parquet file; lists, records, bytes and types of other programs are read as empty."""
    try:
        return _table(name, file, data, ledger)
    # Too little memory is no fault of the file.
    except MemoryError:
        raise
    # What Arrow says may quote the file, so it is not passed on.
    except (pa.ArrowException, OSError):
        ledger.problem(file, None, "", "", _DAMAGED)
        return None


def _table(name: str, file: str, data: bytes, ledger: Ledger) -> RawTable | None:
    source = _opened(file, pa.py_buffer(data), ledger)
    if source is None:
        return None
    stretches = source.iter_batches(_STRETCH)
    return _raw(name, file, source.schema_arrow, (stretches, 0), ledger)


def parquet_parts(
    name: str,
    file: str,
    path: Path,
    n_rows: int,
) -> Iterator[tuple[RawTable | None, Ledger]]:
    """A file of any size, so many rows at a time, and what is found in them.

    Parameters
    ----------
    name, file, path : str, str, Path
        Of the table, and of the file in messages; where it is.
    n_rows : int
        Of a part.
    """
    ledger = Ledger()
    try:
        with pa.memory_map(str(path)) as mapped:
            source = _opened(file, mapped, ledger)
            if source is None:
                yield None, ledger
                return
            for some, first in _parts(source, n_rows):
                raw = _raw(name, file, source.schema_arrow, (some, first), ledger)
                yield raw, ledger
                # Columns that cannot be read were told with the first part.
                ledger = Ledger()
    except MemoryError:
        raise
    # What Arrow says may quote the file, so it is not passed on.
    except (pa.ArrowException, OSError):
        ledger = Ledger()
        ledger.problem(file, None, "", "", _DAMAGED)
        yield None, ledger


def _parts(
    source: pq.ParquetFile,
    n_rows: int,
) -> Iterator[tuple[list[pa.RecordBatch], int]]:
    """The rows of a file in parts, each with the number of rows before it; at least one part."""
    batches = source.iter_batches(_STRETCH)
    first = 0
    while some := list(islice(batches, n_rows // _STRETCH)):
        yield some, first
        first += sum(map(len, some))
    if not first:
        yield [], 0


def n_parquet_rows(path: Path) -> int:
    """How many rows a file says that it has; 0 where it is damaged."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return 0


def _opened(file: str, data: Any, ledger: Ledger) -> pq.ParquetFile | None:
    """A file whose columns have names of their own; None for any other."""
    source = pq.ParquetFile(_reader(data))
    schema = source.schema_arrow
    # Nobody can tell which of two columns of one name is meant.
    twice = [one for one in dict.fromkeys(schema.names) if schema.names.count(one) > 1]
    for one in twice:
        ledger.problem(
            file,
            1,
            shown(one),
            "",
            f"{schema.names.count(one)} columns have this name; keep one",
        )
    if twice:
        return None
    # The file itself holds each text once in a stretch of rows, and is not asked to spell it out.
    texts = [column.name for column in schema if pa.types.is_string(column.type)]
    return pq.ParquetFile(_reader(data), read_dictionary=texts)


def _reader(data: Any) -> Any:
    """What is read twice: bytes have no place at which they stand."""
    return pa.BufferReader(data) if isinstance(data, pa.Buffer) else data


def _raw(
    name: str,
    file: str,
    schema: pa.Schema,
    stretches: tuple[Iterable[pa.RecordBatch], int],
    ledger: Ledger,
) -> RawTable:
    """Some rows of a file, and how many there are before them."""
    batches, before = stretches
    encoders = [
        None if _cannot_be_read(column.type) else Encoder() for column in schema
    ]
    # Stretches of rows become codes at once: the values of all cells are never there together.
    n_rows = 0
    for batch in batches:
        n_rows += len(batch)
        for encoder, values in zip(encoders, batch.columns, strict=True):
            if encoder is not None:
                encoder.add(values)
    # Lists, records, bytes and types of other programs have no place in any column of the contract.
    for place, encoder in enumerate(encoders):
        if encoder is None:
            _report_unread(file, schema.field(place), place, ledger)
    empty = Cells(np.full(n_rows, -1, np.int8), np.zeros(0, dtype=object))
    return RawTable(
        name=name,
        file=file,
        headers=tuple(header.strip() for header in schema.names),
        columns=tuple(encoder.cells() if encoder else empty for encoder in encoders),
        lines=np.arange(n_rows, dtype=np.int64) + before + 1,
    )


def _cannot_be_read(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_nested(kind)
        or _is_bytes(kind)
        or isinstance(kind, pa.BaseExtensionType)
    )


def _is_bytes(kind: pa.DataType) -> bool:
    # Arrow has four kinds of bytes and no common name for them.
    tests = (
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_fixed_size_binary,
        pa.types.is_binary_view,
    )
    return any(test(kind) for test in tests)


def _report_unread(file: str, field: pa.Field, place: int, ledger: Ledger) -> None:
    name = shown(field.name, f"column {place + 1}")
    # Without study codes nothing can be read; any other column can be done without.
    if field.name.casefold() == "patient_id":
        what = "bytes, not text" if _is_bytes(field.type) else "not text"
        ledger.problem(
            file, None, name, HIDDEN, f"{what}; write the study codes as text"
        )
    else:
        ledger.note(
            f"{file}: column {name!r} holds neither text nor numbers and is read as empty."
        )
