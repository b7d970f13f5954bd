"""The small pictures of the first page, one for each of its five answers.

They are read at a glance beside a sentence that holds the numbers, so each shows one thing, has no
caption of its own and names its parts where they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kettrack.figures.kit import numbers, side_labels
from kettrack.figures.style import (
    IN_CARE,
    INK,
    LABEL_SIZE,
    NO_DATA,
    NOTE_SIZE,
    RESPONDED,
    UNCHANGED,
    WORSE,
    Look,
    Margins,
    canvas,
)

_WIDTH: Final = 4.2  # inches
_HEIGHT: Final = 1.7
# Words under the axes take as much room in each of them.
_UNDER: Final = 0.5
# A number and a name at the left, and at the right half of the last number.
_PLAIN: Final = Margins(0.65, 0.2, _UNDER, 0.1)
_WIDE_ENOUGH: Final = 9.0  # percent of a bar that holds a number
_SIX_DIGITS: Final = 100_000
# Column -> how its part of a bar looks; the last colour is that of the number in it.
_FIRSTS: Final = {
    "estimate": Look(RESPONDED, "", "still responding", "white"),
    "again_first": Look(UNCHANGED, "", "another session", INK),
    "lost_first": Look(WORSE, "xxxx", "lost", INK),
}


def plot_response_small(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the share that had responded by each session, with its interval.

    Parameters
    ----------
    table : DataFrame
        One row per session: `session` `estimate` `ci_low` `ci_high` `at_most`, percent.
    ax : Axes, optional
        Default: new ones.

    Returns
    -------
    Axes
        The thin line is the share had everyone who was not scored responded.

    Examples
    --------
    >>> row = {"session": 1, "estimate": 10.0, "ci_low": 8.0, "ci_high": 12.0, "at_most": 14.0}
    >>> plot_response_small(pd.DataFrame([row])).get_xlabel()
    'session'
    """
    with canvas(ax, _WIDTH, _HEIGHT, _PLAIN._replace(right=0.8)) as axes:
        session = numbers(table["session"])
        estimate = numbers(table["estimate"])
        at_most = numbers(table["at_most"])
        low = numbers(table["ci_low"])
        high = numbers(table["ci_high"])
        axes.fill_between(
            session,
            low,
            high,
            color=RESPONDED,
            alpha=0.2,
            linewidth=0,
        )
        axes.plot(
            session,
            estimate,
            "o-",
            color=RESPONDED,
            markersize=3.5,
        )
        axes.plot(
            session,
            at_most,
            "--",
            color=INK,
            linewidth=0.9,
        )
        axes.set(ylim=(0, 100), xlabel="session", ylabel="percent")
        # There is no session 2.5.
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        there = np.flatnonzero(~np.isnan(estimate))
        if there.size:
            last = int(there[-1])
            ends = {"responded": estimate[last], "at most": at_most[last]}
            side_labels(axes, ends, {"responded": RESPONDED}, gap=14)
        return axes


