"""Losses, second courses, states, flows and maintenance of the sample, counted again in SQL from
its files, by the definitions of the glossary and of the tables.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample, sample_answer
from scipy.stats import f as f_distribution
from statsmodels.api import OLS, add_constant

import kettrack as kt

FOLDER = kt.sample_folder()
# Rules of the convention for the PHQ-9: a case from 10 on, response at half of the baseline,
# remission below 5, worse from 6 points on. A score of a session day comes before the session
# unless it says that it came after.
VIEWS = f"""
create table patients as from read_csv('{FOLDER}/patients.csv');
create table given as from read_csv('{FOLDER}/sessions.csv');
create table sessions as
    select patient_id, day, row_number() over person as number,
        day - lag(day) over person as gap, route
    from given window person as (partition by patient_id order by day, "order");
create table scores as
    select patient_id, day, score, coalesce(timing, '') = 'after' as late,
        row_number() over (partition by patient_id
            order by day, coalesce(timing, '') = 'after') as place
    from read_csv('{FOLDER}/scores.csv') where instrument = 'PHQ-9' and score is not null;
-- sessions to date: those strictly before the score
create table line as
    select scores.*, (select count(*) from sessions s where s.patient_id = scores.patient_id
        and (s.day < scores.day or (s.day = scores.day and scores.late))) as to_date
    from scores;
create table baselines as
    select patient_id, arg_max(score, place) as baseline, max(day) as since from line
    where to_date = 0 and day between -30 and 0 group by 1;
create table people as
    select patient_id, baseline, since, observed_to_day as observed, stop_day,
        planned_sessions as planned, start_year,
        baseline >= 10 as is_case, coalesce(prior_sessions, 0) > 0 as prior
    from patients left join baselines using (patient_id);
create table assessed as
    select line.*, baseline, is_case, prior, score <= baseline / 2 as better,
        case when score <= 4 then 'remission' when score <= baseline / 2 then 'response'
            when score <= .75 * baseline then 'partial' when score >= baseline + 6 then 'worse'
            else 'unchanged' end as state
    from line join people using (patient_id);
-- with a plan: the planned number, as long as no pause is over 60 days
create table first_courses as
    select patient_id, least(any_value(planned), min(case when gap > 60 then number - 1 end),
        max(number))::int as length
    from sessions join people using (patient_id) group by 1;
create table ends as
    select f.patient_id, f.length, s.day as end_day, n.day - s.day as next_gap,
        (select max(day) from sessions where patient_id = f.patient_id) as last_day,
        (select max(number) from sessions where patient_id = f.patient_id) as n_sessions
    from first_courses f join sessions s on s.patient_id = f.patient_id and s.number = f.length
    left join sessions n on n.patient_id = f.patient_id and n.number = f.length + 1;
create table log_ends as
    select patient_id, max(day) as ends from (
        select patient_id, observed as day from people union all
        select patient_id, day from sessions union all
        select patient_id, day from read_csv('{FOLDER}/scores.csv') union all
        select patient_id, day from read_csv('{FOLDER}/events.csv'))
    group by 1;
create table care as
    select patient_id, coalesce(stop_day >= last_day, false)
        or coalesce(observed >= last_day + 60, false) as is_over, last_day
    from people join ends using (patient_id);
"""


@pytest.fixture(scope="module")
def sql():
    connection = duckdb.connect()
    connection.execute(VIEWS)
    return lambda query: connection.execute(query).fetchall()


def by_key(name):
    return sample_answer(name).table.set_index("key")


# ---- losses

LOSSES = """
with response as (
    select patient_id, min_by(day, place) as day, min(place) as place,
        min_by(to_date, place) as to_date
    from assessed where is_case and to_date > 0 and better group by 1),
later as (
    select a.*, r.day as then_day, r.to_date as then_number
    from assessed a join response r on a.patient_id = r.patient_id and a.place > r.place),
-- a score that shows a loss, and the next one that shows none
shown as (
    select l.*, (select min(place) from later w where w.patient_id = l.patient_id
        and w.place > l.place and w.better) as well_again
    from later l where not better),
