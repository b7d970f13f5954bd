"""Sheets of .xls and .xlsb, through python-calamine.

It hands over dates and times instead of the numbers under them, so these are turned back; it
hands over an error and a formula without a result as an empty cell, which is said.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from kettrack.importing.registry import require
from kettrack.importing.workbooks.days import days_as_excel
from kettrack.importing.workbooks.grid import CellKind, Grid, SheetState
from kettrack.importing.workbooks.markup import (
    PROTECTED,
    NotReadable,
    open_archive,
    open_part,
)

_STATES: Final[dict[str, SheetState]] = {
    "Hidden": "hidden",
    "VeryHidden": "very hidden",
}
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_SECONDS: Final = 86400
_BEFORE_PHANTOM: Final = 59
# No number, so that nobody's score is guessed.
_EITHER: Final = "59 or 60"
_SHEETS: Final = "xl/worksheets/"
_ROW: Final = 0
# Blank, number, error, truth, real number, text, shared text, in both forms.
_FIRST_LONG: Final = 1
_FIRST_SHORT: Final = 12
_LAST_SHORT: Final = 18
# Cells with a formula and with marked text have the long form only.
_LONG: Final = (*range(1, 12), 62)
_COLUMN: Final = struct.Struct("<I")
_SEVEN: Final = 7
_LOW_BITS: Final = 0x7F
_MORE: Final = 0x80
_DAMAGED: Final = "a workbook that is whole; this one is damaged"


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


# The format has two forms of every cell: one with its column, and a short one that stands right
# of the cell before it ([MS-XLSB], ShortCell). Excel writes the first, other programs the second,
# and python-calamine passes over the second without a word.
class _Record(NamedTuple):
    """A record: its kind, its content, and its bytes as they stand."""

    kind: int
    content: bytes
    whole: bytes


def with_long_cells(path: Path) -> io.BytesIO | None:
    """The workbook with all cells in the long form; None where all of them are.

    Parameters
    ----------
    path : Path
        Of a binary workbook.

    Raises
    ------
    NotReadable
        When it is damaged.
    """
    with open_archive(path) as archive:
        parts = [
            name
            for name in archive.namelist()
            if name.lstrip("/").casefold().startswith(_SHEETS) and name.endswith(".bin")
        ]
        contents = {name: _part(archive, name) for name in parts}
        short = {name for name, content in contents.items() if _has_short(content)}
        # What Excel itself writes is passed on as it is.
        if not short:
            return None
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as copy:
            for name in archive.namelist():
                content = contents.get(name)
                if content is None:
                    content = _part(archive, name)
                copy.writestr(name, _written_out(content) if name in short else content)
    made.seek(0)
    return made


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    stream = open_part(archive, name)
    if stream is None:
        return b""
    try:
        with stream:
            return stream.read()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise NotReadable(_DAMAGED) from None


def _has_short(content: bytes) -> bool:
    return any(_FIRST_SHORT <= one.kind <= _LAST_SHORT for one in _records(content))


def _written_out(content: bytes) -> bytes:
    """A sheet with each short cell as the long one that it stands for."""
    made = bytearray()
    column = -1
    for one in _records(content):
        # The first short cell of a row stands in its first column.
        if one.kind == _ROW:
            column = -1
        elif one.kind in _LONG:
            (column,) = _COLUMN.unpack_from(one.content)
        elif _FIRST_SHORT <= one.kind <= _LAST_SHORT:
            column += 1
            kind = one.kind - _FIRST_SHORT + _FIRST_LONG
            # The style and the value are the same in both forms.
            cell = _COLUMN.pack(column) + one.content
            made += bytes([kind]) + _seven_bits(len(cell)) + cell
            continue
        made += one.whole
    return bytes(made)


def _records(content: bytes) -> Iterator[_Record]:
    """The records of a part: kind and length in groups of seven bits, then so many bytes."""
    place = 0
    while place < len(content):
        start = place
        kind, place = _kind(content, place)
        length, place = _length(content, place)
        end = place + length
        # A record that is longer than its part would be cut without a word.
        if end > len(content):
            raise NotReadable(_DAMAGED)
        yield _Record(kind, content[place:end], content[start:end])
        place = end


def _kind(content: bytes, place: int) -> tuple[int, int]:
    """The kind, its groups as they stand, and where it ends."""
    first = content[place]
    if not first & _MORE:
        return first, place + 1
    if place + 1 >= len(content):
        raise NotReadable(_DAMAGED)
    return first | content[place + 1] << 8, place + 2


def _length(content: bytes, place: int) -> tuple[int, int]:
    length = 0
    # Four groups at most.
    for group in range(4):
        if place >= len(content):
            raise NotReadable(_DAMAGED)
        byte = content[place]
        place += 1
        length |= (byte & _LOW_BITS) << _SEVEN * group
        if not byte & _MORE:
            break
    return length, place


def _seven_bits(length: int) -> bytes:
    groups = bytearray()
    while length >= _MORE:
        groups.append(length & _LOW_BITS | _MORE)
        length >>= _SEVEN
    groups.append(length)
    return bytes(groups)
