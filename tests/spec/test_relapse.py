"""The illness comes back after remission: relapse, recurrence, or a return whose timing cannot be
told.

SUSTAIN-1: MADRS 22 or more at two assessments 5 to 15 days apart, or an admission, a suicide
attempt or a suicide. Remission is 12 or less. The convention defines no relapse.
"""

from dataclasses import replace

from spec.tables import cohort, found, interval, one_each, outcomes

from kettrack.timelines.tables import state_events_table
from kettrack.vocabulary.criteria import get_criteria
from kettrack.vocabulary.instruments import MADRS


def sustain(scores, **more):
    return cohort(scores, instrument="MADRS", criteria="SUSTAIN-1", **more)


def returns(clinic):
    """Patient -> (event, status, day) of what came back after remission."""
    events = state_events_table(clinic)
    return one_each(
        events[
            events["event"].isin(["relapse", "recurrence", "return_timing_unclear"])
        ],
        "event",
        "status",
        "day",
    )


def test_relapse_is_two_scores_of_22_or_more_5_to_15_days_apart():
    clinic = sustain("""
        patient  | day | score
        day_4    |  -1 | 35
        day_4    |  14 | 10
        day_4    |  28 | 25
        day_4    |  32 | 25         # four days: cannot confirm
        day_5    |  -1 | 35
        day_5    |  14 | 10
        day_5    |  28 | 25
        day_5    |  33 | 22         # exactly 22 counts
        day_15   |  -1 | 35
        day_15   |  14 | 10
        day_15   |  28 | 22
        day_15   |  43 | 25
        day_16   |  -1 | 35
        day_16   |  14 | 10
        day_16   |  28 | 25
        day_16   |  44 | 25
        at_21    |  -1 | 35
        at_21    |  14 | 10
        at_21    |  28 | 21
        at_21    |  38 | 21
        lacking  |  -1 | 35
        lacking  |  14 | 10
        lacking  |  28 | 25
        lacking  |  38 |            # incomplete
        no_remit |  -1 | 35
        no_remit |  14 | 13         # responded, never remitted: cannot relapse
        no_remit |  28 | 30
        no_remit |  38 | 30
        no_base  |  14 | 10
        """)
    assert found("relapse", clinic) == {
        "day_4": ("pending", 28, None),
        "day_5": ("confirmed", 28, 33),
        "day_15": ("confirmed", 28, 43),
        "day_16": ("unconfirmable", 28, None),
        "at_21": None,
        "lacking": ("pending", 28, None),
        "no_remit": None,
        "no_base": "no_baseline",
    }


def test_the_convention_defines_no_relapse_and_responders_only_lose_response():
    clinic = cohort(
        """
        patient | day | score
        back    |  -1 | 35
        back    |  14 | 10
        back    |  28 | 30
        back    |  38 | 30
        lacking |  14 |
        """,
        instrument="MADRS",
    )
    assert outcomes(clinic, "relapse_status", "loss_of_response_status") == {
        "back": ("none", "confirmed"),
        "lacking": ("none", "none"),
    }


def test_a_return_within_120_days_is_a_relapse_one_after_recovery_a_recurrence():
    clinic = sustain("""
        patient   | day | score      # remission on day 10: recovered with a well score from day 130
        early     |  -1 | 35
        early     |  10 | 10
        early     |  60 | 12
        early     | 110 | 12
        early     | 129 | 25         # 119 days after remission
        early     | 139 | 25
        recovered |  -1 | 35
        recovered |  10 | 10
        recovered |  60 | 12
        recovered | 100 | 12
        recovered | 130 | 12         # exactly 120 days, scored all the way
        recovered | 140 | 25
        recovered | 150 | 25
        between   |  -1 | 35
        between   |  10 | 10
        between   |  60 | 12
        between   | 110 | 12         # last known well after 100 days
        between   | 130 | 25         # ill after 120: which came first cannot be told
        between   | 140 | 25
        lacking   |  -1 | 35
        lacking   |  10 | 10
        lacking   |  60 | 12
        lacking   | 100 | 12
        lacking   | 130 |            # incomplete: does not show recovery
        lacking   | 140 | 25
        lacking   | 150 | 25
        """)
    assert returns(clinic) == {
        "early": ("relapse", "confirmed", 129),
        "recovered": ("recurrence", "confirmed", 140),
        "between": ("return_timing_unclear", "confirmed", 130),
        "lacking": ("return_timing_unclear", "confirmed", 140),
    }
    assert outcomes(clinic, "relapse_day", "recurrence_day") == {
        "early": (129, None),
        "recovered": (None, 140),
        "between": (None, None),
        "lacking": (None, None),
    }


