"""The plasmode check of "stop after k": it finds what is true in the clinic it made, and says when
it cannot.
"""

from dataclasses import replace

import numpy as np
import pytest
from simulated import simulated_cohort, thin_clinic

from kettrack import Cohort
from kettrack.analysis.calibration.stop_after import (
    StopAfterRequest,
    run_stop_after_cohorts,
    simulated_cohorts,
    stop_after_calibration,
)
from kettrack.analysis.calibration.stop_after_clinic import (
    StopAfterClinic,
    fit_stop_after_clinic,
)
from kettrack.analysis.registry import get_question
from kettrack.analysis.stop_after.answer import stop_after
from kettrack.analysis.stop_after.rows import stop_data
from kettrack.analysis.stop_after.weights import static_following
from kettrack.errors import UsageError
from kettrack.estimators.plasmode.stopping import (
    draw_strength,
    simulate_stopping,
    true_strategy_difference,
)
from kettrack.timelines.derived import derive

NOBODY = np.full(5, np.nan)
KINDS = ("sessions", "scores", "patients", "events")


@pytest.fixture(scope="module")
def by_chance() -> Cohort:
    return simulated_cohort("E", 300, 3)


@pytest.fixture(scope="module")
def clinic(by_chance) -> StopAfterClinic:
    return fit_stop_after_clinic(derive(by_chance), stop_data(derive(by_chance)))


@pytest.fixture(scope="module")
def plain(clinic) -> StopAfterClinic:
    """Weekly sessions, the same in everybody, that never wear off; scores without limits or
    rounding.
    """
    process = replace(clinic.model.process, wear=0.0, session_sd=0.0)
    model = replace(
        clinic.model,
        process=process,
        lowest=-np.inf,
        highest=np.inf,
        whole_numbers=False,
    )
    return replace(clinic, model=model)


def forced(
    clinic: StopAfterClinic, k: int, m: int, effect: float = 1.0, day: float = 84.0
) -> float:
    rng = np.random.default_rng(1)
    return true_strategy_difference(
        clinic.model, clinic.stopping, effect, (k, m), np.array([day]), rng
    )


def test_each_session_is_one_point_where_nothing_wears_off(plain):
    assert forced(plain, 6, 3) == pytest.approx(-3.0)
    assert forced(plain, 3, 6, effect=0.5) == pytest.approx(1.5)
    assert forced(plain, 6, 3, effect=0.0) == 0.0


def test_sessions_after_the_outcome_do_not_count(plain):
    # days 21 and 28, not 35
    assert forced(plain, 6, 3, day=30.0) == pytest.approx(-2.0)


def test_what_wears_off_is_less(plain):
    worn = replace(
        plain,
        model=replace(
            plain.model, process=replace(plain.model.process, wear=np.log(2) / 7)
        ),
    )
    # that of day 14, two weeks old
    assert forced(worn, 3, 2, day=28.0) == pytest.approx(-1 / 4)


def test_scores_cannot_fall_below_the_lowest(plain):
    # near where half the people are in the end
    floored = replace(plain, model=replace(plain.model, lowest=8.0))
    assert -2.5 < forced(floored, 6, 3) < -0.5


def everybody(chance, stopping):
    """Coefficients by which nothing but the intercept decides who stops."""
    coefficients = np.zeros_like(stopping.stops)
    coefficients[0] = chance
    return coefficients


def test_the_truth_is_what_happens_when_everybody_lives_through_it(clinic):
    """Nobody leaves by themselves and nobody has more gaps than asked: the scores of the panel are
    the forced means.
    """
    model, stopping = clinic.repeated(30_000)
    nobody_leaves = replace(stopping, stops=everybody(-50.0, stopping), returns=NOBODY)
    ends = []
    for number in (6, 3):
        rules = replace(nobody_leaves, gaps=stopping.gaps[: number - 1])
        panel = simulate_stopping(model, rules, 1.0, np.random.default_rng(number))
        assert panel.session_day.size == number * model.baseline.size
        ends.append(panel.score[panel.score_day == 77])
    error = np.sqrt(sum(end.var() / end.size for end in ends))
    truth = true_strategy_difference(
        model, stopping, 1.0, (6, 3), np.array([77.0]), np.random.default_rng(9)
    )
    assert ends[0].mean() - ends[1].mean() == pytest.approx(truth, abs=4 * error)
    assert abs(truth) > 8 * error


