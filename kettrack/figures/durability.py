"""How long a response lasts: curves over a table of people at risk, boxes between two scores, and
how often a response was lost.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from kettrack.arrays import Floats
from kettrack.figures.kit import (
    count_text,
    legend_right,
    nothing_to_draw,
    percent_axis,
    risk_table,
    step_band,
    week_ticks,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    INK,
    NOTE_SIZE,
    PARTIAL,
    RESPONDED,
    STOPPED,
    WORSE,
    canvas,
)
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.published_results import (
    PublishedDurability,
    durability_on_figure,
)

# Estimand -> colour, and what it is called beside its curve and above its numbers.
CURVES: Final = {
    "treatment_policy": (RESPONDED, "whatever sessions followed"),
    "hypothetical": (STOPPED, "if nobody were treated again"),
    "composite": (PARTIAL, "neither lost nor treated again"),
}
# Column -> name of a row of numbers under the curves.
ROWS: Final = {
    "at_risk": "at risk",
    "lost": "lost the response",
    "retreated": "treated again",
    "censored": "no longer followed",
    "silent": "of these, silent",
}
_SIGNS: Final = "DsovP"  # of published marks, by study
_LAST_WEEK: Final = 26  # drawn; the table goes on
_TITLE_WEEK: Final = 8  # whose share the title tells
_TICKS: Final = 7  # more leave no room for the word "hidden" under each
_ROW_HIGH: Final = 9.5  # points of a row of numbers
_DASHED: Final = (0, (4, 2))
_STILL_RESPONDING: Final = "% who were still responding"
_SINCE_RESPONSE: Final = "weeks since the score that showed the response"


def plot_durability(
    table: pd.DataFrame,
    ax: Axes | None = None,
    rule: str = "in_force",
    caption: str = "",
    published: tuple[PublishedDurability, ...] | None = None,
) -> Axes:
    """Draw the share that was still responding, by three estimands, over the numbers at risk.

    Parameters
    ----------
    table : DataFrame
        The table of `durability` or `durability_from_response`: one row per estimand, rule and
        week.
    ax : Axes, optional
        Default: new ones.
    rule : str
        Whose curves are drawn with intervals; the curves by a single score stand beside them as
        dotted lines.
    caption : str
        N, rule and extract; `Result.caption`.
    published : tuple of PublishedDurability, optional
        Published shares, drawn as hollow signs that the legend names; default: three at
        most of those that may be shown.

    Returns
    -------
    Axes
        To half a year at most. Thin dashed lines: all people who were no longer scored had lost the
        response, or none had. The numbers of people are cumulative; hidden cells say so.

    Examples
    --------
    >>> weeks = {"rule": "in_force", "estimand": "treatment_policy", "day": [0, 7, 14]}
    >>> share = {"estimate": [100.0, 95.0, 90.0], "ci_low": np.nan, "ci_high": np.nan}
    >>> counts = {"at_risk": [40, 38, 30], "lost": [0, 2, 4], "retreated": 0, "censored": [0, 0, 6]}
    >>> bounds = {"silent": 0, "silent_low": share["estimate"], "silent_high": share["estimate"]}
    >>> table = pd.DataFrame({**weeks, **share, **bounds, **counts, "single": [100.0, 90.0, 80.0]})
    >>> plot_durability(table).get_title(loc="left")
    '90 % (80 % by one score) still responding 2 weeks on, whatever sessions followed'
    """
    groups, short = _curve_rows(table, rule)
    # Each curve's numbers take five rows and a heading below the axes.
    height = 4.4 + 0.78 * max(len(groups), 1)
    with canvas(ax, width=8.6, height=height) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        for name, rows in groups.items():
            _draw_curve(axes, rows, *CURVES[name])
        _draw_bounds(axes, groups)
        _draw_single_score(axes, groups)
        for name in short:
            words = f"{CURVES[name][1]}:\ntoo few people from the start"
            axes.plot([], [], " ", label=words)
        last = min(_last_day(groups), _LAST_WEEK * DAYS_IN_WEEK)
        shares = durability_on_figure(last) if published is None else published
        _draw_published_shares(axes, shares, last)
        legend_right(axes)
        percent_axis(axes, _STILL_RESPONDING)
        # A little above 100, so that a curve along the top is seen whole.
        axes.set(xlim=(0, max(last, DAYS_IN_WEEK)), ylim=(0, 101))
        ticks = week_ticks(last, most=_TICKS)
        axes.set_xticks(ticks, [f"{tick / DAYS_IN_WEEK:.0f}" for tick in ticks])
        below = _write_numbers(axes, groups, ticks)
        axes.set_xlabel(_SINCE_RESPONSE, labelpad=below)
        write_title(axes, _durability_title(groups))
        write_caption(axes, caption)
        return axes


def _curve_rows(
    table: pd.DataFrame, rule: str
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Rows of each estimand that has a curve, in the order of `CURVES`, and the names of those that
    end where they begin. Where none has a curve, their single points are drawn.
    """
    if table.empty:
        return {}, []
    chosen = table[table["rule"] == rule]
    parts = {name: chosen[chosen["estimand"] == name] for name in CURVES}
    curves = {name: rows for name, rows in parts.items() if len(rows) > 1}
    points = {name: rows for name, rows in parts.items() if len(rows) == 1}
    return (curves, list(points)) if curves else (points, list(points))


