"""What stands beside sessions in tables of their own: weights, vitals, adverse events."""

from __future__ import annotations

import pytest
from import_maps import applied, column, said, sheet
from import_tables import source_of

from kettrack.importing.apply import apply_map
from kettrack.importing.dose import LAST_WEIGHT, NO_WEIGHT
from kettrack.importing.import_map import TableMap
from kettrack.importing.proposal.propose import propose
from kettrack.importing.remarks import Remarks
from kettrack.importing.session_details import (
    A_WEIGHT,
    ANOTHER,
    NO_SESSION,
    OF_ONE_SESSION,
    SEVERAL,
)

# The day of each session, the weight in its row, and the dose for every kg; the weights of a table
# of vitals stand below. Then the dose where an old weight is taken, and where it is not.
DOSES = """
who   | on         | kg | dose      | taken | left
own   | 2024-04-01 | 80 | 0.5 mg/kg | 40    | 40
early | 2024-04-01 | .  | 0.5 mg/kg | .     | .
last  | 2024-04-01 | .  | 0.5 mg/kg | 35    | 35
limit | 2024-04-01 | .  | 0.5 mg/kg | 30    | 30
older | 2024-04-01 | .  | 0.5 mg/kg | 30    | .
never | 2024-04-01 | .  | 0.5 mg/kg | 45    | .
two   | 2024-04-01 | .  | 0.5 mg/kg | .     | .
same  | 2024-04-01 | 90 | 20 mg     | 20    | 20
same  | 2024-04-09 | .  | 0.5 mg/kg | 45    | 45
"""
VITALS = """
who   | on         | kg
own   | 2024-04-01 | 99
early | 2024-04-02 | 60
last  | 2024-02-01 | 60
last  | 2024-03-31 | 70
last  | 2024-04-02 | 99
limit | 2024-01-02 | 60
older | 2024-01-01 | 60
"""
PATIENTS = """
who   | kg
never | 90
last  | 120
two   | 60
two   | 61
"""
SESSIONS = TableMap(
    source="S",
    to="sessions",
    columns={"patient_id": "who", "date": "on", "weight_kg": "kg", "dose_mg": "dose"},
)
DATED = TableMap(
    source="V",
    to="session_details",
    columns={"patient_id": "who", "date": "on", "weight_kg": "kg"},
)
UNDATED = TableMap(
    source="P", to="session_details", columns={"patient_id": "who", "weight_kg": "kg"}
)


@pytest.mark.parametrize("answer", ["take it", "leave empty"])
def test_the_last_weight_on_or_before_the_day(answer: str) -> None:
    tables = (sheet(DOSES, "S"), sheet(VITALS, "V"), sheet(PATIENTS, "P"))
    made, remarks = applied(
        DATED, SESSIONS, UNDATED, tables=tables, answers={"weight.S": answer}
    )
    wanted = sheet(DOSES).data["taken" if answer == "take it" else "left"]
    doses = [None if one is None else float(one) for one in wanted.to_pylist()]
    assert column(made.sessions, "dose_mg") == doses
    counted = [one.count for one in remarks.said if one.reason == LAST_WEIGHT]
    assert counted == [3]
    refused = [row for row, _, _, why in said(remarks) if why == NO_WEIGHT]
    assert refused == ([3, 8] if answer == "take it" else [3, 6, 7, 8])


def test_old_weights_are_asked_about_and_young_ones_not() -> None:
    tables = (sheet(DOSES, "S"), sheet(VITALS, "V"))
    _, remarks = applied(SESSIONS, DATED, tables=tables)
    (question,) = remarks.asked
    assert question.key == "weight.S"
    assert "90 days old" in question.asks
    assert "row 6." in question.asks


EVENTS = """
who | on         | kg | bp  | ae
a   | 2024-04-01 | .  | 120 | nausea
a   | 2024-04-01 | 80 | 130 | headache
b   | 2024-04-01 | .  | 118 | none
b   | 2024-04-02 | .  | 119 | nausea
b   | 2024-04-03 | 70 | .   | .
c   | 2024-04-01 | .  | 110 | none
d   | 2024-04-01 | .  | 115 | none
"""
LOG = """
who | on         | bp
a   | 2024-04-01 | .
b   | 2024-04-01 | 117
c   | 2024-04-01 | .
c   | 2024-04-01 | .
"""


