"""The settings file is read for identifiers too, and never quoted."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from kettrack import DataProblems, UsageError, cohort_from_frames, load_cohort
from kettrack import sample_folder as folder_of_sample
from kettrack.privacy.identifying_text import reason_in_text
from kettrack.settings import Settings

IDENTIFYING = [
    "exported on 2025-05-01",
    "exported on 1 May 2025",
    "cut-off May 1, 2025",
    "extract 01.05.25",
    "extract of 20250501",
    "data of 1.5.2025 9:30",
    "ask ann@example.org",
    "call +44 20 7946 0958",
    "call 555-010-1234",
    "patients of Dr. Example",
    "sent by Jane Example",
    "one patient born in 1942",
    "SSN 123-45-6789",
    "record 40011223344",
    "RSSMRA85T10A562S 1234567",
]
HARMLESS = [
    "",
    "all patients to the end of 2025",
    "all patients to the end of spring",
    "SYNTHETIC clinic, no real patient; 18 months, all logs complete to the same day",
    "first quarter of 2025, version 3",
    "K10 (Kessler), 10 items, 10 to 50",
    "West London and Harrow, 2019-2025",
    "weeks 1-26, n = 12000",
    "$ and $, {braces} <b>",
    "Phase 2",
]
SOURCES = [
    "Kroenke K, Spitzer RL, Williams JB. J Gen Intern Med 2001;16:606-613",
    "https://doi.org/10.1046/j.1525-1497.2001.016009606.x, read 2024-05-01",
    "Jane Example and Robert Sample, 2019",
]


@pytest.mark.parametrize("text", IDENTIFYING)
def test_a_text_that_identifies(text):
    assert reason_in_text(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_text(text):
    assert reason_in_text(text) is None


@pytest.mark.parametrize("text", SOURCES)
def test_a_source_has_authors_a_day_and_an_address(text):
    assert reason_in_text(text, publication=True) is None


def test_a_source_has_no_mail_address():
    assert reason_in_text("ask ann@example.org", publication=True)


PLACES = {
    "extract": 'extract = "{}"',
    "currency": 'currency = "{}"',
    "title": '[instruments.X]\nminimum = 0\nmaximum = 9\ndirection = "higher is worse"'
    '\ntitle = "{}"',
    "name of a scale": '[instruments."{}"]\nminimum = 0\nmaximum = 9'
    '\ndirection = "higher is worse"',
    "band": '[instruments.X]\nminimum = 0\nmaximum = 9\ndirection = "higher is worse"'
    '\nbands = {{ "{}" = [0, 9] }}',
    "name of criteria": '[criteria."{}"]\ninstrument = "PHQ-9"',
    "version": '[criteria.X]\ninstrument = "PHQ-9"\nversion = "{}"',
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", IDENTIFYING)
def test_it_stops_wherever_it_stands_and_is_not_quoted(tmp_path: Path, place, text):
    (tmp_path / "sessions.csv").write_text("patient_id,day\na,0\n")
    (tmp_path / "scores.csv").write_text("patient_id,day,instrument,score\n")
    settings = PLACES[place].format(text)
    (tmp_path / "kettrack.toml").write_text(settings, encoding="utf-8")
    with pytest.raises(DataProblems) as caught:
        load_cohort(tmp_path)
    said = str(caught.value)
    assert "name the data without day, person or number" in said
    assert text not in said
    telling = [word for word in text.split() if any(sign.isdigit() for sign in word)]
    assert not [word for word in telling if len(word) > 4 and word in said]
    assert "Example" not in said


@pytest.mark.parametrize("text", IDENTIFYING)
def test_settings_of_a_caller_are_read_too(text):
    with pytest.raises(UsageError) as caught:
        load_cohort(folder_of_sample(), extract=text)
    assert text not in str(caught.value)


def test_settings_beside_frames_are_read_too():
    visits = pd.DataFrame({"patient_id": ["a"], "day": [0]})
    scored = visits.assign(instrument="PHQ-9", score=12)
    with pytest.raises(UsageError, match="looks like a calendar date"):
        cohort_from_frames(visits, scored, settings=Settings(extract="2025-05-01"))
