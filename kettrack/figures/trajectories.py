"""Scores by number of sessions: the mean by how many sessions people ended up having, and the
course that is expected from a baseline, with one patient against it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kettrack.figures.kit import (
    count_text,
    nothing_to_draw,
    risk_table,
    side_labels,
    whiskers,
    write_caption,
    write_title,
)
from kettrack.figures.style import (
    INK,
    LABEL_SIZE,
    PARTIAL,
    RESPONDED,
    STOPPED,
    WORSE,
    canvas,
)

EVERYBODY: Final = "everybody"
# Looks of the strata in the order of the table, from few sessions to many.
_STRATUM_LOOKS: Final = (
    (WORSE, "o"),
    (PARTIAL, "s"),
    (RESPONDED, "^"),
    (STOPPED, "D"),
    (INK, "v"),
)
MOST_DRAWN: Final = 200  # drawn as lines of their own
# Tints of RESPONDED; solid, so that the legend shows the colour of the band.
_OUTER: Final = "#DCEAF4"
_INNER: Final = "#A9CCE3"


def plot_trajectories(
    table: pd.DataFrame, ax: Axes | None = None, caption: str = ""
) -> Axes:
    """Draw mean scores by session, for everybody and by how many sessions people had in the end.

    Parameters
    ----------
    table : DataFrame
        The table of `trajectories`: one row per stratum and session.
    ax : Axes, optional
        Default: new ones.
    caption : str
        N, rule and extract; `Result.caption`.

    Returns
    -------
    Axes
        One line per stratum with intervals, the number scored under each session for everybody.

    Examples
    --------
    >>> mean = {"axis": "session", "stratum": "everybody", "at": [0, 1], "people": 40}
    >>> mean |= {"n": [40, 31], "estimate": [18.0, 14.0]}
    >>> mean |= {"ci_low": [17.0, 13.0], "ci_high": [19.0, 15.0]}
    >>> [text.get_text() for text in plot_trajectories(pd.DataFrame(mean)).texts]
    ['everybody', 'scored']
    """
    with canvas(ax, width=8.0) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        shown = table[(table["axis"] == "session") & table["estimate"].notna()]
        everybody = shown[shown["stratum"] == EVERYBODY]
        _draw_everybody(axes, everybody)
        ends = _draw_strata(axes, table, shown)
        ends[EVERYBODY] = (float(everybody["estimate"].iloc[-1]), INK)
        # From 0, so that a difference does not look larger than it is.
        axes.set_ylim(min(axes.get_ylim()[0], 0), None)
        heights = {words: height for words, (height, _) in ends.items()}
        colours = {words: colour for words, (_, colour) in ends.items()}
        side_labels(axes, heights, colours)
        scored = {"scored": everybody["n"]}
        risk_table(axes, everybody["at"], everybody["at"], scored, missing="")
        axes.set(
            xlabel="session of the first course (0 = baseline)", ylabel="mean score"
        )
        write_title(
            axes,
            "Mean score by session: how many sessions people have is decided on the way",
        )
        write_caption(axes, caption)
        return axes


def _draw_strata(
    axes: Axes, table: pd.DataFrame, shown: pd.DataFrame
) -> dict[str, tuple[float, str]]:
    """A line for each stratum; what to call it, with the height of its end and its colour."""
    # Looks go by the whole table, so that a hidden stratum does not change those after it.
    strata = [name for name in table["stratum"].unique() if name != EVERYBODY]
    ends = {}
    for name, (colour, marker) in zip(strata, _STRATUM_LOOKS, strict=False):
        rows = shown[shown["stratum"] == name]
        if rows.empty:
            continue
        _draw_stratum(axes, rows, colour, marker)
        people = count_text(rows["people"].iloc[0])
        words = f"{name} sessions in the end ({people} people)"
        ends[words] = (float(rows["estimate"].iloc[-1]), colour)
    return ends


def _draw_everybody(axes: Axes, rows: pd.DataFrame) -> None:
    axes.plot(
        rows["at"],
        rows["estimate"],
        color=INK,
        linewidth=2.2,
        label=EVERYBODY,
        zorder=3,
    )
    # The one interval that is a band: those of the strata would cover it.
    axes.fill_between(
        rows["at"],
        rows["ci_low"],
        rows["ci_high"],
        color=INK,
        alpha=0.12,
        linewidth=0,
    )


def _draw_stratum(axes: Axes, rows: pd.DataFrame, colour: str, marker: str) -> None:
    axes.plot(
        rows["at"],
        rows["estimate"],
        color=colour,
        marker=marker,
        markersize=4.5,
        linewidth=1.5,
        label=rows["stratum"].iloc[0],
        zorder=4,
    )
    # Behind the lines: intervals of several strata at one session would hide them.
    whiskers(axes, rows, "at", ecolor=colour, alpha=0.35, linewidth=1, zorder=2)


def plot_expected(
    table: pd.DataFrame,
    ax: Axes | None = None,
    people: pd.DataFrame | None = None,
    patient_id: str = "",
    band: str = "",
    caption: str = "",
) -> Axes:
    """Draw the expected course of one baseline band: everyone as thin grey lines, the quantiles of
    the cohort, and one patient against them.

    Parameters
    ----------
    table : DataFrame
        The table of `expected_course`: one row per band and number of sessions.
    ax : Axes, optional
        Default: new ones.
    people : DataFrame, optional
        `patient_id` `band` `sessions` `score` of single people, from `comparable_scores`; of very
        many, only some are drawn.
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

    Examples
    --------
    >>> course = {"band": "mild", "sessions": [0, 1], "n": [30, 22], "estimate": [7.0, 5.0]}
    >>> quantiles = {"q10": [5.0, 2.0], "q25": [6.0, 3.0], "q75": [8.0, 7.0], "q90": [9.0, 8.0]}
    >>> axes = plot_expected(pd.DataFrame({**course, **quantiles}))
    >>> axes.get_title(loc="left")
    "Scores of people who began in the band 'mild', by sessions so far"
    """
    with canvas(ax, width=8.0) as axes:
        if nothing_to_draw(axes, table, "estimate"):
            return axes
        # Two scores after as many sessions would make a line go up and down in one place.
        scores = pd.DataFrame(columns=["patient_id", "band", "sessions", "score"])
        if people is not None:
            scores = people.drop_duplicates(["patient_id", "sessions"])
        own = scores[(scores["patient_id"] == patient_id) & (patient_id != "")]
        band = band or str(own["band"].iloc[0] if len(own) else table["band"].iloc[0])
        shown = table[(table["band"] == band) & table["estimate"].notna()]
        _draw_people(axes, scores[scores["band"] == band])
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
        sessions = shown["sessions"]
        risk_table(axes, sessions, sessions, {"people": shown["n"]})
        # Courses go on behind the last session that has quantiles; they are cut there.
        axes.set(xlim=(sessions.min() - 0.3, sessions.max() + 0.3), ylim=(0, None))
        axes.set(xlabel="sessions so far", ylabel="score")
        axes.legend(fontsize=LABEL_SIZE, loc="upper right", ncols=4)
        write_title(
            axes, f"Scores of people who began in the band '{band}', by sessions so far"
        )
        write_caption(axes, _caption_of_band(caption, shown))
        return axes


def _caption_of_band(caption: str, shown: pd.DataFrame) -> str:
    """The caption with the number of people of the band in the place of the whole cohort's."""
    if not caption:
        return ""
    rest = caption.removeprefix("N = ").partition(" · ")[2]
    return f"N = {count_text(shown['n'].max())} · {rest}"


