"""Proportions with an interval that behaves at 0 and at 100 %, and whether a printed count and its
percent agree.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """An estimate and its interval; NaN = not defined."""

    estimate: float
    ci_low: float
    ci_high: float


UNDEFINED = Interval(np.nan, np.nan, np.nan)


def wilson(events: int, n: int, level: float = 0.95) -> Interval:
    """Percent with its Wilson score interval.

    Parameters
    ----------
    events, n : int
        Counts; n may be 0.
    level : float
        Coverage.

    Returns
    -------
    Interval
        Percent; NaN for n = 0.

    Examples
    --------
    >>> wilson(11, 20)
    Interval(estimate=55.0, ci_low=34.2, ci_high=74.2)
    """
    if n == 0:
        return UNDEFINED
    from scipy.stats import binomtest

    interval = binomtest(events, n).proportion_ci(level, method="wilson")
    return Interval(
        100 * events / n, 100 * float(interval.low), 100 * float(interval.high)
    )


def percent_agrees(events: int, n: int, percent: float, decimals: int = 1) -> bool:
    """Whether a printed percent can be the printed count of the printed number, however the last
    digit was rounded.

    Parameters
    ----------
    events, n : int
        As printed.
    percent : float
        As printed, 0-100.
    decimals : int
        Digits printed after the point.

    Examples
    --------
    An abstract prints 46 (63.0 %) of 83; 46 is 63.0 % of 73.

    >>> percent_agrees(46, 83, 63.0), percent_agrees(46, 73, 63.0)
    (False, True)
    """
    # in whole numbers, so that a percent on the edge of two roundings agrees with both
    unit = 10**decimals
    return n > 0 and abs(100 * unit * events - round(percent * unit) * n) * 2 <= n
