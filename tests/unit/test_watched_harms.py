"""What labels ask clinics to watch: counted again in SQL, bounds against sessions made otherwise,
and columns that are read, checked and guessed.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer

import kettrack as kt
from kettrack.cli import main
from kettrack.errors import DataProblems

SAMPLE = kt.sample_folder() / "sessions.csv"
SQL = {
    "sedated": ("moaas_lowest <= 4", "moaas_lowest"),
    "sedated_moderate": ("moaas_lowest <= 3", "moaas_lowest"),
    "unconscious": ("moaas_lowest = 0", "moaas_lowest"),
    "bladder_any": ("bladder <> 'none'", "bladder"),
    "bladder_bad": ("bladder in ('moderate', 'severe')", "bladder"),
    "cognition_any": ("cognition <> 'none'", "cognition"),
    "mania": ("mania_psychosis in ('mania', 'both')", "mania_psychosis"),
    "psychosis": ("mania_psychosis in ('psychosis', 'both')", "mania_psychosis"),
    "misuse_concern": ("misuse_concern", "misuse_concern"),
    "no_show": ("no_shows_before > 0", "no_shows_before"),
}


@pytest.fixture(scope="module")
def table():
    return sample_answer("watched_harms").table.set_index("key")


@pytest.mark.parametrize("key", SQL)
def test_every_harm_is_counted_as_in_sql(table, key):
    flag, column = SQL[key]
    found = (
        duckdb.connect()
        .execute(
            f"""
        select count(*), count(*) filter ({flag}), count(distinct patient_id),
            count(distinct patient_id) filter ({flag})
        from read_csv('{SAMPLE}', nullstr='') where {column} is not null
        """
        )
        .fetchone()
    )
    columns = ["sessions", "events", "n", "people_with"]
    assert tuple(table.loc[key, columns].astype(int)) == found
    everything = table.loc[key, "sessions"] + table.loc[key, "not_asked"]
    assert everything == len(pd.read_csv(SAMPLE))


def test_a_benzodiazepine_is_planted_and_found(table):
    with_it = table.loc["sedated_with"]
    without = table.loc["sedated_without"]
    assert with_it["ci_low"] > without["ci_high"]
    whole = table.loc["sedated"]
    assert with_it["events"] + without["events"] == whole["events"]


def test_what_was_never_seen_has_an_upper_bound(table):
    row = table.loc["unconscious"]
    assert row["events"] == 0
    # The rule of three, a little wider at both ends of 95 %.
    assert row["ci_high"] == pytest.approx(100 * 3.69 / row["sessions"], rel=0.01)
    text = sample_answer("watched_harms").text
    assert "Loss of consciousness was seen at none of" in text
    assert "which leaves up to" in text


def sessions_of(people, each, events):
    """People with so many sessions each, and the first ones of the first people with an event."""
    rows = pd.DataFrame(
        {
            "patient_id": np.repeat(
                [f"p{number:03d}" for number in range(people)], each
            ),
            "day": np.tile(np.arange(each) * 3, people),
        }
    )
    return rows.assign(misuse_concern=np.arange(len(rows)) < events)


def clinic(sessions):
    scores = pd.DataFrame(
        {
            "patient_id": sessions["patient_id"].unique(),
            "day": 0,
            "instrument": "PHQ-9",
            "score": 15,
        }
    )
    return kt.cohort_from_frames(sessions, scores)


def test_a_rate_at_the_bound_would_rarely_go_unseen():
    found = kt.estimate("watched_harms", clinic(sessions_of(40, 3, 0)))
    bound = found.table.set_index("key").loc["misuse_concern", "ci_high"] / 100
    rng = np.random.default_rng(4)
    # Waiting times between events, not a draw for each session.
    first = rng.geometric(bound, 20_000)
    unseen = np.mean(first > 120)
    assert 0.02 < unseen < 0.03


def test_only_what_was_asked_has_a_row():
    found = kt.estimate("watched_harms", clinic(sessions_of(20, 2, 3)))
    assert found.table["key"].tolist() == ["misuse_concern"]
    row = found.table.iloc[0]
    assert (row["events"], row["people_with"], row["sessions"]) == (3, 2, 40)
    assert any("moaas_lowest" in caveat for caveat in found.caveats)


def test_nothing_asked_is_a_refusal_that_names_the_columns():
    rows = sessions_of(20, 2, 0).drop(columns="misuse_concern")
    found = kt.estimate("watched_harms", clinic(rows))
    assert found.status == "refused"
    assert "bladder" in found.collect


def test_parts_that_add_up_are_not_released():
    released = set(sample_answer("watched_harms", "cms").table["key"])
    assert "sedated" in released
    assert not {"sedated_with", "sedated_without"} & released


@pytest.mark.parametrize(
    ("column", "value"),
    {
        "moaas_lowest": "6",
        "bladder": "terrible",
        "cognition": "yes",
        "mania_psychosis": "manic",
        "misuse_concern": "maybe",
        "benzodiazepine": "lorazepam",
        "no_shows_before": "-1",
    }.items(),
)
def test_a_word_that_is_not_in_the_list_is_a_problem(tmp_path, column, value):
    (tmp_path / "sessions.csv").write_text(
        f"patient_id,day,{column}\nA1,0,{value}\n", encoding="utf-8"
    )
    (tmp_path / "scores.csv").write_text(
        "patient_id,day,instrument,score\nA1,-1,PHQ-9,18\n", encoding="utf-8"
    )
    with pytest.raises(DataProblems) as raised:
        kt.load_cohort(tmp_path)
    said = str(raised.value)
    assert "sessions.csv" in said
    assert column in said


LOG = """Patient,Date,Drug,MOAA/S,Bladder symptoms,Cognition,Mania or psychosis,Benzo,PHQ-9
P1,2024-01-03,ketamine,4,None,no,none,yes,20
P1,2024-01-07,ketamine,5,leicht,mild,hypomanic,no,15
P2,2024-02-03,ketamine,3,moderate,none,psychotic,no,18
P2,2024-02-10,ketamine,5,severe,none,both,no,12
"""


def test_a_log_in_a_clinics_own_words_is_guessed(tmp_path):
    (tmp_path / "log.csv").write_text(LOG, encoding="utf-8")
    command = ["import", str(tmp_path / "log.csv"), "-o", str(tmp_path / "clinic")]
    with pytest.raises(SystemExit) as left:
        main([*command, "--extract-date", "2024-12-31"])
    assert left.value.code == 0
    rows = kt.load_cohort(tmp_path / "clinic").sessions
    found = rows.set_index("bladder")["mania_psychosis"].to_dict()
    assert found == {
        "none": "none",
        "mild": "mania",
        "moderate": "psychosis",
        "severe": "both",
    }
    assert sorted(rows["moaas_lowest"]) == [3, 4, 5, 5]
    assert rows["benzodiazepine"].sum() == 1
