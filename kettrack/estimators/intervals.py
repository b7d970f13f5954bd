"""Intervals: Wilson's for a percentage, exact ends where an estimate sits at 0 or 100 %, and
percentile intervals and bands from a patient bootstrap.

A patient drawn twice counts twice with everything recorded of them. Estimators take the counts as
weights, so that nothing is copied and all replicates are computed together.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats, Ints
from kettrack.errors import UsageError


class PercentInterval(NamedTuple):
    """An estimate and its interval; NaN = not defined."""

    estimate: float
    ci_low: float
    ci_high: float


UNDEFINED = PercentInterval(
    np.nan,
    np.nan,
    np.nan,
)


def wilson(
    events: int,
    n: int,
    level: float = 0.95,
) -> PercentInterval:
    """Percent with its Wilson score interval; at 0 and at 100 % with the exact one.

    Parameters
    ----------
    events, n : int
        Counts; n may be 0.
    level : float
        Coverage.

    Returns
    -------
    PercentInterval
        Percent; NaN for n = 0.

    Notes
    -----
    Newcombe 1998 (Stat Med 17:857), method 3; Clopper and Pearson 1934 (Biometrika 26:404), method
    5, where everybody or nobody had the event.

    Examples
    --------
    >>> wilson(11, 20)
    PercentInterval(estimate=55.0, ci_low=34.2, ci_high=74.2)
    >>> [round(end, 1) for end in wilson(30, 30)]
    [100.0, 88.4, 100.0]
    """
    if n == 0:
        return UNDEFINED
    # Not `binomtest` of `scipy.stats`, whose import takes longer than most commands. As there, a
    # weighted count is no count.
    share = index(events) / n
    interval = wilson_of_estimate(share, share * (1 - share) / n, n, level)
    return interval._replace(estimate=100 * events / n)


def wilson_of_estimate(
    share: float,
    variance: float,
    people: float,
    level: float = 0.95,
) -> PercentInterval:
    """Percent with the Wilson interval of as many people as would give the same variance; at 0 and
    at 100 % with the exact one.

    Parameters
    ----------
    share, variance : float
        An estimated share, 0 to 1, and its variance, such as one under weights or imputations.
    people : float
        People behind it, for the ends of the scale, where no variance tells anything.
    level : float
        Coverage.

    Returns
    -------
    PercentInterval
        Percent; NaN without a share.

    Notes
    -----
    For imputations it is close to Lott and Reiter 2020 (Am Stat 74:109).

    Examples
    --------
    With the variance of a plain count it is Wilson's own.

    >>> found = wilson_of_estimate(0.55, 0.55 * 0.45 / 20, 20)
    >>> [round(end, 1) for end in found] == [round(end, 1) for end in wilson(11, 20)]
    True
    """
    if np.isnan(share) or people <= 0:
        return UNDEFINED
    from scipy.special import ndtri

    spread = share * (1 - share)
    effective = spread / variance if variance > 0 else people
    square = float(ndtri(0.5 + level / 2)) ** 2
    # Without a spread the effective number is 0; the exact ends stand there instead.
    number = effective if spread > _AT_BORDER else people
    middle = (share + square / (2 * number)) / (1 + square / number)
    half = np.sqrt(square * (spread / number + square / (4 * number**2)))
    reach = half / (1 + square / number)
    low, high = exact_ends(share, middle - reach, middle + reach, people, level)
    return PercentInterval(100 * share, 100 * float(low), 100 * float(high))


def percent_agrees(
    events: int,
    n: int,
    percent: float,
    decimals: int = 1,
) -> bool:
    """Whether a printed percent can be the printed count of the printed number, however the last
    digit was rounded.

    Parameters
    ----------
    events, n : int
        As printed.
    percent : float
        As printed, 0-100.
    decimals : int
        Digits printed after the point.

    Examples
    --------
    An abstract prints 46 (63.0 %) of 83; 46 is 63.0 % of 73.

    >>> percent_agrees(46, 83, 63.0), percent_agrees(46, 73, 63.0)
    (False, True)
    """
    # in whole numbers, so that a percent on the edge of two roundings agrees with both
    unit = 10**decimals
    return n > 0 and abs(100 * unit * events - round(percent * unit) * n) * 2 <= n


# A share is a product or a sum of others, and may end a few bits beside 0 or 1.
_AT_BORDER = 1e-9


def is_at_border(share: float) -> bool:
    """Whether a share, 0 to 1, is that of nobody or of everybody: there its ends are exact.

    Examples
    --------
    >>> is_at_border(1e-15), is_at_border(0.01), is_at_border(1.0)
    (True, False, True)
    """
    return share < _AT_BORDER or share > 1 - _AT_BORDER


def exact_ends(
    estimate: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    effective: npt.ArrayLike,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """The interval of a share with exact ends where the share is 0 or 1; elsewhere as it came.

    There a standard error is 0 and every bootstrap sample says the same, which is no certainty.

    Parameters
    ----------
    estimate : float
        Shares, 0 to 1; missing ones keep what came.
    low, high : float
        The interval elsewhere.
    effective : float
        People behind each share: `effective_number` of a curve. With nobody the interval is 0 to 1.
    level : float
        Coverage.

    Returns
    -------
    low, high : float64

    Notes
    -----
    Clopper and Pearson 1934 (Biometrika 26:404): with no event among n the upper end is 1 - (a /
    2)^(1 / n). For a curve with censoring n is the effective number of `effective_number`. Where
    nobody has had the event, that is the number at risk, and the lower end is that of the beta
    product confidence procedure (Fay, Brittain and Proschan 2013, Biostatistics 14:723).

    Examples
    --------
    >>> low, high = exact_ends([1.0, 0.4], [np.nan, 0.3], [np.nan, 0.5], [30, 30])
    >>> low.round(3).tolist(), high.tolist()
    ([0.884, 0.3], [1.0, 0.5])
    """
    share = np.asarray(estimate, dtype=np.float64)
    people = np.asarray(effective, dtype=np.float64)
    tail = (1 - level) / 2
    # with nobody behind it the power is 0, and the end as far away as it can be
    endless = np.full(people.shape, np.inf)
    power = np.divide(
        1,
        people,
        out=endless,
        where=people > 0,
    )
    reach = 1 - tail**power
    at_end = [share < _AT_BORDER, share > 1 - _AT_BORDER]
    return (
        np.select(at_end, [0, 1 - reach], low),
        np.select(at_end, [reach, 1], high),
    )


def effective_number(
    at_risk: npt.ArrayLike,
    share_before: npt.ArrayLike,
) -> Floats:
    """How many people, all followed, would tell as much of a curve as those at risk do.

    Parameters
    ----------
    at_risk : float, shape (K,)
        People at risk at each step, or their effective number under weights.
    share_before : float, shape (K,)
        Share to whom nothing has happened before each step.

    Returns
    -------
    float64, shape (K,)
        Without censoring it is everybody, however many have had the event. Where nobody is left to
        have it, the last number goes on.

    Notes
    -----
    Peto's effective sample size, which Dorey and Korn 1987 (Stat Med 6:679) recommend for the tail
    of a curve.

    Examples
    --------
    Of 40 people 20 have had the event, and the logs of 10 have ended.

    >>> effective_number([40, 10], [1, 0.5]).tolist()
    [40.0, 20.0]
    """
    people = np.asarray(at_risk, dtype=np.float64)
    before = np.asarray(share_before, dtype=np.float64)
    known = before > _AT_BORDER
    nothing = np.zeros(people.shape)
    ratio = np.divide(
        people,
        before,
        out=nothing,
        where=known,
    )
    place = np.arange(len(before))
    last_known = np.maximum.accumulate(np.where(known, place, 0))
    return np.asarray(ratio[last_known], dtype=np.float64)


_BLOCK = 1 << 22  # draws held at a time
# share of replicates that may have no value before a point has no interval
_MOST_MISSING = 0.05


def patient_weights(
    n_patients: int,
    replicates: int,
    seed: int | np.random.SeedSequence,
) -> npt.NDArray[np.int16]:
    """How often each patient is drawn in each replicate of a bootstrap.

    Parameters
    ----------
    n_patients : int
        Patients, and draws per replicate.
    replicates : int
        Number of replicates. Asking for more leaves the first ones as they were.
    seed : int or numpy.random.SeedSequence
        The same seed gives the same draws on every machine. For parts that must be independent take
        the children of `numpy.random.SeedSequence(seed).spawn`.

    Returns
    -------
    int16, shape (replicates, n_patients)
        Every row sums to `n_patients`. `weights[:, patient]` gives each row of a long table its
        patient's weight.

    Raises
    ------
    UsageError
        No patient, or no replicate.

    Examples
    --------
    >>> patient_weights(4, 2, seed=1).sum(axis=1).tolist()
    [4, 4]
    """
    if n_patients < 1 or replicates < 1:
        raise UsageError(
            f"A bootstrap needs patients and replicates, not {n_patients} and {replicates}."
        )
    rng = np.random.default_rng(seed)
    counts = np.empty((replicates, n_patients), dtype=np.int16)
    few = max(1, _BLOCK // n_patients)
    for begin in range(0, replicates, few):
        rows = min(few, replicates - begin)
        drawn = rng.integers(0, n_patients, (rows, n_patients))
        # each replicate has patients of its own in one long line, so that one pass counts them all
        line = drawn + n_patients * np.arange(rows)[:, None]
        counted = np.bincount(
            line.ravel(),
            minlength=rows * n_patients,
        )
        counts[begin : begin + rows] = counted.reshape(rows, n_patients)
    return counts


def drawn_places(n: int, most: int, seed: int) -> Ints:
    """Places of n people; of more than `most`, so many drawn by chance. They rise.

    Examples
    --------
    >>> drawn_places(3, 5, seed=1).tolist(), len(drawn_places(9, 5, seed=1))
    ([0, 1, 2], 5)
    """
    if n <= most:
        return np.arange(n)
    order = np.random.default_rng(seed).permutation(n)
    return np.sort(order[:most])


def student_interval(
    estimate: float,
    error: float,
    freedom: float,
    level: float = 0.95,
) -> PercentInterval:
    """Interval of an estimate whose standard error is itself an estimate.

    Parameters
    ----------
    estimate, error : float
        In any unit.
    freedom : float
        Degrees of freedom of the error, above 0; they may be a fraction.
    level : float
        Coverage.

    Examples
    --------
    >>> [round(end, 2) for end in student_interval(10.47, 1.546, 17)]
    [10.47, 7.21, 13.73]
    """
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    return PercentInterval(
        estimate,
        estimate - half,
        estimate + half,
    )


def percentile_interval(
    replicates: npt.ArrayLike,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """Percentile interval of each point.

    Parameters
    ----------
    replicates : float, shape (replicates, ...)
        Estimate in each replicate; missing where it could not be made.
    level : float
        Coverage of the pointwise interval.

    Returns
    -------
    low, high : float64, shape (...)
        Missing where more than one replicate in twenty is: what often cannot be estimated has no
        interval.

    Examples
    --------
    >>> low, high = percentile_interval(np.arange(101.0), 0.9)
    >>> float(low), float(high)
    (5.0, 95.0)
    """
    values = np.asarray(replicates, dtype=np.float64)
    missing = np.isnan(values)
    known = missing.mean(axis=0) <= _MOST_MISSING
    # points without an interval would only make the quantiles warn
    filled = np.where(known, values, 0)
    # the one that passes over missing values is slower
    quantile = np.nanquantile if missing.any() else np.quantile
    shares = [(1 - level) / 2, (1 + level) / 2]
    low, high = quantile(filled, shares, axis=0)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


@dataclass(frozen=True, slots=True)
class SimultaneousBand:
    """Simultaneous band; arrays in the shape of the estimate.

    Parameters
    ----------
    low, high : float64
        Limits that hold the whole curve at once. Not cut to any range.
    critical : float
        Number of standard deviations to each side; 1.96 for a single point.
    """

    low: Floats
    high: Floats
    critical: float


def simultaneous_band(
    estimate: npt.ArrayLike,
    replicates: npt.ArrayLike,
    level: float = 0.95,
) -> SimultaneousBand:
    """SimultaneousBand that holds a whole curve, or several, with the given coverage.

    Parameters
    ----------
    estimate : float, shape (...)
        The curve.
    replicates : float, shape (replicates, ...)
        The curve in each replicate of a bootstrap.
    level : float
        Coverage of the band as a whole.

    Returns
    -------
    SimultaneousBand
        Of no width where no replicate differs, which does not mean that the point is certain.
        Missing where the estimate is missing or more than one replicate in twenty is.

    Notes
    -----
    Sup-t band: every replicate's largest distance from the estimate, in standard deviations over
    the replicates, and of these the `level` quantile (Montiel Olea and Plagborg-Møller 2019, J Appl
    Econom 34:1).

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(size=(4000, 1))
    >>> round(simultaneous_band([0.0], draws).critical, 1)
    2.0
    """
    center = np.asarray(estimate, dtype=np.float64)
    values = np.asarray(replicates, dtype=np.float64)
    missing = np.isnan(values)
    often = missing.mean(axis=0) <= _MOST_MISSING
    known = ~np.isnan(center) & often
    safe = np.where(known, center, 0)
    distance = np.where(
        missing | ~known,
        0,
        values - safe,
    )
    deviation = np.nanstd(np.where(known, values, 0), axis=0, ddof=1)
    # a point that only rounding moves would be infinitely many deviations out
    moves = deviation > 1e-12 * np.maximum(1, np.abs(safe))
    unit = np.where(moves, deviation, 1)
    ratio = np.where(moves, np.abs(distance) / unit, 0)
    # each replicate counts with the point at which it is farthest out
    largest = ratio.reshape(len(values), -1).max(axis=1, initial=0)
    critical = float(np.quantile(largest, level))
    half = np.where(moves, critical * deviation, 0)
    return SimultaneousBand(
        low=np.where(known, center - half, np.nan),
        high=np.where(known, center + half, np.nan),
        critical=critical,
    )
