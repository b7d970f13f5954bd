"""Exports of REDCap: each form by its status, each scale by its fields, no value in any message.

All people and values are invented. The layouts are those that REDCap itself writes.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kettrack.errors import DataProblems, UsageError
from kettrack.importing.readers.redcap import source_from_frame
from kettrack.importing.registry import read_source, recognised
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable

DICTIONARY_HEADER = (
    '"Variable / Field Name","Form Name","Section Header","Field Type","Field Label",'
    '"Choices, Calculations, OR Slider Labels","Field Note",'
    '"Text Validation Type OR Show Slider Number","Text Validation Min",'
    '"Text Validation Max",Identifier?,"Branching Logic (Show field only if...)"\n'
)
ANSWERS = "0, Not at all | 1, Several days | 2, More than half the days | 3, Every day"
ITEMS = ",".join(f"phq9_{item}" for item in range(1, 10))


def dictionary_row(
    name: str,
    form: str,
    kind: str = "text",
    label: str = "",
    choices: str = "",
    rest: str = "",
) -> str:
    """`rest` is the validation, then `y` for an identifier: `date_ymd y`."""
    validation, _, identifier = rest.partition(" ")
    said = f'{name},{form},,{kind},"{label or name}","{choices}"'
    return f"{said},,{validation},,,{identifier},\n"


def phq9_dictionary(answers: str = ANSWERS) -> str:
    rows = [
        dictionary_row(f"phq9_{item}", "phq9", "radio", f"Question {item}", answers)
        for item in range(1, 10)
    ]
    return (
        DICTIONARY_HEADER
        + dictionary_row("record_id", "phq9", label="Record ID")
        + dictionary_row("phq9_date", "phq9", label="Date", rest="date_dmy")
        + "".join(rows)
        + dictionary_row(
            "phq9_total", "phq9", "calc", "Total", "sum([phq9_1],[phq9_2])"
        )
    )


def written(folder: Path, name: str = "export.csv", **files: str) -> Path:
    for file, text in files.items():
        (folder / f"{file}.csv").write_text(dedent(text).lstrip())
    return folder / name


def read(path: Path, **answers: str) -> tuple[SourceData, Remarks]:
    remarks = Remarks()
    given = {key.replace("__", "."): answer for key, answer in answers.items()}
    source = read_source(path, given, remarks, "redcap")
    accounted(source, remarks)
    return source, remarks


def accounted(source: SourceData, remarks: Remarks) -> None:
    """Every line that holds anything is a row, or stands among the remarks as a whole."""
    said = {
        (one.file, one.table, one.row)
        for one in remarks.said
        if one.row is not None and not one.column
    }
    rows = {
        (table.file, table.name, row)
        for table in source.tables
        for row in table.rows.to_pylist()
    }
    for (file, name), lines in source.records.items():
        assert {(file, name, line) for line in lines.to_pylist()} <= said | rows


def table_called(source: SourceData, name: str) -> SourceTable:
    return next(table for table in source.tables if table.name == name)


def reasons(remarks: Remarks, action: str = "dropped") -> list[str]:
    return [one.reason for one in remarks.said if one.action == action]


# As in the longitudinal test project of REDCapR, with the same block-sparse rows.
SPARSE = f"""
    record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,redcap_survey_identifier,redcap_data_access_group,age,sex,demographics_complete,phq9_date,{ITEMS},phq9_10,phq9_total,phq9_complete,inf_date,inf_dose_mg,inf_route___1,inf_route___2,infusion_complete
    KT-001,baseline_arm_1,,,kim@example.org,north,41,2,2,2025-01-06,3,3,2,3,2,3,2,1,1,2,20,2,,,,,
    KT-001,treatment_arm_1,infusion,1,,north,,,,,,,,,,,,,,,,,2025-01-07,40,1,0,2
    KT-001,treatment_arm_1,phq9,1,,north,,,,2025-01-14,1,1,2,1,1,1,1,0,0,1,8,2,,,,,
    007,baseline_arm_1,,,,north,33,1,2,,,,,,,,,,,,,0,,,0,0,0
    7,baseline_arm_1,,,,north,,,,,,,,,,,,,,,,,,,,,
