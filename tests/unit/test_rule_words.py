"""Rules in words: every number comes from the rule, and no preset is left without words."""

import pytest

from kettrack.vocabulary.criteria import PRESETS, get_criteria
from kettrack.vocabulary.instruments import INSTRUMENTS, MADRS, PHQ9
from kettrack.vocabulary.patient_rules import SymptomRule
from kettrack.vocabulary.published_rules import published_rules
from kettrack.vocabulary.rules import Predicate, Rule, Run

EVENTS = ("response", "remission", "loss_of_response", "relapse", "deterioration")


@pytest.mark.parametrize(
    ("predicate", "words"),
    [
        (Predicate("percent_change", "at most", -50), "at least 50 % below baseline"),
        (Predicate("percent_change", "below", -50), "more than 50 % below baseline"),
        (Predicate("percent_change", "above", -30), "less than 30 % below baseline"),
        (Predicate("percent_change", "at least", -20), "at most 20 % below baseline"),
        (Predicate("change", "at least", 6), "at least 6 points above baseline"),
        (Predicate("change", "above", 5), "more than 5 points above baseline"),
        (Predicate("change", "at most", 0), "at or below baseline"),
        (Predicate("change", "above", 0), "above baseline"),
        (Predicate("score", "at most", 4), "a score of 4 or less"),
        (Predicate("score", "at least", 22), "a score of 22 or more"),
        (Predicate("score", "above", 9.5), "a score above 9.5"),
    ],
)
def test_a_predicate_in_words(predicate, words):
    assert predicate.words == words


def test_a_run_in_words():
    assert Run().words == "at one score"
    assert Run(2, 7, 60).words == "at 2 scores in a row that are 7 to 60 days apart"
    assert Run(3, 7).words == "at 3 scores in a row that are at least 7 days apart"


def test_rows_of_the_events_table_are_part_of_the_rule():
    relapse = get_criteria(MADRS, "SUSTAIN-1").relapse
    assert relapse.words == (
        "a score of 22 or more at 2 scores in a row that are 5 to 15 days apart, or"
        " hospitalisation or suicide attempt or suicide"
    )


@pytest.mark.parametrize("event", EVENTS)
def test_every_rule_of_every_preset_has_words(event):
    rules = [getattr(bundle, event) for bundle in PRESETS]
    for rule in filter(None, rules):
        assert f"{abs(rule.predicate.limit):g}" in rule.words


def test_rules_that_differ_are_said_differently():
    limits = [Rule(Predicate("percent_change", "at most", -x)) for x in (30, 50)]
    assert len({rule.words for rule in limits}) == len({str(rule) for rule in limits})


def test_the_symptoms_are_counted_not_typed():
    told = [rule for rule in published_rules(PHQ9) if isinstance(rule, SymptomRule)]
    assert all("fewer than 3 of the 7 other symptoms" in str(rule) for rule in told)


def test_every_published_rule_can_be_printed():
    for scale in INSTRUMENTS.values():
        for rule in published_rules(scale):
            assert str(rule)
