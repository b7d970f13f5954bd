"""`kettrack deidentify`: nothing that identifies reaches the folder, the terminal or an error."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from kettrack import load_cohort, sample_folder
from kettrack.cli import main

# Each of these stands in the raw files, and nowhere else afterwards.
SECRETS = (
    "MRN0077",
    "MRN0078",
    "Ashworth",
    "Quimby",
    "Springfield",
    "2024",
    "1934",
    "14:30",
    "tearful",
)
SESSIONS = """\
patient_id,date,drug,route,dose_mg,provider,notes,Jane Ashworth
MRN0077,2024-02-28 14:30,ketamine,iv,40,Dr. Quimby,tearful,1
MRN0077,2024-03-06 14:30,ketamine,iv,40,Dr. Quimby,,1
MRN0078,2024-03-06 14:30,ketamine,iv,40,Dr. Quimby,,1
"""
SCORES = """\
patient_id,date,instrument,score
MRN0077,21.02.2024,PHQ-9,20
MRN0077,27.03.2024,PHQ-9,9
MRN0078,05.03.2024,PHQ-9,17
MRN0079,05.03.2024,PHQ-9,17
"""
PATIENTS = """\
patient_id,birth_date,sex,site,zip
MRN0077,1934-02-28,female,Springfield,12345
MRN0078,1990-01-01,male,Springfield,12345
"""


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]):
    def _run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["deidentify", *map(str, arguments)])
        return int(left.value.code or 0), *capfd.readouterr()

    return _run


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "sessions.csv").write_text(SESSIONS)
    (folder / "scores.csv").write_text(SCORES)
    (folder / "patients.csv").write_text(PATIENTS)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_no_secret_in_any_byte(run, raw: Path, tmp_path: Path) -> None:
    clinic = tmp_path / "clinic"
    code, told, errors = run(raw, "-o", clinic, "--extract-date", "2024-05-01")
    assert code == 0, errors
    everything = told.encode() + errors.encode() + b"".join(content(clinic).values())
    assert [one for one in SECRETS if one.encode() in everything] == []
    assert "zip: it has the heading of an address" in told
    cohort = load_cohort(clinic)
    assert sorted(cohort.scores["day"]) == [-7, -1, 28]
    assert sorted(cohort.patients["age"]) == [34, 90]
    assert sorted(cohort.patients["observed_to_day"]) == [56, 63]
    problems = (clinic / "import_problems.csv").read_text()
    assert 'scores.csv,scores.csv,5,,refused,"the patient has no session' in problems


def test_with_a_key_every_byte_is_the_same(run, raw: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    assert run("--new-key", key)[0] == 0
    assert key.stat().st_mode & 0o077 == 0
    for name in ("one", "two"):
        assert run(raw, "-o", tmp_path / name, "--key", key)[0] == 0
    assert content(tmp_path / "one") == content(tmp_path / "two")
    run(raw, "-o", tmp_path / "three")
    assert content(tmp_path / "one") != content(tmp_path / "three")


def test_the_linkage_is_written_only_when_it_is_asked_for(
    run, raw: Path, tmp_path: Path
) -> None:
    who = tmp_path / "who.csv"
    code, told, _ = run(raw, "-o", tmp_path / "clinic", "--linkage", who)
    assert code == 0
    assert who.stat().st_mode & 0o077 == 0
    assert "MRN0077" in who.read_text()
    assert "MRN0077" not in told
    code, _, error = run(raw, "-o", tmp_path / "two", "--linkage", tmp_path / "two/w")
    assert code == 2
    assert not (tmp_path / "two").exists()
    assert "no folder" in error


def test_what_cannot_be_told_is_asked(run, raw: Path, tmp_path: Path) -> None:
    (raw / "scores.csv").write_text(
        SCORES.replace("27.03.2024", "07.03.2024").replace("21.02.2024", "01.02.2024")
    )
    clinic = tmp_path / "clinic"
    code, _, error = run(raw, "-o", clinic)
    assert code == 2
    assert not clinic.exists()
    key = "date_order.scores.csv.date"
    assert f"--answer '{key}=day first'" in error
    code, _, error = run(raw, "-o", clinic, "--answer", f"{key}=day first")
    assert code == 0, error
    assert sorted(load_cohort(clinic).scores["day"]) == [-27, -1, 8]


PEOPLE = 60
EXTRACT = date(2025, 6, 30)


def dated_sample(raw: Path) -> dict[str, str]:
    """The first people of the sample with dates and record numbers, rows in disorder; record number
    to their code.
    """
    raw.mkdir()
    tables = {
        name: pd.read_csv(sample_folder() / f"{name}.csv", dtype=str)
        for name in ("sessions", "scores", "patients", "events")
    }
    people = tables["patients"].head(PEOPLE).set_index("patient_id")
    first = {
        # Any day of the last week of the log: only whole weeks go on.
        code: EXTRACT - timedelta(int(end) + place % 7)
        for place, (code, end) in enumerate(people["observed_to_day"].items())
    }
    numbers = {code: f"MRN{900 + place}" for place, code in enumerate(first)}
    for name, whole in tables.items():
        table = whole[whole["patient_id"].isin(first)].copy()
        for column in table.columns.intersection(
            ["day", "stop_day", "last_contact_day"]
        ):
            days = zip(table["patient_id"], table[column], strict=True)
            table[column] = [
                f"{first[code] + timedelta(int(day)):%d/%m/%Y} 14:30"
                if isinstance(day, str)
                else ""
                for code, day in days
            ]
        table = table.rename(columns={"day": "date"})
        table["patient_id"] = table["patient_id"].map(numbers)
        gone = ["observed_to_day", "start_year", "site"]
        table = table.drop(columns=gone, errors="ignore")
        table.sample(frac=1, random_state=1).to_csv(raw / f"{name}.csv", index=False)
    return {number: code for code, number in numbers.items()}


def test_a_clinic_comes_back_as_it_was(run, tmp_path: Path) -> None:
    """Days to dates and back: every cell of every table is what it was."""
    codes = dated_sample(tmp_path / "raw")
    who = tmp_path / "who.csv"
    clinic = tmp_path / "clinic"
    options = ("--extract-date", EXTRACT, "--linkage", who)
    code, _, error = run(tmp_path / "raw", "-o", clinic, *options)
    assert code == 0, error
    linkage = pd.read_csv(who, dtype=str).set_index("code")["original"].map(codes)
    back = load_cohort(clinic)
    sample = load_cohort(sample_folder())
    keys = {
        "sessions": ["patient_id", "day", "order"],
        "scores": ["patient_id", "instrument", "day", "timing"],
        "events": ["patient_id", "day", "event", "detail"],
        "patients": ["patient_id"],
    }
    for name, key in keys.items():
        found = getattr(back, name)
        found = found.assign(patient_id=found["patient_id"].map(linkage))
        expected = getattr(sample, name)
        expected = expected[expected["patient_id"].isin(codes.values())]
        assert len(found) == len(expected)
        ours = found.sort_values(key).reset_index(drop=True)
        theirs = expected.sort_values(key).reset_index(drop=True)
        for column in theirs.columns.drop(["site", "start_year"], errors="ignore"):
            same = ours[column].astype("object") == theirs[column].astype("object")
            both_empty = ours[column].isna() & theirs[column].isna()
            assert (same | both_empty).all(), column


def test_all_questions_are_asked_at_once(run, raw: Path, tmp_path: Path) -> None:
    scores = SCORES.replace("27.03.2024", "07.03.2024").replace("21.02.", "01.02.")
    (raw / "scores.csv").write_text(scores.replace("MRN0079", "mrn78"))
    code, _, error = run(raw, "-o", tmp_path / "clinic")
    assert code == 2
    assert "2 questions are open" in error
    assert "same_patients = the same people | different people" in error


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-o", "clinic"], "Name what to read"),
        (["raw"], "Name what to read"),
        (["none", "-o", "clinic"], "There is no file or folder"),
        (["raw", "-o", "raw"], "exists already"),
        (["raw", "-o", "clinic", "--extract-date", "1.5.2024"], "2025-06-30"),
        (["raw", "-o", "clinic", "--extract-date", "2999-01-01"], "in the future"),
        (["raw", "-o", "clinic", "--answer", "x"], "--answer needs the key"),
        (["raw", "-o", "clinic", "--key", "none"], "There is no key"),
        (["raw", "-o", "clinic", "--new-key", "clinic/key"], "no folder"),
        (["raw", "-o", "clinic", "--key", "a", "--new-key", "b"], "name one of them"),
        (["raw", "-o", "raw/sessions.csv"], "is a file"),
    ],
)
def test_wrong_use_is_told_before_any_work(
    run, raw: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: str
) -> None:
    monkeypatch.chdir(raw.parent)
    before = sorted(raw.parent.rglob("*"))
    code, _, error = run(*arguments)
    assert (code, expected in error) == (2, True), error
    assert sorted(raw.parent.rglob("*")) == before


def test_settings_beside_the_tables_go_along(run, raw: Path, tmp_path: Path) -> None:
    (raw / "kettrack.toml").write_text('instrument = "PHQ-9"\ncurrency = "EUR"\n')
    assert run(raw, "-o", tmp_path / "clinic")[0] == 0
    assert load_cohort(tmp_path / "clinic").settings.currency == "EUR"
    (raw / "kettrack.toml").write_text('[columns.scores]\nscore = "total"\n')
    code, _, error = run(raw, "-o", tmp_path / "two")
    assert code == 2
    assert "use kettrack import" in error


def test_other_files_belong_to_import(run, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "visits.csv").write_text("patient_id,date\nMRN1,2024-01-01\n")
    code, _, error = run(raw, "-o", tmp_path / "clinic")
    assert code == 2
    assert "use kettrack import" in error


def test_the_example_of_the_page_is_true(run, tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "import" / "deidentify.md"
    text = page.read_text(encoding="utf-8")
    raw = tmp_path / "raw"
    raw.mkdir()
    for name in ("sessions", "scores", "patients"):
        block = re.search(rf"`raw/{name}.csv`.*?```\n(.*?)```", text, re.S)
        assert block is not None
        (raw / f"{name}.csv").write_text(block[1])
    clinic = tmp_path / "clinic"
    code, _, error = run(raw, "-o", clinic, "--extract-date", "2024-05-01")
    assert code == 0, error
    shown = re.search(r"`clinic/scores.csv`.*?```\n(.*?)```", text, re.S)
    assert shown is not None

    def rows(csv: str) -> list[str]:
        return sorted(line.partition(",")[2] for line in csv.strip().splitlines())

    assert rows((clinic / "scores.csv").read_text()) == rows(shown[1])
