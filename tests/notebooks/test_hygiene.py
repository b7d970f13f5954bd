"""A notebook is prose with calls, and what it stores is what it says: strict nbval compares it,
these tests keep that worth it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat import NotebookNode

from kettrack import notebook_folder, sample_folder
from kettrack.report.execute import METADATA
from kettrack.report.run import read_contents
from kettrack.report.sections import opening_of

FOLDER = notebook_folder()
MOST_LINES = 8
# rows of people: for the treating clinic, never part of a report
OF_SINGLE_PATIENTS = ["08_patient_review.ipynb"]
# a page of its own: `kettrack check --html`
OF_THE_FOLDER = ["00_data_quality.ipynb"]
# about simulated clinics, not about the cohort of a report
OF_METHODS = ["09_methods_on_trial.ipynb"]
ID_LIKE = re.compile(r"\b[A-Za-z]{1,3}[-_]?\d{3,}\b")
NO_IDS = {"SHA-256"}
CITATION = re.compile(r"\bPMC\d+|\b10\.\d{4,}/\S+")  # of a publication
PLACE = re.compile(
    r"(?<![\w.:/<])/(?:home|Users|root|tmp|var|opt|usr|mnt|work|private)/|\b[A-Z]:\\"
)


def name_of(path: Path) -> str:
    return path.stem


@pytest.fixture(params=sorted(FOLDER.glob("*.ipynb")), ids=name_of)
def notebook(request: pytest.FixtureRequest) -> NotebookNode:
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(output: NotebookNode) -> str:
    """Everything an output says in words."""
    data = output.get("data", {})
    return "\n".join(
        [output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")]
    )


def has_figure(cell: NotebookNode) -> bool:
    return any("image/png" in output.get("data", {}) for output in cell.outputs)


def has_table(cell: NotebookNode) -> bool:
    return any(
        "<table" in output.get("data", {}).get("text/html", "")
        for output in cell.outputs
    )


def test_every_notebook_is_in_the_report_but_those_named_here() -> (
    None
):
    assert sorted(
        [
            *read_contents().notebooks,
            *OF_SINGLE_PATIENTS,
            *OF_THE_FOLDER,
            *OF_METHODS,
        ]
    ) == sorted(path.name for path in FOLDER.glob("*.ipynb"))


def test_every_code_cell_has_run_in_order(notebook: NotebookNode) -> None:
    """A cell that has not run is not compared by nbval: a stripped notebook would be green and
    prove nothing.
    """
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any(has_table(cell) for cell in cells)


@pytest.mark.parametrize("name", read_contents().notebooks)
def test_every_chapter_has_an_answer_to_open_with(name: str) -> None:
    shown = nbformat.read(FOLDER / name, as_version=4)
    opening = opening_of(shown)
    assert opening
    assert all(re.search(r"\d", words) for words in opening)


def test_calls_and_defines_nothing(notebook: NotebookNode) -> None:
    for cell in code_cells(notebook):
        nodes = list(ast.walk(ast.parse(cell.source)))
        assert not any(
            isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
            )
            for node in nodes
        )
        assert len(cell.source.splitlines()) <= MOST_LINES


def test_one_title(notebook: NotebookNode) -> None:
    prose = "\n".join(
        cell.source for cell in notebook.cells if cell.cell_type == "markdown"
    )
    assert notebook.cells[0].source.startswith("# ")
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1


def test_one_cell_names_the_folder(notebook: NotebookNode) -> None:
    tagged = [
        cell
        for cell in code_cells(notebook)
        if "parameters" in cell.metadata.get("tags", [])
    ]
    assert len(tagged) == 1
    names = {
        target.id
        for node in ast.parse(tagged[0].source).body
        for target in node.targets
    }  # type: ignore[attr-defined]
    assert names - {"options"} == {"folder"}


def test_every_figure_stands_below_its_table(notebook: NotebookNode) -> None:
    cells = code_cells(notebook)
    for before, cell in zip(cells, cells[1:], strict=False):
        assert not has_figure(cell) or has_table(before)


def test_every_number_has_fixed_decimals(notebook: NotebookNode) -> None:
    """Six or more decimals are a float that nobody rounded: it differs between machines."""
    outputs = [
        shown(output) for cell in code_cells(notebook) for output in cell.outputs
    ]
    assert [text for text in outputs if re.search(r"\d\.\d{6,}", text)] == []


def test_no_path_of_a_machine(notebook: NotebookNode) -> None:
    said = [cell.source for cell in notebook.cells]
    said += [shown(output) for cell in code_cells(notebook) for output in cell.outputs]
    assert [text for text in said if PLACE.search(text)] == []


def test_no_warning_and_no_error_is_stored(notebook: NotebookNode) -> None:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert [
        output
        for output in outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ] == []


def test_no_person_outside_the_sample(notebook: NotebookNode) -> None:
    ids = set(pd.read_csv(sample_folder() / "patients.csv").patient_id)
    said = " ".join(
        shown(output) for cell in code_cells(notebook) for output in cell.outputs
    )
    # Names of columns that a page reads are no words.
    said = re.sub(r'data-\w+="[^"]*"', "", CITATION.sub("", said))
    assert set(ID_LIKE.findall(said)) <= ids | NO_IDS


def test_stored_by_the_store(notebook: NotebookNode) -> None:
    """Nothing of machine, time or chance: `make notebooks` writes it so."""
    assert notebook.metadata == METADATA
    assert [cell.id for cell in notebook.cells] == [
        f"cell-{number:02d}" for number in range(1, len(notebook.cells) + 1)
    ]
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)
