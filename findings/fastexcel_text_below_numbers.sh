#!/usr/bin/env bash
# A word below a thousand numbers becomes nothing, and nothing is said.
#
# polars 2.1.0, fastexcel 0.21.0 (openpyxl 3.1.5 writes the workbook).
# Behaviour: `polars.read_excel` takes the type of a column from its first rows. A cell of text further below
# does not fit, and comes back as null: no error, no warning, no other column.
# Seen: 2,000 rows of a record number and a score, all numbers but four cells. "0007A" among the record numbers and
# "declined" among the scores are null; the row in which both stand is gone, and 1,999 rows are left.
# A good engineer would expect an error, a column of text, or at least a warning, as the CSV reader of the same
# library gives an error where a cell does not fit.
# For kettrack: `kettrack/importing/workbooks/` reads every cell before it says what a column holds;
# `tests/unit/test_import_excel.py` has a word below 1,500 numbers.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 fastexcel==0.21.0 openpyxl==3.1.5 || exit 2
"$tmp/env/bin/python" - "$tmp" <<'PY'
import sys
import warnings

import openpyxl
import polars as pl

warnings.simplefilter("error")
book = openpyxl.Workbook()
book.active.append(["record", "score"])
for number in range(1, 2001):
    book.active.append([number, number % 28])
for place, cell in (("A1501", "0007A"), ("B1601", "declined"), ("A1701", "0008A"), ("B1701", "declined")):
    book.active[place] = cell
book.save(f"{sys.argv[1]}/log.xlsx")

frame = pl.read_excel(f"{sys.argv[1]}/log.xlsx")
print(frame.schema, "rows:", frame.height, "null:", frame.null_count().row(0))
lost = frame.height == 1999 and frame.null_count().row(0) == (1, 1)
raise SystemExit(0 if lost else 1)
PY
