"""The notebooks of `contents.toml` on any cohort folder, then one HTML file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import nbformat
from nbformat import NotebookNode

from kettrack.analysis.short_answers import short_answers
from kettrack.errors import UsageError
from kettrack.privacy.release.manifest import read_manifest
from kettrack.reading.cohort import Cohort
from kettrack.reading.load import load_cohort
from kettrack.report.against_page import Other, against_chapters
from kettrack.report.execute import CellRun, execute_all
from kettrack.report.first_page import compose_first_page
from kettrack.report.formats import require_formats, writers
from kettrack.report.layout import INJECTED, PARAMETERS, render
from kettrack.report.methods import describe_methods
from kettrack.report.paper_tables import ask_for_paper, paper_tables, provenance_of
from kettrack.report.papers import Paper
from kettrack.report.release_check import release_check
from kettrack.report.timings import Timings
from kettrack.report.together import withheld_in_report
from kettrack.resources import notebook_folder
from kettrack.timelines.derived import derive
from kettrack.writing import write_together

# Of the file that the next report on the same clinic is checked against.
MANIFEST_ENDING: Final = ".manifest.json"
# A cell that teaches who reads the notebook, and is no part of a report on a clinic.
NOTEBOOK_ONLY: Final = "notebook-only"


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


def leave_out_for_readers(notebook: NotebookNode) -> None:
    """Take the cells that only the notebook shows out of it, before it is run."""
    cells = notebook.cells
    notebook.cells = [
        cell for cell in cells if NOTEBOOK_ONLY not in cell.metadata.get("tags", [])
    ]


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
    folder: Path,
    output: Path,
    *also: str,
    allow: tuple[str, ...] = (),
    previous: Path | None = None,
    timings: Timings | None = None,
    other: Other | None = None,
    **options: object,
) -> Path | None:
    """Run the notebooks on a cohort folder and write the report.

    Parameters
    ----------
    folder : Path
        The cohort folder.
    output : Path
        The HTML file; it appears whole or not at all.
    *also : str
        Endings of the files to write beside it: `.pdf`, `.docx`, `.xlsx`. All are written or none.
    allow : tuple of str
        Columns let through the identifier check.
    previous : Path, optional
        Manifest of an earlier report on the same clinic, under the same policy.
    timings : Timings, optional
        Notes how long each part took.
    other : Cohort or str, optional
        Another clinic, or a period of this one, for a chapter that compares both.
    **options : str
        `instrument`, `criteria`, `policy` as for `load_cohort`.

    Returns
    -------
    Path or None
        The manifest beside the report, under a policy for release.

    Raises
    ------
    DataProblems
        Before any notebook runs, when the folder cannot be read.
    UsageError
        When the earlier report was made under other rules, or the period is none.
    NotIdentified
        When the two sides cannot be compared.
    NotebookFailed
        When a cell stops.
    """
    # A package that is missing is told before minutes of work.
    require_formats(also)
    timings = timings or Timings()
    with timings.step("reading the folder"):
        cohort = _read(folder, allow, options)
    contents = read_contents()
    with timings.step("what the policy hides"):
        cohort, manifest = _withheld(cohort, contents, previous, other)
    with timings.step("the other side"):
        notebooks = against_chapters(cohort, other)
    with timings.step("the first page"):
        # Before the notebooks, which take longest: what cannot be answered fails early.
        answers = short_answers(cohort)
        page = compose_first_page(cohort, answers)
    with timings.step("the notebooks, two side by side"):
        options = {**options, "withheld": cohort.settings.withheld}
        notebooks |= run_notebooks(contents.notebooks, folder, allow, options, timings)
    with timings.step("tables and methods"):
        paper = _paper(cohort)
    with timings.step("laying out and writing"):
        behind = [result for answer in answers for result in answer.behind]
        last = release_check(cohort, behind, notebooks)
        text = render(contents.title, page, notebooks, last, paper.methods)
        return _write_files(output, also, text, paper, manifest)


def _write_files(
    output: Path,
    also: Collection[str],
    text: str,
    paper: Paper,
    manifest: str,
) -> Path | None:
    """Write the page and what stands beside it, all or nothing; the place of the manifest."""
    files = writers(output, also, text, paper)
    files[output] = partial(_write, text)
    if not manifest:
        write_together(files)
        return None
    beside = output.with_suffix(MANIFEST_ENDING)
    files[beside] = partial(_write, manifest)
    write_together(files)
    return beside


def _paper(cohort: Cohort) -> Paper:
    """Tables and methods, under the policy of the report."""
    derived = derive(cohort)
    found = ask_for_paper(derived)
    methods = describe_methods(derived, found)
    return Paper(
        tables=paper_tables(derived, found),
        made_from=provenance_of(derived),
        methods=methods.paragraphs,
    )


def _write(text: str, draft: Path) -> None:
    draft.write_text(text, encoding="utf-8", newline="\n")


def _read(
    folder: Path,
    allow: tuple[str, ...],
    options: Mapping[str, object],
) -> Cohort:
    """The cohort, read before any notebook does: a problem is told at once, and not from the middle
    of a notebook.
    """
    cohort = load_cohort(folder, allow=allow, **options)
    cohort.require_scores()
    return cohort


def _withheld(
    cohort: Cohort,
    contents: Contents,
    previous: Path | None,
    other: Other | None,
) -> tuple[Cohort, str]:
    """The cohort that knows which numbers the whole report may not show, and the manifest."""
    sources = [_source(name) for name in contents.notebooks]
    earlier = read_manifest(previous) if previous is not None else None
    withheld, manifest = withheld_in_report(cohort, sources, earlier, other)
    settings = replace(cohort.settings, withheld=withheld)
    return replace(cohort, settings=settings), manifest


def _source(name: str) -> str:
    """What the code cells of a notebook ask."""
    notebook = nbformat.read(notebook_folder() / name, as_version=4)
    return "\n".join(c.source for c in notebook.cells if c.cell_type == "code")


def run_notebooks(
    names: Sequence[str],
    folder: Path,
    allow: tuple[str, ...],
    options: Mapping[str, object],
    timings: Timings | None = None,
) -> dict[str, NotebookNode]:
    """Run notebooks on a cohort folder.

    Parameters
    ----------
    names : sequence of str
        Files of the notebook folder, in order.
    folder, allow, options, timings
        As for `write_report`.

    Returns
    -------
    dict
        File name to executed notebook.
    """
    notebooks = {
        name: nbformat.read(notebook_folder() / name, as_version=4) for name in names
    }
    for name, notebook in notebooks.items():
        leave_out_for_readers(notebook)
        inject(
            notebook,
            name,
            folder=str(folder.resolve()),
            # The notebooks read the folder again, each by itself, under the same options.
            options={"allow": allow, **options},
        )
    total = sum(_n_code_cells(notebook) for notebook in notebooks.values())
    with _progress(total) as advance:

        def on_cell(run: CellRun) -> None:
            advance()
            if timings is not None:
                timings.cell(run)

        execute_all(notebooks, on_cell)
    return notebooks


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
