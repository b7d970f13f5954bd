#!/usr/bin/env bash
# A list of truth values selects rows, but an empty one selects columns: a table without rows loses all of its columns.
#
# pandas 3.1.1, numpy 2.4.6; pandas 3.0.0 alike.
# Behaviour: `frame[[good(x) for x in frame["a"]]]` keeps the rows for which the list says yes. Where the frame has no rows
# the list is empty, and pandas takes it for a list of no columns. `frame.loc[[]]` and an empty array of the type bool keep
# the columns.
# Seen: with two rows, one of them kept, the columns are ['a', 'b']; with no rows they are []. The next `frame["b"]` raises
# KeyError.
# A good engineer would expect the same line to give the same columns, whatever the number of rows.
# For kettrack: an extract of OMOP whose records of scales were all of another scale ended in a fault.
# `kettrack/importing/omop/scores.py` makes an array of the list.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1 numpy==2.4.6 || exit 2
cd "$tmp"
"$tmp/env/bin/python" - <<'PY'
import numpy as np
import pandas as pd

scores = pd.DataFrame({"a": ["PHQ-2", "PHQ-9"], "b": ["3", "12"]})


def whole(frame):
    return frame[[scale == "PHQ-9" for scale in frame["a"]]]


some = list(whole(scores).columns)
none = list(whole(scores[:0]).columns)
array = list(scores[:0][np.array([], dtype=bool)].columns)
print("of two rows:", some)
print("of no rows:", none)
print("of no rows, by an array:", array)
raise SystemExit(0 if (some, none, array) == (["a", "b"], [], ["a", "b"]) else 1)
PY
