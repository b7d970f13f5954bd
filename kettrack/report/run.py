"""The notebooks of `contents.toml` on any cohort folder, then one HTML file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nbformat
from nbformat import NotebookNode

from kettrack.errors import UsageError
from kettrack.reading.load import load_cohort
from kettrack.report.execute import execute_all
from kettrack.report.first_page import compose_first_page
from kettrack.report.render import render
from kettrack.resources import notebook_folder
from kettrack.writing import write_text

PARAMETERS: Final = "parameters"  # tag of the cell that names the cohort folder
# tag of the cell that overrides it; it holds a path of this machine and is never shown
INJECTED: Final = "injected"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a report is made of: its title, and the notebooks in order."""

    title: str
    notebooks: tuple[str, ...]


def read_contents() -> Contents:
    """Read `contents.toml`.

    Examples
    --------
    >>> read_contents().notebooks[0]
    '01_cohort_overview.ipynb'
    """
    said = tomllib.loads(
        (Path(__file__).parent / "contents.toml").read_text(encoding="utf-8")
    )
    return Contents(said["title"], tuple(said["notebooks"]))


def inject(notebook: NotebookNode, name: str, **values: object) -> None:
    """Put a cell behind the one tagged `parameters` that sets its names to other values.

    Raises
    ------
    UsageError
        When the notebook has no such cell.
    """
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    place = next(
        (index for index, there in enumerate(tags) if PARAMETERS in there), None
    )
    if place is None:
        raise UsageError(f"{name} has no cell tagged {PARAMETERS!r}.")
    source = "\n".join(f"{variable} = {value!r}" for variable, value in values.items())
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": [INJECTED]}, id=INJECTED)
    notebook.cells.insert(place + 1, cell)


def write_report(
    folder: Path, output: Path, *, allow: tuple[str, ...] = (), **options: str
) -> None:
    """Run the notebooks on a cohort folder and write the report.

    Parameters
    ----------
    folder : Path
        The cohort folder.
    output : Path
        The HTML file; it appears whole or not at all.
    allow : tuple of str
        Columns let through the identifier check.
    **options : str
        `instrument`, `criteria`, `policy` as for `load_cohort`.

    Raises
    ------
    DataProblems
        Before any notebook runs, when the folder cannot be read.
    NotebookFailed
        When a cell stops.
    """
    cohort = load_cohort(folder, allow=allow, **options)
    cohort.require_scores()
    contents = read_contents()
    page = compose_first_page(cohort)
    notebooks = {
        name: nbformat.read(notebook_folder() / name, as_version=4)
        for name in contents.notebooks
    }
    for name, notebook in notebooks.items():
        inject(
            notebook,
            name,
            folder=str(folder.resolve()),
            options={"allow": allow, **options},
        )
    with _progress(
        sum(_n_code_cells(notebook) for notebook in notebooks.values())
    ) as on_cell:
        execute_all(notebooks, on_cell)
    write_text(render(contents.title, page, notebooks), output)


def _n_code_cells(notebook: NotebookNode) -> int:
    return sum(cell.cell_type == "code" for cell in notebook.cells)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, at a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(
        console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("Running the notebooks", total=total)
        yield lambda: bar.advance(task)
