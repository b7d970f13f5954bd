"""In which state or severity band everyone who started is: week by week as stacked bands, and from
visit to visit as ribbons.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from kettrack.figures.kit import (
    count_text,
    legend_right,
    nothing_to_draw,
    risk_table,
    stacked_bands,
    week_ticks,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    FAINT_INK,
    IN_CARE,
    INK,
    LABEL_SIZE,
    NO_DATA,
    NOTE_SIZE,
    PARTIAL,
    REMITTED,
    RESPONDED,
    STOPPED,
    UNCHANGED,
    WORSE,
    Look,
    canvas,
)
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.limits import FEWEST_PEOPLE_IN_RIBBON
from kettrack.vocabulary.plain_words import STATE_WORDS

# Column of `state_occupancy` -> look of its band, from the bottom up.
BANDS: Final = {
    "remission": Look(REMITTED, "", STATE_WORDS["remission"]),
    "response": Look(RESPONDED, "", STATE_WORDS["response"]),
    "partial": Look(PARTIAL, "", STATE_WORDS["partial"]),
    "unchanged": Look(UNCHANGED, "", STATE_WORDS["unchanged"]),
    "worse": Look(WORSE, "xxxx", STATE_WORDS["worse"]),
    "not_known": Look(NO_DATA, "////", "not known, in care or unclear"),
    "not_known_after_stop": Look(STOPPED, "....", "not known, treatment over"),
    # White hatches would not be seen on so light a colour.
    "not_rated": Look(IN_CARE, "\\\\\\\\", "no rated baseline", "#B9C4CB"),
    "log_ended": Look("#F6F6F6", "", "log ended"),
}
_WEEK_TICKS: Final = 14
# Severity from well to ill, dark blue over light to dark orange: told apart by every kind of colour
# vision, and in grey by the order.
_SEVERITY: Final = ("#004B75", "#3D94C4", "#B5D3E3", "#F2B872", "#C2500A")
# Nodes of people without a severity band.
OTHERS: Final = {
    "no score": Look(NO_DATA, "////"),
    "not yet there": Look(IN_CARE, "\\\\\\\\", edge=FAINT_INK),
    "stopped": Look(STOPPED, "...."),
    "log ended": Look("#FFFFFF", "||||", edge=FAINT_INK),
}
MERGED: Final = "merged"
_NODE_WIDE: Final = 0.16  # visits are 1 apart
_STUB: Final = 0.14  # length of the grey end of a merged ribbon
_NODES_APART: Final = 0.02  # of all people


def plot_occupancy(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how many people are in which state at each week, everyone who started in every column.

    Parameters
    ----------
    table : DataFrame
        The table of `state_occupancy`: one row per week; weeks with a hidden count stay empty.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Under the weeks: people whose log still runs, and people whose treatment is over.

    Examples
    --------
    >>> week = pd.DataFrame({"week": [0, 1], "n": 20, "followed": 20, "treatment_over": [0, 2]})
    >>> counts = dict.fromkeys(BANDS, 0) | {"unchanged": [20, 12], "response": [0, 8]}
    >>> plot_occupancy(week.assign(**counts)).get_title(loc="left")
    'State of all 20 people who started, and of whom it is not known'
    """
    with canvas(ax, width=8.8, height=4.8) as axes:
        complete = table
        if len(table):
            complete = table.dropna(subset=list(BANDS))
        if nothing_to_draw(axes, complete, "week"):
            return axes
        weeks = table["week"].to_numpy(float)
        edges = np.append(weeks, weeks[-1] + 1) - 0.5
        # One hidden count hides its week: the height of the others would tell it.
        shown = table[list(BANDS)].where(table.index.to_series().isin(complete.index))
        stacked_bands(axes, edges, shown, BANDS)
        axes.set(xlim=(edges[0], edges[-1]), ylabel="people")
        _count_under_weeks(axes, table)
        hidden = ""
        if len(complete) < len(table):
            hidden = "; white: a count is hidden"
        axes.set_xlabel(f"weeks after session 1{hidden}")
        everyone = table["n"].max()
        who = "everyone who started"
        if not pd.isna(everyone):
            axes.set_ylim(0, float(everyone))
            who = f"all {count_text(everyone)} people who started"
        write_title(axes, f"State of {who}, and of whom it is not known")
        _name_bands(axes)
        write_caption(axes, caption)
        return axes


