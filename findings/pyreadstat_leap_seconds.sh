#!/usr/bin/env bash
# The last second of a day is read as the next day, in a Stata column that counts leap seconds (%tC).
#
# pyreadstat 1.3.7 (pandas 3.1.1, numpy 2.4.6). R's haven 2.5.1, on the same C library, does the same.
# Behaviour: %tC counts the leap seconds since 1960, 27 of them by 2017; %tc does not. Both are read alike, so that moments
# of %tC come 27 seconds late, and the last 27 seconds of a day on the day after.
# Seen: 6 January 2025, 23:59:59 is read as 7 January 2025, 00:00:26. `pandas.read_stata` warns and gives the number.
# A good engineer would expect either the moment, or a number and a warning.
# For kettrack: `kettrack/importing/statistics/formats.py` takes the leap seconds off.
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

last_second = (23747 + 1) * 86_400_000 - 1000
pyreadstat.write_dta(
    pd.DataFrame({"WHEN": [float(last_second + 27_000)]}),
    "log.dta",
    variable_format={"WHEN": "%tC"},
)
read = pyreadstat.read_dta("log.dta")[0]["WHEN"][0]
print("2025-01-06 23:59:59 is read as", read)
raise SystemExit(0 if str(read).startswith("2025-01-07") else 1)
PY
