"""Random effects against published results, other programs, and truths that were drawn."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from kettrack.estimators.meta_analysis import MetaAnalysis, random_effects

# Thirteen trials of the BCG vaccine (Colditz 1994, JAMA 271:698): cases and others, vaccinated and
# not.
BCG = np.array(
    [
        [4, 119, 11, 128],
        [6, 300, 29, 274],
        [3, 228, 11, 209],
        [62, 13536, 248, 12619],
        [33, 5036, 47, 5761],
        [180, 1361, 372, 1079],
        [8, 2537, 10, 619],
        [505, 87886, 499, 87892],
        [29, 7470, 45, 7232],
        [17, 1699, 65, 1600],
        [186, 50448, 141, 27197],
        [5, 2493, 3, 2338],
        [27, 16886, 29, 17825],
    ],
    float,
)


def bcg() -> tuple[np.ndarray, np.ndarray]:
    """Log risk ratios and their variances."""
    cases, rest, controls, others = BCG.T
    effect = np.log(cases / (cases + rest)) - np.log(controls / (controls + others))
    variance = 1 / cases - 1 / (cases + rest) + 1 / controls - 1 / (controls + others)
    return effect, variance


def test_published_trials_of_a_vaccine() -> None:
    """As the documentation of metafor prints them (rma, method REML): Viechtbauer 2010, J Stat
    Softw 36:3.
    """
    found = random_effects(*bcg())
    assert round(found.mean, 4) == -0.7145
    assert round(found.tau_squared, 4) == 0.3132
    assert round(found.i_squared, 2) == 92.22
    assert round(found.q, 4) == 152.2330
    # confint() of metafor: tau^2 .1197 to 1.1115
    assert round(found.tau_low**2, 4) == 0.1197
    assert round(found.tau_high**2, 4) == 1.1115


def test_as_statsmodels_where_it_has_the_same() -> None:
    """Given the same variance between sites, mean and interval are the same."""
    effect, variance = bcg()
    found = random_effects(effect, variance)
    weight = 1 / (variance + found.tau_squared)
    other = combine_effects(effect, variance + found.tau_squared, method_re="chi2")
    assert found.mean == pytest.approx(other.mean_effect_fe)
    scale = max(other.q / (len(effect) - 1), 1)
    spread = (found.ci_high - found.mean) / np.sqrt(scale / weight.sum())
    assert spread == pytest.approx(2.1788128, abs=1e-6)


@pytest.mark.parametrize("tau", [0.0, 0.4])
def test_intervals_hold_the_truth(tau: float) -> None:
    """Sites whose truths are drawn, people one by one; 0 among the spreads."""
    rng = np.random.default_rng(5)
    held = {"mean": 0, "tau": 0, "further": 0}
    rounds = 300
    for _ in range(rounds):
        found = draw(rng, tau)
        held["mean"] += found.ci_low <= 0.3 <= found.ci_high
        held["tau"] += found.tau_low <= tau <= found.tau_high
        further = rng.normal(0.3, tau)
        held["further"] += found.prediction_low <= further <= found.prediction_high
    shares = {name: count / rounds for name, count in held.items()}
    assert 0.92 <= shares["mean"] <= 1
    assert 0.92 <= shares["tau"] <= 1
    assert 0.90 <= shares["further"] <= 1


def draw(rng: np.random.Generator, tau: float) -> MetaAnalysis:
    """Ten sites of 30 to 200 people, each value drawn by itself."""
    effects = []
    variances = []
    for people in rng.integers(30, 200, 10):
        values = rng.normal(rng.normal(0.3, tau), 1.5, people)
        effects.append(values.mean())
        variances.append(values.var(ddof=1) / people)
    return random_effects(np.array(effects), np.array(variances))


def test_sites_that_agree_exactly() -> None:
    found = random_effects(np.full(4, 0.2), np.full(4, 0.01))
    assert found.tau_squared == 0
    assert found.i_squared == 0
    # Agreement by chance makes no interval narrower than that of all people.
    assert found.ci_high - 0.2 == pytest.approx(3.182446 * 0.05, rel=1e-6)


def test_one_site_has_no_interval() -> None:
    found = random_effects(np.array([0.2]), np.array([0.01]))
    assert found.mean == 0.2
    assert np.isnan([found.ci_low, found.prediction_low, found.i_squared]).all()


def test_two_sites_have_no_prediction() -> None:
    found = random_effects(np.array([0.2, 0.4]), np.array([0.01, 0.02]))
    assert np.isnan(found.prediction_high)
    assert np.isfinite(found.ci_high)
