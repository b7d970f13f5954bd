"""What `check` says of a cohort that can be read and still lacks something: no errors, no counts
under a release policy.
"""

from __future__ import annotations

import pytest
from spec.tables import cohort

from kettrack import Cohort
from kettrack.reading.completeness import missing_information

SCORES = (
    "patient | day | score | item_9\n a | -1 | 20 | 1\n a | 7 | 9 | 0\n b | -1 | 20 | 1\n b | 20"
    " | 9 | 0"
)
PATIENTS = "patient | observed_to_day | planned_sessions | stop_day"


def lacks(read: Cohort) -> list[str]:
    """What is missing, but for the columns that these small tables never have."""
    return [
        said
        for said in missing_information(read)
        if not said.startswith("Also recorded for nobody")
    ]


def test_nothing_to_say_of_a_whole_log() -> None:
    assert (
        lacks(cohort(SCORES, patients=f"{PATIENTS}\n a | 70 | 6 | \n b | 70 | 6 | 3"))
        == []
    )


def test_missing_columns_say_what_will_be_refused_and_how_to_record_them() -> None:
    said = lacks(cohort("patient | day | score\n a | 7 | 9"))
    assert [line.split(" ")[0] for line in said] == [
        "observed_to_day",
        "There",
        "planned_sessions",
        "item_9",
    ]
    assert "missing for every patient" in said[0]
    assert "These questions are refused: response" in said[0]
    assert "Record in patients.csv the last day" in said[0]


def test_some_missing_is_counted_unless_counts_are_hidden() -> None:
    patients = f"{PATIENTS}\n a | 70 | 6 | \n b | | 6 | "
    assert "missing for 1 of 2 patients" in lacks(cohort(SCORES, patients=patients))[0]
    hidden = lacks(cohort(SCORES, patients=patients, policy="cms"))[0]
    assert "missing for some patients" in hidden
    assert " 1 " not in hidden.split(":")[0]


def test_days_that_contradict_one_another() -> None:
    sessions = "patient | days\n a | 0 3 9\n b | 0"
    patients = f"{PATIENTS}\n a | 0 | 6 | 2\n b | 14 | 6 | 0"
    said = lacks(cohort(SCORES, sessions, patients))
    whose = "of 1 of 2 patients."
    wrong = "one of the two days is wrong."
    stop = f"The patient has sessions after the stop: {wrong}"
    end = f"The log goes on after its end: {wrong}"
    assert said == [
        f"stop_day is earlier than the last session {whose} {stop}",
        f"observed_to_day is earlier than the last session {whose} {end}",
        f"observed_to_day is earlier than the last score {whose} {end}",
    ]


def test_rows_of_the_week_that_was_rounded_off_are_no_contradiction() -> None:
    assert (
        lacks(cohort(SCORES, patients=f"{PATIENTS}\n a | 13 | 6 | \n b | 20 | 6 | "))
        == []
    )


@pytest.mark.parametrize("fatal", ["death", "suicide"])
def test_a_log_that_goes_on_after_a_death(fatal: str) -> None:
    events = f"patient | day | event\n a | 1 | {fatal}\n b | 90 | {fatal}"
    sessions = "patient | days\n a | 0 3 9\n b | 0"
    patients = f"{PATIENTS}\n a | 70 | 6 |\n b | 70 | 6 |"
    said = lacks(cohort(SCORES, sessions, patients, events))
    assert (
        "A death is earlier than the last session of 1 of 2 patients. The log goes on after"
        " it: one of the two days is wrong."
    ) in said


def test_another_scale_in_place_of_the_one_in_force_is_told() -> None:
    scores = (
        "patient | day | score | instrument\n a | -1 | 20 | PHQ-9\n a | 7 | 9 | PHQ-9"
        "\n b | -1 | 30 | MADRS\n b | 7 | 9 | MADRS\n c | -1 | 20 | PHQ-9\n c | 7 | 9 | MADRS"
    )
    said = " ".join(lacks(cohort(scores, instrument="PHQ-9")))
    assert (
        "another scale of the same kind in these days for 1 of 3 patients: MADRS."
        in said
    )
    assert (
        "The scale changes from PHQ-9 to another after the first session for 1 of"
        in said
    )
    # an anxiety scale takes the place of none
    other = scores.replace("MADRS", "GAD-7").replace("30", "15")
    assert "scale" not in " ".join(lacks(cohort(other, instrument="PHQ-9")))
