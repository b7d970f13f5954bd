"""The specification table: a row for every combination, the counts of the outcomes table, nothing
recalled unasked.
"""

import pandas as pd
import pytest
from sample_answers import sample_answer
from spec.tables import cohort

import kettrack as kt
from kettrack.analysis.courses.specification import (
    OUTCOMES,
    count,
    estimate,
    n_steps,
    specification,
)
from kettrack.timelines.derived import derive
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.published_rules import published_rules

CHOICES = ["instrument", "rule", "baseline", "outcome"]


@pytest.fixture(scope="module")
def sample():
    return kt.load_cohort(kt.sample_folder())


@pytest.fixture(scope="module")
def table():
    return sample_answer("specification").table


def row(table, **choices):
    for column, value in choices.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_one_row_per_combination_of_rule_scale_baseline_and_outcome(table):
    assert not table.duplicated(CHOICES).any()
    assert table["number"].tolist() == list(range(1, len(table) + 1))
    sizes = table.groupby(["instrument", "rule", "outcome"]).size()
    assert (sizes == 3).all()  # each under three baselines
    # GAD-7 is no depression scale
    assert set(table["instrument"]) == {"PHQ-9", "MADRS"}
    assert {"response", "remission", "loss_of_response", "deterioration"} <= set(
        table["outcome"]
    )


def test_the_row_of_the_convention_says_what_the_outcomes_say(sample, table):
    outcomes = kt.outcomes_table(sample)
    rated = outcomes[outcomes["included"]]
    for event in ("response", "remission"):
        found = row(
            table, instrument="PHQ-9", rule="convention", baseline="last", outcome=event
        )
        assert (found["events"], found["n"]) == (
            (rated[f"{event}_status"] == "single").sum(),
            len(rated),
        )
    lost = row(
        table,
        instrument="PHQ-9",
        rule="convention",
        baseline="last",
        outcome="loss_of_response",
    )
    assert lost["n"] == (rated["response_status"] == "single").sum()
    assert lost["events"] == (rated["loss_of_response_status"] == "confirmed").sum()
    assert (
        lost["waiting"]
        == rated["loss_of_response_status"].isin(["pending", "unconfirmable"]).sum()
    )


def test_a_rating_has_the_counts_of_its_table(sample, table):
    verdicts = kt.published_rules_table(sample)
    verdicts = verdicts[verdicts["rule"].str.startswith("early response (")]["verdict"]
    found = row(table, instrument="PHQ-9", rule="early response", baseline="last")
    assert (found["events"], found["n"]) == (
        (verdicts == "met").sum(),
        verdicts.notna().sum(),
    )


def test_a_preset_speaks_only_for_what_it_defines(table):
    named = table[table["rule"] == "SUSTAIN-3"]
    # its loss and deterioration would be the convention's
    assert set(named["outcome"]) == {"response", "remission"}
    assert set(table.loc[table["rule"] == "convention, single loss", "outcome"]) == {
        "loss_of_response"
    }


def test_remission_shrinks_with_the_cut_off(table):
    events = {
        name: row(
            table, instrument="MADRS", rule=name, baseline="last", outcome="remission"
        )["events"]
        for name in ("SUSTAIN-1", "convention", "Hawley 2002")
    }
    assert events["SUSTAIN-1"] >= events["convention"] >= events["Hawley 2002"]


def test_recalled_rules_only_by_name_and_marked(sample, table):
    assert "recalled" not in set(table["standing"])
    asked = specification(sample, also=("Wilkinson 2018", "SUSTAIN-1 stable response"))
    recalled = asked.table[asked.table["standing"] == "recalled"]
    assert set(recalled["rule"]) == {"Wilkinson 2018", "SUSTAIN-1 stable response"}
    assert any("Wilkinson 2018" in caveat for caveat in asked.caveats)
    with pytest.raises(kt.UsageError, match="No rule is called 'Wilkinson 2081'"):
        specification(sample, also=("Wilkinson 2081",))


def test_counts_of_two_sites_add_up(sample):
    half = sample.patients["patient_id"] < "S120"
    sites = [
        subset(sample, set(sample.patients.loc[chosen, "patient_id"]))
        for chosen in (half, ~half)
    ]
    counts = pd.concat([count(derive(site)) for site in sites])
    keys = [column for column in counts if column not in ("events", "waiting", "n")]
    added = counts.groupby(keys, sort=False, as_index=False).sum()
    whole = count(derive(sample))
    assert added.sort_values(keys, ignore_index=True)[list(whole)].equals(
        whole.sort_values(keys, ignore_index=True)
    )


def subset(clinic, patients):
    from dataclasses import replace

    tables = {
        name: (
            getattr(clinic, name)[
                getattr(clinic, name)["patient_id"].isin(patients)
            ].reset_index(drop=True)
        )
        for name in ("sessions", "scores", "patients", "events")
    }
    return replace(clinic, **tables)


def test_intervals_and_the_sentence(table):
    assert (
        (table["ci_low"] <= table["estimate"]) & (table["estimate"] <= table["ci_high"])
    ).all()
    result = sample_answer("specification")
    first = table[
        (table["outcome"] == "response") & (table["definition"] == "first event")
    ]
    assert (
        f"{first['estimate'].min():.0f} to {first['estimate'].max():.0f} % responded"
        in result.text
    )
    assert "[" not in result.text


def test_nobody_rated_leaves_the_estimate_empty():
    clinic = cohort("patient | day | score\nno_base | 7 | 5\nempty | -1 |")
    table = specification(clinic).table
    assert (table["n"] == 0).all()
    assert table["estimate"].isna().all()
    assert "responded" not in specification(clinic).text
    assert estimate(count(derive(clinic)).iloc[:0]).empty


def test_an_instrument_without_rules_is_refused():
    clinic = cohort("patient | day | score\nA | 0 | 5", instrument="CADSS")
    assert specification(clinic).status == "refused"


def test_progress_is_told_step_by_step(sample):
    steps = []
    specification(sample, on_step=lambda: steps.append(1))
    assert len(steps) == n_steps(derive(sample)) == 6


def test_a_release_policy_hides_small_counts(sample):
    from dataclasses import replace

    released = specification(
        replace(sample, settings=replace(sample.settings, policy="cms"))
    )
    counted = released.table["events"].dropna()
    assert not counted.between(1, 10).any()
    hidden = released.table[released.table["suppressed"]]
    assert len(hidden)
    assert hidden[["estimate", "ci_low", "ci_high"]].isna().all(axis=None)


def test_every_outcome_of_a_rule_has_a_place():
    assert {
        rule.outcome
        for scale in INSTRUMENTS.values()
        for rule in published_rules(scale)
    } <= set(OUTCOMES)
