"""A cohort folder: which files are there, what they are, and their common hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kettrack.privacy.identifying_people import may_be_shown, shown, shown_names
from kettrack.reading.headers import source_names
from kettrack.reading.import_remarks import IMPORT_PROBLEMS_FILE
from kettrack.reading.problems import HIDDEN, Ledger, counted_was, nearest
from kettrack.reading.raw import RawTable, table_from_frame
from kettrack.reading.textfile import read_text_table
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.vocabulary.columns import TABLES

# Formats that can be read; each needs a branch in `_raw`.
_ENDINGS = (".csv", ".parquet")
_WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods")
# What kettrack itself writes beside the tables.
_COMPANIONS = (
    SETTINGS_FILE,
    IMPORT_PROBLEMS_FILE,
    "README.md",
    "data_dictionary.md",
    "datapackage.json",
    "truth.json",
)


def read_tables(
    folder: Path, settings: Settings, ledger: Ledger
) -> tuple[dict[str, RawTable], dict[str, bytes]]:
    """Read the tables of a folder, each as it stands.

    Parameters
    ----------
    folder : Path
        The cohort folder.
    settings : Settings
        Names the columns by which separators are recognised.
    ledger : Ledger
        Takes missing files, files that cannot be read, and what was assumed about the others.

    Returns
    -------
    raws : dict
        Table name to raw table, for those that could be read.
    files : dict
        File name to content, `kettrack.toml` included.
    """
    paths = _find(folder, ledger)
    # Read once: the hash is taken over the very bytes that are parsed.
    files = {path.name: path.read_bytes() for path in paths.values()}
    raws = {
        name: _raw(name, path.name, files[path.name], settings, ledger)
        for name, path in paths.items()
    }
    for name, raw in raws.items():
        if (
            raw is not None
            and raw.columns
            and not len(raw.lines)
            and TABLES[name].required
        ):
            ledger.problem(
                raw.file,
                None,
                "",
                "",
                "the file has no rows below the names of the columns",
            )
    # The settings decide what the tables mean, so they belong to the hash.
    if (folder / SETTINGS_FILE).is_file():
        files[SETTINGS_FILE] = (folder / SETTINGS_FILE).read_bytes()
    return {name: raw for name, raw in raws.items() if raw is not None}, files


def sha256_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 over file names and contents, in name order."""
    # A file's name ends with a zero byte, which no name holds, and its content is a hash of fixed
    # length: no two folders give the same bytes.
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return whole.hexdigest()


def _find(folder: Path, ledger: Ledger) -> dict[str, Path]:
    # Hidden files are what systems leave behind, such as .DS_Store.
    there = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    paths = {}
    for name, table in TABLES.items():
        found = [
            path
            for path in there
            if path.suffix.lower() in _ENDINGS and path.stem == name and path.is_file()
        ]
        if found:
            paths[name] = found[0]
        elif table.required:
            ledger.problem(
                f"{name}.csv",
                None,
                "",
                "",
                f"this file is missing{_near_file(name, there)}",
            )
        # sessions.csv and sessions.parquet: nobody can tell which is the newer one.
        if len(found) > 1:
            ledger.problem(
                found[0].name,
                None,
                "",
                "",
                f"there is also {found[1].name}; keep one of them",
            )
    _check_settings_file(there, ledger)
    _note_unused(
        [
            path
            for path in there
            if path not in paths.values() and path.name not in _COMPANIONS
        ],
        ledger,
    )
    return paths


def _check_settings_file(there: list[Path], ledger: Ledger) -> None:
    """Settings that would silently not be read stop: a name almost right, or a folder of that
    name.
    """
    for path in there:
        # Some systems hide endings: a person sees kettrack.toml where kettrack.toml.txt stands.
        name = path.name.casefold()
        if path.name == SETTINGS_FILE and not path.is_file():
            ledger.problem(
                SETTINGS_FILE,
                None,
                "",
                "",
                "this is a folder; a settings file is needed",
            )
        elif path.name != SETTINGS_FILE and (
            name == SETTINGS_FILE or name.startswith(f"{SETTINGS_FILE}.")
        ):
            ledger.problem(
                path.name,
                None,
                "",
                "",
                f"these settings are not read; the file must be called {SETTINGS_FILE}",
            )


def _note_unused(unused: list[Path], ledger: Ledger) -> None:
    if unused:
        ledger.note(
            f"These files are not used: {shown_names((path.name for path in unused), file=True)}."
        )
    books = [path for path in unused if path.suffix.lower() in _WORKBOOKS]
    if books:
        ledger.note(
            f"{counted_was(len(books), 'workbook')} not read; save each table as CSV."
        )


def _near_file(name: str, there: list[Path]) -> str:
    # Programs for large tables write a folder of parts under the name of the file.
    parts = [
        path.name
        for path in there
        if path.stem == name and path.suffix.lower() in _ENDINGS
    ]
    if parts:
        return f"; {parts[0]} is a folder: write the table as one file"
    # A workbook of the right name is the most common reason for a missing table.
    book = next(
        (
            path.name
            for path in there
            if path.stem.casefold() == name and path.suffix.lower() in _WORKBOOKS
        ),
        None,
    )
    if book:
        return f"; {book} is there: save it as CSV"
    near = nearest(
        # A file may be named after a patient; such a name is not offered.
        name,
        [path.stem for path in there if may_be_shown(path.stem, file=True)],
    )
    found = next((path.name for path in there if path.stem == near), None)
    return (
        f"; did you mean {found}? It must be called {name}.csv or {name}.parquet"
        if found
        else ""
    )


def _raw(
    name: str, file: str, data: bytes, settings: Settings, ledger: Ledger
) -> RawTable | None:
    if file.lower().endswith(".parquet"):
        return _parquet(name, file, data, ledger)
    known = {
        # The separator is the one that shows the most names that are known here.
        source.casefold()
        for source in source_names(TABLES[name], settings).values()
    }
    return read_text_table(name, file, data, known, ledger)


def _parquet(name: str, file: str, data: bytes, ledger: Ledger) -> RawTable | None:
    table = _arrow_table(file, data, ledger)
    if table is None:
        return None
    unread = [
        place
        for place, column in enumerate(table.columns)
        if _cannot_be_read(column.type)
    ]
    for place in unread:
        _report_unread(file, table.field(place), place, ledger)
    # Lists, records, bytes and types of other programs have no place in any column of the contract.
    flat = [
        pa.nulls(table.num_rows, pa.string()) if place in unread else column
        for place, column in enumerate(table.columns)
    ]
    frame = pa.Table.from_arrays(flat, names=table.column_names).to_pandas(
        # Metadata of pandas in the file could turn a column into an index.
        types_mapper=pd.ArrowDtype,
        ignore_metadata=True,
    )
    return table_from_frame(name, frame, file)


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


def _arrow_table(file: str, data: bytes, ledger: Ledger) -> pa.Table | None:
    try:
        source = pq.ParquetFile(pa.BufferReader(data))
        names = source.schema_arrow.names
        # Nobody can tell which of two columns of one name is meant.
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        for name in twice:
            ledger.problem(
                file,
                1,
                shown(name),
                "",
                f"{names.count(name)} columns have this name; keep one",
            )
        return None if twice else source.read()
    # What Arrow says may quote the file, so it is not passed on.
    except (pa.ArrowException, OSError):
        ledger.problem(file, None, "", "", "not a Parquet file that can be read")
        return None
