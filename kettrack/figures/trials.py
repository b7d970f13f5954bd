"""Methods on trial: what each finds where the truth is known."""

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
)

# Methods that compare eight sessions with three, by how their name begins: colour, marker, words.
SHOWN: Final = {
    "naive slope": (WORSE, "X", "naive slope, baselines equal: biased by design"),
    "the smooth one with": (STOPPED, "v", "weighted, weights cut at the 99th centile"),
    "stop after 8 less 3, g-formula": (PARTIAL, "s", "g-formula"),
    "stop after 8 less 3, weighted, smooth": (RESPONDED, "o", "weighted, smooth"),
}
APART: Final = 0.16  # of the room between two scenarios


def plot_methods(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the contrast of eight sessions with three as each method finds it, beside the truth of
    each scenario.

    Parameters
    ----------
    table : DataFrame
        From `methods_table`: `method` `scenario` `found` `mc_error` `truth`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        Line under the figure.

    Returns
    -------
    Axes
        One column per scenario, a bar for the truth, a marker per method with two Monte-Carlo
        errors.
    """
    with canvas(ax, width=8.6, height=4.4) as axes:
        if nothing_to_draw(axes, table, "found"):
            return axes
        scenarios = sorted(table["scenario"].unique())
        for place, scenario in enumerate(scenarios):
            truth = table[
                (table["scenario"] == scenario)
                & table["method"].str.startswith("stop after")
            ]["truth"].dropna()
            if len(truth):
                label = "truth" if place == 0 else "_truth"
                axes.plot(
                    [place - 0.42, place + 0.42],
                    [truth.iloc[0]] * 2,
                    color=INK,
                    linewidth=3,
                    label=label,
                    zorder=1,
                )
        for number, (start, (colour, marker, words)) in enumerate(SHOWN.items()):
            rows = (
                table[table["method"].str.startswith(start)]
                .set_index("scenario")
                .reindex(scenarios)
            )
            at = np.arange(len(scenarios)) + (number - (len(SHOWN) - 1) / 2) * APART
            errors = 2 * rows["mc_error"].to_numpy(float)
            axes.errorbar(
                at,
                rows["found"],
                yerr=errors,
                fmt=marker,
                color=colour,
                markersize=6,
                linewidth=1,
                label=words,
                zorder=3,
            )
        _frame(axes, scenarios, caption)
        return axes


def _frame(axes: Axes, scenarios: list[str], caption: str) -> None:
    axes.axhline(0, color=INK, linewidth=0.6, linestyle=":")
    axes.set_xticks(range(len(scenarios)), scenarios)
    axes.set(
        xlabel="scenario",
        ylabel="points: 8 sessions less 3 (below 0 = lower)",
        xlim=(-0.6, len(scenarios) - 0.4),
    )
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    axes.set_title(
        "The naive slope is far off, and on either side, wherever stopping follows the score",
        loc="left",
    )
    axes.annotate(
        caption,
        (0.01, 0),
        xycoords="figure fraction",
        fontsize=7,
        color="#666666",
        va="bottom",
    )
