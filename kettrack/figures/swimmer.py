"""One line per person: what was given, in which state they were as far as anyone knows, and why the
line ends.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from kettrack.figures.kit import legend_right, nothing_to_draw, write_caption
from kettrack.figures.style import (
    INK,
    NOTE_SIZE,
    PARTIAL,
    REMITTED,
    RESPONDED,
    WORSE,
    Look,
    canvas,
)
from kettrack.vocabulary.plain_words import STATE_WORDS, agree

# State -> look of its stretch. Response is lighter than elsewhere: the mark of a first response
# lies on it, in the colour of response.
STRETCHES: Final = {
    "remission": Look(REMITTED, "", STATE_WORDS["remission"]),
    "response": Look("#5AA9D6", "", STATE_WORDS["response"]),
    "partial": Look(PARTIAL, "", STATE_WORDS["partial"]),
    "unchanged": Look("#BDBDBD", "", STATE_WORDS["unchanged"]),
    "worse": Look(WORSE, "xxxx", STATE_WORDS["worse"]),
}
# Course -> thickness of the line under the bar.
COURSES: Final = {"induction": 2.2, "maintenance": 0.8, "re-induction": 2.2}
# Event -> marker and colour.
EVENTS: Final = {
    "response": ("D", RESPONDED),
    "loss of response": ("X", WORSE),
    "relapse": ("X", WORSE),
    "recurrence": ("X", WORSE),
    "return timing unclear": ("X", WORSE),
}
_NOT_CONFIRMED: Final = (" (pending)", " (unconfirmable)")
# Stop reason -> letter beside the square that ends a treatment.
LETTERS: Final = {
    "well": "w",
    "not helped": "n",
    "side effects": "s",
    "cost": "c",
    "access": "a",
    "moved": "m",
    "other": "o",
    "unknown": "?",
    "reason unknown": "?",
}
# Marker, its face, and what it says in the legend.
_MARK_WORDS: Final = (
    ("D", RESPONDED, "first response"),
    ("X", WORSE, "loss of response, or return"),
    ("X", "white", "the same, not confirmed"),
    ("s", "black", "treatment over"),
    (">", "black", "still in care"),
    ("|", "black", "log ends, care unclear"),
)
_BAR_HIGH: Final = 0.56  # lines are 1 apart
_LOWEST: Final = (
    4.8  # inches: less, and the legend beside the axes leaves them no height
)
_FEWEST_LINES: Final = (
    8  # that there is room for, so that the bar of one person is no wall
)
_BESIDE_END: Final = 5  # days between the end of a line and its sign


def plot_swimmer(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw courses, sessions, states and events of single people; never for comparing groups.

    Parameters
    ----------
    table : DataFrame
        The table of `swimmer`: one row per stretch or mark; days since session 1.
    ax : Axes, optional
        Default: new ones, high enough for every line.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        White between stretches = state not known. Ticks = sessions, as high as the dose within its
        route.

    Examples
    --------
    >>> line = {"place": 1, "n": 1, "what": "end", "label": "in care", "from_day": 0, "to_day": 40}
    >>> axes = plot_swimmer(pd.DataFrame([line | {"dose_mg": None}]))
    >>> axes.get_title(loc="left")
    '1 person: states, sessions and events'
    """
    people = int(table["place"].max()) if len(table) else 1
    with canvas(ax, width=8.4, height=max(1.9 + 0.135 * people, _LOWEST)) as axes:
        if nothing_to_draw(axes, table, "place"):
            return axes
        parts = dict(list(table.groupby("what")))
        none = table.iloc[:0]
        _draw_states(axes, parts.get("state", none))
        _draw_courses(axes, parts.get("course", none))
        _draw_sessions(axes, parts.get("session", none))
        _draw_events(axes, parts.get("event", none))
        _draw_ends(axes, parts.get("end", none))
        axes.set(xlim=(-4, float(table["to_day"].max()) + 14), yticks=[])
        # The first person of the table at the top.
        axes.set_ylim(max(people, _FEWEST_LINES) + 0.8, 0.2)
        axes.set_xlabel("days since session 1")
        axes.spines["left"].set_visible(False)
        _explain(axes)
        everyone = int(table["n"].max())
        sample = f" (a random sample of {everyone})" if everyone > people else ""
        title = f"{people} people{sample}: states, sessions and events"
        axes.set_title(agree(title), loc="left")
        write_caption(axes, caption)
        return axes


def _draw_states(axes: Axes, rows: pd.DataFrame) -> None:
    for state, look in STRETCHES.items():
        here = rows[rows["label"] == state]
        left = here["from_day"].to_numpy(float)
        right = here["to_day"].to_numpy(float)
        top = here["place"].to_numpy(float) - _BAR_HIGH / 2
        low = top + _BAR_HIGH
        # One collection for each state: a thousand shapes of their own take a second.
        x = np.stack([left, right, right, left], axis=1)
        y = np.stack([top, top, low, low], axis=1)
        bars = PolyCollection(
            list(np.stack([x, y], axis=2)),
            facecolor=look.colour,
            hatch=look.hatch,
            edgecolor=look.edge,
            linewidth=0,
            label=state,
        )
        axes.add_collection(bars)


