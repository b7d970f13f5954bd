"""Response and worsening beyond the first course: by session of all courses, and by week since
session 1.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.kit import (
    nothing_to_draw,
    numbers,
    percent_axis,
    risk_table,
    side_labels,
    stacked_bands,
    step_band,
    whiskers,
    write_caption,
    write_title,
)
from kettrack.figures.response import ALL_BANDS, name_bands
from kettrack.figures.style import (
    IN_CARE,
    NO_DATA,
    RESPONDED,
    STOPPED,
    WORSE,
    Look,
    canvas,
)

# Column of the table -> look of its band, from the bottom up.
WEEK_BANDS: Final = {
    "estimate": Look(RESPONDED, "", ""),
    "stopped": Look(STOPPED, "", "stopped, then no longer scored"),
    # The top of this band is the most that the first could be.
    "not_scored": Look(NO_DATA, "////", "not scored at the end"),
    "still_followed": Look(IN_CARE, "", "still scored, without response"),
}
_MOST_TICKS: Final = 14  # with more, the numbers at risk would touch
# Column -> name and style of a line beside the main one.
_WORSE_LINES: Final = {
    "any_time": ("worse, also after the sessions", ":"),
    "confirmed": ("worse, confirmed", "--"),
}


def plot_response_by_any_session(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw what had become of everyone by each session of all courses, as bands that add up to
    100 %.

    Parameters
    ----------
    table : DataFrame
        The table of `response_by_any_session`: one row per session.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        With the number at risk under the sessions, and the curve of the first course as a dashed
        line.

    Examples
    --------
    >>> by_session = pd.DataFrame({"session": [1], "at_risk": [40], "estimate": [30.0]})
    >>> by_session = by_session.assign(ci_low=20.0, ci_high=42.0, completed=10.0, stopped=15.0)
    >>> by_session = by_session.assign(not_scored=4.0, scored_later=1.0, still_coming=40.0)
    >>> plot_response_by_any_session(by_session).get_xlabel()
    'session, counted over all courses'
    """
    with canvas(ax, width=9.4) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        shown = table.dropna(subset=["estimate"])
        edges = _draw_bands(axes, shown, "session", ALL_BANDS)
        if "first_course" in shown:
            heights = np.append(shown["first_course"], shown["first_course"].iloc[-1])
            axes.step(edges, heights, where="post", color="white", linewidth=2.6)
            axes.step(
                edges,
                heights,
                where="post",
                color="black",
                linewidth=1.3,
                linestyle="--",
                label="first course alone",
            )
        axes.set_xlabel("session, counted over all courses")
        write_title(
            axes,
            "Who had responded by which session of all courses",
            note="dashed: the first course alone",
        )
        write_caption(axes, caption)
        return axes


def plot_response_by_week(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw what had become of everyone by each week since session 1, as bands that add up to 100 %.

    Parameters
    ----------
    table : DataFrame
        The table of `response_by_week`: one row per week.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        With the number at risk under the weeks.

    Examples
    --------
    >>> by_week = pd.DataFrame({"week": [1], "at_risk": [40], "estimate": [30.0]})
    >>> by_week = by_week.assign(ci_low=20.0, ci_high=42.0, stopped=5.0, not_scored=15.0)
    >>> plot_response_by_week(by_week.assign(still_followed=50.0)).get_xlabel()
    'weeks since session 1'
    """
    with canvas(ax, width=9.4) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        shown = table.dropna(subset=["estimate"])
        _draw_bands(axes, shown, "week", WEEK_BANDS)
        axes.set_xlabel("weeks since session 1")
        write_title(axes, "Who had responded by which week, whatever sessions followed")
        write_caption(axes, caption)
        return axes


def _draw_bands(
    axes: Axes, shown: pd.DataFrame, across: str, looks: dict[str, Look]
) -> np.ndarray:
    """Bands with their names, intervals and numbers at risk; the edges of the slots."""
    places = shown[across].to_numpy(float)
    edges = np.append(places, places[-1] + 1) - 0.5
    percent_axis(axes, "% of those who started")
    told = _ticks(shown)
    risk_table(
        axes, told[across], told[across], {"at risk": told["at_risk"]}, missing=""
    )
    ends = stacked_bands(axes, edges, shown, looks)
    name_bands(axes, ends, looks)
    whiskers(axes, told.iloc[1:], across, ecolor="black", capsize=3, linewidth=1)
    axes.set_xlim(edges[0], edges[-1])
    return edges


def _ticks(shown: pd.DataFrame) -> pd.DataFrame:
    """The rows that get a tick, counted from the last one back."""
    step = -(-len(shown) // _MOST_TICKS)
    return shown.iloc[(len(shown) - 1) % step :: step]


def plot_worsening_by_week(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the percent who had been worse by each week since session 1, beside those who had
    responded.

    Parameters
    ----------
    table : DataFrame
        The table of `worsening_by_week`: one row per week.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Both curves on one axis, with the number at risk of worsening under the weeks.

    Examples
    --------
    >>> by_week = pd.DataFrame({"week": [1, 2], "at_risk": [40, 30], "estimate": [2.0, 5.0]})
    >>> by_week = by_week.assign(ci_low=1.0, ci_high=9.0, responded=[10.0, 20.0])
    >>> [text.get_text() for text in plot_worsening_by_week(by_week).texts][1:]
    ['5.0 % worse', '20 % responded']
    """
    with canvas(ax, width=9.4) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        shown = table.dropna(subset=["estimate"])
        weeks = np.concatenate([[0], shown["week"].to_numpy(float)])
        percent_axis(axes, "% of those who started")
        told = _ticks(shown)
        risk_table(
            axes, told["week"], told["week"], {"at risk": told["at_risk"]}, missing=""
        )
        heights = [
            _from_zero(shown, name) for name in ("estimate", "ci_low", "ci_high")
        ]
        step_band(axes, weeks, (heights[0], heights[1], heights[2]), WORSE, "worse")
        ends = {_named(heights[0][-1], "worse"): (heights[0][-1], WORSE)}
        ends |= _other_lines(axes, shown, weeks)
        side_labels(
            axes,
            {text: float(height) for text, (height, _) in ends.items()},
            {text: colour for text, (_, colour) in ends.items()},
        )
        axes.set(xlim=(0, weeks[-1]), xlabel="weeks since session 1")
        write_title(
            axes,
            "Who had been worse by which week, and who had responded, while sessions went on",
        )
        write_caption(axes, caption)
        return axes


def _other_lines(
    axes: Axes, shown: pd.DataFrame, weeks: np.ndarray
) -> dict[str, tuple[float, str]]:
    """The lines beside the main one, where there; text to its end and colour."""
    lines = {column: (*look, WORSE) for column, look in _WORSE_LINES.items()}
    lines["responded"] = ("responded", "-", RESPONDED)
    ends = {}
    for column, (name, style, colour) in lines.items():
        if column in shown and shown[column].notna().any():
            heights = _from_zero(shown, column)
            axes.step(
                weeks,
                heights,
                where="post",
                color=colour,
                linestyle=style,
                linewidth=1.4,
                label=name,
            )
            ends[_named(heights[-1], name)] = (float(heights[-1]), colour)
    return ends


def _from_zero(shown: pd.DataFrame, column: str) -> np.ndarray:
    """A column after a 0 for the day of session 1."""
    return np.concatenate([[0.0], numbers(shown[column])])


def _named(height: float, name: str) -> str:
    """A line's name with the share at its end."""
    return f"{height:.0f} % {name}" if height >= 10 else f"{height:.1f} % {name}"
