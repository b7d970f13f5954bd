"""How far two figures of different people are apart, from the interval of each."""

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
