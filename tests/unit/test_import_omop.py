"""Extracts of OMOP: by concept where the vocabulary is there, never a number where none stands.

All people and values are invented. Numbers of concepts are too, but for those of the real extract
of synthetic people, which is read where it is at hand.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kettrack.errors import DataProblems, NotIdentified, UsageError
from kettrack.importing.omop.people import COMPLETE
from kettrack.importing.registry import read_source, recognised
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable

MEASUREMENT = """
    measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,value_as_number,value_as_concept_id,measurement_source_value,measurement_source_concept_id,value_source_value
    1,9007199254740993,900,2025-01-06,2025-01-06 09:00:00,20,,phq total,0,
    2,9007199254740993,900,2025-01-20,2025-01-20 09:00:00,,,phq total,0,
    3,9007199254740993,900,2025-02-03,2025-02-03 09:00:00,0.0,,phq total,0,
    4,007,901,2025-01-06,2025-01-06 09:00:00,,951,,0,
    5,007,902,2025-01-06,2025-01-06 09:00:00,2,,,0,
    6,007,903,2025-01-06,2025-01-06 09:00:00,3,,,0,
    7,007,904,2025-01-06,2025-01-06 09:00:00,4,,,0,
    8,007,0,2025-01-06,2025-01-06 09:00:00,98,,weight,0,
"""
OBSERVATION = """
    observation_id,person_id,observation_concept_id,observation_date,observation_datetime,value_as_number,value_as_string,value_as_concept_id,observation_source_value,observation_source_concept_id
    1,007,900,2025-01-06,2025-01-06 09:00:00,,7,,44261-6,0
    2,007,900,2025-01-27,2025-01-27 09:00:00,,declined,,44261-6,0
    3,007,0,2025-02-03,2025-02-03 09:00:00,5,,,44261-6,0
    4,007,0,2025-02-03,2025-02-03 09:00:00,5,,,44261-6,0
"""
DRUG_EXPOSURE = """
    drug_exposure_id,person_id,drug_concept_id,drug_exposure_start_date,drug_exposure_start_datetime,drug_type_concept_id,quantity,route_concept_id,drug_source_value,drug_source_concept_id,route_source_value
    1,9007199254740993,920,2025-01-07,,970,1,960,,0,
    2,9007199254740993,921,2025-01-10,,970,1,960,,0,
    3,007,922,2025-01-07,,970,3,961,,0,
    4,007,922,2025-01-07,,970,3,961,,0,
    5,007,920,2025-01-09,,971,30,,,0,
    6,007,930,2025-01-09,,970,30,,sertraline,0,
"""
PROCEDURE = """
    procedure_occurrence_id,person_id,procedure_concept_id,procedure_date,procedure_datetime,procedure_type_concept_id,procedure_source_value,procedure_source_concept_id
    1,007,940,2025-01-14,,970,,0
    2,007,941,2025-01-15,,970,,0
"""
PERSON = """
    person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,birth_datetime,race_concept_id,location_id,person_source_value,gender_source_value
    9007199254740993,981,1980,2,3,1980-02-03 00:00:00,0,5,secret-uuid,
    007,0,1931,,,,0,5,secret-uuid,F
    8,981,1990,1,1,,0,5,secret-uuid,M
"""
DEATH = """
    person_id,death_date,death_datetime,cause_source_value
    007,2025-03-01,,cause that is not read
