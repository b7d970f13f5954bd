"""The null cohort: a clinic whose sessions do nothing, against simulated truth, and when it is
refused.
"""

from dataclasses import replace

import numpy as np
import pytest
from simulated import simulated_cohort

from kettrack import Cohort, load_cohort, sample_folder
from kettrack.analysis.response.exits import first_course_exits
from kettrack.analysis.response.plasmode import (
    fit_plasmode,
    null_cohort,
    panel_cohort,
    repeat_people,
)
from kettrack.errors import NotIdentified
from kettrack.estimators.plasmode.clinic import (
    PlasmodeModel,
    draw_later,
    draw_start,
    simulate_plasmode,
)
from kettrack.estimators.plasmode.latent_severity import (
    ScoreSeries,
    fit_score_process,
)
from kettrack.timelines.derived import derive

# Share who respond by week 8 when all go on and sessions do nothing: 400,000 people of scenario B
# forced to twelve sessions.
TRUE_NULL = 0.607


def responded_by(cohort: Cohort, session: int) -> float:
    exits = first_course_exits(derive(cohort))
    return float(((exits["cause"] == 1) & (exits["step"] <= session)).mean())


def nobody_stops(model: PlasmodeModel, cohort: Cohort, effect: float = 0.0) -> Cohort:
    model = repeat_people(model, 1_200)
    never = np.full_like(model.attendance.stops, np.nan)
    model = replace(model, attendance=replace(model.attendance, stops=never))
    return panel_cohort(
        simulate_plasmode(model, effect, np.random.default_rng(5)),
        model,
        derive(cohort),
    )


@pytest.fixture(scope="module")
def helped() -> Cohort:
    return simulated_cohort("A", 800, 11)


@pytest.fixture(scope="module")
def model(helped) -> PlasmodeModel:
    return fit_plasmode(derive(helped))


def test_where_sessions_do_nothing_the_null_is_the_curve():
    real = simulated_cohort("B", 800, 12)
    null = null_cohort(derive(real), simulated=1_200)
    for session in (3, 6, 8):
        assert responded_by(null, session) == pytest.approx(
            responded_by(real, session), abs=0.05
        )


def test_where_sessions_help_the_null_finds_what_would_have_happened(helped, model):
    assert responded_by(nobody_stops(model, helped), 8) == pytest.approx(
        TRUE_NULL, abs=0.05
    )
    assert (
        responded_by(null_cohort(derive(helped), simulated=1_200), 8)
        < responded_by(helped, 8) - 0.08
    )


def test_a_point_per_session_raises_the_curve(helped, model):
    assert (
        responded_by(nobody_stops(model, helped, effect=1.0), 8)
        > responded_by(nobody_stops(model, helped), 8) + 0.1
    )


def test_the_null_cohort_keeps_people_plans_and_the_pace():
    sample = load_cohort(sample_folder())
    null = null_cohort(derive(sample), simulated=1_000)
    exits = first_course_exits(derive(sample)).set_index("patient_id")
    people = exits.index[exits["step"] > 0]
    planned = sample.patients.set_index("patient_id").loc[people, "planned_sessions"]
    times = len(null.patients) / len(people)
    assert times == int(times)
    assert (
        null.patients["planned_sessions"].value_counts().to_dict()
        == (planned.value_counts() * int(times)).to_dict()
    )
    gaps = null.sessions.groupby("patient_id")["day"].diff().dropna()
    real = sample.sessions.groupby("patient_id")["day"].diff()
    assert set(gaps) <= set(real.dropna())
    assert null.scores["score"].between(0, 27).all()
    assert (null.scores["score"] % 1 == 0).all()


def test_the_same_seed_is_the_same_cohort_and_another_is_not(helped):
    first, again, other = (
        null_cohort(derive(helped), simulated=500, seed=seed) for seed in (1, 1, 2)
    )
    assert first.scores.equals(again.scores)
    assert not first.scores.equals(other.scores)


def test_refused_without_scores_after_stopping(helped):
    last = helped.sessions.groupby("patient_id")["day"].max()
    kept = helped.scores["day"] <= helped.scores["patient_id"].map(last)
    silent = replace(helped, scores=helped.scores[kept].reset_index(drop=True))
    with pytest.raises(
        NotIdentified, match="0 pairs of scores without a session in between"
    ) as refused:
        null_cohort(derive(silent))
    assert "after the last session" in refused.value.collect


def test_the_course_of_severity_is_found_again():
    """Simulated by other code than the one that fits: weekly scores, half the people treated for
    twelve weeks, half three.
    """
    rng = np.random.default_rng(3)
    n = 1_500
    level = rng.normal(10, 4, n)
    severity = rng.normal(17, 3, n)
    own = rng.normal(1.0, 0.3, n)
    weeks = np.where(np.arange(n) % 2, 12, 3)
    lifted = np.zeros(n)
    scores = [severity + rng.normal(0, 2, n)]
    sessions = [np.zeros(n)]
    for week in range(1, 13):
        severity = severity + 0.3 * (level - severity) + rng.normal(0, 1, n)
        lifted = 0.85 * lifted + own * (week <= weeks)
        scores.append(severity - lifted + rng.normal(0, 2, n))
        sessions.append((week <= weeks).astype(float))
    shape = (13, n)
    series = ScoreSeries(
        np.array(scores), np.full(shape, 7.0), np.array(sessions), np.zeros(shape)
    )
    found = fit_score_process(series)
    assert found.session == pytest.approx(1.0, abs=0.15)
    assert found.level == pytest.approx(10, abs=0.6)
    assert found.error_sd == pytest.approx(2, abs=0.2)
    assert np.exp(-7 * found.drift) == pytest.approx(0.7, abs=0.07)
    assert np.exp(-7 * found.wear) == pytest.approx(0.85, abs=0.06)


def test_drawn_people_drift_to_their_level(model):
    process = model.process
    rng = np.random.default_rng(1)
    severity, level = draw_start(process, np.full(20_000, 20.0), rng)
    later = draw_later(process, severity, level, np.full(20_000, 10_000.0), rng)
    assert later.mean() == pytest.approx(level.mean(), abs=0.1)
    assert severity.mean() < 20  # regression to the mean
