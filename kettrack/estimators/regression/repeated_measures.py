"""Scores of the same people at several visits: mean at each visit by their covariates, any spread
and any correlation between visits (MMRM), fitted by restricted maximum likelihood.

Own code, since statsmodels has no unstructured covariance. People who miss the same visits share
their sums, so that the time of a fit does not grow with the number of people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.regression.whitening import half_of, pack_root, unpack_root

# People seen at a visit for each covariate; with fewer it is not fitted.
FEWEST_PER_COLUMN = 3
# And more than its covariates and other visits: else no spread is left, and a mean looks certain.
FEWEST_LEFT_OVER = 3
_MOST_VISITS = 12  # each way to miss them is a bit of a whole number
_MOST_STEPS = 2000
_CONVERGED = (
    1e-7  # largest slope of the log likelihood, for scores in standard deviations
)
_STEP = 1e-5  # of a parameter, where a second derivative is taken
# Below this share of the steepest curvature a direction is flat: draws do not leave along it.
_FLAT = 1e-8


@dataclass(frozen=True, slots=True)
class RepeatedMeasures:
    """A fitted model of scores at v visits on c covariates.

    Parameters
    ----------
    coefficients : float64, shape (v, c)
        Of each covariate at each visit.
    covariance : float64, shape (v, v)
        Of the scores of one person about their mean.
    error : float64, shape (v, c, v, c)
        Covariance of the coefficients, given that of the scores.
    log_likelihood : float
        Restricted log likelihood, as R's `nlme::gls` counts it.
    seen : int64, shape (v,)
        People scored at each visit.
    people : int
        People scored at any visit.
    """

    coefficients: Floats
    covariance: Floats
    error: Floats
    log_likelihood: float
    seen: Ints
    people: int
    _sums: _Sums
    _root: Floats
    _spread: Floats

    def mean(
        self,
        visit: int,
        covariates: npt.ArrayLike,
    ) -> tuple[float, float]:
        """Mean score at a visit for given covariates, and its standard error."""
        row = np.asarray(covariates, dtype=np.float64)
        variance = row @ self.error[visit, :, visit, :] @ row
        return float(self.coefficients[visit] @ row), float(np.sqrt(variance))

    def seen_variance(
        self,
        visit: int,
        covariates: npt.ArrayLike,
    ) -> tuple[float, float]:
        """Variance of `mean` from the scores that were seen, and its degrees of freedom.

        Notes
        -----
        Where people leave by their scores, means hang on the covariance, which is itself an
        estimate: the inverse of the observed information of both together (Kenward and Molenberghs
        1998, Stat Sci 13:236). The degrees of freedom are Satterthwaite's (Fai and Cornelius 1996,
        J Stat Comput Simul 54:363). With nothing missing the variance is that of `mean`, and they
        are the people less the covariates.

        Examples
        --------
        >>> y = np.array([[9.0, 6], [8, 7], [7, 3], [6, 4], [5, 1], [7, 6]])
        >>> fit = fit_repeated_measures(np.ones((6, 1)), y)
        >>> [round(number, 3) for number in fit.seen_variance(1, [1.0])], 5.1 / 6
        ([0.85, 5.0], 0.85)
        """
        row = np.asarray(covariates, dtype=np.float64)
        center = pack_root(self._root)

        def told(values: Floats) -> Floats:
            """Variance given the covariance, and mean, in standard deviations of the scores."""
            root = unpack_root(values, len(self.coefficients))
            point = _at(self._sums, root)
            known = row @ point.error[visit, :, visit, :] @ row
            return np.array([known, point.beta[visit] @ row])

        steps = _STEP * np.eye(len(center))
        slopes = [told(center + step) - told(center - step) for step in steps]
        half = _information_half(self._sums, center)
        # Variance and mean move with the covariance as far as that is uncertain.
        moved = half.T @ np.array(slopes) / (2 * _STEP)
        of_variance, of_mean = np.square(moved).sum(axis=0)
        known = float(told(center)[0])
        variance = (known + float(of_mean)) * float(self._spread[visit]) ** 2
        return variance, 2 * known**2 / float(of_variance)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of products over the people of each pattern of visits, K patterns."""

    n: Floats  # (K,)
    seen: Floats  # (K, v), 1 where the pattern has a score
    xx: Floats  # (K, c, c)
    xy: Floats  # (K, v, c), 0 where there is no score
    yy: Floats  # (K, v, v)

    @property
    def scores(self) -> float:
        """How many scores there are."""
        return float(self.n @ self.seen.sum(axis=1))


