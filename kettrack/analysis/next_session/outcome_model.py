"""The difference one more session makes: least squares with a history that may change it, averaged
over who was eligible; and the weights for missing outcomes and for scores taken while the decision
was still open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.analysis.context import NORMAL_QUANTILE
from kettrack.analysis.next_session.diagnostics import (
    overlap,
    require_outcomes_in_both_arms,
)
from kettrack.analysis.next_session.trials import HISTORY, SQUARES, Trials
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.weights import observed_probability
from kettrack.estimators.regression.least_squares import (
    ClusteredFit,
    fit_bias_reduced,
    fit_clustered,
)
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic
from kettrack.timelines.bucket import Array
from kettrack.vocabulary.limits import (
    FEWEST_MISSING_PER_COLUMN,
    FEWEST_PEOPLE_IN_ARM,
    FEWEST_SCORED_MEANWHILE,
)

# Percent of the decisions that must be open: below it the answer is mostly extrapolation.
LEAST_OVERLAP_PERCENT: Final = 50
# The mean days of the outcome may differ so much between the arms; kettrack's own convention.
MOST_DAYS_APART: Final = 3
ARMS: Final = ((True, "had another session"), (False, "had none"))


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its 95 % interval."""

    estimate: float
    low: float
    high: float

    @classmethod
    def from_error(
        cls,
        estimate: float,
        error: float,
    ) -> Interval:
        """From a standard error, by the normal distribution."""
        half = NORMAL_QUANTILE * error
        return cls(estimate, estimate - half, estimate + half)


@dataclass(frozen=True, slots=True)
class OutcomeModel:
    """A model of the outcome in which the difference between the arms changes in a straight line
    with the history.

    Parameters
    ----------
    trials : Trials
        Every eligible trial, with or without an outcome.
    history : float64, shape (trials, columns)
        Centred at the mean over eligible trials.
    modifiers : float64, shape (trials, some columns)
        The columns of it that may change the difference: all but the squares.
    fit : ClusteredFit
        Of the outcome on a constant, the arm, the history and arm x modifiers.
    weights : float64, shape (trials,)
        1 / P(outcome observed); 0 where it is not.
    going_on : float64, shape (trials,)
        Fitted probability of the next session within the grace.
    """

    trials: Trials
    history: Floats
    modifiers: Floats
    fit: ClusteredFit
    weights: Floats
    going_on: Floats

    def difference(
        self,
        chosen: Array | None = None,
    ) -> Interval:
        """Mean difference between the arms over the chosen trials, all by default.

        The interval counts patients, not trials, and the mean history of the chosen as estimated
        too.
        """
        if chosen is None:
            chosen = np.ones(self.trials.n, bool)
        part = self.modifiers[chosen]
        patient = self.trials.patient[chosen]
        middle = part.mean(axis=0)
        # coefficients: constant, arm, history, arm x modifiers
        n_history = self.history.shape[1]
        arm_alone = np.zeros(2 + n_history)
        arm_alone[1] = 1
        contrast = np.append(arm_alone, middle)
        estimate = float(contrast @ self.fit.coefficients)
        slopes = self.fit.coefficients[2 + n_history :]
        # what each patient adds to the error of the mean history
        deviations = (part - middle) @ slopes
        moves = np.bincount(patient, deviations) / len(part)
        of_coefficients = contrast @ self.fit.covariance @ contrast
        of_mean_history = moves @ moves
        error = float(np.sqrt(of_coefficients + of_mean_history))
        return Interval.from_error(estimate, error)


def history_columns(trials: Trials) -> tuple[Floats, Floats]:
    """The history, and the part of it that may change the difference between the arms.

    Centred at the mean over the trials; a missing value takes that mean, and a column that does not
    vary goes. Squares bend the outcome, not the difference: where one arm is rare they would carry
    it far out of what was seen.
    """
    seen = ~np.isnan(trials.history)
    values = np.where(seen, trials.history, 0.0)
    # a column that nobody has counts as one value, so that its mean is 0 and not missing
    n_seen = seen.sum(axis=0)
    mean = values.sum(axis=0) / np.maximum(n_seen, 1)
    centred = np.where(seen, values - mean, 0.0)
    varies = np.ptp(centred, axis=0) > 0
    # what a question adds to `HISTORY` comes after it and is no square
    is_square = np.zeros(len(varies), bool)
    for name in SQUARES:
        is_square[HISTORY.index(name)] = True
    history = centred[:, varies]
    modifiers = centred[:, varies & ~is_square]
    return history, modifiers


def _with_constant(*columns: Array) -> Floats:
    """A column of ones, then these columns."""
    ones = np.ones(len(columns[0]))
    return np.column_stack([ones, *columns])


