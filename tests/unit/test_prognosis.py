"""Forecasts of people not seen: closer than one number where there is something to know, and said
to be no better where there is not.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import kettrack as kt
from kettrack import Cohort, load_cohort, sample_folder
from kettrack.analysis.prognosis import forecast
from kettrack.analysis.prognosis.answer import (
    enough,
    people_like,
    prognosis,
    prognosis_curves,
)
from kettrack.analysis.prognosis.forecast import landmark
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.errors import NotIdentified, UsageError
from kettrack.figures.prognosis import plot_calibration, plot_net_benefit
from kettrack.timelines.derived import DerivedCohort, derive


@pytest.fixture(scope="module")
def sample() -> Cohort:
    return load_cohort(sample_folder())


@pytest.fixture(scope="module")
def derived(sample: Cohort) -> DerivedCohort:
    return derive(sample)


def people(n: int, weight: float, seed: int = 3) -> tuple[pd.DataFrame, np.ndarray]:
    """People of whom a threshold, not a logistic curve, tells something."""
    draw = np.random.default_rng(seed)
    known = pd.DataFrame(
        {
            "baseline": draw.normal(18, 4, n),
            "age": np.where(draw.random(n) < 0.2, np.nan, draw.integers(20, 70, n)),
            "sex": draw.choice(["female", "male"], n),
        }
    )
    chance = 0.4 - weight * (known["baseline"] > 18)
    return known, draw.random(n) < chance


def test_what_there_is_to_know_is_found_and_chance_is_not():
    known, responded = people(800, 0.3)
    found = forecast.score(forecast.by_patients(known, responded), responded)
    assert found.gain_low > 0
    # Of clinics without anything to know, hardly any may be called better. Hundreds of them are on
    # trial in `make truth`.
    called = [
        forecast.score(forecast.by_patients(*clinic), clinic[1]).gain_low > 0
        for clinic in (people(200, 0.0, seed) for seed in range(16))
    ]
    assert sum(called) <= 1


def test_scores_are_those_of_their_definitions():
    known, responded = people(300, 0.3)
    made = forecast.by_patients(known, responded)
    found = forecast.score(made, responded)
    squares = [
        (chance - outcome) ** 2
        for chance, outcome in zip(made.chance, responded, strict=True)
    ]
    assert found.brier == pytest.approx(sum(squares) / 300)
    higher = [
        (a > b) + (a == b) / 2
        for a in made.chance[responded]
        for b in made.chance[~responded]
    ]
    assert found.auc == pytest.approx(100 * np.mean(higher))
    logit = pd.Series(np.log(made.chance / (1 - made.chance)), name="x1")
    fitted = sm.Logit(responded.astype(float), sm.add_constant(logit)).fit(disp=0)
    assert found.slope == pytest.approx(fitted.params.x1, abs=1e-3)


def test_a_site_is_forecast_by_the_others_only():
    known, responded = people(300, 0.3)
    site = pd.Series(np.repeat(["A", "B", "C"], 100))
    made = forecast.by_site(known, responded, site)
    assert made is not None
    assert made.base[:100] == pytest.approx(responded[100:].mean())
    assert forecast.by_site(known, responded, site.replace("C", "B")) is None
    assert forecast.by_site(known, responded, site.where(site != "C")) is None


def test_people_of_a_landmark_came_on_without_a_response(derived):
    exits = first_course_exits(derived).set_index("patient_id")
    found = landmark(derived, 2)
    there = exits.loc[found.known.index]
    assert (there["step"] > 2).all()
    names = there["cause"].map(lambda cause: ["log_ends", *CAUSES][cause])
    by_hand = (names == "responded") & (there["step"] <= 6)
    assert found.responded.tolist() == by_hand.tolist()
    # Those left out and those counted are everybody who came on.
    assert len(there) + found.unknown == (exits["step"] > 2).sum()


def test_the_answer_says_where_a_forecast_is_worth_nothing(derived):
    found = prognosis(derived)
    assert "Before session 1: 41 % of 392 people responded later." in found.text
    assert "no better than this one number for everybody" in found.text
    assert "closer than this one number, by 0.056" in found.text
    # a point in time with too few people is told, and nothing is forecast there
    assert "After session 4: 20 of 127 people responded later." in found.text
    assert "A forecast needs at least 50 who do" in found.text
    last = found.table.iloc[-1]
    assert (last["session"], last["events"]) == (4, 20)
    assert last[["brier", "estimate", "auc"]].isna().all()
    curves = prognosis_curves(derived).table
    calibration = curves[curves["kind"] == "calibration"]
    sums = calibration.groupby("session")[["n", "events"]].sum()
    assert sums.loc[0].tolist() == [392, 160]
    for plot in (plot_calibration, plot_net_benefit):
        assert plot(curves).get_legend() is not None
        plot(curves.iloc[:0])


def test_no_small_count_follows_from_a_net_benefit():
    """The net benefit, the people taken for a responder and the threshold are two equations for who
    of them was one.
    """
    answer = kt.estimate("prognosis_curves", load_cohort(sample_folder(), policy="cms"))
    table = answer.table
    benefit = table[(table["kind"] == "benefit") & table["estimate"].notna()]
    assert len(benefit)
    for row in benefit.itertuples():
        odds = row.at / (100 - row.at)
        right = (row.estimate * row.n / 100 + odds * row.events) / (1 + odds)
        # If everybody was treated, only the share who responded is not known.
        missed = row.n * (row.all / 100 + odds) / (1 + odds) - right
        cells = np.array(
            [right, row.events - right, missed, row.n - row.events - missed]
        ).round()
        assert not ((cells > 0) & (cells < 11)).any(), row
    n_left_out = 6 * benefit["session"].nunique() - len(benefit)
    assert any(f"{n_left_out} thresholds were" in one for one in answer.caveats)


def test_too_few_people_have_no_forecast(sample):
    few = sample.patients["patient_id"].iloc[:60]
    kept = {
        name: getattr(sample, name)[lambda rows: rows["patient_id"].isin(few)]
        for name in ("sessions", "scores", "patients", "events")
    }
    kept = {name: rows.reset_index(drop=True) for name, rows in kept.items()}
    answer = prognosis(replace(sample, **kept))
    assert answer.status == "refused"
    assert "more people" in answer.collect
    assert not enough(np.repeat([True, False], [49, 90]))


def test_one_patient_is_told_beside_all_and_only_where_it_is_worth_something(
    sample, derived
):
    had = derived.sessions.groupby("patient_id").size()
    some = landmark(derived, 2).known.index
    patient = next(one for one in some if had[one] == 3)
    said = people_like(derived, patient)
    assert said.startswith("Of 100 people like this one after session 2, about ")
    assert "of 100 people of all kinds, 27 did" in said
    newcomer = next(one for one in had.index if had[one] == 1)
    with pytest.raises(NotIdentified, match="no better"):
        people_like(derived, newcomer)
    released = replace(sample.settings, policy="midpoint6")
    with pytest.raises(UsageError, match="internal"):
        people_like(replace(sample, settings=released), patient)
