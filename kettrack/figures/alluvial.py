"""Who went from which severity band to which: nodes as stacked blocks, ribbons as wide as the
people in them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from kettrack.figures.style import (
    IN_CARE,
    INK,
    NO_DATA,
    STOPPED,
    canvas,
    nothing_to_draw,
    write_caption,
)

# From well to ill, dark blue over light to dark orange: told apart by every kind of colour vision,
# and in grey by the order.
SEVERITY: Final = ("#004B75", "#3D94C4", "#B5D3E3", "#F2B872", "#C2500A")
OTHERS: Final = {
    "no score": (NO_DATA, "////"),
    "not yet there": (IN_CARE, "\\\\\\\\"),
    "stopped": (STOPPED, "...."),
    "log ended": ("#FFFFFF", "||||"),
}
MERGED: Final = "merged"
WIDTH: Final = 0.16  # of a node; visits are 1 apart
GAP: Final = 0.02  # between nodes, of all people


class Ribbon(NamedTuple):
    """Left edge, right edge, bottom at both, and height."""

    x0: float
    x1: float
    y0: float
    y1: float
    height: float


def plot_flows(table: pd.DataFrame, ax: Axes | None = None, caption: str = "") -> Axes:
    """Draw the way of everyone who started over four visits.

    Parameters
    ----------
    table : DataFrame
        The table of `severity_flows`: one row per node and per ribbon.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Ribbons take the colour they come from. Merged ones end in a grey stub on either side.
    """
    with canvas(ax, width=8.4, height=5.2) as axes:
        if nothing_to_draw(axes, table, "people"):
            return axes
        shown = table.dropna(subset=["people"]).astype({"people": float})
        visits = list(dict.fromkeys(shown.loc[shown["kind"] == "node", "step"]))
        nodes = _bottoms(shown, visits)
        colours = _colours(shown)
        for ribbon, source, target in _ribbons(shown, visits, nodes):
            colour = "#DDDDDD" if MERGED in (source, target) else colours[source][0]
            _draw_ribbon(axes, ribbon, colour)
        for (visit, name), (bottom, people) in nodes.items():
            _draw_node(axes, visits.index(visit), name, bottom, people, colours[name])
        top = max(bottom + people for bottom, people in nodes.values())
        axes.set(xlim=(-0.12, len(visits) - 1 + 0.75), ylim=(0, top * 1.01), yticks=[])
        axes.set_xticks(np.arange(len(visits)), visits)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.tick_params(axis="x", length=0)
        axes.set_title(
            "Severity at four visits; those not scored and those who stopped stay in",
            loc="left",
        )
        hidden = "; hidden counts are not drawn" if table["people"].isna().any() else ""
        axes.set_xlabel(
            f"height = people; grey stubs = ribbons of fewer than 6 people, merged{hidden}",
            fontsize=8,
        )
        write_caption(axes, caption)
        return axes


def _colours(shown: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Colour and hatch of each node: severity by its place, the rest by what it is."""
    nodes = shown[shown["kind"] == "node"].drop_duplicates("source")
    bands = nodes[~nodes["source"].isin(list(OTHERS))]
    steps = np.linspace(
        0, len(SEVERITY) - 1, int(bands["place"].max()) + 1 if len(bands) else 1
    )
    found = {
        name: (SEVERITY[round(float(steps[place]))], "")
        for name, place in zip(bands["source"], bands["place"], strict=True)
    }
    return found | OTHERS


def _bottoms(
    shown: pd.DataFrame, visits: list[str]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Bottom and height of each node; the best band on top of its visit."""
    nodes = shown[shown["kind"] == "node"]
    gap = GAP * nodes[nodes["step"] == visits[0]]["people"].sum()
    found = {}
    for visit in visits:
        bottom = 0.0
        here = nodes[nodes["step"] == visit].sort_values("place", ascending=False)
        for name, people in zip(here["source"], here["people"], strict=True):
            found[visit, name] = (bottom, people)
            bottom += people + gap
    return found


def _ribbons(
    shown: pd.DataFrame,
    visits: list[str],
    nodes: dict[tuple[str, str], tuple[float, float]],
) -> list[tuple[Ribbon, str, str]]:
    """Where each ribbon runs: stacked from the top of its node at both ends, in the order of the
    table, merged ones last.
    """
    left = {key: bottom + people for key, (bottom, people) in nodes.items()}
    right = dict(left)
    found = []
    for row in shown[shown["kind"] == "ribbon"].itertuples():
        x = visits.index(str(row.step))
        leaves = (str(row.step), str(row.source))
        arrives = (visits[x + 1], str(row.target))
        people = float(row.people)  # type: ignore[arg-type]
        x0 = x + WIDTH / 2
        x1 = x + 1 - WIDTH / 2
        if row.target == MERGED:
            x1 = x0 + 0.14
        if row.source == MERGED:
            x0 = x1 - 0.14
        for ends, key in ((left, leaves), (right, arrives)):
            if key in ends:
                ends[key] -= people
        y0 = left.get(leaves)
        y1 = right.get(arrives)
        start = y1 if y0 is None else y0
        stop = y0 if y1 is None else y1
        if start is not None and stop is not None:
            found.append((Ribbon(x0, x1, start, stop, people), leaves[1], arrives[1]))
    return found


def _draw_ribbon(axes: Axes, ribbon: Ribbon, colour: str) -> None:
    x0, x1, y0, y1, height = ribbon
    middle = (x0 + x1) / 2
    lower = [(x0, y0), (middle, y0), (middle, y1), (x1, y1)]
    upper = [
        (x1, y1 + height),
        (middle, y1 + height),
        (middle, y0 + height),
        (x0, y0 + height),
    ]
    codes = [
        Path.MOVETO,
        *[Path.CURVE4] * 3,
        Path.LINETO,
        *[Path.CURVE4] * 3,
        Path.CLOSEPOLY,
    ]
    axes.add_patch(
        PathPatch(
            Path([*lower, *upper, lower[0]], codes),
            facecolor=colour,
            alpha=0.55,
            linewidth=0,
        )
    )


def _draw_node(
    axes: Axes, x: int, name: str, bottom: float, people: float, look: tuple[str, str]
) -> None:
    colour, hatch = look
    edge = "#777777" if name in ("log ended", "not yet there") else "white"
    block = Rectangle(
        (x - WIDTH / 2, bottom),
        WIDTH,
        people,
        facecolor=colour,
        hatch=hatch,
        edgecolor=edge,
        linewidth=0.5,
    )
    block.set_label(name)
    axes.add_patch(block)
    place = (x + WIDTH / 2 + 0.015, bottom + people / 2)
    axes.text(
        *place,
        f"{people:.0f} {name}",
        va="center",
        fontsize=7.5,
        color=INK,
        bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.6},
    )
