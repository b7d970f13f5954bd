"""One value holds what is worked out from a cohort; tables in a user's hands stay theirs."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import kettrack as kt
from kettrack.timelines import derived as module
from kettrack.timelines.derived import derive
from kettrack.timelines.outcomes import outcome_rows, outcomes_of
from kettrack.vocabulary.rules import Predicate, Rule

TABLES = (
    "courses",
    "first_courses",
    "known_courses",
    "care",
    "timeline",
    "outcomes",
    "state_events",
    "all_sessions",
    "person_sessions",
)


@pytest.fixture(scope="module")
def sample():
    return kt.load_cohort(kt.sample_folder())


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_changed_is_not_handed_on(sample, name):
    value = derive(sample)
    before = getattr(value, name).copy()
    mine = getattr(value, name)
    mine.iloc[:, 0] = mine.iloc[::-1, 0].to_numpy()
    mine["new"] = 1
    pd.testing.assert_frame_equal(getattr(value, name), before)


def test_public_tables_share_no_memory_with_the_value(sample):
    value = derive(sample)
    mine = kt.outcomes_table(value)
    mine["baseline_day"].array._data[:] = 0  # as a writer that asks nobody
    assert (value.outcomes["baseline_day"].dropna() < 0).any()


def test_each_part_is_worked_out_once(sample, monkeypatch):
    calls = []
    plain = module.find_baselines
    monkeypatch.setattr(
        module, "find_baselines", lambda *given: calls.append(1) or plain(*given)
    )
    value = derive(sample)
    kt.estimate("losses", value)
    kt.estimate("worsening", value)
    value.with_criteria(replace(value.criteria, name="again")).outcomes  # noqa: B018
    assert len(calls) == 1


def test_outcomes_take_the_events_that_are_there(sample):
    value = derive(sample)
    again = outcomes_of(value.bucket, value.criteria)
    held = outcome_rows(value.bucket, value.criteria, value.baselines, value.event_rows)
    pd.testing.assert_frame_equal(held, again)


def test_other_rules_are_other_outcomes_on_the_same_arrays(sample):
    value = derive(sample)
    strict = Rule(Predicate("percent_change", "at most", -90))
    other = value.with_criteria(replace(value.criteria, name="strict", response=strict))
    assert other.bucket is value.bucket
    few = (other.outcomes["response_status"] == "single").sum()
    assert few < (value.outcomes["response_status"] == "single").sum()
    assert kt.outcomes_table(other.cohort).equals(other.outcomes)


def test_a_cohort_changed_in_place_is_derived_anew(sample):
    own = replace(sample, scores=sample.scores.copy())
    before = kt.outcomes_table(own)
    own.scores["score"] = 27.0
    assert not kt.outcomes_table(own).equals(before)


@pytest.mark.parametrize("wrong", ["clinic/", None, pd.DataFrame()])
def test_what_is_no_cohort_gets_a_sentence(wrong):
    with pytest.raises(kt.UsageError, match=r"load the folder first, with kettrack"):
        kt.outcomes_table(wrong)
    with pytest.raises(kt.UsageError, match="A cohort is wanted here"):
        kt.estimate("losses", wrong)


def test_swapped_arguments_get_a_sentence(sample):
    with pytest.raises(kt.UsageError, match="name of a question comes first"):
        kt.estimate(sample, "losses")
