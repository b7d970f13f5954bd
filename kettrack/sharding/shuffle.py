"""Rows of a source from the order of its files to buckets of whole patients, by way of the disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from kettrack.arrays import Ints
from kettrack.reading.headers import source_names
from kettrack.reading.raw import Cells, Encoder, RawTable
from kettrack.reading.sharded.bucket_numbers import bucket_numbers
from kettrack.settings import Settings
from kettrack.sharding.work_folder import PartDone
from kettrack.vocabulary.columns import TABLES
from kettrack.writing import whole_file

_LINE: Final = "line"
# Words of a column that are so few are written once for all buckets.
_FEW_WORDS: Final = 1024
# The files are read once and thrown away: what is quick to write is better than what is small.
_QUICK: Final = ipc.IpcWriteOptions(compression="lz4")


def write_by_bucket(
    raw: RawTable,
    settings: Settings,
    n_buckets: int,
    path: Path,
) -> list[int]:
    """Write some rows of a table, those of each bucket together, and return how many each has.

    Parameters
    ----------
    raw : RawTable
        The rows.
    settings : Settings
        Says which column holds the codes of patients.
    n_buckets : int
        How many buckets there are.
    path : Path
        One batch for each bucket that has rows, as Arrow lays them out.
    """
    bucket = _bucket_of_row(
        raw,
        settings,
        n_buckets,
    )
    # Stable: rows of a patient stay in the order of the file.
    order = np.argsort(bucket, kind="stable")
    columns = {str(place): cells for place, cells in enumerate(raw.columns)}
    arrays = {name: _array(cells, order) for name, cells in columns.items()}
    arrays[_LINE] = pa.array(raw.lines[order])
    rows = pa.table(arrays)
    sizes: Ints = np.bincount(bucket, minlength=n_buckets)
    with (
        whole_file(path) as draft,
        ipc.new_file(str(draft), rows.schema, options=_QUICK) as writer,
    ):
        first = 0
        for size in sizes[sizes > 0].tolist():
            writer.write_table(rows.slice(first, size))
            first += size
    return sizes.tolist()


def _bucket_of_row(
    raw: RawTable,
    settings: Settings,
    n_buckets: int,
) -> Ints:
    """The bucket of each row; a row without a code is in the first, where it is reported."""
    place = _place_of_codes(raw, settings)
    # A table without codes cannot be read: some of its rows are enough to say so.
    if place is None:
        return np.zeros(len(raw.lines), dtype=np.int64)
    cells = raw.columns[place]
    of_code = np.append(bucket_numbers(cells.levels, n_buckets), 0)
    return of_code[cells.codes]


def _place_of_codes(
    raw: RawTable,
    settings: Settings,
) -> int | None:
    source = source_names(TABLES[raw.name], settings)["patient_id"]
    exact = [place for place, name in enumerate(raw.headers) if name == source]
    alike = [
        place
        for place, name in enumerate(raw.headers)
        if name.casefold() == source.casefold()
    ]
    return next(iter(exact or alike), None)


def _array(
    cells: Cells,
    order: Ints,
) -> pa.Array:
    codes = cells.codes[order]
    indices = pa.array(codes, mask=codes < 0)
    words = pa.DictionaryArray.from_arrays(indices, cells.arrow)
    return words if len(cells.levels) <= _FEW_WORDS else words.cast(pa.string())


def read_bucket(
    table: str,
    file: str,
    parts: Sequence[tuple[Path, PartDone]],
    number: int,
) -> RawTable | None:
    """The rows of a table that are in one bucket, in the order of the source.

    Parameters
    ----------
    table, file : str
        Name of the table, and of what it is called in messages.
    parts : sequence of (Path, PartDone)
        From `write_by_bucket`, in the order of the source.
    number : int
        Of the bucket.

    Returns
    -------
    RawTable or None
        None where no part can be read. A column that only some parts have is empty in the others.
    """
    readable = [(path, done) for path, done in parts if done.headers is not None]
    if not readable:
        return None
    headers = _all_headers([done for _, done in readable])
    encoders = [Encoder() for _ in headers]
    lines = [np.zeros(0, dtype=np.int64)]
    for path, done in readable:
        # A part without rows of this bucket has no batch of it.
        if not done.rows[number]:
            continue
        rows = _rows(
            path,
            done,
            number,
        )
        lines.append(rows[_LINE].to_numpy())
        place_of = _places(done)
        for header, encoder in zip(
            headers,
            encoders,
            strict=True,
        ):
            encoder.add(_cells_of(rows, place_of.get(header)))
    columns = [encoder.cells() for encoder in encoders]
    return RawTable(
        name=table,
        file=file,
        headers=tuple(name for name, _ in headers),
        columns=tuple(columns),
        lines=np.concatenate(lines),
        separator=readable[0][1].separator,
    )


# A name, and which of the columns of that name it is.
_Header = tuple[str, int]


def _places(
    done: PartDone,
) -> dict[_Header, int]:
    """Column to its place in a part; two columns of one name are told apart."""
    places: dict[_Header, int] = {}
    for place, name in enumerate(done.headers or []):
        nth = 0
        while (name, nth) in places:
            nth += 1
        places[name, nth] = place
    return places


def _all_headers(
    parts: Sequence[PartDone],
) -> list[_Header]:
    """Every column of any part, in the order in which they first come."""
    headers: dict[_Header, None] = {}
    for done in parts:
        headers |= dict.fromkeys(_places(done))
    return list(headers)


def _rows(
    path: Path,
    done: PartDone,
    number: int,
) -> pa.RecordBatch:
    """The rows of one bucket in one part."""
    earlier = done.rows[:number]
    # Buckets without rows have no batch.
    place = sum(size > 0 for size in earlier)
    with pa.OSFile(str(path)) as file:
        return ipc.open_file(file).get_batch(place)


def _cells_of(
    rows: pa.RecordBatch,
    place: int | None,
) -> pa.Array:
    if place is None:
        return pa.nulls(len(rows), pa.string())
    return rows[str(place)]
