#!/usr/bin/env bash
# Two different numbers come back as the same date, so the number cannot be had back.
#
# openpyxl 3.1.5, python-calamine 0.9.1.
# Behaviour: cells that are formatted as dates are handed over as dates. Excel counts a 29 February 1900 that never
# was, as day 60. Both libraries give 28 February 1900 for 59 and for 60.
# Seen: a column of total scores that carries a date format by accident, as after a pasted cell. 59 and 60, both
# totals of the MADRS, are one date; 58 and 61 are their own.
# A good engineer would expect that different numbers stay different, or an error for the day that never was.
# openpyxl has no option that leaves the number alone, and neither has python-calamine.
# For kettrack: `kettrack/importing/workbooks/xlsx.py` reads the number itself; in .xls, which goes through
# python-calamine, such a cell becomes the words "59 or 60" (`old_excel.py`), and no score.
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
for row, score in enumerate((58, 59, 60, 61), start=1):
    cell = book.active.cell(row, 1, score)
    cell.number_format = "dd/mm/yyyy"
book.save(path)

by_openpyxl = [str(cell.value)[:10] for cell in openpyxl.load_workbook(path).active["A"]]
sheet = python_calamine.load_workbook(path).get_sheet_by_index(0)
by_calamine = [str(row[0]) for row in sheet.to_python()]
print("openpyxl", by_openpyxl)
print("calamine", by_calamine)
same = all(one[1] == one[2] and len(set(one)) == 3 for one in (by_openpyxl, by_calamine))
raise SystemExit(0 if same else 1)
PY
