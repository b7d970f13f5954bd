"""Maximum likelihood of a mixed model in which each patient has an intercept, and perhaps a slope,
of their own.

Only sums per patient enter the likelihood, so that one step costs the same for every number of
scores, and ten thousand patients take a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats

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
    random_covariance : float64, shape (q, q)
        Of the patients' own intercepts and slopes; q is 1 or 2.
    residual_variance, loglik : float
        At the maximum.
    converged : bool
        Whether the likelihood is flat there, or ends at a boundary.
    """

    coefficient: Floats
    standard_error: Floats
    seen_error: Floats
    random_covariance: Floats
    residual_variance: float
    loglik: float
    converged: bool


@dataclass(frozen=True, slots=True)
class _Sums:
    """What the likelihood needs of the rows.

    Parameters
    ----------
    whole : float64, shape (p + 1, p + 1)
        Products of fixed columns and outcome, over all rows.
    first, second : float64, shape (patients, p + 1)
        Products of the two random columns with these, per patient.
    a00, a01, a11 : float64, shape (patients,)
        Products of the random columns among themselves.
    n : int
        Rows.
    people : float64, shape (patients,)
        How many people each of these is.
    """

    whole: Floats
    first: Floats
    second: Floats
    a00: Floats
    a01: Floats
    a11: Floats
    n: int
    people: Floats


