"""Rules that rate a patient once, from a baseline and one later score, two scales, items, or how
long a remission lasted.

A patient is said to have met the rule, not to have met it, or why it cannot be rated.
"""

import pytest
from spec.tables import cohort, said, verdicts

from kettrack import UsageError, list_presets, published_rules_table
from kettrack.vocabulary.criteria import PRESETS, criteria_for, get_criteria
from kettrack.vocabulary.instruments import HAMD17, INSTRUMENTS, MADRS, PHQ9
from kettrack.vocabulary.published_rules import published_rules
from kettrack.vocabulary.rules import Run


def test_early_improvement_is_20_percent_within_14_days():
    clinic = cohort(
        """
        patient | day | score      # baseline 20: 16 is a fifth less
        day_14  |  -1 | 20
        day_14  |   7 | 18
        day_14  |  14 | 16
        day_15  |  -1 | 20
        day_15  |   7 | 17
        day_15  |  15 | 10
        relapse |  -1 | 20
        relapse |   7 | 16         # once is enough
        relapse |  14 | 20
        lacking |  -1 | 20
        lacking |   7 |            # incomplete
        lacking |  20 |  5
        no_base |   7 |  5
        """,
        instrument="HAMD-17",
    )
    assert verdicts("early improvement", clinic) == {
        "day_14": ("met", "day 14: 16"),
        "day_15": ("not_met", "day 7: 17"),
        "relapse": ("met", "day 7: 16"),
        "lacking": ("not_scored", ""),
        "no_base": ("no_baseline", "day 7: 5"),
    }


def test_early_response_is_half_within_4_weeks_and_the_log_must_reach_that_far():
    clinic = cohort(
        """
        patient | day | score
        day_28  |  -1 | 20
        day_28  |  28 | 10
        above   |  -1 | 20
        above   |  28 | 11
        new     |  -1 | 20
        new     |  14 |  5
        lacking |  -1 | 20
        """,
        patients="""
        patient | observed_to_day
        day_28  | 28
        above   | 28
        new     | 27
        lacking | 28
        """,
    )
    assert said("early response", clinic) == {
        "day_28": "met",
        "above": "not_met",
        "new": "too_new",
        "lacking": "not_scored",
    }


def test_clinically_significant_change_is_reliable_and_crosses_the_cut_off():
    clinic = cohort("""
        patient | day | score
        crosses |  -1 | 13
        crosses |  30 |  7         # six points, and below 7.8
        short   |  -1 | 12
        short   |  30 |  7         # five points
        stays   |  -1 | 20
        stays   |  30 |  8         # reliable, but not below 7.8; below 9.91
        last    |  -1 | 20
        last    |  30 |  2
        last    |  60 | 15         # the last score counts
        lacking |  -1 | 20
        lacking |  30 |            # incomplete
        """)
    by_c = {
        "crosses": "met",
        "short": "not_met",
        "stays": "not_met",
        "last": "not_met",
        "lacking": "no_follow_up",
    }
    assert said("clinically significant change (c)", clinic) == by_c
    assert said("clinically significant change (b)", clinic) == by_c | {"stays": "met"}
    # its clinical mean is recalled
    assert said("clinically significant change (a)", clinic) == {}
    by_a = said(
        "clinically significant change (a)",
        clinic,
        ("clinically significant change (a)",),
    )
    assert by_a == by_c | {"crosses": "not_met"}


def test_pcl5_change_ends_at_28_or_less():
    clinic = cohort(
        """
        patient | day | score
        at_28   |  -1 | 43
        at_28   |  30 | 28
        at_29   |  -1 | 50
        at_29   |  30 | 29
        by_14   |  -1 | 42
        by_14   |  30 | 28
        lacking |  -1 | 42
        """,
        instrument="PCL-5",
    )
    found = said("clinically significant change (Marx)", clinic)
    assert found == {
        "at_28": "met",
        "at_29": "not_met",
        "by_14": "not_met",
        "lacking": "no_follow_up",
    }


def test_mcmillan_asks_for_9_or_less_and_half():
    clinic = cohort("""
        patient | day | score
        both    |  -1 | 18
        both    |  30 |  9
        not_low |  -1 | 24
        not_low |  30 | 10
        no_half |  -1 | 16
        no_half |  30 |  9
        lacking |  -1 | 16
        """)
    found = said("McMillan 2010", clinic)
    assert found == {
        "both": "met",
        "not_low": "not_met",
        "no_half": "not_met",
        "lacking": "no_follow_up",
    }


