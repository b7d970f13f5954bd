"""Binary workbooks (.xlsb) whose cells leave out their column: written out in full.

The format has two forms of every cell: one with its column, and a short one that stands right of
the cell before it ([MS-XLSB], ShortCell). Excel writes the first, other programs the second, and
python-calamine passes over the second without a word.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from kettrack.importing.workbooks.markup import (
    NotReadable,
    open_archive,
    open_part,
)

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
