"""Who completed an induction in time, and when people stopped coming, by reason."""

import duckdb
import pytest
from sample_answers import derived_sample, sample_answer
from spec.tables import cohort

from kettrack.analysis.adherence.adherence import _completed, discontinuations
from kettrack.timelines.derived import derive

SCORES = "patient | day | score\n" + "\n".join(
    f"{name} | -1 | 20" for name in ("fast", "slow", "back", "gap60", "new", "prior")
)
SESSIONS = """
    patient | days
    fast    | 0 4 8 12 16 20
    slow    | 0 4 8 12 16 21        # the sixth a day too late
    back    | 0 4 65 70             # a gap of 61 days
    gap60   | 0 4 64                # a gap of 60 is none
    new     | 0 4 8 12 16 18
    prior   | 0 4
    """
PATIENTS = """
    patient | observed_to_day | prior_sessions | stop_reason | stop_day
    fast    | 300 | 0 | well | 20
    slow    | 300 | 0 | cost | 21
    back    | 300 | 0 | cost | 70
    gap60   | 105 | 0 |      |
    new     |  19 | 0 |      |
    prior   | 300 | 5 | well | 4
    """


@pytest.fixture(scope="module")
def clinic():
    return derive(cohort(SCORES, SESSIONS, PATIENTS))


def test_the_window_begins_on_day_0(clinic):
    assert _completed(clinic, 6, 21).to_dict() == {
        "fast": True,
        "slow": False,
        "back": False,
        "gap60": False,
    }


def test_a_stop_is_a_gap_over_60_days(clinic):
    exits, reasons = discontinuations(clinic)
    names = ("log ends", *reasons)
    found = {row.patient_id: (row.step, names[row.cause]) for row in exits.itertuples()}
    assert found == {
        "fast": (21, "well"),
        "slow": (22, "cost"),
        "back": (5, "unknown"),  # the reason is that of a later stop
        "gap60": (46, "log ends"),
        "new": (0, "log ends"),
    }


def test_the_sample_agrees_with_sql():
    table = sample_answer("induction_completed").table.set_index("key")
    sample = derived_sample()
    sessions = sample.sessions.astype({"patient_id": str})
    patients = sample.patients.astype({"patient_id": str})
    assert len(sessions) > len(patients)
    counted = duckdb.sql(
        "with n as (select patient_id, count(*) filter (day <= 20) k from sessions group by 1)"
        " select count(*), count(*) filter (k >= 6) from n join patients using (patient_id)"
        " where observed_to_day >= 20 and coalesce(prior_sessions, 0) = 0"
    ).fetchall()[0]
    assert counted == tuple(table.loc["sessions_6_in_3_weeks", ["n", "events"]])


def test_reasons_add_up_to_any_reason():
    table = sample_answer("time_to_discontinuation").table
    for _, week in table.groupby("week"):
        whole = week["reason"] == "any_reason"
        for column in ("estimate", "events"):
            parts = week.loc[~whole, column].sum()
            assert parts == pytest.approx(week.loc[whole, column].item())
