"""How often something came back, per person: the mean cumulative number with its interval."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.style import WORSE, canvas, nothing_to_draw, write_caption

WEEK: Final = 7
MOST_TICKS: Final = 12


def plot_mean_count(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the mean number of losses of response per person over time.

    Parameters
    ----------
    table : DataFrame
        The table of `recurrent_loss`: one row per week; rows with a hidden count stay empty.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Under the weeks: people at risk, and losses so far.
    """
    with canvas(ax, width=7.6, height=4.2) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        days, height, low, high = (
            table[name].to_numpy(float)
            for name in ("day", "estimate", "ci_low", "ci_high")
        )
        # A hidden week breaks the line.
        axes.step(
            np.append(0, days),
            np.append(0, height),
            where="post",
            color=WORSE,
            linewidth=1.8,
            label="estimate",
        )
        axes.fill_between(
            days, low, high, step="post", color=WORSE, alpha=0.15, linewidth=0
        )
        _frame(axes, table)
        top = float(np.nanmax([*high, *height, 0.1]))
        axes.set(xlim=(0, float(table["day"].max())), ylim=(0, 1.05 * top))
        axes.set_ylabel("losses of response per person")
        write_caption(axes, caption)
        return axes


def _frame(axes: Axes, table: pd.DataFrame) -> None:
    """Ticks with people at risk and losses so far, on the axis's own ticks."""
    step = 4 * max(1, -(-len(table) // (4 * MOST_TICKS))) if len(table) >= 8 else 1
    ticks = table[(table["day"] // WEEK) % step == 0]
    texts = [(ticks["day"] // WEEK).astype(str)]
    texts += [
        ticks[name].astype("Int64").astype(str).replace("<NA>", "hidden")
        for name in ("at_risk", "losses")
    ]
    axes.set_xticks(
        ticks["day"], ["\n".join(row) for row in zip(*texts, strict=True)], fontsize=8
    )
    for line, words in enumerate(("at risk", "losses so far")):
        place = (0, -16 - 9.8 * line)
        axes.annotate(
            words,
            (-0.02, 0),
            place,
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=8,
        )
    axes.set_xlabel("weeks since the first response")
    axes.set_title(
        "How often a response was lost, losses after a regained one included",
        loc="left",
    )
