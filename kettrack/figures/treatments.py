"""Kinds of treatment beside each other: made alike, and in one group of people after another."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.arrays import Floats
from kettrack.figures.group_rows import (
    height_of_groups,
    name_groups,
    place_groups,
    words_at_right,
)
from kettrack.figures.kit import (
    legend_above,
    nothing_to_draw,
    numbers,
    write_caption,
)
from kettrack.figures.style import (
    INK,
    LABEL_SIZE,
    RESPONDED,
    WORSE,
    canvas,
)

_FRAME: Final = 1.7  # inches of title, legend, axis and caption
_ROW: Final = 0.45  # inches of a row, with two marks


def plot_standardised(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw response under each kind of treatment, as counted and standardised.

    Parameters
    ----------
    table : DataFrame
        The table of `standardised`: one row per kind.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Hollow = as counted, filled = were the people of every kind alike; lines are intervals.

    Examples
    --------
    >>> row = {"group": "iv", "n": 90, "estimate": 35.0, "ci_low": 30.0, "ci_high": 40.0}
    >>> row |= {"standardised": 34.0, "standardised_low": 28.0, "standardised_high": 40.0}
    >>> ax = plot_standardised(pd.DataFrame([row]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['iv (90)']
    """
    with canvas(ax, width=7.0, height=_FRAME + _ROW * max(len(table), 1)) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        rows = np.arange(len(table), dtype=np.float64)
        looks = {
            "as counted": ("estimate", "ci", WORSE, "D", "none", -0.13),
            "standardised": (
                "standardised",
                "standardised",
                RESPONDED,
                "o",
                "full",
                0.13,
            ),
        }
        for name, (middle, ends, colour, marker, fill, down) in looks.items():
            # The two marks of a row stand apart, so that neither covers the other.
            at = rows + down
            low = numbers(table[f"{ends}_low"])
            high = numbers(table[f"{ends}_high"])
            axes.hlines(at, low, high, color=colour, linewidth=1.2)
            axes.plot(
                numbers(table[middle]),
                at,
                marker,
                color=colour,
                fillstyle=fill,
                markersize=5,
                label=name,
            )
        name_groups(axes, table, rows)
        axes.set(xlim=(0, 100), xlabel="percent who responded")
        legend_above(axes, 2)
        axes.set_title(
            "Response by kind of treatment (people in brackets)", loc="left", pad=24
        )
        write_caption(axes, caption)
        return axes


def plot_interactions(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the difference between two treatments in every group, with its interactions.

    Parameters
    ----------
    table : DataFrame
        The table of `interactions`: everybody, then one row per group, and one per number.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Filled = difference in the group, with an interval of its own; the dashed line is
        everybody's. At the right stands how far it is from the first group, with the interval that
        holds for all rows at once. Rows of numbers have no group and stand in the table alone.

    Examples
    --------
    >>> row = {"characteristic": "sex", "n": 90, "ci_low": -9.0, "ci_high": 5.0, "estimate": -2.0}
    >>> row |= {"compared": "im against iv"}
    >>> ends = {"interaction": 3.0, "interaction_low": -20.0, "interaction_high": 26.0}
    >>> none = dict.fromkeys(ends)
    >>> rows = [row | {"group": "female"} | none, row | {"group": "male"} | ends]
    >>> [text.get_text() for text in plot_interactions(pd.DataFrame(rows)).texts]
    ['sex', '3.0 (-20.0 to 26.0)', 'interaction']
    """
    shown = table[table["estimate"].notna()] if "estimate" in table else table.iloc[:0]
    # Rows of a number have no share of their own, and so no place here.
    with canvas(ax, width=9.0, height=height_of_groups(shown)) as axes:
        if nothing_to_draw(axes, shown, "estimate"):
            return axes
        at = place_groups(shown)
        middle = numbers(shown["estimate"])
        axes.axvline(0, color=INK, linewidth=0.8)
        # Everybody stands in the first row.
        axes.axvline(middle[0], color=INK, linewidth=0.8, linestyle="--")
        axes.hlines(
            at,
            numbers(shown["ci_low"]),
            numbers(shown["ci_high"]),
            color=RESPONDED,
            linewidth=1.2,
        )
        axes.plot(middle, at, "o", color=RESPONDED, markersize=4)
        name_groups(axes, shown, at)
        _words_beside(axes, shown, at)
        axes.set(
            xlabel="percentage points; right = more responded with the first named"
        )
        axes.set_title(
            f"Difference in response, {shown['compared'].iloc[0]} (people in brackets)",
            loc="left",
            pad=24,
        )
        write_caption(axes, caption)
        return axes


def _words_beside(axes: Axes, shown: pd.DataFrame, at: Floats) -> None:
    """The characteristic beside its first group, and the interaction beside each of the others."""
    before = ""
    for height, row in zip(at, shown.to_dict("records"), strict=True):
        name = str(row["characteristic"])
        ends = [row["interaction"], row["interaction_low"], row["interaction_high"]]
        # A hidden or missing interaction leaves its place empty.
        known = not pd.isna(ends).any()
        words = "{:.1f} ({:.1f} to {:.1f})".format(*ends) if known else ""
        words_at_right(axes, name if name != before else words, float(height))
        before = name
    axes.annotate(
        "interaction",
        (1.01, 1),
        (0, 3),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=LABEL_SIZE,
        color=INK,
    )