def missing_patterns(known: Bools) -> tuple[Bools, Ints]:
    """The different rows of a table of known and missing, and which of them each row is."""
    bits = known @ (1 << np.arange(known.shape[1]))
    _, first, which = np.unique(
        bits,
        return_index=True,
        return_inverse=True,
    )
    return known[first], which


def fit_repeated_measures(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
) -> RepeatedMeasures:
    """Fit by restricted maximum likelihood.

    Parameters
    ----------
    x : float, shape (people, c)
        Covariates of each person, known for everybody; a column of ones for an intercept.
    y : float, shape (people, v)
        Score at each visit; NaN where there is none.

    Raises
    ------
    UsageError
        Shapes that do not fit, a missing covariate, or too many visits.
    NotIdentified
        Too few people at a visit, or scores that do not vary.

    Notes
    -----
    Mallinckrodt 2008 (Drug Inf J 42:303). Valid where the chance of a missing score depends only on
    the covariates and on scores that were seen. The search goes along the Cholesky root of the
    covariance, with its exact gradient.

    Examples
    --------
    With nothing missing the mean at a visit is that of the scores.

    >>> y = np.array([[9.0, 6], [8, 7], [7, 3], [6, 4], [5, 1], [7, 6]])
    >>> fit = fit_repeated_measures(np.ones((6, 1)), y)
    >>> fit.coefficients.ravel().round(3).tolist(), fit.covariance.round(3).tolist()
    ([7.0, 4.5], [[2.0, 2.6], [2.6, 5.1]])
    """
    covariates, scores = _checked(x, y)
    known = ~np.isnan(scores)
    # Whoever was scored at no visit tells nothing of any.
    anywhere = known.any(axis=1)
    covariates, scores, known = covariates[anywhere], scores[anywhere], known[anywhere]
    seen = known.sum(axis=0)
    scale = _scales(
        scores,
        seen,
        covariates.shape[1],
    )
    sums = _sums(
        covariates,
        np.where(
            known,
            scores,
            0,
        )
        / scale,
        known,
    )
    root = _search(sums)
    found = _at(sums, root)
    # The likelihood of contrasts that the coefficients do not touch: so many are left.
    freedom = sums.scores - found.beta.size
    # The search worked in standard deviations: back to points.
    lost = float(known.sum(axis=0) @ np.log(scale)) - covariates.shape[1] * float(
        np.log(scale).sum()
    )
    return RepeatedMeasures(
        coefficients=found.beta * scale[:, None],
        covariance=np.outer(scale, scale) * (root @ root.T),
        error=found.error * scale[:, None, None, None] * scale[:, None],
        log_likelihood=-(found.loss + freedom * float(np.log(2 * np.pi)) / 2) - lost,
        seen=seen,
        people=len(scores),
        _sums=sums,
        _root=root,
        _spread=scale,
    )


def _checked(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
) -> tuple[Floats, Floats]:
    covariates = np.asarray(x, dtype=np.float64)
    scores = np.asarray(y, dtype=np.float64)
    if covariates.ndim != 2 or scores.ndim != 2 or len(covariates) != len(scores):
        raise UsageError("Covariates and scores need one row per person each.")
    if np.isnan(covariates).any():
        raise UsageError("A covariate of the repeated measures is missing.")
    if scores.shape[1] > _MOST_VISITS:
        raise UsageError(f"There are more than {_MOST_VISITS} visits.")
    return covariates, scores


