"""Data sets of CDISC: answers put into one row, days without the gap at 0, nothing lost unsaid.

All people and values are invented.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kettrack.cli import main
from kettrack.errors import DataProblems
from kettrack.importing.registry import read_source, recognised
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable

FORMATS = ("xpt", "json", "ndjson", "parquet", "csv")
STUDY = {
    "QS": """
        USUBJID QSTESTCD QSTEST              QSSTRESN QSSTAT   VISITNUM QSDTC      QSDY
        KT-01   PHQ0101  PHQ01-Interest      3        .        1        2025-01-06 -1
        KT-01   PHQ0109  PHQ01-Better_Dead   0        .        1        2025-01-06 -1
        KT-01   PHQ0111  PHQ01-Total_Score   17       .        1        2025-01-06 -1
        KT-01   PHQ0111  PHQ01-Total_Score   9        .        2        2025-01-07 1
        KT-01   PHQ0111  PHQ01-Total_Score   8        .        2.1      2025-01-14 8
        KT-01   PHQ0111  PHQ01-Total_Score   .        NOT_DONE 3        2025-01-21 15
        KT-02   PHQ0111  PHQ01-Total_Score   5        .        1        2025-02-02 0
        KT-02   PHQ0111  PHQ01-Total_Score   6        .        1        2025-02    .
        KT-02   WEIGHT   Weight_in_kg        70       .        1        2025-02-02 1
    """,
    "EX": """
        USUBJID EXTRT            EXDOSE EXDOSU EXROUTE     EXSTDTC          EXENDTC          EXSTDY
        KT-01   KETAMINE_HCL     40     mg     INTRAVENOUS 2025-01-07T10:00 2025-01-07T10:40 1
        KT-01   ESKETAMINE       84     mg     NASAL       2025-01-14       .                8
        KT-01   PLACEBO          0      mg     INTRAVENOUS 2025-01-21       2025-01-21       15
        KT-01   ESCITALOPRAM     10     mg     ORAL        2025-01-07       2025-01-07       1
        KT-02   KETAMINE         40     mg     INTRAVENOUS 2025-02-02       2025-02-20       1
    """,
    "DM": """
        USUBJID AGE AGEU   SEX RACE  ETHNIC             SITEID
        KT-01   44  YEARS  F   WHITE HISPANIC_OR_LATINO 001
        KT-02   540 MONTHS M   ASIAN NOT_HISPANIC       007
    """,
    "AE": """
        USUBJID AETERM       AEDECOD         AEBODSYS              AESHOSP AESTDTC    AESTDY
        KT-01   felt_sick    Nausea          Gastric               N       2025-01-07 1
        KT-01   worse        Depression      Psychiatric_disorders Y       2025-01-20 14
        KT-02   an_attempt   Suicide_attempt Psychiatric_disorders Y       2025-02    9
    """,
}
NUMBERS = (
    "QSSTRESN",
    "VISITNUM",
    "QSDY",
    "EXDOSE",
    "EXSTDY",
    "AGE",
    "AESTDY",
    "AVAL",
    "ADY",
)


def frame_of(table: str) -> pd.DataFrame:
    """A text table; `.` is nothing, `_` a blank."""
    frame = pd.read_csv(io.StringIO(table), sep=r"\s+", dtype=str, na_values=["."])
    for name in frame:
        if name in NUMBERS:
            frame[name] = frame[name].astype(float)
        else:
            frame[name] = frame[name].str.replace("_", " ")
    frame.insert(0, "STUDYID", "KT")
    return frame


def write(folder: Path, name: str, table: str, ending: str) -> None:
    frame = frame_of(table)
    if not name.startswith("AD"):
        frame.insert(1, "DOMAIN", name)
    path = folder / f"{name.lower()}.{ending}"
    if ending == "xpt":
        texts = frame.fillna({column: "" for column in frame if column not in NUMBERS})
        pyreadstat.write_xport(texts, str(path), table_name=name, file_format_version=5)
    elif ending == "parquet":
        pq.write_table(pa.Table.from_pandas(frame), path)
    elif ending == "csv":
        frame.to_csv(path, index=False)
    else:
        path.write_text(as_json(name, frame, ending))


def as_json(name: str, frame: pd.DataFrame, ending: str) -> str:
    rows = [
        [None if pd.isna(cell) else cell for cell in row]
        for row in frame.to_numpy().tolist()
    ]
    kinds = {column: "float" if column in NUMBERS else "string" for column in frame}
    head = {
        "datasetJSONVersion": "1.1.0",
        "itemGroupOID": f"IG.{name}",
        "records": len(rows),
        "name": name,
        "label": name,
        "columns": [
            {
                "itemOID": f"IT.{column}",
                "name": column,
                "label": column,
                "dataType": kind,
            }
            for column, kind in kinds.items()
        ],
    }
    if ending == "json":
        return json.dumps(head | {"rows": rows})
    return "\n".join([json.dumps(head), *map(json.dumps, rows)]) + "\n"


def study(folder: Path, tables: Mapping[str, str], ending: str = "csv") -> Path:
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        write(folder, name, table, ending)
    return folder


def read(path: Path, **answers: str) -> tuple[SourceData, Remarks]:
    remarks = Remarks()
    return read_source(path, answers, remarks, "cdisc"), remarks


def table_called(source: SourceData, name: str) -> SourceTable:
    return next(one for one in source.tables if one.is_a == name)


def rows_of(table: SourceTable, *columns: str) -> list[tuple[object, ...]]:
    return list(zip(*(table.data[name].to_pylist() for name in columns), strict=True))


def reasons(remarks: Remarks, table: str) -> dict[int, str]:
    """Row to why it was left out."""
    return {
        one.row: one.reason
        for one in remarks.said
        if one.table == table and one.row is not None and not one.column
    }


def counted(remarks: Remarks, reason: str) -> int:
    """Of how many records something is said at once."""
    return sum(one.count for one in remarks.said if one.reason == reason)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_study_in_every_format(tmp_path: Path, ending: str) -> None:
    source, _ = read(study(tmp_path / "sdtm", STUDY, ending))
    scores = table_called(source, "scores")
    assert rows_of(scores, "patient_id", "day", "score", "item_1", "item_9") == [
        ("KT-01", -1, 17, 3, 0),
        # Day 1 is the day of the first dose, and day 0 of kettrack.
        ("KT-01", 0, 9, None, None),
        # A visit that was not planned.
        ("KT-01", 7, 8, None, None),
    ]
    sessions = table_called(source, "sessions")
    assert rows_of(
        sessions, "patient_id", "day", "drug", "route", "dose", "duration_min"
    ) == [
        ("KT-01", 0, "ketamine", "iv", 40, 40),
        ("KT-01", 7, "esketamine", "intranasal", 84, None),
        ("KT-01", 14, "placebo", "iv", 0, None),
    ]
    patients = table_called(source, "patients")
    assert rows_of(patients, "patient_id", "age", "sex", "ethnicity", "site") == [
        ("KT-01", 44, "female", "hispanic", "001"),
        ("KT-02", 45, "male", "asian", "007"),
    ]
    events = table_called(source, "events")
    assert rows_of(events, "patient_id", "day", "event", "detail") == [
        ("KT-01", 0, "adverse_event", None),
        ("KT-01", 13, "hospitalisation", "other_psychiatric"),
        ("KT-02", 8, "suicide_attempt", None),
    ]


@pytest.mark.parametrize("ending", FORMATS)
def test_every_record_is_a_row_or_is_said(tmp_path: Path, ending: str) -> None:
    source, remarks = read(study(tmp_path / "sdtm", STUDY, ending))
    accounted_for(source, remarks)


def accounted_for(source: SourceData, remarks: Remarks) -> None:
    said = {(one.file, one.table, one.row) for one in remarks.said if not one.column}
    for (file, name), records in source.records.items():
        arrived = [
            row
            for table in source.tables
            if (table.file, table.name) == (file, name)
            for row in table.rows.to_pylist()
        ]
        arrived += source.joined.get((file, name), pa.array([])).to_pylist()
        assert len(arrived) == len(set(arrived))
        left = set(records.to_pylist()) - set(arrived)
        assert all((file, name, row) in said for row in left)


def test_why_records_are_left_out(tmp_path: Path) -> None:
    _, remarks = read(study(tmp_path / "sdtm", STUDY, "json"))
    why = reasons(remarks, "QS")
    assert set(why) == {6, 7, 8}
    assert why[6] == "it is no observation: QSSTAT says so"
    assert why[7].startswith("study day 0")
    assert why[8].startswith("neither a whole study day")
    # Other tests of a trial are many, so they are counted.
    assert counted(remarks, "its code WEIGHT is not one of a known scale") == 1
    why = reasons(remarks, "EX")
    assert set(why) == {4, 5}
    assert "neither ketamine" in why[4]
    assert "more than one day" in why[5]


def test_dates_where_days_are_missing(tmp_path: Path) -> None:
    without = STUDY["QS"].replace("QSDY", "XX").replace("2025-02    .", "2025-02-03 .")
    source, remarks = read(study(tmp_path / "sdtm", STUDY | {"QS": without}))
    scores = table_called(source, "scores")
    assert "day" not in scores.data.column_names
    assert [str(day) for day in scores.data["date"].to_pylist()] == [
        "2025-01-06",
        "2025-01-07",
        "2025-01-14",
        "2025-02-02",
        "2025-02-03",
    ]
    assert any("its dates say when" in one.reason for one in remarks.said)


def test_other_questionnaires_do_not_decide_on_the_clock(tmp_path: Path) -> None:
    """A diary of dates without study days would lose all doses, which have days only."""
    others = "\n".join(f"KT-01 DIARY1 {day} . 2025-01-01" for day in range(50))
    scores = f"""USUBJID QSTESTCD QSSTRESN QSDY QSDTC
        KT-01 PHQ0111 12 -1 .
        KT-01 PHQ0111 9 8 .
        {others}"""
    doses = "USUBJID EXTRT EXSTDY\nKT-01 KETAMINE 1\nKT-01 KETAMINE 4"
    source, _ = read(study(tmp_path / "sdtm", {"QS": scores, "EX": doses}))
    assert rows_of(table_called(source, "sessions"), "day") == [(0,), (3,)]
    assert rows_of(table_called(source, "scores"), "day", "score") == [(-1, 12), (7, 9)]


def test_days_and_dates_that_disagree_are_said(tmp_path: Path) -> None:
    wrong = STUDY["EX"].replace("2025-01-14       .                8", "2025-01-16 . 8")
    _, remarks = read(study(tmp_path / "sdtm", {"EX": wrong}))
    (said,) = [one for one in remarks.said if "disagree" in one.reason]
    assert (said.table, said.count) == ("EX", 1)
    _, remarks = read(study(tmp_path / "right", STUDY))
    assert not [
        one for one in remarks.said if "disagree" in one.reason and one.table == "EX"
    ]


DOSES = """
    USUBJID EXTRT    EXSTDTC          EXENDTC          EXSTDY EXENDY EXDOSFRQ EXDUR
    KT-01   KETAMINE 2025-01-07T23:50 2025-01-08T00:30 1      2      .        .
    KT-01   KETAMINE 2025-01-10       .                4      31     BIW      .
    KT-01   KETAMINE 2025-01-14       2025-01-15       8      9      ONCE     PT1H30M
    KT-01   KETAMINE 2025-01-20       2025-01-21       14     15     .        P2D
    KT-01   KETAMINE 2025-01-25       .                19     19     .        PT45M
