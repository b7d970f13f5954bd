"""Who stands in which row of the futility sheet, and what counts as having responded later."""

from spec.tables import cohort

from kettrack.analysis.response.futility_counts import count
from kettrack.timelines.derived import derive

LONG = 300  # observed_to_day: complete for 60 days after every session below


def at(clinic, session, group):
    return count(derive(clinic))[session, group]


def test_each_person_has_one_place_at_the_landmark():
    clinic = cohort(
        """
        patient  | day | score
        little   |  -1 | 20
        little   |   6 | 17        # 15 % better after two sessions
        exactly  |  -1 | 20
        exactly  |   6 | 16        # 20 %
        nearly   |  -1 | 20
        nearly   |   6 | 11        # 45 %
        there    |  -1 | 20
        there    |   6 | 10        # half
        before   |  -1 | 20
        before   |   2 |  9        # responded after one session, and no longer
        before   |   6 | 18
        unscored |  -1 | 20
        unscored |   2 | 18
        worse    |  -1 | 20
        worse    |   6 | 25
        """,
        """
        patient  | days
        little   | 0 3 7
        exactly  | 0 3 7
        nearly   | 0 3 7
        there    | 0 3 7
        before   | 0 3 7
        unscored | 0 3 7
        worse    | 0 3 7
        """,
        "patient | observed_to_day\n"
        + "\n".join(
            f"{name} | {LONG}"
            for name in (
                "little",
                "exactly",
                "nearly",
                "there",
                "before",
                "unscored",
                "worse",
            )
        ),
    )
    below = at(clinic, 2, "below_20")
    more = at(clinic, 2, "20_to_49")
    assert (below.at_landmark, below.responded, below.unscored) == (7, 2, 1)
    # little and worse; exactly and nearly
    assert (below.in_group, more.in_group) == (2, 2)


def test_stopping_the_planned_end_and_going_on():
    clinic = cohort(
        """
        patient | day | score
        stops   |  -1 | 20
        stops   |   9 | 18
        planned |  -1 | 20
        planned |   9 | 18
        pauses  |  -1 | 20
        pauses  |   9 | 18
        on      |  -1 | 20
        on      |   6 | 18
        new     |  -1 | 20
        new     |   6 | 18
        """,
        """
        patient | days
        stops   | 0 3
        planned | 0 3
        pauses  | 0 3 40           # without a plan the course is over, but care goes on
        on      | 0 3 7
        new     | 0 3 7
        """,
        f"""
        patient | observed_to_day | planned_sessions
        stops   | {LONG}          | 6
        planned | {LONG}          | 2
        pauses  | {LONG}          |
        on      | {LONG}          | 6
        new     | 62              | 6   # complete only for 60 days after session 1
        """,
    )
    found = at(clinic, 2, "below_20")
    assert (found.at_landmark, found.in_group) == (4, 4)
    assert (found.stopped, found.completed, found.went_on) == (1, 2, 1)


def test_the_landmark_score_is_the_last_within_fourteen_days():
    clinic = cohort(
        """
        patient | day | score
        two     |  -1 | 20
        two     |   4 | 12        # 40 %, but not the last
        two     |   6 | 18
        late    |  -1 | 20
        late    |  18 | 18        # fifteen days after session 2
        edge    |  -1 | 20
        edge    |  17 | 18        # fourteen
        """,
        "patient | days\n two | 0 3 7\n late | 0 3 20\n edge | 0 3 20",
        f"patient | observed_to_day | planned_sessions\n two | {LONG} | 6\n late | {LONG} | 6\n"
        f" edge | {LONG} | 6",
    )
    found = at(clinic, 2, "below_20")
    assert (found.in_group, found.unscored) == (2, 1)


def test_later_response_confirmed_single_stopped_and_not_scored():
    clinic = cohort(
        """
        patient   | day | score
        confirmed |  -1 | 20
        confirmed |   6 | 18
        confirmed |   9 |  9       # after session 3
        confirmed |  20 |  8       # eleven days later
        once      |  -1 | 20
        once      |   6 | 18
        once      |   9 |  9
        once      |  20 | 15
        stops     |  -1 | 20
        stops     |   6 | 18
        stops     |   9 | 17
        silent    |  -1 | 20
        silent    |   6 | 18
        """,
        "patient | days\n confirmed | 0 3 7\n once | 0 3 7\n stops | 0 3 7\n silent | 0 3 7",
        "patient | observed_to_day | planned_sessions\n"
        + "\n".join(
            f"{name} | {LONG} | 6" for name in ("confirmed", "once", "stops", "silent")
        ),
    )
    later = at(clinic, 2, "below_20").later
    # events of the first session after the landmark: responded, stopped, not scored, completed,
    # scored later
    assert later["confirmed"].events.tolist() == [[1, 2, 1, 0, 0]]
    assert later["single"].events.tolist() == [[2, 1, 1, 0, 0]]


def test_nothing_seen_after_the_landmark_decides_who_is_in_a_row():
    """The same people up to day 6, with and without what followed."""
    until = """
        patient | day | score
        a       |  -1 | 20
        a       |   6 | 12
        b       |  -1 | 20
        b       |   6 | 18
        """
    after = until + " a | 20 | 5\n b | 20 | 5\n"
    sessions = "patient | days\n a | 0 3 7\n b | 0 3 7"
    patients = f"patient | observed_to_day | planned_sessions\n a | {LONG} | 6\n b | {LONG} | 6"
    for group in ("below_20", "20_to_49"):
        sizes = [
            at(cohort(scores, sessions, patients), 2, group).in_group
            for scores in (until, after)
        ]
        assert sizes == [1, 1]