proven as (
    select s.*, exists (from later c where c.patient_id = s.patient_id and not c.better
        and c.day between s.day + 7 and s.day + 60 and c.place > s.place
        and c.place < coalesce(s.well_again, 1e9)) as confirmed
    from shown s),
firsts as (
    select r.patient_id, r.day as then_day,
        (select min(day) from proven p where p.patient_id = r.patient_id and {which}) as lost,
        (select max(day) from assessed a where a.patient_id = r.patient_id) as last_day,
        exists (from proven p where p.patient_id = r.patient_id and not confirmed
            and p.well_again is null) as waits,
        exists (from proven p where p.patient_id = r.patient_id and not confirmed
            and p.well_again is null and p.day + 60 >= (select ends from log_ends e
            where e.patient_id = r.patient_id)) as open
    from response r)
select count(*), count(lost), median(lost - then_day), median(last_day - then_day),
    count(*) filter (lost is null and waits) from firsts
"""


@pytest.mark.parametrize(
    ("key", "which"),
    [("in_force", "confirmed"), ("single_score", "true")],
)
def test_who_lost_a_response_and_after_how_long(sql, key, which):
    row = by_key("losses").loc[f"loss_of_response_{key}"]
    ((n, seen, days, followed, waiting),) = sql(LOSSES.format(which=which))
    assert (row["n"], row["seen"]) == (n, seen)
    assert (row["median_days"], row["followed_days"]) == (days, followed)
    if which == "confirmed":
        assert row["pending"] + row["unconfirmable"] == waiting
        assert row["not_seen"] == n - seen - waiting


# ---- after the first course


def test_the_waterfall_has_a_place_for_everybody(sql):
    table = sample_answer("waterfall").table
    counted = sql(
        """
        with window_scores as (
            select p.patient_id, min_by(a.score, a.place) as score, any_value(a.baseline) as b
            from people p join ends e using (patient_id)
            left join assessed a on a.patient_id = p.patient_id
                and a.day - e.end_day between 14 and 31
            where p.is_case and not p.prior and p.observed >= e.end_day + 31
            group by 1)
        select 100 * (score - b) / b from window_scores order by 1 desc nulls last
        """
    )
    found = np.array([change for (change,) in counted], float)
    np.testing.assert_allclose(table["percent_change"].to_numpy(float), found)


# ---- states by week

STATES = """
with weeks as (select unnest(range(53)) as week),
-- of two scores on one day the later one counts
daily as (
    select patient_id, day, arg_max(state, place) as state from assessed
    where is_case and not prior and to_date > 0 group by all),
-- until the first score the baseline is unchanged, for as long as a score holds
known as (
    from daily union all
    select patient_id, since, 'unchanged' from people where is_case and not prior),
spans as (
    select patient_id, state, greatest(day, 0) as begins,
        least(coalesce(lead(day) over (partition by patient_id order by day), 1e9),
            day + 29) as ends
    from known),
bands as (
    select p.patient_id, week, s.state, e.ends < 7 * week as ended,
        not coalesce(p.is_case and not p.prior, false) as unrated,
        c.is_over and 7 * week > c.last_day and e.ends >= 7 * week as is_over
    from people p cross join weeks join log_ends e using (patient_id)
    join care c using (patient_id)
    left join spans s on s.patient_id = p.patient_id and 7 * week >= s.begins
        and 7 * week < s.ends)
select week, case when ended then 'log_ended' when unrated then 'not_rated'
    when state is not null then state when is_over then 'not_known_after_stop'
    else 'not_known' end as band, count(*), count(*) filter (is_over)
from bands group by 1, 2
"""


def test_everybody_is_in_one_state_each_week(sql):
    table = sample_answer("state_occupancy").table.set_index("week")
    rows = pd.DataFrame(sql(STATES), columns=["week", "band", "people", "over"])
    counted = rows.pivot(index="week", columns="band", values="people").fillna(0)
    counted = counted.loc[table.index]
    for band in counted:
        assert table[band].tolist() == counted[band].tolist(), band
    over = rows.groupby("week")["over"].sum().loc[table.index]
    assert table["treatment_over"].tolist() == over.tolist()


# ---- flows between bands of severity

FLOWS = """
with visits as (select unnest([3, 6]) as number),
at_session as (
    select a.patient_id, a.to_date as number, arg_max(a.score, a.place) as score
    from assessed a join sessions s on s.patient_id = a.patient_id and s.number = a.to_date
    where a.day - s.day <= 14 group by all),
