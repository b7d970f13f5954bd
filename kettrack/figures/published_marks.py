"""Published rates as thin labelled marks at their session, and labels that keep out of each other's
way.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.style import INK
from kettrack.vocabulary.published_results import rates_to_draw

HIGH: Final = 4.2  # % of the axis that a small label is high
# % of the axis between the middle of a label and a line of the figure
OFF_LINES: Final = 3.0
LINES: Final = ("estimate", "confirmed", "null", "null_confirmed")
MARKS: Final = {"point": "_", "cumulative": "d"}
EXPLAINED: Final = (
    "small marks: published rates, other scales and rules; dash = at that session, diamond = ever"
    " by then"
)


def draw_published(axes: Axes, word: str, shown: pd.DataFrame, shift: float) -> None:
    """Mark verified published rates, each labelled with study and percent.

    Parameters
    ----------
    axes : Axes
        Sessions across, percent up.
    word : str
        `responded` or `remitted`.
    shown : DataFrame
        The table drawn, one row per session: marks beyond the last are left out, labels keep off
        its lines.
    shift : float
        Where in the session's slot the mark stands, in sessions.
    """
    event = "remission" if word == "remitted" else "response"
    rates = rates_to_draw(
        "remission" if event == "remission" else "response",
        int(shown["session"].iloc[-1]),
    )
    box = {"facecolor": "white", "alpha": 0.9, "edgecolor": "none", "pad": 0.4}
    for session in sorted({rate.session for rate in rates}):
        here = [rate for rate in rates if rate.session == session]
        values = np.array([float(getattr(rate, event)) for rate in here])
        for rate, value, height in zip(
            here,
            values,
            off_lines(values, HIGH, _lines_at(shown, session)),
            strict=True,
        ):
            label = f"{rate.study.rpartition(' ')[0] or rate.study} {value:.0f}"
            axes.plot(
                session + shift,
                value,
                MARKS[rate.kind],
                color=INK,
                markersize=5,
                markeredgewidth=1,
                label=f"_{rate.label}",
            )
            axes.annotate(
                label,
                (session + shift, value),
                (session + shift + 0.09, height),
                fontsize=7.5,
                color=INK,
                va="center",
                bbox=box,
                arrowprops={
                    "arrowstyle": "-",
                    "color": INK,
                    "linewidth": 0.4,
                    "shrinkA": 0,
                    "shrinkB": 1,
                },
            )


def _lines_at(shown: pd.DataFrame, session: int) -> npt.NDArray[np.float64]:
    """Heights of the figure's lines in the slot of a session and in the next, into which its labels
    reach.
    """
    there = shown.loc[
        shown["session"].isin((session, session + 1)),
        [name for name in LINES if name in shown],
    ]
    heights = there.to_numpy(float).ravel()
    return heights[~np.isnan(heights)]


def off_lines(
    heights: npt.NDArray[np.float64], gap: float, lines: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Heights moved as little as it takes to stand `gap` apart and off the lines; only apart where
    there is no room for both.

    Examples
    --------
    >>> off_lines(np.array([35.0, 60.0]), 4, np.array([36.5])).tolist()
    [33.5, 60.0]
    """
    free = np.arange(2.0, 98.5, 0.5)
    free = free[(np.abs(free[:, None] - lines) >= OFF_LINES).all(axis=1)]
    out = np.array(heights, dtype=float)
    for place in np.argsort(heights, kind="stable"):
        if not free.size:
            return spread_out(heights, gap)
        out[place] = free[np.abs(free - heights[place]).argmin()]
        free = free[np.abs(free - out[place]) >= gap]
    return out


def explain_marks(axes: Axes) -> None:
    """Say what the marks are, in one small line under the title; the title leaves 16 points of
    room.
    """
    axes.annotate(
        EXPLAINED,
        (0, 1),
        (0, 3),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=7.5,
        color=INK,
        va="bottom",
    )


def spread_out(
    heights: npt.NDArray[np.float64], gap: float, low: float = 2.0, high: float = 98.0
) -> npt.NDArray[np.float64]:
    """Heights moved as little as it takes to stand at least `gap` apart, inside the limits.

    Examples
    --------
    >>> spread_out(np.array([10.0, 11.0, 50.0]), 4).tolist()
    [10.0, 14.0, 50.0]
    """
    order = np.argsort(heights, kind="stable")
    out = np.array(heights, dtype=float)
    floor = low
    for place in order:
        out[place] = max(out[place], floor)
        floor = out[place] + gap
    ceiling = high
    for place in order[::-1]:
        out[place] = min(out[place], ceiling)
        ceiling = out[place] - gap
    return out
