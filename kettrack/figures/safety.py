"""Side effects, blood pressure and dissociation."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.kit import (
    count_text,
    legend_above,
    legend_right,
    nothing_to_draw,
    numbers,
    risk_table,
    whiskers,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    CAPTION_INK,
    INK,
    LABEL_SIZE,
    NO_DATA,
    PARTIAL,
    REMITTED,
    RESPONDED,
    STOPPED,
    WORSE,
    canvas,
)

_ROW: Final = 0.27  # inches of a row
_FRAME: Final = 1.6  # inches of title, axis and caption
_LEGEND_LINE: Final = 14.0  # points of a line in a legend
# Look of several series, in this order: colour and marker, so that grey print tells them apart.
_SERIES: Final = (
    (RESPONDED, "o"),
    (PARTIAL, "s"),
    (WORSE, "^"),
    (STOPPED, "D"),
    (REMITTED, "v"),
    (NO_DATA, "P"),
)
# Dashes of lines that cross each other, where shades of grey would be taken for one another.
_DASHES: Final = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (2, 1)))
_LIMITS: Final = {
    "95": ("95 % limits", "--"),
    "998": ("99.8 % limits", ":"),
}


def plot_adverse_events(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how often each side effect was noted: of sessions, and of people.

    Parameters
    ----------
    table : DataFrame
        The table of `adverse_events`: one row per event.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Filled = percent of sessions, hollow = percent of people with it at least once; lines are
        intervals.

    Examples
    --------
    >>> row = {"event": "nausea", "estimate": 10.0, "ci_low": 9.0, "ci_high": 11.0}
    >>> row |= {"people_share": 40.0, "people_low": 35.0, "people_high": 45.0}
    >>> ax = plot_adverse_events(pd.DataFrame([row | {"sessions": 900, "n": 90}]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['nausea']
    """
    with canvas(ax, height=_FRAME + _ROW * max(len(table), 1)) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        rows = np.arange(len(table))
        shares = {
            "of sessions": ("estimate", "ci_low", "ci_high", RESPONDED, "full"),
            "of people, at least once": (
                "people_share",
                "people_low",
                "people_high",
                WORSE,
                "none",
            ),
        }
        for name, (middle, low, high, colour, fill) in shares.items():
            # The two marks of a row stand apart, so that neither covers the other.
            at = rows + (0.15 if fill == "full" else -0.15)
            axes.hlines(at, numbers(table[low]), numbers(table[high]), color=colour)
            axes.plot(
                numbers(table[middle]),
                at,
                "o" if fill == "full" else "s",
                color=colour,
                fillstyle=fill,
                markersize=5,
                label=name,
                clip_on=False,  # a mark at 0 stays whole
            )
        axes.set_yticks(rows, table["event"])
        axes.invert_yaxis()
        axes.set(xlim=(0, 100), xlabel="percent")
        axes.grid(axis="x", alpha=0.3)
        legend_above(axes, 2)
        axes.set_title("Side effects", loc="left", pad=24)
        write_caption(axes, caption)
        return axes


