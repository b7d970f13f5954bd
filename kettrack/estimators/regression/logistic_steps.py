"""Logistic regression for replicates of many people: a step from the fit to everybody."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats, Ints, Numbers
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic
from kettrack.estimators.regression.whitening import RIDGE, whiten


def step_logistic(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    person: Ints,
    counted: Numbers,
) -> Floats:
    """Coefficients of each replicate by one Newton step from the fit to everybody, which of many
    people is as good as fitting it.

    Parameters
    ----------
    x, y
        As for `fit_logistic`.
    person : int64, shape (rows,)
        Whose row it is: 0, 1, ...
    counted : number, shape (replicates, people)
        How often each person was drawn.

    Returns
    -------
    float64, shape (replicates, columns)

    Notes
    -----
    The estimating function bootstrap of Hu and Kalbfleisch 2000 (Can J Stat 28:449): a sample
    changes what the rows of its people add to the gradient, and the Hessian is that of everybody.

    Examples
    --------
    >>> x = np.ones((4, 1))
    >>> y = np.array([0.0, 1, 1, 1])
    >>> step_logistic(x, y, np.arange(4), np.array([[1, 1, 1, 1], [2, 1, 1, 0]])).round(2).tolist()
    [[1.1], [-0.24]]
    """
    rows = np.asarray(x, dtype=np.float64)
    outcome = np.asarray(y, dtype=np.float64)
    beta = fit_logistic(rows, outcome)
    n = len(outcome)
    columns, back = whiten(rows, np.ones(n))
    p = predict_logistic(rows, beta)
    spread = columns * (p * (1 - p))[:, None]
    hessian = spread.T @ columns / n
    hessian += RIDGE * np.eye(columns.shape[1])
    aside = columns * (outcome - p)[:, None]
    # rows of a person are drawn together
    people = counted.shape[1]
    of_person = [
        np.bincount(
            person,
            column,
            people,
        )
        for column in aside.T
    ]
    gradient = np.column_stack(of_person)
    # in everybody they add up to nothing but rounding
    drawn = (counted - 1.0) @ gradient / n
    step = np.linalg.solve(
        hessian,
        drawn.T,
    )
    return np.asarray(beta + step.T @ back.T)
