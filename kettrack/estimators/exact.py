"""Exact intervals for what is rare: a share of people, and a number of events per unit of time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kettrack.estimators.intervals import UNDEFINED, PercentInterval


def clopper_pearson(
    events: float,
    n: float,
    level: float = 0.95,
) -> PercentInterval:
    """Percent with its exact interval, for what is rare and must not be told too small.

    Parameters
    ----------
    events, n : float
        Counts, not whole where they are effective numbers; n may be 0.
    level : float
        Coverage, at least.

    Returns
    -------
    PercentInterval
        Percent; NaN for n = 0.

    Notes
    -----
    Clopper and Pearson 1934 (Biometrika 26:404). With no event among n, the upper end is 1 - (a /
    2)^(1 / n).

    Examples
    --------
    >>> [round(end, 1) for end in clopper_pearson(0, 30)]
    [0.0, 0.0, 11.6]
    """
    if n <= 0:
        return UNDEFINED
    # not `scipy.stats`, whose import takes most of a second
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    rest = n - events
    # At an end of the scale there is no quantile to ask for.
    low = betaincinv(events, rest + 1, tail) if events > 0 else 0.0
    high = betaincinv(events + 1, rest, 1 - tail) if rest > 0 else 1.0
    return PercentInterval(
        estimate=100 * events / n,
        ci_low=100 * float(low),
        ci_high=100 * float(high),
    )


class RateInterval(NamedTuple):
    """Events per unit of time and their interval; NaN = not defined."""

    estimate: float
    ci_low: float
    ci_high: float


def poisson_rate(
    events: float,
    time: float,
    level: float = 0.95,
) -> RateInterval:
    """Events per unit of time with the exact Poisson interval.

    Parameters
    ----------
    events : float
        How many there were; not whole where it is an effective number.
    time : float
        In which they were, such as person-years; NaN for all where it is not above 0.
    level : float
        Coverage, at least, where events come independently of each other.

    Returns
    -------
    RateInterval
        Without any event the upper end is what could have been missed, -log(a / 2) / time.

    Notes
    -----
    Garwood 1936 (Biometrika 28:437).

    Examples
    --------
    >>> [round(end, 2) for end in poisson_rate(0, 100)]
    [0.0, 0.0, 0.04]
    """
    if not time > 0:
        return RateInterval(np.nan, np.nan, np.nan)
    from scipy.special import gammaincinv

    # Ends of a Poisson mean are quantiles of the gamma distribution.
    tail = (1 - level) / 2
    low = gammaincinv(events, tail) if events else 0.0
    high = gammaincinv(events + 1, 1 - tail)
    return RateInterval(
        estimate=events / time,
        ci_low=float(low) / time,
        ci_high=float(high) / time,
    )
