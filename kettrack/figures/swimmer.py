"""One line per person: what was given, in which state they were as far as anyone knows, and why the
line ends.
"""

from __future__ import annotations

from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from kettrack.figures.style import (
    INK,
    PARTIAL,
    REMITTED,
    RESPONDED,
    WORSE,
    canvas,
    nothing_to_draw,
    write_caption,
)
from kettrack.vocabulary.plain_words import agree

STATES: Final = {
    "remission": (REMITTED, ""),
    "response": ("#5AA9D6", ""),
    "partial": (PARTIAL, ""),
    "unchanged": ("#BDBDBD", ""),
    "worse": (WORSE, "xxxx"),
}
# Course -> thickness of the line under the bar.
COURSES: Final = {"induction": 2.2, "maintenance": 0.8, "re-induction": 2.2}
MARKS: Final = {
    "response": ("D", RESPONDED),
    "loss of response": ("X", WORSE),
    "relapse": ("X", WORSE),
    "recurrence": ("X", WORSE),
    "return timing unclear": ("X", WORSE),
}
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
HEIGHT: Final = 0.56
# inches: less, and the legend beside the axes leaves them no height
LOWEST: Final = 4.8
# that there is room for, so that the bar of one person is no wall
FEWEST_LINES: Final = 8
WAITING: Final = (" (pending)", " (unconfirmable)")


def plot_swimmer(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw courses, sessions, states and events of single people; never for comparing groups.

    Parameters
    ----------
    table : DataFrame
        The table of `swimmer`: one row per stretch or mark.
    ax : Axes, optional
        Default: new ones, high enough for every line.
    caption : str
        Rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        White between segments = state not known. Ticks = sessions, as high as the dose within its
        route.
    """
    people = int(table["place"].max()) if len(table) else 1
    with canvas(ax, width=8.4, height=max(1.9 + 0.135 * people, LOWEST)) as axes:
        if nothing_to_draw(axes, table, "place"):
            return axes
        _states(axes, table[table["what"] == "state"])
        _courses(axes, table[table["what"] == "course"])
        _sessions(axes, table[table["what"] == "session"])
        _events(axes, table[table["what"] == "event"])
        _ends(axes, table[table["what"] == "end"])
        _frame(axes, people, float(table["to_day"].max()))
        _title(axes, people, int(table["n"].max()))
        write_caption(axes, caption)
        return axes


def _states(axes: Axes, rows: pd.DataFrame) -> None:
    for state, (colour, hatch) in STATES.items():
        here = rows[rows["label"] == state]
        axes.barh(
            here["place"],
            here["to_day"] - here["from_day"],
            left=here["from_day"],
            height=HEIGHT,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
            label=state,
        )


def _courses(axes: Axes, rows: pd.DataFrame) -> None:
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


def _sessions(axes: Axes, rows: pd.DataFrame) -> None:
    largest = rows.groupby("label")["dose_mg"].transform("max")
    share = (rows["dose_mg"] / largest).fillna(1.0)
    bottom = rows["place"] + HEIGHT / 2
    axes.vlines(
        rows["from_day"],
        bottom - HEIGHT * share,
        bottom,
        color="black",
        linewidth=0.7,
        label="session",
    )


def _events(axes: Axes, rows: pd.DataFrame) -> None:
    for label, here in rows.groupby("label"):
        waits = str(label).endswith(WAITING)
        name = str(label)
        for ending in WAITING:
            name = name.removesuffix(ending)
        marker, colour = MARKS[name]
        face = "white" if waits else colour
        axes.scatter(
            here["from_day"],
            here["place"],
            marker=marker,
            s=26,
            facecolor=face,
            edgecolor="black",
            linewidth=0.6,
            zorder=4,
            label=label,
        )


def _ends(axes: Axes, rows: pd.DataFrame) -> None:
    """Square = treatment over, with the reason's letter, then a thin line to the end of the log;
    arrow = still in care.
    """
    over = rows[rows["label"].str.startswith(("stopped", "planned"))]
    axes.hlines(
        over["place"],
        over["from_day"],
        over["to_day"],
        color="#999999",
        linewidth=0.6,
        zorder=0,
        label="log goes on",
    )
    axes.scatter(
        over["from_day"],
        over["place"],
        marker="s",
        s=15,
        color="black",
        zorder=5,
        label="treatment over",
    )
    for place, day, label in zip(
        over["place"], over["from_day"], over["label"], strict=True
    ):
        letter = (
            "p"
            if label.startswith("planned")
            else LETTERS.get(label.removeprefix("stopped: "), "?")
        )
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
    on = rows[rows["label"] == "in care"]
    axes.scatter(
        on["to_day"] + 5,
        on["place"],
        marker=">",
        s=18,
        color="black",
        zorder=5,
        label="in care",
    )
    unclear = rows[rows["label"] == "unknown"]
    axes.scatter(
        unclear["to_day"] + 5,
        unclear["place"],
        marker="|",
        s=26,
        color="black",
        zorder=5,
        label="log ends",
    )


def _title(axes: Axes, people: int, everyone: int) -> None:
    sample = f" (a random sample of {everyone})" if everyone > people else ""
    axes.set_title(
        agree(f"{people} people{sample}: states, sessions and events"), loc="left"
    )


def _frame(axes: Axes, people: int, last: float) -> None:
    axes.set(
        xlim=(-4, last + 14),
        ylim=(max(people, FEWEST_LINES) + 0.8, 0.2),
        xlabel="days since session 1",
        yticks=[],
    )
    axes.spines["left"].set_visible(False)
    states = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=state)
        for state, (colour, hatch) in STATES.items()
    ]
    empty = [Patch(facecolor="white", edgecolor="#999999", label="not known")]
    lines = [
        Line2D([], [], color=INK, linewidth=width, label=course)
        for course, width in list(COURSES.items())[:2]
    ]
    lines[0].set_label("induction, re-induction")
    marks = [
        ("D", RESPONDED, "first response"),
        ("X", WORSE, "loss or return"),
        ("X", "white", "the same, not confirmed"),
    ]
    marks += [
        ("s", "black", "treatment over"),
        (">", "black", "still in care"),
        ("|", "black", "log ends, care unclear"),
    ]
    points = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=marker,
            color=face,
            markeredgecolor="black",
            markersize=5.5,
            label=label,
        )
        for marker, face, label in marks
    ]
    ticks = [
        Line2D(
            [],
            [],
            linestyle="",
            marker="|",
            color="black",
            markersize=7,
            label="session (height: dose)",
        )
    ]
    handles = [*states, *empty, *lines, *ticks, *points]
    axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7.5
    )
    key = (
        "after treatment over:\n"
        + "\n".join(f"{b}  {a}" for a, b in list(LETTERS.items())[:-1])
        + "\np  as planned"
    )
    axes.annotate(
        key,
        (1.02, 1),
        (0, -205),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=7.5,
        va="top",
    )
