"""One more session on trial: weekly clinics where what a session does is known, the measure that
shows a hidden reason, scores that steer while a decision is open, and visits on any day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.next_session.decisions import decision_points
from kettrack.analysis.next_session.diagnostics import negative_control
from kettrack.analysis.next_session.outcome_model import (
    fit_trials,
    history_columns,
    overlap_weighted_difference,
)
from kettrack.analysis.next_session.trials import Trials, find_trials
from kettrack.errors import NotIdentified
from kettrack.estimators.regression.least_squares import fit_least_squares
from kettrack.reading.cohort import Cohort
from kettrack.simulation.cohort import Simulated
from kettrack.simulation.presets import LAST_SESSION_DAY
from kettrack.timelines.derived import derive
from kettrack.trials.gate import (
    FAST_COHORTS,
    Check,
    Gate,
    Truths,
    bias,
    coverage,
    share,
)
from kettrack.vocabulary.days import NEXT_SESSION_GRACE_DAYS
from kettrack.vocabulary.instruments import GAD7, PHQ9

# a simulated score is of its moment: the next weekly one is the outcome
RECALL: Final = 0
LARGEST_BIAS: Final = 0.06
REJECTS: Final = (0.03, 0.08)  # of cohorts in which sessions do nothing
# Range of the mean in scenario A, around the true effect of the next session.
MEAN_A: Final = (-0.80, -0.68)
CLEAR: Final = -0.5  # points; nearly every cohort of 1,000 must find more than this
FIRES: Final = {"A": (0.0, 0.10), "C": (0.0, 0.10), "F": (0.95, 1.0)}
# of the own level in the measure left out, and the SD of its error
LEVEL_SHARE = 0.5
MEASURE_ERROR = 3.0
# logit of never being scored again: at a last score of 10, per point above it
LOST: Final = (-2.6, 0.15)
# Truths of a decision that is forced after any session.
AT_ONCE: Final = "going_on_from_day_7"
AFTER_RECALL: Final = "going_on_from_day_21"
RECALL_OF_PHQ9: Final = 14  # days
# Points; wider than `LARGEST_BIAS`, since visits come on any day, or scores steer.
IRREGULAR_BIAS: Final = 0.09
STEERED_BIAS: Final = 0.15
# What is written down for a cohort in which the estimate refuses.
NOTHING: Final = {
    "estimate": np.nan,
    "ci_low": np.nan,
    "ci_high": np.nan,
    "plain": np.nan,
}


def trials_by_cohort(cohort: Cohort, n: int, recall: int = RECALL) -> Iterator[Trials]:
    """The trials of every n patients in a row, found for all at once."""
    trials = find_trials(
        decision_points(derive(cohort)), NEXT_SESSION_GRACE_DAYS, recall
    )
    # the trials are in the order of the patients: those of n patients are a stretch
    edges = np.searchsorted(trials.patient, np.arange(0, len(cohort.patients) + n, n))
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        yield trials.take(slice(begin, end))


def measure_difference(
    cohort: Cohort, n: int, recall: int = RECALL
) -> list[dict[str, float]]:
    """Estimate with its interval, and the estimate without arm x history (`plain`); nothing where
    it refuses.
    """
    return [_difference(trials) for trials in trials_by_cohort(cohort, n, recall)]


def _difference(trials: Trials) -> dict[str, float]:
    try:
        fitted = fit_trials(trials)
    except NotIdentified:
        return NOTHING
    found = fitted.difference()
    plain = overlap_weighted_difference(fitted).estimate
    return {
        "estimate": found.estimate,
        "ci_low": found.low,
        "ci_high": found.high,
        "plain": plain,
    }


def measure_beside_naive(cohort: Cohort, n: int) -> list[dict[str, float]]:
    """The same, and the slope of the last weekly score on the number of sessions, baselines being
    equal.
    """
    found = zip(measure_difference(cohort, n), naive_slopes(cohort, n), strict=True)
    return [one | {"naive_slope": slope} for one, slope in found]


def naive_slopes(cohort: Cohort, n: int) -> list[float]:
    """What everybody fits: the final score on the number of sessions and the first score."""
    people = cohort.patients["patient_id"]
    first, last = (
        _first_score(cohort.scores, rows).reindex(people)
        for rows in _first_and_last(cohort.scores)
    )
    # All in the order of the patients, so that every n of them are one cohort.
    total = cohort.sessions.groupby("patient_id").size().reindex(people).to_numpy(float)
    x = np.column_stack([np.ones(len(people)), total, first.to_numpy(float)])
    y = last.to_numpy(float)
    return [
        float(fit_least_squares(x[at : at + n], y[at : at + n])[1])
        for at in range(0, len(people), n)
    ]


def _first_and_last(scores: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return scores["day"] < 0, scores["day"] == LAST_SESSION_DAY


def _first_score(scores: pd.DataFrame, rows: pd.Series) -> pd.Series:
    return scores[rows].groupby("patient_id")["score"].first()


def judge_null(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Where sessions do nothing it finds nothing, and says otherwise as rarely as an interval of 95
    % may.
    """
    # A missing end compares false: a refusal does not reject.
    rejects = frame.assign(rejects=(frame["ci_low"] > 0) | (frame["ci_high"] < 0))
    truth = truths["one_more_session"]
    return [
        bias(frame, "estimate", truth, LARGEST_BIAS, "bias where sessions do nothing"),
        share(
            rejects, "rejects", *REJECTS, "share of cohorts whose interval leaves 0 out"
        ),
        bias(frame, "plain", truth, float("inf"), "bias without history x arm"),
    ]


