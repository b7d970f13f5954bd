"""What a command must never do to the files it reads, and what a release policy keeps off the
screen.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from kettrack import sample_folder
from kettrack.cli import main
from kettrack.report import run as report_run

SESSIONS = "patient_id,day\nA1,0\nA2,0\n"
SCORES = (
    "patient_id,day,instrument,score\nA1,-1,PHQ-9,20\nA1,7,PHQ-9,9\nA2,-1,GAD-7,12\n"
)
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


@pytest.mark.parametrize(
    "command",
    [
        "check",
        "courses",
        "timeline",
        "outcomes",
        "events",
        "review",
        "specification",
        "estimate ladder",
    ],
)
def test_the_input_is_never_written_over(
    clinic: Path, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    words = command.split()
    exit_code, out, err = run(capfd, *words, clinic, "-o", clinic / "events.csv")
    assert (exit_code, out) == (2, "")
    assert "an input of the cohort folder" in err
    assert (clinic / "events.csv").read_text(encoding="utf-8") == EVENTS


@pytest.mark.parametrize(
    "name", ["sessions.parquet", "scores.csv", "PATIENTS.csv", "events.CSV"]
)
def test_names_of_inputs_are_taken_whether_there_or_not(
    clinic: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = sorted(clinic.iterdir())
    exit_code, _, err = run(
        capfd, "events", clinic, "-o", clinic / ".." / "clinic" / name
    )
    assert (exit_code, "an input of the cohort folder" in err) == (2, True)
    assert sorted(clinic.iterdir()) == before


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_to_the_input_are_followed(
    clinic: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link.csv").symlink_to(clinic / "events.csv")
    (tmp_path / "page.html").symlink_to(clinic / "scores.csv")
    (tmp_path / "door").symlink_to(clinic)
    os.link(clinic / "events.csv", tmp_path / "hard.csv")
    shutil.move(clinic / "scores.csv", tmp_path / "elsewhere.csv")
    (clinic / "scores.csv").symlink_to(tmp_path / "elsewhere.csv")
    for output in (
        "link.csv",
        "hard.csv",
        "elsewhere.csv",
        "door/events.csv",
        "clinic/scores.csv",
    ):
        assert run(capfd, "events", clinic, "-o", tmp_path / output)[0] == 2, output
    assert run(capfd, "events", tmp_path / "door", "-o", clinic / "events.csv")[0] == 2
    assert run(capfd, "report", clinic, "-o", tmp_path / "page.html")[0] == 2
    assert (clinic / "events.csv").read_text(encoding="utf-8") == EVENTS


def test_another_file_in_the_folder_may_be_written(
    clinic: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(capfd, "events", clinic, "-o", clinic / "state_events.csv")[0] == 0
    assert (clinic / "state_events.csv").is_file()


def test_a_release_policy_keeps_counts_off_the_screen(
    clinic: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    err = run(capfd, "outcomes", clinic, "--policy", "cms", "--instrument", "MADRS")[2]
    assert "It has scores of: GAD-7, PHQ-9." in err
    assert "GAD-7 (1)" in run(capfd, "outcomes", clinic, "--instrument", "MADRS")[2]
    (clinic / "patients.csv").write_text(
        "patient_id,age\nA1,40\nZ9,50\n", encoding="utf-8"
    )
    exit_code, out, _ = run(capfd, "check", clinic, "--policy", "cms")
    assert exit_code == 0
    assert "Notes that hold a count are not shown" in out
    assert (
        "fewer than 11 patients, fewer than 11 sessions, fewer than 11 scores: no problems."
        in out
    )
    assert "1 patient" in run(capfd, "check", clinic)[1]


def test_one_is_singular(clinic: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (clinic / "sessions.csv").write_text("patient_id,day\nA1,0\n", encoding="utf-8")
    assert (
        "1 patient, 1 session, 2 scores: no problems." in run(capfd, "check", clinic)[1]
    )


def test_an_interrupt_is_one_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, clinic: Path
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kettrack.reading.load.load_cohort", stop)
    assert run(capfd, "check", clinic) == (
        130,
        "",
        "Stopped before the end; nothing was written.\n",
    )


@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_an_interrupted_report_leaves_nothing(
    tmp_path: Path, plain_environment: dict[str, str]
) -> None:
    from kettrack.resources import sample_folder

    scraps = tmp_path / "scraps"
    scraps.mkdir()
    command = [
        sys.executable,
        "-m",
        "kettrack",
        "report",
        str(sample_folder()),
        "-o",
        str(tmp_path / "report.html"),
    ]
    environment = plain_environment | {"TMPDIR": str(scraps)}
    running = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A run in the background of a shell ignores the signal, and hands that on.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    until = time.monotonic() + 60
    while not list(scraps.glob("kettrack-*")) and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (
        130,
        "",
        "Stopped before the end; nothing was written.\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["scraps"]
    assert not list(scraps.glob("kettrack-*"))


@pytest.mark.parametrize("policy", ["cms", "opensafely"])
def test_one_answer_that_leaves_hides_what_a_report_hides(
    policy: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a report hides of everybody who started is hidden in the answer that is asked alone."""
    withheld = ("session_counts\t1\tfirst_course", "session_counts\t2\tin_all")
    asked: list[str] = []

    def as_of_a_report(_: object, sources: list[str]) -> tuple[tuple[str, ...], str]:
        asked.append(sources[-1])
        return withheld, ""

    monkeypatch.setattr(report_run, "withheld_in_report", as_of_a_report)
    file = tmp_path / "counts.csv"
    words = ("estimate", "session_counts", sample_folder(), "-o", file)
    assert run(capfd, *words, "--policy", policy)[0] == 0
    hidden = pd.read_csv(file).set_index("sessions")
    assert asked == ['estimate("session_counts", cohort)']
    assert pd.isna(hidden.loc[1, "first_course"])
    assert pd.isna(hidden.loc[2, "in_all"])
    # The usual policy for release rounds, and looks at no report.
    assert run(capfd, *words, "--policy", "release")[0] == 0
    assert len(asked) == 1
