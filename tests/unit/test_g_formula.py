"""The week-by-week models: what they find where their own assumptions hold, and that they tell the
natural course.
"""

from dataclasses import replace

import numpy as np
import pytest

from kettrack import cohort_from_frames
from kettrack.analysis.stop_after.answer import stop_after
from kettrack.analysis.stop_after.rows import stop_data
from kettrack.analysis.stop_after.second_opinion import second_opinion
from kettrack.analysis.stop_after.weights import Pair
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.g_formula import fit_weeks, largest_miss, simulate_weeks
from kettrack.estimators.causal.weekly_history import Weeks, history_before_week_0
from kettrack.simulation.cohort import simulate
from kettrack.simulation.presets import SCENARIOS
from kettrack.timelines.derived import derive


def linear_world(n, per_session, seed=1, weeks=9):
    """Scores that follow a linear model of the last score and the week's session, sessions that
    stop when the score is low.
    """
    rng = np.random.default_rng(seed)
    baseline = np.rint(rng.normal(18, 2, n))
    last = baseline
    on = np.ones(n, bool)
    score = np.empty((n, weeks))
    sessions = np.empty((n, weeks), np.int64)
    for week in range(weeks):
        sessions[:, week] = on
        last = np.rint(4 + 0.7 * last - per_session * on + rng.normal(0, 1.5, n))
        score[:, week] = last
        on = on & (rng.random(n) > 1 / (1 + np.exp(0.5 * (last - 8))))
    return Weeks(baseline, score, sessions, 0, 27)


def test_it_finds_the_contrast_of_a_linear_world_in_which_the_well_stop():
    weeks = linear_world(4000, per_session=1.0)
    models = fit_weeks(weeks)
    ends = [simulate_weeks(weeks, models, k, seed=2)[:, -1].mean() for k in (6, 3)]
    # weeks in which only the longer strategy has a session
    expected = -sum(0.7 ** (8 - week) for week in (3, 4, 5))
    assert ends[0] - ends[1] == pytest.approx(expected, abs=0.15)


def test_sessions_that_do_nothing_change_nothing():
    weeks = linear_world(4000, per_session=0.0)
    models = fit_weeks(weeks)
    ends = [simulate_weeks(weeks, models, k, seed=2)[:, -1].mean() for k in (6, 3)]
    assert ends[0] - ends[1] == pytest.approx(0, abs=0.15)


def test_it_tells_the_natural_course_and_says_where_it_does_not():
    weeks = linear_world(3000, per_session=1.0)
    simulated = simulate_weeks(weeks, fit_weeks(weeks), None, seed=3)
    miss, _ = largest_miss(weeks, simulated)
    assert miss < 0.3
    shifted = simulated.copy()
    shifted[:, 5] += 2
    miss, week = largest_miss(weeks, shifted)
    assert week == 5
    assert miss > 1.7


def test_the_same_strategy_twice_differs_by_exactly_nothing():
    weeks = linear_world(100, per_session=1.0)
    models = fit_weeks(weeks)
    assert (
        simulate_weeks(weeks, models, 4, 1) == simulate_weeks(weeks, models, 4, 1)
    ).all()


def test_replicates_are_fits_of_what_was_drawn():
    weeks = linear_world(200, per_session=1.0)
    counted = np.stack([np.ones(200, int), np.repeat([0, 2], 100)])
    fitted = fit_weeks(weeks, counted)
    half = Weeks(weeks.baseline[100:], weeks.score[100:], weeks.sessions[100:], 0, 27)
    assert fitted.next_score.shape[0] == 2
    for place, alone in enumerate((fit_weeks(weeks), fit_weeks(half))):
        assert fitted.next_score[place] == pytest.approx(alone.next_score, abs=1e-5)
    assert simulate_weeks(weeks, fitted, 3, 5).shape == (2, 200, 9)


def test_missing_scores_are_left_out_of_the_fit():
    weeks = linear_world(3000, per_session=1.0)
    score = np.where(
        np.random.default_rng(4).random(weeks.score.shape) < 0.2, np.nan, weeks.score
    )
    patchy = Weeks(weeks.baseline, score, weeks.sessions, 0, 27)
    models = fit_weeks(patchy)
    ends = [simulate_weeks(patchy, models, k, seed=2)[:, -1].mean() for k in (6, 3)]
    assert ends[0] - ends[1] == pytest.approx(-(0.7**5 + 0.7**4 + 0.7**3), abs=0.3)


