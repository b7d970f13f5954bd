"""Which score is the baseline, what change from it means, and who is left out for which reason."""

from spec.tables import cohort, outcomes, timeline

from kettrack.vocabulary.instrument import Fact, Instrument


def test_baseline_is_the_last_score_of_the_thirty_days_up_to_the_first_session():
    clinic = cohort("""
        patient    | day | score | timing
        day_before |  -7 | 22    |
        day_before |  -1 | 20    |
        same_day   |  -1 | 22    |
        same_day   |   0 | 20    | before   # on the day of the first session, before it
        unsaid     |   0 | 19    |          # taken as before
        after_only |   0 | 12    | after    # already treated: no baseline
        both       |   0 | 21    | before
        both       |   0 | 12    | after
        day_30     | -30 | 20    |          # thirty days before still counts
        day_31     | -31 | 20    |          # thirty-one do not
        incomplete |  -7 | 20    |
        incomplete |  -1 |       |          # the form was not filled in: the one before counts
        nothing    |  14 | 8     |
        """)
    assert outcomes(clinic, "baseline", "baseline_day") == {
        "day_before": (20, -1),
        "same_day": (20, 0),
        "unsaid": (19, 0),
        "after_only": (None, None),
        "both": (21, 0),
        "day_30": (20, -30),
        "day_31": (None, None),
        "incomplete": (20, -7),
        "nothing": (None, None),
    }


SEVERAL = """
    patient  | day | score
    three    | -40 | 27      # too long ago for any rule
    three    | -20 | 24
    three    | -10 | 18
    three    |  -1 | 21
    one      |  -5 | 20
    equal    |  -9 | 22
    equal    |  -2 | 22
    equal    |  -1 |         # incomplete: no part of a mean
    bare     |   7 | 10
    """


def test_baseline_rule_last():
    assert outcomes(cohort(SEVERAL, baseline="last"), "baseline", "baseline_day") == {
        "three": (21, -1),
        "one": (20, -5),
        "equal": (22, -2),
        "bare": (None, None),
    }


def test_baseline_rule_mean():
    assert outcomes(cohort(SEVERAL, baseline="mean"), "baseline") == {
        "three": 21,
        "one": 20,
        "equal": 22,
        "bare": None,
    }


def test_baseline_rule_worst():
    assert outcomes(cohort(SEVERAL, baseline="worst"), "baseline", "baseline_day") == {
        "three": (24, -20),
        "one": (20, -5),
        "equal": (22, -2),  # of equal ones the later
        "bare": (None, None),
    }


def test_change_is_score_minus_baseline_and_only_after_the_first_session():
    clinic = cohort("""
        patient    | day | score | timing
        better     | -14 | 24    |
        better     |  -1 | 20    |
        better     |   7 | 12    |
        worse      |  -1 | 20    |
        worse      |   7 | 25    |
        same_day   |   0 | 20    | before
        same_day   |   0 | 15    | after
        incomplete |  -1 | 20    |
        incomplete |   7 |       |
        no_base    |   7 | 12    |
        """)
    assert timeline(clinic, "change") == {
        "better": [None, None, -8],
        "worse": [None, 5],
        "same_day": [None, -5],
        "incomplete": [None, None],
        "no_base": [None],
    }
    assert timeline(clinic, "percent_change") == {
        "better": [None, None, -40],
        "worse": [None, 25],
        "same_day": [None, -25],
        "incomplete": [None, None],
        "no_base": [None],
    }


def test_percent_change_is_missing_at_baseline_0():
    clinic = cohort("""
        patient   | day | score
        healthy   |  -1 | 0
        healthy   |   7 | 0
        healthy   |  14 | 3
        depressed |  -1 | 20
        depressed |   7 | 0
        """)
    assert timeline(clinic, "change") == {
        "depressed": [None, -20],
        "healthy": [None, 0, 3],
    }
    assert timeline(clinic, "percent_change") == {
        "depressed": [None, -100],
        "healthy": [None, None, None],
    }
    assert outcomes(clinic, "exclusion_reason") == {
        "depressed": None,
        "healthy": "below_caseness",
    }


