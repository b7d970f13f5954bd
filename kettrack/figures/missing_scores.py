"""One horizon under every way with missing scores."""

from __future__ import annotations

from textwrap import fill
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.kit import (
    HIDDEN,
    count_text,
    legend_right,
    nothing_to_draw,
    numbers,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    IN_CARE,
    INK,
    LABEL_SIZE,
    NO_DATA,
    PARTIAL,
    REMITTED,
    RESPONDED,
    SECOND,
    STOPPED,
    WORSE,
    canvas,
)

# How the words of a strategy begin -> its look in every figure; markers tell them apart in grey
# print.
_LOOKS: Final = {
    "observed": (INK, "o"),
    "not scored": (WORSE, "X"),
    "inverse": (SECOND, "s"),
    "multiple": (RESPONDED, "D"),
    "repeated": (REMITTED, "P"),
    "imputed": (PARTIAL, "v"),
}
_OTHER_LOOK: Final = (STOPPED, "^")
_ENDS: Final = ("best case", "worst case")
_GROUP: Final = 0.95  # inches of an outcome
_FRAME: Final = 1.9  # inches of title, axis and caption
_WIDE: Final = 20  # letters of an outcome on one line
_HEIGHT: Final = 0.78  # of an outcome that its marks take up


def plot_missing_scores(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = "", unit: str = "%"
) -> Axes:
    """Draw what each way with missing scores makes of the outcomes at one horizon.

    Parameters
    ----------
    table : DataFrame
        The table of `missing_scores`: one row per outcome and strategy.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.
    unit : {"%", "points", "SD"}
        Shares of people, the mean change, or the effect size.

    Returns
    -------
    Axes
        One group per outcome, one mark per strategy; lines are intervals. The grey band goes from
        the worst to the best case.

    Examples
    --------
    >>> row = {"outcome": "response", "strategy": "observed only", "unit": "%", "n": 40}
    >>> row |= {"started": 50, "estimate": 40.0, "ci_low": 26.0, "ci_high": 55.0}
    >>> ax = plot_missing_scores(pd.DataFrame([row]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['response']
    """
    here = table[table["unit"] == unit] if "unit" in table else table
    # Tipping points have the unit of the mean change, and no people scored of their own.
    groups: list[str] = []
    if "strategy" in here:
        groups = list(here.loc[here["strategy"].eq("observed only"), "outcome"])
    drawn = here[here["outcome"].isin(groups)] if groups else here.iloc[:0]
    with canvas(ax, width=8.2, height=_FRAME + _GROUP * max(len(groups), 1)) as axes:
        if nothing_to_draw(axes, drawn, "estimate"):
            return axes
        _bounds(axes, drawn, groups)
        _strategies(axes, drawn, groups)
        _hidden(axes, drawn, groups)
        axes.set_yticks(range(len(groups)), [fill(name, _WIDE) for name in groups])
        axes.set_ylim(len(groups) - 0.5, -0.5)
        if unit == "%":
            axes.set(xlim=(0, 100), xlabel="percent of people")
        else:
            axes.axvline(0, color=INK, linewidth=0.8)
            # A band ends inside the axes, so that its end is seen.
            axes.use_sticky_edges = False
            axes.margins(x=0.04)
            axes.set_xlabel(f"change from the baseline in {unit}")
        axes.grid(axis="x", alpha=0.3)
        legend_right(axes)
        write_title(axes, "What missing scores could change", _scored(drawn))
        write_caption(axes, caption)
        return axes


def _bounds(axes: Axes, table: pd.DataFrame, groups: list[str]) -> None:
    """The band in which the truth lies, whatever the others are like."""
    ends = table[table["strategy"].isin(_ENDS)].assign(
        value=lambda rows: numbers(rows["estimate"])
    )
    spans = ends.groupby("outcome")["value"].agg(["min", "max", "count"])
    label = "from the worst to the best case"
    for place, group in enumerate(groups):
        # A band with one hidden end would be a line.
        if group not in spans.index or spans["count"][group] < len(_ENDS):
            continue
        low = spans["min"][group]
        axes.barh(
            place,
            spans["max"][group] - low,
            left=low,
            height=_HEIGHT + 0.1,
            color=IN_CARE,
            edgecolor=NO_DATA,
            label=label,
        )
        label = ""


def _strategies(axes: Axes, table: pd.DataFrame, groups: list[str]) -> None:
    names = [name for name in table["strategy"].unique() if name not in _ENDS]
    step = _HEIGHT / max(len(names), 1)
    for number, name in enumerate(names):
        rows = table[table["strategy"] == name]
        colour, marker = next(
            (look for begins, look in _LOOKS.items() if name.startswith(begins)),
            _OTHER_LOOK,
        )
        # Marks of a group stand below each other, in the order of the legend.
        aside = (number - (len(names) - 1) / 2) * step
        at = np.array([groups.index(group) for group in rows["outcome"]]) + aside
        axes.hlines(at, numbers(rows["ci_low"]), numbers(rows["ci_high"]), color=colour)
        axes.plot(
            numbers(rows["estimate"]),
            at,
            marker,
            color=colour,
            markersize=5,
            label=fill(name, 30),
        )


def _hidden(axes: Axes, table: pd.DataFrame, groups: list[str]) -> None:
    """An outcome that is hidden keeps its place: most often it is the harm, which is rare."""
    shown = set(table.loc[table["estimate"].notna(), "outcome"])
    for place, group in enumerate(groups):
        if group not in shown:
            axes.annotate(
                HIDDEN,
                (0.02, place),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=LABEL_SIZE,
                color=INK,
            )


def _scored(table: pd.DataFrame) -> str:
    """Where we look, and how many of how many were scored there: the people of the first row."""
    first = table.iloc[0]
    where = f"{first['horizon']}: " if "horizon" in table else ""
    scored = count_text(first.get("n"))
    return f"{where}{scored} of {count_text(first.get('started'))} people were scored"
