"""Life table on an integer clock, exact on ties: who is still without the event after each session
or day.

Counting per step is all there is to it. At equal time an event comes before the end of a log.
Counts of two clinics add up to the counts of both, and a weighted count serves a bootstrap or
inverse-probability weights without touching rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats, Ints

Counts = npt.NDArray[Any]  # int64, or float64 with weights
Transform = Literal["log-log", "log", "plain"]

# a curve that has come down to one half by subtraction may stand a few bits above it
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class LifeCounts:
    """What happened to patients at each step 0 .. K.

    Parameters
    ----------
    events, censored : int64 or float64, shape (K + 1,)
        Patients (or their weights) with the event at each step, and those no longer followed after
        it.
    """

    events: Counts
    censored: Counts

    @property
    def at_risk(self) -> Counts:
        """Patients at risk at each step, shape (K + 1,)."""
        return from_here_on(self.events + self.censored)

    def __add__(self, other: LifeCounts) -> LifeCounts:
        steps = max(len(self.censored), len(other.censored))
        return LifeCounts(
            padded(self.events, steps) + padded(other.events, steps),
            padded(self.censored, steps) + padded(other.censored, steps),
        )


def padded(counts: Counts, steps: int) -> Counts:
    """Counts lengthened with zeros to so many steps."""
    return np.pad(counts, [(0, steps - len(counts)), *[(0, 0)] * (counts.ndim - 1)])


def from_here_on(leaving: Counts) -> Counts:
    """Running sum from the last step back to each, over the last axis."""
    return np.asarray(np.flip(np.flip(leaving, -1).cumsum(-1), -1))


def share(part: Any, whole: Any) -> Floats:
    """`part / whole`, and 0 where the whole is 0: with nobody there, nothing happens."""
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)


def count_life(
    time: Ints, event: npt.NDArray[Any], weights: Floats | None = None
) -> LifeCounts:
    """Count events and ends of logs per step.

    Parameters
    ----------
    time : int, shape (n,)
        Step of the event or of the end of the log, 0 or later: session number, or day.
    event : bool or 0/1, shape (n,)
        Whether it was the event.
    weights : float64, shape (n,), optional
        What each patient counts; 1 by default.

    Raises
    ------
    ValueError, TypeError
        When a time is negative, or is no whole number.

    Examples
    --------
    >>> counts = count_life(np.array([1, 2, 2, 3]), np.array([1, 1, 0, 0]))
    >>> counts.at_risk.tolist(), counts.events.tolist()
    ([4, 4, 3, 1], [0, 1, 1, 0])
    """
    # Signed whatever comes in: an unsigned 8-bit session number must not wrap when it is doubled.
    time = time.astype(np.int64, casting="safe", copy=False)
    steps = int(time.max(initial=-1)) + 1
    cell = 2 * time + event.astype(bool)
    table = np.bincount(cell, weights, minlength=2 * steps).reshape(steps, 2)
    return LifeCounts(table[:, 1], table[:, 0])


@dataclass(frozen=True, slots=True)
class Survival:
    """Share still without the event after each step; arrays of shape (K + 1,), fractions.

    Parameters
    ----------
    time : int64
        Steps 0 .. K.
    at_risk, events, censored : int64 or float64
        The counts it was made from.
    estimate, standard_error, ci_low, ci_high : float64
        Kaplan-Meier estimate, Greenwood's standard error (missing where the curve is 0), and the
        pointwise interval (missing where the curve is 0 or 1).
    """

    time: Ints
    at_risk: Counts
    events: Counts
    censored: Counts
    estimate: Floats
    standard_error: Floats
    ci_low: Floats
    ci_high: Floats


def estimate_survival(
    counts: LifeCounts, level: float = 0.95, transform: Transform = "log-log"
) -> Survival:
    """Kaplan-Meier estimate with Greenwood's standard error.

    Parameters
    ----------
    counts : LifeCounts
        From `count_life`, or the sum of several.
    level : float
        Coverage of the pointwise interval.
    transform : {"log-log", "log", "plain"}
        Scale on which the interval is symmetric. Log-log stays between 0 and 1 by itself; the
        others are cut there.

    Returns
    -------
    Survival
        Where nobody is left at risk the curve goes on flat.

    Notes
    -----
    Kaplan and Meier 1958; Greenwood 1926. With weights the standard error takes a weight for so many patients; where that is
    not what the weights are, take the interval from a bootstrap.

    Examples
    --------
    >>> curve = estimate_survival(count_life(np.array([1, 2, 2, 3]), np.array([1, 1, 0, 0])))
    >>> curve.estimate.tolist()
    [1.0, 0.75, 0.5, 0.5]
    """
    at_risk = counts.at_risk
    events = counts.events
    estimate = np.asarray(np.cumprod(1 - share(events, at_risk)), np.float64)
    relative = np.sqrt(np.cumsum(_greenwood(events, at_risk)))
    inside = (estimate > 0) & (estimate < 1)
    safe = np.where(inside, estimate, 0.5)
    low, high = (
        np.where(inside, bound, np.nan)
        for bound in _interval(safe, relative, level, transform)
    )
    error = np.where(estimate > 0, estimate * relative, np.nan)
    return Survival(
        np.arange(len(estimate)),
        at_risk,
        events,
        counts.censored,
        estimate,
        error,
        low,
        high,
    )


def _greenwood(events: Counts, at_risk: Counts) -> Floats:
    """What each step adds to the variance of the logarithm of the curve; 0 where nobody is left,
    and the curve is 0.
    """
    return share(events, at_risk * (at_risk - events))


def _interval(
    estimate: Floats, relative: Floats, level: float, transform: Transform
) -> tuple[Floats, Floats]:
    """Interval of a share strictly between 0 and 1, from the standard error of its logarithm."""
    from scipy.special import ndtri

    reach = ndtri(0.5 + level / 2) * relative
    if transform == "log-log":
        spread = -reach / np.log(estimate)
        return estimate ** np.exp(spread), estimate ** np.exp(-spread)
    if transform == "log":
        return estimate * np.exp(-reach), np.minimum(estimate * np.exp(reach), 1)
    return np.maximum(estimate * (1 - reach), 0), np.minimum(estimate * (1 + reach), 1)
