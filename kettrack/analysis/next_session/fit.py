"""The difference one more session makes: least squares with a history that may change it, averaged
over who was eligible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.analysis.context import NORMAL
from kettrack.analysis.next_session.diagnostics import overlap, require_outcomes
from kettrack.analysis.next_session.points import HISTORY, SQUARES
from kettrack.analysis.next_session.trials import Trials
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.regression.least_squares import (
    ClusteredFit,
    fit_bias_reduced,
    fit_clustered,
)
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic
from kettrack.timelines.bucket import Array

FEWEST: Final = 30  # patients in each arm
LEAST_OVERLAP: Final = 50  # percent of the trials that could have gone either way
# missing outcomes for each column of the history that explains them
PER_COLUMN: Final = 10
# mean days of the outcome may differ between the arms, convention
DAYS_APART: Final = 3
ARMS: Final = ((True, "had another session"), (False, "had none"))


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its 95 % interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Fitted:
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

    def difference(self, chosen: Array | None = None) -> Interval:
        """Mean difference between the arms over the chosen trials, all by default.

        The interval counts patients, not trials, and the mean history of the chosen as estimated
        too.
        """
        rows = np.ones(len(self.modifiers), bool) if chosen is None else chosen
        part = self.modifiers[rows]
        before = 2 + self.history.shape[1]
        middle = part.mean(axis=0)
        slopes = self.fit.coefficients[before:]
        contrast = np.concatenate([[0.0, 1.0], np.zeros(before - 2), middle])
        estimate = float(contrast @ self.fit.coefficients)
        moves = np.bincount(self.trials.patient[rows], (part - middle) @ slopes) / len(
            part
        )
        error = float(
            np.sqrt(contrast @ self.fit.covariance @ contrast + moves @ moves)
        )
        return Interval(estimate, estimate - NORMAL * error, estimate + NORMAL * error)


def history_columns(trials: Trials) -> tuple[Floats, Floats]:
    """The history, and the part of it that may change the difference between the arms.

    Centred at the mean over the trials; a missing value takes that mean, and a column that does not
    vary goes. Squares bend the outcome, not the difference: where one arm is rare they would carry
    it far out of what was seen.
    """
    seen = ~np.isnan(trials.history)
    centred = np.where(seen, trials.history, 0.0)
    centred = np.where(
        seen, centred - centred.sum(axis=0) / np.maximum(seen.sum(axis=0), 1), 0.0
    )
    varies = np.ptp(centred, axis=0) > 0
    bends = np.isin(np.arange(len(varies)), [HISTORY.index(name) for name in SQUARES])
    return centred[:, varies], centred[:, varies & ~bends]


def observation_weights(trials: Trials, history: Floats) -> Floats:
    """1 / P(outcome observed | arm, history) for observed outcomes, 0 for missing ones.

    One column of the history for every ten missing outcomes, in the order of `HISTORY`: the last
    score comes first.
    """
    observed = trials.observed
    if observed.all():
        return np.ones(len(observed))
    columns = history[:, : (~observed).sum() // PER_COLUMN]
    x = np.column_stack([np.ones(len(observed)), trials.arm, columns])
    return np.where(observed, 1 / predict_logistic(x, fit_logistic(x, observed)), 0.0)


def probability_of_going_on(trials: Trials, history: Floats) -> Floats:
    """Fitted probability of the next session within the grace, given the history."""
    x = np.column_stack([np.ones(len(history)), history])
    return predict_logistic(x, fit_logistic(x, trials.arm))


def fit_trials(trials: Trials, extra: Floats | None = None) -> Fitted:
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
    require_outcomes(observed_shares(trials))
    require_same_time(trials)
    history, modifiers = history_columns(trials)
    going_on = probability_of_going_on(trials, history)
    require_overlap(overlap(going_on))
    weights = observation_weights(trials, history) * (1.0 if extra is None else extra)
    x = np.column_stack(
        [np.ones(len(history)), trials.arm, history, modifiers * trials.arm[:, None]]
    )
    fit = fit_bias_reduced(
        x, np.where(trials.observed, trials.outcome, 0.0), trials.patient, weights
    )
    return Fitted(trials, history, modifiers, fit, weights, going_on)


def overlap_weighted(fitted: Fitted) -> Interval:
    """Least squares without arm x history: an average that counts most where both decisions were
    usual.
    """
    trials = fitted.trials
    x = np.column_stack([np.ones(len(trials.arm)), trials.arm, fitted.history])
    fit = fit_bias_reduced(
        x,
        np.where(trials.observed, trials.outcome, 0.0),
        trials.patient,
        fitted.weights,
    )
    return _second(fit)


def crude(trials: Trials) -> Interval:
    """Difference in observed means between the arms, nothing held equal."""
    kept = trials.take(trials.observed)
    return _second(
        fit_clustered(
            np.column_stack([np.ones(len(kept.arm)), kept.arm]),
            kept.outcome,
            kept.patient,
        )
    )


def _second(fit: ClusteredFit) -> Interval:
    estimate = float(fit.coefficients[1])
    half = NORMAL * float(fit.error[1])
    return Interval(estimate, estimate - half, estimate + half)


def observed_shares(trials: Trials) -> dict[str, float]:
    """Percent of each arm with an outcome."""
    return {
        words: float(100 * trials.observed[trials.arm == arm].mean())
        for arm, words in ARMS
    }


def require_people(trials: Trials) -> None:
    """Stop with fewer than 30 patients in an arm."""
    people = {
        words: len(np.unique(trials.patient[trials.arm == arm])) for arm, words in ARMS
    }
    if min(people.values()) < FEWEST:
        said = " and ".join(f"{n} who {words}" for words, n in people.items())
        raise NotIdentified(
            f"at the decision points that can be used there are {said}; at least {FEWEST}"
            " patients of each are wanted.",
            "observed_to_day for each patient, a score before each session and after stopping,"
            " and more patients.",
        )


def require_same_time(trials: Trials) -> None:
    """Stop where one arm is scored days later than the other: time alone would then make a
    difference.
    """
    # each trial has its own window: its own grace is no delay
    late = trials.after - trials.grace + trials.grace.mean()
    on, off = (
        float(late[trials.observed & (trials.arm == arm)].mean()) for arm, _ in ARMS
    )
    if abs(on - off) > DAYS_APART:
        raise NotIdentified(
            f"the two are not scored at the same time: {on:.0f} days after the decision with a"
            f" session and {off:.0f} without.",
            "scores on the same days after the decision whether people come or not; leave"
            " recall_days at the instrument's own.",
        )


def require_overlap(share: float) -> None:
    """Stop where the history settles most decisions."""
    if share < LEAST_OVERLAP:
        raise NotIdentified(
            f"only {share:.0f} % of the decisions could have gone either way, going by the"
            " scores; nearly everyone with the same history did the same, so there is nobody to"
            " compare with.",
            "patients who were treated alike by plan and differed in when they stopped, or"
            " another clinic with other habits.",
        )
