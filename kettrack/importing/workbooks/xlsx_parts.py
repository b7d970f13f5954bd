"""What a workbook of Excel says beside its sheets: their names, the formats, the shared texts."""

from __future__ import annotations

import posixpath
import re
import zipfile
from dataclasses import dataclass, field
from typing import Final

from kettrack.importing.workbooks.days import NumberFormat, number_format
from kettrack.importing.workbooks.grid import SheetState
from kettrack.importing.workbooks.markup import (
    Attributes,
    NotReadable,
    local_attributes,
    open_part,
    walk,
)

_STATES: Final[dict[str, SheetState]] = {
    "hidden": "hidden",
    "veryHidden": "very hidden",
}
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPart:
    """A sheet as the workbook lists it.

    Parameters
    ----------
    name : str
        As written.
    state : {"visible", "hidden", "very hidden"}
        As the workbook says.
    part : str
        Where it stands in the archive.
    cells : bool
        False for a sheet that is one chart, or code.
    """

    name: str
    state: SheetState
    part: str
    cells: bool


@dataclass(slots=True)
class Workbook:
    """What all sheets share.

    Parameters
    ----------
    sheets : list of SheetPart
        In the order of the workbook.
    formats : list of NumberFormat
        By the number of a cell's style.
    texts : list of str
        Texts that cells name by number.
    from_1904 : bool
        Whether days are counted from 1904.
    """

    sheets: list[SheetPart] = field(default_factory=list)
    formats: list[NumberFormat] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    from_1904: bool = False


def read_workbook(archive: zipfile.ZipFile) -> Workbook:
    """Read what all sheets share.

    Raises
    ------
    NotReadable
        When the archive is no workbook.
    """
    root = _targets(archive, "_rels/.rels", "")
    main = next(
        (part for part, kind in root.values() if kind == "officeDocument"),
        "xl/workbook.xml",
    )
    folder, _, file = main.rpartition("/")
    targets = _targets(archive, f"{folder}/_rels/{file}.rels", folder)
    book = Workbook()
    _read_sheets(archive, main, targets, book)
    # The relations name the parts; their usual names are only a habit.
    for part, kind in targets.values():
        if kind == "styles":
            book.formats = _formats(archive, part)
        elif kind == "sharedStrings":
            book.texts = _texts(archive, part)
    return book


def _targets(
    archive: zipfile.ZipFile, name: str, folder: str
) -> dict[str, tuple[str, str]]:
    """Id of a relation to its part and kind."""
    found: dict[str, tuple[str, str]] = {}

    def start(element: str, given: Attributes) -> None:
        if element == "Relationship":
            # A target counts from the folder, or with a slash from the top.
            part = posixpath.normpath(posixpath.join("/", folder, given["Target"]))
            kind = given.get("Type", "").rpartition("/")[2]
            found[given.get("Id", "")] = (part.lstrip("/"), kind)

    stream = open_part(archive, name)
    if stream is not None:
        walk(stream, start, _nothing, _nothing)
    return found


def _nothing(_: str) -> None:
    """Most elements of a part say nothing that matters here."""


def _read_sheets(
    archive: zipfile.ZipFile,
    main: str,
    targets: dict[str, tuple[str, str]],
    book: Workbook,
) -> None:
    stream = open_part(archive, main)
    if stream is None:
        raise NotReadable("a workbook; this archive holds none")

    def start(element: str, given: Attributes) -> None:
        if element == "workbookPr":
            book.from_1904 = given.get("date1904") in ("1", "true")
        elif element == "sheet":
            said = local_attributes(given)
            # The id has a namespace of its own, under any prefix.
            part, kind = targets.get(said.get("id", ""), ("", ""))
            book.sheets.append(
                SheetPart(
                    name=said.get("name", ""),
                    state=_STATES.get(said.get("state", ""), "visible"),
                    part=part,
                    cells=kind == "worksheet",
                )
            )

    walk(stream, start, _nothing, _nothing)


def _formats(archive: zipfile.ZipFile, part: str) -> list[NumberFormat]:
    codes: dict[int, str] = {}
    formats: list[NumberFormat] = []
    # `xf` also stands in the list of named styles, which cells do not point to.
    inside = [""]

    def start(element: str, given: Attributes) -> None:
        if element == "numFmt":
            codes[int(given["numFmtId"])] = given.get("formatCode", "")
        elif element in ("cellXfs", "cellStyleXfs", "dxfs"):
            inside[0] = element
        elif element == "xf" and inside[0] == "cellXfs":
            number = int(given.get("numFmtId", "0"))
            formats.append(number_format(number, codes.get(number)))

    stream = open_part(archive, part)
    if stream is not None:
        walk(stream, start, _nothing, _nothing)
    return formats


class _Texts:
    """Takes the elements of the shared texts one after the other."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.parts: list[str] = []
        self.inside = False
        # Depth within the reading aid of Japanese text, which is no part of it.
        self.aids = 0

    def start(self, element: str, _: Attributes) -> None:
        """Begin an element."""
        if element == "si":
            self.parts = []
        elif element == "rPh":
            self.aids += 1
        self.inside = element == "t" and not self.aids

    def text(self, piece: str) -> None:
        """Take a piece of text."""
        if self.inside:
            self.parts.append(piece)

    def end(self, element: str) -> None:
        """End an element."""
        self.inside = False
        if element == "si":
            self.texts.append(unescaped("".join(self.parts)))
        elif element == "rPh":
            self.aids -= 1


def _texts(archive: zipfile.ZipFile, part: str) -> list[str]:
    reader = _Texts()
    stream = open_part(archive, part)
    if stream is not None:
        walk(stream, reader.start, reader.end, reader.text)
    return reader.texts


def unescaped(text: str) -> str:
    r"""Text with `_x000D_` and its like turned back into characters.

    Examples
    --------
    >>> unescaped("two_x000A_lines")
    'two\nlines'
    """
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
