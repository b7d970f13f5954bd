"""kettrack.toml: every key known, own instruments and criteria as good as built-in ones, all
mistakes at once.
"""

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
        instrument="MADRS",
        scores_of="MADRS",
        criteria="SUSTAIN-1",
        baseline="mean",
        duplicates="worst",
        policy="cms",
        currency="EUR",
        extract="all patients to the end of spring",
    )
    assert load_settings(toml(text)) == expected


def test_columns_for_all_tables_and_for_one(toml):
    settings = load_settings(
        toml('[columns]\npatient_id = "pid"\n[columns.scores]\nscore = "total"')
    )
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


def test_a_mistake_has_its_line(toml):
    text = """# a comment
currency = 5
extract = '''
policy = "of a long text, not a key"
'''

[instruments."Sleep scale"]
minimum = 0
"maximum" = "x"
direction = "higher is worse"
[criteria.ours]
instrument = "PHQ-9"
response = { measure = "score", operator = "at most", limt = 5, limit = 5 }
review.cssrs = "four"
[criteria.theirs]
instrument = "PHQ9"
"""
    with pytest.raises(DataProblems) as caught:
        load_settings(toml(text))
    lines = {problem.column: problem.line for problem in caught.value.problems}
    assert lines == {
        "currency": 2,
        "instruments.Sleep scale.maximum": 9,
        "criteria.ours.response.limt": 13,
        "criteria.ours.review.cssrs": 14,
        "criteria.theirs.instrument": 16,
    }


def test_a_value_close_to_an_allowed_one_is_recognised(toml):
    text = """
    [criteria.ours]
    instrument = "PHQ9"
    [criteria.theirs]
    instrument = "PHQ-9"
    response = { measure = "percent change", operator = "at most", limit = -50 }
    """
    said = complaints(toml(text))
    assert said["criteria.ours.instrument"].endswith("; did you mean PHQ-9?")
    assert said["criteria.theirs.response.measure"].endswith(
        "; did you mean percent_change?"
    )


def test_broken_toml_is_one_problem(toml):
    assert "not valid TOML" in complaints(toml("instrument = "))[""]
    twice = 'instrument = "PHQ-9"\ninstrument = "MADRS"\nlevel = 0.9\n'
    assert "a name stands twice; keep one" in complaints(toml(twice))[""]


