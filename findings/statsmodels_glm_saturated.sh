#!/usr/bin/env bash
# A binomial GLM with as many groups as parameters warns of perfect separation, where nothing is separated.
#
# statsmodels 0.15.0 (pandas 3.1.1, numpy 2.4.6, scipy 1.17.1).
# Behaviour: with two groups and two parameters the fitted shares equal the observed ones (50 % and 75 %), and
# this is reported as "Perfect separation or prediction detected, parameter may not be identified". Both
# coefficients and their errors are finite and right.
# Seen: slope 0.932 = (logit .75 - logit .50) / (log 26 - log 8), error .082, `PerfectSeparationWarning`.
# A good engineer who turns that warning into a refusal, or runs with warnings as errors, refuses a perfectly
# good answer.
# For kettrack: `kettrack/estimators/regression/comparison_models.py` looks at the counts before the fit and
# silences the warning; `tests/unit/test_dose_curve.py` tries two groups.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check statsmodels==0.15.0 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 || exit 2
"$tmp/env/bin/python" - <<'PY'
import warnings

import numpy as np
import statsmodels.api as sm

sessions = np.log([8, 26])
better = np.array([[500, 500], [750, 250]])
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    fit = sm.GLM(better, sm.add_constant(sessions), family=sm.families.Binomial()).fit()
slope = (np.log(3) - np.log(1)) / (sessions[1] - sessions[0])
error = np.sqrt(4 / 1000 + 1 / 750 + 1 / 250) / (sessions[1] - sessions[0])
warned = {one.category.__name__ for one in said}
print(fit.params.round(3), fit.bse.round(3), round(slope, 3), round(error, 3), sorted(warned))
right = np.isclose(fit.params[1], slope) and np.isclose(fit.bse[1], error)
raise SystemExit(0 if right and "PerfectSeparationWarning" in warned else 1)
PY
