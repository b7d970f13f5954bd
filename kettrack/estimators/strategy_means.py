"""Means under "stop after k", from those who followed it: stabilised, weighted for missing
outcomes, smooth in k or strict.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats, Ints, Numbers
from kettrack.estimators.least_squares import fit_least_squares
from kettrack.estimators.logistic import fit_logistic, predict_logistic


def share_following(sessions: Ints, counted: Numbers | None = None) -> Floats:
    """Share of all patients who followed the same strategy; it stabilises their weights.

    Returns
    -------
    float64, shape (people,) or (replicates, people)
        0 for those who followed none.
    """
    members = (sessions[:, None] == np.arange(1, sessions.max(initial=0) + 1)).astype(
        np.float64
    )
    weights = np.ones(len(sessions)) if counted is None else counted.astype(np.float64)
    share = (weights @ members) / weights.sum(axis=-1, keepdims=True)
    return np.asarray(share @ members.T, dtype=np.float64)


def observed_chance(
    x: Floats, observed: Bools, among: Bools, counted: Numbers | None = None
) -> Floats:
    """Fitted probability that the outcome was observed; 1 where nothing is missing.

    Parameters
    ----------
    x : float64, shape (people, columns)
        What was known before the outcome was due, with an intercept.
    observed, among : bool, shape (people,)
        Whose outcome is there, and whom the model is about.
    counted : number, shape (replicates, people), optional
        How often each patient counts.
    """
    if observed[among].all() or not observed[among].any():
        return np.ones(len(x) if counted is None else counted.shape)
    weights = None if counted is None else counted[:, among]
    chance = predict_logistic(x, fit_logistic(x[among], observed[among], weights))
    return np.maximum(chance, 1e-12)


def smooth_means(
    sessions: Ints, outcome: Floats, weights: Floats, at: tuple[int, ...]
) -> Floats:
    """Mean outcome under "stop after k" from a weighted quadratic in k, the marginal structural
    model.

    Parameters
    ----------
    sessions : int64, shape (followers,)
        Strategy of each follower.
    outcome : float64, shape (followers,)
        Observed.
    weights : float64, shape (followers,) or (replicates, followers)
        Of following it and being observed.
    at : tuple of int
        Strategies whose mean is wanted.

    Returns
    -------
    float64, shape (at,) or (replicates, at)

    Examples
    --------
    >>> smooth_means(np.array([1, 2, 3, 4]), np.array([9.0, 8.0, 7.0, 6.0]), np.ones(4), (2, 4)).round(6).tolist()
    [8.0, 6.0]
    """
    beta = fit_least_squares(_powers(sessions), outcome, weights)
    return np.asarray(beta @ _powers(np.array(at)).T, dtype=np.float64)


def _powers(k: npt.ArrayLike) -> Floats:
    number = np.asarray(k, dtype=np.float64)
    return np.column_stack([np.ones(len(number)), number, number**2 / 10])


def weighted_mean(outcome: Floats, weights: Floats) -> Floats:
    """Mean of the followers of one strategy, missing where nobody has a weight; shape () or
    (replicates,).
    """
    total = weights.sum(axis=-1)
    return np.where(
        total > 0, (weights @ outcome) / np.where(total > 0, total, 1), np.nan
    )
