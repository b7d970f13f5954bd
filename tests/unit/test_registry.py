"""One list of questions, which other packages can add to."""

from __future__ import annotations

import sys

import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import kettrack as kt
from kettrack.analysis import registry

PLUGIN = '''
"""A question of another package."""

import pandas as pd

import kettrack as kt


@kt.question(
    "days_in_care",
    asks="How long were people in care?",
    unit="days",
    estimand="Days from the first session to the last.",
    roles={"key": "key", "estimate": "derived", "n": "denominator"},
)
def days_in_care(cohort, least=1):
    if len(cohort.patients) < least:
        raise kt.NotIdentified("there are too few people.", "more people.")
    last = cohort.sessions.groupby("patient_id")["day"].max()
    row = {"key": "all", "estimate": last.mean(), "n": len(last)}
    return kt.Answer(
        table=pd.DataFrame([row]), sentence="{all.n} people were in care for {all.estimate} days."
    )
'''
THREADS_ARE_NAMED_BY = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
ENTRY = "[kettrack.questions]\nplugin = plugin_of_a_clinic\n"


@pytest.fixture(scope="module")
def sample():
    return kt.load_cohort(kt.sample_folder())


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A package that is installed beside kettrack and registers a question."""
    (tmp_path / "plugin_of_a_clinic.py").write_text(PLUGIN, encoding="utf-8")
    about = tmp_path / "plugin_of_a_clinic-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: p\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    registry._QUESTIONS.pop("days_in_care", None)
    sys.modules.pop("plugin_of_a_clinic", None)


@pytest.mark.usefixtures("plugin")
def test_another_package_adds_a_question(sample):
    assert kt.questions()["name"].iloc[-1] == "days_in_care"
    answer = kt.estimate("days_in_care", sample)
    assert answer.text.startswith("600 people were in care for")
    assert answer.made_from["unit"] == "days"
    assert answer.policy == "internal"
    refused = kt.estimate("days_in_care", sample, least=1000)
    assert (refused.status, refused.reason) == ("refused", "there are too few people.")
    assert refused.estimand == "Days from the first session to the last."


def test_every_question_says_what_it_asks():
    table = kt.questions()
    assert table["name"].is_unique
    assert (table["asks"].str.endswith("?") | table["asks"].str.endswith(".")).all()
    assert set(table.loc[table["by_group"], "name"]) == {
        "response_by_session",
        "remission_by_session",
        "should_we_go_on",
        "durability",
        "maintenance",
    }


def test_a_wrong_option_names_those_there_are(sample):
    with pytest.raises(kt.UsageError, match=r"no option 'seeds'.*replicates, seed"):
        kt.estimate("response_if_all_continued", sample, seeds=1)


def test_options_reach_the_question(sample):
    one, two = (
        kt.estimate("response_if_all_continued", sample, replicates=20, seed=seed)
        for seed in (1, 2)
    )
    assert not one.table["ci_low"].equals(two.table["ci_low"])
    assert isinstance(one.table, pd.DataFrame)


def test_two_questions_of_one_name_are_an_error():
    def other(cohort):
        return kt.Answer(table=pd.DataFrame())

    other.__module__ = "elsewhere"
    with pytest.raises(kt.UsageError, match="Two questions are called 'losses'"):
        kt.question("losses", asks="?")(other)


@pytest.mark.parametrize(("named", "threads"), [("", 1), ("2", 2)])
def test_linear_algebra_has_one_thread_unless_its_user_says_otherwise(
    monkeypatch, sample, named, threads
):
    """Matrices are small here: threads that share one wait for each other longer than they work."""
    for name in THREADS_ARE_NAMED_BY:
        monkeypatch.delenv(name, raising=False)
    if named:
        monkeypatch.setenv("OMP_NUM_THREADS", named)

    def answer():
        seen.append(threads_of_linear_algebra())
        return kt.Answer(table=pd.DataFrame({"key": []}), roles={"key": "key"})

    seen = []
    with threadpool_limits(2, user_api="blas"):
        registry.answered_with_less("ladder", kt.derive(sample), answer)
        after = threads_of_linear_algebra()
    assert seen == [{threads}]
    assert after == {2}


def threads_of_linear_algebra():
    return {
        library["num_threads"]
        for library in threadpool_info()
        if library["user_api"] == "blas"
    }
