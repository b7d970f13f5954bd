"""One patient's timeline: scores on severity bands, sessions, suicidality, events and blood
pressure on one clock.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from kettrack.escapes import in_figure
from kettrack.figures.kit import (
    empty_note,
    legend_right,
    nothing_to_draw,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    INK,
    LABEL_SIZE,
    NO_DATA,
    RESPONDED,
    STATES,
    STOPPED,
    canvas,
)


class _Panel(NamedTuple):
    """Where a panel stands, as shares of the axes given, and its name at the left."""

    bottom: float
    height: float
    words: str


# From the top; what is left above them is for the legend.
PANELS: Final = {
    "score": _Panel(0.50, 0.35, "score"),
    "state": _Panel(0.86, 0.03, "state"),
    "sessions": _Panel(0.40, 0.08, "sessions\n(mg)"),
    "suicidality": _Panel(0.30, 0.08, "suicidal\nthoughts"),
    "events": _Panel(0.155, 0.13, ""),
    "blood pressure": _Panel(0.0, 0.14, "blood\npressure\n(mmHg)"),
}
# What a row of the table may be.
KINDS: Final = (
    "score",
    "band",
    "line",
    "end",
    "state",
    "session",
    "suicidality",
    "event",
    "systolic",
    "diastolic",
)
LANES: Final = ("medication", "ECT, TMS", "admission, attempt", "other")
_BAND_GREYS: Final = ("#FFFFFF", "#F7F7F7", "#EFEFEF", "#E5E5E5", "#DADADA")
_LINE_STYLES: Final = ("--", ":")  # response, remission
_END_STYLES: Final = (":", "-")  # of the log, of treatment
# Route -> colour and marker.
ROUTES: Final = {
    "iv": (RESPONDED, "o"),
    "im": ("#D55E00", "s"),
    "sc": ("#009E73", "^"),
    "sublingual": ("#E69F00", "D"),
    "intranasal": ("#56B4E9", "v"),
    "oral": (STOPPED, "P"),
    "not recorded": ("#888888", "x"),
}
# Colours of the answers 0, 1, 2, and of 3 and more; the height says the same.
ANSWERS: Final = ("#BBBBBB", "#E69F00", "#D55E00", "#8B1A00")
# Scales that ask about suicidal thoughts, in the order in which they come.
_ANSWER_MARKERS: Final = ("s", "D", "^", "v")
# Colour, marker of the peak, shift in days: side by side, so that both are seen.
PRESSURES: Final = {
    "systolic": (RESPONDED, "^", -0.5),
    "diastolic": ("#E69F00", "v", 0.5),
}
_BESIDE: Final = 1.01  # of the axes: where the words right of a panel begin


def plot_patient(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw one patient's page.

    Parameters
    ----------
    table : DataFrame
        The table of `patient_page`: one row per thing to draw. What its lines mean under the rules
        in force stands in their labels.
    ax : Axes, optional
        Default: new ones. They become the frame of the panels.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        The frame; its `child_axes` are labelled score, state, sessions, suicidality, events and
        blood pressure. A hollow marker at the foot of the scores is a score without a total.

    Examples
    --------
    >>> columns = {"patient_id": "S1", "to_day": None, "low": None, "high": None, "label": ""}
    >>> rows = pd.DataFrame({"what": ["score", "end"], "day": [0.0, 30.0], "value": [17.0, None]})
    >>> axes = plot_patient(rows.assign(**columns))
    >>> axes.get_title(loc="left")
    'Patient S1: scores, sessions and what else happened'
    """
    with canvas(ax, width=9.0, height=7.5) as axes:
        if nothing_to_draw(axes, table, "what"):
            return axes
        axes.set_axis_off()
        parts = {name: table[table["what"] == name] for name in KINDS}
        panels = {name: _panel(axes, name) for name in PANELS}
        _draw_scores(panels["score"], parts)
        _draw_states(panels["state"], parts["state"])
        _draw_sessions(panels["sessions"], parts["session"])
        _draw_suicidality(panels["suicidality"], parts["suicidality"])
        _draw_events(panels["events"], parts["event"])
        _draw_pressure(panels["blood pressure"], parts)
        lowest = panels["blood pressure"]
        lowest.tick_params(labelbottom=True, bottom=True)
        lowest.set_xlabel("days since the first session")
        _explain(axes, panels["score"], parts["state"])
        who = parts["end"]["patient_id"].iloc[0]
        write_title(axes, f"Patient {who}: scores, sessions and what else happened")
        write_caption(axes, caption, above=lowest)
        return axes


