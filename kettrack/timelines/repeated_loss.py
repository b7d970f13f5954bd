"""Responses after the first course: in maintenance, and again after a loss."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kettrack.timelines.bucket import Array, missing_to_na
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import day_at, find_first_run
from kettrack.timelines.kernels import NO_ROW
from kettrack.timelines.spells import days_of, last_decided, response_origins
from kettrack.vocabulary.rules import Rule


def maintenance_origins(cohort: DerivedCohort) -> pd.DataFrame:
    """The first score that shows a response after the first session beyond the first course;
    columns as `response_origins`.

    `sessions` and `retreated_day` are of no use here: what is watched is a response under
    treatment.
    """
    first = response_origins(cohort, "first_response")
    bucket = cohort.bucket
    course_end = first["sessions"].to_numpy()[bucket.score_patient]
    beyond = cohort.alignment.sessions_to_date > course_end
    start = bucket.first_row(bucket.score_known & beyond)
    event = find_first_run(
        bucket,
        cohort.response_rule,
        cohort.baselines.score,
        np.where(cohort.rated, start, NO_ROW),
    )
    row = np.where(event.proven, event.proof_row, NO_ROW)
    return first.assign(
        origin_row=row,
        origin_day=missing_to_na(day_at(bucket, row)),
        retreated_day=pd.array([pd.NA] * len(first), "Int64"),
    )


def repeated_losses(
    cohort: DerivedCohort, rule: Rule
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every loss of response of each patient since the first response.

    After a loss the patient must respond again before another loss can count.

    Parameters
    ----------
    cohort : DerivedCohort
        Whose criteria define a response.
    rule : Rule
        Of the loss.

    Returns
    -------
    people : DataFrame
        By `patient_id`, those with a proven response in their first course: `followed_to` = days
        from it to the last score that could have shown a loss.
    losses : DataFrame
        One row per patient and proven loss: `patient_id` `day` (since the first response, at least
        1).
    """
    origins = response_origins(cohort, "first_response")
    bucket = cohort.bucket
    first_row = origins["origin_row"].to_numpy()
    origin = days_of(bucket, first_row)
    watched = first_row != NO_ROW
    # beyond the last score that could have shown a loss, a patient is not followed
    followed_to = np.nan_to_num(last_decided(bucket, rule.run) - origin).clip(min=0)
    people = pd.DataFrame(
        {
            "patient_id": bucket.patient_id,
            "followed_to": followed_to.astype(np.int64),
        }
    )
    losses = _losses(cohort, rule, first_row, origin)
    # Two scores may fall on one day; nobody is at risk before day 1.
    losses["day"] = losses["day"].clip(lower=1)
    return people[watched].set_index("patient_id"), losses


def _losses(
    cohort: DerivedCohort,
    rule: Rule,
    first_row: Array,
    origin: Array,
) -> pd.DataFrame:
    """Every proven loss: `patient_id`, and `day` since the first response."""
    bucket = cohort.bucket
    baseline = cohort.baselines.score
    found = [pd.DataFrame({"patient_id": [], "day": []})]
    well = first_row
    # Each turn looks for one more loss and one more response of every patient who still responds.
    while (well != NO_ROW).any():
        lost = find_first_run(bucket, rule, baseline, well)
        day = days_of(bucket, lost.row) - origin
        rows = pd.DataFrame({"patient_id": bucket.patient_id, "day": day})
        found.append(rows[lost.proven])
        again = find_first_run(
            bucket,
            cohort.response_rule,
            baseline,
            lost.proof_row,
        )
        well = np.where(again.proven, again.proof_row, NO_ROW)
    some = [part for part in found if len(part)]
    return pd.concat(some or found[:1], ignore_index=True)
