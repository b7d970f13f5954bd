#!/usr/bin/env bash
# A length of 25 hours is read as one hour.
#
# pyreadstat 1.3.7 (pandas 3.1.1, numpy 2.4.6).
# Behaviour: numbers of the format TIME (SPSS, SAS) are lengths of time as well as times of day. They are read as times of
# day, and what is above 24 hours is cut off in silence.
# Seen: 90,000 seconds is read as 01:00:00.
# A good engineer would expect a length, or an error.
# For kettrack: the length of stays and infusions would be wrong. `kettrack/importing/statistics/tell.py` makes lengths of
# such numbers.
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

pyreadstat.write_sav(
    pd.DataFrame({"took": [90_000.0]}), "log.sav", variable_format={"took": "TIME8"}
)
read = pyreadstat.read_sav("log.sav")[0]["took"][0]
print("25 hours is read as", read)
raise SystemExit(0 if read == datetime.time(1, 0) else 1)
PY
