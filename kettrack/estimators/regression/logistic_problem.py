"""The rows of a logistic regression and its likelihood, and how long a step of a fit may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from kettrack.arrays import Bools, Floats, Numbers
from kettrack.estimators.regression.whitening import RIDGE

_STACKED = 16  # tiles
EVERY = 16  # of many rows, those of which a fit begins
_SAFE_STEP = 1.5  # on the logit scale
CONVERGED = 1e-14  # mean squared length of the next step, weighted by p (1 - p)
# of a likelihood: where a separated fit gains less than that, halving its step would never end
_ROUNDING = 1e-14
# a step shorter than that moves nothing: the likelihood differs only by the order of its sums
_MOST_HALVINGS = 60
# a likelihood that rises for ever gains at each step 1 / e of what the step before gained; near a
# maximum it gains far less
_WALKING = (0.3, 0.45)
_STRIDE = 6  # steps taken as one


@dataclass(frozen=True, slots=True)
class LogitProblem:
    """What all replicates share; `products` of columns only where they take little memory, `reach`
    the longest row.
    """

    columns: Floats
    turned: Floats
    outcome: Floats
    products: Floats | None
    reach: float

    def part(self) -> LogitProblem:
        """The same of every `EVERY`th row."""
        columns = np.ascontiguousarray(self.columns[::EVERY])
        return replace(
            self,
            columns=columns,
            turned=columns.T,
            outcome=self.outcome[::EVERY],
            products=None,
        )

    def tiles(self, replicates: int) -> list[slice]:
        """Stretches of rows that stay in the cache, each with so few products that BLAS starts no
        thread for them.

        Threads for many small products cost more than they save, and on a busy machine fifty times
        more.
        """
        rank = self.columns.shape[1]
        a_row = rank * max(rank, replicates * (rank + 1) // 2)
        few = max(32, (1 << 18) // a_row)
        return [slice(begin, begin + few) for begin in range(0, len(self.columns), few)]

    def stacks(self) -> Iterator[tuple[slice, Floats]]:
        """Rows of many tiles of one replicate, and their columns, shape (tiles, rows of a tile,
        columns); the rest comes as a tile of its own.
        """
        few = self.tiles(1)[0].stop
        n, rank = self.columns.shape
        whole = n // few * few
        begins = range(0, whole, few * _STACKED)
        edges = {*begins, whole, n}
        for begin, end in pairwise(sorted(edges)):
            length = min(few, end - begin)
            rows = slice(begin, end)
            columns = self.columns[rows]
            yield rows, columns.reshape(-1, length, rank)


def step_length(
    problem: LogitProblem,
    weights: Numbers,
    beta: Floats,
    step: Floats,
    gain: Floats,
    gained: Floats,
) -> Floats:
    """Share of each replicate's step to take, shape (replicates, 1): halved until the likelihood
    rises by enough, or a stride of several steps on the walk to infinity of a separated fit.
    """
    length = np.ones((len(step), 1))
    # first by the longest row of all, which is quick, then exactly for the few that may be long
    long = np.flatnonzero(np.linalg.norm(step, axis=1) * problem.reach > _SAFE_STEP)
    long = long[_farthest(problem, step[long]) > _SAFE_STEP]
    before = _likelihood(
        problem,
        weights[long],
        beta[long],
    )
    rounding = 1 + np.abs(before)
    before -= _ROUNDING * rounding
    for _ in range(_MOST_HALVINGS):
        if not len(long):
            break
        tried = beta[long] + length[long] * step[long]
        after = _likelihood(problem, weights[long], tried)
        short = after < before + 0.1 * length[long, 0] * gain[long]
        long = long[short]
        before = before[short]
        length[long] /= 2
    walking = _alike(gain, gained)
    walking &= gain > CONVERGED
    _stride(problem, weights, beta, step, length, walking)
    return length


def _alike(gain: Floats, gained: Floats) -> Bools:
    """Whether a step gains as much less than the one before as on a walk to infinity."""
    least, most = _WALKING
    above: Bools = gain > least * gained
    below: Bools = gain < most * gained
    return above & below


def _stride(
    problem: LogitProblem,
    weights: Numbers,
    beta: Floats,
    step: Floats,
    length: Floats,
    walking: Bools,
) -> None:
    """Lengthen whole steps of replicates that walk to infinity, where that raises the likelihood
    more; `length` is changed.
    """
    who = np.flatnonzero(walking & (length[:, 0] == 1))
    if not len(who):
        return
    near = beta[who] + step[who]
    far = beta[who] + _STRIDE * step[who]
    higher = _likelihood(problem, weights[who], far)
    higher -= _likelihood(problem, weights[who], near)
    length[who[higher > 0]] = _STRIDE


def _farthest(
    problem: LogitProblem,
    step: Floats,
) -> Floats:
    """How far each replicate's step moves any linear predictor."""
    tiles = []
    for rows in problem.tiles(len(step)):
        moved = step @ problem.turned[:, rows]
        tiles.append(np.abs(moved).max(axis=1))
    return np.asarray(
        np.max(tiles, axis=0),
        dtype=np.float64,
    )


def _likelihood(
    problem: LogitProblem,
    weights: Numbers,
    beta: Floats,
) -> Floats:
    """Mean log-likelihood of each replicate less the ridge, which is all that holds a separated
    fit.
    """
    out = np.zeros(len(beta))
    for rows in problem.tiles(len(beta)):
        fitted = beta @ problem.turned[:, rows]
        # log(1 + exp(fitted)) that neither overflows nor loses what is left of a small one
        each = problem.outcome[rows] * fitted - np.logaddexp(0, fitted)
        out += (each * weights[:, rows]).sum(axis=1)
    total = weights.sum(axis=1, dtype=np.float64)
    return out / total - RIDGE / 2 * (beta**2).sum(axis=1)


def share_of_logit(fitted: Floats) -> Floats:
    # exp(800) is infinite, and the probability rightly 0
    with np.errstate(over="ignore"):
        p = np.exp(-fitted)
    p += 1
    return np.reciprocal(p, out=p)