"""
CONCEPT = """
    concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tconcept_code
    900\tPHQ-9 total score\tMeasurement\tLOINC\tClinical Observation\t44261-6
    901\tLittle interest\tMeasurement\tLOINC\tClinical Observation\t44250-9
    902\tFeeling down\tMeasurement\tLOINC\tClinical Observation\t44255-8
    903\tHow difficult "these" problems\tMeasurement\tLOINC\tClinical Observation\t69722-7
    904\tPHQ-2 total score\tMeasurement\tLOINC\tClinical Observation\t55758-7
    951\tSeveral days\tMeas Value\tLOINC\tAnswer\tLA6569-3
    920\tketamine\tDrug\tRxNorm\tIngredient\t6130
    921\tKetalar 10 ml\tDrug\tRxNorm\tBranded Drug\t999999
    922\tesketamine 28 mg nasal spray\tDrug\tRxNorm\tClinical Drug\t2201623
    940\tIntravenous infusion of ketamine\tProcedure\tSNOMED\tProcedure\t1
    941\tKetamine screen\tProcedure\tSNOMED\tProcedure\t2
    960\tIntravenous\tRoute\tSNOMED\tQualifier Value\t47625008
    961\tNasal\tRoute\tSNOMED\tQualifier Value\t46713006
    970\tEHR administration record\tType Concept\tType Concept\tType Concept\tOMOP1
    971\tEHR prescription\tType Concept\tType Concept\tType Concept\tOMOP2
    981\tMALE\tGender\tGender\tGender\tM
"""
ANCESTOR = """
    ancestor_concept_id,descendant_concept_id,min_levels_of_separation,max_levels_of_separation
    920,920,0,0
    920,921,1,1
