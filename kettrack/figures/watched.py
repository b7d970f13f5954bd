"""Harms that are found only where somebody asks."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from kettrack.arrays import Floats
from kettrack.figures.kit import (
    HIDDEN,
    count_text,
    even_lines,
    legend_above,
    nothing_to_draw,
    numbers,
    text_beside,
    write_caption,
)
from kettrack.figures.style import (
    PARTIAL,
    RESPONDED,
    STOPPED,
    WORSE,
    canvas,
)

# Some harms are a thousand times rarer than others, so the axis is one of ratios.
_TICKS: Final = (0.01, 0.1, 1.0, 10.0, 100.0)
_ROW: Final = 0.2  # inches of a mark
_GAP: Final = 0.9  # rows between two harms, whose names may take two lines
_FRAME: Final = 2.0  # inches of title, axis and caption
_LABEL_LETTERS: Final = 36
# Colour, marker and fill, so that grey print tells them apart.
_SERIES: Final = (
    (RESPONDED, "o", "full"),
    (WORSE, "s", "none"),
    (PARTIAL, "^", "full"),
    (STOPPED, "D", "none"),
)


def plot_watched_harms(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how often each harm was found that clinics are asked to watch.

    Parameters
    ----------
    table : DataFrame
        The table of `watched_harms`: one row per harm and kind of session.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Marks per 100 sessions at which it was asked, on an axis of ratios; lines are intervals. A
        harm that was never found is a line to the upper end of its interval. The numbers at the
        right are sessions with it, of those at which it was asked.

    Examples
    --------
    >>> row = {"asked": "signs of mania", "among": "all sessions", "estimate": 0.2, "events": 8}
    >>> row |= {"ci_low": 0.1, "ci_high": 0.4, "sessions": 3792}
    >>> ax = plot_watched_harms(pd.DataFrame([row]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['signs of mania']
    """
    with canvas(ax, width=8.0, height=_height(table)) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        places, ticks = _places(table)
        # First, since marks at 0 need the left end.
        axes.set(xscale="log", xlim=(_TICKS[0], _TICKS[-1]))
        for order, among in enumerate(dict.fromkeys(table["among"])):
            own = (table["among"] == among).to_numpy()
            _draw_marks(
                axes,
                table[own],
                places[own],
                among,
                order,
            )
        _write_counts(axes, table, places)
        names = [even_lines(name, _LABEL_LETTERS) for name in ticks]
        axes.set_yticks(list(ticks.values()), names)
        axes.set_ylim(places.max() + 0.7, places.min() - 0.7)
        axes.xaxis.set_major_locator(FixedLocator(_TICKS))
        axes.xaxis.set_minor_locator(NullLocator())
        # Not as powers of ten.
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:g}"))
        axes.set_xlabel("per 100 sessions at which it was asked")
        axes.grid(axis="x", alpha=0.3)
        legend_above(axes, 2)
        axes.set_title("What has to be asked", loc="left", pad=40)
        write_caption(axes, caption)
        return axes


def _height(table: pd.DataFrame) -> float:
    """Inches of the figure."""
    harms = table["asked"].nunique() if "asked" in table else 1
    return _FRAME + _ROW * (max(len(table), 1) + _GAP * harms)


def _places(table: pd.DataFrame) -> tuple[Floats, dict[str, float]]:
    """The height of each row, with a gap between harms, and that of the name of each harm."""
    harm = pd.factorize(table["asked"])[0]
    places = np.arange(len(table)) + _GAP * harm
    rows = pd.Series(places).groupby(table["asked"].to_numpy(), sort=False)
    middle = rows.mean()
    names = [str(name) for name in middle.index]
    return places.astype(np.float64), dict(zip(names, middle.to_list(), strict=True))


def _draw_marks(
    axes: Axes, rows: pd.DataFrame, places: Floats, among: str, order: int
) -> None:
    """Marks and intervals of one kind of session."""
    colour, marker, fill = _SERIES[order % len(_SERIES)]
    middle = numbers(rows["estimate"])
    high = numbers(rows["ci_high"])
    never = middle == 0
    # An axis of ratios has no 0: the line of what was never found begins at its left end.
    low = np.maximum(numbers(rows["ci_low"]), _TICKS[0])
    axes.hlines(
        places,
        low,
        high,
        color=colour,
        linestyles="-",
    )
    shown = np.where(never, np.nan, middle)
    look: dict[str, Any] = {"color": colour, "fillstyle": fill, "markersize": 5}
    axes.plot(
        shown,
        places,
        marker,
        label=among,
        **look,
    )
    axes.plot(
        high[never],
        places[never],
        "|",
        color=colour,
        markersize=9,
    )
    for end, place in zip(high[never], places[never], strict=True):
        text_beside(axes, "never: at most this", (end, place), 6)


def _write_counts(
    axes: Axes,
    table: pd.DataFrame,
    places: Floats,
) -> None:
    """Sessions with it and sessions asked, at the right of each row."""
    counts = zip(
        table["events"],
        table["sessions"],
        places,
        strict=True,
    )
    for events, sessions, place in counts:
        told = f"{count_text(events)} of {count_text(sessions)}"
        # One word is enough where both numbers are hidden.
        words = HIDDEN if pd.isna(events) and pd.isna(sessions) else told
        text_beside(axes, words, (1, place), xycoords=("axes fraction", "data"))
