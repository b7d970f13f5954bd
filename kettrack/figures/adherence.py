"""Whether and when people came: the rhythm of maintenance, plans kept, inductions completed, and
why people stopped.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.kit import (
    count_text,
    legend_right,
    nothing_to_draw,
    numbers,
    percent_axis,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    COMPLETED,
    INK,
    LABEL_SIZE,
    NO_DATA,
    PARTIAL,
    REMITTED,
    RESPONDED,
    SECOND,
    STOPPED,
    WORSE,
    Look,
    canvas,
)

# From often to seldom: darker to lighter, then what is no interval at all.
_RHYTHM_LOOKS: Final = (
    Look(REMITTED),
    Look(RESPONDED),
    Look(SECOND, "..."),
    Look(COMPLETED),
    Look(PARTIAL, "///"),
    Look(NO_DATA, "xxx"),
)
_KEPT_LOOKS: Final = (
    Look(SECOND, "..."),
    Look(RESPONDED),
    Look(PARTIAL, "///"),
    Look(NO_DATA, "xxx"),
)
# A colour stands for the same reason in every clinic.
_REASON_LOOKS: Final = {
    "well": Look(RESPONDED),
    "not helped": Look(WORSE, "///"),
    "side effects": Look(STOPPED),
    "cost": Look(PARTIAL, "..."),
    "access": Look(SECOND, "xxx"),
    "moved": Look(COMPLETED),
    "other": Look(REMITTED, "///"),
    "unknown": Look(NO_DATA),
}
# Letters of a line under a bar, and in the legend.
_LINE: Final = 9
_LEGEND_LINE: Final = 22
# A band that is lower holds no number: it would cover its neighbours.
_LOWEST_WITH_NUMBER: Final = 6.0
_WIDTH: Final = 0.75
_ANY_REASON: Final = "any_reason"


def plot_maintenance_rhythm(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how soon the next maintenance session came, by time since session 1.

    Parameters
    ----------
    table : DataFrame
        The table of `maintenance_rhythm`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One bar per stretch of time, which adds up to all its sessions; the numbers of sessions and
        people stand under it.

    Examples
    --------
    >>> rows = pd.DataFrame({"period": ["all"] * 2, "next_session": ["monthly", "none"]})
    >>> rows = rows.assign(sessions=90, n=30, estimate=[60.0, 40.0])
    >>> ax = plot_maintenance_rhythm(rows)
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['all\\n90 sessions\\n30 people']
    """
    with canvas(ax, width=8.5, height=4.2) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        _stacked(axes, table, ("period", "next_session"), _RHYTHM_LOOKS)
        percent_axis(axes, "percent of maintenance sessions")
        write_title(axes, "How soon the next maintenance session came")
        write_caption(axes, caption)
        return axes


