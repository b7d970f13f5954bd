"""Going on with sessions: what followed when it had not helped so far, who could have gone either
way, and whether the two groups were alike.
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from kettrack.arrays import Floats
from kettrack.figures.kit import (
    count_text,
    legend_above,
    legend_right,
    nothing_to_draw,
    write_caption,
    write_title,
)
from kettrack.figures.response import NO_EFFECT
from kettrack.figures.style import (
    FAINT_INK,
    INK,
    LABEL_SIZE,
    NUMBER_SIZE,
    RESPONDED,
    WORSE,
    canvas,
)
from kettrack.vocabulary.days import NEXT_SESSION_GRACE_DAYS
from kettrack.vocabulary.limits import ALIKE_WITHIN_SD

# Column of numbers -> where it stands, right of 100 on the axis of percent, and its title.
COLUMNS: Final = {
    "went_on": (108, "went on"),
    "n": (121, "followed"),
    "stopped": (134, "stopped"),
    "unscored": (148, "not scored"),
}
_BELOW: Final = 0.22  # of a row: the model lies below what was seen
_WIDTH: Final = 156  # of the axis, columns of numbers included
_LITTLE: Final = re.compile(r"below_(\d+)")
_SOME: Final = re.compile(r"(\d+)_to_\d+")
_DARK_PERCENT: Final = 65  # from which the text of a cell is white


def plot_futility(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw who responded later of those who had not responded and went on, beside a model in which
    sessions do nothing.

    Parameters
    ----------
    table : DataFrame
        The table of `should_we_go_on`: one row per landmark and group.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Dot and interval: responded later, confirmed by a second score; hollow diamond: the model;
        columns of numbers at the right, a hidden one as a dash.

    Examples
    --------
    >>> row = {"landmark": 2, "group": "below_20", "estimate": 5.0, "ci_low": 1.0, "ci_high": 14.0}
    >>> row |= {"null": 4.0, "went_on": 60, "n": 59, "stopped": 0, "unscored": 50, "reason": ""}
    >>> axes = plot_futility(pd.DataFrame([row]))
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['session 2: less than 20 % better']
    """
    with canvas(ax, width=9.4, height=4.6) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        at = _row_heights(table)
        known = table["estimate"].notna().to_numpy()
        _draw_rows(axes, table[known], at[known])
        _say_refused(axes, table[~known], at[~known])
        _write_numbers(axes, table, at)
        rows = zip(table["landmark"], table["group"], strict=True)
        labels = [
            f"session {session}: {_group_words(group)}" for session, group in rows
        ]
        axes.set_yticks(at, labels)
        axes.set(xlim=(0, _WIDTH), xticks=range(0, 101, 20))
        axes.set_ylim(at.max() + 0.6, at.min() - 0.6)
        # The label stands below the part of the axis that is percent, not below the numbers.
        axes.set_xlabel(
            "% who responded later, confirmed by a second score", x=50 / _WIDTH
        )
        axes.spines["bottom"].set_bounds(0, 100)
        axes.grid(axis="x")
        axes.set_title(
            "People who had not responded and went on: how many responded later",
            loc="left",
            pad=24,
        )
        legend_above(axes, columns=2)
        write_caption(axes, caption)
        return axes


def _group_words(group: str) -> str:
    """What a group of the table had improved by; its limits are in its name.

    The upper limit of the second group is response itself, whatever rule is in force, and the
    title says that nobody here had responded.
    """
    if found := _LITTLE.fullmatch(group):
        return f"less than {found[1]} % better"
    if found := _SOME.fullmatch(group):
        return f"{found[1]} % better or more"
    return group.replace("_", " ")


def _row_heights(table: pd.DataFrame) -> Floats:
    """Height of each row; landmarks stand a little apart."""
    number = table["landmark"].rank(method="dense").to_numpy(float)
    return np.arange(len(table)) + 0.5 * number


def _draw_rows(axes: Axes, rows: pd.DataFrame, at: Floats) -> None:
    axes.hlines(at, rows["ci_low"], rows["ci_high"], color=RESPONDED, linewidth=1.5)
    axes.plot(
        rows["estimate"],
        at,
        "o",
        color=RESPONDED,
        markersize=6,
        label="responded later, 95 % interval",
        clip_on=False,  # a share of 0 lies on the edge
    )
    # The model has no answer where too few of its people reach the landmark.
    null = rows["null"].notna().to_numpy()
    if null.any():
        if "null_low" in rows:
            ends = (rows["null_low"][null], rows["null_high"][null])
            axes.hlines(
                at[null] + _BELOW, *ends, color=INK, linewidth=0.9, linestyle=":"
            )
        axes.plot(
            rows["null"][null],
            at[null] + _BELOW,
            "D",
            markerfacecolor="none",
            markeredgecolor=INK,
            markersize=6.5,
            clip_on=False,
            label=NO_EFFECT,
        )


