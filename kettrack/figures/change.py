"""Ordinary questions: days until response, change at a fixed week, two groups."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.kit import (
    count_text,
    nothing_to_draw,
    numbers,
    percent_axis,
    text_beside,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    CAPTION_INK,
    INK,
    LABEL_SIZE,
    NO_DATA,
    PARTIAL,
    RESPONDED,
    WORSE,
    canvas,
)

# A hazard ratio below this and above its inverse is drawn at the edge.
_NARROWEST: Final = 0.5


def plot_time_to(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw by which day given shares of everybody had responded, or reached remission.

    Parameters
    ----------
    table : DataFrame
        The table of `time_to_response` or `time_to_remission`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One mark per share with the interval of its day; an interval without an end has an arrow. A
        share that was not reached says so. The last mark is the share by the last day.

    Examples
    --------
    >>> rows = pd.DataFrame({"key": ["share_25", "share_50"], "estimate": [15.0, None]})
    >>> rows = rows.assign(ci_low=[13.0, None], ci_high=[20.0, None], to_day=180.0)
    >>> [text.get_text() for text in plot_time_to(rows).texts]
    ['not reached by day 180']
    """
    shares = table
    if "key" in table:
        shares = table[table["key"].str.startswith("share_")]
    with canvas(ax, width=7.0, height=4.0) as axes:
        if nothing_to_draw(axes, shares, "estimate"):
            return axes
        last = float(table["to_day"].max())
        for row in shares.to_dict("records"):
            _share_day(axes, row, last)
        by_end = table[table["key"] == "by_end"]
        if len(by_end):
            _share_by_end(axes, by_end, last)
        percent_axis(axes, "percent of everybody who started")
        axes.set(xlim=(0, last * 1.18), xlabel="days since session 1")
        axes.grid(alpha=0.3)
        write_title(
            axes, f"By which day {_what_came(shares)}, of everybody who started"
        )
        write_caption(axes, caption)
        return axes


def _what_came(shares: pd.DataFrame) -> str:
    """What the shares of a table are of: two such figures stand below each other in a report."""
    about = str(shares["about"].iloc[0]) if "about" in shares else ""
    words = about.partition(" of all ")[2]
    return f"people {words}" if words else "it came"