def plot_planned_intervals(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how the next session came against its plan, by the planned interval.

    Parameters
    ----------
    table : DataFrame
        The table of `planned_intervals`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One bar per planned interval, which adds up to all its sessions; the numbers of sessions and
        people stand under it.

    Examples
    --------
    >>> rows = pd.DataFrame({"planned": ["all"] * 2, "next_session": ["on time", "later"]})
    >>> ax = plot_planned_intervals(rows.assign(sessions=90, n=30, estimate=[60.0, 40.0]))
    >>> [float(bar.get_height()) for bar in ax.patches]
    [60.0, 40.0]
    """
    with canvas(ax, width=8.5, height=4.2) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        _stacked(axes, table, ("planned", "next_session"), _KEPT_LOOKS)
        percent_axis(axes, "percent of sessions with a plan")
        write_title(axes, "Did the next session come when it was planned?")
        write_caption(axes, caption)
        return axes


def plot_time_to_discontinuation(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how many had stopped coming by some weeks, by recorded reason.

    Parameters
    ----------
    table : DataFrame
        The table of `time_to_discontinuation`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One bar per week: the reasons on top of each other, with the interval of any reason.

    Examples
    --------
    >>> rows = pd.DataFrame({"week": [4, 4], "reason": ["any_reason", "cost"], "n": 60})
    >>> rows = rows.assign(estimate=[20.0, 20.0], ci_low=[10.0, 10.0], ci_high=[30.0, 30.0])
    >>> ax = plot_time_to_discontinuation(rows.assign(events=12))
    >>> [float(bar.get_height()) for bar in ax.patches]
    [20.0]
    """
    with canvas(ax, width=7.5, height=4.0) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        every = table["reason"] == _ANY_REASON
        parts = table[~every].assign(
            week=[f"week {week}" for week in table["week"][~every]]
        )
        parts = parts.assign(reason=parts["reason"].str.replace("_", " "))
        whole = table[every]
        # Without any stop there are no reasons, and the interval stands alone.
        if len(parts):
            _stacked(axes, parts, ("week", "reason"), _REASON_LOOKS)
        at = np.arange(len(whole))
        middle = numbers(whole["estimate"])
        below = middle - numbers(whole["ci_low"])
        above = numbers(whole["ci_high"]) - middle
        axes.errorbar(
            at, middle, yerr=np.array([below, above]), fmt="none", ecolor=INK, capsize=3
        )
        names = [f"week {week}" for week in whole["week"]]
        axes.set_xticks(at, names)
        percent_axis(axes, "percent of everybody who started")
        write_title(
            axes,
            "Who had stopped coming, by recorded reason",
            "the line is the 95 % interval of any reason",
        )
        write_caption(axes, caption)
        return axes


def plot_induction_completed(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how many completed an induction in time, by published window.

    Parameters
    ----------
    table : DataFrame
        The table of `induction_completed`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One mark per window with its interval; the people who count stand beside its name.

    Examples
    --------
    >>> rows = pd.DataFrame({"about": ["6 sessions"], "unit": ["%"], "n": [60]})
    >>> ax = plot_induction_completed(rows.assign(estimate=40.0, ci_low=30.0, ci_high=50.0))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['6 sessions (60)']
    """
    shares = table[table["unit"] == "%"] if "unit" in table else table
    with canvas(ax, width=7.0, height=1.4 + 0.4 * max(len(shares), 1)) as axes:
        if nothing_to_draw(axes, shares, "estimate"):
            return axes
        at = np.arange(len(shares))
        low = numbers(shares["ci_low"])
        high = numbers(shares["ci_high"])
        axes.hlines(at, low, high, color=RESPONDED)
        axes.plot(numbers(shares["estimate"]), at, "o", color=RESPONDED)
        names = [
            f"{about} ({count_text(n)})"
            for about, n in zip(shares["about"], shares["n"], strict=True)
        ]
        axes.set_yticks(at, names)
        axes.set_ylim(len(shares) - 0.5, -0.5)
        axes.set(xlim=(0, 100), xlabel="percent of people whose log is long enough")
        axes.grid(axis="x", alpha=0.3)
        write_title(axes, "Inductions completed in time (people in brackets)")
        write_caption(axes, caption)
        return axes


def _stacked(
    axes: Axes,
    table: pd.DataFrame,
    columns: tuple[str, str],
    looks: Sequence[Look] | Mapping[str, Look],
) -> None:
    """One bar per group, its parts on top of each other, with their shares where they fit."""
    group, part = columns
    groups = list(dict.fromkeys(table[group]))
    parts = list(dict.fromkeys(table[part]))
    base = np.zeros(len(groups))
    for place, name in enumerate(parts):
        own = table[table[part] == name].set_index(group)
        height = numbers(own["estimate"].reindex(groups))
        look = looks[name] if isinstance(looks, Mapping) else looks[place % len(looks)]
        # A hidden share leaves its place empty: what lies on top of it is not moved down.
        axes.bar(
            np.arange(len(groups)),
            np.nan_to_num(height),
            _WIDTH,
            bottom=base,
            color=look.colour,
            hatch=look.hatch,
            edgecolor=look.edge,
            linewidth=0.5,
            label=textwrap.fill(str(name), _LEGEND_LINE),
        )
        _write_shares(axes, base, height)
        base = base + np.nan_to_num(height)
    names = _group_names(table, group, groups)
    axes.set_xticks(np.arange(len(groups)), names, fontsize=LABEL_SIZE)
    handles, labels = axes.get_legend_handles_labels()
    # The legend in the order of the bars, from the top down.
    axes.set_xlim(-0.6, len(groups) - 0.4)
    legend_right(axes, handles=handles[::-1], labels=labels[::-1])


def _write_shares(axes: Axes, base: np.ndarray, height: np.ndarray) -> None:
    """Shares inside of the bars that are high enough."""
    for place, share in enumerate(height):
        if np.isnan(share) or share < _LOWEST_WITH_NUMBER:
            continue
        axes.text(
            place,
            base[place] + share / 2,
            f"{share:.0f}",
            ha="center",
            va="center",
            fontsize=LABEL_SIZE,
            color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )


def _group_names(table: pd.DataFrame, group: str, groups: list[str]) -> list[str]:
    """Name of each group with the sessions and people it is of, as far as the table has them."""
    if "sessions" not in table:
        return [str(name) for name in groups]
    first = table.drop_duplicates(group).set_index(group)
    return [
        f"{textwrap.fill(str(name), _LINE)}\n{count_text(first['sessions'][name])} sessions"
        f"\n{count_text(first['n'][name])} people"
        for name in groups
    ]