def test_recovery_needs_scores_at_most_60_days_apart_on_the_way_to_it():
    clinic = sustain("""
        patient   | day | score      # remission on day 10
        gap_60    |  -1 | 35
        gap_60    |  10 | 10
        gap_60    |  70 | 12
        gap_60    | 130 | 12
        gap_60    | 140 | 25
        gap_60    | 150 | 25
        gap_61    |  -1 | 35
        gap_61    |  10 | 10
        gap_61    |  71 | 12         # 61 days nobody asked
        gap_61    | 131 | 12
        gap_61    | 140 | 25
        gap_61    | 150 | 25
        gap_later |  -1 | 35
        gap_later |  10 | 10
        gap_later |  70 | 12
        gap_later | 130 | 12         # recovered here
        gap_later | 230 | 12         # a gap afterwards takes nothing back
        gap_later | 240 | 25
        gap_later | 250 | 25
        gap_last  |  -1 | 35
        gap_last  |  10 | 10
        gap_last  |  70 | 12
        gap_last  | 130 | 12         # recovered here
        gap_last  | 230 | 25         # ill at the next score
        gap_last  | 240 | 25
        lacking   |  -1 | 35
        lacking   |  10 | 10
        lacking   |  40 |            # incomplete: closes no gap
        lacking   |  71 | 12
        lacking   | 131 | 12
        lacking   | 140 | 25
        lacking   | 150 | 25
        """)
    assert returns(clinic) == {
        "gap_60": ("recurrence", "confirmed", 140),
        "gap_61": ("return_timing_unclear", "confirmed", 140),
        "gap_later": ("recurrence", "confirmed", 240),
        "gap_last": ("recurrence", "confirmed", 230),
        "lacking": ("return_timing_unclear", "confirmed", 140),
    }


def test_an_ill_score_shows_no_recovery_even_when_it_could_not_be_confirmed():
    clinic = sustain("""
        patient | day | score        # remission on day 10
        ill     |  -1 | 35
        ill     |  10 | 10
        ill     |  60 | 12
        ill     | 115 | 12           # last known well after 105 days
        ill     | 135 | 25           # ill after 125 days, but the next score is 25 days off
        ill     | 160 | 25
        ill     | 170 | 25           # confirms day 160
        lacking | 10  | 10
        """)
    assert returns(clinic) == {"ill": ("return_timing_unclear", "confirmed", 160)}


def test_an_admission_or_a_suicide_attempt_after_remission_is_a_relapse_by_itself():
    clinic = sustain(
        """
        patient   | day | score
        admitted  |  -1 | 35
        admitted  |  14 | 10
        attempt   |  -1 | 35
        attempt   |  14 | 10
        unnamed   |  -1 | 35
        unnamed   |  14 | 10
        medical   |  -1 | 35
        medical   |  14 | 10
        treated   |  -1 | 35
        treated   |  14 | 10
        too_early |  -1 | 35
        too_early |  14 | 10
        same_day  |  -1 | 35
        same_day  |  14 | 10
        not_well  |  -1 | 35
        not_well  |  14 | 20
        no_base   |  14 | 10
        untouched |  -1 | 35
        untouched |  14 | 10
        """,
        events="""
        patient   | day | event            | detail
        admitted  |  40 | hospitalisation  | worsening
        attempt   |  41 | suicide_attempt  |
        unnamed   |  42 | hospitalisation  |             # no reason stated: counts
        medical   |  43 | hospitalisation  | medical     # a broken leg is no relapse
        treated   |  44 | ect              | started     # no relapse under this rule
        too_early |   5 | hospitalisation  | worsening   # before remission
        same_day  |  14 | hospitalisation  | worsening   # on the day of remission
        not_well  |  40 | hospitalisation  | worsening
        no_base   |  40 | hospitalisation  | worsening
        """,
    )
    assert found("relapse", clinic) == {
        "admitted": ("single", 40, 40),
        "attempt": ("single", 41, 41),
        "unnamed": ("single", 42, 42),
        "medical": None,
        "treated": None,
        "too_early": None,
        "same_day": None,
        "not_well": None,
        "no_base": "no_baseline",
        "untouched": None,
    }
    # the day of an admission is exact
    assert interval("relapse", clinic)["admitted"] == (39, 40)
    proof = (
        state_events_table(clinic)
        .query("event == 'relapse'")
        .set_index("patient_id")["proof"]
    )
    assert proof["attempt"] == "day 41: suicide attempt"


def test_the_first_of_scores_and_event_rows_dates_the_relapse():
    clinic = sustain(
        """
        patient     | day | score
        row_first   |  -1 | 35
        row_first   |  14 | 10
        row_first   |  28 | 25
        row_first   |  38 | 25
        score_first |  -1 | 35
        score_first |  14 | 10
        score_first |  28 | 25
        score_first |  38 | 25
        one_score   |  -1 | 35
        one_score   |  14 | 10
        one_score   |  28 | 25       # pending by itself
        twice       |  -1 | 35
        twice       |  14 | 10
        again       |  -1 | 35
        again       |  14 | 10
        lacking     |  -1 | 35
        lacking     |  14 | 10
        lacking     |  28 |
        """,
        events="""
        patient     | day | event           | detail
        row_first   |  20 | hospitalisation | worsening
        score_first |  30 | hospitalisation | worsening
        one_score   |  30 | hospitalisation | worsening
        twice       |  60 | hospitalisation | worsening
        twice       |  50 | suicide_attempt |
        again       |  10 | hospitalisation | worsening    # before remission: not this one
        again       |  50 | hospitalisation | prevention
        """,
    )
    assert found("relapse", clinic) == {
        "row_first": ("single", 20, 20),
        "score_first": ("confirmed", 28, 38),
        "one_score": ("single", 30, 30),
        "twice": ("single", 50, 50),
        "again": ("single", 50, 50),
        "lacking": None,
    }


