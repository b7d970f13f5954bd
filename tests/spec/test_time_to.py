"""Days to a first response or remission, counted over everybody who started."""

import duckdb
import numpy as np
import pytest
from sample_answers import sample_answer
from spec.test_all_courses import many

import kettrack as kt


def rows(clinic, name):
    return kt.estimate(name, clinic).table.set_index("key")


def test_a_day_is_that_of_a_share_of_all_not_of_the_responders():
    clinic = many(
        (10, "0:20 5:5", "0 3 7"),
        (10, "0:20 9:8", "0 3 7"),
        (10, "0:20 9:18 125:6", "0 3 7 120 123 127"),
        (10, "0:20", "0 3 7"),  # never scored again: stays in the denominator
    )
    response = rows(clinic, "time_to_response")
    assert response["estimate"].tolist() == [5, 5, 9, 125, 75, 9]
    assert response["n"].unique().tolist() == [40]
    assert response["events"].unique().tolist() == [30]
    remission = kt.estimate("time_to_remission", clinic)
    assert remission.table["events"].unique().tolist() == [0]
    assert "Fewer than a quarter" in remission.text
    assert "median" not in remission.text


def test_who_stops_first_is_no_responder_of_the_future():
    """20 of 40 respond on day 9, and 20 left on day 2: half of all, not everybody."""
    clinic = many((20, "0:20 9:5", "0 3 7"), (20, "0:20 2:18", "0"))
    found = rows(clinic, "time_to_response")
    assert found.loc["by_end", "estimate"] == pytest.approx(50)
    assert found.loc["share_50", "estimate"] == 9
    assert np.isnan(found.loc["share_75", "estimate"])
    # the end that the band does not reach is missing, and said
    assert np.isnan(found.loc["share_50", "ci_high"])
    said = kt.estimate("time_to_response", clinic).text
    assert "by day 9 (95 % interval 9 to not reached)" in said


def test_the_sample_agrees_with_the_curve_by_week_and_with_sql():
    asked = sample_answer("time_to_response")
    table = asked.table.set_index("key")
    weeks = sample_answer("response_by_week").table
    last = weeks.iloc[-1]
    assert last["estimate"] == pytest.approx(table.loc["by_end", "estimate"])
    people = asked.rows()
    # weeks end on day 7, 14, ...: the quarter is reached in the week of its day
    week = -(-table.loc["share_25", "estimate"] // 7)
    reached = weeks.loc[weeks["estimate"] >= 25, "week"].iloc[0]
    assert reached == week
    counted = duckdb.sql(
        "select count(*) n, median(time) filter (cause = 'event' and time <= 182) middle,"
        " count(*) filter (cause = 'event' and time <= 182) events"
        " from people where cause <> 'never_at_risk'"
    ).fetchall()[0]
    assert counted == (
        table["n"].iloc[0],
        table.loc["among_event", "estimate"],
        table["events"].iloc[0],
    )
    assert len(people) == counted[0] + table["too_new"].iloc[0]
