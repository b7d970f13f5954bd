"""What the reader does with rows: ranges, items, duplicates, clocks, who is kept; each rule with
its boundary.
"""

import numpy as np
import pandas as pd
import pytest

from kettrack.errors import DataProblems
from kettrack.reading.load import cohort_from_frames
from kettrack.settings import Settings


def table(text):
    """A text table with `|` between columns; an empty cell is missing."""
    rows = [
        [cell.strip() or None for cell in line.split("|")]
        for line in text.strip().splitlines()
    ]
    return pd.DataFrame(rows[1:], columns=rows[0])


ONE_PATIENT = table("patient_id | day\na | 0")


def load(
    sessions=ONE_PATIENT,
    scores="patient_id | day | instrument | score\na | 0 | PHQ-9 | 20",
    patients=None,
    events=None,
    **settings,
):
    frames = [
        table(one) if isinstance(one, str) else one
        for one in (sessions, scores, patients, events)
    ]
    return cohort_from_frames(*frames, settings=Settings(**settings))


def problems(**tables):
    with pytest.raises(DataProblems) as caught:
        load(**tables)
    return [
        (problem.line, problem.column, problem.value, problem.expected)
        for problem in caught.value.problems
    ]


def scores_of(cohort, *columns):
    return [tuple(row) for row in cohort.scores[list(columns)].itertuples(index=False)]


def said(cohort, part):
    return any(part in note for note in cohort.notes)


def test_scores_are_held_to_their_own_instrument():
    found = problems(
        scores="""
        patient_id | day | instrument       | score
        a          | 0   | PHQ-9            | 27
        a          | 1   | PHQ-9            | 28
        a          | 2   | PHQ-9            | -1
        a          | 3   | PHQ-9            | 9.5
        a          | 4   | MADRS            | 60
        a          | 5   | MADRS            | 61
        a          | 6   | PROMIS Depression| 55.9
        a          | 7   | PROMIS Depression| 24
        a          | 8   | PHQ-9            |
        """
    )
    assert found == [
        (2, "score", "'28'", "a PHQ-9 total is a whole number, 0 to 27"),
        (3, "score", "'-1'", "a PHQ-9 total is a whole number, 0 to 27"),
        (
            4,
            "score",
            "'9.5'",
            "a PHQ-9 total is a whole number. If these are prorated for missing answers, write"
            ' prorated = "round" or "keep" under [instruments.PHQ-9] in kettrack.toml',
        ),
        (6, "score", "'61'", "a MADRS total is a whole number, 0 to 60"),
        (
            8,
            "score",
            "'24'",
            "a PROMIS Depression T value is 38.2 to 81.3; not the raw sum",
        ),
    ]


def phq9(*answers, score=""):
    names = " | ".join(f"item_{number}" for number in range(1, len(answers) + 1))
    cells = " | ".join(map(str, answers))
    return f"patient_id | day | instrument | score | {names}\na | 0 | PHQ-9 | {score} | {cells}"


def test_a_total_is_computed_from_complete_items_and_counted():
    cohort = load(scores=phq9(*[2] * 9))
    assert cohort.scores["score"].tolist() == [18]
    assert said(cohort, "1 PHQ-9 total was computed from complete items")


def test_items_without_a_score_column():
    cohort = load(scores=table(phq9(*[2] * 9)).drop(columns="score"))
    assert cohort.scores["score"].tolist() == [18]


def test_an_incomplete_form_has_no_total():
    cohort = load(scores=phq9(*[2] * 8, ""))
    assert np.isnan(cohort.scores["score"][0])
    assert said(cohort, "1 PHQ-9 score was left empty because some items are missing")


def test_a_stated_total_that_disagrees_with_its_items_is_a_problem():
    assert problems(scores=phq9(*[2] * 9, score=17)) == [
        (1, "score", "'17'", "the items give 18 by the scoring rule of PHQ-9")
    ]


@pytest.mark.parametrize("stated", [17, 19])
def test_a_stated_total_stands_while_the_missing_items_leave_it_possible(stated):
    cohort = load(scores=phq9(*[2] * 8, "", score=stated))
    assert cohort.scores["score"].tolist() == [stated]
    assert said(cohort, "1 PHQ-9 stated total was kept although some items are missing")