def test_who_is_left_out_and_why():
    clinic = cohort(
        scores="""
        patient    | day | score
        analysed   |  -1 | 10      # a case from 10
        analysed   |   7 |  5
        no_base    |   7 |  5
        day_0      |   0 | 20
        day_0      |   7 |  9
        well       |  -1 |  9      # below 10: no case
        well       |   7 |  4
        unscored   |  -1 | 20
        incomplete |  -1 | 20
        incomplete |   7 |         # never a complete score afterwards
        earlier    |  -1 | 20
        earlier    |   7 |  5
        none_prior |  -1 | 20
        none_prior |   7 |  5
        saline     |  -1 | 20
        saline     |   7 |  5
        crossed    |  -1 | 20
        crossed    |   7 |  5
        well_saline|  -1 |  9
        well_saline|   7 |  4
        """,
        sessions="""
        patient    | days | drug
        analysed   | 0 3  | ketamine
        no_base    | 0    | ketamine
        day_0      | 0    | ketamine
        well       | 0    | ketamine
        unscored   | 0    | ketamine
        incomplete | 0    | ketamine
        earlier    | 0    | ketamine
        none_prior | 0    | ketamine
        saline     | 0 14 | placebo
        crossed    | 0    | ketamine   # saline comes second
        crossed    | 14   | placebo
        well_saline| 0    | placebo
        """,
        patients="""
        patient    | prior_sessions
        analysed   |
        earlier    | 1
        none_prior | 0
        """,
    )
    assert outcomes(clinic, "included", "exclusion_reason") == {
        "analysed": (True, None),
        "no_base": (False, "no_baseline"),
        "day_0": (True, None),
        "well": (False, "below_caseness"),
        "unscored": (False, "no_follow_up"),
        "incomplete": (False, "no_follow_up"),
        "earlier": (False, "prior_sessions"),
        "none_prior": (True, None),
        "saline": (False, "placebo"),
        "crossed": (True, None),
        "well_saline": (False, "below_caseness"),  # the first reason that applies
    }


def test_a_patient_with_sessions_and_no_score_keeps_a_row():
    clinic = cohort(
        scores="""
        patient | day | score
        scored  |  -1 | 20
        scored  |   7 | 12
        """,
        sessions="""
        patient | days
        scored  | 0
        silent  | 0 3 7
        """,
    )
    assert outcomes(
        clinic, "exclusion_reason", "n_sessions", "n_assessments", "end_day"
    ) == {
        "scored": (None, 1, 1, 7),
        "silent": ("no_baseline", 3, 0, None),
    }


def test_assessments_are_counted_and_the_last_complete_one_ends_follow_up():
    clinic = cohort("""
        patient | day | score | timing
        several |  -1 | 20    |
        several |   0 | 14    | after    # after the first session on its day: the first assessment
        several |   7 | 12    |
        several |  14 |       |          # incomplete: neither counts nor ends
        nobody  |  -1 | 20    |
        """)
    assert outcomes(clinic, "n_assessments", "end_day") == {
        "several": (2, 7),
        "nobody": (0, None),
    }


def test_where_higher_is_better_caseness_and_worst_turn_round():
    who5 = Instrument(
        name="OWN-5",
        title="well-being, percentage score",
        minimum=0,
        maximum=100,
        higher_is_worse=False,
        caseness=Fact(50, "made up for this test", "user"),
        standing="user",
    )
    clinic = cohort(
        """
        patient | day | score
        low     | -20 | 20
        low     |  -1 | 30
        low     |   7 | 60
        edge    |  -1 | 50
        edge    |   7 | 60
        well    |  -1 | 51
        well    |   7 | 60
        lacking |   7 | 60
        """,
        instrument="OWN-5",
        baseline="worst",
        user_instruments=(who5,),
    )
    assert outcomes(clinic, "baseline", "exclusion_reason") == {
        "low": (20, None),
        "edge": (50, None),
        "well": (51, "below_caseness"),
        "lacking": (None, "no_baseline"),
    }
