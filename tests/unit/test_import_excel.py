"""Workbooks: what stands in a cell comes back as it stands, and nothing goes in silence."""

from __future__ import annotations

import datetime as dt
import random
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kettrack.cli import main
from kettrack.errors import DataProblems
from kettrack.importing.registry import read_source, recognised
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable

Sheet = Any
DAY = dt.date.fromisoformat("2024-01-05")
SESSIONS = [["P1", DAY, "Ketamine IV"], ["P2", DAY, "Ketamine IV"]]


def book(path: Path, *rows: list[Any], title: str = "Visits") -> tuple[Any, Sheet]:
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    made.save(path)
    return made, sheet


def read(path: Path, **answers: str) -> tuple[SourceData, Remarks]:
    remarks = Remarks()
    given_answers = {key.replace("__", "."): value for key, value in answers.items()}
    return read_source(path, given_answers, remarks), remarks


def only(path: Path) -> SourceTable:
    data, _ = read(path)
    (table,) = data.tables
    return table


def reasons(remarks: Remarks) -> dict[str, int]:
    said: dict[str, int] = {}
    for one in remarks.said:
        said[one.reason] = said.get(one.reason, 0) + one.count
    return said


def asked(remarks: Remarks) -> list[str]:
    return [one.key for one in remarks.asked]


def test_numbers_beside_texts_are_known_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(path, ["Patient", "Dose"], ["P1", 45.5], ["P2", "40,5 mg"], ["P3", 40])
    table = only(path)
    assert table.data["Dose"].to_pylist() == ["45.5", "40,5 mg", "40"]
    assert table.numbers == {"Dose": frozenset({"45.5", "40"})}


def test_a_log_is_read_with_its_types_and_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(
        path,
        ["Patient", "Date", "PHQ-9", "Dose", "Psychotherapy"],
        ["007", DAY, 20, 40.5, True],
        ["7", DAY, 12, None, False],
        ["1E3", DAY, 0, 35, None],
    )
    table = only(path)
    assert recognised(path).kind == "excel"
    assert (table.file, table.name, table.is_a) == ("log.xlsx", "Visits", "")
    assert table.rows.to_pylist() == [2, 3, 4]
    assert table.data.to_pydict() == {
        "Patient": ["007", "7", "1E3"],
        "Date": [DAY] * 3,
        "PHQ-9": [20, 12, 0],
        "Dose": [40.5, None, 35.0],
        "Psychotherapy": [True, False, None],
    }
    assert table.data.schema.field("PHQ-9").type == pa.int64()


