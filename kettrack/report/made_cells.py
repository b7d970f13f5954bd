"""Answers and figures as cells of a notebook that was run, for pages that no notebook makes."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Final

import matplotlib.pyplot as plt
import nbformat
from matplotlib.axes import Axes
from nbformat import NotebookNode

from kettrack.result import Result

_DOTS: Final = 110  # per inch: sharp on a screen, and a page that can be mailed


def made_cell(
    source: str,
    name: str,
    data: dict[str, str],
) -> NotebookNode:
    """A cell of code with one output, as a notebook would have stored it.

    Parameters
    ----------
    source : str
        Code that a reader could run.
    name : str
        Of the cell; not the same twice in a notebook.
    data : dict
        From `answer_data` or `figure_data`.
    """
    output = nbformat.v4.new_output("display_data", data=data)
    return nbformat.v4.new_code_cell(source, outputs=[output], id=name)


def answer_data(result: Result) -> dict[str, str]:
    """An answer as a notebook holds it."""
    return {"text/html": result._repr_html_(), "text/plain": repr(result)}


def figure_data(axes: Axes) -> dict[str, str]:
    """A figure as a notebook holds it; it is closed."""
    figure = axes.get_figure(root=True)
    picture = BytesIO()
    plt.figure(figure)
    plt.savefig(picture, format="png", dpi=_DOTS, bbox_inches="tight")
    # Figures that stay open would pile up.
    plt.close(figure)
    return {"image/png": b64encode(picture.getvalue()).decode("ascii")}
