"""The response curve: what stands beside it, its median, and its words."""

import re
from dataclasses import replace

import numpy as np
import pytest
from sample_answers import sample_answer
from spec.tables import cohort

from kettrack import estimate
from kettrack.analysis.response import response_curve
from kettrack.analysis.response.exits import CAUSES
from kettrack.estimators.survival.competing_risks import count_competing_risks
from kettrack.timelines.derived import derive
from kettrack.vocabulary.plain_words import percentage
from kettrack.vocabulary.published_results import (
    GOING_ON,
    PUBLISHED_RATES,
    SOURCES,
    rates_to_draw,
)

MANY = 12  # people; eleven are enough for a curve


@pytest.fixture(scope="module")
def response():
    return sample_answer("response_by_session")


def small_clinic(second_score):
    """Twelve people who respond after two of three sessions; a later score confirms it or not."""
    names = [f"p{i:02d}" for i in range(MANY)]
    scores = "\n".join(
        f"{name} | -1 | 20\n {name} | 2 | 15\n {name} | 6 | 9\n {name} | 20 | {second_score}"
        for name in names
    )
    sessions = "\n".join(f"{name} | 0 3 7" for name in names)
    patients = "\n".join(f"{name} | 200 | 3" for name in names)
    return cohort(
        f"patient | day | score\n {scores}",
        f"patient | days\n {sessions}",
        f"patient | observed_to_day | planned_sessions\n {patients}",
    )


@pytest.mark.parametrize(("second_score", "confirmed"), [(9, [0, 100]), (11, [0, 0])])
def test_confirmed_asks_for_a_second_score(second_score, confirmed):
    table = estimate("response_by_session", small_clinic(second_score)).table
    assert table["estimate"].tolist() == [0, 100]
    assert table["confirmed"].tolist() == confirmed


def test_remitted_is_the_other_curve(response):
    remission = sample_answer("remission_by_session").table
    same = min(len(remission), len(response.table))
    assert response.table["remitted"].iloc[:same].tolist() == pytest.approx(
        remission["estimate"].iloc[:same].tolist()
    )
    assert "remitted" not in remission
    assert (response.table["remitted"] <= response.table["estimate"]).all()


def test_without_scores_after_the_course_there_is_no_null_but_a_reason():
    found = estimate("response_by_session", small_clinic(9))
    assert found.status == "ok"
    assert found.table["null"].isna().all()
    said = [caveat for caveat in found.caveats if caveat.startswith("No null curve")]
    assert len(said) == 1
    assert "0 pairs of scores without a session in between" in said[0]
    assert "do nothing" not in found.text


def test_the_null_rises_stays_below_and_is_said(response):
    null = response.table["null"].to_numpy(float)
    assert (np.diff(null) >= 0).all()
    assert (null < response.table["estimate"]).all()
    low, high = (
        response.table[f"null_{end}"].to_numpy(float) for end in ("low", "high")
    )
    assert (low < null).all()
    assert (null < high).all()
    assert (
        f"in which sessions do nothing, about {percentage(null[5])} % (95 % interval"
        f" {percentage(low[5])} % to {percentage(high[5])} %) had responded by then"
        in response.text
    )


def test_the_confirmed_curve_has_a_null_by_its_own_rule(response):
    """Noise seldom repeats itself: by two scores far fewer would respond to nothing."""
    table = response.table
    assert (table["null_confirmed"] < table["null"]).all()
    assert table["null_confirmed"].is_monotonic_increasing
    told = percentage(table["null_confirmed"].iloc[5])
    assert f"and about {told} % when a second score must confirm it" in response.text
    six = table.set_index("session").loc[6]
    assert six["confirmed_low"] < six["confirmed"] < six["confirmed_high"]


def test_without_a_plan_the_sentence_says_that_nobody_can_complete(response):
    found = estimate("response_by_session", small_clinic(9))
    assert "No planned number" not in found.text
    assert "No planned number" not in response.text
    clinic = small_clinic(9)
    patients = clinic.patients.assign(
        planned_sessions=clinic.patients["planned_sessions"].where(
            lambda planned: planned < 0
        )
    )
    assert (
        "No planned number of sessions is recorded for anybody"
        in estimate("response_by_session", replace(clinic, patients=patients)).text
    )
    assert response.made_from["seed"] == 20130513


@pytest.mark.parametrize("late_after_days", [14, 28])
def test_the_sentence_reads_the_days_of_the_criteria_in_force(late_after_days):
    clinic = derive(small_clinic(9))
    rules = replace(clinic.criteria, name="ours", late_after_days=late_after_days)
    found = estimate("response_by_session", clinic.with_criteria(rules))
    said = " ".join([found.text, *found.caveats])
    days = set(re.findall(r"none within (\d+) days", said))
    assert days == {str(late_after_days)}


def exits(*responded):
    """Hundred people; so many respond at each session, all others stay to the end."""
    steps = [step for step, n in enumerate(responded, start=1) for _ in range(n)]
    steps += [len(responded)] * (100 - len(steps))
    causes = [1] * sum(responded) + [0] * (100 - sum(responded))
    return count_competing_risks(np.array(steps), np.array(causes), len(CAUSES))


def test_the_median_has_the_interval_of_the_curve_turned_on_its_side():
    table = response_curve.estimate(exits(10, 20, 15, 10, 10, 10))
    end = table.iloc[-1]
    assert end["half_by"] == 4  # 10, 30, 45, 55 %
    assert end["half_by_low"] == table["session"][table["ci_high"] >= 50].min() == 3
    assert end["half_by_high"] == table["session"][table["ci_low"] >= 50].min() == 5
    assert table["half_by"].isna().tolist() == [True] * 3 + [False] * 3


def test_a_median_that_is_not_reached_may_have_a_lower_end():
    end = response_curve.estimate(exits(10, 20, 15)).iloc[-1]
    assert (
        np.isnan(end["half_by"]),
        end["half_by_low"],
        np.isnan(end["half_by_high"]),
    ) == (
        True,
        3,
        True,
    )


def test_recalled_figures_are_kept_but_never_drawn():
    drawn = [
        rate for event in ("response", "remission") for rate in rates_to_draw(event, 99)
    ]
    assert {rate.standing for rate in drawn} == {"verified"}
    assert {rate.standing for rate in PUBLISHED_RATES} == {
        "verified",
        "computed",
        "recalled",
    }
    assert all(rate.source for rate in PUBLISHED_RATES)
    assert all(finding.study in SOURCES for finding in GOING_ON)


def test_no_group_of_people_is_drawn_twice():
    names = {rate.study for rate in rates_to_draw("response", 99)}
    assert "Zheng 2018" not in names
    assert "TRANSFORM-2" not in names
    # the pooled paper gives no remission
    assert "TRANSFORM-2" in {rate.study for rate in rates_to_draw("remission", 99)}


def test_published_rates_are_percent_and_remission_is_rarer():
    for rate in PUBLISHED_RATES:
        assert (
            0
            <= (rate.remission or 0)
            <= (rate.response if rate.response is not None else 100)
            <= 100
        )
        assert rate.session >= 1
