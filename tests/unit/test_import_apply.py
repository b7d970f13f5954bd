"""A map makes tables of the contract of a source, and says what becomes of every row and cell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from import_maps import applied, column, said, sheet

from kettrack.errors import DataProblems
from kettrack.importing.import_map import TableMap, WideBlock
from kettrack.importing.map_file import read_map
from kettrack.importing.remarks import Remarks
from kettrack.importing.safe_names import with_unique_names
from kettrack.importing.source import SourceData

VISITS = """
Record | Date       | Drug        | Dose      | Weight
007    | 2024-01-02 | Ketamine IV | 0.5 mg/kg | 154 lb
7      | 2024-01-03 | Spravato    | 84 mg     | .
1E3    | 2024-01-04 | ketamine iv | 35        | 70
"""
SESSIONS = TableMap(
    source="Visits",
    to="sessions",
    columns={
        "patient_id": "Record",
        "date": "Date",
        "drug": "Drug",
        "route": "Drug",
        "dose_mg": "Dose",
        "weight_kg": "Weight",
    },
    values={
        "drug": {"Ketamine IV": "ketamine", "Spravato": "esketamine"},
        "route": {"Ketamine IV": "iv", "Spravato": "intranasal"},
    },
)


def test_one_column_says_drug_and_route() -> None:
    made, remarks = applied(SESSIONS, tables=(sheet(VISITS),))
    assert column(made.sessions, "patient_id") == ["007", "7", "1E3"]
    assert column(made.sessions, "drug") == ["ketamine", "esketamine", "ketamine"]
    assert column(made.sessions, "route") == ["iv", "intranasal", "iv"]
    # 154 lb are 69.85 kg; a scale tells no more than that.
    assert column(made.sessions, "dose_mg") == [34.925, 84.0, 35.0]
    assert said(remarks) == []


def test_a_wide_block_becomes_rows() -> None:
    table = sheet(
        """
        id | pre | w2 | w4
        a  | 20  | .  | 10
        b  | 21  | 9  | 77
        c  | .   | .  | .
        """,
        "Scores",
    )
    plan = TableMap(
        source="Scores",
        to="scores",
        columns={"patient_id": "id"},
        wide=(
            WideBlock(
                columns={"pre": 0.0, "w2": 14.0, "w4": 28.0},
                constants={"instrument": "PHQ-9"},
            ),
        ),
    )
    made, remarks = applied(plan, tables=(table,))
    assert made.scores is not None
    frame = made.scores.to_pandas()
    assert frame[["patient_id", "day", "score", "source_row"]].values.tolist()[:3] == [
        ["a", 0, 20.0, 2],
        ["b", 0, 21.0, 3],
        ["b", 14, 9.0, 3],
    ]
    assert said(remarks) == [
        (3, "w4", "refused", "out of range: a PHQ-9 total is a whole number, 0 to 27"),
        (
            4,
            "",
            "dropped",
            "the map takes no row of this kind, or none of the columns that it reads is filled",
        ),
    ]


def test_rows_of_one_patient_are_joined() -> None:
    table = sheet(
        """
        id | sex    | age | site  | last
        a  | .      | 42  | north | 2024-05-01
        b  | male   | 93  | north | .
        a  | female | 41  | south | 2024-07-01
        """,
        "People",
    )
    names = {"patient_id": "id", "sex": "sex", "age": "age", "site": "site"}
    plan = TableMap(
        source="People", to="patients", columns=names | {"last_contact_day": "last"}
    )
    made, remarks = applied(plan, tables=(table,))
    assert made.patients is not None
    assert made.patients.to_pylist() == [
        {
            "patient_id": "a",
            "age": 41,
            "sex": "female",
            "site": None,
            "last_contact_day": date(2024, 7, 1),
            "source_file": "log.xlsx",
            "source_table": "People",
            "source_row": 2,
        },
        {
            "patient_id": "b",
            "age": 90,
            "sex": "male",
            "site": "north",
            "last_contact_day": None,
            "source_file": "log.xlsx",
            "source_table": "People",
            "source_row": 3,
        },
    ]
    assert said(remarks) == [
        (None, "age", "mended", "ages over 89 are one class, 90"),
        (
            4,
            "site",
            "refused",
            "rows of one patient say different things, so none of them is used",
        ),
        (4, "", "mended", "joined with another row of the same patient"),
    ]


def test_a_score_knows_only_its_session() -> None:
    visits = sheet(
        """
        id | on
        a  | 2024-03-01
        a  | 2024-02-01
        b  | 2024-01-01
        """
    )
    scores = sheet(
        """
        id | s1 | s2
        a  | 20 | 10
        b  | 15 | 14
        """,
        "Scores",
    )
    sessions = TableMap(
        source="Visits", to="sessions", columns={"patient_id": "id", "date": "on"}
    )
    wide = WideBlock(columns={"s1": None, "s2": None}, sessions={"s1": 1, "s2": 2})
    totals = TableMap(
        source="Scores",
        to="scores",
        columns={"patient_id": "id"},
        constants={"instrument": "PHQ-9"},
        wide=(wide,),
    )
    made, remarks = applied(totals, sessions, tables=(visits, scores))
    assert made.scores is not None
    assert "session_number" not in made.scores.column_names
    found = sorted(
        zip(column(made.scores, "date"), column(made.scores, "score"), strict=True)
    )
    assert found == [
        (date(2024, 1, 1), 15.0),
        (date(2024, 2, 1), 20.0),
        (date(2024, 3, 1), 10.0),
    ]
    reason = "its time is a session number, and the patient has no such session"
    assert said(remarks) == [(3, "session_number", "refused", reason)]


def test_what_the_source_does_not_have_is_told_at_once() -> None:
    wrong = TableMap(
        source="Visits", to="sessions", columns={"patient_id": "Recrod", "date": "Date"}
    )
    lost = TableMap(source="Vists", to="scores", columns={})
    with pytest.raises(DataProblems) as caught:
        applied(wrong, lost, tables=(sheet(VISITS),))
    assert [one.expected for one in caught.value.problems] == [
        "there is no column 'Recrod' in 'Visits'; did you mean 'Record'?",
        "there is no table 'Vists'; did you mean 'Visits'?",
    ]


def test_what_the_source_does_not_have_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        'kind = "excel"\n'
        "[[tables]]\n"
        'source = "Visits"\n'
        'to = "sessions"\n'
        'where = { Kind = ["Infusion"] }\n'
        "[tables.columns]\n"
        'patient_id = "Record"\n'
        'date = "Datte"\n'
        "[[tables]]\n"
        'source = "Vists"\n'
        'to = "scores"\n'
        "[tables.columns]\n"
        'patient_id = "Record"\n'
        "[[tables]]\n"
        'source = "Visits"\n'
        'to = "scores"\n'
        "[tables.columns]\n"
        'patient_id = "Record"\n'
        "[[tables.wide]]\n"
        'into = "score"\n'
        "[tables.wide.columns]\n"
        "week2 = 14\n"
    )
    with pytest.raises(DataProblems) as caught:
        applied(*read_map(path).tables, tables=(sheet(VISITS),))
    told = [(one.line, one.column) for one in caught.value.problems]
    assert told == [
        (8, "tables.columns.date"),
        (5, "tables.where"),
        (10, "tables.source"),
        (22, "tables.wide"),
    ]


def test_two_tables_of_one_name_are_told_apart() -> None:
    one = sheet("id\na", "Sheet1")
    two = replace(one, file="other.xlsx")
    records = {("log.xlsx", "Sheet1"): one.rows, ("other.xlsx", "Sheet1"): two.rows}
    source = SourceData(kind="excel", tables=(one, two), records=records)
    remarks = Remarks()
    remarks.drop_rows("other.xlsx", "Sheet1", [9], "it is a total")
    named = with_unique_names(source, remarks)
    assert [table.name for table in named.tables] == [
        "log.xlsx: Sheet1",
        "other.xlsx: Sheet1",
    ]
    assert list(named.records) == [(table.file, table.name) for table in named.tables]
    assert remarks.said[0].table == "other.xlsx: Sheet1"


def test_reasons_for_empty_cells_are_counted_and_never_names() -> None:
    table = sheet("id | day | phq\na | 1 | .\nb | 1 | .\nc | 1 | .\nd | 1 | 7", "PHQ")
    reasons = {"phq": pa.array(["#N/A", "Refused", "ask Quilliam", None])}
    plan = TableMap(
        source="PHQ",
        to="scores",
        columns={"patient_id": "id", "day": "day", "score": "phq"},
        constants={"instrument": "PHQ-9"},
    )
    _, remarks = applied(plan, tables=(replace(table, reasons=reasons),))
    says = "nothing stands there; the source says"
    assert said(remarks) == [
        (None, "phq", "noted", f"{says} #N/A"),
        (None, "phq", "noted", f"{says} Refused"),
        (None, "phq", "noted", f"{says} a reason in words of its own"),
    ]


def test_words_that_are_no_record_number() -> None:
    table = sheet(
        """
        id       | on
        MRN1     | 2024-01-02
        None     | 2024-01-02
        ???      | 2024-01-02
        1.23E+15 | 2024-01-02
        NA       | 2024-01-02
        .        | 2024-01-02
        """
    )
    plan = TableMap(
        source="Visits", to="sessions", columns={"patient_id": "id", "date": "on"}
    )
    made, remarks = applied(plan, tables=(table,))
    assert column(made.sessions, "patient_id") == ["MRN1"]
    reasons = {row: reason for row, _, _, reason in said(remarks)}
    assert sorted(reasons) == [3, 4, 5, 6, 7]
    assert "says that there is none" in reasons[3]
    assert reasons[3] == reasons[4]
    assert "a spreadsheet has rounded" in reasons[5]
    assert reasons[6] == reasons[7] == "no record number of a patient stands in it"


def test_a_visit_without_a_score_is_no_row_of_scores() -> None:
    table = sheet(
        """
        id | on         | mg | phq
        a  | 2024-01-02 | 40 | 20
        a  | 2024-01-05 | 40 | .
        """
    )
    names = {"patient_id": "id", "date": "on"}
    sessions = TableMap(
        source="Visits", to="sessions", columns=names | {"dose_mg": "mg"}
    )
    scores = TableMap(
        source="Visits",
        to="scores",
        columns=names | {"score": "phq"},
        constants={"instrument": "PHQ-9"},
    )
    made, remarks = applied(sessions, scores, tables=(table,))
    assert column(made.sessions, "source_row") == [2, 3]
    assert column(made.scores, "source_row") == [2]
    assert said(remarks) == []
    # In a sheet of scores alone an empty one is a form that was not filled in whole.
    made, _ = applied(scores, tables=(table,))
    assert column(made.scores, "source_row") == [2, 3]


def test_two_columns_for_one_day_are_two_rows() -> None:
    table = sheet("id | phq_am | phq_pm\na | 20 | 18", "S")
    wide = WideBlock(
        columns={"phq_am": 7.0, "phq_pm": 7.0}, constants={"instrument": "PHQ-9"}
    )
    plan = TableMap(source="S", to="scores", columns={"patient_id": "id"}, wide=(wide,))
    made, _ = applied(plan, tables=(table,))
    assert column(made.scores, "score") == [20.0, 18.0]
    assert column(made.scores, "day") == [7, 7]
