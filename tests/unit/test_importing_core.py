"""Readers are found by what they say of a path; remarks keep places and no values."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from kettrack.errors import UsageError
from kettrack.importing import registry
from kettrack.importing.registry import known_readers, read_source, require
from kettrack.importing.remarks import OpenQuestion, Remark, Remarks


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file or folder"):
        read_source(tmp_path / "log.xlsx", {}, Remarks())


def test_nobody_knows_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "log.unknown"
    path.write_text("?")
    with pytest.raises(UsageError, match="No reader knows what 'log.unknown' is"):
        read_source(path, {}, Remarks())


def test_no_such_kind(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No reader is called 'exel'"):
        read_source(tmp_path, {}, Remarks(), "exel")


def test_readers_say_what_they_read() -> None:
    assert all(reader.about for reader in known_readers().values())


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(UsageError, match=r"pip install 'kettrack\[import\]'"):
        require("no_such_module_at_all", "no-such-module")


def test_remarks_are_a_table() -> None:
    remarks = Remarks()
    remarks.drop_rows("log.xlsx", "Visits", [4, 7], "no day")
    remarks.add(
        Remark(file="log.xlsx", table="Visits", action="mended", reason="x", count=3)
    )
    table = remarks.table()
    assert table["row"].tolist()[:2] == [4, 7]
    assert table["row"].isna().tolist() == [False, False, True]
    assert table["count"].tolist() == [1, 1, 3]


def test_a_question_is_asked_once() -> None:
    remarks = Remarks()
    for _ in range(2):
        remarks.ask(OpenQuestion(key="date_order.Visits.Date", asks="Which first?"))
    assert len(remarks.asked) == 1


@pytest.mark.parametrize(
    ("given", "answer", "n_asked"),
    [("yes", "yes", 0), ("perhaps", "", 1), (None, "", 1)],
)
def test_an_answer_that_is_no_choice_is_asked_again(
    given: str | None, answer: str, n_asked: int
) -> None:
    remarks = Remarks()
    question = OpenQuestion(key="sessions.Visits", asks="?", choices=("yes", "no"))
    answers = {} if given is None else {question.key: given}
    assert remarks.answer(question, answers) == answer
    assert len(remarks.asked) == n_asked


PLUGIN = """
from kettrack.importing.registry import reader
from kettrack.importing.source import SourceData


@reader("clinic-system", about="exports of one system", recognise=lambda path: 0)
def read(path, answers, remarks):
    return SourceData(kind="clinic-system", tables=[], records={})
"""
ENTRY = "[kettrack.readers]\nplugin = reader_of_a_clinic\n"


def test_another_package_adds_a_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reader_of_a_clinic.py").write_text(PLUGIN, encoding="utf-8")
    about = tmp_path / "reader_of_a_clinic-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: r\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    registry._load_all.cache_clear()
    try:
        source = read_source(tmp_path, {}, Remarks(), "clinic-system")
        assert source.kind == "clinic-system"
    finally:
        registry._READERS.pop("clinic-system", None)
        registry._load_all.cache_clear()
        sys.modules.pop("reader_of_a_clinic", None)


def test_a_folder_of_several_kinds_is_read_file_by_file(tmp_path: Path) -> None:
    pyreadstat.write_dta(pd.DataFrame({"id": [1]}), str(tmp_path / "sessions.dta"))
    pyreadstat.write_sav(pd.DataFrame({"id": [1]}), str(tmp_path / "scores.sav"))
    (tmp_path / "picture.png").write_bytes(b"?")
    remarks = Remarks()
    source = read_source(tmp_path, {}, remarks)
    assert source.kind == "folder"
    assert [table.name for table in source.tables] == ["scores.sav", "sessions.dta"]
    assert [one.file for one in remarks.said] == ["picture.png"]
