"""Who is on the review list, and why: one table per reason, as of the day to which each patient's
log is complete.
"""

from dataclasses import replace

import pandas as pd
import pytest
from spec.tables import cohort, plain

from kettrack.analysis.people.review import (
    PARTS,
    REASONS,
    review_lines,
    review_parts,
    review_table,
    sparkline,
)
from kettrack.errors import NotIdentified, UsageError
from kettrack.timelines.as_of import as_of
from kettrack.vocabulary.criteria import convention
from kettrack.vocabulary.instruments import MADRS, PHQ9
from kettrack.vocabulary.rules import ReviewRules


def listed(clinic, reason, weeks_ago=0):
    """Patient -> (day, age in days) of the rows of one reason."""
    rows = review_table(clinic, weeks_ago)
    rows = rows[rows["reason"] == reason]
    assert rows["patient_id"].is_unique
    return {
        row["patient_id"]: (plain(row["day"]), plain(row["age_days"]))
        for row in rows.to_dict("records")
    }


def words(clinic, patient, reason):
    rows = review_table(clinic)
    return rows.loc[
        (rows["patient_id"] == patient) & (rows["reason"] == reason), "words"
    ].item()


def observed(day, *patients):
    return "patient | observed_to_day\n" + "\n".join(
        f"{name} | {day}" for name in patients
    )


def items(nine_by_day, total=9):
    """PHQ-9 rows whose ninth item is given, as `patient day answer` lines; `-` = not answered."""
    lines = ["patient | day | score | item_9"]
    for line in nine_by_day.strip().splitlines():
        patient, day, answer = line.partition("#")[0].split()
        lines.append(f"{patient} | {day} | {total} | {'' if answer == '-' else answer}")
    return "\n".join(lines)


def test_suicidality_is_listed_from_two_now_whoever_it_is():
    clinic = cohort(
        items("""
            two      0  2
            one      0  1
            three    0  3
            past     0  3
            past     7  1      # the last answer is the one that counts
            kept     0  2
            kept     7  -      # not answered: the last known answer stays in force, with its age
            stopped  0  2
            unasked  0  -
            """),
        patients="""
        patient | observed_to_day | stop_day | stop_reason
        two     | 14              |          |
        kept    | 21              |          |
        stopped | 210             | 3        | cost
        """,
    )
    assert listed(clinic, "suicidality_high") == {
        "two": (0, 14),
        "three": (0, 0),
        "kept": (0, 21),
        "stopped": (0, 210),
    }
    assert (
        words(clinic, "three", "suicidality_high")
        == "suicidality item of PHQ-9 was 3 at the last answer"
    )


def test_any_rise_of_suicidality_against_the_answer_before_or_before_treatment():
    clinic = cohort(
        items("""
            risen    0  0
            risen    7  1
            same     0  1
            same     7  1
            fallen   0  2
            fallen   7  1
            slow     0  0
            slow     7  2
            slow    14  1      # lower than last time, still above the start
            gap      0  0
            gap      7  -      # the answer before is the last known one
            gap     14  1
            once     7  3      # nothing to compare with
            old    -31  0      # not within 30 days of the first session: no start
            old      7  2
            old     14  2
            """)
    )
    assert listed(clinic, "suicidality_rise") == {
        "risen": (7, 0),
        "slow": (14, 0),
        "gap": (14, 0),
    }
    assert (
        words(clinic, "risen", "suicidality_rise")
        == "suicidality item of PHQ-9 was 1; it was 0 on day 0"
    )
    assert (
        words(clinic, "slow", "suicidality_rise")
        == "suicidality item of PHQ-9 was 1; it was 0 before treatment (day 0)"
    )


def test_cssrs_is_listed_from_intent():
    clinic = cohort("""
        patient | day | score | instrument
        intent  |   7 | 4     | C-SSRS
        ideas   |   7 | 3     | C-SSRS
        over    |   7 | 5     | C-SSRS
        over    |  14 | 0     | C-SSRS
        unclear |   7 | 4     | C-SSRS
        unclear |  14 |       | C-SSRS
        """)
    assert listed(clinic, "cssrs_high") == {"intent": (7, 0), "unclear": (7, 7)}


