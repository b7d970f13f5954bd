"""A workbook or text file, or a folder of them, to one source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kettrack.errors import DataProblems, Problem
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.source import SourceData, SourceTable
from kettrack.importing.text_tables import TEXT_ENDINGS, read_text_file
from kettrack.importing.workbooks.books import (
    EXCEL_ENDINGS,
    ODS_ENDINGS,
    RecordNumbers,
    read_book,
)
from kettrack.privacy.identifying_people import shown

_BOOKS: Final = (*EXCEL_ENDINGS, *ODS_ENDINGS)


def files_with(
    folder: Path,
    endings: Sequence[str],
) -> list[Path]:
    """Files of a folder with one of some endings, in the order of their names."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in endings and path.is_file() and not _left_behind(path)
    )


def _left_behind(path: Path) -> bool:
    # Excel and LibreOffice keep a hidden copy of an open workbook beside it.
    return path.name.startswith(("~$", ".~lock", "."))


def read_table_files(
    kind: str,
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read a file, or all workbooks and text files of a folder.

    Parameters
    ----------
    kind : str
        Name of the reader.
    path, answers, remarks
        As `read_source` takes them.

    Raises
    ------
    DataProblems
        Saying of every file that cannot be read why.
    """
    paths = [path]
    if path.is_dir():
        paths = files_with(path, (*_BOOKS, *TEXT_ENDINGS))
        _say_unread(path, paths, remarks)
    # Sheets of two workbooks may have one name.
    n_books = sum(_is_book(one) for one in paths)
    tables: list[SourceTable] = []
    records: RecordNumbers = {}
    problems: list[Problem] = []
    for number, one in enumerate(paths, start=1):
        # A file may be named after a patient.
        file = shown(one.name, f"file {number}{one.suffix.lower()}", file=True)
        try:
            if _is_book(one):
                before = f"{Path(file).stem} " if n_books > 1 else ""
                found, rows = read_book(one, file, answers, remarks, before)
                records |= rows
            else:
                found, lines = read_text_file(one, file, answers, remarks)
                records[file, file] = lines
        except DataProblems as why:
            problems += why.problems
            continue
        tables += found
    # All files that cannot be read are told at once.
    if problems:
        raise DataProblems(problems) from None
    return SourceData(kind=kind, tables=tables, records=records)


def _is_book(path: Path) -> bool:
    return path.suffix.lower() in _BOOKS


def _say_unread(
    folder: Path,
    read: Sequence[Path],
    remarks: Remarks,
) -> None:
    others = [
        path for path in folder.iterdir() if path not in read and not _left_behind(path)
    ]
    # A file that is not read could be the one that matters.
    for number, path in enumerate(sorted(others), start=1):
        file = shown(path.name, f"other file {number}", file=True)
        why = "this is a folder and was not entered"
        if not path.is_dir():
            why = "this is no workbook and no text table, and was not read"
        remarks.add(Remark(file=file, table="", action="noted", reason=why))