TWO_SCALES = """
    patient    | day | instrument | score      # case from 10 and 8; reliable: 6 and 4
    recovered  |  -1 | PHQ-9      | 15
    recovered  |  -1 | GAD-7      |  8
    recovered  |  30 | PHQ-9      |  9
    recovered  |  30 | GAD-7      |  7
    by_anxiety |  -1 | PHQ-9      |  9         # a case by GAD-7 alone
    by_anxiety |  -1 | GAD-7      | 11
    by_anxiety |  30 | PHQ-9      |  9
    by_anxiety |  30 | GAD-7      |  7
    too_little |  -1 | PHQ-9      | 14
    too_little |  -1 | GAD-7      | 10
    too_little |  30 | PHQ-9      |  9
    too_little |  30 | GAD-7      |  7
    still      |  -1 | PHQ-9      | 20
    still      |  -1 | GAD-7      | 10
    still      |  30 | PHQ-9      |  5
    still      |  30 | GAD-7      |  8
    opposed    |  -1 | PHQ-9      | 20
    opposed    |  -1 | GAD-7      | 10
    opposed    |  30 | PHQ-9      | 14
    opposed    |  30 | GAD-7      | 14
    well       |  -1 | PHQ-9      |  9
    well       |  -1 | GAD-7      |  7
    well       |  30 | PHQ-9      |  3
    well       |  30 | GAD-7      |  3
    lacking    |  -1 | PHQ-9      | 20
    lacking    |  -1 | GAD-7      | 10
    lacking    |  30 | PHQ-9      |  5
    one        |  -1 | PHQ-9      | 20
    one        |  -1 | GAD-7      | 10
    one        |  30 | PHQ-9      |  5
    one        |  30 | GAD-7      |  5
    no_anxiety |  -1 | PHQ-9      | 20
    no_anxiety |  30 | PHQ-9      |  5
"""
TWICE = "\n".join(
    ["patient | days", "one | 0"]
    + [
        f"{name} | 0 7"
        for name in (
            "recovered",
            "by_anxiety",
            "too_little",
            "still",
            "opposed",
            "well",
            "lacking",
            "no_anxiety",
        )
    ]
)


def test_nhs_recovery_improvement_and_both():
    clinic = cohort(TWO_SCALES, sessions=TWICE)
    unrated = {
        "lacking": "no_follow_up",
        "one": "few_sessions",
        "no_anxiety": "no_baseline",
    }
    recovery = {
        "recovered": "met",
        "by_anxiety": "met",
        "too_little": "met",
        "still": "not_met",
        "opposed": "not_met",
    }
    assert (
        said("NHS recovery", clinic) == recovery | {"well": "below_caseness"} | unrated
    )
    improved = {
        "recovered": "met",
        "by_anxiety": "met",
        "too_little": "not_met",
        "still": "met",
        # better by 6 on the PHQ-9, worse by 4 on the GAD-7
        "opposed": "not_met",
    }
    assert (
        said("NHS reliable improvement", clinic) == improved | {"well": "met"} | unrated
    )
    both = {
        "recovered": "met",
        "by_anxiety": "met",
        "too_little": "not_met",
        "still": "not_met",
        "opposed": "not_met",
    }
    assert (
        said("NHS reliable recovery", clinic)
        == both | {"well": "below_caseness"} | unrated
    )
    assert verdicts("NHS recovery", clinic)["recovered"][1] == "day 30: 9 | day 30: 7"


def test_nhs_deterioration_is_the_mirror_of_improvement():
    clinic = cohort(TWO_SCALES, sessions=TWICE)
    worse = "NHS reliable deterioration"
    # Worse on one scale and better on the other is neither.
    assert set(said(worse, clinic).values()) == {
        "not_met",
        "no_follow_up",
        "few_sessions",
        "no_baseline",
    }
    rose = cohort(
        """
        patient | day | instrument | score
        by_6    |  -1 | PHQ-9      | 12
        by_6    |  -1 | GAD-7      | 10
        by_6    |  30 | PHQ-9      | 18
        by_6    |  30 | GAD-7      | 10
        by_5    |  -1 | PHQ-9      | 12
        by_5    |  -1 | GAD-7      | 10
        by_5    |  30 | PHQ-9      | 17
        by_5    |  30 | GAD-7      | 13
        lacking |  -1 | PHQ-9      | 12
        """,
        sessions="""
        patient | days
        by_6    | 0 7
        by_5    | 0 7
        lacking | 0 7
        """,
    )
    assert said(worse, rose, (worse,)) == {
        "by_6": "met",
        "by_5": "not_met",
        "lacking": "no_baseline",
    }


