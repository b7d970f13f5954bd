"""Responses later on: held in maintenance, and regained after a loss."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kettrack.timelines.bucket import missing_to_na
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import day_at, find_first_run, ratable
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
    base = cohort.baselines
    patient = bucket.score_patient
    rows = np.arange(bucket.score.size)
    beyond = bucket.score_known & (
        cohort.alignment.sessions_to_date > first["sessions"].to_numpy()[patient]
    )
    start = np.full(bucket.n, NO_ROW, np.int64)
    there, where = np.unique(patient[beyond], return_index=True)
    start[there] = rows[beyond][where]
    rated = ratable(base, cohort.criteria) & ~np.logical_or.reduce(
        list(cohort.log_reasons.values())
    )
    event = find_first_run(
        bucket,
        cohort.criteria.response,  # type: ignore[arg-type]
        base.score,
        np.where(rated, start, NO_ROW),
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
    """Every loss of response of each patient since the first response, each after a response
    regained.

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
    base = cohort.baselines
    well = origins["origin_row"].to_numpy()
    found = []
    origin = days_of(bucket, well)
    while (well != NO_ROW).any():
        lost = find_first_run(bucket, rule, base.score, well)
        found.append(
            pd.DataFrame(
                {
                    "patient_id": bucket.patient_id,
                    "day": days_of(bucket, lost.row) - origin,
                }
            )[lost.proven]
        )
        again = find_first_run(
            bucket,
            cohort.criteria.response,  # type: ignore[arg-type]
            base.score,
            lost.proof_row,
        )
        well = np.where(again.proven, again.proof_row, NO_ROW)
    watched = origins["origin_row"].to_numpy() != NO_ROW
    end = np.fmax(last_decided(bucket, rule.run) - origin, 0)
    people = pd.DataFrame(
        {
            "patient_id": bucket.patient_id,
            "followed_to": np.where(np.isnan(end), 0, end),
        }
    )[watched]
    losses = (
        pd.concat(found, ignore_index=True)
        if found
        else pd.DataFrame({"patient_id": [], "day": []})
    )
    return people.astype({"followed_to": np.int64}).set_index(
        "patient_id"
    ), losses.assign(day=losses["day"].clip(lower=1))
