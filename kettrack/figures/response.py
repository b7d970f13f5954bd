"""How many sessions until response: stacked bands in which everyone who started stays visible."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.published_marks import draw_published, explain_marks
from kettrack.figures.style import (
    COMPLETED,
    IN_CARE,
    NO_DATA,
    RESPONDED,
    STOPPED,
    canvas,
    nothing_to_draw,
    write_caption,
)

BANDS: Final = {
    "estimate": (RESPONDED, ""),
    "completed": (COMPLETED, ""),
    "stopped": (STOPPED, ""),
    "not_scored": (NO_DATA, "////"),
    "still_in_course": (IN_CARE, ""),
}
LABELS: Final = {
    "completed": "completed the course without",
    "stopped": "stopped without",
    "not_scored": "not scored after last session",
    "still_in_course": "still in the first course",
}
LINE: Final = 6.5  # % of the axis that a line of text is high
NULL_LABEL: Final = "if no effect (model)"
WHISKERS_AT: Final = (2, 4, 6, 8)


def plot_response_by_session(
    table: pd.DataFrame,
    ax: Axes | None = None,
    word: str = "responded",
    caption: str = "",
) -> Axes:
    """Draw what had become of everyone by each session, as bands that add up to 100 %.

    Parameters
    ----------
    table : DataFrame
        The table of `response_by_session`: one row per session, percent. Its `null` is the dashed
        line.
    ax : Axes, optional
        Default: new ones.
    word : str
        What the first band is called: responded, remitted.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        With the number at risk under each session, and verified published rates as thin labelled
        marks.
    """
    with canvas(ax, width=8.0) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        shown = table.dropna(subset=["estimate"])
        edges = np.append(shown["session"], shown["session"].iloc[-1] + 1) - 0.5
        base = np.zeros(len(shown))
        shares = {}
        for column, (colour, hatch) in BANDS.items():
            top = base + shown[column].to_numpy(float)
            axes.stairs(
                top,
                edges,
                baseline=base,
                fill=True,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                linewidth=0,
                label=column,
            )
            shares[LABELS.get(column, word)] = (base[-1], top[-1])
            base = top
        _label_bands(axes, shares)
        _whiskers(axes, shown)
        _draw_null(axes, shown)
        draw_published(axes, word, shown, shift=-0.3)
        _frame(axes, shown, word)
        write_caption(axes, caption)
        return axes


def _label_bands(axes: Axes, shares: dict[str, tuple[float, float]]) -> None:
    """Name each band beside its end, with its share there; labels of thin bands are pushed
    apart.
    """
    lowest = -LINE
    for label, (bottom, top) in shares.items():
        height = max((bottom + top) / 2, lowest + LINE)
        lowest = height
        axes.annotate(
            f"{top - bottom:.0f} % {label}",
            (1.01, height),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
        )


def _whiskers(axes: Axes, shown: pd.DataFrame) -> None:
    """Interval bars on the first band, at a few sessions."""
    at = shown[shown["session"].isin(WHISKERS_AT)].dropna(subset=["ci_low", "ci_high"])
    lengths = np.array([at["estimate"] - at["ci_low"], at["ci_high"] - at["estimate"]])
    axes.errorbar(
        at["session"],
        at["estimate"],
        yerr=lengths,
        fmt="none",
        ecolor="black",
        capsize=3,
        linewidth=1,
    )


def _draw_null(axes: Axes, shown: pd.DataFrame) -> None:
    """What a model of the same clinic shows if sessions do nothing, across each session's slot."""
    if "null" not in shown or shown["null"].isna().all():
        return
    edges = np.append(shown["session"], shown["session"].iloc[-1] + 1) - 0.5
    heights = np.append(shown["null"], shown["null"].iloc[-1])
    axes.step(edges, heights, where="post", color="white", linewidth=2.6, label="_halo")
    axes.step(
        edges,
        heights,
        where="post",
        color="black",
        linewidth=1.4,
        linestyle="--",
        label=NULL_LABEL,
    )
    # beside the last slot, where published marks are many
    place = max(len(shown) - 2, 0)
    axes.annotate(
        NULL_LABEL,
        (edges[place + 1], shown["null"].iloc[place]),
        (-3, -6),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=7.5,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.6},
    )


def _frame(axes: Axes, shown: pd.DataFrame, word: str) -> None:
    """Ticks, the number at risk on the axis's own ticks, and a title that says what is seen."""
    sessions = shown["session"].to_numpy()
    numbers = ["" if pd.isna(n) else f"{int(n)}" for n in shown["at_risk"]]
    axes.set_xticks(
        sessions,
        [f"{session}\n{n}" for session, n in zip(sessions, numbers, strict=True)],
    )
    axes.annotate(
        "at risk",
        (-0.01, 0),
        (0, -17),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=8,
    )
    axes.set(
        xlim=(sessions[0] - 0.5, sessions[-1] + 0.5),
        ylim=(0, 100),
        xlabel="session of the first course",
        ylabel="% of those who started",
    )
    explain_marks(axes)
    axes.set_title(
        f"Who had {word} by which session, and what became of the others",
        loc="left",
        pad=16,
    )
