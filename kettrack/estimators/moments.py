"""Means from sums: the number of values, their sum and the sum of their squares are all that a
mean, its spread and its interval need, and they add up over clinics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kettrack.arrays import Floats


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over values.

    Parameters
    ----------
    n : int
        Number of values.
    total, squares : float
        Their sum, and the sum of their squares; exact for scores, which are whole numbers.

    Examples
    --------
    >>> both = moments_of(np.array([1.0, 2.0])) + moments_of(np.array([6.0]))
    >>> both.mean, round(both.sd, 3)
    (3.0, 2.646)
    """

    n: int
    total: float
    squares: float

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.n + other.n,
            self.total + other.total,
            self.squares + other.squares,
        )

    @property
    def mean(self) -> float:
        """NaN without a value."""
        return self.total / self.n if self.n else np.nan

    @property
    def sd(self) -> float:
        """Standard deviation of a sample; NaN with fewer than two values."""
        if self.n < 2:
            return np.nan
        rest = self.squares - self.total**2 / self.n
        # Of equal values the difference may end a rounding below 0.
        return float(np.sqrt(max(rest, 0.0) / (self.n - 1)))

    def interval(
        self,
        level: float = 0.95,
    ) -> tuple[float, float]:
        """Student's interval of the mean; NaN with fewer than two values."""
        if self.n < 2:
            return np.nan, np.nan
        from scipy.special import stdtrit

        quantile = float(stdtrit(self.n - 1, 0.5 + level / 2))
        half = quantile * self.sd / float(np.sqrt(self.n))
        return self.mean - half, self.mean + half


def moments_of(values: Floats) -> Moments:
    """Sums over values, none of them missing."""
    values = np.asarray(values, np.float64)
    return Moments(
        n=len(values),
        total=float(values.sum()),
        squares=float(values @ values),
    )
