"""Codes of other systems: each list against a table written down apart from it."""

from __future__ import annotations

import pytest

from kettrack.vocabulary.outside_codes import (
    INGREDIENTS,
    LOINC_ANSWERS,
    LOINC_OTHERS,
    LOINC_PANELS,
    LOINC_SCORES,
    drug_in_words,
    drug_of_code,
    route_of_code,
    system_of,
)

# Typed from the LOINC panel 44249-1, in the order of the questions.
PHQ9 = """
item_1 44250-9
item_2 44255-8
item_3 44259-0
item_4 44254-1
item_5 44251-7
item_6 44258-2
item_7 44252-5
item_8 44253-3
item_9 44260-8
item_10 69722-7
score 44261-6
"""


def test_phq9_has_its_codes() -> None:
    said = {
        meaning.column: code
        for code, meaning in LOINC_SCORES.items()
        if meaning.instrument == "PHQ-9"
    }
    assert said == dict(line.split() for line in PHQ9.split("\n") if line)


def test_no_code_stands_in_two_lists() -> None:
    lists = (LOINC_SCORES, LOINC_PANELS, LOINC_OTHERS, LOINC_ANSWERS)
    codes = [code for one in lists for code in one]
    assert len(codes) == len(set(codes))


def test_phq2_and_gad7_are_no_phq9() -> None:
    assert "55758-7" in LOINC_OTHERS
    assert LOINC_SCORES["70274-6"].instrument == "GAD-7"


def test_answers_count_from_no_days_to_nearly_every_day() -> None:
    codes = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")
    assert [LOINC_ANSWERS[code] for code in codes] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("system", "code", "drug", "route"),
    [
        ("RxNorm", "6130", "ketamine", ""),
        ("urn:oid:2.16.840.1.113883.6.88", "2201625", "esketamine", "intranasal"),
        ("http://www.whocc.no/atc", "N06AX27", "esketamine", ""),
    ],
)
def test_drugs_by_system_and_code(
    system: str, code: str, drug: str, route: str
) -> None:
    found = drug_of_code(system, code)
    assert found is not None
    assert (found.drug, found.route) == (drug, route)


@pytest.mark.parametrize(
    ("system", "code"),
    # Another system, no system, and two codes that nobody confirmed.
    [("LOINC", "6130"), ("", "6130"), ("RxNorm", "2119365"), ("ATC", "N01AX03")],
)
def test_what_is_not_certain_is_no_drug(system: str, code: str) -> None:
    assert drug_of_code(system, code) is None


def test_an_ingredient_is_a_confirmed_code() -> None:
    for drug, (system, code) in INGREDIENTS.items():
        found = drug_of_code(system, code)
        assert found is not None
        assert found.drug == drug


@pytest.mark.parametrize(
    ("text", "drug"),
    [
        ("KETAMINE HCL 10 mg/mL", "ketamine"),
        ("kétamine", "ketamine"),
        ("Esketamin nasal", "esketamine"),
        ("(S)-ketamine", "esketamine"),
        ("(R,S)-ketamine", "ketamine"),
        ("R/S-ketamine", "ketamine"),
        ("norketamine", None),
        ("midazolam", None),
    ],
)
def test_drugs_by_name(text: str, drug: str | None) -> None:
    assert drug_in_words(text) == drug


def test_routes_of_both_systems() -> None:
    assert route_of_code("HL70162", "ns") == "intranasal"
    assert route_of_code("SCT", "34206005") == "sc"
    assert route_of_code("SCT", "IV") is None
    # Buccal is no route of the contract.
    assert route_of_code("HL70162", "B") is None


def test_systems_have_many_names() -> None:
    assert {system_of(name) for name in ("http://loinc.org/", "ln", "LOINC")} == {
        "LOINC"
    }
    assert system_of("") is None
