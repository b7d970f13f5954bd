"""Sheets of one patient: what they say, and when there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import pytest

from kettrack import Cohort
from kettrack.analysis.people.sheet import KINDS, Sheet, patient_sheet
from kettrack.cli.app import main
from kettrack.errors import UsageError
from kettrack.reading.load import cohort_from_frames

# 20 before; 9 (a response) on day 7; 27 (worse) on day 30; 12 on day 60.
SCORES = {0: 20, 7: 9, 30: 27, 60: 12}


def clinic(
    scores: dict[int, int] = SCORES,
    serious: Sequence[bool | None] = (False, False, True),
    noted: Sequence[str | None] = ("none", "nausea;dizziness", None),
) -> Cohort:
    sessions = pd.DataFrame(
        {
            "patient_id": ["K1", "K1", "K1", "K2"],
            "day": [0, 3, 10, 0],
            "drug": "ketamine",
            "route": "iv",
            "dose_mg": 40.0,
            "adverse_events": [*noted, None],
            "serious": [*serious, None],
        }
    )
    rows = pd.DataFrame(
        {
            "patient_id": "K1",
            "day": list(scores),
            "instrument": "PHQ-9",
            "score": list(scores.values()),
            "timing": "before",
        }
    )
    patients = pd.DataFrame(
        {
            "patient_id": ["K1", "K2"],
            "failed_antidepressants": [3, None],
            "observed_to_day": [90, 90],
        }
    )
    return cohort_from_frames(sessions, rows, patients)


def lines(sheet: Sheet) -> dict[str, str]:
    return {line.label.partition(" (")[0]: line.text for line in sheet.lines}


def test_first_and_last_score_with_what_lies_between():
    sheet = patient_sheet(clinic(), "K1", "payer")
    assert sheet.headline == "20 → 12"
    assert "at day 60 after the first session (week 8): 8 points lower (40 %)" in (
        sheet.sentence
    )
    said = lines(sheet)
    assert said["Scores"].endswith("3 scores after the first session: from 9 to 27.")
    assert said["Response"].startswith("at the last score: no. First at day 7")
    assert said["Worse than before treatment"].endswith("at 1 of 3 scores.")
    assert said["Remission"] == "at no score so far."


def test_sessions_and_the_harm_beside_them():
    said = lines(patient_sheet(clinic(), "K1", "progress"))
    assert said["Sessions"].startswith("3, the last one on day 10")
    assert said["Days between sessions"] == "median 5, at most 7"
    assert said["Side effects"] == (
        "at 1 of 2 sessions with a record: dizziness, nausea. Serious: at 1."
    )
    assert said["Thoughts of suicide"] == "never asked"


@pytest.mark.parametrize(
    ("serious", "words"),
    [
        ([None, None, None], "Whether any was serious is not recorded."),
        ([False, None, True], "Serious: at 1 of 2 sessions with a record of that."),
        ([False, False, False], "Serious: at 0."),
    ],
)
@pytest.mark.parametrize("noted", [None, "none"])
def test_silence_about_harm_is_not_said_to_be_none(serious, words, noted):
    sheet = patient_sheet(clinic(serious=serious, noted=[noted] * 3), "K1", "payer")
    said = lines(sheet)["Side effects"]
    assert said.endswith(words)
    assert said.startswith("not recorded." if noted is None else "at 0 of 3 sessions")


@pytest.mark.parametrize(("day", "told"), [(24, False), (25, True)])
def test_a_score_long_after_the_last_session_is_told_as_such(day, told):
    sentence = patient_sheet(clinic({0: 20, day: 8}), "K1", "payer").sentence
    assert ("The last session was 15 days before." in sentence) is told


@pytest.mark.parametrize(("baseline", "told"), [(9, True), (10, False)])
def test_who_began_mild_is_not_rated(baseline, told):
    sheet = patient_sheet(clinic({0: baseline, 7: 4, 30: 18}), "K1", "payer")
    said = lines(sheet)
    assert ("Not rated" in said) is told
    words = "not rated: below 10 before treatment."
    assert (said["Response"] == words) is told
    assert (said["Remission"] == words) is told
    # who was hardly ill can still become worse
    assert said["Worse than before treatment"].endswith("at 1 of 2 scores.")


def test_without_a_first_score_nothing_is_rated():
    said = lines(patient_sheet(clinic({7: 9, 30: 4}), "K1", "payer"))
    for rule in ("Response", "Remission", "Worse than before treatment"):
        assert said[rule] == "not rated: no score before treatment."


def test_a_payer_is_told_what_is_not_recorded_and_under_which_rules():
    sheet = patient_sheet(clinic(), "K1", "payer")
    said = lines(sheet)
    assert said["Antidepressants that failed before"] == "3"
    assert said["Diagnosis"] == "not recorded"
    assert "PHQ-9" in said["Rules"]
    assert any("rule of its own" in caution for caution in sheet.cautions)
    # The talk with the patient needs none of this.
    assert "Diagnosis" not in lines(patient_sheet(clinic(), "K1", "progress"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("scores", "headline"),
    [({0: 20}, "20"), ({9: 11}, "11"), ({0: 20, 9: 20}, "20 → 20")],
)
def test_few_scores_are_told_as_they_are(kind, scores, headline):
    sheet = patient_sheet(clinic(scores), "K1", kind)
    assert sheet.headline == headline
    assert "nan" not in str(lines(sheet)).lower()


def test_no_sheet_for_a_release_for_nobody_or_of_another_kind():
    cohort = clinic()
    released = replace(cohort, settings=replace(cohort.settings, policy="midpoint6"))
    wrong = [
        (released, "K1", "payer", "internal only"),
        (cohort, "K9", "payer", "No patient"),
        (cohort, "K1", "friend", "two sheets: payer and progress"),
        (cohort, "K2", "payer", "no score"),
    ]
    for of, patient, kind, words in wrong:
        with pytest.raises(UsageError, match=words):
            patient_sheet(of, patient, kind)


def test_the_command_writes_one_page(tmp_path, capsys):
    page = tmp_path / "sheet.html"
    with pytest.raises(SystemExit) as left:
        main(["sheet", "payer", "S065", "data/sample", "-o", str(page)])
    assert not left.value.code
    text = page.read_text(encoding="utf-8")
    assert "Patient S065" in text
    assert "confidential" in text
    assert "<svg" in text
    assert "://" not in text
