"""Durability: curves counted by hand, a known truth behind informative retreatment, noise,
refusals.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer
from simulated import simulated_cohort, thin_clinic
from spec.tables import cohort as from_text

import kettrack as kt
from kettrack.analysis.durability.bootstrap import bootstrap_curves, some_of
from kettrack.analysis.durability.counts import (
    ESTIMANDS,
    count,
    count_exits,
    exits,
    settle,
    watch,
)
from kettrack.analysis.durability.curve import (
    durability,
    durability_from_response,
)
from kettrack.analysis.durability.intervals import durability_intervals
from kettrack.analysis.durability.weights import untreated, untreated_curve
from kettrack.analysis.durability.words import (
    ESTIMAND_NAMES,
    KEPT_DESPITE_NOISE,
    KEPT_IF_CONFIRMED,
)
from kettrack.estimators.survival.life_table import estimate_survival
from kettrack.settings import Settings
from kettrack.timelines.derived import derive
from kettrack.vocabulary.published_results import (
    PUBLISHED_DURABILITY,
    published_durability,
)

DAYS = np.array([28, 56])


@pytest.fixture(scope="module")
def sample():
    return kt.load_cohort(kt.sample_folder())


@pytest.fixture(scope="module")
def result():
    return sample_answer("durability_from_response")


def clinic(scores, days, back=None, **settings):
    """Cohort of one session on day 0 each, baseline 20; `scores` one row per patient, `back` the
    day of a later session.
    """
    n = len(scores)
    # in the order that patients are sorted by
    names = np.array([f"P{i:05d}" for i in range(n)])
    rows = pd.DataFrame(
        {
            "patient_id": np.repeat(names, len(days)),
            "day": np.tile(days, n),
            "score": scores.ravel(),
        }
    )
    first = pd.DataFrame({"patient_id": names, "day": -1, "score": 20})
    sessions = pd.DataFrame({"patient_id": names, "day": 0})
    if back is not None:
        again = pd.DataFrame({"patient_id": names, "day": back}).dropna()
        sessions = pd.concat([sessions, again.astype({"day": int})])
    rows = pd.concat([first, rows]).dropna().assign(instrument="PHQ-9")
    patients = pd.DataFrame({"patient_id": names, "planned_sessions": 1})
    return kt.cohort_from_frames(
        sessions, rows.astype({"score": int}), patients, settings=Settings(**settings)
    )


def drifting(n, rng, days):
    """Weekly scores of people who respond and drift upwards, each at a pace of their own, with an
    error of 2 points.
    """
    pace = rng.exponential(0.07, n)[:, None]
    scores = np.clip(
        np.round(6 + pace * days + rng.normal(0, 2, (n, len(days)))), 0, 27
    )
    scores[:, 0] = np.minimum(scores[:, 0], 10)
    return scores


def share_held(scores, days, at):
    """Share without two weekly scores in a row above 10 of which the first came by `at` days after
    the first score.
    """
    both = (scores[:, :-1] > 10) & (scores[:, 1:] > 10)
    return 1 - both[:, days[:-1] - days[0] <= at].any(axis=1).mean()


def test_a_curve_counted_by_hand():
    lost = [10, 11, 11, 10, 10, 10]
    kept = [10, 10, 10, 10, 10, 10]
    waits = [10, 10, 10, 10, 10, 11]  # lost or not on day 42: nobody knows
    table = durability(
        clinic(
            np.array([lost] * 5 + [kept] * 10 + [waits] * 5, float), np.arange(7, 49, 7)
        )
    ).table
    rows = table[
        (table["estimand"] == "treatment_policy") & (table["rule"] == "in_force")
    ].set_index("day")
    assert rows.loc[[0, 7, 28], "at_risk"].tolist() == [20, 20, 15]
    assert rows.loc[[0, 7, 28], "lost"].tolist() == [0, 5, 5]
    assert rows.loc[[0, 7, 28], "estimate"].tolist() == [100, 75, 75]
    # day 35 after the first score has no later one that could confirm a loss
    assert rows.index.max() == 28
    single = table[
        (table["estimand"] == "treatment_policy") & (table["rule"] == "single_score")
    ].set_index("day")
    assert single.loc[35, "estimate"] == pytest.approx(100 * 10 / 20)


def test_the_answer_lies_between_every_unconfirmed_loss_and_none():
    """Eight people score above the line on day 21 and then not for ten weeks: nobody can confirm
    it.
    """
    kept = [10.0] * 7
    in_vain = [10, 10, 11, np.nan, np.nan, np.nan, 10]
    table = durability(
        clinic(
            np.array([kept] * 12 + [in_vain] * 8), np.array([7, 14, 21, 28, 35, 42, 91])
        )
    ).table
    rows = table[table["rule"] == "in_force"].set_index(["estimand", "day"])
    ends = rows.loc[
        ("treatment_policy", [7, 14, 28]), ["bound_low", "estimate", "bound_high"]
    ]
    assert ends.to_numpy().tolist() == [[100, 100, 100], [60, 100, 100], [60, 100, 100]]
    # nobody was treated: no weights
    assert rows.loc[("hypothetical", [14, 28]), "bound_low"].tolist() == [60, 60]
    assert rows.loc["hypothetical", "bound_high"].isna().all()
    assert table.loc[table["rule"] == "single_score", "bound_low"].isna().all()


def test_the_end_of_a_log_does_not_lift_the_curve():
    """Logs that end at random: dropping a last score above the line, but counting one below it,
    would.
    """
    rng = np.random.default_rng(1)
    days = np.arange(7, 140, 7)
    scores = drifting(6000, rng, days)
    truth = share_held(scores, days, 56)
    ends = rng.integers(3, 12, 6000)
    scores[np.arange(len(days)) >= ends[:, None]] = np.nan
    curve = estimate_survival(count(derive(clinic(scores, days))))
    assert curve.estimate[56] == pytest.approx(truth, abs=0.02)


def test_people_treated_again_because_they_feel_worse_are_stood_for():
    rng = np.random.default_rng(2)
    days = np.arange(7, 98, 7)
    scores = drifting(4000, rng, days)
    chance = 1 / (1 + np.exp(-(scores - 12) / 2))
    hit = rng.random(scores.shape) < chance
    back = np.where(hit.any(axis=1), days[hit.argmax(axis=1)] + 3, np.nan)
    watched = watch(derive(clinic(scores, days, back)), "end_of_course")[0]
    plain = estimate_survival(
        count_exits(exits(watched, "hypothetical"), "hypothetical")
    ).estimate[DAYS]
    weighted = untreated_curve(
        untreated(derive(clinic(scores, days, back)), watched, 90), DAYS
    )
    truth = np.array([share_held(scores, days, at) for at in DAYS])
    assert weighted == pytest.approx(truth, abs=0.025)
    assert (plain > truth + 0.04).all()


@pytest.mark.parametrize(
    ("seed", "n", "line"), [(6, 400, 12), (8, 400, 10), (10, 60, 12), (12, 60, 10)]
)
def test_hypothetical_the_truth_lies_above_the_lower_bound(seed, n, line):
    """In small clinics that treat early the weighted share is too high: few with a high score stay
    untreated.
    """
    rng = np.random.default_rng(seed)
    days = np.arange(7, 98, 7)
    scores = drifting(n, rng, days)
    hit = rng.random(scores.shape) < 1 / (1 + np.exp(-(scores - line) / 2))
    back = np.where(hit.any(axis=1), days[hit.argmax(axis=1)] + 3, np.nan)
    shown = clinic(scores, days, back)
    watched = watch(derive(shown), "end_of_course")[0]
    people = untreated(derive(shown), settle(watched, "lost"), 90)
    truth = np.array([share_held(scores, days, at) for at in DAYS])
    assert (untreated_curve(people, DAYS) <= truth).all()


def test_the_bounds_hold_the_truth_where_people_are_no_longer_scored():
    """The same people twice: in one clinic they are scored every week to the end, in the other
    never again after they stop.
    """
    full, silent = (
        watch(derive(simulated_cohort(name, 1500, seed=3)), "first_response")[0]
        for name in ("A", "silent")
    )
    days = np.array([14, 28, 42])
    both = full.whatever["origin_day"] == silent.whatever["origin_day"].reindex(
        full.whatever.index
    )
    same = full.whatever.index[both.fillna(False).to_numpy(bool)]
    truth = still(among(full, same), days)
    assert silent.silent.mean() > 0.8
    watched = among(silent, same)
    lowest = still(settle(watched, "lost", silent=True), days)
    highest = still(settle(watched, "held", silent=True), days)
    assert (lowest < truth).all()
    assert (truth < highest).all()
    # what no second score confirmed is far less than what nobody scored
    assert (still(settle(watched, "lost"), days) > lowest + 0.2).all()


def among(watched, people):
    """Some of the people watched."""
    names = ("whatever", "untreated", "silent", "log_end")
    return replace(
        watched, **{name: getattr(watched, name).loc[people] for name in names}
    )


def still(watched, days):
    """Share still responding on each day."""
    left = exits(watched, "treatment_policy")
    return estimate_survival(count_exits(left, "treatment_policy")).estimate[days]


def test_what_came_first_adds_up_and_is_that_of_everybody_counted():
    """30 people: 10 lose it on day 7, 10 have a session on day 9 before, 10 hold on."""
    lost = [10.0, 11, 11, 11, 11]
    kept = [10.0] * 5
    back = np.array([np.nan] * 10 + [16.0] * 10 + [np.nan] * 10)
    shown = clinic(np.array([lost] * 10 + [kept] * 20), np.arange(7, 42, 7), back)
    rows = durability(shown).table.set_index("key")
    day = rows.loc["composite_in_force_14"]
    shares = day[["estimate", "lost_first", "again_first"]].tolist()
    assert shares == pytest.approx([100 / 3] * 3)
    assert day["lost_first_low"] < 100 / 3 < day["lost_first_high"]
    by_one = rows.loc["composite_single_score_14", "estimate"]
    assert day["single"] == pytest.approx(by_one)
    policy = rows.loc["treatment_policy_in_force_14"]
    assert policy[["lost_first", "again_first"]].isna().all()
    assert policy["estimate"] == pytest.approx(200 / 3)


def test_who_was_treated_while_a_loss_waited_is_counted_and_said():
    """Ten keep it; ten score above the line on day 21 and are treated before the next score; ten
    are treated and were well.
    """
    kept = [10.0] * 7
    worse = [10, 10, 11, 11, 11, 11, 11]
    back = np.array([np.nan] * 20 + [23.0] * 10 + [23.0] * 10)
    found = durability(
        clinic(
            np.array([kept] * 20 + [worse] * 10 + [kept] * 10),
            np.arange(7, 56, 7),
            back,
        )
    )
    rows = found.table[found.table["rule"] == "in_force"].set_index(["estimand", "day"])
    assert rows.loc[
        ("hypothetical", [14, 21, 28]), "retreated_unconfirmed"
    ].tolist() == [
        0,
        10,
        10,
    ]
    assert rows.loc[
        ("hypothetical", 28), ["retreated", "lost", "estimate"]
    ].tolist() == [
        20,
        0,
        100,
    ]
    assert rows.loc[("hypothetical", 28), "bound_low"] == pytest.approx(75)
    assert rows.loc[("treatment_policy", 28), "estimate"] == pytest.approx(75)
    assert (
        "10 of the 20 people treated again by week 4 had a loss that was not yet confirmed"
        in found.text
    )
    assert "(20 people at risk, effective sample size 20" in found.text


def test_the_sentence_says_how_far_fewer_than_half_lost_it():
    result = durability_from_response(thin_clinic())
    assert (
        "fewer than half had lost the response by week 52, the end of the curve"
        in result.text
    )
    few = durability(clinic(np.array([[10.0, 10.0]] * 12), np.array([7, 14])))
    assert few.table["day"].max() < 28
    assert "half" not in few.text


def test_weights_without_retreatment_change_nothing():
    rng = np.random.default_rng(3)
    days = np.arange(7, 98, 7)
    scores = drifting(200, rng, days)
    shown = clinic(scores, days)
    watched = watch(derive(shown), "end_of_course")[0]
    weighted = untreated_curve(untreated(derive(shown), watched, 90), DAYS)
    assert weighted == pytest.approx([share_held(scores, days, at) for at in DAYS])
    drawn = rng.integers(0, 3, (2, 200))
    replicates = untreated_curve(untreated(derive(shown), watched, 90), DAYS, drawn)
    twice = [share_held(np.repeat(scores, times, axis=0), days, 56) for times in drawn]
    assert replicates[:, 1] == pytest.approx(twice)


def test_many_people_are_bootstrapped_by_some_of_them(monkeypatch):
    """The intervals of 900 people from 300 of them are about as wide as from all."""
    rng = np.random.default_rng(8)
    days = np.arange(7, 98, 7)
    shown = derive(clinic(drifting(900, rng, days), days))
    people = untreated(shown, watch(shown, "end_of_course")[0], 90)
    middle = untreated_curve(people, DAYS)
    of_all = bootstrap_curves(people, DAYS, middle, 400, seed=1)
    monkeypatch.setattr("kettrack.analysis.durability.bootstrap.MOST_BOOTSTRAPPED", 300)
    of_some = bootstrap_curves(people, DAYS, middle, 400, seed=1)
    assert of_some.std(axis=0) == pytest.approx(of_all.std(axis=0), rel=0.2)
    assert of_some.mean(axis=0) == pytest.approx(middle, abs=0.005)
    assert not np.array_equal(of_some, of_all)


def test_some_of_the_people_are_as_they_were_among_all():
    """Counted once or not at all among all, or alone: the same curve."""
    rng = np.random.default_rng(9)
    days = np.arange(7, 98, 7)
    back = np.where(rng.random(200) < 0.5, rng.integers(10, 90, 200), np.nan)
    shown = derive(clinic(drifting(200, rng, days), days, back))
    people = untreated(shown, watch(shown, "end_of_course")[0], 90)
    chosen = np.flatnonzero(rng.random(people.n) < 0.5)
    counts = np.isin(np.arange(people.n), chosen)[None].astype(int)
    among_all = untreated_curve(people, DAYS, counts)[0]
    alone = untreated_curve(some_of(people, chosen), DAYS)
    assert alone == pytest.approx(among_all, abs=1e-9)


def test_noise_alone_costs_more_responses_the_more_often_people_are_scored():
    """Nobody relapses: everyone stays 3.2 points below the line, scores have a standard deviation
    of 2.

    The caveat of the curve says how many keep it to day 56 by single scores; confirmed, nearly all
    do.
    """
    rng = np.random.default_rng(4)
    kept = {}
    for gap in KEPT_DESPITE_NOISE:
        days = np.arange(1, 90, gap)
        scores = np.clip(np.round(7.3 + rng.normal(0, 2, (1500, len(days)))), 0, 27)
        scores[:, 0] = 7
        rules = watch(derive(clinic(scores, days)), "end_of_course")
        left = [
            count_exits(exits(rule, "treatment_policy"), "treatment_policy")
            for rule in rules
        ]
        kept[gap] = [estimate_survival(counts).estimate[56] for counts in left]
    said = [share / 100 for share in KEPT_DESPITE_NOISE.values()]
    assert [single for _, single in kept.values()] == pytest.approx(said, abs=0.035)
    assert min(confirmed for confirmed, _ in kept.values()) > KEPT_IF_CONFIRMED / 100


def test_the_columns_tell_one_story(result):
    table = result.table
    for (estimand, _), rows in table.groupby(["estimand", "rule"]):
        assert rows["day"].tolist() == list(range(0, 7 * len(rows), 7))
        gone = rows["lost"] + (rows["retreated"] if estimand == "composite" else 0)
        before = gone.shift(fill_value=0)
        assert (rows["at_risk"] + before >= 11).all()
        # equal but for the last bits where nobody loses it
        assert rows["estimate"].diff().max() < 1e-9
        bounded = rows.dropna(subset=["bound_low"])
        assert (
            (bounded["bound_low"] <= bounded["estimate"])
            & (bounded["estimate"] <= bounded["bound_high"].fillna(100))
        ).all()
        inside = rows.dropna(subset=["ci_low"])
        assert (
            (inside["ci_low"] <= inside["estimate"])
            & (inside["estimate"] <= inside["ci_high"])
        ).all()
        if estimand != "treatment_policy":
            gone = rows[["lost", "retreated", "censored"]].sum(axis=1)
            assert (
                rows["at_risk"].iloc[1:].to_numpy()
                <= rows["n"].iloc[0] - gone.iloc[:-1].to_numpy()
            ).all()
    worst = table[table["estimand"] == "composite"].set_index(["rule", "day"])[
        "estimate"
    ]
    policy = table[table["estimand"] == "treatment_policy"].set_index(["rule", "day"])[
        "estimate"
    ]
    assert (worst <= policy.reindex(worst.index)).all()


def test_the_sentence_says_which_question_is_answered(result):
    for words in (
        "treatment policy strategy",
        "hypothetical strategy, weighted",
        "composite variable strategy",
        "by a single score",
        "had had another session first",
        "were no longer scored while their log went on",
    ):
        assert words in result.text
    assert "Rule, origin and days between scores differ" in " ".join(result.caveats)
    assert (
        "do not show whether stopping or going on keeps a response longer"
        in result.text
    )
    assert result.made_from["seed"] == 1
    assert not {"proved", "significant"} & set(result.text.split())


def test_bounds_that_settle_more_hold_those_that_settle_less():
    table = sample_answer("durability_of_every_response").table
    both = table.dropna(subset=["bound_low"])
    assert (both["silent_low"] <= both["bound_low"]).all()
    high = both.dropna(subset=["bound_high"])
    assert (high["bound_high"] <= high["silent_high"]).all()
    assert (high["bound_high"] < high["silent_high"]).any()


def test_counts_of_two_sites_add_up(sample):
    whole = count(derive(sample), "composite", "first_response")
    half = sample.patients["site"] == "K1"
    parts = []
    for chosen in (half, ~half):
        kept = sample.patients.loc[chosen, "patient_id"]
        frames = (sample.sessions, sample.scores, sample.patients, sample.events)
        site = kt.cohort_from_frames(
            *(frame[frame["patient_id"].isin(kept)] for frame in frames),
            settings=sample.settings,
        )
        parts.append(count(derive(site), "composite", "first_response"))
    assert (parts[0] + parts[1]).at_risk.tolist() == whole.at_risk.tolist()


def test_under_a_release_policy_no_small_count_is_shown():
    table = durability(kt.load_cohort(kt.sample_folder(), policy="cms")).table
    for column in ("lost", "retreated", "censored", "at_risk"):
        assert not table[column].dropna().between(1, 10).any()
    # beside `retreated` it would tell of the others
    assert table["retreated_unconfirmed"].isna().all()


@pytest.mark.parametrize(
    "answer", [durability, durability_from_response, durability_intervals]
)
def test_it_refuses_where_there_is_nobody_to_watch(answer):
    found = answer(from_text("patient | day | score\n a | -1 | 20\n a | 7 | 19"))
    assert (found.status, "responded" in found.reason, bool(found.collect)) == (
        "refused",
        True,
        True,
    )


def test_intervals_say_between_which_scores_and_no_more():
    scores = np.array([[10] * 6] * 30 + [[10, 10, 11, 11, 11, 11]] * 30, float)
    result = durability_intervals(clinic(scores, np.arange(7, 49, 7)))
    boxes = result.table[result.table["kind"] == "box"]
    assert boxes[["left", "right", "estimate", "people"]].to_numpy()[0].tolist() == [
        7,
        14,
        50,
        30,
    ]
    assert boxes["right"].isna().tolist() == [False, True]
    assert result.table["largest_gradient"].max() <= 1 + 1e-6
    at = result.table.set_index("key")
    assert at.loc["day_28", ["least", "most"]].tolist() == pytest.approx([50, 50])
    assert at.loc["day_28", "ci_low"] < 50 < at.loc["day_28", "ci_high"]
    assert "earlier_28" in at.index


def test_shares_between_scores_are_bridged_to_those_by_day_and_need_as_many_at_risk(
    sample,
):
    found = sample_answer("durability_intervals")
    counts = count(derive(sample))
    at = found.table.set_index("key")
    for day in (28, 56):
        assert at.loc[f"day_{day}", "at_first_score"] == pytest.approx(
            100 * estimate_survival(counts).estimate[day]
        )
        assert at.loc[f"day_{day}", "at_risk"] == counts.at_risk[day]
    assert "dates a loss at the first of the scores" in found.text
    days = np.arange(7, 91, 7)
    scores = np.full((20, len(days)), 10.0)
    scores[:10, 6:] = np.nan  # scored to day 42 after the first: ten are watched longer
    few = durability_intervals(clinic(scores, days))
    assert few.table.loc[few.table["kind"] == "share", "day"].unique().tolist() == [28]
    assert "fewer than 11 people could still be counted 56 days later" in few.text


def test_inside_a_box_only_bounds_are_given():
    days = np.array([7, 21, 49, 70])
    scores = np.array([[10, 10, 10, 10]] * 30 + [[10, 10, 11, 11]] * 30, float)
    at = durability_intervals(clinic(scores, days)).table.set_index("key")
    assert at.loc["day_28", ["least", "most"]].tolist() == pytest.approx([50, 100])
    assert np.isnan(at.loc["day_28", "estimate"])
    assert "between 50 % and 100 %" in durability_intervals(clinic(scores, days)).text


def test_recalled_figures_are_never_shown_by_default():
    assert all(figure.standing != "recalled" for figure in published_durability())
    assert len(published_durability(recalled=True)) == len(PUBLISHED_DURABILITY)
    assert {
        (figure.day, figure.percent)
        for figure in published_durability()
        if figure.study == "McInnes 2022"
    } == {
        (28, 80),
        (56, 60),
    }


def test_every_estimand_has_words():
    from kettrack.figures.durability import CURVES

    assert set(ESTIMAND_NAMES) == set(CURVES) == set(ESTIMANDS)
