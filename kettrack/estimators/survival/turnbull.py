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

from kettrack.arrays import Floats, Ints
from kettrack.errors import UsageError

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


AIM = 1e-9  # stop when no box has a mean gradient above 1 + AIM
# no probability falls below this part of itself in one step: at 0 it could not come back
NEAR_0 = 1e-3
MOST_ITERATIONS = 1000


@dataclass(frozen=True, slots=True)
class Runs:
    """Distinct runs of boxes with their weights, which sum to 1."""

    first: Ints
    last: Ints
    weight: Floats
    boxes: int

    def over(self, kept: npt.NDArray[np.bool_]) -> Runs:
        """The same runs counted on some of the boxes only."""
        place = np.concatenate([[0], np.cumsum(kept)])
        return Runs(place[self.first], place[self.last], self.weight, int(place[-1]))

    def probability(self, mass: Floats) -> Floats:
        """Probability of each run."""
        below = np.concatenate([[0.0], np.cumsum(mass)])
        return below[self.last] - below[self.first]

    def gradient(self, probability: Floats) -> Floats:
        """Mean gradient of the log-likelihood in the mass of each box: at most 1 at a maximum, and
        1 where mass is.
        """
        share = self.weight / probability
        size = self.boxes + 1
        return np.cumsum(
            np.bincount(self.first, share, size) - np.bincount(self.last, share, size)
        )[:-1]

    def curvature(self, probability: Floats) -> Floats:
        """Minus the second derivative, shape (boxes, boxes): runs over both boxes, summed from two
        sides of a table.
        """
        size = self.boxes + 1
        table = np.bincount(
            self.first * size + self.last, self.weight / probability**2, size * size
        ).reshape(size, size)
        upper = np.triu(table.cumsum(axis=0)[:, ::-1].cumsum(axis=1)[:-1, ::-1][:, 1:])
        return upper + np.triu(upper, 1).T


def places_of(ends: Floats) -> tuple[Ints, Ints, Floats]:
    """Places of the ends in their order, and the values. At each v an exact v opens, then (l, v]
    closes, then (v, r] opens.
    """
    values, rank = np.unique(ends, return_inverse=True)
    rank = rank.reshape(ends.shape)
    return 3 * rank[0] + np.where(ends[0] < ends[1], 2, 0), 3 * rank[1] + 1, values


def boxes_of(
    opens: Ints, closes: Ints, values: Floats, share: Floats
) -> tuple[Floats, Floats, Runs]:
    """Left and right end of each box, and the boxes that each distinct interval covers."""
    size = 3 * len(values)
    distinct, group = np.unique(opens * size + closes, return_inverse=True)
    box_opens, box_closes, first, last = _intersect(distinct // size, distinct % size)
    weight = np.bincount(group, share).astype(float, copy=False)
    runs = Runs(first, last, weight, len(box_opens))
    return values[box_opens // 3], values[box_closes // 3], runs


def _intersect(opens: Ints, closes: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Maximal intersections of intervals whose ends are given as distinct integer places in their
    order.

    Returns the opening and the closing place of each box, and for each interval the first box it
    covers and the one after the last.
    """
    places = np.unique(np.concatenate([opens, closes]))
    is_opening = np.isin(places, opens)
    begins = np.flatnonzero(is_opening[:-1] & ~is_opening[1:])
    box_opens = places[begins]
    box_closes = places[begins + 1]
    return (
        box_opens,
        box_closes,
        np.searchsorted(box_opens, opens),
        np.searchsorted(box_closes, closes, side="right"),
    )


def maximise(runs: Runs) -> tuple[Floats, Floats, int]:
    """Mass and mean gradient of each box, and the number of iterations.

    Newton steps on the boxes with mass and those where the gradient peaks above 1; the quadratic
    model is minimised over masses of 0 or more (constrained Newton method, Wang 2008, Computational
    Statistics and Data Analysis 52:2388).
    """
    mass = _cover(runs)
    iterations = 0
    while True:
        probability = runs.probability(mass)
        gradient = runs.gradient(probability)
        if gradient.max() <= 1 + AIM or iterations == MOST_ITERATIONS:
            return mass, gradient, iterations
        tried = (mass > 0) | _peaks(gradient)
        target = np.zeros_like(mass)
        target[tried] = _newton(
            runs.over(tried).curvature(probability), gradient[tried], mass[tried]
        )
        found = _search(
            runs, mass, target - mass, float((gradient - 1) @ (target - mass))
        )
        if found is None:  # rounding leaves nothing to gain
            return mass, gradient, iterations
        mass = found / found.sum()
        iterations = iterations + 1


def _cover(runs: Runs) -> Floats:
    """Equal mass on the fewest boxes that touch every run."""
    earliest = np.full(runs.boxes + 1, runs.boxes)
    np.minimum.at(earliest, runs.first, runs.last - 1)
    # first end among runs that begin at a box or later
    earliest = np.minimum.accumulate(earliest[::-1])[::-1]
    mass = np.zeros(runs.boxes)
    box = int(earliest[0])
    while box < runs.boxes:
        mass[box] = 1
        box = int(earliest[box + 1])
    return mass / mass.sum()


def _peaks(gradient: Floats) -> npt.NDArray[np.bool_]:
    """Boxes where the gradient is above 1 and not below its neighbours."""
    edged = np.concatenate([[-np.inf], gradient, [-np.inf]])
    return (gradient > 1) & (gradient >= edged[:-2]) & (gradient >= edged[2:])


def _newton(curvature: Floats, gradient: Floats, mass: Floats) -> Floats:
    """Masses of 0 or more that lower the quadratic model, from `mass`; a tiny pull towards `mass`
    keeps it solvable.

    Overwrites `curvature`.
    """
    pull = 1e-10 * curvature.diagonal().max()
    curvature.flat[:: len(mass) + 1] += pull
    # the model is x'Cx/2 - slope'x, since C mass = gradient
    slope = 2 * gradient - 1 + pull * mass
    free = np.ones(len(mass), bool)
    now = mass
    while True:
        best = np.zeros(len(mass))
        best[free] = np.linalg.solve(curvature[free][:, free], slope[free])
        low = free & (best <= 0)
        if not low.any():
            return best
        reach = now[low] / (now[low] - best[low] + (now[low] == best[low]))
        now = now + reach.min() * (best - now)
        free[np.flatnonzero(low)[reach <= reach.min()]] = False
        now[~free] = 0


def _search(runs: Runs, mass: Floats, step: Floats, gain: float) -> Floats | None:
    """Mass after the longest of the halved steps that raises the log-likelihood enough."""
    start = runs.probability(mass)
    change = runs.probability(step)
    total = float(step.sum())
    for part in 0.5 ** np.arange(40):
        ratio = 1 + part * change / start
        if (
            ratio.min() > NEAR_0
            and float(runs.weight @ np.log(ratio)) - part * total
            >= part * gain / 4 - 1e-15
        ):
            return np.asarray(np.maximum(mass + part * step, 0))
    return None