def judge_clear(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Where people stop when well it finds what the naive slope turns round."""
    error = float(frame["estimate"].std() / np.sqrt(len(frame)))
    mean = float(frame["estimate"].mean(skipna=False))
    told = frame.assign(clear=frame["estimate"] < CLEAR, wrong=frame["naive_slope"] > 0)
    return [
        Check(
            what="mean estimate",
            found=mean,
            mc_error=error,
            low=MEAN_A[0],
            high=MEAN_A[1],
        ),
        share(told, "clear", 0.9, what=f"share of cohorts below {CLEAR}"),
        share(
            told,
            "wrong",
            1.0,
            what="share of cohorts whose naive slope has the wrong sign",
        ),
        bias(frame, "estimate", truths["one_more_session"], float("inf"), "bias"),
    ]


def judge_coverage(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """The interval holds what drawing lots at one session of each person would have found."""
    truth = truths["one_more_session"]
    return [
        coverage(frame, ("ci_low", "ci_high"), truth),
        bias(frame, "estimate", truth, float("inf"), "bias"),
        bias(frame, "plain", truth, float("inf"), "bias without history x arm"),
    ]


def with_left_out_measure(simulated: Simulated) -> Simulated:
    """The clinic with a GAD-7 beside every PHQ-9, which shares the state of the moment and leans on
    the person's own level.
    """
    # a stream of its own, which the cohort has not used
    rng = np.random.default_rng([simulated.seed, len(GAD7.name)])
    told = simulated.severity
    level = (
        simulated.people.set_index("patient_id")["level"]
        .reindex(told["patient_id"])
        .to_numpy()
    )
    measure = (
        told["severity"].to_numpy()
        + LEVEL_SHARE * level
        + rng.normal(0, MEASURE_ERROR, len(told))
    )
    # Halved, to fit the shorter range of GAD-7.
    score = np.clip(np.rint(measure / 2), GAD7.minimum, GAD7.maximum).astype(np.int64)
    rows = told[["patient_id", "day", "timing"]].assign(
        instrument=GAD7.name, score=pd.array(score, "Int64")
    )
    scores = pd.concat(
        [simulated.scores, rows[list(simulated.scores.columns)]], ignore_index=True
    )
    keys = ["patient_id", "instrument", "day", "timing"]
    return replace(
        simulated, scores=scores.sort_values(keys, kind="stable", ignore_index=True)
    )


def measure_negative_control(cohort: Cohort, n: int) -> list[dict[str, float]]:
    """Whether the measure left out says that a hidden reason decides, and the imbalance it would
    have seen (SD).
    """
    out = []
    for trials in trials_by_cohort(cohort, n):
        found = negative_control(
            trials.left_out_measure,
            trials.arm,
            history_columns(trials)[0],
            trials.patient,
        )
        out.append(
            {"fires": np.nan, "detectable": np.nan}
            if found is None
            else {"fires": float(found.fires), "detectable": found.detectable}
        )
    return out


def judge_negative_control(
    frame: pd.DataFrame, truths: Truths, limits: tuple[float, float]
) -> list[Check]:
    """It speaks where a reason is hidden, and is silent where all are recorded."""
    del truths
    error = float(frame["detectable"].std() / np.sqrt(len(frame)))
    seen = float(frame["detectable"].mean(skipna=False))
    return [
        share(
            frame,
            "fires",
            *limits,
            what="share of cohorts in which the measure left out fires",
        ),
        Check(
            what="mean imbalance that would have been seen, SD",
            found=seen,
            mc_error=error,
        ),
    ]


def with_stoppers_lost(simulated: Simulated) -> Simulated:
    """The clinic in which some who stop are never scored again, the more the higher their last
    score: at random given it.

    Scores that steer a decision stay in the log: one that the clinic acted on and did not record is
    an unrecorded reason.
    """
    rng = np.random.default_rng([simulated.seed, len(PHQ9.name)])
    scores = simulated.scores
    people = simulated.patients["patient_id"]
    last_session = simulated.sessions.groupby("patient_id")["day"].max()
    # Only scores after the last session go missing.
    after = scores["day"] > scores["patient_id"].map(last_session)
    last = (
        scores[~after]
        .sort_values("day", kind="stable")
        .groupby("patient_id")["score"]
        .last()
        .reindex(people)
    )
    chance = 1 / (1 + np.exp(-LOST[0] - LOST[1] * (last.to_numpy(float) - 10)))
    lost = people[rng.random(len(people)) < chance]
    return replace(
        simulated,
        scores=scores[~(after & scores["patient_id"].isin(lost))].reset_index(
            drop=True
        ),
    )


def measure_steered(cohort: Cohort, n: int) -> list[dict[str, float]]:
    """Weighted for what scores decided while it was open (`estimate` and its ends), and the plain
    estimate beside it.
    """
    return [_steered(trials) for trials in trials_by_cohort(cohort, n)]


def _steered(trials: Trials) -> dict[str, float]:
    try:
        plain = fit_trials(trials, weighted_for_wait=False).difference()
        found = fit_trials(trials).difference()
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
    # Where scores nearly settle who comes there is no answer.
    answered = frame.dropna(subset=["estimate"])
    return [
        bias(
            answered,
            "estimate",
            truth,
            STEERED_BIAS,
            "bias, weighted for scores while it was open",
        ),
        coverage(answered, ("ci_low", "ci_high"), truth, -anything, anything),
        bias(answered, "plain", truth, anything, "bias of the plain estimate"),
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


def _gate(name: str, scenario: str, seed: int, question: str) -> partial[Gate]:
    return partial(
        Gate,
        name=f"{name}-{scenario}",
        question=question,
        scenario=scenario,
        first_seed=seed,
    )


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
    *(
        _gate(
            "next_session",
            scenario,
            201,
            "Does it find nothing where sessions do nothing?",
        )(cohorts=500, measure_together=measure_difference, judge=judge_null)
        for scenario in ("B", "C")
    ),
    _gate(
        "next_session",
        "A",
        202,
        "Does it find what the naive slope turns round, where people stop when well?",
    )(n=1_000, cohorts=40, measure_together=measure_beside_naive, judge=judge_clear),
    *(
        _gate(
            "next_session_coverage",
            scenario,
            203,
            "Does the interval hold what drawing lots would have found?",
        )(
            cohorts=2_000,
            fast_cohorts=FAST_COHORTS if scenario in "AE" else 0,
            measure_together=measure_difference,
            judge=judge_coverage,
        )
        for scenario in ("A", "B", "C", "D", "E")
    ),
    *(
        _gate(
            "negative_control",
            scenario,
            204,
            "Does a measure left out tell whether a reason to stop is hidden?",
        )(
            cohorts=500,
            prepare=with_left_out_measure,
            measure_together=measure_negative_control,
            judge=partial(judge_negative_control, limits=limits),
        )
        for scenario, limits in FIRES.items()
    ),
    *(
        _gate(
            "next_session_missing",
            scenario,
            205,
            "Does it hold when some who stop are lost, by their last score?",
        )(
            cohorts=500,
            fast_cohorts=FAST_COHORTS if scenario == "A" else 0,
            prepare=with_stoppers_lost,
            measure_together=measure_difference,
            judge=judge_coverage,
        )
        for scenario in ("A", "B", "C", "E")
    ),
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
        measure_together=partial(measure_difference, recall=RECALL_OF_PHQ9),
        judge=judge_irregular,
    ),
)