last_visit as (
    select patient_id, min_by(score, abs(day - 84) * 100000 + place) as score from line
    where day between 70 and 98 group by 1),
nodes as (
    select p.patient_id, 'session ' || v.number as step, a.score,
        case when s.day <= 84 and e.ends >= s.day + 14 then 'no score'
            when s.day <= 84 or (not c.is_over and e.ends < 84) then 'log ended'
            when c.is_over and s.day is null then 'stopped' else 'not yet there' end as why
    from people p cross join visits v join log_ends e using (patient_id)
    join care c using (patient_id)
    left join sessions s on s.patient_id = p.patient_id and s.number = v.number
    left join at_session a on a.patient_id = p.patient_id and a.number = v.number
    union all
    select p.patient_id, 'baseline', baseline, 'no score' from people p
    union all
    select p.patient_id, '12 weeks', l.score, case when e.ends < 98 then 'log ended'
        when c.is_over and c.last_day < 84 then 'stopped' else 'no score' end
    from people p join log_ends e using (patient_id) join care c using (patient_id)
    left join last_visit l using (patient_id)),
named as (
    select patient_id, step, case when score is null then why when score <= 4 then 'minimal'
        when score <= 9 then 'mild' when score <= 14 then 'moderate'
        when score <= 19 then 'moderately severe' else 'severe' end as band
    from nodes)
"""


def test_people_in_each_band_of_severity_and_between_them(sql):
    table = sample_answer("severity_flows").table
    nodes = table[table["kind"] == "visit"].set_index(["step", "source"])["people"]
    counted = sql(f"{FLOWS} select step, band, count(*) from named group by 1, 2")
    assert nodes.to_dict() == {(step, band): n for step, band, n in counted}
    ribbons = table[(table["kind"] == "change") & (table["step"] == "baseline")]
    pairs = sql(
        f"""{FLOWS} select a.band, b.band, count(*) from named a join named b
        using (patient_id) where a.step = 'baseline' and b.step = 'session 3' group by 1, 2"""
    )
    wanted = {(here, there): n for here, there, n in pairs if n >= 6}
    shown = ribbons.set_index(["source", "target"])["people"].to_dict()
    assert {pair: n for pair, n in shown.items() if "merged" not in pair} == wanted
    thin = sum(n for _, _, n in pairs if n < 6)
    assert sum(n for pair, n in shown.items() if pair[1] == "merged") == thin


# ---- why numbers of responders differ


def test_why_the_numbers_of_responders_differ(sql):
    ladder = by_key("responders")
    ((events, left_out, late, too_new, later),) = sql(
        """
        with response as (
            select a.patient_id, min(a.place) as place,
                min(case when a.day - s.day <= 14 then a.place end) as in_time
            from assessed a join sessions s
                on s.patient_id = a.patient_id and s.number = a.to_date
            where a.is_case and a.better group by 1),
        placed as (
            select p.patient_id, p.prior, r.in_time is null as late,
                s.day + 60 > coalesce(p.observed, -1) as too_new, a.to_date > f.length as later
            from response r join people p using (patient_id)
            join first_courses f using (patient_id)
            left join assessed a on a.patient_id = r.patient_id and a.place = r.in_time
            left join sessions s on s.patient_id = r.patient_id and s.number = a.to_date)
        select count(*), count(*) filter (prior), count(*) filter (not prior and late),
            count(*) filter (not prior and not late and too_new),
            count(*) filter (not prior and not late and not too_new and later)
        from placed
        """
    )
    lost = ladder["lost"]
    assert ladder.loc["events", "left"] == events
    assert (lost["waiting"], lost["left_out"], lost["late"]) == (0, left_out, late)
    assert (lost["too_new"], lost["later"]) == (too_new, later)
    rest = events - left_out - late - too_new - later - lost["not_shown"]
    assert ladder.loc["first_course", "left"] == rest


# ---- the same answer under other baselines

SPECIFICATION = """
with befores as (
    select patient_id, arg_max(score, place) as last, avg(score) as mean, max(score) as worst
    from line where to_date = 0 and day between -30 and 0 group by 1),
