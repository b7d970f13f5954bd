"""A policy that rounds: every count in the middle of its band, and everything else made again from
rounded counts, checked against plain loops and by what two different clinics must not tell apart.
"""

import functools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sample_answers import SAMPLE, sample_answer
from scipy.stats import beta

import kettrack as kt
from kettrack.analysis import registry
from kettrack.privacy import disclosure
from kettrack.privacy.policies import Policy, Rounding, get_policy
from kettrack.privacy.release.rounding import rounded_table
from kettrack.privacy.release.words import rounded_words
from kettrack.result import Result
from kettrack.vocabulary.made_of import (
    ByRow,
    IncidenceCurve,
    Kept,
    PerEvent,
    Rate,
    Scaled,
    Share,
)

BANDS = """
count | middle
0     | 0
1     | 3
6     | 3
7     | 9
12    | 9
13    | 15
473   | 471
475   | 477
"""


def middle(count):
    """The middle of the six that a count lies in, by walking through the bands."""
    band = 0
    while count > 6 * band:
        band += 1
    return 6 * band - 3 if count else 0


@pytest.mark.parametrize("line", BANDS.strip().splitlines()[1:])
def test_the_middle_of_six(line):
    count, expected = (float(cell) for cell in line.split("|"))
    rounding = get_policy("midpoint6").rounding
    assert rounding.of(np.array([count])).tolist() == [expected]
    assert middle(count) == expected


def shares(events, n, ends=(10.0, 90.0)):
    table = pd.DataFrame(
        {
            "key": ["a"],
            "n": [n],
            "events": [events],
            "estimate": [100 * events / n],
            "ci_low": [ends[0]],
            "ci_high": [ends[1]],
            "left_alone": [12.3456789],
        }
    )
    return Result(
        name="t",
        table=table,
        roles={
            "key": "key",
            "n": "denominator",
            "events": "count",
            **dict.fromkeys(("estimate", "ci_low", "ci_high", "left_alone"), "derived"),
        },
        sentence="{a.events} of {a.n}: {a.estimate} ({a.ci_low} to {a.ci_high})",
        estimand="",
        recipes=(
            Share(
                value="estimate",
                events="events",
                of="n",
                ends=("ci_low", "ci_high"),
                interval="exact",
            ),
        ),
    )


def test_a_share_is_that_of_the_rounded_counts():
    row = disclosure.apply(shares(20, 40), "midpoint6").table.iloc[0]
    assert (row["events"], row["n"]) == (21, 39)
    assert row["estimate"] == round(100 * 21 / 39, 1)
    assert row["ci_low"] == round(100 * beta.ppf(0.025, 21, 19), 1)
    assert row["ci_high"] == round(100 * beta.ppf(0.975, 22, 18), 1)


def test_clinics_in_the_same_bands_cannot_be_told_apart():
    said = {
        disclosure.apply(shares(events, n), "midpoint6").to_json()
        for events in range(1, 7)
        for n in range(37, 43)
    }
    assert len(said) == 1


def test_what_nobody_declared_is_not_shown():
    seen = disclosure.apply(shares(20, 40), "midpoint6")
    assert seen.table["left_alone"].isna().all()
    assert seen.shown["left alone"].tolist() == ["hidden"]


def test_a_part_is_never_more_than_its_whole():
    row = disclosure.apply(shares(41, 42), "midpoint6").table.iloc[0]
    assert (row["events"], row["n"], row["estimate"]) == (39, 39, 100.0)


def curve(new, stopped, ends, n):
    """An exact curve by plain loops: at each step people respond, stop, or their log ends."""
    free = 1.0
    hit = 0.0
    at_risk = n
    rows = []
    for step, (a, b, c) in enumerate(zip(new, stopped, ends, strict=True), start=1):
        hit += free * a / at_risk
        free *= 1 - (a + b) / at_risk
        rows.append((step, n, at_risk, a, b, c, 100 * hit, 100 * free))
        at_risk -= a + b + c
    names = ["step", "n", "at_risk", "new", "stop", "ends", "estimate", "free"]
    return pd.DataFrame(rows, columns=names).assign(low=1.0, high=2.0, gone=3.0)


