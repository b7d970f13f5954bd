"""Executed notebooks and a first page as one HTML file that asks the network for nothing.

The page has no script, no web font and no link to a style sheet; its content policy forbids a
browser to fetch any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbformat import NotebookNode

from kettrack.escapes import in_html, visible
from kettrack.report.first_page import FirstAnswer, FirstPage, PageAnswer
from kettrack.report.glossary import WORDS
from kettrack.report.pictures import as_drawn
from kettrack.report.sections import (
    finding_of,
    opening_of,
    with_folded_cautions,
    with_short_findings,
    without_checks,
)
from kettrack.report.tables import boxed_tables
from kettrack.result import REFUSED

PARAMETERS: Final = "parameters"  # tag of the cell that names the cohort folder

TEMPLATES: Final = Path(__file__).parent / "template"
UNSEEN: Final = {PARAMETERS}  # cells that may hold a path of this machine
# Code is coloured as IPython, whatever a stored notebook says of its language.
LEXER: Final = "ipython3"
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
LONGEST_ALT: Final = (
    300  # letters; a person who hears it wants the finding, not the paragraph
)
REFUSAL: Final = re.compile(rf"{REFUSED}[^<]*")
SAME_REASON: Final = "Cannot be answered from these data, for the reason given under"
SVG: Final = "image/svg+xml"
# In code the number and the sign are parted by tags; what is read aloud is not broken into lines.
PARTED_PERCENT: Final = re.compile(r"(?<=\d) (?=%)(?![^<>]*>)")


@dataclass(frozen=True, slots=True)
class ContentsLine:
    """One line of the table of contents."""

    level: int
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """One notebook as HTML, and its headings.

    Parameters
    ----------
    anchor : str
        Where it begins.
    body : str
        HTML.
    entries : tuple of ContentsLine
        Its headings.
    checks : tuple of ContentsLine
        Headings of its sections in the appendix.
    """

    anchor: str
    body: str
    entries: tuple[ContentsLine, ...]
    checks: tuple[ContentsLine, ...] = ()


def render(
    title: str,
    page: FirstPage,
    notebooks: Mapping[str, NotebookNode],
    last: tuple[PageAnswer, ...] = (),
    methods: tuple[PageAnswer, ...] = (),
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
    methods : tuple of PageAnswer
        How the numbers were made, between the two.

    Returns
    -------
    str
        HTML; the same input gives the same text.
    """
    exporter = _exporter()
    told: dict[str, str] = {}
    chapters = []
    appendix = []
    for name, notebook in notebooks.items():
        anchor = _anchor(name)
        shown = _reader_copy(notebook, anchor, told)
        chapter, checks = without_checks(shown)
        behind = _chapter(exporter, f"{anchor}-checks", checks, notebooks)
        before = _chapter(exporter, anchor, chapter, notebooks)
        body = _opened(before.body, opening_of(shown))
        chapters.append(replace(before, body=body, checks=behind.entries))
        if behind.entries:
            appendix.append(behind)
    answers = tuple(_linked(answer, notebooks) for answer in page.answers)
    first = tuple(_all_linked(answer, notebooks) for answer in page.first)
    layout = exporter.environment.get_template("page.html.j2")
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    text: str = layout.render(
        title=title,
        page=replace(page, answers=answers, first=first),
        chapters=chapters,
        appendix=appendix,
        last=last,
        methods=methods,
        words=WORDS if first else {},
        style=style,
    )
    # Tables of pandas and printed lines in the notebooks are in it too.
    return with_percents(visible(text))


def with_percents(page: str) -> str:
    """A page on which no line ends between a number and its percent sign.

    Parameters
    ----------
    page : str
        HTML.

    Examples
    --------
    >>> with_percents("<p>34 % of 9</p>").replace(chr(160), "_")
    '<p>34_% of 9</p>'
    """
    return PARTED_PERCENT.sub("\u00a0", page)


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
    exporter = HTMLExporter(
        template_name="basic",
        template_file="cells.html.j2",
        extra_template_paths=[str(TEMPLATES)],
        exclude_anchor_links=True,
        **dict.fromkeys(CDN, ""),
    )
    coloured = Highlight2HTML(pygments_lexer=LEXER)
    exporter.register_filter("highlight_code", coloured)
    return exporter


def _opened(body: str, answers: tuple[str, ...]) -> str:
    """A chapter with its answers below its title."""
    opening = "".join(f'\n<p class="opening">{in_html(words)}</p>' for words in answers)
    return body.replace("</h1>", f"</h1>{opening}", 1)


def _chapter(
    exporter: HTMLExporter,
    anchor: str,
    notebook: NotebookNode,
    all_names: Mapping[str, object],
) -> Chapter:
    # Its own class would parse all that was written once more, to look for pictures without a text.
    # Here every picture has one, and tables of thousands of cells take longer than all else.
    body, _ = TemplateExporter.from_notebook_node(exporter, notebook)
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


def _anchor(name: str) -> str:
    """Name of the place on the page where a notebook begins."""
    return Path(name).stem.replace("_", "-")


def _reader_copy(
    notebook: NotebookNode,
    anchor: str,
    told: dict[str, str],
) -> NotebookNode:
    """A copy without the cells nobody should see, with a text for every picture, no path in a
    warning, and no refusal in the words of one that stands above.

    Parameters
    ----------
    notebook : NotebookNode
        As it was run.
    anchor : str
        Put before the names of the parts of its figures.
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
    figures = count(1)
    for cell in shown.cells:
        if cell.cell_type == "markdown":
            below = _last_heading(cell.source)
            # What was found under another heading is not what the next figure shows.
            finding = "" if below else finding
            heading = below or heading
        for output in cell.get("outputs", []):
            finding = _in_short(finding_of(output)) or finding
            said = f"{_as_sentence(heading)} {finding}" if finding else heading
            _describe(output, f"Figure: {said}", f"{anchor}-{next(figures)}")
            _shorten_answer(output, heading, told)
    return shown


def _shorten_answer(output: NotebookNode, heading: str, told: dict[str, str]) -> None:
    """Put a few words in the place of a refusal that the reader knows from above, and let only the
    beginning of a long answer stand out.
    """

    def known(found: re.Match[str]) -> str:
        where = told.setdefault(found[0], heading)
        return found[0] if where == heading else f"{SAME_REASON} “{where}”."

    data = output.get("data", {})
    if "text/html" in data:
        shortened = REFUSAL.sub(known, data["text/html"])
        found = with_short_findings(shortened)
        data["text/html"] = with_folded_cautions(found, heading)


def _last_heading(source: str) -> str:
    headings = [
        line.lstrip("# ").strip()
        for line in source.splitlines()
        if line.startswith("#")
    ]
    return headings[-1] if headings else ""


def _as_sentence(heading: str) -> str:
    """A heading as it is read aloud before a sentence; many of them are questions."""
    return heading if heading.endswith(("?", "!", ".")) else f"{heading}."


def _in_short(words: str) -> str:
    """The beginning of what a result says, as whole sentences where it has any."""
    if len(words) <= LONGEST_ALT:
        return words
    cut = words[:LONGEST_ALT]
    whole, stop, _ = cut.rpartition(". ")
    return whole + stop.strip() if stop else f"{cut.rpartition(' ')[0]} ..."


def _describe(output: NotebookNode, words: str, key: str) -> None:
    if output.output_type == "stream" and output.name == "stderr":
        output.text = PLACE.sub("", output.text)
    data = output.get("data", {})
    if "image/png" in data:
        output.metadata.setdefault("image/png", {}).setdefault("alt", words)
    if SVG in data:
        data[SVG] = as_drawn(data[SVG], key, words)
