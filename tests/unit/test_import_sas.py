"""Files of SAS: transport files byte by byte, dates by family, blank rows at the end."""

from __future__ import annotations

import struct
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transport_bytes import Variable, library, long_labels, member
from written_files import by_haven, cells, one_column, only_table, whys

from kettrack.errors import DataProblems
from kettrack.importing.registry import read_source
from kettrack.importing.remarks import Remarks

SIX_JANUARY = (date(2025, 1, 6) - date(1960, 1, 1)).days
DATES = """DATE9 DATE7 DDMMYY10 MMDDYY8 YYMMDD10 YYMMDDN8 E8601DA10 B8601DA8 WEEKDATE29
WORDDATE18 WORDDATX20 JULIAN7 JULDAY3 DEUDFDD10 NLDATE20 MONYY7 YYQ6 YEAR4 YYMM7"""
MOMENTS = "DATETIME20 DATETIME18.1 DTDATE9 DTMONYY7 E8601DT19 DATEAMPM22 NLDATM20"


@pytest.mark.parametrize("form", DATES.split())
def test_every_date_format_gives_the_day(tmp_path: Path, form: str) -> None:
    found, remarks = one_column(tmp_path / "log.xpt", [SIX_JANUARY, None, 0], form)
    assert found == [date(2025, 1, 6), None, date(1960, 1, 1)]
    assert remarks.asked == []


@pytest.mark.parametrize("form", MOMENTS.split())
def test_every_format_of_moments(tmp_path: Path, form: str) -> None:
    found, _ = one_column(tmp_path / "log.xpt", [SIX_JANUARY * 86_400 + 61], form)
    assert found == [datetime.fromisoformat("2025-01-06 00:01:01")]


@pytest.mark.parametrize("form", ["TIME8", "HHMM5", "MMSS5", "E8601TM8", "TIMEAMPM11"])
def test_lengths_may_be_longer_than_a_day(tmp_path: Path, form: str) -> None:
    found, _ = one_column(tmp_path / "log.xpt", [90_000, 0, None], form)
    assert found == [timedelta(hours=25), timedelta(0), None]


def test_the_time_of_day_of_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "log.xpt"
    found, _ = one_column(path, [SIX_JANUARY * 86_400 + 60], "TOD8")
    assert found == [datetime.fromisoformat("2025-01-06 00:01:00")]
    found, _ = one_column(path, [3600, 0], "TOD8")
    assert found == [timedelta(hours=1), timedelta(0)]


def test_a_format_that_somebody_made_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "log.xpt"
    found, remarks = one_column(path, [SIX_JANUARY], "MYDATE9")
    assert found == [SIX_JANUARY]
    (asked,) = remarks.asked
    table = only_table(path, Remarks(), **{asked.key: "date"})
    assert cells(table, "X") == [date(2025, 1, 6)]


@pytest.mark.parametrize("form", ["BEST12", "F8.2", "COMMA10", "PHQF", "Z"])
def test_numbers_stay_numbers(tmp_path: Path, form: str) -> None:
    found, _ = one_column(tmp_path / "log.xpt", [0, 5, None], form)
    assert [None if one is None else float(one) for one in found] == [0, 5, None]


def test_codes_with_zeros_in_front_keep_them(tmp_path: Path) -> None:
    found, _ = one_column(tmp_path / "log.xpt", [7, 123456], "Z5")
    assert found == ["00007", "123456"]


@pytest.mark.parametrize("version", [5, 8])
@settings(max_examples=30)
@given(
    st.lists(
        st.none()
        | st.integers(-1000, 1000)
        | st.floats(1e-60, 1e60)
        | st.floats(-1e60, -1e-60),
        min_size=1,
        max_size=8,
    )
)
def test_numbers_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    version: int,
    numbers: list[float | None],
) -> None:
    """0 is 0, and what pyreadstat writes and reads is what is read here."""
    path = tmp_path_factory.mktemp("xpt") / "log.xpt"
    frame = pd.DataFrame({"X": np.array(numbers, dtype=float)})
    pyreadstat.write_xport(frame, str(path), file_format_version=version)
    table = only_table(path, Remarks())
    found = [None if one is None else float(one) for one in cells(table, "X")]
    known = [None if one is None else pytest.approx(one, rel=1e-14) for one in numbers]
    assert found == known
    theirs, _ = pyreadstat.read_xport(str(path))
    assert table.data["X"].to_pandas().astype(float).equals(theirs["X"])


