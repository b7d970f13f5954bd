"""The shipped truths: what was published of them, what smaller runs find, and that they belong to
the scenarios as they are.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from simulated import simulated

from kettrack.simulation.cohort_files import describe_truth
from kettrack.simulation.known_truths import (
    SHIPPED,
    cached_truths,
    fingerprint,
    known_truths,
)
from kettrack.simulation.presets import SCENARIOS, TRUTH_KINDS
from kettrack.simulation.truth import Truth, force_truth

PEOPLE = 4_000
SEED = 77
# Forced truths of the weekly process, from 400,000 people simulated week by week by other code;
# Monte-Carlo error about .003.
ELSEWHERE = {
    ("A", "stop_after_8_minus_3"): -1.369,
    ("B", "stop_after_8_minus_3"): 0.0,
    ("H", "stop_after_8_minus_3"): -1.480,
    ("A", "response_by_8"): 0.778,
    ("D", "response_by_8"): 0.778,
    ("B", "response_by_8"): 0.607,
    ("C", "response_by_8"): 0.607,
    ("H", "response_by_8"): 0.760,
    ("A", "one_more_session"): -0.702,
    ("D", "one_more_session"): -0.640,
    ("E", "one_more_session"): -0.677,
    ("H", "one_more_session"): -0.357,
    ("I", "one_more_session"): -0.686,
    ("B", "one_more_session"): 0.0,
    ("C", "one_more_session"): 0.0,
}


@pytest.mark.parametrize(("scenario", "name"), ELSEWHERE, ids=" ".join)
def test_shipped_truth_is_what_other_code_found(scenario: str, name: str) -> None:
    truth = known_truths(SCENARIOS[scenario])[name]
    assert truth.value == pytest.approx(
        ELSEWHERE[scenario, name], abs=4 * truth.error + 0.004
    )


# One scenario of each kind of process; the others differ from these in numbers only.
@pytest.mark.parametrize(
    "name", ["A", "C", "H", "J30", "durability", "clinics", "maintenance", "irregular"]
)
def test_shipped_truths_are_found_again(name: str) -> None:
    shipped = known_truths(SCENARIOS[name])
    found = force_truth(SCENARIOS[name], PEOPLE, SEED)
    assert set(found) == set(shipped)
    for what, truth in found.items():
        error = (truth.error**2 + shipped[what].error ** 2) ** 0.5
        assert truth.value == pytest.approx(
            shipped[what].value, abs=4 * error + 1e-5
        ), what


def test_a_changed_scenario_has_no_shipped_truth() -> None:
    a = SCENARIOS["A"]
    assert known_truths(replace(a, about="other words")) == known_truths(a)
    assert known_truths(replace(a, effect=replace(a.effect, per_session=0.9))) == {}
    assert known_truths(SCENARIOS["clinic"]) == {}
    assert fingerprint(a) != fingerprint(SCENARIOS["B"])
    assert set(json.loads(SHIPPED.read_text(encoding="utf-8"))) == set(TRUTH_KINDS)


def test_truths_are_worked_out_once(tmp_path: Path) -> None:
    parameters = replace(SCENARIOS["J0"], last_day=21)
    first = cached_truths(parameters, 200, 1, tmp_path / "new")
    (file,) = (tmp_path / "new").iterdir()
    kept = json.loads(file.read_text(encoding="utf-8"))
    kept["truths"]["response_by_1"][0] = 0.123
    file.write_text(json.dumps(kept), encoding="utf-8")
    assert cached_truths(parameters, 200, 1, tmp_path / "new") == first | {
        "response_by_1": Truth(0.123, first["response_by_1"].error)
    }


def test_truth_json_holds_them() -> None:
    told = json.loads(describe_truth(simulated("A", 5, 1)))["truths"]
    assert (
        told["response_by_8"]["value"]
        == known_truths(SCENARIOS["A"])["response_by_8"].value
    )
    assert "truths" not in json.loads(describe_truth(simulated("clinic", 5, 1)))