CURVE = IncidenceCurve(
    step="step",
    n="n",
    at_risk="at_risk",
    causes={"estimate": "new", "gone": "stop"},
    censored="ends",
    ends=("low", "high"),
    free="free",
)
CURVE_ROLES = {
    "step": "key",
    "n": "denominator",
    "at_risk": "running",
    **dict.fromkeys(("new", "stop", "ends"), "count"),
    **dict.fromkeys(("estimate", "free", "low", "high", "gone"), "derived"),
}


def released(table):
    result = Result(
        name="c",
        table=table,
        roles=CURVE_ROLES,
        sentence="",
        estimand="",
        recipes=(CURVE,),
    )
    return disclosure.apply(result, "midpoint6").table


def test_a_curve_is_that_of_rounded_running_sums():
    new, stopped, ends = [20, 9, 4, 1], [5, 5, 5, 5], [0, 2, 2, 2]
    seen = released(curve(new, stopped, ends, 90))
    so_far = {
        name: [middle(sum(values[: k + 1])) for k in range(4)]
        for name, values in (("new", new), ("stop", stopped), ("ends", ends))
    }
    steps = {name: np.diff(sums, prepend=0) for name, sums in so_far.items()}
    again = curve(steps["new"], steps["stop"], steps["ends"], middle(90))
    for name in ("new", "stop", "ends", "at_risk"):
        if name != "ends":
            assert seen[name].tolist() == again[name].tolist()
    assert seen["estimate"].tolist() == again["estimate"].round(1).tolist()
    assert seen["free"].tolist() == again["free"].round(1).tolist()


def test_a_curve_of_single_people_tells_no_single_step():
    """One event a week for six weeks: rounded one by one they would be told by their sum."""
    seen = released(curve([1] * 6, [0] * 6, [0] * 6, 60))
    assert seen["new"].tolist() == [3, 0, 0, 0, 0, 0]


def test_nobody_stays_nobody():
    seen = released(curve([0, 0], [0, 0], [0, 0], 60))
    assert seen["estimate"].tolist() == [0, 0]
    assert seen["low"].tolist() == [0, 0]


def test_a_rate_keeps_its_time():
    years = 250.0
    table = pd.DataFrame({"key": ["a", "b"], "n": [90, 90], "events": [8, 0]}).assign(
        estimate=[8 / years, 0.0], low=0.0, high=[0.06, -math.log(0.025) / years]
    )
    result = Result(
        name="r",
        table=table,
        roles={"key": "key", "n": "denominator", "events": "count"}
        | dict.fromkeys(("estimate", "low", "high"), "derived"),
        decimals=dict.fromkeys(("estimate", "low", "high"), 6),
        sentence="",
        estimand="",
        recipes=(Rate(value="estimate", events="events", ends=("low", "high")),),
    )
    seen = disclosure.apply(result, "midpoint6").table
    assert seen["estimate"].tolist() == [round(9 / years, 6), 0.0]
    assert seen["high"].iloc[1] == round(-math.log(0.025) / years, 6)


def money(events, n):
    """900 for each of n people; ends of 800 and 1010 per person."""
    total = 900 * n
    table = pd.DataFrame(
        {
            "key": ["everybody", "well"],
            "n": n,
            "events": [n, events],
            "estimate": [900.0, total / events],
            "ci_low": [800.0, 800 * n / events],
            "ci_high": [1010.0, 1010 * n / events],
        }
    )
    return Result(
        name="t",
        table=table,
        roles={
            "key": "key",
            "n": "denominator",
            "events": "count",
            **dict.fromkeys(("estimate", "ci_low", "ci_high"), "derived"),
        },
        decimals={"estimate": 0, "ci_low": 0, "ci_high": 0},
        sentence="",
        estimand="",
        recipes=(
            PerEvent(
                value="estimate",
                events="events",
                of="n",
                ends=("ci_low", "ci_high"),
            ),
        ),
    )


