"""Sheets of .xlsx and .xlsm, cell by cell, with what no library hands over together: the number
under a date, the kind of an error, a formula without a result, hidden rows, a million formatted
empty rows that cost nothing.
"""

from __future__ import annotations

import re
import zipfile
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Final

from kettrack.importing.workbooks.days import (
    LAST_SHEET_DAY,
    NumberFormat,
    days_since_1900,
)
from kettrack.importing.workbooks.grid import CellKind, Corner, Grid, adds_up, column_of
from kettrack.importing.workbooks.markup import (
    Attributes,
    NotReadable,
    open_archive,
    open_part,
    walk,
)
from kettrack.importing.workbooks.xlsx_parts import (
    SheetPart,
    Workbook,
    read_workbook,
    unescaped,
)

_PLAIN: Final = NumberFormat()
_OF_TIME: Final = (CellKind.DAY, CellKind.CLOCK)
_TEXTS: Final = ("s", "inlineStr", "str")


def read_xlsx(path: Path, file: str) -> list[tuple[str, Grid]]:
    """Read all sheets of a workbook.

    Parameters
    ----------
    path : Path
        The file.
    file : str
        Its name as it may be shown.

    Returns
    -------
    list of (str, Grid)
        Name of the sheet as written, and its cells.

    Raises
    ------
    NotReadable
        When it is no workbook, or is damaged or protected.
    """
    with open_archive(path) as archive:
        book = read_workbook(archive)
        return [
            (part.name, _grid(archive, book, part, file, number))
            for number, part in enumerate(book.sheets, start=1)
            if part.cells
        ]


def _grid(
    archive: zipfile.ZipFile,
    book: Workbook,
    part: SheetPart,
    file: str,
    number: int,
) -> Grid:
    grid = Grid(
        file=file,
        name=part.name,
        number=number,
        state=part.state,
        from_1904=book.from_1904,
    )
    stream = open_part(archive, part.part)
    if stream is None:
        raise NotReadable("a workbook that is whole; a sheet is missing in this one")
    reader = _Cells(grid, book)
    walk(stream, reader.start, reader.end, reader.text)
    return grid


class _Cells:
    """Takes the elements of a sheet one after the other."""

    def __init__(self, grid: Grid, book: Workbook) -> None:
        self.grid = grid
        self.book = book
        self.row = 0
        self.column = 0
        self.kind = ""
        self.style = 0
        self.value = ""
        self.words = ""
        self.formula = ""
        self.has_formula = False
        # Element whose text is being read: v, t or f.
        self.inside = ""
        self.aids = 0

    def start(self, element: str, given: Attributes) -> None:
        """Begin an element."""
        if element == "c":
            self._begin_cell(given)
        elif element in ("v", "f"):
            self.inside = element
            self.has_formula |= element == "f"
        elif element == "t":
            self.inside = "" if self.aids else "t"
        elif element == "row":
            self._begin_row(given)
        # Japanese text carries its reading; it is no part of the cell.
        elif element == "rPh":
            self.aids += 1
        elif element == "col" and given.get("hidden") in ("1", "true"):
            columns = range(int(given["min"]), int(given["max"]) + 1)
            self.grid.hidden_columns.update(columns)
        elif element == "mergeCell":
            self.grid.merges.append(_corners(given["ref"]))

    def _begin_row(self, given: Attributes) -> None:
        # Without a number a row follows the one before.
        self.row = int(given.get("r", self.row + 1))
        self.column = 0
        if given.get("hidden") in ("1", "true"):
            self.grid.hidden_rows.add(self.row)

    def _begin_cell(self, given: Attributes) -> None:
        reference = given.get("r")
        # Some programs leave the reference out.
        self.column = column_of(reference) if reference else self.column + 1
        self.kind = given.get("t", "n")
        self.style = int(given.get("s", "0"))
        self.value = ""
        self.words = ""
        self.formula = ""
        self.has_formula = False

    def text(self, piece: str) -> None:
        """Take a piece of text."""
        if self.inside == "v":
            self.value += piece
        elif self.inside == "t":
            self.words += piece
        elif self.inside == "f":
            self.formula += piece

    def end(self, element: str) -> None:
        """End an element."""
        if element == "c":
            self._end_cell()
        elif element in ("v", "f", "t"):
            self.inside = ""
        elif element == "rPh":
            self.aids -= 1

    def _end_cell(self) -> None:
        grid = self.grid
        at = (self.row, self.column)
        # Totals below a table are often formulas without a word beside them.
        if self.has_formula and adds_up(self.formula):
            grid.totals.append(self.row)
        # A text formula may well have an empty result; a number has one.
        if self.has_formula and not self.value and self.kind != "str":
            grid.add(*at, CellKind.UNCALCULATED)
        elif self.kind in _TEXTS:
            grid.add(*at, CellKind.TEXT, text=self._text())
        elif self.kind == "b":
            grid.add(*at, CellKind.YES_NO, float(self.value in ("1", "true")))
        elif self.kind == "e":
            grid.add(*at, CellKind.ERROR, text=self.value)
        elif self.value:
            self._add_number(self.value)

    def _text(self) -> str:
        if self.kind == "s":
            return self._shared()
        return unescaped(self.words if self.kind == "inlineStr" else self.value)

    def _shared(self) -> str:
        try:
            return self.book.texts[int(self.value)]
        except (ValueError, IndexError):
            raise NotReadable(
                "a workbook that is whole; texts are missing in this one"
            ) from None

    def _add_number(self, value: str) -> None:
        at = (self.row, self.column)
        if self.kind == "d":
            # Strict Open XML may write a date as text of ISO 8601.
            self._add_iso(value)
            return
        number = _number(value)
        if number is None:
            self.grid.add(*at, CellKind.TEXT, text=value)
            return
        formats = self.book.formats
        # A style that the workbook does not list is no format.
        shape = formats[self.style] if self.style < len(formats) else _PLAIN
        kind = shape.kind
        # Excel shows ##### for a day that it does not know.
        if kind in _OF_TIME and not 0 <= number <= LAST_SHEET_DAY:
            kind = CellKind.NUMBER
        self.grid.add(*at, kind, number, shape.spelled(number))

    def _add_iso(self, value: str) -> None:
        at = (self.row, self.column)
        try:
            moment = datetime.fromisoformat(value.removesuffix("Z"))
        except ValueError:
            self.grid.add(*at, CellKind.TEXT, text=value)
            return
        days = days_since_1900(moment, self.grid.from_1904)
        self.grid.add(*at, CellKind.DAY, days)


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _corners(reference: str) -> Corner:
    first, _, last = reference.partition(":")
    last = last or first
    rows = [int(re.sub(r"\D", "", corner)) for corner in (first, last)]
    return rows[0], column_of(first), rows[1], column_of(last)
