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
    The interval of slots of a row is cut into blocks of 1, 2, 4, ... slots, so a sum over all risk sets costs rows times the
    logarithm of slots. Nothing is subtracted: running sums that take leaving rows out again would lose all digits once weights
    differ by many powers of ten.
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
        return self.blocks.T @ (self.parts.T @ values)


def risk_sets(start: Floats, stop: Floats, event: Bools, stratum: Ints) -> RiskSets:
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
    taken, deaths = np.unique(until[event] - 1, return_counts=True)
    first = np.searchsorted(taken, line + np.searchsorted(times, start, "right"))
    last = np.searchsorted(taken, until)
    rows = np.flatnonzero(first < last)
    first = first[rows]
    last = last[rows]
    event = event[rows]
    event_row = np.flatnonzero(event)
    event_row = event_row[np.argsort(last[event_row], kind="stable")]
    size = 1 << int(len(taken) - 1).bit_length() if len(taken) else 1
    blocks = _blocks(first, last, size)
    parts = _parts(len(taken), size)
    return RiskSets(rows, last[event_row] - 1, event_row, deaths, blocks, parts)


def _blocks(first: Ints, last: Ints, size: int) -> Any:
    """Cut [first, last) of each row into blocks; block 1 is all slots, blocks 2 b and 2 b + 1 are
    the halves of block b.
    """
    row = np.arange(len(first))
    left = first + size
    right = last + size
    block = [np.empty(0, int)]
    of_row = [np.empty(0, int)]
    while (open_ := left < right).any():
        odd = open_ & (left % 2 == 1)
        block = [*block, left[odd]]
        of_row = [*of_row, row[odd]]
        left = left + odd
        odd = open_ & (right % 2 == 1)
        right = right - odd
        block = [*block, right[odd]]
        of_row = [*of_row, row[odd]]
        left = left // 2
        right = right // 2
    return _indicator(
        np.concatenate(block), np.concatenate(of_row), (2 * size, len(first))
    )


def _parts(slots: int, size: int) -> Any:
    """Each slot with all blocks that hold it."""
    levels = np.arange(size.bit_length())
    block = (np.arange(slots)[:, None] + size) >> levels
    return _indicator(
        np.repeat(np.arange(slots), len(levels)), block.ravel(), (slots, 2 * size)
    )


def _indicator(row: Ints, column: Ints, shape: tuple[int, int]) -> Any:
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(row)), (row, column)), shape=shape)


class Point(NamedTuple):
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

    def __init__(self, sets: RiskSets, x: Floats, fraction: Floats) -> None:
        self.sets, self.x, self.fraction = sets, x, fraction[:, None]
        self._pairs = np.triu_indices(x.shape[1])
        self._terms = np.hstack(
            [np.ones((len(x), 1)), x, x[:, self._pairs[0]] * x[:, self._pairs[1]]]
        )

    def at(self, beta: Floats) -> Point:
        sets = self.sets
        p = self.x.shape[1]
        log_weight = self.x @ beta
        log_weight -= log_weight.max()  # a common factor cancels
        weighted = np.exp(log_weight)[:, None] * self._terms
        sums = (
            sets.sums(weighted)[sets.slot]
            - self.fraction * self._over_slot(weighted[sets.event_row])[sets.slot]
        )
        mass = sums[:, 0]
        if mass.min() <= 0:  # weights too far apart for the machine: no place to be
            return Point(beta, -np.inf, beta, np.eye(p), weighted[:, 0], mass, sums)
        mean = sums[:, 1 : p + 1] / mass[:, None]
        second = (sums[:, p + 1 :] / mass[:, None]).sum(axis=0)
        information = np.zeros((p, p))
        information[self._pairs] = second
        information = information + np.triu(information, 1).T - mean.T @ mean
        loglik = float((log_weight[sets.event_row] - np.log(mass)).sum())
        score = (self.x[sets.event_row] - mean).sum(axis=0)
        return Point(beta, loglik, score, information, weighted[:, 0], mass, mean)

    def score_residuals(self, point: Point) -> Floats:
        """What each row adds to the score, shape (rows, p): at its own event, less its share in
        every risk set it is in.
        """
        sets = self.sets
        row = self.sets.event_row
        hazard = np.hstack([np.ones((len(row), 1)), point.mean]) / point.mass[:, None]
        share = sets.totals(self._over_slot(hazard))
        # tied events have partly left their own risk sets
        shared = self._over_slot(hazard * self.fraction)[sets.slot]
        residual = -point.weight[:, None] * (self.x * share[:, :1] - share[:, 1:])
        residual[row] += (
            self.x[row]
            - (self._over_slot(point.mean) / sets.deaths[:, None])[sets.slot]
        )
        residual[row] += point.weight[row, None] * (
            self.x[row] * shared[:, :1] - shared[:, 1:]
        )
        return residual

    def _over_slot(self, values: Floats) -> Floats:
        """Sum over the events of each slot; events are in the order of slots."""
        return np.add.reduceat(
            values, np.cumsum(self.sets.deaths) - self.sets.deaths, axis=0
        )