def test_cost_per_responder_is_that_of_rounded_responders():
    table = disclosure.apply(money(20, 40), "midpoint6").table.set_index("key")
    # A mean of everybody tells no count.
    assert table.loc["everybody", ["estimate", "ci_low"]].tolist() == [900, 800]
    # 39 people at 900 each, by 21; its ends have two digits and lie outward.
    assert table.loc["well", "estimate"] == round(900 * 39 / 21)
    assert table.loc["well", ["ci_low", "ci_high"]].tolist() == [1400, 1900]
    # 19 to 24 are one band, and so are 37 to 42 people.
    other = disclosure.apply(money(23, 38), "midpoint6").table.set_index("key")
    pd.testing.assert_frame_equal(table, other)


def test_cost_per_few_responders_is_hidden():
    table = disclosure.apply(money(5, 40), "midpoint6").table.set_index("key")
    assert table.loc["well", ["estimate", "ci_low", "ci_high"]].isna().all()
    assert table.loc["everybody", "estimate"] == 900


def test_one_forecast_for_everybody_tells_no_more_than_the_share():
    found = sample_answer("prognosis").table
    shown = kt.estimate(
        "prognosis", kt.load_cohort(kt.sample_folder(), policy="midpoint6")
    ).table
    # too few people for a forecast are counted and have no score
    found, shown = (table[found["brier"].notna()] for table in (found, shown))
    share = shown["events"] / shown["n"]
    assert shown["brier_base"].to_numpy(float) == pytest.approx(
        (share * (1 - share)).to_numpy(float), abs=0.0006
    )
    # How much closer forecasts come stays as it was, and what they come to follows from both.
    for column in ("estimate", "ci_low", "ci_high"):
        assert shown[column].to_numpy(float) == pytest.approx(
            found[column].to_numpy(float), abs=0.0006
        )
    assert (shown["brier_base"] - shown["brier"]).to_numpy(float) == pytest.approx(
        shown["estimate"].to_numpy(float), abs=0.0016
    )


def test_means_need_people_and_lose_their_decimals():
    table = pd.DataFrame(
        {"key": ["few", "many"], "n": [10, 11], "mean": [9.7, 11.0 / 3]}
    )
    result = Result(
        name="m",
        table=table,
        roles={"key": "key", "n": "denominator", "mean": "derived"},
        sentence="",
        estimand="",
        recipes=(Kept(values=("mean",), of="n"),),
    )
    seen = disclosure.apply(result, "midpoint6").table
    assert seen["mean"].isna().tolist() == [True, False]
    assert seen["mean"].iloc[1] == 3.7


def test_a_weighted_share_is_rounded_like_a_count():
    table = pd.DataFrame({"key": ["a"], "n": [90], "estimate": [33.21]})
    result = Result(
        name="s",
        table=table,
        roles={"key": "key", "n": "denominator", "estimate": "derived"},
        sentence="",
        estimand="",
        recipes=(Scaled(value="estimate", of="n"),),
    )
    seen = disclosure.apply(result, "midpoint6").table
    # 29.9 people of 90: the middle of 25 to 30 is 27, of 87
    assert seen["estimate"].tolist() == [round(100 * 27 / 87, 1)]


