"""How long a response lasts: curves with a risk table whose ticks are those of the axis."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.style import (
    INK,
    PARTIAL,
    RESPONDED,
    STOPPED,
    canvas,
    nothing_to_draw,
    write_caption,
)
from kettrack.vocabulary.published_results import (
    PublishedDurability,
    published_durability,
)

WEEK: Final = 7
TICK_EVERY: Final = 4  # weeks
SIGNS: Final = "DsovP"  # of published marks, by study
LAST_WEEK: Final = 26  # drawn; the table goes on
TITLE_WEEK: Final = 8
LINE: Final = 9.5  # points that a line of the risk table is high
# Estimand -> colour, what it is called beside its curve and above its part of the risk table.
CURVES: Final = {
    "treatment_policy": (RESPONDED, "whatever sessions followed"),
    "off_treatment": (STOPPED, "without a further session"),
    "composite": (PARTIAL, "neither lost nor treated again"),
}
ROWS: Final = {
    "at_risk": "at risk",
    "lost": "lost",
    "retreated": "treated again",
    "censored": "no longer followed",
}


def plot_durability(
    table: pd.DataFrame,
    ax: Axes | None = None,
    rule: str = "in_force",
    caption: str = "",
    marks: tuple[PublishedDurability, ...] | None = None,
) -> Axes:
    """Draw the share that still holds the response, by three estimands, over a risk table.

    Parameters
    ----------
    table : DataFrame
        The table of `durability` or `durability_from_response`: one row per estimand, rule and
        week.
    ax : Axes, optional
        Default: new ones.
    rule : str
        Whose curves are drawn with intervals; the treatment-policy curve by a single score stands
        beside them as a dotted line.
    caption : str
        N, rule and extract; `Result.caption`.
    marks : tuple of PublishedDurability, optional
        Published shares, drawn as hollow signs that the legend names; default: all that may be
        shown.

    Returns
    -------
    Axes
        To week 26 at most. Thin dashed lines: every loss that no second score confirmed is counted,
        or none. Lost, treated again and no longer followed are cumulative; hidden cells say so.
    """
    groups, short = _groups(table, rule)
    with canvas(ax, width=8.4, height=4.4 + 0.66 * max(len(groups), 1)) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        for name, rows in groups.items():
            _curve(axes, rows, *CURVES[name])
        _bounds(axes, groups.get("treatment_policy"))
        _lowest_untreated(axes, groups.get("off_treatment"))
        _by_single_score(axes, table, rule)
        for name in short:
            axes.plot(
                [], [], " ", label=f"{CURVES[name][1]}:\ntoo few people from the start"
            )
        last = min(
            int(max(rows["day"].max() for rows in groups.values())), LAST_WEEK * WEEK
        )
        ticks = np.arange(
            0, last + 1, TICK_EVERY * WEEK if last >= TICK_EVERY * WEEK else WEEK
        )
        _marks(axes, published_durability() if marks is None else marks, last)
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        axes.set_xticks(ticks, [f"{tick // WEEK}" for tick in ticks])
        axes.set(
            xlim=(0, max(last, WEEK)),
            ylim=(0, 101),
            ylabel="% who still hold the response",
        )
        axes.set_xlabel(
            "weeks since the score that showed it",
            labelpad=_risk_table(axes, groups, ticks),
        )
        axes.set_title(_title(groups), loc="left")
        write_caption(axes, caption)
        return axes


def _title(groups: dict[str, pd.DataFrame]) -> str:
    """The share at eight weeks, or at the last week before."""
    rows = groups.get(
        "treatment_policy", pd.DataFrame({"day": [], "estimate": []})
    ).dropna(subset=["estimate"])
    rows = rows[rows["day"] <= TITLE_WEEK * WEEK]
    if rows.empty:
        return "How long a response was held, asked in three ways"
    row = rows.sort_values("day").iloc[-1]
    return (
        f"{row['estimate']:.0f} % still held the response {row['day'] // WEEK:.0f} weeks on,"
        " whatever sessions followed"
    )


def _groups(
    table: pd.DataFrame, rule: str
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Rows of each estimand that has any, in the order of `CURVES`; those that end where they begin
    are only named.
    """
    if table.empty:
        return {}, []
    chosen = table[table["rule"] == rule]
    parts = {name: chosen[chosen["estimand"] == name] for name in CURVES}
    drawn = {name: rows for name, rows in parts.items() if len(rows) > 1}
    short = [name for name, rows in parts.items() if len(rows) == 1]
    return (
        (drawn, short)
        if drawn
        else ({name: rows for name, rows in parts.items() if len(rows)}, [])
    )


