"""`kettrack import`: from a file of another program to a cohort folder that loads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from import_clinics import WRITERS, Clinic
from import_forms import EVERY_FORM

from kettrack import load_cohort
from kettrack.cli import main
from kettrack.importing.map_writing import with_answers

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def _run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["import", *map(str, arguments)])
        return int(left.value.code or 0), *capfd.readouterr()

    return _run


@pytest.mark.parametrize("kind", WRITERS)
def test_one_command_to_a_cohort(kind: str, run: Run, tmp_path: Path) -> None:
    clinic = Clinic()
    source = WRITERS[kind](clinic, tmp_path)
    code, out, err = run(
        source, "-o", tmp_path / "clinic", "--extract-date", "2025-06-30"
    )
    assert code == 0, out + err
    cohort = load_cohort(tmp_path / "clinic")
    assert len(cohort.sessions) == len(clinic.sessions)
    assert sorted(cohort.scores["score"]) == sorted(clinic.scores["phq9_total"])
    assert cohort.patients["observed_to_day"].notna().all()
    # Day 0 is the first session, and the first score stands on the day before.
    assert cohort.scores.groupby("patient_id")["day"].min().unique().tolist() == [-1]


def test_all_readers_have_a_clinic() -> None:
    from kettrack.importing.registry import known_readers

    assert set(known_readers()) == {kind for kind, _ in EVERY_FORM.values()}


def test_a_dry_run_shows_columns_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    source = WRITERS["text"](Clinic(), tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, out, err = run(source, "--dry-run")
    assert (code, err) == (0, "")
    assert "phq9_total" in out
    # The range of a measure is a value of somebody.
    assert "12 to 20" not in out
    assert sorted(tmp_path.rglob("*")) == before


def test_questions_off_a_terminal(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    source.write_text(
        "patient,date,PHQ-9\nK1,2025-01-13,20\nK1,2025-01-16,18\nK2,2025-01-16,15\n"
    )
    code, _, err = run(source, "-o", tmp_path / "clinic")
    assert code == 2
    assert "Was there a session on the day of each row of 'log.csv'?" in err
    assert not (tmp_path / "clinic").exists()
    plan = tmp_path / "map.toml"
    answered = plan.read_text().replace(
        '# "sessions.log.csv" = "yes"', '"sessions.log.csv" = "yes"'
    )
    assert answered != plan.read_text()
    plan.write_text(answered)
    code, _, err = run(source, "-o", tmp_path / "clinic", "--map", plan)
    assert (code, err) == (0, "")
    assert len(load_cohort(tmp_path / "clinic").sessions) == 3


def test_an_edited_map_is_followed(run: Run, tmp_path: Path) -> None:
    source = WRITERS["text"](Clinic(), tmp_path)
    assert run(source, "-o", tmp_path / "first")[0] == 0
    plan = tmp_path / "map.toml"
    edited = plan.read_text().replace('dose_mg = "dose"', 'cost = "dose"')
    plan.write_text(edited)
    code, _, err = run(source, "-o", tmp_path / "second", "--map", plan)
    assert (code, err) == (0, "")
    sessions = pd.read_csv(tmp_path / "second" / "sessions.csv")
    assert "dose_mg" not in sessions
    assert sessions["cost"].notna().all()
    assert plan.read_text() == edited


def test_an_edited_map_is_not_written_over(run: Run, tmp_path: Path) -> None:
    source = WRITERS["text"](Clinic(), tmp_path)
    plan = tmp_path / "map.toml"
    plan.write_text('kind = "text" # mine\n')
    code, _, err = run(source, "-o", tmp_path / "clinic")
    assert code == 2
    assert "is there from an earlier run" in err
    assert plan.read_text() == 'kind = "text" # mine\n'


def test_a_folder_is_replaced_only_when_asked(run: Run, tmp_path: Path) -> None:
    source = WRITERS["text"](Clinic(), tmp_path)
    assert run(source, "-o", tmp_path / "clinic")[0] == 0
    settings = tmp_path / "clinic" / "kettrack.toml"
    settings.write_text(settings.read_text() + 'extract = "mine"\n')
    code, _, err = run(source, "-o", tmp_path / "clinic")
    assert code == 2
    assert "--replace" in err
    assert run(source, "-o", tmp_path / "clinic", "--replace")[0] == 0
    assert 'extract = "mine"' in settings.read_text()


def test_the_same_key_gives_the_same_codes(run: Run, tmp_path: Path) -> None:
    source = WRITERS["text"](Clinic(), tmp_path)
    key = tmp_path / "secret.key"
    assert run(source, "-o", tmp_path / "one", "--new-key", key)[0] == 0
    assert run(source, "-o", tmp_path / "two", "--key", key)[0] == 0
    assert (tmp_path / "one" / "sessions.csv").read_bytes() == (
        tmp_path / "two" / "sessions.csv"
    ).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "Name a file or folder to read"),
        (["missing.xlsx", "-o", "clinic"], "There is no file or folder 'missing.xlsx'"),
        (["here.csv"], "Name the cohort folder to make"),
        (["here.csv", "-o", "no/such/clinic"], "There is no folder"),
        (["here.csv", "-o", "clinic", "--kind", "exel"], "No reader is called 'exel'"),
        (
            ["here.csv", "-o", "clinic", "--extract-date", "30.06.2025"],
            "--extract-date",
        ),
        (
            ["here.csv", "-o", "clinic", "--instrument", "PHQ9"],
            "No instrument is called",
        ),
    ],
)
def test_slips(
    arguments: list[str],
    expected: str,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.csv").write_text("patient,date,drug\nK1,2025-01-13,ketamine\n")
    code, _, err = run(*arguments)
    assert code == 2
    assert expected in err


def test_no_sessions_anywhere(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "scores.csv"
    source.write_text("id,week,madrs\n1,0,30\n1,2,20\n2,0,31\n")
    code, _, err = run(source, "-o", tmp_path / "clinic")
    assert code == 2
    assert "who had which session when" in err
    # The map is there, to be changed.
    assert 'to = "scores"' in (tmp_path / "map.toml").read_text()


def test_the_list_of_kinds(run: Run) -> None:
    code, out, _ = run("--list")
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()} >= set(WRITERS)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What a person types at the terminal, in order."""
    typed: list[str] = []
    monkeypatch.setattr("kettrack.cli.import_.can_ask", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: typed.pop(0))
    yield typed
    assert typed == []


