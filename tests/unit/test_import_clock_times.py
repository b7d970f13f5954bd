"""The clock at the beginning and at the end of an administration becomes its length."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from import_maps import applied, column, said, sheet
from import_tables import source_of

from kettrack.errors import DataProblems
from kettrack.importing.clock_times import is_clock
from kettrack.importing.import_map import TableMap
from kettrack.importing.map_file import read_map
from kettrack.importing.proposal.propose import propose
from kettrack.importing.remarks import Remarks

# What two clocks on the wall show, and the minutes that a person counts between them.
COUNTED = """
id | Date       | From             | To
a  | 2024-01-01 | 9:05             | 9:45
a  | 2024-01-02 | 09.05            | 10h00
a  | 2024-01-03 | 11:50 am         | 12:30 PM
a  | 2024-01-04 | 12:10 a.m.       | 00:50
a  | 2024-01-05 | 23:40:30         | 0:20
a  | 2024-01-06 | 2024-01-06 14:00 | 2024-01-06T14:40:00
a  | 2024-01-07 | 14:00            | 14:00
a  | 2024-01-08 | .                | .
a  | 2024-01-09 | 14:00            | .
a  | 2024-01-10 | 25:00            | 14:00
a  | 2024-01-11 | 14:40            | 14:00
a  | 2024-01-12 | 13:00 pm         | 14:00
"""
COLUMNS = {
    "patient_id": "id",
    "date": "Date",
    "start_time": "From",
    "end_time": "To",
}
PART = TableMap(source="Visits", to="sessions", columns=COLUMNS)


def test_minutes_are_those_on_the_clock() -> None:
    made, remarks = applied(PART, tables=(sheet(COUNTED),))
    expected = [40, 55, 40, 40, 40, 40, 0, None, None, None, None, None]
    assert column(made.sessions, "duration_min") == expected
    assert made.sessions is not None
    assert not {"start_time", "end_time"} & {*made.sessions.column_names}
    alone = "the time at the other end is missing, so nobody knows how long it took"
    assert sorted((row, name, why) for row, name, _, why in said(remarks) if row) == [
        (10, "From", alone),
        (11, "From", "this is no time of day"),
        (11, "To", alone),
        (12, "To", "out of range: a whole number of min, 0 to 600"),
        (13, "From", "this is no time of day"),
        (13, "To", alone),
    ]


def test_moments_and_lengths_since_midnight_are_times_too() -> None:
    known = sheet(
        "id | Date | From | To\na | 2024-01-01 | . | .\nb | 2024-01-01 | . | ."
    )
    first = pa.array(["2024-01-01T09:05:00", None])
    moments = first.cast(pa.timestamp("us"))
    lengths = pa.array([timedelta(hours=9, minutes=50), None], pa.duration("us"))
    data = known.data.set_column(2, "From", moments).set_column(3, "To", lengths)
    made, _ = applied(PART, tables=(replace(known, data=data),))
    assert column(made.sessions, "duration_min") == [45, None]


def test_what_the_file_says_itself_goes_first() -> None:
    told = "id | Date | From | To | Min\na | 2024-01-01 | 9:00 | 9:40 | 35\n"
    told += "a | 2024-01-02 | 9:00 | 9:40 | ."
    part = replace(PART, columns={**COLUMNS, "duration_min": "Min"})
    made, _ = applied(part, tables=(sheet(told),))
    assert column(made.sessions, "duration_min") == [35, 40]


PROPOSED = {
    "of an infusion": ("Infusion start|Infusion end", "9:00|9:40", True),
    "German": ("Beginn|Ende", "9:00|9:40", True),
    "of the visit": ("Visit start|Visit end", "9:00|11:40", False),
    "no times": ("Start|End", "yes|no", False),
    "two beginnings": ("Start|Start 2|End", "9:00|9:10|9:40", False),
    "no end": ("Start|Weight", "9:00|80", False),
    "the length is there": ("Start|End|Duration", "9:00|9:40|40", False),
}


@pytest.mark.parametrize("name", PROPOSED)
def test_clocks_are_found(name: str) -> None:
    headings, cells, expected = PROPOSED[name]
    text = (
        f"id|date|drug|{headings}\n"
        f"a|2024-01-02|ketamine|{cells}\n"
        f"b|2024-01-03|ketamine|{cells}\n"
    )
    plan = propose(source_of(Visits=text), {}, Remarks())
    [part] = [part for part in plan.tables if part.to == "sessions"]
    assert ({"start_time", "end_time"} <= {*part.columns}) == expected


def test_one_end_alone_is_a_mistake_in_the_map(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        'kind = "text"\n[[tables]]\nsource = "V"\nto = "sessions"\n[tables.columns]\n'
        'patient_id = "id"\nstart_time = "From"\n'
    )
    with pytest.raises(DataProblems, match="one alone does not say how long it took"):
        read_map(path)


def test_what_is_no_clock() -> None:
    texts = ["9:60", "24:00", "0:30 am", "12:5", "40", "1:2:3", "9:00 xm", "9:00\t"]
    clocks = is_clock(np.array(texts, dtype=object))
    assert clocks.tolist() == [False] * 7 + [True]
