"""A cohort folder: which files are there, what they are, and their common hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kettrack.reading.headers import source_names
from kettrack.reading.problems import Ledger, nearest
from kettrack.reading.raw import RawTable, table_from_frame
from kettrack.reading.settings_file import SETTINGS_FILE
from kettrack.reading.textfile import read_text_table
from kettrack.settings import Settings
from kettrack.vocabulary.columns import TABLES

_ENDINGS = (".csv", ".parquet")


def read_tables(folder: Path, settings: Settings, ledger: Ledger) -> tuple[dict[str, RawTable], dict[str, bytes]]:
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
    files = {path.name: path.read_bytes() for path in paths.values()}
    raws = {name: _raw(name, path.name, files[path.name], settings, ledger) for name, path in paths.items()}
    if (folder / SETTINGS_FILE).is_file():
        files[SETTINGS_FILE] = (folder / SETTINGS_FILE).read_bytes()
    return {name: raw for name, raw in raws.items() if raw is not None}, files


def sha256_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 over file names and contents, in name order."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return whole.hexdigest()


def _find(folder: Path, ledger: Ledger) -> dict[str, Path]:
    there = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    paths = {}
    for name, table in TABLES.items():
        found = [path for path in there if path.suffix.lower() in _ENDINGS and path.stem == name]
        if found:
            paths[name] = found[0]
        elif table.required:
            ledger.problem(f"{name}.csv", None, "", "", f"this file is needed and not there{_near_file(name, there)}")
        if len(found) > 1:
            ledger.problem(found[0].name, None, "", "", f"there is also {found[1].name}; keep one of them")
    unused = [path.name for path in there if path.suffix.lower() in _ENDINGS and path not in paths.values()]
    if unused:
        ledger.note(f"Files not used: {', '.join(unused)}.")
    return paths


def _near_file(name: str, there: list[Path]) -> str:
    near = nearest(name, [path.stem for path in there])
    found = next((path.name for path in there if path.stem == near), None)
    return f"; did you mean {found} by it? It must be called {name}.csv or {name}.parquet" if found else ""


def _raw(name: str, file: str, data: bytes, settings: Settings, ledger: Ledger) -> RawTable | None:
    if file.lower().endswith(".parquet"):
        return _parquet(name, file, data, ledger)
    known = {source.casefold() for source in source_names(TABLES[name], settings).values()}
    return read_text_table(name, file, data, known, ledger)


def _parquet(name: str, file: str, data: bytes, ledger: Ledger) -> RawTable | None:
    table = _arrow_table(data)
    if table is None:
        ledger.problem(file, None, "", "", "not a Parquet file that can be read")
        return None
    # Lists, records and bytes have no place in any column of the contract.
    flat = [pa.nulls(table.num_rows, pa.string()) if _is_nested(column.type) else column for column in table.columns]
    frame = pa.Table.from_arrays(flat, names=table.column_names).to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
    return table_from_frame(name, frame, file)


def _is_nested(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind) or pa.types.is_binary(kind))


def _arrow_table(data: bytes) -> pa.Table | None:
    try:
        return pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError):
        return None
