"""Thoughts of suicide, attempts and admissions."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.arrays import Bools, Floats
from kettrack.figures.kit import (
    count_text,
    legend_above,
    nothing_to_draw,
    numbers,
    percent_axis,
    risk_table,
    step_band,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    INK,
    LABEL_SIZE,
    NUMBER_SIZE,
    RESPONDED,
    UNCHANGED,
    WORSE,
    canvas,
)

# Key of a comparison -> what it is, in words of the figure.
_COMPARED: Final = {
    "worst": "highest answer after session 1",
    "last": "last answer after session 1",
    "first": "first answer after session 1",
    "untreated": "next answer, still before session 1",
}
_WAYS: Final = {
    "rose": (WORSE, "///"),
    "same": (UNCHANGED, ""),
    "fell": (RESPONDED, "..."),
}
_MOST_TICKS: Final = 9
_ALL: Final = "all"
# The lightest cell of the table can still be told from an empty one.
_FAINTEST: Final = 0.08


def plot_ideation_shift(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how answers on suicidal thoughts rose, stayed and fell, comparison by comparison.

    Parameters
    ----------
    table : DataFrame
        The table of `ideation_shift`; the main scale is drawn.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One bar per comparison, which adds up to the people asked at both times; their number stands
        beside it. The last bar is of two answers that were both given before session 1.

    Examples
    --------
    >>> row = {"key": "last", "before": "all", "n": 100, "rose": 10, "same": 60, "fell": 30}
    >>> ax = plot_ideation_shift(pd.DataFrame([row | {"estimate": 10.0}]))
    >>> [float(bar.get_width()) for bar in ax.patches]
    [10.0, 60.0, 30.0]
    """
    shown = table
    if "before" in table:
        shown = table[table["key"].isin(list(_COMPARED)) & (table["before"] == _ALL)]
    with canvas(ax, width=7.5, height=1.6 + 0.42 * max(len(shown), 1)) as axes:
        if nothing_to_draw(axes, shown, "estimate"):
            return axes
        at = np.arange(len(shown))
        n = numbers(shown["n"])
        left = np.zeros(len(shown))
        for way, (colour, hatch) in _WAYS.items():
            width = 100 * numbers(shown[way]) / n
            # A hidden count has no bar, and what would lie behind it is not drawn either.
            axes.barh(
                at,
                width,
                0.7,
                left=left,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                linewidth=0.5,
                label=way,
            )
            left = left + width
        names = [
            f"{_COMPARED[key]} ({count_text(people)})"
            for key, people in zip(shown["key"], shown["n"], strict=True)
        ]
        axes.set_yticks(at, names)
        axes.invert_yaxis()
        axes.set(
            xlim=(0, 100), xlabel="percent of people, against the last answer before"
        )
        legend_above(axes, len(_WAYS))
        axes.set_title("Answers on thoughts of suicide", loc="left", pad=24)
        write_caption(axes, caption)
        return axes


def plot_shift_table(
    table: pd.DataFrame,
    ax: Axes | None = None,
    caption: str = "",
    compared: str = "worst",
) -> Axes:
    """Draw the shift table: from which answer before session 1 to which one after it.

    Parameters
    ----------
    table : DataFrame
        The table of `ideation_shift`; the main scale is drawn. Its rows by answer are there under
        the internal policy only.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.
    compared : {"worst", "last", "first"}
        Which answer after session 1.

    Returns
    -------
    Axes
        One cell per pair of answers with its number of people; the darker, the larger its share of
        the row. Orange rose, blue fell, grey stayed.

    Examples
    --------
    >>> row = {"key": "worst_0", "before": "0", "n": 50, "answer_0": 40, "answer_1": 10}
    >>> ax = plot_shift_table(pd.DataFrame([row | {"estimate": 20.0}]))
    >>> [text.get_text() for text in ax.texts][:2]
    ['40', '10']
    """
    rows = table
    if "key" in table:
        rows = table[table["key"].str.fullmatch(rf"{compared}_\d")]
    with canvas(ax, width=6.2, height=1.9 + 0.45 * max(len(rows), 1)) as axes:
        if nothing_to_draw(axes, rows, "estimate"):
            return axes
        levels = [
            str(name)
            for name in rows
            if str(name).startswith("answer_") and rows[name].notna().any()
        ]
        for place, row in enumerate(rows.to_dict("records")):
            _shift_row(axes, place, row, levels)
        axes.set_xticks(
            range(len(levels)), [name.removeprefix("answer_") for name in levels]
        )
        before = [
            f"{answer} ({count_text(n)})"
            for answer, n in zip(rows["before"], rows["n"], strict=True)
        ]
        axes.set_yticks(range(len(rows)), before)
        axes.set(
            xlim=(-0.5, len(levels) - 0.5),
            ylim=(len(rows) - 0.5, -0.5),
            xlabel=_COMPARED[compared],
            ylabel="last answer before (people)",
        )
        write_title(
            axes,
            "Thoughts of suicide: from which answer to which",
            "people; right of the diagonal (orange) rose, on it stayed, left of it (blue) fell",
        )
        write_caption(axes, caption)
        return axes


