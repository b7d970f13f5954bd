"""Who is in a cohort: the ladder, session counts, gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.style import (
    INK,
    NO_DATA,
    RESPONDED,
    WORSE,
    canvas,
    nothing_to_draw,
    write_caption,
)


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
        Blue = left after the step, vermilion = lost at it.
    """
    with canvas(ax, height=3.4) as axes:
        if nothing_to_draw(axes, table, "left"):
            return axes
        rows = np.arange(len(table))
        left, lost = (
            table[column].astype("Float64").to_numpy(float, na_value=0)
            for column in ("left", "lost")
        )
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
            axes.annotate(
                _step_text(n, gone),
                (left[row] + lost[row], row),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        axes.invert_yaxis()
        axes.set(xlabel="patients", xlim=(0, max(left) * 1.15))
        axes.set_title("Who can be analysed, and who is lost why", loc="left")
        write_caption(axes, caption)
        return axes


def _step_text(left: float, lost: float) -> str:
    """How many are left after a step, and how many it lost."""
    gone = " (lost: hidden)" if pd.isna(lost) else f" (-{int(lost)})" if lost else ""
    return ("hidden" if pd.isna(left) else f"{int(left)}") + gone


def plot_session_counts(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how many people had how many sessions: filled = in the first course, outlined = in all.

    Parameters
    ----------
    table : DataFrame
        The table of `session_counts`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.
    """
    with canvas(ax, height=3.2) as axes:
        if nothing_to_draw(axes, table, "first_course"):
            return axes
        numbers = {
            name: table[name].astype("Float64").to_numpy(float, na_value=0)
            for name in ("first_course", "in_all")
        }
        axes.bar(
            table["sessions"] - 0.2,
            numbers["first_course"],
            width=0.4,
            color=RESPONDED,
            label="first course",
        )
        axes.bar(
            table["sessions"] + 0.2,
            numbers["in_all"],
            width=0.4,
            color=NO_DATA,
            hatch="////",
            edgecolor="white",
            label="in all",
        )
        last = int(table["sessions"].max())
        axes.set_xticks(
            table["sessions"],
            [*(str(number) for number in table["sessions"][:-1]), f"{last}+"],
        )
        axes.set(xlabel="sessions", ylabel="patients")
        axes.legend(frameon=False)
        axes.set_title("Sessions per person so far", loc="left")
        write_caption(axes, caption)
        return axes


def plot_session_gaps(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the days between sessions: median and middle half, by session number.

    Parameters
    ----------
    table : DataFrame
        The table of `session_gaps`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.
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
        axes.set_xticks(
            shown["session"],
            [f"{s}\n{n}" for s, n in zip(shown["session"], shown["n"], strict=True)],
        )
        axes.annotate(
            "n",
            (-0.01, 0),
            (0, -17),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=8,
        )
        axes.set(
            xlabel="session", ylabel="days since the session before", ylim=(0, None)
        )
        axes.set_title(
            "Time between sessions: median and middle half", loc="left", color=INK
        )
        write_caption(axes, caption)
        return axes
