"""What was made of a cohort within one question: made once, safe from those who get it, and gone
with the question.
"""

from __future__ import annotations

import pandas as pd
import pytest

from kettrack import Cohort, estimate, load_cohort, sample_folder
from kettrack.timelines.kept import kept, one_question

MADE: list[str] = []


@kept("scores", "settings")
def table(cohort: Cohort, word: str = "", *, factor: int = 1) -> pd.DataFrame:
    MADE.append(word)
    return pd.DataFrame({"score": cohort.scores["score"].head(3) * factor})


@pytest.fixture
def cohort() -> Cohort:
    MADE.clear()
    return load_cohort(sample_folder())


def test_made_once_within_a_question_and_each_time_without_one(cohort: Cohort) -> None:
    with one_question(), one_question():
        assert table(cohort).equals(table(cohort))
        assert MADE == [""]
        table(cohort, "other")
        table(cohort, factor=2)
        assert MADE == ["", "other", ""]
    table(cohort)
    table(cohort)
    assert len(MADE) == 5


def test_what_is_handed_out_can_be_changed_without_harm(cohort: Cohort) -> None:
    with one_question():
        mine = table(cohort)
        mine["score"] = 0.0
        mine.loc[0, "more"] = 1.0
        assert table(cohort).columns.tolist() == ["score"]
        assert table(cohort)["score"].gt(0).all()


def test_other_rules_and_other_tables_are_another_answer(cohort: Cohort) -> None:
    with one_question():
        table(cohort)
        table(cohort.with_criteria(cohort.criteria))
        assert len(MADE) == 2


def test_tables_changed_between_two_questions_count(cohort: Cohort) -> None:
    before = estimate("response_by_session", cohort).table
    cohort.scores["score"] = 27.0
    after = estimate("response_by_session", cohort).table
    assert before["estimate"].max() > after["estimate"].max() == 0


def test_few_answers_are_held(cohort: Cohort) -> None:
    with one_question():
        for word in "abcde":
            table(cohort, word)
        table(cohort, "e")
        assert len(MADE) == 5
        table(cohort, "a")
        assert len(MADE) == 6


def test_the_cohort_may_be_named(cohort: Cohort) -> None:
    with one_question():
        assert table(cohort=cohort).equals(table(cohort))
        assert len(MADE) == 1
