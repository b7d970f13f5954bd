"""Files of SPSS, Stata and SAS, written when a test runs: by pyreadstat and by R's haven."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from kettrack.importing.registry import read_source
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceTable


def by_haven(folder: Path, script: str) -> None:
    """Run a script of R in a folder, with haven at hand."""
    if not _haven_is_there():
        pytest.skip("R with the package haven is not installed")
    done = subprocess.run(
        ["Rscript", "-e", f"suppressMessages(library(haven)); {script}"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@cache
def _haven_is_there() -> bool:
    if not shutil.which("Rscript"):
        return False
    asked = ["Rscript", "-e", "quit(status = !requireNamespace('haven'))"]
    return subprocess.run(asked, capture_output=True).returncode == 0


def one_column(
    path: Path, numbers: list[float | None], form: str = ""
) -> tuple[list[object], Remarks]:
    """Cells of a column that is written with a format, and what was said about it."""
    frame = pd.DataFrame(
        {"X": pd.array(numbers, dtype="Float64").to_numpy(na_value=float("nan"))}
    )
    forms = {"X": form} if form else None
    writers = {
        ".sav": pyreadstat.write_sav,
        ".dta": pyreadstat.write_dta,
        ".xpt": pyreadstat.write_xport,
    }
    writers[path.suffix](frame, str(path), variable_format=forms)
    remarks = Remarks()
    return only_table(path, remarks).data["X"].to_pylist(), remarks


def only_table(path: Path, remarks: Remarks, **answers: str) -> SourceTable:
    """The one table of a file."""
    (table,) = read_source(path, answers, remarks).tables
    return table


def cells(table: SourceTable, column: str) -> list[object]:
    """What stands in a column."""
    found: list[object] = table.data[column].to_pylist()
    return found


def whys(table: SourceTable, column: str) -> list[object]:
    """Why nothing stands there."""
    found: list[object] = table.reasons[column].to_pylist()
    return found
