"""Mixed models against nlme and statsmodels: published data sets, degrees of freedom, and people
who do not differ at all.
"""

from __future__ import annotations

import shutil
import subprocess
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams
from statsmodels.tools.numdiff import approx_hess

from kettrack.estimators.regression.random_lines import RandomLines, fit_random_lines

FOUR_DIGITS = 1e-4
# A line per number: coefficients, their errors, likelihood, variances.
NLME = """
library(nlme)
options(digits = 15)
asked <- commandArgs(TRUE)
rows <- read.csv(asked[1])
fixed <- reformulate(setdiff(names(rows), c("who", "y")), "y")
own <- if (asked[2] == "line") ~ time | who else ~ 1 | who
precise <- lmeControl(opt = "optim", maxIter = 500, msMaxIter = 500, tolerance = 1e-12,
                      msTol = 1e-14, reltol = 1e-14)
fit <- lme(fixed, rows, random = own, method = asked[3], control = precise)
cat(fixef(fit), sqrt(diag(vcov(fit))), logLik(fit), fit$sigma^2, getVarCov(fit), sep = "\\n")
"""
KINDS = [
    (own, method) for own in ("line", "level") for method in ("REML", "ML")
]  # a level and a slope of each person's own, or a level alone


# Asked when a test runs: to start R takes time, and no other test needs the answer.
@cache
def has_nlme() -> bool:
    if shutil.which("Rscript") is None:
        return False
    asked = ["Rscript", "--vanilla", "-e", "library(nlme)"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def sleepstudy(folder: Path) -> pd.DataFrame:
    """Reaction times of 18 people on ten days with little sleep (Belenky 2003)."""
    rows = pd.read_csv(folder / "mixed_ref" / "lme4_sleepstudy.csv")
    return pd.DataFrame(
        {"who": rows["Subject"], "y": rows["Reaction"], "time": rows["Days"]}
    ).astype(float)


def reisby(folder: Path) -> pd.DataFrame:
    rows = pd.read_csv(folder / "riesby" / "riesby.csv")
    rows = rows[rows["hamd"] >= 0]
    names = {"id": "who", "hamd": "y", "week": "time", "endog": "endog"}
    return rows.rename(columns=names)[list(names.values())].astype(float)


def beat_the_blues(folder: Path) -> pd.DataFrame:
    wide = pd.read_csv(folder / "btheb" / "BtheB.csv")
    visits = [f"bdi.{month}m" for month in (2, 4, 6, 8)]
    kept = ["rownames", "drug", "treatment", "bdi.pre"]
    rows = wide.melt(kept, visits, "time").dropna()
    columns = {
        "who": rows["rownames"],
        "y": rows["value"],
        "time": rows["time"].str.extract(r"(\d)")[0],
        "before": rows["bdi.pre"],
        "computer": rows["treatment"] == "BtheB",
        "drug": rows["drug"] == "Yes",
    }
    return pd.DataFrame(columns).astype(float)


STUDIES = {study.__name__: study for study in (sleepstudy, reisby, beat_the_blues)}


@pytest.fixture(params=STUDIES)
def rows(request: pytest.FixtureRequest, reference_data: Path) -> pd.DataFrame:
    return STUDIES[request.param](reference_data)


def fixed(rows: pd.DataFrame) -> np.ndarray:
    others = rows.drop(columns=["who", "y"]).to_numpy()
    return np.column_stack([np.ones(len(rows)), others])


def fit(rows: pd.DataFrame, own: str, method: str) -> RandomLines:
    groups = np.unique(rows["who"], return_inverse=True)[1]
    slope = rows["time"].to_numpy() if own == "line" else None
    y = rows["y"].to_numpy()
    return fit_random_lines(y, fixed(rows), groups, slope, method == "REML")


def told(found: RandomLines) -> np.ndarray:
    """Everything that nlme tells."""
    ends = [found.loglik, found.residual_variance]
    errors = found.standard_error
    return np.hstack([found.coefficient, errors, ends, found.random_covariance.ravel()])


def in_r(rows: pd.DataFrame, folder: Path, own: str, method: str) -> np.ndarray:
    file = folder / "rows.csv"
    rows.to_csv(file, index=False)
    command = ["Rscript", "--vanilla", "-e", NLME, str(file), own, method]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return np.array(ran.stdout.split(), float)


@pytest.mark.skipif("not has_nlme()", reason="R with the package nlme is not installed")
@pytest.mark.parametrize(("own", "method"), KINDS)
def test_four_digits_of_nlme(
    rows: pd.DataFrame, tmp_path: Path, own: str, method: str
) -> None:
    wanted = in_r(rows, tmp_path, own, method)
    assert told(fit(rows, own, method)) == pytest.approx(wanted, rel=FOUR_DIGITS)


@pytest.mark.parametrize(("own", "method"), KINDS)
def test_statsmodels_counts_the_same_likelihood_and_finds_none_higher(
    rows: pd.DataFrame, own: str, method: str
) -> None:
    found = fit(rows, own, method)
    x = fixed(rows)
    model = MixedLM(rows["y"], x, rows["who"], x[:, :2] if own == "line" else None)
    with warnings.catch_warnings():
        # Its search says so where it does not arrive.
        warnings.simplefilter("ignore")
        other = model.fit(reml=method == "REML", method="powell")
    at = MixedLMParams.from_components(
        fe_params=found.coefficient,
        cov_re=found.random_covariance / found.residual_variance,
    )
    assert model.loglike(at) == pytest.approx(found.loglik, rel=1e-8)
    assert other.llf < found.loglik + 1e-5
    assert found.coefficient == pytest.approx(other.fe_params, rel=0.01)


# R's lmerTest on these data, as its manual prints them (REML): 17 people less one is exact with a
# slope for each, as nobody is missing on any day.
@pytest.mark.parametrize(
    ("own", "freedom"), [("line", (17.0, 17.0)), ("level", (22.8102, 161.0))]
)
def test_degrees_of_freedom_of_sleepstudy(
    reference_data: Path, own: str, freedom: tuple[float, float]
) -> None:
    found = fit(sleepstudy(reference_data), own, "REML")
    assert found.freedom == pytest.approx(freedom, rel=FOUR_DIGITS)


def people(rows: pd.DataFrame) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Outcome, fixed part, intercept and slope of each."""
    x = fixed(rows)
    for where in rows.groupby("who").indices.values():
        yield rows["y"].to_numpy()[where], x[where], x[where, :2]


def fixed_part(rows: pd.DataFrame, values: np.ndarray) -> tuple[np.ndarray, float]:
    """Covariance of the coefficients and restricted deviance, from the whole covariance of each
    person's scores.
    """
    level, both, slope, residual = values
    own = np.array([[level, both], [both, slope]])
    products, right = 0.0, 0.0
    size, squares = 0.0, 0.0
    for y, x, line in people(rows):
        spread = line @ own @ line.T + residual * np.eye(len(y))
        inverse = np.linalg.inv(spread)
        products = products + x.T @ inverse @ x
        right = right + x.T @ inverse @ y
        size += np.linalg.slogdet(spread)[1]
        squares += y @ inverse @ y
    deviance = size + np.linalg.slogdet(products)[1]
    deviance += squares - right @ np.linalg.solve(products, right)
    return np.linalg.inv(products), deviance


def test_degrees_of_freedom_with_people_missing(reference_data: Path) -> None:
    """Satterthwaite's formula with all variances as free numbers, and no profile."""
    rows = reisby(reference_data)
    found = fit(rows, "line", "REML")
    best = found.random_covariance[np.tril_indices(2)]
    best = np.append(best, found.residual_variance)
    curved = approx_hess(best, lambda values: fixed_part(rows, values)[1])
    steps = np.diag(best) * 1e-4
    slopes = [
        np.diag(fixed_part(rows, best + step)[0] - fixed_part(rows, best - step)[0])
        / (2 * step.sum())
        for step in steps
    ]
    moved = np.array(slopes)
    uncertain = np.einsum("ap,ab,bp->p", moved, 2 * np.linalg.inv(curved), moved)
    errors = np.diag(fixed_part(rows, best)[0])
    assert found.standard_error**2 == pytest.approx(errors, rel=1e-5)
    assert found.freedom == pytest.approx(2 * errors**2 / uncertain, rel=0.001)


def alike(seed: int) -> pd.DataFrame:
    """Forty people whose means differ less than chance would make them."""
    who = np.repeat(np.arange(40), 5)
    y = np.random.default_rng(seed).normal(0, 4, 200)
    y += 20 - (np.bincount(who, y) / 5)[who]
    return pd.DataFrame({"who": who, "y": y, "time": np.tile(np.arange(5.0), 40)})


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("seed", range(3))
def test_people_who_do_not_differ(seed: int) -> None:
    """On the boundary the model is least squares; statsmodels raises there."""
    rows = alike(seed)
    x = fixed(rows)
    other = MixedLM(rows["y"], x, rows["who"])
    with pytest.raises(np.linalg.LinAlgError):
        other.fit(method="lbfgs")
    plain = OLS(rows["y"], x).fit()
    found = fit(rows, "level", "REML")
    assert found.random_covariance == pytest.approx(0, abs=1e-9)
    assert found.coefficient == pytest.approx(plain.params)
    assert found.standard_error == pytest.approx(plain.bse)
    assert found.seen_error == pytest.approx(plain.bse)
    assert found.freedom == pytest.approx(plain.df_resid)
    assert found.converged


@pytest.mark.skipif("not has_nlme()", reason="R with the package nlme is not installed")
def test_people_who_do_not_differ_in_nlme(tmp_path: Path) -> None:
    """With levels alone; with slopes as well nlme gives up on these rows."""
    rows = alike(0)
    wanted = in_r(rows, tmp_path, "level", "REML")
    found = fit(rows, "level", "REML")
    assert told(found)[:-1] == pytest.approx(wanted[:-1], rel=FOUR_DIGITS)
    # It stops beside the boundary, at a variance that is not 0.
    assert 0 < wanted[-1] < 1e-3
    assert found.loglik >= wanted[4] - 1e-9
