"""HL7 v2 messages: scores by their codes, each segment a row or said with its reason."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import hl7
import pytest

from kettrack.errors import DataProblems
from kettrack.importing.hl7.segments import segments_of
from kettrack.importing.registry import read_source, recognised
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable

HEADER = r"MSH|^~\&|LAB|NORTH|||20240131120000||ORU^R01|1|P|2.5.1"
PATIENT = "PID|1||17^^^NORTH^MR~999^^^STATE^SS||SECRET^JANE||19800229|F"
REPORT = "OBR|1|||44249-1^PHQ-9^LN|||20240131093000"
DAY = dt.date.fromisoformat("2024-01-31")
ITEMS = [
    "44250-9",
    "44255-8",
    "44259-0",
    "44254-1",
    "44251-7",
    "44258-2",
    "44252-5",
    "44253-3",
    "44260-8",
]


def message(*segments: str) -> str:
    return "\r".join([HEADER, PATIENT, REPORT, *segments]) + "\r"


def total(value: str, **other: str) -> str:
    kind = other.get("kind", "NM")
    code = other.get("code", "44261-6^PHQ-9 total^LN")
    status = other.get("status", "F")
    when = other.get("when", "")
    return f"OBX|1|{kind}|{code}||{value}|{{score}}|0-27|N|||{status}|||{when}"


def read(
    tmp_path: Path, text: str | bytes, **answers: str
) -> tuple[SourceData, Remarks]:
    path = tmp_path / "results.hl7"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    remarks = Remarks()
    return read_source(path, answers, remarks), remarks


def table(data: SourceData, is_a: str) -> SourceTable:
    return next(one for one in data.tables if one.is_a == is_a)


def scores(data: SourceData) -> list[dict[str, object]]:
    found = [one.data.to_pylist() for one in data.tables if one.is_a == "scores"]
    return found[0] if found else []


def said(remarks: Remarks) -> list[tuple[int | None, str, str]]:
    return [(one.row, one.action, one.reason) for one in remarks.said if one.row]


def test_a_report_of_items_and_total_is_one_row(tmp_path: Path) -> None:
    answers = (2, 2, 2, 2, 1, 1, 2, 0, 0)
    points = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")
    items = [
        f"OBX|{place}|CWE|{code}^item^LN||{points[answer]}^words^LN||||||F"
        for place, (code, answer) in enumerate(zip(ITEMS, answers, strict=True))
    ]
    difficulty = "OBX|10|CWE|69722-7^difficulty^LN||LA6573-5^words^LN||||||F"
    data, remarks = read(tmp_path, message(*items, total("12"), difficulty))
    (row,) = scores(data)
    assert row == {
        "patient_id": "17",
        "date": DAY,
        "instrument": "PHQ-9",
        "score": 12.0,
        **{f"item_{number}": answer for number, answer in enumerate(answers, start=1)},
    }
    assert said(remarks) == [
        (14, "dropped", "this question is on the form, and not in its total")
    ]
    accounted = [*data.joined[("results.hl7", "OBX")].to_pylist()]
    accounted += table(data, "scores").rows.to_pylist() + [14]
    assert sorted(accounted) == data.records[("results.hl7", "OBX")].to_pylist()
    patient = table(data, "patients").data.to_pylist()
    assert patient == [
        {
            "patient_id": "17",
            "birth_date": dt.date.fromisoformat("1980-02-29"),
            "sex": "female",
        }
    ]


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("frame", [("", ""), ("\x0b", "\x1c\r")])
def test_line_ends_and_frames(
    tmp_path: Path, line_end: str, frame: tuple[str, str]
) -> None:
    text = message(total("12")).replace("\r", line_end)
    data, _ = read(tmp_path, frame[0] + text + frame[1])
    assert [row["score"] for row in scores(data)] == [12.0]
    assert recognised(tmp_path / "results.hl7").kind == "hl7"


def test_many_messages_in_a_batch(tmp_path: Path) -> None:
    other = message(total("9", when="20240207")).replace("|17^", "|18^")
    text = (
        "FHS|^~\\&|LAB\rBHS|^~\\&|LAB\r"
        + message(total("12"))
        + other
        + "BTS|2\rFTS|1\r"
    )
    data, _ = read(tmp_path, text)
    assert [(row["patient_id"], row["score"]) for row in scores(data)] == [
        ("17", 12.0),
        ("18", 9.0),
    ]


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        ("NM", "12", 12.0),
        ("NM", "+12.0", 12.0),
        ("ST", "12", 12.0),
        ("SN", "^12", 12.0),
        ("SN", "=^12", 12.0),
    ],
)
def test_value_types(tmp_path: Path, kind: str, value: str, number: float) -> None:
    data, _ = read(tmp_path, message(total(value, kind=kind)))
    assert [row["score"] for row in scores(data)] == [number]


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("NM", "", "no number stands in it"),
        ("NM", '""', "no number stands in it"),
        ("ST", "twelve", "words stand where a number is expected"),
        ("SN", ">^12", "its number is a limit, not a value"),
        ("SN", "^10^-^12", "its number is a limit, not a value"),
        ("NM", "12~13", "several values stand where one is expected"),
        ("CWE", "2^words^L", "nobody can tell how many points this answer is"),
    ],
)
def test_what_is_no_number_is_refused(
    tmp_path: Path, kind: str, value: str, reason: str
) -> None:
    data, remarks = read(tmp_path, message(total(value, kind=kind)))
    assert scores(data) == []
    assert said(remarks) == [(4, "refused", reason)]


@pytest.mark.parametrize("status", ["X", "N", "I", "O"])
def test_results_that_are_none_are_dropped(tmp_path: Path, status: str) -> None:
    data, remarks = read(tmp_path, message(total("12", status=status)))
    assert scores(data) == []
    ((row, action, reason),) = said(remarks)
    assert (row, action) == (4, "dropped")
    assert f"({status})" in reason


def test_a_correction_replaces(tmp_path: Path) -> None:
    text = message(total("21"), total("12", status="C"))
    data, remarks = read(tmp_path, text)
    assert [row["score"] for row in scores(data)] == [12.0]
    assert said(remarks) == [(4, "dropped", "a later message corrects it")]


@pytest.mark.parametrize("status", ["D", "W"])
def test_a_result_that_is_taken_back(tmp_path: Path, status: str) -> None:
    text = message(total("21"), total("", status=status))
    data, remarks = read(tmp_path, text)
    assert scores(data) == []
    assert said(remarks) == [
        (4, "dropped", "a later message takes it back"),
        (5, "dropped", "it takes an earlier result back"),
    ]


def test_a_preliminary_result_is_asked_about(tmp_path: Path) -> None:
    text = message(total("12", status="P"))
    data, remarks = read(tmp_path, text)
    assert scores(data) == []
    assert [one.key for one in remarks.asked] == ["status.OBX.P"]
    data, remarks = read(tmp_path, text, **{"status.OBX.P": "observed"})
    assert [row["score"] for row in scores(data)] == [12.0]
    assert remarks.asked == []


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("20240207", "2024-02-07"),
        ("202402072330", "2024-02-07"),
        ("20240207233000.0000-0500", "2024-02-07"),
        ("20240229", "2024-02-29"),
    ],
)
def test_the_day_is_the_clinics_own(tmp_path: Path, when: str, day: str) -> None:
    data, _ = read(tmp_path, message(total("12", when=when)))
    assert [row["date"] for row in scores(data)] == [dt.date.fromisoformat(day)]


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ("202402", "its date names no day"),
        ("2024", "its date names no day"),
        ("20240230", "its date is not in the calendar, or before 1900"),
        ("7 Feb 2024", "its date is no date of HL7, such as 20240131"),
    ],
)
def test_partial_and_impossible_dates_are_refused(
    tmp_path: Path, when: str, reason: str
) -> None:
    data, remarks = read(tmp_path, message(total("12", when=when)))
    assert scores(data) == []
    assert said(remarks) == [(4, "refused", reason)]


def test_a_time_in_utc_near_midnight_is_asked_about(tmp_path: Path) -> None:
    text = message(total("12", when="20240201023000+0000"))
    _, remarks = read(tmp_path, text)
    assert [one.key for one in remarks.asked] == ["time_zone"]
    data, _ = read(tmp_path, text, time_zone="America/New_York")
    assert [row["date"] for row in scores(data)] == [DAY]


def test_other_results_and_other_totals_are_no_phq9(tmp_path: Path) -> None:
    codes = ("2708-6^SpO2^LN", "55758-7^PHQ-2^LN", "6130^x^L")
    text = message(*(total("3", code=code) for code in codes))
    data, remarks = read(tmp_path, text)
    assert scores(data) == []
    reasons = [reason for _, _, reason in said(remarks)]
    assert "PHQ-2" in reasons[1]
    assert reasons[0] == reasons[2] == "its code is of no scale that kettrack knows"


def test_a_code_of_the_clinic_is_asked_about(tmp_path: Path) -> None:
    text = message(total("31", code="MTOT^MADRS total^L"))
    _, remarks = read(tmp_path, text)
    assert [one.key for one in remarks.asked] == ["code.L|MTOT"]
    data, _ = read(tmp_path, text, **{"code.L|MTOT": "MADRS"})
    assert [(row["instrument"], row["score"]) for row in scores(data)] == [
        ("MADRS", 31.0)
    ]


def test_a_second_code_beside_the_first(tmp_path: Path) -> None:
    text = message(total("12", code="PHQ^form^L^44261-6^PHQ-9 total^LN"))
    data, _ = read(tmp_path, text)
    assert [row["instrument"] for row in scores(data)] == ["PHQ-9"]


def test_a_message_without_a_patient_goes_to_nobody(tmp_path: Path) -> None:
    second = "\r".join([HEADER, REPORT, total("9")])
    data, remarks = read(tmp_path, message(total("12")) + second)
    assert [row["score"] for row in scores(data)] == [12.0]
    assert said(remarks) == [(7, "refused", "the message names no patient")]


def test_a_second_message_repeats_the_patient(tmp_path: Path) -> None:
    second = message(total("9", when="20240207")).replace("19800229", "19810301")
    data, remarks = read(tmp_path, message(total("12")) + second)
    assert table(data, "patients").data.num_rows == 1
    assert data.joined[("results.hl7", "PID")].to_pylist() == [6]
    assert [one.column for one in remarks.said if one.table == "PID"] == ["PID-7"]


def test_two_totals_of_one_day_are_asked_about(tmp_path: Path) -> None:
    morning = total("12", when="20240131090000")
    evening = total("9", when="20240131180000")
    text = message(morning, evening)
    data, remarks = read(tmp_path, text)
    assert scores(data) == []
    assert [one.key for one in remarks.asked] == ["same_day.PHQ-9"]
    data, _ = read(tmp_path, text, **{"same_day.PHQ-9": "last"})
    assert [row["score"] for row in scores(data)] == [9.0]


def test_administrations_are_sessions(tmp_path: Path) -> None:
    given = (
        "RXA|0|1|20240131100000|20240131104000|6130^ketamine^RXNORM|40|mg^mg^UCUM"
        "|||||||||||||CP|A"
    )
    other = given.replace("6130^ketamine^RXNORM", "6960^midazolam^RXNORM")
    refused = given.replace("|CP|", "|RE|")
    text = message(given, "RXR|IV^Intravenous^HL70162", other, "RXR|NS", refused)
    data, remarks = read(tmp_path, text)
    assert table(data, "sessions").data.to_pylist() == [
        {
            "patient_id": "17",
            "date": DAY,
            "drug": "ketamine",
            "route": "iv",
            "dose_mg": "40 mg",
            "duration_min": 40.0,
            "stopped_early": None,
        }
    ]
    assert said(remarks) == [
        (6, "dropped", "it is neither ketamine nor esketamine"),
        (8, "dropped", "its status says that the patient refused (RE)"),
    ]


def test_an_administration_that_ends_before_it_begins(tmp_path: Path) -> None:
    given = "RXA|0|1|20240131100000|20240131094000|6130^ketamine^RXNORM|40|mg"
    data, remarks = read(tmp_path, message(given))
    (row,) = table(data, "sessions").data.to_pylist()
    assert row["duration_min"] is None
    assert [(one.column, one.action) for one in remarks.said if one.table == "RXA"] == [
        ("RXA-4", "refused")
    ]


def test_letters_between_two_others_are_no_escape() -> None:
    text = message("NTE|1||aTa \\T\\ bEb \\X41\\ \\H\\c\\N\\")
    assert list(segments_of(text.encode()))[3].text(3) == "aTa & bEb A c"


def test_lines_that_are_no_segments_are_said(tmp_path: Path) -> None:
    _, remarks = read(tmp_path, "Exported on Monday\r" + message(total("12")))
    assert said(remarks) == [(1, "refused", "the line is no segment of HL7")]


def test_a_file_without_a_message_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataProblems, match="begins with MSH") as caught:
        read(tmp_path, PATIENT)
    assert "JANE" not in str(caught.value)


def test_no_name_of_a_patient_goes_anywhere(tmp_path: Path) -> None:
    note = "NTE|1||SECRET note"
    data, remarks = read(tmp_path, message(total("SECRET", kind="ST"), note))
    assert "SECRET" not in repr(remarks)
    assert all("SECRET" not in str(one.data.to_pydict()) for one in data.tables)


def test_fields_are_cut_as_another_parser_cuts_them() -> None:
    """python-hl7 needs carriage returns, which this text has."""
    text = message(total("a\\F\\b\\S\\c\\T\\d", kind="ST"), "NTE|1||x^y&z~w")
    parsed = hl7.parse(text)
    for ours, theirs in zip(segments_of(text.encode()), parsed, strict=True):
        assert ours.name == str(theirs[0])
        if ours.name == "MSH":
            continue
        for number in range(1, len(theirs)):
            assert ours.field(number) == str(theirs[number])
    value = list(segments_of(text.encode()))[3].text(5)
    assert value == parsed.unescape(str(parsed[3][5])) == "a|b^c&d"