"""


def test_one_dose_or_several(tmp_path: Path) -> None:
    """An infusion may go on after midnight; weeks of doses in one record tell no sessions."""
    source, remarks = read(study(tmp_path / "sdtm", {"EX": DOSES}, "json"))
    assert rows_of(table_called(source, "sessions"), "day", "duration_min") == [
        (0, 40),
        (7, 90),
        (18, 45),
    ]
    assert set(reasons(remarks, "EX")) == {2, 4}


def test_doses_as_collected_where_there_are_no_others(tmp_path: Path) -> None:
    collected = """
        USUBJID ECTRT    ECDOSE ECDOSU ECOCCUR ECSTDY
        KT-01   KETAMINE 40     mg     Y       1
        KT-01   KETAMINE .      .      N       4
    """
    source, remarks = read(study(tmp_path / "sdtm", {"EC": collected}))
    assert rows_of(table_called(source, "sessions"), "day", "dose") == [(0, 40)]
    assert reasons(remarks, "EC") == {3: "it did not take place"}
    both = study(tmp_path / "both", {"EC": collected, "EX": STUDY["EX"]})
    source, remarks = read(both)
    assert [one.name for one in source.tables] == ["EX"]


def test_doses_by_body_weight_get_the_weight(tmp_path: Path) -> None:
    """The last one until the dose, else the first after it; pounds are no kilograms."""
    doses = """
        USUBJID EXTRT    EXDOSE EXDOSU EXSTDY
        KT-01   KETAMINE 0.5    mg/kg  1
        KT-01   KETAMINE 0.5    mg/kg  8
        KT-01   KETAMINE 0.5    mg/kg  15
        KT-02   KETAMINE 0.5    mg/kg  1
        KT-03   KETAMINE 0.5    mg/kg  1
    """
    weights = """
        USUBJID VSTESTCD VSSTRESN VSSTRESU VSDY
        KT-01   WEIGHT   70       kg       -3
        KT-01   WEIGHT   72       kg       8
        KT-01   FATMASS  20       kg       9
        KT-02   WEIGHT   200      LB       5
    """
    source, _ = read(study(tmp_path / "sdtm", {"EX": doses, "VS": weights}))
    found = table_called(source, "sessions").data["weight_kg"].to_pylist()
    assert found == [70, 72, 72, pytest.approx(90.72, abs=0.01), None]


PEOPLE = """
    USUBJID RFSTDTC    RFPENDTC   DTHFL DTHDTC
    KT-01   2025-01-07 2025-02-11 .     .
    KT-02   2025-02-02 .          Y     2025-02-12
    KT-03   2025-03-01 2025-03-31 Y     2025-03
    KT-04   2025-03-01 2025-03-01 N     2025-03-01
    KT-05   2025-03-01 .          Y     2025-03-01
