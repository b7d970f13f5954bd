"""kettrack.toml: every key known, own instruments and criteria as good as built-in ones, all mistakes at once."""

import pytest

from kettrack.errors import DataProblems
from kettrack.reading.settings_file import load_settings
from kettrack.settings import Settings
from kettrack.vocabulary.criteria import get_criteria


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "kettrack.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def complaints(path):
    with pytest.raises(DataProblems) as caught:
        load_settings(path)
    return {problem.column: problem.expected for problem in caught.value.problems}


def test_an_empty_file_is_all_defaults(toml):
    assert load_settings(toml("")) == Settings()


def test_every_plain_key(toml):
    text = """
    instrument = "MADRS"
    criteria = "SUSTAIN-1"
    baseline = "mean"
    duplicates = "worst"
    policy = "cms"
    currency = "EUR"
    extract = "all patients to the end of spring"
    """
    expected = Settings(
        instrument="MADRS", criteria="SUSTAIN-1", baseline="mean", duplicates="worst", policy="cms", currency="EUR",
        extract="all patients to the end of spring",
    )  # fmt: skip
    assert load_settings(toml(text)) == expected


def test_columns_for_all_tables_and_for_one(toml):
    settings = load_settings(toml('[columns]\npatient_id = "pid"\n[columns.scores]\nscore = "total"'))
    assert settings.columns == {"": {"patient_id": "pid"}, "scores": {"score": "total"}}


def test_all_mistakes_are_said_at_once(toml):
    text = """
    instument = "PHQ-9"
    baseline = "lats"
    currency = 5
    [columns]
    patientid = "x"
    [columns.score]
    day = "d"
    [columns.scores]
    score = 3
    """
    assert complaints(toml(text)) == {
        "instument": "unknown key; did you mean instrument?",
        "baseline": "one of: last, mean, worst",
        "currency": 'text in quotation marks, as in key = "text"',
        "columns.patientid": "no such column; did you mean patient_id?",
        "columns.score": "no such table; did you mean scores?",
        "columns.scores.score": "the column's name in the source, in quotation marks",
    }


def test_broken_toml_is_one_problem(toml):
    assert "not valid TOML" in complaints(toml("instrument = "))[""]


WHO5 = """
[instruments.WHO-5]
title = "well-being index"
direction = "higher is better"
minimum = 0
maximum = 100
caseness = 50
remission = [51, 60]
reliable_change = 10
source = "clinic handbook"
bands = { low = [0, 50], fine = [51, 100] }
"""


def test_own_instrument_with_its_direction(toml):
    scale = load_settings(toml(WHO5)).known_instruments["WHO-5"]
    assert (scale.sign, scale.maximum, scale.standing, scale.bands[1].label) == (-1, 100, "user", "fine")
    assert (scale.caseness.value, scale.caseness.source, scale.caseness.standing) == (50, "clinic handbook", "user")
    assert [cut.value for cut in scale.remission] == [51, 60]


def test_own_instrument_needs_range_and_direction_and_knows_no_other_keys(toml):
    said = complaints(toml('[instruments.WHO-5]\nminimun = 0\nmaximum = "x"'))
    assert said["instruments.WHO-5.minimun"] == "unknown key; did you mean minimum?"
    assert said["instruments.WHO-5.maximum"] == "a number"
    assert "direction" in " ".join(said)


def test_a_built_in_instrument_cannot_be_redefined(toml):
    text = '[instruments.PHQ-9]\nminimum = 0\nmaximum = 9\ndirection = "higher is worse"'
    assert "built-in" in complaints(toml(text))["instruments.PHQ-9"]


def test_own_criteria_start_from_the_convention(toml):
    text = """
    [criteria]
    use = "strict"
    [criteria.strict]
    instrument = "MADRS"
    caseness = 28
    partial = false
    response = { measure = "percent_change", operator = "at most", limit = -50, count = 2, min_gap = 7, max_gap = 21 }
    relapse = { measure = "score", operator = "at least", limit = 22, event_rows = ["hospitalisation"] }
    """
    settings = load_settings(toml(text))
    scale = settings.known_instruments["MADRS"]
    rules = get_criteria(scale, settings.criteria, settings.user_criteria)
    assert (rules.name, rules.standing, rules.caseness.value, rules.partial) == ("strict", "user", 28, None)
    assert (rules.response.run.count, rules.response.run.max_gap, rules.relapse.event_rows) == (2, 21, ("hospitalisation",))
    assert rules.remission == get_criteria(scale).remission


def test_own_criteria_for_an_own_instrument(toml):
    settings = load_settings(toml(WHO5 + '[criteria.ours]\ninstrument = "WHO-5"\n'))
    assert settings.user_criteria[0].instrument == "WHO-5"


def test_mistakes_in_rules_are_placed(toml):
    text = """
    [criteria.ours]
    instrument = "PHQ-9"
    response = { measure = "percent", operator = "at most", limt = -50 }
    """
    said = complaints(toml(text))
    assert said["criteria.ours.response.limt"] == "unknown key; did you mean limit?"
    assert "one of: score, change, percent_change" in said["criteria.ours.response.measure"]
