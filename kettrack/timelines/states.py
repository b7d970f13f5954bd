"""What each score means under the rules, and how long that state holds: one ordered category, never
parallel flags.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from kettrack.timelines.bucket import Array, Bucket, category, missing_to_na, scores_of
from kettrack.timelines.courses import COURSES
from kettrack.timelines.events import Alignment, Baselines, ratable
from kettrack.vocabulary.rules import Criteria, Predicate, Rule

STATES: Final = ("worse", "unchanged", "partial", "response", "remission")
_COMPARE: Final = {
    "at most": np.less_equal,
    "at least": np.greater_equal,
    "above": np.greater,
    "below": np.less,
}


def change_of(
    bucket: Bucket,
    baselines: Baselines,
) -> tuple[Array, Array]:
    """Change and percent change of each score from the patient's baseline.

    Returns
    -------
    change : float64, shape (scores,)
        Points; negative = lower than at baseline. NaN where either is missing, and for scores
        before the first session.
    percent_change : float64, shape (scores,)
        The same in % of what the baseline is above the lowest score of the scale; NaN also where
        that is nothing.
    """
    after = is_assessment(bucket, baselines)
    own = baselines.score[bucket.score_patient]
    baseline = np.where(after, own, np.nan)
    found = measures(bucket.score, baseline, bucket.zero)
    return found["change"], found["percent_change"]


def measures(score: Array, baseline: Array, zero: float) -> dict[str, Array]:
    """What the predicate of a rule can test, for scores beside their baselines.

    Parameters
    ----------
    score, baseline : float64, same shape
        Points; NaN where there is none.
    zero : float
        Lowest score of the scale. Half of a score on a scale from 10 to 50 is not half of the
        symptoms, so percent change counts from there (Leucht 2007, Obermeier 2010).

    Returns
    -------
    dict of str to float64
        `score`, `change` (points) and `percent_change` (% of what the baseline is above `zero`;
        NaN where that is nothing).

    Examples
    --------
    >>> k10 = measures(np.array([18.0]), np.array([30.0]), zero=10)
    >>> k10["percent_change"].tolist()
    [-60.0]
    """
    change = score - baseline
    above = baseline - zero
    # a percent change from nothing means nothing
    divisor = np.where(above == 0, np.nan, above)
    percent_change = 100 * change / divisor
    return {"score": score, "change": change, "percent_change": percent_change}


def is_assessment(bucket: Bucket, baselines: Baselines) -> Array:
    """Whether each score comes after the first session: bool, shape (scores,)."""
    first = baselines.first_assessment[bucket.score_patient]
    # rows are sorted by day, so that every row from the first on comes after it
    return np.arange(bucket.score.size) >= first


def states_of(
    bucket: Bucket,
    criteria: Criteria,
    baselines: Baselines,
) -> Array:
    """Position in `STATES` of each score, the best that holds, each tested by its own rule.

    Returns
    -------
    int8, shape (scores,)
        -1 before the first session, for an incomplete score, without a baseline or below caseness,
        and where the criteria rate nothing at all.
    """
    change, percent_change = change_of(bucket, baselines)
    tested = {
        "score": bucket.score,
        "change": change,
        "percent_change": percent_change,
    }
    # From worst to best: of several that hold, the one assigned last stays.
    rules = {
        "worse": criteria.deterioration,
        "partial": criteria.partial,
        "response": criteria.response,
        "remission": criteria.remission,
    }
    unchanged = STATES.index("unchanged")
    states = np.full(bucket.score.size, unchanged, np.int8)
    for state, rule in rules.items():
        holds = meets(rule, tested)
        states[holds] = STATES.index(state)
    case = ratable(baselines, criteria)
    rated = ~np.isnan(change) & case[bucket.score_patient]
    if not any(rules.values()):
        rated[:] = False
    states[~rated] = -1
    return states


def meets(
    rule: Rule | None,
    measures: Mapping[str, Array],
) -> Array:
    """Whether each score, by itself, holds the predicate of a rule; `measures` are `score`,
    `change` and `percent_change`.
    """
    if rule is None:
        score = measures["score"]
        return np.zeros(score.size, bool)
    predicate: Predicate = rule.predicate
    compare = _COMPARE[predicate.operator]
    return compare(measures[predicate.measure], predicate.limit)


def timeline_rows(
    scores: pd.DataFrame,
    criteria: Criteria,
    bucket: Bucket,
    baselines: Baselines,
    alignment: Alignment,
    course: pd.Series,
) -> pd.DataFrame:
    """Every score of an instrument against baseline and sessions; see `tables.timeline_table`.

    Parameters
    ----------
    scores : DataFrame
        Of the cohort, every instrument.
    criteria : Criteria
        Rules in force; they name the instrument.
    bucket, baselines, alignment
        Of that instrument, in the order of the cohort.
    course : Series
        Course of each session, an ordered category.
    """
    change, percent_change = change_of(bucket, baselines)
    columns = ["patient_id", "instrument", "day", "timing", "score"]
    to_date = alignment.sessions_to_date
    patient = bucket.score_patient
    # Row of the last session before each score; of no use where there is none.
    session_row = bucket.session_offsets[patient] + to_date - 1
    codes = course.cat.codes.to_numpy()
    last_course = codes[np.maximum(session_row, 0)]
    course_code = np.where(to_date > 0, last_course, np.int8(-1))
    rows = scores_of(scores, criteria.instrument)
    return rows[columns].assign(
        baseline=baselines.score[patient],
        change=change,
        percent_change=percent_change,
        sessions_to_date=to_date,
        days_since_session=missing_to_na(alignment.days_since_session),
        course=category(course_code, COURSES),
        state=category(states_of(bucket, criteria, baselines), STATES),
    )


def state_segment_rows(
    timeline: pd.DataFrame,
    baseline_day: pd.Series,
    criteria: Criteria,
    death_day: pd.Series,
) -> pd.DataFrame:
    """Stretches of days in which a patient's state is known; see `DerivedCohort.state_segments`.

    Parameters
    ----------
    timeline : DataFrame
        From `timeline_rows`.
    baseline_day : Series
        Day of the baseline, by `patient_id`, of the patients who are rated.
    criteria : Criteria
        They say for how many days a state holds.
    death_day : Series
        Day of a death, by `patient_id`; missing where none is recorded.
    """
    kind = timeline["state"].dtype
    # The baseline is `unchanged` by definition.
    baselines = pd.DataFrame({"day": baseline_day, "state": "unchanged"})
    scored = timeline.dropna(subset=["score", "state"])
    rated = scored["patient_id"].isin(baseline_day.index)
    scored = scored.loc[rated, ["patient_id", "day", "state"]]
    scored = scored.astype({"state": object})
    rows = pd.concat([baselines.reset_index(), scored])
    # A stable sort: of two scores on one day the later one stays later, and counts.
    rows = rows.sort_values(["patient_id", "day"], kind="stable", ignore_index=True)
    day = rows["day"].astype(np.int64)
    by_patient = day.groupby(rows["patient_id"], sort=False)
    following = by_patient.shift(-1).fillna(np.inf)
    # `to_day` is the first day on which the state holds no more
    longest = day + criteria.state_holds_days + 1
    died = rows["patient_id"].map(death_day)
    last = died.astype(np.float64).fillna(np.inf)
    ends = np.minimum(following, longest)
    ends = np.minimum(ends, last)
    out = rows.assign(
        state=rows["state"].astype(kind),
        from_day=day.clip(lower=0),
        to_day=ends.astype(np.int64),
    )
    columns = ["patient_id", "state", "from_day", "to_day"]
    some_days = out["to_day"] > out["from_day"]
    out = out.loc[some_days, columns]
    return out.reset_index(drop=True)