def _count_under_weeks(axes: Axes, table: pd.DataFrame) -> None:
    """People whose log still runs, and people whose treatment is over, at some of the weeks."""
    ticks = week_ticks(table["week"].max() * DAYS_IN_WEEK, most=_WEEK_TICKS)
    at = table[table["week"].isin(ticks / DAYS_IN_WEEK)]
    # Hidden in some weeks, but unknown in all: then the logs do not say when treatment ends.
    unknown = at["treatment_over"].isna().all()
    rows = {
        "log still runs": at["followed"],
        "treatment over": at["treatment_over"],
    }
    risk_table(
        axes,
        at["week"],
        at["week"],
        rows,
        missing="?" if unknown else "hidden",
    )


def _name_bands(axes: Axes) -> None:
    """Words in the order of the bands, top to bottom, beside the axes."""
    words = [look.words for look in BANDS.values()]
    legend = legend_right(axes, handles=list(axes.patches)[::-1], labels=words[::-1])
    for patch in legend.get_patches():
        # A frame, without which the lightest bands would not be seen beside white.
        patch.set_linewidth(0.4)
        if not patch.get_hatch():
            patch.set_edgecolor(FAINT_INK)


class Ribbon(NamedTuple):
    """Left edge, right edge, bottom at both, and height."""

    left: float
    right: float
    bottom_left: float
    bottom_right: float
    height: float


class NodePlace(NamedTuple):
    """Bottom and height of a node, in people."""

    bottom: float
    people: float


# Visit and name of a node.
_Key = tuple[str, str]


def plot_flows(table: pd.DataFrame, ax: Axes | None = None, caption: str = "") -> Axes:
    """Draw the way of everyone who started over four visits.

    Parameters
    ----------
    table : DataFrame
        The table of `severity_flows`: rows of kind `visit` and `change`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Ribbons take the colour they come from. Merged ones end in a grey stub on either side.

    Examples
    --------
    >>> node = {"kind": "visit", "source": "mild", "target": "", "place": 0, "people": 9}
    >>> ribbon = node | {"kind": "change", "step": "baseline", "target": "mild"}
    >>> nodes = [node | {"step": visit} for visit in ("baseline", "session 3")]
    >>> [text.get_text() for text in plot_flows(pd.DataFrame([*nodes, ribbon])).texts]
    ['9 mild', '9 mild']
    """
    with canvas(ax, width=8.4, height=5.2) as axes:
        if nothing_to_draw(axes, table, "people"):
            return axes
        shown = table.dropna(subset=["people"]).astype({"people": float})
        visits = list(dict.fromkeys(shown.loc[shown["kind"] == "visit", "step"]))
        nodes = _node_places(shown, visits)
        looks = _node_looks(shown)
        for ribbon, source, target in _ribbons(shown, visits, nodes):
            merged = MERGED in (source, target)
            _draw_ribbon(axes, ribbon, "#DDDDDD" if merged else looks[source].colour)
        for (visit, name), place in nodes.items():
            _draw_node(axes, visits.index(visit), name, place, looks[name])
        _frame_flows(axes, visits, nodes)
        hidden = ""
        if table["people"].isna().any():
            hidden = "; hidden counts are not drawn"
        axes.set_xlabel(
            "height = people; grey stubs = ribbons of fewer than"
            f" {FEWEST_PEOPLE_IN_RIBBON} people, merged{hidden}",
            fontsize=LABEL_SIZE,
        )
        write_title(
            axes,
            "Severity at four visits, counting people who were not scored or had stopped",
        )
        write_caption(axes, caption)
        return axes


def _frame_flows(axes: Axes, visits: list[str], nodes: dict[_Key, NodePlace]) -> None:
    """Visits under their nodes, with room for the words at the right of the last."""
    top = max(node.bottom + node.people for node in nodes.values())
    axes.set(xlim=(-0.12, len(visits) - 1 + 0.75), ylim=(0, top * 1.01), yticks=[])
    axes.set_xticks(np.arange(len(visits)), visits)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="x", length=0)


def _node_looks(shown: pd.DataFrame) -> dict[str, Look]:
    """Look of each node: severity by its place, the rest by what it is."""
    nodes = shown[shown["kind"] == "visit"].drop_duplicates("source")
    bands = nodes[~nodes["source"].isin(list(OTHERS))]
    # A scale has three to five bands; the first and the last are always the darkest.
    count = int(bands["place"].max()) + 1 if len(bands) else 1
    steps = np.linspace(0, len(_SEVERITY) - 1, count)
    looks = dict(OTHERS)
    for name, place in zip(bands["source"], bands["place"], strict=True):
        shade = round(float(steps[place]))
        looks[name] = Look(_SEVERITY[shade])
    return looks