@pytest.mark.parametrize(
    ("answers", "stated", "possible"),
    [
        ([2] * 8 + [""], 16, "from 16 to 19"),
        ([1] * 3 + [""] * 6, 3, "from 3 to 21"),
        ([0] * 8 + [""], 0, "from 0 to 3"),
    ],
)
def test_a_total_that_only_adds_up_the_items_answered_is_no_total(
    answers, stated, possible
):
    cohort = load(scores=phq9(*answers, score=stated))
    assert np.isnan(cohort.scores["score"][0])
    assert said(cohort, "1 PHQ-9 stated total was taken as missing")
    assert said(cohort, possible)


def test_an_empty_item_between_two_others_keeps_its_place():
    cohort = load(scores=phq9(3, "", *[1] * 7))
    assert np.isnan(cohort.scores["score"][0])
    # Item 9 is the ninth, though nobody answered the second.
    assert problems(scores=phq9(0, "", *[1] * 6, 4))[0][1] == "item_9"


def gad7(*rows):
    names = " | ".join(f"item_{number}" for number in range(1, 8))
    lines = [f"patient_id | day | instrument | score | {names}"]
    lines += [
        f"a | {day} | GAD-7 | {score} | {' | '.join(map(str, items))}"
        for day, (score, items) in enumerate(rows)
    ]
    return "\n".join(lines)


BLANK = [""] * 7


def test_a_total_of_0_beside_blanks_is_doubtful():
    cohort = load(scores=gad7((14, [2] * 7), (0, BLANK)), instrument="GAD-7")
    assert cohort.scores["score"].isna().tolist() == [False, True]
    assert said(cohort, "1 GAD-7 total of 0 was taken as missing because it is doubtf")


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        # other totals come without items too, so that a blank form is no rarity
        ([(14, [2] * 7), (5, BLANK), (0, BLANK)], [14, 5, 0]),
        # nobody's items are recorded: nothing is odd about a 0
        ([(14, BLANK), (0, BLANK)], [14, 0]),
        # a 0 of nine answers of 0 is a 0
        ([(14, [2] * 7), (0, [0] * 7)], [14, 0]),
    ],
)
def test_a_total_of_0_stands(rows, kept):
    cohort = load(scores=gad7(*rows), instrument="GAD-7")
    assert cohort.scores["score"].tolist() == kept


@pytest.mark.parametrize("stated", [15, 20])
def test_a_stated_total_no_missing_item_could_make_is_a_problem(stated):
    assert (
        problems(scores=phq9(*[2] * 8, "", score=stated))[0][3]
        == "no such PHQ-9 total is possible with the items given"
    )


def test_answers_beyond_the_item():
    assert problems(scores=phq9(4, *[0] * 8)) == [
        (1, "item_1", "'4'", "item 1 of PHQ-9 is 0 to 3")
    ]


def test_the_tenth_question_never_counts_and_an_eleventh_is_a_problem():
    cohort = load(scores=phq9(*[2] * 9, 3))
    assert cohort.scores["score"].tolist() == [18]
    assert list(cohort.scores.columns)[-1] == "item_9"
    assert problems(scores=phq9(*[2] * 9, 3, 1))[0][1:] == (
        "item_11",
        "'1'",
        "an empty cell, as PHQ-9 has 9 items",
    )


def test_doses():
    found = problems(
        sessions="""
        patient_id | day | drug     | dose_mg
        a          | 0   | ketamine | 0.5
        a          | 1   | ketamine | 2
        a          | 2   | placebo  | 0
        a          | 3   |          | 0.5
        a          | 4   |          | 0
        a          | 5   | ketamine | 2001
        a          | 6   | ketamine |
        """
    )
    assert [(line, value) for line, _, value, _ in found] == [
        (1, "'0.5'"),
        (4, "'0.5'"),
        (6, "'2001'"),
    ]
    assert "mg per kg" in found[0][3]


@pytest.mark.parametrize(
    "day",
    ["45000", "3651", "-3651", "2024-03-01", "20240301", "1/3/2024", "3.5", "soon"],
)
def test_days_that_are_none(day):
    assert [
        one[1]
        for one in problems(
            sessions=f"patient_id | day\na | 0\na | {day}\na | 1\na | 2\na | 3"
        )
    ] == ["day"]


def test_a_day_is_checked_before_it_is_moved():
    assert problems(
        sessions="patient_id | day\na | 45000\na | 45003",
        scores="patient_id | day | instrument | score\na | 45001 | PHQ-9 | 5",
    )


def test_days_of_dates_stop_by_the_column():
    found = problems(
        sessions="patient_id | day\na | 2024-03-01\na | 2024-03-04\nb | 2024-03-08"
    )
    assert found == [
        (
            1,
            "day",
            "(hidden)",
            (
                "looks like a calendar date (3 cells); send days counted from the first session"
                " (day 0), not dates; kettrack deidentify turns dates into days"
            ),
        )
    ]


