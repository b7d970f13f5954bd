#!/usr/bin/env bash
# A decimal in a CSV is rounded, and an id loses its zeros, where more than 20,480 plain rows stand before them.
#
# duckdb 2.0.1.
# Behaviour: `read_csv` of DuckDB tells the type of a column from its first 20,480 rows (the default of
# `sample_size`). A later cell that still converts to that type is converted: 7.5 becomes 8, 000123 becomes 123.
# Nothing warns, and nothing fails.
# Seen: 200,000 rows of whole scores, then one row `000123,7.5`, come back as (123, 8). After 20,000 rows only,
# they come back as ('000123', 7.5).
# A good engineer would expect an error, or the column read again: a cell that is no whole number contradicts the
# type that was guessed.
# For kettrack: two patients, 000123 and 123, would be one, and a prorated total would change in silence. So
# `kettrack/importing/omop/tables.py` reads CSV with the type of every column given as text, and nothing in kettrack
# uses the guess. A database of DuckDB is asked for its columns as text.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1 || exit 2
"$tmp/env/bin/python" - "$tmp/scores.csv" <<'PY'
import sys

import duckdb

path = sys.argv[1]


def last_row(plain, **options):
    """The row `000123,7.5` as it comes back behind some plain ones."""
    with open(path, "w") as file:
        file.write("patient,score\n")
        file.writelines(f"{row},{row % 27}\n" for row in range(plain))
        file.write("000123,7.5\n")
    return duckdb.read_csv(path, **options).limit(1, plain).fetchall()[0]


few = last_row(20_000)
many = last_row(200_000)
text = last_row(200_000, all_varchar=True)
print("behind 20,000 rows", few, "- behind 200,000", many, "- as text", text)
holds = few == ("000123", 7.5) and many == (123, 8) and text == ("000123", "7.5")
raise SystemExit(0 if holds else 1)
PY