def _last_day(groups: dict[str, pd.DataFrame]) -> int:
    return int(max(rows["day"].max() for rows in groups.values()))


def _durability_title(groups: dict[str, pd.DataFrame]) -> str:
    """The share at the week of the title, or at the last known week before it."""
    nothing = pd.DataFrame({"day": [], "estimate": []})
    rows = groups.get("treatment_policy", nothing)
    rows = rows.dropna(subset=["estimate"])
    rows = rows[rows["day"] <= _TITLE_WEEK * DAYS_IN_WEEK]
    if rows.empty:
        return "How long a response lasted, asked in three ways"
    row = rows.sort_values("day", kind="stable").iloc[-1]
    single = "" if pd.isna(row["single"]) else f" ({row['single']:.0f} % by one score)"
    return (
        f"{row['estimate']:.0f} %{single} still responding"
        f" {row['day'] / DAYS_IN_WEEK:.0f} weeks on, whatever sessions followed"
    )


def _draw_curve(axes: Axes, rows: pd.DataFrame, colour: str, words: str) -> None:
    """Steps with their interval, named with the week to which they reach."""
    if rows["estimate"].isna().all():
        return
    days = rows["day"].to_numpy(float)
    height = rows["estimate"].to_numpy(float)
    interval = (rows["ci_low"].to_numpy(float), rows["ci_high"].to_numpy(float))
    known = ~np.isnan(height)
    last = days[known].max() / DAYS_IN_WEEK
    reach = f"{words}\n(to week {last:.0f})"
    step_band(axes, days, (height, *interval), colour, reach)
    if known.sum() == 1:  # a curve of one point has no line
        axes.plot(
            days,
            height,
            marker="o",
            markersize=5,
            clip_on=False,
            color=colour,
            label=f"_{words}",
        )


def _thin_line(
    axes: Axes,
    rows: pd.DataFrame,
    column: str,
    curve: str,
    words: str,
    dotted: bool = False,
) -> None:
    """A thin step line, dashed or dotted, in the colour of the curve that it belongs to."""
    colour, _ = CURVES[curve]
    axes.step(
        rows["day"].to_numpy(float),
        rows[column].to_numpy(float),
        where="post",
        color=colour,
        linewidth=1.2 if dotted else 0.9,
        linestyle=":" if dotted else _DASHED,
        label=words,
    )


def _draw_bounds(axes: Axes, groups: dict[str, pd.DataFrame]) -> None:
    """Thin dashed lines where a curve would be if all the silent had lost the response after their
    last score, or none had; only where that makes a difference, and not for the composite, which
    other sessions decide.
    """
    for name in ("treatment_policy", "hypothetical"):
        rows = groups.get(name)
        if rows is None or not (rows["silent_low"] < rows["silent_high"]).any():
            continue
        words = f"{CURVES[name][1]},\nif all the silent had lost it, or none"
        _thin_line(axes, rows, "silent_low", name, words)
        # One entry of the legend names both.
        _thin_line(axes, rows, "silent_high", name, f"_{name}_high")


