"""Percent change of each person, with empty slots for those nobody scored."""

from __future__ import annotations

from typing import Final

import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.style import (
    NO_DATA,
    PARTIAL,
    REMITTED,
    RESPONDED,
    WORSE,
    canvas,
    nothing_to_draw,
    write_caption,
)

COLOURS: Final = {
    "worse": WORSE,
    "unchanged": "#888888",
    "partial": PARTIAL,
    "response": RESPONDED,
    "remission": REMITTED,
}
LABELS: Final = {"unchanged": "no rule met", "worse": "worse by rule"}
CAP: Final = 100  # a bar beyond it is cut, with an arrow


def plot_waterfall(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw percent change from baseline as sorted bars, worst first, with a slot for everyone who
    was not scored.

    Parameters
    ----------
    table : DataFrame
        The table of `waterfall`: `place` `percent_change` `state`, one row per person.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.
    """
    with canvas(ax) as axes:
        if nothing_to_draw(axes, table, "percent_change"):
            return axes
        scored = table.dropna(subset=["percent_change"])
        for state, colour in COLOURS.items():
            rows = scored[scored["state"] == state]
            if len(rows):
                bars = rows["percent_change"].clip(upper=CAP)
                axes.bar(
                    rows["place"],
                    bars,
                    width=1,
                    color=colour,
                    edgecolor="white",
                    linewidth=0.3,
                    label=f"{LABELS.get(state, state)} ({len(rows)})",
                )
        beyond = scored[scored["percent_change"] > CAP]
        axes.plot(beyond["place"], [CAP] * len(beyond), "^", color=WORSE, markersize=4)
        _empty_slots(axes, table, len(scored))
        axes.axhline(0, color="black", linewidth=0.8)
        axes.axhline(-50, color="black", linewidth=0.8, linestyle="--")
        axes.annotate(
            "50 % down",
            (1.005, -50),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
        )
        axes.set(
            xlim=(0.5, len(table) + 0.5),
            ylim=(-105, CAP + 8),
            xticks=[],
            ylabel="% change from baseline",
        )
        axes.set_xlabel(
            f"{len(scored)} scored, then {len(table) - len(scored)} not scored"
        )
        axes.set_title(
            "Change 14-31 days after the first course, one bar per person",
            loc="left",
            pad=24,
        )
        axes.legend(
            fontsize=8,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=5,
            borderaxespad=0.3,
            columnspacing=1,
        )
        write_caption(axes, caption)
        return axes


def _empty_slots(axes: Axes, table: pd.DataFrame, n_scored: int) -> None:
    """A hatched field as wide as the people without a score, so that the denominator is seen."""
    if n_scored < len(table):
        axes.axvspan(
            n_scored + 0.5,
            len(table) + 0.5,
            facecolor="#F4F4F4",
            hatch="////",
            edgecolor=NO_DATA,
            linewidth=0,
        )
        middle = (n_scored + len(table) + 1) / 2
        axes.text(
            middle,
            40,
            f"{len(table) - n_scored} not scored",
            ha="center",
            fontsize=9,
            backgroundcolor="white",
        )
