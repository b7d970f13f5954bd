"""Fixed horizons on trial: people leave by what was seen of them, or are worse than anybody saw.
The scores that they would have had are known.

The clinic is of another kind than the model that is tried: nine answers are drawn from a severity
that walks, in two kinds of people, so that scores are neither normal nor alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from kettrack.analysis.horizons.strategies import (
    IMPUTED,
    OBSERVED,
    REPEATED,
    WEIGHTED,
    Estimates,
    complete,
    gather,
)
from kettrack.analysis.horizons.visits import (
    CHANGE,
    DEFAULT_HORIZON,
    RESPONSE,
    visit_at,
)
from kettrack.arrays import Bools, Floats
from kettrack.reading.cohort import Cohort
from kettrack.simulation.truth import Truth
from kettrack.timelines.derived import derive
from kettrack.trials.drawn import codes, cohort_of, seen_until_left
from kettrack.trials.gate import Check, Gate, Truths, bias, coverage, off_by
from kettrack.vocabulary.instruments import PHQ9

PEOPLE: Final = 600
COHORTS: Final = 100
FAST: Final = 6
LARGEST_BIAS: Final = 0.25  # points
LARGEST_SHARE_BIAS: Final = 2.0  # percent
COVERED: Final = (0.89, 1.0)
# What a naive answer must miss by, or nothing was on trial.
NAIVE_MISSES: Final = -0.4  # points
_VISITS: Final = (7, 14, 28, 42, 84, 182)  # days
_HORIZON: Final = 4  # which of them
_SESSIONS: Final = (0, 3, 7, 10, 14, 17)
_LOG_END: Final = 400  # days
_LEAVES: Final = (-4.2, 0.11)  # logit of leaving at a score of 0, and per point
_SKIPS: Final = 0.1  # of visits of people who stay
_HELPED: Final = 0.45  # of people
_TRUTH_PEOPLE: Final = 100_000
_TRUTH_SEED: Final = 20261129


class _People(NamedTuple):
    """Scores as they are, and whether anybody asked for them."""

    baseline: Floats
    scores: Floats
    seen: Bools


@dataclass(frozen=True, slots=True)
class LeavingClinic:
    """A clinic in which people leave.

    Parameters
    ----------
    fall : float
        Logits by which the severity of people who are helped falls from visit to visit.
    worse : float
        Points by which people who are not scored at the horizon are worse than anybody saw.
    """

    fall: float
    worse: float = 0.0

    def draw(self, n: int, seed: int) -> Cohort:
        """A checked cohort of about n people with a case at the start."""
        return _cohort(self._people(n, np.random.default_rng(seed)))

    def truths(self) -> dict[str, Truth]:
        """Mean change and response at the horizon if everybody were scored."""
        return _truths(self)

    def numbers(self) -> str:
        """What a measurement depends on besides the gate."""
        return repr((self, _VISITS, _SESSIONS, _LEAVES, _SKIPS, _HELPED))

    def _people(self, n: int, rng: np.random.Generator) -> _People:
        # Seven in ten are a case at the start; only they are kept.
        severity = rng.normal(0.9, 0.5, 2 * n)
        baseline = _score(severity, rng)
        case = np.flatnonzero(baseline >= 10)[:n]
        severity, baseline = severity[case], baseline[case]
        falls = self.fall * np.where(rng.random(len(case)) < _HELPED, 0.55, 0.05)
        columns = []
        for place in range(len(_VISITS)):
            # Later visits are in maintenance, where nothing is gained any more.
            severity = severity + rng.normal(0, 0.25, len(case))
            severity = severity - falls * (place < _HORIZON)
            columns.append(_score(severity, rng))
        scores = np.column_stack(columns)
        seen = seen_until_left(baseline, scores, _LEAVES, _SKIPS, rng)
        # What is hidden shows in no score, so it comes after leaving is decided.
        hidden = np.where(seen[:, _HORIZON], 0.0, self.worse)
        scores[:, _HORIZON] = np.minimum(scores[:, _HORIZON] + hidden, PHQ9.maximum)
        return _People(baseline, scores, seen)


def _score(severity: Floats, rng: np.random.Generator) -> Floats:
    """Nine answers of 0 to 3."""
    logit = severity[:, None] + rng.normal(0, 0.4, (len(severity), PHQ9.n_items))
    answers = rng.binomial(3, 1 / (1 + np.exp(-logit)))
    return np.asarray(answers.sum(axis=1), dtype=np.float64)


def _cohort(people: _People) -> Cohort:
    names = codes(len(people.baseline))
    who, visit = np.nonzero(people.seen)
    baselines = pd.DataFrame({"patient_id": names, "day": -1, "score": people.baseline})
    later = pd.DataFrame(
        {
            "patient_id": names[who],
            "day": np.array(_VISITS)[visit],
            "score": people.scores[who, visit],
        }
    )
    scores = pd.concat([baselines, later], ignore_index=True)
    named = scores.assign(instrument=PHQ9.name)
    return cohort_of(names, named, _SESSIONS, _LOG_END)


@cache
def _truths(clinic: LeavingClinic) -> dict[str, Truth]:
    rng = np.random.default_rng(_TRUTH_SEED)
    people = clinic._people(_TRUTH_PEOPLE, rng)
    score = people.scores[:, _HORIZON]
    # Half of the baseline itself is a response.
    values = {
        CHANGE: score - people.baseline,
        RESPONSE: 100.0 * (score <= people.baseline / 2),
    }
    root = np.sqrt(len(score))
    return {
        name: Truth(float(value.mean()), float(value.std() / root))
        for name, value in values.items()
    }


def measure_horizon(cohort: Cohort) -> dict[str, float]:
    """Mean change and response with their intervals, under each strategy that claims to know."""
    derived = derive(cohort)
    visit = visit_at(derived, DEFAULT_HORIZON)
    estimates = Estimates(derived, visit)
    completed = complete(visit)
    asked = (OBSERVED, WEIGHTED, IMPUTED, REPEATED)
    cells, _ = gather(estimates, completed, asked)
    cells["shifted"] = estimates.imputed(completed, HIDDEN)
    # A strategy that refuses leaves its numbers missing, and no gate passes with them.
    return {
        f"{name}_{outcome}_{end}": found[outcome][end]
        for name, found in cells.items()
        for outcome in (CHANGE, RESPONSE)
        if outcome in found
        for end in ("estimate", "ci_low", "ci_high")
    }


HIDDEN: Final = 3.0  # points


def _held(
    frame: pd.DataFrame, truths: Truths, name: str, outcomes: tuple[str, ...]
) -> Iterator[Check]:
    limits = {CHANGE: LARGEST_BIAS, RESPONSE: LARGEST_SHARE_BIAS}
    for outcome in outcomes:
        what = f"{outcome}, {name}"
        key = f"{name}_{outcome}"
        truth = truths[outcome]
        yield bias(
            frame, f"{key}_estimate", truth, limits[outcome], what=f"bias of {what}"
        )
        ends = [f"{key}_ci_low", f"{key}_ci_high"]
        yield coverage(frame, ends, truth, *COVERED, what=f"coverage of {what}")


def judge_seen(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """People leave by what was seen: the scored mislead, and three strategies do not."""
    checks = [
        *_held(frame, truths, WEIGHTED, (CHANGE, RESPONSE)),
        *_held(frame, truths, IMPUTED, (CHANGE, RESPONSE)),
        *_held(frame, truths, REPEATED, (CHANGE,)),
    ]
    # Where nobody is helped the scored are better than the others by less.
    if truths[CHANGE].value < -1:
        column = f"{OBSERVED}_{CHANGE}_estimate"
        naive = off_by(frame, column, truths[CHANGE], NAIVE_MISSES, what="scored only")
        checks.append(naive)
    return checks


def judge_unseen(
    frame: pd.DataFrame,
    truths: Truths,
) -> list[Check]:
    """The silent are worse than anybody saw: imputation misses it, and the right delta does not."""
    column = f"{IMPUTED}_{CHANGE}_estimate"
    return [
        off_by(
            frame,
            column,
            truths[CHANGE],
            NAIVE_MISSES,
            what="bias as if alike",
        ),
        *_held(
            frame,
            truths,
            "shifted",
            (CHANGE,),
        ),
    ]


def _gate(
    name: str,
    clinic: LeavingClinic,
    judge: Callable[[pd.DataFrame, Truths], list[Check]],
    fast: int,
) -> Gate:
    return Gate(
        name=f"horizons-{name}",
        question="Is the outcome of everybody right where many were not scored?",
        scenario=name,
        n=PEOPLE,
        cohorts=COHORTS,
        fast_cohorts=fast,
        first_seed=1129,
        measure=measure_horizon,
        judge=judge,
        source=clinic,
    )


GATES: Final = (
    _gate(
        "leave",
        LeavingClinic(fall=1.0),
        judge_seen,
        FAST,
    ),
    _gate(
        "leave-null",
        LeavingClinic(fall=0.0),
        judge_seen,
        0,
    ),
    _gate(
        "hidden",
        LeavingClinic(fall=1.0, worse=HIDDEN),
        judge_unseen,
        FAST,
    ),
)