def test_details_become_columns_of_the_session_of_their_day() -> None:
    named = {"patient_id": "who", "date": "on", "systolic_before": "bp"}
    log = TableMap(source="L", to="sessions", columns=named)
    more = {**named, "adverse_events": "ae", "weight_kg": "kg"}
    details = TableMap(source="E", to="session_details", columns=more)
    made, remarks = applied(details, log, tables=(sheet(EVENTS, "E"), sheet(LOG, "L")))
    # Never more sessions than the log has; of two that happened none is lost.
    assert column(made.sessions, "adverse_events") == [
        "nausea;headache",
        "none",
        None,
        None,
    ]
    assert column(made.sessions, "systolic_before") == [None, 117, None, None]
    assert column(made.sessions, "weight_kg") == [80.0, None, None, None]
    rows = {(row, why) for row, name, _, why in said(remarks) if not name}
    assert rows == {
        (5, NO_SESSION),
        (6, A_WEIGHT),
        (7, SEVERAL),
        (8, NO_SESSION),
    }
    cells = [(row, name, why) for row, name, _, why in said(remarks) if name]
    assert (3, "systolic_before", OF_ONE_SESSION.differ) in cells
    assert (3, "systolic_before", ANOTHER) in cells


def test_a_table_of_vitals_doubles_no_session() -> None:
    source = source_of(
        log="record | date | drug | dose mg/kg\na | 2024-04-01 | ketamine iv | 0.5",
        vitals="record | date | sbp | weight\na | 2024-04-01 | 120 | 80",
        people="record | sex | weight (lb)\na | female | 176",
        effects="record | date | nausea (yes/no)\na | 2024-04-01 | yes\na | 2024-04-02 | no",
        other="record | date | sbp\nz | 2024-04-01 | 120",
    )
    plan = propose(source, {}, Remarks())
    found = [(part.source, part.to) for part in plan.tables]
    assert found == [
        ("log", "sessions"),
        ("vitals", "session_details"),
        ("people", "session_details"),
        ("people", "patients"),
        ("effects", "session_details"),
        # Of other patients: their sessions may stand nowhere else.
        ("other", "sessions"),
    ]
    assert plan.tables[2].units == {"weight_kg": "lb"}


def test_readings_of_one_session_by_their_words() -> None:
    source = source_of(
        log="record | date | drug\na | 2024-04-01 | ketamine iv\na | 2024-04-08 | ketamine iv",
        vitals="""
            record | date | time point | sbp | weight | spo2
            a | 2024-04-01 | Pre | 120 | 80 | 98
            a | 2024-04-01 | Peak | 150 | . | 91
            a | 2024-04-01 | Peak 2 | 155 | . | 94
            a | 2024-04-08 | Post | 110 | . | 97
        """.replace(" . ", "  "),
    )
    plan = propose(source, {}, Remarks())
    made = apply_map(source, plan, Remarks()).sessions
    assert column(made, "systolic_before") == [120, None]
    # Of several readings the highest, and the lowest saturation.
    assert column(made, "systolic_peak") == [155, None]
    assert column(made, "systolic_after") == [None, 110]
    assert column(made, "spo2_min") == [91, 97]
    assert column(made, "weight_kg") == [80.0, None]


@pytest.mark.parametrize(
    ("answer", "to"),
    [
        ("", "session_details"),
        ("a session", "sessions"),
        ("something of a session", "session_details"),
    ],
)
def test_rows_on_no_day_of_a_session_are_asked_about(answer: str, to: str) -> None:
    source = source_of(
        log="record | date | drug\na | 2024-04-01 | ketamine iv",
        later="record | date | sbp\na | 2025-04-01 | 120",
    )
    remarks = Remarks()
    key = "rows_of.later"
    plan = propose(source, {key: answer} if answer else {}, remarks)
    assert [part.to for part in plan.tables] == ["sessions", to]
    assert (key in {one.key for one in remarks.asked}) == (not answer)
