"""How far sites differ by more than chance: a mean over sites that may each have a truth of their
own, the spread of these truths, and where a further site would lie.

Own code: `combine_effects` of statsmodels has no restricted likelihood, no interval of the spread
and no prediction interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.arrays import Floats

_WIDEST: Final = (
    1e4  # a variance between sites so many times that within them is not searched
)


@dataclass(frozen=True, slots=True)
class MetaAnalysis:
    """A random-effects meta-analysis, on the scale of the effects.

    Parameters
    ----------
    n_sites : int
        Sites with an effect.
    mean, ci_low, ci_high : float
        Mean over sites, with the interval of Hartung, Knapp, Sidik and Jonkman.
    prediction_low, prediction_high : float
        Between which the truth of a further site like these would lie; missing with fewer than
        three sites.
    tau_squared, tau_low, tau_high : float
        Variance of the truths over sites by restricted maximum likelihood; square roots of the
        ends of its Q-profile interval.
    i_squared : float
        Percent of the spread between the sites' effects that is not chance.
    q : float
        Cochran's Q; with n_sites - 1 degrees of freedom where all sites have one truth.
    """

    n_sites: int
    mean: float
    ci_low: float
    ci_high: float
    prediction_low: float
    prediction_high: float
    tau_squared: float
    tau_low: float
    tau_high: float
    i_squared: float
    q: float


def random_effects(
    effect: Floats,
    variance: Floats,
    level: float = 0.95,
) -> MetaAnalysis:
    """Meta-analysis of effects that were estimated apart.

    Parameters
    ----------
    effect : float64, shape (sites,)
        One for each site.
    variance : float64, shape (sites,)
        Of each, above 0.
    level : float
        Coverage of all intervals.

    Returns
    -------
    MetaAnalysis
        Intervals are missing with one site.

    Notes
    -----
    Viechtbauer 2005 (J Educ Behav Stat 30:261): restricted maximum likelihood; 2007 (Stat Med
    26:37): Q-profile interval. IntHout 2014 (BMC Med Res Methodol 14:25): the interval of the mean,
    here never narrower than the usual one. Higgins 2009 (J R Stat Soc A 172:137): prediction
    interval with n_sites - 2 degrees of freedom, with the same error of the mean.

    Examples
    --------
    >>> found = random_effects(np.array([0.1, 0.5, 0.9]), np.array([0.01, 0.01, 0.01]))
    >>> round(found.mean, 2), round(found.tau_squared, 2), round(found.i_squared)
    (0.5, 0.15, 94)
    """
    effect = np.asarray(effect, np.float64)
    variance = np.asarray(variance, np.float64)
    n = len(effect)
    tau_squared = _restricted_likelihood(effect, variance) if n > 1 else 0.0
    mean, weight = _weighted(effect, variance, tau_squared)
    error = _error(effect, weight, mean)
    reach = _quantile(n - 1, level) * error
    ahead = _quantile(n - 2, level) * np.sqrt(tau_squared + error**2)
    low, high = _tau_interval(effect, variance, level) if n > 1 else (np.nan, np.nan)
    return MetaAnalysis(
        n_sites=n,
        mean=mean,
        ci_low=mean - reach,
        ci_high=mean + reach,
        prediction_low=mean - ahead,
        prediction_high=mean + ahead,
        tau_squared=tau_squared,
        tau_low=low,
        tau_high=high,
        i_squared=_not_chance(variance, tau_squared),
        q=_spread(effect, variance, 0.0),
    )


def _weighted(
    effect: Floats,
    variance: Floats,
    tau_squared: float,
) -> tuple[float, Floats]:
    """Mean over sites, and the weights it has."""
    weight = 1 / (variance + tau_squared)
    mean = float(weight @ effect / weight.sum())
    return mean, weight


def _spread(
    effect: Floats,
    variance: Floats,
    tau_squared: float,
) -> float:
    """Weighted squares around the mean, Cochran's Q where the variance between sites is 0."""
    mean, weight = _weighted(effect, variance, tau_squared)
    away = effect - mean
    return float(weight @ away**2)


def _restricted_likelihood(
    effect: Floats,
    variance: Floats,
) -> float:
    """Variance between sites at which the restricted likelihood is largest."""
    from scipy.optimize import minimize_scalar

    def deviance(root: float) -> float:
        _, weight = _weighted(effect, variance, root**2)
        spread = _spread(effect, variance, root**2)
        constants = np.log(weight.sum()) - np.log(weight).sum()
        return float(spread + constants)

    # No truths differ by more than the effects themselves.
    widest = float(np.ptp(effect)) or float(np.sqrt(variance.max()))
    # The likelihood can have two peaks: the search begins at the best of a grid.
    grid = np.linspace(0, widest, 60)
    best = int(np.argmin([deviance(root) for root in grid]))
    low = grid[max(best - 1, 0)]
    high = grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(
        deviance,
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-10 * widest},
    )
    # At the end of the scale a search comes near to 0 and never there.
    at_zero = deviance(0.0) <= found.fun + 1e-12
    return 0.0 if at_zero else float(found.x) ** 2


def _error(
    effect: Floats,
    weight: Floats,
    mean: float,
) -> float:
    """Standard error of the mean, from the spread of the sites."""
    away = effect - mean
    scale = float(weight @ away**2) / max(len(effect) - 1, 1)
    # Sites that agree by chance more than they should would make the interval too narrow.
    return float(np.sqrt(max(scale, 1.0) / weight.sum()))


def _quantile(
    free: int,
    level: float,
) -> float:
    """Of Student's t; NaN without a degree of freedom."""
    if free < 1:
        return np.nan
    from scipy.special import stdtrit

    return float(stdtrit(free, 0.5 + level / 2))


def _not_chance(
    variance: Floats,
    tau_squared: float,
) -> float:
    """Percent of the spread that is not chance, against the typical variance within sites."""
    n = len(variance)
    if n < 2:
        return np.nan
    weight = 1 / variance
    total = weight.sum()
    # Higgins and Thompson 2002: what all sites would share if they were alike in size.
    typical = (n - 1) * total / (total**2 - weight @ weight)
    return float(100 * tau_squared / (tau_squared + typical))


def _tau_interval(
    effect: Floats,
    variance: Floats,
    level: float,
) -> tuple[float, float]:
    """Ends of the spread between sites at which Q would be just as far out as allowed."""
    from scipy.special import chdtri

    free = len(effect) - 1
    # The larger the spread, the smaller Q: its upper quantile gives the lower end.
    tail = (1 - level) / 2
    return (
        _tau_with(effect, variance, float(chdtri(free, tail))),
        _tau_with(effect, variance, float(chdtri(free, 1 - tail))),
    )


def _tau_with(
    effect: Floats,
    variance: Floats,
    wanted: float,
) -> float:
    """Spread between sites that makes Q so large; 0 where none does."""
    from scipy.optimize import brentq

    def excess(tau_squared: float) -> float:
        return _spread(effect, variance, tau_squared) - wanted

    if excess(0.0) <= 0:
        return 0.0
    widest = float(np.ptp(effect)) ** 2 + float(variance.max())
    # Q falls towards 0, so that an end is always found.
    while excess(widest) > 0 and widest < _WIDEST * variance.max():
        widest *= 10
    if excess(widest) > 0:
        return float(np.sqrt(widest))
    return float(np.sqrt(brentq(excess, 0.0, widest, xtol=1e-14)))