def observation_weights(
    trials: Trials,
    history: Floats,
) -> Floats:
    """1 / P(outcome observed | arm, history) for observed outcomes, 0 for missing ones.

    One column of the history for every `FEWEST_MISSING_PER_COLUMN` missing outcomes, in the order
    of `HISTORY`: the last score comes first.
    """
    observed = trials.observed
    if observed.all():
        return np.ones(trials.n)
    missing = int((~observed).sum())
    columns = history[:, : missing // FEWEST_MISSING_PER_COLUMN]
    x = _with_constant(trials.arm, columns)
    probability = predict_logistic(x, fit_logistic(x, observed))
    return np.where(observed, 1 / probability, 0.0)


def probability_of_going_on(
    trials: Trials,
    history: Floats,
) -> Floats:
    """Fitted probability of the next session within the grace, given the history."""
    x = _with_constant(history)
    return predict_logistic(x, fit_logistic(x, trials.arm))


def fit_trials(
    trials: Trials,
    extra: Floats | None = None,
) -> OutcomeModel:
    """Fit the difference the next session makes.

    Parameters
    ----------
    trials : Trials
        Eligible trials.
    extra : float64, shape (trials,), optional
        Further weights.

    Raises
    ------
    NotIdentified
        Too few patients in an arm, too few outcomes, outcomes at different times, or decisions that
        the history nearly settles.
    """
    require_people(trials)
    require_outcomes_in_both_arms(observed_shares(trials))
    require_same_time(trials)
    history, modifiers = history_columns(trials)
    going_on = probability_of_going_on(trials, history)
    require_overlap(overlap(going_on))
    weights = observation_weights(trials, history)
    if extra is not None:
        weights = weights * extra
    by_arm = modifiers * trials.arm[:, None]
    x = _with_constant(trials.arm, history, by_arm)
    outcome = _outcome_or_zero(trials)
    fit = fit_bias_reduced(x, outcome, trials.patient, weights)
    return OutcomeModel(
        trials=trials,
        history=history,
        modifiers=modifiers,
        fit=fit,
        weights=weights,
        going_on=going_on,
    )


def _outcome_or_zero(trials: Trials) -> Floats:
    """The outcome, 0 where it is missing: those have weight 0, and 0 x missing would be missing."""
    return np.where(trials.observed, trials.outcome, 0.0)


def overlap_weighted_difference(model: OutcomeModel) -> Interval:
    """Least squares without arm x history: an average that counts most where both decisions were
    usual.
    """
    trials = model.trials
    x = _with_constant(trials.arm, model.history)
    outcome = _outcome_or_zero(trials)
    fit = fit_bias_reduced(x, outcome, trials.patient, model.weights)
    return _arm_coefficient(fit)


def crude_difference(trials: Trials) -> Interval:
    """Difference in observed means between the arms, nothing held equal."""
    seen = trials.take(trials.observed)
    x = _with_constant(seen.arm)
    fit = fit_clustered(x, seen.outcome, seen.patient)
    return _arm_coefficient(fit)


def _arm_coefficient(fit: ClusteredFit) -> Interval:
    """Coefficient of the arm, the column after the constant."""
    estimate = float(fit.coefficients[1])
    error = float(fit.error[1])
    return Interval.from_error(estimate, error)


def observed_shares(trials: Trials) -> dict[str, float]:
    """Percent of each arm with an outcome."""
    shares = {}
    for arm, words in ARMS:
        observed = trials.in_arm(arm).observed
        shares[words] = float(100 * observed.mean())
    return shares


def require_people(trials: Trials) -> None:
    """Stop with fewer than `FEWEST_PEOPLE_IN_ARM` patients in an arm."""
    people = {words: trials.in_arm(arm).n_people for arm, words in ARMS}
    if min(people.values()) < FEWEST_PEOPLE_IN_ARM:
        counts = " and ".join(
            f"{n} patients who {words}" for words, n in people.items()
        )
        raise NotIdentified(
            f"the decisions that can be used are those of {counts}. At least"
            f" {FEWEST_PEOPLE_IN_ARM} patients of each kind are necessary.",
            "observed_to_day for each patient, a score before each session and after stopping,"
            " and more patients.",
        )


def require_same_time(trials: Trials) -> None:
    """Stop where one arm is scored days later than the other: time alone would then make a
    difference.
    """
    # each trial has its own window: its own grace is no delay
    late = trials.after - trials.grace + trials.grace.mean()
    seen = trials.observed
    on = float(late[seen & trials.arm].mean())
    off = float(late[seen & ~trials.arm].mean())
    if abs(on - off) > MOST_DAYS_APART:
        raise NotIdentified(
            f"the two groups are not scored at the same time: people with another session {on:.0f}"
            f" days after the decision, people without one {off:.0f} days after it. At most"
            f" {MOST_DAYS_APART} days apart are accepted.",
            "scores on the same days after the decision whether people come or not; leave"
            " recall_days at the instrument's own.",
        )


def require_overlap(share: float) -> None:
    """Stop where the history settles most decisions."""
    if share < LEAST_OVERLAP_PERCENT:
        raise NotIdentified(
            f"only {share:.0f} % of the decisions could have gone either way, judged by the scores;"
            f" at least {LEAST_OVERLAP_PERCENT} % are necessary. Nearly everyone with the same"
            " history decided the same, so there is nobody to compare with.",
            "patients who were treated alike by plan and differed in when they stopped, or"
            " another clinic with other habits.",
        )


def scored_before_arm_is_known(trials: Trials) -> Array:
    """Trials with a score after t0 and before the day that settled the arm."""
    every = np.arange(trials.n)
    # column d of `since` is known the day before day d + 1
    last_known = trials.since[every, trials.settled - 1]
    return ~np.isnan(last_known)


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
    scored = int(scored_before_arm_is_known(trials).sum())
    if scored < FEWEST_SCORED_MEANWHILE:
        raise NotIdentified(
            f"only {scored} decisions had a score between the session and the day on which it was"
            f" known whether the next one came; at least {FEWEST_SCORED_MEANWHILE} are necessary.",
            "scores between sessions, if they have a part in the decision to come.",
        )
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
    with_scores = np.column_stack([at_t0, known, change_or_zero])
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
