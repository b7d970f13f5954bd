#!/usr/bin/env bash
# The delta-method interval of a cumulative incidence has no width anywhere once nobody is left at the end.
#
# scikit-survival 0.28.0 (pandas 3.1.1, numpy 2.4.6, scipy 1.17.1).
# Behaviour: with `var_type="Dinse"` or "Dinse_Approx" a last time at which everybody still there leaves makes
# the variance missing at every time, the earlier ones too, and the interval comes back as low = estimate =
# high: perfectly certain. A RuntimeWarning of a division by zero is all that is said.
# Seen: 256 people; with 16 of them censored at the last time .437 to .559 at time 1; with the same 16 leaving
# there instead, .500 to .500.
# A good engineer would expect the future of 16 people to leave the interval at the first time alone, or an
# interval that is missing.
# For kettrack: `kettrack/estimators/survival/competing_risks.py` sums the variance up to each time only and
# leaves the interval missing where the share is 0 or 1; `benchmarks/survival_against_scikit.py` ends its logs
# without an event for the comparison.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check scikit-survival==0.28.0 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 || exit 2
"$tmp/env/bin/python" - <<'PY'
import warnings

import numpy as np
from sksurv.nonparametric import cumulative_incidence_competing_risks

warnings.simplefilter("ignore")
HOW_MANY = [128, 64, 32, 16, 16]
time = np.repeat([1, 1, 2, 2, 3], HOW_MANY)


def first_interval(last, var_type):
    """Limits of the incidence of the first cause at time 1."""
    cause = np.repeat([1, 2, 1, 2, last], HOW_MANY)
    _, _, interval = cumulative_incidence_competing_risks(
        cause, time, conf_type="log-log", var_type=var_type
    )
    return interval[1][:, 0]


holds = True
for var_type in ("Dinse", "Dinse_Approx"):
    censored = first_interval(0, var_type)
    left = first_interval(1, var_type)
    print(var_type, "censored", censored.round(3), "nobody left", left.round(3))
    holds &= censored[1] - censored[0] > 0.1 and left[0] == left[1]
raise SystemExit(0 if holds else 1)
PY
