"""Small published survival tables, typed in: `+` marks the end of follow-up without the event."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kettrack.estimators.survival.competing_risks import ExitCounts
from kettrack.estimators.survival.incidence_difference import compare_incidence
from kettrack.estimators.survival.life_table import LifeCounts, count_life

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


def log_rank_chi2(score: np.ndarray, groups: Sequence[LifeCounts]) -> float:
    """Chi-squared of the log-rank test from events less those expected, and the variance of the
    hypergeometric distribution, step by step (Mantel 1966).
    """
    variance = np.zeros((len(score), len(score)))
    for step in range(max(len(group.events) for group in groups)):
        reaching = [group for group in groups if step < len(group.events)]
        at_risk = np.array(
            [group.at_risk[step] if step < len(group.events) else 0 for group in groups]
        )
        happened = sum(group.events[step] for group in reaching)
        n = at_risk.sum()
        if n > 1:
            part = at_risk / n
            spread = happened * (n - happened) / (n - 1)
            variance += spread * (np.diag(part) - np.outer(part, part))
    # the scores add up to 0: the last group says nothing new
    return float(score[:-1] @ np.linalg.solve(variance[:-1, :-1], score[:-1]))


def exits_of(counts: LifeCounts) -> ExitCounts:
    """The same people as a table of exits by one cause."""
    return ExitCounts(counts.events[1:, None], counts.censored[1:])


def log_rank_of(groups: Sequence[LifeCounts]) -> float:
    """The same from the score that `compare_incidence` reports."""
    found = compare_incidence(
        [exits_of(group) for group in groups], [1], replicates=999
    )
    return log_rank_chi2(found.score, groups)