def _curve(axes: Axes, rows: pd.DataFrame, colour: str, words: str) -> None:
    """Steps with their interval, named with the week to which they reach."""
    if rows["estimate"].isna().all():
        return
    days, height, low, high = (
        rows[name].to_numpy(float) for name in ("day", "estimate", "ci_low", "ci_high")
    )
    reach = f"{words}\n(to week {int(days[~np.isnan(height)].max()) // WEEK})"
    # a hidden week breaks the line
    axes.step(days, height, where="post", color=colour, linewidth=1.8, label=reach)
    if (~np.isnan(height)).sum() == 1:  # a curve of one point has no line
        axes.plot(
            days,
            height,
            marker="o",
            markersize=5,
            color=colour,
            clip_on=False,
            label=f"_{words}",
        )
    axes.fill_between(
        days, low, high, step="post", color=colour, alpha=0.15, linewidth=0
    )


def _bounds(axes: Axes, rows: pd.DataFrame | None) -> None:
    """Thin lines at the two ends of what losses that no second score confirmed may have been, where
    they differ.
    """
    if rows is None or not (rows["bound_low"] < rows["bound_high"]).any():
        return
    colour = CURVES["treatment_policy"][0]
    named = "whatever sessions followed, with\nevery unconfirmed loss, or none"
    for name, words in (("bound_low", named), ("bound_high", "_bound_high")):
        days = rows["day"].to_numpy(float)
        height = rows[name].to_numpy(float)
        axes.step(
            days,
            height,
            where="post",
            color=colour,
            linewidth=0.9,
            linestyle=(0, (4, 2)),
            label=words,
        )


def _lowest_untreated(axes: Axes, rows: pd.DataFrame | None) -> None:
    """Thin line under the curve off treatment: where it is if every loss counts that a session or
    silence left unconfirmed.
    """
    if rows is None or not (rows["bound_low"] < rows["estimate"]).any():
        return
    days = rows["day"].to_numpy(float)
    height = rows["bound_low"].to_numpy(float)
    words = "without a further session, with\nevery unconfirmed loss"
    axes.step(
        days,
        height,
        where="post",
        color=CURVES["off_treatment"][0],
        linewidth=0.9,
        linestyle=(0, (4, 2)),
        label=words,
    )


def _by_single_score(axes: Axes, table: pd.DataFrame, rule: str) -> None:
    """The treatment-policy curve by a single score, where another rule is drawn."""
    single = table[
        (table["rule"] == "single_score") & (table["estimand"] == "treatment_policy")
    ]
    if rule == "single_score" or single["estimate"].isna().all():
        return
    words = "whatever sessions followed,\nby a single score"
    colour = CURVES["treatment_policy"][0]
    days, height = (single[name].to_numpy(float) for name in ("day", "estimate"))
    axes.step(
        days,
        height,
        where="post",
        color=colour,
        linewidth=1.2,
        linestyle=":",
        label=words,
    )


def _marks(axes: Axes, marks: tuple[PublishedDurability, ...], last: int) -> None:
    """Published shares, one sign for each study, named in the legend: a name on the curves could
    not be read.
    """
    studies = dict.fromkeys(mark.study for mark in marks if mark.day <= last)
    for study, sign in zip(studies, itertools.cycle(SIGNS), strict=False):
        shown = [mark for mark in marks if mark.study == study and mark.day <= last]
        axes.plot(
            [mark.day for mark in shown],
            [mark.percent for mark in shown],
            sign,
            color=INK,
            markerfacecolor="white",
            markersize=6,
            label=f"published: {study}\n(other rule, origin and intervals)",
        )


def _risk_table(
    axes: Axes, groups: dict[str, pd.DataFrame], ticks: np.ndarray
) -> float:
    """Numbers under the ticks, one block per curve; the height of the table in points."""
    line = 20.0
    for name, rows in groups.items():
        colour, words = CURVES[name]
        axes.annotate(
            words,
            (0, 0),
            (0, -line),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
            fontsize=7.5,
            color=colour,
            weight="bold",
        )
        at = rows[rows["day"].isin(ticks)]
        for column, row_words in ROWS.items():
            line += LINE
            axes.annotate(
                row_words,
                (-0.03, 0),
                (0, -line),
                xycoords="axes fraction",
                textcoords="offset points",
                ha="right",
                va="top",
                fontsize=7.5,
            )
            for day, number in zip(
                at["day"], at[column].astype("Float64"), strict=True
            ):
                text = "hidden" if pd.isna(number) else f"{number:.0f}"
                axes.annotate(
                    text,
                    (day, 0),
                    (0, -line),
                    xycoords=("data", "axes fraction"),
                    textcoords="offset points",
                    ha="center",
                    va="top",
                    fontsize=7.5,
                )
        line += 1.4 * LINE
    return line - 12