def _share_day(axes: Axes, row: dict[object, object], last: float) -> None:
    """The day of one share, or that it was not reached."""
    height = float(str(row["key"]).removeprefix("share_"))
    day = float(row["estimate"])  # type: ignore[arg-type]
    low = float(row["ci_low"])  # type: ignore[arg-type]
    high = float(row["ci_high"])  # type: ignore[arg-type]
    if np.isnan(day) and np.isnan(low):
        axes.text(
            last / 2,
            height,
            f"not reached by day {last:.0f}",
            ha="center",
            va="center",
            fontsize=LABEL_SIZE,
            color=CAPTION_INK,
        )
        return
    # The band does not get there: the day may be any later one.
    end = last if np.isnan(high) else high
    axes.hlines(height, low, end, color=RESPONDED)
    if np.isnan(high):
        axes.plot(end, height, ">", color=RESPONDED, markersize=6)
    if np.isnan(day):
        axes.annotate(
            f"not reached by day {last:.0f}",
            ((low + end) / 2, height),
            (0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=LABEL_SIZE,
            color=CAPTION_INK,
        )
    axes.plot(day, height, "o", color=RESPONDED)


def _share_by_end(axes: Axes, row: pd.DataFrame, last: float) -> None:
    """The share by the last day that the curve stands on."""
    low = numbers(row["ci_low"])
    high = numbers(row["ci_high"])
    share = float(numbers(row["estimate"])[0])
    # A little to the right, where no arrow of a share ends.
    at = 1.03 * last
    axes.vlines(at, low, high, color=PARTIAL)
    axes.plot(at, share, "s", color=PARTIAL)
    if np.isnan(share):
        return
    text_beside(axes, f"{share:.0f} % by\nday {last:.0f}", (at, share), 7)


def plot_paired_change(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the mean score before treatment and at a fixed week, and what would come by itself.

    Parameters
    ----------
    table : DataFrame
        The table of `paired_change`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Two means with their intervals, and a grey band down to where regression to the mean alone
        would bring the mean. Who scored worse stands below the title.

    Examples
    --------
    >>> keys = ["baseline", "score", "worse"]
    >>> about = ["mean baseline", "mean score at week 12", "scored worse than before"]
    >>> rows = pd.DataFrame({"key": keys, "about": about, "estimate": [18.0, 12.0, 15.0], "n": 90})
    >>> ax = plot_paired_change(rows.assign(ci_low=[17.0, 11.0, 10.0], ci_high=[19.0, 13.0, 20.0]))
    >>> ax.lines[-1].get_ydata().tolist()
    [18.0, 12.0]
    """
    with canvas(ax, width=5.5, height=4.2) as axes:
        known = table
        if "key" in table:
            known = table[table["key"].isin(["baseline", "score"])]
        if nothing_to_draw(axes, known, "estimate"):
            return axes
        rows = table.set_index("key")
        start = float(rows["estimate"]["baseline"])
        change = float(rows["estimate"]["score"]) - start
        _by_itself(axes, rows, start, change)
        low = numbers(known["ci_low"])
        high = numbers(known["ci_high"])
        axes.vlines([0, 1], low, high, color=RESPONDED)
        axes.plot([0, 1], numbers(known["estimate"]), "o-", color=RESPONDED)
        # The table says of which week it is.
        axes.set_xticks([0, 1], known["about"])
        axes.set(xlim=(-0.3, 1.5), ylabel="mean score")
        # From 0, so that a fall looks no larger than it is; T values begin far above it.
        axes.set_ylim(min(0.0, float(np.nanmin(low))), None)
        axes.grid(axis="y", alpha=0.3)
        worse = rows["estimate"].get("worse", np.nan)
        note = (
            ""
            if pd.isna(worse)
            else f"{worse:.0f} % scored worse than before treatment"
        )
        write_title(axes, "Mean score, in the people scored at both times", note)
        write_caption(axes, caption)
        return axes


def _by_itself(
    axes: Axes,
    rows: pd.DataFrame,
    start: float,
    change: float,
) -> None:
    """Where regression to the mean alone would bring the mean, as far as the baselines show it."""
    keys = ("mean_regression_low", "mean_regression_high")
    if not all(key in rows.index and pd.notna(rows["estimate"][key]) for key in keys):
        return
    # An improvement goes the way in which the scale improves, which is not always down.
    way = -1.0 if change <= 0 else 1.0
    ends = [start + way * float(rows["estimate"][key]) for key in keys]
    axes.fill_between([0, 1], [start, ends[0]], [start, ends[1]], color=NO_DATA)
    axes.annotate(
        "by itself\n(regression\nto the mean)",
        (1.05, sum(ends) / 2),
        va="center",
        fontsize=LABEL_SIZE,
        color=CAPTION_INK,
    )


def plot_change_by_sessions(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the mean change at a fixed week by the number of sessions until then.

    Parameters
    ----------
    table : DataFrame
        The table of `change_by_sessions`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One mark per number of sessions with its interval; under it the people scored, of those who
        could have been.

    Examples
    --------
    >>> row = {"key": "sessions_1_to_3", "about": "1 to 3 sessions", "started": 50, "n": 40}
    >>> row |= {"estimate": -5.0, "ci_low": -7.0, "ci_high": -3.0}
    >>> ax = plot_change_by_sessions(pd.DataFrame([row]))
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['1 to 3\\n40 of 50\\nscored']
    """
    groups = table
    if "key" in table:
        groups = table[table["key"].str.startswith("sessions_")]
    with canvas(ax, width=6.5, height=4.2) as axes:
        if nothing_to_draw(axes, groups, "estimate"):
            return axes
        at = np.arange(len(groups))
        low = numbers(groups["ci_low"])
        high = numbers(groups["ci_high"])
        axes.vlines(at, low, high, color=RESPONDED)
        axes.plot(at, numbers(groups["estimate"]), "o", color=RESPONDED)
        axes.axhline(0, color=CAPTION_INK, linewidth=0.8)
        names = [
            f"{str(row['about']).removesuffix(' sessions')}"
            f"\n{count_text(row['n'])} of {count_text(row['started'])}\nscored"
            for row in groups.to_dict("records")
        ]
        axes.set_xticks(at, names)
        axes.set(
            xlim=(-0.5, len(groups) - 0.5),
            xlabel="sessions by then",
            ylabel="mean change, points",
        )
        axes.grid(axis="y", alpha=0.3)
        write_title(
            axes,
            "Change by the number of sessions",
            "association: who stops when is decided by how people do",
        )
        write_caption(axes, caption)
        return axes


def plot_two_groups(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the hazard ratio of response of two groups, with the difference in change in words.

    Parameters
    ----------
    table : DataFrame
        The table of `two_groups`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        The ratio with its interval on an axis of ratios; people and responses of each group stand
        below.

    Examples
    --------
    >>> rows = pd.DataFrame({"key": ["group_1", "group_2", "hazard_ratio"], "n": [60, 50, 110]})
    >>> rows = rows.assign(about=["iv", "im", "im against iv"], events=[30, 20, 50])
    >>> rows = rows.assign(estimate=[None, None, 0.8], ci_low=[None, None, 0.5])
    >>> ax = plot_two_groups(rows.assign(ci_high=[None, None, 1.3]))
    >>> ax.get_xscale(), [label.get_text() for label in ax.get_yticklabels()]
    ('log', ['im against iv'])
    """
    ratio = table[table["key"] == "hazard_ratio"] if "key" in table else table
    with canvas(ax, width=7.5, height=2.6) as axes:
        if nothing_to_draw(axes, ratio, "estimate"):
            return axes
        rows = table.set_index("key")
        low = float(ratio["ci_low"].item())
        high = float(ratio["ci_high"].item())
        axes.hlines(0, low, high, color=RESPONDED)
        axes.plot(float(ratio["estimate"].item()), 0, "o", color=RESPONDED)
        # It ends below the words.
        axes.axvline(1, ymax=0.5, color=WORSE, linestyle="--", linewidth=1)
        axes.set_xscale("log")
        least = min(low * 0.9, _NARROWEST)
        most = max(high * 1.1, 1 / _NARROWEST)
        ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10) if least <= tick <= most]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.set_yticks(
            [0], [str(ratio["about"].item()).removeprefix("hazard ratio of ")]
        )
        axes.set(
            xlim=(least, most), ylim=(-0.6, 1.4), xlabel="hazard ratio (1 = alike)"
        )
        _group_words(axes, rows)
        write_title(axes, "Two groups as they are: nothing is adjusted")
        write_caption(axes, caption)
        return axes


def _group_words(axes: Axes, rows: pd.DataFrame) -> None:
    """People and responses of each group, and the difference in change, above the line."""
    parts = [
        f"{rows['about'][key]}: {count_text(rows['events'][key])} of"
        f" {count_text(rows['n'][key])} responded"
        for key in ("group_1", "group_2")
    ]
    if "difference" in rows.index and pd.notna(rows["estimate"]["difference"]):
        parts.append(
            f"difference in mean change {rows['estimate']['difference']:.1f} points"
            f" ({rows['ci_low']['difference']:.1f} to {rows['ci_high']['difference']:.1f})"
        )
    axes.text(
        0.01,
        0.96,
        "\n".join(parts),
        transform=axes.transAxes,
        va="top",
        fontsize=LABEL_SIZE,
        color=INK,
    )
