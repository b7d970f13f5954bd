"""What holds for every review list: nothing later is used, nobody's name matters, and a new patient
changes nobody's safety.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from kettrack import Cohort, cohort_from_frames, load_cohort, sample_folder
from kettrack.analysis.people.review import SAFETY, review_table
from kettrack.settings import Settings

# each is two whole reviews
RUNS = settings(max_examples=8, deadline=None, derandomize=True)
OWN = [*SAFETY, "relapse", "loss_of_response", "deterioration", "no_assessment"]
NAMES = [f"P{place}" for place in range(9)]
WEEKS = 4

A_SCORE = st.sampled_from([4.0, 9.0, 10.0, 11.0, 16.0, 22.0, 24.0, np.nan])
AN_ITEM = st.sampled_from([0, 1, 2, 3, None])
A_DAY = st.one_of(st.sampled_from([0, 1, 7, 14, 21, 28, 56, 70]), st.integers(1, 120))
SCORES = st.dictionaries(A_DAY, st.tuples(A_SCORE, AN_ITEM), max_size=8)
SESSIONS = st.sets(st.integers(1, 120), max_size=6)
# scores, sessions, weeks to which the log is complete
PATIENTS = st.tuples(SCORES, SESSIONS, st.integers(0, 20))
CLINICS = st.lists(PATIENTS, min_size=1, max_size=8)


def cohort_of(clinic, names=NAMES) -> Cohort:
    named = list(zip(names, clinic, strict=False))
    scores = [(name, -1, 20.0, 1) for name, _ in named]
    scores += [
        (name, day, score, item)
        for name, (rows, _, _) in named
        for day, (score, item) in rows.items()
    ]
    sessions = [
        (name, day) for name, (_, days, _) in named for day in sorted({0, *days})
    ]
    events = [
        (name, 300 * place, "medication_change")
        for place, (name, _) in enumerate(named)
    ]
    return cohort_from_frames(
        pd.DataFrame(sessions, columns=["patient_id", "day"]),
        pd.DataFrame(scores, columns=["patient_id", "day", "score", "item_9"]).assign(
            instrument="PHQ-9"
        ),
        pd.DataFrame(
            [(name, 7 * weeks) for name, (_, _, weeks) in named],
            columns=["patient_id", "observed_to_day"],
        ),
        pd.DataFrame(events, columns=["patient_id", "day", "event"]),
        settings=Settings(),
    )


def rows_of(
    cohort: Cohort, weeks_ago: int = 0, names: dict[str, str] | None = None
) -> list[tuple]:
    table = review_table(cohort, weeks_ago)
    named = table.assign(patient_id=table["patient_id"].replace(names or {})).astype(
        object
    )
    return sorted(map(tuple, named.where(named.notna(), None).astype(str).to_numpy()))


def started(clinic, weeks_ago):
    return any(weeks >= weeks_ago for _, _, weeks in clinic)


@RUNS
@given(CLINICS, st.integers(1, WEEKS), st.integers(1, 60), A_SCORE, AN_ITEM)
def test_nothing_recorded_later_is_used(clinic, weeks_ago, later, score, item):
    if not started(clinic, weeks_ago):
        return
    grown = []
    for scores, sessions, weeks in clinic:
        day = max(7 * (weeks - weeks_ago) + later, 1)
        grown.append(
            (scores | {day: (score, item)}, sessions | {day + 1}, weeks)
            if weeks >= weeks_ago
            else (scores, sessions, weeks)
        )
    assert rows_of(cohort_of(grown), weeks_ago) == rows_of(cohort_of(clinic), weeks_ago)


@RUNS
@given(CLINICS, st.integers(1, WEEKS))
def test_looking_back_is_the_review_of_a_log_cut_there(clinic, weeks_ago):
    cut = [
        (
            {day: row for day, row in scores.items() if day <= 7 * (weeks - weeks_ago)},
            {day for day in sessions if day <= 7 * (weeks - weeks_ago)},
            weeks - weeks_ago,
        )
        for scores, sessions, weeks in clinic
    ]
    names = [
        name for name, (_, _, weeks) in zip(NAMES, cut, strict=False) if weeks >= 0
    ]
    kept = [patient for patient in cut if patient[2] >= 0]
    if kept:
        without_events = replace(
            cohort_of(kept, names), events=cohort_of(kept, names).events.iloc[:0]
        )
        assert rows_of(cohort_of(clinic), weeks_ago) == rows_of(without_events)


def test_the_sample_looked_back_on_is_the_sample_cut_there():
    """The same with every reason in play, the expected course among them."""
    sample = load_cohort(sample_folder())
    weeks_ago = 8
    until = sample.patients.set_index("patient_id")["observed_to_day"] - 7 * weeks_ago
    kept = {
        name: frame[
            (frame["day"] <= frame["patient_id"].map(until))
            & (frame["patient_id"].map(until) >= 0)
        ]
        for name, frame in (
            ("sessions", sample.sessions),
            ("scores", sample.scores),
            ("events", sample.events),
        )
    }
    patients = sample.patients[
        ["patient_id", "prior_sessions", "planned_sessions", "stop_day"]
    ].assign(observed_to_day=until.to_numpy())
    patients["stop_day"] = patients["stop_day"].where(
        patients["stop_day"] <= patients["observed_to_day"]
    )
    patients = patients[patients["observed_to_day"] >= 0]
    cut = cohort_from_frames(kept["sessions"], kept["scores"], patients, kept["events"])
    now = rows_of(sample, weeks_ago)
    assert now == rows_of(cut)
    assert {"not_on_track", "maintenance_overdue", "loss_of_response"} <= {
        row[2] for row in now
    }


@RUNS
@given(CLINICS, st.permutations(NAMES))
def test_names_and_order_change_nothing(clinic, names):
    back = dict(zip(names, NAMES, strict=True))
    assert rows_of(cohort_of(clinic, names), names=back) == rows_of(cohort_of(clinic))


@RUNS
@given(CLINICS, PATIENTS)
def test_another_patient_changes_nobody_elses_own_reasons(clinic, newcomer):
    before = [row for row in rows_of(cohort_of(clinic)) if row[2] in OWN]
    after = [
        row
        for row in rows_of(cohort_of([*clinic, newcomer]))
        if row[2] in OWN and row[0] != NAMES[len(clinic)]
    ]
    assert after == before


@RUNS
@given(CLINICS)
def test_one_row_per_patient_and_reason_and_no_negative_age(clinic):
    table = review_table(cohort_of(clinic))
    assert not table.duplicated(["patient_id", "reason"]).any()
    assert (table["age_days"].dropna() >= 0).all()
    assert table["words"].str.len().gt(0).all()
