"""What each score means: worse < unchanged < partial < response < remission, the best that holds,
or nothing.
"""

from spec.tables import cohort, timeline

from kettrack.timelines.tables import timeline_table


def states(scores, **more):
    return timeline(cohort(scores, **more), "state")


def test_each_score_has_one_state_the_best_that_holds():
    assert states("""
        patient | day | score  # PHQ-9, baseline 20: partial 15, response 10, remission 4; worse 26
        ladder  |  -1 | 20         # before the first session: no state
        ladder  |   1 | 26
        ladder  |   2 | 25
        ladder  |   3 | 16
        ladder  |   4 | 15
        ladder  |   5 | 11
        ladder  |   6 | 10
        ladder  |   7 |  5
        ladder  |   8 |  4         # also a response; remission is better
        ladder  |   9 |            # incomplete
        no_base |   1 |  3
        well    |  -1 |  9         # below caseness: not rated
        well    |   1 |  3
        """) == {
        "ladder": [
            None,
            "worse",
            "unchanged",
            "unchanged",
            "partial",
            "partial",
            "response",
            "response",
            "remission",
            None,
        ],
        "no_base": [None],
        "well": [None, None],
    }


def test_each_state_is_tested_by_its_own_rule():
    assert states(
        """
        patient | day | score      # MADRS: remission is 10 or less, whatever the fall
        mild    |  -1 | 20
        mild    |   1 | 12         # 40 % down: partial
        mild    |   2 | 10         # half: also remission
        low     |  -1 | 21
        low     |   1 | 11         # 48 % down
        low     |   2 |
        """,
        instrument="MADRS",
    ) == {"mild": [None, "partial", "remission"], "low": [None, "partial", None]}


def test_a_score_on_the_first_day_has_a_state_only_after_the_session():
    assert states("""
        patient | day | score | timing
        both    |   0 | 20    | before
        both    |   0 |  9    | after
        unsaid  |  -1 | 20    |
        unsaid  |   0 |  9    |          # taken as before: it is the baseline, and below caseness
        lacking |   0 | 20    | before
        lacking |   0 |       | after
        """) == {
        "both": [None, "response"],
        "unsaid": [None, None],
        "lacking": [None, None],
    }


def test_a_scale_that_rates_nothing_gives_no_states():
    assert states(
        """
        patient | day | score
        seen    |  -1 | 20
        seen    |   1 |  0
        lacking |   1 |
        """,
        instrument="CADSS",
    ) == {"seen": [None, None], "lacking": [None]}


def test_states_are_one_ordered_category():
    clinic = cohort("""
        patient | day | score
        one     |  -1 | 20
        one     |   7 | 12
        """)
    state = timeline_table(clinic)["state"]
    assert state.cat.ordered
    assert list(state.cat.categories) == [
        "worse",
        "unchanged",
        "partial",
        "response",
        "remission",
    ]
