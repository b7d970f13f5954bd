"""A maintenance interval held when the response was there at both ends; a patient's own log bounds
what holds.
"""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec.tables import all_of, cohort, one_each

from kettrack.analysis import estimate
from kettrack.analysis.durability.holding import length_band
from kettrack.timelines.derived import derive
from kettrack.timelines.maintenance import holding_intervals, maintenance_intervals

# Four sessions of induction, then one maintenance session on day 50: one interval of 40 days.
ONE = "0 3 7 10 50"


def test_the_state_at_a_session_is_that_of_the_last_score_before_it():
    scores = """
        patient   | day | score | timing
        held      | -1  | 20    |
        held      | 10  | 10    |          # on the day of the first session: taken as before it
        held      | 50  | 10    | before   # half of 20 is a response
        failed    | -1  | 20    |
        failed    | 10  | 10    |
        failed    | 50  | 11    |
        day_14    | -1  | 20    |
        day_14    | 10  | 10    |
        day_14    | 36  | 10    |          # 14 days before the end still tells
        day_15    | -1  | 20    |
        day_15    | 10  | 10    |
        day_15    | 35  | 10    |          # 15 days do not
        ill_start | -1  | 20    |
        ill_start | 10  | 11    |
        ill_start | 50  |  4    |
        after_end | -1  | 20    |
        after_end | 10  | 10    |
        after_end | 50  |  4    | after    # belongs to the session, not to the interval before it
        empty_end | -1  | 20    |
        empty_end | 10  | 10    |
        empty_end | 50  |       |
        no_start  | -1  | 20    |
        no_start  | 50  |  4    |
        no_base   | 10  | 10    |
        no_base   | 50  | 10    |
        """
    names = (
        "held",
        "failed",
        "day_14",
        "day_15",
        "ill_start",
        "after_end",
        "empty_end",
        "no_start",
        "no_base",
    )
    clinic = cohort(
        scores, "patient | days\n" + "\n".join(f"{name} | {ONE}" for name in names)
    )
    table = maintenance_intervals(derive(clinic))
    assert one_each(table, "days", "result") == {
        "held": (40, "held"),
        "failed": (40, "failed"),
        "day_14": (40, "held"),
        "day_15": (40, "not_known"),
        "ill_start": (40, "not_well_at_start"),
        "after_end": (40, "not_known"),
        "empty_end": (40, "not_known"),
        "no_start": (40, "not_known"),
        "no_base": (40, "not_known"),
    }
    assert one_each(table, "state_start", "state_end")["failed"] == (
        "response",
        "partial",
    )


def test_which_sessions_end_an_interval():
    sessions = """
        patient | days
        one     | 0
        course  | 0 3 7 10
        upkeep  | 0 3 7 10 31 60
        again   | 0 3 7 10 60 63 67     # the first of a re-induction ends an interval
        """
    clinic = cohort(
        "patient | day | score\n one | -1 | 20\n course | -1 | 20\n upkeep | -1 | 20\n again | -1"
        " | 20",
        sessions,
    )
    table = maintenance_intervals(derive(clinic))
    assert all_of(table, "days") == {"upkeep": [21, 29], "again": [50]}
    assert all_of(table, "ended_by")["again"] == ["re-induction"]


LOGS = """
    between       | held 14, held 21, failed 28
    at_least      | held 14, held 21, held 28
    at_most       | failed 14, failed 21, failed 28
    contradictory | failed 14, held 21, held 28
    equal         | held 21, failed 21, held 14
    two           | held 14, failed 28
    unrated       | held 14, not_known 21, not_well_at_start 28, failed 35
    """


def intervals() -> pd.DataFrame:
    lines = [line.split("|") for line in LOGS.strip().splitlines()]
    rows = [
        (name.strip(), *entry.split())
        for name, entries in lines
        for entry in entries.split(",")
    ]
    return pd.DataFrame(rows, columns=["patient_id", "result", "days"]).astype(
        {"days": int}
    )


def test_the_holding_interval_is_bounded_by_the_longest_that_held_and_the_shortest_that_failed():
    assert one_each(
        holding_intervals(intervals()),
        "n_rated",
        "longest_held",
        "shortest_failed",
        "holding",
    ) == {
        "between": (3, 21, 28, "between"),
        "at_least": (3, 28, None, "at_least"),
        "at_most": (3, None, 14, "at_most"),
        "contradictory": (3, 28, 14, "contradictory"),
        "equal": (3, 21, 21, "contradictory"),  # (21, 21] holds no length
        "two": (2, None, None, "not_estimable"),
        "unrated": (2, None, None, "not_estimable"),
    }


@pytest.mark.slow
@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=False), st.integers(0, 6))
def test_order_names_and_other_patients_change_nothing(random, left_out):
    table = intervals()
    names = list(dict.fromkeys(table["patient_id"]))
    expected = one_each(
        holding_intervals(table), "longest_held", "shortest_failed", "holding"
    )
    order = random.sample(range(len(table)), len(table))
    assert (
        one_each(
            holding_intervals(table.iloc[order]),
            "longest_held",
            "shortest_failed",
            "holding",
        )
        == expected
    )
    fewer = one_each(
        holding_intervals(table[table["patient_id"] != names[left_out]]),
        "longest_held",
        "shortest_failed",
        "holding",
    )
    assert fewer == {
        name: cells for name, cells in expected.items() if name != names[left_out]
    }
    renamed = table.assign(patient_id="x" + table["patient_id"])
    told = one_each(
        holding_intervals(renamed), "longest_held", "shortest_failed", "holding"
    )
    assert told == {f"x{name}": cells for name, cells in expected.items()}


def test_every_length_has_one_band():
    edges = [0, 4, 5, 10, 11, 17, 18, 24, 25, 38, 39, 59, 60, 400]
    expected = [
        "0 to 4",
        "0 to 4",
        "5 to 10",
        "5 to 10",
        "11 to 17",
        "11 to 17",
        "18 to 24",
        "18 to 24",
        "25 to 38",
        "25 to 38",
        "39 to 59",
        "39 to 59",
        "60+",
        "60+",
    ]
    assert list(length_band(pd.Series(edges))) == expected


def test_it_refuses_without_a_rated_interval_and_says_what_to_record():
    clinic = cohort(
        "patient | day | score\n a | -1 | 20", f"patient | days\n a | {ONE}"
    )
    for name in ("maintenance_lengths", "holding_interval"):
        found = estimate(name, clinic)
        assert found.status == "refused"
        assert "before each maintenance session" in found.collect
    rated = cohort(
        "patient | day | score\n a | -1 | 20\n a | 10 | 9\n a | 50 | 9",
        f"patient | days\n a | {ONE}",
    )
    assert (
        estimate("maintenance_lengths", rated).table.set_index("key").loc["all", "held"]
        == 1
    )
    assert "3 maintenance intervals" in estimate("holding_interval", rated).reason
