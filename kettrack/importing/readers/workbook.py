"""Workbooks of Excel and OpenDocument, alone or a folder of them."""

from __future__ import annotations

from pathlib import Path

from kettrack.importing.registry import Answers, reader
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable
from kettrack.importing.workbooks.books import (
    EXCEL_ENDINGS,
    ODS_ENDINGS,
    RecordNumbers,
    format_of,
    read_book,
)
from kettrack.privacy.identifying_people import shown


def _is_excel(path: Path) -> int:
    return _rank(path, EXCEL_ENDINGS, ("xlsx", "xlsb", "xls"))


def _is_ods(path: Path) -> int:
    return _rank(path, ODS_ENDINGS, ("ods",))


def _rank(
    path: Path,
    endings: tuple[str, ...],
    formats: tuple[str, ...],
) -> int:
    if path.is_dir():
        return int(bool(_books(path, endings)))
    if path.suffix.lower() in endings:
        return 2 if format_of(path) in formats else 1
    return 0


def _books(
    folder: Path,
    endings: tuple[str, ...],
) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        # Excel keeps a hidden copy of an open workbook beside it: ~$log.xlsx.
        if path.suffix.lower() in endings and not path.name.startswith(("~$", "."))
    )


@reader(
    "excel",
    about="Excel workbooks: .xlsx, .xlsm, .xls, .xlsb",
    recognise=_is_excel,
)
def read_excel(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read an Excel workbook, or all of a folder.

    Parameters
    ----------
    path, answers, remarks
        As `read_source` takes them.
    """
    return _read("excel", path, EXCEL_ENDINGS, answers, remarks)


@reader("ods", about="OpenDocument workbooks: .ods", recognise=_is_ods)
def read_opendocument(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read an OpenDocument workbook, or all of a folder; arguments as `read_excel`."""
    return _read("ods", path, ODS_ENDINGS, answers, remarks)


def _read(
    kind: str,
    path: Path,
    endings: tuple[str, ...],
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    books = _books(path, endings) if path.is_dir() else [path]
    tables: list[SourceTable] = []
    records: RecordNumbers = {}
    for number, book in enumerate(books, start=1):
        file = shown(book.name, f"workbook {number}{book.suffix}", file=True)
        # Every workbook may have a Sheet1; a table has a name of its own.
        before = f"{Path(file).stem} " if len(books) > 1 else ""
        found, rows = read_book(book, file, answers, remarks, before)
        tables += found
        records |= rows
    return SourceData(kind=kind, tables=tables, records=records)
