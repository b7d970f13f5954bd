"""Counts of the sample, counted again in SQL from its files; and curves of competing causes, made
again by statsmodels from the day of each person.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample, sample_answer
from statsmodels.duration.survfunc import CumIncidenceRight

import kettrack as kt

FOLDER = kt.sample_folder()
# Day 0 comes before the session unless a score says otherwise.
VIEWS = f"""
create view sessions as from read_csv('{FOLDER}/sessions.csv');
create view patients as from read_csv('{FOLDER}/patients.csv');
create view events as from read_csv('{FOLDER}/events.csv');
create view scores as from read_csv('{FOLDER}/scores.csv');
create view answers as select *, day > 0 or (day = 0 and timing = 'after') as treated
    from scores where instrument = 'PHQ-9' and item_9 is not null;
create view phq as select *, day > 0 or (day = 0 and timing = 'after') as treated
    from scores where instrument = 'PHQ-9' and score is not null;
create view baseline as select patient_id, arg_max(score, day) as score from phq
    where not treated and day >= -30 group by 1;
"""


@pytest.fixture(scope="module")
def sql():
    connection = duckdb.connect()
    connection.execute(VIEWS)
    return lambda query: connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def tables():
    return lambda name: sample_answer(name).table.set_index("key")


def test_sessions_of_each_person(sql):
    table = sample_answer("session_counts").table
    counted = dict(
        sql(
            """select sessions, count(*) from
            (select count(*) as sessions from sessions group by patient_id) group by 1"""
        )
    )
    shown = table.set_index("sessions")["in_all"]
    last = shown.index.max()
    # The last row holds those with more sessions as well.
    counted[last] = sum(n for sessions, n in counted.items() if sessions >= last)
    wanted = {sessions: n for sessions, n in counted.items() if sessions <= last}
    assert shown[shown > 0].to_dict() == wanted
    ((median, people),) = sql(
        """select median(sessions), count(*) from
        (select count(*) as sessions from sessions group by patient_id)"""
    )
    assert (table["median_in_all"] == median).all()
    assert (table["n"] == people).all()


def test_days_between_sessions(sql):
    table = sample_answer("session_gaps").table
    counted = sql(
        """select session, count(*), quantile_cont(gap, [.25, .5, .75]) from
        (select day - lag(day) over person as gap, row_number() over person as session
            from sessions window person as (partition by patient_id order by day, "order"))
        where gap is not null group by 1 order by 1"""
    )
    shown = table[["session", "n", "q25", "estimate", "q75"]].to_numpy(float)
    found = np.array([[session, n, *gaps] for session, n, gaps in counted], float)
    assert len(shown) > 10
    # Few people have the last sessions, which are not shown.
    np.testing.assert_allclose(shown, found[: len(shown)])


def test_cells_of_every_column_that_are_filled(sql):
    table = sample_answer("columns_filled").table
    for file, rows in table.groupby("file"):
        there = [name for (name, *_) in sql(f"describe {file}")]
        for row in rows.itertuples():
            # One row stands for all items of a scale.
            if row.column == "items":
                continue
            if row.column in there:
                # That something is not known tells as little as an empty cell.
                cell = f"nullif(cast(\"{row.column}\" as text), 'unknown')"
                query = f"select count({cell}), count(*) from {file}"
                assert (row.filled, row.n) == sql(query)[0], row.key
            else:
                assert row.filled == 0, row.key


def test_people_by_table(sql, tables):
    table = tables("people_by_table")["n"]
    people = "select count(distinct patient_id) from sessions"
    also = {
        "sessions": "true",
        "scores": "patient_id in (select patient_id from scores where score is not null)",
        "primary": "patient_id in (select patient_id from phq)",
        "no_score": "patient_id not in (select patient_id from scores)",
        "events": "patient_id in (select patient_id from events)",
    }
    for key, where in also.items():
        assert table[key] == sql(f"{people} where {where}")[0][0], key


def test_who_they_are_before_session_1(sql):
    table = sample_answer("baseline_table").table
    numbers = ("age", "failed_antidepressants", "planned_sessions")
    for column in numbers:
        row = table[table["key"] == column].iloc[0]
        wanted = sql(
            f"select count({column}), avg({column}), stddev({column}) from patients"
        )
        assert row[["n", "mean", "sd"]].tolist() == pytest.approx(wanted[0]), column
    row = table[table["key"] == "baseline"].iloc[0]
    wanted = sql("select count(*), avg(score), stddev(score) from baseline")
    assert row[["n", "mean", "sd"]].tolist() == pytest.approx(wanted[0])
    for column in ("sex", "ethnicity", "diagnosis"):
        counted = dict(sql(f"select {column}, count(*) from patients group by 1"))
        for level, people in counted.items():
            row = table[table["key"] == f"{column}_{level}"].iloc[0]
            assert row["events"] == people, (column, level)


def test_who_is_left_out(sql, tables):
    table = tables("ladder")["left"]
    started = "from patients where true"
    steps = {
        "no_baseline": " and patient_id in (select patient_id from baseline)",
        "below_caseness": " and patient_id in"
        " (select patient_id from baseline where score >= 10)",
        "no_follow_up": " and patient_id in (select patient_id from phq where treated)",
        "prior_sessions": " and coalesce(prior_sessions, 0) = 0",
    }
    assert table["started"] == sql(f"select count(*) {started}")[0][0]
    for step, more in steps.items():
        started += more
        assert table[step] == sql(f"select count(*) {started}")[0][0], step


def test_who_got_worse(sql, tables):
    table = tables("worsening")
    line = derived_sample().criteria.deterioration.predicate.limit
    ((n, worse, could),) = sql(
        f"""select count(*), count(*) filter (highest - baseline.score >= {line}),
            count(*) filter (27 - baseline.score >= {line})
        from baseline join
        (select patient_id, max(score) as highest from phq where treated group by 1)
        using (patient_id)"""
    )
    assert table.loc["worse", ["n", "events", "could"]].tolist() == [n, worse, could]
    assert table.loc["could", ["n", "events"]].tolist() == [could, worse]


def test_who_was_scored_in_which_week(sql):
    table = sample_answer("scored_by_week").table.set_index("week")
    counted = dict(
        sql(
            """select ceil((day + 1) / 7)::int as week, count(distinct patient_id)
            from phq where treated and day > 0 group by 1"""
        )
    )
    for week in range(2, 20):
        assert table.loc[week, "scored"] == counted[week], week


# Name of the question: its step in days, and the causes beside the event.
CURVES = {
    "treatment_emergent_ideation_by_week": ("week", 7, ("stopped", "not_scored")),
    "worsening_by_week": ("week", 7, ("stopped", "not_scored")),
    "response_by_week": ("week", 7, ("not_scored",)),
    "response_by_session": ("session", 1, ("not_scored", "completed")),
    "response_by_any_session": ("session", 1, ("not_scored", "completed")),
    "remission_by_session": ("session", 1, ("not_scored", "completed")),
}


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_of_competing_causes_is_that_of_statsmodels(name):
    result = sample_answer(name)
    step, days, others = CURVES[name]
    rows = result.rows()
    # The event is the first curve; those beside it answer something else.
    first = rows["curve"] == rows["curve"].iloc[0]
    own = rows[first & (rows["cause"] != "never_at_risk")]
    ends = own["cause"] == "log_ends"
    happened = own["cause"].isin(["event", "responded"])
    rest = set(own.loc[~happened & ~ends, "cause"]) - set(others)
    order = ["event", *others, *sorted(rest)]
    code = {cause: place for place, cause in enumerate(order, start=1)}
    cause = own["cause"].mask(happened, "event").map(code)
    # It divides by the people left after the last one has gone.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = CumIncidenceRight(
            own["time"].to_numpy(float), cause.mask(ends, 0).to_numpy(int)
        )
    table = result.table.set_index(step)
    for place, column in enumerate(["estimate", *others]):
        curve = pd.Series(100 * found.cinc[place], index=found.times)
        at = curve.reindex(table.index * days, method="ffill").fillna(0)
        np.testing.assert_allclose(table[column], at, atol=1e-8, err_msg=column)


def test_thoughts_of_death_at_the_first_answer_and_after_a_good_one(sql, tables):
    table = tables("ideation_clearance")
    asked = """from (select patient_id, arg_max(item_9, day) as before from answers
            where not treated group by 1)
        join (select patient_id, arg_min(item_9, day) as first,
                min(day) filter (item_9 = 0) as clear
            from answers where treated group by 1) using (patient_id)
        where before > 0"""
    ((people, gone),) = sql(f"select count(*), count(*) filter (first = 0) {asked}")
    assert table.loc["by_first", ["n", "events"]].tolist() == [people, gone]
    ((again, back),) = sql(
        f"""select count(distinct patient_id), count(distinct patient_id) filter (item_9 > 0)
        from answers join (select patient_id, clear {asked}) using (patient_id)
        where day > clear"""
    )
    assert table.loc["came_back", ["n", "events"]].tolist() == [again, back]
