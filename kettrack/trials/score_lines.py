"""The mixed model of scores on trial: people with lines of their own, who leave by what was seen of
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.score_lines import VISIT_WEEKS, score_lines
from kettrack.arrays import Floats
from kettrack.reading.cohort import Cohort
from kettrack.simulation.truth import Truth
from kettrack.timelines.derived import derive
from kettrack.trials.drawn import codes, cohort_of, seen_until_left
from kettrack.trials.gate import Check, Gate, Truths, bias, coverage, off_by
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.instruments import PHQ9

CLINICS: Final = 200
PEOPLE: Final = 400
LARGEST_BIAS: Final = 0.25  # points
COVERED: Final = (0.91, 0.99)
# What the mean of the people scored must miss by, or nothing was on trial.
NAIVE_MISSES: Final = -0.4  # points
_LAST: Final = VISIT_WEEKS[-1]
_CHANGE: Final = f"week_{_LAST}"
# Mean and SD between people, and how level and slope go together. Far enough from both ends of the
# scale that hardly anybody reaches one.
_LEVEL: Final = (16.0, 2.0)
_SLOPE: Final = (-0.35, 0.25)  # points a week
_SHARED: Final = 0.2
_NOISE: Final = 1.8  # points
_LEAVES: Final = (-7.5, 0.4)  # logit of leaving at a score of 0, and per point
_SKIPS: Final = 0.08  # of visits of people who stay
_LOG_END: Final = 200  # days
_TRUTH_PEOPLE: Final = 400_000
_TRUTH_SEED: Final = 20261129


@dataclass(frozen=True, slots=True)
class LineClinic:
    """A clinic in which each person has a level and a slope, and is asked at the visits of the
    model.

    Parameters
    ----------
    slope : float
        Mean points by which scores change in a week.
    """

    slope: float = _SLOPE[0]

    def draw(
        self,
        n: int,
        seed: int,
    ) -> Cohort:
        """A checked cohort of n people."""
        rng = np.random.default_rng(seed)
        scores = self._scores(n, rng)
        later = seen_until_left(scores[:, 0], scores[:, 1:], _LEAVES, _SKIPS, rng)
        # Everybody has a score before session 1.
        seen = np.column_stack([np.ones(n, bool), later])
        names = codes(n)
        who, visit = np.nonzero(seen)
        # A day in the middle of its week; the baseline comes the day before session 1.
        days = np.array(VISIT_WEEKS) * DAYS_IN_WEEK - DAYS_IN_WEEK // 2
        days[0] = -1
        rows = pd.DataFrame({"patient_id": names[who], "day": days[visit]})
        rows = rows.assign(score=scores[who, visit], instrument=PHQ9.name)
        return cohort_of(names, rows, [0], _LOG_END)

    def truths(self) -> dict[str, Truth]:
        """Mean change to the last week, of everybody."""
        return _truths(self)

    def numbers(self) -> str:
        """What a measurement depends on besides the gate."""
        return repr((self, _LEVEL, _SLOPE, _SHARED, _NOISE, _LEAVES, _SKIPS))

    def _scores(
        self,
        n: int,
        rng: np.random.Generator,
    ) -> Floats:
        """Whole points of shape (people, visits), as they would be if everybody were asked."""
        shared = [[1.0, _SHARED], [_SHARED, 1.0]]
        own = rng.multivariate_normal(
            [0.0, 0.0],
            shared,
            size=n,
        )
        level = _LEVEL[0] + _LEVEL[1] * own[:, 0]
        slope = self.slope + _SLOPE[1] * own[:, 1]
        line = level[:, None] + slope[:, None] * np.array(VISIT_WEEKS)
        noisy = line + rng.normal(
            0.0,
            _NOISE,
            line.shape,
        )
        return np.clip(
            np.rint(noisy),
            PHQ9.minimum,
            PHQ9.maximum,
        )


@cache
def _truths(clinic: LineClinic) -> dict[str, Truth]:
    scores = clinic._scores(_TRUTH_PEOPLE, np.random.default_rng(_TRUTH_SEED))
    # A baseline below the line of a case is kept: the model asks for a rated one alone.
    change = scores[:, -1] - scores[:, 0]
    error = float(change.std() / np.sqrt(len(change)))
    return {_CHANGE: Truth(float(change.mean()), error)}


def measure_lines(cohort: Cohort) -> dict[str, float]:
    """Mean change to the last week by the model, with its interval, and as observed."""
    table = score_lines(derive(cohort)).table.set_index("key")
    row = table.loc[_CHANGE].to_dict()
    wanted = ("people", "estimate", "ci_low", "ci_high", "observed")
    return {name: float(row[name]) for name in wanted}


def judge_lines(
    frame: pd.DataFrame,
    truths: Truths,
) -> list[Check]:
    """The model is near the change of everybody, and the people scored mislead."""
    truth = truths[_CHANGE]
    return [
        bias(
            frame,
            "estimate",
            truth,
            LARGEST_BIAS,
            what="bias of the mean change, mixed model",
        ),
        coverage(
            frame,
            ("ci_low", "ci_high"),
            truth,
            *COVERED,
            what="coverage of the mean change, mixed model",
        ),
        off_by(
            frame,
            "observed",
            truth,
            NAIVE_MISSES,
            what="scored only",
        ),
    ]


GATES: Final = (
    Gate(
        name="score_lines-leave",
        question="Is the change of everybody right where people leave by what was seen of them?",
        scenario="lines",
        n=PEOPLE,
        cohorts=CLINICS,
        fast_cohorts=3,
        first_seed=2645,
        measure=measure_lines,
        judge=judge_lines,
        source=LineClinic(),
        version=2,
    ),
)
