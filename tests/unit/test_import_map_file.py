"""`map.toml` says what the map says, and every mistake in it is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from kettrack.errors import DataProblems, UsageError
from kettrack.importing.import_map import ImportMap, TableMap, WideBlock
from kettrack.importing.map_file import names_of, read_map
from kettrack.importing.map_writing import map_text, write_map
from kettrack.importing.remarks import OpenQuestion

FULL = ImportMap(
    kind="excel",
    tables=(
        TableMap(
            source="Visits 2024",
            to="sessions",
            columns={
                "patient_id": "Record #",
                "date": "Datum",
                "drug": 'a "b"',
                "status_2": "S",
            },
            constants={"route": "iv", "psychotherapy": "true"},
            values={
                "drug": {"Ketamine IV": "ketamine", "-": ""},
                "status": {"ok": "observed"},
            },
            units={"dose_mg": "mg/kg", "weight_kg": "lb"},
            where={"Type": ("Infusion", "K"), "Drug": ()},
        ),
        TableMap(
            source="PHQ",
            to="scores",
            columns={"patient_id": "id"},
            wide=(
                WideBlock(
                    columns={"w2": 14, "w4": 28.5}, constants={"instrument": "PHQ-9"}
                ),
                WideBlock(
                    columns={"x": None, "y": None}, dates={"x": "xd"}, sessions={"y": 3}
                ),
            ),
        ),
    ),
    answers={"date_order.Visits.Date": "day first"},
    unused={"Visits 2024": {"Name": "it identifies", "Née": "free text"}},
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_map(write_map(FULL, tmp_path / "map.toml")) == FULL
    bare = ImportMap(kind="text")
    assert read_map(write_map(bare, tmp_path / "map.toml")) == bare


def test_the_file_teaches(tmp_path: Path) -> None:
    question = OpenQuestion(
        key="date_order.V.D",
        asks="Which?",
        choices=("day first", "month first"),
        why="all",
    )
    text = map_text(FULL, [question], {("PHQ", "patient_id"): "a guess by its name"})
    assert '# "date_order.V.D" = "month first"' in text
    assert 'patient_id = "id" # a guess by its name; tells patients apart' in text
    assert "# Known are: ketamine, esketamine, placebo" in text
    path = tmp_path / "map.toml"
    path.write_text(
        text.replace('# "date_order.V.D" = "month', '"date_order.V.D" = "month')
    )
    assert read_map(path).answers["date_order.V.D"] == "month first"


WRONG = """
kind = "excel"
colour = "red"
[[tables]]
source = "Visits"
to = "session"
[[tables]]
source = "Visits"
to = "sessions"
[tables.columns]
dat = "Date"
drug = ["Drug"]
[tables.values.drug]
"Ketamine IV" = "ketamin"
[tables.units]
weight_kg = "furlong"
[[tables.wide]]
into = "score"
[tables.wide.columns]
w2 = "two"
"""


def test_every_mistake_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(WRONG.strip())
    with pytest.raises(DataProblems) as caught:
        read_map(path)
    told = {(one.line, one.expected.partition(";")[0]) for one in caught.value.problems}
    assert told == {
        (2, "unknown key"),
        (3, "missing"),
        (5, "one of: sessions, scores, patients, events, session_details"),
        (10, "no such column of sessions"),
        (11, 'text in quotation marks, as in key = "text"'),
        (9, "patient_id is missing: whose row is it?"),
        (13, "one of: ketamine, esketamine, placebo, or empty text for nothing"),
        (15, "a unit that can be turned into kg"),
        (17, "no such column of sessions"),
        (19, 'a day from -3650 to 3650, as in "name" = 14, or "of the row"'),
    }


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no map"):
        read_map(tmp_path / "map.toml")


def test_names_of_a_table() -> None:
    assert "item_9" in names_of("scores")
    assert "dose" in names_of("sessions")
    assert "dose" not in names_of("scores")


@pytest.mark.parametrize("day", ["inf", "nan", "true", "20240131", "'14'"])
def test_what_is_no_day(day: str, tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        'kind = "text"\n[[tables]]\nsource = "s"\nto = "scores"\ncolumns = {patient_id = "id"}\n'
        f'[[tables.wide]]\ninto = "score"\ncolumns = {{w2 = {day}}}\n'
    )
    with pytest.raises(DataProblems, match="a day from -3650 to 3650"):
        read_map(path)