def test_booleans():
    cohort = load(
        sessions="patient_id | day | serious\na | 0 | 1\na | 1 | 0\na | 2 | TRUE\na | 3 | "
    )
    assert cohort.sessions["serious"].tolist()[:3] == [True, False, True]
    assert cohort.sessions["serious"].isna().tolist() == [False] * 3 + [True]
    assert said(cohort, "0 and 1 are read as false and true")
    assert problems(sessions="patient_id | day | serious\na | 0 | yes")[0][1:] == (
        "serious",
        "(hidden)",
        "true or false",
    )


def test_ages():
    cohort = load(patients="patient_id | age\na | 90+")
    assert cohort.patients["age"].tolist() == [90]
    assert said(cohort, "1 age was given as 90+")
    for age in ("90", "95", "-1", "40.5", "old"):
        expected = problems(patients=f"patient_id | age\na | {age}")[0][3]
        assert (
            expected
            == "a whole number of years, 0 to 89; above that write 90+, which is read as 90"
        )


def test_adverse_events_are_a_closed_list():
    cohort = load(
        sessions=(
            "patient_id | day | adverse_events\na | 0 | vomiting; Nausea;nausea\na | 1 | none"
        )
    )
    assert cohort.sessions["adverse_events"].tolist() == ["nausea;vomiting", "none"]
    found = problems(
        sessions="patient_id | day | adverse_events\na | 0 | nausea;missed Ann Example"
    )
    assert found[0][2] == "(hidden)"


def test_identical_rows_are_dropped_and_counted():
    cohort = load(
        sessions="patient_id | day\na | 0\na | 0\na | 3",
        scores="patient_id | day | instrument | score\na | 0 | PHQ-9 | 20\na | 0 | PHQ-9 | 20",
    )
    assert (len(cohort.sessions), len(cohort.scores)) == (2, 1)
    assert cohort.exclusions.values.tolist() == [
        ["identical to an earlier row of sessions", 1, 1],
        ["identical to an earlier row of scores", 1, 1],
    ]


TWICE = """
patient_id | day | instrument | score
a          | 0   | PHQ-9      | 12
a          | 0   | PHQ-9      | 15
a          | 0   | PHQ-9      | 9
a          | 0   | PHQ-9      |
a          | 0   | MADRS      | 30
"""


@pytest.mark.parametrize(
    ("rule", "kept"), [("last", 9), ("first", 12), ("worst", 15), ("mean", 12)]
)
def test_different_scores_for_one_moment_follow_the_rule(rule, kept):
    cohort = load(scores=TWICE, duplicates=rule)
    assert scores_of(cohort, "instrument", "score") == [("MADRS", 30), ("PHQ-9", kept)]
    assert cohort.exclusions["n_rows"].tolist() == [3]


@pytest.mark.parametrize(("rule", "answer"), [("last", 1), ("first", 0), ("worst", 1)])
def test_a_yes_of_an_unfinished_form_is_no_missing_score(rule, answer):
    """Of two C-SSRS forms of one moment, a yes to 4 is not passed over because 5 is blank."""
    forms = """
        patient_id | day | instrument | item_1 | item_2 | item_3 | item_4 | item_5
        a          | 0   | C-SSRS     | 0      | 0      |        |        |
        a          | 0   | C-SSRS     | 1      | 1      | 0      | 1      |
        a          | 0   | C-SSRS     |        |        |        |        |
        """
    cohort = load(scores=forms, instrument="C-SSRS", duplicates=rule)
    assert cohort.scores["item_1"].tolist() == [answer]


def test_before_and_after_are_different_moments_and_unknown_counts_as_before():
    cohort = load(
        scores="""
        patient_id | day | instrument | score | timing
        a          | 0   | PHQ-9      | 9     | after
        a          | 0   | PHQ-9      | 20    | before
        a          | 0   | PHQ-9      | 15    |
        """
    )
    assert scores_of(cohort, "score", "timing") == [(15, "unknown"), (9, "after")]
    assert cohort.exclusions["n_rows"].tolist() == [1]
    assert "unknown counts as before" in cohort.exclusions["reason"][0]


def test_two_sessions_a_day_are_numbered():
    cohort = load(
        sessions="patient_id | day | dose_mg\na | 0 | 50\na | 0 | 40\na | 2 | 40"
    )
    assert cohort.sessions[["day", "order", "dose_mg"]].values.tolist() == [
        [0, 1, 50],
        [0, 2, 40],
        [2, 1, 40],
    ]
    assert said(cohort, "on 1 day there are several sessions")


