"""Kinds of treatment made alike, and whether their difference is another one in another group."""

from __future__ import annotations

from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from sample_answers import derived_sample, sample_answer
from simulated import simulated_cohort

from kettrack import Cohort, estimate, plot_interactions, plot_standardised
from kettrack.analysis.response.exits import first_course_exits
from kettrack.analysis.subgroups.standardised import _error, _Everybody, _kind
from kettrack.timelines.derived import derive

matplotlib.use("Agg")


def _people(n: int, seed: int) -> tuple[_Everybody, np.ndarray]:
    """Older people respond less and get the second kind more; the kind itself does nothing."""
    rng = np.random.default_rng(seed)
    age = rng.normal(size=n)
    other = (rng.random(n) < 0.4).astype(float)
    second = rng.random(n) < 1 / (1 + np.exp(-0.8 * age))
    outcome = 100.0 * (rng.random(n) < np.clip(0.4 - 0.15 * age, 0, 1))
    return _Everybody(outcome, np.column_stack([age, other]), ["age", "other"]), second


def test_what_goes_with_the_kind_is_taken_out() -> None:
    everybody, second = _people(4000, 1)
    as_counted = everybody.outcome[second].mean() - everybody.outcome[~second].mean()
    one = _kind(everybody, second)
    two = _kind(everybody, ~second)
    assert as_counted < -10
    assert one.share - two.share == pytest.approx(0, abs=4)
    assert one.most_apart == "age"
    assert one.apart[0] > 0.3 > 0.1 > one.apart[1]
    assert one.effective < second.sum()


def test_the_error_is_that_of_many_clinics() -> None:
    found = []
    for seed in range(150):
        everybody, second = _people(500, seed)
        one = _kind(everybody, second)
        two = _kind(everybody, ~second)
        found.append((one.share - two.share, _error(one.influence - two.influence)))
    gap, error = np.array(found).T
    assert gap.mean() == pytest.approx(0, abs=1.5)
    assert error.mean() == pytest.approx(gap.std(ddof=1), rel=0.2)
    # 95 % intervals that hold nothing: 7 or 8 of 150 are to be expected to miss.
    assert (np.abs(gap) > 1.96 * error).sum() <= 16


def test_weights_are_those_of_statsmodels() -> None:
    from statsmodels.api import Logit

    everybody, second = _people(800, 7)
    x = np.column_stack([np.ones(800), everybody.columns[:, :1]])
    chance = Logit(second.astype(float), x).fit(disp=0).predict(x)
    weights = second / chance
    share = (weights * everybody.outcome).sum() / weights.sum()
    # Only age is apart; the other column says nothing and is left out.
    assert _kind(everybody, second).share == pytest.approx(share, abs=1e-6)


def test_a_kind_that_others_never_have_is_not_standardised() -> None:
    rng = np.random.default_rng(3)
    age = rng.normal(size=400)
    everybody = _Everybody(100.0 * (age > 0), age[:, None], ["age"])
    assert np.isnan(_kind(everybody, age > 0.3).share)


@pytest.fixture(scope="module")
def clinic() -> Cohort:
    """Psychotherapy goes with response among people with anxiety, and by lot among the others."""
    made = simulated_cohort("measured", 800, seed=6)
    exits = first_course_exits(derive(made)).set_index("patient_id")
    codes = made.patients["patient_id"]
    responded = codes.isin(exits.index[exits["cause"] == 1]).to_numpy()
    rng = np.random.default_rng(2)
    anxious = rng.random(len(codes)) < 0.5
    chance = np.where(anxious, np.where(responded, 0.8, 0.3), 0.45)
    therapy = rng.random(len(codes)) < chance
    patients = made.patients.assign(anxiety=anxious, psychotherapy=therapy)
    return replace(made, patients=patients)


def test_a_planted_interaction_is_found_and_nulls_are_not(clinic: Cohort) -> None:
    found = estimate("interactions", clinic, column="psychotherapy")
    table = found.table.set_index("key")
    planted = table.loc["anxiety_1"]
    yes = found.table["compared"].iloc[0].startswith("psychotherapy: yes")
    low, high = planted[["interaction_low", "interaction_high"]] * (1 if yes else -1)
    assert min(low, high) > 0
    assert "anxiety" in found.text
    nulls = table[table["characteristic"].isin(["site", "sex"])].dropna(
        subset=["interaction_low"]
    )
    assert ((nulls["interaction_low"] < 0) & (nulls["interaction_high"] > 0)).all()


def test_an_interaction_is_the_difference_of_two_differences() -> None:
    table = sample_answer("interactions").table
    groups = table[table["estimate"].notna() & (table["key"] != "all")]
    for _, part in groups.groupby("characteristic", sort=False):
        gap = part["estimate"] - part["estimate"].iloc[0]
        assert part["interaction"].iloc[1:].tolist() == pytest.approx(
            gap.iloc[1:].tolist(), abs=1e-6
        )
    # What is drawn toward none keeps its side.
    drawn = groups.dropna(subset=["shrunken"])
    assert (drawn["shrunken"].abs() <= drawn["interaction"].abs() + 1e-9).all()
    assert (drawn["shrunken"] * drawn["interaction"] >= 0).all()


def test_drug_is_not_standardised_over_route() -> None:
    found = estimate("standardised", derived_sample(), column="drug")
    held = next(caveat for caveat in found.caveats if "are apart by chance" in caveat)
    assert " route" not in held
    table = found.table
    assert table["difference"].isna().tolist() == [True, True, False]
    assert table["n"].iloc[0] == table["n"].iloc[1:].sum() == 474
    assert "N = 474" in found.caption


def test_one_kind_alone_is_refused() -> None:
    made = simulated_cohort("measured", 100, seed=4)
    one = replace(made, sessions=made.sessions.assign(route="iv"))
    for name in ("standardised", "interactions"):
        found = estimate(name, one)
        assert found.status == "refused"
        assert "fewer than two groups by route" in found.reason


def test_the_figures_draw_their_tables() -> None:
    table = sample_answer("standardised").table
    counted, alike = plot_standardised(table).lines
    assert list(counted.get_xdata()) == pytest.approx(list(table["estimate"]))
    assert np.asarray(alike.get_xdata()) == pytest.approx(
        table["standardised"].to_numpy(), nan_ok=True
    )
    table = sample_answer("interactions").table
    shown = table.dropna(subset=["estimate"])
    ax = plot_interactions(table)
    assert list(ax.lines[-1].get_xdata()) == pytest.approx(list(shown["estimate"]))
    row = shown.dropna(subset=["interaction"]).iloc[0]
    words = "{:.1f} ({:.1f} to {:.1f})".format(
        *row[["interaction", "interaction_low", "interaction_high"]]
    )
    assert words in [text.get_text() for text in ax.texts]
    assert row["compared"] in ax.get_title(loc="left")
