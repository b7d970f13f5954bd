"""Scores on their way in: out of range, codes for missing and broken totals are told apart; items
keep their noughts; dates, days, weeks and session numbers each give a row its time.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from import_maps import applied, column, said, sheet
from pyarrow import csv

from kettrack.importing.dose import NO_WEIGHT
from kettrack.importing.import_map import TableMap, WideBlock
from kettrack.importing.source import SourceTable

PHQ = {"instrument": "PHQ-9"}
LONG = {"patient_id": "id", "day": "day", "score": "total"}


def test_three_kinds_of_wrong_totals() -> None:
    table = sheet(
        """
        id | day | total
        a  | 0   | 20
        b  | 0   | 31
        c  | 0   | 12.5
        d  | 0   | -9
        e  | 0.5 | 8
        f  | 9000 | 8
        """,
        "S",
    )
    plan = TableMap(source="S", to="scores", columns=LONG, constants=PHQ)
    made, remarks = applied(plan, tables=(table,))
    assert column(made.scores, "score") == [20.0, None, None, None]
    assert said(remarks) == [
        (
            6,
            "day",
            "refused",
            "not a whole number: a whole number of days, -3650 to 3650",
        ),
        (7, "day", "refused", "out of range: a whole number of days, -3650 to 3650"),
        (5, "total", "refused", "a code that stands for a missing score"),
        (
            3,
            "total",
            "refused",
            "out of range: a PHQ-9 total is a whole number, 0 to 27",
        ),
        (4, "total", "refused", "a PHQ-9 total is a whole number, and this one is not"),
        (6, "", "refused", "neither a date nor a day that can be read stands in it"),
        (7, "", "refused", "neither a date nor a day that can be read stands in it"),
    ]
    assert [one.key for one in remarks.asked] == ["broken_totals.S.PHQ-9"]
    answers = {"broken_totals.S.PHQ-9": "round"}
    made, remarks = applied(plan, tables=(table,), answers=answers)
    assert column(made.scores, "score") == [20.0, None, 13.0, None]
    assert (4, "total", "mended", "a broken total, rounded") in said(remarks)
    assert remarks.asked == []


def test_t_values_may_be_broken_and_own_scales_are_not_judged() -> None:
    table = sheet(
        """
        id | day | scale | total
        a  | 0   | PROMIS Depression | 55.3
        a  | 0   | WHO-5 | 112.5
        a  | 0   | Quilliam | 3
        """,
        "S",
    )
    promis = "PROMIS-Depression-8a"
    names = {"PROMIS Depression": promis, "WHO-5": "WHO-5"}
    columns = LONG | {"instrument": "scale"}
    plan = TableMap(
        source="S", to="scores", columns=columns, values={"instrument": names}
    )
    made, remarks = applied(plan, tables=(table,))
    assert column(made.scores, "score") == [55.3, 112.5]
    assert said(remarks) == [(4, "", "refused", "no scale that is known stands in it")]


def items(*rows: str) -> SourceTable:
    header = "id | day | " + " | ".join(f"q{k}" for k in range(1, 11))
    return sheet("\n".join([header, *rows]), "S")


ITEMS = {"patient_id": "id", "day": "day"} | {
    f"item_{k}": f"q{k}" for k in range(1, 11)
}


def test_items_keep_their_noughts_and_words() -> None:
    table = items(
        "a | 0 | 0 | 0 | 3 | Several days | nearly every day | 0 | 4 | 1 | 0 | 2",
        "b | 0 | . | . | . | . | . | . | . | . | . | .",
    )
    plan = TableMap(source="S", to="scores", columns=ITEMS, constants=PHQ)
    made, remarks = applied(plan, tables=(table,))
    assert made.scores is not None
    first = made.scores.select([f"item_{k}" for k in range(1, 11)]).to_pylist()[0]
    assert list(first.values()) == [0, 0, 3, 1, 3, 0, None, 1, 0, 2]
    # A form that nobody filled is an incomplete one; the tenth question is on the form.
    assert made.scores.num_rows == 2
    assert said(remarks) == [
        (2, "q7", "refused", "out of range: item 7 of PHQ-9 is 0 to 3")
    ]


def test_items_that_count_from_one_are_asked_about() -> None:
    table = items(
        *[f"p{k} | 0 | 1 | 2 | 3 | 4 | 1 | 1 | 2 | 2 | 1 | 1" for k in range(6)]
    )
    plan = TableMap(source="S", to="scores", columns=ITEMS, constants=PHQ)
    _, remarks = applied(plan, tables=(table,))
    key = "items_from.S.PHQ-9"
    assert [one.key for one in remarks.asked] == [key]
    made, remarks = applied(plan, tables=(table,), answers={key: "from 1"})
    assert column(made.scores, "item_4") == [3] * 6
    # The question on difficulty does not belong to the total, and is not moved.
    assert column(made.scores, "item_10") == [1] * 6
    assert remarks.asked == []
    assert said(remarks) == []


def test_weeks_become_days() -> None:
    table = sheet("id | day | total\na | 2 | 5\na | 1.5 | 6", "S")
    plan = TableMap(
        source="S", to="scores", columns=LONG, constants=PHQ, units={"day": "weeks"}
    )
    made, remarks = applied(plan, tables=(table,))
    assert column(made.scores, "day") == [14, 10]
    assert said(remarks) == [(None, "day", "mended", "rounded to a whole number")]


def test_days_beside_a_date_count_from_it() -> None:
    table = sheet("id | start | pre | w2\na | 2024-02-20 | 20 | 11\nb | . | 9 | 8", "S")
    wide = WideBlock(columns={"pre": -1.0, "w2": 14.0}, constants=PHQ)
    columns = {"patient_id": "id", "date": "start"}
    plan = TableMap(source="S", to="scores", columns=columns, wide=(wide,))
    made, remarks = applied(plan, tables=(table,))
    assert column(made.scores, "date") == [date(2024, 2, 19), date(2024, 3, 5)]
    reason = "neither a date nor a day that can be read stands in it"
    assert said(remarks) == [(3, "", "refused", reason)]


def test_sessions_in_columns() -> None:
    table = sheet(
        """
        id | kg | d1         | mg1       | d2         | mg2
        a  | 80 | 2024-01-01 | 0.5 mg/kg | 2024-01-04 | 56 mg
        b  | .  | 2024-01-02 | 0.5 mg/kg | .          | 56 mg
        """,
        "S",
    )
    dates = {"mg1": "d1", "mg2": "d2"}
    wide = (
        WideBlock(
            columns={"d1": None, "d2": None},
            into="date",
            constants={"drug": "ketamine"},
        ),
        WideBlock(
            columns={"mg1": None, "mg2": None},
            dates=dates,
            into="dose_mg",
            constants={"drug": "ketamine"},
        ),
    )
    columns = {"patient_id": "id", "weight_kg": "kg"}
    plan = TableMap(source="S", to="sessions", columns=columns, wide=wide)
    made, remarks = applied(plan, tables=(table,))
    assert made.sessions is not None
    found = made.sessions.select(["patient_id", "date", "drug", "dose_mg"]).to_pylist()
    assert [tuple(row.values()) for row in found] == [
        ("a", date(2024, 1, 1), "ketamine", 40.0),
        ("b", date(2024, 1, 2), "ketamine", None),
        ("a", date(2024, 1, 4), "ketamine", 56.0),
    ]
    assert said(remarks) == [
        (
            3,
            "mg1",
            "refused",
            NO_WEIGHT,
        ),
        (3, "d2", "refused", "neither a date nor a day that can be read stands in it"),
    ]


def test_a_column_of_units() -> None:
    table = sheet(
        """
        id | day | amount | unit
        a  | 0   | 0.07   | g
        b  | 0   | 70     | mg
        c  | 0   | 70     | ml
        d  | 0   | 84     | .
        """,
        "S",
    )
    columns = {"patient_id": "id", "day": "day", "dose": "amount", "dose_unit": "unit"}
    plan = TableMap(source="S", to="sessions", columns=columns)
    made, remarks = applied(plan, tables=(table,))
    assert column(made.sessions, "dose_mg") == [70.0, 70.0, None, 84.0]
    reason = "the unit beside the number is not known for this column"
    assert said(remarks) == [(4, "amount", "refused", reason)]


def reference(name: str) -> SourceTable:
    """A real file, when it is there."""
    folder = os.environ.get("KETTRACK_REFERENCE_DATA")
    if not folder:
        pytest.skip("KETTRACK_REFERENCE_DATA is not set")
    data = csv.read_csv(
        Path(folder) / name,
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(HEADERS, pa.string())
        ),
    )
    rows = pa.array(range(2, len(data) + 2), pa.int64())
    return SourceTable(file=name, name=name, data=data, rows=rows)


HEADERS = (
    "rownames",
    "id",
    "hamd",
    "week",
    "bdi.pre",
    "bdi.2m",
    "bdi.4m",
    "bdi.6m",
    "bdi.8m",
)


def test_beat_the_blues() -> None:
    table = reference("btheb/BtheB.csv")
    days = {
        "bdi.pre": 0.0,
        "bdi.2m": 61.0,
        "bdi.4m": 122.0,
        "bdi.6m": 183.0,
        "bdi.8m": 244.0,
    }
    wide = WideBlock(columns=dict(days), constants={"instrument": "BDI-II"})
    plan = TableMap(
        source=table.name, to="scores", columns={"patient_id": "rownames"}, wide=(wide,)
    )
    made, remarks = applied(plan, tables=(table,))
    assert made.scores is not None
    counts = made.scores.group_by("day").aggregate([("score", "count")]).sort_by("day")
    assert counts["score_count"].to_pylist() == [100, 97, 73, 58, 52]
    assert said(remarks) == []


def test_reisby() -> None:
    table = reference("riesby/riesby.csv")
    plan = TableMap(
        source=table.name,
        to="scores",
        columns={"patient_id": "id", "score": "hamd", "day": "week"},
        constants={"instrument": "HAMD-17"},
        units={"day": "weeks"},
    )
    made, remarks = applied(plan, tables=(table,))
    assert made.scores is not None
    scores = made.scores.filter(pa.compute.is_valid(made.scores["score"]))
    # -9 stands for no score.
    assert scores.num_rows == 375
    assert {one.reason for one in remarks.said} == {
        "a code that stands for a missing score"
    }
    assert len(remarks.said) == 396 - 375


def test_dates_beside_each_other_are_written_in_one_order() -> None:
    table = sheet(
        """
        id | born       | d1         | d2
        a  | 25/12/1980 | 02/01/2024 | 05/01/2024
        b  | 01/02/1990 | 03/01/2024 | .
        """,
        "S",
    )
    wide = WideBlock(columns={"d1": None, "d2": None}, into="date")
    sessions = TableMap(
        source="S", to="sessions", columns={"patient_id": "id"}, wide=(wide,)
    )
    people = TableMap(
        source="S", to="patients", columns={"patient_id": "id", "birth_date": "born"}
    )
    made, remarks = applied(sessions, people, tables=(table,))
    assert column(made.sessions, "date") == [
        date(2024, 1, 2),
        date(2024, 1, 3),
        date(2024, 1, 5),
    ]
    assert remarks.asked == []
    told = "the order of day and month is told by the dates beside them: day first"
    assert [one[1:] for one in said(remarks)] == [
        ("d1", "noted", told),
        ("d2", "noted", told),
    ]
    # Alone nothing tells it, and what the owner says goes before what the others tell.
    _, remarks = applied(sessions, tables=(table,))
    assert [one.key for one in remarks.asked] == ["date_order.S.d1", "date_order.S.d2"]
    made, _ = applied(
        sessions, people, tables=(table,), answers={"date_order.S.d1": "month first"}
    )
    assert date(2024, 2, 1) in column(made.sessions, "date")


def test_another_order_beside_tells_nothing() -> None:
    table = sheet(
        """
        id | born       | seen       | d1
        a  | 25/12/1980 | 12/25/2024 | 02/01/2024
        """,
        "S",
    )
    sessions = TableMap(
        source="S", to="sessions", columns={"patient_id": "id", "date": "d1"}
    )
    names = {"patient_id": "id", "birth_date": "born", "last_contact_day": "seen"}
    people = TableMap(source="S", to="patients", columns=names)
    _, remarks = applied(sessions, people, tables=(table,))
    assert [one.key for one in remarks.asked] == ["date_order.S.d1"]
