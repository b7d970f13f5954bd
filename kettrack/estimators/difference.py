"""How far two figures are apart: the difference between figures of different people, from the
interval of each, and the ratio of two that are uncertain together, such as a cost and what it buys.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats


class Ends(NamedTuple):
    """Figures with their intervals, as arrays of one shape; missing stays missing."""

    estimate: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(
        cls,
        estimate: npt.ArrayLike,
        low: npt.ArrayLike,
        high: npt.ArrayLike,
    ) -> Ends:
        """Numbers or arrays as one value."""
        parts = (estimate, low, high)
        return cls(*(np.asarray(part, np.float64) for part in parts))


def ends_apart(
    one: Ends,
    other: Ends,
    stretch: float = 1.0,
) -> Ends:
    """One figure less another of other people, with its interval.

    Parameters
    ----------
    one, other : Ends
        Each with an interval of the same level.
    stretch : float
        1 for a difference by itself; `joint_stretch` where several hold at once.

    Returns
    -------
    Ends
        Of the difference. Asked the other way round, it is the same with the other sign.

    Notes
    -----
    The distances from the estimates to their limits are squared and added up, each on its own side:
    Newcombe's hybrid score interval (1998, Stat Med 17:873, method 10), and for any other kind of
    figure the method of variance estimates recovery (Zou and Donner 2008, Stat Med 27:1693). It
    keeps its level where a share is 0 or 100 %, where a standard error does not.

    Examples
    --------
    Newcombe's own example (a): 56 of 70 against 48 of 80, from the score interval of each.

    >>> one = Ends.of(0.8, 0.6918, 0.8769)
    >>> other = Ends.of(0.6, 0.4905, 0.7004)
    >>> [round(float(end), 4) for end in ends_apart(one, other)]
    [0.2, 0.0524, 0.3338]
    """
    apart = one.estimate - other.estimate
    below = np.hypot(one.estimate - one.low, other.high - other.estimate)
    above = np.hypot(one.high - one.estimate, other.estimate - other.low)
    return Ends(apart, apart - stretch * below, apart + stretch * above)


def joint_stretch(n: int, level: float = 0.95) -> float:
    """By how much intervals are made wider so that so many hold at once (Bonferroni).

    Examples
    --------
    >>> joint_stretch(1), round(joint_stretch(10), 3)
    (1.0, 1.432)
    """
    from scipy.special import ndtri

    tail = (1 - level) / 2
    return float(ndtri(tail / max(n, 1)) / ndtri(tail))


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
