"""Outcome tracking for ketamine clinics: sessions, scores, response, remission and relapse,
honestly counted.

Every public name is loaded when it is first used, so that `import kettrack` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

__version__ = "0.1.0"

# The one table of public names: name -> module that defines it. The block below says the same to
# type checkers; a test keeps the two in step.
_HOME: Final = {
    "load_cohort": "kettrack.reading.load",
    "cohort_from_frames": "kettrack.reading.load",
    "check_folder": "kettrack.reading.load",
    "find_identifiers": "kettrack.privacy.identifiers",
    "Cohort": "kettrack.reading.cohort",
    "KettrackError": "kettrack.errors",
    "DataProblems": "kettrack.errors",
    "NotIdentified": "kettrack.errors",
    "UsageError": "kettrack.errors",
    "Result": "kettrack.result",
    "derive": "kettrack.timelines.derived",
    "DerivedCohort": "kettrack.timelines.derived",
    "courses_table": "kettrack.timelines.tables",
    "timeline_table": "kettrack.timelines.tables",
    "outcomes_table": "kettrack.timelines.tables",
    "person_sessions_table": "kettrack.timelines.tables",
    "state_events_table": "kettrack.timelines.tables",
    "list_presets": "kettrack.timelines.published",
    "published_rules_table": "kettrack.timelines.published",
    "sudden_gains_table": "kettrack.timelines.sudden_gains",
    "as_of": "kettrack.timelines.as_of",
    "estimate": "kettrack.analysis",
    "questions": "kettrack.analysis.registry",
    "question": "kettrack.analysis.registry",
    "Answer": "kettrack.analysis.registry",
    "stop_after": "kettrack.analysis.stop_after.answer",
    "next_session": "kettrack.analysis.next_session.answer",
    "next_session_maintenance": "kettrack.analysis.next_session.maintenance",
    "calibration_check": "kettrack.analysis.calibration.next_session",
    "stop_after_calibration": "kettrack.analysis.calibration.stop_after",
    "session_answers": "kettrack.analysis.session_answers.answer",
    "trial_results": "kettrack.report.trial_tables",
    "methods_table": "kettrack.report.trial_tables",
    "methods_by_scenario": "kettrack.report.trial_tables",
    "beside_independent_run": "kettrack.report.trial_tables",
    "review_table": "kettrack.analysis.people.review",
    "patient_page": "kettrack.analysis.people.patient_page",
    "comparable_scores": "kettrack.analysis.courses.expected_course",
    "plot_ladder": "kettrack.figures.cohort",
    "plot_session_counts": "kettrack.figures.cohort",
    "plot_session_gaps": "kettrack.figures.cohort",
    "plot_response_by_session": "kettrack.figures.response",
    "plot_response_curve": "kettrack.figures.response",
    "plot_futility": "kettrack.figures.going_on",
    "plot_session_answers": "kettrack.figures.answers",
    "plot_going_on": "kettrack.figures.going_on",
    "plot_balance": "kettrack.figures.going_on",
    "plot_methods": "kettrack.figures.answers",
    "plot_durability": "kettrack.figures.durability",
    "plot_turnbull": "kettrack.figures.durability",
    "plot_mean_count": "kettrack.figures.durability",
    "plot_trajectories": "kettrack.figures.trajectories",
    "plot_waterfall": "kettrack.figures.outcomes",
    "plot_swimmer": "kettrack.figures.swimmer",
    "plot_occupancy": "kettrack.figures.states",
    "plot_flows": "kettrack.figures.states",
    "plot_session_intervals": "kettrack.figures.cohort",
    "plot_maintenance": "kettrack.figures.cohort",
    "plot_specification": "kettrack.figures.outcomes",
    "plot_patient": "kettrack.figures.patient",
    "plot_expected": "kettrack.figures.trajectories",
    "notebook_folder": "kettrack.resources",
    "sample_folder": "kettrack.resources",
}

__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from kettrack.analysis import estimate as estimate
    from kettrack.analysis.calibration.next_session import (
        calibration_check as calibration_check,
    )
    from kettrack.analysis.calibration.stop_after import (
        stop_after_calibration as stop_after_calibration,
    )
    from kettrack.analysis.courses.expected_course import (
        comparable_scores as comparable_scores,
    )
    from kettrack.analysis.next_session.answer import next_session as next_session
    from kettrack.analysis.next_session.maintenance import (
        next_session_maintenance as next_session_maintenance,
    )
    from kettrack.analysis.people.patient_page import patient_page as patient_page
    from kettrack.analysis.people.review import review_table as review_table
    from kettrack.analysis.registry import Answer as Answer
    from kettrack.analysis.registry import question as question
    from kettrack.analysis.registry import questions as questions
    from kettrack.analysis.session_answers.answer import (
        session_answers as session_answers,
    )
    from kettrack.analysis.stop_after.answer import stop_after as stop_after
    from kettrack.errors import DataProblems as DataProblems
    from kettrack.errors import KettrackError as KettrackError
    from kettrack.errors import NotIdentified as NotIdentified
    from kettrack.errors import UsageError as UsageError
    from kettrack.figures.answers import plot_methods as plot_methods
    from kettrack.figures.answers import plot_session_answers as plot_session_answers
    from kettrack.figures.cohort import plot_ladder as plot_ladder
    from kettrack.figures.cohort import plot_maintenance as plot_maintenance
    from kettrack.figures.cohort import plot_session_counts as plot_session_counts
    from kettrack.figures.cohort import plot_session_gaps as plot_session_gaps
    from kettrack.figures.cohort import plot_session_intervals as plot_session_intervals
    from kettrack.figures.durability import plot_durability as plot_durability
    from kettrack.figures.durability import plot_mean_count as plot_mean_count
    from kettrack.figures.durability import plot_turnbull as plot_turnbull
    from kettrack.figures.going_on import plot_balance as plot_balance
    from kettrack.figures.going_on import plot_futility as plot_futility
    from kettrack.figures.going_on import plot_going_on as plot_going_on
    from kettrack.figures.outcomes import plot_specification as plot_specification
    from kettrack.figures.outcomes import plot_waterfall as plot_waterfall
    from kettrack.figures.patient import plot_patient as plot_patient
    from kettrack.figures.response import (
        plot_response_by_session as plot_response_by_session,
    )
    from kettrack.figures.response import plot_response_curve as plot_response_curve
    from kettrack.figures.states import plot_flows as plot_flows
    from kettrack.figures.states import plot_occupancy as plot_occupancy
    from kettrack.figures.swimmer import plot_swimmer as plot_swimmer
    from kettrack.figures.trajectories import plot_expected as plot_expected
    from kettrack.figures.trajectories import plot_trajectories as plot_trajectories
    from kettrack.privacy.identifiers import find_identifiers as find_identifiers
    from kettrack.reading.cohort import Cohort as Cohort
    from kettrack.reading.load import check_folder as check_folder
    from kettrack.reading.load import cohort_from_frames as cohort_from_frames
    from kettrack.reading.load import load_cohort as load_cohort
    from kettrack.report.trial_tables import (
        beside_independent_run as beside_independent_run,
    )
    from kettrack.report.trial_tables import methods_by_scenario as methods_by_scenario
    from kettrack.report.trial_tables import methods_table as methods_table
    from kettrack.report.trial_tables import trial_results as trial_results
    from kettrack.resources import notebook_folder as notebook_folder
    from kettrack.resources import sample_folder as sample_folder
    from kettrack.result import Result as Result
    from kettrack.timelines.as_of import as_of as as_of
    from kettrack.timelines.derived import DerivedCohort as DerivedCohort
    from kettrack.timelines.derived import derive as derive
    from kettrack.timelines.published import list_presets as list_presets
    from kettrack.timelines.published import (
        published_rules_table as published_rules_table,
    )
    from kettrack.timelines.sudden_gains import sudden_gains_table as sudden_gains_table
    from kettrack.timelines.tables import courses_table as courses_table
    from kettrack.timelines.tables import outcomes_table as outcomes_table
    from kettrack.timelines.tables import (
        person_sessions_table as person_sessions_table,
    )
    from kettrack.timelines.tables import state_events_table as state_events_table
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