"""
EXTRACT = {
    "measurement": MEASUREMENT,
    "observation": OBSERVATION,
    "drug_exposure": DRUG_EXPOSURE,
    "procedure_occurrence": PROCEDURE,
    "PERSON": PERSON,
    "death": DEATH,
    "CONCEPT": CONCEPT,
    "concept_ancestor": ANCESTOR,
}


def text_of(table: str) -> str:
    return dedent(table).lstrip()


def as_csv(folder: Path, tables: dict[str, str]) -> Path:
    for name, table in tables.items():
        (folder / f"{name}.csv").write_text(text_of(table))
    return folder


def arrow_of(table: str) -> pa.Table:
    text = text_of(table)
    separator = "\t" if "\t" in text else ","
    return pacsv.read_csv(
        pa.BufferReader(text.encode()),
        parse_options=pacsv.ParseOptions(delimiter=separator, quote_char=False),
        # A code such as 007 is the text it is in every format.
        convert_options=pacsv.ConvertOptions(column_types={"person_id": pa.string()}),
    )


def as_parquet(folder: Path, tables: dict[str, str]) -> Path:
    for name, table in tables.items():
        (folder / name).mkdir()
        pq.write_table(arrow_of(table), folder / name / "part-0.parquet")
    return folder


def as_duckdb(folder: Path, tables: dict[str, str]) -> Path:
    duckdb = pytest.importorskip("duckdb")
    path = folder / "clinic.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA cdm")
        for name, table in tables.items():
            made = arrow_of(table)
            connection.register("made", made)
            connection.execute(f"CREATE TABLE cdm.{name} AS SELECT * FROM made")
            connection.unregister("made")
    return path


def read(path: Path, **answers: str) -> tuple[SourceData, Remarks]:
    remarks = Remarks()
    given = {key.replace("__", "."): answer for key, answer in answers.items()}
    source = read_source(path, given, remarks, "omop")
    accounted(source, remarks)
    return source, remarks


def accounted(source: SourceData, remarks: Remarks) -> None:
    """Every record about a scale, a dose or its person is a row, joined to one, or said."""
    there = {
        (one.file, one.table, one.row)
        for one in remarks.said
        if one.row is not None and not one.column
    }
    rows = [
        (table.file, table.name, row)
        for table in source.tables
        for row in table.rows.to_pylist()
    ]
    assert len(rows) == len(set(rows))
    there |= set(rows)
    for (file, name), numbers in source.joined.items():
        there |= {(file, name, row) for row in numbers.to_pylist()}
    for (file, name), numbers in source.records.items():
        assert {(file, name, row) for row in numbers.to_pylist()} <= there


def table_called(source: SourceData, name: str) -> SourceTable:
    return next(table for table in source.tables if table.name == name)


def rows_of(source: SourceData, *names: str) -> list[dict[str, str]]:
    return [
        # 20 and 20.0 are the same score.
        {column: re.sub(r"\.0$", "", cell) for column, cell in row.items() if cell}
        for name in names
        for row in table_called(source, name).data.to_pylist()
    ]


@pytest.mark.parametrize("write", [as_csv, as_parquet, as_duckdb])
def test_an_extract_in_every_format(
    tmp_path: Path, write: Callable[[Path, dict[str, str]], Path]
) -> None:
    source, _ = read(write(tmp_path, EXTRACT))
    big = "9007199254740993"
    phq9 = {"instrument": "PHQ-9"}
    # The total stands in OBSERVATION, its questions in MEASUREMENT: one row, where the total is.
    assert rows_of(source, "measurement", "observation") == [
        {"patient_id": big, "date": "2025-01-06", **phq9, "score": "20"},
        {"patient_id": big, "date": "2025-02-03", **phq9, "score": "0"},
        {
            "patient_id": "007",
            "date": "2025-01-06",
            **phq9,
            "score": "7",
            "item_1": "1",
            "item_2": "2",
        },
        {"patient_id": "007", "date": "2025-02-03", **phq9, "score": "5"},
    ]
    assert rows_of(source, "drug_exposure", "procedure_occurrence") == [
        {"patient_id": big, "date": "2025-01-07", "drug": "ketamine", "route": "iv"},
        {"patient_id": big, "date": "2025-01-10", "drug": "ketamine", "route": "iv"},
        {
            "patient_id": "007",
            "date": "2025-01-07",
            "drug": "esketamine",
            "route": "intranasal",
        },
        {"patient_id": "007", "date": "2025-01-14", "drug": "ketamine"},
    ]
    assert rows_of(source, "person") == [
        {"patient_id": big, "birth_date": "1980-02-03", "sex": "male"},
        {"patient_id": "007", "birth_date": "1931-07-15", "sex": "female"},
    ]
    assert rows_of(source, "death") == [
        {"patient_id": "007", "date": "2025-03-01", "event": "death"}
    ]


def test_an_empty_value_is_no_score(tmp_path: Path) -> None:
    _, remarks = read(as_csv(tmp_path, EXTRACT))
    empty = [
        (one.table, one.row)
        for one in remarks.said
        if one.reason.startswith("no score")
    ]
    assert empty == [("measurement", 3), ("observation", 3)]


def test_what_is_no_part_of_a_total(tmp_path: Path) -> None:
    _, remarks = read(as_csv(tmp_path, EXTRACT))
    said = {(one.table, one.row): one.reason for one in remarks.said if one.row}
    assert said["measurement", 7] == "the question is no part of the total"
    assert "another scale" in said["measurement", 8]
    assert "another record of the same time" in said["observation", 5]
    assert said["drug_exposure", 6] == "a prescription or a delivery is no session"
    others = {
        one.table: one.count for one in remarks.said if "other things" in one.reason
    }
    assert others == {"measurement": 1, "drug_exposure": 1, "procedure_occurrence": 1}


def test_nothing_that_identifies_is_repeated(tmp_path: Path) -> None:
    source, remarks = read(as_csv(tmp_path, EXTRACT))
    text = f"{remarks.table().to_csv()}{remarks.asked}"
    assert "secret" not in text
    assert "9007199254740993" not in text
    assert not any("secret" in str(table.data.to_pylist()) for table in source.tables)


def test_notes_are_never_opened(tmp_path: Path) -> None:
    as_csv(tmp_path, EXTRACT)
    note = tmp_path / "note.csv"
    note.write_text(
        "note_id,person_id,measurement_concept_id,measurement_date,note_text\n"
    )
    note.chmod(0)
    source, _ = read(tmp_path)
    assert all(table.file != "note.csv" for table in source.tables)


def test_without_the_vocabulary(tmp_path: Path) -> None:
    tables = {name: EXTRACT[name] for name in ("measurement", "observation", "PERSON")}
    source, remarks = read(as_csv(tmp_path, tables))
    assert [row["score"] for row in rows_of(source, "observation")] == ["7", "5"]
    assert any("no table CONCEPT" in one.reason for one in remarks.said)
    # The owner says what a number means.
    source, _ = read(tmp_path, concept__900="PHQ-9", concept__902="PHQ-9 item_2")
    assert [row.get("score") for row in rows_of(source, "measurement")] == ["20", "0"]
    assert rows_of(source, "observation")[0]["item_2"] == "2"


def test_an_answer_that_says_nothing(tmp_path: Path) -> None:
    path = as_csv(tmp_path, EXTRACT)
    with pytest.raises(UsageError, match="must be ketamine, esketamine or a scale"):
        read(path, concept__900="WSAS")
    source, _ = read(path, concept__900="PROMIS Depression", concept__930="esketamine")
    scales = {row["instrument"] for row in rows_of(source, "measurement")}
    assert scales == {"PROMIS Depression", "PHQ-9"}
    assert "2025-01-09" in [row["date"] for row in rows_of(source, "drug_exposure")]


def test_drugs_by_the_words_of_the_source(tmp_path: Path) -> None:
    doses = """
        person_id,drug_concept_id,drug_exposure_start_date,drug_type_concept_id,drug_source_value,route_source_value
        A,0,2025-01-07,0,Ketamine 50 mg/ml,IV
        A,0,2025-01-09,0,2201623,
        A,0,2025-01-11,0,6130,
        A,0,2025-01-13,0,norketamine,
        A,0,2025-01-15,0,,
    """
    path = as_csv(tmp_path, {"drug_exposure": doses})
    source, remarks = read(path)
    assert rows_of(source, "drug_exposure") == [
        {"patient_id": "A", "date": "2025-01-07", "drug": "ketamine", "route": "iv"},
        {"patient_id": "A", "date": "2025-01-09", "drug": "esketamine"},
    ]
    assert [one.key for one in remarks.asked] == ["drug_source.6130"]
    source, remarks = read(path, drug_source__6130=remarks.asked[0].choices[0])
    assert [row["date"] for row in rows_of(source, "drug_exposure")][-1] == "2025-01-11"
    assert remarks.asked == []


def test_a_second_form_on_one_day(tmp_path: Path) -> None:
    header = MEASUREMENT.split("\n")[1].strip()
    path = as_csv(
        tmp_path,
        {
            "measurement": f"""
                {header}
                1,A,0,2025-01-06,2025-01-06 16:00:00,9,,44261-6,0,
                2,A,0,2025-01-06,2025-01-06 09:00:00,20,,44261-6,0,
                3,A,0,2025-01-06,2025-01-06 09:00:00,2,,44250-9,0,
                4,A,0,2025-01-06,2025-01-06 16:00:00,1,,44250-9,0,
            """
        },
    )
    source, _ = read(path)
    (table,) = source.tables
    assert table.rows.to_pylist() == [2, 3]
    assert table.data["score"].to_pylist() == ["9", "20"]
    assert table.data["item_1"].to_pylist() == ["1", "2"]
    assert source.joined["measurement.csv", "measurement"].to_pylist() == [4, 5]


def test_a_row_of_another_width_is_refused(tmp_path: Path) -> None:
    text = text_of(MEASUREMENT).splitlines()
    text.insert(2, "1,Kim,900")
    (tmp_path / "measurement.csv").write_text("\n".join(text))
    as_csv(tmp_path, {"CONCEPT": CONCEPT})
    source, remarks = read(tmp_path)
    assert [one.row for one in remarks.said if one.action == "refused"] == [3]
    # The rows behind it keep the line they stand in.
    assert table_called(source, "measurement").rows.to_pylist() == [2, 5, 6]
    assert "Kim" not in remarks.table().to_csv()


def test_a_broken_row_in_another_encoding_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = text_of(MEASUREMENT).encode().splitlines()
    lines.insert(2, b"1,Zyxw\xd5rth,900")
    (tmp_path / "measurement.csv").write_bytes(b"\n".join(lines))
    with pytest.raises(DataProblems, match="another encoding"):
        read(tmp_path)
    assert not capfd.readouterr().err


def test_a_number_under_the_whole_form_is_its_total(tmp_path: Path) -> None:
    panel = CONCEPT.replace("44261-6", "44249-1")
    path = as_csv(tmp_path, {"measurement": MEASUREMENT, "CONCEPT": panel})
    source, remarks = read(path)
    assert [row.get("score") for row in rows_of(source, "measurement")][:2] == [
        "20",
        "0",
    ]
    assert any("the code of the whole form" in one.reason for one in remarks.said)


def test_a_cream_is_no_session(tmp_path: Path) -> None:
    skin = CONCEPT.replace("Ketalar 10 ml", "ketamine 10 % topical cream")
    path = as_csv(tmp_path, EXTRACT | {"CONCEPT": skin})
    source, remarks = read(path)
    dates = [row["date"] for row in rows_of(source, "drug_exposure")]
    assert dates == ["2025-01-07", "2025-01-07"]
    assert [one.row for one in remarks.said if "cream" in one.reason] == [3]


def test_hospital_stays_are_said(tmp_path: Path) -> None:
    stays = "person_id,visit_concept_id,visit_start_date\n007,9201,2025-02-01\n"
    _, remarks = read(as_csv(tmp_path, EXTRACT | {"visit_occurrence": stays}))
    assert any("hospital stays are not read" in one.reason for one in remarks.said)


PERIODS = """
    observation_period_id,person_id,observation_period_start_date,observation_period_end_date
    1,007,2024-01-01,2025-06-30
    2,8,2024-01-01,2025-06-30
