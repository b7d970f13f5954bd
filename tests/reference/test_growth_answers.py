"""Growth models against lme4 and nlme on published data, and what becomes of a fit that cannot
hold.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kettrack.errors import UsageError
from kettrack.estimators.regression.growth import GROWTH_KINDS, GrowthFit, fit_growth


@pytest.fixture(scope="module")
def reisby(reference_data: Path) -> pd.DataFrame:
    """Hamilton scores of 66 inpatients on imipramine, weeks 0 to 5 (Reisby 1977); -9 is missing."""
    rows = pd.read_csv(reference_data / "riesby" / "riesby.csv")
    return rows[rows["hamd"] >= 0]


def fit_reisby(
    rows: pd.DataFrame, fixed: tuple[str, ...], slope: str | None
) -> GrowthFit:
    columns = rows.assign(intercept=1.0)[["intercept", *fixed]].astype(float)
    return fit_growth(rows["hamd"].to_numpy(float), columns, rows["id"], slope)


# R 4.2.2, lme4 1.1-31 and nlme 3.1-162, maximum likelihood; Hedeker and Gibbons print the same to
# two digits.
def test_reisby_random_slope(reisby: pd.DataFrame) -> None:
    fit = fit_reisby(reisby, ("week",), "week")
    assert fit.kind == GROWTH_KINDS[0]
    assert (fit.n_patients, fit.n_rows) == (66, 375)
    assert fit["intercept"] == pytest.approx((23.57695, 0.545569), abs=1e-3)
    assert fit["week"] == pytest.approx((-2.37707, 0.208652), abs=1e-3)
    assert fit.random_covariance[np.tril_indices(2)] == pytest.approx(
        [12.6293, -1.4208, 2.0789], abs=1e-3
    )
    assert fit.residual_variance == pytest.approx(12.2167, abs=1e-3)
    assert -2 * fit.loglik == pytest.approx(2219.038, abs=1e-3)


def test_reisby_random_intercept(reisby: pd.DataFrame) -> None:
    fit = fit_reisby(reisby, ("week",), None)
    assert fit.coefficient == pytest.approx([23.55177, -2.37565], abs=1e-3)
    assert (fit.random_covariance[0, 0], fit.residual_variance) == pytest.approx(
        (16.1556, 19.0375), abs=1e-3
    )
    assert -2 * fit.loglik == pytest.approx(2285.189, abs=1e-3)


def test_reisby_endogenous(reisby: pd.DataFrame) -> None:
    fit = fit_reisby(reisby, ("week", "endog", "endweek"), "week")
    assert fit.coefficient == pytest.approx(
        [22.4763, -2.3657, 1.9880, -0.0271], abs=1e-3
    )
    assert -2 * fit.loglik == pytest.approx(2214.929, abs=1e-3)


# HSAUR labels the four follow-ups 2/4/6/8 months, HSAUR3 2/3/5/8: two published sets of figures
# from the same columns.
BTHEB = {
    (2, 4, 6, 8): (
        [5.943659, 0.638192, -0.717018, -2.373078, -2.797837, 0.256348],
        -935.31206,
        -934.90402,
    ),
    (2, 3, 5, 8): (
        [5.592393, 0.639676, -0.704765, -2.329083, -2.824952, 0.197079],
        -935.74598,
        -935.5189,
    ),
}


@pytest.mark.parametrize("months", BTHEB)
def test_beat_the_blues(reference_data: Path, months: tuple[int, ...]) -> None:
    wide = pd.read_csv(reference_data / "btheb" / "BtheB.csv")
    at = dict(zip(["bdi.2m", "bdi.4m", "bdi.6m", "bdi.8m"], months, strict=True))
    rows = wide.melt(
        ["rownames", "drug", "length", "treatment", "bdi.pre"], list(at), "time"
    ).dropna()
    columns = {
        "intercept": np.ones(len(rows)),
        "bdi.pre": rows["bdi.pre"],
        "time": rows["time"].map(at),
        "BtheB": rows["treatment"] == "BtheB",
        "drug": rows["drug"] == "Yes",
        "longer": rows["length"] == ">6m",
    }
    wanted, loglik, loglik_slope = BTHEB[months]
    plain = fit_growth(rows["value"].to_numpy(float), columns, rows["rownames"])
    assert (plain.n_patients, plain.n_rows) == (97, 280)
    assert plain.coefficient == pytest.approx(wanted, abs=1e-3)
    assert plain.loglik == pytest.approx(loglik, abs=1e-3)
    # the optimiser statsmodels starts with stops .2 short of this maximum, and says it converged
    if months == (2, 4, 6, 8):
        slope = fit_growth(
            rows["value"].to_numpy(float), columns, rows["rownames"], slope="time"
        )
        assert slope.loglik == pytest.approx(loglik_slope, abs=2e-3)


def drawn(
    own_sd: float, n: int = 80
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(3)
    patient = np.repeat(np.arange(n), 4)
    week = np.tile(np.arange(4.0), n)
    y = 18 - week + rng.normal(0, own_sd, n)[patient] + rng.normal(0, 2, 4 * n)
    return y, {"intercept": np.ones(4 * n), "week": week}, patient


def test_patients_alike_fall_back_to_a_simpler_model_that_is_named() -> None:
    y, columns, patient = drawn(own_sd=0.0, n=30)
    # every patient has the same mean: less than no variance of their own
    alike = y - (np.bincount(patient, y) / 4)[patient]
    flat = fit_growth(alike, columns, patient, kind=GROWTH_KINDS[1])
    assert flat.kind == GROWTH_KINDS[2]
    assert (
        flat.fallback
        == "random intercept: a variance ended at zero, or a correlation at one"
    )
    assert flat["week"][0] == pytest.approx(-1, abs=0.3)


def test_refusals() -> None:
    y, columns, patient = drawn(own_sd=3.0)
    with pytest.raises(UsageError, match="without missing"):
        fit_growth(np.where(y == y[0], np.nan, y), columns, patient)
    with pytest.raises(UsageError, match="depend on one another"):
        fit_growth(y, columns | {"again": columns["week"]}, patient)
