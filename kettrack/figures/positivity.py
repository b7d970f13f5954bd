"""Who could have gone either way: a heat map of going on by score and session, and the love plot of
balance.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from kettrack.figures.style import (
    INK,
    RESPONDED,
    WORSE,
    canvas,
    nothing_to_draw,
    write_caption,
)

BALANCED: Final = 0.1


def plot_going_on(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the share that went on in each cell; cells in which all did the same are framed.

    Parameters
    ----------
    table : DataFrame
        The table of `going_on_by_score`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        Rule and extract; `Result.caption`.
    """
    with canvas(ax, width=8.0, height=3.8) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        bands = list(table["band"].unique())
        sessions = sorted(table["session"].unique())
        grid = table.pivot(index="band", columns="session", values="estimate").reindex(
            index=bands, columns=sessions
        )
        axes.imshow(
            grid.to_numpy(float),
            cmap="Blues",
            vmin=0,
            vmax=100,
            aspect="auto",
            alpha=0.75,
        )
        for row in table.itertuples():
            place = (sessions.index(row.session), bands.index(row.band))
            _write_cell(axes, row, place)
        axes.set_xticks(range(len(sessions)), [str(session) for session in sessions])
        axes.set_yticks(range(len(bands)), bands)
        axes.set(xlabel="session", ylabel="last score")
        axes.set_title(
            "Who had another session within a week: % of decisions (framed: all or none)",
            loc="left",
        )
        write_caption(axes, caption)
        return axes


def _write_cell(axes: Axes, row: object, place: tuple[int, int]) -> None:

    share = row.estimate  # type: ignore[attr-defined]
    n = row.n  # type: ignore[attr-defined]
    if pd.isna(share):
        axes.text(*place, "-", ha="center", va="center", color="#888888", fontsize=8)
        return
    count = "" if pd.isna(n) else f"\n{int(n)}"
    axes.text(
        *place,
        f"{share:.0f} %{count}",
        ha="center",
        va="center",
        fontsize=8,
        color="white" if share > 65 else INK,
    )
    if share in (0, 100):
        axes.add_patch(
            Rectangle(
                (place[0] - 0.48, place[1] - 0.48),
                0.96,
                0.96,
                fill=False,
                edgecolor=WORSE,
                linewidth=2,
            )
        )


def plot_balance(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw standardised differences before (hollow) and after (filled) weighting, with the limits
    of balance.

    Parameters
    ----------
    table : DataFrame
        The table of `balance`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        Rule and extract; `Result.caption`.
    """
    with canvas(ax, width=7.0, height=4.2) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        rows = np.arange(len(table))[::-1]
        axes.axvspan(-BALANCED, BALANCED, color="#DDDDDD", linewidth=0)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.hlines(
            rows, table["estimate"], table["after"], color="#999999", linewidth=1
        )
        axes.plot(
            table["estimate"],
            rows,
            "o",
            markerfacecolor="white",
            color=WORSE,
            label="before",
        )
        axes.plot(table["after"], rows, "o", color=RESPONDED, label="after weighting")
        axes.set_yticks(rows, table["about"])
        axes.set(xlabel="went on less did not, standard deviations (grey: alike)")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
        axes.set_title("Were those who went on like those who did not?", loc="left")
        write_caption(axes, caption)
        return axes