"""


def test_periods_are_the_end_of_a_log_only_on_request(tmp_path: Path) -> None:
    path = as_csv(tmp_path, EXTRACT | {"observation_period": PERIODS})
    source, remarks = read(path)
    assert all(table.name != "observation_period" for table in source.tables)
    assert any("the periods are not read" in one.reason for one in remarks.said)
    source, _ = read(path, observation_period=COMPLETE)
    assert rows_of(source, "observation_period") == [
        {"patient_id": "007", "observed_to_day": "2025-06-30"}
    ]


def test_compressed_files(tmp_path: Path) -> None:
    data = gzip.compress(text_of(MEASUREMENT).encode())
    (tmp_path / "measurement.csv.gz").write_bytes(data)
    as_csv(tmp_path, {"CONCEPT": CONCEPT})
    assert [row.get("score") for row in rows_of(read(tmp_path)[0], "measurement")][
        0
    ] == "20"


def test_parts_of_a_table(tmp_path: Path) -> None:
    for part in ("a", "b"):
        (tmp_path / part).mkdir()
        as_csv(tmp_path / part, {"measurement": MEASUREMENT})
    as_csv(tmp_path, {"CONCEPT": CONCEPT})
    source, remarks = read(tmp_path)
    # The second part says the same again.
    assert [table.file for table in source.tables] == ["measurement.csv"]
    assert (
        sum("another record of the same time" in one.reason for one in remarks.said)
        == 4
    )


RECORD = st.tuples(
    st.sampled_from(["A", "B"]),
    st.sampled_from(["900", "901", "902", "903", "904", "0"]),
    st.sampled_from(["2025-01-06", "2025-01-07", ""]),
    st.sampled_from(["", "0", "2", "19", "x"]),
    st.sampled_from(["", "951", "8"]),
    st.sampled_from(["", "44261-6", "55758-7", "weight"]),
)


@given(
    measured=st.lists(RECORD, min_size=1, max_size=8),
    observed=st.lists(RECORD, max_size=8),
)
@settings(max_examples=20, deadline=None)
def test_no_record_goes_in_silence(
    measured: list[tuple[str, ...]],
    observed: list[tuple[str, ...]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Every record about a scale arrives, is joined to another, or is told; each number that
    arrives stood in a record of its person.
    """
    folder = tmp_path_factory.mktemp("extract")
    as_csv(folder, {"CONCEPT": CONCEPT})
    for kind, records in (("measurement", measured), ("observation", observed)):
        header = f"person_id,{kind}_concept_id,{kind}_date,value_as_number"
        header += f",value_as_concept_id,{kind}_source_value"
        lines = [",".join(record) for record in records]
        (folder / f"{kind}.csv").write_text("\n".join([header, *lines]) + "\n")
    try:
        source, remarks = read(folder)
    except NotIdentified:
        # Nothing held a number: that is told, too.
        numbers = {record[3] for record in (*measured, *observed) if record[1] == "900"}
        assert not numbers & {"0", "2", "19"}
        return
    others = sum(one.count for one in remarks.said if "other things" in one.reason)
    told = sum(one.row is not None for one in remarks.said)
    rows = sum(table.data.num_rows for table in source.tables)
    joined = sum(len(numbers) for numbers in source.joined.values())
    assert others + told + rows + joined == len(measured) + len(observed)
    for row in (row for table in source.tables for row in table.data.to_pylist()):
        held = {r[3] for r in (*measured, *observed) if r[0] == row["patient_id"]}
        cells = {row[name] for name in row if name[:5] in ("score", "item_")}
        assert cells - {None, "1"} <= held


