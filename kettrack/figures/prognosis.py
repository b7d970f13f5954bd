"""Whether forecasts mean what they say, and whether decisions by them would do any good."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.kit import (
    legend_right,
    nothing_to_draw,
    numbers,
    percent_axis,
    whiskers,
    write_caption,
    write_title,
)
from kettrack.figures.style import INK, PARTIAL, RESPONDED, WORSE, canvas

# Look of each landmark, in this order: colour and marker, so that grey print tells them apart.
_LOOKS: Final = ((RESPONDED, "o"), (WORSE, "s"), (PARTIAL, "^"))
# Of the line of everybody beside each.
_DOTS: Final = (":", "-.", (0, (1, 4)))


def _named(session: object) -> str:
    return f"after session {session}" if session else "before session 1"


def plot_calibration(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how many responded of people with alike forecasts.

    Parameters
    ----------
    table : DataFrame
        The table of `prognosis_curves`; rows of the kind calibration are drawn.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        On the line, as many responded as were forecast.

    Examples
    --------
    >>> row = {"kind": "calibration", "session": 2, "at": 30.0, "estimate": 28.0}
    >>> ax = plot_calibration(pd.DataFrame([row | {"ci_low": 20.0, "ci_high": 40.0}]))
    >>> ax.get_xlabel()
    'forecast, percent'
    """
    with canvas(ax, width=6.5) as axes:
        rows = table[table["kind"] == "calibration"] if len(table) else table
        if nothing_to_draw(axes, rows, "estimate"):
            return axes
        axes.plot([0, 100], [0, 100], "--", color=INK, linewidth=0.9)
        for (_, part), look in zip(rows.groupby("session"), _LOOKS, strict=False):
            colour, marker = look
            whiskers(axes, part, "at", ecolor=colour, elinewidth=1.2)
            axes.plot(
                numbers(part["at"]),
                numbers(part["estimate"]),
                marker,
                color=colour,
                label=_named(part["session"].iloc[0]),
            )
        percent_axis(axes, "responded, percent")
        axes.set(xlim=(0, 100), xlabel="forecast, percent")
        legend_right(axes)
        write_title(axes, "Do forecasts mean what they say?")
        write_caption(axes, caption)
        return axes


def plot_net_benefit(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the net benefit of decisions by the forecasts.

    Parameters
    ----------
    table : DataFrame
        The table of `prognosis_curves`; rows of the kind benefit are drawn.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Solid: decisions by the forecasts. Dotted: everybody is taken for a responder. The line at 0
        is nobody.

    Examples
    --------
    >>> row = {"kind": "benefit", "session": 2, "at": 30.0, "estimate": 12.0, "all": -4.0}
    >>> plot_net_benefit(pd.DataFrame([row])).get_ylabel()
    'net benefit per 100 people'
    """
    with canvas(ax, width=6.5) as axes:
        rows = table[table["kind"] == "benefit"] if len(table) else table
        if nothing_to_draw(axes, rows, "estimate"):
            return axes
        parts = [part for _, part in rows.groupby("session")]
        # Dots of one kind would be taken for one line in grey.
        for part, look, dots in zip(parts, _LOOKS, _DOTS, strict=False):
            colour, marker = look
            at = numbers(part["at"])
            axes.plot(
                at,
                numbers(part["estimate"]),
                f"-{marker}",
                color=colour,
                markersize=4,
                label=_named(part["session"].iloc[0]),
            )
            axes.plot(
                at,
                numbers(part["all"]),
                ls=dots,
                color=colour,
                label=f"{_named(part['session'].iloc[0])},\nif everybody was treated",
            )
        axes.axhline(0, color=INK, linewidth=0.9)
        # Far below 0 nothing is decided any more.
        highest = np.nanmax(numbers(rows["estimate"]), initial=1.0)
        axes.set(
            ylim=(-highest / 2, highest * 1.1),
            xlabel="threshold of the forecast, percent",
            ylabel="net benefit per 100 people",
        )
        legend_right(axes)
        write_title(axes, "Would decisions by the forecasts do any good?")
        write_caption(axes, caption)
        return axes
