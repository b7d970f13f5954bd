"""Log-rank test of two or more life tables, from their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kettrack.arrays import Floats
from kettrack.errors import UsageError
from kettrack.estimators.life_table import LifeCounts, padded, share


@dataclass(frozen=True, slots=True)
class LogRank:
    """Observed and expected events of each group, and how far apart they are.

    Parameters
    ----------
    chi2, p : float
        Statistic and its p value; NaN when nothing can be compared.
    df : int
        Degrees of freedom.
    observed, expected : float64, shape (groups,)
        Events, each weighted as `rho` says.
    """

    chi2: float
    df: int
    p: float
    observed: Floats
    expected: Floats


def log_rank(groups: Sequence[LifeCounts], rho: float = 0) -> LogRank:
    """Test whether groups share one curve.

    Parameters
    ----------
    groups : sequence of LifeCounts
        Two or more.
    rho : float
        Weight of a step: the pooled curve just before it to this power. 0 is the log-rank test, 1
        that of Peto and Peto, which looks more at early steps.

    Returns
    -------
    LogRank
        A group nobody of which was at risk when something happened is left out of the comparison.

    Raises
    ------
    UsageError
        With fewer than two groups.

    Notes
    -----
    Harrington and Fleming 1982, with the variance of the hypergeometric distribution, which is exact on ties.

    Examples
    --------
    >>> from kettrack.estimators.life_table import count_life
    >>> one = count_life(np.array([1, 2, 2, 3]), np.array([1, 1, 0, 0]))
    >>> other = count_life(np.array([2, 3, 4, 4]), np.array([0, 1, 1, 0]))
    >>> found = log_rank([one, other])
    >>> found.chi2, found.df, found.p
    (0.989, 1, 0.320)
    """
    if len(groups) < 2:
        raise UsageError("log_rank compares two groups or more.")
    events, at_risk = _stacked(groups)
    happened = events.sum(axis=0)
    present = at_risk.sum(axis=0)
    pooled = np.cumprod(1 - share(happened, present))
    weight = np.concatenate([[1.0], pooled[:-1]]) ** rho
    part = share(at_risk, present)
    observed = (weight * events).sum(axis=1)
    expected = (weight * happened * part).sum(axis=1)
    spread = weight**2 * happened * share(present - happened, present - 1)
    variance = np.diag((spread * part).sum(axis=1)) - (spread * part) @ part.T
    return _tested(observed, expected, variance)


def _stacked(groups: Sequence[LifeCounts]) -> tuple[Floats, Floats]:
    """Events and patients at risk, shape (groups, steps), on one clock."""
    steps = max(len(group.censored) for group in groups)
    events = [padded(group.events, steps) for group in groups]
    at_risk = [padded(group.at_risk, steps) for group in groups]
    return np.array(events, float), np.array(at_risk, float)


def _tested(observed: Floats, expected: Floats, variance: Floats) -> LogRank:
    from scipy.special import chdtrc

    compared = np.flatnonzero(np.diag(variance) > 0)
    df = max(len(compared) - 1, 0)
    if df == 0:
        return LogRank(np.nan, 0, np.nan, observed, expected)
    # the differences of all groups add up to nothing: the last one says nothing new
    free = compared[:-1]
    apart = (observed - expected)[free]
    chi2 = float(apart @ np.linalg.solve(variance[np.ix_(free, free)], apart))
    return LogRank(chi2, df, float(chdtrc(df, chi2)), observed, expected)
