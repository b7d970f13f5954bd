"""Scores taken away from visits while it is still open whether the next session comes: do they
decide it, and what then.

At t0 each trial could still take either arm: think of it as cloned into both. The clone of "none
within the grace" is censored on the day of a session, that of "a session within the grace" at its
end without one, so one clone of each trial is left, in the arm that was taken. Where scores of the
days between steer the decision the clones left are a selection; each is weighted by how likely its
wait was given the history at t0 alone, over how likely they were given the scores since as well.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.analysis.next_session.trials import Trials
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.weights import observed_probability
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic
from kettrack.timelines.bucket import Array

FEWEST_SCORED: Final = 30  # trials with a score between t0 and the end of the waiting


def scored_meanwhile(trials: Trials) -> Array:
    """Trials with a score after t0 and before the day that settled the arm."""
    return ~np.isnan(trials.since[np.arange(len(trials.arm)), trials.settled - 1])


def steering_weights(trials: Trials, history: Floats) -> Floats:
    """Weights that take out what scores within the grace decided; all 1 where they decided nothing.

    Parameters
    ----------
    trials : Trials
        Eligible trials.
    history : float64, shape (trials, columns)
        What was known at t0.

    Returns
    -------
    float64, shape (trials,)
        Product over the steps of waiting of P(session or none in it | none yet, history) over the
        same given also the last score since t0, never one of the step itself. The mean is near 1.

    Raises
    ------
    NotIdentified
        Fewer than 30 trials with such a score, or the same in every one of them.
    """
    few = int(scored_meanwhile(trials).sum())
    if few < FEWEST_SCORED:
        raise NotIdentified(
            f"only {few} decisions had a score between the session and the day that settled them;"
            f" at least {FEWEST_SCORED} are wanted.",
            "scores between sessions, if they have a part in the decision to come.",
        )
    trial, step, day, came = _waiting(trials)
    # in the others nobody comes, whatever the score
    usual = np.isin(step, np.unique(step[came]))
    trial = trial[usual]
    step = step[usual]
    day = day[usual]
    came = came[usual]
    since = trials.since[trial, day - 1] - trials.history[trial, 0]
    known = ~np.isnan(since)
    plain = np.column_stack([step[:, None] == np.unique(step), history[trial]])
    steered = np.column_stack([plain, known, np.where(known, since, 0.0)])
    ratio = _chance(plain, came) / _chance(steered, came)
    return np.exp(np.bincount(trial, np.log(ratio), minlength=len(trials.arm)))


def _chance(x: Floats, came: Array) -> Floats:
    """Fitted probability of what happened in each step of waiting."""
    return observed_probability(predict_logistic(x, fit_logistic(x, came)), came)


def _waiting(trials: Trials) -> tuple[Array, Array, Array, Array]:
    """One row per trial and step of waiting: position of the trial, the step, its first day from
    t0, whether a session came.

    The wait has as many steps as the shortest grace has days; where all are equal a step is a day.
    """
    steps = trials.grace.min()
    last = -(-trials.settled * steps // trials.grace)
    trial = np.repeat(np.arange(len(trials.arm)), last)
    begins = np.cumsum(last) - last
    step = np.arange(len(trial)) - begins[trial] + 1
    day = (step - 1) * trials.grace[trial] // steps + 1
    return trial, step, day, trials.arm[trial] & (step == last[trial])