def test_refuses_with_hardly_a_score():
    weeks = linear_world(100, per_session=1.0)
    empty = np.full(weeks.score.shape, np.nan)
    with pytest.raises(NotIdentified, match="only 0 weeks"):
        fit_weeks(Weeks(weeks.baseline, empty, weeks.sessions, 0, 27))


def test_a_week_without_a_score_hands_on_the_last_one_and_its_sessions():
    known = history_before_week_0(np.array([20.0]))
    told = []
    for score, given in ((np.nan, 1), (14.0, 0), (np.nan, 1), (np.nan, 2), (10.0, 1)):
        known = known.after(np.array([score]), np.array([given]))
        told.append(
            (
                known.last.item(),
                known.previous.item(),
                known.unscored.item(),
                known.before.item(),
            )
        )
    assert told == [
        (20, 20, 1, 1),
        (14, 20, 0, 1),
        (14, 14, 1, 2),
        (14, 14, 3, 4),
        (10, 14, 0, 5),
    ]
    assert known.mean.item() == pytest.approx((20 + 20 + 14 + 14 + 14 + 10) / 6)


def test_a_week_in_which_nobody_is_scored_has_no_score_in_the_simulation_either():
    weeks = linear_world(2000, per_session=1.0)
    unscored = replace(weeks, score=np.where(np.arange(9) == 0, np.nan, weeks.score))
    models = fit_weeks(unscored)
    natural = simulate_weeks(unscored, models, None, seed=3)
    assert np.isnan(natural[:, 0]).all()
    assert not np.isnan(natural[:, 1:]).any()
    assert largest_miss(unscored, natural)[0] < 0.3
    ends = [simulate_weeks(unscored, models, k, seed=2)[:, -1].mean() for k in (6, 3)]
    assert ends[0] - ends[1] == pytest.approx(-(0.7**5 + 0.7**4 + 0.7**3), abs=0.2)


def test_scored_and_simulated_as_scored_are_compared_where_only_some_are():
    weeks = linear_world(3000, per_session=1.0)
    silent = (weeks.sessions == 0) & (
        np.random.default_rng(5).random(weeks.score.shape) < 0.8
    )
    patchy = replace(weeks, score=np.where(silent, np.nan, weeks.score))
    natural = simulate_weeks(patchy, fit_weeks(patchy), None, seed=3)
    everybody = weeks.score[:, 8].mean()
    seen = patchy.score[~silent[:, 8], 8].mean()
    # who is scored differs from who is there, and the miss must not be made of that
    assert abs(seen - everybody) > 0.3
    assert largest_miss(patchy, natural)[0] < 0.3
    assert np.isnan(natural[:, 8]).mean() == pytest.approx(
        silent[:, 8].mean(), abs=0.05
    )
    assert not np.isnan(
        simulate_weeks(patchy, fit_weeks(patchy), 3, seed=3)[:, 8]
    ).any()


def test_refuses_where_nobody_was_scored_who_did_as_the_strategy_says():
    weeks = linear_world(2000, per_session=1.0)
    in_care = replace(weeks, score=np.where(weeks.sessions > 0, weeks.score, np.nan))
    models = fit_weeks(in_care)
    with pytest.raises(
        NotIdentified,
        match="nobody without a session in the last week was scored in it",
    ):
        simulate_weeks(in_care, models, 3, seed=1)
    assert not np.isnan(simulate_weeks(in_care, models, 9, seed=1)[:, -1]).any()


@pytest.fixture(scope="module")
def scored_before_visits():
    """Scenario E, scored before each session and in every week from the first on, but not after the
    first session.
    """
    at_visits = SCENARIOS["J0"]
    scoring = replace(at_visits.scoring, answers=99.0)
    clinic = replace(
        SCENARIOS["E"],
        screening=at_visits.screening,
        scoring=scoring,
        last_day=at_visits.last_day,
    )
    made = simulate(clinic, 1000, 1)
    return cohort_from_frames(made.sessions, made.scores, made.patients, made.events)


def test_a_clinic_that_scores_before_each_visit_has_a_second_opinion(
    scored_before_visits,
):
    table = stop_after(
        scored_before_visits, 6, 3, recall_days=0, replicates=20
    ).table.set_index("key")
    assert list(table.loc[["stop_after", "g_formula"], "status"]) == ["ok", "ok"]
    assert table["ci_high"]["g_formula"] < 0


def test_usual_care_has_no_second_opinion(scored_before_visits):
    data = stop_data(derive(scored_before_visits))
    pair = Pair(6, 3, usual_care=True, largest=12)
    with pytest.raises(NotIdentified, match="usual care allows later sessions"):
        second_opinion(derive(scored_before_visits), data, pair, 20, 1)
