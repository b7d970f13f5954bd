"""Change at a fixed week: its mean, and by number of sessions, people on placebo included."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer
from scipy.stats import t, ttest_rel
from spec.tables import cohort
from statsmodels.api import OLS, add_constant

import kettrack as kt
from kettrack.analysis.association.fixed_week import scores_at_week
from kettrack.timelines.derived import derive

SCORES = """
    patient | day | score
    near    |  -1 | 20
    near    |  80 | 14
    near    |  86 | 12      # two days away beats four
    edge    |  -1 | 20
    edge    |  91 |  9      # the last day of the window
    beyond  |  -1 | 20
    beyond  |  92 |  9
    mild    |  -1 |  5
    mild    |  84 |  1
    new     |  -1 | 20
    new     |  84 |  9      # the log ends before day 84 + 7
    """
SESSIONS = """
    patient | days
    near    | 0 7 85 86
    edge    | 0 7 88
    beyond  | 0 84 85
    mild    | 0
    new     | 0
    """
LOGS = "patient | observed_to_day\n" + "\n".join(
    f"{name} | {90 if name == 'new' else 400}"
    for name in ("near", "edge", "beyond", "mild", "new")
)


def test_the_nearest_score_counts_and_the_sessions_before_it():
    people = scores_at_week(derive(cohort(SCORES, SESSIONS, LOGS)), 12)
    # an unknown time of day is before the session of that day
    assert people["sessions"].to_dict() == {"near": 3, "edge": 3, "beyond": 2}
    assert people["change"].dropna().to_dict() == {"near": -8, "edge": -11}


def test_a_week_is_a_whole_number():
    clinic = cohort(SCORES, SESSIONS, LOGS)
    for wrong in (0, 2.5, True, "12"):
        with pytest.raises(kt.UsageError, match="whole number above 0"):
            kt.estimate("paired_change", clinic, week=wrong)


def test_people_on_placebo_are_those_with_no_session():
    rng = np.random.default_rng(3)
    arms = [("ketamine", 40, -9.0), ("placebo", 40, -4.0)]
    scores, sessions = [], []
    for drug, number, mean in arms:
        for place in range(number):
            name = f"{drug[0]}{place:02d}"
            end = int(np.clip(round(20 + mean + rng.normal(0, 2)), 0, 27))
            scores += [f"{name} | -1 | 20", f"{name} | 28 | {end}"]
            sessions += [(name, day, drug) for day in (0, 7, 14)]
    clinic = cohort("patient | day | score\n" + "\n".join(scores))
    given = pd.DataFrame(sessions, columns=["patient_id", "day", "drug"])
    clinic = kt.cohort_from_frames(given, clinic.scores, settings=clinic.settings)
    table = kt.estimate("change_by_sessions", clinic, week=4).table.set_index("key")
    assert table.loc["sessions_none", ["started", "n"]].tolist() == [40, 40]
    assert table.loc["sessions_1_to_3", ["started", "n"]].tolist() == [40, 40]
    difference = table.loc["none_against_any"]
    assert difference["ci_low"] < -5 < difference["ci_high"] < -3
    paired = kt.estimate("paired_change", clinic, week=4).table
    assert paired["n"].unique().tolist() == [40]


def test_the_sample_agrees_with_sql_and_with_other_libraries():
    asked = sample_answer("paired_change")
    table = asked.table.set_index("key")
    clinic = kt.load_cohort(kt.sample_folder())
    people = scores_at_week(derive(clinic), 12).dropna()
    rows = asked.rows()
    counted = duckdb.sql(
        "select count(*) filter (status) n, avg(value), stddev_samp(value),"
        " count(*) filter (value > 0) worse from rows"
    ).fetchall()[0]
    change = table.loc["change"]
    assert len(rows) == change["started"]
    assert counted[:3] == pytest.approx((change["n"], change["estimate"], change["sd"]))
    assert counted[3] == table.loc["worse", "events"]
    ends = ttest_rel(people["score"], people["baseline"]).confidence_interval()
    assert (ends.low, ends.high) == pytest.approx(tuple(change[["ci_low", "ci_high"]]))
    slope = sample_answer("change_by_sessions").table.set_index("key")
    fit = OLS(people["score"], add_constant(people[["sessions", "baseline"]]))
    found = fit.fit(cov_type="HC1")
    ours = slope.loc["slope_adjusted"]
    assert found.params["sessions"] == pytest.approx(ours["estimate"])
    half = (ours["ci_high"] - ours["ci_low"]) / 2
    assert found.bse["sessions"] * 1.96 == pytest.approx(half, rel=0.01)
    group = slope.loc["sessions_4_to_6"]
    band = people.loc[people["sessions"].between(4, 6), "change"]
    reach = t.ppf(0.975, len(band) - 1) * band.std() / np.sqrt(len(band))
    assert group["ci_high"] - group["estimate"] == pytest.approx(reach)


def test_what_is_left_out_and_what_it_is_not_stand_in_the_answer():
    said = sample_answer("change_by_sessions")
    assert "association" in said.text
    assert "regression to the mean alone" in said.text
    assert any("who stops when" in words.lower() for words in said.caveats)
    assert "scored worse" in sample_answer("paired_change").text
