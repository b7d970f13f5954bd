#!/usr/bin/env bash
# PHReg counts a row as at risk at the very time it enters.
#
# statsmodels 0.15.0 (pandas 3.1.1, numpy 2.4.6, scipy 1.17.1).
# Behaviour: with `entry=`, a row from 1 to 2 is in the risk set of an event at time 1. In person-period data
# every row but the first enters at the time the row before it ends, so everybody is counted twice, once with
# the old value of the covariate and once with the new one.
# Seen: log hazard ratio .326; with 1e-6 added to the entry times 1.017, which is what the Poisson regression
# with one intercept a period gives, an identity for Breslow ties.
# A good engineer would expect (entry, exit], as in R's survival and in the definition of the risk set.
# For kettrack: `kettrack/estimators/survival/cox.py` has rows (start, stop];
# `tests/unit/test_cox.py::test_nobody_is_at_risk_at_their_own_entry` tries it, and
# `tests/reference/test_cox_answers.py` holds rows that meet to R.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check statsmodels==0.15.0 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 || exit 2
"$tmp/env/bin/python" - <<'PY'
import numpy as np
import pandas as pd
import statsmodels.api as sm

rng = np.random.default_rng(4)
rows = []
for person in range(200):
    change = rng.integers(1, 5)
    for session in range(1, 9):
        treated = int(session > change)
        event = rng.random() < 0.12 * (1 + treated)
        rows.append((session - 1, session, int(event), treated))
        if event:
            break
data = pd.DataFrame(rows, columns=["entry", "exit", "event", "treated"])


def hazard_ratio(entry):
    model = sm.PHReg(
        data["exit"], data[["treated"]], status=data["event"], entry=entry, ties="breslow"
    )
    return float(model.fit().params[0])


periods = pd.get_dummies(data["exit"], dtype=float)
poisson = sm.GLM(
    data["event"], pd.concat([data[["treated"]], periods], axis=1), sm.families.Poisson()
).fit()
plain = hazard_ratio(data["entry"])
later = hazard_ratio(data["entry"] + 1e-6)
exact = float(poisson.params["treated"])
print(f"entry {plain:.3f}, entry + 1e-6 {later:.3f}, Poisson {exact:.3f}")
holds = abs(later - exact) < 1e-6 and abs(plain - exact) > 0.1
raise SystemExit(0 if holds else 1)
PY
