"""Dataset-JSON 1.1 of CDISC, whole or as NDJSON: the description of a data set, then its records.

Source: CDISC Dataset-JSON v1.1 (cdisc.org/standards/data-exchange/dataset-json).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from kettrack.arrays import Ints
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.statistics.stored import code_as_text, damaged

_SIGN: Final = b'"datasetJSONVersion"'
_WHOLE: Final = (
    "a whole file of Dataset-JSON 1.1; this one is damaged, cut off or of another form"
)


class _Variable(msgspec.Struct):
    name: str
    label: str = ""


class _Description(msgspec.Struct):
    """What stands before the records."""

    datasetJSONVersion: str  # the standard's own spelling
    columns: list[_Variable]
    name: str = ""
    records: int = -1
    rows: list[list[Any]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonDataset:
    """One data set.

    Parameters
    ----------
    name : str
        As the file calls it.
    columns : mapping
        Variable to its cells.
    rows : int array
        Number of each record.
    labels : mapping
        Variable to its label.
    """

    name: str
    columns: Mapping[str, pa.Array]
    rows: Ints
    labels: Mapping[str, str]


def is_dataset_json(start: bytes) -> bool:
    """Whether the first bytes of a file are those of Dataset-JSON 1.1."""
    return _SIGN in start


def read_json(file: str, data: bytes, remarks: Remarks) -> JsonDataset:
    """Read a data set that is one JSON object.

    Parameters
    ----------
    file : str
        Name of the file.
    data : bytes
        The whole file.
    remarks : Remarks
        Takes records of another length.

    Raises
    ------
    DataProblems
        When the file is damaged, or holds another number of records than it says.
    """
    described = _described(data)
    if described is None:
        damaged(file, _WHOLE)
    return _made(file, described, described.rows, remarks)


def read_ndjson(file: str, lines: Iterable[bytes], remarks: Remarks) -> JsonDataset:
    """Read a data set of which each record is a line, below a line that describes it.

    Parameters
    ----------
    file : str
        Name of the file.
    lines : iterable of bytes
        Its lines.
    remarks : Remarks
        Takes records of another length.

    Raises
    ------
    DataProblems
        When the file is damaged, or holds another number of records than it says.
    """
    # The first line describes the columns, and holds no record.
    rest = iter(lines)
    described = _described(next(rest, b""))
    if described is None:
        damaged(file, _WHOLE)
    records = _records(rest)
    if records is None:
        damaged(file, _WHOLE)
    return _made(file, described, records, remarks)


def _described(data: bytes) -> _Description | None:
    # The text of the error may hold a cell, so none is passed on.
    try:
        return msgspec.json.decode(data, type=_Description)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _records(lines: Iterable[bytes]) -> list[list[Any]] | None:
    decoder = msgspec.json.Decoder(list[Any])
    try:
        return [decoder.decode(line) for line in lines if line.strip()]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _made(
    file: str,
    described: _Description,
    records: Sequence[list[Any]],
    remarks: Remarks,
) -> JsonDataset:
    names = [variable.name for variable in described.columns]
    if len(set(names)) < len(names):
        damaged(file, "a name of its own for every column")
    # The only way to see that the end of a file of lines is missing.
    if described.records not in (-1, len(records)):
        damaged(
            file,
            f"{described.records} records, as the file says itself; it holds {len(records)}",
        )
    numbers = np.arange(1, len(records) + 1)
    fits = np.array([len(one) == len(names) for one in records], dtype=bool)
    remarks.said += [
        Remark(
            file=file,
            table=described.name.upper() or file,
            row=row,
            action="refused",
            reason="the record has another number of cells than there are columns",
        )
        for row in numbers[~fits].tolist()
    ]
    kept = [
        one for one, is_whole in zip(records, fits.tolist(), strict=True) if is_whole
    ]
    cells = zip(*kept, strict=True) if kept else [()] * len(names)
    return JsonDataset(
        name=described.name,
        columns={
            name: _column(column) for name, column in zip(names, cells, strict=True)
        },
        rows=numbers[fits],
        labels={one.name: one.label for one in described.columns if one.label},
    )


def _column(cells: Sequence[Any]) -> pa.Array:
    """Numbers where all cells are numbers, else text."""
    numbers = all(
        cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool))
        for cell in cells
    )
    if numbers and any(isinstance(cell, float) for cell in cells):
        return pa.array(cells, pa.float64())
    # As text also whole numbers keep all of their digits, however many.
    return pa.array(
        [None if cell is None else code_as_text(cell) for cell in cells], pa.string()
    )