rated as (
    select patient_id, {baseline} as b from befores join people using (patient_id)
    where not prior and {baseline} >= 10),
seen as (
    select l.*, b, score <= b / 2 as better from line l join rated using (patient_id)
    where to_date > 0),
response as (
    select patient_id, min(place) as place from seen where better group by 1),
after as (
    select s.* from seen s join response r on s.patient_id = r.patient_id
        and s.place > r.place),
lost as (
    select distinct a.patient_id from after a join after c on c.patient_id = a.patient_id
        and c.day between a.day + 7 and a.day + 60 and c.place > a.place
    where not a.better and not c.better and not exists (from after w
        where w.patient_id = a.patient_id and w.better and w.place between a.place and c.place))
select count(distinct patient_id), (select count(*) from response),
    count(distinct patient_id) filter (score <= 4),
    count(distinct patient_id) filter (score - b >= 6), (select count(*) from lost)
from seen
"""


@pytest.mark.parametrize("baseline", ["last", "mean", "worst"])
def test_the_convention_under_every_baseline(sql, baseline):
    table = sample_answer("specification").table
    own = table[(table["instrument"] == "PHQ-9") & (table["rule"] == "convention")]
    own = own[(own["baseline"] == baseline) & (own["definition"] == "first event")]
    rows = own.set_index("outcome")
    ((n, *events),) = sql(SPECIFICATION.format(baseline=baseline))
    response, remission, worse, lost = events
    assert rows.loc["response", ["events", "n"]].tolist() == [response, n]
    assert rows.loc["remission", ["events", "n"]].tolist() == [remission, n]
    assert rows.loc["deterioration", ["events", "n"]].tolist() == [worse, n]
    assert rows.loc["loss_of_response", ["events", "n"]].tolist() == [lost, response]


# ---- maintenance and second courses

# A series has sessions at most 10 days apart. The first one is the induction, up to session 12, or
# to where the pace slackens for good: after session 4 or later two gaps in a row of 7 days or more,
# the first of them 1.5 times the mean so far. A later series of 3 or more after a pause of 28 days
# is a re-induction up to its session 12. All other sessions are maintenance.
COURSES = """
with series as (
    select *, count(*) filter (gap > 10) over (partition by patient_id order by number) as series
    from sessions),
placed as (
    select *, row_number() over (partition by patient_id, series order by number) as spot,
        count(*) over (partition by patient_id, series) as long,
        first(gap) over (partition by patient_id, series order by number) as pause,
        lead(gap) over (partition by patient_id order by number) as gap_1,
        lead(gap, 2) over (partition by patient_id order by number) as gap_2,
        day - first(day) over (partition by patient_id, series order by number) as since
    from series),
slack as (
    select patient_id, min(number) as until from placed
    where series = 0 and spot >= 4 and gap_1 >= 7 and gap_2 >= 7
        and gap_1 >= 1.5 * since / (spot - 1) group by 1),
courses as (
    select p.*, case
        when series = 0 and spot <= least(12, coalesce(until, 12)) then 'induction'
        when series > 0 and long >= 3 and pause >= 28 and spot <= 12 then 're-induction'
        else 'maintenance' end as course
    from placed p left join slack using (patient_id)),
"""
INTERVALS = f"""{COURSES}
-- the state at a session is that of the last score since the session before, 14 days old at most
states as (
    select a.patient_id, a.to_date + 1 as number, arg_max(better, place) as well
    from assessed a join sessions s on s.patient_id = a.patient_id and s.number = a.to_date + 1
    where is_case and not prior and to_date > 0 and s.day - a.day <= 14 group by all),
intervals as (
    select c.patient_id, c.gap as days, case when not b.well then 'not_well_at_start'
        when b.well is null or e.well is null then 'not_known' when e.well then 'held'
        else 'failed' end as result
    from courses c left join states e using (patient_id, number)
    left join states b on b.patient_id = c.patient_id and b.number = c.number - 1
    where c.number > 1 and (course = 'maintenance' or (course = 're-induction' and spot = 1)))
