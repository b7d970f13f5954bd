"""Sheets of .xls and .xlsb, through python-calamine.

It hands over dates and times instead of the numbers under them, so these are turned back; it
hands over an error and a formula without a result as an empty cell, which is said.
"""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from kettrack.importing.registry import require
from kettrack.importing.workbooks.days import days_as_excel
from kettrack.importing.workbooks.grid import CellKind, Grid, SheetState
from kettrack.importing.workbooks.markup import PROTECTED, NotReadable
from kettrack.importing.workbooks.short_cells import with_long_cells

_STATES: Final[dict[str, SheetState]] = {
    "Hidden": "hidden",
    "VeryHidden": "very hidden",
}
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_SECONDS: Final = 86400
_BEFORE_PHANTOM: Final = 59
# No number, so that nobody's score is guessed.
_EITHER: Final = "59 or 60"


def read_old_excel(
    path: Path,
    file: str,
) -> list[tuple[str, Grid]]:
    """Read all sheets; arguments, result and errors as `read_xlsx`."""
    require("python_calamine", "python-calamine")
    import python_calamine

    # A workbook with a password is a container that holds another file, whatever its ending.
    if _ENCRYPTED in path.read_bytes():
        raise NotReadable(PROTECTED)
    mended = with_long_cells(path) if zipfile.is_zipfile(path) else None
    try:
        with python_calamine.load_workbook(mended or path) as book:
            return [
                (
                    about.name,
                    _grid(
                        book,
                        about,
                        file,
                        number,
                    ),
                )
                for number, about in enumerate(book.sheets_metadata, start=1)
                if str(about.typ).endswith("WorkSheet")
            ]
    except python_calamine.PasswordError:
        raise NotReadable(PROTECTED) from None
    # What the library says may quote the file.
    except (python_calamine.CalamineError, OSError, ValueError):
        raise NotReadable("a workbook that is whole; this one is damaged") from None


def _grid(
    book: Any,
    about: Any,
    file: str,
    number: int,
) -> Grid:
    state = str(about.visible).rpartition(".")[2]
    grid = Grid(
        file=file,
        name=about.name,
        number=number,
        state=_STATES.get(state, "visible"),
    )
    # Sheets of charts have been left out before.
    sheet = book.get_sheet_by_name(about.name)
    # Merged cells count from 0.
    for first, last in sheet.merged_cell_ranges or ():
        grid.merges.append((first[0] + 1, first[1] + 1, last[0] + 1, last[1] + 1))
    if sheet.start is None:
        return grid
    top, left = sheet.start
    rows = sheet.to_python(skip_empty_area=True)
    for row, cells in enumerate(rows, start=top + 1):
        for column, value in enumerate(cells, start=left + 1):
            if value != "":
                _add(
                    grid,
                    row,
                    column,
                    value,
                )
    return grid


def _add(
    grid: Grid,
    row: int,
    column: int,
    value: Any,
) -> None:
    # A truth value is a whole number to Python, so it goes first.
    if isinstance(value, bool):
        grid.add(
            row,
            column,
            CellKind.YES_NO,
            float(value),
        )
    elif isinstance(value, (int, float)):
        grid.add(
            row,
            column,
            CellKind.NUMBER,
            float(value),
        )
    # A length over a day comes as such, a shorter one as a time of day.
    elif isinstance(value, timedelta):
        grid.add(
            row,
            column,
            CellKind.CLOCK,
            value / timedelta(days=1),
        )
    elif isinstance(value, time):
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        grid.add(
            row,
            column,
            CellKind.CLOCK,
            seconds / _SECONDS,
        )
    elif isinstance(value, (date, datetime)):
        moment = datetime.fromisoformat(value.isoformat())
        days = days_as_excel(moment)
        # The day that never was is handed over as the day before it.
        if days == _BEFORE_PHANTOM:
            grid.add(row, column, CellKind.TEXT, text=_EITHER)
        else:
            grid.add(row, column, CellKind.DAY, days)
    else:
        grid.add(
            row,
            column,
            CellKind.TEXT,
            text=str(value),
        )