def test_an_unfinished_screener_is_listed_by_what_it_leaves_open():
    clinic = cohort("""
        patient | day | item_1 | item_2 | item_3 | item_4 | item_5 | item_6 | instrument
        least4  |   1 | 1      | 1      | 0      | 1      |        |        | C-SSRS
        least3  |   1 | 1      | 1      | 1      |        |        |        | C-SSRS
        skipped |   1 | 1      | 0      |        |        |        |        | C-SSRS
        over    |   1 | 1      | 1      | 0      | 1      |        |        | C-SSRS
        over    |   7 | 0      | 0      |        |        |        | 0      | C-SSRS
        acted   |   1 | 0      | 0      |        |        |        | 1      | C-SSRS
        before  |   1 | 0      | 0      |        |        |        | 1      | C-SSRS
        before  |   7 | 0      | 0      |        |        |        | 0      | C-SSRS
        """)
    assert set(listed(clinic, "cssrs_high")) == {"least4", "least3"}
    said = words(clinic, "least3", "cssrs_high")
    assert said == (
        "C-SSRS ideation was at least 3 at the last answer, and the rest is blank: intent is not"
        " ruled out"
    )
    # A yes to question 6 is listed until it is answered no.
    assert set(listed(clinic, "cssrs_behaviour")) == {"acted"}


def test_an_item_that_was_not_recorded_is_said_with_the_age_of_the_score():
    clinic = cohort(
        """
        patient | day | score | item_9 | instrument
        silent  |   0 | 9     | 0      | PHQ-9
        silent  |   7 | 9     |        | PHQ-9
        asked   |   0 | 9     | 0      | PHQ-9
        asked   |   7 |       | 1      | PHQ-9       # the total is missing, the answer is not
        other   |   7 | 9     |        | PHQ-9
        other   |   7 | 0     |        | C-SSRS      # asked on another scale the same day
        before  |   6 | 0     |        | C-SSRS
        before  |   7 | 9     |        | PHQ-9
        never   |   0 | 5     |        | GAD-7
        """,
        patients=observed(14, "silent", "asked", "other", "before", "never"),
    )
    assert listed(clinic, "suicidality_not_recorded") == {
        "silent": (7, 7),
        "before": (7, 7),
        "never": (None, None),
    }
    assert words(clinic, "silent", "suicidality_not_recorded").endswith(
        "with the last score; the last answer was 0 (PHQ-9) on day 0"
    )


LOSS = """
    patient | day | score     # baseline 20: response is 10 or less
    lost    |  -1 | 20
    lost    |  14 |  8
    lost    |  21 | 13
    lost    |  28 | 12        # confirms day 21
    waiting |  -1 | 20
    waiting |  14 | 10        # exactly half counts as response
    waiting |  28 | 11
    back    |  -1 | 20
    back    |  14 |  8
    back    |  21 | 13
    back    |  28 | 14        # lost, confirmed
    back    |  31 | 10        # responds again: nothing to review
    again   |  -1 | 20
    again   |  10 |  8
    again   |  14 | 13
    again   |  21 | 13
    again   |  24 |  8        # back
    again   |  30 | 15        # and lost a second time, waiting
    unasked |  -1 | 20
    unasked |  14 |  8
    unasked |  28 |           # incomplete: not known
    never   |  -1 | 20
    never   |  14 | 15
    no_base |  14 |  3
    no_base |  28 | 20
"""
LOSERS = ("lost", "waiting", "back", "again", "unasked", "never", "no_base")


def test_loss_of_response_is_listed_while_it_lasts():
    clinic = cohort(LOSS, patients=observed(35, *LOSERS))
    assert listed(clinic, "loss_of_response") == {
        "lost": (21, 14),
        "waiting": (28, 7),
        "again": (30, 5),
    }
    assert (
        words(clinic, "lost", "loss_of_response")
        == "response lost since day 21, confirmed on day 28; score 12, baseline 20"
    )
    assert (
        words(clinic, "waiting", "loss_of_response")
        == "response lost since day 28, not yet confirmed; score 11, baseline 20"
    )


