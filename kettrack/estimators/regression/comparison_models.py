"""Two published models that a clinic's own numbers are held against: the probit dose curve of
psychotherapy research, and how far scores fall by themselves when people enter because one score
was high.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats
from kettrack.errors import UsageError


@dataclass(frozen=True, slots=True)
class ProbitCurve:
    """probit(share improved by n sessions) = intercept + slope * ln(n).

    Parameters
    ----------
    intercept, slope : float
        On the probit scale.
    covariance : float64, shape (2, 2)
        Of both.
    """

    intercept: float
    slope: float
    covariance: Floats

    def share(self, sessions: npt.ArrayLike) -> Floats:
        """Share improved (0 to 1) among people who had so many sessions, shape of `sessions`."""
        from scipy.special import ndtr

        doses = np.log(np.asarray(sessions, np.float64))
        probit = self.intercept + self.slope * doses
        return np.asarray(ndtr(probit))


def fit_probit_curve(
    sessions: npt.ArrayLike,
    improved: npt.ArrayLike,
    n: npt.ArrayLike,
) -> ProbitCurve:
    """Fit the curve to groups of people with the same number of sessions.

    Parameters
    ----------
    sessions, improved, n : array-like, shape (groups,)
        Number of sessions (1 or more), people improved, people in the group.

    Raises
    ------
    UsageError
        When fewer than two numbers of sessions, or nobody or everybody, improved.

    Notes
    -----
    Howard, Kopta, Krause and Orlinsky 1986 (Am Psychol 41:159). It describes people who stopped at
    n, not what n sessions do.

    Examples
    --------
    >>> curve = fit_probit_curve([8, 26], [500, 750], [1000, 1000])  # Howard's two points
    >>> curve.share([1, 52]).round(2).tolist()
    [0.12, 0.86]
    """
    # Narrow modules: `statsmodels.api` takes half a second more to import.
    from statsmodels.genmod import families
    from statsmodels.genmod.generalized_linear_model import GLM

    count = np.asarray(sessions, np.float64)
    better = np.asarray(improved, np.float64)
    size = np.asarray(n, np.float64)
    numbers = np.unique(count[size > 0])
    if len(numbers) < 2 or not 0 < better.sum() < size.sum():
        raise UsageError(
            "A dose curve needs at least two numbers of sessions, and people with and without"
            " improvement."
        )
    intercept = np.ones(len(count))
    x = np.column_stack([intercept, np.log(count)])
    # counts, not shares: a group weighs by its people
    counted = np.column_stack([better, size - better])
    probit = families.links.Probit()
    family = families.Binomial(link=probit)
    with warnings.catch_warnings():
        # two groups are fitted exactly, which statsmodels takes for separation
        warnings.simplefilter("ignore")
        model = GLM(counted, x, family=family)
        fit = model.fit()
    return ProbitCurve(
        intercept=float(fit.params[0]),
        slope=float(fit.params[1]),
        covariance=np.asarray(fit.cov_params()),
    )


def expected_drop(
    mean: float,
    sd: float,
    cutoff: float,
    reliability: float,
) -> float:
    """Expected fall from an entry score at or above a cut-off to a second score, nothing having
    changed.

    Parameters
    ----------
    mean, sd : float
        Of entry scores in the people from whom those at or above the cut-off were taken, in points.
    cutoff : float
        Lowest entry score, in points.
    reliability : float
        Correlation of two scores of an unchanged person, 0 to 1.

    Returns
    -------
    float
        Points; positive = scores fall.

    Raises
    ------
    UsageError
        For a negative spread, or a reliability outside 0 to 1.

    Notes
    -----
    Of a normal score cut off from below: (1 - reliability) sd phi(z) / (1 - Phi(z)) with z =
    (cutoff - mean) / sd. Davis 1976 (Am J Epidemiol 104:493).

    Examples
    --------
    >>> round(expected_drop(14, 5.5, 15, 0.6), 1)
    2.0
    """
    # not `scipy.stats`, whose import takes half a second
    from scipy.special import ndtr

    if sd <= 0 or not 0 <= reliability <= 1:
        raise UsageError(
            "Regression to the mean needs a positive spread and a reliability between 0 and 1."
        )
    z = (cutoff - mean) / sd
    density = np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi)
    # not 1 minus the chance below, which has no digits left for a cut-off far out
    beyond = ndtr(-z)
    return float((1 - reliability) * sd * density / beyond)
