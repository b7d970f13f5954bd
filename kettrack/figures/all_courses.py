"""Beyond the first course: response and worsening by session of all courses and by week since
session 1, and what came first after it, a loss of response or another session.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.arrays import Floats
from kettrack.figures.kit import (
    nothing_to_draw,
    numbers,
    percent_axis,
    risk_table,
    side_labels,
    stacked_bands,
    step_band,
    week_ticks,
    whiskers,
    write_caption,
    write_title,
)
from kettrack.figures.response import ALL_BANDS, name_bands
from kettrack.figures.style import (
    IN_CARE,
    INK,
    NO_DATA,
    NOTE_SIZE,
    RESPONDED,
    STOPPED,
    WORSE,
    Look,
    canvas,
)
from kettrack.vocabulary.days import DAYS_IN_WEEK

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
