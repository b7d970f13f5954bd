"""Weighted least squares, for one set of weights or for a thousand at once, and errors that know a
patient has many rows.

Own code, since statsmodels fits one set of weights at a time, and has no bias-reduced clustered
errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats, Numbers
from kettrack.errors import NotIdentified
from kettrack.estimators.regression.whitening import (
    RIDGE,
    ModelRows,
    column_products,
    model_rows,
    symmetric_from,
    whiten,
)

_BLOCK = 1 << 18  # weights turned to floats at a time
# share of a residual that is left where a patient's rows settle a coefficient alone
_SETTLED = 1e-8


@dataclass(frozen=True, slots=True)
class ClusteredFit:
    """Least squares with errors by patient.

    Parameters
    ----------
    coefficients : float64, shape (columns,)
        In the units of the columns.
    covariance : float64, shape (columns, columns)
        Sandwich estimate that sums the rows of a patient first.
    patients : int
        Patients with a weight above 0.
    rank : int
        Number of columns that say something of their own.
    """

    coefficients: Floats
    covariance: Floats
    patients: int
    rank: int

    @property
    def error(self) -> Floats:
        """Standard errors, shape (columns,)."""
        return np.sqrt(np.diag(self.covariance))


def fit_least_squares(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
) -> Floats:
    """Coefficients of weighted least squares.

    Parameters
    ----------
    x : float, shape (rows, columns)
        Covariates; a column of ones if an intercept is wanted.
    y : float, shape (rows,)
        Outcome.
    weights : float or int, shape (rows,) or (replicates, rows), optional
        At least 0. Rows that weigh nothing in every replicate may hold anything.

    Returns
    -------
    float64, shape (columns,) or (replicates, columns)
        The shortest that fit where columns repeat each other; missing where a replicate weighs no
        row at all.

    Raises
    ------
    UsageError
        Shapes that do not fit, a negative weight or a missing value.
    NotIdentified
        No row with a weight above 0.

    Examples
    --------
    >>> x = np.column_stack([np.ones(3), [0, 1, 2]])
    >>> fit_least_squares(x, [1, 3, 5]).round(6).tolist()
    [1.0, 2.0]
    """
    rows = model_rows(x, y, weights)
    columns, back = whiten(
        rows.x,
        rows.weights.mean(axis=0, dtype=np.float64),
    )
    if len(rows.weights) == 1:
        beta = _fit_once(columns, rows.y, rows.weights[0])
    else:
        beta = _fit_all(columns, rows)
    coefficients = beta @ back.T
    single = weights is None or np.ndim(weights) < 2
    return coefficients[0] if single else coefficients


def _fit_once(
    columns: Floats,
    outcome: Floats,
    weights: Numbers,
) -> Floats:
    """One fit on uncorrelated columns, shape (1, columns)."""
    share = weights / weights.sum(dtype=np.float64)
    weighed = columns * share[:, None]
    matrix = weighed.T @ columns
    matrix += RIDGE * np.eye(len(matrix))
    beta = np.linalg.solve(matrix, weighed.T @ outcome)
    return np.asarray(beta[None], dtype=np.float64)


def _fit_all(columns: Floats, rows: ModelRows) -> Floats:
    """A fit for each set of weights."""
    # With the products of the columns made once, the normal equations of every replicate are one
    # matrix product with its weights.
    products = column_products(columns)
    targets = columns * rows.y[:, None]
    few = max(1, _BLOCK // len(rows.y))
    parts = []
    for begin in range(0, len(rows.weights), few):
        share = rows.weights[begin : begin + few].astype(np.float64)
        total = share.sum(axis=1, keepdims=True)
        # per unit of weight, so that the ridge is as small beside few people as beside many
        share /= np.where(total > 0, total, 1)
        matrices = symmetric_from(share @ products, columns.shape[1])
        aims = (share @ targets)[..., None]
        solved = np.linalg.solve(matrices, aims)[..., 0]
        parts.append(
            np.where(
                total > 0,
                solved,
                np.nan,
            )
        )
    return np.vstack(parts)


def fit_clustered(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    patient: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    corrected: bool = True,
) -> ClusteredFit:
    """Weighted least squares with a patient-clustered covariance.

    Parameters
    ----------
    x, y, weights
        As for `fit_least_squares`; one set of weights.
    patient : int, shape (rows,)
        Whose row it is; any numbers, in any order.
    corrected : bool
        Multiply by G / (G - 1) x (n - 1) / (n - columns), G patients and n rows ("CR1", as Stata
        does). Without it the sandwich of generalised estimating equations with independence.

    Raises
    ------
    NotIdentified
        Fewer than two patients, or no more rows than columns.

    Examples
    --------
    >>> x = np.column_stack([np.ones(6), [0, 1, 0, 1, 0, 1]])
    >>> fit_clustered(x, [1, 2, 1, 4, 2, 3], [1, 1, 2, 2, 3, 3]).error.round(4).tolist()
    [0.3727, 0.7454]
    """
    rows = model_rows(x, y, weights)
    share = rows.weights[0].astype(np.float64)
    columns, back = whiten(rows.x, share)
    owner = np.asarray(patient)[rows.used]
    people, place = np.unique(owner, return_inverse=True)
    n = len(rows.y)
    rank = columns.shape[1]
    groups = len(people)
    _require_freedom(groups, n, rank)
    beta = _fit_once(
        columns,
        rows.y,
        share,
    )[0]
    residual = share * (rows.y - columns @ beta)
    # rows of a patient are summed before they are squared: what they share stays in
    scores = np.zeros((groups, rank))
    np.add.at(scores, place, columns * residual[:, None])
    bread = np.linalg.inv((columns * share[:, None]).T @ columns)
    factor = 1.0
    if corrected:
        factor = groups / (groups - 1) * (n - 1) / (n - rank)
    covariance = factor * bread @ (scores.T @ scores) @ bread
    return ClusteredFit(
        coefficients=back @ beta,
        covariance=back @ covariance @ back.T,
        patients=groups,
        rank=rank,
    )


def _require_freedom(patients: int, n: int, rank: int) -> None:
    """Refuse rows that leave nothing over to tell the uncertainty from."""
    if patients < 2 or n <= rank:
        raise NotIdentified(
            f"{patients} patients with {n} rows cannot show how uncertain {rank} coefficients"
            " are."
        )


def fit_bias_reduced(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    patient: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
) -> ClusteredFit:
    """Weighted least squares with the bias-reduced clustered covariance ("CR2", Bell and McCaffrey
    2002).

    The fit follows the rows it is made of, most of all those far out, so residuals are too small
    and so is the plain sandwich. Here each patient's residuals are divided by the root of what the
    fit left of them; with independent errors of equal size the covariance is then unbiased,
    whatever the columns.

    Parameters
    ----------
    x, y, weights
        As for `fit_least_squares`; one set of weights.
    patient : int, shape (rows,)
        Whose row it is; any numbers, in any order.

    Raises
    ------
    NotIdentified
        Fewer than two patients, or no more rows than columns.

    Examples
    --------
    With one row per patient it is HC2, and for two groups the variance is the sum of theirs:

    >>> x = np.column_stack([np.ones(5), [0, 0, 1, 1, 1]])
    >>> round(float(fit_bias_reduced(x, [1, 3, 1, 2, 3], range(5)).error[1] ** 2), 6)
    1.333333
    """
    rows = model_rows(x, y, weights)
    share = rows.weights[0].astype(np.float64)
    columns, back = whiten(rows.x, share)
    people, place, size = np.unique(
        np.asarray(patient)[rows.used],
        return_inverse=True,
        return_counts=True,
    )
    rank = columns.shape[1]
    _require_freedom(
        len(people),
        len(rows.y),
        rank,
    )
    beta = _fit_once(
        columns,
        rows.y,
        share,
    )[0]
    root = np.sqrt(share)[:, None]
    scaled = columns * root
    residual = root[:, 0] * (rows.y - columns @ beta)
    bread = np.linalg.inv(scaled.T @ scaled)
    scores = np.zeros((len(people), rank))
    order = np.argsort(place, kind="stable")
    begins = np.cumsum(size) - size
    # patients with as many rows as each other share one array, (patients, rows, columns)
    for length in np.unique(size):
        chosen = np.flatnonzero(size == length)
        at = order[begins[chosen][:, None] + np.arange(length)]
        scores[chosen] = _adjusted_scores(
            scaled[at],
            residual[at],
            bread,
        )
    covariance = back @ bread @ (scores.T @ scores) @ bread @ back.T
    return ClusteredFit(
        coefficients=back @ beta,
        covariance=covariance,
        patients=len(people),
        rank=rank,
    )


def _adjusted_scores(
    x: Floats,
    residual: Floats,
    bread: Floats,
) -> Floats:
    """Sum over each patient's rows of column x adjusted residual; x has shape (patients, rows,
    columns).
    """
    turned = x.transpose(0, 2, 1)
    left = np.eye(x.shape[1]) - x @ bread @ turned
    lengths, axes = np.linalg.eigh(left)
    # Where a patient's rows alone settle a coefficient nothing of the residual is left: a
    # direction without length adds nothing, as a pseudoinverse has it.
    roots = np.sqrt(np.maximum(lengths, _SETTLED))
    inverse_root = np.where(lengths > _SETTLED, 1 / roots, 0.0)
    own = axes.transpose(0, 2, 1) @ residual[..., None]
    adjusted = own * inverse_root[..., None]
    return np.asarray((turned @ axes @ adjusted)[..., 0])
