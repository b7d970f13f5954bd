"""Rates of the whole patient, counted again in SQL from the files of the sample: horizons, pressure
by group, and who stopped coming and why.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer
from statsmodels.duration.survfunc import CumIncidenceRight
from statsmodels.stats.proportion import proportion_confint

import kettrack as kt

FOLDER = kt.sample_folder()
# Day 0 comes before the session unless a score says otherwise.
VIEWS = f"""
create view patients as from read_csv('{FOLDER}/patients.csv');
create view events as from read_csv('{FOLDER}/events.csv');
create view given as select *,
    row_number() over (partition by patient_id order by day, "order") as number
    from read_csv('{FOLDER}/sessions.csv');
create view phq as select *, day > 0 or (day = 0 and timing = 'after') as treated
    from read_csv('{FOLDER}/scores.csv') where instrument = 'PHQ-9' and score is not null;
create view baseline as
    select patient_id, arg_max(score, day) as base, max(day) as base_day
    from phq where not treated and day >= -30 group by 1;
create view rated as select * from baseline join patients using (patient_id)
    where base >= 10 and coalesce(prior_sessions, 0) = 0;
"""
# Horizon: first and last day of its window, and which of its scores counts.
WINDOWS = {
    "week_4": ("21", "35", "arg_min(score, abs(day - 28) * 1000 + day)"),
    "week_6": ("35", "49", "arg_min(score, abs(day - 42) * 1000 + day)"),
    "week_12": ("77", "91", "arg_min(score, abs(day - 84) * 1000 + day)"),
    "week_26": ("175", "189", "arg_min(score, abs(day - 182) * 1000 + day)"),
    "months_4_to_8": ("base_day + 120", "base_day + 240", "arg_max(score, day)"),
}
OUTCOMES = {
    "response": "score <= base / 2",
    "remission": "score < 5",
    "reliable_improvement": "base - score >= 6",
    "reliable_recovery": "base - score >= 6 and score < 10",
    "reliable_deterioration": "score - base >= 6",
}


@pytest.fixture(scope="module")
def sql():
    connection = duckdb.connect()
    connection.execute(VIEWS)
    return lambda query: connection.execute(query).fetchall()


@pytest.mark.parametrize("horizon", WINDOWS)
def test_horizons(sql, horizon):
    low, high, chosen = WINDOWS[horizon]
    flags = ", ".join(f"count(*) filter ({flag})" for flag in OUTCOMES.values())
    (found,) = sql(
        f"""
        with found as (
            select patient_id, {chosen} as score from phq join rated using (patient_id)
            where day between {low} and {high} and treated group by 1)
        select count(*), count(score), {flags}, avg(score - base)
        from rated left join found using (patient_id) where observed_to_day >= {high}"""
    )
    started, scored, *events, change = found
    table = sample_answer("fixed_horizons").table.set_index("key")
    for name, n in zip(OUTCOMES, events, strict=True):
        if f"{horizon}_{name}" not in table.index:
            # what HEDIS publishes is response and remission
            assert horizon == "months_4_to_8"
            continue
        row = table.loc[f"{horizon}_{name}"]
        assert (row["started"], row["n"], row["events"]) == (started, scored, n), name
        ends = proportion_confint(n, scored, method="wilson")
        wanted = 100 * np.array([n / scored, *ends])
        assert row[["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx(wanted)
    if horizon != "months_4_to_8":
        assert table.loc[f"{horizon}_change", "estimate"] == pytest.approx(change)


GROUPS = {
    "phase": (
        "case when number <= 8 then 'sessions 1 to 8' when number <= 12 then"
        " 'sessions 9 to 12' else 'sessions 13 and later' end"
    ),
    "route": "route",
    "drug": "drug",
    "psychotherapy with the session": (
        "case when psychotherapy then 'with' else 'without' end"
    ),
}


@pytest.mark.parametrize("grouping", GROUPS)
def test_how_far_pressure_rises_in_each_group(sql, grouping):
    # who was treated before the log has sessions of no known number
    known = "coalesce(prior_sessions, 0) = 0" if grouping == "phase" else "true"
    recorded = "given.psychotherapy is not null" if "psycho" in grouping else "true"
    by = GROUPS[grouping].replace("psychotherapy then", "given.psychotherapy then")
    rows = sql(
        f"""
        select {by} as kind, count(*), count(distinct patient_id),
            avg(systolic_peak - systolic_before), avg(diastolic_peak - diastolic_before)
        from given join patients using (patient_id)
        where systolic_peak is not null and systolic_before is not null
            and {known} and {recorded} and drug <> 'placebo' group by 1"""
    )
    table = sample_answer("pressure_rise").table
    own = table[table["grouping"] == grouping]
    own = own[own["group"] != "treated before the log begins"]
    counted = {kind: found for kind, *found in rows}
    assert len(own) > 1
    for row in own.itertuples():
        sessions, people, systolic, diastolic = counted[row.group]
        mean = systolic if row.pressure == "systolic" else diastolic
        assert (row.sessions, row.n) == (sessions, people), row.group
        assert row.estimate == pytest.approx(mean), row.group


def test_who_stopped_coming_and_why(sql):
    """A gap over 60 days ends it, on the day of the last session before; counted are those whose
    log reaches 60 days past a session.
    """
    rows = sql(
        """
        with line as (
            select patient_id, day,
                coalesce(lead(day) over (partition by patient_id order by day), 100000) - day
                as gap from (select distinct patient_id, day from given)),
        told as (select patient_id, min(day) as day from line where gap > 60 group by 1)
        select patient_id, told.day, observed_to_day, stop_day, stop_reason
        from told join patients using (patient_id)
        where coalesce(prior_sessions, 0) = 0 and observed_to_day >= 60"""
    )
    names = ["patient_id", "day", "observed", "stop_day", "stop_reason"]
    found = pd.DataFrame(rows, columns=names).set_index("patient_id").sort_index()
    answer = sample_answer("time_to_discontinuation")
    own = answer.rows()
    own = own[own["cause"] != "never_at_risk"].set_index("patient_id").sort_index()
    stopped = own["cause"] != "log_ends"
    wanted = found["observed"] - found["day"] >= 60
    assert own.index.tolist() == found.index.tolist()
    assert stopped.tolist() == wanted.tolist()
    assert own.loc[stopped, "time"].tolist() == found.loc[wanted, "day"].tolist()
    # the shares of each reason are those of statsmodels, from these days
    table = answer.table
    causes = sorted(set(own.loc[stopped, "cause"]))
    code = {cause: place for place, cause in enumerate(causes, start=1)} | {
        "log_ends": 0
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        curves = CumIncidenceRight(
            own["time"].to_numpy(float), own["cause"].map(code).to_numpy(int)
        )
    for place, cause in enumerate(causes):
        curve = pd.Series(100 * curves.cinc[place], index=curves.times)
        rows_of = table[table["reason"] == cause]
        at = curve.reindex(rows_of["week"] * 7, method="ffill").fillna(0)
        np.testing.assert_allclose(rows_of["estimate"], at, atol=1e-8, err_msg=cause)
