"""The trials of `next_session` against those of the package pySEQTarget on one clinic; the numbers
are those that `benchmarks/trials_against_seqtarget.py` prints, which says where the designs differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from kettrack.analysis.next_session.decisions import decision_points
from kettrack.analysis.next_session.outcome_model import (
    crude_difference,
    fit_trials,
    overlap_weighted_difference,
)
from kettrack.analysis.next_session.trials import Trials, find_trials
from kettrack.reading.load import cohort_from_frames
from kettrack.timelines.derived import derive
from kettrack.vocabulary.days import DAYS_IN_WEEK, NEXT_SESSION_WINDOW_DAYS

# pySEQTarget 0.14.3: trials with an outcome, those of people who went on, difference of the means
# of the arms (its `eof_comparison`), and least squares on its expanded trials
SEQTARGET = {
    "trials": 1479,
    "went_on": 1107,
    "crude": 1.71894396,
    "adjusted": -1.18648143,
}


@pytest.fixture(scope="module")
def trials() -> Trials:
    folder = Path(__file__).parents[2] / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        from trials_against_seqtarget import WEEKS, clinic_rows
    finally:
        sys.path.remove(str(folder))
    names = ["patient_id", "week", "coming", "goes_on", "score"]
    rows = pd.DataFrame(clinic_rows(), columns=names)
    rows["patient_id"] = "P" + rows["patient_id"].astype(str)
    rows["day"] = DAYS_IN_WEEK * rows["week"]
    sessions = rows.loc[rows["coming"] == 1, ["patient_id", "day"]]
    # a score of the week counts before the decision at the end of its session day
    scores = rows[["patient_id", "day", "score"]].assign(timing="after")
    first = rows["week"] == 0
    scores.loc[first, "day"] = -1
    scores.loc[first, "timing"] = "before"
    ends = DAYS_IN_WEEK * (WEEKS - 1) + NEXT_SESSION_WINDOW_DAYS
    patients = rows.loc[first, ["patient_id"]].assign(
        observed_to_day=ends, planned_sessions=2 * WEEKS
    )
    cohort = cohort_from_frames(sessions, scores.assign(instrument="PHQ-9"), patients)
    return find_trials(decision_points(derive(cohort)), DAYS_IN_WEEK, 0)


def test_the_same_trials_are_found_with_the_same_arms(trials):
    assert trials.observed.all()
    assert (trials.n, int(trials.arm.sum())) == (
        SEQTARGET["trials"],
        SEQTARGET["went_on"],
    )


def test_the_crude_difference_is_the_same(trials):
    crude = crude_difference(trials).estimate
    assert crude == pytest.approx(SEQTARGET["crude"], abs=1e-6)


def test_the_adjusted_difference_is_near(trials):
    """Without arm x history it differs by the further columns alone; the truth is -.9."""
    fitted = fit_trials(trials)
    plain = overlap_weighted_difference(fitted).estimate
    assert plain == pytest.approx(SEQTARGET["adjusted"], abs=0.1)
    answer = fitted.difference()
    assert answer.low < -0.9 < answer.high
