"""Stopping after eight sessions against stopping after three, on trial: what it finds where the
truth is known, and when it refuses.

Beside it: a rule that ends the sessions, usual care afterwards, and final scores that are missing.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.stop_after.checks import comparable, in_time
from kettrack.analysis.stop_after.comparisons import weigh_arms
from kettrack.analysis.stop_after.rows import stop_data
from kettrack.analysis.stop_after.weights import Pair, contrasts, replicate_contrasts
from kettrack.estimators.intervals import percentile_interval
from kettrack.reading.cohort import Cohort
from kettrack.simulation.truth import FEW, MANY
from kettrack.timelines.derived import derive
from kettrack.trials.gate import Check, Gate, Truths, bias, coverage, share
from kettrack.trials.next_session import with_stoppers_lost

TRUTH: Final = f"stop_after_{MANY}_minus_{FEW}"
LARGEST_BIAS: Final = 0.15
# Points by which the strict means may differ from the smooth contrast on average.
STRICT_WITHIN: Final = 0.5
LEAST_COVERAGE: Final = 0.93
PATIENTS: Final = 1_000
NO_RECALL: Final = 0  # days a score looks back in these scenarios
VARIANT_REPLICATES: Final = 200
# Key of a row of the table to its family of arms, and to the contrast within it.
FAMILY: Final = {
    "dynamic": ("dynamic", "dynamic"),
    "other_rule": ("other", "other"),
    "stop_after": ("static", "smooth"),
}


def measure_stop_after(
    cohort: Cohort, replicates: int = 0, seed: int = 1
) -> dict[str, float]:
    """The contrast by the smooth model and by strict means, whether it would be shown or not.

    A gate on the mean of many cohorts needs a number from each, also where the estimate itself is
    refused.

    Parameters
    ----------
    cohort : Cohort
        From a simulated clinic.
    replicates, seed : int
        Of the patient bootstrap; 0 = no interval.

    Returns
    -------
    dict of str to float
        Points: `estimate` `strict` `ci_low` `ci_high`; `refused` (1 where the estimate would not be
        shown).
    """
    data = stop_data(derive(cohort))
    pair = Pair(MANY, FEW, False, max(in_time(data, NO_RECALL)))
    arms = weigh_arms(data, pair)
    allowed = comparable(data, arms.following["stop_after"], NO_RECALL)
    refused = arms.refusals["stop_after"] is not None or not {MANY, FEW} <= set(allowed)
    found = {
        name: float(value)
        for name, value in contrasts(data, pair, None, ("static",)).items()
    }
    low = high = float("nan")
    if replicates:
        drawn = replicate_contrasts(data, pair, (replicates, seed), ("static",))
        low, high = map(float, percentile_interval(drawn["smooth"], LEVEL))
    return {
        "estimate": found["smooth"],
        "strict": found["strict"],
        "ci_low": low,
        "ci_high": high,
        "refused": float(refused),
    }


def judge_random_stopping(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Unbiased where chance decides who stops, strict means near the smooth ones, and hardly ever
    refused.
    """
    # Both in the same cohorts, so chance that they share drops out.
    apart = frame["strict"] - frame["estimate"]
    return [
        bias(
            frame,
            "estimate",
            truths[TRUTH],
            LARGEST_BIAS,
            f"bias, stop after {MANY} minus stop after {FEW}",
        ),
        Check(
            what="strict means less the smooth contrast",
            found=float(apart.mean()),
            mc_error=float(apart.std() / len(apart) ** 0.5),
            low=-STRICT_WITHIN,
            high=STRICT_WITHIN,
        ),
        share(frame, "refused", high=0.05, what="share of cohorts refused"),
    ]


def judge_contrast_interval(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """The bootstrap interval, all models fitted anew in every replicate, covers."""
    return [coverage(frame, ("ci_low", "ci_high"), truths[TRUTH], LEAST_COVERAGE, 1.0)]


def judge_reported(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Stopping driven by the score: too few people make the other choice, and even a correct
    estimator falls short.
    """
    what = f"stop after {MANY} minus stop after {FEW}"
    checks = [
        bias(frame, "estimate", truths[TRUTH], float("inf"), f"bias, {what}"),
        coverage(
            frame, ("ci_low", "ci_high"), truths[TRUTH], float("-inf"), float("inf")
        ),
        share(
            frame,
            "refused",
            float("-inf"),
            float("inf"),
            what="share of cohorts refused",
        ),
    ]
    shown = frame[frame["refused"] == 0]
    if len(shown) > 1:
        checks.append(
            bias(
                shown,
                "estimate",
                truths[TRUTH],
                float("inf"),
                f"bias where not refused, {what}",
            )
        )
    return checks


def judge_refusal(frame: pd.DataFrame, truths: Truths, least: float) -> list[Check]:
    """Refused, where the data cannot carry it."""
    return [share(frame, "refused", least, 1.0, what="share of cohorts refused")]


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
    # Infinite limits pass whatever is found: the number is only reported.
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
    Gate(
        name="stop_after-E",
        question=(
            "Is the contrast of two strategies unbiased where chance decides who stops, and is it"
            " shown?"
        ),
        scenario="E",
        n=PATIENTS,
        cohorts=40,
        first_seed=121,
        measure=measure_stop_after,
        judge=judge_random_stopping,
    ),
    Gate(
        name="stop_after_interval-E",
        question="Does the interval of the contrast cover where chance decides who stops?",
        scenario="E",
        n=PATIENTS,
        cohorts=500,
        fast_cohorts=4,
        first_seed=122,
        measure=partial(measure_stop_after, replicates=500),
        judge=judge_contrast_interval,
    ),
    *(
        Gate(
            name=f"stop_after_reported-{scenario}",
            question=(
                "How far is the contrast off where the score drives who stops, and how often is"
                " it refused?"
            ),
            scenario=scenario,
            n=PATIENTS,
            cohorts=40,
            fast_cohorts=2,
            first_seed=123,
            measure=partial(measure_stop_after, replicates=500),
            judge=judge_reported,
        )
        for scenario in ("A", "D")
    ),
    *(
        Gate(
            name=f"stop_after_refused-{scenario}",
            question="Is the contrast refused where the data cannot carry it?",
            scenario=scenario,
            n=PATIENTS,
            cohorts=100,
            fast_cohorts=4,
            first_seed=124,
            measure=measure_stop_after,
            judge=partial(judge_refusal, least=least),
        )
        for scenario, least in (("I", 0.95), ("silent", 1.0))
    ),
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
