"""Other conditions beside the main one, and a scale item by item."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.kit import (
    count_text,
    legend_above,
    nothing_to_draw,
    numbers,
    write_caption,
)
from kettrack.figures.style import (
    CAPTION_INK,
    LABEL_SIZE,
    RESPONDED,
    WORSE,
    canvas,
)

_ROW: Final = 0.34  # inches of a row
_FRAME: Final = 1.7  # inches of title, axis and caption
# Two marks of a row stand so far apart, so that neither covers the other.
_APART: Final = 0.16
# Colour, marker and fill, so that grey print tells them apart.
_LOOKS: Final = ((RESPONDED, "o", "full"), (WORSE, "s", "none"))
_SHARES: Final = {
    "improved": "improved by more than measurement error",
    "any_worse": "scored worse than before",
}


def plot_change_by_item(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the mean change of each item, early and later, and which items are out of step.

    Parameters
    ----------
    table : DataFrame
        The table of `change_by_item`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Filled = early week, hollow = later week; lines are intervals that hold together. An item
        whose early answer differs from the usual one at the same total is named at the right.

    Examples
    --------
    >>> keys = ["early_1", "later_1", "ahead_1"]
    >>> rows = pd.DataFrame({"key": keys, "item": "3 sleep", "week": [2, 12, 2], "n": 60})
    >>> rows = rows.assign(estimate=[-0.6, -0.8, -0.2], ci_low=[-0.7, -0.9, -0.3])
    >>> ax = plot_change_by_item(rows.assign(ci_high=[-0.5, -0.7, -0.1]))
    >>> [text.get_text() for text in ax.texts]
    ['moves first']
    """
    single = _items(table)
    items = list(dict.fromkeys(single["item"])) if len(single) else []
    height = _FRAME + _ROW * max(len(items), 1)
    with canvas(ax, width=7.0, height=height) as axes:
        if nothing_to_draw(axes, single, "estimate"):
            return axes
        for place, (kind, look) in enumerate(
            zip(("early", "later"), _LOOKS, strict=True)
        ):
            own = single[single["key"].str.startswith(f"{kind}_")]
            at = np.array([items.index(name) for name in own["item"]], float)
            at += _APART * (2 * place - 1)
            week = own["week"].iloc[0]
            _marks(axes, own, at, look, f"week {week}")
        _name_steps(axes, single, items)
        axes.axvline(0, color=CAPTION_INK, linewidth=0.8)
        axes.set_yticks(range(len(items)), items)
        axes.invert_yaxis()
        axes.set(xlabel="mean change since before treatment, points of the item")
        axes.grid(axis="x", alpha=0.3)
        legend_above(axes, 2)
        axes.set_title("Each symptom, early and later", loc="left", pad=24)
        write_caption(axes, caption)
        return axes


def _items(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of single items; the total would stretch the axis."""
    if "key" not in table:
        return table
    return table[~table["key"].str.endswith("_total")]


def _marks(
    axes: Axes,
    rows: pd.DataFrame,
    at: np.ndarray,
    look: tuple[str, str, str],
    label: str,
) -> None:
    """A mark with its interval for each row."""
    colour, marker, fill = look
    low = numbers(rows["ci_low"])
    high = numbers(rows["ci_high"])
    axes.hlines(at, low, high, color=colour)
    axes.plot(
        numbers(rows["estimate"]),
        at,
        marker,
        color=colour,
        fillstyle=fill,
        markersize=5,
        label=label,
    )


def _name_steps(
    axes: Axes,
    table: pd.DataFrame,
    items: list[str],
) -> None:
    """Name the items that move before or after the others, as far as the band tells."""
    ahead = table[table["key"].str.startswith("ahead_")]
    early = table[table["key"].str.startswith("early_")]
    # Where scores fall, an item that is ahead lies below 0; where they rise, above.
    way = np.sign(np.nansum(numbers(early["estimate"])))
    low = numbers(ahead["ci_low"])
    high = numbers(ahead["ci_high"])
    for place, name in enumerate(ahead["item"]):
        sure = low[place] > 0 or high[place] < 0
        if not sure:
            continue
        first = np.sign(low[place]) == way
        axes.annotate(
            "moves first" if first else "moves later",
            (1.01, items.index(name)),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=LABEL_SIZE,
        )


def plot_other_conditions(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how many improved on each scale, and how many got worse.

    Parameters
    ----------
    table : DataFrame
        The table of `other_conditions`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Filled = improved by more than measurement error, hollow = scored worse than before; lines
        are intervals, and the people scored on each scale stand beside its name.

    Examples
    --------
    >>> rows = pd.DataFrame({"key": ["scale0_improved", "scale0_any_worse"], "scale": "PHQ-9"})
    >>> rows = rows.assign(measures="depression", n=90, estimate=[50.0, 10.0])
    >>> ax = plot_other_conditions(rows.assign(ci_low=[40.0, 5.0], ci_high=[60.0, 15.0]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['PHQ-9, depression (90)']
    """
    shares = _shares(table)
    scales = shares["scale"].nunique() if "scale" in shares else 1
    height = _FRAME + 0.5 * max(scales, 1)
    with canvas(ax, width=7.0, height=height) as axes:
        if nothing_to_draw(axes, shares, "estimate"):
            return axes
        names = list(dict.fromkeys(shares["scale"]))
        for place, (kind, look) in enumerate(zip(_SHARES, _LOOKS, strict=True)):
            own = shares[shares["key"].str.endswith(f"_{kind}")]
            at = np.array([names.index(name) for name in own["scale"]], float)
            at += _APART * (2 * place - 1)
            _marks(axes, own, at, look, _SHARES[kind])
        of_scale = shares.drop_duplicates("scale").set_index("scale")
        # Each scale has people of its own, so each has its own number.
        labels = [
            f"{name}, {of_scale['measures'][name]} ({count_text(of_scale['n'][name])})"
            for name in names
        ]
        axes.set_yticks(range(len(names)), labels)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set(xlim=(0, 100), xlabel="percent of people scored on the scale")
        axes.grid(axis="x", alpha=0.3)
        legend_above(axes, 2)
        axes.set_title(
            "Better and worse, scale by scale (people in brackets)", loc="left", pad=24
        )
        write_caption(axes, caption)
        return axes


def _shares(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the two shares that every reader asks for."""
    if "key" not in table:
        return table
    ends = tuple(f"_{kind}" for kind in _SHARES)
    wanted = table["key"].str.startswith("scale") & table["key"].str.endswith(ends)
    return table[wanted]
