"""Ways round the plain estimate of one more session, on trial: scores that steer while it is open,
and visits on any day.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import pandas as pd

from kettrack.analysis.next_session.clones import steering_weights
from kettrack.analysis.next_session.fit import fit_trials
from kettrack.analysis.next_session.trials import Trials
from kettrack.errors import NotIdentified
from kettrack.reading.cohort import Cohort
from kettrack.trials.gate import Check, Gate, Truths
from kettrack.trials.judging import bias, coverage
from kettrack.trials.next_session import NOTHING, measure_difference, trials_by_cohort

# truths
AT_ONCE = "going_on_from_day_7"
AFTER_RECALL = "going_on_from_day_21"
RECALL: Final = 14  # days
IRREGULAR_BIAS: Final = 0.09
STEERED_BIAS: Final = 0.15


def measure_steered(cohort: Cohort, n: int) -> list[dict[str, float]]:
    """Weighted for what scores decided while it was open (`estimate` and its ends), and the plain
    estimate beside it.
    """
    return [_steered(trials) for trials in trials_by_cohort(cohort, n)]


def _steered(trials: Trials) -> dict[str, float]:
    try:
        fitted = fit_trials(trials)
        plain = fitted.difference()
        found = fit_trials(
            trials, steering_weights(trials, fitted.history)
        ).difference()
    except NotIdentified:
        return NOTHING
    return {
        "estimate": found.estimate,
        "ci_low": found.low,
        "ci_high": found.high,
        "plain": plain.estimate,
    }


def judge_steered(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Weighting takes out most of what steering does to the plain estimate; its interval is
    reported.
    """
    truth = truths[AT_ONCE]
    anything = float("inf")
    return [
        bias(
            frame,
            "estimate",
            truth,
            STEERED_BIAS,
            "bias, weighted for scores while it was open",
        ),
        coverage(frame, ("ci_low", "ci_high"), truth, -anything, anything),
        bias(frame, "plain", truth, anything, "bias of the plain estimate"),
    ]


def judge_irregular(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Visits 3 to 21 days apart are no reason for bias."""
    return [
        bias(
            frame,
            "estimate",
            truths[AFTER_RECALL],
            IRREGULAR_BIAS,
            "bias, visits 3 to 21 days apart",
        ),
        coverage(frame, ("ci_low", "ci_high"), truths[AFTER_RECALL]),
    ]


_steered_gate: Final = partial(
    Gate,
    question=(
        "Do scores that call the next session off while it is open do no harm, once weighted for?"
    ),
    cohorts=500,
    first_seed=206,
    measure_together=measure_steered,
    judge=judge_steered,
)
GATES: Final = (
    _steered_gate(name="next_session_clones-steered", scenario="steered"),
    _steered_gate(
        name="next_session_clones-steered-null", scenario="steered-null", fast_cohorts=0
    ),
    Gate(
        name="next_session_irregular-irregular",
        question=(
            "Does it find what one decision forced would have shown, where visits come on any"
            " day?"
        ),
        scenario="irregular",
        n=1_500,
        cohorts=100,
        fast_cohorts=0,
        first_seed=207,
        measure_together=partial(measure_difference, recall=RECALL),
        judge=judge_irregular,
    ),
)