def test_nothing_but_another_scale(tmp_path: Path) -> None:
    tables = {"measurement": MEASUREMENT, "concept": CONCEPT}
    tables["observation"] = """
        person_id,observation_concept_id,observation_date,value_as_number
        A,904,2025-01-06,4
    """
    _, remarks = read(as_csv(tmp_path, tables))
    (said,) = [one for one in remarks.said if one.table == "observation"]
    assert (said.row, "PHQ-2" in said.reason) == (2, True)


def test_tables_without_rows_and_blank_lines(tmp_path: Path) -> None:
    header, *rows = text_of(MEASUREMENT).splitlines()
    spaced = "\n".join([header, rows[0], "", *rows[1:], "", ""])
    as_csv(tmp_path, EXTRACT | {"death": "person_id,death_date,death_datetime"})
    (tmp_path / "measurement.csv").write_text(spaced)
    source, remarks = read(tmp_path)
    assert table_called(source, "measurement").rows.to_pylist() == [2, 5]
    assert not [one for one in remarks.said if one.action == "refused"]
    others = {
        one.table: one.count for one in remarks.said if "other things" in one.reason
    }
    assert others["measurement"] == 1


def test_a_damaged_file(tmp_path: Path) -> None:
    as_parquet(tmp_path, {"measurement": MEASUREMENT})
    (part,) = tmp_path.rglob("*.parquet")
    data = bytearray(part.read_bytes())
    data[4:400] = b"x" * 396
    part.write_bytes(data)
    with pytest.raises(DataProblems, match="damaged, cut off") as caught:
        read(tmp_path)
    assert caught.value.__cause__ is None


def test_no_extract(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("patient_id,day\nA,0\n")
    with pytest.raises(DataProblems, match="tables of OMOP"):
        read(tmp_path)


def test_recognised(tmp_path: Path) -> None:
    assert recognised(as_csv(tmp_path, EXTRACT)).kind == "omop"
    assert recognised(tmp_path / "measurement.csv").kind == "omop"
    (tmp_path / "inside").mkdir()
    assert recognised(as_duckdb(tmp_path / "inside", EXTRACT)).kind == "omop"


def test_a_damaged_database(tmp_path: Path) -> None:
    path = as_duckdb(tmp_path, EXTRACT)
    path.write_bytes(path.read_bytes()[:4096])
    with pytest.raises(DataProblems, match="this version of DuckDB can read"):
        read(path)


def test_real_extract_without_a_single_score() -> None:
    folder = os.environ.get("KETTRACK_REFERENCE_DATA")
    if not folder:
        pytest.skip("KETTRACK_REFERENCE_DATA is not set")
    with pytest.raises(NotIdentified, match="15 records of PHQ-9") as caught:
        read(Path(folder) / "omop_synthea27nj")
    assert "An empty value is not read as 0" in str(caught.value)
    assert "value_as_number" in caught.value.collect
