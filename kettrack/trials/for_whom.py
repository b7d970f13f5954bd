"""For whom, on trial where groups differ in nothing: site and sex are planted nulls."""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.analysis.subgroups.adjusted import (
    adjusted_comparison,
    known_characteristics,
    others_of,
)
from kettrack.estimators.survival.pseudo_values import pseudo_values
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import derive
from kettrack.trials.gate import Check, Gate, Truths, share

NULLS: Final = ("site", "sex")
CLINICS: Final = 200
PEOPLE: Final = 600
REJECTS: Final = (0.03, 0.08)  # of clinics in which groups are alike
# Below this chance of one look a null is rejected.
LEAST_CHANCE: Final = 0.05


def measure_nulls(cohort: Cohort) -> dict[str, float]:
    """Chance of the differences between sites and between sexes, at equal other
    characteristics.
    """
    derived = derive(cohort)
    exits = first_course_exits(derived).set_index("patient_id")
    at_risk = exits[exits["step"] > 0]
    there = known_characteristics(derived, at_risk.index)
    outcome = pseudo_values(
        at_risk["step"].to_numpy(),
        at_risk["cause"].to_numpy(),
        len(CAUSES),
        TOLD_SESSION,
    )[0]
    found = {}
    for each in there:
        if each.name in NULLS:
            others = others_of(each.name, there)
            compared = adjusted_comparison(outcome, each.dummies, each.unknown, others)
            found[each.name] = compared.chance
    return found


def judge_nulls(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Groups that are alike are said to differ about as often as chance does."""
    checks = []
    for name in NULLS:
        rejected = (frame[name] < LEAST_CHANCE).astype(float)
        judged = frame.assign(rejected=rejected.where(frame[name].notna()))
        what = f"share of clinics in which response differs by {name}"
        checks.append(share(judged, "rejected", *REJECTS, what=what))
    return checks


GATES: Final = (
    Gate(
        name="for_whom-measured",
        question="Does response differ by site or by sex where it does not?",
        scenario="measured",
        n=PEOPLE,
        cohorts=CLINICS,
        first_seed=314,
        measure=measure_nulls,
        judge=judge_nulls,
    ),
)
