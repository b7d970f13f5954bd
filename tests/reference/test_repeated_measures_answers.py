"""Repeated measures on real data: Beat the Blues as R's nlme fits it, and the table of the
rbmi quickstart, where people who stop jump to the reference arm.

Neither data set is part of the repository.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kettrack.estimators.regression.imputation import impute_scores, pool_sets
from kettrack.estimators.regression.repeated_measures import fit_repeated_measures

# R package rbmi 1.1, vignette "Quickstart": 150 Bayesian imputations, jump to reference, analysis
# of covariance; visit -> placebo less drug, drug, placebo. Its own imputations are a sample too.
QUICKSTART = {
    4: (-0.092, -1.616, -1.708),
    5: (1.307, -4.129, -2.822),
    6: (1.907, -6.084, -4.177),
    7: (2.106, -6.954, -4.848),
}
# Of the last visit; placebo is its own reference, so that is imputation as usual.
PLACEBO_ERROR = 0.793


def table_of(*parts):
    folder = os.environ.get("KETTRACK_REFERENCE_DATA")
    if not folder:
        pytest.skip("KETTRACK_REFERENCE_DATA is not set")
    path = Path(folder, *parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not among the reference data")
    return pd.read_csv(path)


def test_beat_the_blues_is_that_of_nlme():
    """gls(bdi ~ visit * arm) of R's nlme 3.1-162, unstructured, REML."""
    rows = table_of("btheb", "BtheB.csv")
    y = rows[["bdi.2m", "bdi.4m", "bdi.6m", "bdi.8m"]].to_numpy(float)
    arm = (rows["treatment"] == "BtheB").to_numpy(float)
    fit = fit_repeated_measures(np.column_stack([np.ones(len(arm)), arm]), y)
    effect = fit.coefficients[:, 1]
    assert effect[0] == pytest.approx(-4.755128, abs=1e-4)
    assert np.sqrt(fit.error[0, 1, 0, 1]) == pytest.approx(2.153077, abs=1e-3)
    assert effect[3] - effect[0] == pytest.approx(2.749921, abs=1e-3)
    assert fit.log_likelihood == pytest.approx(-948.1784, abs=1e-3)


def antidepressant():
    """Change at four visits, placebo or not, and baseline: the data of the quickstart, as the R
    package RefBasedMI ships them (inst/extdata).
    """
    rows = table_of("antidepressant", "SASantidepmethodvar.csv")
    who = rows.groupby("PATIENT NUMBER")
    wide = rows.pivot(index="PATIENT NUMBER", columns="VISIT NUMBER", values="change")
    placebo = (who["TREATMENT NAME"].first() == "PLACEBO").to_numpy(float)
    return wide.to_numpy(float), placebo, who["basval"].first().to_numpy(float)


def covariance_analysis(change, placebo, baseline):
    """Placebo less drug, drug and placebo at the mean baseline, and their variances."""
    x = np.column_stack([np.ones(len(change)), placebo, baseline])
    beta = np.linalg.lstsq(x, change, rcond=None)[0]
    left = ((change - x @ beta) ** 2).sum() / (len(x) - 3)
    middle = baseline.mean()
    asked = np.array([[0, 1, 0], [1, 0, middle], [1, 1, middle]])
    return asked @ beta, np.diag(asked @ (left * np.linalg.inv(x.T @ x)) @ asked.T)


def test_the_quickstart_of_rbmi():
    y, placebo, baseline = antidepressant()
    x = np.column_stack([np.ones(len(y)), placebo, baseline])
    fit = fit_repeated_measures(x, y)
    own = x @ fit.coefficients.T
    reference = np.column_stack([x[:, 0], np.ones(len(y)), baseline])
    jumped = reference @ fit.coefficients.T
    filled = y.copy()
    for person in range(len(y)):
        known = ~np.isnan(y[person])
        # A gap between two scores is no stop.
        later = np.arange(4) > np.flatnonzero(known).max()
        mean = np.where(later, jumped[person], own[person])
        among = fit.covariance[np.ix_(known, known)]
        apart = np.linalg.solve(among, (y[person] - own[person])[known])
        told = fit.covariance[np.ix_(~known, known)] @ apart
        filled[person, ~known] = mean[~known] + told
    for place, (visit, printed) in enumerate(QUICKSTART.items()):
        found, _ = covariance_analysis(filled[:, place], placebo, baseline)
        # Nobody is missing at the first visit.
        room = 1e-3 if visit == min(QUICKSTART) else 0.03
        assert found == pytest.approx(printed, abs=room), visit


def test_our_own_imputations_give_placebo_its_printed_mean_and_error():
    y, placebo, baseline = antidepressant()
    x = np.column_stack([np.ones(len(y)), placebo, baseline])
    sets = impute_scores(fit_repeated_measures(x, y), x, y, 100, 1)
    each = [covariance_analysis(change, placebo, baseline) for change in sets]
    means = [found[0][2] for found in each]
    pooled = pool_sets(means, [found[1][2] for found in each], len(y) - 3)
    assert pooled.estimate == pytest.approx(QUICKSTART[7][2], abs=0.1)
    assert np.sqrt(pooled.variance) == pytest.approx(PLACEBO_ERROR, rel=0.05)
