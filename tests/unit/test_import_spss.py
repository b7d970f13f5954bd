"""Files of SPSS: what stands in them is what is read, whatever the library makes of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_files import by_haven, cells, one_column, only_table, whys

from kettrack.errors import DataProblems
from kettrack.importing.registry import read_source
from kettrack.importing.remarks import Remarks

# Seconds since 14 October 1582, by hand: days of the proleptic calendar times 86,400.
SIX_JANUARY = (date(2025, 1, 6) - date(1582, 10, 14)).days * 86_400
ONE_MARCH = (date(2025, 3, 1) - date(1582, 10, 14)).days * 86_400


@pytest.mark.parametrize(
    "form", ["DATE11", "DATE9", "ADATE10", "EDATE8", "SDATE10", "JDATE7"]
)
def test_every_date_format_gives_the_day(tmp_path: Path, form: str) -> None:
    found, _ = one_column(tmp_path / "log.sav", [SIX_JANUARY, None], form)
    assert found == [date(2025, 1, 6), None]


@pytest.mark.parametrize("form", ["DATETIME20", "DATETIME23.2", "YMDHMS16"])
def test_a_moment(tmp_path: Path, form: str) -> None:
    found, _ = one_column(tmp_path / "log.sav", [SIX_JANUARY + 3600.5], form)
    assert found == [datetime.fromisoformat("2025-01-06 01:00:00.500000")]


@pytest.mark.parametrize("form", ["TIME8", "DTIME13", "MTIME5"])
def test_lengths_may_be_longer_than_a_day(tmp_path: Path, form: str) -> None:
    found, _ = one_column(tmp_path / "log.sav", [90_000, 0, None], form)
    assert found == [timedelta(hours=25), timedelta(0), None]


def test_weeks_are_asked_about(tmp_path: Path) -> None:
    """A week of SPSS begins seven days, or fourteen, after 1 January."""
    first = (date(2025, 1, 8) - date(1582, 10, 14)).days * 86_400
    _, remarks = one_column(tmp_path / "log.sav", [first], "WKYR10")
    assert len(remarks.asked) == 1
    found, remarks = one_column(tmp_path / "log.sav", [first + 86_400], "WKYR10")
    assert (found, remarks.asked) == ([date(2025, 1, 9)], [])


@pytest.mark.parametrize("form", ["MOYR8", "QYR8"])
def test_months_are_asked_about(tmp_path: Path, form: str) -> None:
    path = tmp_path / "log.sav"
    found, remarks = one_column(path, [ONE_MARCH], form)
    assert found == ["2025-03"]
    (asked,) = remarks.asked
    assert asked.key == "days.log.sav.X"
    answered = Remarks()
    table = only_table(path, answered, **{asked.key: "days"})
    assert cells(table, "X") == [date(2025, 3, 1)]
    assert answered.asked == []


def test_days_behind_a_format_of_months_are_days(tmp_path: Path) -> None:
    found, remarks = one_column(tmp_path / "log.sav", [SIX_JANUARY, ONE_MARCH], "MOYR8")
    assert found == [date(2025, 1, 6), date(2025, 3, 1)]
    assert remarks.asked == []
    assert [one.action for one in remarks.said] == ["noted"]


def test_a_number_that_is_no_day_is_refused_with_its_row(tmp_path: Path) -> None:
    found, remarks = one_column(tmp_path / "log.sav", [SIX_JANUARY, -1e15, 0], "DATE11")
    assert found == [date(2025, 1, 6), None, None]
    assert [(one.action, one.row) for one in remarks.said] == [
        ("refused", 2),
        ("refused", 3),
    ]


def test_codes_with_zeros_in_front_keep_them(tmp_path: Path) -> None:
    found, _ = one_column(tmp_path / "log.sav", [7, 12345, None], "N5")
    assert found == ["00007", "12345", None]


def test_own_missing_values_are_reasons(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "phq": [0.0, 3.0, -9.0, 98.0, 99.0, float("nan")],
            "word": ["a", "NA", "", " b ", "c", "d"],
        }
    )
    path = tmp_path / "log.sav"
    pyreadstat.write_sav(
        frame,
        str(path),
        missing_ranges={"phq": [-9, {"lo": 98, "hi": 99}], "word": ["NA"]},
        variable_value_labels={"phq": {0: "never", 3: "never", -9: "refused"}},
        column_labels={"phq": "Sum of nine"},
    )
    table = only_table(path, Remarks())
    assert cells(table, "phq") == [0, 3, None, None, None, None]
    assert whys(table, "phq") == [None, None, "refused", "98", "99", None]
    assert table.value_labels["phq"] == {"0": "never", "3": "never", "-9": "refused"}
    assert table.labels == {"phq": "Sum of nine"}
    assert cells(table, "word") == ["a", None, None, " b", "c", "d"]
    assert whys(table, "word") == [None, "NA", None, None, None, None]


def test_missing_values_up_to_a_number(tmp_path: Path) -> None:
    """LOWEST THRU -1, as SPSS has it, and a date that stands for "not known"."""
    path = tmp_path / "log.sav"
    frame = pd.DataFrame(
        {"phq": [-99.0, -1.0, 0.0, 27.0], "seen": [SIX_JANUARY, 1, 1, 2]}
    )
    ranges = {"phq": [{"lo": float("-inf"), "hi": -1}], "seen": [1]}
    forms = {"seen": "DATE11"}
    pyreadstat.write_sav(frame, str(path), missing_ranges=ranges, variable_format=forms)
    remarks = Remarks()
    table = only_table(path, remarks)
    assert cells(table, "phq") == [None, None, 0, 27]
    assert whys(table, "phq") == ["-99", "-1", None, None]
    assert cells(table, "seen") == [date(2025, 1, 6), None, None, None]
    # What the file itself calls missing is no fault of the file.
    assert [(one.action, one.row) for one in remarks.said] == [("refused", 4)]


def test_letters_that_are_not_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "log.sav"
    frame = pd.DataFrame({"id": ["Zoë-1234", "Bob-1234"], "x": [1.0, 2.0]})
    pyreadstat.write_sav(frame, str(path))
    windows = "Zoë-1234 ".encode("cp1252")
    path.write_bytes(path.read_bytes().replace("Zoë-1234".encode(), windows))
    remarks = Remarks()
    assert cells(only_table(path, remarks), "id") == ["Zoë-1234", "Bob-1234"]
    assert [one.key for one in remarks.asked] == ["encoding"]
    with pytest.raises(DataProblems, match="letters in the encoding"):
        only_table(path, Remarks(), encoding="NO-SUCH")


@pytest.mark.parametrize("how", [{}, {"row_compress": True}, {"compress": True}])
def test_study_codes_stay_what_they_are(tmp_path: Path, how: dict[str, bool]) -> None:
    path = tmp_path / ("log.zsav" if "compress" in how else "log.sav")
    codes = ["007", "7", "1E3", "Zoë-1", "", "x" * 300]
    pyreadstat.write_sav(pd.DataFrame({"id": codes}), str(path), **how)
    table = only_table(path, Remarks())
    assert cells(table, "id") == [*codes[:4], None, codes[5]]
    assert table.rows.to_pylist() == [1, 2, 3, 4, 5, 6]


def test_a_portable_file(tmp_path: Path) -> None:
    path = tmp_path / "log.por"
    frame = pd.DataFrame({"ID": ["007", "", "b"], "PHQ": [0.0, 27.0, float("nan")]})
    pyreadstat.write_por(frame, str(path))
    table = only_table(path, Remarks())
    assert cells(table, "ID") == ["007", None, "b"]
    assert cells(table, "PHQ") == [0, 27, None]


def test_as_haven_writes_it(tmp_path: Path) -> None:
    by_haven(
        tmp_path,
        """
        d <- data.frame(when = as.Date(c('2025-01-06', NA, '1960-01-01')))
        d$phq <- labelled_spss(c(0, -9, 98), c(None = 0, Refused = -9), na_values = -9,
                               na_range = c(90, 99))
        d$took <- hms::hms(c(90000, NA, 2400))
        write_sav(d, 'log.sav')
        """,
    )
    table = only_table(tmp_path / "log.sav", Remarks())
    assert cells(table, "when") == [date(2025, 1, 6), None, date(1960, 1, 1)]
    assert cells(table, "phq") == [0, None, None]
    assert whys(table, "phq") == [None, "Refused", "98"]
    assert cells(table, "took") == [timedelta(hours=25), None, timedelta(minutes=40)]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.999])
def test_a_file_that_is_cut_off_says_so(tmp_path: Path, share: float) -> None:
    path = tmp_path / "log.sav"
    pyreadstat.write_sav(pd.DataFrame({"x": range(500)}), str(path))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataProblems, match="damaged, cut off") as stopped:
        only_table(path, Remarks())
    # No error of the library stands behind it: its text may hold a cell.
    assert stopped.value.__context__ is None


@pytest.mark.parametrize("kind", ["spss", "stata", "sas"])
def test_a_folder_is_no_file(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DataProblems, match="name no kind"):
        read_source(tmp_path, {}, Remarks(), kind)


def test_a_file_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.sav"
    frame = pd.DataFrame(
        {"id": pd.Series([], dtype=str), "x": pd.Series([], dtype=float)}
    )
    pyreadstat.write_sav(frame, str(path))
    table = only_table(path, Remarks())
    assert (table.data.num_rows, len(table.rows)) == (0, 0)


_CELLS = st.none() | st.integers(-(10**6), 10**6) | st.floats(-1e9, 1e9, width=32)
_TEXTS = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]),
    max_size=12,
)


@pytest.mark.parametrize("ending", ["sav", "zsav", "dta"])
@settings(max_examples=30)
@given(st.lists(st.tuples(_CELLS, _TEXTS), min_size=1, max_size=6))
def test_cells_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    ending: str,
    rows: list[tuple[float | None, str]],
) -> None:
    """Numbers as they were, text as it was, nothing where nothing stood."""
    path = tmp_path_factory.mktemp("log") / f"log.{ending}"
    numbers = [np.nan if number is None else float(number) for number, _ in rows]
    frame = pd.DataFrame({"n": numbers, "t": [text for _, text in rows]})
    if ending == "dta":
        pyreadstat.write_dta(frame, str(path))
    else:
        pyreadstat.write_sav(frame, str(path), compress=ending == "zsav")
    table = only_table(path, Remarks())
    found = [None if one is None else float(one) for one in cells(table, "n")]
    assert found == [None if number is None else float(number) for number, _ in rows]
    assert cells(table, "t") == [text or None for _, text in rows]
