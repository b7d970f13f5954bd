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


def observed_probability(
    fitted: npt.ArrayLike,
    happened: npt.ArrayLike,
) -> Floats:
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
    usable = np.isfinite(w) & (w >= 0)
    if not usable.all():
        raise UsageError("A weight is negative, missing or infinite.")
    w = w[w > 0]
    if not len(w):
        raise NotIdentified("No patient has a weight above 0.")
    total = w.sum()
    # Kish's effective number: how many people of equal weight would know as much
    squares = (w**2).sum()
    ess = total**2 / squares
    return WeightSummary(
        n=len(w),
        mean=float(w.mean()),
        largest=float(w.max()),
        p99=float(np.quantile(w, 0.99)),
        ess=float(ess),
        ess_share=float(ess / len(w)),
        largest_share=float(w.max() / total),
        above_10=int((w > 10).sum()),
    )


def truncate_weights(
    weights: npt.ArrayLike,
    centile: float,
) -> Floats:
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
    counted = w[w > 0]
    if not len(counted):
        return w
    # the centile is that of the people in the estimate, not of those who weigh nothing
    most = np.quantile(counted, centile / 100)
    return np.minimum(w, most)


def standardised_differences(
    x: npt.ArrayLike,
    group: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
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
    The standard deviation is that before weighting, root of the mean variance of the two groups, so
    that weights can only change the difference of means (Austin 2009, Stat Med 28:3083).

    Examples
    --------
    >>> x, group = [[0.0], [2.0], [1.0], [3.0]], [False, False, True, True]
    >>> standardised_differences(x, group).round(3).tolist()
    [0.707]
    """
    columns = np.asarray(x, dtype=np.float64)
    inside = np.asarray(group, dtype=bool)
    given = np.ones(len(inside)) if weights is None else weights
    w = np.asarray(given, dtype=np.float64)
    ours = w[inside].sum()
    theirs = w[~inside].sum()
    if not (ours > 0 and theirs > 0):
        raise NotIdentified(
            "One of the two groups is empty, so they cannot be compared."
        )
    means = []
    variances = []
    for members in (inside, ~inside):
        part = columns[members]
        mean = np.average(part, axis=0, weights=w[members])
        means.append(mean)
        # one person has no spread of their own
        variance = np.zeros(columns.shape[1])
        if len(part) > 1:
            variance = part.var(axis=0, ddof=1)
        variances.append(variance)
    difference = means[0] - means[1]
    mean_variance = np.mean(variances, axis=0)
    varies = mean_variance > 0
    spread = np.sqrt(np.where(varies, mean_variance, 1))
    standardised = difference / spread
    # a column that does not vary is balanced when both groups hold the same, and else unknown
    constant = np.where(
        difference == 0,
        0,
        np.nan,
    )
    return np.where(varies, standardised, constant)


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
    # a protective ratio is turned round: the scale is symmetric about 1
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
    risk_ratio = np.exp(0.91 * difference)
    return e_value(float(risk_ratio))
