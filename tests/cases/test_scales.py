"""Small cohorts that once gave a wrong answer: what a total, a percentage and a rule mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kettrack import Cohort, load_cohort, outcomes_table, timeline_table

HERE = Path(__file__).parent


def percent_changes(cohort: Cohort) -> dict[str, float]:
    """Percent change of each patient's last score."""
    last = timeline_table(cohort).groupby("patient_id").tail(1)
    return dict(zip(last["patient_id"], last["percent_change"], strict=True))


def responses(cohort: Cohort) -> dict[str, str]:
    table = outcomes_table(cohort).set_index("patient_id")
    return table["response_status"].astype("str").to_dict()


# folder, what is asked of it, right answer
CASES = [
    ("minimum_not_zero", percent_changes, {"A1": -60, "A2": -100}),
    ("minimum_not_zero", responses, {"A1": "single", "A2": "single"}),
]


@pytest.mark.parametrize(
    ("folder", "asked", "right"),
    CASES,
    ids=[f"{folder}-{asked.__name__}" for folder, asked, _ in CASES],
)
def test_case(folder: str, asked: Callable[[Cohort], object], right: object):
    assert asked(load_cohort(HERE / folder)) == right
