"""Weights that take out what scores decided while the next session was still open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kettrack.analysis.next_session.decisions import HISTORY
from kettrack.analysis.next_session.trials import Trials
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.weights import observed_probability
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic
from kettrack.timelines.bucket import Array
from kettrack.vocabulary.limits import FEWEST_SCORED_MEANWHILE


def scored_before_arm_is_known(trials: Trials) -> Array:
    """Trials with a score after t0 and before the day that settled the arm."""
    every = np.arange(trials.n)
    # column d of `since` is known the day before day d + 1
    last_known = trials.since[every, trials.settled - 1]
    return ~np.isnan(last_known)


def enough_scored_meanwhile(trials: Trials) -> bool:
    """Whether enough decisions had a score while they were open for the weights to be fitted."""
    return _scored_meanwhile(trials) >= FEWEST_SCORED_MEANWHILE


def _scored_meanwhile(trials: Trials) -> int:
    return int(scored_before_arm_is_known(trials).sum())


def require_scored_meanwhile(trials: Trials) -> None:
    """Stop where hardly any decision had a score while it was open."""
    scored = _scored_meanwhile(trials)
    if scored < FEWEST_SCORED_MEANWHILE:
        raise NotIdentified(
            f"only {scored} decisions had a score between the session and the day on which it was"
            f" known whether the next one came; at least {FEWEST_SCORED_MEANWHILE} are necessary.",
            "scores between sessions, if they have a part in the decision to come.",
        )


def waiting_weights(
    trials: Trials,
    history: Floats,
) -> Floats:
    """Weights that take out what scores within the grace decided; all 1 where they decided nothing.

    At t0 each trial could still take either arm, so it is thought of as cloned into both (Hernan
    2018, BMJ 360:k182). The clone of "none within the grace" is censored on the day of a session,
    that of "a session within the grace" at its end without one, so one clone of each trial is left,
    in the arm that was taken. Where scores of the days between steer the decision, the clones left
    are a selection; the weights undo it.

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
        Fewer than `FEWEST_SCORED_MEANWHILE` trials with such a score, or the same in every one of
        them.
    """
    require_scored_meanwhile(trials)
    waits = _waits(trials)
    # in the other steps nobody comes, whatever the score
    steps = np.unique(waits.step[waits.came])
    waits = waits.take(np.isin(waits.step, steps))
    trial = waits.trial
    score_at_t0 = trials.history[trial, HISTORY.index("score")]
    change = trials.since[trial, waits.day - 1] - score_at_t0
    known = ~np.isnan(change)
    # one constant for each step instead of one for all
    is_step = waits.step[:, None] == steps
    at_t0 = np.column_stack([is_step, history[trial]])
    change_or_zero = np.where(known, change, 0.0)
    # a rise may decide more than a fall, or the other way round
    rise = np.maximum(change_or_zero, 0.0)
    with_scores = np.column_stack([at_t0, known, change_or_zero, rise])
    ratio = _step_probability(at_t0, waits.came)
    ratio = ratio / _step_probability(with_scores, waits.came)
    # the sum of logarithms over the steps of a trial is the logarithm of their product
    log_ratio = np.log(ratio)
    log_weight = np.bincount(trial, log_ratio, minlength=trials.n)
    return np.exp(log_weight)


def _step_probability(
    x: Floats,
    came: Array,
) -> Floats:
    """Fitted probability of what happened in each step of waiting."""
    fitted = predict_logistic(x, fit_logistic(x, came))
    return observed_probability(fitted, came)


@dataclass(frozen=True, slots=True)
class _Waits:
    """One row per trial and step of waiting: position of the trial, the step, its first day from
    t0, whether a session came.
    """

    trial: Array
    step: Array
    day: Array
    came: Array

    def take(
        self,
        rows: Array,
    ) -> _Waits:
        return _Waits(
            trial=self.trial[rows],
            step=self.step[rows],
            day=self.day[rows],
            came=self.came[rows],
        )


def _waits(trials: Trials) -> _Waits:
    """Every step that a trial waited for the next session or for the end of the grace.

    The wait has as many steps as the shortest grace has days; where all are equal a step is a day.
    """
    steps = trials.grace.min()
    # steps waited, rounded up: -(-a // b) is the ceiling of a / b in whole numbers
    last = -(-trials.settled * steps // trials.grace)
    trial = np.repeat(np.arange(trials.n), last)
    # rows of a trial stand together: the position less that of its first row numbers its steps
    begins = np.cumsum(last) - last
    position = np.arange(len(trial))
    step = position - begins[trial] + 1
    days_before = (step - 1) * trials.grace[trial] // steps
    is_last = step == last[trial]
    came = trials.arm[trial] & is_last
    return _Waits(
        trial=trial,
        step=step,
        day=days_before + 1,
        came=came,
    )
