"""Between which scores a response was lost: boxes, since nobody knows where inside them."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from kettrack.figures.style import (
    INK,
    RESPONDED,
    canvas,
    nothing_to_draw,
    write_caption,
)

WEEK: Final = 7
TICKS: Final = 12


def plot_turnbull(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the share that still holds the response as a line where the data decide it, and as a box
    where they do not.

    Parameters
    ----------
    table : DataFrame
        The table of `durability_intervals`: rows of kind `box` and `share`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        A box reaches from the share before it to the share after it; hatched, since the line may
        fall anywhere in it. With a hidden box, nothing after it can be drawn.
    """
    with canvas(ax, width=7.6, height=4.4) as axes:
        # in the order of time
        boxes = table[table["kind"] == "box"] if len(table) else table
        known = boxes[boxes["estimate"].notna().cummin()] if len(boxes) else boxes
        if nothing_to_draw(axes, known, "estimate"):
            return axes
        ends = known["right"].dropna()
        last = float(max(ends.max() if len(ends) else 0, boxes["left"].max(), WEEK))
        top = 100.0
        since = 0.0
        for left, right, mass in zip(
            known["left"], known["right"], known["estimate"], strict=True
        ):
            axes.plot([since, left], [top, top], color=RESPONDED, linewidth=1.8)
            if pd.isna(right):
                since = float(left)
                break
            axes.add_patch(
                Rectangle(
                    (left, top - mass),
                    right - left,
                    mass,
                    fill=False,
                    hatch="////",
                    edgecolor=RESPONDED,
                    linewidth=1,
                )
            )
            top = top - mass
            since = float(right)
        if len(known) == len(boxes):
            axes.plot([since, last], [top, top], color=RESPONDED, linewidth=1.8)
        _shares(axes, table)
        _frame(axes, last, complete=len(known) == len(boxes))
        write_caption(axes, caption)
        return axes


def _shares(axes: Axes, table: pd.DataFrame) -> None:
    """Intervals at the days they are given for."""
    shares = table[
        (table["kind"] == "share") & (table["dated"] == "when scored")
    ].dropna(subset=["ci_low", "ci_high"])
    middle = (shares["least"] + shares["most"]).to_numpy(float) / 2
    lengths = np.array(
        [
            middle - shares["ci_low"].to_numpy(float),
            shares["ci_high"].to_numpy(float) - middle,
        ]
    )
    days = shares["day"].to_numpy(float)
    axes.errorbar(
        days,
        middle,
        yerr=np.maximum(lengths, 0),
        fmt="none",
        ecolor=INK,
        capsize=3,
        linewidth=1,
    )


def _frame(axes: Axes, last: float, complete: bool) -> None:
    step = WEEK * max(1, -(-int(last) // (WEEK * TICKS)))
    ticks = np.arange(0, last + 1, step)
    axes.set_xticks(ticks, [f"{tick // WEEK:.0f}" for tick in ticks])
    axes.set(xlim=(0, last), ylim=(0, 102), ylabel="% who still hold the response")
    hidden = "" if complete else "; a hidden count ends the line"
    axes.set_xlabel(f"weeks since the score that showed it{hidden}")
    axes.set_title(
        "Lost somewhere inside each box: between two scores nobody knows when",
        loc="left",
    )