@pytest.mark.parametrize(
    ("texts", "kept"),
    [
        (["a"] * 8 + ["", ""], 8),
        (["abcd"] * 10, 10),
        (["", "b", ""], 2),
        (["x" * 79, ""], 1),
    ],
)
def test_blank_rows_at_the_end_of_a_column_of_text(
    tmp_path: Path, texts: list[str], kept: int
) -> None:
    """What fills up the file is no record; a record that holds a number is one."""
    path = tmp_path / "log.xpt"
    pyreadstat.write_xport(pd.DataFrame({"T": texts}), str(path), file_format_version=5)
    assert cells(only_table(path, Remarks()), "T") == [
        one or None for one in texts[:kept]
    ]
    with_numbers = pd.DataFrame({"T": texts, "N": range(len(texts))})
    pyreadstat.write_xport(with_numbers, str(path), file_format_version=5)
    table = only_table(path, Remarks())
    assert cells(table, "T") == [one or None for one in texts]
    assert cells(table, "N") == list(range(len(texts)))


def test_tagged_missing_values_in_every_format(tmp_path: Path) -> None:
    by_haven(
        tmp_path,
        """
        d <- data.frame(PHQ = c(0, tagged_na('A'), NA, 27, tagged_na('Z')))
        write_xpt(d, 'v5.xpt', version = 5, name = 'QS')
        write_xpt(d, 'v8.xpt', version = 8, name = 'QS')
        suppressWarnings(write_sas(d, 'log.sas7bdat'))
        """,
    )
    for file in ("v5.xpt", "v8.xpt", "log.sas7bdat"):
        table = only_table(tmp_path / file, Remarks())
        assert cells(table, "PHQ") == [0, None, None, 27, None]
        assert whys(table, "PHQ") == [None, ".A", None, None, ".Z"]


def test_long_names_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "log.xpt"
    frame = pd.DataFrame({"a_name_of_more_than_8": ["x"], "SHORT": [1.0]})
    label = "a label of more than forty letters, which version 8 keeps apart"
    pyreadstat.write_xport(
        frame, str(path), column_labels=[label, "short"], table_name="VISITS"
    )
    table = only_table(path, Remarks())
    assert table.name == "VISITS"
    assert table.labels == {"a_name_of_more_than_8": label, "SHORT": "short"}
    assert cells(table, "SHORT") == [1]


def test_a_long_name_with_a_short_label(tmp_path: Path) -> None:
    path = tmp_path / "log.xpt"
    frame = pd.DataFrame({"visit_of_the_patient": [1.0]})
    pyreadstat.write_xport(frame, str(path), column_labels=["short"])
    assert only_table(path, Remarks()).labels == {"visit_of_the_patient": "short"}


def test_long_names_of_formats(tmp_path: Path) -> None:
    path = tmp_path / "log.xpt"
    name = "when_the_patient_was_seen_first"
    labels = long_labels(name, "first visit", "E8601DA10.")
    first = Variable("WHEN_THE", [SIX_JANUARY, "."])
    path.write_bytes(library(member("A", [first, Variable("N", [1, 2])], labels)))
    table = only_table(path, Remarks())
    assert cells(table, name) == [date(2025, 1, 6), None]
    assert table.labels == {name: "first visit"}
    assert cells(table, "N") == [1, 2]


def test_all_data_sets_of_a_file_are_read(tmp_path: Path) -> None:
    """Others take the header of the second for records of the first."""
    path = tmp_path / "both.xpt"
    first = member("QS", [Variable("QSX", ["QS1", ""], 5, True)])
    empty = member("SV", [Variable("SVX", [], 5, True)])
    second = member(
        "EX", [Variable("EXX", ["EX1", "b"], 5, True), Variable("N", [0, 1])]
    )
    path.write_bytes(library(first, empty, second))
    source = read_source(path, {}, Remarks(), "sas")
    assert [one.name for one in source.tables] == ["QS", "SV", "EX"]
    assert cells(source.tables[0], "QSX") == ["QS1"]
    assert cells(source.tables[2], "EXX") == ["EX1", "b"]
    assert cells(source.tables[2], "N") == [0, 1]
    assert source.records["both.xpt", "SV"].to_pylist() == []