def _panel(axes: Axes, name: str) -> Axes:
    """A panel on the clock of the scores, which come first."""
    place = PANELS[name]
    first = axes.child_axes[0] if axes.child_axes else None
    corner = (0.0, place.bottom, 1.0, place.height)
    panel = axes.inset_axes(corner, sharex=first)
    panel.set_label(name)
    panel.tick_params(labelbottom=False, bottom=False, labelsize=7)
    panel.set_ylabel(
        place.words,
        rotation=0,
        ha="right",
        va="center",
        fontsize=LABEL_SIZE,
        labelpad=24,
    )
    return panel


def _explain(axes: Axes, scores: Axes, states: pd.DataFrame) -> None:
    """One legend for the lines of the scores and for the states that occur."""
    lines = [line for line in scores.lines if not str(line.get_label()).startswith("_")]
    patches = [
        Patch(
            facecolor=look.colour, hatch=look.hatch, edgecolor="white", label=look.words
        )
        for state, look in STATES.items()
        if (states["label"] == state).any()
    ]
    axes.legend(
        handles=[*lines, *patches],
        fontsize=LABEL_SIZE,
        loc="lower left",
        bbox_to_anchor=(0, 0.895),  # above the strip of states
        ncols=5,
        columnspacing=1,
    )


def _draw_scores(axes: Axes, parts: dict[str, pd.DataFrame]) -> None:
    """Scores, the levels of response and remission, and where log and treatment end."""
    _draw_bands(axes, parts["band"])
    scores = parts["score"]
    known = scores.dropna(subset=["value"])
    axes.plot(
        known["day"],
        known["value"],
        "-o",
        color=INK,
        markersize=4,
        linewidth=1.2,
        label="score",
        zorder=3,
        clip_on=False,  # a score of 0 lies on the edge
    )
    without = scores[scores["value"].isna()]
    axes.plot(
        without["day"],
        [0] * len(without),
        "o",
        color=INK,
        markerfacecolor="white",
        label="no total" if len(without) else "_",
        clip_on=False,
    )
    levels = parts["line"].to_dict("records")
    for row, style in zip(levels, _LINE_STYLES, strict=False):
        axes.axhline(
            row["value"],
            color=RESPONDED,
            linestyle=style,
            linewidth=1.2,
            label=in_figure(f"{row['label']}: {row['value']:g}"),
        )
    ends = parts["end"].to_dict("records")
    for row, style in zip(ends, _END_STYLES, strict=False):
        axes.axvline(
            row["day"],
            color=STOPPED,
            linestyle=style,
            linewidth=1.5,
            label=in_figure(f"{row['label']} (day {row['day']:g})"),
        )


def _draw_bands(axes: Axes, bands: pd.DataFrame) -> None:
    """Severity bands in rising greys, each up to where the next begins, named at the right."""
    # Scores are whole numbers, and a band ends one below the next; the greys leave no gap.
    edges = [*bands["low"], *bands["high"].tail(1)]
    for place, label in enumerate(bands["label"]):
        bottom = edges[place]
        top = edges[place + 1]
        grey = _BAND_GREYS[min(place, len(_BAND_GREYS) - 1)]
        axes.axhspan(bottom, top, color=grey, zorder=0, linewidth=0)
        axes.annotate(
            label,
            (_BESIDE, (bottom + top) / 2),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=LABEL_SIZE,
            color=INK,
        )
    if len(edges) > 1:
        axes.set_ylim(edges[0], edges[-1])


def _draw_states(strip: Axes, states: pd.DataFrame) -> None:
    """State along the top; white is not known."""
    strip.set(ylim=(0, 1), yticks=[])
    for state, look in STATES.items():
        here = states[states["label"] == state]
        length = here["to_day"] - here["day"]
        spans = list(zip(here["day"], length, strict=True))
        strip.broken_barh(
            spans,
            (0, 1),
            color=look.colour,
            hatch=look.hatch,
            edgecolor=look.edge,
            linewidth=0,
            label=state,
        )


