"""The small pictures of the first page as SVG that stands in the page itself: its text is text, and
it asks the network for nothing.
"""

from __future__ import annotations

import io
import re
from typing import Final

import matplotlib.pyplot as plt
import pandas as pd

from kettrack.escapes import in_html
from kettrack.figures.short_answers import PICTURES

# Names of parts, and where they are used: two pictures on one page must not share any.
_NAME: Final = re.compile(r'(\bid="|href="#|url\(#)')
# Addresses of name spaces, which a page of HTML does not need.
_ADDRESS: Final = re.compile(r'\s(?:xmlns(?::\w+)?|version)="[^"]*"')
_METADATA: Final = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_WIDTH: Final = re.compile(r'(<svg[^>]*?) width="[^"]*"')
_HEIGHT: Final = re.compile(r'(<svg[^>]*?) height="[^"]*"')
_DRAWN_WIDTH: Final = re.compile(r'^<svg[^>]*viewBox="0 0 ([\d.]+) ')


def draw_inline(key: str, table: pd.DataFrame, words: str) -> str:
    """Draw the picture of an answer.

    Parameters
    ----------
    key : str
        Of the answer.
    table : DataFrame
        What the picture shows; without rows there is none.
    words : str
        What is seen, for who cannot see it.

    Returns
    -------
    str
        An element `svg`; empty without rows. The same table gives the same text.
    """
    if table.empty:
        return ""

    # Text stays text, and names of parts do not change from run to run.
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        axes = PICTURES[key](table)
        figure = axes.get_figure(root=True)
        assert figure is not None
        written = io.StringIO()
        no_date = {"Date": None}
        figure.savefig(
            written,
            format="svg",
            metadata=no_date,
            transparent=True,
        )
        plt.close(figure)
    return element_of(written.getvalue(), key, words)


def element_of(whole: str, key: str, words: str) -> str:
    """A file of SVG as an element of a page.

    Parameters
    ----------
    whole : str
        As matplotlib writes it.
    key : str
        Put before the names of its parts: two pictures of one page share none.
    words : str
        What is seen, for who cannot see it.
    """
    # What stands before the element belongs to a file of its own.
    _, svg, rest = whole.partition("<svg")
    element = _METADATA.sub("", svg + rest)
    element = _ADDRESS.sub("", element)
    # The size in points gives way to the width of the page.
    element = _WIDTH.sub(r"\1", element, count=1)
    element = _HEIGHT.sub(r"\1", element, count=1)
    element = _NAME.sub(rf"\g<1>{key}-", element)
    label = in_html(words)
    named = f'<svg role="img" aria-label="{label}"'
    return element.replace("<svg", named, 1).strip()


def as_drawn(whole: str, key: str, words: str) -> str:
    """A file of SVG as an element that is shown no larger than it was drawn, so that the letters
    of all figures have one size.

    Parameters
    ----------
    whole, key, words
        As for `element_of`.
    """
    element = element_of(whole, key, words)
    (width,) = _DRAWN_WIDTH.findall(element)
    sized = f'<svg style="--drawn: {width}pt; max-width: {width}pt"'
    return element.replace("<svg", sized, 1)
