"""Jacobson-Truax: how large a change must be to exceed measurement error, and whether it crosses to
where healthy people score.

Reliable change and the cut-offs a, b and c are those of Jacobson and Truax 1991 (J Consult Clin
Psychol 59:12); c is the one advised when the two distributions overlap (McMillan 2010, pubmed
20569992). A standard deviation from the entry of a trial is too narrow, because entry asks for a
high score, and makes the reliable change too small.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from kettrack.errors import UsageError

CHANGES: Final = ("deteriorated", "unchanged", "improved", "recovered")


@dataclass(frozen=True, slots=True)
class Population:
    """Mean and standard deviation of the scores of a group, in points."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        _check_sd(self.sd)


def standard_error_of_measurement(sd: float, reliability: float) -> float:
    """Standard deviation of the scores one person would get on repeated measurement: `sd * sqrt(1 -
    reliability)`.

    Parameters
    ----------
    sd : float
        Standard deviation of the scores, in points.
    reliability : float
        0 to 1: retest correlation, or internal consistency, which is higher and gives a smaller
        error.

    Returns
    -------
    float
        In points.

    Raises
    ------
    UsageError
        When the standard deviation is not above 0 or the reliability not in 0 to 1.

    Examples
    --------
    >>> round(standard_error_of_measurement(10.5, 0.961), 6)
    2.073584
    """
    _check_sd(sd)
    if not 0 <= reliability <= 1:
        raise UsageError(f"A reliability lies between 0 and 1, not at {reliability:g}.")
    return sd * sqrt(1 - reliability)


def standard_error_of_difference(sd: float, reliability: float) -> float:
    """Standard deviation of the difference between two measurements of an unchanged person: the
    error times sqrt(2).

    Parameters
    ----------
    sd, reliability : float
        As for `standard_error_of_measurement`.

    Returns
    -------
    float
        In points.

    Examples
    --------
    >>> round(standard_error_of_difference(7.5, 0.80), 4)
    4.7434
    """
    return sqrt(2) * standard_error_of_measurement(sd, reliability)


def reliable_change_value(
    sd: float, reliability: float, confidence: float = 0.95
) -> float:
    """Change in points that measurement error alone exceeds in only `1 - confidence` of unchanged
    people, both ways together.

    Parameters
    ----------
    sd, reliability : float
        As for `standard_error_of_measurement`.
    confidence : float
        Its normal quantile is taken to three decimals, as publications do: 1.960 at 0.95, 1.645 at
        0.90.

    Returns
    -------
    float
        In points, positive whatever the direction of the scale.

    Raises
    ------
    UsageError
        Also when the confidence is not between 0 and 1.

    Examples
    --------
    PHQ-9 with the standard deviation at entry to NHS Talking Therapies and the published retest
    reliability:

    >>> round(reliable_change_value(5.5, 0.84), 1)
    6.1
    """
    if not 0 < confidence < 1:
        raise UsageError(f"A confidence lies between 0 and 1, not at {confidence:g}.")
    # three decimals as in the publications, so that their worked examples come out the same
    quantile = round(NormalDist().inv_cdf((1 + confidence) / 2), 3)
    return quantile * standard_error_of_difference(sd, reliability)


def cutoff_a(clinical: Population, higher_is_worse: bool = True) -> float:
    """Score two standard deviations from the clinical mean, towards health.

    Parameters
    ----------
    clinical : Population
        People with the disorder.
    higher_is_worse : bool
        Direction of the scale.

    Returns
    -------
    float
        In points.

    Examples
    --------
    >>> cutoff_a(Population(40, 7.5), higher_is_worse=False)
    55.0
    """
    return clinical.mean - _sign(higher_is_worse) * 2 * clinical.sd


def cutoff_b(functional: Population, higher_is_worse: bool = True) -> float:
    """Score two standard deviations from the functional mean, towards illness.

    Parameters
    ----------
    functional : Population
        People without the disorder.
    higher_is_worse : bool
        Direction of the scale.

    Returns
    -------
    float
        In points.

    Examples
    --------
    >>> cutoff_b(Population(60, 7.5), higher_is_worse=False)
    45.0
    """
    return functional.mean + _sign(higher_is_worse) * 2 * functional.sd


def cutoff_c(clinical: Population, functional: Population) -> float:
    """Score as many of its own standard deviations from the clinical as from the functional mean;
    the same in both directions.

    Parameters
    ----------
    clinical, functional : Population
        People with and without the disorder.

    Returns
    -------
    float
        `(sd_f * mean_c + sd_c * mean_f) / (sd_f + sd_c)`, in points.

    Examples
    --------
    >>> cutoff_c(Population(40, 7.5), Population(60, 7.5))
    50.0
    """
    weighed = functional.sd * clinical.mean + clinical.sd * functional.mean
    return weighed / (functional.sd + clinical.sd)


def classify_change(
    pre: npt.ArrayLike,
    post: npt.ArrayLike,
    reliable_change: float,
    cutoff: float,
    higher_is_worse: bool = True,
) -> pd.Categorical:
    """What became of each person: one ordered category, never parallel flags.

    Parameters
    ----------
    pre, post : array-like, shape (n,)
        First and last score of each person, in points; missing where there is none.
    reliable_change : float
        In points, above 0. A change of exactly this size is reliable.
    cutoff : float
        Score between the clinical and the functional side, such as `cutoff_c`; the cut-off itself
        is on the clinical side.
    higher_is_worse : bool
        Direction of the scale.

    Returns
    -------
    Categorical, shape (n,)
        `recovered` improved reliably from the clinical side of the cut-off to the other; `improved`
        reliably only; `unchanged`; `deteriorated` reliably the other way. Missing where either
        score is.

    Raises
    ------
    UsageError
        When the two are not of one length, or the reliable change is not above 0.

    Examples
    --------
    >>> last = [5, 16, 17, 28, None]
    >>> list(classify_change([22, 22, 22, 22, 22], last, reliable_change=6, cutoff=9.5))
    ['recovered', 'improved', 'unchanged', 'deteriorated', nan]
    """
    before, after = (
        np.asarray(scores, dtype=np.float64) * _sign(higher_is_worse)
        for scores in (pre, post)
    )
    if before.ndim != 1 or before.shape != after.shape:
        raise UsageError(
            f"There are {before.size} first and {after.size} last scores; each person has one of"
            " both."
        )
    if not reliable_change > 0:
        raise UsageError(
            f"A reliable change is above 0 points, not {reliable_change:g}."
        )
    # Both are turned so that a higher score is worse: from here on one direction is enough.
    fall = before - after
    edge = cutoff * _sign(higher_is_worse)
    improved = fall >= reliable_change
    names = {
        "recovered": improved & (before >= edge) & (after < edge),
        "improved": improved,
        "deteriorated": -fall >= reliable_change,
    }
    # the first that holds: whoever recovered has improved as well
    codes = np.select(
        list(names.values()),
        [CHANGES.index(name) for name in names],
        CHANGES.index("unchanged"),
    )
    return pd.Categorical.from_codes(
        np.where(np.isnan(fall), -1, codes), list(CHANGES), ordered=True
    )  # type: ignore[call-overload]


def _sign(higher_is_worse: bool) -> int:
    return 1 if higher_is_worse else -1


def _check_sd(sd: float) -> None:
    if not sd > 0:
        raise UsageError(f"A standard deviation is above 0, not {sd:g}.")