def plot_adverse_events_by_phase(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw how often side effects were noted in each phase of treatment.

    Parameters
    ----------
    table : DataFrame
        The table of `adverse_events_by_phase`: one row per phase and event.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One mark per phase and event, per 100 sessions; lines are intervals.

    Examples
    --------
    >>> row = {"event": "nausea", "phase": "sessions 1 to 8", "estimate": 10.0, "n": 90}
    >>> ax = plot_adverse_events_by_phase(pd.DataFrame([row | {"ci_low": 9.0, "ci_high": 11.0}]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['nausea']
    """
    names = {"row": "event", "series": "phase"}
    events = table["event"].nunique() if "event" in table else 1
    with canvas(ax, width=8.0, height=_FRAME + 0.4 + 0.6 * max(events, 1)) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        _grouped_dots(axes, table, names["row"], names["series"])
        axes.set(xlabel="per 100 sessions", xlim=(0, None))
        # One below the other: two of the longest beside each other reach out of the page.
        legend_above(axes, 1)
        room = 10 + _LEGEND_LINE * table[names["series"]].nunique()
        title = "Side effects over the phases of treatment"
        axes.set_title(title, loc="left", pad=room)
        write_caption(axes, caption)
        return axes


def _grouped_dots(axes: Axes, table: pd.DataFrame, row: str, series: str) -> None:
    """One line of marks per row, the series of a row below one another."""
    rows = list(dict.fromkeys(table[row]))
    kinds = list(dict.fromkeys(table[series]))
    # The marks of a row share three quarters of it, so that rows stay apart.
    step = 0.75 / max(len(kinds), 1)
    for place, kind in enumerate(kinds):
        own = table[table[series] == kind]
        colour, marker = _SERIES[place % len(_SERIES)]
        at = np.array([rows.index(name) for name in own[row]], float)
        at += step * (place - (len(kinds) - 1) / 2)
        low = numbers(own["ci_low"])
        high = numbers(own["ci_high"])
        axes.hlines(at, low, high, color=colour)
        axes.plot(
            numbers(own["estimate"]),
            at,
            marker,
            color=colour,
            markersize=5,
            label=f"{kind} ({count_text(own['n'].max())} people)",
            clip_on=False,  # a mark at 0 stays whole
        )
    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)


def plot_pressure_rise(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw the mean rise of blood pressure by phase, route and dose.

    Parameters
    ----------
    table : DataFrame
        The table of `pressure_rise`: one row per group and pressure.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Systolic rise of each group in mmHg with its interval and its number of people.

    Examples
    --------
    >>> row = {"grouping": "route", "group": "iv", "pressure": "systolic", "n": 90}
    >>> row |= {"estimate": 18.0, "ci_low": 17.0, "ci_high": 19.0}
    >>> ax = plot_pressure_rise(pd.DataFrame([row]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['iv (90)']
    """
    shown = table[table["pressure"] == "systolic"] if "pressure" in table else table
    with canvas(ax, width=7.5, height=_FRAME + 0.22 * max(len(shown), 1)) as axes:
        if nothing_to_draw(axes, shown, "estimate"):
            return axes
        kinds = list(dict.fromkeys(shown["grouping"]))
        # A gap of one row stands between two kinds of groups.
        place = np.arange(len(shown)) + shown["grouping"].map(kinds.index).to_numpy()
        low = numbers(shown["ci_low"])
        high = numbers(shown["ci_high"])
        axes.hlines(place, low, high, color=RESPONDED)
        axes.plot(numbers(shown["estimate"]), place, "o", color=RESPONDED, markersize=4)
        # How many people a mark rests on stands beside its name.
        names = [
            f"{group} ({count_text(n)})"
            for group, n in zip(shown["group"], shown["n"], strict=True)
        ]
        axes.set_yticks(place, names, fontsize=LABEL_SIZE)
        for kind in kinds:
            first = place[(shown["grouping"] == kind).to_numpy()][0]
            axes.annotate(
                kind,
                (1.01, first),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=LABEL_SIZE,
                color=CAPTION_INK,
            )
        axes.invert_yaxis()
        axes.set(xlabel="mean rise of systolic pressure, mmHg", xlim=(0, None))
        axes.grid(axis="x", alpha=0.3)
        write_title(axes, "How far blood pressure rises (people in brackets)")
        write_caption(axes, caption)
        return axes


def plot_blood_pressure(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw mean blood pressure before, at its highest and after a session.

    Parameters
    ----------
    table : DataFrame
        The table of `blood_pressure`: one row per pressure and measure.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One line per pressure, with its intervals.

    Examples
    --------
    >>> rows = [{"key": f"systolic_{when}", "pressure": "systolic", "estimate": 120.0,
    ...          "ci_low": 119.0, "ci_high": 121.0} for when in ("before", "peak", "after")]
    >>> [line.get_label() for line in plot_blood_pressure(pd.DataFrame(rows)).lines]
    ['systolic']
    """
    with canvas(ax, width=6.0, height=3.6) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        # The order of the session, not that of the table.
        when = {"before": "before", "peak": "highest", "after": "after"}
        for place, kind in enumerate(dict.fromkeys(table["pressure"])):
            keys = [f"{kind}_{name}" for name in when]
            own = table.set_index("key").reindex(keys)
            # A measure that nobody recorded has no row, and breaks the line.
            own = own.assign(at=range(len(when)))
            colour, marker = _SERIES[place]
            values = numbers(own["estimate"])
            axes.plot(own["at"], values, marker, ls="-", color=colour, label=str(kind))
            whiskers(axes, own, "at", color=colour)
        axes.set_xticks(range(len(when)), list(when.values()))
        axes.set(ylabel="mmHg", xlim=(-0.4, len(when) - 0.6))
        axes.margins(y=0.1)
        legend_right(axes)
        write_title(axes, "Mean blood pressure in a session")
        write_caption(axes, caption)
        return axes


def plot_dissociation(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw mean dissociation by session number, for everybody and by route.

    Parameters
    ----------
    table : DataFrame
        The table of `dissociation_over_sessions`: one row per route and session.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Thick line with a band = everybody; the numbers under the sessions are people rated.

    Examples
    --------
    >>> row = {"route": "everybody", "session": 1, "n": 90, "estimate": 12.0}
    >>> ax = plot_dissociation(pd.DataFrame([row | {"ci_low": 11.0, "ci_high": 13.0}]))
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['1\\n90']
    """
    with canvas(ax, width=7.5, height=4.0) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        routes = list(dict.fromkeys(table["route"]))
        # Everybody comes first in the table, with a band; bands of every route would hide it.
        first = table[table["route"] == routes[0]]
        session = numbers(first["session"])
        axes.fill_between(
            session,
            numbers(first["ci_low"]),
            numbers(first["ci_high"]),
            color=INK,
            alpha=0.15,
            linewidth=0,
        )
        axes.plot(
            session, numbers(first["estimate"]), color=INK, lw=2.2, label=routes[0]
        )
        for place, route in enumerate(routes[1:]):
            own = table[table["route"] == route]
            colour, marker = _SERIES[place % len(_SERIES)]
            axes.plot(
                numbers(own["session"]),
                numbers(own["estimate"]),
                marker,
                ls=_DASHES[place % len(_DASHES)],
                lw=1.2,
                markersize=4,
                color=colour,
                label=str(route),
            )
        risk_table(axes, session, first["session"], {"rated": first["n"]})
        axes.set(xlabel="session", ylabel="mean CADSS total, points", ylim=(0, None))
        legend_right(axes)
        write_title(
            axes,
            "Dissociation over the sessions",
            "Later sessions are of fewer and other people.",
        )
        write_caption(axes, caption)
        return axes


def plot_site_funnel(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw sites by their size and their share of sessions with a side effect, with the limits of
    chance.

    Parameters
    ----------
    table : DataFrame
        The table of `adverse_events_by_site`; the first event in it is drawn.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One mark per site; the level line is the share of all sites.

    Examples
    --------
    >>> rows = [{"event": "any", "site": site, "estimate": 50.0, "overall": 48.0, "n": 40,
    ...          "low_95": 40.0, "high_95": 56.0, "low_998": 36.0, "high_998": 60.0,
    ...          "effective": 300.0 + place} for place, site in enumerate("AB")]
    >>> [text.get_text() for text in plot_site_funnel(pd.DataFrame(rows)).texts]
    ['A', 'B', 'all sites']
    """
    with canvas(ax, width=7.0, height=4.0) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        # A hidden first event leaves its place to the next one.
        known = table[table["estimate"].notna()]
        event = str(known["event"].iloc[0])
        own = known[known["event"] == event]
        # The limits are lines, which run from small to large.
        own = own.sort_values("effective", kind="stable")
        size = numbers(own["effective"])
        for ending, (words, line) in _LIMITS.items():
            for side in ("low", "high"):
                axes.plot(
                    size,
                    numbers(own[f"{side}_{ending}"]),
                    line,
                    color=CAPTION_INK,
                    marker="_",
                    label=words if side == "low" else f"_{words}",
                )
        # The share of all sites is the middle of the funnel, and the same in every row.
        overall = float(own["overall"].iloc[0])
        axes.axhline(overall, color=INK, linewidth=0.8)
        axes.plot(size, numbers(own["estimate"]), "o", color=WORSE, label="site")
        for site, x, y in zip(own["site"], size, numbers(own["estimate"]), strict=True):
            axes.annotate(
                str(site),
                (x, y),
                (6, 3),
                textcoords="offset points",
                fontsize=LABEL_SIZE,
            )
        axes.annotate(
            "all sites",
            (1.005, overall),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=LABEL_SIZE,
        )
        axes.set(
            xlabel="effective number of sessions (many of one person count for less)"
        )
        axes.set_ylabel("per 100 sessions")
        axes.margins(x=0.15, y=0.15)
        legend_right(axes, bbox_to_anchor=(1.08, 1.0))
        write_title(axes, f"Sites: {event}")
        write_caption(axes, caption)
        return axes