def _draw_people(axes: Axes, people: pd.DataFrame) -> None:
    """A thin line for each person, of very many for each k-th; the more there are, the fainter."""
    # Every k-th instead of a random draw: the same table gives the same picture.
    names = people["patient_id"].drop_duplicates()
    every = max(int(np.ceil(len(names) / MOST_DRAWN)), 1)
    chosen = names.iloc[::every]
    drawn = people[people["patient_id"].isin(chosen)]
    for name, rows in drawn.groupby("patient_id"):
        axes.plot(
            rows["sessions"],
            rows["score"],
            color="#888888",
            alpha=min(0.6, 15 / len(chosen)),
            linewidth=0.7,
            label=f"_{name}",
            zorder=2,
        )


def _draw_quantiles(axes: Axes, shown: pd.DataFrame) -> None:
    """The middle 80 % and the middle half as bands, each named by its columns, and the median."""
    for low, high, colour in (("q10", "q90", _OUTER), ("q25", "q75", _INNER)):
        words = f"{low.removeprefix('q')} to {high.removeprefix('q')} %"
        band = (shown["sessions"], shown[low], shown[high])
        axes.fill_between(*band, color=colour, linewidth=0, label=words)
    axes.plot(
        shown["sessions"],
        shown["estimate"],
        color=RESPONDED,
        linewidth=2,
        label="median",
        zorder=3,
    )
