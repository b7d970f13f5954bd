"""Who stops when: means by hand, the naive slope that has the wrong sign, and what the figure
draws.
"""

from __future__ import annotations

import re
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer
from simulated import simulated_cohort
from spec.tables import cohort

from kettrack import Cohort, cohort_from_frames
from kettrack.analysis.association.association import association
from kettrack.analysis.association.course_scores import course_scores, final_scores
from kettrack.analysis.association.trajectories import trajectories
from kettrack.analysis.registry import asked_as
from kettrack.figures.trajectories import plot_trajectories
from kettrack.result import Result
from kettrack.timelines.derived import derive

CLINIC = cohort(
    """
    patient | day | score
    over    |  -1 | 20
    over    |   3 | 15
    over    |  10 | 12
    over    |  80 |  9
    over    |  86 |  7        # nearer to day 84
    going   |  -1 | 18
    going   |   3 | 16
    below   |  -1 |  5        # below caseness
    below   |   3 |  2
    """,
    "patient | days\n over | 0 7\n going | 0 7 14\n below | 0",
    "patient | observed_to_day\n over | 140\n going | 21\n below | 140",
)


def unchanged(n: int, longest: int, seed: int) -> Cohort:
    """People who never change, let in at 18 or more; each score has an error of its own, and
    sessions end by chance.
    """
    rng = np.random.default_rng(seed)
    person = rng.normal(14, 5, 20 * n)  # reliability .84
    asked = np.clip(
        np.round(
            person[:, None] + rng.normal(0, 5 * np.sqrt(0.16 / 0.84), (20 * n, 5))
        ),
        0,
        27,
    )
    asked = asked[asked[:, 0] >= 18][:n]
    length = rng.integers(1, longest + 1, n)
    names = np.array([f"p{number:04}" for number in range(n)])
    who = np.repeat(names, length)
    week = np.concatenate([np.arange(sessions) for sessions in length])
    after = pd.DataFrame(
        {
            "patient_id": who,
            "day": 7 * week + 3,
            "score": asked[np.repeat(np.arange(n), length), week + 1],
        }
    )
    before = pd.DataFrame({"patient_id": names, "day": -1, "score": asked[:, 0]})
    scores = pd.concat([before, after]).assign(instrument="PHQ-9")
    patients = pd.DataFrame({"patient_id": names, "observed_to_day": 200})
    return cohort_from_frames(
        pd.DataFrame({"patient_id": who, "day": 7 * week}), scores, patients
    )


@pytest.fixture(scope="module")
def nothing_happens() -> Result:
    return association(unchanged(60, longest=4, seed=2))


@pytest.fixture(scope="module")
def sample() -> Result:
    return sample_answer("association")


@pytest.fixture(scope="module")
def well_people_stop() -> Cohort:
    """Sessions help; people stop when they are well."""
    return simulated_cohort("A", 300, seed=4)


@pytest.fixture(scope="module")
def related(well_people_stop: Cohort) -> Result:
    return association(well_people_stop)


def value(result: Result, key: str) -> float:
    return float(result.table.set_index("key").loc[key, "estimate"])


def test_scores_stand_on_the_session_they_belong_to() -> None:
    rows = course_scores(derive(CLINIC))
    told = [(r.patient_id, r.session, r.score) for r in rows.itertuples()]
    assert told == [
        ("going", 0, 18),
        ("going", 1, 16),
        ("over", 0, 20),
        ("over", 1, 15),
        ("over", 2, 12),
    ]
    # the other one may go on
    assert rows.set_index("patient_id")["total"].dropna().unique().tolist() == [2]


def test_last_score_and_the_one_at_a_fixed_time() -> None:
    person = final_scores(derive(CLINIC)).set_index("patient_id").loc["over"]
    assert person[["total", "baseline", "last", "at_horizon"]].tolist() == [
        2,
        20,
        12,
        7,
    ]


def test_the_fan_tells_how_many_stand_behind_each_mean(
    well_people_stop: Cohort,
) -> None:
    result = trajectories(well_people_stop)
    table = result.table[result.table["axis"] == "session"]
    sizes = table[table["at"] == 0].set_index("stratum")["people"]
    # weekly logs are long: every course is over
    assert sizes["everybody"] == sizes.drop("everybody").sum() == 300
    short = table[table["stratum"] == "1 to 3"]
    assert (short["at"] <= 3).all()
    assert short["n"].is_monotonic_decreasing
    assert "who stops when" in " ".join(result.caveats).lower()


def test_those_who_stop_early_are_the_ones_who_got_well(
    well_people_stop: Cohort,
) -> None:
    table = trajectories(well_people_stop).table
    after_two = table[(table["axis"] == "session") & (table["at"] == 2)].set_index(
        "stratum"
    )["estimate"]
    assert after_two["1 to 3"] < after_two["4 to 6"] < after_two["7 to 12"]


def test_the_naive_slope_has_the_wrong_sign(related: Result) -> None:
    """Every session takes .8 points off, and people with more sessions end higher."""
    slope = related.table.set_index("key").loc["slope_last_adjusted"]
    assert slope["ci_low"] > 0
    assert value(related, "slope_fixed_adjusted") > 0
    assert value(related, "correlation_last") > 0
    assert "does not show that sessions harm" in related.text


