"""Repeated measures by restricted maximum likelihood: against R's nlme, and where the answer is
known by hand.
"""

import shutil
import subprocess

import numpy as np
import pytest

from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.causal.standardised import FollowedRows, weighted_means
from kettrack.estimators.intervals import wilson, wilson_of_estimate
from kettrack.estimators.regression.imputation import (
    impute_scores,
    pool_sets,
    pool_shares,
)
from kettrack.estimators.regression.repeated_measures import (
    draw_parameters,
    fit_repeated_measures,
)

# What gls(y ~ v + v:base - 1, corSymm, varIdent) of nlme 3.1-162 says of `leaving_people`.
NLME_MEANS = (7.1722645, 2.9685459, 1.1887554, 3.8129154)
NLME_SLOPES = (0.4020580, 0.5251178, 0.5070163, 0.3176177)
NLME_ERRORS = (1.764920, 2.220781, 2.355434, 2.270022)
NLME_LIKELIHOOD = -899.1732037
GLS = """
library(nlme)
d <- read.csv("{path}")
d$v <- factor(d$visit)
m <- gls(y ~ v + v:base - 1, d, correlation = corSymm(form = ~ visit + 1 | id),
         weights = varIdent(form = ~ 1 | v), control = glsControl(msMaxIter = 500))
cat(coef(m), sqrt(diag(vcov(m)))[1:4], logLik(m))
"""


def leaving_people():
    """People who leave after a bad score, and one who misses a visit between two."""
    rng = np.random.default_rng(1)
    baseline = rng.normal(18, 4, 120)
    person = rng.normal(0, 3, 120)
    y = baseline[:, None] * 0.5 + np.array([6, 4, 2, 1])
    y = y + person[:, None] * np.array([1, 1.2, 1.3, 1.1]) + rng.normal(0, 2, (120, 4))
    for visit in range(1, 4):
        gone = (rng.random(120) < 0.2) | np.isnan(y[:, visit - 1])
        y[gone, visit] = np.nan
    y[3, 1] = np.nan
    return np.column_stack([np.ones(120), baseline]), y


def test_means_errors_and_likelihood_are_those_of_nlme():
    x, y = leaving_people()
    fit = fit_repeated_measures(x, y)
    assert fit.coefficients[:, 0] == pytest.approx(NLME_MEANS, abs=1e-4)
    assert fit.coefficients[:, 1] == pytest.approx(NLME_SLOPES, abs=1e-5)
    errors = np.sqrt(np.einsum("viVi->vVi", fit.error)[range(4), range(4), 0])
    assert errors == pytest.approx(NLME_ERRORS, rel=1e-4)
    assert fit.log_likelihood == pytest.approx(NLME_LIKELIHOOD, abs=1e-5)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="needs R")
def test_nlme_says_so_again(tmp_path):
    x, y = leaving_people()
    who, visit = np.nonzero(~np.isnan(y))
    rows = np.column_stack([who, visit, x[who, 1], y[who, visit]])
    path = tmp_path / "rows.csv"
    head = "id,visit,base,y"
    np.savetxt(path, rows, delimiter=",", header=head, comments="")
    code = GLS.format(path=path)
    run = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True)
    if "no package called" in run.stderr:
        pytest.skip("R has no nlme here")
    found = np.array(run.stdout.split(), dtype=float)
    expected = [*NLME_MEANS, *NLME_SLOPES, *NLME_ERRORS, NLME_LIKELIHOOD]
    assert found == pytest.approx(expected, rel=1e-5)


def test_with_nobody_missing_it_is_least_squares():
    x, _ = leaving_people()
    rng = np.random.default_rng(2)
    y = rng.normal(10, 4, (120, 3)) + x[:, [1]]
    fit = fit_repeated_measures(x, y)
    plain, left = np.linalg.lstsq(x, y, rcond=None)[:2]
    assert fit.coefficients == pytest.approx(plain.T, abs=1e-5)
    assert np.diag(fit.covariance) == pytest.approx(left / 118, rel=1e-5)


def test_with_nobody_missing_the_interval_is_that_of_least_squares():
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(19), rng.normal(size=19)])
    y = rng.normal(size=(19, 4)).cumsum(axis=1)
    fit = fit_repeated_measures(x, y)
    for visit in range(4):
        variance, freedom = fit.seen_variance(visit, [1.0, 0.4])
        assert freedom == pytest.approx(19 - 2, rel=1e-4)
        assert variance == pytest.approx(fit.mean(visit, [1.0, 0.4])[1] ** 2, rel=1e-6)


def test_people_who_left_by_their_scores_make_a_mean_less_sure():
    x, y = leaving_people()
    # Everybody who did badly at the second visit is gone from the third one on.
    y[y[:, 1] > np.nanmedian(y[:, 1]), 2:] = np.nan
    fit = fit_repeated_measures(x, y)
    row = [1.0, 18.0]
    variance, freedom = fit.seen_variance(3, row)
    assert variance > 1.05 * fit.mean(3, row)[1] ** 2
    assert freedom < len(y) - 2
    # Draws of the covariance, and of means given it, spread as far.
    drawn, _ = draw_parameters(fit, 2000, seed=5)
    assert variance == pytest.approx((drawn[:, 3] @ row).var(), rel=0.25)


