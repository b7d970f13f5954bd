#!/usr/bin/env bash
# The cluster-robust error of a Cox model with late entry changes when a row is written as two.
#
# lifelines 0.30.3 (pandas 2.3.3, numpy 2.4.6, scipy 1.17.1).
# Behaviour: a row from 0 to 8 says exactly what rows from 0 to 4 and from 4 to 8 say together. With
# `entry_col` the coefficient and the model-based error of `CoxPHFitter` rightly stay the same to the last
# digit; the error with `cluster_col` does not, though both halves belong to one cluster.
# Seen: 200 people, 579 rows and then 1,158: coefficient .2855 both times, model-based error .0935 both times,
# cluster error .1138 and then .1180.
# A good engineer who finds the coefficient equal to R's would take the error for right too.
# For kettrack: `kettrack/estimators/survival/cox.py` sums score residuals within each patient;
# `tests/unit/test_cox.py::test_rows_cut_at_an_inner_point` cuts rows in two, and
# `tests/reference/test_cox_answers.py` holds the cluster errors of data with entry times to R.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check lifelines==0.30.3 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1 || exit 2
"$tmp/env/bin/python" - <<'PY'
import warnings

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter

warnings.simplefilter("ignore")
rng = np.random.default_rng(4)
rows = []
for person in range(200):
    frailty = rng.gamma(1)
    group = rng.integers(0, 2)
    start = 0.0
    for _ in range(4):
        event = start + rng.exponential(1 / (0.3 * frailty * (1 + group)) + 1e-9)
        stop = min(event, 10.0)
        rows.append((person, start, stop, int(event < 10), group))
        start = stop
        if start >= 10:
            break
data = pd.DataFrame(rows, columns=["person", "start", "stop", "event", "group"])
middle = (data["start"] + data["stop"]) / 2
halves = pd.concat([data.assign(stop=middle, event=0), data.assign(start=middle)])


def fitted(table, **clusters):
    model = CoxPHFitter().fit(
        table if clusters else table.drop(columns="person"),
        "stop",
        "event",
        entry_col="start",
        **clusters,
    )
    return model.params_["group"], model.standard_errors_["group"]


whole = fitted(data, cluster_col="person")
split = fitted(halves, cluster_col="person")
plain = fitted(data)
plain_split = fitted(halves)
print("coefficient", round(whole[0], 4), round(split[0], 4))
print("model-based error", round(plain[1], 4), round(plain_split[1], 4))
print("cluster error", round(whole[1], 4), round(split[1], 4))
same = np.isclose(whole[0], split[0]) and np.isclose(plain[1], plain_split[1])
raise SystemExit(0 if same and abs(split[1] / whole[1] - 1) > 0.02 else 1)
PY
