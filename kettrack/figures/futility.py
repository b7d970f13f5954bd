"""The futility sheet as dots: later response of those who had not improved and went on, beside what
noise would show.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.style import (
    INK,
    RESPONDED,
    canvas,
    nothing_to_draw,
    write_caption,
)

GROUPS: Final = {"below_20": "< 20 % better", "20_to_49": "20-49 % better"}
# Right of the percent.
COLUMNS: Final = {
    "went_on": (108, "went on"),
    "n": (121, "followed"),
    "stopped": (134, "stopped"),
    "unscored": (148, "unscored"),
}
WIDTH: Final = 154


def plot_futility(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw one row per landmark and group: who responded later, and what sessions that do nothing
    would show.

    Parameters
    ----------
    table : DataFrame
        The table of `should_we_go_on`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Dot and interval: responded later, confirmed by a second score; hollow: null; columns of
        numbers at the right.
    """
    with canvas(ax, width=9.0, height=4.6) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        at = _places(table)
        told = table["estimate"].notna().to_numpy()
        _draw_rows(axes, table[told], at[told])
        _say_refused(axes, table[~told], at[~told])
        _write_columns(axes, table, at)
        groups = [GROUPS[str(group)] for group in table["group"]]
        labels = [
            f"session {landmark}: {group}"
            for landmark, group in zip(table["landmark"], groups, strict=True)
        ]
        axes.set_yticks(at, labels)
        axes.set(
            xlim=(0, WIDTH),
            ylim=(at.max() + 0.6, at.min() - 0.6),
            xticks=range(0, 101, 20),
        )
        axes.set_xlabel(
            "% who responded later, confirmed by a second score", x=50 / WIDTH
        )
        axes.spines["bottom"].set_bounds(0, 100)
        axes.grid(axis="x")
        axes.set_title(
            "No response so far, and went on: how many responded later",
            loc="left",
            pad=24,
        )
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 0.99),
            ncols=2,
            fontsize=8,
            borderaxespad=0.2,
        )
        write_caption(axes, caption)
        return axes


def _places(table: pd.DataFrame) -> np.ndarray:
    """Height of each row; landmarks stand a little apart."""
    number = table["landmark"].rank(method="dense").to_numpy(float)
    return np.arange(len(table)) + 0.5 * number


def _draw_rows(axes: Axes, rows: pd.DataFrame, at: np.ndarray) -> None:
    axes.hlines(at, rows["ci_low"], rows["ci_high"], color=RESPONDED, linewidth=1.5)
    axes.plot(
        rows["estimate"],
        at,
        "o",
        color=RESPONDED,
        markersize=6,
        label="responded later, 95 % interval",
        clip_on=False,
    )
    null = rows["null"].notna().to_numpy()
    if null.any():
        axes.plot(
            rows["null"][null],
            at[null],
            "D",
            markerfacecolor="none",
            markeredgecolor=INK,
            markersize=6.5,
            clip_on=False,
            label="if no effect (model)",
        )


def _say_refused(axes: Axes, rows: pd.DataFrame, at: np.ndarray) -> None:
    for reason, height in zip(rows["reason"], at, strict=True):
        axes.annotate(
            f"not shown: {reason or 'hidden'}",
            (1, height),
            fontsize=8,
            color="#777777",
            va="center",
            style="italic",
        )


def _write_columns(axes: Axes, table: pd.DataFrame, at: np.ndarray) -> None:
    """Numbers beside each row; a hidden one is a dash."""
    for column, (place, title) in COLUMNS.items():
        axes.annotate(
            title,
            (place, 1.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            fontsize=8,
            color=INK,
        )
        for count, height in zip(table[column], at, strict=True):
            said = "-" if pd.isna(count) else f"{int(count):,}"
            axes.annotate(said, (place, height), ha="center", va="center", fontsize=9)
