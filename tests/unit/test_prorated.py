"""Totals with decimals: told apart from totals out of range, and read under a stated rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from kettrack import estimate, load_cohort
from kettrack.errors import DataProblems
from kettrack.reading.load import check_folder

SESSIONS = "patient_id,day\na,0\na,7\nb,0\n"
HEAD = "patient_id,day,instrument,score\n"


@pytest.fixture
def clinic(tmp_path: Path):
    def _clinic(scores: str, settings: str = "") -> Path:
        (tmp_path / "sessions.csv").write_text(SESSIONS)
        (tmp_path / "scores.csv").write_text(scores)
        (tmp_path / "kettrack.toml").write_text(settings)
        return tmp_path

    return _clinic


BROKEN = HEAD + "a,-1,PHQ-9,20\na,7,PHQ-9,12.5\na,14,PHQ-9,13.5\na,21,PHQ-9,4.49\n"


def setting(rule: str, scale: str = "PHQ-9") -> str:
    return f'[instruments.{scale}]\nprorated = "{rule}"\n'


def test_a_broken_total_and_one_out_of_range_are_two_things(clinic) -> None:
    folder = clinic(HEAD + "a,-1,PHQ-9,28\na,7,PHQ-9,12.5\na,14,PHQ-9,28.5\n")
    expected = check_folder(folder).problems["expected"].tolist()
    outside = "a PHQ-9 total is a whole number, 0 to 27"
    assert expected[0] == expected[2] == outside
    assert 'prorated = "round" or "keep" under [instruments.PHQ-9]' in expected[1]


@pytest.mark.parametrize(
    ("rule", "scores", "said"),
    [
        ("round", [20, 13, 14, 4], "rounded, half a point up"),
        ("keep", [20, 12.5, 13.5, 4.49], "kept"),
    ],
)
def test_the_rule_reads_them(clinic, rule: str, scores: list[float], said: str) -> None:
    cohort = load_cohort(clinic(BROKEN, setting(rule)))
    assert cohort.scores["score"].tolist() == scores
    (note,) = [one for one in cohort.notes if "prorated" in one]
    assert note.startswith("scores.csv: 3 PHQ-9 totals with decimals were taken to be")
    assert said in note
    result = estimate("session_counts", cohort)
    assert any("prorated in kettrack.toml" in one for one in result.caveats)


def test_out_of_range_stays_a_problem(clinic) -> None:
    folder = clinic(HEAD + "a,-1,PHQ-9,27.5\n", setting("round"))
    with pytest.raises(DataProblems, match="0 to 27"):
        load_cohort(folder)


def test_of_another_scale_nothing_is_said(clinic) -> None:
    folder = clinic(BROKEN, setting("round", "GAD-7"))
    with pytest.raises(DataProblems, match="prorated for missing answers"):
        load_cohort(folder)


def items(n_answered: int, score: str) -> str:
    """A form of nine items, the first few of them answered with 2."""
    answers = ",".join(["2"] * n_answered + [""] * (9 - n_answered))
    head = ",".join(f"item_{n}" for n in range(1, 10))
    whole = ",".join(["2"] * 9)
    return (
        f"patient_id,day,instrument,score,{head}\n"
        f"a,-1,PHQ-9,18,{whole}\n"
        f"a,7,PHQ-9,{score},{answers}\n"
    )


@pytest.mark.parametrize(
    ("n_answered", "kept"), [(9, True), (8, True), (7, True), (6, False), (5, False)]
)
def test_two_answers_of_the_phq9_may_be_missing(
    clinic, n_answered: int, kept: bool
) -> None:
    cohort = load_cohort(clinic(items(n_answered, "18"), setting("round")))
    score = cohort.scores.set_index("day")["score"][7]
    assert (score == 18) == kept
    notes = " ".join(cohort.notes)
    assert ("more than 2 answers are missing" in notes) == (not kept)


def test_a_complete_form_still_has_to_add_up(clinic) -> None:
    with pytest.raises(DataProblems, match="the items give 18"):
        load_cohort(clinic(items(9, "17.2"), setting("keep")))


def test_a_scale_with_decimals_has_nothing_to_say(clinic) -> None:
    scale = '"PROMIS Depression"'
    found = check_folder(clinic(HEAD + "a,-1,PHQ-9,20\n", setting("round", scale)))
    assert "has decimals by itself" in found.problems["expected"].item()


def test_an_own_scale(clinic) -> None:
    own = (
        '[instruments."My scale"]\nminimum = 0\nmaximum = 10\n'
        'direction = "higher is worse"\n'
    )
    scores = HEAD + "a,-1,My scale,8.5\n"
    found = check_folder(clinic(scores, own))
    assert '[instruments."My scale"]' in found.problems["expected"].item()
    cohort = load_cohort(clinic(scores, own + 'prorated = "round"\n'))
    assert cohort.scores["score"].tolist() == [9]
    cohort = load_cohort(clinic(scores, own + 'prorated = "keep"\n'))
    assert cohort.scores["score"].tolist() == [8.5]
    both = own + 'prorated = "keep"\nwhole_numbers = false\n'
    found = check_folder(clinic(scores, both))
    assert "whole_numbers = false" in found.problems["expected"].item()
