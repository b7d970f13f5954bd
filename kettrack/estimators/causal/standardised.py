"""Shares and means over everybody from some people, each weighted by one over the chance to be
among them: those inside of a group, or those who were scored at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.causal.weights import describe_weights
from kettrack.estimators.regression.logistic import (
    fit_logistic,
    predict_logistic,
    solve_logistic,
)

# Chance to stay below which people have nobody like them among those who stayed.
RARE: Final = 0.05


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
