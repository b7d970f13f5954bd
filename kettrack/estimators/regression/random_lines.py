"""A mixed model in which each patient has an intercept, and perhaps a slope, of their own, by
maximum likelihood or by restricted maximum likelihood.

Only sums per patient enter the likelihood, so that one step costs the same for every number of
scores, and a hundred thousand patients take seconds (`benchmarks/mixed_models_at_scale.py`).

Own code, since `MixedLM` of statsmodels takes minutes there, fails where patients do not differ,
and knows no degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats
from kettrack.estimators.intervals import PercentInterval, student_interval
from kettrack.estimators.regression.line_sums import (
    LineSums,
    VisitPattern,
    sums_of_patterns,
    sums_of_rows,
)

# Largest slope of the log-likelihood at a maximum, per unit of a relative deviation.
_FLAT: Final = 0.05
# Of a relative deviation, where second derivatives of the likelihood are taken.
_STEP: Final = 1e-4
# Starts at which nothing is on the boundary. A deviation of 0 is flat whatever lies beside it, so
# that one search may end there although the likelihood is higher elsewhere.
_STARTS: Final = (
    (0.7, 0.0, 0.3),
    (0.1, 0.0, 0.1),
    (2.0, 0.0, 1.0),
)


@dataclass(frozen=True, slots=True)
class RandomLines:
    """The maximum of the likelihood, wherever it is.

    Parameters
    ----------
    coefficient, standard_error : float64, shape (p,)
        Of the fixed part; errors as if the spread of people were known.
    seen_error : float64, shape (p,)
        Errors from the information in the scores that were seen, with the spread of people as the
        estimate that it is. Where people leave by their scores, only these are right (Kenward and
        Molenberghs 1998, Stat Sci 13:236).
    freedom : float64, shape (p,)
        Degrees of freedom of each coefficient, after Satterthwaite: how well its error is known.
    random_covariance : float64, shape (q, q)
        Of the patients' own intercepts and slopes; q is 1 or 2.
    residual_variance, loglik : float
        At the maximum. The restricted log-likelihood is counted as R's `nlme` and `lme4` do.
    converged : bool
        Whether the likelihood is flat there, or ends at a boundary.
    """

    coefficient: Floats
    standard_error: Floats
    seen_error: Floats
    freedom: Floats
    random_covariance: Floats
    residual_variance: float
    loglik: float
    converged: bool

    def interval(
        self,
        place: int,
        level: float = 0.95,
    ) -> PercentInterval:
        """Student's interval of one coefficient, from what was seen."""
        return student_interval(
            float(self.coefficient[place]),
            float(self.seen_error[place]),
            float(self.freedom[place]),
            level,
        )


def fit_random_lines(
    y: Floats,
    x: Floats,
    groups: npt.NDArray[np.int64],
    slope: Floats | None = None,
    restricted: bool = False,
) -> RandomLines:
    """Fit by maximum likelihood.

    Parameters
    ----------
    y : float64, shape (rows,)
        Outcome.
    x : float64, shape (rows, p)
        Fixed part, of full rank.
    groups : int64, shape (rows,)
        Patient of each row, from 0.
    slope : float64, shape (rows,), optional
        Column in which each patient has a slope; without one only intercepts differ.
    restricted : bool
        By restricted maximum likelihood: variances are not too small where people are few. Fits
        with different fixed parts cannot be compared then.

    Notes
    -----
    Bates, Mächler, Bolker and Walker 2015 (J Stat Softw 67:1): the likelihood is profiled over the
    fixed part and the residual variance, so that a search goes over the relative deviations only:
    one of them, or three. Degrees of freedom: Giesbrecht and Burns 1985 (Biometrics 41:477), and
    Fai and Cornelius 1996 (J Stat Comput Simul 54:363).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> who = np.repeat(np.arange(200), 5)
    >>> y = 10 + rng.normal(0, 3, 200)[who] + rng.normal(0, 1, 1000)
    >>> fit = fit_random_lines(y, np.ones((1000, 1)), who)
    >>> bool(7 < fit.random_covariance[0, 0] < 11), fit.converged
    (True, True)
    """
    columns, back = np.linalg.qr(x)
    # On a centred slope of unit spread all relative deviations are of one size.
    centre = 0.0 if slope is None else float(slope.mean())
    spread = 1.0 if slope is None else float(slope.std()) or 1.0
    line = np.zeros(len(y)) if slope is None else (slope - centre) / spread
    sums = sums_of_rows(
        y,
        columns,
        groups,
        line,
        restricted,
    ).condensed()
    free = 1 if slope is None else 3
    return _most_likely(
        sums,
        back,
        (centre, spread),
        free,
    )


