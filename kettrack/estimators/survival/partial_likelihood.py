"""The partial likelihood of rows (start, stop] in strata: sums over risk sets, without a loop over
events or over rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kettrack.arrays import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Risk sets of the distinct event times of every stratum, in one line of slots.

    Parameters
    ----------
    rows : int64, shape (n,)
        Places of the input rows at risk at one event time or more; only these are meant by "row"
        below.
    slot : int64, shape (events,)
        Slot of each event, ascending.
    event_row : int64, shape (events,)
        Row of each event.
    deaths : int64, shape (slots,)
        Events in each slot.
    blocks : sparse, shape (blocks, n)
        1 where a row covers a block of slots and not the block above it.
    parts : sparse, shape (slots, blocks)
        1 where a block holds the slot.

    Notes
    -----
    The interval of slots of a row is cut into blocks of 1, 2, 4, ... slots, so a sum over all risk
    sets costs rows times the logarithm of slots. Nothing is subtracted: running sums that take
    leaving rows out again would lose all digits once weights differ by many powers of ten.
    """

    rows: Ints
    slot: Ints
    event_row: Ints
    deaths: Ints
    blocks: Any
    parts: Any

    def sums(self, values: Floats) -> Floats:
        """Sum over those at risk in each slot: shape (n, q) to (slots, q)."""
        return self.parts @ (self.blocks @ values)

    def totals(self, values: Floats) -> Floats:
        """Sum over the slots in which each row is at risk: shape (slots, q) to (n, q)."""
        of_blocks = self.parts.T @ values
        return self.blocks.T @ of_blocks


def risk_sets(
    start: Floats,
    stop: Floats,
    event: Bools,
    stratum: Ints,
) -> RiskSets:
    """Risk sets of rows (start, stop].

    Parameters
    ----------
    start, stop : float64, shape (rows,)
        At risk after `start` up to and with `stop`; start < stop.
    event : bool, shape (rows,)
        The event happened at `stop`.
    stratum : int64, shape (rows,)
        0, 1, ...; risk sets never cross strata.

    Examples
    --------
    >>> start, stop = np.array([0.0, 0.0, 2.0]), np.array([2.0, 3.0, 3.0])
    >>> sets = risk_sets(start, stop, np.array([True, True, False]), np.zeros(3, int))
    >>> sets.sums(np.ones((3, 1))).ravel().tolist()
    [2.0, 2.0]
    """
    times = np.unique(stop[event])
    # a stratum's stretch of the line holds every event time; most are nobody's in it
    line = stratum * len(times)
    until = line + np.searchsorted(times, stop, "right")
    since = line + np.searchsorted(times, start, "right")
    slots = until[event] - 1
    taken, deaths = np.unique(slots, return_counts=True)
    first = np.searchsorted(taken, since)
    last = np.searchsorted(taken, until)
    # rows at risk at no event time say nothing, and an empty stretch would be no block
    rows = np.flatnonzero(first < last)
    first = first[rows]
    last = last[rows]
    event_row = np.flatnonzero(event[rows])
    # by slot, so that sums over the events of a slot are sums over a stretch
    by_slot = np.argsort(last[event_row], kind="stable")
    event_row = event_row[by_slot]
    # leaves of the tree: the next power of 2
    last_leaf = max(len(taken) - 1, 0)
    size = 1 << last_leaf.bit_length()
    return RiskSets(
        rows=rows,
        slot=last[event_row] - 1,
        event_row=event_row,
        deaths=deaths,
        blocks=_blocks(first, last, size),
        parts=_parts(len(taken), size),
    )


def _blocks(
    first: Ints,
    last: Ints,
    size: int,
) -> Any:
    """Cut [first, last) of each row into blocks; block 1 is all slots, blocks 2 b and 2 b + 1 are
    the halves of block b.
    """
    row = np.arange(len(first))
    left = first + size
    right = last + size
    block = [np.empty(0, int)]
    of_row = [np.empty(0, int)]
    # One level of the tree in each round. A left end that is a right child cannot be covered by
    # its parent: it is taken by itself, and so is what lies left of a right end. The halves that
    # are left over are covered one level up.
    while (open_ := left < right).any():
        odd = open_ & (left % 2 == 1)
        block.append(left[odd])
        of_row.append(row[odd])
        left = left + odd
        odd = open_ & (right % 2 == 1)
        right = right - odd
        block.append(right[odd])
        of_row.append(row[odd])
        left = left // 2
        right = right // 2
    shape = (2 * size, len(first))
    return _indicator(
        np.concatenate(block),
        np.concatenate(of_row),
        shape,
    )


