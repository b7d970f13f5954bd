"""Life table on an integer clock, exact on ties: who is still without the event after each session
or day.

Counting per step is all there is to it. At equal time an event comes before the end of a log.
Counts of two clinics add up to the counts of both, and a weighted count serves a bootstrap or
inverse-probability weights without touching rows.

Own code, since `ecdf` of scipy and `SurvfuncRight` of statsmodels take one row per person and one
set of weights: counts could not be added up over clinics, nor a thousand replicates be made at
once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats, Ints
from kettrack.estimators.intervals import effective_number, exact_ends

Counts = npt.NDArray[Any]  # int64, or float64 with weights
Transform = Literal["log-log", "log", "plain"]


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

    @property
    def still_counted(self) -> Counts:
        """Patients at risk at each step or with the event before it, shape (K + 1,)."""
        return still_counted(self.at_risk, self.events)

    def __add__(self, other: LifeCounts) -> LifeCounts:
        steps = max(len(self.censored), len(other.censored))
        return LifeCounts(
            padded(self.events, steps) + padded(other.events, steps),
            padded(self.censored, steps) + padded(other.censored, steps),
        )


def padded(
    counts: Counts,
    steps: int,
) -> Counts:
    """Counts lengthened with zeros to so many steps."""
    missing = (0, steps - len(counts))
    unchanged = [(0, 0)] * (counts.ndim - 1)
    return np.pad(counts, [missing, *unchanged])


def from_here_on(leaving: Counts) -> Counts:
    """Running sum from the last step back to each, over the last axis."""
    # summed from the end, never total less sum so far: with weights a difference of two large
    # sums need not come back to 0 at the last step
    backwards = np.flip(leaving, -1).cumsum(-1)
    return np.asarray(np.flip(backwards, -1))


def ratio_or_zero(
    part: Any,
    whole: Any,
) -> Floats:
    """`part / whole`, and 0 where the whole is 0: with nobody there, nothing happens."""
    part, whole = np.broadcast_arrays(
        np.asarray(part, float),
        np.asarray(whole, float),
    )
    nothing = np.zeros(part.shape)
    return np.divide(part, whole, out=nothing, where=whole > 0)


def still_counted(
    at_risk: Counts,
    events: Counts,
) -> Counts:
    """People of whom each step tells something: at risk, or with an event before it. Only those
    whose log had ended are missing.

    A curve is shown as long as they are enough. Those who have had the event, or a competing one,
    stay in: a curve ends because people are no longer followed, never because many have lost.

    Parameters
    ----------
    at_risk : int or float, shape (K,)
        People at risk at each step.
    events : int or float, shape (K,)
        People leaving by an event of any kind at each step; who leaves by the end of the log is
        none.

    Examples
    --------
    Of 30 people 25 have the event at the first step, and 2 logs end then.

    >>> still_counted(np.array([30, 3]), np.array([25, 0])).tolist()
    [30, 28]
    """
    before = np.cumsum(events) - events
    return np.asarray(at_risk + before)


def steps_to_show(
    counted: Counts,
    censored: Counts,
    fewest: int,
    at_most: int,
) -> int:
    """How many steps of a curve stand on enough people.

    Parameters
    ----------
    counted : int or float, shape (K,)
        `still_counted` at each step; their number never rises.
    censored : int or float, shape (K,)
        People whose log ends at each step.
    fewest : int
        People that a point of the curve needs.
    at_most : int
        Longest curve that is asked for.

    Returns
    -------
    int
        `at_most` where everybody has had an event: nothing more can happen, and all is known.

    Examples
    --------
    >>> steps_to_show(np.array([30, 28, 10]), np.array([2, 18, 1]), fewest=11, at_most=9)
    2
    >>> steps_to_show(np.array([30, 30]), np.array([0, 0]), fewest=11, at_most=9)
    9
    """
    enough = int((counted >= fewest).sum())
    everybody_left = enough == len(censored) and enough > 0 and not censored[-1]
    return at_most if everybody_left else min(enough, at_most)


def count_life(
    time: Ints,
    event: npt.NDArray[Any],
    weights: Floats | None = None,
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
    # signed whatever comes in: an unsigned 8-bit session number must not wrap when it is doubled
    time = time.astype(np.int64, casting="safe", copy=False)
    steps = int(time.max(initial=-1)) + 1
    # cell 2 t is the end of a log at step t, cell 2 t + 1 the event: one pass counts both
    cell = 2 * time + event.astype(bool)
    counted = np.bincount(cell, weights, minlength=2 * steps)
    table = counted.reshape(steps, 2)
    return LifeCounts(events=table[:, 1], censored=table[:, 0])


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
        pointwise interval (where the curve is 0 or 1, its end is exact).
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
    counts: LifeCounts,
    level: float = 0.95,
    transform: Transform = "log-log",
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
    The share that would still be without the event had every log gone on, when logs end for reasons
    that have nothing to do with the event. Kaplan and Meier 1958; Greenwood 1926. At 0 and 1, where
    Greenwood's error says nothing, the interval is that of `exact_ends`. With weights the
    standard error takes a weight for so many patients; where that is not what the weights are, take
    the interval from a bootstrap.

    Examples
    --------
    >>> curve = estimate_survival(count_life(np.array([1, 2, 2, 3]), np.array([1, 1, 0, 0])))
    >>> curve.estimate.tolist()
    [1.0, 0.75, 0.5, 0.5]
    """
    at_risk = counts.at_risk
    events = counts.events
    estimate = np.asarray(np.cumprod(1 - ratio_or_zero(events, at_risk)), np.float64)
    relative = np.sqrt(np.cumsum(_greenwood(events, at_risk)))
    inside = (estimate > 0) & (estimate < 1)
    # the transforms take logarithms: one half stands in where there is no interval to show
    safe = np.where(inside, estimate, 0.5)
    low, high = _interval(safe, relative, level, transform)
    people = effective_number(at_risk, share_before(estimate))
    low, high = exact_ends(estimate, low, high, people, level)
    return Survival(
        time=np.arange(len(estimate)),
        at_risk=at_risk,
        events=events,
        censored=counts.censored,
        estimate=estimate,
        standard_error=np.where(estimate > 0, estimate * relative, np.nan),
        ci_low=low,
        ci_high=high,
    )


def share_before(share: Floats) -> Floats:
    """A curve just before each step; everybody is free before the first."""
    start = np.ones_like(share[..., :1])
    return np.concatenate([start, share[..., :-1]], axis=-1)


def _greenwood(
    events: Counts,
    at_risk: Counts,
) -> Floats:
    """What each step adds to the variance of the logarithm of the curve; 0 where nobody is left,
    and the curve is 0.
    """
    return ratio_or_zero(events, at_risk * (at_risk - events))


def _interval(
    estimate: Floats,
    relative: Floats,
    level: float,
    transform: Transform,
) -> tuple[Floats, Floats]:
    """Interval of a share strictly between 0 and 1, from the standard error of its logarithm."""
    from scipy.special import ndtri

    reach = ndtri(0.5 + level / 2) * relative
    if transform == "log-log":
        spread = -reach / np.log(estimate)
        return estimate ** np.exp(spread), estimate ** np.exp(-spread)
    if transform == "log":
        low = estimate * np.exp(-reach)
        high = estimate * np.exp(reach)
    else:
        low = estimate * (1 - reach)
        high = estimate * (1 + reach)
    # these two scales do not end at 0 and 1 by themselves
    return np.maximum(low, 0), np.minimum(high, 1)
