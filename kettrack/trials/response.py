"""Response by session: the curve that keeps everybody in the denominator, and the plain one that
does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.analysis.response.response_curve import estimate
from kettrack.estimators.survival.competing_risks import (
    ExitCounts,
    count_competing_risks,
)
from kettrack.reading.cohort import Cohort
from kettrack.simulation.truth import Truth
from kettrack.timelines.derived import derive
from kettrack.trials.gate import Check, Gate, Truths, bias, coverage, off_by

READ_AT: Final = 6  # session at which the interval is judged
PLAIN_AT: Final = 8
LARGEST_BIAS: Final = 0.01
USUAL_GAP: Final = 7  # days between sessions in these scenarios
# too low where the well stop, too high where those who are not helped leave
PLAIN_OFF: Final = {"A": -0.03, "C": 0.06}


def count_together(cohort: Cohort, n: int) -> Iterator[ExitCounts]:
    """`kettrack.analysis.response.response_curve.count` of every n patients in a row, the exits
    being found for all at once.
    """
    exits = (
        first_course_exits(derive(cohort))
        .set_index("patient_id")
        .reindex(cohort.patients["patient_id"])
    )
    # one row per patient in their order, so that n patients are a slice
    step = exits["step"].fillna(-1).to_numpy(np.int64)
    cause = exits["cause"].fillna(0).to_numpy(np.int64)
    for begin in range(0, len(step), n):
        rows = slice(begin, begin + n)
        # those without a rated baseline are not among the exits
        counted = step[rows] >= 0
        yield count_competing_risks(
            step[rows][counted], cause[rows][counted], len(CAUSES)
        )


def measure_incidence(cohort: Cohort, n: int) -> list[dict[str, float]]:
    """Share who have responded by session 6, with its interval."""
    tables = (
        estimate(counts).set_index("session").reindex([READ_AT])
        for counts in count_together(cohort, n)
    )
    return [
        {
            name: float(table[name].iloc[0]) / 100
            for name in ("estimate", "ci_low", "ci_high")
        }
        for table in tables
    ]


def judge_incidence(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Unbiased, and its interval covers, against what happens in the clinic."""
    truth = truths[f"seen_response_by_{READ_AT}"]
    where = f"response by session {READ_AT}"
    return [
        bias(frame, "estimate", truth, LARGEST_BIAS, f"bias, {where}"),
        coverage(
            frame,
            ("ci_low", "ci_high"),
            truth,
            what=f"coverage of the 95 % interval, {where}",
        ),
    ]


def without_later_scores(cohort: Cohort) -> Cohort:
    """The cohort as if nobody were scored from the day on which the session after the last would
    have come.
    """
    # The day of the last session; a usual gap later the next one would have come.
    last = cohort.sessions.groupby("patient_id")["day"].max()
    in_care = cohort.scores["day"] < cohort.scores["patient_id"].map(last) + USUAL_GAP
    return replace(cohort, scores=cohort.scores[in_care].reset_index(drop=True))


def _plain(counts: ExitCounts) -> float:
    """Kaplan-Meier by session 8: whoever leaves without response is censored as if nothing were
    known of the reason.
    """
    # Column 0 is response; where nobody is at risk the hazard is 0.
    hazard = counts.events[:PLAIN_AT, 0] / np.maximum(counts.at_risk[:PLAIN_AT], 1)
    return float(1 - np.prod(1 - hazard))


def measure_plain_curve(cohort: Cohort, n: int) -> list[dict[str, float]]:
    """The plain curve on scores in care, and on all scores soon after the last session."""
    in_care, all_scores = (
        [_plain(counts) for counts in count_together(one, n)]
        for one in (without_later_scores(cohort), cohort)
    )
    return [
        {"in_care": one, "all_scores": other}
        for one, other in zip(in_care, all_scores, strict=True)
    ]


def judge_plain_curve(frame: pd.DataFrame, truths: Truths, least: float) -> list[Check]:
    """Biased, as predicted, against response if nobody had stopped; scores after stopping are more
    chances to be seen well.
    """
    truth: Truth = truths[f"response_by_{PLAIN_AT}"]
    what = (
        f"bias of the plain curve, response by session {PLAIN_AT} if nobody had stopped"
    )
    return [
        off_by(frame, "in_care", truth, least, what),
        bias(
            frame,
            "all_scores",
            truth,
            float("inf"),
            f"{what}, scores after the last session counted too",
        ),
    ]


GATES: Final = (
    *(
        Gate(
            name=f"response_by_session-{scenario}",
            question=(
                "Does the curve with everyone in the denominator find what happens in the clinic,"
                " and does its interval?"
            ),
            scenario=scenario,
            cohorts=2_000,
            first_seed=101,
            measure_together=measure_incidence,
            judge=judge_incidence,
        )
        for scenario in ("A", "E")
    ),
    *(
        Gate(
            name=f"plain_curve-{scenario}",
            question="How far is the curve off that censors whoever stops?",
            scenario=scenario,
            cohorts=200,
            first_seed=102,
            measure_together=measure_plain_curve,
            judge=partial(judge_plain_curve, least=least),
        )
        for scenario, least in PLAIN_OFF.items()
    ),
)
