"""One more session against clinics in which what it does is known: few cohorts with fixed seeds, three Monte-Carlo errors."""

from dataclasses import replace

import pytest

from kettrack.trials.registry import all_gates
from kettrack.trials.run import run_gate

FEW = {
    "next_session-B": 20,  # one batch of 8,000 patients each
    "next_session-A": 8,
    "negative_control-F": 20,
    "next_session_missing-A": 20,
}


@pytest.mark.parametrize(("name", "cohorts"), FEW.items())
def test_the_gate_passes_on_few_cohorts(name: str, cohorts: int) -> None:
    found = run_gate(replace(all_gates()[name], fast_cohorts=cohorts), fast=True, workers=0)
    failed = found.loc[~found["passed"], ["check", "found", "wanted"]]
    assert failed.empty, failed.to_string()