def _scales(
    scores: Floats,
    seen: Ints,
    columns: int,
) -> Floats:
    """Standard deviation at each visit, after the refusals."""
    numbers = columns + scores.shape[1] - 1
    fewest = max(FEWEST_PER_COLUMN * columns, numbers + FEWEST_LEFT_OVER)
    if len(scores) == 0 or seen.min() < fewest:
        raise NotIdentified(
            f"fewer than {fewest} people were scored at one of the visits.",
            "scores of more people at each visit.",
        )
    spread = np.nanstd(scores, axis=0)
    if not (spread > 0).all():
        raise NotIdentified(
            "everybody has the same score at one of the visits.",
            "scores of more people at each visit.",
        )
    return np.asarray(spread)


def _sums(
    x: Floats,
    y: Floats,
    known: Bools,
) -> _Sums:
    patterns, which = missing_patterns(known)
    order = np.argsort(which, kind="stable")
    begins = np.searchsorted(which[order], np.arange(len(patterns)))
    x, y = x[order], y[order]

    def added(products: Floats) -> Floats:
        return np.asarray(
            np.add.reduceat(
                products,
                begins,
                axis=0,
            )
        )

    return _Sums(
        n=np.bincount(which, minlength=len(patterns)).astype(np.float64),
        seen=patterns.astype(np.float64),
        xx=added(x[:, :, None] * x[:, None, :]),
        xy=added(y[:, :, None] * x[:, None, :]),
        yy=added(y[:, :, None] * y[:, None, :]),
    )


def inverse_by_pattern(
    covariance: Floats,
    seen: Floats,
) -> tuple[Floats, Floats]:
    """Inverse of the covariance of the visits that each pattern has, 0 elsewhere, and the log of
    its determinant.
    """
    both = seen[:, :, None] * seen[:, None, :]
    # Visits without a score get a 1 on the diagonal, which adds nothing to the determinant.
    filled = covariance * both + np.eye(len(covariance)) * (1 - seen)[:, :, None]
    sign, log_size = np.linalg.slogdet(filled)
    return np.linalg.inv(filled) * both, np.where(
        sign > 0,
        log_size,
        np.inf,
    )


@dataclass(frozen=True, slots=True)
class _Point:
    """The likelihood at one covariance."""

    loss: float  # minus the restricted log likelihood, without its constant
    slope: Floats  # of it, by the Cholesky root
    beta: Floats
    error: Floats


def _at(
    sums: _Sums,
    root: Floats,
) -> _Point:
    inverse, log_size = inverse_by_pattern(root @ root.T, sums.seen)
    v, c = sums.xy.shape[1:]
    normal = np.einsum(
        "kab,kij->aibj",
        inverse,
        sums.xx,
    ).reshape(v * c, v * c)
    right = np.einsum(
        "kab,kbi->ai",
        inverse,
        sums.xy,
    ).ravel()
    error = np.linalg.inv(normal).reshape(
        v,
        c,
        v,
        c,
    )
    beta = np.einsum(
        "aibj,bj->ai",
        error,
        right.reshape(v, c),
    )
    squares = _squares(sums, beta)
    # What the coefficients took from the squares is the restriction of the likelihood.
    taken = np.einsum(
        "aibj,kij->kab",
        error,
        sums.xx,
    )
    loss = (
        sums.n @ log_size
        + np.linalg.slogdet(normal)[1]
        + np.einsum(
            "kab,kab->",
            inverse,
            squares,
        )
    ) / 2
    inner = sums.n[:, None, None] * inverse - inverse @ (squares + taken) @ inverse
    by_covariance = inner.sum(axis=0) / 2
    return _Point(
        float(loss),
        np.tril(2 * by_covariance @ root),
        beta,
        error,
    )


