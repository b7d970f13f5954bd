"""What is checked before and beside every causal answer: overlap, a measure left out, the
E-value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from kettrack.analysis.context import NORMAL_QUANTILE
from kettrack.arrays import Floats
from kettrack.estimators.causal.weights import e_value_of_difference
from kettrack.estimators.regression.least_squares import fit_clustered

# Fitted probabilities between which a decision could have gone either way; kettrack's convention.
OPEN_PROBABILITY: Final = (0.05, 0.95)
# Standard errors: 1.96 for the test + 0.84 for a power of 80 %.
DETECTABLE_ERRORS: Final = 2.8


def overlap(
    probability: npt.ArrayLike,
    inside: tuple[float, float] = OPEN_PROBABILITY,
) -> float:
    """Percent of decisions that could have gone either way.

    Examples
    --------
    >>> overlap([0.01, 0.5, 0.9, 0.97])
    50.0
    """
    p = np.asarray(probability, dtype=np.float64)
    low, high = inside
    could_go_either_way = (p >= low) & (p <= high)
    return float(100 * could_go_either_way.mean())


@dataclass(frozen=True, slots=True)
class NegativeControl:
    """Whether a decision predicts a measure of the same time that was left out of the history.

    Parameters
    ----------
    difference, low, high : float
        In points of the measure, at equal histories, with a 95 % interval.
    detectable : float
        Difference that would be found in four of five samples, in standard deviations of the
        measure.
    rows, patients : int
        Decisions at which the measure was there, and whose they were.
    """

    difference: float
    low: float
    high: float
    detectable: float
    rows: int
    patients: int

    @property
    def fires(self) -> bool:
        """Whether the interval leaves 0 out: something that was not recorded decides."""
        return not self.low <= 0 <= self.high


def negative_control(
    measure: npt.ArrayLike,
    chosen: npt.ArrayLike,
    history: Floats,
    patient: npt.ArrayLike,
) -> NegativeControl | None:
    """Test a decision on a measure of the same time that had no part in the adjustment; None where
    it was hardly taken.

    If the history holds what decides, then among people with equal histories the decision tells
    nothing about any other measure of that moment. A score of the history itself cannot be used: it
    causes the decision.

    Parameters
    ----------
    measure : float, shape (rows,)
        Missing where it was not taken.
    chosen : bool, shape (rows,)
        Whether the decision was to go on.
    history : float64, shape (rows, columns)
        What the analysis adjusts for, without missing values and without a column of ones.
    patient : int, shape (rows,)
        Whose decision it was.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> history, person = rng.normal(size=(400, 1)), np.arange(400)
    >>> measure = history[:, 0] + rng.normal(size=400)
    >>> by_lot = rng.random(400) < 0.5
    >>> negative_control(measure, by_lot, history, person).fires
    False
    """
    values = np.asarray(measure, dtype=np.float64)
    arm = np.asarray(chosen, dtype=bool)
    who = np.asarray(patient)
    # its mean is not replaced where it is missing: that would pull the difference towards 0
    there = ~np.isnan(values)
    smaller_arm = min((there & arm).sum(), (there & ~arm).sum())
    # as many people as columns would be fitted exactly; a constant measure has no spread
    if smaller_arm <= history.shape[1] or not np.ptp(values[there]):
        return None
    # the arm is the second column, so its coefficient is the difference at equal histories
    ones = np.ones(there.sum())
    x = np.column_stack([ones, arm[there], history[there]])
    fit = fit_clustered(x, values[there], who[there])
    difference = float(fit.coefficients[1])
    error = float(fit.error[1])
    spread = float(values[there].std())
    return NegativeControl(
        difference=difference,
        low=difference - NORMAL_QUANTILE * error,
        high=difference + NORMAL_QUANTILE * error,
        detectable=DETECTABLE_ERRORS * error / spread,
        rows=int(there.sum()),
        patients=fit.patients,
    )


def e_values(
    estimate: float,
    low: float,
    high: float,
    spread: float,
) -> tuple[float, float]:
    """E-value of a difference in means, and of the end of its interval nearer to 0; 1 where the
    interval holds 0.

    Parameters
    ----------
    estimate, low, high : float
        Difference and interval.
    spread : float
        Standard deviation of the outcome among the controls.

    Examples
    --------
    >>> [round(value, 2) for value in e_values(-0.3, -0.5, -0.1, 1.0)]
    [1.96, 1.42]
    """
    # everybody scored the same: no difference can be set against a spread
    if spread <= 0:
        return float("nan"), float("nan")
    # the end nearer to 0 is the smallest difference that the interval allows
    holds_zero = low <= 0 <= high
    near = 0.0 if holds_zero else min(low, high, key=abs)
    of_estimate = e_value_of_difference(estimate / spread)
    of_near_end = e_value_of_difference(near / spread)
    return of_estimate, of_near_end
