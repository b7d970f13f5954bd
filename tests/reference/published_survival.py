"""Small published survival tables, typed in: `+` marks the end of follow-up without the event."""

from __future__ import annotations

import numpy as np

from kettrack.estimators.life_table import LifeCounts, count_life

# Weeks in remission of acute leukaemia, 6-mercaptopurine against placebo: Freireich and others,
# Blood 1963;21:699, as given by Gehan, Biometrika 1965;52:203.
GEHAN = {
    "6-MP": "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+",
    "placebo": "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23",
}
# Weeks to relapse of acute myelogenous leukaemia, with and without maintenance chemotherapy: Embury
# and others 1977, as given by Miller, Survival Analysis, Wiley 1997, and in the R package survival
# (aml).
AML = {
    "Maintained": "9 13 13+ 18 23 28+ 31 34 45+ 48 161+",
    "Nonmaintained": "5 5 8 8 12 16+ 23 27 30 33 43 45",
}


def counts(written: str) -> LifeCounts:
    """Life table of times written as above."""
    words = written.split()
    time = np.array([int(word.rstrip("+")) for word in words])
    return count_life(time, np.array([not word.endswith("+") for word in words]))
