"""Decision points of the first course: the history ends with the day of the session, whatever is
known later.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from spec.tables import all_of, cohort, one_each

from kettrack import load_cohort, sample_folder
from kettrack.timelines.derived import derive
from kettrack.timelines.session_days import best_known, session_days
from kettrack.timelines.tables import person_sessions_table

HISTORY = (
    "score",
    "score_age",
    "score_after",
    "previous_score",
    "mean_score",
    "n_scores",
)


def points(clinic, *columns):
    """Patient -> one tuple per decision point."""
    table = person_sessions_table(clinic)
    cells = [all_of(table, column) for column in columns]
    return {
        patient: list(zip(*(cell[patient] for cell in cells), strict=True))
        for patient in cells[0]
    }


def test_history_ends_with_the_day_of_the_session():
    clinic = cohort(
        """
        patient | day | score | timing
        visits  |  -1 | 20    |
        visits  |   3 | 16    | before   # on the day of session 2: only those who come have it
        visits  |   7 | 12    | before
        after   |  -1 | 20    |
        after   |   0 | 18    | after
        after   |   3 | 14    | after    # known by the end of the day of session 2
        remote  |  -9 | 24    |
        remote  |  -1 | 20    |
        remote  |   2 | 15    |
        remote  |   5 | 13    |
        remote  |   6 | 11    |
        bare    |  -1 | 20    |
        empty   |  -1 | 20    |
        empty   |   2 |       |          # incomplete: nothing is known
        empty   |   5 | 13    |
        """,
        """
        patient | days
        visits  | 0 3 7
        after   | 0 3
        remote  | 0 3 7
        bare    | 0 3
        empty   | 0 3 7
        """,
    )
    assert points(clinic, *HISTORY) == {
        "visits": [
            (20, 1, False, None, 20, 0),
            (16, 0, False, 20, 18, 1),
            (12, 0, False, 16, 16, 2),
        ],
        "after": [(18, 0, True, 20, 19, 1), (14, 0, True, 18, 17.333333, 2)],
        "remote": [
            (20, 1, False, None, 20, 0),
            (15, 1, False, 20, 17.5, 1),
            (11, 1, False, 13, 14.75, 3),
        ],
        "bare": [(20, 1, False, None, 20, 0), (20, 4, False, None, 20, 0)],
        "empty": [
            (20, 1, False, None, 20, 0),
            (20, 4, False, None, 20, 0),
            (13, 2, False, 20, 16.5, 1),
        ],
    }


def test_a_score_on_the_day_of_the_next_session_belongs_to_this_one_but_not_to_its_history():
    clinic = cohort(
        """
        patient | day | score | timing
        a       |  -1 | 20    |
        a       |   7 |  9    | before
        a       |   7 |  8    | after
        a       |  14 | 15    | before
        """,
        "patient | days\n a | 0 7 14",
    )
    assert points(
        clinic, "score", "session_score", "session_score_day", "session_response"
    ) == {"a": [(20, 9, 7, True), (8, 8, 7, True), (15, None, None, False)]}


def test_who_stops_is_not_looked_at_more_often_than_who_goes_on():
    """Sessions usually come every 7 days: what comes after the next was due belongs to nobody,
    unless nothing came before.
    """
    clinic = cohort(
        """
        patient | day | score | timing
        goes_on |  -1 | 20    |
        goes_on |   1 | 16    |
        goes_on |   8 | 14    |
        stops   |  -1 | 20    |
        stops   |   1 | 16    |
        stops   |   6 | 15    |
        stops   |   7 |  9    |          # the next session was due on this day
        silent  |  -1 | 20    |
        silent  |   9 | 12    |          # nothing came before: the first one counts
        silent  |  12 |  9    |          # and no other
        late    |  -1 | 20    |
        late    |  14 | 12    |
        gone    |  -1 | 20    |
        gone    |  15 | 12    |          # more than 14 days
        """,
        """
        patient | days
        goes_on | 0 7
        stops   | 0
        silent  | 0
        late    | 0
        gone    | 0
        """,
    )
    assert points(clinic, "session_score", "session_response") == {
        "goes_on": [(16, False), (14, False)],
        "stops": [(15, False)],
        "silent": [(12, False)],
        "late": [(12, False)],
        "gone": [(None, False)],
    }


def test_two_sessions_on_a_day_are_one_decision_point():
    clinic = cohort(
        "patient | day | score | timing\n a | -1 | 20 |\n a | 3 | 9 | before\n a | 3 | 8 | after",
        """
        patient | days | order | dose_mg | adverse_events | dissociation | stopped_early
        a       | 0    | 1     | 40      | none           | 3            | false
        a       | 3    | 1     | 40      | nausea         | 9            | false
        a       | 3    | 2     | 20      |                |              | true
        a       | 7    | 1     |         |                |              |
        """,
    )
    columns = (
        "session",
        "day",
        "sessions_on_day",
        "sessions_to_date",
        "dose_mg",
        "adverse",
        "dissociation",
        "stopped_early",
    )
    assert points(clinic, *columns) == {
        "a": [
            (1, 0, 1, 1, 40, False, 3, False),
            (2, 3, 2, 3, 60, True, 9, True),
            (3, 7, 1, 4, None, None, None, None),
        ]
    }
    assert points(clinic, "session_score") == {"a": [(9,), (8,), (None,)]}


def test_what_came_next_and_how_far_the_log_reaches():
    clinic = cohort(
        "patient | day | score\n planned | -1 | 20\n open | -1 | 20\n once | -1 | 20",
        """
        patient | days
        planned | 0 3 30
        open    | 0 3 40
        once    | 0
        """,
        """
        patient | planned_sessions | observed_to_day | stop_day | stop_reason
        planned | 2                | 63              |          |
        open    |                  |                 |          |
        once    | 6                | 14              | 5        | cost
        """,
    )
    columns = (
        "day",
        "last_gap",
        "next_day",
        "next_gap",
        "in_course_next",
        "is_last",
        "as_planned",
        "days_complete_after",
    )
    assert points(clinic, *columns) == {
        "planned": [
            (0, None, 3, 3, True, False, False, 63),
            (3, 3, 30, 27, False, True, True, 60),
        ],
        "open": [
            (0, None, 3, 3, True, False, False, None),
            (3, 3, 40, 37, False, True, False, None),
        ],
        "once": [(0, None, None, None, False, True, False, 14)],
    }
    assert points(clinic, "stop_reason", "recorded_stop_day")["once"] == [("cost", 5)]


def test_ect_and_tms_count_from_their_day():
    clinic = cohort(
        "patient | day | score\n a | -1 | 20\n b | -1 | 20",
        "patient | days\n a | 0 3 7\n b | 0",
        events=(
            "patient | day | event\n a | 3 | tms\n a | 5 | ect\n a | 9 | ect\n a | -2 |"
            " hospitalisation"
        ),
    )
    assert points(clinic, "ect_tms_before") == {
        "a": [(None,), (0,), (2,)],
        "b": [(None,)],
    }


def test_who_cannot_be_used_stays_with_the_reason():
    clinic = cohort(
        """
        patient  | day | score
        used     | -1  | 20
        unscored |  7  | 20
        mild     | -1  | 9
        before   | -1  | 20
        placebo  | -1  | 20
        """,
        """
        patient  | days | drug
        used     | 0    | ketamine
        unscored | 0    |
        mild     | 0    |
        before   | 0    |
        placebo  | 0    | placebo
        """,
        "patient | prior_sessions\n before | 3",
    )
    assert one_each(person_sessions_table(clinic), "excluded") == {
        "used": None,
        "unscored": "no_baseline",
        "mild": "below_caseness",
        "before": "prior_sessions",
        "placebo": "placebo",
    }


def test_who_already_meets_the_rule_is_marked():
    clinic = cohort(
        "patient | day | score\n noisy | -9 | 24\n noisy | -1 | 12\n steady | -9 | 24\n steady |"
        " -1 | 13",
        baseline="worst",
    )
    assert one_each(person_sessions_table(clinic), "response_before") == {
        "noisy": True,
        "steady": False,
    }


def test_what_comes_later_never_changes_a_history():
    """The sample's logs cut off at day 20: every row up to then says the same of scores, doses and
    side effects.
    """
    clinic = load_cohort(sample_folder())
    parts = {name: getattr(clinic, name) for name in ("sessions", "scores", "events")}
    cut = replace(
        clinic,
        **{
            name: rows[rows["day"] <= 20].reset_index(drop=True)
            for name, rows in parts.items()
        },
    )
    columns = [
        *HISTORY,
        "patient_id",
        "session",
        "day",
        "dose_mg",
        "adverse",
        "ect_tms_before",
        "excluded",
        "baseline",
    ]
    early, then = (
        person_sessions_table(each)[lambda rows: rows["day"] <= 20]
        for each in (clinic, cut)
    )
    assert len(early) > 500
    pd.testing.assert_frame_equal(
        early[columns].reset_index(drop=True), then[columns].reset_index(drop=True)
    )


def test_the_best_score_so_far_is_each_patients_own():
    clinic = cohort(
        """
        patient | day | score
        p1low   |  -1 | 20
        p1low   |   2 |  0
        p2next  |  -1 | 27      # the worst score there is, after the best
        p2next  |   2 | 27
        p3high  |  -1 | 24
        p3high  |   2 | 18
        p3high  |   6 | 21      # worse again: 18 stays the best
        p4none  |  -1 | 27      # nothing but the baseline
        p5odd   |   2 | 20      # no baseline
        """,
        """
        patient | days
        p1low   | 0 3 7
        p2next  | 0 3
        p3high  | 0 3 7
        p4none  | 0 3
        p5odd   | 0
        """,
    )
    derived = derive(clinic)
    days = session_days(derived.bucket)
    best = best_known(derived.bucket, derived.baselines, days, sign=1)
    found = {
        name: best[days.patient == place].tolist()
        for place, name in enumerate(("p1low", "p2next", "p3high", "p4none"))
    }
    assert found == {
        "p1low": [20, 0, 0],
        "p2next": [27, 27],
        "p3high": [24, 18, 18],
        "p4none": [27, 27],
    }
    assert np.isnan(best[days.patient == 4]).all()
