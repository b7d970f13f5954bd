"""For whom: pseudo-values, differences at equal other characteristics, signals and nulls."""

from __future__ import annotations

from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from simulated import simulated_cohort
from spec.tables import cohort
from statsmodels.api import OLS

from kettrack import Cohort, estimate, plot_for_whom
from kettrack.analysis.response.exits import first_course_exits
from kettrack.analysis.subgroups.adjusted import (
    Characteristic,
    adjusted_comparison,
    holm,
    shrink,
)
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.competing_risks import pseudo_values
from kettrack.timelines.derived import derive

matplotlib.use("Agg")


@pytest.fixture(scope="module")
def clinic() -> Cohort:
    return simulated_cohort("measured", 500, seed=4)


def test_without_a_log_that_ends_a_pseudo_value_is_what_was_seen() -> None:
    step = np.array([1, 3, 2, 4, 4])
    cause = np.array([1, 1, 2, 1, 2])
    by_three, without = pseudo_values(step, cause, 2, 3)
    assert by_three.tolist() == pytest.approx([1, 1, 0, 0, 0])
    # steps of the first three that began without the event
    assert without.tolist() == pytest.approx([1, 3, 3, 3, 3])


def test_pseudo_values_are_right_on_average_where_logs_end_at_random() -> None:
    """Response at a session drawn evenly from 1 to 10; logs end at a session drawn on its own."""
    rng = np.random.default_rng(3)
    n = 4000
    happens = rng.integers(1, 11, n)
    ends = rng.integers(1, 13, n)
    step = np.minimum(happens, ends)
    cause = (happens <= ends).astype(int)
    by_four, without = pseudo_values(step, cause, 1, 4)
    assert by_four.mean() == pytest.approx(0.4, abs=0.03)
    # 1 + 0.9 + 0.8 + 0.7
    assert without.mean() == pytest.approx(3.4, abs=0.06)


def test_what_groups_have_in_common_is_held_equal() -> None:
    """Outcome follows age alone; route goes with age, so only the plain difference is there."""
    rng = np.random.default_rng(8)
    n = 3000
    old = rng.random(n) < 0.5
    nasal = rng.random(n) < np.where(old, 0.8, 0.2)
    outcome = 10.0 * old + rng.normal(0, 3, n)
    own = nasal[:, None].astype(float)
    nobody = np.zeros((n, 1))
    age = Characteristic(
        "age",
        "age",
        pd.Series(pd.Categorical(old, categories=[False, True], ordered=True)),
        np.empty(0),
        np.nan,
    )
    assert adjusted_comparison(outcome, own, nobody, []).difference == pytest.approx(
        6, abs=0.6
    )
    equal = adjusted_comparison(outcome, own, nobody, [age])
    assert equal.difference == pytest.approx(0, abs=3.5 * equal.error[0])
    assert equal.error[0] < 0.2


@pytest.mark.parametrize("share", [0.2, 0.37])
def test_a_small_group_does_not_stand_out_by_its_lack_of_spread(share: float) -> None:
    """Of 11 people like the others hardly any may have it by chance, and among thirty looks that
    must be no news.
    """
    rng = np.random.default_rng(1)
    own = np.zeros((160, 1))
    own[149:] = 1
    nobody = np.zeros((160, 1))
    reach = stats.t.ppf(1 - 0.05 / 30 / 2, 158)
    apart = 0
    for _ in range(1_500):
        outcome = 100 * (rng.random(160) < share).astype(float)
        found = adjusted_comparison(outcome, own, nobody, [])
        apart += abs(found.difference[0]) > reach * found.error[0]
    # 3 or 4 in 100 where the spread in the small group is taken for the truth
    assert apart <= 9


def test_no_sum_of_differences_is_surer_than_its_parts_allow() -> None:
    """The error is at least that of statsmodels, with equal spread and without."""
    rng = np.random.default_rng(5)
    group = rng.integers(0, 4, 120)
    own = (group[:, None] == np.arange(1, 4)).astype(float)
    outcome = rng.normal(size=120) * np.array([1.0, 5.0, 1.0, 0.2])[group]
    found = adjusted_comparison(outcome, own, np.zeros((120, 1)), [])
    x = np.column_stack([np.ones(120), own])
    fits = [OLS(outcome, x).fit(cov_type=kind) for kind in ("HC1", "nonrobust")]
    errors = np.array([fit.bse[1:] for fit in fits])
    assert found.error == pytest.approx(errors.max(axis=0))
    sums = rng.normal(size=(50, 3))
    for fit in fits:
        theirs = np.einsum("ij,jk,ik->i", sums, fit.cov_params()[1:, 1:], sums)
        mine = np.einsum("ij,jk,ik->i", sums, found.covariance, sums)
        assert (mine >= theirs * (1 - 1e-9)).all()