"""


def test_a_row_is_split_by_form(tmp_path: Path) -> None:
    source, remarks = read(written(tmp_path, export=SPARSE))
    assert [table.name for table in source.tables] == [
        "demographics",
        "phq9",
        "infusion",
    ]
    scores = table_called(source, "phq9")
    assert scores.is_a == "scores"
    assert scores.rows.to_pylist() == [2, 4]
    assert scores.data["date"].to_pylist() == ["2025-01-06", "2025-01-14"]
    assert scores.data["score"].to_pylist() == ["20", "8"]
    assert scores.data["item_9"].to_pylist() == ["1", "0"]
    # The record's number is text, zeros in front and all.
    assert table_called(source, "demographics").data["record_id"].to_pylist() == [
        "KT-001",
        "007",
    ]
    assert "no form is filled in this row" in reasons(remarks)


def test_the_question_that_does_not_count_is_no_item(tmp_path: Path) -> None:
    source, remarks = read(written(tmp_path, export=SPARSE))
    assert "item_10" not in table_called(source, "phq9").data.column_names
    assert "a question that is no part of the total of PHQ-9" in reasons(remarks)


def test_boxes_become_one_column(tmp_path: Path) -> None:
    source, _ = read(written(tmp_path, export=SPARSE))
    assert table_called(source, "infusion").data["inf_route"].to_pylist() == ["1"]


def test_what_identifies_is_left_behind(tmp_path: Path) -> None:
    source, remarks = read(written(tmp_path, export=SPARSE))
    left = {one.column for one in remarks.said if one.column}
    assert {"redcap_survey_identifier", "redcap_data_access_group"} <= left
    text = f"{remarks.table().to_csv()}{remarks.asked}"
    assert "kim@" not in text
    assert "north" not in text
    columns = {name for table in source.tables for name in table.data.column_names}
    assert not columns & {"redcap_survey_identifier", "redcap_data_access_group"}


STATUS = f"""
    record_id,phq9_date,{ITEMS},phq9_total,phq9_complete
    A1,2025-01-06,3,3,2,3,2,3,2,1,1,20,2
    A2,2025-01-06,1,1,1,1,1,1,1,1,1,9,0
    A3,2025-01-06,2,2,2,2,2,2,2,2,2,18,
    A4,,,,,,,,,,,,0
    A5,,,,,,,,,,,,2
    A6,,,,,,,,,,,0,0