def fit_lines_of_patterns(
    patterns: Sequence[VisitPattern],
    x: Floats,
    slope: Floats,
    restricted: bool = False,
) -> RandomLines:
    """`fit_random_lines` with an intercept and a slope of each person's own, from sums by pattern
    of visits.

    Parameters
    ----------
    patterns : sequence of VisitPattern
        Of everybody; every visit is in one at least.
    x : float64, shape (visits, p)
        Fixed part at each visit, the same for all people.
    slope : float64, shape (visits,)
        Time of each visit.
    restricted : bool
        By restricted maximum likelihood.

    Notes
    -----
    Where people differ in their scores alone, and not in the times or the fixed part, the
    likelihood needs no more than these sums: they are sufficient.

    Examples
    --------
    >>> y = np.array([[20.0, 14, 11], [18, 15, 9], [25, 18, 14], [15, 9, 7], [19, 16, 12]])
    >>> everybody = VisitPattern(np.arange(3), 5, y.sum(axis=0), y.T @ y)
    >>> fit = fit_lines_of_patterns([everybody], np.eye(3), np.arange(3.0))
    >>> fit.coefficient.round(2).tolist()
    [19.4, 14.4, 10.6]
    """
    scored = np.zeros(len(x))
    for pattern in patterns:
        scored[pattern.visits] += pattern.people
    weight = scored / scored.sum()
    centre = float(weight @ slope)
    spread = float(np.sqrt(weight @ (slope - centre) ** 2)) or 1.0
    # The same columns, up to a sign, as an orthogonal decomposition of all rows would give.
    products = x.T @ (x * scored[:, None])
    back = np.asarray(np.linalg.cholesky(products).T, np.float64)
    columns = x @ np.linalg.inv(back)
    sums = sums_of_patterns(
        patterns,
        columns,
        (slope - centre) / spread,
        restricted,
    )
    return _most_likely(
        sums,
        back,
        (centre, spread),
        3,
    )


def _most_likely(
    sums: LineSums,
    back: Floats,
    scale: tuple[float, float],
    free: int,
) -> RandomLines:
    """Search for the maximum over the relative deviations."""
    from scipy.optimize import minimize

    def deviance(deviations: Floats) -> float:
        return _profile(sums, np.append(deviations, [0.0, 0.0]))[0]

    # Two deviations are not below 0; what they share can have either sign.
    bounds = [
        (0, None),
        (None, None),
        (0, None),
    ][:free]

    def search_from(start: Floats, jac: str) -> Any:
        return minimize(
            deviance,
            start,
            method="L-BFGS-B",
            jac=jac,
            bounds=bounds,
            # Far below what anybody prints: a likelihood ratio is a small difference of two large
            # numbers.
            options={
                "ftol": 1e-14,
                "gtol": 1e-6,
            },
        )

    tried = [search_from(np.array(start[:free]), "2-point") for start in _STARTS]
    best = min(tried, key=lambda one: one.fun)
    # Differences to both sides are exact enough to end the search.
    search = search_from(best.x, "3-point")
    found = search.x
    # On a boundary the likelihood may still rise beyond it.
    away = found > 1e-6
    away[1:2] = True
    steep = np.abs(search.jac[away]) / 2
    flat = bool((steep < _FLAT).all())
    deviations = np.append(found, [0.0, 0.0])[:3]
    return _result(
        sums,
        deviations,
        back,
        scale,
        flat,
    )


def _profile(
    sums: LineSums,
    deviations: Floats,
) -> tuple[float, Floats, Floats, float]:
    """Deviance, fixed part, its information, and residual variance at given relative deviations."""
    a, b, c = deviations[:3]
    # The 2 x 2 matrix I + L'Z'ZL of each patient, L the relative deviations.
    own = a * sums.a00 + b * sums.a01
    mixed = a * sums.a01 + b * sums.a11
    m00 = 1 + a * own + b * mixed
    m01 = c * mixed
    m11 = 1 + c * c * sums.a11
    det = m00 * m11 - m01 * m01
    # The random columns times L, against the fixed columns and the outcome.
    u0 = a * sums.first + b * sums.second
    u1 = c * sums.second
    # Woodbury's identity with the inverse of the 2 x 2 matrix written out: what people's own lines
    # explain is taken from all products.
    taken = _weighted(u0, m11 / det, u0)
    taken += _weighted(u1, m00 / det, u1)
    cross = _weighted(u0, m01 / det, u1)
    left = sums.whole - taken + cross + cross.T
    information = left[:-1, :-1]
    fixed = np.linalg.solve(information, left[:-1, -1])
    rest = float(left[-1, -1] - fixed @ left[:-1, -1])
    # Rounding can leave nothing, or less, of an outcome that the model meets exactly.
    variance = max(rest, 1e-300) / sums.degrees
    deviance = sums.degrees * (np.log(2 * np.pi * variance) + 1)
    deviance += np.log(det) @ sums.people
    if sums.restricted:
        deviance += np.linalg.slogdet(information)[1]
    return (
        float(deviance),
        np.asarray(fixed, np.float64),
        information,
        variance,
    )


