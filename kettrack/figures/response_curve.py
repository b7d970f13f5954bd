"""Cumulative response by session: the curve, what noise alone would show, and who was left to
respond.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.published_marks import draw_published, explain_marks, spread_out
from kettrack.figures.style import (
    INK,
    NO_DATA,
    RESPONDED,
    canvas,
    nothing_to_draw,
    write_caption,
)

FAINT_BELOW: Final = 20  # at risk: the line fades there
NULL_LABEL: Final = "if no effect (model)"
CONFIRMED: Final = "#56B4E9"
_BARS: Final = (0.0, -0.27, 1.0, 0.17)  # of the axes: left, bottom, width, height
_BELOW_BARS: Final = 62  # points that the label of the axis stands lower


def plot_response_curve(
    table: pd.DataFrame,
    ax: Axes | None = None,
    word: str = "responded",
    caption: str = "",
) -> Axes:
    """Draw the percent who had responded by each session, with the null curve and published rates.

    Parameters
    ----------
    table : DataFrame
        The table of `response_by_session` or `remission_by_session`.
    ax : Axes, optional
        Default: new ones.
    word : str
        `responded` or `remitted`.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        The line fades where fewer than 20 are at risk; bars beneath show people still treated and
        new events.
    """
    with canvas(ax, width=8.8, height=5.4) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        shown = table.dropna(subset=["estimate"])
        _draw_curve(axes, shown)
        ends = {word: shown["estimate"].iloc[-1]}
        styles = {
            "confirmed": ("confirmed", "-", 1.4, CONFIRMED),
            "null": (NULL_LABEL, "--", 1.4, INK),
            "null_confirmed": ("confirmed, " + NULL_LABEL, "--", 1.2, CONFIRMED),
        }
        for column, (label, style, width, colour) in styles.items():
            if column in shown and shown[column].notna().any():
                _step(
                    axes,
                    shown,
                    column,
                    linestyle=style,
                    linewidth=width,
                    color=colour,
                    label=label,
                )
                ends[label] = shown[column].dropna().iloc[-1]
        draw_published(axes, word, shown, shift=0.12)
        _label_ends(axes, ends)
        _frame(axes, shown, word)
        _draw_bars(axes, shown, word)
        write_caption(axes, caption)
        return axes


def _step(axes: Axes, rows: pd.DataFrame, column: str, **style: object) -> None:
    """A step from 0 before the first session; each value holds until the next session."""
    sessions = rows["session"].to_numpy(float)
    axes.step(
        np.concatenate([[0], sessions, [sessions[-1] + 1]]),
        np.concatenate(
            [[0], rows[column].to_numpy(float), [float(rows[column].iloc[-1])]]
        ),
        where="post",
        **style,  # type: ignore[arg-type]
    )


def _draw_curve(axes: Axes, shown: pd.DataFrame) -> None:
    """The line, faint where few are at risk, and the interval around it."""
    sessions = shown["session"].to_numpy(float)
    edges = np.append(sessions, sessions[-1] + 1)
    low, high = (
        np.append(values, values[-1:])
        for values in (
            shown["ci_low"].to_numpy(float),
            shown["ci_high"].to_numpy(float),
        )
    )
    axes.fill_between(
        edges,
        low,
        high,
        step="post",
        color=RESPONDED,
        alpha=0.15,
        linewidth=0,
        label="95 % interval",
    )
    enough = shown["at_risk"].fillna(0).to_numpy(float) >= FAINT_BELOW
    values = np.concatenate([[0.0], shown["estimate"].to_numpy(float)])
    for faint in (False, True):
        part = np.where(enough == ~np.bool_(faint), values[1:], np.nan)
        axes.stairs(
            part,
            edges,
            baseline=None,
            color=RESPONDED,
            linewidth=2.2,
            alpha=0.4 if faint else 1.0,
        )
    axes.step(
        np.concatenate([[0], edges]),
        np.append(values, values[-1]),
        where="post",
        color=RESPONDED,
        linewidth=0.6,
        label="estimate",
    )


def _label_ends(axes: Axes, ends: dict[str, float]) -> None:
    """Name each line beside its end, with its percent there."""
    heights = spread_out(np.array(list(ends.values()), dtype=float), 5.5)
    for (label, value), height in zip(ends.items(), heights, strict=True):
        axes.annotate(
            f"{value:.0f} % {label}",
            (1.01, height),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            color=INK,
        )


def _frame(axes: Axes, shown: pd.DataFrame, word: str) -> None:
    last = int(shown["session"].iloc[-1])
    axes.set_xticks(range(last + 1))
    axes.set(xlim=(0, last + 1), ylim=(0, 100), ylabel="% of those who started")
    axes.set_xlabel("session of the first course", labelpad=_BELOW_BARS)
    axes.set_title(
        f"Who had {word} by which session, beside a model in which sessions do nothing",
        loc="left",
        pad=16,
    )
    explain_marks(axes)


def _draw_bars(axes: Axes, shown: pd.DataFrame, word: str) -> None:
    """People still treated without the event, and new events, under each session."""
    row = axes.inset_axes(_BARS)
    sessions = shown["session"].to_numpy(float)
    for column, colour, shift in (
        ("at_risk", NO_DATA, -0.19),
        ("new_responded", RESPONDED, 0.19),
    ):
        counts = shown[column].astype("Float64").to_numpy(float, na_value=np.nan)
        there = ~np.isnan(counts)
        bars = row.bar(
            sessions[there] + shift,
            counts[there],
            width=0.36,
            color=colour,
            label=column,
        )
        row.bar_label(
            bars,
            [f"{count:.0f}" for count in counts[there]],
            fontsize=7,
            color=INK,
            padding=1,
        )
    row.set(
        xlim=axes.get_xlim(),
        xticks=[],
        yticks=[],
        ylim=(0, 1.25 * max(shown["at_risk"].max(), 1)),
    )
    row.spines[["left", "top", "right"]].set_visible(False)
    for height, text, colour in (
        (-0.15, "at risk", "#777777"),
        (-0.22, f"newly {word}", RESPONDED),
    ):
        axes.annotate(
            text,
            (1.01, height),
            xycoords="axes fraction",
            fontsize=8,
            va="center",
            color=colour,
        )