@pytest.mark.parametrize(
    ("name", "part", "whole"),
    [
        ("response_by_session", "confirmed", "estimate"),
        ("response_by_session", "remitted", "estimate"),
        ("response_by_any_session", "first_course", "estimate"),
        ("worsening_by_week", "confirmed", "estimate"),
        ("worsening_by_week", "estimate", "any_time"),
    ],
)
def test_a_share_rounded_apart_is_never_more_than_the_curve_that_holds_it(
    name, part, whole
):
    """As if nobody else had it: the curve and the share then differ by their rounding alone."""
    exact = sample_answer(name)
    same = exact.table.assign(**{part: exact.table[whole]})
    seen = disclosure.apply(replace(exact, table=same, policy=""), "midpoint6").table
    assert (seen[part] <= seen[whole])[seen[whole].notna()].all()


@pytest.mark.parametrize(
    "name", ["response_by_session", "durability", "adverse_events", "worsening"]
)
def test_the_sample_is_near_to_what_the_clinic_sees(name):
    found = sample_answer(name)
    key = next(column for column, role in found.roles.items() if role == "key")
    inside = found.table.set_index(key)
    outside = sample_answer(name, "midpoint6").table.set_index(key)
    # Groups that add up to everybody stay inside the clinic.
    inside = inside.loc[outside.index]
    large = (inside["n"] >= 90) & inside["estimate"].notna()
    if "estimand" in inside:
        # By week and not by day, and with weights that nothing tells: another estimate.
        large &= inside["rule"].eq("in_force") & inside["estimand"].ne("hypothetical")
        # Where few are left, each of them moves the curve by a lot.
        large &= inside["at_risk"] >= 30
    far = (inside["estimate"] - outside["estimate"])[large].abs()
    assert far.max() < 6
    assert outside.loc[large, "estimate"].notna().all()


ONE_BY_ONE = Policy(
    name="none",
    smallest_count=1,
    banner="",
    rounding=Rounding("nearest", 1),
)
# A curve by week instead of by day, and what is read off it.
BY_WEEK = {
    "response_by_week",
    "worsening_by_week",
    "treatment_emergent_ideation_by_week",
    "durability",
    "durability_from_response",
    "durability_of_every_response",
}
# Of each kind of recipe some questions that take no time.
QUICK = [
    "scored_by_week",
    "people_by_table",
    "ladder",
    "session_counts",
    "response_by_any_session",
    "response_by_week",
    "worsening",
    "state_after_course",
    "among_scored",
    "suicidality_in_short",
    "attempts_and_admissions",
    "adverse_events",
    "vital_signs_limits",
    "time_to_discontinuation",
    "durability",
    "recurrent_loss",
    "maintenance_lengths",
    "maintenance",
]


@pytest.mark.parametrize("name", QUICK)
def test_what_a_question_declares_gives_its_own_figures_back(name):
    """Rounded to the nearest one, every figure is the one that the clinic sees."""
    found = sample_answer(name)
    again = rounded_table(found, found.table, ONE_BY_ONE)
    # Half a person of the smallest group, and half of the last decimal.
    near = 2.0 if name in BY_WEEK else 0.06 + 50 / found.table["n"].min()
    for recipe in found.recipes:
        if not isinstance(recipe, Share | Rate | IncidenceCurve | ByRow | Scaled):
            continue
        columns = [name for name in recipe.columns if name in found.table]
        for column in columns[:1]:
            own = pd.to_numeric(found.table[column]).to_numpy(float)
            made = pd.to_numeric(again[column]).to_numpy(float)
            known = ~np.isnan(made)
            assert np.abs(made - own)[known].max(initial=0) < near, column
            assert known.sum() >= 0.9 * (~np.isnan(own)).sum(), column