def items(name, *weeks, baseline=20):
    """Rows of a patient: the day and the nine answers of each rating, empty = not answered."""
    first = f"{name} | -1 | {baseline} |" + " |" * 8
    rows = []
    for day, answers in weeks:
        total = "" if " " in answers else sum(map(int, answers))
        rows.append(f"{name} | {day} | {total} | " + " | ".join(answers))
    return "\n".join([first, *rows])


HEADER = "patient | day | score | " + " | ".join(
    f"item_{number}" for number in range(1, 10)
)
CALM = "000000000"
SAD = "010000000"
NO_JOY = "100000000"
TWO = "001100000"
THREE = "001110000"


def test_acnp_remission_is_three_weeks_without_core_symptoms_and_with_fewer_than_three_others():
    clinic = cohort(
        "\n".join(
            [
                HEADER,
                items("calm", (7, CALM), (14, TWO), (21, CALM)),
                items("two", (7, CALM), (14, CALM), (40, SAD)),
                items("sad", (7, CALM), (14, SAD), (21, CALM)),
                items("no_joy", (7, CALM), (14, NO_JOY), (21, CALM)),
                items("three", (7, CALM), (14, THREE), (21, CALM)),
                items("day_9", (7, CALM), (16, CALM), (25, CALM)),
                items("day_10", (7, CALM), (16, CALM), (26, CALM)),
                items("waits", (7, SAD), (14, CALM), (21, CALM)),
                items("lacking", (7, CALM), (14, "0000 0000"), (21, CALM)),
                items("no_items", (7, " " * 9)),
                "no_base | 7 | 0 | " + " | ".join(CALM),
            ]
        )
    )
    assert said("ACNP remission", clinic) == {
        "calm": "met",
        "two": "not_scored",  # nobody asked in the third week
        "sad": "too_new",  # day 21 may be the first of three
        "no_joy": "too_new",
        "three": "too_new",
        "day_9": "met",
        "day_10": "not_scored",
        "waits": "too_new",
        "lacking": "not_scored",  # two weeks between the two that are complete
        "no_items": "no_items",
        "no_base": "no_baseline",
    }


def test_acnp_recovery_is_four_months_from_the_onset_of_remission_without_relapse():
    begin = [(day, CALM) for day in (7, 14, 21, 60, 100)]
    clinic = cohort(
        "\n".join(
            [
                HEADER,
                items("day_120", *begin, (127, SAD)),  # a bad day is no relapse
                items("day_119", *begin, (126, CALM), (130, "333333333")),
                items("relapse", *begin[:4], (100, "222220000"), (127, CALM)),
                # unscored for more than 60 days
                items("lacking", *begin[:3], (82, " " * 9), (127, CALM)),
            ]
        ),
        patients="""
        patient | observed_to_day
        day_120 | 200
        day_119 | 200
        relapse | 200
        lacking | 200
        """,
    )
    assert said("ACNP recovery", clinic) == {
        "day_120": "met",
        "day_119": "not_met",
        "relapse": "not_met",
        "lacking": "not_met",
    }


def test_qids_appetite_is_told_by_whichever_of_two_items_was_answered():
    answers = dict.fromkeys(range(1, 17), "0") | {7: "", 9: ""}
    header = "patient | day | score | " + " | ".join(f"item_{item}" for item in answers)

    def rows(name, without=()):
        cells = ["" if item in without else answer for item, answer in answers.items()]
        score = "" if without else "0"
        return [
            f"{name} | -1 | 15 |" + " |" * 15,
            *(
                f"{name} | {day} | {score} | " + " | ".join(cells)
                for day in (7, 14, 21)
            ),
        ]

    clinic = cohort(
        "\n".join([header, *rows("answered"), *rows("lacking", without=(8,))]),
        instrument="QIDS-SR16",
    )
    assert said("ACNP remission", clinic) == {"answered": "met", "lacking": "no_items"}