"""


def test_the_status_says_whether_a_form_was_filled(tmp_path: Path) -> None:
    source, remarks = read(written(tmp_path, export=STATUS, codes=phq9_dictionary()))
    scores = table_called(source, "phq9")
    assert scores.data["patient_id"].to_pylist() == ["A1", "A2"]
    dropped = {one.row: one.reason for one in remarks.said if one.row}
    assert dropped == {
        4: "its status is empty, so the form was not filled in this row",
        5: "no form is filled in this row",
        6: "the form has a status, and no cell of it is filled",
        7: "only fields that REDCap computes are filled",
    }
    assert [one.key for one in remarks.asked] == ["without_status.phq9"]


@pytest.mark.parametrize(
    ("answer", "people"),
    [("read them", ["A1", "A2", "A3"]), ("leave them out", ["A1", "A2"])],
)
def test_forms_without_a_status_are_asked_about(
    tmp_path: Path, answer: str, people: list[str]
) -> None:
    path = written(tmp_path, export=STATUS, codes=phq9_dictionary())
    source, remarks = read(path, without_status__phq9=answer)
    assert table_called(source, "phq9").data["patient_id"].to_pylist() == people
    assert remarks.asked == []


def test_an_export_without_any_status(tmp_path: Path) -> None:
    export = """
        study_id,redcap_event_name,phq9_date,phq9_total
        A1,baseline_arm_1,2025-01-06,18
        A1,infusion_arm_1,,
        A1,fu_arm_1,2025-01-20,0
    """
    source, remarks = read(written(tmp_path, export=export))
    (scores,) = source.tables
    assert scores.is_a == "scores"
    assert scores.data["score"].to_pylist() == ["18", "0"]
    assert "no form is filled in this row" in reasons(remarks)


def test_negative_codes_of_boxes(tmp_path: Path) -> None:
    codes = (
        DICTIONARY_HEADER
        + dictionary_row("record_id", "visit")
        + dictionary_row(
            "effects", "visit", "checkbox", "", "-1, None | 1, Nausea | 2, A;B"
        )
    )
    export = """
        record_id,effects____1,effects___1,effects___2,visit_complete
        A1,1,0,0,2
        A2,0,1,1,2
        A3,Checked,Unchecked,Unchecked,Complete
        A4,,Nausea,,Complete
    """
    source, _ = read(written(tmp_path, export=export, codes=codes))
    (visit,) = source.tables
    assert visit.data["effects"].to_pylist() == ["None", "Nausea;A,B", "None", "Nausea"]
    bare, _ = read(written(tmp_path, export=export, codes="a,b\n"))
    assert bare.tables[0].data["effects"].to_pylist()[:2] == ["-1", "1;2"]


def test_codes_for_missing_data(tmp_path: Path) -> None:
    export = f"""
        record_id,phq9_date,{ITEMS},phq9_total,phq9_complete
        A1,2025-01-06,3,3,2,3,2,3,2,1,-999,19,2
        A2,2025-01-06,NASK,1,1,1,1,1,1,1,1,UNK,2
        A3,2025-01-06,0,0,0,0,0,0,0,0,0,-999,2
    """
    path = written(tmp_path, export=export, codes=phq9_dictionary())
    source, remarks = read(path)
    scores = table_called(source, "phq9")
    # Words that HL7 keeps for "missing" cannot be a score; a number has to be explained.
    assert scores.data["item_1"].to_pylist() == ["3", None, "0"]
    assert scores.reasons["item_1"].to_pylist() == [None, "NASK", None]
    assert [one.key for one in remarks.asked] == ["missing_codes"]
    assert "2 cells" in remarks.asked[0].asks
    source, remarks = read(path, missing_codes="-999, UNK")
    scores = table_called(source, "phq9")
    assert scores.data["score"].to_pylist() == ["19", None, None]
    assert scores.data["item_9"].to_pylist() == [None, "1", "0"]
    assert remarks.asked == []


def test_the_dictionary_says_what_a_field_is(tmp_path: Path) -> None:
    codes = (
        DICTIONARY_HEADER
        + dictionary_row("study", "person", rest=" y")
        + dictionary_row("dob", "person", rest="date_ymd y")
        + dictionary_row("nick", "person", rest=" y")
        + dictionary_row("mail", "person", rest="email")
        + dictionary_row("story", "person", "notes")
        + dictionary_row("sex", "person", "radio", "<b>Sex</b>", "1, Female | 2, Male")
    )
    export = """
        study,dob,nick,mail,story,sex,person_complete
        A1,1980-02-03,Kim,kim@example.org,much to say,1,2
    """
    source, remarks = read(written(tmp_path, export=export, codes=codes))
    (person,) = source.tables
    assert person.data.column_names == ["study", "dob", "sex"]
    assert person.value_labels == {"sex": {"1": "Female", "2": "Male"}}
    assert person.labels["sex"] == "Sex"
    assert sorted(one.column for one in remarks.said if one.column) == [
        "mail",
        "nick",
        "story",
    ]
    assert "much to say" not in remarks.table().to_csv()


def test_labels_become_points_by_the_dictionary(tmp_path: Path) -> None:
    questions = ",".join(f"Question {item}" for item in range(1, 10))
    answers = (
        "Not at all,Several days,More than half the days,Every day" + 5 * ",Not at all"
    )
    export = f"""
        Record ID,Date,{questions},Total,Complete?
        A1,06-01-2025,{answers},6,Complete
    """
    path = written(tmp_path, export=export, codes=phq9_dictionary())
    source, remarks = read(path)
    (scores,) = source.tables
    assert scores.is_a == "scores"
    assert [one.count for one in remarks.said if one.action == "mended"] == [9]
    row = scores.data.to_pylist()[0]
    assert [row[f"item_{item}"] for item in range(1, 6)] == ["0", "1", "2", "3", "0"]
    # Day or month first is told from all dates, and later.
    assert row["date"] == "06-01-2025"


def test_labels_without_a_dictionary_stay_text(tmp_path: Path) -> None:
    export = """
        Record ID,Event Name,Score,Complete?,Score,Complete?
        A1,Baseline,7,Complete,9,Complete
    """
    source, _ = read(written(tmp_path, export=export))
    assert [table.name for table in source.tables] == ["form 1", "form 2"]
    assert [table.data["Score"].to_pylist() for table in source.tables] == [
        ["7"],
        ["9"],
    ]
    assert not any(table.is_a for table in source.tables)


def test_answers_coded_from_1_are_asked_about(tmp_path: Path) -> None:
    answers = "1, Not at all | 2, Several days | 3, More than half | 4, Every day"
    export = f"""
        record_id,phq9_date,{ITEMS},phq9_total,phq9_complete
        A1,2025-01-06,1,2,3,4,1,1,1,1,1,15,2
    """
    path = written(tmp_path, export=export, codes=phq9_dictionary(answers))
    _, remarks = read(path)
    (question,) = remarks.asked
    assert question.key == "coded_from.phq9"
    source, remarks = read(path, coded_from__phq9=question.choices[0])
    (scores,) = source.tables
    assert scores.data["item_4"].to_pylist() == ["3"]
    assert "score" not in scores.data.column_names
    assert len(reasons(remarks, "mended")) == 1


@pytest.mark.parametrize(
    ("status", "first_code", "expected"), [("2", "1", "1"), ("Complete", "0", "1")]
)
def test_a_label_that_looks_like_a_code(
    tmp_path: Path, status: str, first_code: str, expected: str
) -> None:
    """In 1 = "0" ... 4 = "3" a cell of 1 is the lowest answer as a code, the second as a label."""
    export = f"""
        record_id,phq9_date,{ITEMS},phq9_total,phq9_complete
        A1,2025-01-06,{first_code},2,3,1,1,1,1,1,1,15,{status}
    """
    codes = phq9_dictionary("1, 0 | 2, 1 | 3, 2 | 4, 3")
    source, _ = read(written(tmp_path, export=export, codes=codes))
    (scores,) = source.tables
    # Coded from 1, as long as nobody says otherwise.
    assert scores.data["item_1"].to_pylist() == [expected]
    assert scores.data["item_2"].to_pylist() == ["2" if status == "2" else "3"]


def test_answers_of_another_kind_are_no_scale(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        export=f"""
            record_id,phq9_date,{ITEMS},phq9_total,phq9_complete
            A1,2025-01-06,1,2,3,4,5,1,1,1,1,19,2
        """,
        codes=phq9_dictionary("1, a | 2, b | 3, c | 4, d | 5, e"),
    )
    (table,) = read(path)[0].tables
    assert table.is_a == ""


WITHOUT_DATE = """
    record_id,redcap_event_name,visit_date,visit_complete,phq9_total,phq9_complete
    A1,baseline_arm_1,{first},2,20,2
    A1,week_2_arm_1,{second},2,8,2
    A1,{last},{third},2,4,2
