"""Sudden gains: each of the three criteria at its edge, gaps in the series, and reversals."""

from dataclasses import replace

import numpy as np
import pytest
from spec.tables import all_of, cohort

from kettrack import UsageError, sudden_gains_table
from kettrack.timelines.bucket import bucket_from_arrays
from kettrack.timelines.published.sudden_gains import gain_rows
from kettrack.vocabulary.instruments import BDI2
from kettrack.vocabulary.patient_rules import GainRule
from kettrack.vocabulary.published_rules import published_rules

CORRECTED = next(rule for rule in published_rules(BDI2) if isinstance(rule, GainRule))
PUBLISHED = replace(CORRECTED, third="published")
_ = np.nan


def gains(rule, *series):
    """Of each series, the places after which there is a gain."""
    lengths = [len(values) for values in series]
    patient = np.repeat(np.arange(len(series)), lengths)
    day = np.concatenate([np.arange(1, n + 1) for n in lengths])
    everyone = np.arange(len(series))
    bucket = bucket_from_arrays(
        len(series),
        patient,
        day,
        np.concatenate(series),
        everyone,
        np.zeros_like(everyone),
    )
    gain, _ = gain_rows(bucket, rule)
    return [
        np.flatnonzero(gain[patient == number]).tolist()
        for number in range(len(series))
    ]


def test_both_readings_take_7_points_on_the_bdi():
    assert CORRECTED.smallest_drop.value == PUBLISHED.smallest_drop.value == 7
    assert CORRECTED.third == "corrected"


def test_first_criterion_at_least_so_many_points():
    assert gains(CORRECTED, [20.0, 20, 20, 13, 13, 13], [20.0, 20, 20, 14, 14, 14]) == [
        [2],
        [],
    ]


def test_second_criterion_at_least_a_quarter_of_the_score_before():
    assert gains(CORRECTED, [40.0, 40, 40, 30, 30, 30], [41.0, 41, 41, 31, 31, 31]) == [
        [2],
        [],
    ]


def test_third_criterion_is_a_t_test_only_with_the_square_root():
    # means 30 and 22, pooled SD 3: 8 / (3 * sqrt(2/3)) = 3.27 is above 2.776, 8 / 3 = 2.67 is not
    series = [27.0, 30, 33, 19, 22, 25]
    assert gains(CORRECTED, series) == [[2]]
    assert gains(PUBLISHED, series) == [[]]


def test_the_critical_value_rises_with_missing_scores():
    # six scores: 12 / (sqrt(10) * sqrt(2/3)) = 4.65, above 2.776; four: 14 / (sqrt(8) * 1) = 4.95,
    # above 4.303; wider: 3.9
    whole = [20.0, 28, 24, 14, 10, 12]
    thin = [_, 28.0, 24, 14, 10, _]
    wider = [_, 29.0, 24, 14, 9, _]
    assert gains(CORRECTED, whole) == [[2]]
    assert gains(CORRECTED, thin, wider) == [[2], []]


def test_two_scores_are_needed_on_each_side_and_both_ends_of_the_gap():
    assert gains(
        CORRECTED,
        [20.0, 5, 5, 5],
        [20.0, 20, 20, 5],
        [20.0, 20, _, 5, 5],
        [20.0, 20, 5, 5],
    ) == [[], [], [], [1]]


def test_patients_do_not_lend_each_other_scores():
    assert gains(CORRECTED, [30.0, 30, 30], [10.0, 10, 10]) == [[], []]
    assert gains(CORRECTED, [20.0, 20], [5.0, 5, 5], []) == [[], [], []]


def test_a_gain_is_dated_and_its_reversal_too():
    clinic = cohort("""
        patient | day | score      # gain of 12 from 20 to 8: half is given back at 14
        kept    |  -1 | 20
        kept    |   7 | 20
        kept    |  28 |  8
        kept    |  35 |  8
        kept    |  60 | 13
        back    |  -1 | 20
        back    |   7 | 20
        back    |  14 |  8
        back    |  21 |  8
        back    |  60 | 14
        lacking |  -1 | 20
        lacking |   7 | 20
        lacking |  14 |            # incomplete
        lacking |  21 |  8
        lacking |  28 |  8
        before  | -14 | 27
        before  |  -7 | 27
        before  |  -1 | 12         # fell before the first session
        before  |   7 | 12
        """)
    table = sudden_gains_table(clinic)
    assert all_of(table, "day") == {"back": [14], "kept": [28]}
    assert all_of(table, "drop") == {"back": [12], "kept": [12]}
    assert all_of(table, "reversed_day") == {"back": [60], "kept": [None]}
    # the PHQ-9 looks back 14 days
    assert all_of(table, "windows_overlap") == {"back": [True], "kept": [False]}
    assert table["rule"].str.startswith("sudden gain (corrected)").all()


def test_an_instrument_without_a_smallest_drop_is_refused():
    with pytest.raises(UsageError, match="No smallest drop is known for HAMD-17"):
        sudden_gains_table(
            cohort("patient | day | score\nA | -1 | 20", instrument="HAMD-17")
        )
