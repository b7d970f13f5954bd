"""How far apart sessions were, and over which intervals a response held."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.style import (
    NO_DATA,
    PARTIAL,
    RESPONDED,
    WORSE,
    canvas,
    nothing_to_draw,
    write_caption,
)

GAPS: Final = "days_"
RESULTS: Final = {
    "held": (RESPONDED, "", "began well and held"),
    "failed": (WORSE, "xxxx", "began well and failed"),
    "not_well_at_start": (PARTIAL, "", "did not begin well"),
    "not_known": (NO_DATA, "////", "not known: no score at one end"),
}
DARK: Final = 0.55  # share from which a number is written in white


def plot_session_intervals(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the gap before each session as a strip: the darker a cell, the larger the share of those
    who came.

    Parameters
    ----------
    table : DataFrame
        The table of `session_intervals`: one row per session; rows with a hidden count stay empty.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Number of people in each cell, and under each session those who had it.
    """
    with canvas(ax, width=8.4, height=3.6) as axes:
        gaps = [str(name) for name in table if str(name).startswith(GAPS)]
        if nothing_to_draw(axes, table, "n"):
            return axes
        counts = table[gaps].astype("Float64").to_numpy(float, na_value=np.nan).T
        shares = counts / table["n"].astype("Float64").to_numpy(float, na_value=np.nan)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto", origin="lower")
        for (row, column), count in np.ndenumerate(counts):
            if count > 0:
                ink = "white" if shares[row, column] >= DARK else "black"
                axes.text(
                    column,
                    row,
                    f"{count:.0f}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color=ink,
                )
        ticks = [
            f"{s}\n{'hidden' if pd.isna(n) else int(n)}"
            for s, n in zip(table["session"], table["n"], strict=True)
        ]
        axes.set_xticks(np.arange(len(table)), ticks, fontsize=8)
        axes.set_yticks(
            np.arange(len(gaps)), [name.removeprefix(GAPS) for name in gaps], fontsize=8
        )
        axes.set(
            xlabel="session, and people who had it", ylabel="days since the one before"
        )
        axes.set_title(
            "Wait before each session: people in each cell, darker = larger share",
            loc="left",
        )
        write_caption(axes, caption)
        return axes


def plot_maintenance(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw what became of maintenance intervals of each length.

    Parameters
    ----------
    table : DataFrame
        The table of `maintenance_lengths`: one row per length, and one for all.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.
    """
    with canvas(ax, width=8.4, height=3.4) as axes:
        if nothing_to_draw(axes, table, "intervals"):
            return axes
        shown = table[table["key"] != "all"].dropna(subset=list(RESULTS))
        base = np.zeros(len(shown))
        for column, (colour, hatch, words) in RESULTS.items():
            height = shown[column].to_numpy(float)
            axes.bar(
                shown["days"],
                height,
                bottom=base,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                linewidth=0,
                label=words,
            )
            base = base + height
        for place, (total, people) in enumerate(zip(base, shown["n"], strict=True)):
            words = f"{total:.0f}\n{int(people)} people" if total else ""
            axes.annotate(
                words,
                (place, total),
                (0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
        axes.set_ylim(0, 1.18 * base.max(initial=1))
        axes.set(
            xlabel="days from one maintenance session to the next", ylabel="intervals"
        )
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        axes.set_title(
            "Maintenance intervals by length, and whether the response held", loc="left"
        )
        write_caption(axes, caption)
        return axes
