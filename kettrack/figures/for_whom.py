"""For whom: differences between groups of people as a forest."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.arrays import Floats
from kettrack.figures.kit import (
    count_text,
    legend_above,
    nothing_to_draw,
    numbers,
    write_caption,
)
from kettrack.figures.style import (
    CAPTION_INK,
    INK,
    LABEL_SIZE,
    RESPONDED,
    WORSE,
    canvas,
)

_ROW: Final = 0.21  # inches of a row
_FRAME: Final = 1.7  # inches of title, legend, axis and caption
_GAP: Final = 0.7  # rows between two characteristics


def plot_for_whom(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how far each group differs in response from the first group of its kind.

    Parameters
    ----------
    table : DataFrame
        The table of `for_whom`: one row per group, and one per number.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Filled = difference at equal other characteristics, with the interval that holds for all
        rows at once; hollow = the same drawn toward no difference. What a group is compared with
        stands at the right.

    Examples
    --------
    >>> rows = [{"characteristic": "sex", "group": name, "n": 90} for name in ("female", "male")]
    >>> ends = {"adjusted_low": -9.0, "adjusted_high": 5.0, "shrunken": -1.0}
    >>> ax = plot_for_whom(pd.DataFrame([rows[0], rows[1] | {"adjusted": -2.0} | ends]))
    >>> [label.get_text() for label in ax.get_yticklabels()], ax.texts[0].get_text()
    (['male (90)'], 'sex, against female (90)')
    """
    there = "adjusted" in table
    shown = table[table["adjusted"].notna()] if there else table.iloc[:0]
    with canvas(ax, width=9.5, height=_FRAME + _ROW * _n_lines(shown)) as axes:
        if nothing_to_draw(axes, shown, "adjusted"):
            return axes
        at = _places(shown)
        axes.axvline(0, color=INK, linewidth=0.8)
        _marks(axes, shown, at)
        names = [
            f"{group} ({count_text(n)})"
            for group, n in zip(shown["group"], shown["n"], strict=True)
        ]
        axes.set_yticks(at, names, fontsize=LABEL_SIZE)
        for height, words in _side_words(table, shown, at):
            _beside(axes, words, height)
        axes.set_ylim(float(at[0]) - 1, float(at[-1]) + 1)
        axes.invert_yaxis()
        axes.set(xlabel="percentage points; right = more responded")
        axes.grid(axis="x", alpha=0.3)
        legend_above(axes, 2)
        axes.set_title(
            "Response at equal other characteristics (people in brackets)",
            loc="left",
            pad=24,
        )
        write_caption(axes, caption)
        return axes


def _n_lines(shown: pd.DataFrame) -> float:
    """Rows, and the gaps between characteristics."""
    kinds = shown["characteristic"].nunique() if len(shown) else 0
    return max(len(shown) + _GAP * kinds, 1)


def _places(shown: pd.DataFrame) -> Floats:
    """Height of each row; a new characteristic, or a number after groups, begins after a gap."""
    changes = shown["characteristic"].ne(shown["characteristic"].shift())
    return np.arange(len(shown)) + _GAP * changes.cumsum().to_numpy(float)


def _marks(axes: Axes, shown: pd.DataFrame, at: Floats) -> None:
    """Differences with their intervals, and below each what is left of it."""
    low = numbers(shown["adjusted_low"])
    high = numbers(shown["adjusted_high"])
    axes.hlines(at, low, high, color=RESPONDED, linewidth=1.2)
    axes.plot(
        numbers(shown["adjusted"]),
        at,
        "o",
        color=RESPONDED,
        markersize=4,
        label="difference, with an interval that holds for all rows at once",
    )
    axes.plot(
        numbers(shown["shrunken"]),
        at,
        "D",
        color=WORSE,
        fillstyle="none",
        markersize=4.5,
        label="drawn toward no difference",
    )


def _side_words(
    table: pd.DataFrame, shown: pd.DataFrame, at: Floats
) -> list[tuple[float, str]]:
    """What the rows are about, and what they are compared with, beside the first row of each."""
    words = []
    before = ""
    for height, row in zip(at, shown.to_dict("records"), strict=True):
        name = str(row["characteristic"])
        if name != before:
            words.append((float(height), _against(table, name, row)))
        before = name
    return words


def _against(table: pd.DataFrame, name: str, row: dict[str, object]) -> str:
    """The group that the others are compared with, in words."""
    # A number has no group and so no share; its row comes after those of the groups.
    if pd.isna(row.get("estimate", 0)):
        return f"{name}, as a straight line"
    own = table[(table["characteristic"] == name) & table["adjusted"].isna()]
    if own.empty:
        return name
    group = str(own["group"].iloc[0])
    words = f"against {group} ({count_text(own['n'].iloc[0])})"
    return words if group.startswith(name) else f"{name}, {words}"


def _beside(axes: Axes, words: str, height: float) -> None:
    """Words at the right of the axes."""
    axes.annotate(
        words,
        (1.01, height),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=LABEL_SIZE,
        color=CAPTION_INK,
    )
