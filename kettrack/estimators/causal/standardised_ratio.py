"""A share of some people, weighted so that they are like everybody in what is known of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kettrack.arrays import Bools, Floats
from kettrack.estimators.causal.weights import describe_weights
from kettrack.estimators.regression.logistic import (
    predict_logistic,
    solve_logistic,
)


class StandardisedRatio(NamedTuple):
    """A weighted share, and what each person adds to its error.

    Parameters
    ----------
    value : float
        What there is of everything, over the weighted people.
    influence : float64, shape (people,)
        Of everybody, those outside too: their weights are told by all.
    weights : float64, shape (people,)
        0 outside.
    effective : float
        How many people without weights would tell as much.
    separated : bool
        Whether what is known tells without exception who is inside; then nobody inside stands for
        the others.
    """

    value: float
    influence: Floats
    weights: Floats
    effective: float
    separated: bool


def standardised_ratio(
    inside: Bools,
    known: Floats,
    part: Floats,
    whole: Floats,
) -> StandardisedRatio:
    """What part there would be of the whole, were the people inside like everybody.

    Parameters
    ----------
    inside : bool, shape (people,)
        Whose share it is.
    known : float64, shape (people, columns)
        What they are made alike in.
    part, whole : float64, shape (people,)
        What each person adds above and below the line: 0 or 1 of 1 for a share of people, events of
        sessions for a share of sessions.

    Notes
    -----
    Inverse of the chance to be inside, from a logistic regression. The influence is that with
    weights which are estimated: what their regression explains of it is taken off.

    Examples
    --------
    Half of the people inside are old, and two thirds of everybody.

    >>> inside = np.array([True] * 4 + [False] * 8)
    >>> old = np.array([1.0, 1, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0])
    >>> found = standardised_ratio(inside, old[:, None], old, np.ones(12))
    >>> round(found.value, 4)
    0.6667
    """
    plain = inside.astype(np.float64)
    x = np.column_stack([np.ones(len(inside)), known])
    fitted = solve_logistic(x, plain)
    chance = predict_logistic(x, fitted.coefficients)
    # Of the others the chance may be 0, and they weigh nothing anyway.
    weights = np.divide(plain, chance, out=np.zeros(len(plain)), where=inside)
    total = float(weights @ whole)
    value = float(weights @ part / total)
    # Weights that are estimated tell less than they seem to: what they explain is taken off.
    influence = weights * (part - value * whole) * len(inside) / total
    score = x * (plain - chance)[:, None]
    explained = score @ np.linalg.lstsq(score, influence, rcond=None)[0]
    return StandardisedRatio(
        value=value,
        influence=influence - explained,
        weights=weights,
        effective=float(describe_weights(weights).ess),
        separated=bool(fitted.separated),
    )
