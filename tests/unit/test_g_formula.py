"""The week-by-week models: what they find where their own assumptions hold, and that they tell the natural course."""

import numpy as np
import pytest

from kettrack.errors import NotIdentified
from kettrack.estimators.g_formula import Weeks, fit_weeks, largest_miss, simulate_weeks


def linear_world(n, per_session, seed=1, weeks=9):
    """Scores that follow a linear model of the last score and the week's session, sessions that stop when the score is low."""
    rng = np.random.default_rng(seed)
    baseline = np.rint(rng.normal(18, 2, n))
    last, on = baseline, np.ones(n, bool)
    score, sessions = np.empty((n, weeks)), np.empty((n, weeks), np.int64)
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
    expected = -sum(0.7 ** (8 - week) for week in (3, 4, 5))  # weeks in which only the longer strategy has a session
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
    assert (simulate_weeks(weeks, models, 4, 1) == simulate_weeks(weeks, models, 4, 1)).all()


def test_replicates_are_fits_of_what_was_drawn():
    weeks = linear_world(200, per_session=1.0)
    counted = np.stack([np.ones(200, int), np.repeat([0, 2], 100)])
    fitted = fit_weeks(weeks, counted)
    half = Weeks(weeks.baseline[100:], weeks.score[100:], weeks.sessions[100:], 0, 27)
    assert fitted.next_score.shape[0] == 2
    for place, alone in enumerate((fit_weeks(weeks), fit_weeks(half))):
        assert fitted.next_score[place] == pytest.approx(alone.next_score, abs=1e-5)
    assert simulate_weeks(weeks, fitted, 3, 5).shape == (2, 200, 9)


def test_missing_scores_are_left_out_of_the_fit_and_carried_in_the_history():
    weeks = linear_world(3000, per_session=1.0)
    score = np.where(np.random.default_rng(4).random(weeks.score.shape) < 0.2, np.nan, weeks.score)
    patchy = Weeks(weeks.baseline, score, weeks.sessions, 0, 27)
    assert patchy.carried[:, 1:][~np.isnan(score)] == pytest.approx(score[~np.isnan(score)])
    assert not np.isnan(patchy.carried).any()
    models = fit_weeks(patchy)
    ends = [simulate_weeks(patchy, models, k, seed=2)[:, -1].mean() for k in (6, 3)]
    assert ends[0] - ends[1] == pytest.approx(-(0.7**5 + 0.7**4 + 0.7**3), abs=0.3)


def test_refuses_with_hardly_a_score():
    weeks = linear_world(100, per_session=1.0)
    empty = np.full(weeks.score.shape, np.nan)
    with pytest.raises(NotIdentified, match="only 0 weeks"):
        fit_weeks(Weeks(weeks.baseline, empty, weeks.sessions, 0, 27))
