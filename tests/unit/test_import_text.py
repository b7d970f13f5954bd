"""Text files of other programs: every cell is text, every line is a row or has its reason."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kettrack.errors import DataProblems
from kettrack.importing.registry import read_source, recognised
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable


def read(path: Path, **answers: str) -> tuple[SourceData, Remarks]:
    remarks = Remarks()
    given_answers = {key.replace("__", "."): value for key, value in answers.items()}
    return read_source(path, given_answers, remarks), remarks


def written(folder: Path, text: str | bytes, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def only(path: Path) -> SourceTable:
    data, _ = read(path)
    (table,) = data.tables
    return table


def dropped(remarks: Remarks) -> dict[int | None, str]:
    return {one.row: one.reason for one in remarks.said if one.action == "dropped"}


def test_a_text_file_is_read_as_text(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "Patient;Date;Dose;PHQ-9\r\n007;03.04.2024;40,5;12\r\n1E3;04.04.2024;;declined\r\n",
    )
    assert recognised(path).kind == "text"
    table = only(path)
    assert (table.file, table.name) == ("log.csv", "log.csv")
    assert table.rows.to_pylist() == [2, 3]
    assert table.data.to_pydict() == {
        "Patient": ["007", "1E3"],
        "Date": ["03.04.2024", "04.04.2024"],
        "Dose": ["40,5", None],
        "PHQ-9": ["12", "declined"],
    }
    assert set(table.data.schema.types) == {pa.string()}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encodings_and_separators(
    tmp_path: Path, encoding: str, separator: str
) -> None:
    rows = [["Patient", "Größe", "PHQ-9"], ["P1", "80 kg", "12"], ["P2", "", "9"]]
    text = "\n".join(separator.join(row) for row in rows)
    table = only(written(tmp_path, text.encode(encoding)))
    assert table.data.column_names == ["Patient", "Größe", "PHQ-9"]
    assert table.data["PHQ-9"].to_pylist() == ["12", "9"]


def test_names_below_a_title(tmp_path: Path) -> None:
    text = "North clinic, log\nExported: 2024\n\nWho,Seen on,Total\nP1,2024-01-01,3\n"
    table = only(written(tmp_path, text))
    assert table.data.column_names == ["Who", "Seen on", "Total"]
    assert table.rows.to_pylist() == [5]


def test_names_far_below_a_title(tmp_path: Path) -> None:
    text = "North clinic, log\n" * 20 + "Who,Seen on,Total\nP1,2024-01-01,3\n"
    assert only(written(tmp_path, text)).rows.to_pylist() == [22]


def test_a_declared_separator(tmp_path: Path) -> None:
    text = "sep=;\r\nPatient;Dose\r\nP1;40,5\r\n"
    assert only(written(tmp_path, text)).data["Dose"].to_pylist() == ["40,5"]


def test_a_second_row_of_descriptions(tmp_path: Path) -> None:
    text = (
        "subjectkey\tinterview_date\tmadrs_total\n"
        "The code, as given\tDate of the interview\tTotal of all items\n"
        "N1\t01/02/2024\t20\nN2\t01/03/2024\t18\n"
    )
    path = written(tmp_path, text, "madrs01.tsv")
    data, remarks = read(path)
    (table,) = data.tables
    assert table.data["madrs_total"].to_pylist() == ["20", "18"]
    assert table.labels["madrs_total"] == "Total of all items"
    assert dropped(remarks) == {2: "it describes the columns; kept as their labels"}


def test_totals_and_names_once_more(tmp_path: Path) -> None:
    text = "Patient,Date,PHQ-9\nP1,2024-01-01,3\nPatient,Date,PHQ-9\nP2,2024-01-02,4\nMean,,3.5\n"
    data, remarks = read(written(tmp_path, text))
    assert data.tables[0].data["Patient"].to_pylist() == ["P1", "P2"]
    assert dropped(remarks) == {
        3: "the names of the columns stand here once more",
        5: "a row of totals or means",
    }


def test_a_word_for_totals_in_the_middle_is_a_record(tmp_path: Path) -> None:
    """Only the first lines are looked at for names; their end is not the end of the file."""
    lines = [
        f"{'N' if number == 79 else f'P{number}'},{number % 28}"
        for number in range(1, 121)
    ]
    table = only(written(tmp_path, "Patient,PHQ-9\n" + "\n".join(lines) + "\n"))
    assert table.data.num_rows == 120


def test_quoted_line_ends_keep_the_line(tmp_path: Path) -> None:
    text = 'Patient,Note,PHQ-9\nP1,"two\nlines",3\nP2,,4\n'
    assert only(written(tmp_path, text)).rows.to_pylist() == [2, 4]


def test_lines_of_another_width_are_refused(tmp_path: Path) -> None:
    text = "Patient,Date,PHQ-9\nP1,2024-01-01,3\nP2,2024-01-02,4,secret\n"
    data, remarks = read(written(tmp_path, text))
    assert data.records[("log.csv", "log.csv")].to_pylist() == [2, 3]
    assert [(one.row, one.action) for one in remarks.said] == [(3, "refused")]
    assert "secret" not in repr(remarks)


def test_words_for_nothing_are_counted(tmp_path: Path) -> None:
    text = "Patient,PHQ-9,GAD-7\nP1,NA,3\nP2,null,4\nP3,declined,5\n"
    data, remarks = read(written(tmp_path, text))
    assert data.tables[0].data["PHQ-9"].to_pylist() == [None, None, "declined"]
    assert [(one.column, one.count) for one in remarks.said] == [("PHQ-9", 2)]


def test_two_columns_of_one_name_are_asked_about(tmp_path: Path) -> None:
    path = written(tmp_path, "Patient,score,score\nP1,1,2\nP2,3,4\n")
    data, remarks = read(path)
    assert data.tables[0].data.column_names == ["Patient"]
    assert [one.key for one in remarks.asked] == ["repeated.log.csv.score"]
    remarks = Remarks()
    answered = {"repeated.log.csv.score": "C"}
    chosen = read_source(path, answered, remarks)
    assert chosen.tables[0].data["score"].to_pylist() == ["2", "4"]


def test_a_file_without_names_is_asked_about(tmp_path: Path) -> None:
    path = written(tmp_path, "K. Roe-17,3,2024-01-01\nK. Roe-18,4,2024-01-02\n")
    source, remarks = read(path)
    assert [one.key for one in remarks.asked] == ["header_row.log.csv"]
    # The first line is a record, and gives no column its name.
    (table,) = source.tables
    assert table.data.column_names == ["column A", "column B", "column C"]
    assert table.rows.to_pylist() == [1, 2]
    assert table.data["column B"].to_pylist() == ["3", "4"]
    source, remarks = read(path, **{"header_row__log__csv": "0"})
    assert not remarks.asked
    assert source.tables[0].data.equals(table.data)


def test_a_file_of_names_alone_has_no_record(tmp_path: Path) -> None:
    assert only(written(tmp_path, "patient_id,date,score\n")).data.num_rows == 0
    assert only(written(tmp_path, "K1,2025-01-01,12\n")).rows.to_pylist() == [1]


def test_a_cell_without_end_and_old_line_ends(tmp_path: Path) -> None:
    text = "patient_id,date,score\nK1,2025-01-01,12\nK2,2025-01-01,13\n"
    old = only(written(tmp_path, text.replace("\n", "\r"), "old.csv"))
    assert old.data["score"].to_pylist() == ["12", "13"]
    long = only(written(tmp_path, f"{text}K3,2025-01-01,{'9' * 200_000}\n"))
    assert long.data.num_rows == 3


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04", "an Excel workbook or zip archive"),
        (b'Patient,PHQ-9\n"P1,3\n', "never closed"),
        # The first record stands beside the names.
        (b"Patient,moodP1,3\nP1,3\nP1,2\n", "a line end behind the names"),
    ],
)
def test_what_is_no_text_table_is_said(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    with pytest.raises(DataProblems, match=expected) as caught:
        read(written(tmp_path, content))
    assert "P1" not in str(caught.value)


def test_a_folder_of_text_files_and_workbooks(tmp_path: Path) -> None:
    written(tmp_path, "Patient,PHQ-9\nP1,3\nP2,4\n", "scores.csv")
    written(tmp_path, "Patient;Dose\nP1;40\nP2;35\n", "visits.txt")
    written(tmp_path, b"%PDF-1.7", "consent.pdf")
    (tmp_path / "old").mkdir()
    made = openpyxl.Workbook()
    for row in (["Patient", "GAD-7"], ["P1", 9], ["P2", 8]):
        made.active.append(row)
    made.save(tmp_path / "anxiety.xlsx")
    data, remarks = read(tmp_path)
    assert [table.name for table in data.tables] == [
        "Sheet",
        "scores.csv",
        "visits.txt",
    ]
    assert {one.file: one.reason for one in remarks.said if not one.table} == {
        "consent.pdf": "this is no workbook and no text table, and was not read",
        "old": "this is a folder and was not entered",
    }


def test_all_files_that_cannot_be_read_are_told_at_once(tmp_path: Path) -> None:
    written(tmp_path, b"", "one.csv")
    written(tmp_path, b"", "two.csv")
    with pytest.raises(DataProblems) as caught:
        read(tmp_path)
    assert [one.file for one in caught.value.problems] == ["one.csv", "two.csv"]


WORD = st.from_regex(r"[A-Za-z0-9äé;|\t'. -]{1,8}", fullmatch=True)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.tuples(WORD, WORD, WORD), min_size=1, max_size=8))
def test_every_cell_comes_back(
    tmp_path: Path, rows: list[tuple[str, str, str]]
) -> None:
    """Records begin with a date, so that none of them looks like a total or a name."""
    lines = ["Date,Patient,Dose,Note"]
    for row in rows:
        lines.append("2024-01-01," + ",".join(f'"{cell}"' for cell in row))
    table = only(written(tmp_path, "\n".join(lines)))
    back = zip(
        *(table.data[name].to_pylist() for name in ("Patient", "Dose", "Note")),
        strict=True,
    )
    empty = {"", "NA", "N/A", "n/a", "nan", "NaN", "NaT", "null", "NULL", "."}
    assert list(back) == [
        tuple(None if cell.strip() in empty else cell.strip() for cell in row)
        for row in rows
    ]
