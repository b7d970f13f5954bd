"""Beside "stop after k": a rule that ends the sessions, usual care afterwards, and final scores
that are missing, on trial.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.stop_after.checks import in_time
from kettrack.analysis.stop_after.comparisons import weigh_arms
from kettrack.analysis.stop_after.rows import stop_data
from kettrack.analysis.stop_after.weights import Pair, contrasts, replicate_contrasts
from kettrack.estimators.intervals import percentile_interval
from kettrack.reading.cohort import Cohort
from kettrack.simulation.truth import FEW, MANY
from kettrack.timelines.derived import derive
from kettrack.trials.gate import Check, Gate, Truths
from kettrack.trials.judging import bias, coverage, share
from kettrack.trials.next_session import with_stoppers_lost
from kettrack.trials.stop_after import LARGEST_BIAS, LEAST_COVERAGE, NO_RECALL, PATIENTS

VARIANT_REPLICATES: Final = 200
FAMILY: Final = {
    "dynamic": ("dynamic", "dynamic"),
    "other_rule": ("other", "other"),
    "stop_after": ("static", "smooth"),
}


def measure_row(
    cohort: Cohort, key: str, replicates: int = VARIANT_REPLICATES, seed: int = 1
) -> dict[str, float]:
    """One row of the table, by its `key`, whether it would be shown or not.

    Returns
    -------
    dict of str to float
        Points: `estimate` `ci_low` `ci_high`; `refused` (1 where it would not be shown).
    """
    data = stop_data(derive(cohort))
    pair = Pair(MANY, FEW, False, max(in_time(data, NO_RECALL)))
    family, name = FAMILY[key]
    drawn = replicate_contrasts(data, pair, (replicates, seed), (family,))[name]
    low, high = map(float, percentile_interval(drawn, LEVEL))
    refused = weigh_arms(data, pair).refusals[key] is not None
    estimate = float(contrasts(data, pair, None, (family,))[name])
    return {
        "estimate": estimate,
        "ci_low": low,
        "ci_high": high,
        "refused": float(refused),
    }


def judge_row(
    frame: pd.DataFrame, truths: Truths, truth: str, gated: bool = True
) -> list[Check]:
    """Bias, coverage and how often it is refused; only reported where it is experimental or nobody
    makes the other choice.
    """
    anything = float("inf")
    limits = (LARGEST_BIAS, LEAST_COVERAGE) if gated else (anything, -anything)
    return [
        bias(frame, "estimate", truths[truth], limits[0], f"bias, {MANY} minus {FEW}"),
        coverage(frame, ("ci_low", "ci_high"), truths[truth], limits[1], anything),
        share(frame, "refused", -anything, anything, what="share of cohorts refused"),
    ]


def _gate(
    name: str, scenario: str, key: str, truth: str, gated: bool = True
) -> partial[Gate]:
    return partial(
        Gate,
        name=f"{name}-{scenario}",
        scenario=scenario,
        n=PATIENTS,
        cohorts=100,
        fast_cohorts=0,
        first_seed=125,
        measure=partial(measure_row, key=key),
        judge=partial(judge_row, truth=truth, gated=gated),
    )


GATES: Final = (
    *(
        _gate("at_most", scenario, "dynamic", f"at_most_{MANY}_minus_{FEW}", gated)(
            question=(
                "Is a rule that ends the sessions once two scores show remission judged rightly?"
            )
        )
        for scenario, gated in (("E", True), ("A", False))
    ),
    # Experimental: what follows a stop makes a curve over the number of sessions that no quadratic
    # follows.
    _gate(
        "usual_care",
        "returns",
        "other_rule",
        f"usual_care_{MANY}_minus_{FEW}",
        gated=False,
    )(
        question="Is stopping judged rightly where the clinic may take people back later?"
    ),
    _gate(
        "no_sessions_later", "returns", "stop_after", f"stop_after_{MANY}_minus_{FEW}"
    )(
        question="Is stopping for good judged rightly where half of those who relapse come back?"
    ),
    _gate("stop_after_missing", "E", "stop_after", f"stop_after_{MANY}_minus_{FEW}")(
        question="Does it hold when some who stop are never scored again, by their last score?",
        prepare=with_stoppers_lost,
    ),
)