def _shift_row(
    axes: Axes,
    place: int,
    row: dict[object, object],
    levels: list[str],
) -> None:
    """The cells of everybody who gave one answer before."""
    for column, name in enumerate(levels):
        count = row[name]
        # A scale that ends before has no such answer.
        if pd.isna(count):  # type: ignore[call-overload]
            continue
        answer = int(name.removeprefix("answer_"))
        began = int(str(row["before"]))
        colour = UNCHANGED
        if answer != began:
            colour = WORSE if answer > began else RESPONDED
        share = float(count) / float(row["n"])  # type: ignore[arg-type]
        strength = max(share, _FAINTEST) if count else 0.0
        axes.fill_between(
            [column - 0.5, column + 0.5],
            place - 0.5,
            place + 0.5,
            color=colour,
            alpha=strength,
            linewidth=0,
        )
        axes.text(
            column,
            place,
            count_text(count),
            ha="center",
            va="center",
            fontsize=NUMBER_SIZE,
            color=INK,
        )


def plot_emergent_ideation(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw in how many people thoughts of suicide appeared that were not there before, by week.

    Parameters
    ----------
    table : DataFrame
        The table of `treatment_emergent_ideation_by_week`: one row per week.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        The share with its interval, dotted what it would be had it appeared in everybody who was no
        longer asked, and the number at risk under the weeks.

    Examples
    --------
    >>> weeks = pd.DataFrame({"week": [1, 2], "at_risk": [40, 30], "estimate": [5.0, 9.0]})
    >>> ax = plot_emergent_ideation(weeks.assign(ci_low=1.0, ci_high=20.0, at_most=[9.0, 30.0]))
    >>> [float(height) for height in ax.lines[0].get_ydata()]
    [0.0, 5.0, 9.0]
    """
    with canvas(ax, width=8.0, height=4.2) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        shown = table.dropna(subset=["estimate"])
        weeks = np.append(0.0, shown["week"].to_numpy(float))
        every = max(len(shown) // _MOST_TICKS, 1)
        told = shown.iloc[::every]
        risk_table(
            axes, told["week"], told["week"], {"at risk": told["at_risk"]}, missing=""
        )
        estimate, low, high = (
            np.append(0.0, numbers(shown[name]))
            for name in ("estimate", "ci_low", "ci_high")
        )
        step_band(axes, weeks, (estimate, low, high), WORSE, "an answer of 1 or more")
        axes.step(
            weeks,
            np.append(0.0, numbers(shown["at_most"])),
            where="post",
            color=WORSE,
            linestyle=":",
            label="at most: also in everybody no longer asked",
        )
        percent_axis(axes, "percent of people with none before")
        axes.set(xlim=(0, weeks[-1]), xlabel="weeks since session 1")
        legend_above(axes, 2)
        axes.set_title("Thoughts of suicide that appeared", loc="left", pad=24)
        write_caption(axes, caption)
        return axes


def plot_ideation_clearance(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw by when thoughts of suicide were gone, with the share in whom they came back beside it.

    Parameters
    ----------
    table : DataFrame
        The table of `ideation_clearance`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        A mark per week where the data decide the share, a thick line between its two bounds where
        they do not; thin lines are intervals. The dashed line is the share in whom they came back.

    Examples
    --------
    >>> rows = pd.DataFrame({"key": ["week_2", "came_back"], "week": [2, None], "n": [90, 40]})
    >>> rows = rows.assign(least=[40.0, None], most=[40.0, None], estimate=[40.0, 60.0])
    >>> ax = plot_ideation_clearance(rows.assign(ci_low=30.0, ci_high=70.0, at_risk=[50, None]))
    >>> [text.get_text() for text in ax.texts][:2]
    ['still asked, not gone', 'came back\\nin 60 %']
    """
    weekly = table[table["week"].notna()] if "week" in table else table
    with canvas(ax, width=7.5, height=4.2) as axes:
        if nothing_to_draw(axes, weekly, "most"):
            return axes
        # Week 26 to scale would put weeks 1 and 2 on top of each other.
        at = np.arange(len(weekly)).astype(float)
        low = numbers(weekly["ci_low"])
        high = numbers(weekly["ci_high"])
        axes.vlines(at, low, high, color=RESPONDED, linewidth=1)
        open_weeks = _bars(axes, weekly, at)
        middle = numbers(weekly["estimate"])
        axes.plot(at, middle, "o", color=RESPONDED, label="0 at least once by then")
        # Between two weeks nothing is drawn: nobody knows on which day they went.
        risk_table(
            axes,
            at,
            weekly["week"].astype("Int64"),
            {"still asked, not gone": weekly["at_risk"]},
        )
        _came_back(axes, table)
        percent_axis(axes, "percent of people who had them")
        axes.set(
            xlim=(-0.5, len(weekly) - 0.5), xlabel="weeks since session 1, not to scale"
        )
        note = "an answer of 0 at least once; it need not last"
        if open_weeks.any():
            note += "; a bar: the answers allow all of it"
        write_title(axes, "Thoughts of suicide that went", note)
        write_caption(axes, caption)
        return axes


def _bars(axes: Axes, weekly: pd.DataFrame, at: Floats) -> Bools:
    """Bars between the two bounds of weeks whose share the data leave open, and which these are."""
    least = numbers(weekly["least"])
    most = numbers(weekly["most"])
    axes.vlines(at, least, most, color=RESPONDED, linewidth=5, alpha=0.5)
    # Two bounds that are nearly one have no height, but a mark.
    open_weeks: Bools = np.isnan(numbers(weekly["estimate"]))
    for bound in (least, most):
        axes.plot(at[open_weeks], bound[open_weeks], "_", color=RESPONDED)
    return open_weeks


def _came_back(axes: Axes, table: pd.DataFrame) -> None:
    """The share in whom the thoughts came back after an answer of 0."""
    rows = table[table["key"] == "came_back"]
    if rows.empty or rows["estimate"].isna().any():
        return
    share = float(rows["estimate"].item())
    axes.axhline(share, color=WORSE, linestyle="--", linewidth=1.2)
    axes.annotate(
        f"came back\nin {share:.0f} %",
        (1.01, share),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=LABEL_SIZE,
        color=WORSE,
    )


def plot_attempts_and_admissions(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw attempts, deaths and admissions per 100 person-years, with exact intervals.

    Parameters
    ----------
    table : DataFrame
        The table of `attempts_and_admissions`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One mark per kind and phase; where none was recorded the line still reaches to what would
        not be surprising. The number of events stands beside each name.

    Examples
    --------
    >>> row = {"what": "suicide attempt", "phase": "first course", "events": 0, "estimate": 0.0}
    >>> ax = plot_attempts_and_admissions(pd.DataFrame([row | {"ci_low": 0.0, "ci_high": 3.7}]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['suicide attempt, first course (0)']
    """
    with canvas(ax, width=8.0, height=1.5 + 0.25 * max(len(table), 1)) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        at = np.arange(len(table))
        axes.hlines(
            at, numbers(table["ci_low"]), numbers(table["ci_high"]), color=WORSE
        )
        axes.plot(
            numbers(table["estimate"]),
            at,
            "o",
            color=WORSE,
            markersize=4,
            clip_on=False,  # a mark at 0 stays whole
        )
        names = [
            f"{what}, {phase} ({count_text(events)})"
            for what, phase, events in zip(
                table["what"], table["phase"], table["events"], strict=True
            )
        ]
        axes.set_yticks(at, names, fontsize=LABEL_SIZE)
        axes.invert_yaxis()
        axes.set(xlim=(0, None), xlabel="per 100 person-years, with 95 % interval")
        axes.grid(axis="x", alpha=0.3)
        write_title(axes, "Attempts, deaths and admissions (recorded in brackets)")
        write_caption(axes, caption)
        return axes
