"""The gate: what each policy hides, in the table, in the sentence and in JSON."""

import json

import pandas as pd
import pytest
from sample_answers import sample_answer

from kettrack import load_cohort, sample_folder
from kettrack.errors import UsageError
from kettrack.privacy import disclosure
from kettrack.privacy.policies import get_policy
from kettrack.result import Result


def result(**counts):
    rows = {
        "key": list(counts),
        "n": [40] * len(counts),
        "events": list(counts.values()),
    }
    table = pd.DataFrame(rows)
    table["estimate"] = 100 * table["events"] / table["n"]
    sentence = "; ".join(
        f"{{{key}.events}} of {{{key}.n}} ({{{key}.estimate}} %)" for key in counts
    )
    roles = {"key": "key", "n": "denominator", "events": "count", "estimate": "derived"}
    return Result(name="test", table=table, roles=roles, sentence=sentence, estimand="")


@pytest.mark.parametrize(
    ("events", "shown"),
    [
        (0, "0"),
        (1, "hidden"),
        (10, "hidden"),
        (11, "11"),
        (29, "29"),
        (30, "hidden"),
        (39, "hidden"),
        (40, "40"),
    ],
)
def test_cms_hides_1_to_10_and_what_leaves_1_to_10(events, shown):
    assert disclosure.apply(result(a=events), "cms").shown["events"].tolist() == [shown]


def test_a_hidden_count_is_hidden_everywhere():
    seen = disclosure.apply(result(few=3, many=20), "cms")
    assert seen.text == (
        "(not shown) of 40 (not shown); 20 of 40 (50.0 %) Not shown: too few people, or the"
        " number would tell of too few."
    )
    rows = json.loads(seen.to_json())["table"]
    assert rows[0] == {
        "key": "few",
        "n": 40,
        "events": None,
        "estimate": None,
        "suppressed": True,
    }
    assert rows[1] == {
        "key": "many",
        "n": 40,
        "events": 20,
        "estimate": 50.0,
        "suppressed": False,
    }
    assert "3" not in seen.shown.iloc[0].tolist()


def test_running_counts_do_not_give_the_hidden_ones_away():
    table = pd.DataFrame(
        {"step": ["a", "b", "c"], "lost": [0, 7, 20], "left": [60, 53, 33]}
    )
    roles = {"step": "key", "lost": "count", "left": "running"}
    ladder = Result(name="ladder", table=table, roles=roles, sentence="", estimand="")
    assert disclosure.apply(ladder, "cms").table["left"].tolist() == [60, pd.NA, pd.NA]
    alone = Result(
        name="n",
        table=table[["step", "left"]],
        roles={"step": "key", "left": "running"},
        sentence="",
        estimand="",
    )
    assert disclosure.apply(alone, "cms").table["left"].tolist() == [60, pd.NA, 33]


def test_a_denominator_just_below_the_others_is_hidden_with_what_it_makes():
    table = pd.DataFrame(
        {
            "key": ["sex", "age"],
            "n": [240, 232],
            "events": [140, 120],
            "estimate": [58.3, 51.7],
        }
    )
    roles = {"key": "key", "n": "denominator", "events": "count", "estimate": "derived"}
    seen = disclosure.apply(
        Result(name="t", table=table, roles=roles, sentence="", estimand=""), "cms"
    ).table
    assert seen["n"].tolist() == [240, pd.NA]
    # Of whom these are part nobody can tell now, so they may stay.
    assert seen["events"].tolist() == [140, 120]
    assert seen["estimate"].isna().tolist() == [False, True]


def test_parts_that_add_up_to_the_whole_are_never_one_short():
    table = pd.DataFrame(
        {"week": [1], "well": [100], "ill": [30], "unclear": [3], "n": [133]}
    )
    roles = {
        "week": "key",
        "well": "count",
        "ill": "count",
        "unclear": "count",
        "n": "denominator",
    }
    seen = disclosure.apply(
        Result(name="t", table=table, roles=roles, sentence="", estimand=""), "cms"
    ).table
    assert seen[["well", "ill", "unclear"]].iloc[0].tolist() == [100, pd.NA, pd.NA]


def test_internal_hides_nothing_and_is_marked():
    seen = disclosure.apply(result(few=3), "internal")
    assert seen.text == "3 of 40 (7.5 %)"
    assert seen.policy == "internal"
    assert "Not for release" in get_policy("internal").banner


def test_rows_of_single_patients_do_not_leave():
    people = Result(
        name="people",
        table=pd.DataFrame({"place": [1], "change": [-50.0]}),
        roles={"place": "key", "change": "person"},
        sentence="One row for each person.",
        estimand="",
    )
    released = disclosure.apply(people, "cms")
    assert released.table.empty
    # Nothing is said of what the table would show.
    assert released.text == disclosure.ROWS_GONE
    shown = disclosure.apply(people, "internal")
    assert (len(shown.table), shown.text) == (1, people.sentence)
    with pytest.raises(UsageError, match="single patients"):
        disclosure.gate_rows(people.table, "cms")


def test_an_unknown_policy_is_an_error_that_lists_the_known():
    with pytest.raises(UsageError, match="internal, midpoint6, cms"):
        disclosure.apply(result(a=1), "none")


def test_the_word_release_is_the_policy_that_keeps_the_answers():
    released = disclosure.apply(result(a=1), "release")
    assert released.policy == "midpoint6"
    # Whatever names the policy later reads the settings.
    cohort = load_cohort(sample_folder(), policy="release")
    assert cohort.settings.policy == "midpoint6"


def test_json_names_are_the_contract():
    said = json.loads(sample_answer("paired_change").to_json())
    names = (
        "schema name status reason collect estimand text table caveats instrument criteria"
        " baseline_rule level unit policy seed input_sha256 version"
    )
    assert set(names.split()) <= set(said)
    assert set(said["criteria"]) == {"name", "version", "hash"}
    assert {"estimate", "ci_low", "ci_high", "n"} <= set(said["table"][0])
