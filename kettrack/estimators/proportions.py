"""Proportions with an interval that behaves at 0 and at 100 %."""

from __future__ import annotations

import numpy as np


def wilson(events: int, n: int, level: float = 0.95) -> tuple[float, float, float]:
    """Percent with its Wilson score interval.

    Parameters
    ----------
    events, n : int
        Counts; n may be 0.
    level : float
        Coverage.

    Returns
    -------
    estimate, ci_low, ci_high : float
        Percent; NaN for n = 0.

    Examples
    --------
    >>> wilson(11, 20)
    (55.0, 34.2, 74.2)
    """
    if n == 0:
        return np.nan, np.nan, np.nan
    from scipy.stats import binomtest

    interval = binomtest(events, n).proportion_ci(level, method="wilson")
    return 100 * events / n, 100 * float(interval.low), 100 * float(interval.high)
