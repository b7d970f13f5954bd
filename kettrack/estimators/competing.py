"""Competing risks on an integer clock, exact on ties: what happened first, with everyone in the denominator.

Session number ties everybody with everybody, so the estimate is counting: at each step those at risk, what happened to them,
and the product of what is left. Counts of two clinics add up to the counts of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ExitCounts:
    """How patients left the risk set at each step 1 .. K.

    Parameters
    ----------
    events : int64, shape (K, causes)
        Patients leaving by each cause at each step.
    censored : int64, shape (K,)
        Patients no longer followed after each step, at risk in it.
    never_at_risk : int
        Patients with step 0.
    """

    events: Ints
    censored: Ints
    never_at_risk: int = 0

    @property
    def at_risk(self) -> Ints:
        """Patients at risk at each step, shape (K,)."""
        leaving = self.events.sum(axis=1) + self.censored
        return leaving[::-1].cumsum()[::-1]

    def __add__(self, other: ExitCounts) -> ExitCounts:
        steps = max(len(self.censored), len(other.censored))
        events = _padded(self.events, steps) + _padded(other.events, steps)
        censored = _padded(self.censored, steps) + _padded(other.censored, steps)
        return ExitCounts(events, censored, self.never_at_risk + other.never_at_risk)


def _padded(counts: Ints, steps: int) -> Ints:
    return np.pad(counts, [(0, steps - len(counts)), *[(0, 0)] * (counts.ndim - 1)])


def count_exits(step: Ints, cause: Ints, n_causes: int) -> ExitCounts:
    """Count exits.

    Parameters
    ----------
    step : int, shape (n,)
        Step at which each patient left, 1 or later; those with 0 never were at risk and are only counted.
    cause : int, shape (n,)
        0 = censored, 1 .. n_causes = why.
    n_causes : int
        Number of causes.

    Examples
    --------
    >>> count_exits(np.array([1, 2, 2]), np.array([1, 0, 2]), 2).at_risk.tolist()
    [3, 2]
    """
    never = int((step == 0).sum())
    step, cause = step[step > 0], cause[step > 0]
    steps = int(step.max(initial=0))
    table = np.bincount((step - 1) * (n_causes + 1) + cause, minlength=steps * (n_causes + 1)).reshape(steps, n_causes + 1)
    return ExitCounts(table[:, 1:], table[:, 0], never)


@dataclass(frozen=True, slots=True)
class Incidence:
    """Cumulative incidence of each cause by each step; arrays of shape (K, causes), fractions.

    Parameters
    ----------
    estimate, ci_low, ci_high : float64
        Aalen-Johansen estimate and its interval.
    free : float64, shape (K,)
        Fraction to whom nothing has happened yet.
    """

    estimate: Floats
    ci_low: Floats
    ci_high: Floats
    free: Floats


def estimate_incidence(counts: ExitCounts, level: float = 0.95) -> Incidence:
    """Aalen-Johansen estimate with a log-log interval.

    Parameters
    ----------
    counts : ExitCounts
        From `count_exits`, or the sum of several.
    level : float
        Coverage of the pointwise interval.

    Returns
    -------
    Incidence
        The interval is missing where the estimate is 0 or 1.

    Notes
    -----
    Variance by the delta method (Dinse and Larson 1986), interval on the log(-log) scale. Aalen's variance, which
    scikit-survival uses by default, takes exits one at a time; where different causes tie within a step, as they always do on
    session numbers, it is too small. Without censoring this one is p (1 - p) / n exactly.

    Examples
    --------
    >>> found = estimate_incidence(count_exits(np.array([1, 2, 3, 3]), np.array([1, 2, 1, 0]), 2))
    >>> found.estimate[:, 0].tolist()
    [0.25, 0.25, 0.5]
    """
    from scipy.special import ndtri

    at_risk, total = counts.at_risk.astype(float)[:, None], counts.events.sum(axis=1).astype(float)[:, None]
    free = np.cumprod(1 - total / at_risk, axis=0)
    before = np.vstack([np.ones((1, 1)), free[:-1]])
    estimate = np.cumsum(before * counts.events / at_risk, axis=0)
    error = np.sqrt(_delta_variance(estimate, before, counts.events.astype(float), at_risk, total))
    inside = (estimate > 0) & (estimate < 1)
    safe = np.where(inside, estimate, 0.5)
    spread = ndtri(0.5 + level / 2) * error / (safe * np.log(safe))  # negative: log(safe) < 0
    low, high = safe ** np.exp(-spread), safe ** np.exp(spread)
    return Incidence(estimate, np.where(inside, low, np.nan), np.where(inside, high, np.nan), free[:, 0])


def _delta_variance(estimate: Floats, before: Floats, events: Floats, at_risk: Floats, total: Floats) -> Floats:
    """Variance of each cumulative incidence, shape (K, causes)."""
    left = np.where(at_risk > total, at_risk - total, 1)  # with nobody left nothing grows any more: its factor below is 0
    survival = np.where(at_risk > total, total / (at_risk * left), 0)
    own = before**2 * events * (at_risk - events) / at_risk**3
    shared = before * events / at_risk**2
    # Sum over steps i <= t of (F_t - F_i)^2 survival_i + own_i - 2 (F_t - F_i) shared_i, expanded into running sums.
    sums = [
        np.cumsum(part, axis=0) for part in (survival * np.ones_like(estimate), survival * estimate, survival * estimate**2)
    ]
    growth = estimate**2 * sums[0] - 2 * estimate * sums[1] + sums[2]
    cross = estimate * np.cumsum(shared, axis=0) - np.cumsum(shared * estimate, axis=0)
    return np.maximum(growth + np.cumsum(own, axis=0) - 2 * cross, 0)
