"""Shares and means of sessions, of which one person has several: exact intervals for people, and
intervals that count people as clusters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.estimators.exact import clopper_pearson
from kettrack.estimators.intervals import UNDEFINED, PercentInterval

_ROUNDING = (
    1e-12  # a difference of sums that is 0 may end so far beside it, as a share of them
)


@dataclass(frozen=True, slots=True)
class ClusteredShare:
    """A share of rows, of which one person has several.

    Parameters
    ----------
    interval : PercentInterval
        Percent of rows.
    effective : float
        How many rows of different people would tell as much.
    """

    interval: PercentInterval
    effective: float


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """What a share of rows needs of the people: sums over them, which add up over clinics.

    Parameters
    ----------
    people, people_with : int
        People with a row, and those of them with an event.
    rows, events : int
        Over all people.
    rows_squared, events_squared, rows_by_events : int
        Sums over people of the squares of their rows and events, and of the product of both.
    """

    people: int
    people_with: int
    rows: int
    events: int
    rows_squared: int
    events_squared: int
    rows_by_events: int


def cluster_sums(
    events: npt.ArrayLike,
    rows: npt.ArrayLike,
) -> ClusterSums:
    """Sums over people, from events and rows of each person; people without a row do not count.

    Examples
    --------
    >>> cluster_sums([1, 0, 2], [4, 0, 3]).rows_by_events
    10
    """
    # Whole numbers: sums of clinics are then those of all people to the last digit.
    sizes = np.asarray(rows).astype(np.int64)
    counts = np.asarray(events).astype(np.int64)
    # People without a row would only add to the number of clusters.
    there = sizes > 0
    sizes = sizes[there]
    counts = counts[there]
    return ClusterSums(
        people=len(sizes),
        people_with=int((counts > 0).sum()),
        rows=int(sizes.sum()),
        events=int(counts.sum()),
        rows_squared=int(sizes @ sizes),
        events_squared=int(counts @ counts),
        rows_by_events=int(sizes @ counts),
    )


def clustered_share(
    events: npt.ArrayLike,
    rows: npt.ArrayLike,
    level: float = 0.95,
) -> ClusteredShare:
    """Percent of rows with an event; people are the clusters.

    Parameters
    ----------
    events, rows : float, shape (people,)
        Of each person; people without a row do not count.
    level : float
        Coverage.

    Returns
    -------
    ClusteredShare
        With no event at all, or an event in every row, nothing tells how alike the rows of a person
        are; then they count as if they were of different people.

    Notes
    -----
    Korn and Graubard 1998 (Survey Methodology 24:193): Clopper and Pearson's interval at the
    effective number of rows, which is the number of rows divided by the design effect, with a
    correction for few people, and never more than the number of rows.

    Examples
    --------
    Twenty people with four sessions each; five of them have the event at all four.

    >>> found = clustered_share([4] * 5 + [0] * 15, [4] * 20)
    >>> [round(end, 1) for end in found.interval], round(found.effective, 1)
    ([25.0, 7.7, 51.3], 17.2)
    """
    return share_of_sums(cluster_sums(events, rows), level)


def share_of_sums(
    sums: ClusterSums,
    level: float = 0.95,
) -> ClusteredShare:
    """`clustered_share` from sums over people, or from the sums of several clinics added up."""
    if sums.rows == 0:
        return ClusteredShare(UNDEFINED, 0.0)
    share = sums.events / sums.rows
    effective = _effective_rows(sums, share)
    inside = clopper_pearson(
        share * effective,
        effective,
        level,
    )
    estimate = PercentInterval(
        100 * share,
        inside.ci_low,
        inside.ci_high,
    )
    return ClusteredShare(estimate, effective)


def _effective_rows(
    sums: ClusterSums,
    share: float,
) -> float:
    """Rows of different people that would tell as much."""
    n = float(sums.rows)
    people = sums.people
    spread = share * (1 - share)
    if spread <= 0:
        return n
    # One person alone shows no difference between people: the rows tell as much as one.
    if people < 2:
        return 1.0
    # How far each person is from what their number of rows would give, squared and summed.
    residual = sums.events_squared - 2 * share * sums.rows_by_events
    residual += share**2 * sums.rows_squared
    variance = people / (people - 1) * residual / n**2
    # The same share of events in everybody is no certainty; its sum may end a rounding beside 0.
    if residual <= _ROUNDING * sums.events_squared:
        return n
    from scipy.special import stdtrit

    # With few people the variance itself is uncertain.
    few = stdtrit(n - 1, 0.975) / stdtrit(people - 1, 0.975)
    return float(min(spread / variance * few**2, n))


def clustered_mean(
    totals: npt.ArrayLike,
    rows: npt.ArrayLike,
    level: float = 0.95,
) -> PercentInterval:
    """Mean over rows, of which one person has several, with its interval.

    Parameters
    ----------
    totals, rows : float, shape (people,)
        Sum of the values of each person, and their number.
    level : float
        Coverage.

    Returns
    -------
    PercentInterval
        In the unit of the values; no interval with fewer than two people.

    Notes
    -----
    A ratio of two sums over people, with the variance of its linearisation and a t distribution
    with as many degrees of freedom as people but one.

    Examples
    --------
    >>> [round(end, 2) for end in clustered_mean([2, 4, 6], [1, 1, 1])]
    [4.0, -0.97, 8.97]
    """
    sizes = np.asarray(rows, np.float64)
    there = sizes > 0
    sizes = sizes[there]
    sums = np.asarray(totals, np.float64)[there]
    n = sizes.sum()
    people = len(sizes)
    if n == 0:
        return UNDEFINED
    mean = float(sums.sum() / n)
    if people < 2:
        return PercentInterval(mean, np.nan, np.nan)
    from scipy.special import stdtrit

    # Rows of a person are summed before they are squared: what they share stays in.
    residual = sums - mean * sizes
    error = np.sqrt(people / (people - 1) * (residual @ residual)) / n
    reach = float(stdtrit(people - 1, (1 + level) / 2) * error)
    return PercentInterval(mean, mean - reach, mean + reach)


def funnel_limits(
    overall: float,
    n: float,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percent within which chance leaves a unit of so many rows, if its true share is the overall
    one.

    Parameters
    ----------
    overall : float
        Percent over all units.
    n : float
        Rows of the unit, or their effective number.
    level : float
        Coverage.

    Returns
    -------
    low, high : float
        Percent: smallest and largest share that is not in a tail of the binomial distribution.

    Notes
    -----
    Spiegelhalter 2005 (Stat Med 24:1185), with exact binomial quantiles. Where the number of rows
    is not whole, it is rounded down, which makes the limits wider.

    Examples
    --------
    >>> [round(end, 1) for end in funnel_limits(50, 20)]
    [30.0, 70.0]
    """
    from scipy.stats import binom

    rows = max(int(n), 1)
    tail = (1 - level) / 2
    low = binom.ppf(tail, rows, overall / 100)
    high = binom.ppf(1 - tail, rows, overall / 100)
    return 100 * float(low) / rows, 100 * float(high) / rows
