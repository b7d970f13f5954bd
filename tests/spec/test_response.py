"""When a patient has responded, remitted or worsened, between which days, and after how many
sessions.
"""

from spec.tables import cohort, found, interval, outcomes


def test_response_is_half_of_the_baseline_or_less():
    clinic = cohort("""
        patient  | day | score      # baseline 20: response is 10 or less
        exactly  |  -1 | 20
        exactly  |  14 | 10
        almost   |  -1 | 20
        almost   |  14 | 11
        odd      |  -1 | 21
        odd      |  14 | 11         # half of 21 is 10.5
        odd      |  21 | 10
        first    |  -1 | 20
        first    |   7 |  9
        first    |  14 |  3         # the first time counts
        lacking  |  -1 | 20
        lacking  |  14 |            # incomplete: says nothing
        lacking  |  21 |  8
        no_base  |  14 |  3
        well     |  -1 |  9         # below caseness: not rated
        well     |  14 |  0
        unscored |  -1 | 20
        """)
    assert found("response", clinic) == {
        "exactly": ("single", 14, 14),
        "almost": None,
        "odd": ("single", 21, 21),
        "first": ("single", 7, 7),
        "lacking": ("single", 21, 21),
        "no_base": "no_baseline",
        "well": "below_caseness",
        "unscored": "no_follow_up",
    }


def test_remission_is_a_score_at_the_cut_off_or_below():
    clinic = cohort("""
        patient | day | score      # PHQ-9: 4 or less
        at_4    |  -1 | 20
        at_4    |  14 |  4
        at_5    |  -1 | 20
        at_5    |  14 |  5         # a response, no remission
        lacking |  -1 | 20
        lacking |  14 |
        no_base |  14 |  0
        """)
    assert found("remission", clinic) == {
        "at_4": ("single", 14, 14),
        "at_5": None,
        "lacking": "no_follow_up",
        "no_base": "no_baseline",
    }


def test_remission_cut_off_is_the_instruments_own():
    scores = """
        patient | day | score      # MADRS: 10 or less by convention, 12 or less in SUSTAIN-1
        at_10   |  -1 | 30
        at_10   |  14 | 10
        at_12   |  -1 | 30
        at_12   |  14 | 12
        at_13   |  -1 | 30
        at_13   |  14 | 13
        """
    convention = found("remission", cohort(scores, instrument="MADRS"))
    sustain = found(
        "remission", cohort(scores, instrument="MADRS", criteria="SUSTAIN-1")
    )
    assert convention == {"at_10": ("single", 14, 14), "at_12": None, "at_13": None}
    assert sustain == {
        "at_10": ("single", 14, 14),
        "at_12": ("single", 14, 14),
        "at_13": None,
    }


def test_deterioration_is_a_rise_by_the_reliable_change():
    clinic = cohort("""
        patient | day | score      # PHQ-9: 6 points
        by_6    |  -1 | 15
        by_6    |  14 | 21
        by_5    |  -1 | 15
        by_5    |  14 | 20
        after   |  -1 | 15
        after   |  14 |  5         # responds first
        after   |  60 | 22         # and is worse than at baseline later
        lacking |  -1 | 15
        lacking |  14 |
        lacking |  21 | 27
        """)
    assert found("deterioration", clinic) == {
        "by_6": ("single", 14, 14),
        "by_5": None,
        "after": ("single", 60, 60),
        "lacking": ("single", 21, 21),
    }


def test_deterioration_in_mcinnes_is_any_rise():
    clinic = cohort(
        """
        patient | day | score
        by_1    |  -1 | 15
        by_1    |  14 | 16
        same    |  -1 | 15
        same    |  14 | 15
        lacking |  -1 | 15
        lacking |  14 |
        lacking |  21 | 15
        """,
        criteria="McInnes 2022",
    )
    assert found("deterioration", clinic) == {
        "by_1": ("single", 14, 14),
        "same": None,
        "lacking": None,
    }