def test_people_differ_in_what_a_session_does_as_fitted(plain):
    process = replace(plain.model.process, session=1.0, session_sd=0.5)
    drawn = draw_strength(process, 100_000, np.random.default_rng(1))
    assert drawn.mean() == pytest.approx(1, abs=0.01)
    assert drawn.std() == pytest.approx(0.5, abs=0.01)
    # where sessions do nothing the spread has no scale
    nothing = replace(process, session=-0.1)
    assert draw_strength(
        nothing, 100_000, np.random.default_rng(1)
    ).std() == pytest.approx(1, abs=0.02)


def test_nobody_goes_on_after_the_last_gap_and_nobody_stops_where_nobody_did(plain):
    rules = replace(
        plain.stopping,
        stops=everybody(-50.0, plain.stopping),
        gaps=(np.array([5.0]), np.array([9.0])),
    )
    panel = simulate_stopping(plain.model, rules, 0.0, np.random.default_rng(1))
    assert panel.session_day.reshape(-1, 3).tolist() == [[0, 5, 14]] * plain.people


def test_people_come_back_past_the_grace_and_before_the_horizon(plain):
    everybody_stops = replace(plain.stopping, stops=everybody(50.0, plain.stopping))
    always = replace(everybody_stops, returns=np.array([50.0, 0.0, 0.0, 0.0, 0.0]))
    panel = simulate_stopping(plain.model, always, 0.0, np.random.default_rng(1))
    first, second = panel.session_day.reshape(-1, 2).T
    assert (first == 0).all()
    assert second.min() > always.grace
    assert second.max() <= always.horizon
    never = replace(everybody_stops, returns=NOBODY)
    assert (
        simulate_stopping(plain.model, never, 0.0, np.random.default_rng(1)).session_day
        == 0
    ).all()


def test_days_of_scores_are_those_of_people_who_stopped_on_that_day(clinic):
    """Weekly scores end on day 77 for everybody, however early they stopped."""
    panel = simulate_stopping(
        clinic.model, clinic.stopping, 0.0, np.random.default_rng(1)
    )
    last = np.zeros(clinic.people, np.int64)
    np.maximum.at(last, panel.score_person, panel.score_day)
    assert (last == 77).mean() > 0.99


def test_a_simulated_cohort_is_like_the_one_at_hand(by_chance, clinic):
    theirs = stop_data(derive(by_chance))
    (one,) = simulated_cohorts(clinic, 0.0, 1, np.random.default_rng(2))
    data = stop_data(derive(one))
    assert data.n == theirs.n
    assert data.observed.mean() == pytest.approx(theirs.observed.mean(), abs=0.02)
    stopped = [
        np.bincount(static_following(each, False).sessions, minlength=13) / each.n
        for each in (theirs, data)
    ]
    assert np.abs(stopped[0] - stopped[1]).max() < 0.06


def test_plans_end_courses_in_the_simulated_clinic(by_chance):
    """Half of them planned four sessions and kept to it; nobody else stops."""
    ids = by_chance.patients["patient_id"]
    four = set(ids[::2])
    sessions = by_chance.sessions.iloc[:0]
    rows = [
        (who, 7 * number) for who in ids for number in range(4 if who in four else 8)
    ]
    sessions = sessions.reindex(range(len(rows))).assign(
        patient_id=[who for who, _ in rows],
        day=np.array([day for _, day in rows], np.int32),
        order=np.int32(1),
        drug="ketamine",
    )
    patients = by_chance.patients.assign(
        planned_sessions=[4 if who in four else 8 for who in ids]
    )
    planned = replace(
        by_chance,
        sessions=sessions,
        patients=patients.astype({"planned_sessions": "Int64"}),
    )
    fitted = fit_stop_after_clinic(derive(planned), stop_data(derive(planned)))
    panel = simulate_stopping(
        fitted.model, fitted.stopping, 0.0, np.random.default_rng(1)
    )
    assert np.bincount(panel.session_person).tolist() == [
        4 if who in four else 8 for who in ids
    ]


