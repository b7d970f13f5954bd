"""Growth models: scores of many patients over sessions, each patient with a line of their own.

A search for a maximum can stop early, or end on the boundary of the variances, and still return
numbers. Here every fit is checked, and replaced by a simpler one that is named when it does not
hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats
from kettrack.errors import UsageError
from kettrack.estimators.intervals import PercentInterval, student_interval
from kettrack.estimators.regression.least_squares import fit_clustered
from kettrack.estimators.regression.random_lines import (
    RandomLines,
    fit_random_lines,
)

# a variance below this share of the residual one, or a correlation this near to 1, is on the
# boundary
_BOUNDARY: Final = 1e-5
GROWTH_KINDS: Final = (
    "random intercept and slope",
    "random intercept",
    "least squares, patient-clustered",
)


@dataclass(frozen=True, slots=True)
class GrowthFit:
    """One model of the mean course, fitted by maximum likelihood, restricted or not.

    Parameters
    ----------
    names : tuple of str
        Fixed coefficients, in order.
    coefficient, standard_error : float64, shape (p,)
        Points per unit; model-based errors, patient-clustered ones in the last kind.
    seen_error, freedom : float64, shape (p,)
        As in `RandomLines`: errors of an interval, and their degrees of freedom (patients less one
        in the last kind).
    random_covariance : float64, shape (q, q)
        Covariance of the patients' own intercepts (and slopes); shape (0, 0) in the last kind.
    residual_variance : float
        In squared points.
    loglik, aic : float
        Of fits with different fixed parts they can be compared, unless restricted.
    kind : str
        One of `GROWTH_KINDS`: what was fitted in the end.
    fallback : str
        Why it is not the first kind; empty where it is.
    n_patients, n_rows : int
        Patients and scores.
    """

    names: tuple[str, ...]
    coefficient: Floats
    standard_error: Floats
    seen_error: Floats
    freedom: Floats
    random_covariance: Floats
    residual_variance: float
    loglik: float
    aic: float
    kind: str
    fallback: str
    n_patients: int
    n_rows: int

    def __getitem__(self, name: str) -> tuple[float, float]:
        """Coefficient and standard error of one name."""
        place = self.names.index(name)
        return float(self.coefficient[place]), float(self.standard_error[place])

    def interval(
        self,
        name: str,
        level: float = 0.95,
    ) -> PercentInterval:
        """Coefficient of one name with Student's interval."""
        place = self.names.index(name)
        return student_interval(
            float(self.coefficient[place]),
            float(self.seen_error[place]),
            float(self.freedom[place]),
            level,
        )


def fit_growth(
    y: Floats,
    columns: Mapping[str, npt.ArrayLike],
    patient: npt.ArrayLike,
    slope: str | None = None,
    kind: str | None = None,
    restricted: bool = False,
) -> GrowthFit:
    """Fit a mixed model by maximum likelihood, falling back to a simpler one that is named.

    Parameters
    ----------
    y : float64, shape (rows,)
        Scores, without missing values.
    columns : mapping of str to float64, shape (rows,)
        Fixed part by name, intercept included.
    patient : array-like, shape (rows,)
        Whose row it is.
    slope : str, optional
        Column in which each patient has a slope of their own; without one only intercepts differ.
    kind : str, optional
        Fit exactly this one of `GROWTH_KINDS`, for a comparison of fits of one kind.
    restricted : bool
        By restricted maximum likelihood, where no fits are compared.

    Returns
    -------
    GrowthFit
        The first of `GROWTH_KINDS` that converges inside its boundary.

    Raises
    ------
    UsageError
        For missing values, or a fixed part whose columns depend on one another.

    Notes
    -----
    Laird and Ware 1982 (Biometrics 38:963). A likelihood ratio of two fits means something only
    when both are of one kind.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> patient, week = np.repeat(np.arange(60), 5), np.tile(np.arange(5.0), 60)
    >>> own = rng.normal(0, [3, 1], (60, 2))[patient]
    >>> y = 20 + own[:, 0] + (own[:, 1] - 2) * week + rng.normal(0, 2, 300)
    >>> columns = {"intercept": np.ones(300), "week": week}
    >>> fit_growth(y, columns, patient, slope="week").kind
    'random intercept and slope'
    """
    y = np.asarray(y, np.float64)
    names = tuple(columns)
    x = np.column_stack([columns[name] for name in names]).astype(np.float64)
    if not (np.isfinite(y).all() and np.isfinite(x).all()):
        raise UsageError(
            "A growth model needs scores and covariates without missing values."
        )
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise UsageError(
            f"The columns of the growth model depend on one another: {', '.join(names)}."
        )
    groups = np.unique(np.asarray(patient), return_inverse=True)[1]
    wanted = [kind] if kind else list(GROWTH_KINDS[0 if slope else 1 :])
    reasons: list[str] = []
    for tried in wanted:
        if tried == GROWTH_KINDS[2]:
            return _clustered(
                y,
                x,
                groups,
                names,
                "; ".join(reasons),
            )
        with_slope = tried == GROWTH_KINDS[0] and slope
        line = x[:, names.index(slope)] if slope and with_slope else None
        fit, reason = _mixed(
            y,
            x,
            groups,
            line,
            restricted,
        )
        if fit is not None:
            return _result(
                fit,
                names,
                tried,
                "; ".join(reasons),
                groups,
            )
        reasons.append(f"{tried}: {reason}")
    return _clustered(
        y,
        x,
        groups,
        names,
        "; ".join(reasons),
    )


