"""What the theme leaves out for people who hear a page or have only a keyboard."""

from __future__ import annotations

from pathlib import Path

# As the theme and the notebooks write it -> with what is missing.
BETTER = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="On this page">',
    # What scrolls must be reached by keyboard.
    '<div class="output text_html">': '<div class="output text_html" tabindex="0">',
    '<div class="table-wrapper ': '<div tabindex="0" class="table-wrapper ',
    "<pre>": '<pre tabindex="0">',
    # A corner of a table that heads nothing.
    "<th></th>": "<td></td>",
    # A browser would ask for a picture that is not there.
    "</head>": '<link rel="icon" href="data:,"></head>',
}


def polish(page: str) -> str:
    """A page with what is missing."""
    for written, better in BETTER.items():
        page = page.replace(written, better)
    return page


def polish_all(site: Path) -> None:
    """Every page of a site."""
    for path in site.rglob("*.html"):
        path.write_text(polish(path.read_text("utf-8")), encoding="utf-8")