LOG = "patient,date,PHQ-9\nK1,2025-01-13,20\nK1,2025-01-16,18\nK2,2025-01-16,15\n"


def test_questions_at_a_terminal(run: Run, answers: list[str], tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    source.write_text(LOG)
    # A slip of the finger is asked again.
    answers += ["7", "1"]
    code, _, err = run(source, "-o", tmp_path / "clinic")
    assert code == 0
    assert "1  yes" in err
    assert "Type the number of one of the choices." in err
    assert '"sessions.log.csv" = "yes"' in (tmp_path / "map.toml").read_text()


def test_answers_at_a_terminal_are_kept_in_the_map_that_was_named(
    run: Run, answers: list[str], tmp_path: Path
) -> None:
    source = tmp_path / "log.csv"
    source.write_text(LOG)
    answers += ["yes"]
    plan = tmp_path / "mine.toml"
    assert run(source, "-o", tmp_path / "one", "--map", plan)[0] == 0
    text = plan.read_text().replace('"sessions.log.csv" = "yes"', "# mine")
    plan.write_text(text)
    answers += ["yes"]
    assert run(source, "-o", tmp_path / "two", "--map", plan)[0] == 0
    assert "# mine" in plan.read_text()
    assert run(source, "-o", tmp_path / "three", "--map", plan)[0] == 0


def test_a_word_that_is_not_known_is_asked_and_its_answer_is_used(
    run: Run, tmp_path: Path
) -> None:
    source = tmp_path / "log.csv"
    rows = [f"K{n},2025-01-1{n},{'KX' if n < 4 else 'Ketamine'}" for n in range(1, 7)]
    source.write_text("\n".join(["patient,date,drug", *rows]))
    code, _, err = run(source, "-o", tmp_path / "clinic")
    assert code == 2
    assert "What does 'KX' mean in column 'drug' of 'log.csv'?" in err
    plan = tmp_path / "map.toml"
    plan.write_text(with_answers(plan.read_text(), {"value.drug.KX": "esketamine"}))
    code, _, err = run(source, "-o", tmp_path / "clinic", "--map", plan)
    # Scores are missing, which is said by the reader of the folder.
    assert "scores" in err


def test_guesses_from_values_are_marked(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    rows = ["1,2025-01-13,ketamine,20", "2,2025-01-16,ketamine iv,15"]
    source.write_text("\n".join(["MRN,Seen,Stuff,PHQ-9", *rows]))
    code, out, _ = run(source, "-o", tmp_path / "clinic")
    assert code == 0
    marked = [line for line in out.splitlines() if "a guess from" in line]
    assert [line.split()[1] for line in marked] == ["Seen", "Stuff"]
    assert 'drug = "Stuff" # a guess' in (tmp_path / "map.toml").read_text()


def test_all_questions_come_at_once(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    drugs = ["KX", "KX", "KX", "Ketamine", "Ketamine"]
    rows = [f"K{n},0{n}/02/2025,{drug},2{n}" for n, drug in enumerate(drugs, start=1)]
    source.write_text("\n".join(["patient,date,drug,PHQ-9", *rows]))
    code, _, err = run(source, "-o", tmp_path / "clinic")
    assert code == 2
    keys = [line.split(" = ")[0].strip() for line in err.splitlines() if " = " in line]
    assert keys == ["value.drug.KX", "date_order.log.csv.date"]
