"""The page of what patients are told: every line has a command, and every command answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sample_answers import sample_answer

import kettrack as kt
from kettrack.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "what_patients_are_told.md"
COMMAND = re.compile(r"`kettrack estimate (\w+) clinic(?: --by (\w+))?`")
# What the issue of the whole patient names, in the order in which it names it.
TOLD = (
    "Number of sessions",
    "Frequency",
    "Duration",
    "Severity",
    "Route",
    "Side effects",
    "Suicidality",
    "Psychotherapy",
    "Resistance",
    "Diversity",
    "Cost",
)
TEXT = PAGE.read_text(encoding="utf-8")
COMMANDS = [(name, by or None) for name, by in COMMAND.findall(TEXT)]


ONE_PATIENT = re.compile(r"`kettrack ((?:review|sheet \w+ \w+) clinic)`")


def parts() -> dict[str, str]:
    """Heading of each part to its text."""
    heads = re.split(r"^## (.+)$", TEXT, flags=re.MULTILINE)[1:]
    return dict(zip(heads[::2], heads[1::2], strict=True))


def test_every_line_that_patients_are_told_has_a_command():
    found = parts()
    single = found.pop("One patient")
    assert len(ONE_PATIENT.findall(single)) == 3
    assert [head for head in found if head in TOLD] == list(TOLD)
    for text in found.values():
        rows = [row for row in text.splitlines() if row.startswith("|")][2:]
        assert rows
        assert all(len(COMMAND.findall(row)) == 1 for row in rows)


def test_what_works_never_stands_without_the_harm():
    for head in ("Number of sessions", "Duration", "Severity", "Suicidality", "Route"):
        assert "*Harm:*" in parts()[head]


@pytest.mark.parametrize(("name", "by"), COMMANDS)
def test_every_command_answers(name, by):
    found = sample_answer(name, "internal", by)
    assert found.status == "ok"
    assert found.text


@pytest.mark.parametrize("by", [None, "route"])
def test_a_line_can_be_typed_as_it_stands(by, capsys):
    """One command of each shape goes the whole way; the others differ in their words alone."""
    name = next(name for name, split in COMMANDS if split == by)
    line = f"estimate {name} {kt.sample_folder()}" + (f" --by {by}" if by else "")
    with pytest.raises(SystemExit) as left:
        main(line.split())
    assert left.value.code == 0
    assert sample_answer(name, "internal", by).text[:60] in capsys.readouterr().out


@pytest.mark.parametrize("line", ONE_PATIENT.findall(TEXT))
def test_the_lines_about_one_patient_answer(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main([word.replace("clinic", str(kt.sample_folder())) for word in line.split()])
    assert left.value.code == 0


def test_no_question_that_is_named_is_gone():
    there = set(kt.questions()["name"])
    assert {name for name, _ in COMMANDS} <= there
