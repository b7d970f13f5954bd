"""One workbook, whatever its format, to source tables."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pyarrow as pa

from kettrack.errors import DataProblems, Problem
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remarks
from kettrack.importing.source import SourceTable
from kettrack.importing.workbooks.grid import Grid
from kettrack.importing.workbooks.markup import NotReadable
from kettrack.importing.workbooks.names import TablePlace
from kettrack.importing.workbooks.ods import read_ods
from kettrack.importing.workbooks.old_excel import read_old_excel
from kettrack.importing.workbooks.patients_above import with_names_of_sheets
from kettrack.importing.workbooks.sheets import read_sheet
from kettrack.importing.workbooks.xlsx import read_xlsx
from kettrack.privacy.identifying_people import shown

RecordNumbers = dict[tuple[str, str], pa.Array]
Sheets = list[tuple[str, Grid]]
Open = Callable[[Path, str], Sheets]
EXCEL_ENDINGS: Final = (".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".xlsb")
ODS_ENDINGS: Final = (".ods", ".ots")
_OLD: Final = b"\xd0\xcf\x11\xe0"
_READ: Final = "read"
_LEAVE_OUT: Final = "leave out"


def format_of(path: Path) -> str:
    """What a file is by its content: `xlsx`, `xlsb`, `xls`, `ods`; empty for anything else."""
    with path.open("rb") as file:
        start = file.read(4)
    # The content decides: exports often carry the ending of another format.
    if start == _OLD:
        return "xls"
    if not start.startswith(b"PK"):
        return ""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.lstrip("/").casefold() for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        return ""
    if "xl/workbook.bin" in names:
        return "xlsb"
    # OpenDocument text has such a part as well; it then has no sheets.
    if "content.xml" in names:
        return "ods"
    # The part may have another name; its folder has not.
    return "xlsx" if any(name.startswith("xl/") for name in names) else ""


_OPEN: Final[Mapping[str, Open]] = {
    "xlsx": read_xlsx,
    "xlsb": read_old_excel,
    "xls": read_old_excel,
    "ods": read_ods,
}


def read_book(
    path: Path,
    file: str,
    answers: Answers,
    remarks: Remarks,
    before: str = "",
) -> tuple[list[SourceTable], RecordNumbers]:
    """Read the tables of a workbook.

    Parameters
    ----------
    path : Path
        The file.
    file : str
        Its name as it may be shown.
    answers, remarks
        As `read_source` takes them.
    before : str
        Put before the name of each sheet, where several workbooks have sheets of one name.

    Raises
    ------
    DataProblems
        When the file is no workbook, is damaged, or has a password.
    """
    kind = format_of(path)
    try:
        sheets = _OPEN[kind](path, file) if kind else _refuse(path)
    except NotReadable as why:
        expected = str(why)
        raise DataProblems([Problem(file, None, "", "", expected)]) from None
    # From here on a sheet has only the name that may be shown.
    _name(sheets, before)
    if kind in ("xls", "xlsb"):
        _say_old(sheets, kind, remarks)
    tables: list[SourceTable] = []
    records: RecordNumbers = {}
    for grid in _chosen(sheets, answers, remarks):
        read = read_sheet(grid, answers, remarks)
        tables += read.tables
        records |= {(file, name): rows for name, rows in read.records.items()}
    tables = with_names_of_sheets(
        tables,
        {grid.name: name for name, grid in sheets},
        TablePlace(
            file,
            "",
            answers,
            remarks,
        ),
    )
    if not tables and not remarks.asked:
        expected = "a sheet with a table; all sheets are empty"
        raise DataProblems([Problem(file, None, "", "", expected)])
    return tables, records


def _refuse(path: Path) -> Sheets:
    with path.open("rb") as file:
        start = file.read(2000).lstrip().lower()
    # Many clinic systems export a web page and call it .xls.
    if start.startswith((b"<", b"\xef\xbb\xbf<")):
        what = "a web page or XML; open it in Excel or LibreOffice and save it as .xlsx"
    elif start.startswith(b"pk"):
        what = "a zip archive that is damaged or holds no workbook"
    elif start and b"\0" not in start:
        what = "text; give it the ending .csv"
    else:
        what = "something else"
    raise NotReadable(f"an Excel or OpenDocument workbook; this file is {what}")


def _name(sheets: Sheets, before: str) -> None:
    for name, grid in sheets:
        # A sheet may be named after a patient.
        grid.name = before + shown(name, f"sheet {grid.number}", file=True)
    # Two hidden names may look alike.
    seen: set[str] = set()
    for _, grid in sheets:
        if grid.name in seen:
            grid.name = f"{grid.name} [{grid.number}]"
        seen.add(grid.name)


def _say_old(sheets: Sheets, kind: str, remarks: Remarks) -> None:
    why = (
        f"in .{kind} an error such as #N/A, a formula without a result and a number format cannot"
        " be seen: they come as empty cells and plain numbers; save as .xlsx to have them counted"
    )
    # Once is enough for a workbook.
    for _, grid in sheets[:1]:
        _place(grid, remarks).say("noted", why)


def _chosen(sheets: Sheets, answers: Answers, remarks: Remarks) -> list[Grid]:
    """The sheets to read: hidden ones as well, and said."""
    filled = [grid for _, grid in sheets if grid.rows]
    # Templates hide their lists; then a sheet that can be seen holds the data.
    only_hidden = all(grid.state != "visible" for grid in filled)
    chosen = []
    for _, grid in sheets:
        if grid.state == "visible" or not grid.rows:
            chosen.append(grid)
            continue
        answer = answers.get(f"hidden_sheet.{grid.name}", "")
        if answer == _LEAVE_OUT:
            why = f"the sheet is {grid.state} and was left out, as answered"
            rows = sorted(set(grid.rows))
            remarks.drop_rows(grid.file, grid.name, rows, why)
            continue
        _place(grid, remarks).say("noted", f"the sheet is {grid.state}; it was read")
        chosen.append(grid)
        if only_hidden and answer != _READ:
            _ask_hidden(grid, remarks)
    return chosen


def _place(
    grid: Grid,
    remarks: Remarks,
) -> TablePlace:
    return TablePlace(
        grid.file,
        grid.name,
        {},
        remarks,
    )


def _ask_hidden(grid: Grid, remarks: Remarks) -> None:
    remarks.ask(
        OpenQuestion(
            key=f"hidden_sheet.{grid.name}",
            asks=f"{grid.name} is {grid.state}. Shall it be read?",
            choices=(_READ, _LEAVE_OUT),
            why="No sheet that can be seen holds anything.",
        )
    )
