"""Sudden gains: a large, lasting drop from one score to the next (Tang and DeRubeis), by shifts of
the series.

The third criterion compares the means of up to three scores before and after. As published in the
suddengains R package it asks for more than t times the pooled standard deviation, which is not a
t-test: sqrt(1/n1 + 1/n2) is missing. Both are here, by name; the corrected one is the default. A
merely linear decline gives false gains (.18-.47 over 10-20 scores, PMC4606893), and scores closer
together than the questionnaire looks back share days, so that a gain between them is no session's
effect.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

import numpy as np
import pandas as pd

from kettrack.errors import UsageError
from kettrack.reading.cohort import Cohort
from kettrack.timelines.bucket import Array, Bucket, values_at
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.timelines.kernels import NO_ROW
from kettrack.timelines.published.ratings import (
    Rating,
    Scored,
    rating,
    score_cohort,
)
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.patient_rules import GainRule
from kettrack.vocabulary.published_rules import published_rules

# two-sided 5 % of t, by degrees of freedom n1 + n2 - 2
CRITICAL: Final = np.array([np.nan, np.nan, 4.303, 3.182, 2.776])
FEWEST_SCORES_A_SIDE: Final = 2
SHARE_OF_REVERSAL: Final = 0.5  # of the gain: whoever gives back so much has lost it


def gain_rows(
    bucket: Bucket,
    rule: GainRule,
    used: Array | None = None,
) -> tuple[Array, Array]:
    """Which scores are followed by a sudden gain, and for which that can be told at all.

    Parameters
    ----------
    bucket : Bucket
        An incomplete score keeps its place in the series, as a missing one.
    rule : GainRule
        The three criteria.
    used : bool, shape (scores,), optional
        Scores that count; default every known one.

    Returns
    -------
    gain, judged : bool, shape (scores,)
        `judged` where the score and the next are known, with at least two of three on each side.
    """
    counts = bucket.score_known
    if used is not None:
        counts = counts & used
    value = np.where(counts, bucket.score, np.nan)
    # up to three scores before the gain, its own first among them, and three after
    before = _shifted(bucket, value, (-2, -1, 0))
    after = _shifted(bucket, value, (1, 2, 3))
    n1, mean1, squares1 = _moments(before)
    n2, mean2, squares2 = _moments(after)
    drop = value - after[0]
    enough = (n1 >= FEWEST_SCORES_A_SIDE) & (n2 >= FEWEST_SCORES_A_SIDE)
    judged = ~np.isnan(drop) & enough
    # Where nothing can be judged any number does, as long as it can be divided by.
    freedom = np.where(judged, n1 + n2 - 2, 2)
    squares = squares1 + squares2
    pooled = np.sqrt(squares / freedom)
    width = CRITICAL[freedom] * pooled
    if rule.third == "corrected":
        one_over_n1 = 1 / np.maximum(n1, 1)
        one_over_n2 = 1 / np.maximum(n2, 1)
        width *= np.sqrt(one_over_n1 + one_over_n2)
    large = drop >= rule.smallest_drop.value
    # both a number of points and a share of the score before
    large &= drop >= rule.share * (value - bucket.zero)
    lasting = mean1 - mean2 > width
    return judged & large & lasting, judged


def _shifted(
    bucket: Bucket,
    value: Array,
    steps: tuple[int, ...],
) -> Array:
    """Values so many places later in the same patient: shape (steps, scores)."""
    return np.stack([_shift(bucket, value, by) for by in steps])


def _shift(
    bucket: Bucket,
    value: Array,
    by: int,
) -> Array:
    """Value of the score so many places later in the same patient; NaN beyond the ends."""
    patient = bucket.score_patient
    place = np.arange(value.size) + by
    begin = bucket.score_offsets[patient]
    end = bucket.score_offsets[patient + 1]
    inside = (place >= begin) & (place < end)
    row = np.where(inside, place, NO_ROW)
    return values_at(value, row)


def _moments(values: Array) -> tuple[Array, Array, Array]:
    """Number, mean and sum of squares about it of the known values in each column."""
    known = ~np.isnan(values)
    # Sums over the known ones by hand: `nanmean` warns where a column has none.
    n = known.sum(axis=0)
    known_values = np.where(known, values, 0)
    divisor = np.maximum(n, 1)
    mean = known_values.sum(axis=0) / divisor
    distances = np.where(known, values - mean, 0)
    squares = distances**2
    return n, mean, squares.sum(axis=0)


def sudden_gains_table(
    cohort: Cohort | DerivedCohort,
    third: Literal["corrected", "published"] = "corrected",
) -> pd.DataFrame:
    """Every sudden gain on the primary instrument: one row per patient and gain.

    Parameters
    ----------
    cohort : Cohort or DerivedCohort
        From `load_cohort`.
    third : {"corrected", "published"}
        Third criterion: with or without sqrt(1/n1 + 1/n2).

    Returns
    -------
    DataFrame
        Sorted by patient and day: `patient_id` `instrument` `rule` `day_before` `day`
        `score_before` `score` `drop` (points) `reversed_day` (first later score that gave back half
        of the drop; missing while none did) `windows_overlap` (the two scores lie closer together
        than the questionnaire looks back, so part of the drop is older than the score before).

    Raises
    ------
    UsageError
        When no smallest drop is known for the instrument.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> gains = sudden_gains_table(load_cohort(sample_folder()))
    >>> bool((gains["drop"] >= 6).all())
    True
    """
    cohort = derive(cohort)
    scored = score_cohort(cohort)
    published = published_rules(scored.instrument)
    rules = [rule for rule in published if isinstance(rule, GainRule)]
    if not rules:
        raise UsageError(
            f"No smallest drop is known for {scored.instrument.name}, so kettrack cannot say what a"
            " sudden gain on it is."
        )
    rule = replace(rules[0], third=third)
    gain, _ = _in_treatment(scored, rule)
    rows = np.flatnonzero(gain)
    found = describe_gains(scored.bucket, rows)
    found["instrument"] = scored.instrument.name
    found["rule"] = f"sudden gain ({third}): {rule}"
    apart = found["day"] - found["day_before"]
    found["windows_overlap"] = apart < _recall(scored)
    return found[_COLUMNS]


_COLUMNS: Final = [
    "patient_id",
    "instrument",
    "rule",
    "day_before",
    "day",
    "score_before",
    "score",
    "drop",
    "reversed_day",
    "windows_overlap",
]


def _in_treatment(
    scored: Scored,
    rule: GainRule,
) -> tuple[Array, Array]:
    """Gains that end after the first session, and where that can be told, of patients who can be
    rated.
    """
    faults = list(scored.faults.values())
    left_out = np.logical_or.reduce(faults)
    recent = scored.bucket.score_day >= -BASELINE_WINDOW_DAYS
    used = recent & ~left_out[scored.bucket.score_patient]
    gain, judged = gain_rows(scored.bucket, rule, used)
    # a gain stands at the score before it; it counts when the score after it is an assessment
    ends_after = np.append(scored.assessment[1:], False)
    return gain & ends_after, judged & ends_after


def _recall(scored: Scored) -> float:
    days = scored.instrument.recall_days
    return 0 if days is None else days.value


def describe_gains(bucket: Bucket, row: Array) -> pd.DataFrame:
    """Days and scores of each gain, and when half of it was given back."""
    score = np.asarray(bucket.score, np.float64)
    before = score[row]
    after = score[row + 1]
    levels = after + SHARE_OF_REVERSAL * (before - after)
    reversed_days = [
        _reversal_day(bucket, place, level)
        for place, level in zip(row, levels, strict=True)
    ]
    return pd.DataFrame(
        {
            "patient_id": bucket.patient_id[bucket.score_patient[row]],
            "day_before": bucket.score_day[row],
            "day": bucket.score_day[row + 1],
            "score_before": before,
            "score": after,
            "drop": before - after,
            "reversed_day": pd.array(reversed_days, dtype="Int32"),
        }
    )


def _reversal_day(bucket: Bucket, row: int, level: float) -> int | None:
    """Day of the first score after a gain that is back at the level."""
    patient = bucket.score_patient[row]
    end = bucket.score_offsets[patient + 1]
    # the gain itself is from `row` to `row + 1`
    later = slice(row + 2, end)
    at_level = bucket.score[later] >= level
    known = bucket.score_known[later]
    back = np.flatnonzero(known & at_level)
    if not back.size:
        return None
    days = bucket.score_day[later]
    return int(days[back[0]])


def rate_gains(scored: Scored, rule: GainRule) -> Rating:
    """Whether a patient had a sudden gain; not rated where none of the series can be judged."""
    bucket = scored.bucket
    gain, judged = _in_treatment(scored, rule)
    row = bucket.first_row(gain)
    met = row != NO_ROW
    after = np.where(met, row + 1, NO_ROW)
    proof = np.stack([row, after], axis=1)
    faults = dict(scored.faults)
    faults["not_scored"] = bucket.first_row(judged) == NO_ROW
    return rating(met, faults, (bucket, proof))