def _draw_sessions(strip: Axes, sessions: pd.DataFrame) -> None:
    """Ticks as high as the dose; without a dose a mark on the axis."""
    for place, (route, rows) in enumerate(sessions.groupby("label", sort=False)):
        colour, marker = ROUTES.get(str(route), ROUTES["not recorded"])
        dose = rows["value"].fillna(0)
        strip.vlines(rows["day"], 0, dose, color=colour, linewidth=1.5)
        strip.plot(
            rows["day"],
            dose,
            marker,
            color=colour,
            markersize=3.5,
            clip_on=False,
        )
        strip.annotate(
            str(route),
            (_BESIDE, 0.85 - 0.28 * place),
            xycoords="axes fraction",
            fontsize=LABEL_SIZE,
            color=colour,
            va="center",
        )
    largest = float(np.nanmax([*sessions["value"], 0.0]))
    strip.set_ylim(0, max(1.0, 1.1 * largest))


def _draw_suicidality(strip: Axes, answers: pd.DataFrame) -> None:
    """A mark for each answer, as high as it says; a line up to what an unfinished form leaves
    open.
    """
    worst = len(ANSWERS) - 1
    scales = list(answers.groupby("label", sort=False))
    for place, (scale, rows) in enumerate(scales):
        strip.vlines(rows["day"], rows["low"], rows["high"], color=INK, linewidth=1)
        strip.scatter(
            rows["day"],
            rows["value"],
            c=[ANSWERS[min(int(value), worst)] for value in rows["value"]],
            marker=_ANSWER_MARKERS[place % len(_ANSWER_MARKERS)],
            s=16,
            clip_on=False,
            zorder=3,
            label=in_figure(str(scale)),
        )
    # With one scale there is nothing to tell apart.
    if len(scales) > 1:
        legend_right(strip, fontsize=7, borderaxespad=0.2)
    # The axis never ends below the worst answer of the item, or a 1 would look like the worst.
    reached = answers[["value", "high"]].max().max()
    top = np.nanmax([worst, reached])
    strip.set(ylim=(-0.3, top + 0.3), yticks=range(int(top) + 1))
    strip.grid(axis="y", linewidth=0.5)
    _say_none(strip, answers)


def _draw_events(strip: Axes, events: pd.DataFrame) -> None:
    """A mark in the lane of each event, with its words beside it."""
    split = events["label"].astype("str").str.partition(": ")
    heights = [LANES.index(lane) for lane in split[0]] if len(events) else []
    strip.plot(events["day"], heights, "d", color=INK, markersize=5)
    rows = zip(events["day"], heights, split[2] if len(events) else [], strict=True)
    for place, (day, height, text) in enumerate(rows):
        above = place % 2 == 0  # neighbours in time would cover each other
        strip.annotate(
            text,
            (day, height),
            (3, 2 if above else -2),
            textcoords="offset points",
            fontsize=6.5,
            va="bottom" if above else "top",
        )
    strip.set(ylim=(len(LANES) - 0.4, -0.9), yticks=range(len(LANES)))
    strip.set_yticklabels(LANES)
    strip.grid(axis="y", linewidth=0.5, color=NO_DATA)
    _say_none(strip, events)


def _draw_pressure(strip: Axes, parts: dict[str, pd.DataFrame]) -> None:
    """Lowest to highest of each session; the marker is the peak."""
    handles = []
    for kind, (colour, marker, shift) in PRESSURES.items():
        rows = parts[kind]
        days = rows["day"] + shift
        strip.vlines(days, rows["low"], rows["high"], color=colour, linewidth=2)
        strip.plot(days, rows["value"], marker, color=colour, markersize=3.5)
        sign = Line2D(
            [],
            [],
            color=colour,
            marker=marker,
            markersize=3.5,
            label=kind,
        )
        handles.append(sign)
    legend_right(
        strip,
        handles=handles,
        fontsize=7,
        bbox_to_anchor=(1.0, 1.05),
        borderaxespad=0.2,  # two names need all of the height of so low a panel
    )
    _say_none(strip, pd.concat([parts[kind] for kind in PRESSURES]))


def _say_none(strip: Axes, rows: pd.DataFrame) -> None:
    if rows.empty:
        empty_note(strip, "none recorded")