WHO5 = """
[instruments.OWN-5]
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
    scale = load_settings(toml(WHO5)).known_instruments["OWN-5"]
    assert (scale.sign, scale.maximum, scale.standing, scale.bands[1].label) == (
        -1,
        100,
        "user",
        "fine",
    )
    assert (scale.caseness.value, scale.caseness.source, scale.caseness.standing) == (
        50,
        "clinic handbook",
        "user",
    )
    assert [cut.value for cut in scale.remission] == [51, 60]


def test_own_instrument_needs_range_and_direction_and_knows_no_other_keys(toml):
    said = complaints(toml('[instruments.OWN-5]\nminimun = 0\nmaximum = "x"'))
    assert said["instruments.OWN-5.minimun"] == "unknown key; did you mean minimum?"
    assert said["instruments.OWN-5.maximum"] == "a number of at most 15 digits"
    assert "direction" in " ".join(said)


def test_a_built_in_instrument_cannot_be_redefined(toml):
    text = (
        '[instruments.PHQ-9]\nminimum = 0\nmaximum = 9\ndirection = "higher is worse"'
    )
    assert "built-in" in complaints(toml(text))["instruments.PHQ-9"]


def test_own_criteria_start_from_the_convention(toml):
    text = """
    [criteria]
    use = "strict"
    [criteria.strict]
    instrument = "MADRS"
    caseness = 28
    partial = false
    [criteria.strict.response]
    measure = "percent_change"
    operator = "at most"
    limit = -50
    count = 2
    min_gap = 7
    max_gap = 21
    [criteria.strict.relapse]
    measure = "score"
    operator = "at least"
    limit = 22
    event_rows = ["hospitalisation"]
    """
    settings = load_settings(toml(text))
    scale = settings.known_instruments["MADRS"]
    rules = get_criteria(scale, settings.criteria, settings.user_criteria)
    assert (rules.name, rules.standing, rules.caseness.value, rules.partial) == (
        "strict",
        "user",
        28,
        None,
    )
    assert (
        rules.response.run.count,
        rules.response.run.max_gap,
        rules.relapse.event_rows,
    ) == (
        2,
        21,
        ("hospitalisation",),
    )
    assert rules.remission == get_criteria(scale).remission


def test_own_thresholds_of_the_review_list(toml):
    text = '[criteria]\nuse = "own"\n[criteria.own]\ninstrument = "PHQ-9"\n[criteria.own.review]\n'
    settings = load_settings(toml(text + "suicidality_item = 1\nunscored_days = 30"))
    review = get_criteria(
        settings.known_instruments["PHQ-9"], "own", settings.user_criteria
    ).review
    assert (review.suicidality_item, review.unscored_days, review.cssrs) == (1, 30, 4)
    said = complaints(toml(text + "suicidality = 1\noff_track_percentile = 101"))
    assert said["criteria.own.review.suicidality"].startswith(
        "unknown key; did you mean suicidality_item?"
    )
    assert said["criteria.own.review.off_track_percentile"] == "a percentile, 0 to 100"


def test_own_criteria_for_an_own_instrument(toml):
    settings = load_settings(toml(WHO5 + '[criteria.ours]\ninstrument = "OWN-5"\n'))
    assert settings.user_criteria[0].instrument == "OWN-5"


def test_mistakes_in_rules_are_placed(toml):
    text = """
    [criteria.ours]
    instrument = "PHQ-9"
    response = { measure = "percent", operator = "at most", limt = -50 }
    """
    said = complaints(toml(text))
    assert said["criteria.ours.response.limt"] == "unknown key; did you mean limit?"
    assert (
        "one of: score, change, percent_change"
        in said["criteria.ours.response.measure"]
    )


SCALE = '[instruments."{}"]\nminimum = 0\nmaximum = 10\ndirection = "higher is worse"\n'


@pytest.mark.parametrize("name", ["phq-9", " PHQ-9 ", "", " "])
def test_names_that_are_taken_or_empty(toml, name):
    assert complaints(toml(SCALE.format(name)))


def test_two_own_instruments_of_one_name(toml):
    assert (
        "another instrument has this name"
        in complaints(toml(SCALE.format("Mood") + SCALE.format("MOOD")))[
            "instruments.MOOD"
        ]
    )


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('direction = ["a"]', "direction"),
        ("maximum = inf", "maximum"),
        ("maximum = nan", "maximum"),
        ("maximum = 0", "maximum"),
        ("maximum = -1", "maximum"),
        ("caseness = 11", "caseness"),
        ("remission = [3, -1]", "remission"),
        ("remission = 12", "remission"),
        ("suicidality_item = 1", "suicidality_item"),
        ("item_maxima = [3, 3]\nsuicidality_item = 3", "suicidality_item"),
        ("item_maxima = [3, 3]\nsuicidality_item = 0", "suicidality_item"),
        ("bands = { low = [5, 2] }", "bands"),
        ("bands = { low = [0, 20] }", "bands"),
    ],
)
def test_nonsense_in_an_instrument(toml, line, key):
    text = SCALE.format("Mood")
    lines = [one for one in text.splitlines() if not one.startswith(key)]
    assert f"instruments.Mood.{key}" in complaints(toml("\n".join([*lines, line])))


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("caseness = 28", "caseness"),
        (
            'response = { measure = "score", operator = "at most", limit = nan }',
            "response.limit",
        ),
        (
            'response = { measure = ["a"], operator = "at most", limit = 5 }',
            "response.measure",
        ),
        (
            (
                'response = { measure = "score", operator = "at most", limit = 5, count = 2,'
                " min_gap = 9, max_gap = 8 }"
            ),
            "response.max_gap",
        ),
    ],
)
def test_nonsense_in_criteria(toml, line, key):
    assert f"criteria.ours.{key}" in complaints(
        toml(f'[criteria.ours]\ninstrument = "PHQ-9"\n{line}')
    )


def test_an_unknown_policy(toml):
    assert complaints(toml('policy = "cmss"')) == {
        "policy": "one of: internal, midpoint6, cms, opensafely, nhs, release; did you mean cms?"
    }


def test_names_of_people_in_a_settings_file_are_not_repeated(toml):
    text = (
        '"Jane Smith" = 1\n[columns]\n"Jane Smith" = "x"\n[columns."Ann Smith"]\nday = "d"\n'
        + SCALE.format("Jane Smith")
    )
    said = str(complaints(toml(text + "caseness = 99")))
    assert "Smith" not in said
    assert "(hidden)" in said
