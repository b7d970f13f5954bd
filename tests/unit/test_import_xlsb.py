"""Binary workbooks (.xlsb), written here record by record as the format says ([MS-XLSB])."""

from __future__ import annotations

import struct
import zipfile
from datetime import date, datetime
from itertools import product
from pathlib import Path

from kettrack.importing.readers.workbook import read_excel
from kettrack.importing.remarks import Remarks

BOOK, END_BOOK, PROPERTIES = 131, 132, 153
SHEETS, SHEET, END_SHEETS = 143, 156, 144
STYLES, END_STYLES, CELL_STYLES, CELL_STYLE, END_CELL_STYLES = 278, 279, 617, 47, 618
BEGIN, END, SIZE, DATA, END_DATA, ROW = 129, 130, 148, 145, 146, 0
BLANK, ERROR, TRUTH, NUMBER, TEXT = 1, 3, 4, 5, 6
SHORT = 11
NOT_AVAILABLE = 0x2A
# Number formats that every Excel knows: none, and a date.
GENERAL, A_DATE = 0, 14
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def record(kind: int, content: bytes = b"") -> bytes:
    """Kind and length in groups of seven bits, then the content."""
    head = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
    length = len(content)
    while length >= 128:
        head += bytes([length & 127 | 128])
        length >>= 7
    return head + bytes([length]) + content


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def cell(place: int, value: object, first_day: date, short: bool) -> bytes:
    """One cell; a date is a number with a style of its own. The short form has no column."""
    style = int(isinstance(value, date))
    where = struct.pack("<I", style) if short else struct.pack("<II", place, style)
    more = SHORT if short else 0
    if isinstance(value, bool):
        return record(TRUTH + more, where + bytes([value]))
    if isinstance(value, date):
        value = (value - first_day).days
    if isinstance(value, (int, float)):
        return record(NUMBER + more, where + struct.pack("<d", value))
    if value == "#N/A":
        return record(ERROR + more, where + bytes([NOT_AVAILABLE]))
    if not value:
        return record(BLANK + more, where)
    return record(TEXT + more, where + wide(str(value)))


def write_xlsb(
    path: Path,
    rows: list[list[object]],
    from_1904: bool = False,
    short: bool = False,
) -> Path:
    """A workbook of one sheet; `short`: all cells but the first of a row leave out their column."""
    first_day = date(1904, 1, 1) if from_1904 else date(1899, 12, 30)
    book = (
        record(BOOK)
        + record(PROPERTIES, struct.pack("<II", from_1904, 0) + wide(""))
        + record(SHEETS)
        + record(SHEET, struct.pack("<II", 0, 1) + wide("rId1") + wide("Log"))
        + record(END_SHEETS)
        + record(END_BOOK)
    )
    styles = record(STYLES) + record(CELL_STYLES, struct.pack("<I", 2))
    for number_format in (GENERAL, A_DATE):
        styles += record(
            CELL_STYLE, struct.pack("<5H", 0, number_format, 0, 0, 0) + bytes(6)
        )
    styles += record(END_CELL_STYLES) + record(END_STYLES)
    last = (len(rows) - 1, 0, len(rows[0]) - 1)
    sheet = record(BEGIN) + record(SIZE, struct.pack("<4I", 0, *last)) + record(DATA)
    for place, row in enumerate(rows):
        sheet += record(ROW, struct.pack("<II", place, 0) + bytes(9))
        for column, value in enumerate(row):
            sheet += cell(column, value, first_day, short and column > 0)
    sheet += record(END_DATA) + record(END)
    parts = {
        "[Content_Types].xml": _types(),
        "_rels/.rels": _relations(("officeDocument", "xl/workbook.bin")),
        "xl/workbook.bin": book,
        "xl/_rels/workbook.bin.rels": _relations(
            ("worksheet", "worksheets/sheet1.bin"), ("styles", "styles.bin")
        ),
        "xl/styles.bin": styles,
        "xl/worksheets/sheet1.bin": sheet,
    }
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


def _types() -> bytes:
    kind = "application/vnd.ms-excel.sheet.binary.macroEnabled.main"
    return (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Default Extension="bin" ContentType="{kind}"/></Types>'
    ).encode()


def _relations(*targets: tuple[str, str]) -> bytes:
    lines = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<Relationships xmlns="{space}">{lines}</Relationships>'.encode()


LOG: list[list[object]] = [
    ["Record", "Date", "Drug", "Dose", "Serious"],
    ["007", date(2024, 1, 2), "Ketamine", 40.5, True],
    ["7", date(2024, 2, 29), "Ketamine", "#N/A", False],
    ["1E3", date(2024, 3, 1), "", 50, False],
]


def test_cells_are_what_was_written(tmp_path: Path) -> None:
    for from_1904, short in product((False, True), repeat=2):
        path = write_xlsb(tmp_path / "log.xlsb", LOG, from_1904, short)
        remarks = Remarks()
        [table] = read_excel(path, {}, remarks).tables
        found = table.data.to_pydict()
        assert found["Record"] == ["007", "7", "1E3"], "codes stay text"
        days = [
            one.date() if isinstance(one, datetime) else one for one in found["Date"]
        ]
        assert days == [row[1] for row in LOG[1:]]
        assert found["Drug"] == ["Ketamine", "Ketamine", None]
        assert found["Dose"] == [40.5, None, 50]
        assert found["Serious"] == [True, False, False]
        assert table.rows.to_pylist() == [2, 3, 4]
        [remark] = remarks.said
        assert "an error such as #N/A" in remark.reason, "what cannot be seen is said"