"""


def test_the_date_of_the_visit(tmp_path: Path) -> None:
    export = WITHOUT_DATE.format(
        first="2025-01-06", second="2025-01-20", third="2025-02-03", last="week_4_arm_1"
    )
    source, remarks = read(written(tmp_path, export=export))
    dates = table_called(source, "phq9").data["date"].to_pylist()
    assert dates == ["2025-01-06", "2025-01-20", "2025-02-03"]
    assert any("visit_date of the same visit" in one.reason for one in remarks.said)
    assert remarks.asked == []


def test_a_date_that_is_not_always_there_is_asked_about(tmp_path: Path) -> None:
    export = WITHOUT_DATE.format(
        first="2025-01-06", second="", third="2025-02-03", last="week_4_arm_1"
    )
    path = written(tmp_path, export=export)
    _, remarks = read(path)
    (question,) = remarks.asked
    assert question.key == "date.phq9"
    assert question.choices == ("visit: visit_date", "by the name of the event")
    source, _ = read(path, date__phq9="visit: visit_date")
    dates = table_called(source, "phq9").data["date"].to_pylist()
    assert dates == ["2025-01-06", None, "2025-02-03"]
    source, _ = read(path, date__phq9="by the name of the event")
    assert table_called(source, "phq9").data["day"].to_pylist() == [0, 14, 28]


def test_days_from_the_names_of_events(tmp_path: Path) -> None:
    export = WITHOUT_DATE.format(first="", second="", third="", last="exit_arm_1")
    path = written(tmp_path, export=export)
    source, remarks = read(path)
    assert table_called(source, "phq9").data["day"].to_pylist() == [0, 14, None]
    assert [one.key for one in remarks.asked] == ["day.exit_arm_1"]
    source, remarks = read(path, day__exit_arm_1="60")
    assert table_called(source, "phq9").data["day"].to_pylist() == [0, 14, 60]
    assert remarks.asked == []


def test_sessions_without_a_date_have_the_days_of_their_events(tmp_path: Path) -> None:
    export = """
        record_id,redcap_event_name,dose_mg,infusion_complete
        A1,day_0_arm_1,40,2
        A1,{last}_arm_1,40,2
    """
    path = written(tmp_path, export=export.format(last="day_3"))
    (infusion,) = read(path)[0].tables
    assert infusion.data["day"].to_pylist() == [0, 3]
    # Where one event does not tell, the form may be no session at all: nothing is asked.
    source, remarks = read(written(tmp_path, export=export.format(last="second")))
    assert "day" not in source.tables[0].data.column_names
    assert remarks.asked == []


def test_the_time_of_a_survey(tmp_path: Path) -> None:
    export = """
        record_id,redcap_survey_identifier,phq9_timestamp,phq9_total,phq9_complete
        A1,,2025-01-06 09:30:11,20,2
        A2,,[not completed],8,0
    """
    (scores,) = read(written(tmp_path, export=export))[0].tables
    assert scores.data["date"].to_pylist() == ["2025-01-06 09:30:11", None]


def test_a_survey_that_was_not_sent_in_has_the_date_of_its_visit(
    tmp_path: Path,
) -> None:
    export = """
        record_id,redcap_event_name,visit_date,visit_complete,phq9_timestamp,phq9_total,phq9_complete
        A1,first_arm_1,2025-01-06,2,2025-01-05 09:30:11,20,2
        A1,second_arm_1,2025-01-09,2,[not completed],8,0
    """
    source, _ = read(written(tmp_path, export=export))
    dates = table_called(source, "phq9").data["date"].to_pylist()
    assert dates == ["2025-01-05 09:30:11", "2025-01-09"]


def test_two_dates_on_a_form_are_asked_about(tmp_path: Path) -> None:
    export = """
        record_id,phq9_date,next_date,birth_date,phq9_total,phq9_complete
        A1,2025-01-06,2025-02-06,1980-01-01,20,2
    """
    path = written(tmp_path, export=export)
    _, remarks = read(path)
    assert remarks.asked[0].choices == ("phq9_date", "next_date")
    source, _ = read(path, date__phq9="phq9_date")
    assert table_called(source, "phq9: PHQ-9").data["date"].to_pylist() == [
        "2025-01-06"
    ]


def test_a_field_with_a_person_in_its_name_can_be_chosen(tmp_path: Path) -> None:
    export = """
        record_id,phq9_date,Jane Ashworth date,phq9_total,phq9_complete
        A1,2025-01-06,2025-02-06,20,2
    """
    path = written(tmp_path, export=export)
    source, remarks = read(path)
    assert remarks.asked[0].choices == ("phq9_date", "date 2")
    source, _ = read(path, date__phq9="date 2")
    assert table_called(source, "phq9").data["date"].to_pylist() == ["2025-02-06"]


def test_a_form_with_scores_and_other_fields(tmp_path: Path) -> None:
    export = """
        record_id,redcap_repeat_instance,visit_date,dose_mg,phq9_total,gad7_total,visit_complete
        A1,1,2025-01-06,40,20,,2
        A1,2,2025-01-08,50,,11,2
        A1,3,2025-01-09,60,,,2
    """
    source, _ = read(written(tmp_path, export=export))
    found = {table.name: table.rows.to_pylist() for table in source.tables}
    assert found == {"visit: PHQ-9": [2], "visit: GAD-7": [3], "visit": [2, 3, 4]}
    assert "dose_mg" in table_called(source, "visit").data.column_names


ENTERED_TWICE = """
    record_id,phq9_date,phq9_total,phq9_complete
    17--1,2025-01-06,20,2
    17--2,2025-01-06,21,2
    17,2025-01-06,20,2
