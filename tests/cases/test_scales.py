"""Small cohorts that once gave a wrong answer: what a total, a percentage and a rule mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kettrack import (
    Cohort,
    load_cohort,
    outcomes_table,
    patient_page,
    published_rules_table,
    review_table,
    timeline_table,
)

HERE = Path(__file__).parent


def percent_changes(cohort: Cohort) -> dict[str, float]:
    """Percent change of each patient's last score."""
    last = timeline_table(cohort).groupby("patient_id").tail(1)
    return dict(zip(last["patient_id"], last["percent_change"], strict=True))


def responses(cohort: Cohort) -> dict[str, str]:
    table = outcomes_table(cohort).set_index("patient_id")
    return table["response_status"].astype("str").to_dict()


def response_line(cohort: Cohort) -> dict[str, float]:
    """The line of response on the page of the first patient."""
    page = patient_page(cohort, "A1").table
    lines = page[page["what"] == "line"]
    return dict(zip(lines["label"], lines["value"], strict=True))


def ideation(cohort: Cohort) -> dict[str, list[float | None]]:
    """C-SSRS scores of each patient in order; None where the form leaves it open."""
    forms = cohort.scores[cohort.scores["instrument"] == "C-SSRS"]
    score = forms["score"].astype(object).where(forms["score"].notna(), None)
    return score.groupby(forms["patient_id"]).agg(list).to_dict()


def reviewed(cohort: Cohort) -> dict[str, str]:
    """What the review list says of the C-SSRS."""
    table = review_table(cohort)
    own = table[table["reason"].astype("str").str.startswith("cssrs")]
    return dict(zip(own["patient_id"], own["words"], strict=True))


def behaviour(cohort: Cohort) -> list[int]:
    """Answers to question 6, as they are kept."""
    return cohort.scores["item_6"].tolist()


def notes(cohort: Cohort) -> list[str]:
    return [note.partition(": ")[2] for note in cohort.notes]


def scores(cohort: Cohort) -> list[float | None]:
    score = cohort.scores["score"]
    return score.astype(object).where(score.notna(), None).tolist()


def nhs(cohort: Cohort) -> dict[str, str]:
    """What each rule of NHS Talking Therapies says of the one patient."""
    table = published_rules_table(cohort)
    own = table[table["rule"].str.startswith("NHS")]
    name = own["rule"].str.partition(" (")[0]
    return dict(zip(name, own["verdict"].astype("str"), strict=True))


def named(cohort: Cohort) -> bool:
    """Whether the rule of improvement says in the output what it does with opposed change."""
    rules = published_rules_table(cohort)["rule"]
    improvement = rules[rules.str.startswith("NHS reliable improvement")]
    said = "no reliable change for the worse on the other"
    return improvement.str.contains(said).all().item()


# folder, what is asked of it, right answer
CASES = [
    ("minimum_not_zero", percent_changes, {"A1": -60, "A2": -100}),
    ("minimum_not_zero", responses, {"A1": "single", "A2": "single"}),
    (
        "minimum_not_zero",
        response_line,
        {"half of the baseline, counted from 10": 20},
    ),
    ("cssrs_skip", ideation, {"A1": [3, 1, 0], "A2": [2, 0, None]}),
    (
        "cssrs_skip",
        reviewed,
        {"A2": "C-SSRS ideation was at least 4 at the last answer"},
    ),
    ("cssrs_item6", ideation, {"A1": [3, 1], "A2": [2, 0]}),
    ("cssrs_item6", behaviour, [0, 1, 0, 0]),
    (
        "cssrs_item6",
        reviewed,
        {"A1": "C-SSRS question on suicidal behaviour was answered yes"},
    ),
    (
        "iapt_opposed_improved",
        nhs,
        {
            "NHS recovery": "not_met",
            "NHS reliable improvement": "not_met",
            "NHS reliable recovery": "not_met",
            "NHS reliable deterioration": "not_met",
        },
    ),
    ("iapt_opposed_improved", named, True),
    ("partial_sum_of_3", scores, [18, None]),
    ("partial_sum_of_3", responses, {"A1": "none"}),
    (
        "partial_sum_of_3",
        notes,
        [
            "1 PHQ-9 stated total was taken as missing, as the items answered give it by"
            " themselves and some are missing: from 3 to 21 is possible."
        ],
    ),
    ("partial_zero_no_items", scores, [18, None]),
    (
        "partial_zero_no_items",
        notes,
        [
            "1 PHQ-9 total of 0 was taken as missing because it is doubtful: no item is"
            " answered beside it, while other rows of this scale have items. Fill in the"
            " items where it is true."
        ],
    ),
]


@pytest.mark.parametrize(
    ("folder", "asked", "right"),
    CASES,
    ids=[f"{folder}-{asked.__name__}" for folder, asked, _ in CASES],
)
def test_case(folder: str, asked: Callable[[Cohort], object], right: object):
    # A folder without the primary scale is asked about the one that it has.
    chosen = {"instrument": "C-SSRS"} if folder == "cssrs_item6" else {}
    assert asked(load_cohort(HERE / folder, **chosen)) == right
