"""How a patient leaves the first course: the rows behind every response-by-session curve."""

import pytest
from spec.tables import cohort

from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.errors import NotIdentified
from kettrack.timelines.derived import derive

LONG = 200  # observed_to_day: complete for 60 days after every session below


def exits(clinic, event="response"):
    names = ("log ends", *CAUSES)
    table = first_course_exits(derive(clinic), event)
    return {row.patient_id: (row.step, names[row.cause]) for row in table.itertuples()}


def test_each_way_out_has_its_session():
    clinic = cohort(
        """
        patient   | day | score
        responds  |  -1 | 20
        responds  |   4 | 15
        responds  |   8 |  9         # after three sessions
        stops     |  -1 | 20
        stops     |   9 | 18         # scored two days after the last session
        unscored  |  -1 | 20
        unscored  |   2 | 18         # before the last session only
        late      |  -1 | 20
        late      |  22 |  5         # responds, but 15 days after the last session
        goes_on   |  -1 | 20
        goes_on   |   9 | 14         # then maintenance
        as_meant  |  -1 | 20
        as_meant  |   9 | 14         # three were planned
        straight  |  -1 | 20
        straight  |   2 | 18
        straight  |  16 | 17         # after a fourth session: nobody knows how it was after three
        """,
        """
        patient  | days
        responds | 0 3 7
        stops    | 0 3 7
        unscored | 0 3 7
        late     | 0 3 7
        goes_on  | 0 3 7 28 56
        as_meant | 0 3 7
        straight | 0 3 7 14 21
        """,
        f"""
        patient  | observed_to_day | planned_sessions
        responds | {LONG}          |
        stops    | {LONG}          | 6
        unscored | {LONG}          |
        late     | {LONG}          |
        goes_on  | {LONG}          |
        as_meant | {LONG}          | 3
        straight | {LONG}          | 3
        """,
    )
    assert exits(clinic) == {
        "responds": (3, "responded"),
        "stops": (3, "stopped"),
        "unscored": (3, "not_scored"),
        "late": (3, "scored_later"),
        "goes_on": (3, "completed"),
        "as_meant": (3, "completed"),
        "straight": (3, "scored_later"),
    }


def test_going_on_and_stopping_are_judged_by_the_same_sixty_days():
    clinic = cohort(
        """
        patient | day | score
        short   |  -1 | 20
        short   |   2 | 18
        short   |   9 |  5           # responds; log not complete for 60 days after
        just    |  -1 | 20
        just    |   9 |  5
        new     |  -1 | 20
        new     |   2 | 18
        told    |  -1 | 20
        told    |   9 | 18
        """,
        """
        patient | days
        short   | 0 3 7
        just    | 0 3 7
        new     | 0 3
        told    | 0 3 7
        """,
        """
        patient | observed_to_day | stop_day
        short   | 63              |            # day 3 + 60, but not day 7 + 60
        just    | 70              |
        new     | 28              |
        told    | 28              | 10         # a stop known at once would count twice
        """,
    )
    assert exits(clinic) == {
        "short": (2, "log ends"),
        "just": (3, "responded"),
        "new": (0, "log ends"),
        "told": (0, "log ends"),
    }


def test_who_is_counted():
    clinic = cohort(
        """
        patient | day | score
        case    |  -1 | 20
        no_base |   5 |  4
        well    |  -1 |  8
        before  |  -1 | 20
        silent  |  -1 | 20
        """,
        patients=f"""
        patient | observed_to_day | prior_sessions
        case    | {LONG}          | 0
        no_base | {LONG}          | 0
        well    | {LONG}          | 0
        before  | {LONG}          | 3
        silent  | {LONG}          |
        """,
    )
    assert exits(clinic) == {"case": (1, "not_scored"), "silent": (1, "not_scored")}


def test_the_plan_tells_the_first_course_and_without_one_the_gaps_do():
    clinic = cohort(
        """
        patient  | day | score
        holiday  |  -1 | 20
        holiday  |  30 |  9        # after session 4 of the six planned, a pause of 12 days behind
        no_plan  |  -1 | 20
        no_plan  |  30 |  9        # the same, but nobody wrote a plan down: over after session 2
        """,
        "patient | days\n holiday | 0 4 16 20 70 74\n no_plan | 0 4 16 20 70 74",
        "patient | observed_to_day | planned_sessions\n holiday | 200 | 6\n no_plan | 200 |",
    )
    assert exits(clinic) == {
        "holiday": (4, "responded"),
        "no_plan": (2, "scored_later"),
    }


def test_who_already_meets_the_rule_is_not_at_risk():
    clinic = cohort(
        """
        patient | day | score
        noisy   |  -9 | 24
        noisy   |  -1 | 11        # half of the worst score already
        noisy   |   2 |  9
        """,
        patients="patient | observed_to_day\n noisy | 200",
        baseline="worst",
    )
    assert exits(clinic) == {"noisy": (0, "responded")}


def test_refuses_when_no_log_says_how_far_it_reaches():
    clinic = cohort("""
        patient | day | score
        a       |  -1 | 20
        a       |   7 |  9
        """)
    with pytest.raises(NotIdentified, match="observed_to_day"):
        first_course_exits(derive(clinic))


def test_a_response_seen_too_late_for_one_session_counts_when_it_is_seen_again_after_the_next():
    """Day 17 is 17 days after session 1 and belongs to no session; day 30 is 9 days after session
    2.
    """
    clinic = cohort(
        """
        patient | day | score
        again   |  -1 | 20
        again   |  17 |  4
        again   |  30 |  5
        lapsed  |  -1 | 20
        lapsed  |  17 |  4
        lapsed  |  30 | 15
        lapsed  |  45 | 16
        """,
        "patient | days\n again | 0 21 42\n lapsed | 0 21 42",
        f"patient | observed_to_day | planned_sessions\n again | {LONG} | 3\n lapsed |"
        f" {LONG} | 3",
    )
    assert exits(clinic) == {"again": (2, "responded"), "lapsed": (3, "completed")}


def sessions_apart(gap, people=12, plan=""):
    """People who come every so many days, all of them scored."""
    scores = "".join(f"p{i} | -1 | 20\np{i} | 5 | 15\n" for i in range(people))
    days = "".join(f"p{i} | 0 {gap} {2 * gap}\n" for i in range(people))
    logs = "".join(f"p{i} | {LONG} | {plan}\n" for i in range(people))
    return cohort(
        f"patient | day | score\n{scores}",
        f"patient | days\n{days}",
        f"patient | observed_to_day | planned_sessions\n{logs}",
    )


def test_sessions_far_apart_need_a_plan_to_be_a_course():
    """Without one every course would be a single session, and completed."""
    with pytest.raises(
        NotIdentified, match="second session more than 10 days after the first"
    ):
        exits(sessions_apart(14))
    assert set(exits(sessions_apart(14, plan=3)).values()) == {(3, "not_scored")}
    assert set(exits(sessions_apart(10)).values()) == {(3, "not_scored")}
    # a few people are told as before
    assert set(exits(sessions_apart(14, people=10)).values()) == {(1, "completed")}
