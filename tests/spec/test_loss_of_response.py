"""Loss of response: less than half improved again after response, shown twice, the second time 7 to
60 days later.
"""

from spec.tables import cohort, found, interval, outcomes

from kettrack.timelines.tables import state_events_table


def lost(scores, **more):
    return found("loss_of_response", cohort(scores, **more))


def test_loss_needs_a_second_high_score_at_least_a_week_later():
    assert lost("""
        patient  | day | score      # baseline 20: response is 10 or less
        lost     |  -1 | 20
        lost     |  14 |  8         # responds
        lost     |  21 | 13         # lost?
        lost     |  25 | 14         # too soon to confirm
        lost     |  30 | 12         # confirms day 21
        refuted  |  -1 | 20
        refuted  |  14 |  9
        refuted  |  21 | 12
        refuted  |  28 |  7         # well again: never lost
        waiting  |  -1 | 20
        waiting  |  14 | 10         # exactly half counts
        waiting  |  40 | 15         # nobody asked again
        held     |  -1 | 20
        held     |  14 | 10
        held     |  30 | 10         # half is still a response
        never    |  -1 | 20
        never    |  14 | 12         # nothing to lose
        never    |  30 | 18
        no_base  |  14 |  3
        no_base  |  30 | 18
        """) == {
        "lost": ("confirmed", 21, 30),
        "refuted": None,
        "waiting": ("pending", 40, None),
        "held": None,
        "never": None,
        "no_base": "no_baseline",
    }


def test_confirmation_comes_7_to_60_days_later_both_included():
    assert lost("""
        patient | day | score
        day_6   |  -1 | 20
        day_6   |  14 |  8
        day_6   |  20 | 13
        day_6   |  26 | 13         # six days: cannot confirm
        day_7   |  -1 | 20
        day_7   |  14 |  8
        day_7   |  20 | 13
        day_7   |  27 | 13
        day_60  |  -1 | 20
        day_60  |  14 |  8
        day_60  |  20 | 13
        day_60  |  80 | 13
        day_61  |  -1 | 20
        day_61  |  14 |  8
        day_61  |  20 | 13
        day_61  |  81 | 13         # too late for day 20, and itself waiting
        lacking |  -1 | 20
        lacking |  14 |  8
        lacking |  20 | 13
        lacking |  27 |            # incomplete: confirms nothing
        """) == {
        "day_6": ("pending", 20, None),
        "day_7": ("confirmed", 20, 27),
        "day_60": ("confirmed", 20, 80),
        "day_61": ("unconfirmable", 20, None),
        "lacking": ("pending", 20, None),
    }


def test_a_score_too_close_to_confirm_can_still_refute():
    assert lost("""
        patient    | day | score
        refuted    |  -1 | 20
        refuted    |  14 |  8
        refuted    |  21 | 13
        refuted    |  23 |  9        # two days later well: void
        refuted    |  30 |  9
        then_lost  |  -1 | 20
        then_lost  |  14 |  8
        then_lost  |  21 | 13
        then_lost  |  23 |  9        # refutes day 21
        then_lost  |  28 | 14        # a new loss
        then_lost  |  35 | 14
        incomplete |  -1 | 20
        incomplete |  14 |  8
        incomplete |  21 | 13
        incomplete |  23 |           # refutes nothing
        incomplete |  28 | 13
        """) == {
        "refuted": None,
        "then_lost": ("confirmed", 28, 35),
        "incomplete": ("confirmed", 21, 28),
    }


def test_a_loss_nobody_scored_again_is_pending_until_its_window_closes():
    clinic = cohort(
        scores="""
        patient   | day | score
        open      |  -1 | 20
        open      |  14 |  8
        open      |  30 | 13         # window to day 90
        closed    |  -1 | 20
        closed    |  14 |  8
        closed    |  30 | 13
        edge      |  -1 | 20
        edge      |  14 |  8
        edge      |  31 | 13         # window to day 91, log complete to day 91
        unclear   |  -1 | 20
        unclear   |  14 |  8
        unclear   |  30 | 13         # no log end: its last row is day 30
        session   |  -1 | 20
        session   |  14 |  8
        session   |  30 | 13         # a session on day 90 shows that the log went on
        blank     |  -1 | 20
        blank     |  14 |  8
        blank     |  30 | 13
        blank     |  95 |            # so does a form that was not filled in
        """,
        sessions="""
        patient | days
        open    | 0
        closed  | 0
        edge    | 0
        unclear | 0
        session | 0 90
        blank   | 0
        """,
        patients="""
        patient | observed_to_day
        open    | 84
        closed  | 98
        edge    | 91
        unclear |
        session |
        blank   |
        """,
    )
    assert found("loss_of_response", clinic) == {
        "open": ("pending", 30, None),
        "closed": ("unconfirmable", 30, None),
        "edge": ("unconfirmable", 31, None),
        "unclear": ("pending", 30, None),
        "session": ("unconfirmable", 30, None),
        "blank": ("unconfirmable", 30, None),
    }


