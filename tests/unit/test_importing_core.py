"""Readers are found by what they say of a path; remarks keep places and no values."""

from __future__ import annotations

from pathlib import Path

import pytest

from kettrack.errors import UsageError
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