def _draw_single_score(axes: Axes, groups: dict[str, pd.DataFrame]) -> None:
    """Each curve by a single score, where the rule in force asks for a second one."""
    words = "dotted, in the same colours:\nby a single score"
    for name, rows in groups.items():
        if rows["single"].notna().any():
            _thin_line(axes, rows, "single", name, words, dotted=True)
            # The first one speaks for all.
            words = f"_{name}_single"


def _draw_published_shares(
    axes: Axes, published: Sequence[PublishedDurability], last: int
) -> None:
    """Published shares, one sign for each study, named in the legend: a name on the curves could
    not be read.
    """
    shown = [share for share in published if share.day <= last]
    studies = dict.fromkeys(share.study for share in shown)
    for study, sign in zip(studies, itertools.cycle(_SIGNS), strict=False):
        here = [share for share in shown if share.study == study]
        axes.plot(
            [share.day for share in here],
            [share.percent for share in here],
            sign,
            color=INK,
            markerfacecolor="white",
            markersize=6,
            label=f"published: {study}\n(other rule, origin and intervals)",
        )


def _write_numbers(axes: Axes, groups: dict[str, pd.DataFrame], ticks: Floats) -> float:
    """Numbers under the ticks, one block per curve, only as far as the curve reaches.

    Returns
    -------
    float
        Height of the blocks in points.
    """
    down = 20.0  # below the tick labels
    for name, rows in groups.items():
        colour, words = CURVES[name]
        _write_below(axes, words, 0, down, "left", color=colour, weight="bold")
        at = rows[rows["day"].isin(ticks)]
        for column, row_words in ROWS.items():
            down += _ROW_HIGH
            _write_below(axes, row_words, -0.03, down, "right")
            _write_row(axes, at["day"], at[column], down)
        down += 1.4 * _ROW_HIGH
    return down - 12


def _write_row(axes: Axes, days: pd.Series, counts: pd.Series, down: float) -> None:
    """One number below each day. It hangs on the day of its tick, not on a place of the page."""
    for day, count in zip(days, counts, strict=True):
        _write_below(axes, count_text(count), day, down, "center", across="data")


def _write_below(
    axes: Axes,
    text: str,
    at: float,
    down: float,
    side: Literal["left", "center", "right"],
    across: str = "axes fraction",
    **look: Any,
) -> None:
    """A small text so many points below the axes, `at` a share of their width, or a day."""
    axes.annotate(
        text,
        (at, 0),
        (0, -down),
        xycoords=(across, "axes fraction"),
        textcoords="offset points",
        fontsize=NOTE_SIZE,
        ha=side,
        va="top",
        **look,
    )


