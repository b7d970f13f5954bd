"""Patient bootstrap: draws that repeat, intervals and bands that cover."""

import numpy as np
import pytest
from scipy import stats

from kettrack.errors import UsageError
from kettrack.estimators.intervals import (
    patient_weights,
    percentile_interval,
    simultaneous_band,
)


def test_every_replicate_draws_as_many_as_there_are():
    assert (patient_weights(37, 50, seed=1).sum(axis=1) == 37).all()


def test_draws_are_the_same_on_every_machine():
    """Frozen: a number in a report must be found again."""
    assert patient_weights(8, 2, seed=2024).tolist() == [
        [1, 2, 2, 0, 0, 1, 1, 1],
        [2, 3, 0, 0, 0, 0, 1, 2],
    ]


def test_more_replicates_leave_the_first_as_they_were(monkeypatch):
    many = patient_weights(101, 60, seed=3)
    assert np.array_equal(patient_weights(101, 7, seed=3), many[:7])
    monkeypatch.setattr("kettrack.estimators.intervals._BLOCK", 250)
    assert np.array_equal(patient_weights(101, 60, seed=3), many)


def test_children_of_a_seed_differ():
    one, other = (
        patient_weights(20, 5, child) for child in np.random.SeedSequence(1).spawn(2)
    )
    assert not np.array_equal(one, other)


def test_counts_are_multinomial():
    counts = patient_weights(50, 4000, seed=5)
    assert counts.var() == pytest.approx(1 - 1 / 50, rel=0.02)
    assert np.cov(counts[:, 0], counts[:, 1])[0, 1] == pytest.approx(-1 / 50, abs=0.05)


def test_nothing_to_draw():
    for n_patients, replicates in ((0, 10), (10, 0)):
        with pytest.raises(UsageError):
            patient_weights(n_patients, replicates, seed=1)


def test_percentile_interval_by_point():
    replicates = np.column_stack([np.arange(1001.0), np.full(1001, 2.0)])
    low, high = percentile_interval(replicates)
    assert low == pytest.approx([25, 2])
    assert high == pytest.approx([975, 2])


def test_missing_replicates():
    """A few are left out; a point that often cannot be estimated has no interval."""
    replicates = np.tile(np.arange(1000.0)[:, None], (1, 3))
    replicates[:30, 1] = np.nan
    replicates[:60, 2] = np.nan
    low, high = percentile_interval(replicates, 0.9)
    assert low[0] < low[1]
    assert np.isnan([low[2], high[2]]).all()
    band = simultaneous_band([500, 515, 530], replicates)
    assert np.isnan([band.low[2], band.high[2]]).all()
    assert np.isfinite([band.low[1], band.high[1]]).all()


def test_band_of_independent_points_is_sidak():
    draws = np.random.default_rng(1).normal(3, 2, (20_000, 10))
    band = simultaneous_band(np.full(10, 3.0), draws, 0.95)
    assert band.critical == pytest.approx(stats.norm.isf((1 - 0.95**0.1) / 2), abs=0.03)
    assert band.high == pytest.approx(np.full(10, 3 + 2 * band.critical), rel=0.03)


def test_band_of_one_point_said_ten_times_is_pointwise():
    draws = np.random.default_rng(1).normal(size=(20_000, 1)) * np.ones(10)
    assert simultaneous_band(np.zeros(10), draws).critical == pytest.approx(
        1.96, abs=0.03
    )


def test_points_that_do_not_move_have_no_width_and_do_not_count():
    draws = np.random.default_rng(1).normal(size=(5000, 3)) * [1, 0, 1]
    band = simultaneous_band([0, 0, np.nan], draws)
    assert band.critical == pytest.approx(1.96, abs=0.06)
    assert (band.low[1], band.high[1]) == (0, 0)
    assert np.isnan(band.low[2])


def test_band_covers_the_whole_curve():
    """400 clinics of 150: response by session 1 .. 8 is covered at every session at once in about
    95 %, pointwise in fewer.
    """
    truth = 0.6 * (1 - 0.75 ** np.arange(1, 9))
    rng = np.random.default_rng(7)
    weights = patient_weights(150, 400, seed=1) / 150
    whole = []
    pointwise = []
    for _ in range(400):
        session = np.searchsorted(truth, rng.random(150)) + 1
        reached = (session[:, None] <= np.arange(1, 9)).astype(float)
        replicates = weights @ reached
        estimate = reached.mean(axis=0)
        band = simultaneous_band(estimate, replicates)
        low, high = percentile_interval(replicates)
        whole.append(np.all((band.low <= truth) & (truth <= band.high)))
        pointwise.append(np.all((low <= truth) & (truth <= high)))
    assert 0.92 <= np.mean(whole) <= 0.98
    assert np.mean(pointwise) < 0.9
