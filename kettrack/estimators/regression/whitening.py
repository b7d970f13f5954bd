"""Rows checked, and columns made uncorrelated: what keeps Newton's method and the normal equations
away from rounding error.

Session number and its square, or a score and its mean so far, are nearly the same column. Models
are fitted on combinations that are uncorrelated under the weights, and the coefficients are turned
back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats, Numbers
from kettrack.errors import NotIdentified, UsageError

RIDGE = 1e-12  # per unit of weight, on uncorrelated columns
# a direction shorter than this share of the longest is one column repeated
_SAME = 1e-10


@dataclass(frozen=True, slots=True)
class Rows:
    """What a model is fitted to: only rows that weigh something in some replicate.

    Parameters
    ----------
    x : float64, shape (rows, columns)
        Covariates, finite.
    y : float64, shape (rows,)
        Outcome, finite.
    weights : number, shape (replicates, rows)
        In the dtype they came in.
    used : bool, shape (rows before,)
        Which rows these are.
    """

    x: Floats
    y: Floats
    weights: Numbers
    used: Bools


def check_rows(
    x: npt.ArrayLike, y: npt.ArrayLike, weights: npt.ArrayLike | None
) -> Rows:
    """Arrays that fit together, without the rows that weigh nothing.

    Raises
    ------
    UsageError
        Shapes that do not fit, a negative weight or a missing value.
    NotIdentified
        No row with a weight above 0.

    Examples
    --------
    >>> check_rows([[1.0], [2.0]], [0.5, np.nan], [3, 0]).x.tolist()
    [[1.0]]
    """
    rows = np.asarray(x, dtype=np.float64)
    outcome = np.asarray(y, dtype=np.float64)
    weighing = np.atleast_2d(
        np.ones(len(outcome)) if weights is None else np.asarray(weights)
    )
    if (
        rows.ndim != 2
        or outcome.shape != rows.shape[:1]
        or weighing.shape[1:] != outcome.shape
    ):
        raise UsageError(
            f"{rows.shape} covariates, {outcome.shape} outcomes and {weighing.shape} weights do"
            " not fit together."
        )
    if not (
        weighing.min(initial=0) >= 0 and np.isfinite(weighing.sum(dtype=np.float64))
    ):
        raise UsageError("A weight is negative, missing or infinite.")
    used: Bools = np.asarray(weighing.any(axis=0))
    if not used.any():
        raise NotIdentified("No observation is left to fit a model to.")
    if not used.all():
        rows = rows[used]
        outcome = outcome[used]
        weighing = weighing[:, used]
    if not (np.isfinite(rows).all() and np.isfinite(outcome).all()):
        raise UsageError("A row with a weight above 0 has a missing or infinite value.")
    return Rows(rows, outcome, weighing, used)


def whiten(x: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Combinations of the columns with mean square 1 and mean product 0.

    Parameters
    ----------
    x : float64, shape (rows, columns)
        Finite.
    weights : float64, shape (rows,)
        At least 0, not all 0.

    Returns
    -------
    columns : float64, shape (rows, rank)
        Equal to `x @ back`.
    back : float64, shape (columns, rank)
        Takes coefficients of `columns` to coefficients of `x`; where columns of `x` repeat each
        other, to the shortest.

    Examples
    --------
    >>> columns, back = whiten(np.array([[1.0, 0.0], [1.0, 0.0]]), np.ones(2))
    >>> columns.shape, back[1].tolist()
    ((2, 1), [0.0])
    """
    share = np.sqrt(weights / weights.sum())[:, None]
    size = np.sqrt(((share * x) ** 2).sum(axis=0))
    size[size == 0] = 1
    _, lengths, axes = np.linalg.svd(share * x / size, full_matrices=False)
    kept = lengths > _SAME * lengths.max(initial=0)
    back = axes[kept].T / lengths[kept] / size[:, None]
    return x @ back, back


def column_products(x: Floats) -> Floats:
    """Products of each column with itself and those before it, shape (rows, columns (columns + 1) /
    2).
    """
    first, second = np.tril_indices(x.shape[1])
    return np.ascontiguousarray(x[:, first] * x[:, second])


def symmetric_from(packed: Floats, columns: int) -> Floats:
    """Weighted sums of `column_products` as symmetric matrices with the ridge, shape (replicates,
    columns, columns).
    """
    full = np.empty((len(packed), columns, columns))
    first, second = np.tril_indices(columns)
    full[:, first, second] = packed
    full[:, second, first] = packed
    full[:, range(columns), range(columns)] += RIDGE
    return full
