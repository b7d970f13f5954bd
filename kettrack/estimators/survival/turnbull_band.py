"""Intervals for interval-censored survival, from subsamples of patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.turnbull import (
    boxes_of,
    fit_turnbull,
    mass_before,
    maximise,
    places_of,
)

FEWEST_TO_SUBSAMPLE = 50  # patients, below which subsamples hold next to nothing


@dataclass(frozen=True, slots=True)
class SurvivalBand:
    """Survival at given times with pointwise intervals from subsamples; arrays of shape (k,),
    fractions.

    Parameters
    ----------
    times : float64
        As asked.
    low, high : float64
        What the estimate leaves open at each time, from `Turnbull.survival`.
    ci_low, ci_high : float64
        Pointwise interval for the probability of a time above each.
    n, size, replicates, seed : int
        Patients, patients per subsample, subsamples, and the seed they were drawn with.
    rate : float
        Errors are taken to shrink with n to this power.
    """

    times: Floats
    low: Floats
    high: Floats
    ci_low: Floats
    ci_high: Floats
    n: int
    size: int
    replicates: int
    seed: int
    rate: float


def subsample_survival(
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    times: npt.ArrayLike,
    *,
    shared_visits: bool = False,
    replicates: int = 500,
    seed: int = 1,
) -> SurvivalBand:
    """Interval for survival at `times`, from subsamples of patients drawn without replacement.

    Parameters
    ----------
    left, right : float, shape (n,)
        One interval per patient, as for `fit_turnbull`.
    times : float, shape (k,)
        Where the interval is wanted.
    shared_visits : bool
        False where visits fall on any day: subsamples of n^(2/3) patients, errors shrink with
        n^(1/3). True where all patients share a few planned visit times, say one a week: half
        samples, errors shrink with n^(1/2). The first is safe in both cases, and wider than need be
        in the second.
    replicates, seed : int
        Subsamples, and the seed of their draw; both are kept in the answer.

    Returns
    -------
    SurvivalBand
        Intervals are 95 %, and reach over what a box leaves open.

    Raises
    ------
    NotIdentified
        With fewer than 50 patients.
    UsageError
        As `fit_turnbull`.

    Notes
    -----
    The usual bootstrap is inconsistent on any-day visits, because the error shrinks with n^(1/3)
    and is not normal (Groeneboom and Wellner 1992); subsampling is valid for any rate that is known
    (Politis and Romano 1994, Annals of Statistics 22:2031). Visit times fewer than about n^(1/3)
    make the problem a regular one (Tang, Banerjee and Kosorok 2012, Annals of Statistics 40:45).
    Subsamples are compared with the whole at the same times, mass inside a box spread evenly in
    both.

    Examples
    --------
    >>> seen = np.repeat([7, 14, 21, 28], 25)
    >>> found = subsample_survival(seen - 7, seen, [14], shared_visits=True)
    >>> found.low.tolist(), found.ci_low.round(1).tolist(), found.ci_high.round(1).tolist()
    ([0.5], [0.4], [0.6])
    """
    whole = fit_turnbull(left, right)
    n = int(whole.n)
    at = np.atleast_1d(np.asarray(times, dtype=float))
    if n < FEWEST_TO_SUBSAMPLE:
        raise NotIdentified(
            f"An interval for times between visits takes subsamples of patients, and {n} patients"
            " are too few.",
            f"the same for at least {FEWEST_TO_SUBSAMPLE} patients.",
        )
    size, rate = (n // 2, 1 / 2) if shared_visits else (round(n ** (2 / 3)), 1 / 3)
    ends = np.array([left, right], dtype=float)
    rng = np.random.default_rng(seed)
    errors = _subsampled(ends, at, size, replicates, rng)
    errors -= _middle(whole.left, whole.right, whole.mass, at)
    # A half sample differs from the whole as the whole from the truth: it shares half of its
    # patients with it.
    scale = (size / (n - size) if shared_visits else size / n) ** rate
    smallest, largest = np.quantile(errors, [0.025, 0.975], axis=0) * scale
    low, high = whole.survival(at)
    return SurvivalBand(
        times=at,
        low=low,
        high=high,
        ci_low=np.clip(low - largest, 0, 1),
        ci_high=np.clip(high - smallest, 0, 1),
        n=n,
        size=size,
        replicates=replicates,
        seed=seed,
        rate=rate,
    )


def _subsampled(
    ends: Floats,
    at: Floats,
    size: int,
    replicates: int,
    rng: np.random.Generator,
) -> Floats:
    """Survival at some times in each subsample, shape (replicates, k)."""
    # places keep their order in every subsample, so the ends are sorted only once
    opens, closes, values = places_of(ends)
    n = ends.shape[1]
    share = np.full(size, 1 / size)
    curves = np.empty((replicates, len(at)))
    for row in curves:
        drawn = rng.choice(n, size, replace=False)
        first, last, runs = boxes_of(opens[drawn], closes[drawn], values, share)
        row[:] = _middle(first, last, maximise(runs)[0], at)
    return curves


def _middle(
    left: Floats,
    right: Floats,
    mass: Floats,
    at: Floats,
) -> Floats:
    """Survival with the mass of a box spread evenly over it; that of an endless box comes after
    everything.
    """
    ended = np.searchsorted(right, at, side="right")
    box = np.minimum(ended, len(right) - 1)
    # a time lies in a box when that box has begun and not ended; what is spread needs both ends
    begun = (ended < len(right)) & (left[box] < at)
    inside = begun & np.isfinite(right[box]) & np.isfinite(left[box])
    passed = np.where(inside, at - left[box], 0)
    width = np.where(inside, right[box] - left[box], 1)
    below = mass_before(mass)[ended]
    return np.asarray(1 - below - passed / width * mass[box])