def test_an_admission_after_recovery_is_a_recurrence_and_without_scores_its_timing_is_unclear():
    clinic = sustain(
        """
        patient   | day | score      # remission on day 10
        early     |  -1 | 35
        early     |  10 | 10
        recovered |  -1 | 35
        recovered |  10 | 10
        recovered |  70 | 12
        recovered | 130 | 12
        unscored  |  -1 | 35
        unscored  |  10 | 10
        partly    |  -1 | 35
        partly    |  10 | 10
        partly    | 130 | 12         # 120 days without a score before it
        known     |  -1 | 35
        known     |  10 | 10
        known     | 150 | 25         # back by scores already, timing unclear
        known     | 160 | 25
        lacking   |  -1 | 35
        lacking   |  10 | 10
        lacking   |  70 |
        lacking   | 130 |
        """,
        events="""
        patient   | day | event
        early     | 129 | hospitalisation
        recovered | 200 | hospitalisation
        unscored  | 130 | hospitalisation
        partly    | 200 | hospitalisation
        known     | 200 | hospitalisation
        lacking   | 200 | hospitalisation
        """,
    )
    assert returns(clinic) == {
        "early": ("relapse", "single", 129),
        "recovered": ("recurrence", "single", 200),
        "unscored": ("return_timing_unclear", "single", 130),
        "partly": ("return_timing_unclear", "single", 200),
        "known": ("return_timing_unclear", "confirmed", 150),
        "lacking": ("return_timing_unclear", "single", 200),
    }
    assert outcomes(
        clinic, "relapse_status", "recurrence_status", "recurrence_day"
    ) == {
        "early": ("single", "none", None),
        "recovered": ("none", "single", 200),
        "unscored": ("none", "none", None),
        "partly": ("none", "none", None),
        "known": ("none", "none", None),
        "lacking": ("none", "none", None),
    }


def test_an_admission_carries_the_sessions_before_its_day():
    clinic = sustain(
        """
        patient  | day | score
        soon     |  -1 | 35
        soon     |  10 | 10
        same_day |  -1 | 35
        same_day |  10 | 10
        late     |  -1 | 35
        late     |  10 | 10
        lacking  |  -1 | 35
        lacking  |  10 |
        """,
        sessions="""
        patient  | days
        soon     | 0 3 20
        same_day | 0 7 20
        late     | 0 3 20
        lacking  | 0 3 20
        """,
        events="""
        patient  | day | event
        soon     |  34 | hospitalisation      # fourteen days after the third session
        same_day |  20 | hospitalisation      # the session of that day counts as after it
        late     |  35 | hospitalisation
        lacking  |  35 | hospitalisation
        """,
    )
    assert outcomes(clinic, "relapse_session") == {
        "soon": 3,
        "same_day": 2,
        "late": None,
        "lacking": None,
    }


def test_relapse_after_a_single_infusion_is_one_score():
    clinic = cohort(
        """
        patient | day | score        # Salloum 2019: remission 10 or less, relapse 22 or more
        back    |  -1 | 35
        back    |   3 |  9
        back    |  14 | 22
        held    |  -1 | 35
        held    |   3 |  9
        held    |  14 | 21
        lacking |  -1 | 35
        lacking |   3 |  9
        lacking |  14 |
        """,
        instrument="MADRS",
        criteria="Salloum 2019",
    )
    assert found("relapse", clinic) == {
        "back": ("single", 14, 14),
        "held": None,
        "lacking": None,
    }


def test_the_second_score_dates_the_relapse_where_the_rule_says_so():
    base = get_criteria(MADRS, "SUSTAIN-1")
    rule = replace(base.relapse, run=replace(base.relapse.run, dated_at="confirming"))
    clinic = cohort(
        """
        patient | day | score        # remission on day 10
        early   |  -1 | 35
        early   |  10 | 10
        early   |  28 | 25
        early   |  38 | 25
        edge    |  -1 | 35
        edge    |  10 | 10
        edge    |  60 | 10
        edge    | 115 | 10
        edge    | 129 | 25           # the first ill score, after 119 days, shows no recovery
        edge    | 139 | 25
        waiting |  -1 | 35
        waiting |  10 | 10
        waiting |  28 | 25
        lacking |  10 | 10
        """,
        instrument="MADRS",
        criteria="second score",
        user_criteria=(
            replace(base, name="second score", relapse=rule, standing="user"),
        ),
    )
    assert returns(clinic) == {
        "early": ("relapse", "confirmed", 38),
        "edge": ("return_timing_unclear", "confirmed", 139),
        "waiting": ("relapse", "pending", 28),
    }
