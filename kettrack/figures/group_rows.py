"""Groups of people one below the other, gathered by characteristic: a row each."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.arrays import Floats
from kettrack.figures.kit import count_text
from kettrack.figures.style import CAPTION_INK, LABEL_SIZE

_ROW: Final = 0.22  # inches of a row
_FRAME: Final = 1.7  # inches of title, legend, axis and caption
_GAP: Final = 0.7  # rows between two characteristics


def place_groups(groups: pd.DataFrame) -> Floats:
    """Height of each row; a new characteristic, or a number after groups, begins after a gap."""
    names = groups["characteristic"]
    begins = names.ne(names.shift())
    gaps = begins.cumsum().to_numpy(float)
    return np.arange(len(groups)) + _GAP * gaps


def height_of_groups(groups: pd.DataFrame) -> float:
    """Inches of a figure that has a row for each group."""
    if groups.empty:
        return _FRAME + _ROW
    last = place_groups(groups)[-1]
    return _FRAME + _ROW * float(last)


def name_groups(axes: Axes, groups: pd.DataFrame, at: Floats) -> None:
    """Groups from the top down, each with its number of people."""
    names = [
        f"{group} ({count_text(n)})"
        for group, n in zip(groups["group"], groups["n"], strict=True)
    ]
    axes.set_yticks(at, names, fontsize=LABEL_SIZE)
    # From the bottom up, so that the first row stands on top.
    bottom = float(at[-1]) + 1
    top = float(at[0]) - 1
    axes.set_ylim(bottom, top)
    axes.grid(axis="x", alpha=0.3)


def words_at_right(axes: Axes, words: str, height: float) -> None:
    """Words beside a row, at the right of the axes."""
    axes.annotate(
        words,
        (1.01, height),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=LABEL_SIZE,
        color=CAPTION_INK,
    )
