"""Competing risks on an integer clock, exact on ties: what happened first, with everyone in the
denominator, and what each person adds to that (pseudo-values).

Session number ties everybody with everybody, so the estimate is counting: at each step those at
risk, what happened to them, and the product of what is left. Counts of two clinics add up to the
counts of both.

Own code, since `CumIncidenceRight` of statsmodels takes rows and gives no standard error with
weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kettrack.arrays import Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import effective_number, exact_ends
from kettrack.estimators.survival.life_table import (
    Counts,
    from_here_on,
    padded,
    ratio_or_zero,
    share_before,
    still_counted,
)

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

    @property
    def still_counted(self) -> Counts:
        """Patients at risk at each step or gone by any cause before it, shape (K,)."""
        return still_counted(self.at_risk, self.events.sum(axis=1))

    def __add__(self, other: ExitCounts) -> ExitCounts:
        steps = max(len(self.censored), len(other.censored))
        return ExitCounts(
            events=padded(self.events, steps) + padded(other.events, steps),
            censored=padded(self.censored, steps) + padded(other.censored, steps),
            never_at_risk=self.never_at_risk + other.never_at_risk,
        )


def count_competing_risks(
    step: Ints,
    cause: Ints,
    n_causes: int,
    weights: Floats | None = None,
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
    # one cell for each step and cause, cause 0 being the end of the log: one pass counts them all
    cell = step * kinds + cause
    counted = np.bincount(cell, weights, minlength=steps * kinds)
    table = counted.reshape(steps, kinds)
    never = table[0].sum() if weights is None else (step == 0).sum()
    return ExitCounts(
        events=table[1:, 1:],
        censored=table[1:, 0],
        never_at_risk=int(never),
    )


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


def estimate_incidence(
    counts: ExitCounts,
    level: float = 0.95,
) -> Incidence:
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
        Where the estimate is 0 or 1 the end of the interval is exact.

    Notes
    -----
    The share of all who started to whom each cause came first by each step, had every log gone on,
    when logs end for reasons that have nothing to do with the causes. Variance by the delta method
    (Dinse and Larson 1986), interval on the log(-log) scale. Aalen's variance, which
    scikit-survival uses by default, takes exits one at a time; where different causes tie within a
    step, as they always do on session numbers, it is too small. Without censoring this one is p (1
    - p) / n exactly. Both estimate the same quantity, so only the one that holds on ties is
    offered.

    Examples
    --------
    >>> counts = count_competing_risks(np.array([1, 2, 3, 3]), np.array([1, 2, 1, 0]), 2)
    >>> found = estimate_incidence(counts)
    >>> found.estimate[:, 0].tolist()
    [0.25, 0.25, 0.5]
    """
    from scipy.special import ndtri

    free, before, estimate = aalen_johansen(counts.events, counts.at_risk)
    variance = _delta_variance(
        estimate,
        before[:, None],
        counts.events,
        counts.at_risk[:, None],
    )
    inside = (estimate > 0) & (estimate < 1 - _ROUNDING)
    # logarithms of 0 are not taken: one half stands in where there is no interval to show
    safe = np.where(inside, estimate, 0.5)
    # negative, since log(safe) < 0: the lower end has the larger power
    spread = ndtri(0.5 + level / 2) * np.sqrt(variance) / (safe * np.log(safe))
    people = effective_number(counts.at_risk, before)
    low, high = exact_ends(
        estimate,
        safe ** np.exp(-spread),
        safe ** np.exp(spread),
        people[:, None],
        level,
    )
    return Incidence(
        estimate=estimate,
        ci_low=low,
        ci_high=high,
        free=free,
    )


def aalen_johansen(
    events: Counts,
    at_risk: Counts,
) -> tuple[Floats, Floats, Floats]:
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
    leaving = ratio_or_zero(events.sum(axis=-1), at_risk)
    free = np.asarray(np.cumprod(1 - leaving, axis=-1), np.float64)
    before = share_before(free)
    hazard = ratio_or_zero(events, at_risk[..., None])
    estimate = np.cumsum(before[..., None] * hazard, axis=-2)
    return free, before, estimate