def _weighted(
    left: Floats,
    weight: Floats,
    right: Floats,
) -> Floats:
    """Products of two sets of columns over patients, each patient with a weight."""
    return np.asarray((left * weight[:, None]).T @ right)


def _result(
    sums: LineSums,
    deviations: Floats,
    back: Floats,
    scale: tuple[float, float],
    flat: bool,
) -> RandomLines:
    """Everything on the scale of the columns as they came."""
    deviance, fixed, information, variance = _profile(sums, deviations)
    # The fixed columns were made orthogonal; this turns the coefficients back.
    inverse = np.linalg.inv(back)
    unwind = np.asarray(inverse, np.float64)
    known = _known(sums, deviations, unwind)
    half, means, errors = _moved(sums, deviations, unwind)
    seen = known + np.square(half @ means).sum(axis=0)
    # How far the logarithm of each squared error may be off, by the residual variance and by the
    # spread of people.
    off = 1 / sums.degrees + np.square(half @ errors).sum(axis=0) / 2
    a, b, c = deviations
    lower = np.array([[a, 0.0], [b, c]])
    centre, spread = scale
    turn = np.array([[1.0, -centre / spread], [0.0, 1 / spread]])
    random = variance * turn @ lower @ lower.T @ turn.T
    # Without a slope the second column is empty, and so is its part of the covariance.
    has_slope = bool(sums.a11.any())
    if sums.restricted:
        # The likelihood of the columns as they came, not of the orthogonal ones.
        deviance += 2 * np.linalg.slogdet(back)[1]
    return RandomLines(
        coefficient=unwind @ fixed,
        standard_error=np.sqrt(known),
        seen_error=np.sqrt(seen),
        freedom=1 / off,
        random_covariance=random if has_slope else random[:1, :1],
        residual_variance=variance,
        loglik=-deviance / 2,
        converged=flat and bool(np.isfinite(deviance)),
    )


def _known(sums: LineSums, deviations: Floats, unwind: Floats) -> Floats:
    """Squared error of each coefficient, as if the relative deviations were known."""
    _, _, information, variance = _profile(sums, deviations)
    return variance * np.diag(unwind @ np.linalg.inv(information) @ unwind.T)


def _moved(
    sums: LineSums, deviations: Floats, unwind: Floats
) -> tuple[Floats, Floats, Floats]:
    """How uncertain the relative deviations are, and what moves with them.

    Returns
    -------
    half : float64, shape (directions, k)
        Its product with its transpose is the inverse of the observed information of the k relative
        deviations that are not at their boundary.
    means, errors : float64, shape (k, p)
        Slopes of the coefficients, and of the logarithm of their squared errors, along each of
        them.
    """
    # A deviation at its boundary stays there.
    free = np.flatnonzero(np.abs(deviations) > _STEP)
    steps = _STEP * np.eye(len(deviations))[free]
    curved = np.zeros((len(free), len(free)))
    for row, one in enumerate(steps):
        for column, other in enumerate(steps):
            corners = [
                sign * _profile(sums, deviations + one * first + other * second)[0]
                for sign, first, second in (
                    (1, 1, 1),
                    (-1, 1, -1),
                    (-1, -1, 1),
                    (1, -1, -1),
                )
            ]
            # The deviance is twice the log-likelihood.
            curved[row, column] = sum(corners) / (8 * _STEP**2)

    def told(step: Floats) -> Floats:
        """Coefficients, and logarithms of their squared errors, one step away."""
        moved = deviations + step
        fixed = _profile(sums, moved)[1]
        known = _known(sums, moved, unwind)
        return np.array([unwind @ fixed, np.log(known)])

    p = len(unwind)
    slopes = np.array([told(step) - told(-step) for step in steps])
    means, errors = slopes.reshape(len(free), 2, p).swapaxes(0, 1) / (2 * _STEP)
    size, direction = np.linalg.eigh((curved + curved.T) / 2)
    # Along a flat direction nothing is known, and nothing is added.
    steep = size > _STEP * size.max(initial=0.0)
    half = direction[:, steep] / np.sqrt(size[steep])
    return half.T, means, errors
