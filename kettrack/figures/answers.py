"""Answers of several methods on one axis: to what sessions do in this clinic, with what would
change our mind, and where the truth is known.
"""

from __future__ import annotations

import re
from textwrap import fill, shorten
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.kit import (
    count_text,
    legend_right,
    nothing_to_draw,
    text_beside,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    CAPTION_INK,
    CAPTION_SIZE,
    FAINT_INK,
    INK,
    LABEL_SIZE,
    NOTE_SIZE,
    NUMBER_SIZE,
    PARTIAL,
    RESPONDED,
    SECOND,
    STOPPED,
    WORSE,
    canvas,
)

CHECK: Final = "check"
_BIASED: Final = "biased by design"
_CONTRADICTED: Final = "contradicted by its check"
# Kind of answer -> colour and marker.
KINDS_OF_ANSWER: Final = {
    _BIASED: (WORSE, "X"),
    "causal, under assumptions": (RESPONDED, "o"),
    "second opinion": (SECOND, "D"),
    _CONTRADICTED: (FAINT_INK, "v"),
}
_RING: Final = "ring: the truth, known because the clinic is simulated"
_BOLD: Final = (_BIASED, _CONTRADICTED)
_ABOUT_WIDE: Final = 46  # letters of an estimand on one line
_REASON_LONG: Final = 150  # letters of a reason; all of it stands in the table
_REASON_WIDE: Final = 68  # letters of a reason on one line
_CHECK_WIDE: Final = 118  # letters of a check on one line
_ROW_INCHES: Final = 0.62
_BELOW_INCHES: Final = 4.0  # the lines of the checks, and what stands around the axis
# Right of the axis, in points: the number with its interval, what kind of answer, how many people.
_COLUMNS: Final = {"points (95 % interval)": 8, "kind of answer": 128, "people": 272}
# Key of the checks of a line below the axis -> its name.
_CHECKS: Final = {
    "negative_control": "Negative control",
    "e_value": "E-value",
    "overlap": "Overlap",
    "effective|largest_share": "Weights",
    "strict|g_formula": "Other ways",
    "calibration": "Calibration",
}
_OTHER_WAYS: Final = ("strict", "g_formula")
_UNITS: Final = {
    "risk ratio": "",
    "people": "",
    "SD": " SD",
    "%": " %",
    "points": " points",
}