def test_nothing_is_compared_where_all_have_the_same() -> None:
    own = np.repeat([0.0, 1.0], 20)[:, None]
    with pytest.raises(NotIdentified, match="the same for everybody"):
        adjusted_comparison(np.full(40, 100.0), own, np.zeros((40, 1)), [])


def test_a_column_that_repeats_others_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    own = (rng.random((200, 1)) < 0.5).astype(float)
    outcome = own[:, 0] + rng.normal(size=200)
    nobody = np.zeros((200, 1))
    same = Characteristic(
        "drug",
        "drug",
        pd.Series(
            pd.Categorical(own[:, 0] > 0, categories=[False, True], ordered=True)
        ),
        np.empty(0),
        np.nan,
    )
    assert adjusted_comparison(
        outcome, own, nobody, [same]
    ).difference == pytest.approx(
        adjusted_comparison(outcome, own, nobody, []).difference
    )


def test_chances_of_several_looks_never_fall() -> None:
    chances = np.array([0.2, 0.001, 0.04, 0.9])
    assert (holm(chances) >= chances).all()
    assert holm(chances)[1] == pytest.approx(0.004)


def test_differences_no_larger_than_chance_makes_are_drawn_to_none() -> None:
    drawn, spread = shrink(np.array([0.5, -0.9, 0.2]), np.ones(3))
    assert spread == 0
    assert drawn.tolist() == [0, 0, 0]


def test_a_planted_difference_is_found_and_planted_nulls_are_not(
    clinic: Cohort,
) -> None:
    """People who had hardly any chance to respond by the session are put in one ethnicity."""
    exits = first_course_exits(derive(clinic)).set_index("patient_id")
    responded = exits["cause"] == 1
    rng = np.random.default_rng(1)
    chance = (
        responded.reindex(clinic.patients["patient_id"]).map({True: 0.1}).fillna(0.6)
    )
    group = np.where(rng.random(len(chance)) < chance, "asian", "white")
    changed = replace(clinic, patients=clinic.patients.assign(ethnicity=group))
    found = estimate("for_whom", changed)
    table = found.table.set_index("key")
    planted = table[table["characteristic"] == "ethnicity"].dropna(subset=["adjusted"])
    assert ((planted["adjusted_low"] > 0) | (planted["adjusted_high"] < 0)).all()
    assert "asian" in found.text or "white" in found.text
    for null in ("site", "sex"):
        rest = table[table["characteristic"] == null].dropna(subset=["adjusted"])
        assert ((rest["adjusted_low"] < 0) & (rest["adjusted_high"] > 0)).all()
    # what is real of the differences is left, less than all of it
    ratio = (planted["shrunken"] / planted["adjusted"]).iloc[0]
    assert 0 < ratio < 1


def test_shares_are_those_of_the_same_question_by_group(clinic: Cohort) -> None:
    table = estimate("for_whom", clinic).table
    by_site = estimate("response_by_session", clinic, by="site").table
    sites = table[table["characteristic"] == "site"].set_index("group")["estimate"]
    at_six = by_site[by_site["at"] == 6].set_index("group")["estimate"]
    assert sites.to_dict() == pytest.approx(at_six.to_dict())


def test_differences_as_counted_are_differences_of_the_shares(clinic: Cohort) -> None:
    """Pseudo-values of everybody, against curves of each group: alike but for ends of logs."""
    table = estimate("for_whom", clinic).table
    sites = table[table["characteristic"] == "site"]
    gap = sites["estimate"] - sites["estimate"].iloc[0]
    assert sites["difference"].iloc[1:].tolist() == pytest.approx(
        gap.iloc[1:].tolist(), abs=1.0
    )


def test_small_clinics_are_refused() -> None:
    found = estimate("for_whom", simulated_cohort("measured", 30, seed=4))
    assert found.status == "refused"
    assert "30 people" in found.reason


