"""Mass on boxes that makes interval-censored times most likely: where it can lie, and how much.

Each interval covers a contiguous run of boxes, `first <= box < last`, so probabilities are
differences of running sums. One iteration costs O(intervals + boxes), besides a Newton step on the
few boxes that hold mass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats, Ints

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
