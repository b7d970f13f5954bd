"""A cohort folder: which files are there, what they are, and their common hash."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from kettrack.errors import NotRead, why_not_read
from kettrack.privacy.identifying_people import may_be_shown, shown_names
from kettrack.reading.import_remarks import IMPORT_PROBLEMS_FILE
from kettrack.reading.problems import Ledger, counted_was, nearest
from kettrack.reading.raw import RawTable, give_back_memory
from kettrack.reading.table_files import table_files
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.vocabulary.columns import TABLES

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
    hashes : dict
        File name to the SHA-256 of its content, `kettrack.toml` included.
    """
    paths = find_tables(folder, ledger)
    raws = {}
    hashes = {}
    for name, path in paths.items():
        # Read once: the hash is taken over the very bytes that are parsed. They are let go before
        # the next file comes.
        try:
            data = path.read_bytes()
        # It may have vanished meanwhile, or belong to somebody else.
        except OSError as error:
            ledger.problem(path.name, None, "", "", why_not_read(error))
            continue
        read = table_files()[path.suffix.lower()]
        with ThreadPoolExecutor(1) as beside:
            hashing = beside.submit(_sha256, data)
            raws[name] = read(name, path.name, data, settings, ledger)
            hashes[path.name] = hashing.result()
        del data
        give_back_memory()
    for raw in raws.values():
        if raw is not None and raw.columns and not len(raw.lines):
            report_no_rows(raw.name, raw.file, ledger)
    # The settings decide what the tables mean, so they belong to the hash.
    settings_file = folder / SETTINGS_FILE
    # One that cannot be read has been told when the settings were wanted.
    with suppress(OSError):
        hashes[SETTINGS_FILE] = _sha256(settings_file.read_bytes())
    return {name: raw for name, raw in raws.items() if raw is not None}, hashes


def report_no_rows(table: str, file: str, ledger: Ledger) -> None:
    """Report a file without rows, of a table that every cohort needs."""
    if TABLES[table].required:
        expected = "the file has no rows below the names of the columns"
        ledger.problem(file, None, "", "", expected)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sha256_of(hashes: Mapping[str, bytes]) -> str:
    """SHA-256 over file names and the hashes of their contents, in name order."""
    # A file's name ends with a zero byte, which no name holds, and its content is a hash of fixed
    # length: no two folders give the same bytes.
    whole = hashlib.sha256()
    for name in sorted(hashes):
        whole.update(name.encode() + b"\0" + hashes[name])
    return whole.hexdigest()


def find_tables(
    folder: Path,
    ledger: Ledger,
    in_parts: Collection[Path] = (),
) -> dict[str, Path]:
    """The file of each table.

    Parameters
    ----------
    folder : Path
        The cohort folder.
    ledger : Ledger
        Takes what is missing, is there twice, or is not used.
    in_parts : collection of Path
        Folders that hold a table in parts, where whoever asks can read them.
    """
    # Hidden files are what systems leave behind, such as .DS_Store.
    try:
        there = sorted(
            path for path in folder.iterdir() if not path.name.startswith(".")
        )
    except OSError as error:
        raise NotRead(folder, error) from error
    elsewhere = {path.name.partition(".")[0] for path in in_parts}
    paths = {}
    for name, table in TABLES.items():
        found = [
            path
            for path in there
            if path.suffix.lower() in table_files()
            and path.stem == name
            and path.is_file()
        ]
        if found:
            paths[name] = found[0]
        elif table.required and name not in elsewhere:
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
            if path not in {*paths.values(), *in_parts} and path.name not in _COMPANIONS
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
        if path.stem == name and path.suffix.lower() in table_files()
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
    names = " or ".join(f"{name}{ending}" for ending in table_files())
    if found:
        return f"; did you mean {found}? It must be called {names}"
    return "; a cohort folder holds sessions.csv and scores.csv, or the same as Parquet"
