"""Small cohorts that once gave a wrong answer: which rows are observations, and on which day."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kettrack import Cohort, load_cohort, outcomes_table
from kettrack.reading.load import check_folder

HERE = Path(__file__).parent


def session_days(cohort: Cohort) -> list[int]:
    return cohort.sessions["day"].tolist()


def score_days(cohort: Cohort) -> list[int]:
    return cohort.scores["day"].tolist()


def left_out(cohort: Cohort) -> list[tuple[str, int, int]]:
    return [tuple(row) for row in cohort.exclusions.to_numpy().tolist()]


def instruments(cohort: Cohort) -> list[str]:
    return cohort.scores["instrument"].unique().tolist()


def notes(cohort: Cohort) -> list[str]:
    return list(cohort.notes)


def outcome(column: str) -> Callable[[Cohort], dict[str, object]]:
    """One column of the outcomes table by patient."""

    def asked(cohort: Cohort) -> dict[str, object]:
        return outcomes_table(cohort).set_index("patient_id")[column].to_dict()

    asked.__name__ = column
    return asked


# folder, what is asked of it, right answer
CASES = [
    ("locf_rows", score_days, [-1, 7, 21]),
    ("locf_rows", outcome("loss_of_response_status"), {"A1": "pending"}),
    (
        "locf_rows",
        left_out,
        [("no observation in scores.csv: DTYPE says LOCF", 2, 1)],
    ),
    ("status_noshow", session_days, [0, 10, 0, 3]),
    ("status_noshow", outcome("response_session"), {"A1": 2, "A2": 2}),
    (
        "status_noshow",
        left_out,
        [
            ("no observation in sessions.csv: status says no show", 1, 1),
            ("no observation in sessions.csv: status says cancelled", 1, 1),
        ],
    ),
    ("dose_zero", session_days, [0, 10, 0, 3]),
    ("dose_zero", outcome("response_session"), {"A1": 2, "A2": 2}),
    ("cdisc_minus1", session_days, [0, 3]),
    ("cdisc_minus1", score_days, [-1, 7]),
    ("redcap_wide_single", score_days, [-1, 8, -1, 8]),
    ("redcap_wide_single", instruments, ["PHQ-9"]),
    (
        "redcap_wide_single",
        notes,
        [
            "scores.csv: there is no column instrument; all 4 scores are read as PHQ-9, the"
            " instrument that kettrack.toml names."
        ],
    ),
    ("user_instrument_named_ham_a", instruments, ["HAM-A"]),
    (
        "user_instrument_named_ham_a",
        outcome("response_status"),
        {"A1": "single", "A2": "none"},
    ),
    ("redcap_blank", score_days, [-1, 8, -1, 8]),
    (
        "redcap_blank",
        left_out,
        [
            (
                "no observation in scores.csv: no cell of this table is filled (REDCap)",
                3,
                2,
            )
        ],
    ),
]


@pytest.mark.parametrize(
    ("folder", "asked", "right"),
    CASES,
    ids=[f"{folder}-{asked.__name__}" for folder, asked, _ in CASES],
)
def test_case(folder: str, asked: Callable[[Cohort], object], right: object):
    assert asked(load_cohort(HERE / folder)) == right


# folder, the message that stops it
STOPS = [
    ("dst_days", "a change of the clocks is in it"),
    ("dst_days", "2.958333 is day 3"),
    ("lookalike_hamd21", "define it in kettrack.toml: [instruments.HAMD-21]"),
]


@pytest.mark.parametrize(("folder", "said"), STOPS)
def test_a_case_that_stops(folder: str, said: str):
    problems = check_folder(HERE / folder).problems
    assert problems["expected"].str.contains(said, regex=False).all()


def test_another_version_is_not_offered():
    problems = check_folder(HERE / "lookalike_hamd21").problems
    assert not problems["expected"].str.contains("HAMD-17").any()