"""


def test_the_end_of_participation_and_deaths_by_study_day(tmp_path: Path) -> None:
    source, remarks = read(study(tmp_path / "sdtm", STUDY | {"DM": PEOPLE}))
    patients = table_called(source, "patients")
    assert patients.data["observed_to_day"].to_pylist() == [35, None, 30, 0, None]
    deaths = next(one for one in source.tables if one.name == "DM deaths")
    assert rows_of(deaths, "patient_id", "day", "event") == [
        ("KT-02", 10, "death"),
        ("KT-05", 0, "death"),
    ]
    (said,) = [one for one in remarks.said if "deaths without" in one.reason]
    assert said.count == 1
    accounted_for(source, remarks)


def test_the_end_of_participation_by_date(tmp_path: Path) -> None:
    scores = STUDY["QS"].replace("QSDY", "XX")
    source, _ = read(study(tmp_path / "sdtm", {"QS": scores, "DM": PEOPLE}))
    ends = table_called(source, "patients").data["observed_to_day"].to_pylist()
    assert [str(end) for end in ends[:3]] == ["2025-02-11", "None", "2025-03-31"]


@pytest.mark.parametrize("known", [True, False])
def test_the_command_asks_for_no_date_that_is_known(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], known: bool
) -> None:
    people = PEOPLE if known else PEOPLE.replace("RFPENDTC", "OTHER")
    folder = study(tmp_path / "sdtm", STUDY | {"DM": people})
    with pytest.raises(SystemExit) as left:
        main(["import", str(folder), "-o", str(tmp_path / "clinic")])
    assert not left.value.code
    assert ("--extract-date" in capfd.readouterr().out) is not known


def test_a_data_set_in_two_formats_is_read_once(tmp_path: Path) -> None:
    folder = study(tmp_path / "sdtm", {"QS": STUDY["QS"]}, "json")
    study(folder, {"QS": STUDY["QS"]}, "parquet")
    source, remarks = read(folder)
    assert [one.file for one in source.tables] == ["qs.json"]
    (said,) = [one for one in remarks.said if "of this name" in one.reason]
    assert (said.file, said.count) == ("qs.parquet", 9)


def test_an_attempt_without_a_stay_is_an_attempt(tmp_path: Path) -> None:
    attempt = "USUBJID AEDECOD AESHOSP AESTDY\nKT-01 Suicide_attempt N 3"
    source, _ = read(study(tmp_path / "sdtm", {"AE": attempt}))
    assert rows_of(table_called(source, "events"), "day", "event") == [
        (2, "suicide_attempt")
    ]


def test_a_day_that_the_calendar_does_not_have(tmp_path: Path) -> None:
    odd = """
        USUBJID QSTESTCD QSSTRESN QSDTC
        KT-01   PHQ0111  12       2025-02-28T09:30
        KT-01   PHQ0111  14       2025-02-30
        KT-01   PHQ0111  14       2025-03
    """
    source, remarks = read(study(tmp_path / "sdtm", {"QS": odd}))
    scores = table_called(source, "scores")
    assert [str(day) for day in scores.data["date"].to_pylist()] == ["2025-02-28"]
    assert set(reasons(remarks, "QS")) == {3, 4}


@pytest.mark.parametrize("ending", ["json", "ndjson"])
def test_true_is_no_score(tmp_path: Path, ending: str) -> None:
    table = "USUBJID QSTESTCD QSSTRESN QSDY\nKT-01 PHQ0111 1 1\nKT-01 PHQ9 2 1"
    folder = study(tmp_path / "sdtm", {"QS": table}, ending)
    path = folder / f"qs.{ending}"
    text = path.read_text().replace('"PHQ0111", 1.0', '"PHQ0111", true')
    path.write_text(text)
    source, remarks = read(folder)
    assert rows_of(table_called(source, "scores"), "score") == [(2,)]
    assert set(reasons(remarks, "QS")) == {1}


ADAM = """
    USUBJID PARAMCD  PARAM       AVAL ADY DTYPE ANL01FL AVISIT ATPT
    KT-01   PHQ9TOT  PHQ9_Total  20   -1  .     Y       Base   .
    KT-01   PHQ9TOT  PHQ9_Total  12   8   .     Y       Day_8  PREDOSE
    KT-01   PHQ9TOT  PHQ9_Total  10   8   .     Y       Day_8  POSTDOSE
    KT-01   PHQ9TOT  PHQ9_Total  10   15  LOCF  Y       Day_15 .
    KT-01   PHQ9TOT  PHQ9_Total  10   22  OWN   Y       Day_22 .
    KT-01   PHQ9TOT  PHQ9_Total  11   29  .     .       Day_29 .
