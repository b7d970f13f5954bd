"""The command line: the exit codes, where answers and messages go, and what becomes of a fault."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

import kettrack
from kettrack.cli import app as program
from kettrack.cli import main
from kettrack.cli.output import check_output, check_place
from kettrack.errors import NotIdentified, UsageError

COMMANDS = (
    "check",
    "courses",
    "timeline",
    "outcomes",
    "events",
    "review",
    "estimate",
    "report",
    "notebooks",
    "specification",
    "simulate",
    "version",
)
TABLES = ("courses", "timeline", "outcomes", "events")


class Ran(NamedTuple):
    exit_code: int
    out: str
    err: str


class Kettrack:
    """Run a command in this process."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self.capfd = capfd

    def __call__(self, *arguments: object) -> Ran:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        out, err = self.capfd.readouterr()
        return Ran(int(left.value.code or 0), out, err)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Kettrack:
    return Kettrack(capfd)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic clinic, written by the command itself."""
    folder = tmp_path_factory.mktemp("clinics") / "clinic"
    with pytest.raises(SystemExit):
        main(["simulate", str(folder), "--patients", "30", "--seed", "3"])
    return folder


@pytest.fixture
def bad_clinic(clinic: Path, tmp_path: Path) -> Path:
    """The same clinic with a score that is no number."""
    for name in ("sessions.csv", "scores.csv"):
        (tmp_path / name).write_bytes((clinic / name).read_bytes())
    lines = (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()
    place = lines[0].split(",").index("score")
    cells = lines[1].split(",")
    cells[place] = "high"
    (tmp_path / "scores.csv").write_text(
        "\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n", encoding="utf-8"
    )
    return tmp_path


def test_version(run: Kettrack) -> None:
    told = Ran(0, f"kettrack {kettrack.__version__}\n", "")
    assert run("version") == told
    assert run("--version") == told


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(run: Kettrack, command: str) -> None:
    ran = run(command, "--help")
    assert ran.exit_code == 0
    assert f"Example:\n    kettrack {command}" in ran.out


def test_every_command_is_named_by_a_whole_sentence(run: Kettrack) -> None:
    ran = run("--help")
    commands = ran.out.partition("Commands:")[2].strip().splitlines()
    assert len(commands) > 20
    assert [line for line in commands if not line.endswith(".")] == []
    assert "..." not in ran.out.partition("Commands:")[2]


def test_python_dash_m(plain_environment: dict[str, str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "kettrack", "version"],
        env=plain_environment,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (0, f"kettrack {kettrack.__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [("courses",), ("nonsense",), ("timeline", "x", "--nonsense")],
    ids=" ".join,
)
def test_usage_error_leaves_with_2(run: Kettrack, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert (ran.exit_code, ran.out) == (2, "")
    assert "kettrack" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report", "x", "--tables", "pdf"), "'--tables': 'pdf' is not one of 'xlsx'."),
        (("simulate", "x", "-n", "0"), "'-n': a number from 1 up is needed."),
        (("simulate", "x", "-n", "many"), "'-n': a whole number is needed."),
        (("review", "x", "--weeks-ago", "9999"), "a number up to 5200 is needed."),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(
    run: Kettrack, arguments: tuple[str, ...], said: str
) -> None:
    ran = run(*arguments)
    assert ran.err.rstrip().endswith(said)
    assert "Input should" not in ran.err


@pytest.mark.parametrize("command", [*TABLES, "check", "report"])
def test_missing_folder_is_said_in_one_line(
    run: Kettrack, tmp_path: Path, command: str
) -> None:
    ran = run(command, tmp_path / "nowhere")
    assert (ran.exit_code, ran.out) == (2, "")
    assert "There is no folder" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("command", [*TABLES, "check", "report"])
def test_folder_without_tables(run: Kettrack, tmp_path: Path, command: str) -> None:
    ran = run(command, tmp_path)
    assert (ran.exit_code, ran.out) == (2, "")
    assert "sessions" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("command", [*TABLES, "check", "report"])
def test_bad_cell_is_named_without_a_traceback(
    run: Kettrack, bad_clinic: Path, command: str
) -> None:
    ran = run(command, bad_clinic)
    assert (ran.exit_code, ran.out) == (2, "")
    assert "scores.csv: 1 problem\n" in ran.err
    assert "line 2, score" in ran.err
    assert "Traceback" not in ran.err


def test_check_says_what_was_read(run: Kettrack, clinic: Path) -> None:
    ran = run("check", clinic)
    assert (ran.exit_code, ran.err) == (0, "")
    assert ran.out.startswith("30 patients, ") or "\n30 patients, " in ran.out
    assert ran.out.endswith("no problems.\n")


def test_check_ends_with_what_cannot_be_answered(
    run: Kettrack, clinic: Path, tmp_path: Path
) -> None:
    for name in ("scores.csv", "sessions.csv", "kettrack.toml"):
        (tmp_path / name).write_bytes((clinic / name).read_bytes())
    ran = run("check", tmp_path)
    assert ran.exit_code == 0
    lines = ran.out.splitlines()
    notes = lines[
        next(place for place, line in enumerate(lines) if line.endswith("no problems."))
        + 1 :
    ]
    assert notes[0].startswith("No errors, but some questions")
    assert any(
        line.startswith("- observed_to_day is missing for every patient")
        for line in notes
    )


def test_check_writes_the_problems(
    run: Kettrack, bad_clinic: Path, clinic: Path, tmp_path: Path
) -> None:
    assert run("check", bad_clinic, "-o", tmp_path / "problems.csv").exit_code == 2
    found = pd.read_csv(tmp_path / "problems.csv")
    assert found[["file", "line", "column"]].to_numpy().tolist() == [
        ["scores.csv", 2, "score"]
    ]
    assert run("check", clinic, "-o", tmp_path / "problems.csv").exit_code == 0
    assert pd.read_csv(tmp_path / "problems.csv").empty


@pytest.mark.parametrize("command", ["courses", "timeline", "events"])
def test_table_is_csv_on_standard_output(
    run: Kettrack, clinic: Path, tmp_path: Path, command: str
) -> None:
    printed = run(command, clinic)
    assert (printed.exit_code, printed.err) == (0, "")
    assert run(command, clinic, "-o", tmp_path / "table.csv") == Ran(0, "", "")
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == printed.out
    assert printed.out.startswith("patient_id,")


@pytest.mark.parametrize("command", TABLES)
def test_ending_decides_the_format(
    run: Kettrack, clinic: Path, tmp_path: Path, command: str
) -> None:
    for name in ("table.csv", "table.parquet"):
        assert run(command, clinic, "-o", tmp_path / name) == Ran(0, "", "")
    as_csv = pd.read_csv(tmp_path / "table.csv")
    as_parquet = pd.read_parquet(tmp_path / "table.parquet")
    assert list(as_csv) == list(as_parquet)
    assert len(as_csv) == len(as_parquet) > 0


@pytest.mark.parametrize("asked", ["", "4"])
def test_linear_algebra_has_one_thread_unless_more_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    name = "OPENBLAS_NUM_THREADS"
    # Set first, so that it is put back afterwards, whatever it was.
    monkeypatch.setenv(name, asked)
    if not asked:
        monkeypatch.delenv(name)
    with pytest.raises(SystemExit):
        main(["version"])
    assert os.environ[name] == (asked or "1")


def test_outcomes_prints_a_summary(run: Kettrack, clinic: Path) -> None:
    ran = run("outcomes", clinic)
    assert (ran.exit_code, ran.err) == (0, "")
    response, lasting, harm, counted = ran.out.split("\n\n")[:4]
    assert "had responded by session" in response
    assert lasting.startswith("How long did it last")
    assert harm.startswith("How many got worse")
    assert "30 people started" in counted
    assert "Not for release" in ran.out


def test_instrument_is_passed_on(run: Kettrack, clinic: Path, tmp_path: Path) -> None:
    assert (
        run(
            "timeline", clinic, "--instrument", "GAD-7", "-o", tmp_path / "t.csv"
        ).exit_code
        == 0
    )
    assert set(pd.read_csv(tmp_path / "t.csv").instrument) == {"GAD-7"}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--instrument", "No instrument is called"),
        ("--criteria", "No criteria"),
        ("--policy", "policy"),
    ],
    ids=lambda value: str(value).strip("-"),
)
@pytest.mark.parametrize("command", ["outcomes", "report"])
def test_unknown_name_says_which_there_are(
    run: Kettrack, clinic: Path, command: str, option: str, said: str
) -> None:
    ran = run(command, clinic, option, "nonsense")
    assert (ran.exit_code, ran.out) == (2, "")
    assert said in ran.err
    assert "there are" in ran.err


def test_rows_of_patients_are_not_released(
    run: Kettrack, clinic: Path, tmp_path: Path
) -> None:
    ran = run("outcomes", clinic, "--policy", "cms", "-o", tmp_path / "outcomes.csv")
    assert ran.exit_code == 2
    assert "not released" in ran.err
    assert not (tmp_path / "outcomes.csv").exists()


def test_allow_lets_a_column_through(
    run: Kettrack, clinic: Path, tmp_path: Path
) -> None:
    for name in ("scores.csv", "kettrack.toml"):
        (tmp_path / name).write_bytes((clinic / name).read_bytes())
    sessions = pd.read_csv(clinic / "sessions.csv", dtype=str)
    sessions.assign(surname=sessions.patient_id.map("Name{}".format)).to_csv(
        tmp_path / "sessions.csv", index=False
    )
    refused = run("check", tmp_path)
    assert refused.exit_code == 2
    assert "surname" in refused.err
    assert "NameS0" not in refused.err
    allowed = run("check", tmp_path, "--allow", "surname")
    assert allowed.exit_code == 0
    assert "surname" in allowed.out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("table.xlsx", "not end in .csv or .parquet"),
        ("nowhere/table.csv", "There is no folder"),
        ("", "is a folder"),
    ],
    ids=["ending", "folder", "a folder itself"],
)
def test_output_that_cannot_be_written(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        (check_output if name else check_place)(tmp_path / name, tmp_path)


def test_output_is_checked_before_any_work(run: Kettrack, tmp_path: Path) -> None:
    ran = run("timeline", tmp_path / "nowhere", "-o", tmp_path / "table.xlsx")
    assert (ran.exit_code, "not end in .csv or .parquet" in ran.err) == (2, True)


def test_report_is_html(run: Kettrack, clinic: Path, tmp_path: Path) -> None:
    ran = run("report", clinic, "-o", tmp_path / "report.pdf")
    assert (ran.exit_code, "HTML" in ran.err) == (2, True)


def test_simulate_never_overwrites(run: Kettrack, clinic: Path) -> None:
    before = (clinic / "scores.csv").read_bytes()
    ran = run("simulate", clinic)
    assert (ran.exit_code, "not empty" in ran.err) == (2, True)
    assert (clinic / "scores.csv").read_bytes() == before


@pytest.mark.parametrize("option", [(), ("-o",), ("--output",)])
def test_simulate_takes_its_folder_by_argument_or_option(
    run: Kettrack, tmp_path: Path, option: tuple[str, ...]
) -> None:
    folder = tmp_path / "deep" / "new"
    ran = run("simulate", "--scenario", "A", "-n", 5, *option, folder)
    assert (ran.exit_code, ran.err) == (0, "")
    assert (folder / "sessions.csv").exists()


@pytest.mark.parametrize("option", [(), ("-o",)])
def test_simulate_does_not_take_the_place_of_a_file(
    run: Kettrack, tmp_path: Path, option: tuple[str, ...]
) -> None:
    file = tmp_path / "notes"
    file.write_text("kept", encoding="utf-8")
    ran = run("simulate", *option, file)
    assert (ran.exit_code, "is a file" in ran.err) == (2, True)
    assert file.read_text(encoding="utf-8") == "kept"


def test_simulate_asks_for_one_folder(run: Kettrack, tmp_path: Path) -> None:
    one = tmp_path / "one"
    for named in ((), (one, "-o", one)):
        ran = run("simulate", *named)
        assert (ran.exit_code, "Name one folder" in ran.err) == (2, True)
    assert not one.exists()


def test_simulate_names_its_scenarios(run: Kettrack, tmp_path: Path) -> None:
    ran = run("simulate", tmp_path / "new", "--scenario", "nonsense")
    assert (ran.exit_code, "clinic-null" in ran.err) == (2, True)
    assert not (tmp_path / "new").exists()


def fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every command fail in this way, once it is running."""

    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(program, "app", broken)


