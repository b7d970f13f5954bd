"""Two clinics side by side, on trial where their truth is known: twins that differ in nothing,
twins to which other people come, and two clinics of which one helps more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.against.answer import compared_table
from kettrack.analysis.against.measures import MEASURES
from kettrack.analysis.against.sides import ComparedSide, ComparedSides
from kettrack.arrays import Bools
from kettrack.reading.cohort import Cohort
from kettrack.reading.load import cohort_from_frames
from kettrack.simulation.cohort import simulate
from kettrack.simulation.known_truths import describe_numbers, known_truths
from kettrack.simulation.presets import SCENARIOS
from kettrack.simulation.truth import Truth
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.trials.gate import COVERAGE, Check, Gate, Truths, coverage, share

# The difference that one more session makes has gates of its own, and takes most of the time.
_ASKED: Final = tuple(each for each in MEASURES if each.key != "one_more")
# Of these something is seen in every clinic; where nothing is seen an interval is wide by design.
_USUAL: Final = (
    "responded",
    "lasting",
    "worse",
    "side_effect",
    "thoughts",
    "rated",
    "not_known",
)
_NO_DIFFERENCE: Final = Truth(0.0, 0.0)
PAIRS: Final = 200
PEOPLE: Final = 600  # of both sides together
_SEED: Final = 20261130
# By how much the chance to be here rises with each SD of the first score.
_REFERRED: Final = 1.0
_LEAST_FOUND: Final = (
    0.8  # of pairs of this size in which the planted difference must be found
)
_MOST_OFF: Final = (
    0.9  # an interval that is not adjusted must miss more often than it may
)
# People here begin nearly an SD above the others: weights are uneven, and the normal
# interval is a little off on either side.
_UNEVEN: Final = (0.91, 0.99)
# Both ends of what an interval may hold that stands for several at once.
_ALL_HOLD: Final = (0.94, 1.0)
_HELPS: Final = "responded"
_KEPT: Final = (
    "difference_low",
    "difference_high",
    "alike_low",
    "alike_high",
)
_HERE: Final = "_here"
_THERE: Final = "_there"


def _split(cohort: DerivedCohort, inside: Bools) -> ComparedSides:
    """The people of one clinic as if they had come to two."""
    here = ComparedSide("here", "here", cohort.of_people(inside))
    there = ComparedSide("there", "there", cohort.of_people(~inside))
    return ComparedSides(
        here=here,
        there=there,
        neither=0,
        same=0,
        kind="clinics",
    )


def _numbers(sides: ComparedSides) -> dict[str, float]:
    """Every difference with its intervals, and whether all of them hold no difference at once."""
    table = compared_table(sides, _ASKED)
    second = table[table["key"].str.endswith("_here")]
    found: dict[str, float] = {}
    for row in second.to_dict("records"):
        name = row["key"].removesuffix("_here")
        for column in _KEPT:
            found[f"{name}_{column}"] = row[column]
    known = second.dropna(subset=["joint_low"])
    holds = (known["joint_low"] <= 0) & (known["joint_high"] >= 0)
    return found | {"all_hold": float(holds.all())}


def measure_twins(cohort: Cohort) -> dict[str, float]:
    """People of one clinic, half of them here and half there by chance."""
    rng = np.random.default_rng(_SEED)
    inside = rng.random(len(cohort.patients)) < 1 / 2
    return _numbers(_split(derive(cohort), inside))


def measure_referred(cohort: Cohort) -> dict[str, float]:
    """People of one clinic, of whom the more severe come here more often."""
    derived = derive(cohort)
    baseline = derived.outcomes["baseline"].to_numpy(float)
    above = baseline - np.nanmean(baseline)
    severe = np.nan_to_num(above / np.nanstd(baseline))
    chance = 1 / (1 + np.exp(-_REFERRED * severe))
    rng = np.random.default_rng(_SEED)
    inside = rng.random(len(chance)) < chance
    return _numbers(_split(derived, inside))


def measure_pair(cohort: Cohort) -> dict[str, float]:
    """Two clinics in one cohort, told apart by the codes of the people."""
    derived = derive(cohort)
    here = derived.patients["patient_id"].str.endswith(_HERE).to_numpy(bool)
    return _numbers(_split(derived, here))


@dataclass(frozen=True, slots=True)
class PairSource:
    """Two scenarios as one cohort, in which people of both take turns; their codes say which they
    are of.

    Parameters
    ----------
    here, there : str
        Names in `SCENARIOS`.
    """

    here: str
    there: str

    def draw(
        self,
        n: int,
        seed: int,
    ) -> Cohort:
        """Half of the people of each."""
        parts = []
        for place, (side, name) in enumerate(self._named()):
            made = simulate(
                SCENARIOS[name],
                n // 2,
                2 * seed + place,
            )
            tables = (
                made.sessions,
                made.scores,
                made.patients,
                made.events,
            )
            parts.append([_marked(table, side) for table in tables])
        joined = [
            pd.concat(both, ignore_index=True) for both in zip(*parts, strict=True)
        ]
        return cohort_from_frames(*joined)

    def truths(self) -> dict[str, Truth]:
        """How far response by session 6 is apart, in percentage points."""
        here, there = (
            known_truths(SCENARIOS[name])["seen_response_by_6"]
            for _, name in self._named()
        )
        apart = 100 * (here.value - there.value)
        error = 100 * float(np.hypot(here.error, there.error))
        return {"apart": Truth(apart, error)}

    def numbers(self) -> str:
        """Everything that both depend on."""
        return "".join(describe_numbers(SCENARIOS[name]) for _, name in self._named())

    def _named(self) -> tuple[tuple[str, str], ...]:
        return (_HERE, self.here), (_THERE, self.there)


def _marked(table: pd.DataFrame, side: str) -> pd.DataFrame:
    # Cohorts are cut out of a large one in the order of codes: each cut must hold both clinics.
    return table.assign(patient_id=table["patient_id"].astype(str) + side)


def _covered(
    frame: pd.DataFrame,
    name: str,
    kind: str,
    truth: Truth = _NO_DIFFERENCE,
    limits: tuple[float, float] = COVERAGE,
) -> Check:
    """How often the interval of a difference holds the truth, where there is one."""
    ends = (f"{name}_{kind}_low", f"{name}_{kind}_high")
    there = frame.dropna(subset=list(ends))
    plain = name.replace("_", " ")
    words = {"difference": "as they are", "alike": "with the same case mix"}
    what = f"coverage of the 95 % interval, {plain}, {words[kind]}"
    return coverage(
        there,
        ends,
        truth,
        *limits,
        what=what,
    )


def judge_twins(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Each interval holds no difference as often as it says, and all of them together."""
    each = [_covered(frame, name, "difference") for name in _USUAL]
    alike = [_covered(frame, name, "alike") for name in ("responded", "side_effect")]
    what = "share of pairs in which all intervals that hold at once do"
    together = share(frame, "all_hold", *_ALL_HOLD, what=what)
    return [*each, *alike, together]