def _mixed(
    y: Floats,
    x: Floats,
    groups: npt.NDArray[np.int64],
    slope: Floats | None,
    restricted: bool,
) -> tuple[RandomLines | None, str]:
    """A fit that converged inside its boundary, or None and why not."""
    try:
        # Where scores hardly vary, the search runs beyond all numbers.
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            fit = fit_random_lines(y, x, groups, slope, restricted)
    except (np.linalg.LinAlgError, FloatingPointError):
        return None, "did not converge"
    if _on_boundary(fit.random_covariance, fit.residual_variance):
        return None, "a variance ended at zero, or a correlation at one"
    if not (fit.converged and np.isfinite(fit.standard_error).all()):
        return None, "did not converge"
    return fit, ""


def _on_boundary(
    covariance: Floats,
    residual: float,
) -> bool:
    variances = np.diag(covariance)
    if (variances <= _BOUNDARY * residual).any():
        return True
    # below the diagonal of a correlation matrix: one entry, or none with intercepts alone
    # roots first: the product of two tiny variances is 0
    spread = np.outer(np.sqrt(variances), np.sqrt(variances))
    return bool(np.abs(np.tril(covariance / spread, -1)).max(initial=0) > 1 - _BOUNDARY)


def _result(
    fit: RandomLines,
    names: tuple[str, ...],
    kind: str,
    fallback: str,
    groups: npt.NDArray[np.int64],
) -> GrowthFit:
    p = len(names)
    q = len(fit.random_covariance)
    # fixed part, covariance of the random part, residual variance
    parameters = p + q * (q + 1) // 2 + 1
    return GrowthFit(
        names,
        fit.coefficient,
        fit.standard_error,
        fit.seen_error,
        fit.freedom,
        fit.random_covariance,
        fit.residual_variance,
        fit.loglik,
        2 * parameters - 2 * fit.loglik,
        kind,
        fallback,
        int(groups.max()) + 1,
        len(groups),
    )


def _clustered(
    y: Floats,
    x: Floats,
    groups: npt.NDArray[np.int64],
    names: tuple[str, ...],
    fallback: str,
) -> GrowthFit:
    fit = fit_clustered(x, y, groups)
    error = fit.error
    patients = int(groups.max()) + 1
    beside = y - x @ fit.coefficients
    variance = float(np.square(beside).mean())
    # of normal residuals with the variance that fits best
    loglik = -len(y) / 2 * (np.log(2 * np.pi * variance) + 1)
    return GrowthFit(
        names,
        fit.coefficients,
        error,
        error,
        np.full(len(names), patients - 1.0),
        np.empty((0, 0)),
        variance,
        float(loglik),
        float(2 * (len(names) + 1) - 2 * loglik),
        GROWTH_KINDS[2],
        fallback,
        patients,
        len(y),
    )
