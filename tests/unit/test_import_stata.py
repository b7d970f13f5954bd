"""Files of Stata: tagged missing values, dates by family, letters of old releases."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from written_files import by_haven, cells, one_column, only_table, whys

from kettrack.importing.remarks import Remarks

SIX_JANUARY = (date(2025, 1, 6) - date(1960, 1, 1)).days
A_DAY = 86_400_000  # thousandths of a second


@pytest.mark.parametrize(
    "form", ["%td", "%d", "%tdDD/NN/CCYY", "%tdD_m_Y", "%-tdCCYY.NN.DD"]
)
def test_every_date_format_gives_the_day(tmp_path: Path, form: str) -> None:
    found, _ = one_column(tmp_path / "log.dta", [SIX_JANUARY, None, 0], form)
    assert found == [date(2025, 1, 6), None, date(1960, 1, 1)]


@pytest.mark.parametrize(
    ("form", "number", "written"),
    [
        # display %tm 782, %tq 260, %tw 3389, %th 130 in Stata
        ("%tm", 782, "2025-03"),
        ("%tmMon_CCYY", 780, "2025-01"),
        ("%tq", 260, "2025q1"),
        ("%tw", 3389, "2025w10"),
        ("%th", 130, "2025h1"),
        ("%tm", -1, "1959-12"),
    ],
)
def test_periods_are_no_dates(
    tmp_path: Path, form: str, number: float, written: str
) -> None:
    found, remarks = one_column(tmp_path / "log.dta", [number, None], form)
    assert found == [written, None]
    (said,) = remarks.said
    assert said.reason.endswith("it cannot be used as a date")


def test_a_year_is_a_number(tmp_path: Path) -> None:
    found, _ = one_column(tmp_path / "log.dta", [2025], "%ty")
    assert found == [2025]


@pytest.mark.parametrize("form", ["%tc", "%tcDDmonCCYY_HH:MM:SS", "%tcHH:MM"])
def test_a_moment(tmp_path: Path, form: str) -> None:
    found, _ = one_column(
        tmp_path / "log.dta", [(SIX_JANUARY + 1) * A_DAY - 1000], form
    )
    assert found == [datetime.fromisoformat("2025-01-06 23:59:59")]


def test_leap_seconds_do_not_move_the_day(tmp_path: Path) -> None:
    """27 were added by 2025: `%tC` counts them, so its midnight comes 27 s later."""
    last_second = (SIX_JANUARY + 1) * A_DAY - 1000 + 27_000
    found, _ = one_column(tmp_path / "log.dta", [last_second, A_DAY], "%tC")
    assert found == [
        datetime.fromisoformat("2025-01-06 23:59:59"),
        datetime.fromisoformat("1960-01-02 00:00:00"),
    ]


@pytest.mark.parametrize(
    ("day", "seconds_added"),
    [("1972-06-30", 0), ("1985-06-30", 12), ("2016-12-31", 26)],
)
def test_seconds_before_a_leap_second(
    tmp_path: Path, day: str, seconds_added: int
) -> None:
    """Ten seconds before midnight is not yet the next day, whatever was added before."""
    days = (date.fromisoformat(day) - date(1960, 1, 1)).days + 1
    number = days * A_DAY - 10_000 + seconds_added * 1000
    found, _ = one_column(tmp_path / "log.dta", [number, number + 11_000], "%tC")
    assert found[0] == datetime.fromisoformat(f"{day} 23:59:50")
    midnight = datetime.fromisoformat(day) + timedelta(days=1)
    assert found[1] == midnight


def test_hours_alone_are_a_length(tmp_path: Path) -> None:
    found, _ = one_column(tmp_path / "log.dta", [2_400_000, 0], "%tcHH:MM:SS")
    assert found == [timedelta(minutes=40), timedelta(0)]


def test_a_calendar_of_business_days_is_asked_about(tmp_path: Path) -> None:
    found, remarks = one_column(tmp_path / "log.dta", [5], "%tbclinic:DD-NN")
    assert found == [5]
    assert [one.key for one in remarks.asked] == ["format.log.dta.X"]


def test_codes_with_zeros_in_front_keep_them(tmp_path: Path) -> None:
    found, _ = one_column(tmp_path / "log.dta", [7, 123456], "%05.0f")
    assert found == ["00007", "123456"]


def test_a_plain_missing_value_after_a_tagged_one_is_missing(tmp_path: Path) -> None:
    """Not 0, as pyreadstat 1.3.7 has it in its frames, in columns of every type."""
    by_haven(
        tmp_path,
        """
        phq <- c(5, tagged_na('a'), NA, 0, tagged_na('z'), NA)
        d <- data.frame(phq = 1:6, whole = c(1L, NA, 0L, 2L, NA, 3L), t = rep('', 6))
        d$phq <- labelled(phq, c(None = 0, Refused = tagged_na('a')))
        write_dta(d, 'log.dta')
        """,
    )
    table = only_table(tmp_path / "log.dta", Remarks())
    assert cells(table, "phq") == [5, None, None, 0, None, None]
    assert whys(table, "phq") == [None, "Refused", None, None, ".z", None]
    assert table.value_labels["phq"] == {"0": "None", ".a": "Refused"}
    assert cells(table, "whole") == [1, None, 0, 2, None, 3]
    assert cells(table, "t") == [None] * 6


@pytest.mark.parametrize("version", [8, 10, 12, 13, 14, 15])
def test_tagged_in_every_release(tmp_path: Path, version: int) -> None:
    frame = pd.DataFrame({"phq": pd.Series([0, "a", None, 27], dtype=object)})
    path = tmp_path / "log.dta"
    pyreadstat.write_dta(
        frame, str(path), version=version, missing_user_values={"phq": ["a"]}
    )
    table = only_table(path, Remarks())
    assert cells(table, "phq") == [0, None, None, 27]
    assert whys(table, "phq") == [None, ".a", None, None]


def test_long_record_numbers_stay_apart(tmp_path: Path) -> None:
    """16 digits and more: what the file stores, digit by digit, and a word of warning."""
    numbers = [9007199254740992.0, 9007199254740994.0, None]
    found, remarks = one_column(tmp_path / "log.dta", numbers)
    assert found == [9007199254740992, 9007199254740994, None]
    assert [(one.action, one.count) for one in remarks.said] == [("noted", 2)]
    found, _ = one_column(tmp_path / "log.dta", [1e300, 1.0])
    assert found == [1e300, 1.0]


def test_seven_digits_are_not_more(tmp_path: Path) -> None:
    path = tmp_path / "log.dta"
    frame = pd.DataFrame(
        {"w": pd.array([71.3, 0.5, None], dtype="Float64").astype("float32")}
    )
    frame.to_stata(path, write_index=False, version=118)
    remarks = Remarks()
    assert cells(only_table(path, remarks), "w") == [71.3, 0.5, None]
    assert [(one.action, one.count) for one in remarks.said] == [("mended", 1)]


def test_texts_longer_than_a_column(tmp_path: Path) -> None:
    """Stata keeps texts of more than 2,045 letters apart (strL)."""
    path = tmp_path / "log.dta"
    texts = ["x" * 3000, "", "y"]
    pyreadstat.write_dta(pd.DataFrame({"note": texts, "n": [1, 2, 3]}), str(path))
    table = only_table(path, Remarks())
    assert cells(table, "note") == [texts[0], None, "y"]
    assert cells(table, "n") == [1, 2, 3]


def test_letters_of_a_new_release(tmp_path: Path) -> None:
    path = tmp_path / "log.dta"
    pyreadstat.write_dta(pd.DataFrame({"id": ["Zoë", "Bob"]}), str(path), version=14)
    remarks = Remarks()
    assert cells(only_table(path, remarks), "id") == ["Zoë", "Bob"]
    assert remarks.said == remarks.asked == []


@pytest.mark.parametrize("version", [12, 13])
def test_letters_of_an_old_release(tmp_path: Path, version: int) -> None:
    """Releases below 14 do not say how letters are written."""
    path = tmp_path / "log.dta"
    frame = pd.DataFrame({"id": ["Zoë", "Bob"]})
    pyreadstat.write_dta(frame, str(path), version=version)
    remarks = Remarks()
    assert cells(only_table(path, remarks), "id") == ["Zoë", "Bob"]
    assert remarks.asked == []
    assert "read as UTF-8" in remarks.said[0].reason
    # The same word in the encoding of Windows: one byte less, filled up with 0.
    unicode = "Zoë".encode()
    windows = "Zoë".encode("cp1252") + b"\0"
    path.write_bytes(path.read_bytes().replace(unicode, windows))
    remarks = Remarks()
    assert cells(only_table(path, remarks), "id") == ["Zoë", "Bob"]
    assert [one.key for one in remarks.asked] == ["encoding"]
    table = only_table(path, Remarks(), encoding="WINDOWS-1251")
    assert cells(table, "id") == ["Zoл", "Bob"]


@pytest.mark.parametrize("name", ["nhefs", "ccdrug", "auto", "castle"])
def test_files_of_stata_itself_as_another_reader_has_them(name: str) -> None:
    """Published data sets; pandas reads them by code of its own."""
    folder = Path(pytest.importorskip("causaldata").__file__).parent
    path = folder / name / f"{name}.dta"
    table = only_table(path, Remarks())
    theirs = pd.read_stata(path, convert_categoricals=False)
    assert table.data.column_names == list(theirs.columns)
    for column in theirs:
        found = table.data[column].to_pandas()
        if theirs[column].dtype.kind in "if":
            expected = theirs[column].astype(float)
            # What is stored with 7 digits is compared to as many.
            pd.testing.assert_series_equal(found.astype(float), expected, rtol=1e-7)
        else:
            assert found.fillna("").tolist() == theirs[column].str.rstrip(" ").tolist()
