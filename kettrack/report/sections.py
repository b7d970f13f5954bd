"""What a chapter opens with, and which of its sections stand in the appendix; tags of the notebook
say both.
"""

from __future__ import annotations

import html
import re
from copy import copy
from typing import Final

from nbformat import NotebookNode

from kettrack.report.first_page import paragraphs, sentences_of

# Of a cell: the beginning of what it finds is the answer of the chapter.
ANSWER: Final = "answer"
# Of a heading: its section is for who checks, and no table that a clinic uses.
CHECKS: Final = "checks"
_SENTENCES: Final = 2  # what was found, and most often how far it holds
_HEADING: Final = re.compile(r"^#{1,6} ", re.MULTILINE)
_TAG: Final = re.compile(r"<[^>]+>")
# The caveats of a result, at its end.
_CAUTIONS: Final = re.compile(
    r"<ul>((?:<li>(?:(?!</?ul>).)*</li>)*)</ul></div>", re.DOTALL
)
# The first sentence of a result, above its figure.
_FINDING: Final = re.compile(r"<p><b>(.*?)</b></p>", re.DOTALL)


def finding_of(output: NotebookNode) -> str:
    """What a result says, as plain text; empty for any other output."""
    data = output.get("data", {})
    shown = data.get("text/html", "")
    found = _FINDING.search(shown)
    if found is None:
        return ""
    words = _TAG.sub("", found[1])
    return html.unescape(words)


def with_short_findings(page: str) -> str:
    """HTML in which the beginning of an answer stands out, and the rest can be read.

    Examples
    --------
    >>> with_short_findings("<p><b>One of 9. Two of 9. Three of 9.</b></p>")
    '<p><b>One of 9. Two of 9.</b></p><p>Three of 9.</p>'
    """
    return _FINDING.sub(_with_beginning, page)


def _with_beginning(found: re.Match[str]) -> str:
    sentences = sentences_of(found[1])
    beginning = " ".join(sentences[:_SENTENCES])
    rest = " ".join(sentences[_SENTENCES:])
    others = [f"<p>{words}</p>" for words in paragraphs(rest)]
    return "".join([f"<p><b>{beginning}</b></p>", *others])


def with_folded_cautions(page: str, about: str) -> str:
    """HTML of a result whose caveats are a tap away; what is printed shows them all.

    Parameters
    ----------
    page : str
        HTML.
    about : str
        What the caveats are about, for who hears the page.

    Examples
    --------
    >>> with_folded_cautions("<ul><li>Small.</li></ul></div>", "Harm")[:36]
    '<details class="cautions"><summary>1'
    >>> with_folded_cautions("<ul></ul></div>", "Harm")
    '</div>'
    """

    def folded(found: re.Match[str]) -> str:
        n = found[1].count("<li>")
        if not n:
            return "</div>"
        what = "note on method and limits" if n == 1 else "notes on method and limits"
        told = f'{n} {what}<span class="unseen">: {html.escape(about)}</span>'
        notes = f"<ul>{found[1]}</ul>"
        return f'<details class="cautions"><summary>{told}</summary>{notes}</details></div>'

    return _CAUTIONS.sub(folded, page)


def opening_of(notebook: NotebookNode) -> tuple[str, ...]:
    """The answers with which a chapter opens, each in a sentence or two.

    Parameters
    ----------
    notebook : NotebookNode
        As it was run.
    """
    opening = []
    for cell in notebook.cells:
        if not _has(cell, ANSWER):
            continue
        for output in cell.outputs:
            words = finding_of(output)
            sentences = sentences_of(words)
            opening.append(" ".join(sentences[:_SENTENCES]))
    return tuple(filter(None, opening))


def without_checks(notebook: NotebookNode) -> tuple[NotebookNode, NotebookNode]:
    """A notebook without the sections for who checks, and these alone.

    Parameters
    ----------
    notebook : NotebookNode
        Its cells are in one or the other; a section goes to the next heading.
    """
    chapter = copy(notebook)
    chapter.cells = []
    checks = copy(notebook)
    checks.cells = []
    here = chapter
    for cell in notebook.cells:
        if _is_heading(cell):
            here = checks if _has(cell, CHECKS) else chapter
        here.cells.append(cell)
    return chapter, checks


def _is_heading(cell: NotebookNode) -> bool:
    if cell.cell_type != "markdown":
        return False
    return _HEADING.search(cell.source) is not None


def _has(
    cell: NotebookNode,
    tag: str,
) -> bool:
    tags = cell.metadata.get("tags", [])
    return tag in tags