def test_the_forest_draws_the_table(clinic: Cohort) -> None:
    table = estimate("for_whom", clinic).table
    shown = table.dropna(subset=["adjusted"])
    ax = plot_for_whom(table)
    filled, hollow = ax.lines[1:]
    assert list(filled.get_xdata()) == pytest.approx(list(shown["adjusted"]))
    ends = [[x for x, _ in path] for path in ax.collections[0].get_segments()]
    assert np.array(ends) == pytest.approx(
        shown[["adjusted_low", "adjusted_high"]].to_numpy(float)
    )
    # A number is not drawn toward anything.
    drawn = shown["shrunken"].to_numpy(float)
    assert np.asarray(hollow.get_xdata(), float) == pytest.approx(drawn, nan_ok=True)
    beside = [text.get_text() for text in ax.texts]
    assert "severity, as a straight line" in beside
    assert any(text.startswith("sex, against female") for text in beside)


def two_sites(silent: bool) -> Cohort:
    """Two sites of 30 people each with scores after session 1, and one of 30 that may have none."""
    names = [f"{site}{number:02}" for site in "abc" for number in range(30)]
    scores = "".join(
        f"\n {name} | {day} | {20 if day < 0 else 9 + int(name[1:]) % 7}"
        for name in names
        for day in ((-1,) if silent and name[0] == "c" else (-1, 3, 84))
    )
    sessions = "".join(f"\n {name} | 0 7" for name in names)
    routes = {"a": "iv", "b": "im", "c": "sc"}
    logs = "".join(f"\n {name} | 300 | 2 | K{name[0].upper()}" for name in names)
    made = cohort(
        f"patient | day | score{scores}",
        f"patient | days{sessions}",
        f"patient | observed_to_day | planned_sessions | site{logs}",
    )
    route = made.sessions["patient_id"].astype(str).str[0].map(routes)
    return replace(made, sessions=made.sessions.assign(route=route))


@pytest.mark.parametrize(
    ("question", "option"),
    [
        ("for_whom", {}),
        ("standardised", {"column": "site"}),
        ("interactions", {"column": "site"}),
    ],
)
def test_a_group_that_was_never_scored_again_is_named_and_not_compared(
    question: str, option: dict[str, str]
) -> None:
    known = estimate(question, two_sites(silent=False), **option)
    found = estimate(question, two_sites(silent=True), **option)
    why = "Left out are groups in which nobody was scored after session 1:"
    assert not any(why in caveat for caveat in known.caveats)
    (named,) = [caveat for caveat in found.caveats if why in caveat]
    assert "KC" in named
    assert "KC" not in set(found.table["group"])


def test_people_of_whom_nothing_is_known_are_nobodys_measure() -> None:
    """The others are made like everybody; 30 people without a score would pull that down."""
    table = estimate("standardised", two_sites(silent=True), column="site").table
    everybody = table.set_index("key").loc["all"]
    alone = two_sites(silent=True)
    few = alone.patients["patient_id"].astype(str).str[0] != "c"
    names = set(alone.patients["patient_id"][few])
    parts = {
        name: getattr(alone, name)[getattr(alone, name)["patient_id"].isin(names)]
        for name in ("sessions", "scores", "patients")
    }
    without = replace(alone, **parts)
    expected = estimate("standardised", without, column="site").table
    assert everybody["n"] == 60
    pd.testing.assert_frame_equal(table, expected)


def test_two_groups_are_not_one_of_whom_nothing_is_known() -> None:
    """Of three groups of one size the first two by name would be taken; the silent one is first."""
    sites = two_sites(silent=True)
    route = sites.sessions["route"].replace({"sc": "im", "im": "sc"})
    found = estimate(
        "two_groups",
        replace(sites, sessions=sites.sessions.assign(route=route)),
        column="route",
    )
    table = found.table.set_index("key")
    assert set(table.loc[["group_1", "group_2"], "about"]) == {"iv", "sc"}
    assert any(
        "Left out are groups in which nobody was scored" in words
        for words in found.caveats
    )
    known = estimate("two_groups", two_sites(silent=False), column="route")
    assert not any("Left out are groups" in words for words in known.caveats)


def test_a_group_of_whom_nobody_is_scored_has_an_interval() -> None:
    table = estimate("equity_ladder", two_sites(silent=True)).table
    (row,) = table[table["group"] == "KC"].to_dict("records")
    assert row["difference"] == -100
    # 0 of 30 against 30 of 30 is not known to the last point
    assert -100 <= row["difference_low"] <= -100 < row["difference_high"] < -70
