#!/usr/bin/env bash
# A transport file with two data sets is read as one, in which the headers of the second are records.
#
# pyreadstat 1.3.7 and pandas 3.1.1 (numpy 2.4.6). R's haven 2.5.1 does the same.
# Behaviour: a SAS transport file holds any number of data sets, one after the other, and PROC COPY writes all of a library
# into one. The readers take what follows the first data set for more of its records. Nothing warns.
# Seen: two data sets of two records each give one of several hundred, among whose cells are the letters HEADER RECORD.
# A good engineer would expect the first data set, or all of them, or an error.
# For kettrack: `kettrack/importing/statistics/transport.py` looks for the header of each data set, and
# `tests/unit/test_import_sas.py` reads both.
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

for name in ("QS", "EX"):
    records = pd.DataFrame({f"{name}X": ["a", "b"]})
    pyreadstat.write_xport(records, name, table_name=name, file_format_version=5)
# What stands once in a file: three lines of 80 letters.
second = open("EX", "rb").read()[240:]
with open("both.xpt", "wb") as file:
    file.write(open("QS", "rb").read() + second)
one, _ = pyreadstat.read_xport("both.xpt")
other = pd.read_sas("both.xpt", format="xport", encoding="infer")
print("pyreadstat", one.shape, "pandas", other.shape, "letters", "".join(one["QSX"])[2:14])
raise SystemExit(0 if len(one) > 2 and len(other) > 2 else 1)
PY
