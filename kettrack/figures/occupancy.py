"""State of everyone who started, week by week: stacked so that what is not known takes its own
room.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.style import (
    IN_CARE,
    NO_DATA,
    PARTIAL,
    REMITTED,
    RESPONDED,
    STOPPED,
    WORSE,
    canvas,
    nothing_to_draw,
    write_caption,
)

UNCHANGED: Final = "#CFCFCF"
# Column of the table -> colour, hatch, words; from the bottom up.
BANDS: Final = {
    "remission": (REMITTED, "", "remission"),
    "response": (RESPONDED, "", "response"),
    "partial": (PARTIAL, "", "partial"),
    "unchanged": (UNCHANGED, "", "unchanged"),
    "worse": (WORSE, "xxxx", "worse"),
    "not_known": (NO_DATA, "////", "not known, in care or unclear"),
    "not_known_after_stop": (STOPPED, "....", "not known, treatment over"),
    "not_rated": (IN_CARE, "\\\\\\\\", "no rated baseline"),
    "log_ended": ("#F6F6F6", "", "log ended"),
}
TICK_EVERY: Final = 4


def plot_occupancy(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how many people are in which state at each week, everyone who started in every column.

    Parameters
    ----------
    table : DataFrame
        The table of `state_occupancy`: one row per week; weeks with a hidden count stay empty.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Under the weeks: people whose log still runs, and people whose treatment is over.
    """
    with canvas(ax, width=8.4, height=4.8) as axes:
        if nothing_to_draw(
            axes, table.dropna(subset=list(BANDS)) if len(table) else table, "week"
        ):
            return axes
        shown = table.dropna(subset=list(BANDS))
        base = np.zeros(len(shown))
        for column, (colour, hatch, _) in BANDS.items():
            height = shown[column].to_numpy(float)
            edge = "#FFFFFF" if column != "not_rated" else "#B9C4CB"
            axes.bar(
                shown["week"],
                height,
                width=1,
                bottom=base,
                color=colour,
                hatch=hatch,
                edgecolor=edge,
                linewidth=0,
                label=column,
            )
            base = base + height
        _frame(axes, table)
        _legend(axes)
        write_caption(axes, caption)
        return axes


def _frame(axes: Axes, table: pd.DataFrame) -> None:
    ticks = table[table["week"] % TICK_EVERY == 0]
    nobody_knows = ticks["treatment_over"].isna().all()
    unknown = "?" if nobody_knows else "hidden"
    rows = zip(ticks["week"], ticks["followed"], ticks["treatment_over"], strict=True)
    axes.set_xticks(
        ticks["week"],
        [
            "\n".join(unknown if pd.isna(n) else f"{int(n)}" for n in row)
            for row in rows
        ],
        fontsize=8,
    )
    for line, words in enumerate(("log runs", "treatment over")):
        axes.annotate(
            words,
            (-0.025, 0),
            (0, -16 - 9.8 * line),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=8,
        )
    n = table["n"].max()
    axes.set(
        xlim=(table["week"].min() - 0.5, table["week"].max() + 0.5), ylabel="people"
    )
    hidden = (
        "; weeks with a hidden count stay white"
        if table[list(BANDS)].isna().any(axis=None)
        else ""
    )
    axes.set_xlabel(f"weeks after session 1{hidden}")
    if not pd.isna(n):
        axes.set_ylim(0, float(n))
        axes.set_title(
            f"In which state all {int(n)} people who started are, and of whom it is not known",
            loc="left",
        )
    else:
        axes.set_title(
            "In which state everyone who started is, and of whom it is not known",
            loc="left",
        )


def _legend(axes: Axes) -> None:
    """Words in the order of the bands, top to bottom, beside the axes."""
    handles = [container[0] for container in axes.containers]
    words = [said for _, _, said in BANDS.values()]
    legend = axes.legend(
        handles[::-1],
        words[::-1],
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        fontsize=8,
    )
    for patch in legend.get_patches():
        patch.set_linewidth(0.4)
        if not patch.get_hatch():
            patch.set_edgecolor("#777777")
