"""Rows checked, columns made uncorrelated, and roots of covariances: what keeps Newton's method and
the normal equations away from rounding error.

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
# rows from which a triangle is made of those of blocks
MANY_ROWS = 1 << 14
_BLOCK = 1 << 10  # rows that stay in the cache
_BLOCKS = 1 << 6  # made together


@dataclass(frozen=True, slots=True)
class ModelRows:
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


def model_rows(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    weights: npt.ArrayLike | None,
) -> ModelRows:
    """Arrays that fit together, without the rows that weigh nothing.

    Raises
    ------
    UsageError
        Shapes that do not fit, a negative weight or a missing value.
    NotIdentified
        No row with a weight above 0.

    Examples
    --------
    >>> model_rows([[1.0], [2.0]], [0.5, np.nan], [3, 0]).x.tolist()
    [[1.0]]
    """
    rows = np.asarray(x, dtype=np.float64)
    outcome = np.asarray(y, dtype=np.float64)
    one = np.ones(len(outcome))
    given = one if weights is None else np.asarray(weights)
    weighing = np.atleast_2d(given)
    _require_shapes(rows, outcome, weighing)
    smallest = weighing.min(initial=0)
    # the sum is infinite or missing when any weight is, and makes no copy
    total = weighing.sum(dtype=np.float64)
    if not (smallest >= 0 and np.isfinite(total)):
        raise UsageError("A weight is negative, missing or infinite.")
    used: Bools = np.asarray(weighing.any(axis=0))
    if not used.any():
        raise NotIdentified("No observation is left to fit a model to.")
    if not used.all():
        rows = rows[used]
        outcome = outcome[used]
        weighing = weighing[:, used]
    # only now: rows that weigh nothing may hold anything
    finite = np.isfinite(rows).all() and np.isfinite(outcome).all()
    if not finite:
        raise UsageError("A row with a weight above 0 has a missing or infinite value.")
    return ModelRows(
        x=rows,
        y=outcome,
        weights=weighing,
        used=used,
    )


def _require_shapes(
    rows: Floats,
    outcome: Floats,
    weighing: Numbers,
) -> None:
    fitting = rows.ndim == 2 and outcome.shape == rows.shape[:1]
    if not fitting or weighing.shape[1:] != outcome.shape:
        raise UsageError(
            f"{rows.shape} covariates, {outcome.shape} outcomes and {weighing.shape} weights do"
            " not fit together."
        )


def whiten(
    x: Floats,
    weights: Floats,
) -> tuple[Floats, Floats]:
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
    part = weights / weights.sum()
    triangle, size = _triangle(x, np.sqrt(part))
    _, lengths, axes = np.linalg.svd(triangle, full_matrices=False)
    longest = lengths.max(initial=0)
    kept = lengths > _SAME * longest
    back = axes[kept].T / lengths[kept] / size[:, None]
    return x @ back, back


def _triangle(
    x: Floats,
    share: Floats,
) -> tuple[Floats, Floats]:
    """A triangle with the same products of columns as all rows times their share, columns of one
    size; and the size of each.
    """
    rows = len(x)
    # one block where rows are few; the last of many may be shorter
    together = rows if rows < MANY_ROWS else _BLOCK * _BLOCKS
    square = np.zeros(x.shape[1])
    triangles = []
    for begin in range(0, rows, together):
        here = slice(begin, begin + together)
        scaled = share[here, None] * x[here]
        square += np.einsum("ij,ij->j", scaled, scaled)
        if rows >= MANY_ROWS:
            scaled = _triangles(scaled)
        triangles.append(scaled)
    # columns of one size first: which of them repeat each other must not depend on their units
    size = np.sqrt(square)
    size[size == 0] = 1
    # the triangle has the same lengths and axes as all rows, and takes no time
    whole = np.concatenate(triangles) / size
    triangle = np.linalg.qr(whole, mode="r")
    return np.asarray(triangle, dtype=np.float64), size


def _triangles(scaled: Floats) -> Floats:
    """The triangles of blocks of rows one below the other: as good as the rows, and far fewer."""
    columns = scaled.shape[1]
    whole = len(scaled) // _BLOCK * _BLOCK
    blocks = scaled[:whole].reshape(-1, _BLOCK, columns)
    made = np.linalg.qr(blocks, mode="r")
    of_blocks = np.reshape(made, (-1, columns))
    return np.concatenate([of_blocks, scaled[whole:]])


def column_products(x: Floats) -> Floats:
    """Products of each column with itself and those before it, shape (rows, columns (columns + 1) /
    2).
    """
    first, second = np.tril_indices(x.shape[1])
    products = x[:, first] * x[:, second]
    return np.ascontiguousarray(products)


def symmetric_from(
    packed: Floats,
    columns: int,
) -> Floats:
    """Weighted sums of `column_products` as symmetric matrices with the ridge, shape (replicates,
    columns, columns).
    """
    shape = (len(packed), columns, columns)
    full = np.empty(shape)
    # the order of `column_products`: the lower triangle row by row, written to both sides
    first, second = np.tril_indices(columns)
    full[:, first, second] = packed
    full[:, second, first] = packed
    diagonal = range(columns)
    full[:, diagonal, diagonal] += RIDGE
    return full


def half_of(covariance: Floats) -> Floats:
    """A matrix whose product with its transpose is a covariance, also one in which something does
    not vary at all.
    """
    try:
        root = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        size, direction = np.linalg.eigh(covariance)
        # Rounding may leave a variance of nothing a little below 0.
        spread = np.sqrt(np.maximum(size, 0))
        root = direction * spread
    return np.asarray(root)


def pack_root(root: Floats) -> Floats:
    """A Cholesky root as one line of free numbers; the log keeps its diagonal above 0."""
    logged = root.copy()
    own = np.diag_indices(len(root))
    logged[own] = np.log(root[own])
    lower = np.tril_indices(len(root))
    return np.asarray(logged[lower])


def unpack_root(
    values: Floats,
    v: int,
) -> Floats:
    """The Cholesky root that `pack_root` packed."""
    root = np.zeros((v, v))
    lower = np.tril_indices(v)
    root[lower] = values
    own = np.diag_indices(v)
    root[own] = np.exp(root[own])
    return root
