"""The tables that come out of a cohort, each a plain DataFrame that is its caller's to change."""

from __future__ import annotations

import pandas as pd

from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import DerivedCohort, derive


def courses_table(
    cohort: Cohort | DerivedCohort,
) -> pd.DataFrame:
    """Course of each session: one row per patient and session. See `derive_courses` for the
    columns.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> courses_table(load_cohort(sample_folder())).course.cat.categories.tolist()
    ['induction', 'maintenance', 're-induction']
    """
    derived = derive(cohort)
    return derived.courses.copy()


def timeline_table(
    cohort: Cohort | DerivedCohort,
) -> pd.DataFrame:
    """Every score of the primary instrument against baseline and sessions: one row per patient,
    instrument and score.

    Returns
    -------
    DataFrame
        Sorted by patient and day: `patient_id` `instrument` `day` `timing` `score` `baseline`
        (points) `change` (score less baseline, in points) `percent_change` (of what the baseline is
        above the lowest score of the scale; both missing before the first session; negative =
        lower) `sessions_to_date` (sessions before this score) `days_since_session` (since the last
        of them) `course` (of the last session; missing before the first) `state` (ordered category;
        missing where it is not rated).

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> timeline_table(load_cohort(sample_folder())).state.cat.categories.tolist()
    ['worse', 'unchanged', 'partial', 'response', 'remission']
    """
    derived = derive(cohort)
    return derived.timeline.copy()


def outcomes_table(
    cohort: Cohort | DerivedCohort,
) -> pd.DataFrame:
    """Outcome of each patient on the primary instrument: one row per patient, those left out
    included, with the reason.

    Returns
    -------
    DataFrame
        In patient order: `patient_id` `instrument` `included` (whether the response of the patient
        can be rated) `exclusion_reason` (first that applies of no_baseline, below_caseness,
        no_follow_up, prior_sessions, placebo) `baseline` (points) `baseline_day` (day of that
        score) `n_sessions` (of the whole log) `n_assessments` (scores after session 1) `end_day`
        (last assessment; score events are censored there) `care_status` (in_care, stopped,
        planned_end or unknown) `stop_reason`, and for each event E its first occurrence: `E_day`
        (of the score that dates it, also while it is not confirmed) `E_session` (missing when seen
        more than `Criteria.late_after_days` after the last session) `E_after_day` (last score that
        showed the contrary: the event lies after it and not after the day) `E_status` (whether one
        score was enough, or a second confirmed it).

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> outcomes_table(load_cohort(sample_folder())).patient_id.is_unique
    True
    """
    derived = derive(cohort)
    return derived.outcomes.copy()


def state_events_table(
    cohort: Cohort | DerivedCohort,
) -> pd.DataFrame:
    """First occurrence of each event in each patient: one row per patient, instrument and event.

    Returns
    -------
    DataFrame
        Sorted by patient, day and event: `patient_id` `instrument` `event` `rule` (criteria,
        version, and the rule in words) `after_day` (last score that showed the contrary: the event
        lies after it and not after `day`; missing when no assessment showed the contrary) `day`
        `confirmed_day` (the score that proved it; missing while it waits) `session_number` (missing
        for a late event) `status` `proof` (the scores or the event row that show it, such as `day
        21: 13; day 30: 12`).

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> sorted(set(state_events_table(load_cohort(sample_folder())).event))
    ['deterioration', 'loss_of_response', 'remission', 'response']
    """
    derived = derive(cohort)
    return derived.state_events.copy()


def person_sessions_table(
    cohort: Cohort | DerivedCohort,
) -> pd.DataFrame:
    """Decision points of the first course: one row per patient and session day, t0 being the end of
    that day.

    Two sessions on a day are one decision point. The history holds only what was known at t0. What
    came later stands in columns named after it: the session score, the next session, the end of the
    course, the reason to stop and how far the log reaches.

    Parameters
    ----------
    cohort : Cohort
        As it came through the reader.

    Returns
    -------
    DataFrame
        Sorted by `patient_id` and `session` (1, 2, ... days with a session), every patient there:

        - `day` (t0) `days_since_first` (session) `last_gap` (days; missing at the first)
          `sessions_on_day` (of this day) `sessions_to_date` (those of this day among them)
          `planned_sessions` (as recorded) `as_planned` (that number had been given by t0);
        - history of scores: `baseline` (points) `score` (last known) `score_age` (days)
          `score_timing` `score_after` (taken after this session) `previous_score` (the baseline
          where `score` is the first since session 1; missing without one since) `mean_score` (of
          the baseline and every score since) `n_scores` (since session 1);
        - history of sessions: `dose_mg` (total of the day) `adverse` (any side effect on that day)
          `serious` `stopped_early` (any on that day; missing where nothing is recorded)
          `dissociation` (highest) `ect_tms_before` (days since the last ECT or TMS);
        - later than t0: `session_score` (points) `session_score_day` (last score that belongs to
          this session, see `session_scores`, whenever it came; missing where there is none)
          `session_response` (one of them meets the rule for response) `next_day` (the next one with
          a session, of any course) `next_gap` (days to it) `in_course_next` (it belongs to the
          first course) `is_last` (of the first course) `stop_reason` `recorded_stop_day` (of the
          patient; history only from that day on) `observed_to_day` `days_complete_after` (days of
          complete log after t0; missing where its end is unknown);
        - `response_before` (the last score before session 1 already meets the rule: possible with
          the baseline `mean` or `worst`);
        - `excluded` (first that applies of no_baseline, below_caseness, prior_sessions, placebo;
          missing where the row can be used).

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> table = person_sessions_table(load_cohort(sample_folder()))
    >>> bool((table.score_age.dropna() >= 0).all())
    True
    """
    derived = derive(cohort)
    return derived.person_sessions.copy()


def all_sessions_table(
    cohort: Cohort | DerivedCohort,
) -> pd.DataFrame:
    """`person_sessions_table` for every session day of a patient, whatever course it belongs to.

    Returns
    -------
    DataFrame
        The same columns and `in_first_course`. Columns of what came later that speak of the course
        (`session_score` to `is_last`) mean the first course.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> table = all_sessions_table(load_cohort(sample_folder()))
    >>> bool(table.groupby("patient_id").in_first_course.first().all())
    True
    """
    derived = derive(cohort)
    return derived.all_sessions.copy()
