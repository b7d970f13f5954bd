"""Side effects, blood pressure and dissociation: counted again in SQL, and intervals against other
implementations.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer
from spec.tables import read
from statsmodels.stats.proportion import proportion_confint

import kettrack as kt
from kettrack.analysis.safety.sessions import half_measured, safety_sessions
from kettrack.estimators.clustered import (
    clustered_mean,
    clustered_share,
    funnel_limits,
)
from kettrack.estimators.exact import clopper_pearson
from kettrack.vocabulary.columns import ADVERSE_EVENTS
from kettrack.vocabulary.safety import EVENT_TERMS

SAMPLE = kt.sample_folder() / "sessions.csv"


@pytest.fixture(scope="module")
def sql():
    """The sessions of the sample, numbered, without kettrack."""
    base = duckdb.connect()
    base.execute(
        f"""
        create table s as select *,
            row_number() over (partition by patient_id order by day, "order") as number
        from read_csv('{SAMPLE}', nullstr='', all_varchar=false);
        create table p as
            select patient_id, prior_sessions, site
            from read_csv('{SAMPLE.parent / "patients.csv"}', nullstr='');
        """
    )
    return base


def counts(table: pd.DataFrame, key: str) -> tuple[int, ...]:
    row = table.set_index("key").loc[key]
    return tuple(int(row[name]) for name in ("sessions", "events", "n", "people_with"))


def counted(sql, flag: str, known: str, inside: str = "true") -> tuple[int, ...]:
    """Sessions with a record, with the event, people with a record, people with the event."""
    return sql.execute(
        f"""
        select count(*), count(*) filter ({flag}), count(distinct patient_id),
            count(distinct patient_id) filter ({flag})
        from s join p using (patient_id) where {known} and {inside}
        """
    ).fetchone()


@pytest.mark.parametrize("name", [term.key for term in EVENT_TERMS])
def test_every_event_is_counted_as_in_sql(sql, name):
    flags = {
        "any": ("adverse_events <> 'none'", "adverse_events is not null"),
        "serious": ("serious", "serious is not null"),
        "stopped_early": ("stopped_early", "stopped_early is not null"),
    }
    listed = f"list_contains(string_split(adverse_events, ';'), '{name}')"
    flag, known = flags.get(name, (listed, "adverse_events is not null"))
    table = sample_answer("adverse_events").table
    assert counts(table, name) == counted(sql, flag, known)
    row = table.set_index("key").loc[name]
    assert row["estimate"] == pytest.approx(100 * row["events"] / row["sessions"])


def test_a_serious_event_is_an_event_where_the_list_says_none():
    sessions = read(
        """
        patient_id | day | adverse_events | serious
        a          | 0   | none           | true
        a          | 7   | none           | false
        b          | 0   | nausea         | false
        b          | 7   |                | true
        """
    )
    scores = read(
        """
        patient_id | day | instrument | score
        a          | 0   | PHQ-9      | 9
        b          | 0   | PHQ-9      | 9
        """
    )
    clinic = kt.cohort_from_frames(sessions, scores)
    table = kt.estimate("adverse_events", clinic).table
    # Without a list a session stays unknown, whatever else it says.
    assert counts(table, "any") == (3, 2, 2, 2)
    assert counts(table, "serious") == (4, 2, 2, 2)


@pytest.mark.parametrize(
    ("key", "inside"),
    {
        "induction": "number <= 8",
        "early_maintenance": "number between 9 and 12",
        "late_maintenance": "number >= 13",
    }.items(),
)
@pytest.mark.parametrize("event", ["any", "dissociation", "stopped_early"])
def test_phases_are_counted_as_in_sql(sql, key, inside, event):
    flags = {
        "any": ("adverse_events <> 'none'", "adverse_events is not null"),
        "dissociation": (
            "contains(adverse_events, 'dissociation')",
            "adverse_events is not null",
        ),
        "stopped_early": ("stopped_early", "stopped_early is not null"),
    }
    new = "coalesce(prior_sessions, 0) = 0"
    found = counted(sql, *flags[event], f"{inside} and {new}")
    table = sample_answer("adverse_events_by_phase").table
    assert counts(table, f"{key}_{event}") == found


def test_groups_and_sites_are_counted_as_in_sql(sql):
    table = sample_answer("adverse_events_by_treatment").table
    recorded = "adverse_events is not null"
    for row in table[table["grouping"] == "route"].itertuples():
        if row.event != "any adverse event":
            continue
        inside = f"route = '{row.group}'"
        found = counted(sql, "adverse_events <> 'none'", recorded, inside)
        assert counts(table, row.key) == found
    sites = sample_answer("adverse_events_by_site").table
    for row in sites[sites["event"] == "any adverse event"].itertuples():
        inside = f"site = '{row.site}'"
        found = counted(sql, "adverse_events <> 'none'", recorded, inside)
        assert counts(sites, row.key) == found


LIMITS = {
    "rise_20": (
        "systolic_peak - systolic_before >= 20",
        "systolic_peak is not null and systolic_before is not null",
    ),
    "peak_165_100": (
        "systolic_peak >= 165 or diastolic_peak >= 100",
        "systolic_peak is not null and diastolic_peak is not null",
    ),
    "peak_180_110": (
        "systolic_peak >= 180 or diastolic_peak >= 110",
        "systolic_peak is not null and diastolic_peak is not null",
    ),
    "oxygen_90": ("spo2_min < 90", "spo2_min is not null"),
}


@pytest.mark.parametrize("key", LIMITS)
def test_limits_are_counted_as_in_sql(sql, key):
    table = sample_answer("vital_signs_limits").table
    assert counts(table, key) == counted(sql, *LIMITS[key])


def test_means_are_those_of_sql(sql):
    rise = sql.execute(
        "select avg(systolic_peak - systolic_before), avg(diastolic_after) from s"
    ).fetchone()
    table = sample_answer("blood_pressure").table.set_index("key")["estimate"]
    assert table[["systolic_rise", "diastolic_after"]].tolist() == pytest.approx(rise)
    minutes = sql.execute(
        "select median(duration_min) from s where route = 'iv'"
    ).fetchone()[0]
    durations = sample_answer("session_duration").table
    own = durations[durations["group"] == "iv"]
    assert own["median"].item() == minutes


def test_the_mean_of_a_session_is_that_of_sql(sql):
    found = sql.execute(
        """
        select number, count(dissociation), avg(dissociation), quantile_cont(dissociation, 0.75)
        from s join p using (patient_id)
        where coalesce(prior_sessions, 0) = 0 and number <= 12 and dissociation is not null
        group by number order by number
        """
    ).fetchall()
    table = sample_answer("dissociation_over_sessions").table
    own = table[table["route"] == "everybody"][["session", "n", "estimate", "q75"]]
    assert own.to_numpy(float) == pytest.approx(np.array(found, float))


# ---- intervals


@pytest.mark.parametrize(("events", "n"), [(0, 1985), (3, 40), (39, 40), (40, 40)])
def test_exact_interval_is_that_of_statsmodels(events, n):
    found = clopper_pearson(events, n)
    low, high = proportion_confint(events, n, method="beta")
    assert (found.ci_low, found.ci_high) == pytest.approx((100 * low, 100 * high))


def test_one_session_each_is_the_exact_interval():
    events = [1] * 7 + [0] * 33
    found = clustered_share(events, [1] * 40)
    assert found.effective == pytest.approx(39, abs=0.1)
    assert found.interval.ci_high == pytest.approx(
        clopper_pearson(7, 40).ci_high, abs=0.4
    )


def test_sessions_that_repeat_a_person_tell_nothing_more():
    once = clustered_share([1] * 10 + [0] * 30, [1] * 40).interval
    often = clustered_share([5] * 10 + [0] * 30, [5] * 40).interval
    assert tuple(often) == pytest.approx(tuple(once), abs=1)


def test_intervals_hold_as_often_as_they_say():
    """People of their own risk, with a number of sessions that has nothing to do with it."""
    rng = np.random.default_rng(7)
    held = 0
    draws = 400
    for _ in range(draws):
        risk = rng.beta(0.6, 5.4, 60)
        sessions = rng.integers(2, 12, 60)
        found = clustered_share(rng.binomial(sessions, risk), sessions).interval
        held += found.ci_low <= 10 <= found.ci_high
    assert 0.92 <= held / draws <= 0.99


def test_the_mean_is_that_of_clustered_regression():
    import statsmodels.api as sm

    rng = np.random.default_rng(5)
    person = np.repeat(np.arange(30), rng.integers(1, 6, 30))
    y = rng.normal(0, 2, 30)[person] + rng.normal(10, 1, len(person))
    fit = sm.OLS(y, np.ones(len(y))).fit(
        cov_type="cluster",
        cov_kwds={"groups": person, "use_correction": False},
        use_t=True,
    )
    found = clustered_mean(np.bincount(person, y), np.bincount(person))
    assert found.estimate == pytest.approx(fit.params[0])
    error = fit.bse[0] * np.sqrt(30 / 29)
    half = (found.ci_high - found.ci_low) / 2
    assert half == pytest.approx(2.04523 * error, rel=1e-4)


def test_funnel_limits_hold_the_share_they_say():
    rng = np.random.default_rng(3)
    low, high = funnel_limits(12.0, 150)
    shares = 100 * rng.binomial(150, 0.12, 20_000) / 150
    outside = ((shares < low) | (shares > high)).mean()
    assert 0.01 < outside <= 0.05


# ---- what counts

CLINIC = """
patient_id | day | order | drug     | route | dose_mg | weight_kg | adverse_events  | serious | stopped_early | systolic_before | systolic_peak | diastolic_before | diastolic_peak | spo2_min
a          | 0   | 1     | ketamine | iv    | 40      | 80        | none            | false   | false         | 120             | 140           | 80               | 90             | 89
a          | 3   | 1     | ketamine | iv    | 40      |           | nausea;vomiting | true    | false         | 120             | 139           | 80               | 99             | 90
b          | 0   | 1     | ketamine | oral  | 100     | 50        |                 |         |               |                 | 180           |                  |                |
b          | 5   | 1     | placebo  | oral  | 0       | 50        | dissociation    | true    | true          | 120             | 200           | 80               | 130            | 70
c          | 0   | 1     |          |       |         |           | other           | false   | true          | 150             | 164           | 80               | 100            | 97
"""  # noqa: E501


def clinic(text: str = CLINIC, patients: str = "", **more) -> kt.DerivedCohort:
    sessions = read(text)
    people = sessions[["patient_id"]].drop_duplicates()
    scores = people.assign(day="0", instrument="PHQ-9", score="15")
    own = read(patients) if patients else None
    return kt.derive(kt.cohort_from_frames(sessions, scores, own, **more))


def test_what_counts_as_noted_and_as_recorded():
    flags = safety_sessions(clinic()).flags
    shown = {
        name: flags[name].tolist()
        for name in ("any", "nausea", "serious", "stopped_early")
    }
    unknown = pytest.approx(np.nan, nan_ok=True)
    assert shown == {
        "any": [0, 1, unknown, 1],
        "nausea": [0, 1, unknown, 0],
        "serious": [0, 1, unknown, 0],
        "stopped_early": [0, 0, unknown, 1],
    }


def test_limits_at_their_edge():
    flags = safety_sessions(clinic()).flags
    unknown = pytest.approx(np.nan, nan_ok=True)
    # The rise is 20, then 19; 180 without the other pressure tells nothing for sure.
    assert flags["rise_20"].tolist() == [1, 0, unknown, 0]
    assert flags["peak_165_100"].tolist() == [0, 0, unknown, 1]
    assert flags["oxygen_90"].tolist() == [1, 0, unknown, 0]


def test_a_pressure_without_the_other_is_told():
    found = safety_sessions(clinic())
    # Only the session that reached 180 systolic has one pressure alone.
    assert half_measured(found.values) == (1, 1)
    below = safety_sessions(clinic(CLINIC.replace(" 180 ", " 130 ")))
    assert half_measured(below.values) == (1, 0)
    caveats = kt.estimate("vital_signs_limits", clinic()).caveats
    assert any("is missing in 1 of the sessions" in each for each in caveats)


def test_placebo_is_left_out_and_told():
    found = safety_sessions(clinic())
    assert found.placebo == 1
    assert found.people.tolist() == ["a", "b", "c"]
    answer = kt.estimate("adverse_events", clinic())
    assert "Sessions with placebo are left out." in answer.caveats


def test_dose_bands_stand_within_their_route():
    groups = safety_sessions(clinic()).groups
    assert groups["dose_per_kg"].astype(object).where(
        groups["dose_per_kg"].notna(), None
    ).tolist() == [
        "iv, over 0.45 to 0.55 mg/kg",
        None,
        "oral, over 1.05 to 2.05 mg/kg",
        None,
    ]
    assert groups["dose"].tolist()[:3] == [
        "iv, over 30 to 56 mg",
        "iv, over 30 to 56 mg",
        "oral, over 84 to 150 mg",
    ]


def test_people_treated_before_the_log_have_a_phase_of_their_own():
    patients = "patient_id | prior_sessions\n a | 4\n b | 0\n c |"
    found = safety_sessions(clinic(patients=patients))
    before = "treated before the log begins"
    first = "sessions 1 to 8"
    assert found.groups["phase"].tolist() == [before, before, first, first]


def test_nothing_seen_has_an_upper_end():
    text = sample_answer("adverse_events").text
    assert "A serious adverse event was noted at none of" in text
    row = sample_answer("adverse_events").table.set_index("key").loc["serious"]
    low, high = proportion_confint(0, row["sessions"], method="beta")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((100 * low, 100 * high))


def test_refusals_say_what_to_record():
    bare = clinic("patient_id | day\n a | 0\n b | 0")
    for name in ("adverse_events", "blood_pressure", "session_duration", "tolerance"):
        answer = kt.estimate(name, bare)
        assert answer.status == "refused"
        assert answer.collect


def test_every_event_of_the_log_has_a_term():
    terms = {term.key for term in EVENT_TERMS}
    assert set(ADVERSE_EVENTS) - {"none"} <= terms


def test_planted_signals_are_found_and_planted_nulls_are_not():
    table = sample_answer("pressure_rise").table
    own = table[table["grouping"] == "dose in mg per kg, by route"]
    iv = own[own["group"].str.startswith("iv")]
    assert iv["ci_high"].iloc[0] < iv["ci_low"].iloc[-1]
    start = sample_answer("dissociation_over_sessions").table
    first = start[start["session"] == 1].set_index("route")
    assert first["ci_high"]["sublingual"] < first["ci_low"]["iv"]
    places = sample_answer("adverse_events_by_site").table["place"]
    assert set(places) == {"inside the limits"}


def test_people_behind_the_shares_are_exported():
    answer = sample_answer("adverse_events")
    rows = answer.rows()
    own = rows[rows["curve"] == "nausea"]
    row = answer.table.set_index("key").loc["nausea"]
    assert (len(own), int(own["status"].sum())) == (row["n"], row["people_with"])
