#!/usr/bin/env bash
# A valid file cannot be read at all when one column shows the date of a moment (DTDATE9. of SAS).
#
# pyreadstat 1.3.7 (pandas 3.1.1, numpy 2.4.6).
# Behaviour: DTDATE shows the day of a number of seconds. The library takes the number for days, and ends with
# OverflowError for every moment from the year 1961 on; no other column of the file can be had either.
# Seen: 6 January 2025 as DATETIME20. is read; as DTDATE9. "OverflowError: days=2051740800; must have magnitude <=
# 999999999".
# A good engineer would expect a format that the library lists to be read, and one odd column not to hide the others.
# For kettrack: dates are read as numbers (`disable_datetime_conversion=True`), and
# `kettrack/importing/statistics/formats.py` counts DTDATE among moments.
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
import pandas as pd
import pyreadstat

moment = pd.DataFrame({"WHEN": [23747 * 86_400.0], "SCORE": [17.0]})
seen = {}
for form in ("DATETIME20", "DTDATE9"):
    pyreadstat.write_xport(moment, "log.xpt", variable_format={"WHEN": form})
    try:
        seen[form] = pyreadstat.read_xport("log.xpt")[0]["WHEN"][0]
    except OverflowError as error:
        seen[form] = error
print(seen)
raise SystemExit(0 if isinstance(seen["DTDATE9"], OverflowError) else 1)
PY
