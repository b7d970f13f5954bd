"""Survival from times known only to lie between two visits: the nonparametric maximum likelihood
estimate on (left, right].

Visits share their ends, so intervals are open on the left: a patient seen well on day 7 and ill on
day 14 fell ill in (7, 14], one seen ill on day 7 in (0, 7], and the two do not meet. Closed
intervals would meet on day 7 and put mass there.

Own code: neither scipy nor statsmodels estimates a curve from intervals without a parametric form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import UsageError

_AIM = 1e-9  # stop when no box has a mean gradient above 1 + _AIM
# no probability falls below this part of itself in one step: at 0 it could not come back
_NEAR_0 = 1e-3
_MOST_ITERATIONS = 1000
_TOLERATED = 1e-6  # mean gradient above 1 in what still counts as a maximum
_ROUNDING = 1e-6  # a share reached but for rounding counts as reached


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
        return self.largest_gradient <= 1 + _TOLERATED

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
        # Boxes are apart and in order, so two searches tell for each time how many boxes have
        # ended and how many have begun; they differ by one inside a box, and nowhere else.
        ended = np.searchsorted(self.right, at, side="right")
        begun = np.searchsorted(self.left, at, side="left")
        begun = np.maximum(begun, ended)
        below = mass_before(self.mass).clip(max=1)
        return 1 - below[begun], 1 - below[ended]

    def quantile(self, share: float = 0.5) -> tuple[float, float]:
        """Ends of the box in which `share` of the probability is reached; the median if not told
        otherwise.

        They are no confidence limits. The second is infinite where the time lies beyond the last
        negative visit.
        """
        reached = np.cumsum(self.mass) >= share - _ROUNDING
        box = int(np.argmax(reached))
        return float(self.left[box]), float(self.right[box])


def fit_turnbull(
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
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
    Valid when visits are not timed by what is to be found. The gradient condition is sufficient, as
    the log-likelihood is concave (Gentleman and Geyer 1994, Biometrika 81:618). There is one
    maximum only: all maxima give each interval the same probability, and every box closes where
    some interval ends, so going from box to box these probabilities fix all masses. Memory grows
    with the square of the number of boxes that hold mass: round times to days, and it is small for
    any n.

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
    logs = np.log(runs.probability(mass))
    loglik = total * float(runs.weight @ logs)
    return Turnbull(
        left=left,
        right=right,
        mass=mass,
        loglik=loglik,
        largest_gradient=float(gradient.max()),
        iterations=iterations,
        n=total,
    )


def _checked(
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    weights: npt.ArrayLike | None,
) -> tuple[Floats, Floats, float]:
    """Ends, shape (2, n), the share of each interval, and the sum of weights."""
    first = _line(left)
    last = _line(right)
    weight = np.ones(len(first)) if weights is None else _line(weights)
    if not first.shape == last.shape == weight.shape:
        raise UsageError(
            f"{len(first)} left ends, {len(last)} right ends and {len(weight)} weights do not fit"
            " together."
        )
    told = _faults(first, last, weight)
    if told:
        raise UsageError("Intervals that cannot be used: " + "; ".join(told) + ".")
    if not len(first):
        raise UsageError("There are no intervals.")
    total = weight.sum()
    return np.stack([first, last]), weight / total, float(total)


def _line(values: npt.ArrayLike) -> Floats:
    return np.atleast_1d(np.asarray(values, dtype=float))


def _faults(
    first: Floats,
    last: Floats,
    weight: Floats,
) -> list[str]:
    """What is wrong with some intervals, each with their number and the first of them."""
    endless = (first == np.inf) | (last == -np.inf)
    usable = (weight > 0) & np.isfinite(weight)
    faults = {
        "a missing end": np.isnan(first) | np.isnan(last),
        "left after right": first > last,
        "no finite end on its inner side": endless,
        "a weight that is not above 0": ~usable,
    }
    told = []
    for name, found in faults.items():
        if found.any():
            where = f"first: number {int(found.argmax())}"
            told.append(f"{int(found.sum())} with {name} ({where})")
    return told


@dataclass(frozen=True, slots=True)
class BoxRuns:
    """Distinct runs of boxes with their weights, which sum to 1."""

    first: Ints
    last: Ints
    weight: Floats
    boxes: int

    def over(self, kept: Bools) -> BoxRuns:
        """The same runs counted on some of the boxes only."""
        # number of kept boxes before each box: the ends of a run keep their order
        place = np.concatenate([[0], np.cumsum(kept)])
        return BoxRuns(
            first=place[self.first],
            last=place[self.last],
            weight=self.weight,
            boxes=int(place[-1]),
        )

    def probability(self, mass: Floats) -> Floats:
        """Probability of each run."""
        below = mass_before(mass)
        return below[self.last] - below[self.first]

    def gradient(self, probability: Floats) -> Floats:
        """Mean gradient of the log-likelihood in the mass of each box: at most 1 at a maximum, and
        1 where mass is.
        """
        share = self.weight / probability
        size = self.boxes + 1
        # a run adds its share where it begins and takes it off where it has ended: the running sum
        # is the sum over the runs that cover each box
        begun = np.bincount(self.first, share, size)
        ended = np.bincount(self.last, share, size)
        return np.cumsum(begun - ended)[:-1]

    def curvature(self, probability: Floats) -> Floats:
        """Minus the second derivative, shape (boxes, boxes): runs over both boxes, summed from two
        sides of a table.
        """
        size = self.boxes + 1
        cell = self.first * size + self.last
        weight = self.weight / probability**2
        counted = np.bincount(cell, weight, size * size)
        table = counted.reshape(size, size)
        # A run covers boxes i <= j when it begins at i or before and ends after j: a running sum
        # down the rows, and one from the right along the columns.
        begun = table.cumsum(axis=0)[:, ::-1]
        covering = begun.cumsum(axis=1)[:-1, ::-1]
        upper = np.triu(covering[:, 1:])
        return upper + np.triu(upper, 1).T


def mass_before(mass: Floats) -> Floats:
    """Mass of the boxes before each box, and of all boxes at the end; shape (boxes + 1,)."""
    return np.concatenate([[0.0], np.cumsum(mass)])


def places_of(ends: Floats) -> tuple[Ints, Ints, Floats]:
    """Places of the ends in their order, and the values. At each v an exact v opens, then (l, v]
    closes, then (v, r] opens.
    """
    values, rank = np.unique(ends, return_inverse=True)
    left, right = rank.reshape(ends.shape)
    # three places for each value: 0 an exact time opens, 1 an interval closes, 2 one opens
    has_length = ends[0] < ends[1]
    opens = 3 * left + np.where(has_length, 2, 0)
    closes = 3 * right + 1
    return opens, closes, values


def boxes_of(
    opens: Ints,
    closes: Ints,
    values: Floats,
    share: Floats,
) -> tuple[Floats, Floats, BoxRuns]:
    """Left and right end of each box, and the boxes that each distinct interval covers."""
    size = 3 * len(values)
    # both places in one number, so that equal intervals are found by sorting once
    both = opens * size + closes
    distinct, group = np.unique(both, return_inverse=True)
    box_opens, box_closes, first, last = _intersect(
        distinct // size,
        distinct % size,
    )
    weight = np.bincount(group, share)
    runs = BoxRuns(
        first=first,
        last=last,
        weight=weight.astype(float, copy=False),
        boxes=len(box_opens),
    )
    return values[box_opens // 3], values[box_closes // 3], runs


def _intersect(
    opens: Ints,
    closes: Ints,
) -> tuple[Ints, Ints, Ints, Ints]:
    """Maximal intersections of intervals whose ends are given as distinct integer places in their
    order.

    Returns the opening and the closing place of each box, and for each interval the first box it
    covers and the one after the last.
    """
    ends = np.concatenate([opens, closes])
    places = np.unique(ends)
    is_opening = np.isin(places, opens)
    # a box is an opening that a closing follows at once: nothing begins or ends inside it
    closing_next = ~is_opening[1:]
    begins = np.flatnonzero(is_opening[:-1] & closing_next)
    box_opens = places[begins]
    box_closes = places[begins + 1]
    first = np.searchsorted(box_opens, opens)
    last = np.searchsorted(box_closes, closes, side="right")
    return box_opens, box_closes, first, last


def maximise(runs: BoxRuns) -> tuple[Floats, Floats, int]:
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
        if gradient.max() <= 1 + _AIM or iterations == _MOST_ITERATIONS:
            return mass, gradient, iterations
        tried = (mass > 0) | _peaks(gradient)
        curvature = runs.over(tried).curvature(probability)
        target = np.zeros_like(mass)
        target[tried] = _newton(
            curvature,
            gradient[tried],
            mass[tried],
        )
        step = target - mass
        found = _search(
            runs,
            mass,
            step,
            float((gradient - 1) @ step),
        )
        if found is None:  # rounding leaves nothing to gain
            return mass, gradient, iterations
        mass = found / found.sum()
        iterations = iterations + 1


def _cover(runs: BoxRuns) -> Floats:
    """Equal mass on the fewest boxes that touch every run."""
    earliest = np.full(
        runs.boxes + 1,
        runs.boxes,
    )
    np.minimum.at(
        earliest,
        runs.first,
        runs.last - 1,
    )
    # first end among runs that begin at a box or later
    backwards = np.minimum.accumulate(earliest[::-1])
    earliest = backwards[::-1]
    mass = np.zeros(runs.boxes)
    # Greedy: the last box of the run that ends first touches every run that has begun by then, and
    # no fewer boxes would do.
    box = int(earliest[0])
    while box < runs.boxes:
        mass[box] = 1
        box = int(earliest[box + 1])
    return mass / mass.sum()


def _peaks(gradient: Floats) -> Bools:
    """Boxes where the gradient is above 1 and not below its neighbours."""
    # beyond either end there is no neighbour to fall below
    edged = np.pad(gradient, 1, constant_values=-np.inf)
    above_left = gradient >= edged[:-2]
    above_right = gradient >= edged[2:]
    return (gradient > 1) & above_left & above_right


def _newton(
    curvature: Floats,
    gradient: Floats,
    mass: Floats,
) -> Floats:
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
    # Active set: `now` is never negative. Whatever would turn negative first is fixed at 0 and the
    # rest is solved again, so each round fixes one box at least and the loop ends.
    while True:
        best = np.zeros(len(mass))
        best[free] = np.linalg.solve(
            curvature[free][:, free],
            slope[free],
        )
        low = free & (best <= 0)
        if not low.any():
            return best
        way = now[low] - best[low]
        # from 0 to 0 is no way at all, and ends at once
        still = now[low] == best[low]
        reach = now[low] / (way + still)
        now = now + reach.min() * (best - now)
        first = reach <= reach.min()
        free[np.flatnonzero(low)[first]] = False
        now[~free] = 0


def _search(
    runs: BoxRuns,
    mass: Floats,
    step: Floats,
    gain: float,
) -> Floats | None:
    """Mass after the longest of the halved steps that raises the log-likelihood enough."""
    start = runs.probability(mass)
    change = runs.probability(step)
    total = float(step.sum())
    for part in 0.5 ** np.arange(40):
        ratio = 1 + part * change / start
        if ratio.min() <= _NEAR_0:
            continue
        # the ratio alone: a difference of two log-likelihoods would lose its last digits
        gained = float(runs.weight @ np.log(ratio))
        risen = gained - part * total
        if risen >= part * gain / 4 - 1e-15:
            reached = mass + part * step
            return np.asarray(np.maximum(reached, 0))
    return None
