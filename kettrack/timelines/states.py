"""What each score means under the rules: one ordered category, never parallel flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from kettrack.timelines.bucket import Array, Bucket
from kettrack.timelines.events import Baselines, ratable
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
