"""Thoughts of suicide before and after session 1, patient by patient: one situation each."""

from dataclasses import replace

import pandas as pd
import pytest
from spec.tables import cohort, plain, read

from kettrack import derive, estimate
from kettrack.analysis.short_answers import short_answers
from kettrack.analysis.suicidality.clearance import cleared
from kettrack.analysis.suicidality.emergent import first_day, twice_in_a_row
from kettrack.analysis.suicidality.people import asked_by_scale, main_scale

# Answers to item 9 of the PHQ-9: `patient day timing answer`; - = not answered.
ANSWERS = """
    never     0 before -
    never     7 before -
    only_b   -3 before 1
    only_a    7 before 2
    same      0 before 1
    same      7 before 1
    same     14 before 1
    grew      0 before 0
    grew      7 before 1
    grew     14 before 0
    stays     0 before 0
    stays     7 before 1
    stays    14 before 2
    fell      0 before 3
    fell      7 before 1
    fell     14 before 0
    fell     21 before 0
    back      0 before 2
    back      7 before 0
    back     14 before 1
    old     -31 before 0     # not within 30 days of session 1
    old       7 before 1
    edge    -30 before 0
    edge      7 before 0
    two     -20 before 0     # two answers before session 1
    two      -1 before 1
    two       7 before 0
    sameday   0 before 1
    sameday   0 after  0     # after the session of that day
    alone     0 before 0
    alone     9 before 0
"""


def items(answers, total=9):
    lines = ["patient | day | timing | score | item_9"]
    for line in answers.strip().splitlines():
        who, day, timing, answer = line.partition("#")[0].split()
        item = "" if answer == "-" else answer
        lines.append(f"{who} | {day} | {timing} | {total} | {item}")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def clinic():
    return derive(cohort(items(ANSWERS)))


def by_patient(clinic, values):
    cells = [plain(value) for value in values]
    return dict(zip(clinic.patients["patient_id"], cells, strict=True))


def expected(text):
    """Patient -> number, or None for an empty cell; one dictionary per column."""
    table = read(text).set_index("patient")
    return {
        name: {who: plain(float(x)) if x else None for who, x in column.items()}
        for name, column in table.items()
    }


def test_what_each_person_answered(clinic):
    asked = main_scale(clinic)
    rule = expected("""
        patient | earlier | before | first | highest | last
        never   |         |        |       |         |
        only_b  |         | 1      |       |         |
        only_a  |         |        | 2     | 2       | 2
        same    |         | 1      | 1     | 1       | 1
        grew    |         | 0      | 1     | 1       | 0
        stays   |         | 0      | 1     | 2       | 2
        fell    |         | 3      | 1     | 1       | 0
        back    |         | 2      | 0     | 1       | 1
        old     |         |        | 1     | 1       | 1
        edge    |         | 0      | 0     | 0       | 0
        two     | 0       | 1      | 0     | 0       | 0
        sameday |         | 1      | 0     | 0       | 0
        alone   |         | 0      | 0     | 0       | 0
        """)
    for name, column in rule.items():
        assert by_patient(clinic, getattr(asked, name)) == column, name
    assert asked.item == "question 9 of the PHQ-9"


def test_shift_counts_everybody_once_and_the_never_asked_apart(clinic):
    table = estimate("ideation_shift", clinic).table.set_index("key")
    counts = read("""
        key         | n | rose | same | fell
        worst       | 9 | 2    | 3    | 4
        worst_0     | 4 | 2    | 2    | 0
        worst_1     | 3 | 0    | 1    | 2
        worst_2     | 1 | 0    | 0    | 1
        worst_3     | 1 | 0    | 0    | 1
        last        | 9 | 1    | 4    | 4
        first       | 9 | 2    | 3    | 4
        untreated   | 1 | 1    | 0    | 0
        """).set_index("key")
    counts = counts.astype(int)
    shown = table.loc[counts.index, list(counts.columns)].astype(int)
    pd.testing.assert_frame_equal(shown, counts, check_dtype=False)
    assert table.loc["never", "n"] == 1
    assert table.loc["only_before", "n"] == 1
    assert table.loc["only_after", "n"] == 2
    parts = ["worst", "never", "only_before", "only_after"]
    assert table.loc[parts, "n"].sum() == len(clinic.patients)
    # No answer of this scale was above 3.
    assert table.loc["worst", "answer_4"] is pd.NA
    levels = [f"answer_{level}" for level in range(4)]
    assert table.loc["worst", levels].tolist() == [4, 4, 1, 0]


def test_thoughts_that_were_not_there_before(clinic):
    asked = main_scale(clinic)
    again = by_patient(clinic, twice_in_a_row(asked))
    assert {who for who, has in again.items() if has} == {"same", "stays"}
    days = by_patient(clinic, first_day(asked, 1))
    assert (days["grew"], days["stays"], days["back"]) == (7, 7, 14)
    table = estimate("treatment_emergent_ideation", clinic).table.set_index("key")
    assert table["n"].to_dict() == {
        "emerged": 4,
        "again": 4,
        "from_threshold": 4,
        "first": 4,
        "last": 4,
        "untreated": 1,
        "not_asked": 0,
    }
    events = table["events"].dropna().astype(int)
    assert events.to_dict() == {
        "emerged": 2,
        "again": 1,
        "from_threshold": 1,
        "first": 2,
        "last": 1,
        "untreated": 1,
    }