def fit_random_lines(
    y: Floats,
    x: Floats,
    groups: npt.NDArray[np.int64],
    slope: Floats | None = None,
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

    Notes
    -----
    Bates, Mächler, Bolker and Walker 2015 (J Stat Softw 67:1): the likelihood is profiled over the
    fixed part and the residual variance, so that a search goes over the relative deviations only:
    one of them, or three.

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
    sums = _sums(y, columns, groups, line)
    free = 1 if slope is None else 3
    return _most_likely(
        sums,
        back,
        (centre, spread),
        free,
    )


@dataclass(frozen=True, slots=True)
class VisitPattern:
    """People who were scored at the same visits, as sums that add up over clinics.

    Parameters
    ----------
    visits : int64, shape (m,)
        Places of the visits in the list of all, rising.
    people : int
        How many were scored at these visits and no others.
    total : float64, shape (m,)
        Sum of their scores at each visit.
    products : float64, shape (m, m)
        Sum over people of the products of their scores at two visits.
    """

    visits: npt.NDArray[np.int64]
    people: int
    total: Floats
    products: Floats


def fit_lines_of_patterns(
    patterns: Sequence[VisitPattern],
    x: Floats,
    slope: Floats,
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
    sums = _sums_of_patterns(
        patterns,
        columns,
        (slope - centre) / spread,
    )
    return _most_likely(
        sums,
        back,
        (centre, spread),
        3,
    )


def _sums_of_patterns(
    patterns: Sequence[VisitPattern],
    columns: Floats,
    line: Floats,
) -> _Sums:
    """What the likelihood needs, in which a few rows stand for the people of each pattern: their
    products add up to those of all.
    """
    p = columns.shape[1]
    whole = np.zeros((p + 1, p + 1))
    rows = []
    own = []
    for pattern in patterns:
        x = columns[pattern.visits]
        along = line[pattern.visits]
        whole += _whole(pattern, x)
        rows.append(_standing_for(pattern, x, along))
        # The first row counts for everybody, the others for nobody.
        people = np.zeros(len(rows[-1]))
        people[0] = pattern.people
        times = np.array([len(along), along.sum(), along @ along])
        own.append(np.column_stack([people, np.tile(times, (len(people), 1))]))
    both = np.vstack(rows)
    apart = np.vstack(own)
    return _Sums(
        whole=whole,
        first=both[:, : p + 1],
        second=both[:, p + 1 :],
        a00=apart[:, 1],
        a01=apart[:, 2],
        a11=apart[:, 3],
        n=sum(pattern.people * len(pattern.visits) for pattern in patterns),
        people=apart[:, 0],
    )


def _whole(
    pattern: VisitPattern,
    x: Floats,
) -> Floats:
    """Products of fixed columns and outcome over all rows of a pattern."""
    mixed = x.T @ pattern.total
    square = np.trace(pattern.products)
    return np.block(
        [
            [pattern.people * x.T @ x, mixed[:, None]],
            [mixed[None, :], np.array([[square]])],
        ]
    )


def _standing_for(
    pattern: VisitPattern,
    x: Floats,
    along: Floats,
) -> Floats:
    """Rows whose products add up to those of the people: sums of columns and outcome, then the
    same times the slope.
    """
    # Of each person: a constant part, the sum of the scores, and the sum along the slope.
    weights = np.column_stack([np.ones(len(along)), along])
    sums = weights.T @ pattern.total
    gram = np.zeros((3, 3))
    gram[0, 0] = pattern.people
    gram[0, 1:] = sums
    gram[1:, 0] = sums
    gram[1:, 1:] = weights.T @ pattern.products @ weights
    values, vectors = np.linalg.eigh(gram)
    # Sums of squares have no negative part; rounding may leave one.
    roots = (vectors * np.sqrt(np.maximum(values, 0))).T
    constant = roots[:, :1]
    first = np.hstack([constant * x.sum(axis=0), roots[:, 1:2]])
    second = np.hstack([constant * (along @ x), roots[:, 2:]])
    return np.hstack([first, second])


def _most_likely(
    sums: _Sums,
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


def _sums(
    y: Floats,
    columns: Floats,
    groups: npt.NDArray[np.int64],
    line: Floats,
) -> _Sums:
    """One pass over the rows."""
    size = int(groups.max()) + 1
    both = np.column_stack([columns, y])
    along = line[:, None]
    # Products of the intercept's column of ones, and of the slope's.
    own = _by_patient(
        np.column_stack([np.ones(len(y)), line, line**2]),
        groups,
        size,
    )
    return _Sums(
        whole=both.T @ both,
        first=_by_patient(both, groups, size),
        second=_by_patient(both * along, groups, size),
        a00=own[:, 0],
        a01=own[:, 1],
        a11=own[:, 2],
        n=len(y),
        people=np.ones(size),
    )


def _by_patient(
    values: Floats,
    groups: npt.NDArray[np.int64],
    size: int,
) -> Floats:
    # One count per column is faster than adding rows into place.
    parts = [
        np.bincount(
            groups,
            column,
            minlength=size,
        )
        for column in values.T
    ]
    return np.column_stack(parts)


def _profile(
    sums: _Sums,
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
    variance = max(rest, 1e-300) / sums.n
    deviance = sums.n * (np.log(2 * np.pi * variance) + 1)
    deviance += np.log(det) @ sums.people
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
    sums: _Sums,
    deviations: Floats,
    back: Floats,
    scale: tuple[float, float],
    flat: bool,
) -> RandomLines:
    """Everything on the scale of the columns as they came."""
    deviance, fixed, information, variance = _profile(sums, deviations)
    # The fixed columns were made orthogonal; this turns the coefficients back.
    unwind = np.linalg.inv(back)
    known = variance * np.linalg.inv(information)
    covariance = unwind @ known @ unwind.T
    seen = unwind @ (known + _moved(sums, deviations)) @ unwind.T
    a, b, c = deviations
    lower = np.array([[a, 0.0], [b, c]])
    centre, spread = scale
    turn = np.array([[1.0, -centre / spread], [0.0, 1 / spread]])
    random = variance * turn @ lower @ lower.T @ turn.T
    # Without a slope the second column is empty, and so is its part of the covariance.
    has_slope = bool(sums.a11.any())
    return RandomLines(
        coefficient=unwind @ fixed,
        standard_error=np.sqrt(np.diag(covariance)),
        seen_error=np.sqrt(np.diag(seen)),
        random_covariance=random if has_slope else random[:1, :1],
        residual_variance=variance,
        loglik=-deviance / 2,
        converged=flat and bool(np.isfinite(deviance)),
    )


def _moved(sums: _Sums, deviations: Floats) -> Floats:
    """How much the fixed part moves with the spread of people, which is itself an estimate: what
    the inverse of the information of both together holds beside that of the fixed part alone.
    """
    # A deviation at its boundary stays there.
    free = np.flatnonzero(np.abs(deviations) > _STEP)
    if not len(free):
        return np.zeros_like(_profile(sums, deviations)[2])
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
    slopes = [
        _profile(sums, deviations + step)[1] - _profile(sums, deviations - step)[1]
        for step in steps
    ]
    slope = np.array(slopes).reshape(len(free), -1) / (2 * _STEP)
    size, direction = np.linalg.eigh((curved + curved.T) / 2)
    # Along a flat direction nothing is known, and nothing is added.
    steep = size > _STEP * max(size.max(initial=0.0), 0.0)
    half = (direction[:, steep] / np.sqrt(size[steep])).T @ slope
    return np.asarray(half.T @ half)