def _say_refused(axes: Axes, rows: pd.DataFrame, at: Floats) -> None:
    for reason, height in zip(rows["reason"], at, strict=True):
        axes.annotate(
            f"not shown: {reason or 'hidden'}",
            (1, height),
            fontsize=LABEL_SIZE,
            color=FAINT_INK,
            va="center",
            style="italic",
        )


def _write_numbers(axes: Axes, table: pd.DataFrame, at: Floats) -> None:
    """Numbers of people beside each row."""
    middle: dict[str, Any] = {"ha": "center", "color": INK}
    for column, (place, title) in COLUMNS.items():
        axes.annotate(
            title,
            (place, 1.02),
            xycoords=("data", "axes fraction"),
            fontsize=LABEL_SIZE,
            **middle,
        )
        for count, height in zip(table[column], at, strict=True):
            text = count_text(count, missing="-")
            axes.annotate(
                text, (place, height), va="center", fontsize=NUMBER_SIZE, **middle
            )


def plot_going_on(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the share that went on in each cell of score and session; cells in which all did the
    same are framed.

    Parameters
    ----------
    table : DataFrame
        The table of `going_on_by_score`: one row per band of the last score and session.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        In each cell the percent, and the number of decisions below it; a dash where it is hidden or
        rests on too few.

    Examples
    --------
    >>> cells = pd.DataFrame({"band": ["mild"], "session": [2], "n": [21], "estimate": [81.0]})
    >>> plot_going_on(cells).texts[0].get_text()
    '81 %\\n21'
    """
    with canvas(ax, width=8.0, height=3.8) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        # Bands stand in the order of the table, from the best to the worst.
        bands = list(table["band"].unique())
        sessions = sorted(table["session"].unique())
        grid = table.pivot(index="band", columns="session", values="estimate")
        axes.imshow(
            grid.reindex(index=bands, columns=sessions).to_numpy(float),
            cmap="Blues",
            vmin=0,
            vmax=100,
            aspect="auto",
            alpha=0.75,
        )
        for row in table.to_dict("records"):
            place = (sessions.index(row["session"]), bands.index(row["band"]))
            _write_cell(axes, row["estimate"], row["n"], place)
        axes.set_xticks(range(len(sessions)), [str(session) for session in sessions])
        axes.set_yticks(range(len(bands)), bands)
        axes.set(xlabel="session", ylabel="last score")
        write_title(
            axes,
            f"Who had another session within {NEXT_SESSION_GRACE_DAYS} days:"
            " % of decisions (framed: all or none)",
        )
        write_caption(axes, caption)
        return axes


def _write_cell(axes: Axes, share: float, n: float, place: tuple[int, int]) -> None:
    """Percent and number of decisions of one cell, with a frame where nobody differed."""
    middle: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": LABEL_SIZE}
    if pd.isna(share):
        axes.text(*place, "-", color=FAINT_INK, **middle)
        return
    count = "" if pd.isna(n) else f"\n{int(n)}"
    ink = "white" if share > _DARK_PERCENT else INK
    axes.text(*place, f"{share:.0f} %{count}", color=ink, **middle)
    if share in (0, 100):
        corner = (place[0] - 0.48, place[1] - 0.48)
        frame = Rectangle(corner, 0.96, 0.96, fill=False, edgecolor=WORSE, linewidth=2)
        axes.add_patch(frame)


def plot_balance(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how far those who went on differed from those who did not, before and after weighting.

    Parameters
    ----------
    table : DataFrame
        The table of `balance`: one row per measure; differences in standard deviations.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Hollow = before, filled = after weighting; grey = differences that count as none.

    Examples
    --------
    >>> rows = pd.DataFrame({"about": ["last score"], "estimate": [-0.2], "after": [0.02]})
    >>> plot_balance(rows).get_title(loc="left")
    'Were those who went on like those who did not?'
    """
    with canvas(ax, width=7.0, height=4.2) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        before = table["estimate"]
        rows = np.arange(len(table))[::-1]  # the first row of the table at the top
        # Grey below everything: it is a field to stand in, not a result.
        axes.axvspan(-ALIKE_WITHIN_SD, ALIKE_WITHIN_SD, color="#DDDDDD", linewidth=0)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.hlines(rows, before, table["after"], color="#999999", linewidth=1)
        axes.plot(
            before,
            rows,
            "o",
            markerfacecolor="white",
            color=WORSE,
            label="before",
        )
        axes.plot(table["after"], rows, "o", color=RESPONDED, label="after weighting")
        axes.set_yticks(rows, table["about"])
        axes.set_xlabel(
            "mean of those who went on minus mean of the others, in standard deviations"
            f"\n(grey: at most {ALIKE_WITHIN_SD:g} apart, which is alike enough)"
        )
        legend_right(axes)
        write_title(axes, "Were those who went on like those who did not?")
        write_caption(axes, caption)
        return axes
