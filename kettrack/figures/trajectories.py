"""Mean course by session, for everybody and by how many sessions people ended up having: who stops
when.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.style import (
    INK,
    PARTIAL,
    RESPONDED,
    STOPPED,
    WORSE,
    canvas,
    nothing_to_draw,
    write_caption,
)

EVERYBODY: Final = "everybody"
STRATA: Final = {
    "1-3": (WORSE, "o"),
    "4-6": (PARTIAL, "s"),
    "7-12": (RESPONDED, "^"),
    "13+": (STOPPED, "D"),
}
GAP: Final = 0.045  # smallest distance between two labels, as a share of the axis


def plot_trajectories(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the fan of mean scores by session.

    Parameters
    ----------
    table : DataFrame
        The table of `trajectories`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One line per stratum with intervals, the number scored under each session for everybody.
    """
    with canvas(ax, width=7.6) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        shown = table[(table["axis"] == "session") & table["estimate"].notna()]
        everybody = shown[shown["stratum"] == EVERYBODY]
        axes.plot(
            everybody["at"],
            everybody["estimate"],
            color=INK,
            linewidth=2.2,
            label=EVERYBODY,
            zorder=3,
        )
        axes.fill_between(
            everybody["at"],
            everybody["ci_low"],
            everybody["ci_high"],
            color=INK,
            alpha=0.12,
            linewidth=0,
        )
        ends = [(EVERYBODY, everybody, INK)]
        for name, (colour, marker) in STRATA.items():
            rows = shown[shown["stratum"] == name]
            if len(rows):
                _line(axes, rows, name, colour, marker)
                ends.append(
                    (
                        f"{name} sessions in the end ({_number(rows['people'].iloc[0])} people)",
                        rows,
                        colour,
                    )
                )
        _label_ends(axes, ends)
        _frame(axes, everybody)
        write_caption(axes, caption)
        return axes


def _line(axes: Axes, rows: pd.DataFrame, name: str, colour: str, marker: str) -> None:
    axes.plot(
        rows["at"],
        rows["estimate"],
        color=colour,
        marker=marker,
        markersize=4.5,
        linewidth=1.5,
        label=name,
        zorder=4,
    )
    lengths = np.array(
        [rows["estimate"] - rows["ci_low"], rows["ci_high"] - rows["estimate"]]
    )
    axes.errorbar(
        rows["at"],
        rows["estimate"],
        yerr=lengths,
        fmt="none",
        ecolor=colour,
        alpha=0.35,
        linewidth=1,
        zorder=2,
    )


def _label_ends(axes: Axes, ends: list[tuple[str, pd.DataFrame, str]]) -> None:
    """Name each line right of the axes, near its end; names are pushed apart."""
    low, high = axes.get_ylim()
    low = min(low, 0)
    axes.set_ylim(low, high)
    at = -np.inf
    for words, rows, colour in sorted(
        ends, key=lambda end: float(end[1]["estimate"].iloc[-1])
    ):
        at = max((float(rows["estimate"].iloc[-1]) - low) / (high - low), at + GAP)
        axes.annotate(
            words,
            (1.01, at),
            xycoords="axes fraction",
            color=colour,
            va="center",
            fontsize=8.5,
        )


def _frame(axes: Axes, everybody: pd.DataFrame) -> None:
    places = everybody["at"].to_numpy()
    numbers = [_number(n) for n in everybody["n"]]
    axes.set_xticks(
        places, [f"{place}\n{n}" for place, n in zip(places, numbers, strict=True)]
    )
    axes.annotate(
        "scored",
        (-0.01, 0),
        (0, -17),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=8,
    )
    axes.set(xlabel="session of the first course (0 = baseline)", ylabel="mean score")
    axes.set_title(
        "Who stops when: the number of sessions is decided along the way", loc="left"
    )


def _number(n: float) -> str:
    return "" if pd.isna(n) else f"{int(n)}"
