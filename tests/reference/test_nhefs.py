"""Quitting smoking and weight (NHEFS): Hernan and Robins, Causal Inference: What If, chapters 12,
13 and 17, to four digits.

Numbers as computed with statsmodels 0.15.0, equal to the book where it prints them (3.4, 95 %
interval 2.4 to 4.5, and 3.5). The data come with the Python package causaldata 0.1.5 (MIT licence);
it need not be installed: the test takes `nhefs.dta` from an installed copy or from the folder nhefs
of the reference data.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kettrack.estimators.causal.weights import (
    describe_weights,
    observed_probability,
    standardised_differences,
)
from kettrack.estimators.regression.least_squares import (
    fit_clustered,
    fit_least_squares,
)
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic

MONTHS = 120


@pytest.fixture(scope="module")
def people(request):
    package = find_spec("causaldata")
    if package is not None and package.submodule_search_locations:
        file = Path(package.submodule_search_locations[0]) / "nhefs" / "nhefs.dta"
    else:
        file = request.getfixturevalue("reference_data") / "nhefs" / "nhefs.dta"
    if not file.is_file():
        pytest.skip(
            "NHEFS is not there: install causaldata 0.1.5, or put its nhefs.dta into nhefs/ of"
            " the reference data"
        )
    return pd.read_stata(file, convert_categoricals=False)


@pytest.fixture(scope="module")
def complete(people):
    """Those whose weight in 1982 is known."""
    return people[people["wt82"].notna()]


def confounders(people):
    """Intercept, categories as indicators, numbers with their squares."""
    numbers = people[["age", "smokeintensity", "smokeyrs", "wt71"]].to_numpy(
        dtype=float
    )
    categories = [
        pd.get_dummies(people[name], drop_first=True, dtype=float)
        for name in ("education", "exercise", "active")
    ]
    return np.column_stack(
        [
            np.ones(len(people)),
            people[["sex", "race"]],
            *categories,
            numbers,
            numbers**2,
        ]
    )


def treatment_weights(people):
    """Unstabilised and stabilised weights for quitting."""
    quit_smoking = people["qsmk"].to_numpy()
    x = confounders(people)
    chance = observed_probability(
        predict_logistic(x, fit_logistic(x, quit_smoking)), quit_smoking == 1
    )
    return 1 / chance, observed_probability(
        quit_smoking.mean(), quit_smoking == 1
    ) / chance


def weighted_difference(people, weights):
    x = np.column_stack([np.ones(len(people)), people["qsmk"]])
    return fit_clustered(x, people["wt82_71"], people["seqn"], weights, corrected=False)


def test_crude_difference(complete):
    quitters, others = (
        complete.loc[complete["qsmk"] == arm, "wt82_71"].mean() for arm in (1, 0)
    )
    assert len(complete) == 1566
    assert (quitters, others, quitters - others) == pytest.approx(
        (4.5251, 1.9845, 2.5406), abs=1e-4
    )


def test_weights_are_those_of_the_book(complete):
    plain, stabilised = treatment_weights(complete)
    found = describe_weights(plain)
    assert (found.mean, plain.min(), found.largest, plain.std(ddof=1)) == pytest.approx(
        (1.9963, 1.0537, 16.7001, 1.4748), abs=1e-4
    )
    found = describe_weights(stabilised)
    assert (found.mean, stabilised.min(), found.largest) == pytest.approx(
        (0.99884, 0.33125, 4.29766), abs=1e-4
    )
    assert found.ess == pytest.approx(1445.7, abs=0.1)


def test_weights_balance_what_they_were_made_from(complete):
    quitters = complete["qsmk"] == 1
    x = confounders(complete)[:, 1:]
    assert np.abs(standardised_differences(x, quitters)).max() > 0.25
    assert (
        np.abs(
            standardised_differences(x, quitters, treatment_weights(complete)[1])
        ).max()
        < 0.1
    )


def test_inverse_probability_weighting(complete):
    plain, stabilised = treatment_weights(complete)
    for weights in (plain, stabilised):
        found = weighted_difference(complete, weights)
        effect = found.coefficients[1]
        error = found.error[1]
        assert effect == pytest.approx(3.4405, abs=1e-4)
        assert error == pytest.approx(0.5255, abs=1e-4)
        assert (effect - 1.96 * error, effect + 1.96 * error) == pytest.approx(
            (2.411, 4.470), abs=1e-3
        )


def test_g_formula(complete):
    def design(quitting):
        return np.column_stack(
            [confounders(complete), quitting, quitting * complete["smokeintensity"]]
        )

    beta = fit_least_squares(design(complete["qsmk"]), complete["wt82_71"])
    treated, untreated = (
        (design(np.full(len(complete), arm)) @ beta).mean() for arm in (1.0, 0.0)
    )
    assert beta[-2:] == pytest.approx([2.5596, 0.04666], abs=1e-4)
    assert (treated, untreated, treated - untreated) == pytest.approx(
        (5.2736, 1.7562, 3.5174), abs=1e-4
    )


def test_censoring_weights(people):
    """Weight in 1982 unknown in 63 of 1,629: weights for being known, by everything that decides
    it.
    """
    known = people["wt82"].notna().to_numpy()
    quit_smoking = people["qsmk"].to_numpy()
    assert (len(people), (~known).sum()) == (1629, 63)
    arm = np.column_stack([np.ones(len(people)), quit_smoking])
    history = np.column_stack([confounders(people), quit_smoking])
    censoring = np.divide(
        *(predict_logistic(x, fit_logistic(x, known)) for x in (arm, history))
    )
    product = treatment_weights(people)[1] * censoring
    for weights, (mean, smallest, largest) in (
        (censoring, (0.99903, 0.9442, 1.7180)),
        (product, (0.99624, 0.3547, 4.0931)),
    ):
        weights = weights[known]
        assert (weights.mean(), weights.min(), weights.max()) == pytest.approx(
            (mean, smallest, largest), abs=1e-4
        )
    found = weighted_difference(people[known], product[known])
    effect = found.coefficients[1]
    error = found.error[1]
    assert effect == pytest.approx(3.4965, abs=1e-4)
    assert (effect - 1.96 * error, effect + 1.96 * error) == pytest.approx(
        (2.466, 4.527), abs=1e-3
    )


def months_lived(people):
    """Months from January 1983, and whether the person died in the last of them."""
    died = people["death"].to_numpy() == 1
    month = np.where(
        died, (people["yrdth"] - 83) * 12 + people["modth"], MONTHS
    ).astype(int)
    return month, died


def hazard_design(quitting, month):
    """Quitting, time and its square, and both together."""
    time = np.asarray(month, dtype=float)
    return np.column_stack(
        [
            np.ones(len(time)),
            quitting,
            quitting * time,
            quitting * time**2,
            time,
            time**2,
        ]
    )


def survival(people, weights):
    """Weighted survival to 120 months with and without quitting, from deaths and person-months
    counted by arm and month.
    """
    month, died = months_lived(people)
    arm = people["qsmk"].to_numpy().astype(int)
    deaths = np.zeros((2, MONTHS))
    leaving = np.zeros((2, MONTHS))
    np.add.at(leaving, (arm, month - 1), weights)
    np.add.at(deaths, (arm, month - 1), weights * died)
    at_risk = leaving[:, ::-1].cumsum(axis=1)[:, ::-1]
    time = np.tile(np.arange(MONTHS), 2)
    beta = fit_logistic(
        hazard_design(np.repeat([0.0, 1.0], MONTHS), time),
        (deaths / at_risk).ravel(),
        at_risk.ravel(),
    )
    return [
        np.prod(
            1
            - predict_logistic(
                hazard_design(np.full(MONTHS, a), np.arange(MONTHS)), beta
            )
        )
        for a in (0.0, 1.0)
    ]


def test_deaths(people):
    _, died = months_lived(people)
    arm = people["qsmk"].to_numpy() == 1
    assert (
        died.sum(),
        (died & arm).sum(),
        arm.sum(),
        (died & ~arm).sum(),
        (~arm).sum(),
    ) == (
        318,
        102,
        428,
        216,
        1201,
    )


def test_survival_unadjusted_and_weighted(people):
    """The grouped fit of a pooled logistic model on 176,764 person-months."""
    assert survival(people, np.ones(len(people))) == pytest.approx(
        [0.8201, 0.7618], abs=1e-4
    )
    assert survival(people, treatment_weights(people)[1]) == pytest.approx(
        [0.8047, 0.8067], abs=1e-4
    )


def test_survival_by_g_formula(people):
    """Person-months one by one, as each person has their own hazard; then everyone's survival with
    and without quitting.
    """
    month, died = months_lived(people)
    own = confounders(people)[:, 1:]
    who = np.repeat(np.arange(len(people)), month)
    time = np.arange(len(who)) - np.repeat(np.cumsum(month) - month, month)
    quitting = people["qsmk"].to_numpy()
    beta = fit_logistic(
        np.column_stack([hazard_design(quitting[who], time), own[who]]),
        died[who] & (time == month[who] - 1),
    )
    alive = []
    for arm in (0.0, 1.0):
        baseline = hazard_design(np.full(MONTHS, arm), np.arange(MONTHS)) @ beta[:6]
        hazard = predict_logistic(
            np.ones((1, 1)), ((own @ beta[6:])[:, None] + baseline)[..., None]
        )[..., 0]
        alive.append(np.prod(1 - hazard, axis=1).mean())
    assert alive == pytest.approx([0.8051, 0.8070], abs=1e-4)
