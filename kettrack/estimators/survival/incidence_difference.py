"""Groups compared on cumulative incidence: differences that hold together, with a permutation test
beside them.

Everything follows from the counts of each group. Handing the group labels out anew is a draw
without replacement from the cells (step by cause), and drawing patients anew is a multinomial draw
from them; a million patients cost what a hundred do.

Own code: neither scipy nor statsmodels compares cumulative incidences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.intervals import effective_number, exact_ends
from kettrack.estimators.survival.competing_risks import ExitCounts, aalen_johansen
from kettrack.estimators.survival.life_table import (
    Counts,
    from_here_on,
    padded,
    ratio_or_zero,
)

FEWEST_REPLICATES: Final = 999
_CELLS_AT_ONCE: Final = 4_000_000  # replicates are worked in blocks of this many counts
# replicates as extreme as what was seen may differ from it by rounding
_ROUNDING: Final = 1e-9

_Draw = Callable[[Ints, np.random.Generator, int], Ints]


@dataclass(frozen=True, slots=True)
class IncidenceDifference:
    """Cumulative incidence of one cause in each group, and how far each group is from the first.

    Parameters
    ----------
    steps : int64, shape (T,)
        Steps at which groups are compared.
    estimate : float64, shape (T, groups)
        Cumulative incidence, fractions; missing where a group is not followed so far.
    difference, ci_low, ci_high : float64, shape (T, groups - 1)
        Each later group minus the first. The intervals hold all at once, over steps and groups,
        with the stated coverage.
    score : float64, shape (groups,)
        Events seen in each group less those expected if all shared one curve; the scores add up to
        0.
    p : float
        Share of permutations at least as far apart as what was seen, over all steps; what was seen
        counts as one.
    replicates, seed : int
        Number of permutations and of bootstrap samples, and where the random numbers began.
    """

    steps: Ints
    estimate: Floats
    difference: Floats
    ci_low: Floats
    ci_high: Floats
    score: Floats
    p: float
    replicates: int
    seed: int


def compare_incidence(
    groups: Sequence[ExitCounts],
    at: Sequence[int],
    *,
    cause: int = 1,
    replicates: int = 1999,
    seed: int = 0,
    level: float = 0.95,
) -> IncidenceDifference:
    """Compare the cumulative incidence of one cause between groups.

    Parameters
    ----------
    groups : sequence of ExitCounts
        Two or more, of the same causes, unweighted; the first is the one the others are compared
        with.
    at : sequence of int
        Steps, 1 or later, at which differences are wanted. Name few: the simultaneous interval pays
        for each. And only such at which each group still has a number at risk: with a handful left
        the interval covers too little.
    cause : int
        Which cause, from 1.
    replicates : int
        Number of permutations and of bootstrap samples, at least 999.
    seed : int
        Of the random numbers.
    level : float
        Joint coverage of the intervals.

    Returns
    -------
    IncidenceDifference
        See there. Where all or none of a group have had the event, its bootstrap samples say all
        the same; the exact interval of its share is then added.

    Raises
    ------
    UsageError
        With fewer than two groups, too few replicates, or weighted counts.
    NotIdentified
        When a group has nobody at risk.

    Notes
    -----
    The statistic is Gray's (1988): events of the cause against those expected when each group's
    risk set also keeps the part of it that left by another cause. With one cause it is the log-rank
    statistic. Its spread comes from the permutations. Permuting labels tests that groups differ in
    nothing, not even in when they leave by other causes or when their logs end. A small p may come
    from those; the difference and its interval, from bootstrap samples of patients within each
    group, do not lean on them, and are the answer. The interval is the difference plus and minus so
    many standard errors that the largest deviation, over all steps and groups, stays within them in
    the stated share of samples. What a group at 0 or 1 adds to it is combined in squares (MOVER:
    Zou and Donner 2008, Stat Med 27:1693), at a level that holds for all differences at once.

    Examples
    --------
    >>> from kettrack.estimators.survival.competing_risks import count_competing_risks
    >>> fast = count_competing_risks(np.repeat([1, 2, 3], 10), np.tile([1, 2], 15), 2)
    >>> slow = count_competing_risks(np.repeat([3, 5, 6], 10), np.tile([1, 2], 15), 2)
    >>> found = compare_incidence([fast, slow], at=[3])
    >>> found.difference.round(2).tolist(), found.p
    ([[-0.33]], 0.015)
    """
    cells = _cells(groups, replicates)
    steps = np.asarray(at, np.int64)
    if steps.min(initial=1) < 1:
        raise UsageError("steps to compare at begin with 1.")
    curves = _incidence(cells[None], cause, steps)[0]
    estimate = np.where(_followed(cells, steps), curves, np.nan)
    difference = estimate[:, 1:] - estimate[:, :1]
    samples = _measured(
        _resampled,
        cells,
        replicates,
        [seed, 1],
        lambda tables: _incidence(tables, cause, steps),
    )
    again = samples[:, :, 1:] - samples[:, :, :1]
    reach = _joint_reach(again, difference, level)
    # as many differences share the level
    each = (1 - level) / difference.size
    down, up = _border_reach(
        groups,
        estimate,
        steps,
        1 - each,
    )
    below = _together(reach, down[:, 1:], up[:, :1])
    above = _together(reach, up[:, 1:], down[:, :1])
    shuffles = _measured(
        _shuffled,
        cells,
        replicates,
        [seed, 0],
        lambda tables: _scores(tables, cause),
    )
    # the first row is what was seen: it counts as one of the permutations
    score = _scores(cells[None], cause)
    # the scores add up to 0: the last group says nothing new
    p = _permutation_p(np.concatenate([score, shuffles])[:, :-1])
    return IncidenceDifference(
        steps=steps,
        estimate=estimate,
        difference=difference,
        ci_low=np.maximum(difference - below, -1),
        ci_high=np.minimum(difference + above, 1),
        score=score[0],
        p=p,
        replicates=replicates,
        seed=seed,
    )


def _cells(
    groups: Sequence[ExitCounts],
    replicates: int,
) -> Ints:
    """Patients of each group by step and cause, shape (groups, K, causes + 1); cause 0 = the log
    ends.
    """
    _require_comparable(groups, replicates)
    # one clock for all: groups that end earlier have nobody in the later cells
    steps = max(len(group.censored) for group in groups)
    tables = []
    for group in groups:
        censored = padded(group.censored, steps)
        tables.append(np.column_stack([censored, padded(group.events, steps)]))
    return np.array(tables, np.int64)


def _require_comparable(groups: Sequence[ExitCounts], replicates: int) -> None:
    """Refuse what cannot be compared, or not by drawing patients anew."""
    if len(groups) < 2:
        raise UsageError("compare_incidence compares two groups or more.")
    if replicates < FEWEST_REPLICATES:
        raise UsageError(
            f"compare_incidence takes at least {FEWEST_REPLICATES} replicates."
        )
    if any(group.events.dtype.kind == "f" for group in groups):
        raise UsageError(
            "compare_incidence draws patients anew: it takes counts of patients, not of weights."
        )
    for place, group in enumerate(groups, start=1):
        if not group.at_risk.any():
            raise NotIdentified(
                f"nobody is at risk in group {place}.",
                "a rated baseline for patients of every group.",
            )


def _measured(
    draw: _Draw,
    cells: Ints,
    replicates: int,
    seed: list[int],
    measure: Callable[[Ints], Floats],
) -> Floats:
    """What is measured on each of so many random tables, in blocks that fit in memory."""
    rng = np.random.default_rng(seed)
    block = max(1, _CELLS_AT_ONCE // cells.size)
    sizes = [min(block, replicates - done) for done in range(0, replicates, block)]
    return np.concatenate([measure(draw(cells, rng, size)) for size in sizes])


def _shuffled(
    cells: Ints,
    rng: np.random.Generator,
    replicates: int,
) -> Ints:
    """Tables after handing the group labels out anew, shape (replicates, groups, K, causes + 1)."""
    total = cells.sum(axis=0).ravel()
    # labels still to be handed out
    room = np.tile(cells.sum(axis=(1, 2)), (replicates, 1))
    out = np.zeros((replicates, len(cells), total.size), np.int64)
    # Cell by cell, each group draws from those whose label is still open. After the last cell no
    # label is left, so every group keeps its size in every replicate.
    for cell in np.flatnonzero(total):
        waiting = np.full(replicates, total[cell])
        for group in range(len(cells) - 1):
            of_later_groups = room[:, group + 1 :].sum(axis=1)
            drawn = rng.hypergeometric(room[:, group], of_later_groups, waiting)
            out[:, group, cell] = drawn
            waiting -= drawn
        out[:, -1, cell] = waiting
        room -= out[:, :, cell]
    return out.reshape(replicates, *cells.shape)


def _resampled(
    cells: Ints,
    rng: np.random.Generator,
    replicates: int,
) -> Ints:
    """Tables of patients drawn anew within each group, shape (replicates, groups, K, causes +
    1).
    """
    drawn = []
    for table in cells:
        people = table.sum()
        chances = table.ravel() / people
        drawn.append(rng.multinomial(people, chances, size=replicates))
    return np.stack(drawn, axis=1).reshape(replicates, *cells.shape)


def _at_risk(cells: Ints) -> Counts:
    return from_here_on(cells.sum(axis=-1))


def _scores(
    cells: Ints,
    cause: int,
) -> Floats:
    """Events less those expected under one curve, shape (replicates, groups)."""
    at_risk = _at_risk(cells)
    events = cells[..., 1:]
    _, before, estimate = aalen_johansen(events, at_risk)
    own = estimate[..., cause - 1]
    none_yet = np.zeros_like(own[..., :1])
    without = 1 - np.concatenate([none_yet, own[..., :-1]], axis=-1)
    # those at risk, and their share of those who left by another cause
    kept = at_risk * ratio_or_zero(without, before)
    happened = events[..., cause - 1]
    hazard = ratio_or_zero(
        happened.sum(axis=1),
        kept.sum(axis=1),
    )
    expected = (kept * hazard[:, None]).sum(axis=-1)
    return np.asarray(happened.sum(axis=-1) - expected)


def _incidence(
    cells: Ints,
    cause: int,
    steps: Ints,
) -> Floats:
    """Cumulative incidence at some steps, shape (replicates, T, groups); flat after the last
    step.
    """
    curves = aalen_johansen(cells[..., 1:], _at_risk(cells))[2]
    last = cells.shape[2]
    at = curves[..., cause - 1][..., np.minimum(steps, last) - 1]
    # steps before groups, as in the table
    return np.moveaxis(at, -1, 1)


def _followed(
    cells: Ints,
    steps: Ints,
) -> Bools:
    """Whether each group's curve is known at each step, shape (T, groups): some are still at risk,
    or nobody is left free.
    """
    at_risk = _at_risk(cells)
    free = aalen_johansen(cells[..., 1:], at_risk)[0]
    last = cells.shape[1]
    place = np.minimum(steps, last) - 1
    still = at_risk[:, place].T > 0
    inside = (steps <= last)[:, None] & still
    return np.asarray(inside | (free[:, place].T == 0))


def _border_reach(
    groups: Sequence[ExitCounts],
    estimate: Floats,
    steps: Ints,
    level: float,
) -> tuple[Floats, Floats]:
    """How far the exact interval reaches below and above each share that is 0 or 1, shape (T,
    groups); 0 elsewhere.
    """
    numbers = []
    for group in groups:
        at_risk = group.at_risk
        before = aalen_johansen(group.events, at_risk)[1]
        number = effective_number(at_risk, before)
        # where everybody has left, the last number goes on
        place = np.minimum(steps, len(number)) - 1
        numbers.append(number[place])
    low, high = exact_ends(
        estimate,
        estimate,
        estimate,
        np.column_stack(numbers),
        level,
    )
    return estimate - low, high - estimate


def _together(*reaches: Floats) -> Floats:
    """Independent reaches to one side as one."""
    squares = [reach**2 for reach in reaches]
    return np.asarray(np.sqrt(sum(squares)))


def _joint_reach(
    again: Floats,
    difference: Floats,
    level: float,
) -> Floats:
    """Half width of each simultaneous interval, shape (T, groups - 1); 0 where no sample
    differs.
    """
    error = again.std(axis=0, ddof=1)
    known = ~np.isnan(difference) & (error > 0)
    if not known.any():
        return np.zeros(difference.shape)
    deviations = np.abs(again - difference)[:, known] / error[known]
    largest = deviations.max(axis=1)
    return np.where(
        known,
        np.quantile(largest, level) * error,
        0,
    )


def _permutation_p(scores: Floats) -> float:
    """Share of score vectors, shape (1 + replicates, groups - 1), at least as far out as the
    first.
    """
    apart = scores - scores.mean(axis=0)
    spread = np.atleast_2d(np.cov(scores, rowvar=False))
    # a pseudoinverse: groups without any event leave a direction without spread
    inverse = np.linalg.pinv(spread, hermitian=True)
    distance = np.einsum("ri,ij,rj->r", apart, inverse, apart)
    return float(np.mean(distance >= distance[0] * (1 - _ROUNDING)))