def judge_referred(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """People differ and clinics do not: the same case mix shows it."""
    ends = ("severity_difference_low", "severity_difference_high")
    apart = (frame[ends[0]] > 0).astype(float)
    what = "share of pairs in which people here are more severe beyond chance"
    severe = share(frame.assign(apart=apart), "apart", _LEAST_FOUND, 1.0, what=what)
    names = ("responded", "worse", "side_effect")
    alike = [_covered(frame, name, "alike", limits=_UNEVEN) for name in names]
    return [severe, *alike]


def judge_pair(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """A planted difference is found, and its interval holds it."""
    low = f"{_HELPS}_difference_low"
    found = (frame[low] > 0).astype(float)
    what = "share of pairs in which the planted difference is found"
    return [
        _covered(frame, _HELPS, "difference", truths["apart"]),
        share(frame.assign(found=found), "found", _LEAST_FOUND, 1.0, what=what),
    ]


_GATE: Final = partial(Gate, n=PEOPLE, cohorts=PAIRS)
GATES: Final = (
    _GATE(
        name="against-twins",
        question="Do two clinics that differ in nothing look alike?",
        scenario="clinic",
        fast_cohorts=4,
        first_seed=6000,
        measure=measure_twins,
        judge=judge_twins,
    ),
    _GATE(
        name="against-referred",
        question="Do they look alike at the same case mix, where other people come to each?",
        scenario="clinic",
        fast_cohorts=4,
        first_seed=7000,
        measure=measure_referred,
        judge=judge_referred,
    ),
    _GATE(
        name="against-helps_more",
        question="Is it found that one of two clinics helps more, and by how much?",
        scenario="A beside B",
        fast_cohorts=4,
        source=PairSource("A", "B"),
        first_seed=8000,
        measure=measure_pair,
        judge=judge_pair,
    ),
)
