"""Competing risks on an integer clock, exact on ties: what happened first, with everyone in the
denominator.

Session number ties everybody with everybody, so the estimate is counting: at each step those at
risk, what happened to them, and the product of what is left. Counts of two clinics add up to the
counts of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kettrack.arrays import Floats, Ints
from kettrack.estimators.survival.life_table import Counts, from_here_on, padded, share

_ROUNDING = 1e-12  # an incidence of 1 is a sum, and may end a few bits below it


@dataclass(frozen=True, slots=True)
class ExitCounts:
    """How patients left the risk set at each step 1 .. K.

    Parameters
    ----------
    events : int64 or float64, shape (K, causes)
        Patients (or their weights) leaving by each cause at each step.
    censored : int64 or float64, shape (K,)
        Patients no longer followed after each step, at risk in it.
    never_at_risk : int
        Patients with step 0, whatever their weight.
    """

    events: Counts
    censored: Counts
    never_at_risk: int = 0

    @property
    def at_risk(self) -> Counts:
        """Patients at risk at each step, shape (K,)."""
        return from_here_on(self.events.sum(axis=1) + self.censored)

    def __add__(self, other: ExitCounts) -> ExitCounts:
        steps = max(len(self.censored), len(other.censored))
        events = padded(self.events, steps) + padded(other.events, steps)
        censored = padded(self.censored, steps) + padded(other.censored, steps)
        return ExitCounts(events, censored, self.never_at_risk + other.never_at_risk)


def count_competing_risks(
    step: Ints, cause: Ints, n_causes: int, weights: Floats | None = None
) -> ExitCounts:
    """Count exits.

    Parameters
    ----------
    step : int, shape (n,)
        Step at which each patient left, 1 or later; those with 0 never were at risk and are only
        counted.
    cause : int, shape (n,)
        0 = censored, 1 .. n_causes = why.
    n_causes : int
        Number of causes.
    weights : float64, shape (n,), optional
        What each patient counts; 1 by default.

    Examples
    --------
    >>> count_competing_risks(np.array([1, 2, 2]), np.array([1, 0, 2]), 2).at_risk.tolist()
    [3, 2]
    """
    kinds = n_causes + 1
    steps = int(step.max(initial=0)) + 1
    table = np.bincount(step * kinds + cause, weights, minlength=steps * kinds).reshape(
        steps, kinds
    )
    never = int(table[0].sum()) if weights is None else int((step == 0).sum())
    return ExitCounts(table[1:, 1:], table[1:, 0], never)


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
        From `count_competing_risks`, or the sum of several.
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
    session numbers, it is too small. Without censoring this one is p (1 - p) / n exactly. Both estimate the same quantity, so
    only the one that holds on ties is offered.

    Examples
    --------
    >>> found = estimate_incidence(count_competing_risks(np.array([1, 2, 3, 3]), np.array([1, 2, 1, 0]), 2))
    >>> found.estimate[:, 0].tolist()
    [0.25, 0.25, 0.5]
    """
    from scipy.special import ndtri

    free, before, estimate = aalen_johansen(counts.events, counts.at_risk)
    error = np.sqrt(
        _delta_variance(
            estimate, before[:, None], counts.events, counts.at_risk[:, None]
        )
    )
    inside = (estimate > 0) & (estimate < 1 - _ROUNDING)
    safe = np.where(inside, estimate, 0.5)
    # negative: log(safe) < 0
    spread = ndtri(0.5 + level / 2) * error / (safe * np.log(safe))
    low = safe ** np.exp(-spread)
    high = safe ** np.exp(spread)
    return Incidence(
        estimate, np.where(inside, low, np.nan), np.where(inside, high, np.nan), free
    )


def aalen_johansen(events: Counts, at_risk: Counts) -> tuple[Floats, Floats, Floats]:
    """The curves alone, of one table of counts or of many at once.

    Parameters
    ----------
    events : int or float, shape (..., K, causes)
        Exits by each cause.
    at_risk : int or float, shape (..., K)
        Those at risk; where nobody is left the curves go on flat.

    Returns
    -------
    free, before : float64, shape (..., K)
        Fraction to whom nothing has happened after each step, and before it.
    estimate : float64, shape (..., K, causes)
        Cumulative incidence of each cause.
    """
    free = np.asarray(
        np.cumprod(1 - share(events.sum(axis=-1), at_risk), axis=-1), np.float64
    )
    before = np.concatenate([np.ones_like(free[..., :1]), free[..., :-1]], axis=-1)
    return (
        free,
        before,
        np.cumsum(before[..., None] * share(events, at_risk[..., None]), axis=-2),
    )


def _delta_variance(
    estimate: Floats, before: Floats, events: Counts, at_risk: Counts
) -> Floats:
    """Variance of each cumulative incidence, shape (K, causes)."""
    total = events.sum(axis=1, keepdims=True)
    # with nobody left nothing grows any more: its factor below is 0
    survival = share(total, at_risk * (at_risk - total))
    hazard = share(events, at_risk)
    own = before**2 * hazard * (1 - hazard) * share(1, at_risk)
    shared = before * hazard * share(1, at_risk)
    # Sum over steps i <= t of (F_t - F_i)^2 survival_i + own_i - 2 (F_t - F_i) shared_i, expanded
    # into running sums.
    sums = [
        np.cumsum(part, axis=0)
        for part in (
            survival * np.ones_like(estimate),
            survival * estimate,
            survival * estimate**2,
        )
    ]
    growth = estimate**2 * sums[0] - 2 * estimate * sums[1] + sums[2]
    cross = estimate * np.cumsum(shared, axis=0) - np.cumsum(shared * estimate, axis=0)
    return np.maximum(growth + np.cumsum(own, axis=0) - 2 * cross, 0)