def plot_lasting_small(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw what had become of the responders after some weeks.

    Parameters
    ----------
    table : DataFrame
        One row per week: `week` `estimate` `again_first` `lost_first`, percent.
    ax : Axes, optional
        Default: new ones.

    Returns
    -------
    Axes
        A bar for each week: still responding, another session first, lost the response first.

    Examples
    --------
    >>> row = {"week": 8, "estimate": 30.0, "again_first": 50.0, "lost_first": 20.0}
    >>> ax = plot_lasting_small(pd.DataFrame([row]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['week 8']
    """
    with canvas(ax, _WIDTH, _HEIGHT, _PLAIN._replace(top=0.3)) as axes:
        left = np.zeros(len(table))
        rows = np.arange(len(table))
        for column, look in _FIRSTS.items():
            wide = numbers(table[column], missing=0.0)
            axes.barh(
                rows,
                wide,
                left=left,
                color=look.colour,
                hatch=look.hatch,
                edgecolor="white",
                label=look.words,
            )
            for row, share in enumerate(wide):
                # A hatch would run through the number, which the sentence has as well.
                if share >= _WIDE_ENOUGH and not look.hatch:
                    middle = left[row] + share / 2
                    _number(axes, middle, row, f"{share:.0f} %", look.edge)
            left = left + wide
        axes.set_yticks(rows, [f"week {week:.0f}" for week in numbers(table["week"])])
        axes.invert_yaxis()
        axes.set(xlim=(0, 100), xlabel="percent of responders")
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=len(_FIRSTS),
            fontsize=NOTE_SIZE,
            columnspacing=1,
            handlelength=1.2,
            borderaxespad=0.2,
        )
        return axes


def _number(axes: Axes, x: float, y: float, text: str, ink: str) -> None:
    axes.text(
        x,
        y,
        text,
        ha="center",
        va="center",
        fontsize=LABEL_SIZE,
        color=ink,
    )


def plot_harm_small(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how often each kind of harm was seen, with its interval.

    Parameters
    ----------
    table : DataFrame
        One row per kind: `what` `estimate` `ci_low` `ci_high`, percent.
    ax : Axes, optional
        Default: new ones.

    Returns
    -------
    Axes
        One row per kind, from 0 to 100 %.

    Examples
    --------
    >>> row = {"what": "people: worse", "estimate": 10.0, "ci_low": 8.0, "ci_high": 12.0}
    >>> plot_harm_small(pd.DataFrame([row])).get_xlabel()
    'percent'
    """
    with canvas(ax, _WIDTH, _HEIGHT, _PLAIN._replace(left=2.5)) as axes:
        rows = np.arange(len(table))
        low = numbers(table["ci_low"])
        high = numbers(table["ci_high"])
        axes.hlines(
            rows,
            low,
            high,
            color=WORSE,
            linewidth=2,
        )
        axes.plot(
            numbers(table["estimate"]),
            rows,
            "D",
            color=WORSE,
            markersize=5,
        )
        axes.set_yticks(rows, table["what"])
        axes.set(xlim=(-2, 100), xlabel="percent", ylim=(len(table) - 0.4, -0.6))
        axes.grid(axis="x", alpha=0.3)
        return axes


def plot_counted_small(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many started, and how many of them the shares count.

    Parameters
    ----------
    table : DataFrame
        One row per group: `what` `people` `unknown`, which is the percent no longer scored.
    ax : Axes, optional
        Default: new ones.

    Returns
    -------
    Axes
        The pale end of a bar is who was no longer scored.

    Examples
    --------
    >>> row = {"what": "started", "people": 60, "unknown": 0.0}
    >>> plot_counted_small(pd.DataFrame([row])).get_xlabel()
    'people'
    """
    # Names at the left, and a note at the right that begins where a bar ends.
    with canvas(ax, _WIDTH, _HEIGHT, _PLAIN._replace(left=1.25, right=1.0)) as axes:
        rows = np.arange(len(table))
        people = numbers(table["people"])
        unknown = people * numbers(table["unknown"]) / 100
        known = people - unknown
        axes.barh(rows, known, color=RESPONDED)
        axes.barh(
            rows,
            unknown,
            left=known,
            color=IN_CARE,
            hatch="////",
            edgecolor=NO_DATA,
        )
        for row, count in enumerate(people):
            _number(axes, known[row] / 2, row, f"{count:,.0f}", "white")
            if unknown[row]:
                place = (people[row] + people.max() * 0.01, row)
                axes.annotate(
                    "no longer scored", place, va="center", fontsize=NOTE_SIZE
                )
        axes.set_yticks(rows, table["what"])
        axes.invert_yaxis()
        axes.set(xlabel="people", xlim=(0, people.max() * 1.02))
        # Beside margins as wide as words, more numbers would touch each other.
        steps = 2 if people.max() >= _SIX_DIGITS else 3
        axes.xaxis.set_major_locator(MaxNLocator(steps, integer=True))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        return axes


def plot_difference_small(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw a difference in points with its interval, against no difference.

    Parameters
    ----------
    table : DataFrame
        One row: `estimate` `ci_low` `ci_high`, points.
    ax : Axes, optional
        Default: new ones.

    Returns
    -------
    Axes
        Left of the line is better.

    Examples
    --------
    >>> row = {"estimate": -0.3, "ci_low": -0.9, "ci_high": 0.3}
    >>> plot_difference_small(pd.DataFrame([row])).get_xlabel()
    'points'
    """
    with canvas(ax, _WIDTH, _HEIGHT, _PLAIN._replace(left=0.2)) as axes:
        row = table.iloc[0]
        axes.axvline(0, color=INK, linewidth=1)
        axes.hlines(
            0,
            row["ci_low"],
            row["ci_high"],
            color=RESPONDED,
            linewidth=3,
        )
        axes.plot(row["estimate"], 0, "o", color=RESPONDED, markersize=9)
        widest = max(abs(row["ci_low"]), abs(row["ci_high"]), 1.0) * 1.25
        axes.set(xlim=(-widest, widest), ylim=(-1, 1), yticks=[], xlabel="points")
        for words, across, side in (
            ("← better with one more", 0.02, "left"),
            ("worse →", 0.98, "right"),
        ):
            axes.annotate(
                words,
                (across, 0.86),
                xycoords="axes fraction",
                ha=side,
                fontsize=LABEL_SIZE,
            )
        axes.spines["left"].set_visible(False)
        return axes


def plot_score_small(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the scores of one patient, with a tick for each session.

    Parameters
    ----------
    table : DataFrame
        One row per score or session: `what` (score, session) `day` `score`, points.
    ax : Axes, optional
        Default: new ones.

    Returns
    -------
    Axes
        From 0; ticks at the foot are sessions.

    Examples
    --------
    >>> rows = {"what": ["score", "session"], "day": [0.0, 0.0], "score": [17.0, None]}
    >>> plot_score_small(pd.DataFrame(rows)).get_xlabel()
    'days since the first session; marks: sessions'
    """
    with canvas(ax, _WIDTH, _HEIGHT, _PLAIN) as axes:
        scores = table[table["what"] == "score"]
        sessions = table[table["what"] == "session"]
        axes.plot(
            scores["day"],
            scores["score"],
            "o-",
            color=RESPONDED,
            markersize=3.5,
        )
        axes.set_ylim(0, None)
        foot = np.zeros(len(sessions))
        # Clipped marks on the axis would be half gone.
        axes.plot(
            sessions["day"],
            foot,
            "|",
            color=INK,
            markersize=9,
            clip_on=False,
        )
        axes.set(xlabel="days since the first session; marks: sessions", ylabel="score")
        return axes


# Key of an answer -> its picture.
PICTURES: Final[dict[str, Callable[[pd.DataFrame], Axes]]] = {
    "response": plot_response_small,
    "lasting": plot_lasting_small,
    "harm": plot_harm_small,
    "counted": plot_counted_small,
    "more_sessions": plot_difference_small,
    "score": plot_score_small,
}
