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

from kettrack.analysis import estimate
from kettrack.analysis.short_answers import short_answers
from kettrack.privacy.doors import hides_counts
from kettrack.privacy.release.manifest import read_manifest
from kettrack.reading.cohort import Cohort
from kettrack.reading.load import load_cohort
from kettrack.report.against_page import Other, against_chapters
from kettrack.report.drawn import show_in_report
from kettrack.report.execute import (
    NOTHING_ELSE,
    AtHand,
    CellRun,
    Meanwhile,
    execute_all,
)
from kettrack.report.first_page import FirstPage, compose_first_page
from kettrack.report.formats import require_formats, writers
from kettrack.report.layout import render
from kettrack.report.methods import describe_methods
from kettrack.report.paper_tables import (
    ASKED,
    ask_for_paper,
    paper_tables,
    provenance_of,
)
from kettrack.report.papers import Paper
from kettrack.report.release_check import release_check
from kettrack.report.timings import Timings
from kettrack.report.together import withheld_in_report
from kettrack.resources import notebook_folder
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.writing import write_together

# Of the file that the next report on the same clinic is checked against.
MANIFEST_ENDING: Final = ".manifest.json"
# A cell that teaches who reads the notebook, and is no part of a report on a clinic.
NOTEBOOK_ONLY: Final = "notebook-only"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a report is made of: its title and the notebooks in order; those that begin before the
    first page is worked out, and the one that takes longest.
    """

    title: str
    notebooks: tuple[str, ...]
    early: tuple[str, ...]
    longest: str

    def as_begun(self) -> list[str]:
        """The notebooks in the order in which they begin: the last come earlier than the first, as
        a long one that starts late would run alone at the end.

        Examples
        --------
        >>> Contents("", ("a", "b", "c", "d"), early=("b",), longest="c").as_begun()
        ['b', 'c', 'd', 'a']
        """
        there = self.notebooks
        early = [name for name in self.early if name in there]
        longest = [name for name in there if name == self.longest]
        return list(dict.fromkeys([*early, *longest, *reversed(there)]))


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
    return Contents(
        said["title"],
        tuple(said["notebooks"]),
        tuple(said.get("early", ())),
        said.get("longest", ""),
    )


def leave_out_for_readers(notebook: NotebookNode) -> None:
    """Take the cells that only the notebook shows out of it, before it is run."""
    cells = notebook.cells
    notebook.cells = [
        cell for cell in cells if NOTEBOOK_ONLY not in cell.metadata.get("tags", [])
    ]


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
        derived, manifest = _withheld(cohort, contents, previous, other)
    with timings.step("the other side"):
        notebooks = against_chapters(derived.cohort, other)
    page = _PageAndPaper(derived, timings)
    names = contents.notebooks
    with timings.step("the notebooks, side by side"):
        early = len(set(contents.early) & set(names))
        beside = Meanwhile(page.work_out(), early)
        ran = run_notebooks(contents.as_begun(), derived, timings, beside)
    notebooks |= {name: ran[name] for name in names}
    with timings.step("laying out and writing"):
        last = release_check(derived.cohort, page.behind, notebooks)
        text = render(contents.title, page.first, notebooks, last, page.paper.methods)
        return _write_files(output, also, text, page.paper, manifest)


class _PageAndPaper:
    """The first page, and tables and methods: what a report says outside of its notebooks."""

    first: FirstPage
    paper: Paper
    behind: list[Result]

    def __init__(self, cohort: DerivedCohort, timings: Timings) -> None:
        self._cohort = cohort
        self._timings = timings

    def work_out(self) -> Iterator[None]:
        """Ask what they need, in steps; the notebooks that begin later find the answers."""
        with self._timings.step("the first page"):
            answers = short_answers(self._cohort)
            self.first = compose_first_page(self._cohort.cohort, answers)
            self.behind = [result for answer in answers for result in answer.behind]
        yield
        with self._timings.step("tables and methods"):
            for name in ASKED:
                estimate(name, self._cohort)
                yield
            self.paper = _paper(self._cohort)


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


def _paper(derived: DerivedCohort) -> Paper:
    """Tables and methods, under the policy of the report."""
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
) -> tuple[DerivedCohort, str]:
    """The cohort that knows which numbers the whole report may not show, and the manifest."""
    sources = [_source(name) for name in contents.notebooks]
    earlier = read_manifest(previous) if previous is not None else None
    outside = derive(cohort)
    withheld, manifest = withheld_in_report(outside, sources, earlier, other)
    settings = replace(cohort.settings, withheld=withheld)
    # The notebooks find what the same questions have found already.
    return derive(replace(cohort, settings=settings)).sharing(outside), manifest


def as_in_report(cohort: Cohort, *also: str) -> Cohort:
    """The cohort that hides what a report on it hides: an answer, a handout or a page that leaves
    beside a report then shows no number that the report does not.

    Parameters
    ----------
    cohort : Cohort
        Under any policy. Under one that hides no small counts it stays as it is: hardly any number
        has to go there, and a report takes long to look through.
    *also : str
        Code that asks what no report asks, such as `estimate("response_by_session", cohort,
        by="sex")`: it is protected together with a report.

    Returns
    -------
    Cohort
        To be asked in the place of the one that was given.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> cohort = load_cohort(sample_folder(), policy="release")
    >>> as_in_report(cohort) is cohort
    True
    """
    if not hides_counts(cohort.settings.policy):
        return cohort
    sources = [_source(name) for name in read_contents().notebooks]
    withheld, _ = withheld_in_report(derive(cohort), [*sources, *also])
    return replace(cohort, settings=replace(cohort.settings, withheld=withheld))


def _source(name: str) -> str:
    """What the code cells of a notebook ask."""
    notebook = nbformat.read(notebook_folder() / name, as_version=4)
    return "\n".join(c.source for c in notebook.cells if c.cell_type == "code")


def run_notebooks(
    names: Sequence[str],
    cohort: DerivedCohort,
    timings: Timings | None = None,
    meanwhile: Meanwhile = NOTHING_ELSE,
) -> dict[str, NotebookNode]:
    """Run notebooks on a cohort.

    Parameters
    ----------
    names : sequence of str
        Files of the notebook folder, in the order in which they begin.
    cohort : DerivedCohort
        Stands in the place of the one that each would read.
    timings : Timings, optional
        As for `write_report`.
    meanwhile : Meanwhile
        As for `execute_all`.

    Returns
    -------
    dict
        File name to executed notebook, in that order.
    """
    notebooks = {
        name: nbformat.read(notebook_folder() / name, as_version=4) for name in names
    }
    for notebook in notebooks.values():
        leave_out_for_readers(notebook)
    total = sum(_n_code_cells(notebook) for notebook in notebooks.values())
    given = AtHand({"cohort": cohort}, show_in_report)
    with _progress(total) as advance:

        def on_cell(run: CellRun) -> None:
            advance()
            if timings is not None:
                timings.cell(run)

        execute_all(notebooks, on_cell, given, meanwhile)
    return notebooks


def _n_code_cells(notebook: NotebookNode) -> int:
    return sum(cell.cell_type == "code" for cell in notebook.cells)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, at a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    # Without a thread of its own: processes are copied while it is shown.
    with Progress(
        console=console,
        transient=True,
        disable=not console.is_terminal,
        auto_refresh=False,
    ) as bar:
        task = bar.add_task("Running the notebooks", total=total)
        yield lambda: bar.update(task, advance=1, refresh=True)