"""
RESULTS = ("held", "failed", "not_well_at_start", "not_known")
LAST_DAYS = {4: "0 to 4", 10: "5 to 10", 17: "11 to 17", 24: "18 to 24", 38: "25 to 38"}
LAST_DAYS |= {59: "39 to 59", 10**6: "60+"}


def test_over_which_maintenance_intervals_a_response_held(sql):
    table = sample_answer("maintenance_lengths").table.set_index("days")
    counts = ", ".join(f"count(*) filter (result = '{name}')" for name in RESULTS)
    first = 0
    for last, words in LAST_DAYS.items():
        ((people, n, *results),) = sql(
            f"""{INTERVALS} select count(distinct patient_id), count(*), {counts}
            from intervals where days between {first} and {last}"""
        )
        row = table.loc[words]
        assert row[["n", "intervals", *RESULTS]].tolist() == [people, n, *results], (
            words
        )
        assert row["rated"] == results[0] + results[1]
        first = last + 1


def test_which_interval_holds_by_each_log(sql):
    table = by_key("holding_interval")
    counted = sql(
        f"""{INTERVALS},
        each_person as (
            select patient_id, count(*) filter (result in ('held', 'failed')) as rated,
                max(case when result = 'held' then days end) as held,
                min(case when result = 'failed' then days end) as failed
            from intervals group by 1)
        select case when rated < 3 then 'not_estimable' when failed is null then 'at_least'
            when held is null then 'at_most' when failed <= held then 'contradictory'
            else 'between' end, count(*), median(held), median(failed)
        from each_person group by 1"""
    )
    for kind, people, held, failed in counted:
        row = table.loc[kind]
        assert row["events"] == people, kind
        # Of a person with few intervals no limit is told.
        if kind != "not_estimable":
            limits = row[["longest_held", "shortest_failed"]].to_numpy(float)
            np.testing.assert_array_equal(limits, np.array([held, failed], float))
    assert (table["n"] == sum(people for _, people, *_ in counted)).all()


def test_second_courses_and_how_the_first_one_went(sql):
    table = by_key("retreatment")
    ((started, again, twice, rated, responded, original, both, first_only, no),) = sql(
        f"""{COURSES}
        runs as (
            select patient_id, course, series, min(number) as first, max(number) as last,
                min(day) as begins, max(day) as ends
            from courses where course <> 'maintenance' group by all),
        numbered as (
            select *, row_number() over (partition by patient_id order by first) as treatment
            from runs),
        own as (
            select n.*, p.prior, p.baseline as original, e.n_sessions > n.last
                or l.ends >= n.ends + 14 as is_over,
                (select arg_max(score, place) from line a where a.patient_id = n.patient_id
                    and a.to_date = n.first - 1 and n.begins - a.day <= 30) as baseline
            from numbered n join people p using (patient_id) join ends e using (patient_id)
            join log_ends l using (patient_id)),
        judged as (
            select o.patient_id, treatment, count(a.place) as scored,
                coalesce(not any_value(prior) and any_value(o.baseline) >= 10
                    and any_value(is_over), false) and count(a.place) > 0 as rated,
                bool_or(a.score <= o.baseline / 2) as responded,
                any_value(o.original) >= 10 and bool_or(a.score <= o.original / 2) as original
            from own o left join line a on a.patient_id = o.patient_id
                and a.to_date between o.first and o.last and a.day <= o.ends + 14
            group by 1, 2)
        select count(distinct patient_id), count(*) filter (treatment = 2),
            count(*) filter (treatment = 3), count(*) filter (treatment = 2 and rated),
            count(*) filter (treatment = 2 and rated and responded),
            count(*) filter (treatment = 2 and rated and original),
            count(*) filter (treatment = 2 and rated and responded and then_rated and then_well),
            count(*) filter (treatment = 2 and rated and not responded and then_rated
                and then_well),
            count(*) filter (treatment = 2 and rated and not responded and then_rated
                and not then_well)
        from judged left join (select patient_id, rated as then_rated, responded as then_well
            from judged where treatment = 1) using (patient_id)"""
    )
    events = table["events"]
    assert (table.loc["re_induced", "n"], events["re_induced"]) == (started, again)
    assert (events["more_than_once"], events["rated"]) == (twice, rated)
    assert (events["again"], events["from_original"]) == (responded, original)
    found = events[["both", "first_only", "neither"]].tolist()
    assert found == [both, first_only, no]


# ---- for whom

# At risk: rated, with a log complete for 60 days after session 1. The first session at which
# everything is known ends what can be counted.
AT_RISK = """
with at_risk as (
    select p.*, f.length, least(f.length, (select count(*) from sessions s
        where s.patient_id = p.patient_id and s.day + 60 <= p.observed)) as known
    from people p join first_courses f using (patient_id)
    where p.is_case and not p.prior and p.observed >= 60),
