"""For whom, on trial where groups differ in nothing: site and sex are planted nulls; and one group
that is followed less.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.analysis.subgroups.adjusted import (
    adjusted_comparison,
    known_characteristics,
    others_of,
)
from kettrack.analysis.subgroups.interactions import interaction_looks
from kettrack.analysis.subgroups.scored_predictors import scored_looks
from kettrack.analysis.subgroups.standardised import standardised
from kettrack.estimators.survival.competing_risks import pseudo_values
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import derive
from kettrack.trials.gate import Check, Gate, Truths, share

NULLS: Final = ("site", "sex")
CLINICS: Final = 200
# Six shares are judged at once, so that each has to be known better.
CLINICS_OF_SEVERAL: Final = 400
PEOPLE: Final = 600
REJECTS: Final = (0.03, 0.08)  # of clinics in which groups are alike
# Recorded so, people are scored less often in the simulated clinic.
FOLLOWED_LESS: Final = "ethnicity"
LEAST_FOUND: Final = 0.4  # of clinics of this size in which one look must find it
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


def measure_others(cohort: Cohort) -> dict[str, float]:
    """Chances of the same nulls in being scored and as interactions with route, how far routes are
    apart once standardised, and the chance of the planted difference in being scored.
    """
    derived = derive(cohort)
    scored = scored_looks(derived)
    crossed = interaction_looks(derived, "route")
    found = {
        f"scored_{name}": scored[name]
        for name in (*NULLS, FOLLOWED_LESS)
        if name in scored
    }
    found |= {f"route_{name}": crossed[name] for name in NULLS if name in crossed}
    routes = standardised(derived, "route").table
    # An interval that leaves out 0 for any route counts, as all hold at once.
    outside = (routes["difference_low"] > 0) | (routes["difference_high"] < 0)
    found["routes"] = (
        float(outside.any()) if routes["difference"].notna().any() else np.nan
    )
    return found


def judge_others(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Nulls are rejected about as often as chance does, and the planted group is found."""
    checks = []
    words = {"scored": "being scored differs by", "route": "routes differ by"}
    for kind, what in words.items():
        for name in NULLS:
            chance = frame[f"{kind}_{name}"]
            rejected = (chance < LEAST_CHANCE).astype(float).where(chance.notna())
            judged = frame.assign(rejected=rejected)
            words_of_it = f"share of clinics in which {what} {name}"
            checks.append(share(judged, "rejected", *REJECTS, what=words_of_it))
    planted = (frame[f"scored_{FOLLOWED_LESS}"] < LEAST_CHANCE).astype(float)
    what = f"share of clinics in which being scored differs by {FOLLOWED_LESS}"
    checks.append(
        share(frame.assign(found=planted), "found", LEAST_FOUND, 1.0, what=what)
    )
    routes = "share of clinics in which a standardised route is apart from the first"
    checks.append(share(frame, "routes", 0.0, REJECTS[1], what=routes))
    return checks


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
    Gate(
        name="other_groups-measured",
        question=(
            "Do the comparisons of who is scored, of routes made alike and of interactions find"
            " what is there, and nothing else?"
        ),
        scenario="measured",
        n=PEOPLE,
        cohorts=CLINICS_OF_SEVERAL,
        fast_cohorts=4,
        first_seed=2718,
        measure=measure_others,
        judge=judge_others,
    ),
)
