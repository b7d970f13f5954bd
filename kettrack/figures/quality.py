"""What came in: rows used and left out, who was scored week by week, and what is filled in."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.kit import (
    count_text,
    legend_right,
    nothing_to_draw,
    numbers,
    stacked_bands,
    text_beside,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    IN_CARE,
    LABEL_SIZE,
    NO_DATA,
    NUMBER_SIZE,
    PARTIAL,
    RESPONDED,
    WORSE,
    Look,
    canvas,
)

# What became of people in a week -> its look, from the bottom up.
_WEEK: Final = {
    "scored": Look(RESPONDED, "", "scored"),
    "session_only": Look(PARTIAL, "", "a session, but no score"),
    "nothing": Look(WORSE, "////", "nothing recorded"),
    "log_ended": Look(NO_DATA, "....", "log had ended"),
}
_LONGEST: Final = 58  # letters of a reason; the table above has the whole
_ROW_HEIGHT: Final = 0.26  # inches of one bar, with its label


def plot_rows_used(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how many rows are used, and how many were left out for which reason.

    Parameters
    ----------
    table : DataFrame
        The table of `rows_used`: one row per file and reason.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Blue = used, hatched vermilion = left out or refused, plain grey = mended. A hidden count
        has no bar.

    Examples
    --------
    >>> rows = pd.DataFrame({"what": ["scores", "no day"], "became": ["used", "refused"]})
    >>> [text.get_text() for text in plot_rows_used(rows.assign(n_rows=[20, 3])).texts[:2]]
    ['20', '3']
    """
    with canvas(ax, height=_height(len(table))) as axes:
        if nothing_to_draw(axes, table, "n_rows"):
            return axes
        places = np.arange(len(table))
        sizes = numbers(table["n_rows"], missing=0)
        for place, size, became in zip(places, sizes, table["became"], strict=True):
            axes.barh(place, size, **_bar(became))
        # A few rows beside thousands have a bar too short to see; the number is what is read.
        _write_counts(axes, table["n_rows"], sizes)
        labels = [_short(what) for what in table["what"]]
        axes.set_yticks(places, labels)
        axes.invert_yaxis()
        axes.set(xlabel="rows", xlim=(0, max(sizes.max(), 1) * 1.2))
        write_title(axes, "Rows used, and rows that are not", "hatched: not used")
        write_caption(axes, caption)
        return axes


def _height(n_rows: int) -> float:
    return 1.2 + _ROW_HEIGHT * max(n_rows, 4)


def _bar(became: str) -> dict[str, Any]:
    """How a bar is drawn, by what became of its rows."""
    if became == "used":
        return {"color": RESPONDED}
    if became.startswith("cells mended"):
        return {"color": NO_DATA}
    return {"color": WORSE, "hatch": "////", "edgecolor": "white", "linewidth": 0}


def _short(reason: str) -> str:
    return reason if len(reason) <= _LONGEST else f"{reason[: _LONGEST - 1]}…"


def _write_counts(axes: Axes, counts: pd.Series, ends: np.ndarray) -> None:
    """Each count at the end of its bar."""
    look: dict[str, Any] = {"fontsize": NUMBER_SIZE, "color": "black"}
    for place, count in enumerate(counts):
        words = count_text(count)
        end = (ends[place], place)
        text_beside(axes, words, end, **look)


def plot_scored_by_week(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw who was scored in which week, and what is known of the others.

    Parameters
    ----------
    table : DataFrame
        The table of `scored_by_week`: one row per week.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Bands that add up to everyone who started. A week with a hidden count stays empty.

    Examples
    --------
    >>> weeks = pd.DataFrame({"week": [1, 2], "scored": [9, 7], "session_only": [1, 0]})
    >>> axes = plot_scored_by_week(weeks.assign(nothing=[0, 3], log_ended=0))
    >>> [patch.get_data().values.tolist() for patch in axes.patches[:1]]
    [[9.0, 7.0]]
    """
    with canvas(ax, height=3.2) as axes:
        if nothing_to_draw(axes, table, "scored"):
            return axes
        # Bands of a week with a hidden part would not add up to everyone.
        whole = table.where(table[list(_WEEK)].notna().all(axis=1))
        first = int(table["week"].iloc[0])
        edges = np.arange(first, first + len(table) + 1, dtype=np.float64) - 0.5
        stacked_bands(axes, edges, whole, _WEEK)
        hidden = (
            "; an empty week has a hidden count" if whole["week"].isna().any() else ""
        )
        axes.set(xlabel=f"week since session 1{hidden}", ylabel="people")
        axes.set(xlim=(edges[0], edges[-1]), ylim=(0, None))
        # From the top down, as the bands stand in the picture.
        handles, names = axes.get_legend_handles_labels()
        legend_right(
            axes,
            handles=handles[::-1],
            labels=[_WEEK[name].words for name in reversed(names)],
        )
        write_title(axes, "Who was scored, week by week")
        write_caption(axes, caption)
        return axes


def plot_columns_filled(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how far each column is filled in.

    Parameters
    ----------
    table : DataFrame
        The table of `columns_filled`: one row per file and column.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One bar per column that is not filled in every row, on a grey bar of all rows.

    Examples
    --------
    >>> columns = pd.DataFrame({"column": ["score", "timing"], "estimate": [100, 40]})
    >>> axes = plot_columns_filled(columns.assign(file="scores"))
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['scores: timing']
    """
    partly = table
    if "estimate" in table:
        partly = table[table["estimate"].fillna(0) < 100]
    with canvas(ax, height=_height(len(partly))) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        places = np.arange(len(partly))
        shares = numbers(partly["estimate"], missing=0)
        axes.barh(places, 100, color=IN_CARE)
        axes.barh(places, shares, color=RESPONDED)
        for place, share in enumerate(partly["estimate"]):
            # Rounded down: what is not filled in everywhere does not read as 100 %.
            text = "hidden" if pd.isna(share) else f"{np.floor(share):.0f} %"
            axes.text(101, place, text, va="center", fontsize=NUMBER_SIZE)
        labels = [
            f"{file}: {column}"
            for file, column in zip(partly["file"], partly["column"], strict=True)
        ]
        axes.set_yticks(places, labels, fontsize=LABEL_SIZE)
        axes.invert_yaxis()
        axes.set(xlabel="% of rows that say something", xlim=(0, 112))
        n_full = len(table) - len(partly)
        note = f"{n_full} columns that are filled in every row are not drawn"
        write_title(axes, "Columns that are filled in only partly", note)
        write_caption(axes, caption)
        return axes
