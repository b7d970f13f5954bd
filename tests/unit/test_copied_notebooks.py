"""`kettrack notebooks`: copies that a researcher changes and runs, and that git takes empty."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbformat import NotebookNode

from kettrack import notebook_folder
from kettrack.cli import main
from kettrack.report.suite import ATTRIBUTES, copy_notebooks

TWO_FILES = {
    "sessions.csv": "patient_id,day\nA1,0\nA1,3\nA2,0\n",
    "scores.csv": (
        "patient_id,day,instrument,score\nA1,-1,PHQ-9,20\nA1,7,PHQ-9,9\nA2,7,PHQ-9,9\n"
    ),
}


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clinics") / "clinic"
    with pytest.raises(SystemExit):
        main(["simulate", str(folder), "--patients", "60", "--seed", "3"])
    return folder


@pytest.fixture(scope="module")
def study(clinic: Path) -> Path:
    """The notebooks beside the clinic, as the command writes them."""
    folder = clinic.parent / "study"
    with pytest.raises(SystemExit) as left:
        main(["notebooks", str(folder), "--cohort", str(clinic)])
    assert not left.value.code
    return folder


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(path: Path, monkeypatch: pytest.MonkeyPatch, **changed: Any) -> dict[str, Any]:
    """Run a notebook as in its folder, without the two seconds that a kernel takes to start; the
    names that the last cells leave.
    """
    monkeypatch.chdir(path.parent)
    monkeypatch.setattr(plt, "show", lambda: None)
    names: dict[str, Any] = {}
    for number, cell in enumerate(code_cells(read(path))):
        exec(cell.source, names)
        if number == 0:
            names |= changed
    return names


def test_every_notebook_comes_without_what_it_showed(study: Path) -> None:
    copies = sorted(study.glob("*.ipynb"))
    assert [path.name for path in copies] == [
        path.name for path in sorted(notebook_folder().glob("*.ipynb"))
    ]
    for path in copies:
        cells = code_cells(read(path))
        assert not [one for one in cells if one.outputs or one.execution_count]


def test_the_first_cell_names_the_folder_and_the_rules(study: Path) -> None:
    for path in study.glob("*.ipynb"):
        first = code_cells(read(path))[0].source
        # this one reads the results of the trials and no cohort
        if path.name == "09_methods_on_trial.ipynb":
            continue
        assert "folder = '../clinic'\n" in first
        assert first.endswith("options = {}")


def test_options_stand_in_the_first_cell(tmp_path: Path) -> None:
    copy_notebooks(tmp_path / "study", None, {"criteria": "McInnes 2022"})
    cells = code_cells(read(tmp_path / "study" / "01_cohort_overview.ipynb"))
    assert "folder = kt.sample_folder()" in cells[0].source
    assert cells[0].source.endswith("options = {'criteria': 'McInnes 2022'}")


def test_another_rule_gives_another_number(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = study / "01_cohort_overview.ipynb"
    as_copied = run(notebook, monkeypatch)
    changed = run(notebook, monkeypatch, options={"baseline": "worst"})
    before = as_copied["cohort"].outcomes["baseline"]
    after = changed["cohort"].outcomes["baseline"]
    assert after.mean() > before.mean()


def test_the_review_of_patients_runs_on_any_clinic(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = study / "08_patient_review.ipynb"
    names = run(notebook, monkeypatch)
    assert names["person"] in set(names["cohort"].sessions["patient_id"])
    for name, text in TWO_FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    names = run(notebook, monkeypatch, folder=tmp_path)
    assert names["person"] == "A1"


def test_nothing_is_written_over(study: Path, capsys: pytest.CaptureFixture) -> None:
    own = study / "01_cohort_overview.ipynb"
    before = own.read_bytes()
    with pytest.raises(SystemExit) as left:
        main(["notebooks", str(study)])
    assert left.value.code == 2
    assert "is not empty. Name a new folder." in capsys.readouterr().err
    assert own.read_bytes() == before


@pytest.mark.parametrize("wrong", [["--cohort", "nowhere"], ["--criteria", "none"]])
def test_a_wrong_folder_or_rule_is_told_before_anything_is_written(
    tmp_path: Path, wrong: list[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["notebooks", str(tmp_path / "study"), *wrong])
    assert left.value.code == 2
    assert not list(tmp_path.iterdir())


def test_git_takes_the_notebooks_alone_and_without_outputs(
    clinic: Path, tmp_path: Path
) -> None:
    """The commands of the page that is written beside the notebooks."""
    if shutil.which("git") is None:
        pytest.skip("git is not there")
    folder = tmp_path / "study"
    copy_notebooks(folder, clinic, {})
    page = (folder / "README.md").read_text(encoding="utf-8")
    arguments = ["--install", "--attributes", ".gitattributes"]
    assert f"nbstripout {' '.join(arguments)}" in page
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_")
    }

    def call(*command: str) -> str:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    call("git", "init", "-q")
    call(sys.executable, "-m", "nbstripout", *arguments)
    # The filter is named there already, so that a clone has it too.
    assert (folder / ".gitattributes").read_text() == ATTRIBUTES
    path = folder / "08_patient_review.ipynb"
    # the filter starts once for each file
    for other in set(folder.glob("*.ipynb")) - {path}:
        other.unlink()
    notebook = read(path)
    shown = nbformat.v4.new_output("stream", text="S001 is worse")
    code_cells(notebook)[-1].outputs.append(shown)
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    (folder / "scores.csv").write_text("patient_id\nS001\n")
    call("git", "add", "--all")
    taken = call("git", "ls-files").split()
    assert "scores.csv" not in taken
    assert {".gitignore", ".gitattributes", "README.md", path.name} <= set(taken)
    stored = json.loads(call("git", "show", f":{path.name}"))
    assert "S001 is worse" not in json.dumps(stored)
    assert "S001 is worse" in path.read_text(encoding="utf-8")
