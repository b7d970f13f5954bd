"""Decisions without an outcome: who stands for them, whether anybody can, and how far they could
move the answer; and weights that take out what scores decided while the next session was still
open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.analysis.next_session.decisions import HISTORY
from kettrack.analysis.next_session.trials import Trials
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.weights import describe_weights, observed_probability
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic
from kettrack.timelines.bucket import Array
from kettrack.vocabulary.limits import (
    FEWEST_EFFECTIVE_OUTCOMES,
    FEWEST_MISSING_PER_COLUMN,
    FEWEST_PEOPLE_IN_ARM,
    FEWEST_SCORED_MEANWHILE,
    UNSCORED_WORSE_BY_SD,
)

ARMS: Final = ((True, "had another session"), (False, "had none"))
# Percent chance of a score below which nobody stands for a decision, and percent of the decisions
# of an arm that may be so; kettrack's own convention.
LEAST_CHANCE_PERCENT: Final = 5
MOST_WITHOUT_CHANCE_PERCENT: Final = 10
# Percent of the outcomes of an arm that weights for an open decision must leave.
LEAST_LEFT_PERCENT: Final = 20
_COLLECT: Final = (
    "a score at the same time after the decision for everyone, also for those who stop"
    " coming."
)


def probability_scored(
    trials: Trials,
    history: Floats,
) -> Floats:
    """Fitted probability of an outcome, given the arm, the history, and what came after t0.

    One column for every `FEWEST_MISSING_PER_COLUMN` missing outcomes, in this order: the last score
    at t0, sessions in the window and before it, the score since, arm x score, the rest of the
    history.
    """
    observed = trials.observed
    if observed.all():
        return np.ones(trials.n)
    # what came after t0 may say who is scored: it explains the missing, not the difference
    change = trials.latest - trials.history[:, HISTORY.index("score")]
    known = ~np.isnan(change)
    score = history[:, :1]
    columns = np.column_stack(
        [
            score,
            trials.sessions_in_window,
            trials.sessions_since,
            known,
            np.where(known, change, 0.0),
            score * trials.arm[:, None],
            history[:, 1:],
        ]
    )
    return _fitted(trials, columns, trials.arm)


def _fitted(
    trials: Trials,
    columns: Floats,
    arm: Array,
) -> Floats:
    """Logistic model of who is scored, told for these arms."""
    missing = int((~trials.observed).sum())
    few = columns[:, : missing // FEWEST_MISSING_PER_COLUMN]
    ones = np.ones(trials.n)
    x = np.column_stack([ones, trials.arm, few])
    coefficients = fit_logistic(x, trials.observed)
    return predict_logistic(np.column_stack([ones, arm, few]), coefficients)


def require_scored_people(trials: Trials) -> None:
    """Stop with fewer than `FEWEST_PEOPLE_IN_ARM` patients with an outcome in an arm."""
    seen = trials.take(trials.observed)
    people = {words: seen.in_arm(arm).n_people for arm, words in ARMS}
    if min(people.values()) < FEWEST_PEOPLE_IN_ARM:
        counts = " and ".join(
            f"{n} patients who {words}" for words, n in people.items()
        )
        raise NotIdentified(
            f"too few have an outcome: {counts}. At least {FEWEST_PEOPLE_IN_ARM} patients of each"
            " kind are necessary.",
            _COLLECT,
        )


def require_can_be_scored(
    trials: Trials,
    chance: Floats,
) -> None:
    """Stop where somebody must stand for too many: decisions after which hardly anybody is scored,
    or outcomes that rest on few.
    """
    for arm, words in ARMS:
        here = trials.arm == arm
        never = 100 * float((100 * chance[here] < LEAST_CHANCE_PERCENT).mean())
        if never > MOST_WITHOUT_CHANCE_PERCENT:
            raise NotIdentified(
                f"after {never:.0f} % of the decisions of those who {words} hardly anybody with"
                f" the same history is scored (a chance below {LEAST_CHANCE_PERCENT} %), so nobody"
                " can stand for them.",
                _COLLECT,
            )
        effective = describe_weights(1 / chance[here & trials.observed]).ess
        if effective < FEWEST_EFFECTIVE_OUTCOMES:
            raise NotIdentified(
                f"the outcomes of those who {words} count like {effective:.0f} after weighting for"
                f" the missing ones; at least {FEWEST_EFFECTIVE_OUTCOMES} are necessary.",
                _COLLECT,
            )


def require_even_weights(trials: Trials, weights: Floats) -> None:
    """Stop where weights leave little of an arm: an error that takes weights as they are does not
    know how much hangs on the few that count.
    """
    for arm, words in ARMS:
        here = weights[trials.observed & (trials.arm == arm)]
        left = 100 * describe_weights(here).ess / len(here)
        if left < LEAST_LEFT_PERCENT:
            raise NotIdentified(
                f"the outcomes of those who {words} count like {left:.0f} % of their number, since"
                " scores taken while the decision was open nearly settled it; at least"
                f" {LEAST_LEFT_PERCENT} % are necessary.",
                _COLLECT,
            )


@dataclass(frozen=True, slots=True)
class UnscoredBounds:
    """How far people without an outcome could move the answer.

    Parameters
    ----------
    worse_by : float
        Points by which the unscored may be worse than similar people who were scored.
    low, high : float
        Ends of the interval when the unscored of either arm are between 0 and that much worse.
    tipping : float
        Points by which the unscored of the arm that matters most would have to differ for the
        interval to reach 0; missing where it holds 0 already, or everybody was scored.
    """

    worse_by: float
    low: float
    high: float
    tipping: float


def unscored_bounds(
    trials: Trials,
    history: Floats,
    low: float,
    high: float,
    sign: int,
) -> UnscoredBounds:
    """Bounds of an answer with this interval; `sign` is 1 where a higher score is worse."""
    on, off = (_share_unscored(trials, history, arm) for arm, _ in ARMS)
    seen = trials.outcome[trials.observed]
    worse_by = UNSCORED_WORSE_BY_SD * float(seen.std())
    # worse people who went on raise the difference on a scale where higher is worse
    up, down = (on, off) if sign > 0 else (off, on)
    holds_zero = low <= 0 <= high
    most = max(on, off)
    near = min(abs(low), abs(high))
    tipping = np.nan if holds_zero or most == 0 else near / most
    return UnscoredBounds(
        worse_by=worse_by,
        low=low - worse_by * down,
        high=high + worse_by * up,
        tipping=tipping,
    )


def _share_unscored(
    trials: Trials,
    history: Floats,
    arm: bool,
) -> float:
    """Share of all decisions that would have no outcome in one arm, at equal histories."""
    if trials.observed.all():
        return 0.0
    everybody = np.full(trials.n, arm)
    chance = _fitted(trials, history, everybody)
    return float(1 - chance.mean())


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
