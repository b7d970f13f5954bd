"""Sites side by side in the order of their names: a forest with the sum, the mean over sites and a
further site under it, and a funnel.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.kit import (
    count_text,
    nothing_to_draw,
    numbers,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    FAINT_INK,
    INK,
    LABEL_SIZE,
    NO_DATA,
    RESPONDED,
    WORSE,
    canvas,
)

# Measures of harm are drawn in the colour of harm.
_HARM: Final = ("worse", "stopped", "any_event", "serious")
_ROW_HIGH: Final = 0.26  # inches of a row of the forest
_MOST_NAMED: Final = 60  # sites; more rows could not be read
_REACH: Final = 1.96  # standard errors to each side of a funnel
_LONGEST_TITLE: Final = 70


def plot_sites(
    table: pd.DataFrame,
    ax: Axes | None = None,
    measure: str = "responded",
    whole: pd.DataFrame | None = None,
    caption: str = "",
) -> Axes:
    """Draw one figure of each site with its interval, in the order of names.

    Parameters
    ----------
    table : DataFrame
        The table of `sites_side_by_side`: one row per measure and site.
    ax : Axes, optional
        Default: new ones.
    measure : str
        Key of the measure.
    whole : DataFrame, optional
        The table of `differences_between_sites`; its rows stand under the sites.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        No ranking: the order says nothing.

    Examples
    --------
    >>> row = {"measure": "responded", "about": "had responded", "unit": "% of people", "n": 40}
    >>> ends = {"estimate": 30.0, "ci_low": 20.0, "ci_high": 42.0}
    >>> table = pd.DataFrame([row | ends | {"site": site} for site in "AB"])
    >>> [label.get_text() for label in plot_sites(table).get_yticklabels()]
    ['A (40)', 'B (40)']
    """
    shown = table[table["measure"] == measure] if len(table) else table
    shown = shown.iloc[:_MOST_NAMED]
    under = _under(whole, measure)
    height = 1.6 + _ROW_HIGH * (len(shown) + len(under))
    with canvas(ax, width=7.5, height=height) as axes:
        if nothing_to_draw(axes, shown, "estimate"):
            return axes
        colour = WORSE if measure in _HARM else RESPONDED
        rows = np.arange(len(shown))
        _draw_ends(axes, rows, shown, ("estimate", "ci_low", "ci_high"), colour)
        labels = [
            f"{row.site} ({count_text(row.n)})" for row in shown.itertuples(index=False)
        ]
        for place, (words, columns) in enumerate(under.items(), start=len(shown) + 1):
            _draw_ends(axes, np.array([place]), _row(whole, measure), columns, INK)
            labels.append(words)
        ticks = [*rows, *(len(shown) + 1 + np.arange(len(under)))]
        axes.set_yticks(ticks, labels)
        # From the top down, as the sites stand in the table.
        axes.set_ylim(max(ticks) + 0.7, -0.7)
        axes.set_xlabel(str(shown["unit"].iloc[0]))
        about = str(shown["about"].iloc[0])
        note = "Sites in the order of their names, with 95 % intervals. No ranking."
        write_title(axes, _short(about), note)
        write_caption(axes, caption)
        return axes


def _short(about: str) -> str:
    """What the figure is about, short enough for a title."""
    begins = about[:1].upper() + about[1:]
    return begins if len(begins) <= _LONGEST_TITLE else begins.partition(",")[0]


def _under(whole: pd.DataFrame | None, measure: str) -> dict[str, tuple[str, str, str]]:
    """Rows under the sites, as far as they are known: words and columns."""
    if whole is None or _row(whole, measure).empty:
        return {}
    rows = {
        "all counts added": ("estimate", "ci_low", "ci_high"),
        "mean over sites": ("mean", "mean_low", "mean_high"),
        "a further site": ("mean", "next_low", "next_high"),
    }
    known = _row(whole, measure).iloc[0]
    # With fewer than three sites nothing is known of a further one.
    return {
        words: columns for words, columns in rows.items() if pd.notna(known[columns[1]])
    }


def _row(whole: pd.DataFrame | None, measure: str) -> pd.DataFrame:
    if whole is None or not len(whole):
        return pd.DataFrame()
    return whole[whole["key"] == measure]


def _draw_ends(
    axes: Axes,
    rows: np.ndarray,
    table: pd.DataFrame,
    columns: tuple[str, str, str],
    colour: str,
) -> None:
    """A point and its interval in each row; a prediction has no point of its own."""
    middle, low, high = (numbers(table[name]) for name in columns)
    axes.hlines(rows, low, high, color=colour, linewidth=1.6)
    if columns[1] == "next_low":
        axes.plot(
            [low, high],
            [rows, rows],
            "|",
            color=colour,
            markersize=9,
        )
        return
    axes.plot(
        middle,
        rows,
        "o",
        color=colour,
        markersize=5,
    )


def plot_sites_funnel(
    table: pd.DataFrame,
    ax: Axes | None = None,
    measure: str = "responded",
    whole: pd.DataFrame | None = None,
    caption: str = "",
) -> Axes:
    """Draw the figure of each site against its standard error, inside the funnel that chance alone
    would leave around the mean.

    Parameters
    ----------
    table, ax, measure, whole, caption
        As for `plot_sites`.

    Returns
    -------
    Axes
        Points outside the dashed lines differ by more than chance. Small sites stand below.

    Examples
    --------
    >>> row = {"measure": "responded", "about": "had responded", "unit": "% of people", "n": 40}
    >>> values = {"estimate": 30.0, "value": -0.85, "error": 0.3}
    >>> table = pd.DataFrame([row | values | {"site": site} for site in "AB"])
    >>> plot_sites_funnel(table).get_ylabel()
    'standard error'
    """
    shown = table[table["measure"] == measure] if len(table) else table
    with canvas(ax, width=6.4, height=4.2) as axes:
        if nothing_to_draw(axes, shown, "value"):
            return axes
        value = numbers(shown["value"])
        error = numbers(shown["error"])
        own = _row(whole, measure)
        centre = _centre(own, value, error)
        largest = float(np.nanmax(error)) * 1.1
        ends = np.array([0, largest])
        for side in (-_REACH, _REACH):
            axes.plot(
                centre + side * ends,
                ends,
                "--",
                color=FAINT_INK,
                linewidth=1,
            )
        axes.axvline(centre, color=NO_DATA, linewidth=1)
        colour = WORSE if measure in _HARM else RESPONDED
        axes.plot(value, error, "o", color=colour, markersize=5)
        axes.set_ylim(largest, 0)
        points = str(shown["unit"].iloc[0]) == "points"
        axes.set_xlabel("points" if points else "log odds")
        axes.set_ylabel("standard error", fontsize=LABEL_SIZE)
        note = "Dashed: where 95 % of sites would lie if all had the truth of the mean."
        write_title(axes, _short(str(shown["about"].iloc[0])), note)
        write_caption(axes, caption)
        return axes


def _centre(own: pd.DataFrame, value: np.ndarray, error: np.ndarray) -> float:
    """The mean over sites, on the scale of the values."""
    if own.empty:
        return float(np.average(value, weights=1 / error**2))
    mean = float(own["mean"].iloc[0])
    # Shares are shown in percent, and averaged in log odds.
    return (
        mean if own["unit"].iloc[0] == "points" else float(np.log(mean / (100 - mean)))
    )
