"""A cohort folder is written whole and checked, or not at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from test_import_deidentify import KEY, dated

from kettrack.errors import DataProblems, UsageError
from kettrack.importing.deidentify.deidentify import deidentify
from kettrack.importing.deidentify.options import Deidentification
from kettrack.importing.deidentify.private_files import (
    new_key,
    read_key,
    refuse_place,
    write_linkage,
)
from kettrack.importing.folder import write_cohort
from kettrack.importing.remarks import Remark, Remarks
from kettrack.reading.load import load_cohort

SESSIONS = """
patient_id date       drug
MRN1       2024-02-28 ketamine
MRN1       2024-03-01 ketamine
MRN2       2023-12-31 ketamine
"""
SCORES = """
patient_id date       instrument score
MRN1       2024-02-21 PHQ-9      20
MRN1       2024-03-28 PHQ-9      10
MRN2       2023-12-30 PHQ-9      18
MRN2       2023-12-30 GAD-7      18
"""


def tables(sessions: str = SESSIONS, scores: str = SCORES) -> dict[str, pa.Table]:
    given = {"sessions": dated(sessions, "log"), "scores": dated(scores, "phq")}
    return dict(deidentify(given, Deidentification(key=KEY), {}, Remarks()).tables)


def test_the_folder_is_a_cohort(tmp_path: Path) -> None:
    remarks = Remarks()
    remarks.drop_rows("log.csv", "log.csv", [9], "no show")
    write_cohort(tables(), tmp_path / "clinic", remarks)
    cohort = load_cohort(tmp_path / "clinic")
    assert cohort.settings.instrument == "PHQ-9"
    assert sorted(cohort.scores["day"]) == [-7, -1, -1, 29]
    assert {path.name for path in (tmp_path / "clinic").iterdir()} == {
        "sessions.csv",
        "scores.csv",
        "kettrack.toml",
        "import_problems.csv",
        "README.md",
    }
    # Nothing else is left behind.
    assert [path.name for path in tmp_path.iterdir()] == ["clinic"]
    first = (tmp_path / "clinic" / "sessions.csv").read_text().splitlines()[0]
    assert first == "patient_id,day,drug"
    problems = (tmp_path / "clinic" / "import_problems.csv").read_text().splitlines()
    assert problems[1] == "log.csv,log.csv,9,,dropped,no show,1"


def test_names_of_people_are_not_in_the_list_of_problems(tmp_path: Path) -> None:
    remarks = Remarks()
    remarks.add(
        Remark(
            file="Jane Smith.xlsx",
            table="Smith, J",
            column="Jane Smith",
            action="dropped",
            reason="x",
        )
    )
    write_cohort(tables(), tmp_path / "clinic", remarks)
    written = [path.read_text() for path in (tmp_path / "clinic").iterdir()]
    assert "Smith" not in "".join(written)


def test_problems_stand_at_their_place_in_the_source(tmp_path: Path) -> None:
    scores = SCORES.replace("PHQ-9      10", "PHQ-9      99")
    with pytest.raises(DataProblems) as caught:
        write_cohort(tables(scores=scores), tmp_path / "clinic", Remarks())
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == ("phq.csv", 3, "score")
    assert not list(tmp_path.iterdir())


def test_nothing_left_is_said_with_the_reasons(tmp_path: Path) -> None:
    remarks = Remarks()
    remarks.drop_rows("log.csv", "log.csv", range(40), "no show")
    empty = {name: table.slice(0, 0) for name, table in tables().items()}
    with pytest.raises(DataProblems, match=r"row of sessions: no show \(40 rows\)"):
        write_cohort(empty, tmp_path / "clinic", remarks)


def test_a_folder_is_replaced_only_when_it_is_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "clinic"
    write_cohort(tables(), folder, Remarks())
    with pytest.raises(UsageError, match="exists already"):
        write_cohort(tables(), folder, Remarks())
    # Settings that somebody has changed stay.
    (folder / "kettrack.toml").write_text('instrument = "GAD-7"\n')
    write_cohort(tables(), folder, Remarks(), replace=True)
    assert load_cohort(folder).settings.instrument == "GAD-7"
    # What cannot be read leaves the old folder as it was.
    wrong = tables(scores=SCORES.replace("10", "99"))
    with pytest.raises(DataProblems):
        write_cohort(wrong, folder, Remarks(), replace=True)
    assert sorted(load_cohort(folder).scores["score"]) == [10, 18, 18, 20]
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"It holds notes.txt"):
        write_cohort(tables(), folder, Remarks(), replace=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "sessions.csv").write_text("patient_id,day\n")
    with pytest.raises(UsageError, match="was not made by an import"):
        write_cohort(tables(), other, Remarks(), replace=True)


def test_the_key_is_secret(tmp_path: Path) -> None:
    cohort = tmp_path / "clinic"
    key = tmp_path / "key"
    made = new_key(key, cohort)
    assert key.stat().st_mode & 0o777 == 0o600
    assert read_key(key, cohort) == made
    with pytest.raises(UsageError, match="exists already"):
        new_key(key, cohort)
    key.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        read_key(key, cohort)
    key.chmod(0o600)
    for plain in ("secret", "a" * 64, ""):
        key.write_text(plain)
        with pytest.raises(UsageError, match="like a plain hash"):
            read_key(key, cohort)
    with pytest.raises(UsageError, match="There is no key"):
        read_key(tmp_path / "none", cohort)


def test_secrets_do_not_travel_with_the_data(tmp_path: Path) -> None:
    cohort = tmp_path / "clinic"
    cohort.mkdir()
    linkage = pa.table({"kind": ["patient"], "code": ["B1"], "original": ["MRN1"]})
    with pytest.raises(UsageError, match="must not lie in the cohort folder"):
        write_linkage(linkage, cohort / "linkage.csv", cohort)
    with pytest.raises(UsageError, match="There is no folder"):
        refuse_place(tmp_path / "none" / "key", cohort, "The key")
    # A link leads into the folder all the same.
    (tmp_path / "link").symlink_to(cohort)
    with pytest.raises(UsageError, match="must not lie in the cohort folder"):
        new_key(tmp_path / "link" / "key", cohort)
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "deep").mkdir()
    with pytest.raises(UsageError, match="under version control"):
        new_key(project / "deep" / "key", cohort)
    place = tmp_path / "linkage.csv"
    write_linkage(linkage, place, cohort)
    assert place.stat().st_mode & 0o777 == 0o600
    assert "MRN1" in place.read_text()
    with pytest.raises(UsageError, match="not overwritten"):
        write_linkage(linkage, place, cohort)


@pytest.mark.parametrize(
    ("scales", "chosen"),
    [
        (["PHQ-9", "GAD-7", "GAD-7"], "PHQ-9"),
        (["PHQ-9", "MADRS", "MADRS", "GAD-7"], "MADRS"),
        (["GAD-7", "PCL-5", "PCL-5"], "PCL-5"),
    ],
)
def test_a_scale_of_depression_goes_before_others(
    scales: list[str], chosen: str, tmp_path: Path
) -> None:
    days = [
        f"MRN1 2024-03-0{place} {scale} 12" for place, scale in enumerate(scales, 1)
    ]
    scores = "\n".join(["patient_id date instrument score", *days])
    write_cohort(tables(scores=f"{scores}\n"), tmp_path / "clinic", Remarks())
    assert load_cohort(tmp_path / "clinic").settings.instrument == chosen


def test_a_form_without_a_total_counts_by_its_answers(tmp_path: Path) -> None:
    lines = (
        "patient_id date instrument score item_1",
        "MRN1 2024-03-01 PHQ-9 - 0",
        "MRN1 2024-03-02 PHQ-9 - 1",
        "MRN1 2024-03-03 MADRS 20 -",
    )
    write_cohort(tables(scores="\n".join(lines)), tmp_path / "clinic", Remarks())
    assert load_cohort(tmp_path / "clinic").settings.instrument == "PHQ-9"


def test_a_problem_of_a_whole_table_has_no_row(tmp_path: Path) -> None:
    scores = "patient_id date instrument score\nMRN1 2024-03-01 MADRS -"
    with pytest.raises(DataProblems, match="this column is missing"):
        write_cohort(tables(scores=scores), tmp_path / "clinic", Remarks())
