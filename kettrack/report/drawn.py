"""How figures stand in a report: lines with text as text, or dots where a figure has very many
marks.
"""

from __future__ import annotations

import io
import struct
from binascii import b2a_base64
from typing import Any, Final

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, StepPatch

# With more marks the lines would be a larger file than dots are, and slow to show.
MOST_MARKS: Final = 2_000
_TIMES: Final = 2  # dots of a fine screen for each dot of the layout


def show_in_report(formatter: Any) -> None:
    """Let a shell show figures as a report does.

    Parameters
    ----------
    formatter : DisplayFormatter
        Of the shell.
    """
    formatter.formatters["image/svg+xml"].for_type(Figure, as_lines)
    formatter.formatters["image/png"].for_type(Figure, as_dots)


def as_lines(figure: Figure) -> str | None:
    """A figure as SVG; None where it has too many marks."""
    if n_marks(figure) > MOST_MARKS:
        return None
    written = io.StringIO()
    # Text stays text, and names of parts do not change from run to run.
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "kettrack"}):
        figure.savefig(
            written,
            format="svg",
            metadata={"Date": None},
            bbox_inches="tight",
        )
    return written.getvalue()


def as_dots(figure: Figure) -> tuple[str, dict[str, int]] | None:
    """A figure as PNG for fine screens, with the size that it is shown at; None where it is drawn
    in lines.
    """
    if n_marks(figure) <= MOST_MARKS:
        return None
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=_TIMES * figure.dpi, bbox_inches="tight")
    dots = written.getvalue()
    # Every PNG begins with its size.
    width, height = struct.unpack(">II", dots[16:24])
    size = {"width": width // _TIMES, "height": height // _TIMES}
    return b2a_base64(dots, newline=False).decode("ascii"), size


def n_marks(figure: Figure) -> int:
    """Points, bars and lines of a figure.

    Examples
    --------
    >>> figure, axes = plt.subplots()
    >>> few = n_marks(figure)
    >>> _ = axes.plot(range(500), "o")
    >>> n_marks(figure) - few
    500
    >>> plt.close(figure)
    """
    marks = 0
    for axes in figure.axes:
        for artist in axes.get_children():
            if isinstance(artist, Line2D):
                pointed = artist.get_marker() not in (None, "None", "", " ")
                marks += len(artist.get_xdata()) if pointed else 1  # type: ignore[arg-type]
            elif isinstance(artist, StepPatch):
                # Many bars in one outline.
                heights, *_ = artist.get_data()
                drawn = np.isfinite(heights)
                marks += int(drawn.sum())
            elif isinstance(artist, Collection):
                marks += max(len(artist.get_offsets()), len(artist.get_paths()))  # type: ignore[arg-type]
            else:
                marks += isinstance(artist, Patch)
    return marks
