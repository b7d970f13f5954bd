"""The parts that figures are put together from: captions, tables of numbers under an axis, stacked
bands, labels that keep apart.

Every part takes axes, draws one thing on them and computes no result. A missing number in a table
is a hidden one; each part says what it shows in its place.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.legend import Legend

from kettrack.arrays import Floats
from kettrack.figures.style import (
    CAPTION_INK,
    CAPTION_SIZE,
    INK,
    LABEL_SIZE,
    NOTE_SIZE,
    NUMBER_SIZE,
    Look,
    ink_of,
)
from kettrack.vocabulary.days import DAYS_IN_WEEK

NOT_SHOWN: Final = "Not shown: refused, or hidden under this policy"
HIDDEN: Final = "hidden"
_ONE_LINE: Final = 0.5  # inches: height of a figure that only says why there is none
_POINTS_PER_INCH: Final = 72
# Of the size of the text, on average; letters are wider where there are few dots to draw them with.
_LETTER_WIDTH: Final = 0.54
_SHORTEST_LINE: Final = 40  # letters
_LINE_HEIGHT: Final = 1.2  # of the size of the text; matplotlib's own
# Steps between ticks on an axis of weeks that a reader can count in.
_WEEK_STEPS: Final = (1, 2, 4, 8, 12, 26, 52)


def nothing_to_draw(axes: Axes, table: pd.DataFrame, column: str) -> bool:
    """Say that nothing is shown when every value of a column is missing, refused or hidden.

    Parameters
    ----------
    axes : Axes
        A figure of its own becomes one line high; axes beside others keep their size.
    table : DataFrame
        May be empty, and may lack every column.
    column : str
        What the figure cannot do without.

    Returns
    -------
    bool
        Whether there is nothing to draw.
    """
    if len(table) and table[column].notna().any():
        return False
    axes.set_axis_off()
    figure = axes.get_figure(root=True)
    if figure is not None and figure.axes == [axes]:
        figure.set_size_inches(figure.get_size_inches()[0], _ONE_LINE)
    axes.text(0.5, 0.5, NOT_SHOWN, ha="center", transform=axes.transAxes, color=INK)
    return True


def write_caption(axes: Axes, caption: str, above: Axes | None = None) -> None:
    """Put number of people, rule and extract under the axes, from the left edge of the figure.

    Parameters
    ----------
    axes : Axes
        Whose label of the horizontal axis the caption stands below.
    caption : str
        `Result.caption`; nothing is written when it is empty.
    above : Axes, optional
        Lowest panel of a figure of several; default: `axes`.
    """
    if not caption:
        return
    label = (above or axes).xaxis.label
    axes.annotate(
        _wrapped(axes, caption),
        (0.01, 0),
        (0, -4),
        # Right from the figure's edge, down from the label, wherever the layout puts the two.
        xycoords=("figure fraction", label),
        textcoords="offset points",
        fontsize=CAPTION_SIZE,
        color=CAPTION_INK,
        va="top",
    )


def _wrapped(axes: Axes, caption: str) -> str:
    """The caption in lines that end within the figure: an extract may be described at length."""
    figure = axes.get_figure(root=True)
    inches = figure.get_size_inches()[0] if figure is not None else 0.0
    width = _POINTS_PER_INCH * inches / (_LETTER_WIDTH * CAPTION_SIZE)
    return textwrap.fill(caption, max(int(width), _SHORTEST_LINE))


def even_lines(words: str, most: int) -> str:
    """Words in as few lines as letters allow, none much shorter than the others.

    Examples
    --------
    >>> even_lines("sedation of any degree (MOAA/S below 5)", 35)
    'sedation of any degree\\n(MOAA/S below 5)'
    """
    lines = [
        textwrap.wrap(words, width, break_long_words=False)
        for width in range(1, most + 1)
    ]
    fewest = len(lines[-1])
    return "\n".join(next(some for some in lines if len(some) <= fewest))


def write_title(axes: Axes, title: str, note: str = "") -> None:
    """Say what is seen, above the axes at the left, with a small note under it."""
    # The note takes one line between title and axes.
    axes.set_title(title, loc="left", pad=16 if note else None)
    if note:
        axes.annotate(
            note,
            (0, 1),
            (0, 3),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=NOTE_SIZE,
            color=INK,
            va="bottom",
        )


def numbers(column: pd.Series, missing: float = np.nan) -> Floats:
    """A column as floats; hidden counts are the `missing` value.

    Examples
    --------
    >>> numbers(pd.Series([3, None], dtype="Int64")).tolist()
    [3.0, nan]
    """
    floats = column.astype("Float64").to_numpy(float, na_value=missing)
    return np.asarray(floats, dtype=np.float64)


def count_text(count: object, missing: str = HIDDEN) -> str:
    """A count as a reader sees it.

    Examples
    --------
    >>> count_text(1200), count_text(pd.NA), count_text(float("nan"), "-")
    ('1,200', 'hidden', '-')
    """
    if pd.isna(count):  # type: ignore[call-overload]
        return missing
    return f"{int(count):,}"  # type: ignore[call-overload]


def week_ticks(last_day: float, most: int = 9) -> Floats:
    """Days at which an axis of weeks gets a tick, from day 0, at most so many after it.

    Examples
    --------
    >>> (week_ticks(70) / 7).tolist()
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    weeks = last_day / DAYS_IN_WEEK
    fitting = [step for step in _WEEK_STEPS if weeks / step <= most]
    # Years on end: as many ticks as there are years.
    step = fitting[0] if fitting else _WEEK_STEPS[-1]
    days: Floats = np.arange(0, last_day + 1, step * DAYS_IN_WEEK).astype(np.float64)
    return days