def test_thoughts_that_went_lie_between_two_answers(clinic):
    asked = main_scale(clinic)
    people = (asked.before >= 1) & asked.asked_after
    found = cleared(asked, people)
    names = clinic.patients["patient_id"].to_numpy()[found.place]
    spells = zip(found.left, found.right, found.came_back, strict=True)
    told = {
        who: tuple(map(float, spell)) for who, spell in zip(names, spells, strict=True)
    }
    endless = float("inf")
    assert told == {
        "same": (14, endless, 0),
        "fell": (7, 14, 0),
        "back": (0, 7, 1),
        "two": (0, 7, 0),
        "sameday": (0, 0.5, 0),
    }
    again = dict(zip(names, found.answered_again, strict=True))
    assert {who for who, has in again.items() if has} == {"fell", "back"}


def test_scales_are_never_put_together():
    scores = """
    patient | day | instrument | score | item_9 | item_10
    a       | 0   | PHQ-9      | 9     | 0      |
    a       | 7   | PHQ-9      | 9     | 0      |
    a       | 0   | MADRS      | 20    |        | 1
    a       | 7   | MADRS      | 20    |        | 4
    b       | 0   | C-SSRS     | 0     |        |
    b       | 7   | C-SSRS     | 4     |        |
    """
    clinic = derive(cohort(scores))
    scales = asked_by_scale(clinic)
    assert scales[0].item == "question 9 of the PHQ-9"
    assert {asked.item for asked in scales[1:]} == {
        "question 10 of the MADRS",
        "C-SSRS ideation",
    }
    table = estimate("ideation_shift", clinic).table
    worst = table[table["key"].str.fullmatch(r"(scale\d_)?worst")]
    rose = dict(zip(worst["scale"], worst["rose"], strict=True))
    assert rose == {
        "question 9 of the PHQ-9": 0,
        "question 10 of the MADRS": 1,
        "C-SSRS ideation": 1,
    }
    # Both were asked by some scale.
    assert table.set_index("key").loc["never", "n"] == 0


def test_a_form_with_blanks_is_a_yes_or_tells_nothing():
    scores = """
    patient | day | instrument | score | item_1 | item_2 | item_3 | item_4 | item_5
    yes     | 0   | C-SSRS     |       | 1      |        |        |        |
    open    | 0   | C-SSRS     |       | 0      |        |        |        |
    no      | 0   | C-SSRS     |       | 0      | 0      |        |        |
    """
    clinic = derive(cohort(scores, instrument="PHQ-9"))
    before = by_patient(clinic, main_scale(clinic).before)
    assert before == {"yes": 1, "open": None, "no": 0}


def test_nobody_asked_is_said():
    scores = "patient | day | score\na | 0 | 9\na | 7 | 9\nb | 0 | 3"
    clinic = cohort(scores)
    for name in (
        "ideation_shift",
        "treatment_emergent_ideation",
        "treatment_emergent_ideation_by_week",
        "ideation_clearance",
    ):
        result = estimate(name, clinic)
        assert result.status == "refused"
        assert "nobody was asked" in result.text
    text = estimate("suicidality_in_short", clinic).text
    assert text.startswith("2 of 2 people were never asked by any scale.")
    assert "Attempts and admissions cannot be told" in text


# ---- attempts and admissions

EVENTS = """
    patient | day | event           | detail
    before  | -5  | suicide_attempt |
    during  | 3   | suicide_attempt |
    during  | 4   | hospitalisation | prevention
    last    | 7   | hospitalisation | worsening    # day of the last session of the course
    after   | 8   | hospitalisation | worsening
    after   | 20  | hospitalisation | worsening
    medical | 20  | hospitalisation | medical
    died    | 10  | suicide         |
    endless | 3   | suicide_attempt |              # no end of the log
    """


