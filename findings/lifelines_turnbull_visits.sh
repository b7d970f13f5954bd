#!/usr/bin/env bash
# Interval-censored survival between visits that share their ends puts nobody's event before the first visit.
#
# lifelines 0.30.3 (pandas 2.3.3, numpy 2.4.6, scipy 1.17.1).
# Behaviour: `KaplanMeierFitter.fit_interval_censoring` takes an interval as closed at both ends. Somebody
# well at visit 0 and ill at visit 1 "could" then have fallen ill exactly at 1, together with those well at 1
# and ill at 2, and the likelihood is highest when both did. Nothing warns.
# Seen: six people, two of them ill at each of the visits 1, 2 and 3: survival at 1 is 1.00 and at 2 .50; two
# of six were seen to be ill by visit 1, so it is .67 and .33.
# A good engineer would pass the last visit without and the first visit with the event, as the arguments are
# called lower and upper bound.
# For kettrack: `kettrack/estimators/survival/turnbull.py` reads intervals as (left, right], which on regular
# visits gives the life table exactly:
# `tests/reference/test_interval_answers.py::test_geometric_times_seen_at_whole_numbers`.
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
from lifelines import KaplanMeierFitter

warnings.simplefilter("error", UserWarning)
last_well = np.array([0.0, 0, 1, 1, 2, 2])
first_ill = last_well + 1
closed = KaplanMeierFitter().fit_interval_censoring(last_well, first_ill)
given = closed.survival_function_.loc[[1.0, 2.0]].to_numpy()
by_visit = KaplanMeierFitter().fit(first_ill).survival_function_at_times([1, 2]).to_numpy()
print("intervals", given.round(3).tolist(), "life table", by_visit.round(3).tolist())
holds = np.allclose(given[0], 1) and np.allclose(by_visit, [2 / 3, 1 / 3])
raise SystemExit(0 if holds else 1)
PY
