"""The one picture: what goes with more sessions, by every method, and what would change our
mind.
"""

from __future__ import annotations

from textwrap import fill, shorten
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.style import INK, RESPONDED, WORSE, canvas, nothing_to_draw

CHECK: Final = "check"
COLOURS: Final = {
    "biased by design": WORSE,
    "causal, under assumptions": RESPONDED,
    "second opinion": "#56B4E9",
    "contradicted by its check": "#777777",
}
MARKERS: Final = {
    "biased by design": "X",
    "causal, under assumptions": "o",
    "second opinion": "D",
    "contradicted by its check": "v",
}
BOLD: Final = ("biased by design", "contradicted by its check")
GREY: Final = "#777777"
LABEL: Final = 46  # characters of an estimand on one line
# characters of a reason in the picture; all of it stands in the table
REASON: Final = 150
LINE: Final = 118  # characters of a line below
ROW: Final = 0.5  # inches
# Right of the axis, in points: the number with its interval, what kind of answer, how many people.
COLUMNS: Final = {"points (95 % interval)": 8, "kind of answer": 128, "people": 272}
LINES: Final = (
    "negative_control",
    "e_value",
    "overlap",
    "effective|largest_share",
    "calibration",
)
NAMES: Final = (
    "Negative control",
    "E-value",
    "Overlap",
    "Effective sample",
    "Calibration",
)


def plot_session_answers(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw every answer as a point with its interval on one axis, and below it what would change
    our mind.

    Parameters
    ----------
    table : DataFrame
        The table of `sessions_and_change`.
    ax : Axes, optional
        Default: new ones, as high as the rows ask for.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Better scores lie at the left. A refused method is a row with the reason; the checks are
        text under the axis.
    """
    answers = (
        table[table["kind"] != CHECK].reset_index(drop=True)
        if "kind" in table
        else table
    )
    with canvas(ax, width=11.5, height=2.9 + ROW * len(answers)) as axes:
        if nothing_to_draw(axes, answers, "estimate"):
            return axes
        if answers["better"].iloc[0] == "higher":
            axes.xaxis.set_inverted(True)
        _shade_biased(axes, answers)
        for kind, rows in answers.groupby("kind", sort=False):
            _draw_rows(axes, rows, str(kind))
        _frame(axes, answers)
        _say_refused(axes, answers)
        _write_columns(axes, answers)
        _write_below(axes, table[table["kind"] == CHECK], caption)
        return axes


def _shade_biased(axes: Axes, answers: pd.DataFrame) -> None:
    for at in answers.index[answers["kind"] == "biased by design"]:
        axes.axhspan(at - 0.5, at + 0.5, color=WORSE, alpha=0.08, linewidth=0)


def _draw_rows(axes: Axes, rows: pd.DataFrame, kind: str) -> None:
    colour = COLOURS[kind]
    axes.hlines(
        rows.index, rows["ci_low"], rows["ci_high"], color=colour, linewidth=2.2
    )
    axes.plot(
        rows["estimate"],
        rows.index,
        MARKERS[kind],
        color=colour,
        markersize=9,
        markeredgecolor="white",
        label=kind,
        zorder=3,
    )


def _frame(axes: Axes, answers: pd.DataFrame) -> None:
    """Zero line, what each row is about, and which way is better."""
    axes.axvline(0, color=INK, linewidth=1)
    ends = answers[["estimate", "ci_low", "ci_high"]].to_numpy(float)
    reach = 1.12 * float(np.nanmax(np.abs(ends)))
    limits = (
        (-reach, reach) if answers["better"].iloc[0] == "lower" else (reach, -reach)
    )
    axes.set(xlim=limits, ylim=(len(answers) - 0.5, -0.5))
    axes.set_yticks(
        answers.index, [fill(about, LABEL) for about in answers["about"]], fontsize=9
    )
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_xlabel(
        "points of the score:   \N{LEFTWARDS ARROW} better with more sessions   |   worse"
        " \N{RIGHTWARDS ARROW}"
    )
    axes.set_title(
        "What goes with more sessions, and what sessions do", loc="left", pad=22
    )


def _say_refused(axes: Axes, answers: pd.DataFrame) -> None:
    """A refused method keeps its row; the reason stands where the interval would."""
    for at, row in answers[answers["estimate"].isna()].iterrows():
        said = f"{row['status']}: {shorten(row['reason'], REASON, placeholder=' ...')}"
        axes.annotate(
            fill(said, 68),
            (0.01, at),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7.5,
            color=GREY,
            style="italic",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )


def _write_columns(axes: Axes, answers: pd.DataFrame) -> None:
    """Number, kind and people at the right of each row; what is not there is a dash."""
    for title, place in COLUMNS.items():
        axes.annotate(
            title,
            (1, 1),
            (place, 6),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=8,
            color=GREY,
        )
    for at, row in answers.iterrows():
        people = "-" if pd.isna(row["n"]) else f"{int(row['n']):,}"
        colour = COLOURS[row["kind"]] if pd.notna(row["estimate"]) else GREY
        for said, place in zip(
            (_number(row), row["kind"], people), COLUMNS.values(), strict=True
        ):
            weight = "bold" if said in BOLD else "normal"
            axes.annotate(
                said,
                (1, at),
                (place, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="center",
                fontsize=9,
                color=INK if said == people else colour,
                weight=weight,
            )


def _number(row: pd.Series) -> str:
    if pd.isna(row["estimate"]):
        return "-"
    whole = (
        ""
        if pd.isna(row["ci_low"])
        else f" ({row['ci_low']:.2f} to {row['ci_high']:.2f})"
    )
    said = (
        f"{row['estimate']:.0f}"
        if row["unit"] in ("people", "%")
        else f"{row['estimate']:.2f}{whole}"
    )
    return said.replace("-", "\N{MINUS SIGN}")


def _write_below(axes: Axes, checks: pd.DataFrame, caption: str) -> None:
    """What would change our mind, one line for each kind of check, and the caption."""
    here: dict[str, Any] = {
        "xycoords": ("axes fraction", axes.xaxis.label),
        "textcoords": "offset points",
        "va": "top",
        "color": INK,
    }
    axes.annotate(
        "What would change our mind",
        (0, 0),
        (-5, -14),
        fontsize=10,
        weight="bold",
        ha="right",
        **here,
    )
    down = -31.0
    for name, word in zip(LINES, NAMES, strict=True):
        rows = checks[checks["key"].str.contains(name)]
        if rows.empty:
            continue
        text = fill(
            "; ".join(dict.fromkeys(_said(row) for _, row in rows.iterrows())), LINE
        )
        axes.annotate(word, (0, 0), (-5, down), fontsize=8.5, ha="right", **here)
        axes.annotate(text, (0, 0), (5, down), fontsize=8.5, **here)
        down -= 4 + 11.5 * (1 + text.count("\n"))
    if caption:
        place: dict[str, Any] = here | {
            "xycoords": ("figure fraction", axes.xaxis.label),
            "color": "#666666",
        }
        axes.annotate(caption, (0.01, 0), (0, down - 2), fontsize=7, **place)


def _said(row: pd.Series) -> str:
    """One check in words, with its number; refused ones say why."""
    if pd.isna(row["estimate"]):
        return f"not known: {row['reason']}"
    unit = {
        "risk ratio": "",
        "people": "",
        "SD": " SD",
        "%": " %",
        "points": " points",
    }[row["unit"]]
    note = f" ({row['note']})" if row["note"] else ""
    if row["unit"] in ("people", "%"):
        return f"{_number(row)}{unit} {row['about']}{note}"
    return f"{row['about']}: {_number(row)}{unit}{note}"
