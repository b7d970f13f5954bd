"""Weighted logistic regression, for one set of weights or for a thousand at once.

A patient bootstrap of a hazard model is the same rows with other weights. All replicates are fitted
together: the linear predictor, the gradient and the Hessian of every replicate are three matrix
products.

Own code, since statsmodels fits one set of weights at a time; `benchmarks/stop_after_bootstrap.py`
shows what that costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats, Ints, Numbers
from kettrack.errors import UsageError
from kettrack.estimators.regression.logistic_problem import (
    CONVERGED,
    EVERY,
    LogitProblem,
    share_of_logit,
    step_length,
)
from kettrack.estimators.regression.whitening import (
    MANY_ROWS,
    RIDGE,
    column_products,
    model_rows,
    symmetric_from,
    whiten,
)

_TOGETHER = 64  # replicates
_PRODUCTS = 1 << 24  # products of columns kept, at most 70 MB
_FEW = 4  # replicates for which products of columns take longer to make than they save
# without separation 10 are plenty; a separated fit walks about 1 on the logit scale per step
_MOST_STEPS = 200
_RAREST = 1e-3  # share of an outcome from which a fit sets out
# how far the ridge may hold a fit back before the fit counts as separated
_RIDGE_MOVES = 1e-5


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """Coefficients of one fit or of many, and where they are not what the columns promise.

    Parameters
    ----------
    coefficients : float64, shape (columns,) or (replicates, columns)
        On the logit scale, in the units of the columns. Missing where a replicate weighs no row at
        all.
    separated : bool, shape () or (replicates,)
        Some combination of columns predicts 0 or 1 without exception, so the maximum lies at
        infinity; the coefficients are those of the ridge, and the fitted probabilities there within
        about 1e-7 of 0 or 1.
    rank : int
        Number of columns that say something of their own; less than all when a column is constant
        beside an intercept, or follows from others. The coefficients are then the shortest that
        fit.
    """

    coefficients: Floats
    separated: Bools
    rank: int


def fit_logistic(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
) -> Floats:
    """Maximum likelihood coefficients.

    Parameters
    ----------
    x : float, shape (rows, columns)
        Covariates; a column of ones if an intercept is wanted.
    y : float, shape (rows,)
        Outcome from 0 to 1; a fraction, with its number of trials as weight, stands for grouped
        counts.
    weights : float or int, shape (rows,) or (replicates, rows), optional
        At least 0. Rows that weigh nothing in every replicate may hold anything.

    Returns
    -------
    float64, shape (columns,) or (replicates, columns)

    Raises
    ------
    UsageError
        Shapes that do not fit, an outcome outside 0 to 1, a negative weight or a missing value.
    NotIdentified
        No row with a weight above 0.

    Examples
    --------
    >>> x = np.column_stack([np.ones(4), [0, 0, 1, 1]])
    >>> fit_logistic(x, [0.25, 0.25, 0.5, 0.5], [10, 30, 20, 20]).round(4).tolist()
    [-1.0986, 1.0986]
    """
    return solve_logistic(x, y, weights).coefficients


def solve_logistic(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
) -> LogisticFit:
    """Coefficients as from `fit_logistic`, with the marks of a fit that went wrong.

    Notes
    -----
    Newton's method on columns made uncorrelated, started at one probability for all rows; for
    replicates, at the fit with their mean weights; for many rows, at the fit of every sixteenth of
    them. A step that moves no linear predictor by more than 1.5 always raises the likelihood (Sun
    and Tran-Dinh 2019, Math Program 178:145) and is taken whole; a longer one is halved until it
    does. Where a separated fit walks to infinity, six steps are taken as one.

    A ridge of 1e-12 per unit of weight, on the uncorrelated columns, makes the maximum finite and
    unique when the outcome is separated or a replicate has drawn nobody with some feature.
    Elsewhere it moves a coefficient by less than 1e-9 of its size.

    Examples
    --------
    >>> found = solve_logistic(np.ones((3, 1)), [0, 0, 0])
    >>> bool(found.separated), bool(found.coefficients[0] < -20)
    (True, True)
    """
    rows = model_rows(x, y, weights)
    if rows.y.min() < 0 or rows.y.max() > 1:
        raise UsageError("An outcome of a logistic regression lies outside 0 to 1.")
    mean: Floats = rows.weights.mean(axis=0, dtype=np.float64)
    columns, back = whiten(rows.x, mean)
    beta, separated = _fit_all(
        columns,
        rows.y,
        rows.weights,
        mean,
    )
    coefficients = beta @ back.T
    single = weights is None or np.ndim(weights) < 2
    return LogisticFit(
        coefficients=coefficients[0] if single else coefficients,
        separated=separated[0] if single else separated,
        rank=columns.shape[1],
    )


def predict_logistic(
    x: npt.ArrayLike,
    coefficients: Floats,
) -> Floats:
    """Fitted probabilities, shape (rows,) for one fit and (replicates, rows) for many.

    Examples
    --------
    >>> predict_logistic([[1.0, 0.0], [1.0, 1.0]], np.array([0.0, 1.0])).round(3).tolist()
    [0.5, 0.731]
    """
    return share_of_logit(coefficients @ np.asarray(x, dtype=np.float64).T)


def _fit_all(
    columns: Floats,
    outcome: Floats,
    weighing: Numbers,
    mean: Floats,
) -> tuple[Floats, Bools]:
    """Coefficients of every replicate on the uncorrelated columns, and which of them are
    separated.
    """
    small = columns.shape[1] * columns.size < _PRODUCTS and len(weighing) > _FEW
    turned = columns.T
    # a copy is quicker to multiply with, where it stays near
    if len(columns) < MANY_ROWS or len(weighing) > 1:
        turned = np.ascontiguousarray(turned)
    problem = LogitProblem(
        columns=columns,
        turned=turned,
        outcome=outcome,
        products=column_products(columns) if small else None,
        reach=_longest(columns),
    )
    start = _start(problem, mean)
    if len(weighing) > 1:
        # replicates lie about the fit to everybody: begun there they need fewer steps
        start = _newton(problem, mean[None], start)[0][0]
    fits = []
    for begin in range(0, len(weighing), _TOGETHER):
        fits.append(_newton(problem, weighing[begin : begin + _TOGETHER], start))
    beta = np.vstack([one for one, _ in fits])
    return beta, np.concatenate([separated for _, separated in fits])


def _longest(columns: Floats) -> float:
    """Length of the longest row."""
    squares = np.einsum(
        "ij,ij->i",
        columns,
        columns,
    )
    return float(np.sqrt(squares.max()))


def _start(
    problem: LogitProblem,
    weights: Floats,
) -> Floats:
    """Coefficients that come nearest to the same probability in every row: few steps from the fit,
    where the way from 0 is long if nearly all rows have one outcome. For many rows, the fit of a
    part of them, which is nearer still.
    """
    part = weights / weights.sum()
    share = np.clip(
        part @ problem.outcome,
        _RAREST,
        1 - _RAREST,
    )
    logit = np.log(share / (1 - share))
    # the columns are uncorrelated, so that their mean products are the nearest coefficients
    start: Floats = logit * (part @ problem.columns)
    if len(problem.columns) < MANY_ROWS:
        return start
    beta, separated = _newton(
        problem.part(),
        weights[None, ::EVERY],
        start,
    )
    # a part may be separated where the whole is not, and weigh nothing
    usable = np.isfinite(beta).all() and not separated.any()
    return beta[0] if usable else start


def _newton(
    problem: LogitProblem,
    weights: Numbers,
    start: Floats,
) -> tuple[Floats, Bools]:
    """Coefficients of some replicates and which are separated; what has converged is set aside."""
    drawn: Bools = np.asarray(weights.any(axis=1))
    beta = np.where(
        drawn[:, None],
        start,
        np.nan,
    )
    separated = np.zeros(len(weights), dtype=bool)
    # `weights` always holds the rows of `active`, in the same order
    active = np.flatnonzero(drawn)
    weights = weights[drawn]
    gained = np.zeros(len(beta))
    for _ in range(_MOST_STEPS):
        gradient, hessian = _derivatives(problem, weights, beta[active])
        solved = np.linalg.solve(hessian, gradient[..., None])
        step = np.asarray(solved, dtype=np.float64)[..., 0]
        gain: Floats = (gradient * step).sum(axis=1)
        length = step_length(problem, weights, beta[active], step, gain, gained[active])
        # what the last of the steps in a stride would have gained
        gained[active] = gain * np.exp(1 - np.maximum(length[:, 0], 1))
        beta[active] += length * step
        done = gain <= CONVERGED
        separated[active[done]] = _is_held(
            hessian[done],
            beta[active[done]],
        )
        if done.any():
            active = active[~done]
            weights = weights[~done]
        if not len(active):
            return beta, separated
    separated[active] = True  # still walking to infinity
    return beta, separated


def _is_held(
    hessian: Floats,
    beta: Floats,
) -> Bools:
    """Whether the ridge is what keeps these coefficients finite: how far they would move without
    it.
    """
    moved = np.linalg.solve(hessian, RIDGE * beta[..., None])[..., 0]
    return np.linalg.norm(moved, axis=1) > _RIDGE_MOVES


def _derivatives(
    problem: LogitProblem,
    weights: Numbers,
    beta: Floats,
) -> tuple[Floats, Floats]:
    """Gradient and negative Hessian of each replicate's mean log-likelihood less the ridge."""
    rank = beta.shape[1]
    if len(beta) == 1 and len(problem.columns) >= MANY_ROWS:
        return _derivatives_of_one(problem, weights[0], beta[0])
    gradient = np.zeros(beta.shape)
    packed = np.zeros((len(beta), rank * (rank + 1) // 2))
    for rows in problem.tiles(len(beta)):
        share = weights[:, rows].astype(np.float64)
        p = share_of_logit(beta @ problem.turned[:, rows])
        gradient += (share * (problem.outcome[rows] - p)) @ problem.columns[rows]
        # in place from here on: p (1 - p), then times the weights
        p -= p * p
        share *= p
        if problem.products is not None:
            packed += share @ problem.products[rows]
        else:
            packed += _packed(problem.columns[rows], share)
    total = weights.sum(axis=1, dtype=np.float64)[:, None]
    return gradient / total - RIDGE * beta, symmetric_from(packed / total, rank)


def _derivatives_of_one(
    problem: LogitProblem,
    weights: Numbers,
    beta: Floats,
) -> tuple[Floats, Floats]:
    """The same of one replicate of many rows: a loop over every tile would take longer than what is
    done in them.
    """
    rank = len(beta)
    gradient = np.zeros(rank)
    hessian = np.zeros((rank, rank))
    for rows, columns in problem.stacks():
        shape = columns.shape[:2]
        share = weights[rows].astype(np.float64)
        share = share.reshape(shape)
        outcome = problem.outcome[rows]
        p = share_of_logit(columns @ beta)
        aside = outcome.reshape(shape) - p
        aside *= share
        of_tiles = aside[:, None] @ columns
        gradient += of_tiles.sum(axis=(0, 1))
        p -= p * p
        share *= p
        weighed = columns * share[..., None]
        turned = weighed.transpose(0, 2, 1)
        products = turned @ columns
        hessian += products.sum(axis=0)
    total = weights.sum(dtype=np.float64)
    gradient /= total
    gradient -= RIDGE * beta
    hessian /= total
    hessian += RIDGE * np.eye(rank)
    return gradient[None], hessian[None]


def _packed(
    columns: Floats,
    weights: Floats,
) -> Floats:
    """The same sums without the products, one replicate at a time."""
    sums = []
    for one in weights:
        matrix = (columns * one[:, None]).T @ columns
        sums.append(matrix[_below(len(matrix))])
    return np.array(sums)


@cache
def _below(columns: int) -> tuple[Ints, Ints]:
    """Lower triangle of a matrix, which is asked for in every step."""
    return np.tril_indices(columns)