def test_an_event_lies_after_the_last_score_that_showed_the_contrary():
    clinic = cohort("""
        patient  | day | score
        later    |  -1 | 20
        later    |   3 | 18
        later    |   7 | 15
        later    |  14 |  9         # between day 7 and day 14
        at_once  |  -1 | 20
        at_once  |   3 |  9         # no assessment before: the lower end is open
        gap      |  -1 | 20
        gap      |   3 | 18
        gap      |   7 |            # incomplete: shows nothing
        gap      |  14 |  9
        never    |  -1 | 20
        never    |  14 | 19
        """)
    assert interval("response", clinic) == {
        "later": (7, 14),
        "at_once": (None, 3),
        "gap": (3, 14),
        "never": (None, None),
    }


def test_session_of_an_event_is_the_number_of_sessions_before_its_score():
    clinic = cohort(
        scores="""
        patient    | day | score | timing
        between    |  -1 | 20    |
        between    |   5 |  9    |
        before     |  -1 | 20    |
        before     |   7 |  9    | before   # before the third session, on its day
        unsaid     |  -1 | 20    |
        unsaid     |   7 |  9    |          # taken as before
        after      |  -1 | 20    |
        after      |   7 |  9    | after
        first_day  |  -1 | 20    |
        first_day  |   0 |  9    | after    # hours after the first session
        never      |  -1 | 20    |
        never      |   7 | 19    |
        """,
        sessions="""
        patient   | days
        between   | 0 3 7
        before    | 0 3 7
        unsaid    | 0 3 7
        after     | 0 3 7
        first_day | 0 3 7
        never     | 0 3 7
        """,
    )
    assert outcomes(clinic, "response_session") == {
        "between": 2,
        "before": 2,
        "unsaid": 2,
        "after": 3,
        "first_day": 1,
        "never": None,
    }


def test_an_event_more_than_14_days_after_the_last_session_has_no_session_number():
    clinic = cohort(
        scores="""
        patient | day | score
        day_14  |  -1 | 20
        day_14  |  17 |  9         # fourteen days after the session of day 3
        day_15  |  -1 | 20
        day_15  |  18 |  9         # a late event: on the day axis only
        resumed |  -1 | 20
        resumed |  60 |  9         # late for day 3, not for day 50
        lacking |  -1 | 20
        lacking |  17 |
        lacking |  18 |  9
        """,
        sessions="""
        patient | days
        day_14  | 0 3
        day_15  | 0 3
        resumed | 0 3 50
        lacking | 0 3
        """,
    )
    assert outcomes(clinic, "response_day", "response_session") == {
        "day_14": (17, 2),
        "day_15": (18, None),
        "resumed": (60, 3),
        "lacking": (18, None),
    }


def test_two_sessions_on_one_day_count_twice():
    clinic = cohort(
        scores="""
        patient | day | score | timing
        twice   |  -1 | 20    |
        twice   |   7 |  9    | after
        between |  -1 | 20    |
        between |   7 |  9    | before
        """,
        sessions="""
        patient | days | order
        twice   | 0    | 1
        twice   | 7    | 1
        twice   | 7    | 2
        between | 0    | 1
        between | 7    | 1
        between | 7    | 2
        """,
    )
    assert outcomes(clinic, "response_session", "n_sessions") == {
        "twice": (3, 3),
        "between": (1, 3),
    }


def test_a_scale_without_a_response_rule_has_no_events():
    clinic = cohort(
        """
        patient | day | score
        seen    |  -1 | 20
        seen    |   1 |  0
        lacking |   1 |
        """,
        instrument="CADSS",
    )
    assert outcomes(clinic, "response_status", "remission_status") == {
        "seen": ("none", "none"),
        "lacking": ("none", "none"),
    }


def test_days_in_the_log_need_not_begin_at_the_first_session():
    clinic = cohort(
        scores="""
        patient | day | score
        shifted | 100 | 20
        shifted | 115 |  9
        lacking | 100 |
        lacking | 115 |  9
        """,
        sessions="""
        patient | days
        shifted | 101 108
        lacking | 101 108
        """,
    )
    assert outcomes(clinic, "baseline_day", "response_day", "response_session") == {
        "shifted": (-1, 14, 2),
        "lacking": (None, None, None),
    }
