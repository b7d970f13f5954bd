"""Strict nbval is the proof that the notebooks still say what they said: so it must notice one
number.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOK = "notebooks/01_cohort_overview.ipynb"
LAST_ASKED = "baseline_table"  # the cells up to the mean age are enough
FEWEST_GREEN = 4  # cells that name the folder, read, draw, or show another table
AGE_APART = 40  # years: moves the mean age of 240 people by more than its last decimal


@pytest.fixture
def copy(checkout: Path, tmp_path: Path) -> Path:
    """The package as it is compiled, its sample and one notebook, apart from the checkout."""
    for name in ("kettrack", "data/sample"):
        shutil.copytree(checkout / name, tmp_path / name)
    for name in ("pyproject.toml", "notebooks/sanitize.cfg", NOTEBOOK):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(checkout / name, tmp_path / name)
    shorten(tmp_path / NOTEBOOK)
    return tmp_path


def shorten(path: Path) -> None:
    """Keep the first cells of a notebook, down to the one that asks `LAST_ASKED`."""
    notebook = nbformat.read(path, as_version=4)
    (last,) = (
        place
        for place, cell in enumerate(notebook.cells)
        if f'"{LAST_ASKED}"' in cell.source
    )
    notebook.cells = notebook.cells[: last + 1]
    nbformat.write(notebook, path)


def nbval(folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    options = [
        "--nbval",
        "--nbval-current-env",
        "--nbval-sanitize-with=notebooks/sanitize.cfg",
        "-p",
        "no:cacheprovider",
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, NOTEBOOK],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} no longer holds {old!r}: change something else"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def check_red(exit_code: int, said: str) -> None:
    """Some cells differ, and only in what they show: the others are as green as in the checkout."""
    assert exit_code == 1, said
    assert "Cell outputs differ" in said
    assert "Cell execution" not in said
    found = re.search(r"(\d+) failed, (\d+) passed", said)
    assert found, said
    assert int(found[2]) >= FEWEST_GREEN


def test_red_when_one_number_of_the_sample_changes(
    copy: Path, plain_environment: dict[str, str]
) -> None:
    patients = copy / "data" / "sample" / "patients.csv"
    first = patients.read_text(encoding="utf-8").splitlines()[1]
    cells = first.split(",")
    age = int(cells[1])
    cells[1] = str(age + AGE_APART if age + AGE_APART < 90 else age - AGE_APART)
    change(patients, first, ",".join(cells))
    check_red(*nbval(copy, plain_environment))


def test_red_when_one_rounding_changes(
    copy: Path, plain_environment: dict[str, str]
) -> None:
    change(
        copy / "kettrack" / "result.py",
        "self.decimals.get(column, 1)",
        "self.decimals.get(column, 2)",
    )
    check_red(*nbval(copy, plain_environment))
