"""What each score means under the rules: one ordered category, never parallel flags."""

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


def change_of(bucket: Bucket, baselines: Baselines) -> tuple[Array, Array]:
    """Change and percent change of each score from the patient's baseline.

    Returns
    -------
    change : float64, shape (scores,)
        Points; negative = lower than at baseline. NaN where either is missing, and for scores
        before the first session.
    percent_change : float64, shape (scores,)
        The same in % of the baseline; NaN also at baseline 0.
    """
    baseline = np.where(
        is_assessment(bucket, baselines), baselines.score[bucket.score_patient], np.nan
    )
    change = bucket.score - baseline
    return change, 100.0 * change / np.where(baseline == 0, np.nan, baseline)


def measures(score: Array, baseline: Array) -> dict[str, Array]:
    """What the predicate of a rule can test, for scores beside their baselines.

    Parameters
    ----------
    score, baseline : float64, same shape
        Points; NaN where there is none.

    Returns
    -------
    dict of str to float64
        `score`, `change` (points) and `percent_change` (% of the baseline; NaN at baseline 0).
    """
    change = score - baseline
    percent_change = 100 * change / np.where(baseline == 0, np.nan, baseline)
    return {"score": score, "change": change, "percent_change": percent_change}


def is_assessment(bucket: Bucket, baselines: Baselines) -> Array:
    """Whether each score comes after the first session: bool, shape (scores,)."""
    return (
        np.arange(bucket.score.size) >= baselines.first_assessment[bucket.score_patient]
    )


def states_of(bucket: Bucket, criteria: Criteria, baselines: Baselines) -> Array:
    """Position in `STATES` of each score, the best that holds, each tested by its own rule.

    Returns
    -------
    int8, shape (scores,)
        -1 before the first session, for an incomplete score, without a baseline or below caseness,
        and where the criteria rate nothing at all.
    """
    change, percent_change = change_of(bucket, baselines)
    measures = {
        "score": bucket.score,
        "change": change,
        "percent_change": percent_change,
    }
    rules = [
        criteria.deterioration,
        criteria.partial,
        criteria.response,
        criteria.remission,
    ]
    states = np.full(bucket.score.size, STATES.index("unchanged"), np.int8)
    for rule, state in zip(
        rules, ("worse", "partial", "response", "remission"), strict=True
    ):
        states[meets(rule, measures)] = STATES.index(state)
    rated = ~np.isnan(change) & ratable(baselines, criteria)[bucket.score_patient]
    states[~rated | (not any(rules))] = -1
    return states


def meets(rule: Rule | None, measures: Mapping[str, Array]) -> Array:
    """Whether each score, by itself, holds the predicate of a rule; `measures` are `score`,
    `change` and `percent_change`.
    """
    if rule is None:
        return np.zeros(measures["score"].size, bool)
    predicate: Predicate = rule.predicate
    return _COMPARE[predicate.operator](measures[predicate.measure], predicate.limit)


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
    # Row of the last session before each score; of no use where there is none.
    session_row = bucket.session_offsets[bucket.score_patient] + to_date - 1
    last_course = course.cat.codes.to_numpy()[np.maximum(session_row, 0)]
    return scores_of(scores, criteria.instrument)[columns].assign(
        baseline=baselines.score[bucket.score_patient],
        change=change,
        percent_change=percent_change,
        sessions_to_date=to_date,
        days_since_session=missing_to_na(alignment.days_since_session),
        course=category(np.where(to_date > 0, last_course, np.int8(-1)), COURSES),
        state=category(states_of(bucket, criteria, baselines), STATES),
    )