def plot_turnbull(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the share that was still responding as a line where the data decide it, and as a box
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

    Examples
    --------
    >>> boxes = pd.DataFrame({"kind": ["box"], "left": [14.0], "right": [21.0], "estimate": [25.0]})
    >>> shares = dict.fromkeys(["day", "least", "most", "ci_low", "ci_high"], np.nan)
    >>> [box.get_height() for box in plot_turnbull(boxes.assign(dated="", **shares)).patches]
    [25.0]
    """
    with canvas(ax, width=7.6, height=4.4) as axes:
        boxes = table[table["kind"] == "box"] if len(table) else table
        # Boxes stand in the order of time, and each begins where the one before it ended: with one
        # hidden, the height of all that follow would tell it.
        known = boxes[boxes["estimate"].notna().cummin()] if len(boxes) else boxes
        if nothing_to_draw(axes, known, "estimate"):
            return axes
        complete = len(known) == len(boxes)
        ends = known["right"].dropna()
        # The days at which a share is told are seen even when everything was lost before them.
        told = table["day"].dropna()
        latest = max([boxes["left"].max(), *ends, *told])
        last = float(max(latest, DAYS_IN_WEEK))
        since, share = _draw_boxes(axes, known)
        if complete:
            _flat_line(axes, since, last, share)
        _draw_intervals(axes, table)
        percent_axis(axes, _STILL_RESPONDING)
        # A little above 100, so that a line along the top is seen whole.
        axes.set(xlim=(0, last), ylim=(0, 102))
        ticks = week_ticks(last)
        axes.set_xticks(ticks, [f"{tick / DAYS_IN_WEEK:.0f}" for tick in ticks])
        hidden = "" if complete else "; a hidden count ends the line"
        axes.set_xlabel(f"{_SINCE_RESPONSE}{hidden}")
        write_title(axes, "When the response was lost: at some day inside each box")
        write_caption(axes, caption)
        return axes


def _draw_boxes(axes: Axes, boxes: pd.DataFrame) -> tuple[float, float]:
    """Boxes and the lines between them; the day and the share at which the last one ends."""
    share = 100.0
    since = 0.0
    for left, right, lost in zip(
        boxes["left"], boxes["right"], boxes["estimate"], strict=True
    ):
        _flat_line(axes, since, left, share)
        if pd.isna(right):  # those who are still responding at their last score
            return float(left), share
        share = share - lost
        box = Rectangle(
            (left, share),
            right - left,
            lost,
            fill=False,
            hatch="////",
            edgecolor=RESPONDED,
            linewidth=1,
        )
        axes.add_patch(box)
        since = float(right)
    return since, share


def _flat_line(axes: Axes, start: float, end: float, share: float) -> None:
    axes.plot([start, end], [share, share], color=RESPONDED, linewidth=1.8)


def _draw_intervals(axes: Axes, table: pd.DataFrame) -> None:
    """Intervals at the days they are given for."""
    shares = table[(table["kind"] == "share") & (table["dated"] == "when scored")]
    shares = shares.dropna(subset=["ci_low", "ci_high"])
    middle = (shares["least"] + shares["most"]).to_numpy(float) / 2
    down = middle - shares["ci_low"].to_numpy(float)
    up = shares["ci_high"].to_numpy(float) - middle
    axes.errorbar(
        shares["day"].to_numpy(float),
        middle,
        # A range that is wider than its interval would make a length below 0.
        yerr=np.maximum([down, up], 0),
        fmt="none",
        ecolor=INK,
        capsize=3,
        linewidth=1,
    )


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

    Examples
    --------
    >>> weeks = {"day": [7, 14], "at_risk": [20, 18], "losses": [1, 3], "estimate": [0.05, 0.16]}
    >>> axes = plot_mean_count(pd.DataFrame({**weeks, "ci_low": 0.0, "ci_high": 0.4}))
    >>> [label.get_text() for label in axes.get_xticklabels()]
    ['1\\n20\\n1', '2\\n18\\n3']
    """
    with canvas(ax, width=7.6, height=4.2) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        days = table["day"].to_numpy(float)
        estimate = table["estimate"].to_numpy(float)
        low = table["ci_low"].to_numpy(float)
        high = table["ci_high"].to_numpy(float)
        # The curve starts from no loss on day 0, which the table does not hold.
        heights = (
            np.append(0.0, estimate),
            np.append(np.nan, low),
            np.append(np.nan, high),
        )
        step_band(axes, np.append(0.0, days), heights, WORSE, "estimate")
        at = table[table["day"].isin(week_ticks(days.max()))]
        weeks = at["day"] // DAYS_IN_WEEK
        rows = {"at risk": at["at_risk"], "losses so far": at["losses"]}
        risk_table(axes, at["day"], weeks, rows)
        highest = float(np.nanmax([*high, *estimate, 0.1]))
        axes.set(xlim=(0, days.max()), ylim=(0, 1.05 * highest))
        axes.set(
            xlabel="weeks since the first response",
            ylabel="losses of response per person",
        )
        write_title(axes, "How often a response was lost, repeated losses included")
        write_caption(axes, caption)
        return axes
