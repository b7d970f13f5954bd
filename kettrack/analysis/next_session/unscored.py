"""Decisions without an outcome: who stands for them, whether anybody can, and how far they could
move the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.analysis.next_session.decisions import HISTORY
from kettrack.analysis.next_session.trials import Trials
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.weights import describe_weights
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic
from kettrack.timelines.bucket import Array
from kettrack.vocabulary.limits import (
    FEWEST_EFFECTIVE_OUTCOMES,
    FEWEST_MISSING_PER_COLUMN,
    FEWEST_PEOPLE_IN_ARM,
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