"""


def test_double_data_entry_is_asked_about(tmp_path: Path) -> None:
    path = written(tmp_path, export=ENTERED_TWICE)
    source, remarks = read(path)
    (question,) = remarks.asked
    assert question.key == "double_entry"
    rows = []
    for choice in question.choices:
        source, remarks = read(path, double_entry=choice)
        (scores,) = source.tables
        assert scores.data["patient_id"].to_pylist() == ["17"]
        assert remarks.asked == []
        rows += scores.rows.to_pylist()
    assert rows == [2, 3, 4]


def test_a_choice_that_is_no_answer(tmp_path: Path) -> None:
    answers = f"{ANSWERS} | 9, Does not wish to say | -1, Not asked"
    export = f"""
        record_id,phq9_date,{ITEMS},phq9_total,phq9_complete
        A1,2025-01-06,3,3,2,3,2,3,2,-1,9,18,2
    """
    path = written(tmp_path, export=export, codes=phq9_dictionary(answers))
    (scores,) = read(path)[0].tables
    assert scores.data["item_9"].to_pylist() == [None]
    assert scores.reasons["item_9"].to_pylist() == ["Does not wish to say"]
    assert scores.reasons["item_8"].to_pylist() == ["Not asked"]
    assert scores.data["item_1"].to_pylist() == ["3"]


def test_none_is_no_code(tmp_path: Path) -> None:
    codes = DICTIONARY_HEADER + dictionary_row("record_id", "visit")
    codes += dictionary_row("dose_mg", "visit", rest="number")
    codes += dictionary_row("effects", "visit")
    export = """
        record_id,dose_mg,effects,visit_complete
        A1,-99,none,2
    """
    path = written(tmp_path, export=export, codes=codes)
    assert [one.key for one in read(path)[1].asked] == ["missing_codes"]
    source, remarks = read(path, missing_codes="none")
    assert source.tables[0].data["effects"].to_pylist() == ["none"]
    assert remarks.asked == []


def test_names_of_forms_that_read_like_a_person(tmp_path: Path) -> None:
    export = """
        record_id,mood,jane_ashworth_complete,dose_mg,visit_complete
        A1,2,2,40,2
    """
    source, remarks = read(written(tmp_path, export=export))
    assert [table.name for table in source.tables] == ["form 1", "visit"]
    assert "ashworth" not in f"{remarks.table().to_csv()}{remarks.asked}"


def test_dates_as_a_spreadsheet_left_them(tmp_path: Path) -> None:
    export = """
        record_id,phq9_date,phq9_total,phq9_complete
        A1,6/1/2025,20,2
        A1,13/1/2025,8,2
    """
    (scores,) = read(written(tmp_path, export=export))[0].tables
    assert scores.data["date"].to_pylist() == ["6/1/2025", "13/1/2025"]


def test_a_time_that_is_not_needed(tmp_path: Path) -> None:
    export = """
        record_id,phq9_timestamp,phq9_date,phq9_total,phq9_complete
        A1,2025-01-07 10:11:12,2025-01-06,20,2
    """
    source, remarks = read(written(tmp_path, export=export))
    assert source.tables[0].data["date"].to_pylist() == ["2025-01-06"]
    assert "the time at which the survey was sent in is not needed" in reasons(remarks)
    assert "10:11" not in remarks.table().to_csv()


def test_an_event_that_repeats_keeps_its_dates_apart(tmp_path: Path) -> None:
    export = """
        record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,visit_date,visit_complete,phq9_total,phq9_complete
        A1,visit_arm_1,,1,2025-01-06,2,20,2
        A1,visit_arm_1,,2,2025-01-13,2,12,2
    """
    source, _ = read(written(tmp_path, export=export))
    dates = table_called(source, "phq9").data["date"].to_pylist()
    assert dates == ["2025-01-06", "2025-01-13"]


def test_semicolons_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = "record_id;phq9_date;phq9_total;phq9_complete\nA1;2025-01-06;20;2\n"
    (tmp_path / "export.csv").write_text(text, encoding="utf-8-sig")
    source, _ = read(tmp_path / "export.csv")
    assert source.tables[0].data["score"].to_pylist() == ["20"]


def test_an_export_without_rows(tmp_path: Path) -> None:
    source, _ = read(written(tmp_path, export="record_id,phq9_total,phq9_complete\n"))
    assert list(source.tables) == []


def test_a_line_of_another_width_is_refused(tmp_path: Path) -> None:
    export = """
        record_id,phq9_date,phq9_total,phq9_complete
        A1,2025-01-06,20,2
        A2,2025-01-06,20,2,Kim
    """
    source, remarks = read(written(tmp_path, export=export))
    assert source.tables[0].rows.to_pylist() == [2]
    refused = [one for one in remarks.said if one.action == "refused"]
    assert [one.row for one in refused] == [3]
    assert "Kim" not in remarks.table().to_csv()


def test_a_frame_of_pycap(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "record_id": ["A1", "A1"],
            "redcap_event_name": ["visit_arm_1", "visit_arm_1"],
            "redcap_repeat_instance": [1, 2],
            "phq9_date": ["2025-01-06", "2025-01-13"],
            "phq9_total": [20.0, 8.0],
        }
    ).set_index(["record_id", "redcap_event_name"])
    source = source_from_frame(frame, {}, Remarks())
    (scores,) = source.tables
    assert scores.data["score"].to_pylist() == ["20", "8"]
    assert scores.data["patient_id"].to_pylist() == ["A1", "A1"]


def recognised_as(path: Path) -> str:
    try:
        return recognised(path).kind
    except UsageError:
        return ""


def test_a_frame_of_pycap_with_its_metadata() -> None:
    frame = pd.DataFrame({"record_id": ["A1"], "phq9_date": ["2025-01-06"]})
    frame = frame.assign(phq9_total=[20], nick=["Kim"]).set_index("record_id")
    fields = pd.DataFrame(
        {
            "field_name": ["record_id", "phq9_date", "phq9_total", "nick"],
            "form_name": ["phq9"] * 4,
            "field_type": ["text"] * 4,
            "text_validation_type_or_show_slider_number": ["", "date_ymd", "", ""],
            "identifier": ["", "", "", "y"],
        }
    ).set_index("field_name")
    remarks = Remarks()
    (scores,) = source_from_frame(frame, {}, remarks, fields).tables
    assert scores.data["score"].to_pylist() == ["20"]
    assert [one.column for one in remarks.said if one.column] == ["nick"]


def test_a_mark_that_is_never_closed(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text('record_id,phq9_complete\nKim,"2\n')
    with pytest.raises(DataProblems, match="never closed") as caught:
        read(tmp_path / "export.csv")
    assert "Kim" not in str(caught.value)


def test_a_label_of_two_lines(tmp_path: Path) -> None:
    text = 'Record ID,"Mood\ntoday",Complete?\nA1,3,Complete\n'
    (tmp_path / "export.csv").write_text(text)
    assert recognised_as(tmp_path / "export.csv") == "redcap"
    (table,) = read(tmp_path / "export.csv")[0].tables
    assert table.data.num_columns == 2
    assert table.rows.to_pylist() == [3]


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(b"record_id\0,\0phq9_complete\0")
    assert recognised_as(tmp_path / "log.csv") != "redcap"
    (tmp_path / "log.csv").write_bytes(b"PK\3\4")
    with pytest.raises(DataProblems, match="Excel workbook"):
        read(tmp_path / "log.csv")


def test_what_is_recognised(tmp_path: Path) -> None:
    path = written(tmp_path, export=SPARSE, codes=phq9_dictionary())
    assert recognised(path).kind == "redcap"
    assert recognised(tmp_path).kind == "redcap"
    # A folder with a file of another program is another reader's.
    written(tmp_path, sessions="patient_id,day\nA1,0\n")
    with pytest.raises(DataProblems):
        read(tmp_path / "sessions.csv").count(0) if False else read(
            tmp_path / "codes.csv"
        )


def test_a_folder_of_exports(tmp_path: Path) -> None:
    written(
        tmp_path,
        first="record_id,phq9_date,phq9_total,phq9_complete\nA1,2025-01-06,20,2\n",
        second="record_id,gad7_date,gad7_total,gad7_complete\nA1,2025-01-06,12,2\n",
        codes=phq9_dictionary(),
        other="patient_id,day\nA1,0\n",
    )
    source, remarks = read(tmp_path)
    assert [table.name for table in source.tables] == ["phq9", "gad7"]
    assert "no export of REDCap; it is not read" in reasons(remarks, "noted")


CELL = st.sampled_from(["", "0", "1", "3", "27", "-999", "UNK", "2025-01-06", "x y"])


@given(rows=st.lists(st.lists(CELL, min_size=12, max_size=12), max_size=6))
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("known", [True, False], ids=["dictionary", "no dictionary"])
def test_no_line_goes_in_silence(
    known: bool, rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever stands in an export, each line of it arrives or is told; so do cells of scores."""
    header = (
        "record_id,redcap_event_name,redcap_repeat_instance,phq9_date,phq9_total,effects___1,"
        "phq9_complete,dose,inf_date,gad7_total,infusion_complete,infusion_timestamp"
    )
    lines = [",".join(["A1", *row[1:]]) for row in rows]
    folder = tmp_path_factory.mktemp("export")
    if known:
        (folder / "codes.csv").write_text(phq9_dictionary())
    (folder / "export.csv").write_text("\n".join([header, *lines]) + "\n")
    source, remarks = read(folder / "export.csv")
    told = {one.row for one in remarks.said if one.row is not None}
    arrived = {row for table in source.tables for row in table.rows.to_pylist()}
    assert told | arrived == set(range(2, len(rows) + 2))
    totals = [
        cell
        for table in source.tables
        if table.is_a
        for cell in table.data["score"].to_pylist()
    ]
    assert set(totals) <= {row[4] for row in rows} | {row[9] for row in rows} | {None}


def test_shared_case_of_blank_forms() -> None:
    folder = Path(__file__).parent.parent / "cases" / "redcap_blank"
    source, remarks = read(folder / "scores.csv")
    (table,) = source.tables
    assert table.rows.to_pylist() == [2, 4, 6, 8]
    assert table.rows.type == pa.int64()
    assert len(reasons(remarks)) == 3
