"""The comparison of stored tables tells numbers from words, on a repository made for it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
import compare_tables  # noqa: E402
from compare_tables import compare_revisions, numbers_in  # noqa: E402

HTML = (
    "<table><thead><tr><th>session</th><th>people</th></tr></thead>"
    "<tbody><tr><th>6</th><td>37.5 % (31.0-44.2)</td></tr>"
    "<tr><th>never</th><td>−3</td></tr></tbody></table>"
)
PLAIN = "   day  estimate\n0   14      0.25\n1   28      0.50"


def notebook(html: str = HTML, plain: str = PLAIN) -> str:
    outputs = [{"data": {"text/html": [html], "text/plain": ["<a table>"]}}]
    outputs.append({"data": {"text/plain": plain.splitlines(keepends=True)}})
    return json.dumps({"cells": [{"outputs": outputs}, {"source": "a sentence"}]})


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "notebooks").mkdir()
    path = tmp_path / "notebooks" / "curve.ipynb"
    path.write_text(notebook(), encoding="utf-8")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@y.z"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "before"]):
        subprocess.run([*git, *command], check=True)
    return path


def compared(repository, **changed):
    repository.write_text(notebook(**changed), encoding="utf-8")
    return compare_revisions("HEAD", None, repository.parents[1])


def test_the_same_tables(repository):
    found = compared(repository)
    assert (found.tables, found.cells, found.words) == (2, 14, 0)
    assert found.numbers == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("44.2", "44.3"), ("−3", "3"), ("37.5", "37.50"), (">6<", ">7<")],
    ids=["last-digit", "sign", "decimals", "row-name"],
)
def test_a_number_in_html(repository, old, new):
    found = compared(repository, html=HTML.replace(old, new))
    assert len(found.numbers) == 1
    assert found.words == 0


def test_a_number_in_plain_text(repository):
    found = compared(repository, plain=PLAIN.replace("0.50", "0.51"))
    assert found.numbers == ["notebooks/curve.ipynb, table 2, row 3: '0.50' -> '0.51'"]


def test_words_and_headers_are_counted_apart(repository):
    changed = HTML.replace("never", "not reached").replace("people", "responders")
    found = compared(repository, html=changed.replace("-44.2", " to 44.2"))
    assert found.numbers == []
    assert found.words == 3
    assert found.headers == ["notebooks/curve.ipynb, table 1: 'people' -> 'responders'"]


def test_a_row_that_is_gone(repository):
    gone = HTML.replace("<tr><th>never</th><td>−3</td></tr>", "")
    assert "another shape" in compared(repository, html=gone).numbers[0]


def test_a_table_and_a_notebook_that_are_gone(repository):
    assert compared(repository, plain="1").numbers[0].endswith("gone")
    repository.unlink()
    found = compare_revisions("HEAD", None, repository.parents[1])
    assert found.numbers == ["notebooks/curve.ipynb: only in HEAD"]


def test_a_range_is_two_numbers_and_a_minus_belongs_to_its_number():
    assert numbers_in("31-44 %") == ["31", "44"]
    assert numbers_in("−3 to -1.5, 1,216 of PHQ-9") == ["-3", "-1.5", "1,216", "9"]


@pytest.mark.parametrize(("shown", "status"), [("0.51", 1), ("0.50", 0)])
def test_ends_with_1_when_a_number_differs(
    repository, monkeypatch, capsys, shown, status
):
    changed = notebook(plain=PLAIN.replace("0.50", shown))
    repository.write_text(changed, encoding="utf-8")
    monkeypatch.setattr(compare_tables, "ROOT", repository.parents[1])
    monkeypatch.setattr(sys, "argv", ["compare_tables.py", "HEAD"])
    with pytest.raises(SystemExit) as ended:
        compare_tables.main()
    assert ended.value.code == status
    assert "2 tables with 14 cells" in capsys.readouterr().out


def test_an_unknown_revision_is_said(repository, monkeypatch):
    monkeypatch.setattr(compare_tables, "ROOT", repository.parents[1])
    monkeypatch.setattr(sys, "argv", ["compare_tables.py", "no-such-revision"])
    with pytest.raises(SystemExit, match="no-such-revision"):
        compare_tables.main()