def test_recovery_by_scores_after_4_months_or_after_6():
    clinic = cohort(
        """
        patient  | day | score      # HAMD-17: well at 7 or less, a case from 17
        well     |  -1 | 24
        well     |  10 |  7
        well     |  70 |  7
        well     | 130 |  7         # 120 days
        well     | 190 |  7
        well     | 193 |  7         # 183 days
        day_119  |  -1 | 24
        day_119  |  10 |  7
        day_119  |  70 |  7
        day_119  | 129 |  7
        mild     |  -1 | 24
        mild     |  10 |  7
        mild     |  70 | 12         # out of remission, not a case
        mild     | 130 |  7
        mild     | 190 |  7
        case     |  -1 | 24
        case     |  10 |  7
        case     |  70 | 17
        case     | 130 |  7
        lacking  |  -1 | 24
        lacking  |  10 |  7
        lacking  |  70 |            # 61 days unscored
        lacking  |  71 |  7
        lacking  | 131 |  7
        too_new  |  -1 | 24
        too_new  |  10 |  7
        """,
        instrument="HAMD-17",
        patients="\n".join(
            ["patient | observed_to_day", "too_new | 119"]
            + [
                f"{name} | 250"
                for name in ("well", "day_119", "mild", "case", "lacking")
            ]
        ),
    )
    four = {
        "well": "met",
        "day_119": "not_met",
        "mild": "met",
        "case": "not_met",
        "lacking": "not_met",
        "too_new": "too_new",
    }
    assert said("recovery, 4 months", clinic) == four
    assert said("recovery, 6 months", clinic) == four | {"mild": "not_met"}


def test_sudden_gain_is_large_relative_and_lasting():
    def scores(name, *values):
        return "\n".join(
            f"{name} | {day} | {value}"
            for day, value in zip((-1, 7, 14, 21, 28, 35), values, strict=True)
        )

    clinic = cohort(
        "\n".join(
            [
                "patient | day | score",
                scores("gain", 20, 20, 19, 8, 8, 7),
                scores("by_5", 20, 20, 19, 14, 14, 14),  # reliable change is 6
                scores("by_6", 20, 20, 20, 14, 14, 14),
                scores("share", 27, 27, 26, 20, 20, 20),  # six of 26 is not a quarter
                scores("noisy", 10, 27, 19, 8, 20, 7),  # the means do not fall
                scores("lacking", 20, 20, 19, "", 8, 7),  # the next score is incomplete
                scores("mild", 9, 9, 9, 1, 1, 1),
            ]
        )
    )
    assert said("sudden gain", clinic) == {
        "gain": "met",
        "by_5": "not_met",
        "by_6": "met",
        "share": "not_met",
        "noisy": "not_met",
        "lacking": "not_met",
        "mild": "below_caseness",
    }


def test_labelled_seconds_of_the_convention():
    confirmed, single = (
        get_criteria(PHQ9, f"convention, {word}")
        for word in ("confirmed", "single loss")
    )
    assert confirmed.response.run == confirmed.remission.run == Run(2, 7, 60)
    assert confirmed.response.predicate == get_criteria(PHQ9).response.predicate
    assert single.loss_of_response.run.count == 1
    assert single.response == get_criteria(PHQ9).response


def test_the_convention_and_the_first_presets_have_not_moved():
    rules = get_criteria(PHQ9)
    assert (
        rules.name,
        rules.version,
        rules.remission.predicate.limit,
        rules.caseness.value,
    ) == (
        "convention",
        "1",
        4,
        10,
    )
    sustain = get_criteria(MADRS, "SUSTAIN-1")
    assert (
        sustain.remission.predicate.limit,
        sustain.relapse.predicate.limit,
        sustain.relapse.run,
    ) == (12, 22, Run(2, 5, 15))


def test_every_rule_names_a_source_and_a_standing():
    presets = list_presets()
    assert presets["source"].str.len().min() > 3
    assert set(presets["standing"]) == {
        "verified",
        "computed",
        "convention",
        "recalled",
    }
    assert set(presets["kind"]) == {"criteria", "rating"}
    assert not presets.duplicated(["instrument", "name", "outcome"]).any()
    assert list_presets("MADRS")["instrument"].unique().tolist() == ["MADRS"]
    with pytest.raises(UsageError, match="No built-in instrument"):
        list_presets("MADRAS")


def test_no_recalled_rule_without_being_asked():
    for scale in INSTRUMENTS.values():
        for bundle in criteria_for(scale)[:1]:
            assert bundle.standing == "convention"
        names = [rule.name for rule in published_rules(scale)]
        assert len(names) == len(set(names))
    recalled = [bundle for bundle in PRESETS if bundle.standing != "recalled"]
    for bundle in recalled:
        rules = [
            getattr(bundle, name)
            for name in (
                "response",
                "remission",
                "loss_of_response",
                "relapse",
                "deterioration",
            )
        ]
        assert all(rule is None or rule.standing != "recalled" for rule in rules)
    with pytest.raises(UsageError, match="there are: early improvement"):
        published_rules_table(
            cohort("patient | day | score\nA | -1 | 20", instrument="HAMD-17"),
            ("late improvement",),
        )


def test_frank_keeps_recovery_six_months_away():
    assert get_criteria(HAMD17, "Frank 1991").recovery_days == 183
    assert get_criteria(HAMD17, "NCT04007367").recovery_days == 120
