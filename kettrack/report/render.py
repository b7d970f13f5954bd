"""Executed notebooks to one HTML file that asks the network for nothing.

The page has no script, no web font and no link to a style sheet; its content policy forbids a browser to fetch any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from kettrack.report.first_page import FirstPage

TEMPLATES: Final = Path(__file__).parent / "template"
UNSEEN: Final = {"parameters", "injected"}  # cells that hold a path of this machine
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


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table of contents."""

    level: int
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """One notebook as HTML, and its headings."""

    anchor: str
    body: str
    entries: tuple[Entry, ...]


def render(title: str, page: FirstPage, notebooks: Mapping[str, NotebookNode]) -> str:
    """Lay executed notebooks out as one page.

    Parameters
    ----------
    title : str
        Of the report.
    page : FirstPage
        What stands before the first notebook.
    notebooks : mapping
        File name to executed notebook, in order.

    Returns
    -------
    str
        HTML; the same input gives the same text.
    """
    exporter = _exporter()
    chapters = [_chapter(exporter, name, notebook, notebooks) for name, notebook in notebooks.items()]
    layout = exporter.environment.get_template("page.html.j2")
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    text: str = layout.render(title=title, page=page, chapters=chapters, style=style)
    return text


def _exporter() -> HTMLExporter:
    return HTMLExporter(
        template_name="basic",
        template_file="cells.html.j2",
        extra_template_paths=[str(TEMPLATES)],
        exclude_anchor_links=True,
        **dict.fromkeys(CDN, ""),
    )


def _chapter(exporter: HTMLExporter, name: str, notebook: NotebookNode, all_names: Mapping[str, object]) -> Chapter:
    anchor = _anchor(name)
    body, _ = exporter.from_notebook_node(_presentable(notebook))
    entries: list[Entry] = []

    def numbered(found: re.Match[str]) -> str:
        entry = Entry(int(found[1]), f"{anchor}-{len(entries) + 1}", TAG.sub("", found[2]).strip())
        entries.append(entry)
        return f'<h{found[1]} id="{entry.anchor}">{found[2]}</h{found[1]}>'

    body = HEADING.sub(numbered, body)
    for other in all_names:  # a link to another notebook becomes a link down the page
        body = body.replace(f'href="{other}"', f'href="#{_anchor(other)}"')
    return Chapter(anchor, body, tuple(entries))


def _anchor(name: str) -> str:
    return Path(name).stem.replace("_", "-")


def _presentable(notebook: NotebookNode) -> NotebookNode:
    """A copy without the cells nobody should see, with a text for every picture and no path in a warning."""
    shown = deepcopy(notebook)
    shown.cells = [cell for cell in shown.cells if not UNSEEN & set(cell.metadata.get("tags", []))]
    heading = ""
    for cell in shown.cells:
        if cell.cell_type == "markdown":
            heading = _last_heading(cell.source) or heading
        for output in cell.get("outputs", []):
            _describe(output, heading)
    return shown


def _last_heading(source: str) -> str:
    headings = [line.lstrip("# ").strip() for line in source.splitlines() if line.startswith("#")]
    return headings[-1] if headings else ""


def _describe(output: NotebookNode, heading: str) -> None:
    if output.output_type == "stream" and output.name == "stderr":
        output.text = PLACE.sub("", output.text)
    if "image/png" in output.get("data", {}):
        output.metadata.setdefault("image/png", {}).setdefault("alt", f"Figure: {heading}")