def test_refusal_leaves_with_3(run: Kettrack, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(
        NotIdentified(
            "Nobody is scored after stopping.", "scores after the last session"
        ),
        monkeypatch,
    )
    ran = run("version")
    assert ran == Ran(
        3,
        "",
        "Nobody is scored after stopping. To answer it, record: scores after the last session\n",
    )


def test_fault_is_one_line_that_quotes_no_data(
    run: Kettrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KETTRACK_DEBUG", raising=False)
    fail_with(ValueError("Ann Example"), monkeypatch)
    ran = run("version")
    assert (ran.exit_code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "ValueError in broken" in ran.err
    assert "Ann Example" not in ran.err
    assert "KETTRACK_DEBUG=1" in ran.err


def test_fault_with_its_trace(run: Kettrack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KETTRACK_DEBUG", "1")
    fail_with(ValueError("seven"), monkeypatch)
    ran = run("version")
    assert ran.exit_code == 1
    assert ran.err.startswith("Traceback")
    assert "ValueError: seven" in ran.err


def test_file_system_error_is_not_a_fault(
    run: Kettrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(
        PermissionError(13, "Permission denied", "clinic/scores.csv"), monkeypatch
    )
    ran = run("version")
    assert ran[:2] == (2, "")
    assert ran.err.startswith(
        "'clinic/scores.csv' could not be read: you have no right to read it."
    )


def test_no_score_of_the_instrument_is_said_with_those_there_are(
    run: Kettrack, tmp_path: Path
) -> None:
    (tmp_path / "sessions.csv").write_text("patient_id,day\nA1,0\n", encoding="utf-8")
    (tmp_path / "scores.csv").write_text(
        "patient_id,day,instrument,score\nA1,-1,MADRS,30\n", encoding="utf-8"
    )
    for command in ("outcomes", "timeline", "events"):
        ran = run(command, tmp_path)
        assert ran.exit_code == 2
        assert "MADRS (1)" in ran.err
    assert run("report", tmp_path, "-o", tmp_path / "r.html").exit_code == 2
    assert not (tmp_path / "r.html").exists()
    assert run("courses", tmp_path).exit_code == 0
    assert run("outcomes", tmp_path, "--instrument", "MADRS").exit_code == 0


def test_specification_in_words_and_as_a_table(
    run: Kettrack, clinic: Path, tmp_path: Path
) -> None:
    ran = run("specification", clinic, "--also", "Wilkinson 2018")
    assert (ran.exit_code, ran.err) == (0, "")
    assert "under every named rule" in ran.out
    assert "recalled" in ran.out
    assert run("specification", clinic, "-o", tmp_path / "all.csv").exit_code == 0
    table = pd.read_csv(tmp_path / "all.csv")
    assert set(table["baseline"]) == {"last", "mean", "worst"}
    assert "recalled" not in set(table["standing"])


def test_specification_lists_every_named_rule(run: Kettrack, clinic: Path) -> None:
    ran = run("specification", "--presets")
    assert ran.exit_code == 0
    assert "SUSTAIN-1 stable remission" in ran.out
    assert "recalled" in ran.out
    assert run("specification", clinic, "--presets").out == ran.out
    assert run("specification", clinic, "--also", "nothing").exit_code == 2
    without = run("specification")
    assert (without.exit_code, without.out) == (2, "")
    assert "Name the cohort folder" in without.err


def test_review_in_words_and_as_a_table(
    run: Kettrack, clinic: Path, tmp_path: Path
) -> None:
    ran = run("review", clinic)
    assert (ran.exit_code, ran.err) == (0, "")
    assert ran.out.startswith("Review now: ")
    assert "not for release" in ran.out
    back = run("review", clinic, "--weeks-ago", 4, "-o", tmp_path / "review.csv")
    assert (back.exit_code, back.out) == (0, "")
    table = pd.read_csv(tmp_path / "review.csv")
    assert list(table.columns) == [
        "patient_id",
        "urgency",
        "reason",
        "words",
        "day",
        "age_days",
        "last_scores",
    ]


def test_review_is_refused_for_release_and_for_the_future(
    run: Kettrack, clinic: Path
) -> None:
    ran = run("review", clinic, "--policy", "cms")
    assert (ran.exit_code, ran.out) == (2, "")
    assert "single patients" in ran.err
    assert run("review", clinic, "--weeks-ago", -1).exit_code == 2
