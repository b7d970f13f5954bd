"""The expected course: everyone as thin grey lines, the quantiles of the cohort, and one patient
against them.
"""

from __future__ import annotations

from typing import Final

import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.style import (
    RESPONDED,
    WORSE,
    canvas,
    nothing_to_draw,
    write_caption,
)

MOST_LINES: Final = 200
# tints of RESPONDED; solid, so that the legend shows the colour of the band
OUTER: Final = "#DCEAF4"
INNER: Final = "#A9CCE3"


def plot_expected(
    table: pd.DataFrame,
    ax: Axes | None = None,
    lines: pd.DataFrame | None = None,
    patient_id: str = "",
    band: str = "",
    caption: str = "",
) -> Axes:
    """Draw the expected course of one baseline band.

    Parameters
    ----------
    table : DataFrame
        The table of `expected_course`.
    ax : Axes, optional
        Default: new ones.
    lines : DataFrame, optional
        `patient_id` `band` `sessions` `score` of single people, from `comparable_scores`; at most
        200 people are drawn.
    patient_id : str
        One of them, drawn against the others; the band is then this patient's.
    band : str
        Baseline band; default the patient's, else the first of the table.
    caption : str
        N, rule and extract; `Result.caption`, with its N replaced by that of the band.

    Returns
    -------
    Axes
        With the number of people under each session.
    """
    with canvas(ax, width=8.0) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        people = (
            table.iloc[:0]
            if lines is None
            else lines.drop_duplicates(["patient_id", "sessions"])
        )
        own = (
            people[people["patient_id"] == patient_id]
            if patient_id
            else people.iloc[:0]
        )
        band = band or str(own["band"].iloc[0] if len(own) else table["band"].iloc[0])
        shown = table[(table["band"] == band) & table["estimate"].notna()]
        _draw_people(axes, people[people["band"] == band])
        _draw_quantiles(axes, shown)
        if len(own):
            axes.plot(
                own["sessions"],
                own["score"],
                "-o",
                color=WORSE,
                linewidth=2,
                markersize=5,
                label=f"patient {patient_id}",
            )
        _frame(axes, shown, band)
        write_caption(
            axes,
            (
                f"N = {shown['n'].max():,} · {caption.removeprefix('N = ').partition(' · ')[2]}"
                if caption
                else ""
            ),
        )
        return axes


def _draw_people(axes: Axes, people: pd.DataFrame) -> None:
    """Every k-th person, so that at most 200 are drawn; the more there are, the fainter."""
    names = (
        people["patient_id"].drop_duplicates()
        if len(people)
        else pd.Series(dtype="str")
    )
    chosen = names.iloc[:: -(-len(names) // MOST_LINES) or 1]
    alpha = min(0.6, 15 / max(len(chosen), 1))
    for name, rows in (
        people[people["patient_id"].isin(chosen)].groupby("patient_id")
        if len(chosen)
        else ()
    ):
        axes.plot(
            rows["sessions"],
            rows["score"],
            color="#888888",
            alpha=alpha,
            linewidth=0.7,
            label=f"_{name}",
            zorder=2,
        )


def _draw_quantiles(axes: Axes, shown: pd.DataFrame) -> None:
    axes.fill_between(
        shown["sessions"],
        shown["q10"],
        shown["q90"],
        color=OUTER,
        linewidth=0,
        label="10-90 %",
    )
    axes.fill_between(
        shown["sessions"],
        shown["q25"],
        shown["q75"],
        color=INNER,
        linewidth=0,
        label="25-75 %",
    )
    axes.plot(
        shown["sessions"],
        shown["estimate"],
        color=RESPONDED,
        linewidth=2,
        label="median",
        zorder=3,
    )


def _frame(axes: Axes, shown: pd.DataFrame, band: str) -> None:
    sessions = shown["sessions"].tolist()
    axes.set_xticks(
        sessions,
        [f"{session}\n{n:,}" for session, n in zip(sessions, shown["n"], strict=True)],
    )
    axes.annotate(
        "people",
        (-0.01, 0),
        (0, -17),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=8,
    )
    axes.set(
        xlim=(sessions[0] - 0.3, sessions[-1] + 0.3),
        ylim=(0, None),
        xlabel="sessions so far",
        ylabel="score",
    )
    axes.set_title(
        f"Where people who began {band} stood after as many sessions", loc="left"
    )
    axes.legend(fontsize=8, loc="upper right", ncols=4)