@pytest.mark.parametrize(
    ("said", "released"),
    [
        ("those of 52 patients who went on", "those of 51 patients who went on"),
        ("only 21 people have a baseline", "only 21 people have a baseline"),
        ("of 22 who responded during it", "of 21 who responded during it"),
        ("fewer than 30 people are at risk", "fewer than 30 people are at risk"),
        ("At least 30 patients are necessary", "At least 30 patients are necessary"),
        ("two groups of 30 people", "two groups of 30 people"),
        ("after week 12 people stop", "after week 12 people stop"),
        ("of 1,240 people", "of 1,239 people"),
        ("up to 12 of them", "up to 12 of them"),
        ("Means are of 11 people or more", "Means are of 11 people or more"),
        ("intervals need 50 people", "intervals need 50 people"),
        ("about 21 people without a sex", "about 21 people without a sex"),
    ],
)
def test_counts_in_reasons_are_rounded_and_thresholds_are_not(said, released):
    assert rounded_words(said, get_policy("midpoint6")) == released
    assert rounded_words(said, get_policy("internal")) == said


def test_beside_exact_tables_words_tell_no_exact_count():
    """240 people, 150 women, 73 men and 12 without a recorded sex: 5 are of another one."""
    told = functools.partial(rounded_words, policy=get_policy("cms"))
    assert told("12 people without a sex") == "11 or more people without a sex"
    assert told("only 52 people went on") == "11 or more people went on"
    assert told("fewer than 30 people") == "fewer than 30 people"


@pytest.mark.parametrize("policy", ["midpoint6", "opensafely", "cms"])
def test_a_caveat_that_repeats_a_refusal_repeats_no_exact_count(policy):
    """`cost` says why going on against pausing is refused: 34 patients went on, 19 paused."""
    sample = SAMPLE.derived(policy)
    words = (
        "It is refused: those of 34 patients who went on and 19 patients who paused."
    )
    asked = registry.Answer(table=pd.DataFrame(), sentence="Nothing.", caveats=(words,))
    left = registry.answered_with_less("cost", sample, lambda: asked)
    assert "It is refused" in left.caveats[0]
    assert not {"34", "19"} & set(left.caveats[0].replace(".", "").split())


def test_figures_are_drawn_where_some_of_their_numbers_are_hidden():
    """A hidden number of people above a bar, and a first event that is hidden at every site."""
    bars = sample_answer("maintenance_lengths").table.copy()
    bars.loc[bars.index[0], "n"] = pd.NA
    bars = bars.astype({"n": "Int64"})
    assert "hidden people" in " ".join(
        text.get_text() for text in kt.plot_maintenance(bars).texts
    )
    sites = sample_answer("adverse_events_by_site").table.copy()
    first = sites["event"].iloc[0]
    sites.loc[sites["event"] == first, ["estimate", "overall"]] = np.nan
    title = kt.plot_site_funnel(sites).get_title(loc="left")
    assert title != f"Sites: {first}"


# Everyone who started, by state. In the first row the bands add up to 60 only when each is as small
# as it may be, since the middle of 60 stands for 60 at most; in the second one more would fit.
OCCUPANCY = """
week | n  | remission | unchanged | not_known | not_known_after_stop | not_rated | log_ended | told
1    | 60 | 1         | 1         | 1         | 13                   | 1         | 43        | yes
2    | 60 | 2         | 1         | 1         | 13                   | 1         | 42        | no
"""


def test_a_count_that_the_others_tell_is_hidden():
    real = sample_answer("state_occupancy")
    heading, *lines = OCCUPANCY.strip().splitlines()
    names = [name.strip() for name in heading.split("|")]
    rows = [
        dict(zip(names, map(str.strip, line.split("|")), strict=True)) for line in lines
    ]
    table = real.table.iloc[: len(rows)].copy()
    counts = [name for name, role in real.roles.items() if role == "count"]
    table[counts] = 0
    for name in names[:-1]:
        table[name] = [int(row[name]) for row in rows]
    table["followed"] = table["n"] - table["log_ended"]
    shown = disclosure.apply(replace(real, table=table, sentence=""), "midpoint6").table
    small = shown[["remission", "unchanged", "not_known", "not_rated"]]
    for row, hidden in zip(rows, small.isna().to_numpy(), strict=True):
        assert hidden.all() == (row["told"] == "yes")
        assert hidden.any() == (row["told"] == "yes")
