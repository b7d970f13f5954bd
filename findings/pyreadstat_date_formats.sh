#!/usr/bin/env bash
# The same day of the calendar is a date or a bare number, by how its column is displayed.
#
# pyreadstat 1.3.7 (pandas 3.1.1, numpy 2.4.6).
# Behaviour: dates are told by a fixed list of display formats. Formats of the same program that are not in the list
# give numbers: in Stata days since 1960, in SAS the same.
# Seen: 6 January 2025 as %td and DATE9. is a date; as %tdDD/NN/CCYY, MONYY7., WORDDATE18. and JULIAN7. it is 23747.
# A good engineer would expect the kind of the format (%td...) to decide, as the programs themselves do.
# For kettrack: a column of visits would be lost, or taken for days since the first session.
# `kettrack/importing/statistics/formats.py` tells dates by the family of a format.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check pyreadstat==1.3.7 pandas==3.1.1 numpy==2.4.6 || exit 2
cd "$tmp"
"$tmp/env/bin/python" - <<'PY'
import datetime

import pandas as pd
import pyreadstat

day = pd.DataFrame({"WHEN": [23747.0]})
seen = {}
for form in ("%td", "%tdDD/NN/CCYY"):
    pyreadstat.write_dta(day, "log.dta", variable_format={"WHEN": form})
    seen[form] = pyreadstat.read_dta("log.dta")[0]["WHEN"][0]
for form in ("DATE9", "MONYY7", "WORDDATE18", "JULIAN7"):
    pyreadstat.write_xport(day, "log.xpt", variable_format={"WHEN": form})
    seen[form] = pyreadstat.read_xport("log.xpt")[0]["WHEN"][0]
print(seen)
dates = [form for form, cell in seen.items() if isinstance(cell, datetime.date)]
raise SystemExit(0 if dates == ["%td", "DATE9"] else 1)
PY
