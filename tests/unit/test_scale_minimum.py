"""A scale that starts at 10 says what the same scale says that starts at 0: no question counts a
percentage from somewhere else.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import kettrack as kt
from kettrack.settings import Settings
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.instrument import Band, Fact
from kettrack.vocabulary.instruments import PHQ9

# Questions that between them use every way in which a percentage is counted.
ASKED = (
    "waterfall",
    "state_after_course",
    "state_occupancy",
    "losses",
    "specification",
    "recurrent_loss",
    "retreatment_courses",
    "should_we_go_on",
    "durability_intervals",
    "session_intervals",
    "maintenance",
)
# Columns in points, which differ by as much as the scales do.
POINTS = ["baseline", "original_baseline", "best"]


def shifted(sample: kt.Cohort, by: int, **chosen: str) -> DerivedCohort:
    """The PHQ-9 totals of the sample on a scale that starts at `by`."""
    scale = replace(
        PHQ9,
        name="OWN",
        minimum=by,
        maximum=27 + by,
        item_maxima=(),
        suicidality_item=None,
        caseness=Fact(10 + by, "", "user"),
        remission=(Fact(4 + by, "", "user"),),
        bands=tuple(Band(one.label, one.low + by, one.high + by) for one in PHQ9.bands),
    )
    own = sample.scores[sample.scores["instrument"] == PHQ9.name]
    scores = own[["patient_id", "day", "timing"]].assign(
        instrument="OWN", score=own["score"] + by
    )
    settings = Settings(instrument="OWN", user_instruments=(scale,), **chosen)
    tables = (sample.sessions, scores, sample.patients, sample.events)
    return kt.derive(kt.cohort_from_frames(*tables, settings=settings))


@pytest.fixture(scope="module")
def pair() -> tuple[DerivedCohort, DerivedCohort]:
    sample = kt.load_cohort(kt.sample_folder())
    return shifted(sample, 0), shifted(sample, 10)


@pytest.mark.slow
@pytest.mark.parametrize("name", ASKED)
def test_the_answer_does_not_depend_on_where_the_scale_starts(
    pair: tuple[DerivedCohort, DerivedCohort], name: str
) -> None:
    tables = [kt.estimate(name, cohort).table for cohort in pair]
    left, right = (table.drop(columns=POINTS, errors="ignore") for table in tables)
    assert len(left)
    pd.testing.assert_frame_equal(left, right, rtol=0, atol=1e-9)


def test_a_response_before_treatment_does_not_depend_on_it() -> None:
    """Under the worst baseline the last score before session 1 can be a response already."""
    sample = kt.load_cohort(kt.sample_folder())
    scores = sample.scores
    # one score of 20 before the baseline of everybody whose baseline is low enough
    first = scores[(scores["day"] <= 0) & scores["score"].between(8, 10)]
    earlier = first.assign(day=first["day"] - 5, score=20.0)
    sample = replace(sample, scores=pd.concat([earlier, scores]))
    one, other = (
        kt.estimate("response_by_session", shifted(sample, by, baseline="worst")).table
        for by in (0, 10)
    )
    assert len(earlier) > 5
    pd.testing.assert_series_equal(one["n"], other["n"])


def test_the_response_of_a_course_does_not_depend_on_it_either(
    pair: tuple[DerivedCohort, DerivedCohort],
) -> None:
    first, second = (kt.person_sessions_table(cohort) for cohort in pair)
    for column in ("session_response", "response_before"):
        assert first[column].equals(second[column])


def test_the_words_say_from_where_percentages_count(
    pair: tuple[DerivedCohort, DerivedCohort],
) -> None:
    said = [" ".join(kt.estimate("waterfall", cohort).caveats) for cohort in pair]
    words = "percent change counted from the lowest score, 10"
    assert [words in text for text in said] == [False, True]
