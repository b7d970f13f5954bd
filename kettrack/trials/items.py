"""Which symptom moves first, on trial: in the simulated clinic little interest does; where the
answers of the same totals are dealt anew, none does.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.together.items import AHEAD, change_by_item
from kettrack.reading.cohort import Cohort
from kettrack.simulation.cohort import Simulated
from kettrack.trials.gate import Check, Gate, Truths, share
from kettrack.vocabulary.instruments import PHQ9

CLINICS: Final = 200
PEOPLE: Final = 600
_REPLICATES: Final = 400
_FOUND: Final = 0.9  # of clinics, where item 1 moves first
# Of clinics in which no item does; nine items are looked at with one band of 95 %.
_MISLED: Final = (0.02, 0.08)
# Little interest falls ahead for three weeks; by then next to nothing of it is left.
_SETTLED_DAY: Final = 120
_ITEMS: Final = [f"item_{number}" for number in range(1, PHQ9.n_items + 1)]


def measure_items(cohort: Cohort) -> dict[str, float]:
    """Whether item 1 is said to move first, and whether any item is said to move out of step."""
    answer = change_by_item(cohort, replicates=_REPLICATES)
    ahead = answer.table[answer.table["about"] == AHEAD].set_index("key")
    first = ahead["ci_high"] < 0
    last = ahead["ci_low"] > 0
    return {
        "first": float(first["ahead_1"]),
        # The numbers of all items add up to 0, so some seem to lag where one is ahead.
        "others_first": float(first.drop("ahead_1").any()),
        "any": float((first | last).any()),
    }


def deal_answers(simulated: Simulated) -> Simulated:
    """Every form of the first weeks gets the answers of another form with the same total, taken
    before treatment or long after its start, when items fall alike.
    """
    scores = simulated.scores
    rng = np.random.default_rng(len(scores))
    whole = scores[_ITEMS].notna().all(axis=1) & (scores["instrument"] == PHQ9.name)
    settled = (scores["day"] <= 0) | (scores["day"] > _SETTLED_DAY)
    givers = scores[whole & settled].groupby("score")[_ITEMS]
    pages = {total: page.to_numpy() for total, page in givers}
    answers = scores[_ITEMS].to_numpy(copy=True)
    for total, rows in scores[whole & ~settled].groupby("score"):
        # A total that no other form has keeps its own answers: it is a rare one.
        if total in pages:
            page = pages[total]
            answers[rows.index.to_numpy()] = page[
                rng.integers(len(page), size=len(rows))
            ]
    dealt = scores.assign(**dict(zip(_ITEMS, answers.T, strict=True)))
    return replace(simulated, scores=dealt.astype(scores.dtypes.to_dict()))


def judge_items(
    frame: pd.DataFrame,
    truths: Truths,
    planted: bool,
) -> list[Check]:
    """The planted item is found first, and no other; without it, none is."""
    if planted:
        return [
            share(
                frame,
                "first",
                _FOUND,
                what="share of clinics in which little interest is said to move first",
            ),
            share(
                frame,
                "others_first",
                high=_MISLED[1],
                what="share of clinics in which another item is said to move first",
            ),
        ]
    return [
        share(
            frame,
            "any",
            *_MISLED,
            what="share of clinics in which any item is said to move out of step",
        )
    ]


GATES: Final = (
    Gate(
        name="items-measured",
        question="Is the symptom that moves first found?",
        scenario="measured",
        n=PEOPLE,
        cohorts=CLINICS,
        fast_cohorts=1,
        first_seed=1732,
        measure=measure_items,
        judge=partial(judge_items, planted=True),
    ),
    Gate(
        name="items-alike",
        question="Is no symptom said to move first where none does?",
        scenario="measured",
        n=PEOPLE,
        cohorts=CLINICS,
        # The share of few clinics says nothing.
        fast_cohorts=0,
        first_seed=2236,
        measure=measure_items,
        prepare=deal_answers,
        judge=partial(judge_items, planted=False),
    ),
)