@pytest.mark.parametrize("length", range(3, 9))
def test_numbers_of_fewer_bytes(tmp_path: Path, length: int) -> None:
    """SAS stores whole numbers in three bytes where it is told to; 8192 is the last that fits."""
    numbers = [0, 1, -1, 27, 8192, ".", ".A", "._", ".Z", 0.5]
    path = tmp_path / "log.xpt"
    path.write_bytes(library(member("A", [Variable("N", numbers, length)])))
    table = only_table(path, Remarks())
    assert cells(table, "N") == [0, 1, -1, 27, 8192, None, None, None, None, 0.5]
    assert whys(table, "N") == [*[None] * 6, ".A", "._", ".Z", None]


def test_a_letter_that_is_cut_by_the_end_of_its_column(tmp_path: Path) -> None:
    """The bytes of two cells in a row are a letter; those of each alone are none."""
    path = tmp_path / "log.xpt"
    data = library(member("A", [Variable("A", ["Zo#", "@ob"], 3, True)]))
    path.write_bytes(data.replace(b"Zo#@ob", b"Zo\xc3\xabob"))
    unknown = "\N{REPLACEMENT CHARACTER}"
    table = only_table(path, Remarks())
    assert cells(table, "A") == [f"Zo{unknown}", f"{unknown}ob"]


def test_a_record_of_text_that_looks_like_a_header(tmp_path: Path) -> None:
    """Only at the begin of 80 bytes, and whole, is it one."""
    path = tmp_path / "log.xpt"
    word = "HEADER RECORD*******MEMBER"
    texts = [word, "x", word]
    path.write_bytes(library(member("A", [Variable("T", texts, 40, True)])))
    assert cells(only_table(path, Remarks()), "T") == texts


@pytest.mark.parametrize("cut", [1, 79, 80, 81, 400])
def test_a_file_that_is_cut_off_says_so(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "log.xpt"
    frame = pd.DataFrame({"A": ["x" * 50] * 20, "N": range(20)})
    pyreadstat.write_xport(frame, str(path), file_format_version=5)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataProblems, match="damaged or cut off") as stopped:
        only_table(path, Remarks())
    assert stopped.value.__context__ is None


@pytest.mark.parametrize(
    ("length", "position"), [(14, 0), (1, 0), (0, 0), (-3, 0), (8, 4), (8, -8)]
)
def test_a_number_has_bytes_of_its_own(
    tmp_path: Path, length: int, position: int
) -> None:
    """A length or a place that cannot be would end the reader, or give other numbers in silence."""
    path = tmp_path / "log.xpt"
    data = bytearray(
        library(member("A", [Variable("N", [1, 2, 3]), Variable("M", [4, 5, 6])]))
    )
    described = data.index(b"N       ") - 8
    struct.pack_into(">h", data, described + 4, length)
    struct.pack_into(">i", data, described + 84, position)
    path.write_bytes(data)
    with pytest.raises(DataProblems, match="damaged or cut off"):
        only_table(path, Remarks())


def test_a_file_of_proc_cport_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.xpt"
    path.write_bytes(b"**COMPRESSED** **COMPRESSED** " * 10)
    with pytest.raises(DataProblems, match="PROC CPORT"):
        only_table(path, Remarks())


def test_letters(tmp_path: Path) -> None:
    path = tmp_path / "log.xpt"
    pyreadstat.write_xport(pd.DataFrame({"ID": ["Zoë", "Bob"]}), str(path))
    remarks = Remarks()
    assert cells(only_table(path, remarks), "ID") == ["Zoë", "Bob"]
    assert (remarks.asked, len(remarks.said)) == ([], 1)
    path.write_bytes(path.read_bytes().replace("Zoë".encode(), "Zoë ".encode("cp1252")))
    remarks = Remarks()
    assert cells(only_table(path, remarks), "ID") == ["Zoë", "Bob"]
    assert [one.key for one in remarks.asked] == ["encoding"]


def test_a_catalog_beside_gives_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No free program writes a catalog, so that its reading is played here."""
    path = tmp_path / "log.xpt"
    (tmp_path / "formats.sas7bcat").touch()
    meta = pyreadstat.metadata_container()
    meta.value_labels = {"PHQF": {0.0: "never", 3.0: "daily"}, "DATE": {1.0: "wrong"}}
    monkeypatch.setattr(pyreadstat, "read_sas7bcat", lambda *_, **__: ({}, meta))
    one_column(path, [0, 3], "PHQF1")
    table = only_table(path, Remarks())
    assert table.value_labels == {"X": {"0": "never", "3": "daily"}}
