"""Strategies, their weights and contrasts as arrays; what is refused; the result."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import simulated_cohort

from kettrack import Cohort, cohort_from_frames
from kettrack.analysis.stop_after.answer import stop_after
from kettrack.analysis.stop_after.checks import (
    MEAN_WEIGHT,
    comparable,
    in_time,
    pair_of,
    pairs_in_order,
    require_scores_at_horizon,
    require_support,
    require_window,
)
from kettrack.analysis.stop_after.comparisons import weigh_arms
from kettrack.analysis.stop_after.rows import stop_data
from kettrack.analysis.stop_after.table import estimands
from kettrack.analysis.stop_after.weights import (
    STEPS,
    NearlyCertain,
    Pair,
    contrasts,
    final_weights,
    nearly_certain,
    replicate_contrasts,
    static_following,
)
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.causal.stop_strategies import (
    Following,
    GapRows,
    following_probability,
    observed_chance,
    possible_rows,
    session_hazard,
    share_following,
    smooth_means,
    stop_after_last,
    weighted_mean,
)
from kettrack.estimators.causal.weights import describe_weights
from kettrack.timelines.derived import derive
from kettrack.trials.run import part_cohort

BANNED = (
    "effect of number of sessions",
    "dose-response",
    "proved",
    "significant",
    "needed",
)


def clinic(name, n, seed=3):
    return simulated_cohort(name, n, seed)


@pytest.fixture(scope="module")
def by_chance() -> Cohort:
    return clinic("E", 500)


@pytest.fixture(scope="module")
def data(by_chance):
    return stop_data(derive(by_chance))


def one_bin(sessions, people):
    """Rows of patients with so many sessions, one bin of grace after each, nothing known of
    them.
    """
    patient = np.repeat(np.arange(people), sessions)
    number = np.concatenate([np.arange(1, s + 1) for s in sessions])
    n = len(patient)
    went_on = number < np.asarray(sessions)[patient]
    return GapRows(
        patient,
        number,
        np.zeros(n, int),
        np.ones(n, bool),
        went_on,
        np.ones(n, bool),
        np.zeros((n, 0)),
        people,
    )


def test_weights_are_one_where_half_of_those_there_stop_at_every_session():
    # of 8, 4 and 2 half go on, and nobody beyond 4
    sessions = np.array([1, 1, 1, 1, 2, 2, 3, 4])
    rows = one_bin(sessions, 8)
    rows = rows.take(possible_rows(rows))
    assert rows.session.max() == 3
    following = stop_after_last(rows, sessions, np.ones(8, bool))
    chance = following_probability(rows, session_hazard(rows), following)
    assert chance == pytest.approx([0.5] * 4 + [0.25] * 2 + [0.125] * 2)
    assert share_following(following.sessions) / chance == pytest.approx(1)


def test_going_on_may_happen_in_any_bin_of_the_grace():
    # Patient 0 has two sessions with two bins after each, the second bin unreached after the first
    # session.
    rows = GapRows(
        patient=np.zeros(4, int),
        session=np.array([1, 1, 2, 2]),
        bin=np.array([0, 1, 0, 1]),
        at_risk=np.array([True, False, True, True]),
        event=np.array([True, False, False, False]),
        in_grace=np.ones(4, bool),
        history=np.zeros((4, 0)),
        people=1,
    )
    hazard = np.array([0.5, 0.2, 0.1, 0.3])
    following = stop_after_last(rows, np.array([2]), np.ones(1, bool))
    # 1 - .5 x .8, then .9 x .7
    assert following_probability(rows, hazard, following) == pytest.approx([0.6 * 0.63])
    # A rule that stopped them in the first gap, halfway through the second bin, before anybody
    # came:
    cut = Following(
        np.array([2]),
        np.zeros(4, bool),
        np.zeros(4),
        np.array([0, 0.5, np.nan, np.nan]),
    )
    expected = (1 - 0.5 * 0.8) / (1 - 0.8**0.5)
    assert following_probability(rows, hazard, cut) == pytest.approx([expected])


def test_replicates_are_the_single_fit_of_what_was_drawn(data):
    pair = Pair(6, 3, False, 12)
    counted = np.stack([np.ones(data.n, int), np.arange(data.n) % 3])
    both = contrasts(data, pair, counted)
    once = contrasts(data, pair)
    alone = contrasts(data, pair, counted[1:])
    for name, values in both.items():
        assert values[0] == pytest.approx(float(once[name]), abs=1e-8)
        assert values[1] == pytest.approx(alone[name][0], abs=1e-8)


def test_the_same_strategy_twice_differs_by_exactly_nothing(data):
    found = contrasts(data, Pair(5, 5, False, 12))
    assert {
        float(found[name]) for name in ("smooth", "strict", "other", "dynamic")
    } == {0.0}


def test_where_chance_decides_weights_are_about_one_and_the_model_is_the_crude_regression(
    data,
):
    following = static_following(data, usual_care=False)
    weights = final_weights(data, following, session_hazard(data.rows), np.ones(data.n))
    assert weights.mean() == pytest.approx(1, abs=0.05)
    assert weights.max() < 3
    crude = np.polynomial.Polynomial.fit(data.sessions, data.outcome, 2)
    found = contrasts(data, Pair(8, 3, False, 12))
    assert float(found["smooth"]) == pytest.approx(crude(8) - crude(3), abs=0.5)


def test_order_and_copies_of_patients_change_nothing(by_chance, data):
    pair = Pair(6, 3, False, 12)
    frames = {}
    for name in ("sessions", "scores", "patients", "events"):
        frame = getattr(by_chance, name).copy()
        frame["patient_id"] = "Z" + (
            999 - frame["patient_id"].str[1:].astype(int)
        ).astype(str)
        frames[name] = frame
    turned = contrasts(stop_data(derive(cohort_from_frames(**frames))), pair)
    once = contrasts(data, pair)
    four_times = contrasts(data, pair, np.full((1, data.n), 4))
    for name, value in once.items():
        assert float(turned[name]) == pytest.approx(float(value), abs=1e-7)
        assert float(four_times[name][0]) == pytest.approx(float(value), abs=1e-7)


@given(st.lists(st.floats(0.1, 10), min_size=5, max_size=20), st.floats(0.1, 100))
def test_means_take_weights_times_a_constant(weights, times):
    w = np.array(weights)
    k = np.arange(len(w)) % 5 + 1
    y = (7.0 * k) % 11
    assert smooth_means(k, y, times * w, (2, 4)) == pytest.approx(
        smooth_means(k, y, w, (2, 4)), abs=1e-6
    )
    assert float(weighted_mean(y, times * w)) == pytest.approx(
        float(weighted_mean(y, w))
    )


@given(st.lists(st.integers(1, 6), min_size=2, max_size=12), st.integers(0, 2**31))
def test_following_is_a_probability(sessions, seed):
    rows = one_bin(np.array(sessions), len(sessions))
    hazard = np.random.default_rng(seed).uniform(0, 1, len(rows.session))
    followed = np.arange(len(sessions)) % 2 == 0
    chance = following_probability(
        rows, hazard, stop_after_last(rows, np.array(sessions), followed)
    )
    assert ((chance >= 0) & (chance <= 1)).all()
    assert (chance[~followed] == 1).all()


def test_missing_outcomes_are_made_up_for_by_those_alike():
    x = np.column_stack([np.ones(12), np.repeat([0.0, 1.0], 6)])
    observed = np.array([True] * 6 + [True, True, False, False, False, False])
    chance = observed_chance(x, observed, np.ones(12, bool))
    assert chance[6:] == pytest.approx([1 / 3] * 6, abs=1e-6)
    outcome = np.repeat([4.0, 10.0], 6)
    assert float(weighted_mean(outcome, observed / chance)) == pytest.approx(
        7, abs=1e-5
    )


def test_what_is_compared_where_nobody_says():
    nearest = pairs_in_order((1, 2, 3, 4, 5, 6, 7), None, None)
    assert nearest[:6] == ((6, 3), (6, 2), (7, 3), (5, 3), (6, 4), (6, 1))
    assert len(nearest) == 21
    assert pairs_in_order((1, 2, 4), None, None) == ((4, 2), (4, 1), (2, 1))
    assert pairs_in_order((1, 2, 4), None, 2) == ((4, 2), (1, 2))
    assert pairs_in_order((1, 2, 4), 4, None) == ((4, 2), (4, 1))
    assert pairs_in_order((3, 4, 6), None, 6) == ((3, 6), (4, 6))
    assert pairs_in_order((3, 4, 6), 3, None) == ((3, 6), (3, 4))
    assert pairs_in_order((2, 5), 5, 2) == ((5, 2),)
    for allowed, k, m in (((3,), None, None), ((), None, None), ((3, 6), 5, 3)):
        with pytest.raises(NotIdentified):
            pairs_in_order(allowed, k, m)
    with pytest.raises(UsageError, match="k and m must differ, and both are 3"):
        pairs_in_order((3, 6), 3, 3)


@pytest.fixture(scope="module")
def by_symptoms() -> Cohort:
    """Who feels bad goes on, and some reasons are not recorded: few stop after 3 who could speak
    for the others.
    """
    return clinic("F", 600, 4)


def test_the_first_pair_that_the_weights_carry_is_taken(by_symptoms):
    found = stop_after(by_symptoms, replicates=10)
    first = found.table.set_index("key").loc["stop_after"]
    assert (found.status, first["k"], first["m"]) == ("ok", 5, 2)
    assert any(
        "5 against 2 was taken in place of 6 against 3" in caveat
        for caveat in found.caveats
    )
    refused = stop_after(by_symptoms, 5, 3, replicates=10)
    assert (refused.status, "for stopping after 3" in refused.reason) == (
        "refused",
        True,
    )


def test_outcomes_do_not_choose_what_is_compared(by_symptoms):
    data = stop_data(derive(by_symptoms))
    other = replace(
        data, outcome=np.where(data.observed, 27.0 * (np.arange(data.n) % 2), np.nan)
    )
    for asked in ((None, None), (None, 3), (4, None)):
        assert pair_of(other, asked, False, 14) == pair_of(data, asked, False, 14)


def test_where_no_pair_is_carried_the_nearest_is_refused():
    steered = clinic("I", 600, 3)
    data = stop_data(derive(steered))
    pair = pair_of(data, (None, None), False, 14)
    assert (pair.k, pair.m) == (6, 3)
    assert weigh_arms(data, pair).refusals["stop_after"] is not None


def test_only_numbers_that_are_over_in_time_are_compared(data):
    assert in_time(data, 0) == tuple(range(1, 13))  # session 12 is on day 77 = 84 - 7
    assert in_time(data, 14) == tuple(range(1, 11))
    following = static_following(data, usual_care=False)
    stopped = np.bincount(data.sessions)
    assert comparable(data, following, 14) == tuple(
        k for k in range(1, 11) if stopped[k] >= 30
    )


def test_refuses_where_nearly_everybody_does_the_same(data):
    sessions = np.array([6] * 95 + [3] * 5)
    rows = one_bin(sessions, 100)
    rows = rows.take(possible_rows(rows))
    made = replace(data, rows=rows, sessions=sessions)
    hazard = np.where(rows.session == 3, 0.95, 0.995)
    certain = nearly_certain(made, Pair(6, 3, False, 6), hazard)
    # sessions 1, 2, 4, 5, not the planned end at 6
    share = (100 * 2 + 95 * 2) / (100 * 3 + 95 * 3)
    assert certain == NearlyCertain(
        pytest.approx(share), pytest.approx(share), 0.0, (1, 2, 4, 5), ()
    )
    with pytest.raises(NotIdentified, match="nearly certain"):
        require_support(certain)
    require_support(NearlyCertain(0.1))


def test_a_refusal_says_what_everybody_did_and_where():
    first = NearlyCertain(0.36, 0.3, 0.06, (1, 2), (4,))
    with pytest.raises(NotIdentified) as said:
        require_support(first)
    assert said.value.reason == (
        "36 % of the decisions were nearly certain; at most 10 % is allowed. In 30 % the estimated"
        " chance of going on was above 98 %: nobody stopped after 1 or 2 sessions. In 6 % it was"
        " below 2 %, as at a planned end: nobody went on after 4 sessions. Where everybody does the"
        " same, there is nobody to compare with."
    )
    with pytest.raises(NotIdentified) as said:
        require_support(NearlyCertain(0.36, 0.36, 0.0, (1,)))
    assert "nobody stopped after 1 session." in said.value.reason
    assert "planned end" not in said.value.reason


def test_a_number_that_cannot_be_compared_says_which_of_the_reasons_holds(data):
    most = int(data.sessions.max())
    late = next(k for k in range(1, most + 1) if k not in in_time(data, 14))
    few = replace(data, sessions=np.where(data.sessions == 2, 3, data.sessions))
    for made, number, words in (
        (data, most + 1, f"nobody had {most + 1} sessions by day 84"),
        (data, late, f"of the people who had {late} sessions had them before"),
        (few, 2, "fewer than 30 people had exactly 2 sessions, and no later one"),
    ):
        with pytest.raises(NotIdentified) as said:
            pair_of(made, (number, 4), False, 14)
        assert words in said.value.reason
        assert "fewer than" in said.value.reason or "nobody" in said.value.reason


def test_refuses_where_hardly_anybody_is_scored_and_never_by_a_share(data):
    """11 people of each number are scored; then 10 of one of them."""
    following = static_following(data, usual_care=False)
    early = np.flatnonzero((data.sessions == 3) & data.observed)
    outcome = data.outcome.copy()
    outcome[early[11:]] = np.nan
    require_scores_at_horizon(replace(data, outcome=outcome), following, 6, 3)
    outcome[early[10:]] = np.nan
    with pytest.raises(NotIdentified, match="10 who stopped after 3; at least 11"):
        require_scores_at_horizon(replace(data, outcome=outcome), following, 6, 3)


def test_the_result_and_its_words(by_chance):
    steps = []
    found = stop_after(
        by_chance, recall_days=0, replicates=60, on_step=lambda: steps.append(1)
    )
    table = found.table.set_index("key")
    assert found.status == "ok"
    assert len(steps) == STEPS
    first = table.loc["stop_after"]
    assert (first["k"], first["m"]) == (6, 3)
    data = stop_data(derive(by_chance))
    in_time_stopped = int((data.sessions <= 12).sum())
    # in this clinic nobody comes back
    exactly = {number: int((data.sessions == number).sum()) for number in (3, 6)}
    assert first["n"] == in_time_stopped
    assert table.loc[["strict", "strict_k", "strict_m"], "n"].tolist() == [
        sum(exactly.values()),
        exactly[6],
        exactly[3],
    ]
    assert table.loc["cohort", "followers"] == table.loc["g_formula", "n"] == 500
    assert (table["followers"] <= table["n"])[
        table["n"].notna() & table["followers"].notna()
    ].all()
    assert not [caveat for caveat in found.caveats if "mean weight" in caveat.lower()]
    assert first["ci_low"] < first["estimate"] < first["ci_high"]
    assert first["ess"] == table.loc[["window_k", "window_m"], "ess"].min()
    strict = table["estimate"]["strict_k"] - table["estimate"]["strict_m"]
    if table["status"]["strict"] == "ok":
        assert table["estimate"]["strict"] == pytest.approx(strict)
    assert "stopped after 6 sessions instead of after 3" in found.text
    assert f"{first['estimate']:.2f} points" in found.text
    said = (
        found.text + found.estimand + " ".join(found.caveats) + " ".join(table["about"])
    ).lower()
    assert not [word for word in BANNED if word in said]


def test_a_refusal_is_a_row_with_its_reason(by_chance):
    found = stop_after(clinic("I", 500), 4, 2, recall_days=0, replicates=20)
    assert found.status == "refused"
    first = found.table.set_index("key").loc["stop_after"]
    assert (first["status"], first["reason"]) == ("refused", found.reason)
    assert np.isnan(first["estimate"])
    assert found.collect
    small = stop_after(next(part_cohort(by_chance, 60)), 6, 3)
    assert small.status == "refused"
    assert list(small.table["key"])[:2] == ["stop_after", "left_out_no_baseline"]
    assert "stopping after 6 cannot be compared" in small.text


def test_a_handful_of_people_is_refused_in_words():
    with pytest.raises(
        NotIdentified,
        match="for stopping after 8 is only 10 people; at least 50 are",
    ):
        require_window(describe_weights(np.ones(10)), 8, 3)
    with pytest.raises(
        NotIdentified,
        match="One person carries 6 % of the weight for stopping after 3",
    ):
        require_window(describe_weights(np.append(np.ones(150), 10)), 3, 8)
    require_window(describe_weights(np.ones(50)), 8, 3)


@pytest.mark.parametrize(
    ("limit", "value", "weights", "said"),
    [
        ("FEWEST_EFFECTIVE_PEOPLE", 60, np.ones(55), "at least 60 are required"),
        ("LARGEST_WEIGHT_SHARE", 3.0, np.append(np.ones(90), 3), "at most 3 %"),
    ],
)
def test_a_refusal_reads_the_limit_in_force(monkeypatch, limit, value, weights, said):
    summary = describe_weights(weights)
    require_window(summary, 8, 3)
    monkeypatch.setattr(f"kettrack.analysis.stop_after.checks.{limit}", value)
    with pytest.raises(NotIdentified, match=said):
        require_window(summary, 8, 3)


def test_a_refusal_never_names_the_limit_as_what_was_found(data):
    almost = np.append(np.ones(49), 0.84)  # 49.84 squared over 49.7056 is 49.97
    with pytest.raises(
        NotIdentified, match=r"only 49\.9 people; at least 50 are required"
    ):
        require_window(describe_weights(almost), 8, 3)
    with pytest.raises(
        NotIdentified, match=r"carries 5\.3 % .* at most 5 % is allowed"
    ):
        # 11.015 / 211.015 is 5.22 %
        require_window(describe_weights(np.append(np.ones(200), 11.015)), 8, 3)


def test_a_mean_weight_far_from_1_is_said(by_chance, monkeypatch):
    monkeypatch.setattr(
        "kettrack.analysis.stop_after.answer.MEAN_WEIGHT", (0.999, 1.001)
    )
    found = stop_after(by_chance, recall_days=0, replicates=5)
    assert any(
        "stopped around 6 and 3 sessions is outside" in caveat
        for caveat in found.caveats
    )
    assert found.status == "ok"
    assert MEAN_WEIGHT == (0.9, 1.1)


def test_each_row_says_what_may_follow_the_last_session(by_chance):
    none = "no session afterwards"
    care = "usual care afterwards"
    for rule, own, other in (("none", none, care), ("usual_care", care, none)):
        found = stop_after(by_chance, recall_days=0, replicates=5, after_stop=rule)
        about = found.table.set_index("key")["about"]
        assert all(
            own in about[key]
            for key in ("stop_after", "strict", "strict_k", "strict_m")
        )
        assert other in about["other_rule"]
        assert none in about["dynamic"]
        assert none in about["g_formula"]
        assert ("experimental" in found.estimand) == (rule == "usual_care")
        assert all(("experimental" in words) == (care in words) for words in about)


@pytest.mark.parametrize(
    ("scenario", "why"),
    [
        ("steered", "scores are taken between sessions"),
        ("J0", "scores depend on attendance"),
        ("irregular", "sessions are unevenly spaced"),
        ("A", ""),
        ("silent", "scores depend on attendance"),
    ],
)
def test_irregular_visits_make_the_rule_by_remission_experimental(scenario, why):
    data = stop_data(derive(clinic(scenario, 300)))
    assert why in data.irregular
    assert bool(why) == bool(data.irregular)
    words = estimands(Pair(6, 3, False, 12), data.irregular)
    assert ("experimental here" in words["dynamic"]) == bool(why)
    assert "experimental" not in words["stop_after"]


def test_nobody_scored_after_stopping(by_chance):
    last = by_chance.scores["patient_id"].map(
        by_chance.sessions.groupby("patient_id")["day"].max()
    )
    in_care = by_chance.scores[by_chance.scores["day"] <= last].reset_index(drop=True)
    found = stop_after(replace(by_chance, scores=in_care), 4, 2, recall_days=0)
    assert found.status == "refused"
    assert "nobody was scored after the last session" in found.reason


def test_replicates_come_in_order_and_families(data):
    pair = Pair(6, 3, False, 12)
    few, more = (
        replicate_contrasts(data, pair, (r, 1), ("static",))["smooth"] for r in (3, 5)
    )
    assert few == pytest.approx(more[:3], abs=1e-8)


def test_many_people_are_bootstrapped_by_some_of_them(monkeypatch):
    """Intervals of 1,600 people from 800 of them, by one step of the fit, are about as wide as from
    all by fits.
    """
    many = stop_data(derive(clinic("E", 1_600)))
    pair = Pair(6, 3, False, 12)
    of_all = replicate_contrasts(many, pair, (200, 1), ("static",))
    middle = contrasts(many, pair, None, ("static",))
    monkeypatch.setattr("kettrack.analysis.stop_after.weights.MOST_REWEIGHTED", 800)
    of_some = replicate_contrasts(many, pair, (200, 1), ("static",))
    assert of_some.keys() == of_all.keys()
    for name in ("smooth", "strict", "strict_k", "strict_m"):
        assert of_some[name].std() == pytest.approx(of_all[name].std(), rel=0.25)
        near = 0.3 * of_all[name].std()
        assert of_some[name].mean() == pytest.approx(middle[name], abs=near)


def test_some_of_the_people_are_as_they_were_among_all(data):
    """Counted once or not at all among all, or alone: the same contrasts."""
    chosen = np.flatnonzero(np.random.default_rng(2).random(data.n) < 0.7)
    counted = np.isin(np.arange(data.n), chosen)[None].astype(int)
    pair = Pair(6, 3, False, 12)
    among_all = contrasts(data, pair, counted)
    alone = contrasts(data.take(chosen), pair)
    for name, value in alone.items():
        assert float(value) == pytest.approx(float(among_all[name][0]), abs=1e-6)


def test_where_people_are_many_the_intervals_say_whose_they_are(by_chance, monkeypatch):
    few = stop_after(by_chance, replicates=20)
    assert "bootstrap samples of patients; every model" in " ".join(few.caveats)
    for where in ("weights", "second_opinion", "answer"):
        monkeypatch.setattr(
            f"kettrack.analysis.stop_after.{where}.MOST_REWEIGHTED", 300
        )
    many = stop_after(by_chance, replicates=20)
    assert "bootstrap samples of 300 patients drawn by chance" in " ".join(many.caveats)
    same = ["key", "n", "followers", "estimate"]
    assert many.table[same].equals(few.table[same])
    shown = few.table["ci_low"].notna()
    assert many.table["ci_low"].notna().equals(shown)


def test_usage(by_chance):
    with pytest.raises(UsageError):
        stop_after(by_chance, after_stop="some")
    with pytest.raises(UsageError):
        stop_after(by_chance, 0)
    with pytest.raises(UsageError, match="k and m must differ"):
        stop_after(by_chance, 3, 3)
    with pytest.raises(UsageError, match="a recall of at least 0 days"):
        stop_after(by_chance, recall_days=-50)
