#!/usr/bin/env bash
# Cells of a binary workbook (.xlsb) are left out, and nothing is said, where they are stored in their short form.
#
# python-calamine 0.9.1 (pyxlsbwriter 0.1.0 writes the workbook; the script then shortens its cells).
# Behaviour: the format has two records for each kind of cell. One holds the number of its column; the short one does
# not, and stands right of the cell before it ([MS-XLSB], ShortCell). A cell of the second kind does not come back at all.
# Seen: ['Record', 'Dose', 'Score'], ['a', 40.0, 21.0] come back as ['Record'], ['a'].
# A good engineer would expect all cells, or an error. Excel writes the long form, so that a test with files of Excel sees
# nothing; SheetJS 0.18.5, the library behind many "export to Excel" buttons, writes the short form for every cell after
# the first of a row. LibreOffice reads both.
# For kettrack: a clinic's log would come in with record numbers alone. `kettrack/importing/workbooks/old_excel.py`
# writes the cells out before python-calamine sees them, and `tests/unit/test_import_xlsb.py` holds it to that.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check pyxlsbwriter==0.1.0 python-calamine==0.9.1 || exit 2
cd "$tmp"
"$tmp/env/bin/python" - <<'PY'
import zipfile

import python_calamine
import pyxlsbwriter

ROWS = [["Record", "Dose", "Score"], ["a", 40.0, 21.0]]
SHEET = "xl/worksheets/sheet1.bin"


def read(path):
    return python_calamine.load_workbook(path).get_sheet_by_index(0).to_python()


def shortened(content):
    """Every cell right of another one without its column, as kind 12 to 18 in place of 1 to 7."""
    made, place, beside = b"", 0, False
    while place < len(content):
        start = place
        kind, place = content[place], place + 1
        if kind & 128:
            kind, place = kind | content[place] << 8, place + 1
        length, shift = 0, 0
        while True:
            byte, place = content[place], place + 1
            length, shift = length | (byte & 127) << shift, shift + 7
            if not byte & 128:
                break
        body, place = content[place : place + length], place + length
        if 1 <= kind <= 7 and beside:
            # The column is the first number of a cell.
            made += bytes([kind + 11, length - 4]) + body[4:]
            continue
        beside = 1 <= kind <= 7
        made += content[start:place]
    return made


with pyxlsbwriter.XlsbWriter("long.xlsb") as book:
    book.add_sheet("Log")
    book.write_sheet(ROWS)
with zipfile.ZipFile("long.xlsb") as old, zipfile.ZipFile("short.xlsb", "w") as new:
    for name in old.namelist():
        part = old.read(name)
        new.writestr(name, shortened(part) if name == SHEET else part)
print("long:", read("long.xlsb"), "short:", read("short.xlsb"))
lost = [row[:1] for row in ROWS]
raise SystemExit(0 if read("long.xlsb") == ROWS and read("short.xlsb") == lost else 1)
PY
