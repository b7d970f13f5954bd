"""The table of the rbmi quickstart, worked out again: people who stop jump to the reference arm.

    python benchmarks/rbmi_quickstart.py SASantidepmethodvar.csv

The data are those of the R package RefBasedMI (`inst/extdata`); they are not in this repository.
"""

import argparse

import numpy as np
import pandas as pd

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


def antidepressant(file):
    """Change at four visits, placebo or not, and baseline."""
    rows = pd.read_csv(file)
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


def try_the_quickstart(y, placebo, baseline):
    """People who stop jump to the placebo arm; single imputation by the conditional mean."""
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
        print(f"visit {visit}: found {np.round(found, 3)}, printed {printed}")
        assert np.abs(found - printed).max() <= room, visit


def try_our_own_imputations(y, placebo, baseline):
    """Placebo is its own reference, so that is imputation as usual."""
    x = np.column_stack([np.ones(len(y)), placebo, baseline])
    sets = impute_scores(fit_repeated_measures(x, y), x, y, 100, 1)
    each = [covariance_analysis(change, placebo, baseline) for change in sets]
    means = [found[0][2] for found in each]
    pooled = pool_sets(means, [found[1][2] for found in each], len(y) - 3)
    error = np.sqrt(pooled.variance)
    print(f"placebo: {pooled.estimate:.3f} ({error:.3f}), printed -4.848 (0.793)")
    assert abs(pooled.estimate - QUICKSTART[7][2]) <= 0.1
    assert abs(error / PLACEBO_ERROR - 1) <= 0.05


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="the data as CSV")
    people = antidepressant(parser.parse_args().file)
    try_the_quickstart(*people)
    try_our_own_imputations(*people)
