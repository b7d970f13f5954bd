"""The first lines of a report: how many sessions, how long it lasts, and what a release policy
keeps off the same page.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample
from spec.tables import cohort

from kettrack.analysis.context import refusal
from kettrack.analysis.durability.in_short import (
    how_long_from_response,
    how_long_it_lasts,
)
from kettrack.analysis.overview import (
    first_page,
    harm_beside_good,
    how_many_sessions,
    people_of_curve,
)
from kettrack.analysis.registry import load_questions
from kettrack.analysis.response.curve_words import GOOD_AND_BAD
from kettrack.analysis.short_answers import short_answers
from kettrack.analysis.subgroups.comparison import compare_groups
from kettrack.errors import NotIdentified
from kettrack.privacy import disclosure
from kettrack.privacy.disclosure import hide_page_differences
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort, derive

SHARE = dict.fromkeys(
    (
        "estimate",
        "ci_low",
        "ci_high",
        "stopped",
        "not_scored",
        "scored_later",
        "at_most",
        "null",
        "null_low",
        "null_high",
        "half_by",
        "half_by_low",
        "half_by_high",
    ),
    "derived",
)


@pytest.fixture(scope="module")
def sample_page() -> list[Result]:
    return first_page(derived_sample())


def curve(
    estimate: list[float],
    half_by: float = np.nan,
    null: float = np.nan,
    **columns: object,
) -> Result:
    sessions = range(1, len(estimate) + 1)
    table = pd.DataFrame(
        {
            "session": sessions,
            "n": 50,
            "too_new": 4,
            "estimate": estimate,
            "ci_low": 1.0,
            "ci_high": 90.0,
            "stopped": 5.0,
            "not_scored": 21.0,
            "scored_later": 2.0,
            "at_most": 85.0,
        }
    )
    table = table.assign(
        null=null, half_by=half_by, half_by_low=half_by, half_by_high=np.nan, **columns
    )
    roles = {"session": "key", "n": "denominator", "too_new": "count", **SHARE}
    decimals = dict.fromkeys(("half_by", "half_by_low", "half_by_high"), 0)
    return Result(
        name="response_by_session",
        table=table,
        roles=roles,
        decimals=decimals,
        sentence="",
        estimand="",
    )


def test_half_has_its_interval_and_less_than_half_says_how_far_it_can_be_seen() -> None:
    nulls = {"null": 12.5, "null_low": 8.0, "null_high": 17.0}
    shares = [10, 30, 55, 60]
    said = how_many_sessions(curve(shares, half_by=3, n=200, **nulls)).text
    assert said.startswith(
        "Half of the people had responded by session 3 (95 % interval 3 to not reached): 30 %"
        " (1.0 to 90 %) by session 2, 60 %"
    )
    # the trials do not all bear the benchmark out, so this page says only that there is one
    assert "12 %" not in said
    assert "respond even where sessions do nothing" in said
    # the good news does not stand without those who left
    assert (
        "5.0 % had stopped without a response, 21 % were no longer scored, and 2.0 %"
        in said
    )
    said = how_many_sessions(curve([10, 20, 25, 30, 33, 35, 36, 40])).text
    assert said.startswith(
        "Fewer than half had responded by session 8, the last session that can be shown: 20 %"
    )
    assert re.findall(r"\) by session (\d)[,.]", said)[:4] == ["2", "4", "6", "8"]
    assert "model" not in said
    assert "does not say what more sessions would do" in said


def held(
    days: list[int],
    rules: tuple[str, ...] = ("in_force", "single_score"),
    silent: int = 0,
) -> Result:
    rows = [
        {
            "key": f"{estimand}_{rule}_{day}",
            "estimand": estimand,
            "rule": rule,
            "day": day,
            "n": 40,
            "retreated": 21,
            "silent": silent,
            "single": 80 - day / 7 if len(rules) > 1 else np.nan,
            "estimate": 100 - day / 7,
            "lost_first": day / 14,
            "again_first": day / 14,
            "bound_low": 90.0 if len(rules) > 1 else np.nan,
            "silent_low": 60.0,
            "silent_high": 99.0,
        }
        for estimand in ("treatment_policy", "hypothetical", "composite")
        for rule in rules
        for day in days
        # nobody is left off treatment after four weeks
        if estimand != "hypothetical" or day <= 28
    ]
    table = pd.DataFrame(rows)
    shares = ("ci", "single", "lost_first", "again_first")
    ends = {f"{share}_low": 50.0 for share in shares}
    ends |= {f"{share}_high": 99.0 for share in shares}
    table = table.assign(**ends)
    roles = dict.fromkeys(table.columns, "derived") | {
        "key": "key",
        "estimand": "label",
        "rule": "label",
        "day": "label",
        "n": "denominator",
        "retreated": "running",
        "silent": "running",
    }
    return Result(name="durability", table=table, roles=roles, sentence="", estimand="")


def test_how_long_says_what_came_first_and_each_strategy_by_its_name() -> None:
    said = how_long_it_lasts(held([0, 28, 56, 84], silent=7)).text
    assert "40 people were responding when their planned first course ended." in said
    assert (
        "8 weeks later, 92 % (50 to 99 %) were still responding without another session;"
        " 4.0 % (50 to 99 %) had had another session first; 4.0 % (50 to 99 %) had lost the"
        " response first; by a single score, 4.0 % (50 to 99 %)." in said
    )
    assert "once a second score confirms it" in said
    assert (
        "(treatment policy), 92 % (50 to 99 %) were still responding after 8 weeks; by a single"
        " score, 72 % (50 to 99 %)." in said
    )
    assert "(hypothetical), 96 % (50 to 99 %)" in said
    assert "would still be responding after 4 weeks" in said
    assert "(composite), 92 % (50 to 99 %)" in said
    assert "7 of the 40 people were no longer scored while their log went on" in said
    assert (
        "after their last score, and every loss without a second score counted, 60 % would"
        " still be responding at 8 weeks" in said
    )
    assert said.endswith("whether another session keeps a response longer.")


def test_where_one_score_is_the_rule_nothing_stands_beside_it() -> None:
    for answer in (how_long_it_lasts, how_long_from_response):
        said = answer(held([0, 28, 56], rules=("in_force",))).text
        assert "second score" not in said
        assert "single score" not in said
        assert "no longer scored" not in said


def test_the_second_view_counts_from_the_first_response() -> None:
    said = how_long_from_response(held([0, 28, 56])).text
    assert "Counted from the first response of 40 people" in said
    assert (
        "After 8 weeks: 92 % (50 to 99 %); by a single score, 72 % (50 to 99 %)."
        in said
    )
    assert "21 of them had a session after their first course within 8 weeks" in said


@pytest.mark.parametrize("answer", [how_long_it_lasts, how_long_from_response])
def test_a_curve_that_ends_early_is_not_read_as_lasting(answer: Any) -> None:
    said = answer(held([0, 7, 14])).text
    assert said.endswith(
        "4 weeks later, fewer than 11 of them had lost it or were still scored, which is too few"
        " to say how long it lasted."
    )


def test_the_first_answers_agree_with_the_sections_below(
    sample_page: list[Result],
) -> None:
    page = {result.name: result for result in sample_page}
    assert list(page)[:3] == [
        "how_many_sessions",
        "how_long_it_lasts",
        "how_long_from_response",
    ]
    full = page["response_by_session"].text
    for share in re.findall(
        r"([\d.]+ % \([\d.]+ to [\d.]+ %\)) by session 6",
        page["how_many_sessions"].text,
    ):
        assert share in full
    counted = page["ladder"].text
    assert "528 people: the 512 analysable people and the 16 who were never" in counted
    assert "474 of them" in counted


def test_nothing_about_the_people_of_the_curve_under_a_release_policy() -> None:
    page = first_page(derived_sample("cms"))
    said = " ".join(result.text for result in page)
    shown = {
        int(number)
        for number in re.findall(
            r"(?<![\d.-])(?<!session )(\d+)(?= (?:people|of|analysable|more|\())", said
        )
    }
    assert 600 in shown
    assert not [(a, b) for a in shown for b in shown if 0 < a - b < 11]
    assert "512" not in said
    assert people_of_curve(page[3], page[5]) == ""


def count_of(name: str, n: int, events: int) -> Result:
    table = pd.DataFrame(
        {"key": ["a"], "n": [n], "events": [events], "estimate": [100 * events / n]}
    )
    roles = {"key": "key", "n": "denominator", "events": "count", "estimate": "derived"}
    sentence = "{a.n} people, {a.events}, {a.estimate} %"
    return disclosure.apply(
        Result(name=name, table=table, roles=roles, sentence=sentence, estimand=""),
        "cms",
    )


def test_of_two_near_numbers_on_a_page_the_second_is_hidden_with_what_follows_from_it() -> (
    None
):
    page = hide_page_differences(
        [
            count_of("one", 191, 60),
            count_of("near", 199, 90),
            count_of("far", 300, 120),
        ],
        "cms",
    )
    assert [result.text for result in page[::2]] == [
        "191 people, 60, 31.4 %",
        "300 people, 120, 40.0 %",
    ]
    # A share without its decimals does not tell of how many it is.
    assert page[1].text.startswith("(not shown) people, (not shown), 45.0 % Not shown")
    assert page[1].table[["n", "events"]].isna().all(axis=None)
    assert hide_page_differences(page, "internal") == page


@pytest.mark.parametrize(
    ("worse", "by_week", "said"), [(4, 6, True), (40, 6, False), (4, 60, False)]
)
def test_where_nobody_may_be_told_how_many_got_worse_the_good_figure_says_so(
    worse, by_week, said
):
    page = harm_beside_good(
        [
            count_of("how_many_sessions", 120, 42),
            count_of("worsening", 120, worse),
            count_of("worsening_by_week", 120, by_week),
        ]
    )
    good, *bad = page
    assert good.text.startswith("120 people, 42")
    assert ("does not mean nobody" in good.text) == said
    assert not any("does not mean nobody" in result.text for result in bad)


@pytest.mark.parametrize(
    ("stopped", "told"),
    [
        ([5.0] * 4, "by session 2, 40 %"),
        ([5.0, 5.0, 5.0, np.nan], "by session 2, 30 %"),
        (
            [np.nan, np.nan, 5.0, np.nan],
            "session 3, the last session that can be shown",
        ),
        ([np.nan] * 4, "Not shown"),
    ],
)
def test_nobody_is_told_who_responded_where_who_stopped_is_hidden(stopped, told):
    shown = curve([10.0, 20.0, 30.0, 40.0])
    table = shown.table.assign(stopped=stopped, suppressed=True)
    page = replace(shown, table=table, balanced=GOOD_AND_BAD)
    text = how_many_sessions(page).text
    assert ("had stopped without" in text) == ("Not shown" not in text)
    assert "(not shown) had stopped" not in text
    assert told in text


def test_an_answer_whose_figures_are_all_hidden_draws_no_conclusion() -> None:
    found = replace(
        curve([10, 20, 30]), sentence="{row3.estimate} %: half is not reached."
    )
    assert found.text == "30.0 %: half is not reached."
    hidden = disclosure.apply(found, "cms")  # four people are too new
    assert hidden.all_hidden
    assert "half" not in hidden.text


def test_a_log_with_too_few_people_is_told_so_first() -> None:
    clinic = derive(cohort("patient | day | score\n a | -1 | 20\n a | 7 | 9"))
    few = refusal(
        "x", clinic, NotIdentified("fewer than 11 patients have one.", "a score."), ""
    )
    assert (
        few.collect
        == "at least 11 people (this log holds only 1). Also record: a score."
    )
    other = refusal(
        "x",
        clinic,
        NotIdentified("no rule for deterioration on PHQ-9.", "a score."),
        "",
    )
    assert other.collect == "a score."
    hidden = refusal(
        "x",
        clinic.replace(settings=replace(clinic.settings, policy="cms")),
        NotIdentified("only 1.", "a score."),
        "",
    )
    assert "holds fewer)" in hidden.collect


def test_the_command_for_a_whole_table_names_a_question(sample_page):
    cut = {result.name: result.cut for result in sample_page if result.cut}
    assert "how_long_it_lasts" in cut
    asked = [re.findall(r"kettrack estimate (\S+)", words) for words in cut.values()]
    assert {name for names in asked for name in names} <= set(load_questions())


@pytest.mark.parametrize("policy", ["cms", "midpoint6", "opensafely", "nhs"])
def test_good_and_bad_figures_are_shown_together(policy):
    """Where side effects are hidden, "no serious adverse event" is hidden with them."""
    page = first_page(derived_sample(policy))
    for result in page:
        if result.balanced is True:
            assert ("(not shown)" not in result.text) or "together" in result.text
    effects = next(each for each in page if each.name == "adverse_events")
    shown = "side effect was noted at" in effects.text
    assert shown == ("serious adverse event was noted at none" in effects.text)
    assert shown == (policy == "midpoint6")


def asked(name: str, clinic: DerivedCohort) -> Result:
    return load_questions()[name].answer(clinic)


def few_scores(score_days: tuple[int, ...]) -> DerivedCohort:
    """Twenty people with six sessions, scored on these days."""
    names = [f"p{number:02}" for number in range(20)]
    scores = "".join(
        f"\n {name} | {day} | {20 if day < 0 else 15}"
        for name in names
        for day in (-1, *score_days)
    )
    sessions = "".join(f"\n {name} | 0 20 40 60 80 100" for name in names)
    logs = "".join(f"\n {name} | 300 | 6" for name in names)
    return derive(
        cohort(
            f"patient | day | score{scores}",
            f"patient | days{sessions}",
            f"patient | observed_to_day | planned_sessions{logs}",
        )
    )


@pytest.mark.parametrize(
    "name",
    [
        "response_by_session",
        "remission_by_session",
        "response_by_any_session",
        "response_by_week",
        "time_to_response",
        "worsening_by_week",
    ],
)
def test_of_people_who_were_never_scored_again_nothing_is_known(name) -> None:
    """0 % of them were seen to respond, which is no answer."""
    found = asked(name, few_scores(()))
    assert found.status == "refused"
    assert "nobody who is counted was scored after session 1" in found.text


def test_the_first_answer_needs_a_score_soon_after_a_session() -> None:
    """Every score comes fifteen days after a session, one day too late; by week that is in time."""
    late = few_scores((15, 35, 115))
    in_time = few_scores((15, 35, 114))
    shown = {
        name: {answer.key: answer for answer in short_answers(clinic)}["response"]
        for name, clinic in {"late": late, "in time": in_time}.items()
    }
    assert shown["late"].headline == "Not known"
    assert "Nobody was scored soon after a session" in shown["late"].sentence
    assert shown["late"].picture.empty
    assert shown["in time"].headline.startswith("0 % (0 to ")
    # the section has a band for those who were scored later
    table = asked("response_by_session", late).table
    assert table["scored_later"].iloc[-1] == 100
    assert asked("response_by_week", late).status == "ok"


def test_the_page_does_not_call_it_none_where_nobody_was_scored() -> None:
    page = {answer.key: answer for answer in short_answers(few_scores(()))}
    assert page["response"].headline == "Not known"
    assert page["harm"].headline == "Not known"


def test_a_group_that_was_never_scored_again_is_not_compared() -> None:
    """Three sites of twelve people; the third is silent."""
    names = [f"{site}{number:02}" for site in "abc" for number in range(12)]
    scores = "".join(
        f"\n {name} | {day} | {20 if day < 0 else 9 + 6 * (name[0] == 'a')}"
        for name in names
        for day in ((-1,) if name[0] == "c" else (-1, 3))
    )
    sessions = "".join(f"\n {name} | 0 7" for name in names)
    logs = "".join(f"\n {name} | 300 | 2 | K{name[0].upper()}" for name in names)
    clinic = derive(
        cohort(
            f"patient | day | score{scores}",
            f"patient | days{sessions}",
            f"patient | observed_to_day | planned_sessions | site{logs}",
        )
    )
    found = compare_groups("response_by_session", clinic, "site")
    assert set(found.table["group"]) == {"KA", "KB"}
    assert (
        "Left out are groups in which nobody was scored after session 1: KC."
        in found.caveats
    )
