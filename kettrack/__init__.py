"""Outcome tracking for ketamine clinics: sessions, scores, response, remission and relapse, honestly counted.

Every public name is loaded when it is first used, so that `import kettrack` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

__version__ = "0.1.0"

# The one table of public names: name -> module that defines it. The block below says the same to type checkers;
# a test keeps the two in step.
_HOME: Final = {
    "load_cohort": "kettrack.reading.delimited",
    "cohort_from_frames": "kettrack.reading.delimited",
    "Cohort": "kettrack.reading.cohort",
    "KettrackError": "kettrack.errors",
    "DataProblems": "kettrack.errors",
    "NotIdentified": "kettrack.errors",
    "UsageError": "kettrack.errors",
    "Result": "kettrack.result",
    "courses_table": "kettrack.timelines.tables",
    "timeline_table": "kettrack.timelines.tables",
    "outcomes_table": "kettrack.timelines.tables",
    "state_events_table": "kettrack.timelines.state_events",
    "estimate": "kettrack.analysis",
    "plot_ladder": "kettrack.figures.cohort",
    "plot_session_counts": "kettrack.figures.cohort",
    "plot_session_gaps": "kettrack.figures.cohort",
    "plot_response_by_session": "kettrack.figures.response",
    "plot_waterfall": "kettrack.figures.waterfall",
    "notebook_folder": "kettrack.resources",
    "sample_folder": "kettrack.resources",
}

__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from kettrack.analysis import estimate as estimate
    from kettrack.errors import DataProblems as DataProblems
    from kettrack.errors import KettrackError as KettrackError
    from kettrack.errors import NotIdentified as NotIdentified
    from kettrack.errors import UsageError as UsageError
    from kettrack.figures.cohort import plot_ladder as plot_ladder
    from kettrack.figures.cohort import plot_session_counts as plot_session_counts
    from kettrack.figures.cohort import plot_session_gaps as plot_session_gaps
    from kettrack.figures.response import plot_response_by_session as plot_response_by_session
    from kettrack.figures.waterfall import plot_waterfall as plot_waterfall
    from kettrack.reading.cohort import Cohort as Cohort
    from kettrack.reading.delimited import cohort_from_frames as cohort_from_frames
    from kettrack.reading.delimited import load_cohort as load_cohort
    from kettrack.resources import notebook_folder as notebook_folder
    from kettrack.resources import sample_folder as sample_folder
    from kettrack.result import Result as Result
    from kettrack.timelines.state_events import state_events_table as state_events_table
    from kettrack.timelines.tables import courses_table as courses_table
    from kettrack.timelines.tables import outcomes_table as outcomes_table
    from kettrack.timelines.tables import timeline_table as timeline_table


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'kettrack' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
