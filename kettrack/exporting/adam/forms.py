"""Every filled-in form against the sessions and the baseline of its patient, whatever its scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.timelines.bucket import Bucket, bucket_of
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import Baselines, align_scores, find_baselines
from kettrack.timelines.kernels import NO_ROW
from kettrack.timelines.states import is_assessment
from kettrack.vocabulary.instruments import get_instrument


@dataclass(frozen=True, slots=True)
class Forms:
    """What is known of each form, in the order of the scores of the cohort.

    Parameters
    ----------
    sessions : int array
        Sessions before it.
    after : bool array
        Whether it came after the first session.
    base : float array
        Baseline of the total; NaN without one.
    base_row : int array
        The form that is the patient's baseline; `NO_ROW` where none is.
    zero : float array
        Lowest score of its scale.
    """

    sessions: Ints
    after: Bools
    base: Floats
    base_row: Ints
    zero: Floats


def forms_of(
    cohort: DerivedCohort,
    scores: pd.DataFrame,
) -> Forms:
    """Hold every form against sessions and baseline.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    scores : DataFrame
        Its scores, with rows numbered from 0.
    """
    n = len(scores)
    found = Forms(
        sessions=np.zeros(n, np.int64),
        after=np.zeros(n, bool),
        base=np.full(n, np.nan),
        base_row=np.full(n, NO_ROW, np.int64),
        zero=np.zeros(n),
    )
    rule = cohort.settings.baseline
    known = cohort.settings.known_instruments
    for name in scores["instrument"].unique().tolist():
        scale = get_instrument(name, known)
        # The rows of one scale come in the same order in the bucket and here.
        of_scale = scores["instrument"] == name
        rows = np.flatnonzero(of_scale)
        bucket = bucket_of(cohort.cohort, name)
        baselines = find_baselines(bucket, rule, scale.sign)
        patient = bucket.score_patient
        aligned = align_scores(bucket)
        found.sessions[rows] = aligned.sessions_to_date
        found.after[rows] = is_assessment(bucket, baselines)
        found.base[rows] = baselines.score[patient]
        found.zero[rows] = scale.minimum
        # A mean is the score of no form.
        if rule != "mean":
            form = _baseline_form(bucket, baselines)
            there = form != NO_ROW
            by_patient = np.where(there, rows[form], NO_ROW)
            found.base_row[rows] = by_patient[patient]
    return found


def _baseline_form(bucket: Bucket, baselines: Baselines) -> Ints:
    """The form whose total is the baseline, for each patient: its row in the bucket."""
    patient = bucket.score_patient
    before = ~is_assessment(bucket, baselines)
    on_day = bucket.score_day == baselines.day[patient]
    same = bucket.score == baselines.score[patient]
    # Of several forms of one day the last one counts, as for the baseline itself.
    return bucket.last_row(before & on_day & same)
