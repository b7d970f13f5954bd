"""Two scales in the same people, on trial: how their changes go together is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.fixed_week import WEEK
from kettrack.analysis.together.joint import CELLS, joint_change
from kettrack.arrays import Bools, Floats
from kettrack.reading.cohort import Cohort
from kettrack.simulation.truth import Truth
from kettrack.timelines.derived import derive
from kettrack.trials.drawn import codes, cohort_of
from kettrack.trials.gate import COVERAGE, Check, Gate, Truths, coverage, share
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import GAD7, PHQ9

CLINICS: Final = 400
PEOPLE: Final = 150
SCALES: Final = (PHQ9, GAD7)
TOGETHER: Final = 0.6  # correlation of the changes, before scores become whole points
_BASELINES: Final = ((17.0, 3.5), (14.0, 3.5))  # points, mean and SD
_CHANGES: Final = ((-6.0, 5.0), (-4.5, 4.0))
_SCORED: Final = 0.85  # of people, whatever their scores
_LOG_END: Final = 200  # days
_TRUTH_PEOPLE: Final = 400_000
_TRUTH_SEED: Final = 20261129
# Exact intervals of whole numbers hold more than they claim, and four at once more still.
ALL_HELD: Final = (0.94, 1.0)


@dataclass(frozen=True, slots=True)
class TwoScales:
    """A clinic that scores two conditions.

    Parameters
    ----------
    correlation : float
        Of the two changes.
    """

    correlation: float

    def draw(
        self,
        n: int,
        seed: int,
    ) -> Cohort:
        """A checked cohort of n people who are a case on both scales."""
        rng = np.random.default_rng(seed)
        before, after = self._people(n, rng)
        names = codes(n)
        scored = rng.random(n) < _SCORED
        pages = []
        for place, scale in enumerate(SCALES):
            first = {"patient_id": names, "day": -1, "score": before[:, place]}
            later = {
                "patient_id": names[scored],
                "day": WEEK * DAYS_IN_WEEK,
                "score": after[scored, place],
            }
            both = pd.concat([pd.DataFrame(first), pd.DataFrame(later)])
            pages.append(both.assign(instrument=scale.name))
        return cohort_of(names, pd.concat(pages, ignore_index=True), [0], _LOG_END)

    def truths(self) -> dict[str, Truth]:
        """The correlation, and the share of people in each of the four cells, in percent."""
        return _truths(self)

    def numbers(self) -> str:
        """What a measurement depends on besides the gate."""
        return repr((self, _BASELINES, _CHANGES, _SCORED))

    def _people(
        self,
        n: int,
        rng: np.random.Generator,
    ) -> tuple[Floats, Floats]:
        """Scores before and after, of shape (people, scales)."""
        shared = [[1.0, self.correlation], [self.correlation, 1.0]]
        start = np.array(_BASELINES)
        fall = np.array(_CHANGES)
        before = start[:, 0] + start[:, 1] * rng.standard_normal((n, 2))
        before = _points(before, [_case_line(scale) for scale in SCALES])
        drawn = rng.multivariate_normal(
            [0.0, 0.0],
            shared,
            size=n,
        )
        change = fall[:, 0] + fall[:, 1] * drawn
        return before, _points(before + change, [scale.minimum for scale in SCALES])


def _case_line(scale: Instrument) -> float:
    """The lowest score of a case: below it nobody is counted."""
    line = scale.caseness
    return scale.minimum if line is None else line.value


def _points(
    values: Floats,
    lowest: list[float],
) -> Floats:
    """Whole points within the scale."""
    highest = [scale.maximum for scale in SCALES]
    return np.clip(
        np.rint(values),
        lowest,
        highest,
    )


def _improved(change: Floats) -> Bools:
    """Who is better by the reliable change of each scale."""
    lines = [scale.reliable_change.value for scale in SCALES if scale.reliable_change]
    return np.asarray(-change >= np.array(lines))


@cache
def _truths(clinic: TwoScales) -> dict[str, Truth]:
    rng = np.random.default_rng(_TRUTH_SEED)
    before, after = clinic._people(_TRUTH_PEOPLE, rng)
    change = after - before
    first, second = _improved(change).T
    cells = (first & second, first & ~second, ~first & second, ~first & ~second)
    root = np.sqrt(_TRUTH_PEOPLE)
    found = {
        name: Truth(100 * float(cell.mean()), 100 * float(cell.std()) / root)
        for name, cell in zip(
            CELLS,
            cells,
            strict=True,
        )
    }
    # A matrix for two scales, which the types of NumPy do not say.
    r = float(np.asarray(np.corrcoef(change.T))[0, 1])
    return found | {"correlation": Truth(r, float((1 - r**2) / root))}


def measure_joint(cohort: Cohort) -> dict[str, float]:
    """Ends of the intervals of the four cells and of the correlation."""
    table = joint_change(derive(cohort)).table.set_index("key")
    return {
        f"{key}_{end}": float(table[end].astype(float)[key])
        for key in (*CELLS, "correlation")
        for end in ("ci_low", "ci_high")
    }


def judge_joint(
    frame: pd.DataFrame,
    truths: Truths,
) -> list[Check]:
    """Intervals hold what is true, the four of the cells at once; changes that have nothing to do
    with each other are not said to go together.
    """
    held = np.ones(len(frame), bool)
    for cell in CELLS:
        value = truths[cell].value
        held &= (frame[f"{cell}_ci_low"] <= value) & (value <= frame[f"{cell}_ci_high"])
    checks = [
        share(
            frame.assign(held=held.astype(float)),
            "held",
            *ALL_HELD,
            what="share of clinics in which all four intervals hold",
        ),
        coverage(
            frame,
            ("correlation_ci_low", "correlation_ci_high"),
            truths["correlation"],
            *COVERAGE,
            what="coverage of the correlation",
        ),
    ]
    apart = (frame["correlation_ci_low"] > 0) | (frame["correlation_ci_high"] < 0)
    what = "share of clinics in which changes are said to go together"
    limits = (0.03, 0.08) if abs(truths["correlation"].value) < _NOTHING else (0.9, 1.0)
    checks.append(
        share(
            frame.assign(apart=apart.astype(float)),
            "apart",
            *limits,
            what=what,
        )
    )
    return checks


# The correlation of what was drawn apart is 0 up to the error of its own simulation.
_NOTHING: Final = 0.01


def _gate(
    name: str,
    correlation: float,
    seed: int,
) -> Gate:
    return Gate(
        name=f"joint_change-{name}",
        question="Is it right how two conditions get better in the same people?",
        scenario=name,
        n=PEOPLE,
        cohorts=CLINICS,
        fast_cohorts=0 if correlation == 0 else 3,
        first_seed=seed,
        measure=measure_joint,
        judge=judge_joint,
        source=TwoScales(correlation),
    )


GATES: Final = (
    _gate(
        "together",
        TOGETHER,
        3162,
    ),
    _gate(
        "apart",
        0.0,
        3317,
    ),
)
