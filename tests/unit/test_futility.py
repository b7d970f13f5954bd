"""The futility sheet: its sums, its refusals, its words, and what noise alone shows."""

import re
from dataclasses import replace

import numpy as np
import pytest
from sample_answers import sample_answer
from simulated import simulated_cohort
from spec.tables import cohort

from kettrack.analysis.response.futility_counts import LITTLE_PERCENT
from kettrack.analysis.response.should_we_go_on import should_we_go_on
from kettrack.vocabulary.instruments import PHQ9
from kettrack.vocabulary.plain_words import percentage

BANNED = (
    "effect of number of sessions",
    "proved",
    "significant",
    "dose-response",
    "needed",
)


@pytest.fixture(scope="module")
def sheet():
    return sample_answer("should_we_go_on")


def test_everyone_at_a_landmark_is_in_one_place(sheet):
    for _, rows in sheet.table.groupby("landmark"):
        head = rows.iloc[0]
        assert (
            head["at_landmark"]
            == head["responded"] + head["unscored"] + rows["in_group"].sum()
        )
    table = sheet.table
    assert (
        table["in_group"] == table["stopped"] + table["completed"] + table["went_on"]
    ).all()
    assert (table["n"] <= table["went_on"]).all()


def test_a_small_row_is_refused_with_a_reason_and_stays(sheet):
    table = sheet.table
    assert len(table) == 8
    small = table["n"] < 11
    assert small.any()
    assert not small.all()
    assert (
        table.loc[small, "reason"] == "fewer than 11 people went on and can be followed"
    ).all()
    assert (
        table.loc[small, ["estimate", "ci_low", "ci_high", "single"]]
        .isna()
        .all(axis=None)
    )
    assert (table.loc[~small, "reason"] == "").all()
    assert table.loc[~small, "estimate"].notna().all()


def test_a_later_deadline_and_a_looser_rule_find_more(sheet):
    table = sheet.table[sheet.table["reason"] == ""]
    assert (table["soon"] <= table["estimate"]).all()
    assert (table["single_soon"] <= table["single"]).all()
    assert (table["estimate"] <= table["single"]).all()
    assert (table["null"] <= table["single_null"]).all()


def test_the_sentence_says_what_the_brief_reader_needs(sheet):
    row = sheet.table.set_index("key").loc["after3_below_20"]
    assert sheet.text.startswith(
        f"Of {row['n']} people who had improved by less than {LITTLE_PERCENT} % after session 3"
        " and went on, "
    )
    for part in (
        f"{percentage(row['estimate'])} % (",
        f"against about {percentage(row['null'])} % (95 % interval"
        f" {percentage(row['null_low'])} % to {percentage(row['null_high'])} %) in a model",
        "had no score in time: after session 3",
    ):
        assert part in sheet.text


def test_the_warning_about_the_recall_window_comes_first(sheet):
    assert sheet.caveats[0].startswith(
        "PHQ-9 asks about the last 14 days. Scores after session 2 (median day "
    )
    days = sheet.table.groupby("landmark")["median_day"].first()
    assert days[2] < 14 <= days[3]
    unconfirmed = replace(PHQ9, recall_days=None)
    clinic = simulated_cohort("B", 500, 4)
    settings = replace(clinic.settings, user_instruments=(unconfirmed,))
    assumed = should_we_go_on(replace(clinic, settings=settings))
    assert assumed.caveats[0].startswith(
        "How far back PHQ-9 looks is not confirmed; 14 days are assumed, unless"
        " recall_days says otherwise. Scores after"
    )


def test_the_findings_that_disagree_are_printed_with_their_source(sheet):
    said = [caveat for caveat in sheet.caveats if caveat.startswith("For ")]
    assert len(said) == 3
    assert any("58 %" in caveat and "pubmed 33031861" in caveat for caveat in said)
    assert any(
        caveat.startswith("For stopping") and "s41398-024-03027-2" in caveat
        for caveat in said
    )
    everything = " ".join([sheet.text, sheet.estimand, *sheet.caveats]).lower()
    assert not [word for word in BANNED if re.search(rf"\b{word}\b", everything)]


def test_small_counts_are_hidden_under_a_release_policy():
    hidden = sample_answer("should_we_go_on", "cms")
    assert "hidden" in hidden.text or hidden.table["stopped"].dropna().ge(11).all()
    counts = (
        hidden.table[["unscored", "responded", "stopped", "went_on", "n"]]
        .astype("Float64")
        .to_numpy(float, na_value=np.nan)
    )
    assert not ((counts > 0) & (counts < 11)).any()


def test_no_share_under_a_release_policy_tells_of_a_few_people(sheet):
    """1 % of 101 is one person."""
    shares = ["estimate", "soon", "single", "single_soon"]
    told = sheet.table[shares].mul(sheet.table["n"], axis=0) / 100
    # people whose logs end earlier lift a share a little above the count
    few = told.gt(0.5) & told.lt(10.5)
    hidden = sample_answer("should_we_go_on", "cms").table[shares].isna()
    assert few.any(axis=None)
    assert hidden[few].eq(True).where(few, True).all(axis=None)


def test_refused_when_nobody_can_be_followed():
    found = should_we_go_on(cohort("patient | day | score\n a | -1 | 20\n a | 7 | 9"))
    assert found.status == "refused"
    assert "observed_to_day" in found.collect
    one = cohort(
        "patient | day | score\n a | -1 | 20\n a | 6 | 19\n a | 9 | 19",
        "patient | days\n a | 0 3 7",
        "patient | observed_to_day\n a | 200",
    )
    assert "no session after which at least 11 people" in should_we_go_on(one).reason


def test_where_sessions_do_nothing_late_responders_are_as_many_as_the_null_says():
    table = should_we_go_on(simulated_cohort("B", 500, 4)).table
    told = table[(table["reason"] == "") & (table["n"] >= 60)]
    # no interval where nobody responded
    low = told["ci_low"].fillna(0)
    high = told["ci_high"].fillna(300 / told["n"])
    inside = told["null"].between(low - 1.5, high + 1.5)  # 1.5: the null's own error
    assert len(told) >= 6
    assert inside.all()
    # Non-improvers whom noise alone lets respond later, by one score and by two (published
    # simulation: 9-20 %, 6 and 2 %).
    little = told.set_index("key")
    assert (
        9
        <= little.loc["after4_below_20", "single_null"]
        <= little.loc["after2_below_20", "single_null"]
        <= 27
    )
    assert little.loc["after4_below_20", "null"] < 7
