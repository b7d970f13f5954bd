"""The ratio of two estimates that are uncertain together, such as a cost and what it buys."""

from __future__ import annotations

import numpy as np


def fieller(
    top: float,
    bottom: float,
    variances: tuple[float, float, float],
    quantile: float,
) -> tuple[float, float]:
    """Interval of top / bottom: every ratio r at which top - r x bottom may be 0 (Fieller 1954, J R
    Stat Soc B 16:175).

    Parameters
    ----------
    top, bottom : float
        Estimates whose errors are normal.
    variances : tuple of float
        Of top, of bottom, and the covariance of both.
    quantile : float
        Of the normal distribution, 1.96 for 95 %.

    Returns
    -------
    tuple of float
        Where the interval of bottom holds 0, that of the ratio has no end: the upper end is then
        infinite, and the lower one that of the positive ratios. Both are missing where the interval
        of top holds 0 as well, since every ratio then fits.

    Examples
    --------
    >>> [round(end, 2) for end in fieller(200.0, 0.1, (400.0, 0.0004, 0.0), 1.96)]
    [1343.48, 3382.78]
    >>> [round(end, 1) for end in fieller(200.0, 0.02, (400.0, 0.0004, 0.0), 1.96)]
    [3279.7, inf]
    """
    of_top, of_bottom, of_both = variances
    square = quantile**2
    # a r^2 - 2 b r + c is negative where the ratio fits
    a = bottom**2 - square * of_bottom
    b = top * bottom - square * of_both
    c = top**2 - square * of_top
    inside = b**2 - a * c
    if a == 0 or inside < 0:
        return np.nan, np.nan
    root = np.sqrt(inside)
    low = float((b - root) / a)
    high = float((b + root) / a)
    if a > 0:
        return low, high
    if c <= 0:
        return np.nan, np.nan
    # one root on each side of 0, and what fits lies outside of them
    return low, np.inf
