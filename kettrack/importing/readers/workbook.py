"""Workbooks of Excel and OpenDocument, alone or a folder of them."""

from __future__ import annotations

from pathlib import Path

from kettrack.importing.registry import Answers, reader
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData
from kettrack.importing.table_files import files_with, read_table_files
from kettrack.importing.workbooks.books import (
    EXCEL_ENDINGS,
    ODS_ENDINGS,
    format_of,
)


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
        return int(bool(files_with(path, endings)))
    if path.suffix.lower() not in endings:
        return 0
    # A file of another format under this ending is still said plainly by this reader.
    return 2 if format_of(path) in formats else 1


@reader(
    "excel",
    about="Excel workbooks: .xlsx, .xlsm, .xls, .xlsb, or a folder of them",
    recognise=_is_excel,
)
def read_excel(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read an Excel workbook, or all workbooks and text files of a folder.

    Parameters
    ----------
    path, answers, remarks
        As `read_source` takes them.
    """
    return read_table_files(
        "excel",
        path,
        answers,
        remarks,
    )


@reader(
    "ods",
    about="OpenDocument workbooks: .ods, or a folder of them",
    recognise=_is_ods,
)
def read_opendocument(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read an OpenDocument workbook, or a folder; arguments as `read_excel`."""
    return read_table_files(
        "ods",
        path,
        answers,
        remarks,
    )
