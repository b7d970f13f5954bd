"""The public names, in one place: `__init__.py` loads each from here when it is first used.

Type checkers read the same lines.
"""

__version__: str

from .analysis import estimate as estimate
from .analysis.calibration.next_session import calibration_check as calibration_check
from .analysis.calibration.stop_after import (
    stop_after_calibration as stop_after_calibration,
)
from .analysis.courses.expected_course import comparable_scores as comparable_scores
from .analysis.next_session.answer import next_session as next_session
from .analysis.next_session.maintenance import (
    next_session_maintenance as next_session_maintenance,
)
from .analysis.people.patient_page import patient_page as patient_page
from .analysis.people.review import review_table as review_table
from .analysis.people.sheet import patient_sheet as patient_sheet
from .analysis.prognosis.answer import people_like as people_like
from .analysis.registry import Answer as Answer
from .analysis.registry import question as question
from .analysis.registry import questions as questions
from .analysis.session_answers.answer import session_answers as session_answers
from .analysis.stop_after.answer import stop_after as stop_after
from .analysis.unanswered import unanswered as unanswered
from .errors import DataProblems as DataProblems
from .errors import KettrackError as KettrackError
from .errors import NotIdentified as NotIdentified
from .errors import UsageError as UsageError
from .exporting.export import export as export
from .figures.adherence import plot_induction_completed as plot_induction_completed
from .figures.adherence import plot_maintenance_rhythm as plot_maintenance_rhythm
from .figures.adherence import plot_planned_intervals as plot_planned_intervals
from .figures.adherence import (
    plot_time_to_discontinuation as plot_time_to_discontinuation,
)
from .figures.against import plot_against as plot_against
from .figures.all_courses import (
    plot_response_by_any_session as plot_response_by_any_session,
)
from .figures.all_courses import plot_response_by_week as plot_response_by_week
from .figures.all_courses import plot_what_came_first as plot_what_came_first
from .figures.all_courses import plot_worsening_by_week as plot_worsening_by_week
from .figures.answers import plot_methods as plot_methods
from .figures.answers import plot_session_answers as plot_session_answers
from .figures.change import plot_change_by_sessions as plot_change_by_sessions
from .figures.change import plot_paired_change as plot_paired_change
from .figures.change import plot_time_to as plot_time_to
from .figures.change import plot_two_groups as plot_two_groups
from .figures.cohort import plot_ladder as plot_ladder
from .figures.cohort import plot_maintenance as plot_maintenance
from .figures.cohort import plot_responders as plot_responders
from .figures.cohort import plot_session_counts as plot_session_counts
from .figures.cohort import plot_session_gaps as plot_session_gaps
from .figures.cohort import plot_session_intervals as plot_session_intervals
from .figures.durability import plot_durability as plot_durability
from .figures.durability import plot_mean_count as plot_mean_count
from .figures.durability import plot_turnbull as plot_turnbull
from .figures.for_whom import plot_equity_ladder as plot_equity_ladder
from .figures.for_whom import plot_for_whom as plot_for_whom
from .figures.for_whom import plot_scored_predictors as plot_scored_predictors
from .figures.for_whom import plot_sessions_by_number as plot_sessions_by_number
from .figures.going_on import plot_balance as plot_balance
from .figures.going_on import plot_futility as plot_futility
from .figures.going_on import plot_going_on as plot_going_on
from .figures.missing_scores import plot_missing_scores as plot_missing_scores
from .figures.outcomes import plot_specification as plot_specification
from .figures.outcomes import plot_waterfall as plot_waterfall
from .figures.patient import plot_patient as plot_patient
from .figures.prognosis import plot_calibration as plot_calibration
from .figures.prognosis import plot_net_benefit as plot_net_benefit
from .figures.quality import plot_columns_filled as plot_columns_filled
from .figures.quality import plot_rows_used as plot_rows_used
from .figures.quality import plot_scored_by_week as plot_scored_by_week
from .figures.response import plot_response_by_session as plot_response_by_session
from .figures.response import plot_response_curve as plot_response_curve
from .figures.safety import plot_adverse_events as plot_adverse_events
from .figures.safety import plot_adverse_events_by_phase as plot_adverse_events_by_phase
from .figures.safety import plot_blood_pressure as plot_blood_pressure
from .figures.safety import plot_dissociation as plot_dissociation
from .figures.safety import plot_pressure_rise as plot_pressure_rise
from .figures.safety import plot_site_funnel as plot_site_funnel
from .figures.sites import plot_sites as plot_sites
from .figures.sites import plot_sites_funnel as plot_sites_funnel
from .figures.states import plot_flows as plot_flows
from .figures.states import plot_occupancy as plot_occupancy
from .figures.suicidality import (
    plot_attempts_and_admissions as plot_attempts_and_admissions,
)
from .figures.suicidality import plot_emergent_ideation as plot_emergent_ideation
from .figures.suicidality import plot_ideation_clearance as plot_ideation_clearance
from .figures.suicidality import plot_ideation_shift as plot_ideation_shift
from .figures.suicidality import plot_shift_table as plot_shift_table
from .figures.swimmer import plot_swimmer as plot_swimmer
from .figures.together import plot_change_by_item as plot_change_by_item
from .figures.together import plot_other_conditions as plot_other_conditions
from .figures.trajectories import plot_expected as plot_expected
from .figures.trajectories import plot_trajectories as plot_trajectories
from .figures.treatments import plot_interactions as plot_interactions
from .figures.treatments import plot_standardised as plot_standardised
from .figures.watched import plot_watched_harms as plot_watched_harms
from .pooling.catalogue import pooled_questions as pooled_questions
from .pooling.pooled import Pool as Pool
from .pooling.pooled import pool as pool
from .pooling.summary import Summary as Summary
from .pooling.summary import summarise as summarise
from .pooling.summary_file import read_summary as read_summary
from .privacy.identifiers import find_identifiers as find_identifiers
from .reading.cohort import Cohort as Cohort
from .reading.load import check_folder as check_folder
from .reading.load import cohort_from_frames as cohort_from_frames
from .reading.load import load_cohort as load_cohort
from .reading.sharded.opened import ShardedFolder as ShardedFolder
from .reading.sharded.opened import open_sharded as open_sharded
from .report.run import as_in_report as as_in_report
from .report.trial_tables import beside_independent_run as beside_independent_run
from .report.trial_tables import methods_by_scenario as methods_by_scenario
from .report.trial_tables import methods_table as methods_table
from .report.trial_tables import trial_results as trial_results
from .resources import notebook_folder as notebook_folder
from .resources import sample_folder as sample_folder
from .result import Result as Result
from .sharding.answers import estimate_by_bucket as estimate_by_bucket
from .sharding.answers import summarise_by_bucket as summarise_by_bucket
from .sharding.make import shard as shard
from .sharding.person_tables import rows_by_bucket as rows_by_bucket
from .timelines.as_of import as_of as as_of
from .timelines.derived import DerivedCohort as DerivedCohort
from .timelines.derived import derive as derive
from .timelines.published.reliable_change import Population as Population
from .timelines.published.reliable_change import classify_change as classify_change
from .timelines.published.reliable_change import cutoff_a as cutoff_a
from .timelines.published.reliable_change import cutoff_b as cutoff_b
from .timelines.published.reliable_change import cutoff_c as cutoff_c
from .timelines.published.reliable_change import (
    reliable_change_value as reliable_change_value,
)
from .timelines.published.sudden_gains import sudden_gains_table as sudden_gains_table
from .timelines.published.table import list_presets as list_presets
from .timelines.published.table import published_rules_table as published_rules_table
from .timelines.tables import courses_table as courses_table
from .timelines.tables import outcomes_table as outcomes_table
from .timelines.tables import person_sessions_table as person_sessions_table
from .timelines.tables import state_events_table as state_events_table
from .timelines.tables import timeline_table as timeline_table
