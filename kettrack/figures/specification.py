"""How much of an answer is its definition: estimates sorted above, the choices behind each as a
matrix of dots below.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.style import (
    INK,
    NO_DATA,
    RESPONDED,
    WORSE,
    canvas,
    nothing_to_draw,
    write_caption,
)

# The matrix stands below 0 on the axis of the estimates: one row of it is as high as so many
# percent.
ROW: Final = 9
GAP: Final = 6
_INCH: Final = 0.021  # height of one percent
_COLOURS: Final = (RESPONDED, WORSE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS: Final = {"last": "o", "mean": "s", "worst": "^"}
_WORDS: Final = {
    "loss_of_response": "loss of response",
    "sudden_gain": "sudden gain",
}


def plot_specification(
    table: pd.DataFrame,
    ax: Axes | None = None,
    outcome: str = "remission",
    caption: str = "",
) -> Axes:
    """Draw one outcome under every rule, scale and baseline.

    Parameters
    ----------
    table : DataFrame
        The table of `specification`: one row per combination.
    ax : Axes, optional
        Default: new ones, as high as the choices need.
    outcome : str
        response, remission, loss_of_response, deterioration, recovery, improvement or sudden_gain.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Estimates with intervals in rising order, coloured by scale; filled dots below mark the
        choices of each column.
    """
    shown = _columns(table, outcome)
    groups = _choices(shown)
    height = _INCH * (100 + GAP + _depth(groups)) + 1.3
    with canvas(ax, width=max(7.5, 3.4 + 0.13 * len(shown)), height=height) as axes:
        if nothing_to_draw(axes, shown, "estimate"):
            return axes
        _estimates(axes, shown)
        ticks = _matrix(axes, shown, groups)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set(
            xlim=(-0.8, len(shown) - 0.2),
            ylim=(-GAP - _depth(groups) - GAP / 2, 104),
            xticks=[],
        )
        axes.set_yticks(
            [*range(0, 101, 25), *ticks],
            [*(f"{tick} %" for tick in range(0, 101, 25)), *ticks.values()],
        )
        axes.tick_params(axis="y", length=0)
        axes.spines["bottom"].set_visible(False)
        axes.set_xlabel(
            f"one column per combination, {int(shown['n'].min())} to {int(shown['n'].max())}"
            " people rated in each"
        )
        axes.set_title(
            f"{_WORDS.get(outcome, outcome).capitalize()} under every named rule and baseline",
            loc="left",
        )
        write_caption(axes, caption)
        return axes


def _columns(table: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """The combinations of one outcome in rising order; those nobody could be rated under, or that
    are hidden, left out.
    """
    if "outcome" not in table:
        return pd.DataFrame(columns=["estimate"])
    rows = table[table["outcome"] == outcome].dropna(subset=["estimate"])
    marked = rows["rule"].where(
        rows["standing"] != "recalled", rows["rule"] + " (recalled)"
    )
    return rows.assign(rule=marked).sort_values(
        ["estimate", "number"], ignore_index=True
    )


def _choices(shown: pd.DataFrame) -> dict[str, list[str]]:
    """Rows of the matrix in groups, each in the order of the table."""
    if "number" not in shown:
        return {}
    order = shown.sort_values("number")
    return {
        column: list(dict.fromkeys(order[column]))
        for column in ("instrument", "baseline", "rule")
    }


def _depth(groups: dict[str, list[str]]) -> float:
    return sum(ROW * len(names) + GAP for names in groups.values())


def _colours(shown: pd.DataFrame) -> dict[str, str]:
    return dict(zip(_choices(shown)["instrument"], _COLOURS, strict=False))


def _estimates(axes: Axes, shown: pd.DataFrame) -> None:
    """A point and an interval for each column: colour = scale, shape = baseline."""
    colours = _colours(shown)
    for (instrument, baseline), rows in shown.groupby(
        ["instrument", "baseline"], sort=False
    ):
        colour = colours.get(str(instrument), INK)
        axes.vlines(
            rows.index,
            rows["ci_low"],
            rows["ci_high"],
            color=colour,
            linewidth=1,
            alpha=0.5,
        )
        marker = _MARKERS.get(str(baseline), "o")
        axes.plot(
            rows.index,
            rows["estimate"],
            marker,
            color=colour,
            markersize=4,
            label=f"{instrument}, {baseline}",
        )


def _matrix(
    axes: Axes, shown: pd.DataFrame, groups: dict[str, list[str]]
) -> dict[float, str]:
    """Dots below the estimates, and the height and name of each row."""
    ticks: dict[float, str] = {}
    colours = _colours(shown)
    height = -float(GAP)
    for column, names in groups.items():
        for name in names:
            height -= ROW
            ticks[height + ROW / 2] = (
                f"{name} score as baseline" if column == "baseline" else name
            )
            chosen = (shown[column] == name).to_numpy()
            places = np.arange(len(shown))
            level = np.full(len(shown), height + ROW / 2)
            axes.plot(
                places[~chosen], level[~chosen], ".", color=NO_DATA, markersize=1.5
            )
            inks = [colours.get(scale, INK) for scale in shown["instrument"][chosen]]
            axes.scatter(
                places[chosen], level[chosen], s=14, c=inks, label=f"_{column}: {name}"
            )
        height -= GAP
    return ticks
