"""Clustered errors for models with many columns: patients whose rows pull the fit towards
themselves count for more.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.least_squares import ClusteredFit, fit_least_squares
from kettrack.estimators.whitening import check_rows, whiten

# share of a residual that is left where a patient's rows settle a coefficient alone
_SETTLED = 1e-8


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
    rows = check_rows(x, y, weights)
    share = rows.weights[0].astype(np.float64)
    columns, back = whiten(rows.x, share)
    people, place, size = np.unique(
        np.asarray(patient)[rows.used], return_inverse=True, return_counts=True
    )
    n = len(rows.y)
    rank = columns.shape[1]
    if len(people) < 2 or n <= rank:
        raise NotIdentified(
            f"{len(people)} patients with {n} rows cannot show how uncertain {rank} coefficients"
            " are."
        )
    beta = fit_least_squares(columns, rows.y, share)
    root = np.sqrt(share)[:, None]
    scaled = columns * root
    residual = root[:, 0] * (rows.y - columns @ beta)
    bread = np.linalg.inv(scaled.T @ scaled)
    scores = np.zeros((len(people), rank))
    order = np.argsort(place, kind="stable")
    begins = np.cumsum(size) - size
    for length in np.unique(size):
        chosen = np.flatnonzero(size == length)
        at = order[begins[chosen][:, None] + np.arange(length)]
        scores[chosen] = _adjusted_scores(scaled[at], residual[at], bread)
    return ClusteredFit(
        back @ beta,
        back @ bread @ (scores.T @ scores) @ bread @ back.T,
        len(people),
        rank,
    )


def _adjusted_scores(x: Floats, residual: Floats, bread: Floats) -> Floats:
    """Sum over each patient's rows of column x adjusted residual; x has shape (patients, rows,
    columns).
    """
    left = np.eye(x.shape[1]) - x @ bread @ x.transpose(0, 2, 1)
    lengths, axes = np.linalg.eigh(left)
    inverse_root = np.where(
        lengths > _SETTLED, 1 / np.sqrt(np.maximum(lengths, _SETTLED)), 0.0
    )
    turned = (axes.transpose(0, 2, 1) @ residual[..., None]) * inverse_root[..., None]
    return np.asarray((x.transpose(0, 2, 1) @ axes @ turned)[..., 0])
