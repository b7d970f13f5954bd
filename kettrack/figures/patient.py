"""One patient's timeline: scores on severity bands, sessions, suicidality, events and blood
pressure on one clock.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from kettrack.figures.style import INK, NO_DATA, canvas, nothing_to_draw
from kettrack.figures.waterfall import COLOURS

LANES: Final = ("medication", "ECT, TMS", "admission, attempt", "other")
BAND_GREYS: Final = ("#FFFFFF", "#F7F7F7", "#EFEFEF", "#E5E5E5", "#DADADA")
ROUTES: Final = {
    "iv": ("#0072B2", "o"),
    "im": ("#D55E00", "s"),
    "sc": ("#009E73", "^"),
    "sublingual": ("#E69F00", "D"),
    "intranasal": ("#56B4E9", "v"),
    "oral": ("#CC79A7", "P"),
    "not recorded": ("#888888", "x"),
}
# 0, 1, 2, 3 and more; the height says the same
ANSWERS: Final = ("#BBBBBB", "#E69F00", "#D55E00", "#8B1A00")
# colour, marker of the peak, shift
PRESSURES: Final = {
    "systolic": ("#0072B2", "^", -1.0),
    "diastolic": ("#E69F00", "v", 1.0),
}
# Bottom and height of each panel, as shares of the axes given; the rest is for the legend.
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
HATCHES: Final = {"worse": "////"}
YLABELS: Final = {
    "score": "score",
    "state": "state",
    "sessions": "sessions\n(mg)",
    "suicidality": "suicidal\nthoughts",
    "events": "",
    "blood pressure": "blood\npressure\n(mmHg)",
}
PANELS: Final = {
    "score": (0.50, 0.35),
    "state": (0.86, 0.03),
    "sessions": (0.40, 0.08),
    "suicidality": (0.30, 0.08),
    "events": (0.155, 0.13),
    "blood pressure": (0.0, 0.14),
}


def plot_patient(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw one patient's page.

    Parameters
    ----------
    table : DataFrame
        The table of `patient_page`: one row per thing to draw.
    ax : Axes, optional
        Default: new ones. They become the frame of the panels.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        The frame; its `child_axes` are labelled score, state, sessions, suicidality, events and
        blood pressure. A hollow marker at the foot of the scores is a score without a total.
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
        _frame(axes, panels, parts)
        _write_caption(axes, panels["blood pressure"], caption)
        return axes


def _panel(axes: Axes, name: str) -> Axes:
    """A panel on the clock of the scores, which come first."""
    bottom, height = PANELS[name]
    first = axes.child_axes[0] if axes.child_axes else None
    panel = axes.inset_axes((0.0, bottom, 1.0, height), sharex=first)
    panel.set_label(name)
    panel.tick_params(labelbottom=False, bottom=False, labelsize=7)
    panel.set_ylabel(
        YLABELS[name], rotation=0, ha="right", va="center", fontsize=8, labelpad=24
    )
    return panel


def _frame(axes: Axes, panels: dict[str, Axes], parts: dict[str, pd.DataFrame]) -> None:
    """Clock, title, and one legend for scores and states."""
    panels["blood pressure"].tick_params(labelbottom=True, bottom=True)
    panels["blood pressure"].set_xlabel("days since the first session")
    states = [state for state in COLOURS if (parts["state"]["label"] == state).any()]
    handles = [
        line
        for line in panels["score"].lines
        if not str(line.get_label()).startswith("_")
    ]
    patches = [
        Patch(
            facecolor=COLOURS[state],
            hatch=HATCHES.get(state),
            edgecolor="white",
            label=state,
        )
        for state in states
    ]
    axes.legend(
        handles=[*handles, *patches],
        fontsize=8,
        loc="lower left",
        bbox_to_anchor=(0, 0.895),
        ncols=5,
        columnspacing=1,
    )
    who = parts["end"]["patient_id"].iloc[0]
    axes.set_title(
        f"Patient {who}: scores, sessions and what else happened", loc="left"
    )


def _write_caption(axes: Axes, lowest: Axes, caption: str) -> None:
    if caption:
        place = ("figure fraction", lowest.xaxis.label)
        axes.annotate(
            caption,
            (0.01, 0),
            (0, -4),
            xycoords=place,
            textcoords="offset points",
            fontsize=7,
            color="#666666",
            va="top",
        )


def _draw_scores(axes: Axes, parts: dict[str, pd.DataFrame]) -> None:
    scores, bands, lines, ends = (
        parts[what] for what in ("score", "band", "line", "end")
    )
    _draw_bands(axes, bands)
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
        clip_on=False,
    )
    lost = scores[scores["value"].isna()]
    axes.plot(
        lost["day"],
        [0] * len(lost),
        "o",
        color=INK,
        markerfacecolor="white",
        label="no total" if len(lost) else "_",
        clip_on=False,
    )
    for row, style in zip(lines.to_dict("records"), ("--", ":"), strict=False):
        words = f"{row['label']}: {row['value']:g}"
        axes.axhline(
            row["value"], color="#0072B2", linestyle=style, linewidth=1.2, label=words
        )
    for row, style in zip(ends.to_dict("records"), (":", "-"), strict=False):
        axes.axvline(
            row["day"],
            color="#CC79A7",
            linestyle=style,
            linewidth=1.5,
            label=f"{row['label']} (day {row['day']:g})",
        )


def _draw_bands(axes: Axes, bands: pd.DataFrame) -> None:
    """Severity bands in rising greys, each up to where the next begins, named at the right."""
    edges = [*bands["low"], *bands["high"].tail(1)]
    for place, label in enumerate(bands["label"]):
        axes.axhspan(
            edges[place],
            edges[place + 1],
            color=BAND_GREYS[min(place, len(BAND_GREYS) - 1)],
            zorder=0,
            linewidth=0,
        )
        middle = (edges[place] + edges[place + 1]) / 2
        axes.annotate(
            label,
            (1.01, middle),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=INK,
        )
    if len(edges) > 1:
        axes.set_ylim(edges[0], edges[-1])


def _draw_states(strip: Axes, states: pd.DataFrame) -> None:
    """State along the top; white is not known."""
    strip.set(ylim=(0, 1), yticks=[])
    for state, colour in COLOURS.items():
        here = states[states["label"] == state]
        spans = list(zip(here["day"], here["to_day"] - here["day"], strict=True))
        strip.broken_barh(
            spans,
            (0, 1),
            color=colour,
            hatch=HATCHES.get(state),
            edgecolor="white",
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
            rows["day"], dose, marker, color=colour, markersize=3.5, clip_on=False
        )
        strip.annotate(
            str(route),
            (1.01, 0.85 - 0.28 * place),
            xycoords="axes fraction",
            fontsize=8,
            color=colour,
            va="center",
        )
    strip.set_ylim(0, max(1.0, float(np.nanmax([*sessions["value"], 0.0])) * 1.1))


def _draw_suicidality(strip: Axes, answers: pd.DataFrame) -> None:
    colours = [ANSWERS[min(int(value), len(ANSWERS) - 1)] for value in answers["value"]]
    strip.scatter(
        answers["day"],
        answers["value"],
        c=colours,
        marker="s",
        s=16,
        clip_on=False,
        zorder=3,
    )
    top = max(3.0, float(answers["value"].max()) if len(answers) else 0.0)
    strip.set(ylim=(-0.3, top + 0.3), yticks=range(int(top) + 1))
    strip.grid(axis="y", linewidth=0.5)
    _say_none(strip, answers)


def _draw_events(strip: Axes, events: pd.DataFrame) -> None:
    lane = events["label"].str.partition(": ")[0] if len(events) else events["label"]
    strip.plot(
        events["day"],
        [LANES.index(name) for name in lane],
        "d",
        color=INK,
        markersize=5,
    )
    texts = (
        events["label"].astype("str").str.partition(": ")[2] if len(events) else lane
    )
    for place, (day, name, text) in enumerate(
        zip(events["day"], lane, texts, strict=True)
    ):
        above = place % 2 == 0  # neighbours in time would cover each other
        strip.annotate(
            text,
            (day, LANES.index(name)),
            (3, 2 if above else -2),
            textcoords="offset points",
            fontsize=6.5,
            va="bottom" if above else "top",
        )
    strip.set(
        ylim=(len(LANES) - 0.4, -0.9), yticks=range(len(LANES)), yticklabels=LANES
    )
    strip.grid(axis="y", linewidth=0.5, color=NO_DATA)
    _say_none(strip, events)


def _draw_pressure(strip: Axes, parts: dict[str, pd.DataFrame]) -> None:
    """Lowest to highest of each session; the marker is the peak. The two are set apart by a day so
    that both are seen.
    """
    for kind, (colour, marker, shift) in PRESSURES.items():
        rows = parts[kind]
        strip.vlines(
            rows["day"] + shift / 2,
            rows["low"],
            rows["high"],
            color=colour,
            linewidth=2,
        )
        strip.plot(
            rows["day"] + shift / 2, rows["value"], marker, color=colour, markersize=3.5
        )
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=3.5, label=kind)
        for kind, (colour, marker, _) in PRESSURES.items()
    ]
    strip.legend(
        handles=handles,
        fontsize=7,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.05),
        borderaxespad=0.2,
    )
    _say_none(strip, pd.concat([parts[kind] for kind in PRESSURES]))


def _say_none(strip: Axes, rows: pd.DataFrame) -> None:
    if rows.empty:
        strip.text(
            0.5,
            0.5,
            "none recorded",
            ha="center",
            va="center",
            transform=strip.transAxes,
            fontsize=8,
            color="#666666",
        )