def _node_places(shown: pd.DataFrame, visits: list[str]) -> dict[_Key, NodePlace]:
    """Bottom and height of each node; the best band on top of its visit."""
    nodes = shown[shown["kind"] == "visit"].sort_values(
        "place", ascending=False, kind="stable"
    )
    everyone = nodes.loc[nodes["step"] == visits[0], "people"].sum()
    gap = _NODES_APART * everyone
    places = {}
    for visit in visits:
        bottom = 0.0
        here = nodes[nodes["step"] == visit]
        for name, people in zip(here["source"], here["people"], strict=True):
            places[visit, name] = NodePlace(bottom, people)
            bottom += people + gap
    return places


def _ribbons(
    shown: pd.DataFrame, visits: list[str], nodes: dict[_Key, NodePlace]
) -> list[tuple[Ribbon, str, str]]:
    """Where each ribbon runs: stacked from the top of its node at both ends, in the order of the
    table, merged ones last.
    """
    # How much of each node is not yet taken by a ribbon, from its top down, on either side.
    free_right = {key: place.bottom + place.people for key, place in nodes.items()}
    free_left = dict(free_right)
    ribbons = []
    for row in shown[shown["kind"] == "change"].to_dict("records"):
        visit = visits.index(row["step"])
        leaves = (row["step"], row["source"])
        arrives = (visits[visit + 1], row["target"])
        start = _take(free_right, leaves, row["people"])
        stop = _take(free_left, arrives, row["people"])
        # A merged ribbon has a node at one end only, and runs level.
        start = stop if start is None else start
        stop = start if stop is None else stop
        if start is None or stop is None:
            continue
        source = row["source"]
        target = row["target"]
        left, right = _ribbon_ends(visit, source, target)
        ribbon = Ribbon(left, right, start, stop, row["people"])
        ribbons.append((ribbon, source, target))
    return ribbons


def _take(free: dict[_Key, float], key: _Key, people: float) -> float | None:
    """Bottom of a ribbon that takes its part of a node; None where there is no such node."""
    if key not in free:
        return None
    free[key] -= people
    return free[key]


def _ribbon_ends(visit: int, source: str, target: str) -> tuple[float, float]:
    """Left and right edge of a ribbon; a merged one is a stub at the node that it has."""
    left = visit + _NODE_WIDE / 2
    right = visit + 1 - _NODE_WIDE / 2
    if target == MERGED:
        return left, left + _STUB
    if source == MERGED:
        return right - _STUB, right
    return left, right


def _draw_ribbon(axes: Axes, ribbon: Ribbon, colour: str) -> None:
    """A band that leaves and arrives level: its edges are Bézier curves with level tangents."""
    middle = (ribbon.left + ribbon.right) / 2
    start = ribbon.bottom_left
    stop = ribbon.bottom_right
    lower = [
        (ribbon.left, start),
        (middle, start),
        (middle, stop),
        (ribbon.right, stop),
    ]
    upper = [(x, y + ribbon.height) for x, y in reversed(lower)]
    curve = [Path.CURVE4] * 3
    codes = [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY]
    outline = Path([*lower, *upper, lower[0]], codes)
    band = PathPatch(
        outline,
        facecolor=colour,
        alpha=0.55,
        linewidth=0,
    )
    axes.add_patch(band)


def _draw_node(axes: Axes, visit: int, name: str, place: NodePlace, look: Look) -> None:
    """A block as high as its people, named at its right."""
    block = Rectangle(
        (visit - _NODE_WIDE / 2, place.bottom),
        _NODE_WIDE,
        place.people,
        facecolor=look.colour,
        hatch=look.hatch,
        edgecolor=look.edge,
        linewidth=0.5,
    )
    block.set_label(name)
    axes.add_patch(block)
    axes.text(
        visit + _NODE_WIDE / 2 + 0.015,
        place.bottom + place.people / 2,
        f"{place.people:.0f} {name}",
        va="center",
        fontsize=NOTE_SIZE,
        color=INK,
        # The words lie on the ribbons, so they stand on a white ground.
        bbox={
            "facecolor": "white",
            "alpha": 0.75,
            "linewidth": 0,
            "pad": 0.6,
        },
    )