def test_draws_spread_as_the_estimate_does():
    x, y = leaving_people()
    fit = fit_repeated_measures(x, y)
    coefficients, covariances = draw_parameters(fit, 400, 1)
    spread = coefficients[:, :, 1].std(axis=0)
    errors = np.sqrt([fit.error[place, 1, place, 1] for place in range(4)])
    assert spread == pytest.approx(errors, rel=0.15)
    middle = np.median(covariances, axis=0)
    assert middle == pytest.approx(fit.covariance, rel=0.1)


def test_imputed_people_are_like_those_with_the_same_earlier_scores():
    """Who scored badly leaves; a plain mean of the rest is far off, an imputed one is not."""
    rng = np.random.default_rng(3)
    first = rng.exponential(6, 3000)
    second = 0.8 * first + rng.exponential(3, 3000)
    y = np.column_stack([first, second])
    gone = rng.random(3000) < 1 / (1 + np.exp(-(first - 8) / 2))
    y[gone, 1] = np.nan
    x = np.ones((3000, 1))
    fit = fit_repeated_measures(x, y)
    sets = impute_scores(fit, x, y, 10, 1)
    assert np.nanmean(y[:, 1]) < second.mean() - 1
    assert sets.mean() == pytest.approx(second.mean(), abs=0.2)
    # A normal draw would put a tenth of the imputed scores where nobody can score.
    assert (sets < 0).mean() < 0.01
    assert (sets[:, ~gone] == y[~gone, 1]).all()
    assert (sets == impute_scores(fit, x, y, 10, 1)).all()


def test_as_many_people_at_a_visit_as_numbers_tell_it_are_refused():
    """Six people at the last of five visits: an intercept, a slope and four other visits fit their
    scores whatever these are, with an error of almost nothing.
    """
    rng = np.random.default_rng(5)
    base = rng.normal(20, 4, 60)
    y = base[:, None] / 2 + rng.normal(0, 5, (60, 5)).cumsum(axis=1)
    y[6:, 4] = np.nan
    x = np.column_stack([np.ones(60), base])
    with pytest.raises(NotIdentified, match="fewer than 9 people"):
        fit_repeated_measures(x, y)


def test_too_few_people_and_wrong_shapes_are_refused():
    x, y = leaving_people()
    with pytest.raises(NotIdentified, match="fewer than 8 people"):
        fit_repeated_measures(x[:5], y[:5])
    with pytest.raises(NotIdentified, match="same score"):
        fit_repeated_measures(x[:20], np.ones((20, 2)))
    with pytest.raises(UsageError, match="one row per person"):
        fit_repeated_measures(x[:5], y)
    with pytest.raises(UsageError, match="missing"):
        fit_repeated_measures(np.full((120, 1), np.nan), y)


def test_pooled_and_weighted_shares_without_anything_missing_are_plain_ones():
    flags = np.zeros((20, 40), bool)
    flags[:, :10] = True
    pooled = pool_shares(flags)
    found = wilson_of_estimate(pooled.estimate, pooled.variance, 40)
    assert found == pytest.approx(wilson(10, 40))
    # Sets that differ are less sure than any of them: a third more of its variance.
    apart = pool_sets([0.2, 0.3, 0.4], [0.03] * 3, 39)
    assert apart.variance == pytest.approx(0.03 + 0.01 * (1 + 1 / 3))
    assert apart.freedom < 39
    nobody = wilson_of_estimate(0.0, 0.0, 40)
    assert nobody == pytest.approx(wilson(0, 40))


def test_weights_step_by_step_undo_leaving_that_follows_the_scores():
    """Two steps; the second one is taken only by those who took the first."""
    rng = np.random.default_rng(4)
    n = 20_000
    first = rng.random(n) < 0.5
    second = rng.random(n) < np.where(first, 0.8, 0.3)
    stays_1 = rng.random(n) < 0.8
    stays_2 = stays_1 & (rng.random(n) < np.where(first, 0.9, 0.4))
    there = np.flatnonzero(stays_1)
    history = np.column_stack(
        [
            np.repeat([1.0, 0.0], [n, len(there)]),
            np.repeat([0.0, 1.0], [n, len(there)]),
            np.concatenate([np.zeros(n), first[there]]),
        ]
    )
    who = np.concatenate([np.arange(n), there])
    stays = np.concatenate([stays_1, stays_2[there]])
    rows = FollowedRows(who, history, stays)
    found = weighted_means(rows, stays_2, second[:, None].astype(float))
    error = float(np.sqrt(found.variances[0]))
    assert second[stays_2].mean() > 0.62
    assert found.means[0] == pytest.approx(0.55, abs=3 * error)
    assert 0.004 < error < 0.01
