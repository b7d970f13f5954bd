"""For whom, and who is missing: groups of people one below the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.arrays import Floats
from kettrack.figures.group_rows import (
    height_of_groups,
    name_groups,
    place_groups,
    words_at_right,
)
from kettrack.figures.kit import (
    count_text,
    legend_above,
    nothing_to_draw,
    numbers,
    write_caption,
)
from kettrack.figures.style import (
    INK,
    RESPONDED,
    STOPPED,
    WORSE,
    canvas,
)


def plot_for_whom(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how far each group differs in response from the first group of its kind.

    Parameters
    ----------
    table : DataFrame
        The table of `for_whom`: one row per group, and one per number.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Filled = difference at equal other characteristics, with the interval that holds for all
        rows at once; hollow = the same drawn toward no difference. What a group is compared with
        stands at the right.

    Examples
    --------
    >>> rows = [{"characteristic": "sex", "group": name, "n": 90} for name in ("female", "male")]
    >>> ends = {"adjusted_low": -9.0, "adjusted_high": 5.0, "shrunken": -1.0}
    >>> ax = plot_for_whom(pd.DataFrame([rows[0], rows[1] | {"adjusted": -2.0} | ends]))
    >>> [label.get_text() for label in ax.get_yticklabels()], ax.texts[0].get_text()
    (['male (90)'], 'sex, against female (90)')
    """
    title = "Response at equal other characteristics (people in brackets)"
    return _forest(table, ax, caption, (title, "responded"))


