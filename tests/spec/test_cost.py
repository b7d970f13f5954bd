"""What sessions cost: everybody's money over the people who responded."""

import duckdb
import pandas as pd
import pytest
from sample_answers import derived_sample, sample_answer
from spec.test_all_courses import many

import kettrack as kt
from kettrack.analysis.cost.cost import cost_rows


def priced(*kinds, missing=()):
    clinic = many(*kinds)
    sessions = pd.DataFrame(clinic.sessions[["patient_id", "day"]]).assign(cost=100.0)
    sessions.loc[list(missing), "cost"] = None
    return kt.cohort_from_frames(
        sessions, clinic.scores, clinic.patients, settings=clinic.settings
    )


KINDS = ((10, "0:20 9:5 37:5 65:5 80:5", "0 3 7 120"), (10, "0:20 9:18", "0 3"))


def test_the_money_of_those_who_did_not_respond_counts():
    table = kt.estimate("cost", priced(*KINDS)).table.set_index("key")
    # 10 people with three sessions by week 12, and 10 with two
    assert table.loc["per_patient", "estimate"] == 250
    assert table.loc["per_responder", "estimate"] == 500
    # the response is seen from day 9 to 84, of 30.4 days a month
    assert table.loc["per_month", "estimate"] == pytest.approx(
        5000 / (750 / 30.4375), rel=0.01
    )
    assert pd.isna(table.loc["per_remitter", "estimate"])
    assert pd.isna(table.loc["per_additional_responder", "estimate"])
    low, high = table.loc["per_responder", ["ci_low", "ci_high"]]
    assert low < 500 < high


def test_a_missing_cost_leaves_a_person_out_and_is_counted():
    people, without = cost_rows(kt.derive(priced(*KINDS, missing=[0, 1])))
    assert (len(people), without) == (19, 1)


def test_without_cost_it_is_refused():
    refused = kt.estimate("cost", many(*KINDS))
    assert refused.status == "refused"
    assert "no session has a cost" in refused.reason


def test_the_sample_agrees_with_sql():
    table = sample_answer("cost").table.set_index("key")
    people = cost_rows(derived_sample())[0].reset_index()
    people = people.astype({"patient_id": str})
    sessions = derived_sample().sessions.astype({"patient_id": str})
    assert len(sessions) > len(people)
    counted = duckdb.sql(
        "select sum(cost) from sessions where day <= 84"
        " and patient_id in (select patient_id from people)"
    ).fetchall()[0][0]
    responders = table.loc["per_responder"]
    assert counted / responders["events"] == pytest.approx(responders["estimate"])