def risk_table(
    axes: Axes,
    ticks: Sequence[float] | pd.Series | Floats,
    labels: Iterable[object],
    rows: Mapping[str, Iterable[object]],
    missing: str = HIDDEN,
) -> None:
    """Numbers under the ticks of the horizontal axis, one row of them for each entry.

    Parameters
    ----------
    axes : Axes
        Its ticks are replaced.
    ticks : sequence of float
        Where the ticks stand.
    labels : iterable
        What stands at each tick: a session, a week.
    rows : mapping
        Name of a row, written at its left, to one number for each tick.
    missing : str
        What stands for a hidden number.
    """
    counts = [[count_text(count, missing) for count in row] for row in rows.values()]
    # The numbers are further lines of the tick labels. So they cannot come to stand elsewhere
    # than at their ticks, whatever is done to the axis later.
    lines = zip(map(str, labels), *counts, strict=True)
    axes.set_xticks(ticks, ["\n".join(line) for line in lines], fontsize=NUMBER_SIZE)
    below_first_line = 7 + _LINE_HEIGHT * NUMBER_SIZE
    for place, name in enumerate(rows):
        down = below_first_line + place * _LINE_HEIGHT * NUMBER_SIZE
        axes.annotate(
            name,
            (0, 0),
            # Half a word "hidden" at the first tick, which may stand at the very edge.
            (-17, -down),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=LABEL_SIZE,
        )


def stacked_bands(
    axes: Axes, edges: Floats, table: pd.DataFrame, looks: Mapping[str, Look]
) -> dict[str, tuple[float, float]]:
    """Fill one band above the other, each as high as its column.

    Parameters
    ----------
    axes : Axes
        Each band is labelled with the name of its column.
    edges : array of float
        Left edge of each row's slot, and the right edge of the last; one more than rows.
    table : DataFrame
        One row per slot; a row with a missing value stays empty.
    looks : mapping
        Column to look, from the bottom up.

    Returns
    -------
    dict
        Column to bottom and top of its band in the last slot.
    """
    base = np.zeros(len(table))
    ends = {}
    for column, look in looks.items():
        top = base + numbers(table[column])
        axes.stairs(
            top,
            edges,
            baseline=base,
            fill=True,
            color=look.colour,
            hatch=look.hatch,
            edgecolor=look.edge,
            linewidth=0,
            label=column,
        )
        ends[column] = (float(base[-1]), float(top[-1]))
        base = top
    return ends


def step_band(
    axes: Axes,
    days: Floats,
    heights: tuple[Floats, Floats, Floats],
    colour: str,
    label: str,
) -> None:
    """A step curve with its interval. Each value holds until the next, and a missing one breaks
    both.

    Parameters
    ----------
    axes : Axes
        Days across.
    days : array of float
        In order.
    heights : tuple of arrays
        Estimate, lower and upper end of the interval.
    colour, label : str
        Of the curve; the interval is a tint of it.
    """
    estimate, low, high = heights
    axes.step(days, estimate, where="post", color=colour, linewidth=1.8, label=label)
    axes.fill_between(
        days, low, high, step="post", color=colour, alpha=0.15, linewidth=0
    )


