"""The difference one more session makes: least squares with a history that may change it, averaged
over who was eligible; and the weights for missing outcomes and for scores taken while the decision
was still open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from kettrack.analysis.context import NORMAL_QUANTILE
from kettrack.analysis.next_session.decisions import HISTORY, SQUARES
from kettrack.analysis.next_session.diagnostics import (
    overlap,
)
from kettrack.analysis.next_session.trials import Trials
from kettrack.analysis.next_session.unscored import (
    ARMS,
    enough_scored_meanwhile,
    probability_scored,
    require_can_be_scored,
    require_even_weights,
    require_scored_meanwhile,
    require_scored_people,
    waiting_weights,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.regression.least_squares import (
    ClusteredFit,
    fit_bias_reduced,
    fit_clustered,
)
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic
from kettrack.timelines.bucket import Array
from kettrack.vocabulary.limits import (
    FEWEST_DECISIONS_IN_GROUP,
    FEWEST_PEOPLE_IN_ARM,
)

# Percent of the decisions that must be open: below it the answer is mostly extrapolation.
LEAST_OVERLAP_PERCENT: Final = 50
# SDs of the outcome that the interval may go to each side; kettrack's own convention.
WIDEST_INTERVAL: Final = 1.0
# The mean days of the outcome may differ so much between the arms; kettrack's own convention.
MOST_DAYS_APART: Final = 3
# Later sessions are rare, so they share a row; the last row has no end.
SESSION_GROUPS: Final = ((1, 1), (2, 2), (3, 3), (4, 6), (7, np.inf))


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


@dataclass(frozen=True)
class DecisionModels:
    """What is fitted without the outcome, when it is first asked for: fits of the same decisions
    share it.

    Parameters
    ----------
    trials : Trials
        Eligible trials; their outcome has no part in it.
    """

    trials: Trials

    @cached_property
    def columns(self) -> tuple[Floats, Floats]:
        """From `history_columns`."""
        return history_columns(self.trials)

    @cached_property
    def going_on(self) -> Floats:
        """Fitted probability of the next session within the grace, shape (trials,)."""
        return probability_of_going_on(self.trials, self.columns[0])

    @cached_property
    def waiting(self) -> Floats:
        """From `waiting_weights`, shape (trials,)."""
        return waiting_weights(self.trials, self.columns[0])


@dataclass(frozen=True, slots=True)
class OutcomeModel:
    """A model of the outcome in which the difference between the arms changes in a straight line
    with the history.

    Parameters
    ----------
    trials : Trials
        Every eligible trial, with or without an outcome.
    history : float64, shape (trials, columns)
        Centred at the mean over eligible trials; indicators of the session among them.
    modifiers : float64, shape (trials, some columns)
        The columns of it that may change the difference: all but the squares
        and single sessions.
    fit : ClusteredFit
        Of the outcome on a constant, the arm, the history and arm x modifiers.
    weights : float64, shape (trials,)
        1 / P(outcome observed); 0 where it is not.
    decisions : DecisionModels
        What was fitted without the outcome.
    """

    trials: Trials
    history: Floats
    modifiers: Floats
    fit: ClusteredFit
    weights: Floats
    decisions: DecisionModels

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


def session_indicators(trials: Trials) -> tuple[Floats, Floats]:
    """A column for each session number, and one for each group of `SESSION_GROUPS`, where both arms
    have outcomes enough; centred. The first has none: it is what the others differ from.

    Habits and what a session does change with its number in no straight line.
    """
    each = [(number, number) for number in np.unique(trials.session)]
    return (
        _indicators(trials, each),
        _indicators(trials, list(SESSION_GROUPS)),
    )


def _indicators(
    trials: Trials,
    ranges: list[tuple[float, float]],
) -> Floats:
    columns = [np.zeros((trials.n, 0))]
    seen = trials.observed
    for low, high in ranges[1:]:
        inside = (trials.session >= low) & (trials.session <= high)
        with_session = (inside & seen & trials.arm).sum()
        without = (inside & seen & ~trials.arm).sum()
        if min(with_session, without) >= FEWEST_DECISIONS_IN_GROUP:
            columns.append((inside - inside.mean())[:, None])
    return np.concatenate(columns, axis=1)


def probability_of_going_on(
    trials: Trials,
    history: Floats,
) -> Floats:
    """Fitted probability of the next session within the grace, given the history."""
    x = _with_constant(history)
    return predict_logistic(x, fit_logistic(x, trials.arm))


def fit_trials(
    trials: Trials,
    weighted_for_wait: bool = True,
    decisions: DecisionModels | None = None,
) -> OutcomeModel:
    """Fit the difference the next session makes.

    Parameters
    ----------
    trials : Trials
        Eligible trials.
    weighted_for_wait : bool
        Whether scores taken while the decision was open are weighted for, where there are enough.
    decisions : DecisionModels, optional
        From a fit of the same decisions with another outcome or without these weights.

    Raises
    ------
    NotIdentified
        Too few patients in an arm, with or without an outcome; people who can hardly be scored;
        outcomes at different times; decisions that the history nearly settles; an interval that
        tells nothing.
    """
    require_people(trials)
    require_scored_people(trials)
    require_same_time(trials)
    known = decisions or DecisionModels(trials)
    at_t0, linear = known.columns
    require_overlap(overlap(known.going_on))
    scored = probability_scored(trials, at_t0)
    require_can_be_scored(trials, scored)
    weights = np.where(trials.observed, 1 / scored, 0.0)
    # without such scores there is nothing to take out
    if weighted_for_wait and enough_scored_meanwhile(trials):
        weights = weights * known.waiting
        require_even_weights(trials, weights)
    each, groups = session_indicators(trials)
    history = np.column_stack([at_t0, each, groups])
    modifiers = np.column_stack([linear, groups])
    model = OutcomeModel(
        trials=trials,
        history=history,
        modifiers=modifiers,
        fit=_fit(trials, history, modifiers, weights),
        weights=weights,
        decisions=known,
    )
    require_telling_interval(model)
    return model


def _fit(
    trials: Trials,
    history: Floats,
    modifiers: Floats,
    weights: Floats,
) -> ClusteredFit:
    """The outcome on a constant, the arm, the history and arm x modifiers."""
    by_arm = modifiers * trials.arm[:, None]
    x = _with_constant(trials.arm, history, by_arm)
    outcome = _outcome_or_zero(trials)
    return fit_bias_reduced(x, outcome, trials.patient, weights)


def fitted_to(
    model: OutcomeModel,
    outcome: Floats,
) -> OutcomeModel:
    """The same model, weights among it, of another outcome that is seen where the first one is."""
    trials = model.trials.with_outcome(outcome)
    fit = _fit(trials, model.history, model.modifiers, model.weights)
    return replace(model, fit=fit)


def fitted_again(
    model: OutcomeModel,
    weighted_for_wait: bool,
    trials: Trials,
) -> Interval:
    """The answer from the decisions of a model in another way, or with another outcome."""
    again = fit_trials(
        trials,
        weighted_for_wait,
        model.decisions,
    )
    return again.difference()


def fitted_with_weights(
    model: OutcomeModel,
    trials: Trials,
) -> Interval:
    """The same with the weights for scores while the decision was open, or refused without them."""
    require_scored_meanwhile(trials)
    return fitted_again(model, True, trials)


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


def require_telling_interval(model: OutcomeModel) -> None:
    """Stop where the interval reaches further to both sides than people differ from each other."""
    found = model.difference()
    half = (found.high - found.low) / 2
    spread = float(model.trials.outcome[model.trials.observed].std())
    # everybody scored the same: there is nothing to compare with
    if spread > 0 and half > WIDEST_INTERVAL * spread:
        raise NotIdentified(
            f"the interval would go {half:.1f} points to each side, and the outcome itself varies"
            f" by {spread:.1f} points (SD). Such an answer tells nothing.",
            "scores of more people at the time of the outcome, and more people.",
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