events as (
    select r.*, (select min(a.to_date) from assessed a join sessions s
        on s.patient_id = a.patient_id and s.number = a.to_date
        where a.patient_id = r.patient_id and a.better and a.day - s.day <= 14) as number
    from at_risk r)
"""


def test_people_and_responses_in_each_group(sql):
    table = sample_answer("for_whom").table
    rows = table.dropna(subset=["events"]).set_index(["characteristic", "group"])
    columns = {"sex": "sex", "ethnicity": "ethnicity", "site": "site"}
    assert set(columns) & set(table["characteristic"])
    for name in columns:
        counted = sql(
            f"""{AT_RISK} select replace({name}, '_', ' '), count(*),
            count(*) filter (number <= known and number <= 6)
            from events join patients using (patient_id)
            where {name} <> 'unknown' group by 1"""
        )
        for group, n, responded in counted:
            if (name, group) in rows.index:
                row = rows.loc[(name, group)]
                assert (row["n"], row["events"]) == (n, responded), (name, group)


def test_sessions_by_severity_are_a_regression_of_statsmodels():
    answer = sample_answer("sessions_by_number")
    table = answer.table[answer.table["unit"] == "sessions until a response"]
    exits = answer.rows().set_index("patient_id")
    baseline = derived_sample().outcomes.set_index("patient_id")["baseline"]
    x = baseline.reindex(exits.index).to_numpy(float)
    step = exits["time"].to_numpy(int)
    event = (exits["cause"] == "responded").to_numpy()
    ends = (exits["cause"] == "log_ends").to_numpy()
    values = mean_sessions(step, event, ends)
    whole = mean_sessions_of(step, event, ends)
    # Harrell's restricted cubic spline with four knots, written from the book.
    knots = np.quantile(x, [0.05, 0.35, 0.65, 0.95])
    fit = OLS(values, add_constant(harrell(x, knots))).fit()
    told = add_constant(harrell(table["at"].to_numpy(float), knots), has_constant="add")
    assert table["estimate"].to_numpy() == pytest.approx(fit.predict(told), abs=1e-6)
    assert values.mean() == pytest.approx(whole, abs=0.02)
    assert f_distribution.sf(fit.fvalue, 3, len(x) - 4) < 1


def mean_sessions_of(step, event, ends, keep=None):
    """Mean of the first six sessions taken without a response before them, by hand."""
    kept = np.ones(len(step), bool) if keep is None else keep
    free = 1.0
    incidence = 0.0
    total = 1.0
    for number in range(1, 6):
        at_risk = (kept & (step >= number)).sum()
        left = kept & (step == number)
        incidence += free * (left & event).sum() / at_risk
        free *= 1 - (left & ~ends).sum() / at_risk
        total += 1 - incidence
    return total


def mean_sessions(step, event, ends):
    """What each person adds: n times the mean of all less n - 1 times that of all others."""
    n = len(step)
    whole = mean_sessions_of(step, event, ends)
    found = np.empty(n)
    for who in range(n):
        others = np.arange(n) != who
        found[who] = n * whole - (n - 1) * mean_sessions_of(step, event, ends, others)
    return found


def harrell(x, knots):
    cube = [np.maximum(x - knot, 0) ** 3 for knot in knots]
    *_, before, last = knots
    columns = [x]
    for place, knot in enumerate(knots[:-2]):
        down = (last - knot) / (last - before)
        up = (before - knot) / (last - before)
        columns.append(cube[place] - cube[-2] * down + cube[-1] * up)
    return np.column_stack(columns)