def test_text_below_many_numbers_stays(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    rows = [[f"P{number}", number % 28] for number in range(1500)]
    book(path, ["Patient", "PHQ-9"], *rows, ["P1500", "declined"])
    cells = only(path).data["PHQ-9"].to_pylist()
    assert cells[-1] == "declined"
    assert cells[:1500] == [str(number % 28) for number in range(1500)]


def test_days_from_1904(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, _ = book(path, ["Patient", "Date"], ["P1", DAY])
    made.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    made.save(path)
    assert only(path).data["Date"].to_pylist() == [DAY]


def test_a_number_among_dates_is_a_date(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(path, ["Patient", "Date"], ["P1", DAY], ["P2", 45297], ["P3", DAY])
    data, remarks = read(path)
    cells = data.tables[0].data["Date"].to_pylist()
    assert cells == [DAY, DAY + dt.timedelta(days=1), DAY]
    assert (
        reasons(remarks)[
            "a number in a column of dates was read as the date that it stands for"
        ]
        == 1
    )


def test_text_dates_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(path, ["Patient", "Date"], ["P1", "03/04/2024"], ["P2", DAY], ["P3", 45297])
    cells = only(path).data["Date"].to_pylist()
    assert cells == ["03/04/2024", "2024-01-05", "2024-01-06"]


def test_scores_that_carry_the_format_of_a_date(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    scores = [0, 9, 59, 60, 61]
    made, sheet = book(path, ["Patient", "MADRS"], *(["P", one] for one in scores))
    for row in range(2, 7):
        sheet.cell(row, 2).number_format = "dd/mm/yyyy"
    made.save(path)
    data, remarks = read(path)
    assert data.tables[0].data["MADRS"].to_pylist() == scores
    mended = "a number that is formatted as a date of 1900 was read as the number"
    assert reasons(remarks)[mended] == 5


@pytest.mark.parametrize("shape", ["h:mm", "[h]:mm", "mm:ss", "[mm]:ss", "hh:mm AM/PM"])
def test_durations_come_from_the_number(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "log.xlsx"
    minutes = [40, 0, 30 * 60]
    made, sheet = book(
        path, ["Patient", "Minutes"], *(["P", one / 1440] for one in minutes)
    )
    for row in range(2, 5):
        sheet.cell(row, 2).number_format = shape
    made.save(path)
    cells = only(path).data["Minutes"].to_pylist()
    assert cells == [dt.timedelta(minutes=one) for one in minutes]


def test_percentages_are_read_as_shown(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, sheet = book(path, ["Patient", "SpO2"], ["P1", 0.97], ["P2", 98])
    sheet["B2"].number_format = "0%"
    made.save(path)
    data, remarks = read(path)
    assert data.tables[0].data["SpO2"].to_pylist() == [97, 98]
    assert any("percentage" in reason for reason in reasons(remarks))


def test_errors_are_counted_by_kind(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    rows = [["P1", "#N/A"], ["P2", "#N/A"], ["P3", "#DIV/0!"], ["P4", 7]]
    book(path, ["Patient", "PHQ-9"], *rows)
    data, remarks = read(path)
    (table,) = data.tables
    assert table.data["PHQ-9"].to_pylist() == [None, None, None, 7]
    assert table.reasons["PHQ-9"].to_pylist() == ["#N/A", "#N/A", "#DIV/0!", None]
    assert reasons(remarks) == {
        "the cell holds the error #N/A": 2,
        "the cell holds the error #DIV/0!": 1,
    }


def test_formulas_that_were_never_calculated_are_said(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(path, ["Patient", "Item 1", "PHQ-9"], ["P1", 2, "=B2+1"], ["P2", 2, "=B3+1"])
    data, remarks = read(path)
    (table,) = data.tables
    assert table.data["PHQ-9"].to_pylist() == [None, None]
    assert table.reasons["PHQ-9"].to_pylist() == ["formula never calculated"] * 2
    assert any(one.count == 2 and "save it" in one.reason for one in remarks.said)


def test_zeros_that_only_the_format_shows(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, sheet = book(path, ["Patient", "Chart", "PHQ-9"], [123, 7, 1], [124, 8, 2])
    for row in (2, 3):
        sheet.cell(row, 1).number_format = "00000"
        sheet.cell(row, 2).number_format = '"P"000'
    made.save(path)
    data, remarks = read(path)
    assert data.tables[0].data["Patient"].to_pylist() == ["00123", "00124"]
    assert data.tables[0].data["Chart"].to_pylist() == ["P007", "P008"]
    assert [one.count for one in remarks.said] == [2, 2]


def test_blanks_around_numbers_that_are_text(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(
        path, ["Patient", "PHQ-9"], ["P1", "12\u00a0"], ["P2", " 13"], ["P3", "\u00a0"]
    )
    assert only(path).data["PHQ-9"].to_pylist() == ["12", "13", None]


def test_words_for_missing_stay_words(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    words = ["NA", "None", "n/a", "nan", "-", "declined"]
    book(path, ["Patient", "PHQ-9"], *(["P", word] for word in words), ["P", 3])
    assert only(path).data["PHQ-9"].to_pylist() == [*words, "3"]


def test_long_numbers_are_said(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(path, ["MRN", "PHQ-9"], [1234567890123456, 1], [1234567890123450, 2])
    _, remarks = read(path)
    assert any("15 digits" in reason for reason in reasons(remarks))


def test_names_in_the_middle_totals_and_notes(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, sheet = book(path)
    rows = [
        (1, ["North clinic"]),
        (2, ["Exported:", DAY]),
        (4, ["Patient", "Date", "PHQ-9", "Dose"]),
        (5, ["P1", DAY, 20, 40]),
        (7, ["P2", DAY, 12, 40]),
        (8, ["Mean", None, 16, 40]),
        (9, [None, None, "=SUM(E5:E7)", None]),
        (11, ["Printed on Monday"]),
    ]
    for number, cells in rows:
        for column, cell in enumerate(cells, start=3):
            sheet.cell(number, column, cell)
    made.save(path)
    data, remarks = read(path)
    (table,) = data.tables
    assert table.data.column_names == ["Patient", "Date", "PHQ-9", "Dose"]
    assert table.rows.to_pylist() == [5, 7]
    dropped = {one.row: one.reason for one in remarks.said if one.action == "dropped"}
    assert dropped == {
        1: "it stands above the names of the columns",
        2: "it stands above the names of the columns",
        8: "a row of totals or means",
        9: "a row of totals or means",
        11: "it stands below the table",
    }


def test_two_rows_of_names_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, sheet = book(
        path,
        ["Patient", "PHQ-9", None, "GAD-7", None],
        [None, "Week 0", "Week 2", "Week 0", "Week 2"],
        ["P1", 20, 12, 9, 8],
        ["P2", 21, 13, 9, 8],
    )
    for merge in ("A1:A2", "B1:C1", "D1:E1"):
        sheet.merge_cells(merge)
    made.save(path)
    assert only(path).data.column_names == [
        "Patient",
        "PHQ-9 Week 0",
        "PHQ-9 Week 2",
        "GAD-7 Week 0",
        "GAD-7 Week 2",
    ]


def test_a_title_over_the_whole_table_is_no_name(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, sheet = book(
        path, ["Visits 2024"], ["Patient", "Date", "PHQ-9"], ["P1", DAY, 20]
    )
    sheet.merge_cells("A1:C1")
    made.save(path)
    assert only(path).data.column_names == ["Patient", "Date", "PHQ-9"]


def test_a_row_of_descriptions_becomes_labels(tmp_path: Path) -> None:
    path = tmp_path / "madrs01.xlsx"
    book(
        path,
        ["subjectkey", "interview_age", "madrs_total"],
        ["The code of the subject", "Age in months", "Total of all items"],
        ["NDAR1", 400, 31],
        ["NDAR2", 410, 22],
    )
    table = only(path)
    assert table.data["madrs_total"].to_pylist() == [31, 22]
    assert table.labels["interview_age"] == "Age in months"


def test_several_tables_on_one_sheet(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, sheet = book(
        path,
        ["Patient", "Date", "Dose"],
        ["P1", DAY, 40],
        ["P2", DAY, 35],
        [],
        ["Scores"],
        ["Patient", "When", "PHQ-9"],
        ["P1", DAY, 20],
        ["P2", DAY, 21],
    )
    for row, cells in enumerate([["Code", "Meaning"], [1, "iv"], [2, "im"]], start=1):
        for column, cell in enumerate(cells, start=6):
            sheet.cell(row, column, cell)
    made.save(path)
    data, remarks = read(path)
    assert [table.data.column_names for table in data.tables] == [
        ["Patient", "Date", "Dose"],
        ["Patient", "When", "PHQ-9"],
        ["Code", "Meaning"],
    ]
    assert [table.name for table in data.tables] == [
        "Visits",
        "Visits (2)",
        "Visits (3)",
    ]
    assert any("3 tables stand on this sheet" in reason for reason in reasons(remarks))
    one, _ = read(path, tables__Visits="one")
    assert len(one.tables) == 1


def test_an_empty_column_divides_no_table(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(
        path,
        ["Patient", "Date", None, "PHQ-9", "GAD-7"],
        ["P1", DAY, None, 20, 9],
        ["P2", DAY, None, 21, 8],
    )
    assert only(path).data.column_names == ["Patient", "Date", "PHQ-9", "GAD-7"]


def test_names_that_come_once_more(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    names = ["Patient", "Date", "PHQ-9"]
    book(path, names, ["P1", DAY, 20], names, ["P2", DAY, 21])
    data, remarks = read(path)
    assert data.tables[0].rows.to_pylist() == [2, 4]
    assert reasons(remarks) == {"the names of the columns stand here once more": 1}


def test_two_columns_of_one_name_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(path, ["Patient", "score", "Score", None], ["P1", 1, 2, 3], ["P2", 4, 5, 6])
    data, remarks = read(path)
    assert data.tables[0].data.column_names == ["Patient", "column D"]
    assert asked(remarks) == ["repeated.Visits.score"]
    chosen, remarks = read(path, repeated__Visits__score="C")
    assert chosen.tables[0].data["Score"].to_pylist() == [2, 5]
    assert asked(remarks) == []
    both, _ = read(path, repeated__Visits__score="all")
    assert both.tables[0].data.column_names[1:3] == ["score 1", "Score 2"]


def test_a_merged_cell_stands_for_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, sheet = book(
        path,
        ["Patient", "Date", "PHQ-9"],
        ["P1", DAY, 20],
        [None, DAY, 18],
        ["P2", DAY, 9],
    )
    sheet.merge_cells("A2:A3")
    made.save(path)
    data, remarks = read(path)
    assert data.tables[0].data["Patient"].to_pylist() == ["P1", "P1", "P2"]
    assert reasons(remarks) == {"a merged cell stands for every row that it covers": 1}


def test_what_is_hidden_is_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, sheet = book(
        path, ["Patient", "Date", "PHQ-9"], ["P1", DAY, 2], ["P2", DAY, 3]
    )
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["C"].hidden = True
    other = made.create_sheet("Old")
    for row in (["Patient", "PHQ-9"], ["P9", 5], ["P8", 6]):
        other.append(row)
    other.sheet_state = "veryHidden"
    made.save(path)
    data, remarks = read(path)
    assert [table.data.num_rows for table in data.tables] == [2, 2]
    assert reasons(remarks) == {
        "hidden rows were read like all others": 1,
        "hidden columns were read like all others": 1,
        "the sheet is very hidden; it was read": 1,
    }
    assert asked(remarks) == []


def test_a_hidden_sheet_that_is_the_only_one_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, sheet = book(path, ["Patient", "PHQ-9"], ["P1", 2], ["P2", 3])
    made.create_sheet("Empty")
    sheet.sheet_state = "hidden"
    made.active = 1
    made.save(path)
    data, remarks = read(path)
    assert len(data.tables) == 1
    assert asked(remarks) == ["hidden_sheet.Visits"]
    _, remarks = read(path, hidden_sheet__Visits="read")
    assert asked(remarks) == []


def test_a_million_formatted_empty_rows(tmp_path: Path) -> None:
    """The sheet is written by hand: openpyxl needs a minute for it."""
    path = tmp_path / "log.xlsx"
    book(path, ["Patient", "PHQ-9"], ["P1", 2], ["P2", 3])
    empty = "".join(
        f'<row r="{row}" s="1"><c r="C{row}" s="1"/></row>' for row in range(4, 200_000)
    )
    replace_part(
        path,
        "xl/worksheets/sheet1.xml",
        "</sheetData>",
        empty + '<row r="1048576"><c r="XFD1048576" s="1"/></row></sheetData>',
    )
    table = only(path)
    assert table.data.num_rows == 2
    assert table.data.column_names == ["Patient", "PHQ-9"]


def replace_part(path: Path, part: str, old: str, new: str) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = parts[part].decode().replace(old, new).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def test_one_cell_in_the_last_corner(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, sheet = book(path, ["Patient", "PHQ-9"], ["P1", 2], ["P2", 3])
    sheet["XFD1048576"] = 1
    made.save(path)
    data, _ = read(path)
    records = data.records[("log.xlsx", "Visits")].to_pylist()
    assert records == [2, 3, 1048576]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "this file is something else"),
        (b"Patient,PHQ-9\nP1,2\n", "text; give it the ending .csv"),
        (b"<html><table><tr><td>P1</td></tr></table>", "a web page or XML"),
        (b"PK\x03\x04broken", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1broken", "damaged"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "password"),
    ],
)
def test_what_is_no_workbook_is_said_plainly(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    path = tmp_path / "log.xlsx"
    path.write_bytes(content)
    with pytest.raises(DataProblems, match=expected) as caught:
        read(path)
    assert "P1" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_workbook_cut_in_the_middle_of_a_sheet(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(path, ["Patient", "PHQ-9"], ["Jane", 2], ["P2", 3])
    replace_part(path, "xl/worksheets/sheet1.xml", "</sheetData>", "")
    with pytest.raises(DataProblems, match="damaged") as caught:
        read(path)
    assert "Jane" not in str(caught.value)


def test_a_sheet_named_after_a_person_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(path, ["Patient", "PHQ-9"], ["P1", "#N/A"], ["P2", 3], title="Jane Ashworth")
    data, remarks = read(path)
    assert data.tables[0].name == "sheet 1"
    assert "Ashworth" not in repr(remarks)


def test_a_folder_of_workbooks_is_one_source(tmp_path: Path) -> None:
    book(
        tmp_path / "north.xlsx",
        ["Patient", "PHQ-9"],
        ["P1", 2],
        ["P2", 3],
        title="Sheet1",
    )
    book(
        tmp_path / "south.xlsx",
        ["Patient", "PHQ-9"],
        ["P3", 2],
        ["P4", 3],
        title="Sheet1",
    )
    (tmp_path / "~$north.xlsx").write_bytes(b"locked")
    data, _ = read(tmp_path)
    assert [table.name for table in data.tables] == ["north Sheet1", "south Sheet1"]
    assert set(data.records) == {
        ("north.xlsx", "north Sheet1"),
        ("south.xlsx", "south Sheet1"),
    }


def test_names_of_groups_over_numbers(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, sheet = book(
        path,
        ["Patient", "Date", "PHQ-9", None, None],
        [None, None, 1, 2, 3],
        ["P1", DAY, 3, 2, 1],
        ["P2", DAY, 0, 2, 1],
    )
    sheet.merge_cells("C1:E1")
    made.save(path)
    table = only(path)
    assert table.data.column_names == [
        "Patient",
        "Date",
        "PHQ-9 1",
        "PHQ-9 2",
        "PHQ-9 3",
    ]
    assert table.rows.to_pylist() == [3, 4]


def test_dates_and_weeks_as_names(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(path, ["Patient", DAY, 4], ["P1", 20, 12], ["P2", 21, 13])
    assert only(path).data.column_names == ["Patient", "2024-01-05", "4"]


def test_the_row_of_totals_that_excel_manages(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    names = ["Patient", "PHQ-9"]
    book(path, names, ["P1", 20], ["P2", 12], [None, "=SUBTOTAL(101,Visits[PHQ-9])"])
    assert only(path).rows.to_pylist() == [2, 3]


def test_a_number_that_stands_once_for_several_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    rows = [["P1", DAY, 20], [None, DAY, 18], [None, DAY, 9], ["P2", DAY, 12]]
    book(path, ["Patient", "Date", "PHQ-9"], *rows)
    data, remarks = read(path)
    assert data.tables[0].data["Patient"].to_pylist() == ["P1", None, None, "P2"]
    assert asked(remarks) == ["fill_down.Visits.Patient"]
    data, remarks = read(path, fill_down__Visits__Patient="from above")
    assert data.tables[0].data["Patient"].to_pylist() == ["P1", "P1", "P1", "P2"]
    assert [(one.action, one.count) for one in remarks.said] == [("mended", 2)]
    data, remarks = read(path, fill_down__Visits__Patient="leave empty")
    assert asked(remarks) == []
    assert data.tables[0].data["Patient"].null_count == 2


def test_a_sheet_for_each_patient(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    made, first = book(path, title="Jane Ashworth")
    for number, sheet in enumerate(
        (first, made.create_sheet("Omar Baker"), made.create_sheet("0017"))
    ):
        for row in (["Date", "PHQ-9"], [DAY, 20 + number], [DAY, 12]):
            sheet.append(row)
    made.save(path)
    data, remarks = read(path)
    patients = [set(table.data.column(0).to_pylist()) for table in data.tables]
    assert patients == [{"Jane Ashworth"}, {"Omar Baker"}, {"0017"}]
    assert data.tables[0].data.column_names[0] == "Patient"
    assert "Ashworth" not in repr(remarks)
    assert "Ashworth" not in repr(data.records)


def test_headings_that_name_the_patient(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    names = ["Date", "Drug", "PHQ-9"]
    rows: list[list[Any]] = [["North clinic"]]
    for patient in ("P01", "Jane Ashworth"):
        rows += [[f"Patient: {patient}"], names]
        rows += [[DAY, "Ketamine IV", 20], [DAY, "Ketamine IV", 12], []]
    book(path, *rows)
    data, remarks = read(path)
    (table,) = data.tables
    assert table.data["Patient"].to_pylist() == ["P01"] * 2 + ["Jane Ashworth"] * 2
    assert table.rows.to_pylist() == [4, 5, 9, 10]
    kept = "it says whose the rows below it are; kept as a column"
    dropped = {one.row: one.reason for one in remarks.said if one.action == "dropped"}
    assert dropped == {
        1: "it stands above the names of the columns",
        2: kept,
        7: kept,
        8: "the names of the columns stand here once more",
    }
    assert "Ashworth" not in repr(remarks)


def test_a_note_with_a_colon_names_no_patient(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    names = ["Date", "Drug", "PHQ-9"]
    book(path, ["Printed: Monday"], names, [DAY, "Ketamine IV", 20], [DAY, "x", 3])
    assert only(path).data.column_names == names


def test_notes_below_one_another(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    rows = [
        ["P1", DAY, 20],
        ["P2", DAY, 12],
        [],
        ["Scored by phone"],
        ["Checked twice"],
    ]
    book(path, ["Patient", "Date", "PHQ-9"], *rows)
    data, remarks = read(path)
    assert data.tables[0].rows.to_pylist() == [2, 3]
    assert reasons(remarks) == {"it stands below the table": 2}


def test_one_cell_that_is_the_name_of_its_column(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(path, ["Patient", "Event"], ["P1", "ECT"], ["Patient", None], ["P2", "TMS"])
    assert only(path).rows.to_pylist() == [2, 3, 4]


def test_a_title_above_columns_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    book(path, ["Scores"], ["Patient", "score", "score"], ["P1", 1, 2], ["P2", 3, 4])
    data, remarks = read(path)
    assert data.tables[0].data.column_names == ["Patient"]
    assert asked(remarks) == ["repeated.Visits.score"]


def test_nobody_stands_above_the_first_row(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    rows = [[None, DAY, 20], ["P1", DAY, 18], [None, DAY, 9], ["P2", DAY, 12]]
    book(path, ["Patient", "Date", "PHQ-9"], *rows)
    assert asked(read(path)[1]) == []


def test_damage_of_any_kind_is_said_plainly(tmp_path: Path) -> None:
    """Bytes of the sheet are changed one after the other, from a fixed seed."""
    path = tmp_path / "log.xlsx"
    made, sheet = book(
        path, ["Patient", "Date", "PHQ-9"], ["SECRET", DAY, 2], ["P2", DAY, 3]
    )
    sheet.merge_cells("A2:A3")
    sheet.row_dimensions[3].hidden = True
    made.save(path)
    with zipfile.ZipFile(path) as archive:
        whole = {name: archive.read(name) for name in archive.namelist()}
    numbers = random.Random(7)
    parts = ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"]
    said: list[str] = []
    for _ in range(150):
        part = numbers.choice(parts)
        data = bytearray(whole[part])
        for _ in range(3):
            data[numbers.randrange(len(data))] = numbers.choice(b"0x<9 ")
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in (whole | {part: bytes(data)}).items():
                archive.writestr(name, content)
        try:
            read(path)
        except DataProblems as caught:
            said.append(str(caught))
    assert said
    assert not any("SECRET" in one for one in said)


# Any cell that a sheet can hold; text that reads like a number stays text.
CELLS = st.one_of(
    st.none(),
    st.integers(-(10**12), 10**12),
    # openpyxl writes sixteen digits of a number.
    st.integers(-(10**9), 10**9).map(lambda number: number + 0.25),
    st.booleans(),
    st.dates(dt.date.fromisoformat("1955-01-01"), dt.date.fromisoformat("2100-01-01")),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 .,/-]{0,8}[A-Za-z0-9]", fullmatch=True),
)


def as_said(cell: object) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    return cell.isoformat() if isinstance(cell, dt.date) else repr(cell).strip("'")


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(cells=st.lists(CELLS, min_size=1, max_size=12))
def test_a_column_of_any_mix_comes_back_cell_by_cell(
    tmp_path: Path, cells: list[object]
) -> None:
    path = tmp_path / "mix.xlsx"
    # A word at the end makes a column of text, whatever stands above it.
    book(path, ["Patient", "Mix"], *(["P", one] for one in cells), ["P", "word"])
    back = only(path).data["Mix"].to_pylist()
    assert back == [*map(as_said, cells), "word"]


LIBREOFFICE = shutil.which("soffice")


@pytest.mark.skipif(LIBREOFFICE is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("ending", ["ods", "xls", "xlsx"])
def test_what_libreoffice_writes(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "made" / "log.xlsx"
    path.parent.mkdir()
    made, sheet = book(
        path,
        ["Patient", "Date", "PHQ-9", "Length", "Total", "MADRS"],
        ["007", DAY, 9, 40 / 1440, "=C2+1", 59],
        ["1E3", DAY, 0, 30 / 24, "=C3+1", 60],
        ["P3", DAY, None, None, "#N/A", 7],
    )
    for row in (2, 3):
        sheet.cell(row, 6).number_format = "dd/mm/yyyy"
        sheet.cell(row, 3).number_format = "dd/mm/yyyy"
        sheet.cell(row, 4).number_format = "[h]:mm"
    made.save(path)
    command = [
        str(LIBREOFFICE),
        f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
    ]
    command += [
        "--headless",
        "--convert-to",
        ending,
        "--outdir",
        str(tmp_path),
        str(path),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    data = only(tmp_path / f"log.{ending}").data.to_pydict()
    assert data["Patient"] == ["007", "1E3", "P3"]
    assert data["Date"] == [DAY] * 3
    assert data["PHQ-9"] == [9, 0, None]
    assert data["Length"] == [dt.timedelta(minutes=40), dt.timedelta(hours=30), None]
    assert data["Total"] == [10, 1, None]
    # Both days are one in what is read of .xls, so neither is believed.
    told_apart = ending != "xls"
    assert data["MADRS"] == ([59, 60, 7] if told_apart else ["59 or 60"] * 2 + ["7"])


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["import", *arguments])
    return int(left.value.code or 0)


def test_a_pair_of_columns_for_each_visit(tmp_path: Path) -> None:
    """Date, PHQ-9, Date, PHQ-9: one answer opens the table, and nothing has to be edited."""
    path = tmp_path / "log.xlsx"
    made, _ = book(path, ["Patient", "Date", "Drug"], *SESSIONS)
    scores = made.create_sheet("Scores")
    later = DAY + dt.timedelta(days=7)
    for row in (
        ["Patient", "Date", "PHQ-9", "Date", "PHQ-9"],
        ["P1", DAY, 20, later, 12],
        ["P2", DAY, 19, later, 7],
    ):
        scores.append(row)
    made.save(path)
    clinic = tmp_path / "clinic"
    where = tmp_path / "map.toml"
    assert run(str(path), "-o", str(clinic)) == 2
    text = where.read_text(encoding="utf-8")
    for name in ("Date", "PHQ-9"):
        line = f'"repeated.Scores.{name}" = "all"'
        assert f"# {line}" in text
        text = text.replace(f"# {line}", line)
    where.write_text(text, encoding="utf-8")
    assert run(str(path), "-o", str(clinic), "--map", str(where)) == 0
    lines = (clinic / "scores.csv").read_text(encoding="utf-8").splitlines()
    assert sorted(line.split(",", 1)[1] for line in lines[1:]) == [
        "0,PHQ-9,19",
        "0,PHQ-9,20",
        "7,PHQ-9,12",
        "7,PHQ-9,7",
    ]


def test_a_map_keeps_a_part_that_was_taken_out(tmp_path: Path) -> None:
    """An answer opens a table; a part that a person has taken out stays out."""
    path = tmp_path / "log.xlsx"
    rows = [[*row, 20] for row in SESSIONS]
    rows[1][0] = None
    book(
        path, ["Patient", "Date", "Drug", "PHQ-9"], *rows, ["P3", DAY, "Ketamine IV", 9]
    )
    clinic = tmp_path / "clinic"
    where = tmp_path / "map.toml"
    assert run(str(path), "-o", str(clinic)) == 2
    text = where.read_text(encoding="utf-8")
    kept = text[: text.index('[[tables]]\nsource = "Visits"\nto = "scores"')]
    line = '"fill_down.Visits.Patient" = "from above"'
    where.write_text(kept.replace(f"# {line}", line), encoding="utf-8")
    # Scores are needed, and the person took them out.
    assert run(str(path), "-o", str(clinic), "--map", str(where)) == 2
    assert not clinic.exists()


def test_the_row_of_names_is_asked_and_found(tmp_path: Path) -> None:
    """Until it is known, no table can be mapped at all."""
    path = tmp_path / "log.xlsx"
    names = [2024, "2024-01", 3, "Patient", "Date", "Drug", "PHQ-9"]
    rows = [[4, 5, 6, f"P{number}", DAY, "Ketamine IV", 20] for number in (1, 2)]
    book(path, names, *rows)
    clinic = tmp_path / "clinic"
    where = tmp_path / "map.toml"
    assert run(str(path), "-o", str(clinic)) == 2
    text = where.read_text(encoding="utf-8")
    found = re.search(r'^# *("header_row.Visits" = ).*$', text, re.MULTILINE)
    assert found is not None
    where.write_text(text.replace(found[0], f'{found[1]}"1"'), encoding="utf-8")
    assert run(str(path), "-o", str(clinic), "--map", str(where)) == 0
    scores = (clinic / "scores.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",", 1)[1] for line in scores[1:]] == ["0,PHQ-9,20"] * 2