def whiskers(axes: Axes, rows: pd.DataFrame, across: str, **look: Any) -> None:
    """Upright lines from `ci_low` to `ci_high` of each row, at the place in the column `across`."""
    known = rows.dropna(subset=["ci_low", "ci_high"])
    middle = known["estimate"].to_numpy(float)
    down = middle - known["ci_low"].to_numpy(float)
    up = known["ci_high"].to_numpy(float) - middle
    axes.errorbar(known[across], middle, yerr=np.array([down, up]), fmt="none", **look)


def percent_axis(axes: Axes, label: str) -> None:
    """The whole of 0 to 100 % upwards, so that no share looks larger than it is."""
    axes.set(ylim=(0, 100), ylabel=label)


def reference_line(axes: Axes, level: float, words: str) -> None:
    """A dashed line across at a level that means something, named at its right end."""
    axes.axhline(level, color="black", linewidth=0.8, linestyle="--")
    axes.annotate(
        words,
        (1.005, level),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=LABEL_SIZE,
    )


def text_beside(
    axes: Axes, words: str, mark: tuple[float, float], points: float = 4, **look: Any
) -> None:
    """A small text at the right of a mark.

    Parameters
    ----------
    axes : Axes
        Where the mark is.
    words : str
        The text.
    mark : tuple of float
        Place of the mark, in the units of the axes unless `look` names others as `xycoords`.
    points : float
        How far from it.
    **look
        As `Axes.annotate` takes it.
    """
    usual: dict[str, Any] = {
        "va": "center",
        "fontsize": LABEL_SIZE,
        "color": CAPTION_INK,
    }
    look = usual | look
    axes.annotate(words, mark, (points, 0), textcoords="offset points", **look)


def legend_right(axes: Axes, **more: Any) -> Legend:
    """The legend at the right of the axes, from the top, where it covers nothing."""
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    return axes.legend(**{"fontsize": LABEL_SIZE, **place, **more})


def legend_above(axes: Axes, columns: int) -> Legend:
    """The legend in a row between the axes and a title that leaves room for it."""
    return axes.legend(
        fontsize=LABEL_SIZE,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        borderaxespad=0.3,
        columnspacing=1,
    )


def side_labels(
    axes: Axes,
    ends: Mapping[str, float],
    colours: Mapping[str, str] | None = None,
    gap: float = 5.5,
) -> None:
    """Name lines or bands at the right of the axes, beside their ends and apart from each other.

    Parameters
    ----------
    axes : Axes
        Its limits upwards must be set.
    ends : mapping
        Text to the height at which its line or band ends, in units of the axis.
    colours : mapping, optional
        Text to colour; default: dark grey.
    gap : float
        Smallest distance between two texts, in percent of the axis.
    """
    bottom, top = axes.get_ylim()
    there = np.array(list(ends.values()), dtype=float)
    percent = 100 * (there - bottom) / (top - bottom)
    for text, height in zip(ends, spread_out(percent, gap), strict=True):
        axes.annotate(
            text,
            (1.015, height / 100),
            xycoords="axes fraction",
            va="center",
            fontsize=NUMBER_SIZE,
            color=ink_of((colours or {}).get(text, INK)),
        )


def spread_out(
    heights: Floats, gap: float, low: float = 2.0, high: float = 98.0
) -> Floats:
    """Heights moved as little as it takes to stand at least `gap` apart, inside the limits.

    Examples
    --------
    >>> spread_out(np.array([10.0, 11.0, 50.0]), 4).tolist()
    [10.0, 14.0, 50.0]
    """
    # The order of the heights is kept on both passes, so that two labels never change places.
    order = np.argsort(heights, kind="stable")
    out = np.array(heights, dtype=float)
    floor = low
    for place in order:
        out[place] = max(out[place], floor)
        floor = out[place] + gap
    # The way up may have pushed the last ones out at the top; the way down brings them back.
    ceiling = high
    for place in order[::-1]:
        out[place] = min(out[place], ceiling)
        ceiling = out[place] - gap
    return out


def empty_note(axes: Axes, words: str) -> None:
    """Say in the middle of a panel that it has nothing to show."""
    axes.text(
        0.5,
        0.5,
        words,
        ha="center",
        va="center",
        transform=axes.transAxes,
        fontsize=LABEL_SIZE,
        color=CAPTION_INK,
    )
