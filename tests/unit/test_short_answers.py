"""The five answers at the top of a report: few words, numbers of the tables behind them, and the
harm beside the good news.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest

from kettrack import Cohort, load_cohort, sample_folder
from kettrack.analysis import short_answers as module
from kettrack.analysis.short_answers import (
    ShortAnswer,
    more_sessions_answer,
    quick_answers,
    short_answers,
    summary_text,
)
from kettrack.errors import UsageError
from kettrack.figures.short_answers import PICTURES
from kettrack.reading.completeness import missing_information
from kettrack.reading.load import cohort_from_frames
from kettrack.timelines.derived import derive

FIVE = 5
MOST_WORDS = 200
MOST_NUMBERS = 35


def words_of(answers: list[ShortAnswer]) -> str:
    return "\n".join(
        f"{answer.question}\n{answer.headline}\n{answer.sentence}" for answer in answers
    )


def numbers_in(text: str) -> list[str]:
    # The number of a session is a name.
    return re.findall(r"(?<!session )(?<![\w.])-?\d[\d,]*(?:\.\d+)?", text)


@pytest.fixture(scope="module")
def sample() -> Cohort:
    return load_cohort(sample_folder())


@pytest.fixture(scope="module")
def answers(sample: Cohort) -> list[ShortAnswer]:
    return short_answers(sample)


def test_the_page_is_read_in_a_minute(answers):
    said = words_of(answers)
    assert len(said.split()) <= MOST_WORDS
    assert len(re.findall(r"\d[\d.,]*", said)) <= MOST_NUMBERS


def test_every_number_stands_in_an_answer_behind(answers):
    longer = "\n".join(
        text
        for answer in answers
        for result in answer.behind
        for text in (result.text, result.shown.to_string(), result.estimand)
    )
    longer = longer.replace(" no suicide attempt", " 0 suicide attempts")
    longer = longer.replace("at none of", "at 0 of")
    rule = "50"  # of response, in the rules at the foot of the page
    said = set(numbers_in(words_of(answers))) - {rule}
    assert said - set(numbers_in(longer)) == set()


def test_good_news_and_harm_stand_together(answers):
    page = {answer.key: answer for answer in answers}
    assert "stopped without a response" in page["response"].sentence
    assert "get better without sessions" in page["response"].sentence
    assert "lost the response" in page["lasting"].sentence
    for harm in ("worse", "Side effects", "serious", "suicide", "admissions"):
        assert harm in page["harm"].sentence
    assert "no longer scored" in page["counted"].sentence
    assert "zero is possible too" in page["more_sessions"].sentence


def test_every_answer_has_a_picture(answers):
    keys = [answer.key for answer in answers]
    assert keys == list(PICTURES)[: len(keys)]
    for answer in answers:
        axes = PICTURES[answer.key](answer.picture)
        assert axes.has_data()


def test_the_quick_answers_say_the_same(sample, answers):
    whole = derive(sample)
    quick = quick_answers(whole)
    assert quick[-1].headline == "Being worked out"
    quick[-1] = more_sessions_answer(whole)
    assert words_of(quick) == words_of(answers)
    for one, other in zip(quick, answers, strict=True):
        assert one.picture.equals(other.picture)


def test_the_quick_answers_are_for_the_clinic_alone(sample):
    policy = replace(sample.settings, policy="midpoint6")
    with pytest.raises(UsageError, match="short_answers gives the answers"):
        quick_answers(derive(replace(sample, settings=policy)))


def test_sessions_and_scores_alone_say_what_is_not_known(sample):
    alone = cohort_from_frames(sample.sessions, sample.scores)
    page = {answer.key: answer for answer in short_answers(alone)}
    response = page["response"]
    assert (response.headline, len(response.picture)) == ("Not known", 0)
    # What can be told of the people who were scored stands first behind it.
    assert response.behind[0].name == "among_scored"
    assert "Recorded" not in page["harm"].sentence
    assert page["more_sessions"].headline == "Not known"
    said = summary_text(alone)
    assert said.count("Not known.") >= 2
    assert "{" not in said


@pytest.mark.parametrize("n_people", [5, 40])
def test_a_small_clinic_under_a_release_policy_has_five_answers(sample, n_people):
    some = sample.patients["patient_id"].iloc[:n_people]
    few = {
        name: getattr(sample, name)[lambda rows: rows["patient_id"].isin(some)]
        for name in ("sessions", "scores", "patients", "events")
    }
    few = {name: rows.reset_index(drop=True) for name, rows in few.items()}
    policy = replace(sample.settings, policy="cms")
    answers = short_answers(replace(sample, settings=policy, **few))
    assert len(answers) == FIVE
    assert "nan" not in words_of(answers).lower()
    for answer in answers:
        if len(answer.picture):
            PICTURES[answer.key](answer.picture)


def test_what_nobody_asked_is_not_known_under_a_policy_and_not_called_hidden(
    sample, answers, monkeypatch
):
    """Without item 9 and without events the short table has no such rows."""
    page = {result.name: result for answer in answers for result in answer.behind}
    short = page["suicidality_in_short"]
    rows = short.table[short.table["key"] == "never"]
    page["suicidality_in_short"] = replace(short, table=rows)
    monkeypatch.setattr(module, "first_page", lambda cohort: [*page.values()])
    monkeypatch.setattr(module, "next_session", lambda cohort: page["next_session"])
    policy = replace(sample.settings, policy="midpoint6")
    told = {each.key: each for each in short_answers(replace(sample, settings=policy))}
    said = told["harm"].sentence
    assert "Thoughts of suicide: not known." in said
    assert "not shown" not in said
    assert told["response"].headline != "Not shown"


@pytest.mark.parametrize("hidden", ["worsening", "adverse_events"])
def test_good_news_is_not_shown_where_the_harm_beside_it_is_hidden(
    sample, answers, monkeypatch, hidden
):
    page = {result.name: result for answer in answers for result in answer.behind}
    table = page[hidden].table.assign(estimate=float("nan"))
    page[hidden] = replace(page[hidden], table=table)
    monkeypatch.setattr(module, "first_page", lambda cohort: [*page.values()])
    monkeypatch.setattr(module, "next_session", lambda cohort: page["next_session"])
    policy = replace(sample.settings, policy="cms")
    told = {each.key: each for each in short_answers(replace(sample, settings=policy))}
    for good in ("response", "lasting"):
        assert told[good].headline == "Not shown"
        assert "harm" in told[good].sentence
        assert told[good].picture.empty
    assert told["counted"].headline == "600 people"


@pytest.mark.parametrize(
    ("serious", "words"),
    [
        ([None] * 40, "whether any were serious is not recorded."),
        ([False] * 39 + [None], "serious ones at 0 of 39."),
    ],
)
def test_what_was_not_recorded_of_sessions_is_not_said_to_be_none(serious, words):
    people = [f"P{number}" for number in range(40)]
    sessions = pd.DataFrame({"patient_id": people, "day": 0, "serious": serious})
    sessions["adverse_events"] = ["nausea"] * 5 + ["none"] * 5 + [None] * 30
    scores = pd.DataFrame({"patient_id": people, "day": 0, "score": 20})
    cohort = cohort_from_frames(sessions, scores.assign(instrument="PHQ-9"))
    said = words_of(quick_answers(derive(cohort)))
    assert "Side effects came at 50 % of 10 sessions;" in said
    assert words in said


@pytest.mark.parametrize(
    ("five", "others", "told"),
    [(None, None, True), ("none", None, False), ("nausea", "nausea", False)],
)
def test_side_effects_written_down_only_where_they_came_are_no_finding(
    five, others, told
):
    people = [f"P{number}" for number in range(40)]
    sessions = pd.DataFrame({"patient_id": people, "day": 0})
    sessions["adverse_events"] = ["nausea"] * 20 + [five] * 5 + [others] * 15
    scores = pd.DataFrame({"patient_id": people, "day": 0, "score": 20})
    cohort = cohort_from_frames(sessions, scores.assign(instrument="PHQ-9"))
    said = words_of(quick_answers(derive(cohort)))
    assert ("(only sessions with one have a record)" in said) is told
    lacking = " ".join(missing_information(cohort))
    assert ("recorded only at sessions that had one" in lacking) is told
