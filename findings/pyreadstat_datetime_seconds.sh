#!/usr/bin/env bash
# Every date of a column is written as 1970-01-01, without a word, when pandas holds it in seconds.
#
# pyreadstat 1.3.7, pandas 3.1.1, numpy 2.4.6; alike for SPSS, Stata and transport files.
# Behaviour: pandas 3 gives a column of `datetime64[s]` for Python dates, and of `datetime64[us]` for text. The writers take
# the numbers of the former for much smaller units: all dates fall on the first second of 1970.
# Seen: 5 and 6 March 2024 come back as 1970-01-01 twice. In units of `us`, `ms` and `ns` they come back as they are.
# A good engineer would expect the unit of a column not to matter, or an error.
# For kettrack: files that were written in this way look valid, and every score falls on one day. `kettrack/importing/dates.py`
# refuses a column in which every date is the first day that a program counts.
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
import datetime as dt

import pandas as pd
import pyreadstat

days = [dt.date(2024, 3, 5), dt.date(2024, 3, 6)]
visits = pd.DataFrame({"DAY": pd.to_datetime(days)})
print("pandas holds them as", visits["DAY"].dtype)
lost = 0
for ending, write, read in (
    ("sav", pyreadstat.write_sav, pyreadstat.read_sav),
    ("dta", pyreadstat.write_dta, pyreadstat.read_dta),
    ("xpt", pyreadstat.write_xport, pyreadstat.read_xport),
):
    write(visits, f"log.{ending}")
    back = [str(day)[:10] for day in read(f"log.{ending}")[0]["DAY"]]
    print(ending, back)
    lost += back == ["1970-01-01", "1970-01-01"]
raise SystemExit(0 if lost == 3 else 1)
PY