def _parts(
    slots: int,
    size: int,
) -> Any:
    """Each slot with all blocks that hold it."""
    slot = np.arange(slots)
    levels = np.arange(size.bit_length())
    # a slot is leaf slot + size of the tree; its ancestors are that number shifted to the right
    block = (slot[:, None] + size) >> levels
    row = np.repeat(slot, len(levels))
    return _indicator(row, block.ravel(), (slots, 2 * size))


def _indicator(
    row: Ints,
    column: Ints,
    shape: tuple[int, int],
) -> Any:
    from scipy.sparse import csr_array

    ones = np.ones(len(row))
    return csr_array((ones, (row, column)), shape=shape)


class LikelihoodPoint(NamedTuple):
    """The partial likelihood at one place: shapes (p,), (), (p,), (p, p); weight (rows,), mass
    (events,), mean (events, p).
    """

    beta: Floats
    loglik: float
    score: Floats
    information: Floats
    weight: Floats
    mass: Floats
    mean: Floats


class Likelihood:
    """Partial likelihood of standardised covariates; each event has its own risk set, thinned by
    ties.
    """

    def __init__(
        self,
        sets: RiskSets,
        x: Floats,
        fraction: Floats,
    ) -> None:
        self.sets = sets
        self.x = x
        self.fraction = fraction[:, None]
        self._pairs = np.triu_indices(x.shape[1])
        first, second = self._pairs
        products = x[:, first] * x[:, second]
        one = np.ones((len(x), 1))
        # weight, first and second moments of a risk set in one sum
        self._terms = np.hstack([one, x, products])

    def at(self, beta: Floats) -> LikelihoodPoint:
        sets = self.sets
        p = self.x.shape[1]
        log_weight = self.x @ beta
        log_weight -= log_weight.max()  # a common factor cancels
        weight = np.exp(log_weight)
        weighted = weight[:, None] * self._terms
        # under Efron's ties a part of those with an event has left its own risk set
        tied = self._over_slot(weighted[sets.event_row])
        leaving = self.fraction * tied[sets.slot]
        sums = sets.sums(weighted)[sets.slot] - leaving
        mass = sums[:, 0]
        if mass.min() <= 0:  # weights too far apart for the machine: no place to be
            return LikelihoodPoint(
                beta=beta,
                loglik=-np.inf,
                score=beta,
                information=np.eye(p),
                weight=weight,
                mass=mass,
                mean=sums,
            )
        moments = sums[:, 1:] / mass[:, None]
        mean = moments[:, :p]
        second = np.zeros((p, p))
        squares = moments[:, p:]
        second[self._pairs] = squares.sum(axis=0)
        # mirrored over the diagonal, less the squared means: a sum of covariances
        mirrored = second + np.triu(second, 1).T
        information = mirrored - mean.T @ mean
        gained = log_weight[sets.event_row] - np.log(mass)
        apart = self.x[sets.event_row] - mean
        return LikelihoodPoint(
            beta=beta,
            loglik=float(gained.sum()),
            score=apart.sum(axis=0),
            information=information,
            weight=weight,
            mass=mass,
            mean=mean,
        )

    def score_residuals(self, point: LikelihoodPoint) -> Floats:
        """What each row adds to the score, shape (rows, p): at its own event, less its share in
        every risk set it is in.
        """
        sets = self.sets
        row = sets.event_row
        one = np.ones((len(row), 1))
        moments = np.hstack([one, point.mean])
        hazard = moments / point.mass[:, None]
        share = sets.totals(self._over_slot(hazard))
        # tied events have partly left their own risk sets
        shared = self._over_slot(hazard * self.fraction)[sets.slot]
        total = share[:, :1]
        expected = self.x * total - share[:, 1:]
        residual = -point.weight[:, None] * expected
        mean = self._over_slot(point.mean) / sets.deaths[:, None]
        residual[row] += self.x[row] - mean[sets.slot]
        total = shared[:, :1]
        given_back = self.x[row] * total - shared[:, 1:]
        residual[row] += point.weight[row, None] * given_back
        return residual

    def _over_slot(self, values: Floats) -> Floats:
        """Sum over the events of each slot; events are in the order of slots."""
        deaths = self.sets.deaths
        first = np.cumsum(deaths) - deaths
        return np.add.reduceat(values, first, axis=0)