def test_events_by_phase_and_the_days_they_are_divided_by():
    people = ("before", "during", "last", "after", "medical", "died", "endless")
    sessions = "patient | days\n" + "\n".join(f"{who} | 0 7" for who in people)
    ends = dict.fromkeys(people, 28) | {"died": 28, "endless": ""}
    patients = "patient | observed_to_day | planned_sessions\n" + "\n".join(
        f"{who} | {day} | 2" for who, day in ends.items()
    )
    clinic = cohort("patient | day | score\nafter | 0 | 9", sessions, patients, EVENTS)
    table = estimate("attempts_and_admissions", clinic).table.set_index("key")
    # 29 days each, to the end of the log and not past a death: 5 x 29 + 11.
    assert table.loc["attempt", "person_years"] == pytest.approx(156 / 365.25)
    assert table.loc["attempt_during", "person_years"] == pytest.approx(48 / 365.25)
    assert table.loc["attempt_after", "person_years"] == pytest.approx(108 / 365.25)
    told = {key: (row["events"], row["people"]) for key, row in table.iterrows()}
    assert told == {
        "attempt": (1, 1),
        "attempt_during": (1, 1),
        "attempt_after": (0, 0),
        "attempt_before": (1, 1),
        "suicide": (1, 1),
        "suicide_during": (0, 0),
        "suicide_after": (1, 1),
        "death": (0, 0),
        "death_during": (0, 0),
        "death_after": (0, 0),
        "psychiatric": (4, 3),
        "psychiatric_during": (2, 2),
        "psychiatric_after": (2, 1),
        "admission": (5, 4),
        "admission_during": (2, 2),
        "admission_after": (3, 2),
        "attempt_no_end": (1, 1),
    }
    assert pd.isna(table.loc["attempt_no_end", "estimate"])
    assert pd.isna(table.loc["attempt_before", "estimate"])


def test_somebody_dies_once_and_a_death_stands_beside_the_other_harm():
    """A death and its cause are one death; a row that lies after it is said to be left out."""
    people = ("both", "later", "other", "twice")
    sessions = "patient | days\n" + "\n".join(f"{who} | 0 7" for who in people)
    patients = "patient | observed_to_day | planned_sessions\n" + "\n".join(
        f"{who} | 28 | 2" for who in people
    )
    events = """
        patient | day | event           | detail
        both    | 20  | death           |
        both    | 20  | suicide         |
        later   | 10  | death           |
        later   | 12  | suicide         |      # written down two days on
        other   | 15  | death           |
        twice   | 15  | death           | medical
        twice   | 15  | death           |
        other   | 18  | suicide_attempt |      # after the death
        """
    clinic = cohort("patient | day | score\nother | 0 | 9", sessions, patients, events)
    found = estimate("attempts_and_admissions", clinic)
    counts = found.table.set_index("key")["events"]
    assert counts[["attempt", "suicide", "death"]].tolist() == [0, 2, 2]
    assert "2 people died by suicide. 2 people died of another" in found.text
    # the second row of `later`, and the attempt of `other`
    assert any(
        text.startswith("Not counted: 2 rows of events") for text in found.caveats
    )
    short = estimate("suicidality_in_short", clinic)
    died = short.table.set_index("key")["events"][["suicide", "death"]]
    assert died.tolist() == [2, 2]
    assert "2 people died by suicide." in short.text
    harm = next(answer for answer in short_answers(clinic) if answer.key == "harm")
    assert harm.sentence.endswith(
        "2 deaths by suicide, 2 deaths of another or unknown cause."
    )


NO_END_EVENTS = """
    patient | day | event           | detail
    open    | -3  | suicide_attempt |
    open    | 3   | suicide_attempt |
    open    | 4   | hospitalisation | worsening
    gone    | 9   | suicide         |
    """


def _without_ends(*known):
    """Two people whose log has no end, and others."""
    people = ("open", "gone", *known)
    patients = "patient | observed_to_day\n" + "\n".join(
        f"{who} | {100 if who in known else ''}" for who in people
    )
    scores = "patient | day | score\n" + "\n".join(f"{who} | 0 | 9" for who in people)
    return cohort(scores, events=NO_END_EVENTS, patients=patients)


def test_events_of_people_whose_log_has_no_end_are_told_beside_the_rate_of_the_others():
    clinic = _without_ends("followed")
    told = (
        "Not in these numbers: 2 people whose log does not say to which day it is complete."
        " Recorded of them: suicide attempt 1, psychiatric admission 1, death by suicide 1."
    )
    short = estimate("suicidality_in_short", clinic)
    assert short.text.endswith(told)
    # The zero is one of the others, and says so.
    assert (
        "of people whose log has an end, no suicide attempt was recorded" in short.text
    )
    harm = next(answer for answer in short_answers(clinic) if answer.key == "harm")
    assert harm.sentence.endswith(told)
    whole = estimate("attempts_and_admissions", clinic)
    assert "Recorded of them: suicide attempt 1, death by suicide 1," in whole.text


def test_what_was_recorded_is_told_where_no_log_has_an_end():
    short = estimate("suicidality_in_short", _without_ends())
    assert "cannot be told: no log says to which day it is complete" in short.text
    assert "death by suicide 1." in short.text


def test_a_release_says_that_such_events_were_recorded_and_not_how_many():
    known = _without_ends("followed")
    clinic = replace(known, settings=replace(known.settings, policy="midpoint6"))
    short = estimate("suicidality_in_short", clinic)
    assert "Some were recorded." in short.text
    assert not short.table["key"].str.endswith("_no_end").any()


def test_no_events_at_all_is_not_none():
    patients = "patient | observed_to_day\na | 100"
    clinic = cohort("patient | day | score\na | 0 | 9", patients=patients)
    result = estimate("attempts_and_admissions", clinic)
    assert result.status == "refused"
    assert "cannot tell none from not recorded" in result.text
