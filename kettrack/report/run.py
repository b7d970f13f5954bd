"""The notebooks of `contents.toml` on any cohort folder, then one HTML file that asks the network
for nothing.

The page has no script, no web font and no link to a style sheet; its content policy forbids a
browser to fetch any.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import nbformat
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from kettrack.analysis.short_answers import short_answers
from kettrack.errors import UsageError
from kettrack.escapes import visible
from kettrack.privacy.release.manifest import read_manifest
from kettrack.reading.load import load_cohort
from kettrack.report.execute import execute_all
from kettrack.report.first_page import (
    FirstAnswer,
    FirstPage,
    PageAnswer,
    compose_first_page,
)
from kettrack.report.release_check import release_check
from kettrack.report.together import withheld_in_report
from kettrack.resources import notebook_folder
from kettrack.result import REFUSED
from kettrack.writing import write_text

PARAMETERS: Final = "parameters"  # tag of the cell that names the cohort folder
# tag of the cell that overrides it; it holds a path of this machine and is never shown
INJECTED: Final = "injected"

TEMPLATES: Final = Path(__file__).parent / "template"
UNSEEN: Final = {PARAMETERS, INJECTED}  # cells that hold a path of this machine
# Of the file that the next report on the same clinic is checked against.
MANIFEST_ENDING: Final = ".manifest.json"
# A cell that teaches who reads the notebook, and is no part of a report on a clinic.
NOTEBOOK_ONLY: Final = "notebook-only"
CDN: Final = (
    "mathjax_url",
    "require_js_url",
    "jquery_url",
    "mermaid_js_url",
    "mermaid_layout_elk_js_url",
    "widget_renderer_url",
)
HEADING: Final = re.compile(r"<h([1-6])>(.*?)</h\1>", re.DOTALL)
TAG: Final = re.compile(r"<[^>]+>")
# Of "lib/pandas/core.py:12: FutureWarning: ..." the place goes, what follows stays.
PLACE: Final = re.compile(r"^\S+\.py:\d+: ", re.MULTILINE)
TABLE: Final = re.compile(r"<table.*?</table>", re.DOTALL)
CELL: Final = re.compile(r"<td>([^<]*)</td>")
HEAD_CELL: Final = re.compile(r"<th(?=[ >])")
# The first sentence of a result, above its figure.
FINDING: Final = re.compile(r"<p><b>(.*?)</b></p>", re.DOTALL)
LONGEST_ALT: Final = (
    300  # letters; a person who hears it wants the finding, not the paragraph
)
# With more columns a table is set smaller; with more still it is said that it scrolls.
SMALLER_FROM: Final = 9
SCROLLS_FROM: Final = 15
REFUSAL: Final = re.compile(rf"{REFUSED}[^<]*")
SAME_REASON: Final = "Cannot be answered from these data, for the reason given under"
LONG_CELL: Final = 36  # letters; such a cell wraps at a width that can be read
SCROLL: Final = (
    '<p class="about scroll">Scroll sideways to see all columns of this table.</p>'
)


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
    *,
    allow: tuple[str, ...] = (),
    previous: Path | None = None,
    **options: object,
) -> Path | None:
    """Run the notebooks on a cohort folder and write the report.

    Parameters
    ----------
    folder : Path
        The cohort folder.
    output : Path
        The HTML file; it appears whole or not at all.
    allow : tuple of str
        Columns let through the identifier check.
    previous : Path, optional
        Manifest of an earlier report on the same clinic, under the same policy.
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
        When the earlier report was made under other rules.
    NotebookFailed
        When a cell stops.
    """
    # Read here first: a problem is told at once, and not from the middle of a notebook.
    cohort = load_cohort(folder, allow=allow, **options)
    cohort.require_scores()
    contents = read_contents()
    sources = [_source(name) for name in contents.notebooks]
    earlier = read_manifest(previous) if previous is not None else None
    withheld, manifest = withheld_in_report(cohort, sources, earlier)
    if withheld:
        settings = replace(cohort.settings, withheld=withheld)
        cohort = replace(cohort, settings=settings)
        options = {**options, "withheld": withheld}
    # Before the notebooks, which take minutes: what cannot be answered fails early.
    answers = short_answers(cohort)
    page = compose_first_page(cohort, answers)
    notebooks = run_notebooks(contents.notebooks, folder, allow, options)
    behind = [result for answer in answers for result in answer.behind]
    last = release_check(cohort, behind, notebooks)
    write_text(render(contents.title, page, notebooks, last), output)
    if not manifest:
        return None
    beside = output.with_suffix(MANIFEST_ENDING)
    write_text(manifest, beside)
    return beside


def _source(name: str) -> str:
    """What the code cells of a notebook ask."""
    notebook = nbformat.read(notebook_folder() / name, as_version=4)
    return "\n".join(c.source for c in notebook.cells if c.cell_type == "code")


def run_notebooks(
    names: Sequence[str],
    folder: Path,
    allow: tuple[str, ...],
    options: Mapping[str, object],
) -> dict[str, NotebookNode]:
    """Run notebooks on a cohort folder.

    Parameters
    ----------
    names : sequence of str
        Files of the notebook folder, in order.
    folder, allow, options
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
    with _progress(
        sum(_n_code_cells(notebook) for notebook in notebooks.values())
    ) as on_cell:
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


