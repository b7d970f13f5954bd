"""Sudden gains against the R package suddengains: its numbers stand in
`sudden_gains_answers.json`.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kettrack.timelines.bucket import bucket_from_arrays
from kettrack.timelines.published.sudden_gains import describe_gains, gain_rows
from kettrack.vocabulary.instruments import BDI2
from kettrack.vocabulary.patient_rules import GainRule
from kettrack.vocabulary.published_rules import published_rules

ANSWERS = json.loads(
    (Path(__file__).parent / "sudden_gains_answers.json").read_text(encoding="utf-8")
)["suddengains"]
SESSIONS = [f"bdi_s{number}" for number in range(1, 13)]


@pytest.fixture(scope="module")
def gains(reference_data):
    """Both readings: the series of everyone, a day for each session, missing ones kept."""
    scores = pd.read_csv(reference_data / "suddengains" / "sgdata.csv")[
        SESSIONS
    ].to_numpy(float)
    assert len(scores) == ANSWERS["n_persons"]
    people = np.repeat(np.arange(len(scores)), len(SESSIONS))
    days = np.tile(np.arange(len(SESSIONS)), len(scores))
    bucket = bucket_from_arrays(
        len(scores),
        people,
        days,
        scores.ravel(),
        np.arange(len(scores)),
        np.zeros(len(scores), int),
    )
    rule = next(rule for rule in published_rules(BDI2) if isinstance(rule, GainRule))
    found = {
        third: gain_rows(bucket, replace(rule, third=third))[0]
        for third in ("published", "corrected")
    }
    return {
        third: describe_gains(bucket, np.flatnonzero(gain))
        for third, gain in found.items()
    }


def test_the_published_reading_finds_what_the_package_finds(gains):
    found = gains["published"]
    assert len(found) == ANSWERS["n_gains"]
    assert found["patient_id"].nunique() == ANSWERS["n_persons_with_gain"]
    assert found["drop"].mean() == pytest.approx(
        ANSWERS["mean_gain"], abs=ANSWERS["tolerance"]
    )
    assert found["drop"].std() == pytest.approx(
        ANSWERS["sd_gain"], abs=ANSWERS["tolerance"]
    )
    assert found["reversed_day"].notna().sum() == ANSWERS["n_reversals"]


def test_the_t_test_it_means_to_be_finds_all_of_these_and_more(gains):
    places = {
        third: set(zip(table["patient_id"], table["day"], strict=True))
        for third, table in gains.items()
    }
    assert places["published"] < places["corrected"]
