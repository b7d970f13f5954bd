"""Each re-induction has its own baseline; it is rated like the first course, and only once it is
over.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec.tables import cohort, plain

from kettrack import Cohort
from kettrack.analysis import estimate
from kettrack.timelines.derived import derive
from kettrack.timelines.retreatments import rated_courses

SERIES = "0 3 7 100 103 107"  # a first course, and a re-induction from day 100 to 107


def second(clinic: Cohort, *columns: str) -> dict[str, object]:
    """Patient -> cells of the first re-induction."""
    table = rated_courses(derive(clinic))
    rows = table[table["treatment"] == 2].to_dict("records")
    cells = {
        row["patient_id"]: tuple(plain(row[name]) for name in columns) for row in rows
    }
    return {
        patient: row[0] if len(columns) == 1 else row for patient, row in cells.items()
    }


def with_series(scores: str, *patients: str, observed_to: int = 200) -> Cohort:
    sessions = "patient | days\n" + "\n".join(f"{name} | {SERIES}" for name in patients)
    logs = "patient | observed_to_day\n" + "\n".join(
        f"{name} | {observed_to}" for name in patients
    )
    return cohort(scores, sessions, logs)


def test_the_baseline_of_a_re_induction_is_the_last_score_of_the_thirty_days_before_it():
    clinic = with_series(
        """
        patient    | day | score | timing
        day_before |  -1 | 24    |
        day_before |  99 | 16    |
        day_30     |  -1 | 24    |
        day_30     |  70 | 18    |          # thirty days before still counts
        day_31     |  -1 | 24    |
        day_31     |  69 | 18    |          # thirty-one do not
        same_day   |  -1 | 24    |
        same_day   | 100 | 15    | before
        after_only |  -1 | 24    |
        after_only | 100 | 12    | after    # already treated again
        incomplete |  -1 | 24    |
        incomplete |  90 | 17    |
        incomplete |  99 |       |          # not filled in: the one before counts
        no_first   |  99 | 20    |          # never scored before the first course
        """,
        "day_before",
        "day_30",
        "day_31",
        "same_day",
        "after_only",
        "incomplete",
        "no_first",
    )
    assert second(clinic, "baseline", "original_baseline") == {
        "day_before": (16, 24),
        "day_30": (18, 24),
        "day_31": (None, 24),
        "same_day": (15, 24),
        "after_only": (None, 24),
        "incomplete": (17, 24),
        "no_first": (20, None),
    }


RATED = """
    patient     | day | score | timing
    half        |  -1 | 24    |
    half        |  99 | 16    |
    half        | 103 |  8    |          # half of its own baseline, one session after
    above_half  |  -1 | 24    |
    above_half  |  99 | 16    |
    above_half  | 103 |  9    |          # not of its own, but less than half of the original
    after_third |  -1 | 24    |
    after_third |  99 | 16    |
    after_third | 107 |  8    | after
    window_14   |  -1 | 24    |
    window_14   |  99 | 16    |
    window_14   | 121 |  8    |          # 14 days after the last session
    window_15   |  -1 | 24    |
    window_15   |  99 | 16    |
    window_15   | 122 |  8    |          # 15 days: nobody scored in time
    case        |  -1 | 24    |
    case        |  99 | 10    |          # just a case
    case        | 107 |  5    |
    no_case     |  -1 | 24    |
    no_case     |  99 |  9    |
    no_case     | 107 |  4    |
    no_score    |  -1 | 24    |
    no_score    | 107 |  4    |
    incomplete  |  -1 | 24    |
    incomplete  |  99 | 16    |
    incomplete  | 107 |       |
    """
NAMES = (
    "half",
    "above_half",
    "after_third",
    "window_14",
    "window_15",
    "case",
    "no_case",
    "no_score",
    "incomplete",
)


def test_response_to_a_re_induction():
    assert second(
        with_series(RATED, *NAMES),
        "responded",
        "after_sessions",
        "from_original",
        "why_not",
    ) == {
        "half": (True, 1, True, None),
        "above_half": (False, None, True, None),
        "after_third": (True, 3, True, None),
        "window_14": (True, 3, True, None),
        "window_15": (None, None, None, "no_follow_up"),
        "case": (True, 2, True, None),
        "no_case": (None, None, None, "below_caseness"),
        "no_score": (None, None, None, "no_baseline"),
        "incomplete": (None, None, None, "no_follow_up"),
    }


def test_a_course_is_rated_only_when_it_is_over_whether_it_worked_or_not():
    scores = """
        patient  | day | score
        worked   | -1  | 20
        worked   | 99  | 20
        worked   | 103 |  5
        worked   | {0} | 20     # the last row of the log, which says no more of its end
        not_much | -1  | 20
        not_much | 99  | 20
        not_much | 103 | 15
        not_much | {0} | 20
        """
    sessions = f"patient | days\n worked | {SERIES}\n not_much | {SERIES}"
    over = second(cohort(scores.format(121), sessions), "responded", "why_not")
    assert over == {"worked": (True, None), "not_much": (False, None)}
    open_still = second(cohort(scores.format(120), sessions), "responded", "why_not")
    assert open_still == {"worked": (None, "log_ends"), "not_much": (None, "log_ends")}


def test_a_score_of_the_next_session_outside_the_course_belongs_to_that_session():
    clinic = cohort(
        """
        patient | day | score
        a       | -1  | 20
        a       | 99  | 20
        a       | 118 | 20
        a       | 120 |  5      # after the session of day 119, yet within 14 days of the series
        """,
        f"patient | days\n a | {SERIES} 119",
    )
    assert second(clinic, "responded", "n_sessions") == {"a": (False, 3)}


def test_the_summary_counts_everyone_who_came_back_and_why_some_are_not_rated():
    table = estimate("retreatment", with_series(RATED, *NAMES)).table.set_index("key")
    assert table["events"][
        ["re_induced", "rated", "below_caseness", "no_baseline", "no_follow_up"]
    ].tolist() == [9, 5, 1, 1, 2]
    assert table["events"][["again", "from_original"]].tolist() == [4, 5]
    reasons = table.loc["prior_sessions":"no_follow_up", "events"].sum()
    assert reasons + table["events"]["rated"] == table["events"]["re_induced"]
    assert table["sessions"]["again"] == 2.5


def test_both_times_the_same_rule():
    clinic = with_series(
        """
        patient | day | score
        both    | -1  | 20
        both    |  7  | 10
        both    | 99  | 20
        both    | 107 | 10
        first   | -1  | 20
        first   |  7  | 10
        first   | 99  | 20
        first   | 107 | 11
        """,
        "both",
        "first",
    )
    table = estimate("retreatment", clinic).table.set_index("key")["events"]
    assert table[["both", "first_only", "again_only", "neither"]].tolist() == [
        1,
        1,
        0,
        0,
    ]


def test_it_refuses_where_nobody_came_back_or_nobody_can_be_rated():
    nobody = estimate(
        "retreatment", cohort("patient | day | score\n a | -1 | 20\n a | 7 | 9")
    )
    assert nobody.status == "refused"
    assert "nobody had a re-induction" in nobody.reason
    unrated = estimate(
        "retreatment", with_series("patient | day | score\n a | -1 | 20", "a")
    )
    assert (unrated.status, "30 days before each re-induction" in unrated.collect) == (
        "refused",
        True,
    )


def test_treated_before_the_log_begins_is_a_reason():
    scores = "patient | day | score\n a | -1 | 20\n a | 99 | 20\n a | 107 | 8"
    sessions = f"patient | days\n a | {SERIES}"
    clinic = cohort(
        scores, sessions, "patient | observed_to_day | prior_sessions\n a | 200 | 2"
    )
    assert second(clinic, "why_not") == {"a": "prior_sessions"}


def test_rows_of_single_people_are_not_released():
    clinic = with_series(RATED, *NAMES)
    inside = estimate("retreatment_courses", clinic)
    assert len(inside.table) == len(NAMES)
    assert not set(NAMES) & set(inside.table.astype(str).to_numpy().ravel())
    outside = estimate(
        "retreatment_courses",
        replace(clinic, settings=replace(clinic.settings, policy="cms")),
    )
    assert outside.table.empty


A_DAY = st.one_of(
    st.sampled_from([-1, 69, 70, 99, 100, 103, 107, 121, 122]), st.integers(1, 200)
)
LOGS = st.dictionaries(A_DAY, st.sampled_from([4, 8, 9, 10, 16, 20]), max_size=8).map(
    lambda scores: {-2: 20} | scores
)


def clinic_of(logs: list[dict[int, int]], names: list[str]) -> Cohort:
    rows = [
        f"{name} | {day} | {score}"
        for name, log in zip(names, logs, strict=True)
        for day, score in log.items()
    ]
    return with_series("\n".join(["patient | day | score", *rows]), *names)


def rows_by_name(clinic: Cohort) -> dict[str, list[tuple[object, ...]]]:
    table = rated_courses(derive(clinic)).astype(object)
    table = table.where(table.notna(), None).replace({np.nan: None})
    return {
        str(name): [tuple(row)[1:] for row in rows.to_numpy()]
        for name, rows in table.groupby("patient_id")
    }


@pytest.mark.slow
@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    st.lists(LOGS, min_size=1, max_size=4), st.permutations(["a", "b", "c", "d"]), LOGS
)
def test_names_order_and_other_patients_change_nothing(logs, names, newcomer):
    plain_names = sorted(names)[: len(logs)]
    straight = rows_by_name(clinic_of(logs, plain_names))
    renamed = rows_by_name(clinic_of(logs, list(names)[: len(logs)]))
    assert [renamed[name] for name in names[: len(logs)]] == [
        straight[name] for name in plain_names
    ]
    grown = rows_by_name(clinic_of([newcomer, *logs], ["0_new", *plain_names]))
    assert {name: grown[name] for name in plain_names} == straight