def _delta_variance(
    estimate: Floats,
    before: Floats,
    events: Counts,
    at_risk: Counts,
) -> Floats:
    """Variance of each cumulative incidence, shape (K, causes)."""
    total = events.sum(axis=1, keepdims=True)
    # with nobody left nothing grows any more: its factor below is 0
    survival = ratio_or_zero(total, at_risk * (at_risk - total))
    hazard = ratio_or_zero(events, at_risk)
    one = ratio_or_zero(1, at_risk)
    own = before**2 * hazard * (1 - hazard) * one
    shared = before * hazard * one
    # Sum over steps i <= t of (F_t - F_i)^2 survival_i + own_i - 2 (F_t - F_i) shared_i, expanded
    # into running sums, so that no step looks back over the ones before it.
    plain = np.cumsum(survival * np.ones_like(estimate), axis=0)
    linear = np.cumsum(survival * estimate, axis=0)
    square = np.cumsum(survival * estimate**2, axis=0)
    growth = estimate**2 * plain - 2 * estimate * linear + square
    since = np.cumsum(shared * estimate, axis=0)
    cross = estimate * np.cumsum(shared, axis=0) - since
    # a variance of 0 may come out a rounding below it
    return np.maximum(growth + np.cumsum(own, axis=0) - 2 * cross, 0)


def pseudo_values(
    step: Ints,
    cause: Ints,
    n_causes: int,
    horizon: int,
) -> tuple[Floats, Floats]:
    """Pseudo-value of each person for the first cause: n times the estimate of everybody less n - 1
    times that of everybody else.

    Parameters
    ----------
    step : int, shape (n,)
        Step at which each person left, 1 or later.
    cause : int, shape (n,)
        0 = the log ended, 1 .. n_causes = why.
    n_causes : int
        Number of causes.
    horizon : int
        Step by which the event is counted.

    Returns
    -------
    by_horizon : float64, shape (n,)
        For the cumulative incidence by the horizon, a fraction.
    without : float64, shape (n,)
        For the mean number of steps, of the first `horizon`, taken without the event before them.

    Raises
    ------
    NotIdentified
        With fewer than two people.

    Notes
    -----
    Andersen, Klein and Rosthøj 2003 (Biometrika 90:15); for cumulative incidences Klein and
    Andersen 2005 (Biometrics 61:223). Logs must end for reasons that have nothing to do with the
    event. Without a log that ends, a pseudo-value is what was seen: 1 or 0.

    Examples
    --------
    >>> by_two, without = pseudo_values(np.array([1, 2, 3]), np.array([1, 2, 1]), 2, 2)
    >>> by_two.round(6).tolist(), without.round(6).tolist()
    ([1.0, 0.0, 0.0], [1.0, 2.0, 2.0])
    """
    n = len(step)
    if n < 2:
        raise NotIdentified("fewer than two people are at risk.", "more people.")
    counts = count_competing_risks(
        step,
        cause,
        n_causes,
    )
    table = np.column_stack([counts.censored, counts.events]).astype(np.float64)
    # People who left alike have one pseudo-value: it is worked out once for each kind.
    cell = (step - 1) * (n_causes + 1) + cause
    kinds, kind_of = np.unique(cell, return_inverse=True)
    tables = np.repeat(
        table.reshape(1, -1),
        len(kinds) + 1,
        axis=0,
    )
    # the first table keeps everybody
    tables[
        np.arange(1, len(kinds) + 1),
        kinds,
    ] -= 1
    found = _both(tables.reshape(-1, *table.shape), horizon)
    values = n * found[:1] - (n - 1) * found[1:]
    return values[kind_of, 0], values[kind_of, 1]


def _both(
    tables: Floats,
    horizon: int,
) -> Floats:
    """Incidence by the horizon and mean steps without the event, shape (tables, 2)."""
    people = tables.sum(axis=-1)
    at_risk = np.cumsum(people[:, ::-1], axis=1)[:, ::-1]
    curve = aalen_johansen(
        tables[..., 1:],
        at_risk,
    )[2][..., 0]
    # where everybody has left, the curve goes on as it is
    last = curve.shape[1] - 1
    steps = np.minimum(np.arange(horizon), last)
    shown = curve[:, steps]
    # the first step is taken by everybody, the next by those without the event by then
    without = 1 + (1 - shown[:, :-1]).sum(axis=1)
    return np.column_stack([shown[:, -1], without])
