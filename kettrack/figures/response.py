"""How many sessions until response: everyone who started as stacked bands, and the curve with what
a model shows in which sessions do nothing. Both carry published rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.arrays import Floats
from kettrack.figures.kit import (
    nothing_to_draw,
    numbers,
    percent_axis,
    risk_table,
    side_labels,
    spread_out,
    stacked_bands,
    whiskers,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    COMPLETED,
    FAINT_INK,
    IN_CARE,
    INK,
    LABEL_SIZE,
    NO_DATA,
    NOTE_SIZE,
    RESPONDED,
    SCORED_LATER,
    SECOND,
    STOPPED,
    Look,
    canvas,
)
from kettrack.vocabulary.published_results import rates_on_figure

Outcome = Literal["response", "remission"]

# What the people of a band had done -> verb in titles and labels.
REACHED: Final = {"response": "responded", "remission": "remitted"}
# Column of the table -> look of its band, from the bottom up; {} is the outcome.
BANDS: Final = {
    "estimate": Look(RESPONDED, "", ""),
    # Above the outcome, so that the top of these two is the most that it could be.
    "scored_later": Look(SCORED_LATER, "....", "scored only later", INK),
    "not_scored": Look(NO_DATA, "////", "never scored again"),
    "completed": Look(COMPLETED, "", "completed the course without {}"),
    "stopped": Look(STOPPED, "", "stopped without {}"),
    "still_in_course": Look(IN_CARE, "", "still in the first course"),
}
# The same where the sessions of all courses count.
ALL_BANDS: Final = {
    "estimate": BANDS["estimate"],
    "scored_later": BANDS["scored_later"],
    "not_scored": Look(NO_DATA, "////", "never scored again"),
    "completed": Look(COMPLETED, "", "ended as planned without {}"),
    "stopped": BANDS["stopped"],
    "still_coming": Look(IN_CARE, "", "still coming"),
}
NO_EFFECT: Final = "if no effect (model)"
_BESIDE: Final = ", beside a model in which sessions do nothing"
# Column -> name, style, width and colour of a line beside the main one.
LINES: Final = {
    "confirmed": ("confirmed", "-", 1.4, SECOND),
    "null": (NO_EFFECT, "--", 1.4, INK),
    "null_confirmed": ("confirmed, " + NO_EFFECT, "--", 1.2, SECOND),
}
_WHISKER_SESSIONS: Final = (2, 4, 6, 8)  # on every session they would hide the bands
_FAINT_BELOW: Final = (
    20  # people counted: one of them is more than 5 %, and the line fades
)
_BARS: Final = (
    0.0,
    -0.27,
    1.0,
    0.17,
)  # shares of the axes: left, bottom, width, height
_BELOW_BARS: Final = 62  # points that the label of the axis stands lower
# The two rows of bars under the curve: column, colour, shift from the session, height of the name.
_BAR_ROWS: Final = (
    ("at_risk", NO_DATA, -0.19, -0.15),
    ("new_responded", RESPONDED, 0.19, -0.22),
)
_LABEL_HIGH: Final = 4.2  # % of the axis that the label of a published mark is high
OFF_LINES: Final = (
    3.0  # % of the axis between the middle of a label and a line of the figure
)
_MARKERS: Final = {"point": "_", "cumulative": "d"}
_EXPLAINED: Final = (
    "small marks: large published cohorts, other scales and rules; dash = at that session, diamond"
    " = at any time up to it"
)


def plot_response_by_session(
    table: pd.DataFrame,
    ax: Axes | None = None,
    outcome: Outcome = "response",
    caption: str = "",
) -> Axes:
    """Draw what had become of everyone by each session, as bands that add up to 100 %.

    Parameters
    ----------
    table : DataFrame
        The table of `response_by_session` or `remission_by_session`: one row per session, percent
        of those who started. What would be seen if
        sessions did nothing is drawn by `plot_response_curve`.
    ax : Axes, optional
        Default: new ones.
    outcome : {"response", "remission"}
        What the first band is about.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        With the number at risk under each session, and verified published rates as thin labelled
        marks.

    Examples
    --------
    >>> by_session = pd.DataFrame({"session": [1], "at_risk": [40], "estimate": [30.0]})
    >>> by_session = by_session.assign(ci_low=20.0, ci_high=42.0, completed=10.0, stopped=15.0)
    >>> by_session = by_session.assign(not_scored=4.0, scored_later=1.0)
    >>> axes = plot_response_by_session(by_session.assign(still_in_course=40.0))
    >>> [text.get_text() for text in axes.texts][0]
    'at risk'
    """
    with canvas(ax, width=9.4) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        shown = table.dropna(subset=["estimate"])
        edges = _slots(shown)
        percent_axis(axes, "% of those who started")
        risk_table(
            axes,
            shown["session"],
            shown["session"],
            {"at risk": shown["at_risk"]},
            missing="",
        )
        ends = stacked_bands(axes, edges, shown, BANDS)
        name_bands(axes, ends, BANDS, outcome)
        last = shown["session"].iloc[-1]
        few = shown[shown["session"].isin((*_WHISKER_SESSIONS, last))]
        whiskers(axes, few, "session", ecolor="black", capsize=3, linewidth=1)
        draw_published(axes, outcome, shown, shift=-0.3)
        axes.set(xlim=(edges[0], edges[-1]), xlabel="session of the first course")
        write_title(
            axes,
            f"Who had {REACHED[outcome]} by which session, and what became of the others",
            note=_EXPLAINED,
        )
        write_caption(axes, caption)
        return axes


def _slots(shown: pd.DataFrame) -> Floats:
    """Edges of the slot of each session: half a session to both sides."""
    sessions = shown["session"].to_numpy(float)
    return np.append(sessions, sessions[-1] + 1) - 0.5


def name_bands(
    axes: Axes,
    ends: Mapping[str, tuple[float, float]],
    looks: Mapping[str, Look],
    outcome: Outcome = "response",
) -> None:
    """Name each band beside its end, with its share there, and how high the outcome could be if
    everyone who was not scored in time had it.
    """
    labels = {}
    for column, (bottom, top) in ends.items():
        words = looks[column].words.format(outcome) or REACHED[outcome]
        if column == "not_scored":
            words += f" (up to here: {top:.0f} %)"
        labels[f"{top - bottom:.0f} % {words}"] = (bottom + top) / 2
    side_labels(axes, labels, gap=6.5)


def plot_response_curve(
    table: pd.DataFrame,
    ax: Axes | None = None,
    outcome: Outcome = "response",
    caption: str = "",
) -> Axes:
    """Draw the percent who had responded by each session, beside the model in which sessions do
    nothing and beside published rates.

    Parameters
    ----------
    table : DataFrame
        The table of `response_by_session` or `remission_by_session`: one row per session.
    ax : Axes, optional
        Default: new ones.
    outcome : {"response", "remission"}
        What the curve is about.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        The line fades where few can be counted. Bars beneath show people still treated and new
        events.

    Examples
    --------
    >>> by_session = pd.DataFrame({"session": [1, 2], "estimate": [10.0, 25.0]})
    >>> by_session = by_session.assign(ci_low=[5.0, 16.0], ci_high=[18.0, 36.0])
    >>> by_session = by_session.assign(at_risk=[80, 60], counted=80, new_responded=[8, 12])
    >>> axes = plot_response_curve(by_session, outcome="remission")
    >>> axes.get_title(loc="left")
    'Who had remitted by which session, beside a model in which sessions do nothing'
    """
    with canvas(ax, width=9.2, height=5.4) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        shown = table.dropna(subset=["estimate"])
        last = int(shown["session"].iloc[-1])
        percent_axis(axes, "% of those who started")
        axes.set_xticks(range(last + 1))
        axes.set_xlim(0, last + 1)
        axes.set_xlabel("session of the first course", labelpad=_BELOW_BARS)
        _draw_curve(axes, shown)
        _draw_null_interval(axes, shown)
        ends = {REACHED[outcome]: float(shown["estimate"].iloc[-1])}
        ends |= _draw_other_lines(axes, shown)
        draw_published(axes, outcome, shown, shift=0.12)
        side_labels(axes, {f"{end:.0f} % {name}": end for name, end in ends.items()})
        title = f"Who had {REACHED[outcome]} by which session{_BESIDE}"
        write_title(axes, title, note=_EXPLAINED)
        _draw_bars(axes, shown, outcome)
        write_caption(axes, caption)
        return axes


def _draw_curve(axes: Axes, shown: pd.DataFrame) -> None:
    """The line, faint where few are at risk, and the interval around it."""
    sessions = shown["session"].to_numpy(float)
    edges = np.append(sessions, sessions[-1] + 1)
    values = shown["estimate"].to_numpy(float)
    low = shown["ci_low"].to_numpy(float)
    high = shown["ci_high"].to_numpy(float)
    axes.fill_between(
        edges,
        np.append(low, low[-1]),
        np.append(high, high[-1]),
        step="post",
        color=RESPONDED,
        alpha=0.15,
        linewidth=0,
        label="95 % interval",
    )
    # What a release policy shows does not rest on few.
    few = numbers(shown["counted"], missing=np.inf) < _FAINT_BELOW
    # Each of the two lines is missing where the other is drawn.
    for part, alpha in ((few, 1.0), (~few, 0.4)):
        axes.stairs(
            np.where(part, np.nan, values),
            edges,
            baseline=None,
            color=RESPONDED,
            linewidth=2.2,
            alpha=alpha,
        )
    # A thin line joins the two and carries the curve up from 0.
    _step(axes, shown, "estimate", color=RESPONDED, linewidth=0.6, label="estimate")


def _draw_null_interval(axes: Axes, shown: pd.DataFrame) -> None:
    """The interval of what the model shows, between two thin lines: grey on blue is hard to see."""
    if "null_low" not in shown or shown["null_low"].isna().all():
        return
    look: dict[str, Any] = {"color": INK, "linewidth": 0.7, "linestyle": ":"}
    _step(axes, shown, "null_low", label="_null_low", **look)
    _step(axes, shown, "null_high", label="its 95 % interval", **look)


def _draw_other_lines(axes: Axes, shown: pd.DataFrame) -> dict[str, float]:
    """The confirmed curve and what the model shows, where there; name to last value."""
    ends = {}
    for column, (label, style, width, colour) in LINES.items():
        if column in shown and shown[column].notna().any():
            look = {"linestyle": style, "linewidth": width, "color": colour}
            _step(axes, shown, column, label=label, **look)
            ends[label] = float(shown[column].dropna().iloc[-1])
    return ends


def _step(axes: Axes, rows: pd.DataFrame, column: str, **look: object) -> None:
    """A step from 0 before the first session; each value holds until the next session."""
    sessions = rows["session"].to_numpy(float)
    values = rows[column].to_numpy(float)
    axes.step(
        np.concatenate([[0], sessions, [sessions[-1] + 1]]),
        np.concatenate([[0], values, [values[-1]]]),
        where="post",
        **look,  # type: ignore[arg-type]
    )


def _draw_bars(axes: Axes, shown: pd.DataFrame, outcome: Outcome) -> None:
    """People still treated without the event, and new events, under each session."""
    panel = axes.inset_axes(_BARS)
    names = {"at_risk": "at risk", "new_responded": f"newly {REACHED[outcome]}"}
    for column, colour, shift, height in _BAR_ROWS:
        counts = numbers(shown[column])
        known = ~np.isnan(counts)
        bars = panel.bar(
            shown["session"].to_numpy(float)[known] + shift,
            counts[known],
            width=0.36,
            color=colour,
            label=column,
        )
        texts = [f"{count:.0f}" for count in counts[known]]
        panel.bar_label(bars, texts, fontsize=7, color=INK, padding=1)
        axes.annotate(
            names[column],
            (1.01, height),
            xycoords="axes fraction",
            fontsize=LABEL_SIZE,
            va="center",
            color=FAINT_INK if column == "at_risk" else colour,
        )
    highest = max(shown["at_risk"].max(), 1)
    # The room above is for the numbers on the bars.
    panel.set(xlim=axes.get_xlim(), xticks=[], yticks=[], ylim=(0, 1.25 * highest))
    panel.spines[["left", "top", "right"]].set_visible(False)


def draw_published(
    axes: Axes, outcome: Outcome, shown: pd.DataFrame, shift: float
) -> None:
    """Mark a few verified published rates, each labelled with study and percent.

    Parameters
    ----------
    axes : Axes
        Sessions across, percent up.
    outcome : {"response", "remission"}
        Which rates.
    shown : DataFrame
        The table drawn, one row per session: marks beyond the last are left out, labels keep off
        its lines.
    shift : float
        Where in the session's slot the mark stands, in sessions.
    """
    last = int(shown["session"].iloc[-1])
    rates = rates_on_figure(outcome, last)
    for session in sorted({rate.session for rate in rates}):
        here = [rate for rate in rates if rate.session == session]
        values = np.array([float(getattr(rate, outcome)) for rate in here])
        heights = off_lines(values, _LABEL_HIGH, _lines_at(shown, session))
        for rate, value, height in zip(here, values, heights, strict=True):
            name = rate.study.rpartition(" ")[0] or rate.study
            axes.plot(
                session + shift,
                value,
                _MARKERS[rate.kind],
                color=INK,
                markersize=5,
                markeredgewidth=1,
                label=f"_{rate.label}",
            )
            # At the last session a label on the right would run into the names of the bands.
            side: Literal[-1, 1] = -1 if session == last else 1
            mark = (session + shift, value)
            _label_mark(axes, f"{name} {value:.0f}", mark, height, side)


def _label_mark(
    axes: Axes,
    text: str,
    mark: tuple[float, float],
    height: float,
    side: Literal[-1, 1],
) -> None:
    """Name a mark at its right (1) or left (-1), joined to it by a thin line where the label had to
    move.
    """
    line = {"arrowstyle": "-", "color": INK, "linewidth": 0.4, "shrinkA": 0}
    axes.annotate(
        text,
        mark,
        (mark[0] + side * 0.09, height),
        fontsize=NOTE_SIZE,
        ha="left" if side > 0 else "right",
        color=INK,
        va="center",
        bbox={"facecolor": "white", "alpha": 0.9, "edgecolor": "none", "pad": 0.4},
        arrowprops={**line, "shrinkB": 1},
    )


def _lines_at(shown: pd.DataFrame, session: int) -> Floats:
    """Heights of the figure's lines in the slots of a session and of its neighbours, into which its
    labels reach.
    """
    names = [name for name in ("estimate", *LINES) if name in shown]
    near = shown["session"].isin((session - 1, session, session + 1))
    heights = shown.loc[near, names].to_numpy(float).ravel()
    return heights[~np.isnan(heights)]


def off_lines(heights: Floats, gap: float, lines: Floats) -> Floats:
    """Heights moved as little as it takes to stand `gap` apart and off the lines; only apart where
    there is no room for both.

    Examples
    --------
    >>> off_lines(np.array([35.0, 60.0]), 4, np.array([36.5])).tolist()
    [33.5, 60.0]
    """
    # Half a percent is finer than an eye can tell, and the search stays short.
    free = np.arange(2.0, 98.5, 0.5)
    free = free[(np.abs(free[:, None] - lines) >= OFF_LINES).all(axis=1)]
    out = np.array(heights, dtype=float)
    for place in np.argsort(heights, kind="stable"):
        if not free.size:
            return spread_out(heights, gap)
        out[place] = free[np.abs(free - heights[place]).argmin()]
        free = free[np.abs(free - out[place]) >= gap]
    return out
