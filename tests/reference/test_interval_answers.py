"""Published interval-censored data: masses and log-likelihoods at the maximum, and problems with an
exact solution.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import isotonic_regression

from kettrack.estimators.survival.turnbull import fit_turnbull

# Months to cosmetic deterioration after radiotherapy, alone or with chemotherapy, for early breast
# cancer: Finkelstein and Wolfe 1985, Biometrics 41:933. `6-10` lies in (6, 10]; `45+` is
# right-censored.
RADIOTHERAPY = """
45+ 6-10 0-7 46+ 46+ 7-16 17+ 7-14 37-44 0-8 4-11 15+ 11-15
22+ 46+ 46+ 25-37 46+ 26-40 46+ 27-34 36-44 46+ 36-48 37+ 40+ 17-25
46+ 11-18 38+ 5-12 37+ 0-5 18+ 24+ 36+ 5-11 19-35 17-25 24+ 32+ 33+ 19-26 37+ 34+ 36+
"""
WITH_CHEMOTHERAPY = """
8-12 0-22 24-31 17-27 17-23 24-30 16-24 13+ 11-13 16-20 18-25 17-26
32+ 23+ 44-48 14-17 0-5 5-8 12-20 11+ 33-40 31+ 13-39 19-32
34+ 13+ 16-24 35+ 15-22 11-17 22-32 10-35 30-34 13+ 10-17 8-21
4-9 11+ 14-19 4-8 34+ 30-36 18-24 16-60 35-39 21+ 11-20 48+
"""
# Masses and log-likelihoods: expectation-maximisation in Python 3.11 until the largest mean
# gradient is 1.0.
MASSES = {
    RADIOTHERAPY: {
        (4, 5): 0.04635,
        (6, 7): 0.03336,
        (7, 8): 0.08867,
        (11, 12): 0.07075,
        (24, 25): 0.09265,
        (33, 34): 0.08179,
        (38, 40): 0.12088,
        (46, 48): 0.46556,
    },
    WITH_CHEMOTHERAPY: {
        (4, 5): 0.04328,
        (5, 8): 0.04328,
        (11, 12): 0.06921,
        (16, 17): 0.14540,
        (18, 19): 0.14109,
        (19, 20): 0.11575,
        (24, 25): 0.09987,
        (30, 31): 0.07088,
        (35, 36): 0.16083,
        (44, 48): 0.05521,
        (48, 60): 0.05521,
    },
}
LOGLIK = {
    RADIOTHERAPY: -58.06002,
    WITH_CHEMOTHERAPY: -65.63696,
    RADIOTHERAPY + WITH_CHEMOTHERAPY: -136.96380,
}
# Package `interval` of R prints S(5) = .9537 for radiotherapy; lifelines 0.30.3, on closed
# intervals, .848 and .654 for the others.
SURVIVAL = {5: 0.9537, 8: 0.832, 34: 0.586}


def intervals(table):
    """Left and right ends."""
    ends = [cell.replace("+", "-inf").split("-") for cell in table.split()]
    return np.array(ends, dtype=float).T


@pytest.mark.parametrize("table", MASSES, ids=["radiotherapy", "with chemotherapy"])
def test_masses_of_the_cosmesis_trial(table):
    found = fit_turnbull(*intervals(table))
    masses = {
        (left, right): mass
        for left, right, mass in zip(found.left, found.right, found.mass, strict=True)
        if mass > 1e-6
    }
    assert masses == pytest.approx(MASSES[table], abs=1e-5)


@pytest.mark.parametrize(
    "table", LOGLIK, ids=["radiotherapy", "with chemotherapy", "both"]
)
def test_likelihood_of_the_cosmesis_trial(table):
    found = fit_turnbull(*intervals(table))
    assert found.loglik == pytest.approx(LOGLIK[table], abs=1e-5)
    assert found.is_maximum
    assert found.n == {RADIOTHERAPY: 46, WITH_CHEMOTHERAPY: 48}.get(table, 94)


def test_survival_and_median_of_the_cosmesis_trial():
    found = fit_turnbull(*intervals(RADIOTHERAPY))
    low, high = found.survival(list(SURVIVAL))
    assert low == pytest.approx(list(SURVIVAL.values()), abs=5e-4)
    assert high == pytest.approx(low)
    assert found.quantile() == (38, 40)
    assert fit_turnbull(*intervals(WITH_CHEMOTHERAPY)).quantile() == (19, 20)


def test_the_typed_table_is_the_file(reference_data):
    people = pd.read_csv(reference_data / "interval_bcos" / "bcos.csv")
    for arm, table in (("Rad", RADIOTHERAPY), ("RadChem", WITH_CHEMOTHERAPY)):
        assert np.array_equal(
            people.loc[people["treatment"] == arm, ["left", "right"]]
            .to_numpy(dtype=float)
            .T,
            intervals(table),
        )


def test_geometric_times_seen_at_whole_numbers():
    """400 times, one in four at each step, censored at 3 to 8: where lifelines 0.30.3 gives 1.000
    .622 .617 .356.
    """
    rng = np.random.default_rng(0)
    time = rng.geometric(0.25, 400)
    censored = rng.integers(3, 9, 400)
    seen = time <= censored
    found = fit_turnbull(
        np.where(seen, time - 1, censored), np.where(seen, time, np.inf)
    )
    low, high = found.survival([1, 2, 3, 4])
    assert low == pytest.approx([0.790, 0.620, 0.4725, 0.356], abs=5e-4)
    assert np.array_equal(low, high)


def test_current_status_is_isotonic_regression(reference_data):
    """Lung tumours of 144 mice, each looked at once: the maximum is the monotone regression of yes
    or no on age.
    """
    mice = pd.read_csv(reference_data / "icenreg" / "miceData.csv")
    for _, group in [("all", mice), *mice.groupby("grp")]:
        found = fit_turnbull(group["l"], group["u"])
        age = np.where(np.isinf(group["u"]), group["l"], group["u"])
        seen = (
            pd.Series(np.isfinite(group["u"]).to_numpy(dtype=float))
            .groupby(age)
            .agg(["mean", "size"])
        )
        exact = isotonic_regression(seen["mean"], weights=seen["size"]).x
        low, high = found.survival(seen.index)
        assert found.is_maximum
        assert 1 - high == pytest.approx(exact, abs=1e-6)
        # then an endless box begins, in which survival is a range
        inner = seen.index <= found.left[-1]
        assert low[inner] == pytest.approx(high[inner])


def test_diabetes_with_exact_and_censored_times(reference_data):
    """731 people, most followed in years, some times exact: what any maximum satisfies."""
    people = pd.read_csv(reference_data / "icenreg" / "IR_diabetes.csv")
    whole = fit_turnbull(people["left"], people["right"])
    assert whole.is_maximum
    assert whole.mass.sum() == pytest.approx(1)
    low, high = whole.survival(np.arange(0, 60))
    assert np.all((low >= 0) & (low <= high) & (high <= 1))
    assert np.all(np.diff(low) <= 0)
    parts = [
        fit_turnbull(group["left"], group["right"]).loglik
        for _, group in people.groupby("gender")
    ]
    assert sum(parts) > whole.loglik
