"""Scales and rules of one's own that cannot be meant are refused, with the figure they would give;
their neighbours that can be meant are not.
"""

import pytest

from kettrack.errors import DataProblems
from kettrack.reading.rule_sense import senseless_rules, senseless_scale
from kettrack.reading.settings_file import load_settings
from kettrack.vocabulary.criteria import PRESETS
from kettrack.vocabulary.instruments import INSTRUMENTS

K10 = """[instruments.K10]
minimum = 10
maximum = 50
direction = "higher is worse"
caseness = 16
"""
WHO5 = """[instruments.WHO5]
minimum = 0
maximum = 100
direction = "higher is better"
caseness = 50
"""


def faults(path, text):
    """Key and expectation of each problem of a settings file."""
    file = path / "kettrack.toml"
    file.write_text(text)
    try:
        load_settings(file)
    except DataProblems as found:
        # a problem without its line could not be found in a long file
        return {
            problem.column: problem.expected
            for problem in found.problems
            if problem.line
        }
    return {}


def rule(name, measure, operator, limit, instrument="PHQ-9", more=""):
    return (
        f'[criteria.ours]\ninstrument = "{instrument}"\n{more}[criteria.ours.{name}]\n'
        f'measure = "{measure}"\noperator = "{operator}"\nlimit = {limit}\n'
    )


SCALES = [
    ("reliable_change = -6", "reliable_change", "everybody would be worse"),
    ("reliable_change = 0", "reliable_change", "everybody would be worse"),
    ("reliable_change = 41", "reliable_change", "nobody could be worse"),
    (
        "remission = 16",
        "remission",
        "a person who scores 16 is a case and in remission",
    ),
    ("remission = [12, 20]", "remission", "a person who scores 20 is a case"),
    ("bands = {a = [10, 20], b = [20, 50]}", "bands", "in two of these: 20"),
    ("bands = {a = [10, 30], b = [21, 50]}", "bands", "in two of these: 21 to 30"),
    ("bands = {a = [10, 20], b = [30, 50]}", "bands", "in none of these: 21 to 29"),
    ("bands = {a = [12, 20], b = [21, 50]}", "bands", "in none of these: 10 to 11"),
    ("bands = {a = [10, 20], b = [21, 49]}", "bands", "in none of these: 50"),
    ("items_coded_from = 1", "items_coded_from", "item_maxima as well"),
    ("item_maxima = [5, 5]", "item_maxima", "these add up to 0 to 10"),
]


@pytest.mark.parametrize(("line", "key", "told"), SCALES)
def test_a_scale_that_cannot_be_meant(tmp_path, line, key, told):
    found = faults(tmp_path, K10 + line)
    assert list(found) == [f"instruments.K10.{key}"]
    assert told in found[f"instruments.K10.{key}"]


@pytest.mark.parametrize(
    "line",
    [
        "reliable_change = 40",
        "reliable_change = 0.1",
        "remission = 15",
        "bands = {b = [21, 50], a = [10, 20]}",
        "item_minimum = 1\nitem_maxima = [5, 5, 5, 5, 5, 5, 5, 5, 5, 5]",
        "whole_numbers = false\nbands = {a = [10, 20.9], b = [21, 50]}",
    ],
)
def test_a_scale_that_can_be_meant(tmp_path, line):
    assert faults(tmp_path, K10 + line) == {}


RULES = [
    # rule, measure, operator, limit; the key that is told; what it would do
    (
        "response",
        "percent_change",
        "at most",
        50,
        "limit",
        "30 or less would be a resp",
    ),
    ("response", "percent_change", "at most", 0, "limit", "20 or less would be a resp"),
    ("response", "percent_change", "at most", -0.5, "limit", "19.9 or less would be"),
    ("response", "percent_change", "at most", -500, "limit", "at most 100 %"),
    ("response", "percent_change", "at least", 50, "operator", "30 or more would be"),
    ("response", "change", "at most", -28, "limit", "at most 27 of change"),
    ("remission", "score", "at least", 4, "operator", "a score of 4 or more would be"),
    ("remission", "score", "at most", 28, "limit", "whole number, 0 to 27"),
    ("remission", "score", "at most", 10, "limit", "scores 10 is a case and in remis"),
    ("deterioration", "change", "at most", -6, "operator", "14 or less would be a det"),
    ("deterioration", "change", "at least", -6, "limit", "14 or more would be a det"),
    (
        "deterioration",
        "change",
        "at least",
        0,
        "limit",
        "20 or more would be a deterio",
    ),
    ("relapse", "score", "at least", 4, "limit", "is in remission and has relapsed"),
    ("relapse", "score", "at most", 12, "operator", "12 or less would be a relapse"),
    ("loss_of_response", "percent_change", "above", -60, "limit", "a lost one at once"),
    ("partial", "percent_change", "at most", -60, "limit", "nobody is ever partial"),
]