def test_a_loss_that_can_no_longer_be_confirmed_is_unscored_instead():
    sessions = "patient | days\nopen | 0 84\nclosed | 0 84"
    scores = """
    patient | day | score
    open    |  -1 | 20
    open    |  14 |  8
    open    |  25 | 15
    closed  |  -1 | 20
    closed  |  14 |  8
    closed  |  24 | 15         # 60 days later nobody had asked again
    """
    clinic = cohort(scores, sessions, observed(84, "open", "closed"))
    assert set(listed(clinic, "loss_of_response")) == {"open"}
    assert set(listed(clinic, "no_assessment")) == {"open", "closed"}


def test_people_who_stopped_are_listed_for_safety_only():
    patients = "patient | observed_to_day | stop_day\nlost | 35 | 30\nwaiting | 70 |\nagain | 35 |"
    clinic = cohort(LOSS, patients=patients)
    # waiting had no session for 60 days
    assert set(listed(clinic, "loss_of_response")) == {"again"}
    assert "lost" in listed(clinic, "suicidality_not_recorded")


def test_relapse_by_scores_and_by_admission():
    scores = """
    patient  | day | score     # SUSTAIN-1: remission to 12, relapse twice from 22, 5-15 days apart
    relapsed |  -1 | 30
    relapsed |  14 | 12
    relapsed |  28 | 22
    relapsed |  33 | 22
    waiting  |  -1 | 30
    waiting  |  14 | 12
    waiting  |  28 | 22
    near     |  -1 | 30
    near     |  14 | 12
    near     |  28 | 21
    admitted |  -1 | 30
    admitted |  14 | 12
    admitted |  21 |           # incomplete
    medical  |  -1 | 30
    medical  |  14 | 12
    well     |  -1 | 30
    well     |  14 | 12
    well     |  34 |  8        # after the admission
    """
    events = """
    patient  | day | event           | detail
    admitted |  30 | hospitalisation | worsening
    medical  |  30 | hospitalisation | medical
    well     |  30 | suicide_attempt |
    """
    names = ("relapsed", "waiting", "near", "admitted", "medical", "well")
    clinic = cohort(
        scores,
        "",
        observed(35, *names),
        events,
        instrument="MADRS",
        criteria="SUSTAIN-1",
    )
    assert listed(clinic, "relapse") == {
        "relapsed": (28, 7),
        "waiting": (28, 7),
        "admitted": (30, 5),
    }
    assert words(clinic, "admitted", "relapse").startswith(
        "hospitalisation after remission"
    )


def test_deterioration_by_the_reliable_change():
    clinic = cohort("""
        patient  | day | score    # baseline 15; the reliable change of the PHQ-9 is 6
        worse    |  -1 | 15
        worse    |   7 | 21
        nearly   |  -1 | 15
        nearly   |   7 | 20
        over     |  -1 | 15
        over     |   7 | 22
        over     |  14 | 15
        lacking  |  -1 | 15
        lacking  |   7 |
        well     |  -1 |  9       # below caseness: not rated
        well     |   7 | 20
        """)
    assert listed(clinic, "deterioration") == {"worse": (7, 0)}


def crowd(*scores):
    """People alike: baseline 15, one score after the first session."""
    lines = [
        f"p{place:02d} | -1 | 15\np{place:02d} | 7 | {score}"
        for place, score in enumerate(scores)
    ]
    return "patient | day | score\n" + "\n".join(lines)


def test_not_on_track_is_worse_than_nine_in_ten():
    clinic = cohort(crowd(*range(1, 16), *[16] * 3, 17, 18))
    # 18 people score lower than 17, which itself counts half: 92.5 %; 16 is worse than 15 and half
    # of 3: 82.5 %
    assert listed(clinic, "not_on_track") == {"p18": (7, 0), "p19": (7, 0)}
    assert (
        words(clinic, "p18", "not_on_track")
        == "score 17 after 1 session: worse than 92 % of those who began moderately severe"
    )


@pytest.mark.parametrize(
    ("percentile", "expected"), [(92.5, {"p18", "p19"}), (92.6, {"p19"})]
)
def test_the_percentile_is_included(percentile, expected):
    assert (
        set(
            listed(
                under(
                    cohort(crowd(*range(1, 16), *[16] * 3, 17, 18)),
                    off_track_percentile=percentile,
                ),
                "not_on_track",
            )
        )
        == expected
    )


