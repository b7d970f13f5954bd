#!/usr/bin/env bash
# An error and a formula without a result look like an empty cell.
#
# python-calamine 0.9.1 (openpyxl 3.1.5 writes the workbook).
# Behaviour: `to_python()` gives an empty text for a cell that holds #N/A, for a formula that no program has
# calculated, and for a cell in which nothing stands. No option and no other call tells them apart.
# Seen: score, #N/A, =1+1 (never calculated), 0, nothing, x come back as 'score', '', '', 0.0, '', 'x'.
# A good engineer would expect the word of the error, as openpyxl gives it, or an error: in a log where a look-up
# went wrong, scores that were recorded would pass for scores that nobody took.
# For kettrack: `kettrack/importing/workbooks/xlsx.py` and `ods.py` read cells themselves and count errors by kind;
# for .xls and .xlsb, which go through python-calamine, `books.py` says that they cannot be seen.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check openpyxl==3.1.5 python-calamine==0.9.1 || exit 2
"$tmp/env/bin/python" - "$tmp" <<'PY'
import sys
import warnings

import openpyxl
import python_calamine

warnings.simplefilter("error")
path = f"{sys.argv[1]}/log.xlsx"
book = openpyxl.Workbook()
for row, cell in enumerate(("score", "#N/A", "=1+1", 0, None, "x"), start=1):
    book.active.cell(row, 1, cell)
book.save(path)

sheet = python_calamine.load_workbook(path).get_sheet_by_index(0)
cells = [row[0] for row in sheet.to_python(skip_empty_area=False)]
print(cells, "openpyxl:", openpyxl.load_workbook(path).active["A2"].value)
raise SystemExit(0 if cells == ["score", "", "", 0.0, "", "x"] else 1)
PY
