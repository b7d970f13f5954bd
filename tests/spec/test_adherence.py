"""Who completed an induction in time, and when people stopped coming, by reason."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample, sample_answer
from spec.tables import cohort

from kettrack import cohort_from_frames, sample_folder
from kettrack.analysis.adherence.adherence import _completed, discontinuations
from kettrack.analysis.adherence.planned import (
    _kept,
    following_sessions,
    planned_intervals,
)
from kettrack.analysis.adherence.rhythm import _kinds
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


# ---- planned and kept


def dated(rows, days_known=600, **tables):
    """A cohort from `patient, day, planned_next_days` rows."""
    sessions = pd.DataFrame(rows, columns=["patient_id", "day", "planned_next_days"])
    people = sessions["patient_id"].unique()
    scores = pd.DataFrame(
        {"patient_id": people, "day": 0, "instrument": "PHQ-9", "score": 15}
    )
    patients = pd.DataFrame({"patient_id": people, "observed_to_day": days_known})
    return derive(cohort_from_frames(sessions, scores, patients, **tables))


@pytest.mark.parametrize(
    ("planned", "came", "kind"),
    [
        (7, 8, "on_time"),  # a quarter of 7 is 1 day
        (7, 9, "late"),
        (7, 6, "on_time"),
        (7, 5, "early"),
        (28, 35, "on_time"),  # a quarter of 28 is 7 days
        (28, 36, "late"),
        (28, 20, "early"),
        (1, 2, "on_time"),  # at least a day
        (7, 67, "late"),  # 60 days after the planned day
        (7, 68, "not_kept"),
        (7, None, "not_kept"),
    ],
)
def test_a_plan_is_kept_or_not(planned, came, kind):
    rows = [("a", 0, planned)] + ([("a", came, None)] if came else [])
    found = following_sessions(dated(rows))
    assert _kept(found[found["planned"].notna()]).tolist() == [kind]


def test_plans_whose_day_the_log_does_not_reach_are_left_out():
    # 31 + 60 days are needed; the end of a log is told in whole weeks.
    people = [f"p{number:02d}" for number in range(12)]
    rows = [(name, 0, 31) for name in people]
    assert planned_intervals(dated(rows, 91)).status == "ok"
    assert planned_intervals(dated(rows, 84)).status == "refused"


@pytest.mark.parametrize("event", ["death", "suicide"])
def test_whoever_died_is_nobody_who_did_not_come(event):
    people = [f"p{number:02d}" for number in range(14)]
    rows = [(name, day, 28) for name in people for day in (0, 28, 56, 84, 112, 140)]
    rows.append(("p13", 168, 28))
    # The log goes on to day 600. Whoever dies on day 228 had 60 days after the day planned at 140.
    died = pd.DataFrame({"patient_id": people[:2], "day": [227, 228], "event": event})
    alive = planned_intervals(dated(rows)).table.set_index("key")
    table = planned_intervals(dated(rows, events=died)).table.set_index("key")
    assert alive.loc["all_not_kept", ["sessions", "events"]].tolist() == [85, 14]
    assert table.loc["all_not_kept", ["sessions", "events"]].tolist() == [84, 13]


def test_nobody_plans_is_a_refusal_that_says_what_to_record():
    rows = [(f"p{number:02d}", 0, None) for number in range(12)]
    found = planned_intervals(dated(rows))
    assert "planned_next_days" in found.collect


def test_plans_are_counted_as_in_sql():
    found = (
        duckdb.connect()
        .execute(
            """
        with s as (
            select patient_id, day, planned_next_days as planned,
                lead(day) over (partition by patient_id order by day) - day as gap
            from read_csv('data/sample/sessions.csv', nullstr='')),
        k as (
            select s.*, greatest(floor(planned / 4.0), 1) as slack, gap - planned as off
            from s join read_csv('data/sample/patients.csv', nullstr='') p using (patient_id)
            where planned is not null and observed_to_day >= day + planned + 60)
        select count(*), count(*) filter (off is null or off > 60),
            count(*) filter (off > slack and off <= 60), count(*) filter (off < -slack)
        from k
        """.replace("data/sample", str(sample_folder()))
        )
        .fetchone()
    )
    table = sample_answer("planned_intervals").table.set_index("key")
    keys = ("all_not_kept", "all_late", "all_early")
    assert found == (table["sessions"].max(), *table.loc[list(keys), "events"])
    whole = table[table["planned"] == "all"]
    assert whole["events"].sum() == found[0]


def test_planted_delays_are_found():
    """Of sessions that were followed by another, 16 % were planted as late."""
    table = sample_answer("planned_intervals").table.set_index("key")
    came = table.loc[["all_early", "all_on_time", "all_late"], "events"]
    # A plan of a few days is rounded, so that some delays of under a day and a half are on time.
    assert 0.10 <= came["all_late"] / came.sum() <= 0.17


def test_the_rhythm_counts_every_session_once():
    table = sample_answer("maintenance_rhythm").table
    for _, rows in table.groupby("period"):
        assert rows["events"].sum() == rows["sessions"].iloc[0]
        assert rows["estimate"].sum() == pytest.approx(100)


def test_the_rhythm_is_that_of_plain_loops():
    clinic = derived_sample()
    ends = clinic.patients.set_index("patient_id")["observed_to_day"]
    days = {}
    for row in clinic.courses.itertuples():
        days.setdefault(row.patient_id, {})[row.day] = row.course
    weekly = none = n = 0
    for patient, courses in days.items():
        ordered = sorted(courses)
        for place, day in enumerate(ordered):
            if courses[day] != "maintenance" or ends[patient] - day < 60:
                continue
            later = ordered[place + 1 :]
            gap = later[0] - day if later else 999
            n += 1
            weekly += gap <= 10
            none += gap > 60
    table = sample_answer("maintenance_rhythm").table.set_index("key")
    assert table.loc["all_weekly", ["sessions", "events"]].tolist() == [n, weekly]
    assert table.loc["all_none", "events"] == none


def test_a_rhythm_is_told_apart_at_its_ends():
    gaps = pd.DataFrame({"gap": [10.0, 11, 17, 18, 24, 25, 38, 39, 60, 61, np.inf]})
    assert _kinds(gaps).tolist() == [
        "weekly",
        "two_weekly",
        "two_weekly",
        "three_weekly",
        "three_weekly",
        "monthly",
        "monthly",
        "longer",
        "longer",
        "none",
        "none",
    ]


def test_a_part_with_a_small_count_is_not_released():
    shown = sample_answer("planned_intervals").table
    released = sample_answer("planned_intervals", "cms").table
    small = shown.loc[(shown["events"] > 0) & (shown["events"] < 11), "planned"]
    assert not set(small) & set(released["planned"])
    assert "all" in set(released["planned"])