def _squares(
    sums: _Sums,
    beta: Floats,
) -> Floats:
    """Squares and products of the scores about their fitted means, by pattern."""
    fitted = np.einsum(
        "ai,kbi->kab",
        beta,
        sums.xy,
    )
    of_means = np.einsum(
        "ai,kij,bj->kab",
        beta,
        sums.xx,
        beta,
    )
    # Added in this order: another one rounds otherwise, and the search would end elsewhere.
    return np.asarray(
        sums.yy
        - fitted
        - fitted.transpose(
            0,
            2,
            1,
        )
        + of_means
    )


def _search(sums: _Sums) -> Floats:
    """Cholesky root of the covariance at the maximum."""
    from scipy.optimize import minimize

    v = sums.xy.shape[1]
    # Visits of one person go together: a start without that is far away.
    start = np.asarray(np.linalg.cholesky(0.5 * np.eye(v) + 0.5), dtype=np.float64)
    found = minimize(
        lambda values: _packed_loss(sums, values),
        pack_root(start),
        jac=True,
        method="BFGS",
        options={"maxiter": _MOST_STEPS, "gtol": _CONVERGED * float(sums.n.sum())},
    )
    return unpack_root(found.x, v)


def _packed_loss(
    sums: _Sums,
    values: Floats,
) -> tuple[float, Floats]:
    v = sums.xy.shape[1]
    root = unpack_root(values, v)
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            point = _at(sums, root)
    # A step so long that a covariance comes to have no inverse, or one beyond all numbers, is taken
    # back.
    except (np.linalg.LinAlgError, FloatingPointError):
        return np.inf, np.zeros(len(values))
    slope = point.slope.copy()
    slope[np.diag_indices(v)] *= np.diag(root)
    return point.loss, slope[np.tril_indices(v)]


def draw_parameters(
    fit: RepeatedMeasures, draws: int, seed: int
) -> tuple[Floats, Floats]:
    """Coefficients and covariances that the scores are as well compatible with, for imputations
    that know that the model is itself an estimate.

    Parameters
    ----------
    fit : RepeatedMeasures
        From `fit_repeated_measures`.
    draws, seed : int
        How many, and from which seed.

    Returns
    -------
    coefficients : float64, shape (draws, v, c)
    covariances : float64, shape (draws, v, v)

    Notes
    -----
    The large-sample posterior: normal about the restricted maximum for the log Cholesky root, with
    the observed information as its precision, and normal for the coefficients given that.
    """
    rng = np.random.default_rng(seed)
    v, c = fit.coefficients.shape
    center = pack_root(fit._root)
    half = _information_half(fit._sums, center)
    size = fit._spread
    coefficients = np.empty((draws, v, c))
    covariances = np.empty((draws, v, v))
    for place in range(draws):
        root = unpack_root(center + half @ rng.normal(size=half.shape[1]), v)
        point = _at(fit._sums, root)
        error = half_of(point.error.reshape(v * c, v * c))
        beta = point.beta + (error @ rng.normal(size=v * c)).reshape(v, c)
        coefficients[place] = beta * size[:, None]
        covariances[place] = np.outer(size, size) * (root @ root.T)
    return coefficients, covariances


def _information_half(
    sums: _Sums,
    center: Floats,
) -> Floats:
    """A matrix whose product with its transpose is the inverse of the observed information."""
    steps = _STEP * np.eye(len(center))
    rows = [
        (_packed_loss(sums, center + step)[1] - _packed_loss(sums, center - step)[1])
        / (2 * _STEP)
        for step in steps
    ]
    curved = np.array(rows)
    size, direction = np.linalg.eigh((curved + curved.T) / 2)
    # Along a flat direction nothing is known, and a draw would run away.
    steep = size > _FLAT * size.max()
    return np.asarray(direction[:, steep] / np.sqrt(size[steep]))