def plot_scored_predictors(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how far each group differs from the first group of its kind in being scored.

    Parameters
    ----------
    table : DataFrame
        The table of `scored_predictors`: one row per group, and one per number.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Marks and lines as in `plot_for_whom`.

    Examples
    --------
    >>> rows = [{"characteristic": "sex", "group": name, "n": 90} for name in ("female", "male")]
    >>> ends = {"adjusted_low": -9.0, "adjusted_high": 5.0, "shrunken": -1.0}
    >>> ax = plot_scored_predictors(pd.DataFrame([rows[0], rows[1] | {"adjusted": -2.0} | ends]))
    >>> ax.get_xlabel()
    'percentage points; right = more were scored'
    """
    title = "Being scored, at equal other characteristics (people in brackets)"
    return _forest(table, ax, caption, (title, "were scored"))


def plot_equity_ladder(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw who can be analysed and who was scored, of everybody who started, in every group.

    Parameters
    ----------
    table : DataFrame
        The table of `equity_ladder`: everybody, then one row per group.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Hollow = percent who can be analysed, filled = percent scored later, with its interval; the
        upright line is everybody's share.

    Examples
    --------
    >>> row = {"characteristic": "everybody", "group": "everybody", "n": 90, "estimate": 60.0}
    >>> row |= {"analysable_share": 80.0, "ci_low": 50.0, "ci_high": 70.0}
    >>> ax = plot_equity_ladder(pd.DataFrame([row]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['everybody (90)']
    """
    with canvas(ax, width=8.0, height=height_of_groups(table)) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        # Hidden rows keep their place and stay without a mark.
        at = place_groups(table)
        share = numbers(table["estimate"])
        # Everybody comes first in the table.
        axes.axvline(share[0], color=INK, linewidth=0.8, linestyle="--")
        axes.hlines(
            at,
            numbers(table["ci_low"]),
            numbers(table["ci_high"]),
            color=RESPONDED,
            linewidth=1.2,
        )
        axes.plot(share, at, "o", color=RESPONDED, markersize=4, label="scored later")
        axes.plot(
            numbers(table["analysable_share"]),
            at,
            "s",
            color=STOPPED,
            fillstyle="none",
            markersize=4.5,
            label="can be analysed",
        )
        name_groups(axes, table, at)
        for height, name in _kinds(table, at):
            words_at_right(axes, name, height)
        axes.set(xlim=(0, 101), xlabel="percent of everybody who started")
        legend_above(axes, 2)
        axes.set_title(
            "Who is missing, group by group (people who started in brackets)",
            loc="left",
            pad=24,
        )
        write_caption(axes, caption)
        return axes


def plot_sessions_by_number(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how many sessions begin without a response, along a number known at the start.

    Parameters
    ----------
    table : DataFrame
        The table of `sessions_by_number`; the first outcome in it is drawn.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Line with a band = as counted, dashed line with a band = if sessions did nothing.

    Examples
    --------
    >>> rows = [{"unit": "sessions", "at": at, "estimate": 4.5} for at in (12, 24)]
    >>> ends = {"ci_low": 4.0, "ci_high": 5.0, "null": 5.5, "null_low": 5.2, "null_high": 5.8}
    >>> ax = plot_sessions_by_number(pd.DataFrame([row | ends for row in rows]))
    >>> [line.get_label() for line in ax.lines]
    ['as counted', 'if sessions did nothing']
    """
    with canvas(ax, width=7.0, height=3.8) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        unit = str(table["unit"].iloc[0])
        own = table[table["unit"] == unit]
        at = numbers(own["at"])
        lines = {
            "as counted": (("estimate", "ci_low", "ci_high"), RESPONDED, "o", "-"),
            "if sessions did nothing": (
                ("null", "null_low", "null_high"),
                STOPPED,
                "s",
                "--",
            ),
        }
        for name, (columns, colour, marker, dashes) in lines.items():
            middle, low, high = (numbers(own[column]) for column in columns)
            # There is no null where the model cannot be fitted.
            if np.isnan(middle).all():
                continue
            axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(
                at,
                middle,
                marker,
                ls=dashes,
                color=colour,
                markersize=4,
                label=name,
            )
        axes.set(xlabel="value before session 1", ylabel=f"mean {unit}")
        # Every course begins with one session without a response; a cut axis would blow up little.
        axes.set_ylim(1, None)
        axes.grid(alpha=0.3)
        legend_above(axes, 2)
        axes.set_title(
            "Do people who start higher need more? Whoever never responds counts in full",
            loc="left",
            pad=24,
        )
        write_caption(axes, caption)
        return axes


def _kinds(table: pd.DataFrame, at: Floats) -> list[tuple[float, str]]:
    """The name of each characteristic beside its first row."""
    names = table["characteristic"]
    # Everybody, in the first row, is no characteristic.
    first = (names != names.shift(fill_value=names.iloc[0])).to_numpy()
    return list(zip(at[first].tolist(), names[first].astype(str), strict=True))


def _forest(
    table: pd.DataFrame,
    ax: Axes | None,
    caption: str,
    words: tuple[str, str],
) -> Axes:
    """Differences between groups, one below the other; `words` are the title, and what more of them
    did.
    """
    title, did = words
    there = "adjusted" in table
    shown = table[table["adjusted"].notna()] if there else table.iloc[:0]
    with canvas(ax, width=9.5, height=height_of_groups(shown)) as axes:
        if nothing_to_draw(axes, shown, "adjusted"):
            return axes
        at = place_groups(shown)
        axes.axvline(0, color=INK, linewidth=0.8)
        _marks(axes, shown, at)
        name_groups(axes, shown, at)
        for height, beside in _side_words(table, shown, at):
            words_at_right(axes, beside, height)
        axes.set(xlabel=f"percentage points; right = more {did}")
        legend_above(axes, 2)
        axes.set_title(title, loc="left", pad=24)
        write_caption(axes, caption)
        return axes


def _marks(axes: Axes, shown: pd.DataFrame, at: Floats) -> None:
    """Differences with their intervals, and below each what is left of it."""
    low = numbers(shown["adjusted_low"])
    high = numbers(shown["adjusted_high"])
    axes.hlines(at, low, high, color=RESPONDED, linewidth=1.2)
    # Shape and filling differ too, for readers in grey.
    axes.plot(
        numbers(shown["adjusted"]),
        at,
        "o",
        color=RESPONDED,
        markersize=4,
        label="difference, with an interval that holds for all rows at once",
    )
    axes.plot(
        numbers(shown["shrunken"]),
        at,
        "D",
        color=WORSE,
        fillstyle="none",
        markersize=4.5,
        label="drawn toward no difference",
    )


def _side_words(
    table: pd.DataFrame, shown: pd.DataFrame, at: Floats
) -> list[tuple[float, str]]:
    """What the rows are about, and what they are compared with, beside the first row of each."""
    words = []
    # A characteristic comes again as a number, after all groups, and is named again.
    before = ""
    for height, row in zip(at, shown.to_dict("records"), strict=True):
        name = str(row["characteristic"])
        if name != before:
            words.append((float(height), _against(table, name, row)))
        before = name
    return words


def _against(table: pd.DataFrame, name: str, row: Mapping[Any, Any]) -> str:
    """The group that the others are compared with, in words."""
    # A number has no group and so no share; its row comes after those of the groups.
    if pd.isna(row.get("estimate", 0)):
        return f"{name}, as a straight line"
    own = table[(table["characteristic"] == name) & table["adjusted"].isna()]
    if own.empty:
        return name
    group = str(own["group"].iloc[0])
    words = f"against {group} ({count_text(own['n'].iloc[0])})"
    return words if group.startswith(name) else f"{name}, {words}"