"""


def test_analysis_data_sets(tmp_path: Path) -> None:
    folder = study(tmp_path / "adam", {"ADQS": ADAM, "ADSL": STUDY["DM"]}, "json")
    source, remarks = read(folder)
    scores = table_called(source, "scores")
    assert rows_of(scores, "day", "score", "timing") == [
        (-1, 20, None),
        (7, 12, "before"),
        (7, 10, "after"),
    ]
    # An imputed score is none, nor is one that was not chosen.
    assert set(reasons(remarks, "ADQS")) == {4, 5, 6}
    assert table_called(source, "patients").data.num_rows == 2
    accounted_for(source, remarks)


def test_a_flag_that_chooses_nothing_leaves_all(tmp_path: Path) -> None:
    """Without any Y, nobody has chosen records for analysis."""
    folder = study(tmp_path / "adam", {"ADQS": ADAM.replace(" Y ", " . ")}, "json")
    source, remarks = read(folder)
    assert rows_of(table_called(source, "scores"), "score") == [
        (20,),
        (12,),
        (10,),
        (11,),
    ]
    assert set(reasons(remarks, "ADQS")) == {4, 5}


def test_what_says_the_same_is_read_once(tmp_path: Path) -> None:
    source, remarks = read(
        study(tmp_path / "both", STUDY | {"ADQS": ADAM, "ADSL": STUDY["DM"]})
    )
    assert [one.name for one in source.tables if one.is_a == "scores"] == ["QS"]
    left = {one.table for one in remarks.said if "says the same" in one.reason}
    assert left == {"ADQS", "ADSL"}


def test_other_data_sets_are_named(tmp_path: Path) -> None:
    folder = study(tmp_path / "sdtm", {"VS": "USUBJID VSTESTCD\nKT-01 WEIGHT"})
    (folder / "notes.txt").write_text("not read")
    source, remarks = read(folder)
    assert source.tables == []
    assert [(one.file, one.action) for one in remarks.said] == [
        ("notes.txt", "noted"),
        ("vs.csv", "dropped"),
    ]


UNKNOWN = """
    USUBJID QSTESTCD QSTEST           QSSTRESN QSDY
    KT-01   MADX11   MADRS_Total_Score 33      1
    KT-01   MADX01   Sadness           4       1
