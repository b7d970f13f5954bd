"""How long a response lasts, scored weekly: the share that holds it eight weeks on, its bounds
where the sicker fall silent, and the median session of response.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.durability.counts import (
    Watched,
    count_exits,
    exits,
    settle,
    watch,
)
from kettrack.analysis.response.response_curve import estimate
from kettrack.estimators.survival.life_table import estimate_survival
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import derive
from kettrack.trials.gate import Check, Gate, Truths, bias, coverage, off_by
from kettrack.trials.response import count_together

# Eight weeks, the day for which the scenario knows the truth.
DAY: Final = 56
LARGEST_BIAS: Final = 0.01
# a median session is a whole number: its interval covers too much, never too little
LEAST_COVERAGE: Final = 0.93
# The sicker fall silent: at a score of so many points the next answer is the last one with half of
# the largest chance, and the chance rises this fast with the points.
SILENT_AT: Final = 12
SILENT_SLOPE: Final = 1.5
MOST_SILENT: Final = 0.6
SILENCE_SEED: Final = 303
# taking the silent for people like the others is wrong by at least this much
LEAST_SILENT_BIAS: Final = 0.04


def measure_durability(cohort: Cohort, n: int) -> list[dict[str, float]]:
    """Share that still holds the response on day 56 after the planned course, sessions ignored,
    with its interval.
    """
    found = []
    # The first is under the rule in force; the one by a single score is not asked here.
    for watched in watch(derive(cohort), "end_of_course")[:1]:
        # In the order of all patients, so that every n of them are one cohort.
        left = exits(watched, "treatment_policy").reindex(cohort.patients["patient_id"])
        for begin in range(0, len(left), n):
            # A missing exit is somebody who did not respond and is not watched.
            part = left.iloc[begin : begin + n].dropna().astype(np.int64)
            curve = estimate_survival(count_exits(part, "treatment_policy"))
            # A curve that ends earlier stays where it is.
            place = min(DAY, len(curve.estimate) - 1)
            values = (curve.estimate, curve.ci_low, curve.ci_high)
            found.append(
                {
                    name: float(value[place])
                    for name, value in zip(
                        ("estimate", "low", "high"), values, strict=True
                    )
                }
            )
    return found


def judge_durability(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Unbiased, and its interval covers."""
    truth = truths[f"durability_{DAY}"]
    where = f"response held on day {DAY}"
    return [
        bias(frame, "estimate", truth, LARGEST_BIAS, f"bias, {where}"),
        coverage(
            frame,
            ("low", "high"),
            truth,
            what=f"coverage of the 95 % interval, {where}",
        ),
    ]


def fall_silent(cohort: Cohort) -> Cohort:
    """The same cohort in which people are never scored again from some score after the course on,
    the sooner the higher it is.
    """
    scores = cohort.scores
    last_session = cohort.sessions.groupby("patient_id")["day"].max()
    after = scores["patient_id"].map(last_session) + cohort.criteria.late_after_days
    # the score itself is the first that is not taken: nobody answers that they are ill
    points = (scores["score"].to_numpy(float) - SILENT_AT) / SILENT_SLOPE
    chance = MOST_SILENT / (1 + np.exp(-points))
    drawn = np.random.default_rng(SILENCE_SEED).random(len(scores)) < chance
    falls = drawn & (scores["day"] > after).to_numpy(bool)
    first = scores[falls].groupby("patient_id")["day"].min()
    silent_from = scores["patient_id"].map(first)
    kept = ~(scores["day"] >= silent_from).fillna(False).to_numpy(bool)
    return replace(cohort, scores=scores[kept].reset_index(drop=True))


def measure_silent(cohort: Cohort, n: int) -> list[dict[str, float]]:
    """Share that holds the response on day 56 where the sicker fall silent: taken to be like the
    others, and all of them lost or none.
    """
    silent = fall_silent(cohort)
    watched = watch(derive(silent), "end_of_course")[0]
    shares = {
        "estimate": _held_by(watched, silent, n),
        "low": _held_by(settle(watched, "lost", silent=True), silent, n),
        "high": _held_by(settle(watched, "held", silent=True), silent, n),
    }
    return pd.DataFrame(shares).to_dict("records")  # type: ignore[return-value]


def _held_by(watched: Watched, cohort: Cohort, n: int) -> list[float]:
    """Share that holds the response on day 56 in every n people."""
    left = exits(watched, "treatment_policy").reindex(cohort.patients["patient_id"])
    parts = [left.iloc[begin : begin + n] for begin in range(0, len(left), n)]
    curves = [
        estimate_survival(
            count_exits(part.dropna().astype(np.int64), "treatment_policy")
        ).estimate
        for part in parts
    ]
    return [float(curve[min(DAY, len(curve) - 1)]) for curve in curves]


def judge_silent(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """The bounds hold the truth, which the curve misses that takes the silent to be like the
    others.
    """
    truth = truths[f"durability_{DAY}"]
    where = f"response held on day {DAY}"
    return [
        off_by(
            frame,
            "estimate",
            truth,
            LEAST_SILENT_BIAS,
            f"bias with the silent taken to be like the others, {where}",
        ),
        coverage(
            frame,
            ("low", "high"),
            truth,
            high=1.0,
            what=f"bounds for the silent hold the truth, {where}",
        ),
    ]


def measure_median(cohort: Cohort, n: int) -> list[dict[str, float]]:
    """First session by which half have responded, and its interval; infinite where it is not
    reached.
    """
    return [_median(estimate(counts)) for counts in count_together(cohort, n)]


def _median(table: pd.DataFrame) -> dict[str, float]:
    last = table.iloc[-1]
    low, high = (float(last[name]) for name in ("half_by_low", "half_by_high"))
    # a median that is not reached lies beyond every session, so that comparisons hold
    return {
        "low": np.inf if np.isnan(low) else low,
        "high": np.inf if np.isnan(high) else high,
    }


def judge_median(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """The interval holds the session by which half respond in the clinic."""
    sessions = sorted(
        int(name.rpartition("_")[2])
        for name in truths
        if name.startswith("seen_response_by_")
    )
    # The truth is a whole number of sessions, read from the shares by session.
    true = next(
        (s for s in sessions if truths[f"seen_response_by_{s}"].value >= 0.5), np.inf
    )
    held = ((frame["low"] <= true) & (true <= frame["high"])).astype(float)
    what = f"coverage of the 95 % interval of the median session, which is {true:g}"
    error = float(np.sqrt(LEAST_COVERAGE * (1 - LEAST_COVERAGE) / len(frame)))
    return [
        Check(what=what, found=float(held.mean()), mc_error=error, low=LEAST_COVERAGE)
    ]


GATES: Final = (
    Gate(
        name="durability",
        question=(
            "Is the share that still holds its response eight weeks after the planned course"
            " found, scored weekly?"
        ),
        scenario="durability",
        cohorts=2_000,
        first_seed=301,
        measure_together=measure_durability,
        judge=judge_durability,
    ),
    Gate(
        name="durability_silent",
        question=(
            "Where the sicker fall silent after the course, do the bounds hold the share that still"
            " responds eight weeks on?"
        ),
        scenario="durability",
        cohorts=2_000,
        first_seed=304,
        measure_together=measure_silent,
        judge=judge_silent,
    ),
    *(
        Gate(
            name=f"median_session-{scenario}",
            question="Does the interval of the median number of sessions hold the true one?",
            scenario=scenario,
            cohorts=2_000,
            first_seed=302,
            measure_together=measure_median,
            judge=judge_median,
        )
        for scenario in ("A", "D")
    ),
)