@dataclass(frozen=True, slots=True)
class ContentsLine:
    """One line of the table of contents."""

    level: int
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """One notebook as HTML, and its headings."""

    anchor: str
    body: str
    entries: tuple[ContentsLine, ...]


def render(
    title: str,
    page: FirstPage,
    notebooks: Mapping[str, NotebookNode],
    last: tuple[PageAnswer, ...] = (),
) -> str:
    """Lay executed notebooks out as one page.

    Parameters
    ----------
    title : str
        Of the report.
    page : FirstPage
        What stands before the first notebook.
    notebooks : mapping
        File name to executed notebook, in order.
    last : tuple of PageAnswer
        What stands after the last notebook: the release check.

    Returns
    -------
    str
        HTML; the same input gives the same text.
    """
    exporter = _exporter()
    told: dict[str, str] = {}
    chapters = [
        _chapter(exporter, name, _reader_copy(notebook, told), notebooks)
        for name, notebook in notebooks.items()
    ]
    answers = tuple(_linked(answer, notebooks) for answer in page.answers)
    first = tuple(_all_linked(answer, notebooks) for answer in page.first)
    layout = exporter.environment.get_template("page.html.j2")
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    text: str = layout.render(
        title=title,
        page=replace(page, answers=answers, first=first),
        chapters=chapters,
        last=last,
        style=style,
    )
    # Tables of pandas and printed lines in the notebooks are in it too.
    return visible(text)


def _linked(answer: PageAnswer, notebooks: Mapping[str, object]) -> PageAnswer:
    """An answer that leads down the page to the notebook that has more, where it is there."""
    link = f"#{_anchor(answer.more)}" if answer.more in notebooks else ""
    return replace(answer, more=link)


def _all_linked(answer: FirstAnswer, notebooks: Mapping[str, object]) -> FirstAnswer:
    """A short answer whose longer ones lead down the page."""
    behind = tuple(_linked(longer, notebooks) for longer in answer.behind)
    return replace(answer, behind=behind)


def _exporter() -> HTMLExporter:
    # Without these addresses nbconvert writes no script that would ask the network for one.
    return HTMLExporter(
        template_name="basic",
        template_file="cells.html.j2",
        extra_template_paths=[str(TEMPLATES)],
        exclude_anchor_links=True,
        **dict.fromkeys(CDN, ""),
    )


def _chapter(
    exporter: HTMLExporter,
    name: str,
    notebook: NotebookNode,
    all_names: Mapping[str, object],
) -> Chapter:
    anchor = _anchor(name)
    body, _ = exporter.from_notebook_node(notebook)
    entries: list[ContentsLine] = []

    def with_anchor(found: re.Match[str]) -> str:
        level, words = found.groups()
        # Headings are numbered, as two of them may have the same words.
        own_anchor = f"{anchor}-{len(entries) + 1}"
        text = TAG.sub("", words).strip()
        entries.append(ContentsLine(int(level), own_anchor, text))
        return f'<h{level} id="{own_anchor}">{words}</h{level}>'

    body = boxed_tables(body)
    body = HEADING.sub(with_anchor, body)
    # A link to another notebook becomes a link down the page.
    for other in all_names:
        body = body.replace(f'href="{other}"', f'href="#{_anchor(other)}"')
    return Chapter(anchor, body, tuple(entries))


