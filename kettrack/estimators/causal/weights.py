"""Inverse-probability weights: made from fitted probabilities, described, and questioned.

A weight says how many patients a patient stands for. Where few stand for many the estimate rests on
those few, whatever the number of patients; `describe_weights` says how many it really is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats
from kettrack.errors import NotIdentified, UsageError

TRUNCATION_CENTILES = (100.0, 99.5, 99.0, 97.5, 95.0)


def observed_probability(fitted: npt.ArrayLike, happened: npt.ArrayLike) -> Floats:
    """Probability of what did happen, from the fitted probability of the event.

    Examples
    --------
    >>> observed_probability([0.2, 0.2], [True, False]).tolist()
    [0.2, 0.8]
    """
    p = np.asarray(fitted, dtype=np.float64)
    return np.where(happened, p, 1 - p)


@dataclass(frozen=True, slots=True)
class WeightSummary:
    """What a set of weights looks like.

    Parameters
    ----------
    n : int
        Weights above 0.
    mean, largest, p99 : float
        Mean, maximum and 99th centile. The mean of stabilised weights should be near 1.
    ess, ess_share : float
        Effective number, (sum w)^2 / sum w^2, and its share of n, 0 to 1.
    largest_share : float
        Share of the largest weight in the sum, 0 to 1.
    above_10 : int
        Weights above 10.
    """

    n: int
    mean: float
    largest: float
    p99: float
    ess: float
    ess_share: float
    largest_share: float
    above_10: int


def describe_weights(weights: npt.ArrayLike) -> WeightSummary:
    """Summary of weights; those of 0 belong to people who are not in the estimate and are left out.

    Raises
    ------
    NotIdentified
        No weight above 0.
    UsageError
        A weight that is negative, missing or infinite.

    Examples
    --------
    >>> round(describe_weights([1, 1, 2]).ess, 2)
    2.67
    """
    w = np.asarray(weights, dtype=np.float64)
    if not (np.isfinite(w).all() and (w >= 0).all()):
        raise UsageError("A weight is negative, missing or infinite.")
    w = w[w > 0]
    if not len(w):
        raise NotIdentified("No patient has a weight above 0.")
    total = w.sum()
    ess = w.sum() ** 2 / (w**2).sum()
    p99 = float(np.quantile(w, 0.99))
    share = float(w.max() / total)
    return WeightSummary(
        len(w),
        float(w.mean()),
        float(w.max()),
        p99,
        float(ess),
        float(ess / len(w)),
        share,
        int((w > 10).sum()),
    )


def truncate_weights(weights: npt.ArrayLike, centile: float) -> Floats:
    """Weights with those above a centile brought down to it: a sensitivity analysis, never an
    estimate of its own.

    Truncating brings back the bias that the weights remove; an estimate that moves over
    `TRUNCATION_CENTILES` rests on a few large weights.

    Examples
    --------
    >>> truncate_weights([1, 2, 3, 4, 100], 75).tolist()
    [1.0, 2.0, 3.0, 4.0, 4.0]
    """
    w = np.asarray(weights, dtype=np.float64)
    return np.minimum(w, np.quantile(w[w > 0], centile / 100)) if (w > 0).any() else w


def standardised_differences(
    x: npt.ArrayLike, group: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Floats:
    """Difference in weighted means, group minus others, in standard deviations.

    Parameters
    ----------
    x : float, shape (rows, columns)
        Covariates without missing values.
    group : bool, shape (rows,)
        Who is in the group.
    weights : float, shape (rows,), optional
        Without them the difference before weighting.

    Returns
    -------
    float64, shape (columns,)
        Balanced below .1 to either side; 0 where a column does not vary at all.

    Raises
    ------
    NotIdentified
        A group without weight.

    Notes
    -----
    The standard deviation is that before weighting, root of the mean variance of the two groups, so that weights can only
    change the difference of means (Austin 2009, Stat Med 28:3083).

    Examples
    --------
    >>> standardised_differences([[0.0], [2.0], [1.0], [3.0]], [False, False, True, True]).round(3).tolist()
    [0.707]
    """
    columns = np.asarray(x, dtype=np.float64)
    inside = np.asarray(group, dtype=bool)
    w = (
        np.ones(len(inside))
        if weights is None
        else np.asarray(weights, dtype=np.float64)
    )
    if not (w[inside].sum() > 0 and w[~inside].sum() > 0):
        raise NotIdentified(
            "One of the two groups is empty, so they cannot be compared."
        )
    parts = [columns[inside], columns[~inside]]
    difference = np.average(parts[0], axis=0, weights=w[inside]) - np.average(
        parts[1], axis=0, weights=w[~inside]
    )
    variance = np.mean(
        [
            part.var(axis=0, ddof=1) if len(part) > 1 else np.zeros(columns.shape[1])
            for part in parts
        ],
        axis=0,
    )
    return np.where(
        variance > 0,
        difference / np.sqrt(np.where(variance > 0, variance, 1)),
        np.where(difference == 0, 0, np.nan),
    )


def e_value(risk_ratio: float) -> float:
    """How strong an unrecorded reason must be, as a risk ratio with both exposure and outcome, to
    explain a risk ratio away.

    VanderWeele and Ding 2017, Ann Intern Med 167:268.

    Examples
    --------
    >>> round(e_value(2), 2), round(e_value(0.5), 2)
    (3.41, 3.41)
    """
    if not risk_ratio > 0:
        raise UsageError(f"A risk ratio is above 0, not {risk_ratio}.")
    ratio = max(risk_ratio, 1 / risk_ratio)
    return float(ratio + np.sqrt(ratio * (ratio - 1)))


def e_value_of_difference(difference: float) -> float:
    """The same for a difference in means, in standard deviations of the outcome, taken as a risk
    ratio of exp(.91 d).

    Examples
    --------
    >>> round(e_value_of_difference(-0.3), 2)
    1.96
    """
    return e_value(float(np.exp(0.91 * difference)))
