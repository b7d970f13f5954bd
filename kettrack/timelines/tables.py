"""The tables that come out of a cohort: courses, timeline, outcomes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kettrack.reading.cohort import Cohort
from kettrack.timelines.admissions import merge_event_rows
from kettrack.timelines.alignment import align_scores
from kettrack.timelines.bucket import bucket_of, category, missing_to_na, scores_of
from kettrack.timelines.courses import COURSES, courses_table, derive_care
from kettrack.timelines.events import find_baselines
from kettrack.timelines.kept import kept
from kettrack.timelines.outcomes import EXCLUSIONS, outcomes_of
from kettrack.timelines.states import STATES, change_of, states_of


@kept("sessions", "scores", "patients", "settings")
def timeline_table(cohort: Cohort) -> pd.DataFrame:
    """Every score of the primary instrument against baseline and sessions: one row per patient,
    instrument and score.

    Returns
    -------
    DataFrame
        Sorted by patient and day: `patient_id` `instrument` `day` `timing` `score` `baseline`
        (points) `change` `percent_change` (both missing before the first session; negative = lower)
        `sessions_to_date` `days_since_session` `course` (of the last session; missing before the
        first) `state` (ordered category; missing where it is not rated).

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> timeline_table(load_cohort(sample_folder())).state.cat.categories.tolist()
    ['worse', 'unchanged', 'partial', 'response', 'remission']
    """
    bucket = bucket_of(cohort)
    instrument = cohort.instrument
    baselines = find_baselines(bucket, cohort.settings.baseline, instrument.sign)
    change, percent_change = change_of(bucket, baselines)
    to_date, since = align_scores(bucket)
    out = scores_of(cohort, instrument.name)[
        ["patient_id", "instrument", "day", "timing", "score"]
    ]
    return out.assign(
        baseline=baselines.score[bucket.score_patient],
        change=change,
        percent_change=percent_change,
        sessions_to_date=to_date,
        days_since_session=missing_to_na(since),
        course=_course_at(
            cohort,
            bucket.session_offsets[bucket.score_patient] + to_date - 1,
            to_date > 0,
        ),
        state=category(states_of(bucket, cohort.criteria, baselines), STATES),
    )


def _course_at(
    cohort: Cohort, session_row: np.ndarray, there: np.ndarray
) -> pd.Categorical:
    codes = courses_table(cohort)["course"].cat.codes.to_numpy()
    return category(
        np.where(there, codes[np.maximum(session_row, 0)], np.int8(-1)), COURSES
    )


@kept("sessions", "scores", "patients", "events", "settings")
def outcomes_table(cohort: Cohort) -> pd.DataFrame:
    """Outcome of each patient on the primary instrument: one row per patient, those left out
    included, with the reason.

    Returns
    -------
    DataFrame
        In patient order: `patient_id` `instrument` `included` `exclusion_reason` (first that
        applies of no_baseline, below_caseness, no_follow_up, prior_sessions, placebo) `baseline`
        `baseline_day` `n_sessions` `n_assessments` `end_day` (last assessment; score events are
        censored there) `care_status` `stop_reason`, and for each event E its first occurrence:
        `E_day` `E_session` (missing when seen more than 14 days after the last session)
        `E_after_day` (the event lies in (after_day, day]) `E_status`.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> outcomes_table(load_cohort(sample_folder())).patient_id.is_unique
    True
    """
    settings = cohort.settings
    instrument = cohort.instrument
    out = outcomes_of(
        bucket_of(cohort), cohort.criteria, settings.baseline, instrument.sign
    )
    out = merge_event_rows(out, cohort)
    care = derive_care(cohort)
    out.insert(1, "instrument", instrument.name)
    place = list(out.columns).index("end_day") + 1
    out.insert(place, "care_status", care["care_status"].to_numpy())
    out.insert(place + 1, "stop_reason", care["stop_reason"].to_numpy())
    return _leave_out(out, cohort)


def _leave_out(out: pd.DataFrame, cohort: Cohort) -> pd.DataFrame:
    """Reasons that stand in the session log and the patients table, after those that stand in the
    scores.
    """
    reason = out["exclusion_reason"].astype(object)
    for name, applies in log_reasons(cohort).items():
        reason = reason.where(reason.notna() | ~applies, name)
    out["exclusion_reason"] = pd.Categorical(
        reason, categories=list(EXCLUSIONS), ordered=True
    )
    out["included"] = reason.isna()
    return out


def log_reasons(cohort: Cohort) -> dict[str, np.ndarray]:
    """Reasons to leave a patient out that do not depend on scores: name -> bool per patient, in
    patient order.
    """
    first_drug = (
        cohort.sessions.groupby("patient_id", sort=False)["drug"]
        .first()
        .reindex(cohort.patients["patient_id"])
    )
    prior = (
        cohort.patients["prior_sessions"].astype("Float64").fillna(0).to_numpy(float)
        > 0
    )
    return {
        "prior_sessions": prior,
        "placebo": (first_drug == "placebo").fillna(False).to_numpy(bool),
    }