"""


def test_an_unknown_total_is_asked_about(tmp_path: Path) -> None:
    folder = study(tmp_path / "sdtm", {"QS": UNKNOWN})
    source, remarks = read(folder)
    assert table_called(source, "scores").data.num_rows == 0
    (asked,) = remarks.asked
    assert asked.key == "test_code.MADX11"
    assert "MADRS" in asked.choices
    source, remarks = read(
        folder, **{asked.key: "MADRS", "test_code.MADX01": "MADRS item 1"}
    )
    scores = table_called(source, "scores")
    assert rows_of(scores, "instrument", "day", "score", "item_1") == [
        ("MADRS", 0, 33, 4)
    ]
    assert remarks.asked == []
    _, remarks = read(folder, **{asked.key: "not used"})
    assert remarks.asked == []


def test_ratings_by_clinicians_are_read_from_rs(tmp_path: Path) -> None:
    rated = """
        USUBJID RSTESTCD RSTEST             RSSTRESN RSDY RSSTAT
        KT-01   HAMD118  HAMD_17-Total      22       -1   .
        KT-01   HAMD118  HAMD_17-Total      .        8    NOT_DONE
        KT-01   MADRSTOT MADRS-Total        30       1    .
    """
    folder = study(tmp_path / "sdtm", {"RS": rated})
    source, remarks = read(folder, **{"test_code.HAMD118": "HAMD-17"})
    scores = table_called(source, "scores")
    assert rows_of(scores, "instrument", "day", "score") == [
        ("HAMD-17", -1, 22),
        ("MADRS", 0, 30),
    ]
    assert set(reasons(remarks, "RS")) == {3}


def test_a_code_that_could_be_a_name_is_not_repeated(tmp_path: Path) -> None:
    odd = "USUBJID QSTESTCD QSTEST QSSTRESN QSDY\nKT-01 JANE-SMITH Total 3 1"
    _, remarks = read(study(tmp_path / "sdtm", {"QS": odd}))
    assert "SMITH" not in str(remarks.said) + str(remarks.asked)


def test_answers_in_words(tmp_path: Path) -> None:
    words = """
        USUBJID QSTESTCD QSORRES                 QSDY
        KT-01   PHQ0101  Nearly_every_day        1
        KT-01   PHQ0109  Not_at_all              1
        KT-01   PHQ0110  Somewhat_difficult      1
        KT-01   PHQ0111  12                      1
        KT-01   PHQ0111  Not_at_all              8
    """
    source, remarks = read(study(tmp_path / "sdtm", {"QS": words}))
    scores = table_called(source, "scores")
    assert rows_of(scores, "score", "item_1", "item_9") == [(12, 3, 0)]
    assert reasons(remarks, "QS") == dict.fromkeys((4, 6), "no number stands in it")


def test_the_same_answer_twice_is_two_rows(tmp_path: Path) -> None:
    twice = """
        USUBJID QSTESTCD QSSTRESN QSDY
        KT-01   PHQ0111  12       1
        KT-01   PHQ0111  14       1
    """
    source, _ = read(study(tmp_path / "sdtm", {"QS": twice}))
    assert rows_of(table_called(source, "scores"), "day", "score") == [(0, 12), (0, 14)]


def test_a_split_domain(tmp_path: Path) -> None:
    """A study may keep each questionnaire in a file of its own."""
    frame = frame_of("USUBJID QSTESTCD QSSTRESN QSDY\nKT-01 PHQ0111 12 1")
    frame.insert(1, "DOMAIN", "QS")
    frame.to_csv(tmp_path / "qsph.csv", index=False)
    source, _ = read(tmp_path)
    assert [(one.name, one.is_a) for one in source.tables] == [("QSPH", "scores")]


@pytest.mark.parametrize("ending", FORMATS)
def test_it_is_recognised(tmp_path: Path, ending: str) -> None:
    folder = study(tmp_path / "sdtm", {"QS": STUDY["QS"]}, ending)
    assert recognised(folder / f"qs.{ending}").kind == "cdisc"
    assert recognised(folder).kind == "cdisc"


def test_kinds_of_cells_in_parquet(tmp_path: Path) -> None:
    """Words as codes, moments with a zone, whole and decimal numbers, and what is none of these."""
    when = pd.to_datetime(["2025-01-06 23:30", None]).tz_localize("America/New_York")
    table = pa.table(
        {
            "StudyID": pa.array(["S", "S"]).dictionary_encode(),
            "USUBJID": pa.array(["KT-01", "KT-01"], pa.large_string()),
            "QSTESTCD": pa.array(["PHQ0111", "PHQ0111"]).dictionary_encode(),
            "QSSTRESN": pa.array([12.0, float("nan")]),
            "QSDTC": pa.array(when),
            "NOTES": pa.array([["a"], []]),
        }
    )
    pq.write_table(table, tmp_path / "qs.parquet")
    source, remarks = read(tmp_path / "qs.parquet")
    scores = table_called(source, "scores")
    assert [str(day) for day in scores.data["date"].to_pylist()] == ["2025-01-06"]
    assert reasons(remarks, "QS") == {2: "no number stands in it"}
    assert [one.column for one in remarks.said if one.column] == ["NOTES"]


def test_numbers_of_people(tmp_path: Path) -> None:
    """Long ones keep their digits; a number that is none is nobody; half a day is no day."""
    table = "USUBJID QSTESTCD QSSTRESN QSDY\nX PHQ0111 3 1\nX PHQ0111 3 2"
    folder = study(tmp_path / "json", {"QS": table}, "json")
    path = folder / "qs.json"
    path.write_text(
        path.read_text().replace('"X"', "9007199254740993").replace("2.0", "1.5")
    )
    source, remarks = read(folder)
    scores = table_called(source, "scores")
    assert rows_of(scores, "patient_id", "day") == [("9007199254740993", 0)]
    assert set(reasons(remarks, "QS")) == {2}
    columns = {
        "STUDYID": ["S", "S"],
        "USUBJID": [101.0, float("nan")],
        "SEX": ["F", "M"],
    }
    pq.write_table(pa.table(columns), tmp_path / "dm.parquet")
    source, remarks = read(tmp_path / "dm.parquet")
    assert rows_of(table_called(source, "patients"), "patient_id") == [("101",)]
    assert reasons(remarks, "DM") == {2: "no USUBJID stands in it"}


def test_text_of_a_parquet_file_is_utf_8(tmp_path: Path) -> None:
    """A file can say so and hold other bytes."""
    sizes = pa.array([0, 2, 4], pa.int32()).buffers()[1]
    strange = pa.StringArray.from_buffers(2, sizes, pa.py_buffer(b"S1S\xff"))
    table = pa.table({"USUBJID": strange, "SEX": ["F", "M"], "STUDYID": ["S", "S"]})
    pq.write_table(table, tmp_path / "dm.parquet")
    with pytest.raises(DataProblems, match="UTF-8"):
        read(tmp_path / "dm.parquet")


@pytest.mark.parametrize("ending", FORMATS)
def test_data_sets_without_records(tmp_path: Path, ending: str) -> None:
    """Only their headers are there, as where nothing has been recorded yet."""
    empty = {name: table.strip().splitlines()[0] for name, table in STUDY.items()}
    source, remarks = read(study(tmp_path / "sdtm", empty, ending))
    assert sum(one.data.num_rows for one in source.tables) == 0
    accounted_for(source, remarks)


@pytest.mark.parametrize("kind", ["cdisc", "spss", "stata", "sas"])
def test_another_kind_of_file_is_refused(tmp_path: Path, kind: str) -> None:
    """As when the wrong kind is named on the command line."""
    path = tmp_path / "log.txt"
    path.write_text("KT-01")
    with pytest.raises(DataProblems, match=r"endings|transport file"):
        read_source(path, {}, Remarks(), kind)


DAMAGE = {
    "json": [("[", "{"), ('"records": 9', '"records": 10'), ("rows", "rowz")],
    "ndjson": [("[", "{"), ('"records": 9', '"records": 10')],
}


@pytest.mark.parametrize(
    ("ending", "old", "new"),
    [(ending, *change) for ending, changes in DAMAGE.items() for change in changes],
)
def test_a_damaged_file_says_so(
    tmp_path: Path, ending: str, old: str, new: str
) -> None:
    folder = study(tmp_path / "sdtm", {"QS": STUDY["QS"]}, ending)
    path = folder / f"qs.{ending}"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataProblems) as stopped:
        read(folder)
    assert stopped.value.__context__ is None
    assert "KT-01" not in str(stopped.value)


def test_a_record_of_another_length_is_refused(tmp_path: Path) -> None:
    folder = study(tmp_path / "sdtm", STUDY, "ndjson")
    path = folder / "qs.ndjson"
    lines = path.read_text().splitlines()
    lines[4] = lines[4].replace("]", ", 1]")
    path.write_text("\n".join(lines))
    source, remarks = read(folder)
    assert reasons(remarks, "QS")[4].startswith(
        "the record has another number of cells"
    )
    assert rows_of(table_called(source, "scores"), "score") == [(17,), (8,)]


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["P1", "P2", ""]),
            st.sampled_from(["PHQ0101", "PHQ0102", "PHQ0111", "PHQ9TOT", "X"]),
            st.none() | st.integers(0, 3),
            st.none() | st.integers(-3, 3),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_no_number_is_lost_or_moved(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[tuple[str, str, int | None, int | None]],
) -> None:
    frame = pd.DataFrame(records, columns=["USUBJID", "QSTESTCD", "QSSTRESN", "QSDY"])
    folder = tmp_path_factory.mktemp("sdtm")
    for name in ("QSSTRESN", "QSDY"):
        frame[name] = frame[name].astype("Int64")
    frame.assign(STUDYID="S", DOMAIN="QS").to_csv(folder / "qs.csv", index=False)
    source, remarks = read(folder)
    accounted_for(source, remarks)
    others = [
        one.count for one in remarks.said if one.row is None and one.action == "dropped"
    ]
    assert sum(others) + sum(map(len, source.records.values())) == len(records)
    expected = sorted(
        (
            who,
            day - (day > 0),
            "score" if code in ("PHQ0111", "PHQ9TOT") else f"item_{code[-1]}",
            n,
        )
        for who, code, n, day in records
        if who and code != "X" and n is not None and day
    )
    found = [
        (row["patient_id"], row["day"], column, number)
        for table in source.tables
        for row in table.data.to_pylist()
        for column, number in row.items()
        if (column == "score" or column.startswith("item_")) and number is not None
    ]
    assert sorted(found) == expected
