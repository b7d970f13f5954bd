"""One more session on trial in clinics of other kinds than the synthetic one: other processes of
the score, other reasons to stop, other gaps, other scales.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.next_session.outcome_model import SESSION_GROUPS, fit_trials
from kettrack.analysis.next_session.protocol import range_key
from kettrack.analysis.next_session.trials import Trials
from kettrack.analysis.next_session.unscored import unscored_bounds
from kettrack.errors import NotIdentified
from kettrack.reading.cohort import Cohort
from kettrack.simulation.families.presets import FAMILIES
from kettrack.trials.family_clinics import WHOLE, FamilySource
from kettrack.trials.gate import Check, Gate, Truths, bias, coverage, share
from kettrack.trials.next_session import trials_by_cohort

PEOPLE: Final = 800
COHORTS: Final = 300
FAST: Final = 6
TRIED_FAST: Final = (
    "walk-null",
    "blocks",
    "plan-null",
    "blocks-thin",
    "walk-silent-null",
)
LARGEST_BIAS: Final = 0.1  # points
REJECTS: Final = (0.03, 0.08)  # of cohorts in which sessions do nothing
HOLDS: Final = (0.92, 0.97)
HALF_SCORED: Final = (0.4, 0.6)
THIN_BIAS: Final = 0.15  # points
# Where sessions help, the answer is known to be too weak there: its bias is told, and nothing is
# wanted of it (docs/decisions/next_session.md). Where they do nothing it is held like the others.
TOO_WEAK: Final = ("spells",)
THIN_HOLDS: Final = 0.93
# Besides the groups of sessions.
MEASURED: Final = (
    "estimate",
    "ci_low",
    "ci_high",
    "bound_low",
    "bound_high",
    "unweighted",
    "scored",
)
ANYTHING: Final = float("inf")
GROUPS: Final = {range_key("session", *ends): ends for ends in SESSION_GROUPS}


def measure_family(cohort: Cohort, n: int) -> list[dict[str, float]]:
    """The headline with its interval, the interval if the unscored were worse, the headline by
    session, and the answer without the weights for scores while a decision was open (`unweighted`).
    """
    recall = cohort.instrument.recall(None).days
    sign = cohort.instrument.sign
    return [_measured(trials, sign) for trials in trials_by_cohort(cohort, n, recall)]


def _measured(trials: Trials, sign: int) -> dict[str, float]:
    found = dict.fromkeys((*MEASURED, *GROUPS), np.nan)
    found["scored"] = float(trials.observed.mean())
    try:
        fitted = fit_trials(trials)
        unweighted = fit_trials(trials, weighted_for_wait=False)
    except NotIdentified:
        return found
    whole = fitted.difference()
    found["estimate"] = whole.estimate
    found["ci_low"] = whole.low
    found["ci_high"] = whole.high
    bounds = unscored_bounds(
        trials,
        fitted.history,
        whole.low,
        whole.high,
        sign,
    )
    found["bound_low"] = bounds.low
    found["bound_high"] = bounds.high
    found["unweighted"] = unweighted.difference().estimate
    for key, (low, high) in GROUPS.items():
        inside = (trials.session >= low) & (trials.session <= high)
        if inside.any():
            of_group = fitted.difference(inside)
            found[key] = of_group.estimate
    return found


def judge_thin(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """The same where about half is scored, at random given what is on record."""
    truth = truths[WHOLE]
    return [
        share(
            frame,
            "scored",
            *HALF_SCORED,
            what="share of decisions with an outcome",
        ),
        bias(
            frame,
            "estimate",
            truth,
            THIN_BIAS,
        ),
        coverage(
            frame,
            ("ci_low", "ci_high"),
            truth,
            low=THIN_HOLDS,
            high=1.0,
        ),
    ]


def judge_unscored(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Where the sicker of equals answer less, the bounds of the unscored hold the truth."""
    truth = truths[WHOLE]
    return [
        coverage(
            frame,
            ("bound_low", "bound_high"),
            truth,
            low=THIN_HOLDS,
            high=1.0,
            what="coverage of the interval if the unscored were worse",
        ),
        bias(
            frame,
            "estimate",
            truth,
            ANYTHING,
            "bias of the answer itself",
        ),
    ]


def judge_too_weak(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """The interval holds the truth as often as it says; the bias is told."""
    truth = truths[WHOLE]
    return [
        coverage(
            frame,
            ("ci_low", "ci_high"),
            truth,
            *HOLDS,
        ),
        bias(
            frame,
            "estimate",
            truth,
            ANYTHING,
        ),
        *_told(frame, truths),
    ]


def _judge_of(name: str) -> Callable[[pd.DataFrame, Truths], list[Check]]:
    if name in TOO_WEAK:
        return judge_too_weak
    if "thin" in name:
        return judge_thin
    return judge_unscored if "silent" in name else judge_family


def judge_family(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """The headline is right on average and its interval holds the truth as often as it says."""
    truth = truths[WHOLE]
    checks = [
        bias(
            frame,
            "estimate",
            truth,
            LARGEST_BIAS,
        ),
        coverage(
            frame,
            ("ci_low", "ci_high"),
            truth,
            *HOLDS,
        ),
    ]
    if not truth.value:
        # a missing end compares false: a refusal does not reject
        below = frame["ci_high"] < 0
        rejects = (frame["ci_low"] > 0) | below
        judged = frame.assign(rejects=rejects)
        what = "share of cohorts whose interval leaves 0 out"
        checks.append(share(judged, "rejects", *REJECTS, what=what))
    return checks + _told(frame, truths)


def _told(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Bias of what stands beside the headline; nothing is wanted of it."""
    beside: Mapping[str, str] = {"unweighted": WHOLE} | {key: key for key in GROUPS}
    return [
        bias(
            frame,
            column,
            truths[truth],
            ANYTHING,
            f"bias of {column}",
        )
        for column, truth in beside.items()
        if frame[column].notna().all()
    ]


GATES: Final = tuple(
    Gate(
        name=f"next_session_family-{name}",
        question=(
            "Is one more session right in a clinic of another kind, also where sessions do"
            " nothing?"
        ),
        scenario=name,
        n=PEOPLE,
        cohorts=COHORTS,
        # the others take as long and say nothing that these do not
        fast_cohorts=FAST if name in TRIED_FAST else 0,
        first_seed=208,
        measure_together=measure_family,
        judge=_judge_of(name),
        source=FamilySource(name),
    )
    for name in FAMILIES
)
