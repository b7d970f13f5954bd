"""Two sides of a comparison: how far they are apart, one measure below the other."""

from __future__ import annotations

import textwrap
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.arrays import Floats
from kettrack.figures.kit import (
    legend_above,
    nothing_to_draw,
    numbers,
    write_caption,
)
from kettrack.figures.style import (
    FAINT_INK,
    INK,
    LABEL_SIZE,
    RESPONDED,
    WORSE,
    canvas,
)
from kettrack.vocabulary.plain_words import percentage

_ROW: Final = 0.46  # inches of a row
_FRAME: Final = 1.8  # inches of title, legend, axis and caption
_BELOW: Final = 0.24  # rows from a difference to the same with equal people
_LONGEST_LINE: Final = 46  # letters of a label
# Harm has the colour of harm; who is counted is neither good nor bad.
_COLOURS: Final = {"harm": WORSE, "counted": INK}


def plot_against(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how far two clinics, or two periods, are apart in percentages.

    Parameters
    ----------
    table : DataFrame
        The table of `against`: two rows per measure. Measures in other units are not drawn.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Filled = difference with its interval, thin = the interval that holds for all measures at
        once, hollow = the same with the case mix of both sides. No ranking: whether more is better
        differs from row to row.

    Examples
    --------
    >>> row = {"about": "had responded", "answer": "response", "unit": "% of people"}
    >>> rows = [row | {"side": side, "estimate": 40.0} for side in ("2023", "2024")]
    >>> apart = {"difference": 0.0, "difference_low": -5.0, "difference_high": 5.0}
    >>> ax = plot_against(pd.DataFrame([rows[0], rows[1] | apart]))
    >>> ax.get_xlabel().splitlines()
    ['percentage points: 2024 less 2023', 'in brackets: 2024, and 2023']
    """
    first, second = _pairs(table)
    with canvas(ax, width=8.5, height=_FRAME + _ROW * max(len(second), 1)) as axes:
        if nothing_to_draw(axes, second, "difference"):
            return axes
        at = np.arange(len(second), dtype=np.float64)
        axes.axvline(0, color=INK, linewidth=0.8)
        _draw(axes, second, at)
        names = [
            _label(about, numbers_of)
            for about, *numbers_of in zip(
                second["about"], second["estimate"], first["estimate"], strict=True
            )
        ]
        axes.set_yticks(at, names, fontsize=LABEL_SIZE)
        axes.set_ylim(len(second) - 0.4, -0.6)
        axes.grid(axis="x", alpha=0.3)
        here = second["side"].iloc[0]
        there = first["side"].iloc[0]
        # Names of sides can be long: beside the title they would be cut off.
        axes.set_xlabel(
            f"percentage points: {here} less {there}\nin brackets: {here}, and {there}"
        )
        legend_above(axes, 3)
        axes.set_title("How far two sides are apart", loc="left", pad=24)
        write_caption(axes, caption)
        return axes


def _pairs(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of both sides of what can be drawn on one axis."""
    if table.empty or "difference" not in table:
        return table.iloc[:0], table.iloc[:0]
    percent = table[table["unit"].astype(str).str.startswith("%")]
    later = percent["about"].duplicated()
    second = percent[later & percent["difference"].notna()]
    first = percent[~later & percent["about"].isin(second["about"])]
    return first, second


def _label(about: str, shares: list[float]) -> str:
    """What is compared, and both figures."""
    said = " and ".join(map(percentage, shares))
    return f"{textwrap.fill(about, _LONGEST_LINE)} ({said} %)"


def _draw(axes: Axes, rows: pd.DataFrame, at: Floats) -> None:
    # The words beside a row say what it is to readers in grey.
    colours = [_COLOURS.get(answer, RESPONDED) for answer in rows["answer"]]
    if "joint_low" in rows:
        axes.hlines(
            at,
            numbers(rows["joint_low"]),
            numbers(rows["joint_high"]),
            color=FAINT_INK,
            linewidth=0.8,
            label="interval for all at once",
        )
    axes.hlines(
        at,
        numbers(rows["difference_low"]),
        numbers(rows["difference_high"]),
        color=colours,
        linewidth=2.4,
    )
    axes.scatter(
        numbers(rows["difference"]),
        at,
        color=colours,
        s=26,
        zorder=3,
        label="as they are",
    )
    if "alike" in rows:
        _draw_alike(axes, rows, at + _BELOW, colours)


def _draw_alike(
    axes: Axes,
    rows: pd.DataFrame,
    at: Floats,
    colours: list[str],
) -> None:
    """The same with the case mix of both sides, a little below."""
    axes.hlines(
        at,
        numbers(rows["alike_low"]),
        numbers(rows["alike_high"]),
        color=colours,
        linewidth=1.0,
        linestyle=(0, (3, 2)),
    )
    axes.scatter(
        numbers(rows["alike"]),
        at,
        facecolors="white",
        edgecolors=colours,
        marker="D",
        s=20,
        zorder=3,
        label="with the same case mix",
    )