@pytest.mark.parametrize("case", RULES, ids=lambda case: " ".join(map(str, case[:4])))
def test_a_rule_that_cannot_be_meant(tmp_path, case):
    name, measure, operator, limit, part, told = case
    found = faults(tmp_path, rule(name, measure, operator, limit))
    assert list(found) == [f"criteria.ours.{name}.{part}"]
    assert told in found[f"criteria.ours.{name}.{part}"]


@pytest.mark.parametrize(
    ("name", "measure", "operator", "limit", "scale"),
    [
        ("response", "percent_change", "at most", -100, "PHQ-9"),
        ("response", "change", "at most", -27, "PHQ-9"),
        ("remission", "score", "below", 10, "PHQ-9"),
        ("remission", "score", "at most", 9, "PHQ-9"),
        ("deterioration", "change", "above", 0, "PHQ-9"),
        ("deterioration", "percent_change", "at least", 200, "PHQ-9"),
        ("relapse", "score", "above", 4, "PHQ-9"),
        ("relapse", "score", "at least", 5, "PHQ-9"),
        ("response", "percent_change", "at least", 50, "WHO5"),
        ("remission", "score", "at least", 60, "WHO5"),
        ("deterioration", "change", "at most", -10, "WHO5"),
    ],
)
def test_a_rule_that_can_be_meant(tmp_path, name, measure, operator, limit, scale):
    text = WHO5 + rule(name, measure, operator, limit, scale)
    assert faults(tmp_path, text) == {}


@pytest.mark.parametrize(
    ("name", "operator", "limit", "part"),
    [
        ("response", "at most", -50, "operator"),
        ("response", "at least", -50, "limit"),
        ("deterioration", "at least", 10, "operator"),
    ],
)
def test_a_scale_that_rises_turns_the_rules_round(
    tmp_path, name, operator, limit, part
):
    found = faults(
        tmp_path, WHO5 + rule(name, "percent_change", operator, limit, "WHO5")
    )
    assert list(found) == [f"criteria.ours.{name}.{part}"]


def test_a_scale_without_percent_has_no_rule_by_percent(tmp_path):
    text = rule("response", "percent_change", "at most", -50, "PROMIS Depression")
    assert (
        "has no percentage" in faults(tmp_path, text)["criteria.ours.response.measure"]
    )


@pytest.mark.parametrize(
    "name", ["SUSTAIN-1", "sustain-1", "mcinnes 2022", "Convention, confirmed"]
)
def test_a_published_name_keeps_its_rules(tmp_path, name):
    text = f'[criteria."{name}"]\ninstrument = "PHQ-9"\n'
    (told,) = faults(tmp_path, text).values()
    assert told.startswith("choose another name")


@pytest.mark.parametrize(
    ("text", "rule_told"),
    [
        ('[criteria.ours]\ninstrument = "PHQ-9"\ncaseness = 3\n', "remission"),
        # 40 % better would be a response, and lost by the convention's rule
        (rule("response", "percent_change", "at most", -30), "loss_of_response"),
    ],
)
def test_a_rule_of_the_convention_that_does_not_fit_is_told_at_the_table(
    tmp_path, text, rule_told
):
    found = faults(tmp_path, text)
    assert list(found) == ["criteria.ours"]
    assert found["criteria.ours"].startswith(
        f"{rule_told} of its own, or {rule_told} ="
    )
    none = f"{rule_told} = false\n"
    without = text.replace('"PHQ-9"\n', f'"PHQ-9"\n{none}', 1)
    assert faults(tmp_path, without) == {}


def test_everything_that_cannot_be_meant_is_told_at_once(tmp_path):
    text = K10 + "reliable_change = -6\nremission = 99\n"
    text += rule("response", "percent_change", "at most", 50)
    text += "count = 2\nmin_gap = 30\nmax_gap = 7\n"
    assert set(faults(tmp_path, text)) == {
        "instruments.K10.reliable_change",
        "instruments.K10.remission",
        "criteria.ours.response.limit",
        "criteria.ours.response.max_gap",
    }


def test_nothing_built_in_is_senseless():
    for scale in INSTRUMENTS.values():
        assert senseless_scale(scale) == {}
    for bundle in PRESETS:
        assert senseless_rules(bundle, INSTRUMENTS[bundle.instrument]) == {}


def test_a_built_in_scale_takes_what_differs_between_clinics(tmp_path):
    file = tmp_path / "kettrack.toml"
    file.write_text("[instruments.MADRS]\nrecall_days = 7\n")
    scale = load_settings(file).known_instruments["MADRS"]
    assert (scale.recall().days, scale.recall().assumed) == (7, False)
    assert (scale.maximum, scale.standing) == (60, "verified")
    found = faults(tmp_path, "[instruments.MADRS]\nmaximum = 54\n")
    assert (
        "only recall_days, items_coded_from, prorated can be set"
        in found["instruments.MADRS"]
    )
