"""Hazard by step with the leavers' place taken by those like them who stayed: inverse probability
of censoring weights.

Each person stays at risk for some steps. After each of them they go on or leave, and a logistic
model on what was measured by then says how likely going on was. Whoever stayed although that was
unlikely stands for those who left: their weight is one over the product of the probabilities so
far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats, Ints, Numbers
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic

_BLOCK = 1 << 21  # weights held at a time, replicates by rows


@dataclass(frozen=True, slots=True)
class StayRows:
    """One row per person and step at risk, sorted by person and step; steps run from 1 without a
    gap.

    Parameters
    ----------
    person : int64, shape (rows,)
        0, 1, ... people - 1.
    step : int64, shape (rows,)
        1, 2, ...
    event : bool, shape (rows,)
        The event happened at the step; it is the person's last row.
    decided : bool, shape (rows,)
        Whether going on was the person's to decide after the step, so that the row belongs to the
        model: no event, not the planned end, not the end of the log. Elsewhere the chance to go on
        counts as 1.
    goes_on : bool, shape (rows,)
        Whether the person went on, where `decided`.
    history : float64, shape (rows, columns)
        Covariates of the model, a column of ones among them; never missing where `decided`.
    people : int
        Number of people, those without a row included.
    """

    person: Ints
    step: Ints
    event: Bools
    decided: Bools
    goes_on: Bools
    history: Floats
    people: int

    def __add__(self, other: StayRows) -> StayRows:
        moved = other.person + self.people
        history = np.concatenate([self.history, other.history])
        return StayRows(
            person=np.concatenate([self.person, moved]),
            step=np.concatenate([self.step, other.step]),
            event=np.concatenate([self.event, other.event]),
            decided=np.concatenate([self.decided, other.decided]),
            goes_on=np.concatenate([self.goes_on, other.goes_on]),
            history=history,
            people=self.people + other.people,
        )


@dataclass(frozen=True, slots=True)
class CensoringWeightedCurve:
    """Weighted and plain curve by step; arrays of shape (K,), or (replicates, K).

    Parameters
    ----------
    estimate : float64
        Weighted fraction with the event by each step.
    ess : float64
        Effective number at risk, (sum of weights)^2 / sum of squared weights.
    mean_weight, largest_weight : float64
        Of those at risk, the weights stabilised by the share that goes on at each step.
    """

    estimate: Floats
    ess: Floats
    mean_weight: Floats
    largest_weight: Floats


def staying_probability(
    rows: StayRows,
    weights: npt.ArrayLike | None = None,
) -> Floats:
    """Fitted probability of going on after each row; 1 where nothing was decided.

    Parameters
    ----------
    rows : StayRows
        At least one row decided.
    weights : float, shape (replicates, people), optional
        How often each person counts; default once.

    Returns
    -------
    float64, shape (rows,) or (replicates, rows)
    """
    counted = None if weights is None else np.asarray(weights)
    replicates = () if counted is None else counted.shape[:1]
    out = np.ones((*replicates, len(rows.step)))
    of = rows.decided
    # where everybody went on there is nothing to model, and nobody to stand for
    if not of.any() or rows.goes_on[of].all():
        return out
    history = rows.history[of]
    drawn = None if counted is None else counted[:, rows.person[of]]
    beta = fit_logistic(history, rows.goes_on[of], drawn)
    out[..., of] = predict_logistic(history, beta)
    return out


def staying_weights(
    rows: StayRows,
    chance: Floats,
) -> Floats:
    """Weight of each row: one over the product of the chances after the person's earlier rows."""
    # Running sums of logarithms over all rows, from which what stood before the person's first row
    # is taken off: the rows of a person are one stretch, so what is left is their own product.
    each = np.log(chance)
    before = np.cumsum(each, axis=-1) - each
    first = np.searchsorted(rows.person, rows.person)
    logs = before[..., first] - before
    return np.asarray(np.exp(logs), dtype=np.float64)


def weighted_curve(
    rows: StayRows,
    weights: Floats,
) -> Floats:
    """Fraction with the event by each step from weights of rows, shape (K,) or (replicates, K)."""
    at_risk = by_step(rows, weights)
    events = by_step(rows, weights * rows.event)
    # a replicate may have drawn nobody who came so far: missing from there on
    with np.errstate(invalid="ignore"):
        # of the same weights, summed in another order
        hazard = np.minimum(events / at_risk, 1)
        free = np.cumprod(1 - hazard, axis=-1)
    return np.asarray(
        1 - free,
        dtype=np.float64,
    )


def by_step(
    rows: StayRows,
    values: npt.NDArray[np.floating],
) -> Floats:
    """Sums over the rows of each step, shape (K,) or (replicates, K); there is at least one row."""
    order = np.argsort(rows.step, kind="stable")
    last = rows.step.max(initial=0)
    # steps run without a gap, so no stretch is empty: `reduceat` would return its first value
    starts = np.searchsorted(
        rows.step[order],
        np.arange(1, last + 1),
    )
    ordered = values[..., order]
    sums = np.add.reduceat(ordered, starts, axis=-1)
    return np.asarray(sums, dtype=np.float64)


def estimate_staying(
    rows: StayRows,
    chance: Floats,
) -> CensoringWeightedCurve:
    """Curve and its weights, once.

    Examples
    --------
    >>> rows = StayRows(
    ...     person=np.array([0, 0, 1, 1]),
    ...     step=np.array([1, 2, 1, 2]),
    ...     event=np.array([False, True, False, False]),
    ...     decided=np.zeros(4, bool),
    ...     goes_on=np.ones(4, bool),
    ...     history=np.ones((4, 1)),
    ...     people=2,
    ... )
    >>> estimate_staying(rows, np.ones(4)).estimate.tolist()
    [0.0, 0.5]
    """
    weights = staying_weights(rows, chance)
    people = np.ones(len(weights))
    number = by_step(rows, people)
    total = by_step(rows, weights)
    squares = by_step(rows, weights**2)
    decided = by_step(rows, 1.0 * rows.decided)
    went_on = rows.decided & rows.goes_on
    on = by_step(rows, 1.0 * went_on)
    share = np.where(
        decided > 0,
        on / np.maximum(decided, 1),
        1,
    )
    # stabilises each step; the hazard does not change
    so_far = np.cumprod(share)
    usual = np.concatenate([[1.0], so_far[:-1]])
    largest = np.zeros(number.size)
    np.maximum.at(largest, rows.step - 1, weights)
    return CensoringWeightedCurve(
        estimate=weighted_curve(rows, weights),
        ess=total**2 / squares,
        mean_weight=usual * total / number,
        largest_weight=usual * largest,
    )


def replicate_curves(
    rows: StayRows,
    counts: Numbers,
) -> Floats:
    """Weighted curve of each bootstrap replicate, the model refitted in every one, shape
    (replicates, K).

    Parameters
    ----------
    rows : StayRows
        Of everyone.
    counts : number, shape (replicates, people)
        How often each person was drawn.
    """
    width = max(len(rows.step), 1)
    few = max(1, _BLOCK // width)
    parts = []
    for begin in range(0, len(counts), few):
        drawn = counts[begin : begin + few]
        chance = staying_probability(rows, drawn)
        # a person drawn twice weighs twice, in the model and in the curve
        often = drawn[:, rows.person].astype(np.float64)
        weights = staying_weights(rows, chance) * often
        parts.append(weighted_curve(rows, weights))
    return np.concatenate(parts)