def boxed_tables(page: str) -> str:
    """HTML whose tables can be read on a phone, by keyboard and by ear.

    Examples
    --------
    >>> boxed_tables("<table><thead><th>n</th></thead></table>")[-58:]
    '<table><thead><th scope="col">n</th></thead></table></div>'
    """
    return TABLE.sub(_boxed_table, page)


def _boxed_table(found: re.Match[str]) -> str:
    """A table in a box that scrolls where it must, smaller or with a word where it is wide; long
    texts are marked to wrap.
    """
    table = CELL.sub(_wrapped_cell, found[0])
    columns = table.partition("</thead>")[0].count("<th>")
    table = _with_scopes(table)
    kind = "wide many" if columns > SMALLER_FROM else "wide"
    note = SCROLL if columns > SCROLLS_FROM else ""
    # Whoever has only a keyboard must be able to scroll it.
    box = f'<div class="{kind}" role="group" aria-label="Table" tabindex="0">'
    return f"{note}{box}{table}</div>"


def _with_scopes(table: str) -> str:
    """A table whose headings say whether they head a column or a row, for who hears it."""
    head, end, body = table.partition("</thead>")
    head = HEAD_CELL.sub('<th scope="col"', head)
    body = HEAD_CELL.sub('<th scope="row"', body)
    return head + end + body


def _wrapped_cell(cell: re.Match[str]) -> str:
    """A cell that wraps where its text is long."""
    text = cell[1]
    return f'<td class="long">{text}</td>' if len(text) > LONG_CELL else cell[0]


def _anchor(name: str) -> str:
    """Name of the place on the page where a notebook begins."""
    return Path(name).stem.replace("_", "-")


def _reader_copy(notebook: NotebookNode, told: dict[str, str]) -> NotebookNode:
    """A copy without the cells nobody should see, with a text for every picture, no path in a
    warning, and no refusal in the words of one that stands above.

    Parameters
    ----------
    notebook : NotebookNode
        As it was run.
    told : dict
        Refusals so far to the headings they stand under; those of this notebook are added.
    """
    # The notebook stays as it was run; it may be shown again.
    shown = deepcopy(notebook)
    shown.cells = [
        cell for cell in shown.cells if not UNSEEN & set(cell.metadata.get("tags", []))
    ]
    heading = ""
    finding = ""
    for cell in shown.cells:
        if cell.cell_type == "markdown":
            below = _last_heading(cell.source)
            # What was found under another heading is not what the next figure shows.
            finding = "" if below else finding
            heading = below or heading
        for output in cell.get("outputs", []):
            finding = _finding_of(output) or finding
            said = f"{heading}. {finding}" if finding else heading
            _describe(output, f"Figure: {said}")
            _shorten_refusal(output, heading, told)
    return shown


def _shorten_refusal(output: NotebookNode, heading: str, told: dict[str, str]) -> None:
    """Put a few words in the place of a refusal that the reader knows from above."""

    def known(found: re.Match[str]) -> str:
        where = told.setdefault(found[0], heading)
        return found[0] if where == heading else f"{SAME_REASON} “{where}”."

    data = output.get("data", {})
    if "text/html" in data:
        data["text/html"] = REFUSAL.sub(known, data["text/html"])


def _last_heading(source: str) -> str:
    headings = [
        line.lstrip("# ").strip()
        for line in source.splitlines()
        if line.startswith("#")
    ]
    return headings[-1] if headings else ""


def _finding_of(output: NotebookNode) -> str:
    """The beginning of what a result says, as plain text; empty for any other output."""
    found = FINDING.search(output.get("data", {}).get("text/html", ""))
    if found is None:
        return ""
    words = html.unescape(TAG.sub("", found[1]))
    if len(words) <= LONGEST_ALT:
        return words
    # Cut behind a whole sentence where there is one.
    cut = words[:LONGEST_ALT]
    whole, stop, _ = cut.rpartition(". ")
    return whole + stop.strip() if stop else f"{cut.rpartition(' ')[0]} ..."


def _describe(output: NotebookNode, words: str) -> None:
    if output.output_type == "stream" and output.name == "stderr":
        output.text = PLACE.sub("", output.text)
    if "image/png" in output.get("data", {}):
        output.metadata.setdefault("image/png", {}).setdefault("alt", words)
