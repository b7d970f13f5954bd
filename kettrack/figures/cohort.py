"""Who is in a cohort, how many sessions they had, and how far apart the sessions were."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.arrays import Floats
from kettrack.figures.kit import (
    count_text,
    legend_right,
    nothing_to_draw,
    numbers,
    risk_table,
    text_beside,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    LABEL_SIZE,
    NO_DATA,
    NUMBER_SIZE,
    PARTIAL,
    RESPONDED,
    WORSE,
    Look,
    canvas,
)

# Columns of `session_intervals` that hold people by days since the session before.
GAP_COLUMN: Final = "days_"
# What became of a maintenance interval -> its look, from the bottom up.
INTERVALS: Final = {
    "held": Look(RESPONDED, "", "response at both ends"),
    "failed": Look(WORSE, "xxxx", "response at the start, lost at the end"),
    "not_well_at_start": Look(PARTIAL, "", "no response at the start"),
    "not_known": Look(NO_DATA, "////", "not known: no score at one end"),
}
_DARK: Final = 0.55  # share of a cell from which its number is written in white


def plot_ladder(table: pd.DataFrame, ax: Axes | None = None, caption: str = "") -> Axes:
    """Draw the way from everyone who started to those who can be analysed.

    Parameters
    ----------
    table : DataFrame
        The table of `ladder`: one row per step.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Blue = people left after the step, hatched vermilion = people lost at it.

    Examples
    --------
    >>> steps = pd.DataFrame({"step": ["started", "no baseline"], "lost": [0, 3], "left": [20, 17]})
    >>> [text.get_text() for text in plot_ladder(steps).texts]
    ['20', '17 (3 lost)']
    """
    return _draw_steps(table, ax, "Who can be analysed, and why others cannot", caption)


def plot_responders(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the way from every response in the events to the people of the curve on page one.

    Parameters
    ----------
    table : DataFrame
        The table of `responders`: one row per place and reason.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        As `plot_ladder`.

    Examples
    --------
    >>> steps = pd.DataFrame({"step": ["in the events", "too late"], "lost": [0, 3]})
    >>> [text.get_text() for text in plot_responders(steps.assign(left=[20, 17])).texts]
    ['20', '17 (3 lost)']
    """
    title = "Where a response is counted, and where not"
    return _draw_steps(table, ax, title, caption)


def _draw_steps(table: pd.DataFrame, ax: Axes | None, title: str, caption: str) -> Axes:
    """One bar for each step of a ladder, those lost behind those left."""
    with canvas(ax, height=3.4) as axes:
        if nothing_to_draw(axes, table, "left"):
            return axes
        rows = np.arange(len(table))
        left = numbers(table["left"], missing=0)
        # Those lost stand behind those left, so without these they have no place.
        lost = numbers(table["lost"].where(table["left"].notna()), missing=0)
        axes.barh(rows, left, color=RESPONDED)
        axes.barh(
            rows,
            lost,
            left=left,
            color=WORSE,
            hatch="////",
            edgecolor="white",
            linewidth=0,
        )
        axes.set_yticks(rows, table["step"])
        for row, (n, gone) in enumerate(zip(table["left"], table["lost"], strict=True)):
            end = (left[row] + lost[row], row)
            text = _step_text(n, gone)
            text_beside(axes, text, end, fontsize=NUMBER_SIZE, color="black")
        axes.invert_yaxis()
        # The room at the right is for the numbers beside the longest bar.
        axes.set(xlabel="people", xlim=(0, max(left) * 1.2))
        write_title(axes, title)
        write_caption(axes, caption)
        return axes


def _step_text(left: float, lost: float) -> str:
    """How many are left after a step, and how many it lost."""
    if pd.isna(lost):
        return f"{count_text(left)} (lost: hidden)"
    return f"{count_text(left)} ({count_text(lost)} lost)" if lost else count_text(left)