def test_a_well_score_after_the_window_does_not_refute():
    assert lost("""
        patient | day | score
        beyond  |  -1 | 20
        beyond  |  14 |  8
        beyond  |  20 | 13
        beyond  |  81 |  6         # 61 days later: says nothing about day 20
        within  |  -1 | 20
        within  |  14 |  8
        within  |  20 | 13
        within  |  80 |  6
        lacking |  -1 | 20
        lacking |  14 |  8
        lacking |  20 | 13
        lacking |  80 |
        lacking |  81 |  6
        """) == {
        "beyond": ("unconfirmable", 20, None),
        "within": None,
        "lacking": ("unconfirmable", 20, None),
    }


def test_a_later_confirmed_loss_goes_before_an_earlier_one_that_could_not_be_confirmed():
    clinic = cohort("""
        patient | day | score
        later   |  -1 | 20
        later   |  14 |  8
        later   |  20 | 13         # unconfirmable: nothing up to day 80
        later   |  90 |  7         # well
        later   | 120 | 14
        later   | 130 | 15         # confirms day 120
        on      |  -1 | 20
        on      |  14 |  8
        on      |  20 | 13         # unconfirmable
        on      |  90 | 14
        on      | 100 |            # incomplete
        on      | 110 | 14         # confirms day 90; last known well on day 14
        waits   |  -1 | 20
        waits   |  14 |  8
        waits   |  20 | 13         # unconfirmable, and so it stays
        waits   |  90 | 14         # waiting: the earlier one is named
        """)
    assert found("loss_of_response", clinic) == {
        "later": ("confirmed", 120, 130),
        "on": ("confirmed", 90, 110),
        "waits": ("unconfirmable", 20, None),
    }
    assert interval("loss_of_response", clinic) == {
        "later": (90, 120),
        "on": (14, 90),
        "waits": (14, 20),
    }


def test_incomplete_scores_inside_a_run_count_neither_way():
    clinic = cohort("""
        patient | day | score
        lost    |  -1 | 20
        lost    |  14 |  8
        lost    |  18 |            # not known to be well
        lost    |  21 | 13
        lost    |  28 |
        lost    |  35 | 12
        held    |  -1 | 20
        held    |  14 |  8
        held    |  21 |
        held    |  28 |  9
        """)
    assert found("loss_of_response", clinic) == {
        "lost": ("confirmed", 21, 35),
        "held": None,
    }
    assert interval("loss_of_response", clinic) == {
        "lost": (14, 21),
        "held": (None, None),
    }


def test_loss_in_mcinnes_is_one_score():
    assert lost(
        """
        patient | day | score
        once    |  -1 | 20
        once    |  14 |  8
        once    |  21 | 11
        half    |  -1 | 20
        half    |  14 |  8
        half    |  21 | 10
        lacking |  -1 | 20
        lacking |  14 |  8
        lacking |  21 |
        """,
        criteria="McInnes 2022",
    ) == {"once": ("single", 21, 21), "half": None, "lacking": None}


def test_the_proof_lists_the_scores_from_the_first_to_the_confirming_one():
    clinic = cohort("""
        patient | day | score
        lost    |  -1 | 20
        lost    |  14 |  8
        lost    |  21 | 13
        lost    |  25 | 14
        lost    |  27 |            # incomplete: proves nothing
        lost    |  30 | 12
        waiting |  -1 | 20
        waiting |  14 |  8
        waiting |  40 | 15
        no_base |  14 |  3
        """)
    events = state_events_table(clinic)
    loss = events[events["event"] == "loss_of_response"].set_index("patient_id")
    assert loss["proof"].to_dict() == {
        "lost": "day 21: 13; day 25: 14; day 30: 12",
        "waiting": "day 40: 15",
    }
    assert (
        loss.loc["lost", "rule"]
        == "convention 1: percent change above -50 % (2 scores in a row, 7-60 days apart)"
    )


def test_session_and_interval_of_a_loss():
    clinic = cohort(
        scores="""
        patient | day | score
        lost    |  -1 | 20
        lost    |  14 |  8
        lost    |  28 |  9
        lost    |  42 | 13
        lost    |  49 | 13
        late    |  -1 | 20
        late    |  14 |  8
        late    |  60 | 13
        late    |  70 | 13
        kept    |  -1 | 20
        kept    |  14 |
        kept    |  15 |  8
        """,
        sessions="""
        patient | days
        lost    | 0 3 7 35
        late    | 0 3 7 35
        kept    | 0 3 7 35
        """,
    )
    columns = (
        "loss_of_response_after_day",
        "loss_of_response_day",
        "loss_of_response_session",
    )
    assert outcomes(clinic, *columns) == {
        "lost": (28, 42, 4),
        "late": (14, 60, None),
        "kept": (None, None, None),
    }
