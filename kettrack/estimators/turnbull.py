"""Survival from times known only to lie between two visits: the nonparametric maximum likelihood
estimate on (left, right].

Visits share their ends, so intervals are open on the left: a patient seen well on day 7 and ill on
day 14 fell ill in (7, 14], one seen ill on day 7 in (0, 7], and the two do not meet. Closed
intervals would meet on day 7 and put mass there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats
from kettrack.errors import UsageError
from kettrack.estimators.turnbull_fit import boxes_of, maximise, places_of

TOLERATED = 1e-6  # mean gradient above 1 in what still counts as a maximum
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Turnbull:
    """Where the mass lies; arrays have one entry per maximal intersection (box), in the order of
    time.

    Parameters
    ----------
    left, right : float64, shape (m,)
        Ends of each box (left, right], in the caller's unit. left == right is mass on that very
        time, from exact times; right is infinite for what lies beyond the last negative visit.
    mass : float64, shape (m,)
        Probability of each box; 0 for some, 1 in all. The likelihood decides it (Notes of
        `fit_turnbull`), but not where inside the box it lies.
    loglik : float
        Log-likelihood, each interval times its weight.
    largest_gradient : float
        Largest mean gradient over all boxes: 1 at the maximum (Karush-Kuhn-Tucker condition).
    iterations : int
        Newton steps taken.
    n : float
        Sum of the weights: the number of intervals if none were given.
    """

    left: Floats
    right: Floats
    mass: Floats
    loglik: float
    largest_gradient: float
    iterations: int
    n: float

    @property
    def is_maximum(self) -> bool:
        """Whether the largest mean gradient is at most 1 + 1e-6."""
        return self.largest_gradient <= 1 + TOLERATED

    def survival(self, times: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Least and most probability of a time above each of `times`.

        Parameters
        ----------
        times : float, shape (k,)
            In the unit of the intervals.

        Returns
        -------
        low, high : float64, shape (k,)
            Equal outside of boxes. Inside a box the estimate says how much lies in it, not where:
            all of it may have come already (low) or still be to come (high). Beyond the last box of
            finite end, low is 0.
        """
        at = np.asarray(times, dtype=float)
        ended = np.searchsorted(self.right, at, side="right")
        begun = np.maximum(np.searchsorted(self.left, at, side="left"), ended)
        below = np.concatenate([[0.0], np.cumsum(self.mass)]).clip(max=1)
        return 1 - below[begun], 1 - below[ended]

    def quantile(self, share: float = 0.5) -> tuple[float, float]:
        """Ends of the box in which `share` of the probability is reached; the median if not told
        otherwise.

        They are no confidence limits. The second is infinite where the time lies beyond the last
        negative visit.
        """
        box = int(np.argmax(np.cumsum(self.mass) >= share - ROUNDING))
        return float(self.left[box]), float(self.right[box])


def fit_turnbull(
    left: npt.ArrayLike, right: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Turnbull:
    """Nonparametric maximum likelihood estimate from intervals (left, right] (Turnbull 1976).

    Parameters
    ----------
    left, right : float, shape (n,)
        The event came after `left` and not after `right`, in days or sessions. right = inf: not
        seen yet (right-censored). left = -inf or 0: it may have come before the first visit. left
        == right: an exact time, read as the limit (t-, t]; on a grid of whole numbers that is (t -
        1, t].
    weights : float, shape (n,), optional
        How often each interval stands; above 0. Distinct intervals with their counts give what all
        rows give.

    Returns
    -------
    Turnbull
        Boxes, masses, and how well the maximum is met.

    Raises
    ------
    UsageError
        Without intervals, with a missing end, with left > right, with left = inf or right = -inf,
        with a weight that is not above 0, or with lengths that differ.

    Notes
    -----
    Valid when visits are not timed by what is to be found. The gradient condition is sufficient, as the log-likelihood is
    concave (Gentleman and Geyer 1994, Biometrika 81:618). There is one maximum only: all maxima give each interval the same
    probability, and every box closes where some interval ends, so going from box to box these probabilities fix all masses.
    Memory grows with the square of the number of boxes that hold mass: round times to days, and it is small for any n.

    Examples
    --------
    >>> found = fit_turnbull([0, 0, 7, 7, 14], [7, 7, 14, np.inf, np.inf])
    >>> found.mass.round(3).tolist(), found.right.tolist()
    ([0.4, 0.3, 0.3], [7.0, 14.0, inf])
    >>> found.quantile()
    (7.0, 14.0)
    """
    ends, share, total = _checked(left, right, weights)
    left, right, runs = boxes_of(*places_of(ends), share)
    mass, gradient, iterations = maximise(runs)
    loglik = total * float(runs.weight @ np.log(runs.probability(mass)))
    return Turnbull(left, right, mass, loglik, float(gradient.max()), iterations, total)


def _checked(
    left: npt.ArrayLike, right: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[Floats, Floats, float]:
    """Ends, shape (2, n), the share of each interval, and the sum of weights."""
    first = np.atleast_1d(np.asarray(left, dtype=float))
    last = np.atleast_1d(np.asarray(right, dtype=float))
    weight = (
        np.ones(len(first))
        if weights is None
        else np.atleast_1d(np.asarray(weights, dtype=float))
    )
    if not first.shape == last.shape == weight.shape:
        raise UsageError(
            f"{len(first)} left ends, {len(last)} right ends and {len(weight)} weights do not fit"
            " together."
        )
    faults = {
        "a missing end": np.isnan(first) | np.isnan(last),
        "left after right": first > last,
        "no finite end on its inner side": (first == np.inf) | (last == -np.inf),
        "a weight that is not above 0": ~((weight > 0) & np.isfinite(weight)),
    }
    told = [
        f"{int(found.sum())} with {name} (first: number {int(found.argmax())})"
        for name, found in faults.items()
        if found.any()
    ]
    if told:
        raise UsageError("Intervals that cannot be used: " + "; ".join(told) + ".")
    if not len(first):
        raise UsageError("There are no intervals.")
    return np.stack([first, last]), weight / weight.sum(), float(weight.sum())