@pytest.fixture(scope="module")
def found(by_chance):
    steps = []
    result = stop_after_calibration(
        by_chance,
        3,
        1,
        recall_days=0,
        cohorts=10,
        replicates=5,
        on_step=lambda: steps.append(1),
    )
    return result, len(steps)


def test_it_finds_what_is_true_in_its_own_clinic(found):
    table = found[0].table.set_index("key")
    assert list(table.index) == [
        "stop_after_0",
        "stop_after_1",
        "unrefused_0",
        "unrefused_1",
    ]
    assert table.loc["stop_after_0", "truth"] == 0
    assert -1 < table.loc["stop_after_1", "truth"] < -0.2
    assert table["bias"].abs().max() < 0.5
    assert (table["cohorts"] == 10).all()
    assert table.loc[["unrefused_0", "unrefused_1"], "holds"].isna().all()
    assert "stopping after 3 and after 1" in found[0].text
    assert "{" not in found[0].text


def test_it_says_how_far_it_has_come(found):
    assert 0 < found[1] <= get_question("stop_after_calibration").steps


def test_the_same_stream_is_the_same_answer(clinic, found):
    asked = StopAfterRequest(3, 2, 0, 20)
    first, again = (
        run_stop_after_cohorts(
            clinic, asked, 1, 1, np.random.default_rng(7), lambda: None
        )[0]
        for _ in range(2)
    )
    for name in ("estimate", "low", "high"):
        np.testing.assert_array_equal(
            getattr(first["stop_after"], name), getattr(again["stop_after"], name)
        )
    assert found[0].made_from["seed"] == 1


def test_two_numbers_that_are_refused_are_tried_when_asked_for(by_chance):
    few = replace(by_chance, patients=by_chance.patients.iloc[:150])
    few = replace(
        few,
        **{
            name: getattr(by_chance, name)[
                lambda rows: rows["patient_id"].isin(few.patients["patient_id"])
            ].reset_index(drop=True)
            for name in ("sessions", "scores", "events")
        },
    )
    assert stop_after(few, 8, 7, recall_days=0, replicates=2).status == "refused"
    found = stop_after_calibration(few, 8, 7, recall_days=0, cohorts=2, replicates=2)
    assert found.status == "ok"
    assert "it answers in 0 of 2 cohorts" in found.text
    assert found.table.set_index("key").loc["unrefused_1", "truth"] < 0
    assert (
        stop_after_calibration(few, 8, 80, recall_days=0, cohorts=2).status == "refused"
    )


def test_a_thin_clinic_is_refused_for_the_same_reason_as_the_answer():
    sample = thin_clinic()
    found = stop_after_calibration(sample)
    assert found.status == "refused"
    assert found.reason == stop_after(sample).reason
    assert found.collect


def test_refused_where_the_clinic_cannot_be_simulated(by_chance):
    last = by_chance.sessions.groupby("patient_id")["day"].max()
    kept = by_chance.scores["day"] <= by_chance.scores["patient_id"].map(last)
    found = stop_after_calibration(
        replace(by_chance, scores=by_chance.scores[kept].reset_index(drop=True)),
        recall_days=0,
    )
    assert found.status == "refused"
    assert "after the last session" in found.collect


def test_it_needs_a_cohort(by_chance):
    for wrong in ({"cohorts": 0}, {"replicates": 0}, {"k": 0}):
        with pytest.raises(UsageError, match="at least 1"):
            stop_after_calibration(by_chance, **wrong)
