"""The figures of the dashboard: which question each draws, and how it becomes a file."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from kettrack.analysis import estimate
from kettrack.analysis.durability.curve import counted_durability
from kettrack.analysis.response.response_curve import curve_alone
from kettrack.figures.all_courses import (
    plot_response_by_week,
    plot_what_came_first,
    plot_worsening_by_week,
)
from kettrack.figures.cohort import plot_ladder, plot_session_counts
from kettrack.figures.response import plot_response_by_session
from kettrack.figures.safety import plot_adverse_events, plot_blood_pressure
from kettrack.figures.states import plot_occupancy
from kettrack.figures.suicidality import plot_emergent_ideation
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort

Plot = Callable[..., Axes]
# Of a picture for a slide; on the page itself figures are drawn as lines.
_DOTS: Final = 200


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One figure with its table.

    Parameters
    ----------
    question : str
        Name of the question, and of its page and files.
    heading : str
        Above it.
    plot : callable
        Draws the table.
    quick : callable, optional
        Answers without what takes long and is not drawn.
    """

    question: str
    heading: str
    plot: Plot
    quick: Callable[[DerivedCohort], Result] | None = None

    def ask(self, cohort: DerivedCohort) -> Result:
        """The answer behind the figure, through the gate."""
        if self.quick is not None:
            return self.quick(cohort)
        return estimate(self.question, cohort)


# In the order of the five answers.
KEY_FIGURES: Final = (
    KeyFigure(
        "response_by_session",
        "How many had responded by each session",
        plot_response_by_session,
        partial(curve_alone, event="response"),
    ),
    KeyFigure(
        "response_by_week",
        "How many had responded by each week, all courses",
        plot_response_by_week,
    ),
    KeyFigure(
        "durability",
        "How long a response lasted, and what came first",
        plot_what_came_first,
        counted_durability,
    ),
    KeyFigure(
        "state_occupancy",
        "How people were, week by week",
        plot_occupancy,
    ),
    KeyFigure(
        "worsening_by_week",
        "When people got worse",
        plot_worsening_by_week,
    ),
    KeyFigure(
        "adverse_events",
        "Side effects",
        plot_adverse_events,
    ),
    KeyFigure(
        "blood_pressure",
        "Blood pressure around sessions",
        plot_blood_pressure,
    ),
    KeyFigure(
        "treatment_emergent_ideation_by_week",
        "Thoughts of suicide that were not there before",
        plot_emergent_ideation,
    ),
    KeyFigure(
        "ladder",
        "Who is counted",
        plot_ladder,
    ),
    KeyFigure(
        "session_counts",
        "How many sessions people had",
        plot_session_counts,
    ),
)
BY_NAME: Final = {figure.question: figure for figure in KEY_FIGURES}
# Name of an answer of the first page -> the figure that shows more of it.
FIGURE_OF: Final = {name: name for name in BY_NAME} | {
    "how_many_sessions": "response_by_session",
    "how_long_it_lasts": "durability",
    "suicidality_in_short": "treatment_emergent_ideation_by_week",
}


def picture(
    plot: Plot,
    table: pd.DataFrame,
    caption: str,
    kind: Literal["svg", "png"],
) -> bytes:
    """A figure as a file.

    Parameters
    ----------
    plot : callable
        Draws the table.
    table : DataFrame
        After the gate.
    caption : str
        N, rule and extract, under it.
    kind : {"svg", "png"}
        Lines with text as text, or dots.
    """
    # Text stays text, and names of parts do not change from run to run.
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "kettrack"}):
        axes = plot(table, caption=caption)
        figure = axes.get_figure(root=True)
        assert figure is not None
        written = io.BytesIO()
        try:
            figure.savefig(
                written,
                format=kind,
                dpi=_DOTS,
                metadata={"Date": None} if kind == "svg" else None,
            )
        finally:
            # Figures that stay open would fill the memory, one for every page.
            plt.close(figure)
    return written.getvalue()
