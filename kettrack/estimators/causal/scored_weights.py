"""Means over everybody from those who were scored at the end, each weighted by one over the chance
to be followed to it, step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.regression.logistic import (
    fit_logistic,
    predict_logistic,
)

# Chance to stay below which people have nobody like them among those who stayed.
RARE: Final = 0.05


@dataclass(frozen=True, slots=True)
class FollowedRows:
    """One row per person and step for which the person was still followed.

    Parameters
    ----------
    person : int64, shape (rows,)
        Place of the person, from 0.
    history : float64, shape (rows, columns)
        What was known before the step, an intercept among it.
    stays : bool, shape (rows,)
        Whether there is a score at the step or later; at the last step, at the step itself.
    """

    person: Ints
    history: Floats
    stays: Bools


@dataclass(frozen=True, slots=True)
class WeightedMeans:
    """Weighted means of several outcomes.

    Parameters
    ----------
    means, variances : float64, shape (outcomes,)
        The variance knows that the weights are estimated.
    effective : float
        How many unweighted people would tell as much, (sum w)^2 / sum w^2.
    unlike : float
        Share of people, 0 to 1, who left although hardly anybody like them stays (`RARE`): no
        weight can stand for them.
    """

    means: Floats
    variances: Floats
    effective: float
    unlike: float


def weighted_means(
    rows: FollowedRows,
    scored: Bools,
    outcomes: Floats,
) -> WeightedMeans:
    """Means over everybody, if at each step people with the same history stay by chance alone.

    Parameters
    ----------
    rows : FollowedRows
        Whoever is scored at the end stays at every step.
    scored : bool, shape (people,)
        Whose outcomes are known.
    outcomes : float, shape (people, outcomes)
        Rows of people who were not scored are not read.

    Returns
    -------
    WeightedMeans

    Notes
    -----
    Robins, Rotnitzky and Zhao 1995 (J Am Stat Assoc 90:106), as a ratio (Hájek). The variance is
    that of the stacked estimating equations of the logistic fit and of the mean (Lunceford and
    Davidian 2004, Stat Med 23:2937). One step for everybody gives plain weights.

    Examples
    --------
    Half of the people who were well are scored, and half of the others.

    >>> well = np.array([1.0] * 40 + [0.0] * 20)
    >>> scored = np.array([True, False] * 20 + [True] * 10 + [False] * 10)
    >>> history = np.column_stack([np.ones(60), well])
    >>> rows = FollowedRows(np.arange(60), history, scored)
    >>> weighted_means(rows, scored, well[:, None]).means.round(4).tolist()
    [0.6667]
    """
    n = len(scored)
    coefficients = fit_logistic(rows.history, rows.stays.astype(np.float64))
    chance = predict_logistic(rows.history, coefficients)
    # The chance to be there at the end is the product of those of the steps.
    log_chance = np.bincount(rows.person, np.log(chance), minlength=n)
    weight = np.where(
        scored,
        np.exp(-log_chance),
        0.0,
    )
    values = np.where(
        scored[:, None],
        outcomes,
        0.0,
    )
    means = weight @ values / weight.sum()
    # How far each person moves the means.
    pull = weight[:, None] * np.where(
        scored[:, None],
        outcomes - means,
        0.0,
    )
    leaving = _by_person(
        rows,
        (1 - chance)[:, None] * rows.history,
        n,
    )
    score = _by_person(
        rows,
        (rows.stays - chance)[:, None] * rows.history,
        n,
    )
    spread = chance * (1 - chance)
    information = (rows.history * spread[:, None]).T @ rows.history
    # What the fitted weights already explain of each person's pull on the means. Columns that
    # follow from others have no inverse of their own.
    influence = pull - score @ np.linalg.pinv(information) @ (leaving.T @ pull)
    variance = (influence**2).mean(axis=0) / weight.mean() ** 2 / max(n - 1, 1)
    return WeightedMeans(
        means=np.asarray(means),
        variances=np.asarray(variance),
        effective=float(weight.sum() ** 2 / (weight**2).sum()),
        unlike=float((~rows.stays & (chance < RARE)).sum() / n),
    )


def _by_person(
    rows: FollowedRows,
    values: Floats,
    n: int,
) -> Floats:
    """Sum of the rows of each person."""
    # Several rows may add to one person, which plain indexing would not do.
    out = np.zeros((n, values.shape[1]))
    np.add.at(
        out,
        rows.person,
        values,
    )
    return out
