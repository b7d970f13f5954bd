"""One more session: what can be worked out by hand, where it must refuse, and the words it uses."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from simulated import enter, simulated
from spec.tables import cohort

from kettrack import Cohort, load_cohort, sample_folder
from kettrack.analysis.next_session.answer import next_session
from kettrack.analysis.next_session.decisions import HISTORY, decision_points
from kettrack.analysis.next_session.diagnostics import (
    e_values,
    negative_control,
    overlap,
)
from kettrack.analysis.next_session.outcome_model import (
    crude_difference,
    fit_trials,
    history_columns,
    overlap_weighted_difference,
)
from kettrack.analysis.next_session.trials import Trials, find_trials
from kettrack.analysis.next_session.unscored import (
    probability_scored,
    require_can_be_scored,
    require_even_weights,
    require_scored_people,
    scored_before_arm_is_known,
    unscored_bounds,
    waiting_weights,
)
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.regression.least_squares import fit_bias_reduced
from kettrack.privacy.policies import POLICIES
from kettrack.timelines.derived import derive
from kettrack.trials.next_session import with_left_out_measure
from kettrack.vocabulary.days import (
    NEXT_SESSION_GRACE_DAYS,
    NEXT_SESSION_WINDOW_DAYS,
)
from kettrack.vocabulary.instruments import PHQ9

BANNED = (
    "effect of number of sessions",
    "proved",
    "significant",
    "dose-response",
    "needed",
)


def trials_with(arm, outcome, patient=None, since=None, **history) -> Trials:
    """Trials with these columns of the history; the others are missing."""
    n = len(arm)
    columns = np.column_stack(
        [history.get(name, np.full(n, np.nan)) for name in HISTORY]
    )
    nothing = np.full(n, np.nan)
    no = np.zeros(n, bool)
    return Trials(
        patient=np.arange(n) if patient is None else patient,
        session=np.ones(n, int),
        day=np.zeros(n, int),
        arm=np.asarray(arm, bool),
        history=columns,
        outcome=np.asarray(outcome, float),
        after=np.full(n, 21.0),
        received=np.asarray(arm, float),
        stopped=~np.asarray(arm, bool),
        died=no,
        admitted=no,
        left_out_measure=nothing,
        settled=np.full(n, NEXT_SESSION_GRACE_DAYS),
        since=np.full((n, NEXT_SESSION_GRACE_DAYS), np.nan) if since is None else since,
        latest=nothing,
        sessions_since=np.zeros(n, int),
        sessions_in_window=np.zeros(n, int),
        grace=np.full(n, NEXT_SESSION_GRACE_DAYS),
    )


def clinic(name: str, n: int, seed: int = 5, left_out: bool = False) -> Cohort:
    made = simulated(name, n, seed)
    return enter(with_left_out_measure(made) if left_out else made)


@pytest.fixture(scope="module")
def sample() -> Cohort:
    return load_cohort(sample_folder())


@pytest.fixture(scope="module")
def weekly() -> Cohort:
    return clinic("A", 200, left_out=True)


@pytest.fixture(scope="module")
def answer(weekly):
    return next_session(weekly, recall_days=0)


def test_the_mean_is_over_all_who_were_eligible_not_where_the_arms_overlap():
    """Two scores; a session takes 1 point off at the first and 5 at the second, where hardly
    anybody pauses.
    """
    score = np.repeat([10.0, 20.0], 200)
    arm = np.r_[np.arange(200) < 100, np.arange(200) < 160]
    wobble = np.tile([-1.0, 1.0], 200)
    trials = trials_with(
        arm, score - np.where(score == 10, 1, 5) * arm + wobble, score=score
    )
    found = fit_trials(trials)
    assert found.difference().estimate == pytest.approx(-3)
    assert found.difference(score == 20).estimate == pytest.approx(-5)
    # without history x arm each score counts by its share x share: 200 x 1/4 against 200 x 4/25
    assert overlap_weighted_difference(found).estimate == pytest.approx(
        -(1 * 50 + 5 * 32) / 82
    )
    # and as it stands: 7.9 points apart by the scores alone
    assert crude_difference(trials).estimate == pytest.approx(
        ((9 * 100 + 15 * 160) / 260) - ((10 * 100 + 20 * 40) / 140)
    )


@settings(max_examples=20)
@given(st.floats(-4, 4), st.floats(-0.3, 0.3), st.integers(0, 9))
def test_a_difference_that_is_linear_in_the_history_is_found_exactly(
    level, slope, seed
):
    rng = np.random.default_rng(seed)
    score = rng.normal(12, 4, 300)
    before = rng.normal(14, 4, 300)
    arm = rng.random(300) < 0.5
    outcome = (
        2 + 0.5 * score + 0.2 * before + 0.01 * score**2 + arm * (level + slope * score)
    )
    trials = trials_with(
        arm, outcome, score=score, score_squared=score**2 / 10, previous_score=before
    )
    assert fit_trials(trials).difference().estimate == pytest.approx(
        level + slope * score.mean(), abs=1e-6
    )


def test_missing_outcomes_are_stood_for_by_those_like_them():
    """Of those at a score of 20 half are missing, so each that is there counts twice."""
    score = np.repeat([10.0, 20.0], 400)
    arm = np.tile([True, False], 400)
    outcome = np.where(np.arange(800) % 4 < 2, np.nan, score)
    outcome[:400] = 10
    trials = trials_with(arm, outcome, score=score)
    chance = probability_scored(trials, history_columns(trials)[0])
    weights = np.where(trials.observed, 1 / chance, 0)
    assert weights[score == 20].sum() == pytest.approx(400, rel=1e-3)
    assert sorted(set(np.round(weights[score == 20], 2))) == [0, 2]
    assert weights[:400] == pytest.approx(np.ones(400), abs=1e-3)


def test_a_column_that_does_not_vary_and_a_value_that_is_missing_say_nothing():
    history, modifiers = history_columns(
        trials_with(
            [1, 0, 1],
            [1, 2, 3],
            score=[8, 10, 12],
            score_squared=[6.4, 10, 14.4],
            dose_mg=[40, np.nan, 60],
        )
    )
    assert history[:, [0, 2]].tolist() == [[-2, -10], [0, 0], [2, 10]]
    assert (history.shape, modifiers.tolist()) == ((3, 3), history[:, [0, 2]].tolist())


def test_scores_within_the_grace_that_decide_are_taken_out():
    """Known truth: a session takes .7 off, and who comes is decided by a score that the history at
    t0 does not hold.
    """
    rng = np.random.default_rng(4)
    n = 12_000
    state = rng.normal(0, 1, n)
    score = 12 + state + rng.normal(0, 1, n)
    later = 12 + 2 * state + rng.normal(0, 1, n)
    arm = rng.random(n) < 1 / (1 + np.exp(-0.5 * (later - 12)))
    outcome = 12 + 2 * state - 0.7 * arm + rng.normal(0, 1, n)
    since = np.where(
        np.arange(1, NEXT_SESSION_GRACE_DAYS + 1) > 3, later[:, None], np.nan
    )
    trials = trials_with(arm, outcome, score=score, since=since)
    weights = waiting_weights(trials, history_columns(trials)[0])
    assert weights.mean() == pytest.approx(1, abs=0.03)
    assert fit_trials(trials, weighted_for_wait=False).difference().estimate > 0
    weighted = fit_trials(trials).difference()
    assert weighted.low < -0.7 < weighted.high
    assert weighted.high < -0.4


def test_scores_within_the_grace_that_decide_nothing_leave_every_weight_near_one():
    rng = np.random.default_rng(6)
    since = np.where(
        np.arange(1, NEXT_SESSION_GRACE_DAYS + 1) > 3,
        rng.normal(12, 3, 4000)[:, None],
        np.nan,
    )
    trials = trials_with(
        rng.random(4000) < 0.6,
        rng.normal(10, 3, 4000),
        score=rng.normal(12, 3, 4000),
        since=since,
    )
    assert scored_before_arm_is_known(trials).all()
    assert waiting_weights(trials, history_columns(trials)[0]) == pytest.approx(
        np.ones(4000), abs=0.2
    )


def test_bias_reduced_errors_of_a_mean_are_those_of_the_patient_means():
    """Equal numbers of rows, intercept only: the variance of a mean of means, n - 1 in the
    denominator.
    """
    y = np.array([1.0, 3, 2, 6, 7, 11])
    patient = np.array([4, 4, 9, 9, 1, 1])
    found = fit_bias_reduced(np.ones((6, 1)), y, patient)
    assert found.error[0] ** 2 == pytest.approx(np.var([2, 4, 9], ddof=1) / 3)


def test_bias_reduced_errors_are_hc2_where_every_patient_has_one_row():
    """Numbers of statsmodels 0.15, `OLS(y, x).fit(cov_type="HC2")`."""
    x = np.column_stack(
        [np.ones(8), [0, 1, 2, 3, 4, 5, 6, 14], [1, 0, 0, 1, 1, 0, 1, 0]]
    )
    y = [1.0, 2.5, 2.0, 4.5, 3.0, 7.0, 4.0, 12.0]
    found = fit_bias_reduced(x, y, np.arange(8))
    assert found.error == pytest.approx([0.84683072, 0.05746321, 0.93611705], rel=1e-6)


def test_bias_reduced_errors_do_not_depend_on_the_order_or_on_the_size_of_weights():
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(60), rng.normal(size=60)])
    y = rng.normal(size=60)
    w = rng.uniform(1, 3, 60)
    patient = rng.integers(0, 15, 60)
    order = rng.permutation(60)
    found = fit_bias_reduced(x, y, patient, w)
    again = fit_bias_reduced(x[order], y[order], patient[order], 7 * w[order])
    assert again.covariance == pytest.approx(found.covariance)


def test_bias_reduced_errors_need_two_patients():
    with pytest.raises(NotIdentified, match="1 patients"):
        fit_bias_reduced(np.ones((3, 1)), [1, 2, 3], [1, 1, 1])


def test_thirty_people_of_each_arm_must_be_scored():
    wobble = np.tile([0.0, 1.0], 100)
    arm = np.arange(200) < 100
    unscored = np.where(np.arange(200) < 171, wobble, np.nan)
    scored = trials_with(arm, unscored, score=10 + wobble)
    with_71 = replace(scored, outcome=np.where(np.arange(200) < 130, wobble, np.nan))
    require_scored_people(with_71)
    with_29 = replace(scored, outcome=np.where(np.arange(200) < 129, wobble, np.nan))
    with pytest.raises(NotIdentified, match="29 patients who had none"):
        require_scored_people(with_29)


def test_somebody_must_be_able_to_stand_for_the_unscored():
    """Of those who went on, 11 % have a chance of 4 %; 10 % would pass."""
    arm = np.arange(200) < 100
    trials = trials_with(arm, np.ones(200), score=np.ones(200))
    chance = np.where(np.arange(200) < 10, 0.04, 0.9)
    require_can_be_scored(
        trials.with_outcome(np.where(chance < 0.5, np.nan, 1)), chance
    )
    chance[10] = 0.04
    with pytest.raises(NotIdentified, match="11 % of the decisions of those who had"):
        require_can_be_scored(trials, chance)


def test_bounds_of_the_unscored_by_hand():
    """Half of each arm is unscored, the SD of the outcome is 4: worse by 2 moves an end by 1."""
    n = 400
    arm = np.tile([True, False], n // 2)
    outcome = np.tile([6.0, 6.0, 14.0, 14.0, np.nan, np.nan, np.nan, np.nan], n // 8)
    trials = trials_with(arm, outcome, score=np.tile([9.0, 11.0], n // 2))
    bounds = unscored_bounds(trials, np.zeros((n, 0)), -3.0, -1.0, 1)
    assert (bounds.low, bounds.high) == pytest.approx((-4, 0), abs=1e-3)
    assert bounds.worse_by == pytest.approx(2)
    assert bounds.tipping == pytest.approx(2, abs=1e-3)
    assert np.isnan(unscored_bounds(trials, np.zeros((n, 0)), -3.0, 1.0, 1).tipping)


def test_too_few_in_an_arm_and_too_little_overlap_refuse():
    wobble = np.tile([0.0, 1.0], 60)
    with pytest.raises(NotIdentified, match="29 patients who had none"):
        fit_trials(trials_with(np.arange(120) >= 29, wobble, score=10 + wobble))
    score = np.r_[np.full(90, 4.0), np.full(30, 20.0)] + wobble / 10
    settled = np.r_[np.arange(90) < 2, np.arange(30) >= 2]
    with pytest.raises(NotIdentified, match="could have gone either way"):
        fit_trials(trials_with(settled, score, score=score))


def test_e_values_by_hand():
    """RR = exp(.91 d), E = RR + sqrt(RR (RR - 1)); an interval that holds 0 needs no reason at all
    to reach it.
    """
    assert e_values(np.log(2) / 0.91 * 3, -1, 8, 3) == pytest.approx(
        (3.41, 1), abs=0.01
    )
    assert e_values(-2, -3, -np.log(1.5) / 0.91, 1)[1] == pytest.approx(2.37, abs=0.01)


def test_a_measure_left_out_speaks_only_of_what_the_history_does_not_hold():
    rng = np.random.default_rng(8)
    known, hidden = rng.normal(size=(2, 2000))
    measure = known + hidden + rng.normal(size=2000)
    who = np.arange(2000)
    history = known[:, None]
    by_known = negative_control(
        measure, rng.random(2000) < 1 / (1 + np.exp(-known)), history, who
    )
    by_hidden = negative_control(
        measure, rng.random(2000) < 1 / (1 + np.exp(-hidden)), history, who
    )
    assert (by_known.fires, by_hidden.fires) == (False, True)
    # residual variance 2 of 3
    assert by_known.detectable == pytest.approx(2.8 * np.sqrt(2 / 500 / 3), rel=0.1)
    assert negative_control(np.full(2000, np.nan), known > 0, history, who) is None


def test_overlap_counts_both_edges():
    assert overlap([0.05, 0.95, 0.0499, 0.9501]) == 50


def test_the_table_holds_the_answer_and_what_would_change_it(answer):
    table = answer.table.set_index("key")
    assert answer.status == "ok"
    assert table["about"]["next_session"].startswith("one more session")
    assert (
        table["ci_low"]["next_session"]
        < table["estimate"]["next_session"]
        < table["ci_high"]["next_session"]
    )
    parts = table.loc[[key for key in table.index if key.startswith("session_")]]
    weighted = parts["estimate"] @ parts["trials"] / parts["trials"].sum()
    # the groups make up the whole
    assert weighted == pytest.approx(table["estimate"]["next_session"])
    assert (
        table["trials"][["on_score", "off_score"]].sum()
        == table["trials"]["next_session"]
    )
    # nobody comes back within 3 days here
    assert table["note"]["half_grace"].endswith("of each kind are necessary.")
    # no score came while a decision was open: there is nothing to weight for
    assert table["estimate"]["unweighted"] == table["estimate"]["next_session"]
    assert table["estimate"]["off_sessions"] == 0


def test_no_decision_is_lost_in_silence(weekly, answer):
    table = answer.table.set_index("key")
    left_out = table.loc[
        [key for key in table.index if key.startswith("left_out_")], "trials"
    ].sum()
    assert left_out + table["trials"]["next_session"] == len(
        decision_points(derive(weekly)).day
    )


def test_with_the_recall_of_the_instrument_it_is_going_on_versus_pausing(weekly):
    found = next_session(weekly)
    table = found.table.set_index("key")
    assert table["estimate"]["on_day"] == 21
    assert table["about"]["next_session"].startswith("going on versus pausing")
    assert "the others 0.0" in found.text


def test_the_sign_words_follow_the_estimate(answer):
    table = answer.table.set_index("key")
    found = table.loc["next_session"]
    way = "lower" if found["estimate"] < 0 else "higher"
    assert f"{abs(found['estimate']):.1f} points {way}" in answer.text
    assert (found["size_low"], found["size_high"]) == pytest.approx(
        (-found["ci_high"], -found["ci_low"])
    )


def test_a_hidden_reason_is_said_in_the_answer_itself():
    found = next_session(clinic("F", 400, left_out=True), recall_days=0)
    assert "must not be read as what a session does" in found.text


@pytest.mark.parametrize("policy", POLICIES)
def test_words_and_policies(weekly, policy):
    found = next_session(
        replace(weekly, settings=replace(weekly.settings, policy=policy)), recall_days=0
    )
    assert "{" not in found.text + repr(found)
    said = " ".join(
        [
            found.text,
            found.estimand,
            *found.caveats,
            *found.table["about"],
            *found.table["note"].fillna(""),
        ]
    ).lower()
    assert not [word for word in BANNED if word in said]


def test_it_refuses_where_stopping_ends_the_scores():
    found = next_session(clinic("silent", 200), recall_days=0)
    assert found.status == "refused"
    assert "too few have an outcome" in found.reason
    assert "also for those who stop coming" in found.collect


def test_a_clinic_that_recorded_almost_nothing_is_refused():
    found = next_session(cohort("patient | day | score\n a | -1 | 20\n a | 7 | 9"))
    assert found.status == "refused"
    assert "nobody can tell who stopped and who went on" in found.reason


def test_scores_at_visits_only_are_not_the_next_assessment_of_everyone():
    found = next_session(clinic("J70", 300), recall_days=0)
    assert found.status == "refused"
    assert "not scored at the same time" in found.reason
    assert next_session(clinic("J70", 300)).status == "ok"


def test_a_recall_that_is_not_confirmed_is_assumed_as_14_days_and_said(weekly):
    unconfirmed = replace(PHQ9, recall_days=None)
    chosen = replace(weekly.settings, user_instruments=(unconfirmed,))
    assumed = next_session(replace(weekly, settings=chosen))
    assert_frame_equal(assumed.table, next_session(weekly, recall_days=14).table)
    said = (
        "How far back PHQ-9 looks is not confirmed; 14 days are assumed, unless"
        " recall_days says otherwise."
    )
    assert said in assumed.caveats[0]


@pytest.mark.parametrize("grace", [8, 10])
def test_words_read_the_grace_and_the_recall_that_were_asked_for(weekly, grace):
    recall = 3
    found = next_session(weekly, recall_days=recall, grace_days=grace)
    assert f"within {grace} days" in found.estimand
    start = grace + recall
    said = " ".join(found.caveats)
    assert f"from day {start} to day {start + NEXT_SESSION_WINDOW_DAYS}" in said
    about = found.table.set_index("key")["about"]
    assert f"within {grace // 2} days" in about["half_grace"]
    assert f"within {2 * grace} days" in about["double_grace"]


def test_days_that_make_no_sense(sample):
    with pytest.raises(UsageError, match="grace of at least 1 day"):
        next_session(sample, grace_days=0)


def test_the_order_of_patients_changes_nothing(weekly):
    trials = find_trials(decision_points(derive(weekly)), NEXT_SESSION_GRACE_DAYS, 0)
    order = np.random.default_rng(1).permutation(len(trials.arm))
    one = fit_trials(trials).difference()
    other = fit_trials(trials.take(order)).difference()
    assert (one.estimate, one.low) == pytest.approx((other.estimate, other.low))


@pytest.mark.parametrize(("largest", "refused"), [(10.0, False), (40.0, True)])
def test_weights_that_leave_little_of_an_arm_are_refused(largest, refused):
    """Of 100 decisions, half of them without a session, one of these counts `largest` times."""
    arm = np.repeat([True, False], 50)
    trials = SimpleNamespace(observed=np.ones(100, bool), arm=arm)
    weights = np.append(np.ones(99), largest)
    if not refused:
        require_even_weights(trials, weights)
        return
    with pytest.raises(NotIdentified, match="who had none count like 10 % of their"):
        require_even_weights(trials, weights)
