"""Files that hold data sets of CDISC: transport files, Dataset-JSON 1.1 and its NDJSON, Parquet,
CSV and SAS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kettrack.importing.cdisc.dataset import STUDY, SUBJECT, Dataset
from kettrack.importing.cdisc.dataset_json import (
    JsonDataset,
    is_dataset_json,
    read_json,
    read_ndjson,
)
from kettrack.importing.delimited import read_delimited
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import ColumnPlace, Remark, Remarks
from kettrack.importing.statistics.native import read_native
from kettrack.importing.statistics.stored import StoredTable, damaged
from kettrack.importing.statistics.tell import told_table
from kettrack.importing.statistics.transport import read_transport
from kettrack.privacy.identifying_people import shown

_Cells = Mapping[str, pa.Array]
# How much of a file is looked at to tell what it is.
_LOOK: Final = 1 << 16
_DOMAIN_LETTERS: Final = 2
_PLAIN: Final = (
    pa.types.is_string,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_boolean,
    pa.types.is_date,
    pa.types.is_timestamp,
    pa.types.is_null,
)
_KNOWN_NAMES: Final = ("usubjid", "studyid", "domain", "qstestcd", "paramcd")


def holds_cdisc(path: Path) -> bool:
    """Whether a file, or a file of a folder, holds data sets of CDISC.

    Parameters
    ----------
    path : Path
        A file or a folder.
    """
    if path.is_dir():
        return any(holds_cdisc(one) for one in path.iterdir() if one.is_file())
    ending = path.suffix.lower()
    if ending not in _READ:
        return False
    with path.open("rb") as file:
        start = file.read(_LOOK)
    if ending in (".json", ".ndjson"):
        return is_dataset_json(start)
    if ending == ".parquet":
        return _parquet_has_subjects(path)
    # In a text only the header counts: a note in it may speak of USUBJID.
    if ending == ".csv":
        start = start.partition(b"\n")[0].upper()
    # Names stand as they are in a file of SAS.
    return SUBJECT.encode() in start and STUDY.encode() in start


def _parquet_has_subjects(path: Path) -> bool:
    try:
        names = {name.upper() for name in pq.read_schema(path).names}
    except (pa.ArrowException, OSError):
        return False
    return {SUBJECT, STUDY} <= names


def read_datasets(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> list[Dataset]:
    """Read every data set of a file or a folder.

    Parameters
    ----------
    path : Path
        A file or a folder.
    answers : mapping
        To the questions of an earlier run.
    remarks : Remarks
        Takes which files of the folder were not read.

    Raises
    ------
    DataProblems
        When a file is damaged.
    """
    if path.is_file():
        read = _READ.get(path.suffix.lower())
        if read is None:
            file = shown(path.name, file=True)
            damaged(file, f"a file with one of the endings {', '.join(_READ)}")
        return read(path, answers, remarks)
    found = []
    for one in sorted(path.iterdir()):
        if one.is_file() and holds_cdisc(one):
            found += _READ[one.suffix.lower()](one, answers, remarks)
        elif one.is_file():
            file = shown(one.name, file=True)
            reason = "no data set of CDISC was recognised in this file: it was not read"
            remarks.add(Remark(file=file, table=file, action="noted", reason=reason))
    return found


def _transport(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> list[Dataset]:
    file = shown(path.name, file=True)
    members = read_transport(file, path.read_bytes(), answers, remarks)
    return [_of_statistics(member, answers, remarks) for member in members]


def _sas(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> list[Dataset]:
    stored = read_native(path, answers, remarks)
    return [_of_statistics(stored, answers, remarks, path.stem)]


def _of_statistics(
    stored: StoredTable,
    answers: Answers,
    remarks: Remarks,
    name: str = "",
) -> Dataset:
    told = told_table(stored, answers, remarks)
    columns = {
        column: told.data[column].combine_chunks() for column in told.data.column_names
    }
    rows = np.asarray(told.rows)
    return _dataset(told.file, name or told.name, columns, rows, told.labels)


def _json(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> list[Dataset]:
    read = read_json(shown(path.name, file=True), path.read_bytes(), remarks)
    return [_of_json(path, read)]


def _ndjson(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> list[Dataset]:
    with path.open("rb") as lines:
        read = read_ndjson(shown(path.name, file=True), lines, remarks)
    return [_of_json(path, read)]


def _of_json(
    path: Path,
    read: JsonDataset,
) -> Dataset:
    file = shown(path.name, file=True)
    name = read.name or path.stem
    return _dataset(file, name, read.columns, read.rows, read.labels)


def _parquet(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> list[Dataset]:
    file = shown(path.name, file=True)
    try:
        table = pq.read_table(path)
        # Text is believed to be UTF-8 until somebody looks.
        table.validate(full=True)
    # Too little memory is no fault of the file.
    except MemoryError:
        raise
    except (pa.ArrowException, OSError):
        table = None
    if table is None:
        damaged(
            file,
            "a whole Parquet file with text in UTF-8; this one is damaged, cut off or has other"
            " text",
        )
    # By place, since a name that comes twice cannot be asked for.
    columns = {
        name: _one_array(table.column(place))
        for place, name in enumerate(table.column_names)
    }
    if len(columns) < len(table.column_names):
        damaged(file, "a name of its own for every column")
    odd = [name for name, cells in columns.items() if not _is_plain(cells.type)]
    for name in odd:
        reason = "its cells are neither text, numbers nor dates: they were not read"
        place = ColumnPlace(
            file=file,
            table=file,
            column=shown(name),
            rows=pa.array([], pa.int64()),
        )
        remarks.column(place, "dropped", reason, len(columns.pop(name)))
    rows = np.arange(1, table.num_rows + 1)
    return [_dataset(file, path.stem, columns, rows, {})]


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    whole = pa.concat_arrays(column.chunks) if column.num_chunks else None
    if whole is None:
        return pa.array([], column.type)
    plain = whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole
    return plain.cast(pa.string()) if _is_text(plain.type) else plain


def _is_plain(kind: pa.DataType) -> bool:
    """Whether cells can stand in a data set of CDISC, which knows no lists and no bytes."""
    return any(tells(kind) for tells in _PLAIN)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _csv(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> list[Dataset]:
    read = read_delimited(path, _KNOWN_NAMES, remarks)
    if len(set(read.headers)) < len(read.headers):
        damaged(read.file, "a name of its own for every column")
    columns = dict(zip(read.headers, read.columns, strict=True))
    return [_dataset(read.file, path.stem, columns, read.lines, {})]


def _dataset(
    file: str,
    name: str,
    columns: _Cells,
    rows: np.ndarray,
    labels: Mapping[str, str],
) -> Dataset:
    """A data set; a study may split a domain, whose name then stands in its records."""
    upper = {variable.upper(): cells for variable, cells in columns.items()}
    made = Dataset(
        file=file,
        name=shown(name.upper(), file=True),
        domain=name.upper(),
        columns=upper,
        rows=rows.astype(np.int64),
        labels={variable.upper(): label for variable, label in labels.items()},
    )
    # SDTM splits QS by questionnaire into files such as QSPH.
    domains = made.words("DOMAIN").dropna().unique().tolist()
    if len(domains) != 1 or len(domains[0]) != _DOMAIN_LETTERS:
        return made
    return Dataset(
        file=made.file,
        name=made.name,
        domain=domains[0],
        columns=upper,
        rows=made.rows,
        labels=made.labels,
    )


_READ: Final[dict[str, Callable[[Path, Answers, Remarks], list[Dataset,]]]] = {
    ".xpt": _transport,
    ".sas7bdat": _sas,
    ".json": _json,
    ".ndjson": _ndjson,
    ".parquet": _parquet,
    ".csv": _csv,
}