def test_fewer_than_eleven_are_no_course_to_be_off():
    assert listed(cohort(crowd(*range(1, 10), 27)), "not_on_track") == {}
    assert set(listed(cohort(crowd(*range(1, 11), 27)), "not_on_track")) == {"p10"}


def test_without_a_baseline_or_a_score_nobody_is_off_track():
    extra = "\nnobase | 7 | 27\nunscored | -1 | 15\nunscored | 7 |"
    assert "p10" in listed(cohort(crowd(*range(1, 11), 26) + extra), "not_on_track")
    assert not {"nobase", "unscored"} & set(
        listed(cohort(crowd(*range(1, 11), 26) + extra), "not_on_track")
    )


def test_unscored_for_longer_than_the_questions_look_back():
    clinic = cohort(
        """
        patient | day | score
        edge    |   7 | 9         # 14 days ago: as far as the PHQ-9 looks back
        late    |   6 | 9
        lacking |   6 | 9
        lacking |  20 |           # no total: not an assessment
        never   |   0 |
        """,
        patients=observed(21, "edge", "late", "lacking", "never"),
    )
    assert listed(clinic, "no_assessment") == {
        "late": (6, 15),
        "lacking": (6, 15),
        "never": (None, None),
    }
    assert set(listed(under(clinic, unscored_days=15), "no_assessment")) == {"never"}


def under(clinic, **rules):
    """The same clinic with thresholds of its own."""
    own = replace(
        convention(clinic.instrument), name="own", review=ReviewRules(**rules)
    )
    return replace(
        clinic, settings=replace(clinic.settings, criteria="own", user_criteria=(own,))
    )


def maintained(gaps, until, unscored=()):
    """One patient in maintenance: well at the session that ends each gap."""
    days = [0, 3, 7, 10]
    for gap in gaps:
        days.append(days[-1] + gap)
    scored = "".join(
        f"\n a | {day} | {'' if day in unscored else 5} | before" for day in days[1:]
    )
    return cohort(
        f"patient | day | score | timing\n a | -1 | 20 |{scored}",
        f"patient | days\n a | {' '.join(map(str, days))}",
        observed(days[-1] + until, "a"),
    )


def test_maintenance_is_overdue_after_the_longest_gap_that_held():
    assert listed(maintained((14, 28, 18), until=28), "maintenance_overdue") == {}
    assert listed(maintained((14, 27, 19), until=28), "maintenance_overdue") == {
        "a": (70, 28)
    }
    assert words(
        maintained((14, 27, 19), until=28), "a", "maintenance_overdue"
    ).endswith("the response has lasted 27 days between sessions so far")


def test_too_few_gaps_with_a_score_are_no_usual_gap():
    assert listed(maintained((14, 46), until=56), "maintenance_overdue") == {}
    assert (
        listed(
            maintained((14, 27, 19), until=56, unscored=(70,)), "maintenance_overdue"
        )
        == {}
    )
    assert set(
        listed(
            under(maintained((14, 46), until=56), fewest_gaps=2), "maintenance_overdue"
        )
    ) == {"a"}


def test_people_known_to_have_died_are_not_listed():
    events = "patient | day | event\n dead | 9 | death"
    clinic = cohort(
        "patient | day | score | item_9\n dead | 0 | 20 | 3\n alive | 0 | 20 | 3",
        events=events,
    )
    assert set(review_table(clinic)["patient_id"]) == {"alive"}


def test_looking_back_uses_what_was_known_then():
    clinic = cohort(
        items("early 0 0\nearly 7 3\nlate 0 3\nlate 7 0"),
        patients="""
        patient | observed_to_day | stop_day | stop_reason | last_contact_day
        early   | 21              | 9        | cost        | 20
        late    | 7               |          |             |
        """,
    )
    assert set(listed(clinic, "suicidality_high")) == {"early"}
    assert set(listed(clinic, "suicidality_high", weeks_ago=1)) == {"late", "early"}
    assert listed(clinic, "suicidality_high", weeks_ago=3) == {}
    then = as_of(clinic, 2).patients.set_index("patient_id")
    assert list(then.index) == ["early"]  # the other had not started
    assert then.loc["early", ["observed_to_day", "last_contact_day"]].tolist() == [7, 7]
    assert then.loc["early", ["stop_day", "stop_reason"]].isna().all()