def test_a_curve_by_length_fits_better_when_stopping_follows_the_score(
    related: Result,
) -> None:
    assert value(related, "own_curve_by_length") > 0  # longer courses fall more slowly
    assert value(related, "likelihood_ratio") > 5.99
    assert value(related, "aic_gain") == pytest.approx(
        value(related, "likelihood_ratio") - 4
    )


def test_some_of_the_fall_is_regression_to_the_mean(related: Result) -> None:
    low, high, seen = (
        value(related, key)
        for key in ("mean_regression_low", "mean_regression_high", "observed_drop")
    )
    assert 0 < low < high < seen


def test_the_range_is_said_to_be_regression_alone_and_the_null_curve_is_named(
    related: Result,
) -> None:
    assert "regression to the mean alone" in related.text
    assert "not in that range" in related.text
    assert asked_as("response_by_session") in related.text
    assert "no change" not in related.text


def test_regression_to_the_mean_starts_at_the_cut_off_of_the_cohort() -> None:
    """All let in at 18 or more: what is seen is regression alone, and the range holds it."""
    result = association(unchanged(500, longest=1, seed=2))
    low = value(result, "mean_regression_low")
    high = value(result, "mean_regression_high")
    seen = result.table.set_index("key").loc["observed_drop"]
    chance = (seen["ci_high"] - seen["ci_low"]) / 2
    assert low - chance - 0.3 <= seen["estimate"] <= high + chance + 0.3
    assert low > 0.3
    assert "18 or above" in result.text
    about = result.table.set_index("key").loc[
        ["mean_regression_low", "mean_regression_high"], "about"
    ]
    assert about.str.contains("least severe baseline, 18 or above").all()


def test_people_below_caseness_tell_the_spread_of_everyone(sample: Result) -> None:
    """572 baselines, 6 % of them below 10."""
    assert "entry at caseness, 10 or above" in sample.text
    assert value(sample, "mean_regression_low") == pytest.approx(0.11, abs=0.005)


def test_a_relation_that_may_be_none_is_said_to_be_none(
    nothing_happens: Result,
) -> None:
    assert (
        "The interval includes 0, so these data also fit no relation at all."
        in nothing_happens.text
    )
    assert "ended" not in nothing_happens.text
    assert "This is expected when" not in nothing_happens.text


def test_better_after_more_sessions_has_two_causes(sample: Result) -> None:
    assert "ended better" in sample.text
    assert (
        "not helped leave, and also when sessions help. These data cannot tell which."
        in sample.text
    )


def test_a_simpler_growth_model_says_why(
    nothing_happens: Result, related: Result
) -> None:
    """People who never change have no slopes of their own."""
    told = nothing_happens.table.set_index("key").loc["one_curve_rate", "about"]
    assert (
        "random intercept, instead of random intercept and slope: a variance ended at zero"
        in told
    )
    assert (
        "instead of"
        not in related.table.set_index("key").loc["one_curve_rate", "about"]
    )


def test_weekly_scores_overlap_what_was_asked_before(related: Result) -> None:
    assert value(related, "recall_overlap") == 100


def test_refused_with_few() -> None:
    for result in (trajectories(CLINIC), association(CLINIC)):
        assert result.status == "refused"
        assert result.collect


def test_the_figure_draws_the_means_and_their_numbers(well_people_stop: Cohort) -> None:
    result = trajectories(well_people_stop)
    axes = plot_trajectories(result.table, caption=result.caption)
    lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    shown = result.table[
        (result.table["axis"] == "session") & result.table["estimate"].notna()
    ]
    for stratum, rows in shown.groupby("stratum"):
        assert np.asarray(lines[stratum]) == pytest.approx(rows["estimate"].to_numpy())
    assert "300" in axes.get_xticklabels()[0].get_text()
    plt.close("all")


def test_an_empty_table_is_said_to_be_empty() -> None:
    axes = plot_trajectories(pd.DataFrame({"estimate": []}))
    assert "Not shown" in axes.texts[0].get_text()
    plt.close("all")


@pytest.mark.parametrize("late_after_days", [14, 28])
@pytest.mark.parametrize("ask", [association, trajectories])
def test_words_read_the_days_of_the_criteria_in_force(ask, late_after_days) -> None:
    clinic = derive(unchanged(60, longest=4, seed=2))
    rules = replace(clinic.criteria, name="ours", late_after_days=late_after_days)
    result = ask(clinic.with_criteria(rules))
    said = " ".join([result.text, result.estimand, *result.caveats])
    days = set(re.findall(r"at most (\d+) days after", said))
    assert days == {str(late_after_days)}


def test_a_refusal_reads_the_days_of_the_criteria_in_force() -> None:
    clinic = derive(CLINIC)
    rules = replace(clinic.criteria, name="ours", late_after_days=28)
    reason = association(clinic.with_criteria(rules)).reason
    assert "within 28 days" in reason
    assert "14" not in reason
