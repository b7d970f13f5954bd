"""Settings built in Python: another kind, and what cannot be meant."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from kettrack import cohort_from_frames, load_cohort
from kettrack.errors import UsageError
from kettrack.settings import Settings
from kettrack.vocabulary.criteria import convention
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import PHQ9
from kettrack.vocabulary.rules import Predicate, Rule

SESSIONS = pd.DataFrame({"patient_id": ["a", "b"], "day": [0, 0]})
SCORES = pd.DataFrame(
    {"patient_id": ["a"], "day": [0], "instrument": ["PHQ-9"], "score": [20]}
)
OURS = replace(convention(PHQ9), name="ours", standing="user")
OWN = Instrument(name="OWN", title="OWN", minimum=0, maximum=10)


def refused(**settings):
    with pytest.raises(UsageError) as caught:
        cohort_from_frames(SESSIONS, SCORES, settings=Settings(**settings))
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", {"Jane Example": "observed"}),
        ("status", ["Jane Example"]),
        ("columns", "Jane Example"),
        ("currency", 3),
        ("extract", ["Jane Example"]),
        ("scores_of", 9),
        ("user_instruments", OWN),
        ("user_criteria", ("ours",)),
    ],
)
def test_a_setting_of_another_kind_is_named_and_never_repeated(name, value, tmp_path):
    SESSIONS.to_csv(tmp_path / "sessions.csv", index=False)
    SCORES.to_csv(tmp_path / "scores.csv", index=False)
    with pytest.raises(UsageError, match=f"The setting '{name}' needs") as caught:
        load_cohort(tmp_path, **{name: value})
    assert "Jane" not in str(caught.value)


def rule(measure, operator, limit):
    return Rule(Predicate(measure, operator, limit), standing="user")


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"response": rule("percent_change", "at most", 50)}, "response.limit"),
        ({"response": rule("percent_change", "at most", -0.5)}, "response.limit"),
        ({"deterioration": rule("change", "at most", -6)}, "deterioration.operator"),
        ({"remission": rule("score", "at most", 12)}, "remission.limit"),
        ({"name": "sustain-1"}, "name"),
        ({"instrument": "NOPE"}, "instrument"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused_as_in_the_file(changed, key):
    rules = replace(OURS, **changed)
    said = refused(user_criteria=(rules,), criteria=rules.name)
    assert f"{rules.name}, {key}: " in said


def test_a_built_in_scale_stays_that_scale():
    assert "PHQ-9, name: another one" in refused(
        user_instruments=(replace(PHQ9, maximum=50),)
    )


def test_rules_and_scales_that_can_be_meant_pass():
    settings = Settings(
        user_instruments=(OWN, replace(PHQ9, recall_days=7)),
        user_criteria=(OURS,),
        criteria="ours",
    )
    assert len(cohort_from_frames(SESSIONS, SCORES, settings=settings).scores) == 1
