#!/usr/bin/env bash
# A plain missing value of Stata is read as 0 where a tagged one stands above it.
#
# pyreadstat 1.3.7 (pandas 3.1.1, numpy 2.4.6).
# Behaviour: `read_dta(user_missing=True)` gives tagged missing values (.a to .z) as letters. In a column of whole
# numbers every plain missing value (.) below the first letter becomes 0. Nothing warns. With
# `output_format="dict"` they stay None.
# Seen: 5, .a, ., 0, . comes back as [5, 'a', 0, 0, 0].
# A good engineer would expect the option to add letters and to leave the other cells alone.
# For kettrack: "no answer" would become "not at all". `kettrack/importing/statistics/native.py` reads into lists, and
# `tests/unit/test_import_stata.py` holds both kinds of missing apart.
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

answers = pd.Series([5, "a", None, 0, None], dtype=object)
pyreadstat.write_dta(
    pd.DataFrame({"x": answers}), "log.dta", missing_user_values={"x": ["a"]}
)
frame, _ = pyreadstat.read_dta("log.dta", user_missing=True)
lists, _ = pyreadstat.read_dta("log.dta", user_missing=True, output_format="dict")
print("frame", frame["x"].tolist(), "lists", lists["x"])
holds = frame["x"].tolist() == [5, "a", 0, 0, 0] and lists["x"] == [5, "a", None, 0, None]
raise SystemExit(0 if holds else 1)
PY
