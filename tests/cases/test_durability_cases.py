"""How long a response lasted in small cohorts that once gave a wrong answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cases.people import people
from sample_answers import sample_answer

import kettrack as kt
from kettrack.analysis.overview import first_page
from kettrack.analysis.short_answers import short_answers

BAD = "46:18 60:18 74:18 88:18 102:18 116:18"
GOOD = "46:6 60:6 74:6 88:6 102:6 116:6"
KEEPS = f"0:20 1:6 18:6 32:6 {GOOD}"
LOST_BY_DAY_32 = f"0:20 1:6 18:6 32:18 {BAD}"
LOST_BY_DAY_15 = "0:20 1:6 15:18 24:18 38:18 52:18 66:18 80:18 94:18 108:18 116:18"
KEEPS_FROM_DAY_15 = "0:20 1:6 15:6 24:6 38:6 52:6 66:6 80:6 94:6 108:6 116:6"
RESPONDS_AT_ONCE = "0:20 1:6 5:6 8:6 12:6 15:6 18:6 30:6 45:6 60:6 75:6"
NEVER_RESPONDS = "0:20 1:19 5:19 8:19 12:19 15:19 18:19 30:19 45:19 60:19 75:19"
ENDS = ["estimate", "ci_low", "ci_high"]


def share(
    answer: kt.Result, day: int, estimand: str = "treatment_policy"
) -> list[float]:
    """Percent still responding on a day, with its interval."""
    row = answer.table.set_index("key").loc[f"{estimand}_in_force_{day}", ENDS]
    return [round(float(value), 1) for value in row]


def page_of(cohort: kt.Cohort) -> str:
    """Every longer answer of the first page."""
    return "\n".join(result.text for result in first_page(cohort))


@pytest.mark.parametrize("question", ["durability", "durability_from_response"])
def test_lost_25_of_30_day32(question: str) -> None:
    found = kt.estimate(question, people(f"25 | {LOST_BY_DAY_32}\n5 | {KEEPS}"))
    for estimand in ("treatment_policy", "composite"):
        assert share(found, 56, estimand) == [16.7, 6.1, 31.8]
    assert "fewer than 11" not in found.text


def test_lost_25_of_30_day15() -> None:
    cohort = people(f"25 | {LOST_BY_DAY_15}\n5 | {KEEPS_FROM_DAY_15}")
    found = kt.estimate("durability_from_response", cohort)
    assert share(found, 28) == [16.7, 6.1, 31.8]
    said = page_of(cohort)
    assert "were followed" not in said
    assert "17 % (6.1 to 32 %)" in said


def test_a_response_lost_before_the_course_ended_is_no_lack_of_follow_up() -> None:
    """25 of 30 had lost it by then: the short answer says so, too."""
    cohort = people(f"25 | {LOST_BY_DAY_15}\n5 | {KEEPS_FROM_DAY_15}")
    lasting = {answer.key: answer for answer in short_answers(cohort)}["lasting"]
    assert lasting.headline == "Not known"
    assert lasting.sentence.startswith("Too few people still responded when it ended.")
    nobody = people(f"20 | {NEVER_RESPONDS}")
    lasting = {answer.key: answer for answer in short_answers(nobody)}["lasting"]
    assert lasting.sentence.startswith("Too few people are known to have responded")


def test_few_lost_by_day15() -> None:
    found = kt.estimate("durability", people(f"5 | {LOST_BY_DAY_32}\n25 | {KEEPS}"))
    assert share(found, 28)[0] == 83.3


@pytest.mark.parametrize("question", ["durability", "durability_intervals"])
def test_each_more_that_loses_it_lowers_the_share_and_hides_nothing(
    question: str,
) -> None:
    found = {}
    for lost in (0, 11, 19, 20, 25, 29, 30):
        kinds = {lost: LOST_BY_DAY_32, 30 - lost: KEEPS}
        text = "\n".join(f"{number} | {kind}" for number, kind in kinds.items())
        answer = kt.estimate(question, people(text))
        shares = answer.table[answer.table["day"] == 56]
        found[lost] = shares["estimate"].iloc[0]
        assert shares["ci_low"].iloc[0] <= found[lost] <= shares["ci_high"].iloc[0] or (
            # the Turnbull curve has no interval inside below 50 people
            question == "durability_intervals" and 0 < lost < 30
        )
    assert list(found.values()) == pytest.approx(
        [100 * (30 - lost) / 30 for lost in found]
    )


def test_a_curve_ends_where_logs_end() -> None:
    """Of 30, 20 are scored to day 32 only: ten are left, however well they are."""
    short = "0:20 1:6 18:6 32:6"
    found = kt.estimate("durability", people(f"20 | {short}\n10 | {KEEPS}"))
    assert found.table["day"].max() < 28
    assert "fewer than 11 people can still be counted at 4 weeks" in found.text


def test_where_all_fall_silent_at_once_that_is_said() -> None:
    """Nobody is scored after the response: no curve can be drawn, and nobody is passed over."""
    cohort = people("30 | 0:20 1:6 18:6")
    said = "30 of the 30 people were no longer scored while their log went on"
    assert said in kt.estimate("durability", cohort).text
    assert page_of(cohort).count(said) == 2


def test_all_and_none_of_30_lost_it() -> None:
    all_lost = kt.estimate("durability", people(f"30 | {LOST_BY_DAY_32}"))
    none_lost = kt.estimate("durability", people(f"30 | {KEEPS}"))
    for day, estimand in ((28, "treatment_policy"), (56, "hypothetical")):
        assert share(all_lost, day, estimand) == [0, 0, 11.6]
        assert share(none_lost, day, estimand) == [100, 88.4, 100]


def test_the_interval_without_a_session_counts_who_could_show_a_loss() -> None:
    """Of 32, 20 are scored for a week, too short for a loss to be proven, and 12 lose it. Nobody is
    treated again, so every strategy looks at the same people.
    """
    cohort = people("20 | 0:20 19:8 26:8\n12 | 0:20 19:8 26:16 33:16")
    whatever = share(kt.estimate("durability", cohort), 28, "treatment_policy")
    untreated = share(kt.estimate("durability", cohort), 28, "hypothetical")
    # Clopper and Pearson, 0 of 12
    assert whatever == untreated == [0, 0, 26.5]


def test_nobody_counts_for_more_than_one_at_risk() -> None:
    table = sample_answer("durability").table
    weighted = table[table["estimand"] == "hypothetical"]
    assert (weighted["ess"] <= weighted["at_risk"] + 1e-9).all()
    assert (weighted["ess"] < weighted["at_risk"]).any()


def test_resp_30_of_30() -> None:
    found = kt.estimate("response_by_session", people(f"30 | {RESPONDS_AT_ONCE}"))
    first = found.table.iloc[0]
    assert first[ENDS].tolist() == pytest.approx([100, 88.43, 100], abs=0.01)
    assert first[["half_by", "half_by_low", "half_by_high"]].tolist() == [1, 1, 1]
    assert "not reached" not in found.text


def test_none_of_30_respond() -> None:
    found = kt.estimate("response_by_session", people(f"30 | {NEVER_RESPONDS}"))
    last = found.table.iloc[-1]
    assert last[ENDS].tolist() == pytest.approx([0, 0, 11.57], abs=0.01)


def test_no_share_of_these_cohorts_is_without_an_interval() -> None:
    """Everybody or nobody is where intervals used to be missing."""
    for kind in (RESPONDS_AT_ONCE, NEVER_RESPONDS, LOST_BY_DAY_32):
        cohort = people(f"30 | {kind}")
        for question in (
            "response_by_session",
            "response_if_all_continued",
            "remission_by_session",
            "state_after_course",
            "worsening",
            "durability",
            "durability_from_response",
            "durability_intervals",
            "recurrent_loss",
        ):
            answer = kt.estimate(question, cohort, **_few(question))
            if answer.status == "refused":
                continue
            table = pd.DataFrame(answer.table)
            if "kind" in table:
                table = table[table["kind"] == "share"]
            told = table.dropna(subset=["estimate"])
            width = (told["ci_high"] - told["ci_low"]).to_numpy(float)
            assert not np.isnan(width).any(), question
            assert (width > 0).all(), question


def _few(question: str) -> dict[str, int]:
    return {"replicates": 20} if question == "response_if_all_continued" else {}
