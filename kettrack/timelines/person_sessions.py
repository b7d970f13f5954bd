"""One row per patient and session day: what was known at the end of that day, and what came
next.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.reading.cohort import Cohort
from kettrack.timelines.bucket import (
    Array,
    Bucket,
    category,
    scores_of,
    values_at,
)
from kettrack.timelines.events import Baselines, ratable
from kettrack.timelines.kernels import NO_ROW
from kettrack.timelines.session_days import (
    SessionDays,
    days_since_event,
    known_scores,
    last_before,
    session_days,
    session_scores,
)
from kettrack.timelines.states import measures, meets
from kettrack.vocabulary.rules import Criteria

EXCLUDED: Final = ("no_baseline", "below_caseness", "prior_sessions", "placebo")
_WHOLE: Final = (
    "score_age",
    "session_score_day",
    "last_gap",
    "next_day",
    "next_gap",
    "ect_tms_before",
    "days_complete_after",
)


def session_day_rows(
    cohort: Cohort,
    criteria: Criteria,
    bucket: Bucket,
    baselines: Baselines,
    first: pd.DataFrame,
    reasons: dict[str, Array],
) -> pd.DataFrame:
    """One row per patient and session day, of every course; see `tables.all_sessions_table`.

    Parameters
    ----------
    cohort : Cohort
        Whose sessions, patients and events they are.
    criteria : Criteria
        Rules in force.
    bucket, baselines
        Of its primary instrument.
    first : DataFrame
        From `first_courses`.
    reasons : dict of str to bool, shape (patients,)
        From `log_reasons`.
    """
    days = session_days(bucket)
    scores = scores_of(cohort.scores, criteria.instrument)
    # in the order of `EXCLUDED`
    faults = [
        np.isnan(baselines.score),
        ~ratable(baselines, criteria),
        *reasons.values(),
    ]
    excluded = np.select(faults, range(len(faults)), -1)
    inside = _in_course(first, days)
    goes_on = _next(days, inside)
    treated = days_since_event(cohort.events, ("ect", "tms"), bucket, days)
    columns = {
        **_place(cohort, days, bucket),
        **known_scores(scores["timing"], bucket, baselines, days),
        **_given(cohort, days),
        "ect_tms_before": treated,
        **_belonging(criteria, bucket, baselines, days, inside),
        **_later(cohort, days),
        "excluded": category(excluded[days.patient], EXCLUDED),
        "in_course_next": goes_on,
        "is_last": inside & ~goes_on,
        "in_first_course": inside,
    }
    out = pd.DataFrame(columns, copy=False)
    return out.astype(dict.fromkeys(_WHOLE, "Int32"))


def _place(
    cohort: Cohort,
    days: SessionDays,
    bucket: Bucket,
) -> dict[str, object]:
    """Which decision point this is, and how far the course has come."""
    first = np.searchsorted(days.patient, days.patient)
    so_far = np.cumsum(days.sessions)
    # less what the patients before had
    before = so_far - days.sessions
    to_date = so_far - before[first]
    planned = _of_patient(cohort, "planned_sessions", days)
    all_given = pd.array(to_date >= planned, "boolean").fillna(False)
    gap = np.diff(days.day, prepend=0)
    return {
        "patient_id": bucket.patient_id.array[days.patient],
        "session": days.number,
        "day": days.day,
        "days_since_first": days.day - days.day[first],
        "last_gap": np.where(days.number > 1, gap, np.nan),
        "sessions_on_day": days.sessions,
        "sessions_to_date": to_date,
        "planned_sessions": planned,
        "as_planned": all_given.to_numpy(bool),
    }


def _of_patient(
    cohort: Cohort,
    column: str,
    days: SessionDays,
) -> pd.arrays.IntegerArray:
    """Whole numbers of the patients table, one for each session day."""
    whole = cohort.patients[column].astype("Int32")
    return whole.array[days.patient]  # type: ignore[return-value]


def _belonging(
    criteria: Criteria,
    bucket: Bucket,
    baselines: Baselines,
    days: SessionDays,
    inside: Array,
) -> dict[str, object]:
    """Last score of each session, and whether one of them, or the last before session 1, meets the
    rule for response.
    """
    goes_on = _next(days, inside)
    # of the first courses, within a patient: the last gap of one patient leads into the next
    gaps = np.diff(days.day)[goes_on[:-1]]
    # where nobody has a second session, none is ever due
    due = float(np.median(gaps)) if gaps.size else np.inf
    late = criteria.late_after_days
    row, place = session_scores(bucket, baselines, days, due, late)
    n = days.day.size
    # Places rise: of several scores, the last is assigned last and stays.
    last_row = np.full(n, NO_ROW)
    last_row[place] = row
    baseline = baselines.score[bucket.score_patient]
    meets_rule = response_met(criteria, bucket.score, baseline, bucket.zero)
    response = np.zeros(n, bool)
    response[place[meets_rule[row]]] = True
    before = last_before(bucket, baselines)
    early = values_at(meets_rule, before, False)
    return {
        "session_score": values_at(bucket.score, last_row),
        "session_score_day": values_at(bucket.score_day, last_row),
        "session_response": response,
        "response_before": early[days.patient],
    }


def response_met(
    criteria: Criteria,
    score: Array,
    baseline: Array,
    zero: float,
) -> Array:
    """Whether a score, by itself, meets the rule for response; never where one of the two is
    missing or there is no rule. `zero` is the lowest score of the scale.
    """
    tested = measures(score, baseline, zero)
    return meets(criteria.response, tested)


def _given(cohort: Cohort, days: SessionDays) -> dict[str, object]:
    """Dose and side effects of a day: the total, and the worst of its sessions."""
    sessions = cohort.sessions
    named = sessions["adverse_events"]
    # nothing recorded is not the same as "none"
    some = (named.fillna("none") != "none").to_numpy(float)
    adverse = np.where(named.isna(), np.nan, some)

    def worst(column: str) -> Array:
        return days.merge(_numbers(sessions[column]), np.fmax)

    return {
        "dose_mg": days.merge(_numbers(sessions["dose_mg"]), np.add),
        "adverse": _yes_no(days.merge(adverse, np.fmax)),
        "serious": _yes_no(worst("serious")),
        "stopped_early": _yes_no(worst("stopped_early")),
        "dissociation": worst("dissociation"),
    }


def _later(
    cohort: Cohort,
    days: SessionDays,
) -> dict[str, object]:
    """The next session of any course, and what the patients table says about the end."""
    any_day = np.ones(days.day.size, bool)
    # the number at the end is never looked at: the last day has no next one
    following = np.append(days.day[1:], 0)
    next_day = np.where(_next(days, any_day), following, np.nan)
    observed = _of_patient(cohort, "observed_to_day", days)
    reasons = cohort.patients["stop_reason"].array
    return {
        "next_day": next_day,
        "next_gap": next_day - days.day,
        "stop_reason": reasons[days.patient],
        "recorded_stop_day": _of_patient(cohort, "stop_day", days),
        "observed_to_day": observed,
        "days_complete_after": observed - days.day,
    }


def _in_course(course: pd.DataFrame, days: SessionDays) -> Array:
    """Whether the first course reaches to a day: a course that ends between two sessions of a day
    holds that day.
    """
    length = course["length"].to_numpy(np.int64)
    first_day = np.searchsorted(days.patient, days.patient)
    sessions_before = days.first_row - days.first_row[first_day]
    return sessions_before < length[days.patient]


def _next(days: SessionDays, chosen: Array) -> Array:
    """Whether the same patient has a next session day, and it is chosen."""
    # a last day of somebody who is nobody stands after the last
    following = np.append(days.patient[1:], -1)
    next_chosen = np.append(chosen[1:], False)
    return next_chosen & (following == days.patient)


def _numbers(column: pd.Series) -> Array:
    numbers = column.astype("Float64")
    return numbers.to_numpy(float, na_value=np.nan)


def _yes_no(values: Array) -> pd.arrays.BooleanArray:
    return pd.arrays.BooleanArray(values == 1, np.isnan(values))
