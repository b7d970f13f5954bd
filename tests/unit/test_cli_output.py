"""What a command must never do to the files it reads, and what a release policy keeps off the screen."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from kettrack.cli import main

SESSIONS = "patient_id,day\nA1,0\nA2,0\n"
SCORES = "patient_id,day,instrument,score\nA1,-1,PHQ-9,20\nA1,7,PHQ-9,9\nA2,-1,GAD-7,12\n"
EVENTS = "patient_id,day,event\nA1,9,ect\n"


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    folder = tmp_path / "clinic"
    folder.mkdir()
    for name, text in (("sessions", SESSIONS), ("scores", SCORES), ("events", EVENTS)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return int(left.value.code or 0), out, err


@pytest.mark.parametrize("command", ["check", "courses", "timeline", "outcomes", "events", "review", "specification"])
def test_the_input_is_never_written_over(clinic: Path, command: str, capfd: pytest.CaptureFixture[str]) -> None:
    exit_code, out, err = run(capfd, command, clinic, "-o", clinic / "events.csv")
    assert (exit_code, out) == (2, "")
    assert "an input of the cohort folder" in err
    assert (clinic / "events.csv").read_text(encoding="utf-8") == EVENTS


@pytest.mark.parametrize("name", ["sessions.parquet", "scores.csv", "PATIENTS.csv", "events.CSV"])
def test_names_of_inputs_are_taken_whether_there_or_not(clinic: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    before = sorted(clinic.iterdir())
    assert run(capfd, "events", clinic, "-o", clinic / "sub" / ".." / name)[0] == 2
    assert sorted(clinic.iterdir()) == before


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_to_the_input_are_followed(clinic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "link.csv").symlink_to(clinic / "events.csv")
    (tmp_path / "page.html").symlink_to(clinic / "scores.csv")
    (tmp_path / "door").symlink_to(clinic)
    os.link(clinic / "events.csv", tmp_path / "hard.csv")
    shutil.move(clinic / "scores.csv", tmp_path / "elsewhere.csv")
    (clinic / "scores.csv").symlink_to(tmp_path / "elsewhere.csv")
    for output in ("link.csv", "hard.csv", "elsewhere.csv", "door/events.csv", "clinic/scores.csv"):
        assert run(capfd, "events", clinic, "-o", tmp_path / output)[0] == 2, output
    assert run(capfd, "events", tmp_path / "door", "-o", clinic / "events.csv")[0] == 2
    assert run(capfd, "report", clinic, "-o", tmp_path / "page.html")[0] == 2
    assert (clinic / "events.csv").read_text(encoding="utf-8") == EVENTS


def test_another_file_in_the_folder_may_be_written(clinic: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, "events", clinic, "-o", clinic / "state_events.csv")[0] == 0
    assert (clinic / "state_events.csv").is_file()
