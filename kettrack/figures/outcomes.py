"""The outcome of each person after the first course, and one outcome under every named rule."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.escapes import in_figure
from kettrack.figures.kit import (
    legend_above,
    nothing_to_draw,
    reference_line,
    write_caption,
)
from kettrack.figures.style import (
    INK,
    NO_DATA,
    NUMBER_SIZE,
    RESPONDED,
    SECOND,
    STATES,
    STOPPED,
    WORSE,
    canvas,
)
from kettrack.vocabulary.days import AFTER_COURSE_DAYS
from kettrack.vocabulary.rules import Criteria

# A white line between more bars would take so much of each that its colour is no longer that of the
# legend.
_MOST_PARTED: Final = 100
_FOUR_DIGITS: Final = 1_000
CAP: Final = 100  # percent; a bar beyond it is cut, with an arrow
# The matrix stands below 0 on the axis of the estimates: one row of it is as high as so many
# percent, and so many stand between two groups of rows.
_MATRIX_ROW: Final = 9
_MATRIX_GAP: Final = 6
_INCH: Final = 0.021  # height of one percent
_SCALE_COLOURS: Final = (RESPONDED, WORSE, "#009E73", STOPPED, "#E69F00", SECOND)
_BASELINE_MARKERS: Final = {"last": "o", "mean": "s", "worst": "^"}


def plot_waterfall(
    table: pd.DataFrame,
    ax: Axes | None = None,
    criteria: Criteria | None = None,
    caption: str = "",
) -> Axes:
    """Draw percent change from baseline as sorted bars, worst first, with a slot for everyone who
    was not scored.

    Parameters
    ----------
    table : DataFrame
        The table of `waterfall`: `place` `percent_change` `state`, one row per person.
    ax : Axes, optional
        Default: new ones.
    criteria : Criteria, optional
        The rules in force, `cohort.criteria`: their response is drawn as a dashed line where it is
        a percent change. Default: no line.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One bar for each person scored, coloured by state; a hatched field as wide as the others.

    Examples
    --------
    >>> from kettrack.vocabulary.criteria import convention
    >>> from kettrack.vocabulary.instruments import PHQ9
    >>> bars = pd.DataFrame({"place": [1, 2], "percent_change": [-20.0, -60.0]})
    >>> bars["state"] = ["unchanged", "response"]
    >>> axes = plot_waterfall(bars, criteria=convention(PHQ9))
    >>> axes.texts[0].get_text()
    'response: 50 % lower'
    """
    with canvas(ax) as axes:
        if nothing_to_draw(axes, table, "percent_change"):
            return axes
        scored = table.dropna(subset=["percent_change"])
        _draw_bars(axes, scored)
        axes.axhline(0, color="black", linewidth=0.8)
        _draw_response(axes, criteria)
        _draw_empty_slots(axes, len(table), len(scored))
        axes.set(xlim=(0.5, len(table) + 0.5), xticks=[])
        # A score cannot fall by more than 100 %, so the axis needs no more room below.
        axes.set(ylim=(-105, CAP + 8), ylabel="% change from baseline")
        missing = len(table) - len(scored)
        counted = f"{len(scored)} scored, then {missing} not scored"
        axes.set_xlabel(f"{counted}{_cut_words(scored)}{_higher_words(scored)}")
        few = len(table) < _FOUR_DIGITS
        first, last = AFTER_COURSE_DAYS
        axes.set_title(
            f"Change {first} to {last} days after the first course, one bar for each person",
            loc="left",
            pad=24 if few else 36,
        )
        # Where counts have four digits, one row of words would be wider than the figure.
        legend_above(axes, columns=len(STATES) if few else 3)
        write_caption(axes, caption)
        return axes


def _draw_bars(axes: Axes, scored: pd.DataFrame) -> None:
    """A bar for each person scored; an arrow on those that reach beyond the axis."""
    if scored.empty:
        return
    places = scored["place"].to_numpy(int)
    change = scored["percent_change"].to_numpy(float)
    height = np.full(places.max(), np.nan)
    height[places - 1] = np.minimum(change, CAP)
    edges = np.arange(len(height) + 1) + 0.5
    for state, look in STATES.items():
        here = (scored["state"] == state).to_numpy(bool)
        if here.any():
            # One outline for each state: a thousand shapes take seconds.
            mine = np.full(len(height), np.nan)
            mine[places[here] - 1] = height[places[here] - 1]
            axes.stairs(
                mine,
                edges,
                fill=True,
                color=look.colour,
                label=f"{look.words} ({here.sum()})",
            )
    if len(height) <= _MOST_PARTED:
        axes.vlines(edges[1:-1], 0, height[1:], color="white", linewidth=0.3)
    # A cut bar without a sign would look like a rise of exactly the cap. The first stands at the
    # axis, which would cut its arrow in two.
    beyond = scored[scored["percent_change"] > CAP]
    axes.plot(
        beyond["place"],
        [CAP] * len(beyond),
        "^",
        color=WORSE,
        markersize=4,
        clip_on=False,
    )


def _cut_words(scored: pd.DataFrame) -> str:
    """What the arrows on the first bars mean."""
    beyond = int((scored["percent_change"] > CAP).sum())
    return f"; arrow: {beyond} above {CAP} %" if beyond else ""


def _higher_words(scored: pd.DataFrame) -> str:
    """How many who are unchanged by the rules scored higher than before: a tall bar may be one."""
    unchanged = scored[scored["state"] == "unchanged"]
    n_higher = int((unchanged["percent_change"] > 0).sum())
    if not n_higher:
        return ""
    words = STATES["unchanged"].words
    return f"\n{n_higher} of the {len(unchanged)} {words} scored higher than before treatment"


def _draw_response(axes: Axes, criteria: Criteria | None) -> None:
    """The level of response under the rules in force.

    A response rule on points or on a score has no one level here: it depends on the baseline.
    """
    rule = criteria.response if criteria is not None else None
    if rule is None or rule.predicate.measure != "percent_change":
        return
    limit = rule.predicate.limit
    way = "lower" if limit < 0 else "higher"
    reference_line(axes, limit, f"response: {abs(limit):g} % {way}")


def _draw_empty_slots(axes: Axes, everyone: int, scored: int) -> None:
    """A hatched field as wide as the people without a score, so that the denominator is seen."""
    if scored == everyone:
        return
    axes.axvspan(
        scored + 0.5,
        everyone + 0.5,
        facecolor="#F4F4F4",
        hatch="////",
        edgecolor=NO_DATA,
        linewidth=0,
    )
    axes.text(
        (scored + everyone + 1) / 2,
        40,
        f"{everyone - scored} not scored",
        ha="center",
        fontsize=NUMBER_SIZE,
        backgroundcolor="white",
    )


def plot_specification(
    table: pd.DataFrame,
    ax: Axes | None = None,
    outcome: str = "remission",
    caption: str = "",
) -> Axes:
    """Draw one outcome under every rule, scale and baseline: estimates in rising order above, the
    choices behind each as a matrix of dots below.

    Parameters
    ----------
    table : DataFrame
        The table of `specification`: one row per combination.
    ax : Axes, optional
        Default: new ones, as high as the choices need.
    outcome : str
        response, remission, loss_of_response, deterioration, recovery, improvement or sudden_gain.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        Estimates with intervals, coloured by scale and shaped by baseline; filled dots below mark
        the choices of each column.

    Examples
    --------
    >>> row = {"outcome": "remission", "estimate": 18.0, "ci_low": 13.0, "ci_high": 24.0}
    >>> row |= {"instrument": "PHQ-9", "baseline": "last", "rule": "convention", "n": 199}
    >>> row |= {"standing": "convention", "number": 1}
    >>> plot_specification(pd.DataFrame([row])).get_title(loc="left")
    'Remission under every named rule and baseline'
    """
    shown = _columns(table, outcome)
    groups = _choices(shown)
    depth = _matrix_depth(groups)
    height = _INCH * (100 + _MATRIX_GAP + depth) + 1.3
    with canvas(ax, width=max(7.5, 3.4 + 0.13 * len(shown)), height=height) as axes:
        if nothing_to_draw(axes, shown, "estimate"):
            return axes
        _draw_estimates(axes, shown)
        ticks = _draw_matrix(axes, shown, groups)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set(xlim=(-0.8, len(shown) - 0.2), xticks=[])
        axes.set_ylim(-1.5 * _MATRIX_GAP - depth, 104)
        shares = range(0, 101, 25)
        labels = [f"{share} %" for share in shares]
        axes.set_yticks([*shares, *ticks], [*labels, *ticks.values()])
        # Ticks of the matrix are names, and the line of the axis stands between the two parts.
        axes.tick_params(axis="y", length=0)
        axes.spines["bottom"].set_visible(False)
        fewest = int(shown["n"].min())
        most = int(shown["n"].max())
        axes.set_xlabel(
            f"one column for each combination, {fewest} to {most} people rated in each"
        )
        name = outcome.replace("_", " ").capitalize()
        axes.set_title(f"{name} under every named rule and baseline", loc="left")
        write_caption(axes, caption)
        return axes


def _columns(table: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """The combinations of one outcome in rising order; those nobody could be rated under, or that
    are hidden, left out.
    """
    if "outcome" not in table:
        return pd.DataFrame(columns=["estimate"])
    rows = table[table["outcome"] == outcome].dropna(subset=["estimate"])
    # Whoever reads only the figure must see which rules nobody could confirm.
    recalled = rows["standing"] == "recalled"
    rule = rows["rule"].where(~recalled, rows["rule"] + " (recalled)")
    order = ["estimate", "number"]
    return rows.assign(rule=rule).sort_values(order, ignore_index=True)


def _choices(shown: pd.DataFrame) -> dict[str, list[str]]:
    """Rows of the matrix in groups, each in the order of the table."""
    if "number" not in shown:
        return {}
    # The columns stand by their estimates; the rows of the matrix do not.
    order = shown.sort_values("number", kind="stable")
    columns = ("instrument", "baseline", "rule")
    return {column: list(dict.fromkeys(order[column])) for column in columns}


def _matrix_depth(groups: dict[str, list[str]]) -> float:
    """Height of the whole matrix in percent of the axis above it."""
    return sum(_MATRIX_ROW * len(names) + _MATRIX_GAP for names in groups.values())


def _scale_colours(shown: pd.DataFrame) -> dict[str, str]:
    return dict(zip(_choices(shown)["instrument"], _SCALE_COLOURS, strict=False))


def _draw_estimates(axes: Axes, shown: pd.DataFrame) -> None:
    """A point and an interval for each column: colour = scale, shape = baseline."""
    colours = _scale_colours(shown)
    pairs = shown.groupby(["instrument", "baseline"], sort=False)
    for (instrument, baseline), rows in pairs:
        colour = colours.get(str(instrument), INK)
        axes.vlines(
            rows.index,
            rows["ci_low"],
            rows["ci_high"],
            color=colour,
            linewidth=1,
            alpha=0.5,
        )
        axes.plot(
            rows.index,
            rows["estimate"],
            _BASELINE_MARKERS.get(str(baseline), "o"),
            color=colour,
            markersize=4,
            label=in_figure(f"{instrument}, {baseline}"),
        )


def _draw_matrix(
    axes: Axes, shown: pd.DataFrame, groups: dict[str, list[str]]
) -> dict[float, str]:
    """Dots below the estimates; the height and name of each row."""
    ticks: dict[float, str] = {}
    colours = _scale_colours(shown)
    inks = np.array([colours.get(scale, INK) for scale in shown["instrument"]])
    places = np.arange(len(shown))
    height = -float(_MATRIX_GAP)
    for column, names in groups.items():
        for name in names:
            height -= _MATRIX_ROW
            level = height + _MATRIX_ROW / 2
            ticks[level] = f"{name} score as baseline" if column == "baseline" else name
            chosen = (shown[column] == name).to_numpy()
            others = places[~chosen]
            axes.plot(
                others,
                np.full(len(others), level),
                ".",
                color=NO_DATA,
                markersize=1.5,
            )
            axes.scatter(
                places[chosen],
                np.full(chosen.sum(), level),
                s=14,
                c=list(inks[chosen]),
                label=f"_{column}: {name}",
            )
        height -= _MATRIX_GAP
    return ticks