def test_of_people_without_a_complete_log_nobody_knows_what_was_known_when():
    clinic = cohort(items("a 0 3\nb 0 3"), patients=observed(14, "a"))
    assert set(listed(clinic, "suicidality_high")) == {"a", "b"}
    assert set(listed(clinic, "suicidality_high", weeks_ago=1)) == {"a"}
    assert "1 patient without observed_to_day" in as_of(clinic, 1).notes[-1]
    with pytest.raises(NotIdentified, match="complete"):
        review_table(cohort(items("a 0 3")), 1)
    with pytest.raises(UsageError, match="future"):
        review_table(clinic, -1)


def test_rows_of_the_last_days_are_reviewed_though_the_log_is_floored_to_weeks():
    clinic = cohort(items("a 0 0\na 9 3"), patients=observed(7, "a"))
    assert listed(clinic, "suicidality_high") == {"a": (9, 0)}


def test_a_release_policy_refuses_the_list():
    clinic = cohort(items("a 0 3"), policy="cms")
    with pytest.raises(UsageError, match="single patients"):
        review_table(clinic)


def test_the_table_and_the_list_to_read():
    table = review_table(cohort(LOSS, patients=observed(35, *LOSERS)))
    assert list(table.columns) == [
        "patient_id",
        "urgency",
        "reason",
        "words",
        "day",
        "age_days",
        "last_scores",
    ]
    assert table["urgency"].is_monotonic_increasing
    assert [REASONS[urgency - 1] for urgency in table["urgency"]] == table[
        "reason"
    ].tolist()
    assert (
        table.loc[table["patient_id"] == "again", "last_scores"].iloc[0]
        == "▃▄▄▃▅ 8 13 13 8 15"
    )
    said = "\n".join(review_lines(table, convention(PHQ9)))
    assert (
        "Response lost (3): less than 50 % below baseline at 2 scores in a row that are 7 to 60"
        in said
    )
    assert "NaN" not in said
    assert "NA>" not in said
    assert list(review_lines(table.iloc[:0], convention(PHQ9))) == [
        "Nobody is on the review list."
    ]


def test_old_answers_stand_apart_and_nobody_is_dropped():
    clinic = cohort(
        items("""
            edge    0  2
            old     0  2
            newer   0  0
            newer   7  3
            """),
        patients="patient | observed_to_day\n edge | 14\n old | 21\n newer | 14",
    )
    said = list(review_lines(review_table(clinic), convention(PHQ9)))
    assert ": 3, 2 within 14 days, 1 older" in said[0]
    start = said.index(
        "\nSuicidal thoughts at the last answer (3, 2 within 14 days, 1 older)"
    )
    part = said[start + 1 : start + 6]
    assert [line.split()[0] for line in part] == [
        "answered",
        "newer",
        "edge",
        "older,",
        "old",
    ]
    assert "was 2 at the last answer  [day 0, 21 days ago]" in part[4]
    assert "now" not in " ".join(said)


def test_the_line_has_the_range_of_the_scale():
    assert sparkline([0.0, 27.0], 0, 27) == "▁█ 0 27"
    assert sparkline([], 0, 27) == ""


def test_an_instrument_that_rates_nothing_still_has_a_review():
    clinic = cohort("patient | day | score\n a | 0 | 5\n b | 0 |", instrument="C-SSRS")
    assert set(listed(clinic, "cssrs_high")) == {"a"}
    assert convention(MADRS).review == ReviewRules()
    assert isinstance(review_table(clinic), pd.DataFrame)


def test_on_a_page_each_person_stands_once_with_the_age_of_each_reason():
    clinic = cohort(
        items("""
            old     0  2
            risen   0  0
            risen   7  3
            """),
        patients="patient | observed_to_day\n old | 21\n risen | 14",
    )
    table = review_table(clinic)
    parts = review_parts(table)
    recent, older, _ = PARTS
    assert [person.patient for person in parts[recent]] == ["risen"]
    assert [person.patient for person in parts[older]] == ["old"]
    assert len(parts[recent][0].reasons) == (table["patient_id"] == "risen").sum() >= 2
    assert all("days ago]" in reason for reason in parts[recent][0].reasons)
    assert review_parts(table.iloc[:0]) == {}