def plot_session_answers(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw every answer as a point with its interval on one axis, and below it what would change
    our mind.

    Parameters
    ----------
    table : DataFrame
        The table of `sessions_and_change`: one row per answer and per check.
    ax : Axes, optional
        Default: new ones, as high as the rows ask for.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Better scores lie at the left. A refused method is a row with the reason; the checks are
        text under the axis.

    Examples
    --------
    >>> row = {"key": "naive_slope", "about": "3 more sessions", "unit": "points", "n": 65}
    >>> row |= {"kind": "biased by design", "status": "ok", "reason": "", "better": "lower"}
    >>> row |= {"estimate": 1.4, "ci_low": 1.0, "ci_high": 1.8}
    >>> axes = plot_session_answers(pd.DataFrame([row]))
    >>> [text.get_text() for text in axes.texts][3]
    '1.40 (1.00 to 1.80)'
    """
    answers = table
    if "kind" in table:
        answers = table[table["kind"] != CHECK].reset_index(drop=True)
    with canvas(
        ax, width=11.5, height=_BELOW_INCHES + _ROW_INCHES * len(answers)
    ) as axes:
        if nothing_to_draw(axes, answers, "estimate"):
            return axes
        for at in answers.index[answers["kind"] == _BIASED]:
            axes.axhspan(at - 0.5, at + 0.5, color=WORSE, alpha=0.08, linewidth=0)
        for kind, rows in answers.groupby("kind", sort=False):
            _draw_answers(axes, rows, str(kind))
        if _ring_truths(axes, answers):
            caption = f"{_RING} · {caption}"
        _frame_answers(axes, answers)
        _say_refused(axes, answers)
        _write_columns(axes, answers)
        _write_below(axes, table[table["kind"] == CHECK], caption)
        return axes


def _draw_answers(axes: Axes, rows: pd.DataFrame, kind: str) -> None:
    colour, marker = KINDS_OF_ANSWER[kind]
    interval = (rows["ci_low"], rows["ci_high"])
    axes.hlines(rows.index, *interval, color=colour, linewidth=2.2)
    look: dict[str, Any] = {"markersize": 9, "markeredgecolor": "white", "zorder": 3}
    axes.plot(rows["estimate"], rows.index, marker, color=colour, label=kind, **look)


def _ring_truths(axes: Axes, answers: pd.DataFrame) -> bool:
    """Ring what is true of a simulated clinic, so that no estimate is hidden; whether there was
    anything to ring.
    """
    # A refused row has words in the place of numbers.
    known = "truth" in answers and answers["truth"].where(answers["estimate"].notna())
    if known is False or known.isna().all():
        return False
    look: dict[str, Any] = {
        "markersize": 15,
        "fillstyle": "none",
        "markeredgewidth": 1.6,
    }
    axes.plot(known, answers.index, "o", color=INK, label=_RING, zorder=4, **look)
    return True


def _frame_answers(axes: Axes, answers: pd.DataFrame) -> None:
    """Zero line, what each row is about, and which way is better."""
    axes.axvline(0, color=INK, linewidth=1)
    ends = answers[["estimate", "ci_low", "ci_high"]].to_numpy(float)
    # Zero in the middle: neither direction looks nearer than the other.
    reach = 1.12 * float(np.nanmax(np.abs(ends)))
    left = -reach if answers["better"].iloc[0] == "lower" else reach
    axes.set(xlim=(left, -left), ylim=(len(answers) - 0.5, -0.5))
    about = [fill(words, _ABOUT_WIDE) for words in answers["about"]]
    axes.set_yticks(answers.index, about, fontsize=NUMBER_SIZE)
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
        reason = shorten(row["reason"], _REASON_LONG, placeholder=" ...")
        axes.annotate(
            fill(f"{row['status']}: {reason}", _REASON_WIDE),
            (0.01, at),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=NOTE_SIZE,
            color=FAINT_INK,
            style="italic",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )


def _write_columns(axes: Axes, answers: pd.DataFrame) -> None:
    """Number, kind and people at the right of each row; what is not there is a dash."""
    titles: dict[str, Any] = {"fontsize": LABEL_SIZE, "color": FAINT_INK}
    for title, points in _COLUMNS.items():
        axes.annotate(
            title,
            (1, 1),
            (points, 6),
            xycoords="axes fraction",
            textcoords="offset points",
            **titles,
        )
    side: dict[str, Any] = {"xycoords": ("axes fraction", "data")}
    for at, (_, row) in enumerate(answers.iterrows()):
        known = pd.notna(row["estimate"])
        colour = KINDS_OF_ANSWER[row["kind"]][0] if known else FAINT_INK
        people = count_text(row["n"], missing="-")
        cells = ((_number(row), colour), (row["kind"], colour), (people, INK))
        for (text, ink), points in zip(cells, _COLUMNS.values(), strict=True):
            weight = "bold" if text in _BOLD else "normal"
            look = {"fontsize": NUMBER_SIZE, "color": ink, "weight": weight}
            text_beside(axes, text, (1, at), points, **side, **look)


def _number(row: pd.Series) -> str:
    """An estimate with its interval; counts and percents whole, a missing one as a dash."""
    if pd.isna(row["estimate"]):
        return "-"
    if row["unit"] in ("people", "%"):
        number = f"{row['estimate']:.0f}"
    elif pd.isna(row["ci_low"]):
        number = f"{row['estimate']:z.2f}"
    else:
        interval = f"{row['ci_low']:z.2f} to {row['ci_high']:z.2f}"
        number = f"{row['estimate']:z.2f} ({interval})"
    return number.replace("-", "\N{MINUS SIGN}")


def _write_below(axes: Axes, checks: pd.DataFrame, caption: str) -> None:
    """What would change our mind, one line for each kind of check, and the caption."""
    here: dict[str, Any] = {
        "xycoords": ("axes fraction", axes.xaxis.label),
        "textcoords": "offset points",
        "va": "top",
    }
    heading: dict[str, Any] = {"fontsize": 10, "weight": "bold", "ha": "right"}
    words = "What would change our mind"
    axes.annotate(words, (0, 0), (-5, -14), color=INK, **heading, **here)
    # The lines below are set one by one, as each may take several lines of text.
    down = -31.0
    text_look: dict[str, Any] = {"fontsize": 8.5, "color": INK}
    for keys, name in _CHECKS.items():
        rows = checks[checks["key"].str.contains(keys)]
        if rows.empty:
            continue
        said = dict.fromkeys(_check_text(row) for _, row in rows.iterrows())
        text = fill("; ".join(said), _CHECK_WIDE)
        axes.annotate(name, (0, 0), (-5, down), ha="right", **text_look, **here)
        axes.annotate(text, (0, 0), (5, down), **text_look, **here)
        down -= 4 + 11.5 * (1 + text.count("\n"))
    if caption:
        here["xycoords"] = ("figure fraction", axes.xaxis.label)
        small: dict[str, Any] = {"fontsize": CAPTION_SIZE, "color": CAPTION_INK}
        axes.annotate(caption, (0.01, 0), (0, down - 2), **small, **here)


def _check_text(row: pd.Series) -> str:
    """One check in words, with its number; refused ones say why."""
    if pd.isna(row["estimate"]):
        # Another way to an answer is named, since a line may hold two of them.
        name = f"{row['about'].lower()}: " if row["key"] in _OTHER_WAYS else ""
        return f"{name}not known: {row['reason'].rstrip('.')}"
    note = f" ({row['note']})" if row["note"] else ""
    number = f"{_number(row)}{_UNITS[row['unit']]}"
    # A share reads as a sentence, "94 % of the decisions"; a measure is named before its number.
    if row["unit"] == "%":
        return f"{number} {row['about']}{note}"
    return f"{row['about']}: {number}{note}"


class Method(NamedTuple):
    """A method drawn, by how its name in the table begins."""

    begins: str
    colour: str
    marker: str
    words: str


# Methods that compare the same two numbers of sessions.
METHODS: Final = (
    Method("naive slope", WORSE, "X", "naive slope, baselines equal: biased by design"),
    Method(
        "the smooth one with",
        STOPPED,
        "v",
        "weighted, smooth, the largest weights cut",
    ),
    Method("stop after 8 less 3, g-formula", PARTIAL, "s", "g-formula"),
    Method("stop after 8 less 3, weighted, smooth", RESPONDED, "o", "weighted, smooth"),
)
_COMPARED: Final = re.compile(r"stop after (\d+) less (\d+)")
_METHODS_APART: Final = 0.16  # of the room between two scenarios


def plot_methods(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the contrast of two numbers of sessions as each method finds it, beside the truth of
    each scenario.

    Parameters
    ----------
    table : DataFrame
        From `methods_table`: `method` `scenario` `found` `mc_error` `truth`.
    ax : Axes, optional
        Default: new ones.
    caption : str
        Line under the figure.

    Returns
    -------
    Axes
        One column per scenario, a bar for the truth, a marker per method with two Monte-Carlo
        errors.

    Examples
    --------
    >>> row = {"method": "stop after 8 less 3, weighted, smooth", "scenario": "A", "found": -0.7}
    >>> axes = plot_methods(pd.DataFrame([row | {"mc_error": 0.1, "truth": -1.4}]))
    >>> axes.get_ylabel()
    'points: 8 sessions less 3 (below 0 = lower)'
    """
    with canvas(ax, width=8.6, height=4.4) as axes:
        if nothing_to_draw(axes, table, "found"):
            return axes
        scenarios = sorted(table["scenario"].unique())
        _draw_truths(axes, table, scenarios)
        for number, method in enumerate(METHODS):
            rows = table[table["method"].str.startswith(method.begins)]
            rows = rows.set_index("scenario").reindex(scenarios)
            # The methods stand side by side around the middle of their scenario.
            aside = (number - (len(METHODS) - 1) / 2) * _METHODS_APART
            axes.errorbar(
                np.arange(len(scenarios)) + aside,
                rows["found"],
                yerr=2 * rows["mc_error"].to_numpy(float),
                fmt=method.marker,
                color=method.colour,
                markersize=6,
                linewidth=1,
                label=method.words,
                zorder=3,
            )
        axes.axhline(0, color=INK, linewidth=0.6, linestyle=":")
        axes.set_xticks(range(len(scenarios)), scenarios)
        axes.set(xlabel="scenario", xlim=(-0.6, len(scenarios) - 0.4))
        axes.set_ylabel(f"points: {_compared(table)} (below 0 = lower)")
        legend_right(axes)
        write_title(
            axes,
            "The naive slope is far from the truth wherever people stop because of their score",
        )
        write_caption(axes, caption)
        return axes


def _compared(table: pd.DataFrame) -> str:
    """Which numbers of sessions are compared, read from the names of the methods."""
    named = table["method"].str.extract(_COMPARED).dropna()
    if named.empty:
        return "more sessions less fewer"
    more, fewer = named.iloc[0]
    return f"{more} sessions less {fewer}"


def _draw_truths(axes: Axes, table: pd.DataFrame, scenarios: list[str]) -> None:
    """A bar across the column of each scenario whose truth is known."""
    contrasts = table[table["method"].str.startswith("stop after")]
    truths = contrasts.dropna(subset=["truth"]).groupby("scenario")["truth"].first()
    for place, scenario in enumerate(scenarios):
        if scenario in truths:
            axes.plot(
                [place - 0.42, place + 0.42],
                [truths[scenario]] * 2,
                color=INK,
                linewidth=3,
                label="truth" if scenario == truths.index[0] else "_truth",
                zorder=1,
            )