def test_a_given_order_stands_and_a_shared_one_is_a_problem():
    cohort = load(
        sessions="patient_id | day | order | dose_mg\na | 0 | 2 | 50\na | 0 | 1 | 40"
    )
    assert cohort.sessions["dose_mg"].tolist() == [40, 50]
    assert problems(
        sessions="patient_id | day | order | dose_mg\na | 0 | 1 | 50\na | 0 | 1 | 40"
    )[0][:2] == (2, "order")


def test_two_different_rows_for_a_patient_are_a_problem():
    assert problems(patients="patient_id | age\na | 40\na | 41")[0][:2] == (
        2,
        "patient_id",
    )


def test_each_patient_starts_on_day_0_in_every_table():
    cohort = load(
        sessions="patient_id | day\nmoved | 5\nmoved | 8\nearly | -2\nright | 0",
        scores=(
            "patient_id | day | instrument | score\nmoved | 4 | PHQ-9 | 20\nearly | 0 | PHQ-9 |"
            " 20\nright | 3 | PHQ-9 | 9"
        ),
        patients=(
            "patient_id | observed_to_day | last_contact_day | stop_day\nmoved | 103 | 60 |"
            " 9\nright | 103 | 60 |"
        ),
        events="patient_id | day | event\nmoved | 20 | ect",
    )
    assert cohort.sessions[["patient_id", "day"]].values.tolist() == [
        ["early", 0],
        ["moved", 0],
        ["moved", 3],
        ["right", 0],
    ]
    assert scores_of(cohort, "patient_id", "day") == [
        ("early", 2),
        ("moved", -1),
        ("right", 3),
    ]
    patients = cohort.patients.set_index("patient_id")[
        ["observed_to_day", "last_contact_day", "stop_day"]
    ]
    # 103 - 5 is fourteen whole weeks
    assert patients.loc["moved"].tolist() == [98, 55, 4]
    assert patients.loc["right"].tolist()[:2] == [98, 60]
    assert patients.loc["early"].isna().all()
    assert cohort.events["day"].tolist() == [15]
    assert said(cohort, "Day 0 was not the first session for 2 patients")


def test_rows_of_patients_without_a_session_are_kept_out_and_counted():
    cohort = load(
        scores=(
            "patient_id | day | instrument | score\na | 0 | PHQ-9 | 20\nz | 0 | PHQ-9 | 20\nz | 9"
            " | PHQ-9 | 20"
        ),
        patients="patient_id | age\na | 40\nz | 50",
        events="patient_id | day | event\nz | 1 | ect",
    )
    assert cohort.scores["patient_id"].unique().tolist() == ["a"]
    assert cohort.patients["patient_id"].tolist() == ["a"]
    assert cohort.exclusions.values.tolist() == [
        ["scores of patients without a session", 2, 1],
        ["patients without a session", 1, 1],
        ["events of patients without a session", 1, 1],
    ]


def test_sessions_without_scores_are_kept_and_said():
    cohort = load(sessions="patient_id | day\na | 0\nb | 0")
    assert cohort.sessions["patient_id"].tolist() == ["a", "b"]
    assert said(cohort, "No score is recorded for 1 patient with sessions")


def test_a_patient_missing_from_the_patients_table_is_kept_with_nothing_known():
    cohort = load(
        sessions="patient_id | day\na | 0\nb | 0",
        patients="patient_id | age | sex\nb | 40 | female",
    )
    assert cohort.patients["patient_id"].tolist() == ["a", "b"]
    assert cohort.patients["age"].isna().tolist() == [True, False]


def test_own_instruments_are_known_to_the_reader():
    from kettrack.vocabulary.instrument import Instrument

    scale = Instrument(
        name="OWN-5",
        title="well-being",
        minimum=0,
        maximum=100,
        higher_is_worse=False,
        standing="user",
    )
    text = (
        "patient_id | day | instrument | score\na | 0 | OWN-5 | 40\na | 0 | OWN-5 | 60"
    )
    cohort = load(
        scores=text, instrument="OWN-5", user_instruments=(scale,), duplicates="worst"
    )
    assert cohort.scores["score"].tolist() == [40]


def test_tables_without_rows():
    cohort = load(
        sessions=ONE_PATIENT.iloc[:0],
        scores=table("patient_id | day | instrument | score"),
    )
    assert (len(cohort.sessions), len(cohort.scores), len(cohort.patients)) == (0, 0, 0)
