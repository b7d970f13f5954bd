"""What came first after the first course: a loss of response, or another session."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.arrays import Floats
from kettrack.figures.kit import (
    nothing_to_draw,
    percent_axis,
    risk_table,
    side_labels,
    stacked_bands,
    week_ticks,
    whiskers,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    INK,
    NO_DATA,
    NOTE_SIZE,
    RESPONDED,
    WORSE,
    Look,
    canvas,
)
from kettrack.vocabulary.days import DAYS_IN_WEEK

# Column of the table -> look of its band, from the bottom up.
BANDS: Final = {
    "estimate": Look(RESPONDED, "", "still responding, no other session"),
    "lost_first": Look(WORSE, "xxxx", "lost the response first"),
    "again_first": Look(NO_DATA, "////", "had another session first"),
}
ROWS: Final = {
    "at_risk": "at risk",
    "lost": "lost first",
    "retreated": "session first",
    "censored": "no longer followed",
}
_LAST_WEEK: Final = 26  # drawn; the table goes on
_INTERVALS_AT: Final = (4, 8, 16)  # weeks; on every week they would hide the bands


def plot_what_came_first(
    table: pd.DataFrame,
    ax: Axes | None = None,
    caption: str = "",
) -> Axes:
    """Draw what came first for people who were responding, week by week, as bands that add up to
    100 %.

    Parameters
    ----------
    table : DataFrame
        The table of `durability` or `durability_from_response`; its rows of the composite are
        drawn, under the rule in force.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        To half a year at most. Whiskers hold the interval of those still responding; the dotted
        line is their share by a single score.

    Examples
    --------
    >>> weeks = pd.DataFrame({"day": [0, 7], "estimate": [100.0, 80.0], "single": [100.0, 70.0]})
    >>> weeks = weeks.assign(lost_first=[0.0, 5.0], again_first=[0.0, 15.0], at_risk=[40, 40])
    >>> weeks = weeks.assign(lost=[0, 2], retreated=[0, 6], censored=0, ci_low=0.0, ci_high=100.0)
    >>> axes = plot_what_came_first(weeks.assign(estimand="composite", rule="in_force"))
    >>> axes.get_title(loc="left")
    'What came first: 1 week on, 80 % were still responding without another session'
    """
    with canvas(ax, width=9.0, height=4.8) as axes:
        shown = _rows(table)
        if nothing_to_draw(axes, shown, "estimate"):
            return axes
        known = shown.dropna(subset=["estimate"])
        days = known["day"].to_numpy(float)
        edges = np.append(days, days[-1] + DAYS_IN_WEEK)
        percent_axis(axes, "% of those who were responding")
        ends = stacked_bands(axes, edges, known, BANDS)
        _draw_single(axes, known, edges)
        told = [DAYS_IN_WEEK * week for week in _INTERVALS_AT]
        at = known[known["day"].isin([*told, days[-1]])]
        whiskers(axes, at, "day", ecolor="black", capsize=3, linewidth=1)
        axes.set_xlim(edges[0], edges[-1])
        _write_weeks(axes, shown)
        _name_bands(axes, ends)
        axes.set_xlabel("weeks since the score that showed the response")
        write_title(axes, _title(known))
        write_caption(axes, caption)
        return axes


def _rows(table: pd.DataFrame) -> pd.DataFrame:
    """The weeks that are drawn."""
    if table.empty:
        return table
    chosen = (table["estimand"] == "composite") & (table["rule"] == "in_force")
    return table[chosen & (table["day"] <= _LAST_WEEK * DAYS_IN_WEEK)]


def _draw_single(axes: Axes, known: pd.DataFrame, edges: Floats) -> None:
    """The share of those still responding by a single score, where that is another rule."""
    if known["single"].isna().all():
        return
    # A white line below the dotted one sets it off from the bands.
    for colour, width, style in (("white", 2.6, "-"), (INK, 1.4, ":")):
        axes.stairs(
            known["single"].to_numpy(float),
            edges,
            baseline=None,
            color=colour,
            linewidth=width,
            linestyle=style,
        )
    axes.annotate(
        "dotted: still responding\nby a single score",
        (1.015, -0.03),
        xycoords="axes fraction",
        va="top",
        fontsize=NOTE_SIZE,
        color=INK,
    )


def _name_bands(axes: Axes, ends: dict[str, tuple[float, float]]) -> None:
    """Name each band beside its end, with its share there."""
    labels = {
        f"{top - bottom:.0f} % {BANDS[column].words}": (bottom + top) / 2
        for column, (bottom, top) in ends.items()
    }
    side_labels(axes, labels, gap=6.5)


def _write_weeks(axes: Axes, shown: pd.DataFrame) -> None:
    """Weeks below the bands, with the people behind them."""
    ticks = week_ticks(float(shown["day"].max()))
    at = shown[shown["day"].isin(ticks)]
    rows = {words: at[column] for column, words in ROWS.items()}
    risk_table(axes, at["day"], at["day"] // DAYS_IN_WEEK, rows)


def _title(known: pd.DataFrame) -> str:
    """The share eight weeks on, or at the last known week before."""
    row = known[known["day"] <= 8 * DAYS_IN_WEEK].iloc[-1]
    weeks = int(row["day"]) // DAYS_IN_WEEK
    return (
        f"What came first: {weeks} week{'' if weeks == 1 else 's'} on, {row['estimate']:.0f} %"
        " were still responding without another session"
    )