def plot_session_counts(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how many people had how many sessions in the first course, and in all.

    Parameters
    ----------
    table : DataFrame
        The table of `session_counts`: one row per number of sessions; the last row holds that
        number and more, as 12+.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Blue = in the first course, hatched grey = in all. A hidden count has no bar.

    Examples
    --------
    >>> counts = pd.DataFrame({"sessions": [1, 2], "first_course": [12, 8], "in_all": [10, 10]})
    >>> [label.get_text() for label in plot_session_counts(counts).get_xticklabels()]
    ['1', '2+']
    """
    with canvas(ax, height=3.2) as axes:
        if nothing_to_draw(axes, table, "first_course"):
            return axes
        # Side by side: the first course is a part of all sessions, not an addition to them.
        axes.bar(
            table["sessions"] - 0.2,
            numbers(table["first_course"], missing=0),
            width=0.4,
            color=RESPONDED,
            label="first course",
        )
        axes.bar(
            table["sessions"] + 0.2,
            numbers(table["in_all"], missing=0),
            width=0.4,
            color=NO_DATA,
            hatch="////",
            edgecolor="white",
            label="in all",
        )
        labels = [str(number) for number in table["sessions"]]
        labels[-1] = f"{labels[-1]}+"
        axes.set_xticks(table["sessions"], labels)
        # Without a word, a hidden count would look like nobody.
        counts = table[["first_course", "in_all"]]
        hidden = "; a hidden count has no bar" if counts.isna().any(axis=None) else ""
        axes.set(xlabel=f"sessions{hidden}", ylabel="people")
        axes.legend(frameon=False)
        write_title(axes, "Sessions per person so far")
        write_caption(axes, caption)
        return axes


def plot_session_gaps(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the days between sessions: median and middle half, by session number.

    Parameters
    ----------
    table : DataFrame
        The table of `session_gaps`: one row per session, from the second.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Dot = median, bar = middle half of the people, with the number of people under each session.

    Examples
    --------
    >>> gaps = pd.DataFrame({"session": [2], "n": [40], "q25": [3.0], "q75": [7.0]})
    >>> gaps = gaps.assign(estimate=4.0)
    >>> [label.get_text() for label in plot_session_gaps(gaps).get_xticklabels()]
    ['2\\n40']
    """
    with canvas(ax, height=3.2) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        shown = table.dropna(subset=["estimate"])
        axes.vlines(
            shown["session"],
            shown["q25"],
            shown["q75"],
            color=RESPONDED,
            linewidth=6,
            alpha=0.35,
        )
        axes.plot(shown["session"], shown["estimate"], "o", color=RESPONDED)
        risk_table(axes, shown["session"], shown["session"], {"people": shown["n"]})
        axes.set(
            xlabel="session", ylabel="days since the session before", ylim=(0, None)
        )
        write_title(axes, "Days between sessions: median and middle half of the people")
        write_caption(axes, caption)
        return axes


def plot_session_intervals(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the gap before each session as a column of cells: the darker a cell, the larger its
    share of the people who had the session.

    Parameters
    ----------
    table : DataFrame
        The table of `session_intervals`: one row per session; rows with a hidden count stay empty.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Number of people in each cell, and under each session those who had it.

    Examples
    --------
    >>> gaps = pd.DataFrame({"session": [2], "n": [40], "days_0_to_4": [30], "days_5_to_10": [10]})
    >>> [label.get_text() for label in plot_session_intervals(gaps).get_yticklabels()]
    ['0 to 4', '5 to 10']
    """
    with canvas(ax, width=8.4, height=3.6) as axes:
        if nothing_to_draw(axes, table, "n"):
            return axes
        gaps = [str(name) for name in table if str(name).startswith(GAP_COLUMN)]
        counts = np.array([numbers(table[name]) for name in gaps])
        shares = counts / numbers(table["n"])
        # A hidden count is missing, and its cell stays white.
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto", origin="lower")
        _write_cells(axes, counts, shares)
        places = np.arange(len(table), dtype=float)
        risk_table(axes, places, table["session"], {"people": table["n"]})
        names = [name.removeprefix(GAP_COLUMN).replace("_", " ") for name in gaps]
        axes.set_yticks(np.arange(len(gaps)), names, fontsize=NUMBER_SIZE)
        axes.set(xlabel="session", ylabel="days since the session before")
        write_title(
            axes, "Days before each session: people in each cell, darker = larger share"
        )
        write_caption(axes, caption)
        return axes


def _write_cells(axes: Axes, counts: Floats, shares: Floats) -> None:
    """The number of people in each cell that has any."""
    for (row, column), count in np.ndenumerate(counts):
        if count > 0:  # false for a hidden count, which is missing
            axes.text(
                column,
                row,
                f"{count:.0f}",
                ha="center",
                va="center",
                fontsize=LABEL_SIZE,
                color="white" if shares[row, column] >= _DARK else "black",
            )


def plot_maintenance(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw what became of maintenance intervals of each length.

    Parameters
    ----------
    table : DataFrame
        The table of `maintenance_lengths`: one row per length, and one for all.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Above each bar its intervals, and the people who had them.

    Examples
    --------
    >>> lengths = pd.DataFrame({"key": ["days_5_to_10"], "days": ["5 to 10"], "n": [9]})
    >>> lengths = lengths.assign(intervals=20, held=8, failed=2, not_well_at_start=6, not_known=4)
    >>> plot_maintenance(lengths).texts[0].get_text()
    '20\\n9 people'
    """
    with canvas(ax, width=8.4, height=3.4) as axes:
        # A length with a hidden count has no bar: its total would tell the count.
        shown = table
        if len(table):
            shown = table[table["key"] != "all"].dropna(subset=list(INTERVALS))
        if nothing_to_draw(axes, shown, "intervals"):
            return axes
        base = np.zeros(len(shown))
        for column, look in INTERVALS.items():
            height = shown[column].to_numpy(float)
            axes.bar(
                shown["days"],
                height,
                bottom=base,
                color=look.colour,
                hatch=look.hatch,
                edgecolor=look.edge,
                linewidth=0,
                label=look.words,
            )
            base = base + height
        for place, (total, people) in enumerate(zip(base, shown["n"], strict=True)):
            axes.annotate(
                f"{total:.0f}\n{count_text(people)} people" if total else "",
                (place, total),
                (0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=LABEL_SIZE,
            )
        # The room above is for the two lines of text on the highest bar.
        axes.set_ylim(0, 1.2 * base.max(initial=1))
        axes.set(
            xlabel="days from one maintenance session to the next", ylabel="intervals"
        )
        legend_right(axes, reverse=True)
        write_title(axes, "Maintenance intervals by length, and what became of them")
        write_caption(axes, caption)
        return axes