def _draw_courses(axes: Axes, rows: pd.DataFrame) -> None:
    """A line under the bar, thick where sessions come in a series."""
    for course, width in COURSES.items():
        here = rows[rows["label"] == course]
        axes.hlines(
            here["place"] + 0.4,
            here["from_day"] - 0.5,
            here["to_day"] + 0.5,
            color=INK,
            linewidth=width,
            label=course,
        )


def _draw_sessions(axes: Axes, rows: pd.DataFrame) -> None:
    # Doses of two routes cannot be compared, so each is measured against the largest of its own.
    largest = rows.groupby("label")["dose_mg"].transform("max")
    share = (rows["dose_mg"] / largest).fillna(1.0)
    bottom = rows["place"] + _BAR_HIGH / 2
    axes.vlines(
        rows["from_day"],
        bottom - _BAR_HIGH * share,
        bottom,
        color="black",
        linewidth=0.7,
        label="session",
    )


def _draw_events(axes: Axes, rows: pd.DataFrame) -> None:
    """A mark for each event; hollow where it is not confirmed."""
    for label, here in rows.groupby("label"):
        name = str(label)
        for ending in _NOT_CONFIRMED:
            name = name.removesuffix(ending)
        marker, colour = EVENTS[name]
        axes.scatter(
            here["from_day"],
            here["place"],
            marker=marker,
            s=26,
            facecolor=colour if name == label else "white",
            edgecolor="black",
            linewidth=0.6,
            zorder=4,
            label=label,
        )


def _draw_ends(axes: Axes, rows: pd.DataFrame) -> None:
    """Square = treatment over, with the reason's letter, then a thin line to the end of the log;
    arrow = still in care.
    """
    over = rows[rows["label"].str.startswith(("stopped", "planned"))]
    thin: dict[str, Any] = {"color": "#999999", "linewidth": 0.6, "zorder": 0}
    axes.hlines(over["place"], over["from_day"], over["to_day"], **thin)
    sign: dict[str, Any] = {"color": "black", "zorder": 5}
    square = {"marker": "s", "s": 15, "label": "treatment over", **sign}
    axes.scatter(over["from_day"], over["place"], **square)
    for row in over.to_dict("records"):
        _write_letter(axes, row["from_day"], row["place"], row["label"])
    on = rows[rows["label"] == "in care"]
    arrow = {"marker": ">", "s": 18, "label": "in care", **sign}
    axes.scatter(on["to_day"] + _BESIDE_END, on["place"], **arrow)
    unclear = rows[rows["label"] == "unknown"]
    bar = {"marker": "|", "s": 26, "label": "log ends", **sign}
    axes.scatter(unclear["to_day"] + _BESIDE_END, unclear["place"], **bar)


def _write_letter(axes: Axes, day: float, place: int, label: str) -> None:
    """Why treatment ended, as one letter beside its square."""
    reason = label.removeprefix("stopped: ")
    letter = "p" if label.startswith("planned") else LETTERS.get(reason, "?")
    axes.annotate(
        letter,
        (day, place),
        (3.5, 0),
        textcoords="offset points",
        va="center",
        fontsize=7,
        zorder=6,
        bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.3},
    )


def _explain(axes: Axes) -> None:
    """Everything that is drawn in one legend beside the axes, and the letters below it."""
    states: list[Artist] = [
        Patch(
            facecolor=look.colour, hatch=look.hatch, edgecolor="white", label=look.words
        )
        for look in STRETCHES.values()
    ]
    states.append(Patch(facecolor="white", edgecolor="#999999", label="not known"))
    series = {"induction, re-induction": "induction", "maintenance": "maintenance"}
    lines = [
        Line2D([], [], color=INK, linewidth=COURSES[course], label=words)
        for words, course in series.items()
    ]
    marks = [_mark("|", "black", "session (height: dose)", size=7)]
    marks += [_mark(*said) for said in _MARK_WORDS]
    legend_right(axes, handles=[*states, *lines, *marks], fontsize=NOTE_SIZE)
    letters = [f"{letter}  {reason}" for reason, letter in LETTERS.items()]
    # Two reasons share the last letter; it is explained once.
    key = ["why treatment ended:", *letters[:-1], "p  as planned"]
    axes.annotate(
        "\n".join(key),
        (1.02, 1),
        (0, -205),  # points: below the legend
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=NOTE_SIZE,
        va="top",
    )


def _mark(marker: str, face: str, words: str, size: float = 5.5) -> Line2D:
    """A sign of the legend."""
    return Line2D(
        [],
        [],
        linestyle="",
        marker=marker,
        color=face,
        markeredgecolor="black",
        markersize=size,
        label=words,
    )
