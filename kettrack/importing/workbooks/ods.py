"""Sheets of OpenDocument (.ods), cell by cell: a date and a duration are written out there, and so
are truth values and errors, which a library may hand over as numbers or as nothing.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from kettrack.importing.workbooks.days import days_since_1900
from kettrack.importing.workbooks.grid import CellKind, Grid, adds_up
from kettrack.importing.workbooks.markup import (
    PROTECTED,
    Attributes,
    NotReadable,
    local_attributes,
    open_archive,
    open_part,
    walk,
)

_DURATION: Final = re.compile(r"(-?)P(?:(\d+)D)?T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?")
_SECONDS: Final = 86400
# Copies of one row or cell that a file may ask for.
_MOST_CELLS: Final = 20_000_000
_CELLS: Final = ("table-cell", "covered-table-cell")
# P007, 007: digits that the number itself does not tell.
_SPELLED: Final = re.compile(r"[A-Za-z][A-Za-z-]*\d+|0\d+")
Said = dict[str, str]


def read_ods(
    path: Path,
    file: str,
) -> list[tuple[str, Grid]]:
    """Read all sheets; arguments, result and errors as `read_xlsx`."""
    with open_archive(path) as archive:
        if _is_encrypted(archive):
            raise NotReadable(PROTECTED)
        stream = open_part(archive, "content.xml")
        if stream is None:
            raise NotReadable("a workbook; this archive holds none")
        reader = _Content(file)
        walk(stream, reader.start, reader.end, reader.text)
    return reader.sheets


def _is_encrypted(archive: zipfile.ZipFile) -> bool:
    manifest = open_part(archive, "META-INF/manifest.xml")
    if manifest is None:
        return False
    with manifest:
        return b"encryption-data" in manifest.read()


@dataclass(slots=True)
class _Cell:
    """A cell that is being read."""

    said: Said
    text: str = ""

    @property
    def filled(self) -> bool:
        return "value-type" in self.said or "formula" in self.said or bool(self.text)


class _Content:
    """Takes the elements of all sheets one after the other."""

    def __init__(
        self,
        file: str,
    ) -> None:
        self.file = file
        self.sheets: list[tuple[str, Grid]] = []
        self.hidden_styles: set[str] = set()
        self.style = ""
        self.row = 0
        self.column = 0
        self.n_cells = 0
        self.row_said: Said = {}
        # Cells of the row, each with its column and how often it stands there.
        self.cells: list[tuple[int, int, _Cell]] = []
        self.cell: _Cell | None = None
        self.in_text = False
        self.notes = 0
        self.header_column = 0

    @property
    def grid(self) -> Grid:
        """The sheet that is being read."""
        return self.sheets[-1][1]

    def start(
        self,
        element: str,
        given: Attributes,
    ) -> None:
        """Begin an element."""
        # The second value type tells an error; it would hide the first.
        said = local_attributes(given)
        if element in _CELLS:
            said["value-type"] = given.get("office:value-type", "")
            said["is_error"] = given.get("calcext:value-type", "")
            self.cell = _Cell({name: value for name, value in said.items() if value})
        elif element == "annotation":
            self.notes += 1
        elif element == "p":
            self._begin_paragraph()
        elif element in ("s", "tab", "line-break") and self.in_text:
            self.text(" " * int(said.get("c", "1")) if element == "s" else "\n")
        else:
            self._begin_other(element, said)

    def _begin_other(
        self,
        element: str,
        said: Said,
    ) -> None:
        if element == "style":
            self.style = said.get("name", "")
        elif element == "table-properties" and said.get("display") == "false":
            self.hidden_styles.add(self.style)
        elif element == "table":
            self._begin_sheet(said)
        elif element == "table-column":
            self._begin_column(said)
        elif element == "table-row":
            self.row_said = said
            self.column = 1
            self.cells = []

    def _begin_sheet(
        self,
        said: Said,
    ) -> None:
        hidden = said.get("style-name", "") in self.hidden_styles
        name = said.get("name", "")
        grid = Grid(
            file=self.file,
            name=name,
            number=len(self.sheets) + 1,
            state="hidden" if hidden else "visible",
        )
        self.sheets.append((name, grid))
        self.row = 1
        self.header_column = 1

    def _begin_column(
        self,
        said: Said,
    ) -> None:
        count = int(said.get("number-columns-repeated", "1"))
        # Both collapsed and filtered out.
        if said.get("visibility", "visible") != "visible":
            columns = range(self.header_column, self.header_column + count)
            self.grid.hidden_columns.update(columns)
        self.header_column += count

    def _begin_paragraph(self) -> None:
        self.in_text = self.cell is not None and not self.notes
        if self.in_text and self.cell and self.cell.text:
            self.cell.text += "\n"

    def text(
        self,
        piece: str,
    ) -> None:
        """Take a piece of text."""
        if self.in_text and self.cell is not None:
            self.cell.text += piece

    def end(
        self,
        element: str,
    ) -> None:
        """End an element."""
        if element == "p":
            self.in_text = False
        elif element == "annotation":
            self.notes -= 1
        elif element in _CELLS and self.cell is not None:
            self._end_cell(self.cell)
        elif element == "table-row":
            self._end_row()

    def _end_cell(
        self,
        cell: _Cell,
    ) -> None:
        count = int(cell.said.get("number-columns-repeated", "1"))
        # Formatted empty cells are most of a sheet and say nothing.
        if cell.filled:
            self.cells.append((self.column, count, cell))
        self._note_merge(cell.said)
        self.column += count
        self.cell = None

    def _note_merge(
        self,
        said: Said,
    ) -> None:
        wide = int(said.get("number-columns-spanned", "1"))
        high = int(said.get("number-rows-spanned", "1"))
        if wide > 1 or high > 1:
            last = (self.row + high - 1, self.column + wide - 1)
            self.grid.merges.append((self.row, self.column, *last))

    def _end_row(self) -> None:
        count = int(self.row_said.get("number-rows-repeated", "1"))
        self.n_cells += count * sum(times for _, times, _ in self.cells)
        if self.n_cells > _MOST_CELLS:
            raise NotReadable("a workbook of a usual size; this one is too large")
        # Equal rows below one another are written once, with their number.
        copies = range(self.row, self.row + count) if self.cells else ()
        hidden = self.row_said.get("visibility", "visible") != "visible"
        for row in copies:
            if hidden:
                self.grid.hidden_rows.add(row)
            for column, times, cell in self.cells:
                for place in range(column, column + times):
                    _add(self.grid, row, place, cell)
        self.row += count


def _add(
    grid: Grid,
    row: int,
    column: int,
    cell: _Cell,
) -> None:
    said = cell.said
    # A formula may be kept although its result is there.
    if adds_up(said.get("formula", "")):
        grid.totals.append(row)
    kind = said.get("value-type", "")
    # An error calls itself text; only a second type tells it.
    if said.get("is_error") == "error":
        grid.add(row, column, CellKind.ERROR, text=cell.text)
    elif kind == "date":
        _add_date(grid, row, column, cell)
    elif kind == "time":
        grid.add(row, column, CellKind.CLOCK, _days(said.get("time-value", "")))
    elif kind == "boolean":
        truth = said.get("boolean-value") == "true"
        grid.add(row, column, CellKind.YES_NO, float(truth))
    elif kind in ("float", "currency", "percentage"):
        shape = CellKind.PERCENT if kind == "percentage" else CellKind.NUMBER
        # The shape of a number is a style far away; what it shows is here.
        spelled = cell.text if _SPELLED.fullmatch(cell.text) else None
        grid.add(row, column, shape, float(said.get("value", "0")), spelled)
    elif kind or cell.text:
        grid.add(row, column, CellKind.TEXT, text=said.get("string-value", cell.text))
    else:
        grid.add(row, column, CellKind.UNCALCULATED)


def _add_date(
    grid: Grid,
    row: int,
    column: int,
    cell: _Cell,
) -> None:
    written = cell.said.get("date-value", "")
    try:
        days = days_since_1900(datetime.fromisoformat(written.removesuffix("Z")))
    except ValueError:
        grid.add(row, column, CellKind.TEXT, text=written)
        return
    grid.add(row, column, CellKind.DAY, days)


def _days(duration: str) -> float:
    found = _DURATION.fullmatch(duration)
    if not found:
        return 0.0
    sign, days, hours, minutes, seconds = found.groups(default="0")
    whole = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    total = int(days) + whole / _SECONDS
    return -total if sign == "-" else total
