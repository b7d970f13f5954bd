#!/usr/bin/env bash
# `pandas.read_sas` makes 5.4e-79 of every 0 in a transport file.
#
# pandas 3.1.1 (pyreadstat 1.3.7 writes the file, numpy 2.4.6).
# Behaviour: a 0 of a SAS transport file (XPORT), whose eight bytes are all 0, comes back as 16**-65. No warning.
# Seen: [0, 3, missing] is read as [5.397605346934028e-79, 3.0, nan]. `x == 0` is False and `x > 0` is True.
# A good engineer would expect the commonest number of all to survive. A printed table shows 0.0.
# For kettrack: an answer of 0 to item 9 of PHQ-9 would become "above 0" for everybody.
# `kettrack/importing/statistics/transport.py` reads the bytes itself, and `tests/unit/test_import_sas.py` holds
# it to the numbers that were written.
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

pyreadstat.write_xport(
    pd.DataFrame({"ITEM9": [0.0, 3.0, float("nan")]}), "log.xpt", file_format_version=5
)
read = pd.read_sas("log.xpt", format="xport", encoding="infer")["ITEM9"]
print(read.tolist(), "above 0:", (read > 0).tolist())
raise SystemExit(0 if read[0] != 0 and 0 < read[0] < 1e-70 else 1)
PY
