"""Scores against sessions: how many are behind a score, how long ago the last was, and in which
course.
"""

from spec.tables import cohort, timeline

SESSIONS = """
    patient | days
    one     | 0 3 7 24
    lacking | 0
    """
SCORES = """
    patient | day | score | timing
    one     |  -1 | 20    |
    one     |   0 | 20    | before
    one     |   0 | 17    | after
    one     |   2 | 16    |
    one     |   3 | 14    |          # unsaid: as before
    one     |   3 | 13    | after
    one     |  10 |       |          # incomplete: aligned all the same
    one     |  60 |  9    |
    lacking |  -1 |       |
    """


def test_sessions_to_date_are_strictly_before_the_score():
    assert timeline(cohort(SCORES, SESSIONS), "sessions_to_date") == {
        "one": [0, 0, 1, 1, 1, 2, 3, 4],
        "lacking": [0],
    }


def test_days_since_the_last_session():
    expected = {"one": [None, None, 0, 2, 3, 0, 3, 36], "lacking": [None]}
    assert timeline(cohort(SCORES, SESSIONS), "days_since_session") == expected


def test_course_is_that_of_the_last_session():
    before = [None, None]
    after = ["induction"] * 5 + ["maintenance"]
    assert timeline(cohort(SCORES, SESSIONS), "course") == {
        "one": before + after,
        "lacking": [None],
    }


def test_scores_of_one_day_stand_in_the_order_before_or_unsaid_then_after():
    assert timeline(cohort(SCORES, SESSIONS), "timing")["one"][1:6] == [
        "before",
        "after",
        "unknown",
        "unknown",
        "after",
    ]


def test_a_session_on_the_day_of_a_score_counts_only_for_a_score_after_it():
    clinic = cohort(
        scores="""
        patient | day | score | timing
        twice   |   7 |  9    | before
        twice   |   7 |  8    | after
        lacking |   7 |       | after
        """,
        sessions="""
        patient | days | order
        twice   | 0    | 1
        twice   | 7    | 1
        twice   | 7    | 2
        lacking | 0    | 1
        lacking | 7    | 1
        lacking | 7    | 2
        """,
    )
    assert timeline(clinic, "sessions_to_date") == {"twice": [1, 3], "lacking": [3]}
