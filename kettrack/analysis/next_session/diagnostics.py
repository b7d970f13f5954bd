"""What is checked before and beside every causal answer: outcomes in both arms, overlap, a measure
left out, the E-value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from kettrack.analysis.context import NORMAL
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.weights import e_value_of_difference
from kettrack.estimators.regression.least_squares import fit_clustered

# fitted probabilities between which a decision could have gone either way
POSITIVE: Final = (0.05, 0.95)
LEAST_OBSERVED: Final = 50  # percent of an arm with an outcome
LARGEST_DIFFERENCE: Final = 20  # percentage points between two arms
DETECTABLE: Final = 2.8  # standard errors that are found in four of five samples


def overlap(
    probability: npt.ArrayLike, inside: tuple[float, float] = POSITIVE
) -> float:
    """Percent of decisions that could have gone either way.

    Examples
    --------
    >>> overlap([0.01, 0.5, 0.9, 0.97])
    50.0
    """
    p = np.asarray(probability, dtype=np.float64)
    return float(100 * ((p >= inside[0]) & (p <= inside[1])).mean())


def require_outcomes(observed: dict[str, float]) -> None:
    """Stop where outcomes are missing too often, or much more often in one arm.

    Parameters
    ----------
    observed : dict of str to float
        Arm, in words, to the percent of it with an outcome.

    Raises
    ------
    NotIdentified
        Below 50 percent in an arm, or arms more than 20 points apart.

    Examples
    --------
    >>> require_outcomes({"went on": 90.0, "stopped": 75.0})
    """
    said = ", ".join(
        f"{share:.0f} % of those who {arm}" for arm, share in observed.items()
    )
    collect = (
        "a score at the same time after the decision for everyone, also for those who stop"
        " coming."
    )
    if min(observed.values()) < LEAST_OBSERVED:
        raise NotIdentified(
            f"too few have an outcome: {said}; at least {LEAST_OBSERVED} % of each are wanted.",
            collect,
        )
    if max(observed.values()) - min(observed.values()) > LARGEST_DIFFERENCE:
        raise NotIdentified(
            f"outcomes are missing much more often in one arm: there are those of {said}; more"
            f" than {LARGEST_DIFFERENCE} points apart, whatever is done about it is a guess.",
            collect,
        )


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
    >>> found = negative_control(history[:, 0] + rng.normal(size=400), rng.random(400) < 0.5, history, person)
    >>> found.fires
    False
    """
    values = np.asarray(measure, dtype=np.float64)
    arm = np.asarray(chosen, dtype=bool)
    who = np.asarray(patient)
    there = ~np.isnan(values)
    if min((there & arm).sum(), (there & ~arm).sum()) <= history.shape[1] or not np.ptp(
        values[there]
    ):
        return None
    x = np.column_stack([np.ones(there.sum()), arm[there], history[there]])
    fit = fit_clustered(x, values[there], who[there])
    found = float(fit.coefficients[1])
    error = float(fit.error[1])
    detectable = DETECTABLE * error / float(values[there].std())
    return NegativeControl(
        found,
        found - NORMAL * error,
        found + NORMAL * error,
        detectable,
        int(there.sum()),
        fit.patients,
    )


def e_values(
    estimate: float, low: float, high: float, spread: float
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
    near = 0.0 if low <= 0 <= high else min(low, high, key=abs)
    return e_value_of_difference(estimate / spread), e_value_of_difference(
        near / spread
    )
