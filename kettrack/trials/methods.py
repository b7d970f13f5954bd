"""Every method in every weekly scenario, side by side: the table that shows which ones find the
truth, and which never could.

Nothing is judged here, all is reported; the gates of the other modules judge. A method is made to
answer also where it would refuse, since the table is about the methods.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.next_session.decisions import decision_points
from kettrack.analysis.next_session.outcome_model import (
    crude_difference,
    fit_trials,
    overlap_weighted_difference,
)
from kettrack.analysis.next_session.trials import find_trials
from kettrack.analysis.response.response_curve import count, estimate
from kettrack.analysis.stop_after.checks import in_time
from kettrack.analysis.stop_after.comparisons import weigh_arms
from kettrack.analysis.stop_after.rows import stop_data
from kettrack.analysis.stop_after.second_opinion import weeks_of
from kettrack.analysis.stop_after.weights import Pair, contrasts, smooth_contrast
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.g_formula import fit_weeks, simulate_weeks
from kettrack.estimators.causal.weights import truncate_weights
from kettrack.estimators.regression.least_squares import fit_least_squares
from kettrack.reading.cohort import Cohort
from kettrack.simulation.presets import LAST_SESSION_DAY
from kettrack.simulation.truth import FEW, MANY, Truth
from kettrack.timelines.derived import derive
from kettrack.trials.continued import continued_by
from kettrack.trials.gate import Check, Gate, Truths
from kettrack.trials.next_session import RECALL
from kettrack.trials.response import PLAIN_AT, without_later_scores
from kettrack.vocabulary.days import NEXT_SESSION_GRACE_DAYS

SCENARIOS: Final = ("A", "B", "C", "D", "E", "F", "G", "H", "I")
CENTILE: Final = 99.0
G_FORMULA_SEED: Final = 1  # of the weeks that the g-formula simulates
# Truth -> what it says, and the methods that aim at it: column -> what it is. The first describes
# and aims at none.
METHODS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "": ("", {"r_final": "correlation of the number of sessions with the final score"}),
    f"stop_after_{MANY}_minus_{FEW}": (
        f"TRUE: final score, stop after {MANY} less stop after {FEW}",
        {
            "naive_slope": f"naive slope times {MANY - FEW}, baselines being equal",
            "smooth": f"stop after {MANY} less {FEW}, weighted, smooth",
            "strict": f"stop after {MANY} less {FEW}, weighted, strict means",
            "truncated": f"the smooth one with weights cut at the {CENTILE:g}th centile",
            "g_formula": f"stop after {MANY} less {FEW}, g-formula",
        },
    ),
    "one_more_session": (
        "TRUE: score a week later, one more session less none",
        {
            "crude_next": "crude difference a week later, going on less stopping",
            "next_session": "one more session, arm x history",
            "next_overlap": "one more session, overlap-weighted",
        },
    ),
    f"response_by_{PLAIN_AT}": (
        f"TRUE: response by session {PLAIN_AT} if all go on",
        {
            "plain_curve": f"response by session {PLAIN_AT}, stoppers censored",
            "continued": f"response by session {PLAIN_AT} if all go on, weighted",
            "in_care": f"response by session {PLAIN_AT} with everybody in the denominator",
        },
    ),
}


def measure_all(cohort: Cohort) -> dict[str, float]:
    """Every method of `METHODS` in one cohort; missing where a method cannot say anything at
    all.
    """
    return _next(cohort) | _stop(cohort) | _response(cohort) | _naive(cohort)


def _naive(cohort: Cohort) -> dict[str, float]:
    by_day = cohort.scores[cohort.scores["score"].notna()].sort_values(
        "day", kind="stable"
    )
    last = by_day[by_day["day"] == LAST_SESSION_DAY].set_index("patient_id")["score"]
    people = pd.DataFrame(
        {"final": last, "total": cohort.sessions.groupby("patient_id").size()}
    )
    people = (
        people.assign(first=by_day.groupby("patient_id")["score"].first())
        .dropna()
        .astype(float)
    )
    # What is often fitted: the final score on the number of sessions and the first score.
    x = np.column_stack([np.ones(len(people)), people["total"], people["first"]])
    slope = float(fit_least_squares(x, people["final"].to_numpy())[1])
    return {
        "r_final": float(people["total"].corr(people["final"])),
        "naive_slope": (MANY - FEW) * slope,
    }


def _next(cohort: Cohort) -> dict[str, float]:
    trials = find_trials(
        decision_points(derive(cohort)), NEXT_SESSION_GRACE_DAYS, RECALL
    )
    # The crude difference is there even where the model refuses.
    found = {"crude_next": crude_difference(trials).estimate}
    with suppress(NotIdentified):
        fitted = fit_trials(trials)
        found |= {
            "next_session": fitted.difference().estimate,
            "next_overlap": overlap_weighted_difference(fitted).estimate,
        }
    return found


def _stop(cohort: Cohort) -> dict[str, float]:
    data = stop_data(derive(cohort))
    # Up to the largest number of sessions that is over in time.
    pair = Pair(MANY, FEW, False, max(in_time(data, RECALL)))
    found = {
        name: float(value)
        for name, value in contrasts(data, pair, None, ("static",)).items()
    }
    arms = weigh_arms(data, pair)
    cut = truncate_weights(arms.weights["stop_after"], CENTILE)
    # The same contrast with the largest weights cut, as is often advised.
    found["truncated"] = float(
        smooth_contrast(data, pair, arms.following["stop_after"], cut)
    )
    weeks = weeks_of(derive(cohort), data)
    models = fit_weeks(weeks)
    many, few = (
        simulate_weeks(weeks, models, number, G_FORMULA_SEED)[..., -1].mean()
        for number in (MANY, FEW)
    )
    return {
        "smooth": found["smooth"],
        "strict": found["strict"],
        "truncated": found["truncated"],
        "g_formula": float(many - few),
    }


def _response(cohort: Cohort) -> dict[str, float]:
    found = continued_by(cohort, PLAIN_AT)
    in_care = estimate(count(derive(without_later_scores(cohort)))).set_index(
        "session"
    )["estimate"]
    # A curve that ends earlier is read at its end.
    shown = float(in_care.loc[min(PLAIN_AT, in_care.index.max())]) / 100
    return {
        "continued": found["estimate"],
        "plain_curve": found["plain"],
        "in_care": shown,
    }


def report(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Every truth, and what each method finds of it on average, with Monte-Carlo errors; nothing
    can fail.
    """
    return [
        check
        for aim, told in METHODS.items()
        for check in _block(frame, truths.get(aim), *told)
    ]


def _block(
    frame: pd.DataFrame, truth: Truth | None, words: str, methods: dict[str, str]
) -> Iterator[Check]:
    """A truth, then the methods that aim at it."""
    # The first block aims at nothing and has no truth.
    value = truth.value if truth else float("nan")
    if truth:
        yield Check(what=words, found=truth.value, mc_error=truth.error, truth=value)
    for name, what in methods.items():
        # Cohorts in which the method had no answer are left out of its mean.
        values = frame[name].dropna() if name in frame else pd.Series(dtype=float)
        error = (
            float(values.std() / np.sqrt(len(values)))
            if len(values) > 1
            else float("nan")
        )
        yield Check(what=what, found=float(values.mean()), mc_error=error, truth=value)


GATES: Final = tuple(
    Gate(
        name=f"methods-{scenario}",
        question="What does each method find, on average?",
        scenario=scenario,
        cohorts=60,
        fast_cohorts=scenario == "A",
        first_seed=151,
        measure=measure_all,
        judge=report,
    )
    for scenario in SCENARIOS
)
