"""One look for every figure: colours by meaning, safe for colour-blind readers, with hatches where
grey print needs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

STYLE_SHEET: Final = Path(__file__).with_name("kettrack.mplstyle")

# Okabe-Ito colours by what they stand for.
RESPONDED: Final = "#0072B2"
REMITTED: Final = "#004B75"
PARTIAL: Final = "#E69F00"
WORSE: Final = "#D55E00"
STOPPED: Final = "#CC79A7"
COMPLETED: Final = "#E8CFA0"
NO_DATA: Final = "#BBBBBB"
IN_CARE: Final = "#EEF3F6"
INK: Final = "#333333"
ONE_LINE: Final = 0.5  # inches: height of a figure that only says why there is none


@contextmanager
def canvas(ax: Axes | None, width: float = 7.0, height: float = 4.2) -> Iterator[Axes]:
    """Draw in the house style, on the given axes or on new ones."""
    with plt.style.context(str(STYLE_SHEET)):
        yield (
            plt.subplots(figsize=(width, height), layout="constrained")[1]
            if ax is None
            else ax
        )


def write_caption(ax: Axes, caption: str) -> None:
    """Put N, rule and extract under the axes, small, from the left edge of the figure."""
    if caption:
        place = ("figure fraction", ax.xaxis.label)
        ax.annotate(
            caption,
            (0.01, 0),
            (0, -4),
            xycoords=place,
            textcoords="offset points",
            fontsize=7,
            color="#666666",
            va="top",
        )


def nothing_to_draw(ax: Axes, table: pd.DataFrame, column: str) -> bool:
    """Say so on the axes when every value is missing, refused or hidden; a figure of its own
    becomes one line high.
    """
    if len(table) and table[column].notna().any():
        return False
    ax.set_axis_off()
    if (figure := ax.get_figure(root=True)) is not None and figure.axes == [ax]:
        figure.set_size_inches(figure.get_size_inches()[0], ONE_LINE)
    ax.text(
        0.5,
        0.5,
        "Not shown: refused, or hidden under this policy",
        ha="center",
        transform=ax.transAxes,
        color=INK,
    )
    return True
