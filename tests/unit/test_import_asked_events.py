"""Adverse events that a form asks one by one: yes and no become words of one column."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_maps import applied, column, said, sheet
from import_tables import source_of

from kettrack.errors import DataProblems
from kettrack.importing.import_map import TableMap
from kettrack.importing.map_file import read_map
from kettrack.importing.proposal.propose import propose
from kettrack.importing.remarks import Remarks

VISITS = """
id | Date | Sick | Dizzy | Other
a | 2024-01-02 | yes | no | .
a | 2024-01-09 | no | no | .
b | 2024-01-02 | ja | 1 | headache
b | 2024-01-09 | . | . | .
c | 2024-01-02 | . | no | none
c | 2024-01-09 | often | no | .
"""
COLUMNS = {
    "patient_id": "id",
    "date": "Date",
    "adverse_events_dizziness": "Dizzy",
    "adverse_events_nausea": "Sick",
}


def test_yes_becomes_a_word_and_no_to_all_none() -> None:
    part = TableMap(source="Visits", to="sessions", columns=COLUMNS)
    made, remarks = applied(part, tables=(sheet(VISITS),))
    assert column(made.sessions, "adverse_events") == [
        "nausea",
        "none",
        "nausea;dizziness",
        None,
        "none",
        "none",
    ]
    assert said(remarks)[0] == (
        7,
        "Sick",
        "refused",
        "this word is neither yes nor no; say in the values of the map what it is",
    )
    noted = [(one.count, one.reason) for one in remarks.said if one.action == "noted"]
    no_to_all = "no to each event asked for is read as none; others may have happened"
    assert noted == [(3, no_to_all)]


def test_words_of_a_list_stand_beside_them() -> None:
    part = TableMap(
        source="Visits",
        to="sessions",
        columns={**COLUMNS, "adverse_events": "Other"},
        values={"adverse_events_nausea": {"often": "yes"}},
    )
    made, _ = applied(part, tables=(sheet(VISITS),))
    assert column(made.sessions, "adverse_events") == [
        "nausea",
        "none",
        "nausea;dizziness;headache",
        None,
        "none",
        "nausea",
    ]


PROPOSED = {
    "one changes within a patient, so the others are events, too": (
        "id date drug Nausea Headache Hypertension\n"
        "a 2024-01-02 ketamine yes no yes\n"
        "a 2024-01-09 ketamine no no yes\n"
        "b 2024-01-02 ketamine no no no\n",
        {"nausea": "Nausea", "headache": "Headache"},
    ),
    "what never changes may be an illness": (
        "id date drug Headache Hypertension\n"
        "a 2024-01-02 ketamine yes yes\n"
        "a 2024-01-09 ketamine yes yes\n"
        "b 2024-01-02 ketamine no no\n",
        {},
    ),
    "the heading says that it is an event": (
        "id date drug AE_nausea Nebenwirkung_Schwindel Hypertension_treatment\n"
        "a 2024-01-02 ketamine 0 ja yes\n"
        "b 2024-01-02 ketamine 1 nein no\n",
        {"nausea": "AE_nausea", "dizziness": "Nebenwirkung_Schwindel"},
    ),
    "how bad it was is no yes and no": (
        "id date drug AE_nausea\na 2024-01-02 ketamine 0\na 2024-01-09 ketamine 3\n",
        {},
    ),
}


@pytest.mark.parametrize("name", PROPOSED)
def test_columns_of_events_are_found(name: str) -> None:
    text, expected = PROPOSED[name]
    parted = "\n".join("|".join(line.split()) for line in text.splitlines())
    plan = propose(source_of(Visits=parted), {}, Remarks())
    [part] = [part for part in plan.tables if part.to == "sessions"]
    start = "adverse_events_"
    found = {
        meaning.removeprefix(start): source
        for meaning, source in part.columns.items()
        if meaning.startswith(start)
    }
    assert found == expected


def test_mistakes_in_the_map_have_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        'kind = "text"\n'
        "[[tables]]\n"
        'source = "Visits"\n'
        'to = "sessions"\n'
        "[tables.columns]\n"
        'patient_id = "id"\n'
        'adverse_events_rash = "Rash"\n'
        'adverse_events_nausea = "Sick"\n'
        "[tables.constants]\n"
        'adverse_events_nausea = "yes"\n'
        "[tables.values.adverse_events_nausea]\n"
        'a = "yes"\n'
        'b = "perhaps"\n'
    )
    with pytest.raises(DataProblems) as caught:
        read_map(path)
    assert [one.line for one in caught.value.problems] == [7, 10, 13]
