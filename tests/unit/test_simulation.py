"""The generator: forced regimes give the known truths, chance is shared between regimes, tables
obey the vocabulary.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated import simulated, simulated_cohort

from kettrack.errors import UsageError
from kettrack.reading.load import load_cohort
from kettrack.simulation.cohort import Simulated, simulate
from kettrack.simulation.cohort_files import write_cohort_folder
from kettrack.simulation.detail import DETAIL, ROUTES
from kettrack.simulation.history import run
from kettrack.simulation.outcomes import weekly_scores
from kettrack.simulation.parameters import NaturalCourse, Screening, StopRule
from kettrack.simulation.presets import CLINIC, CLINIC_NULL, SCENARIOS
from kettrack.simulation.session_records import (
    draw_doses,
    draw_planned_gaps,
    draw_vitals,
)
from kettrack.simulation.truth import force_truth
from kettrack.vocabulary.columns import TABLES
from kettrack.vocabulary.instruments import INSTRUMENTS

A = SCENARIOS["A"]
B = SCENARIOS["B"]
ITEMS = [f"item_{i}" for i in range(1, 10)]


@pytest.fixture(scope="module")
def clinic() -> Simulated:
    return simulated("clinic", 1500, 3)


# Truths of the weekly process with 400,000 people and the regime forced.
def test_forced_truth_of_scenario_a() -> None:
    truth = force_truth(A, 40_000, seed=5, kinds=("stop_after", "response"))
    contrast = truth["stop_after_8_minus_3"]
    response = truth["response_by_8"]
    assert contrast.value == pytest.approx(-1.369, abs=3 * contrast.error + 0.005)
    assert response.value == pytest.approx(0.778, abs=3 * response.error + 0.001)
    assert contrast.error < 0.01


def test_forced_truth_of_the_null() -> None:
    truth = force_truth(B, 40_000, seed=5, kinds=("stop_after", "response"))
    # the same chance whatever the regime
    assert truth["stop_after_8_minus_3"].value == 0
    assert truth["response_by_8"].value == pytest.approx(
        0.607, abs=3 * truth["response_by_8"].error + 0.001
    )


@pytest.mark.parametrize(
    ("scenario", "by_8"),
    [("A", 0.730), ("B", 0.549), ("C", 0.697), ("D", 0.842), ("E", 0.778)],
)
def test_plain_survival_curve_is_off_as_predicted(scenario: str, by_8: float) -> None:
    """Stopping on the score must bite as hard as in the published table: response by session 8,
    stoppers censored.
    """
    history = run(SCENARIOS[scenario], 20_000, seed=2)
    scores = weekly_scores(history)
    sessions = np.bincount(history.sessions.who, minlength=20_000)
    still = 1.0
    unresponded = np.ones(20_000, bool)
    for week in range(1, 9):
        at_risk = unresponded & (sessions >= week)
        responds = at_risk & (scores[:, week] <= 0.5 * scores[:, 0])
        still *= 1 - responds.sum() / at_risk.sum()
        unresponded &= ~responds
    assert 1 - still == pytest.approx(by_8, abs=0.02)


@pytest.mark.parametrize("parameters", [A, CLINIC], ids=["weekly", "clinic"])
def test_a_regime_forces_the_number_of_sessions(parameters: object) -> None:
    history = run(
        replace(CLINIC if parameters is CLINIC else A, open_days=0, last_day=200),
        200,
        seed=1,
        regime=9,
    )
    assert (np.bincount(history.sessions.who) == 9).all()


def test_regimes_share_their_chance_until_they_part() -> None:
    three, eight = (simulated("A", 50, 4, regime=k).scores for k in (3, 8))
    same = three.day <= 14  # the third session
    pd.testing.assert_frame_equal(three[same], eight[same])
    assert (eight.score[~same] <= three.score[~same]).all()


def test_same_seed_same_cohort_and_another_seed_another() -> None:
    one, again, other = (simulate(CLINIC, 100, seed) for seed in (3, 3, 4))
    for name in (*TABLES, "people", "severity"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(again, name))
    assert not one.patients.equals(other.patients)


def test_what_a_test_changes_in_a_cached_cohort_reaches_no_other() -> None:
    for make in (simulated, simulated_cohort):
        scores = make("A", 40, 1).scores
        scores.loc[:, "score"] = 99
        assert make("A", 40, 1).scores["score"].max() <= 27


def test_a_weekly_stopper_is_scored_to_the_end() -> None:
    history = run(A, 300, seed=1)
    assert (np.bincount(history.scores.who) == 13).all()
    assert np.bincount(history.sessions.who).min() < 12


def test_without_effect_the_truth_is_the_natural_course() -> None:
    truth = simulate(replace(CLINIC_NULL, last_day=120), 100, seed=1).severity
    pd.testing.assert_series_equal(truth.severity, truth.natural, check_names=False)


def test_every_column_keeps_to_the_vocabulary(clinic: Simulated) -> None:
    for name, table in TABLES.items():
        frame = getattr(clinic, name)
        assert list(frame.columns) == [
            column for column in table.names if column in frame
        ]
        for column in (column for column in table.columns if column.name in frame):
            cells = frame[column.name].dropna()
            if column.kind == "choice":
                assert set(cells) - {""} <= set(column.allowed), column.name
            if column.low is not None:
                assert cells.between(column.low, column.high).all(), column.name
    assert set(TABLES["sessions"].names) == set(clinic.sessions.columns)
    assert set(TABLES["patients"].names) == set(clinic.patients.columns)


def test_items_add_up_or_the_total_is_missing(clinic: Simulated) -> None:
    phq9 = clinic.scores[clinic.scores.instrument == "PHQ-9"]
    complete = phq9.score.notna()
    items = phq9[ITEMS].astype("Float64")
    assert (items[complete].sum(axis=1) == phq9.score[complete]).all()
    assert items[complete].isin([0, 1, 2, 3]).all(axis=None)
    assert (items[~complete].isna().sum(axis=1) == 1).all()
    assert 0 < (~complete).mean() < 0.03


def test_scores_stay_on_their_scale(clinic: Simulated) -> None:
    for name, rows in clinic.scores.groupby("instrument"):
        assert (
            rows.score.dropna()
            .between(INSTRUMENTS[str(name)].minimum, INSTRUMENTS[str(name)].maximum)
            .all()
        )
    assert set(clinic.scores.instrument) == {"PHQ-9", "GAD-7", "MADRS"}


def test_nothing_lies_outside_the_time_in_view(clinic: Simulated) -> None:
    seen = clinic.patients.set_index("patient_id").observed_to_day
    assert (seen % 7 == 0).all()
    for table in (clinic.sessions, clinic.scores, clinic.events):
        assert (table.day <= table.patient_id.map(seen)).all()
    assert (clinic.sessions.groupby("patient_id").day.min() == 0).all()
    assert clinic.scores.day.min() >= -14
    assert not clinic.sessions.duplicated(["patient_id", "day"]).any()
    assert not clinic.scores.duplicated(
        ["patient_id", "instrument", "day", "timing"]
    ).any()


def test_every_kind_of_patient_is_there(clinic: Simulated) -> None:
    patients = clinic.patients.set_index("patient_id")
    scored = patients.index.isin(clinic.scores.patient_id)
    assert 0.005 < (~scored).mean() < 0.05
    assert {
        "well",
        "not_helped",
        "cost",
        "side_effects",
        "access",
        "moved",
        "unknown",
    } <= set(patients.stop_reason.dropna())
    assert 0.01 < (patients.prior_sessions > 0).mean() < 0.06
    assert set(patients.planned_sessions) == {4, 6, 8}
    assert {"medication_change", "hospitalisation", "lost_to_follow_up"} <= set(
        clinic.events.event
    )
    assert set(clinic.sessions.route) == set(ROUTES)
    later = clinic.scores.day > clinic.scores.patient_id.map(
        clinic.sessions.groupby("patient_id").day.max()
    )
    assert later.mean() > 0.1  # also scored after stopping
    returns = run(CLINIC, 1500, seed=3).sessions
    assert (returns.phase == 2).any()


def test_people_stop_on_what_was_measured() -> None:
    """Only the slope on the score separates those who leave because they are well from the
    others.
    """
    by_score = run(
        replace(A, stops=(StopRule(reason="well", alpha=-2.0, beta=2.0),)), 3000, seed=1
    )
    by_chance = run(
        replace(A, stops=(StopRule(reason="other", alpha=-1.0),)), 3000, seed=1
    )
    gaps = []
    for history in (by_score, by_chance):
        after_first = weekly_scores(history)[:, 1]
        gone = np.bincount(history.sessions.who, minlength=3000) == 1
        gaps.append(after_first[gone].mean() - after_first[~gone].mean())
    assert gaps[0] < -3
    assert abs(gaps[1]) < 0.5


def test_dose_raises_blood_pressure_and_route_decides_on_dissociation(
    clinic: Simulated,
) -> None:
    sessions = clinic.sessions[
        clinic.sessions.systolic_peak.notna() & (clinic.sessions.route == "iv")
    ]
    rise = (sessions.systolic_peak - sessions.systolic_before).astype(float)
    slope = np.polyfit(sessions.dose_mg / sessions.weight_kg, rise, 1)[0]
    assert slope == pytest.approx(18, abs=4)
    noted = clinic.sessions.adverse_events.str.contains("dissociation").astype(float)
    rates = noted.groupby(clinic.sessions.route).mean()
    assert rates["iv"] > rates["im"] > rates["intranasal"] > rates["sublingual"]


def test_one_group_is_scored_less_and_sites_are_alike(clinic: Simulated) -> None:
    patients = clinic.patients.set_index("patient_id")
    phq9 = clinic.scores[clinic.scores.instrument == "PHQ-9"]
    rate = phq9.groupby("patient_id").size().reindex(patients.index).fillna(0) / (
        patients.observed_to_day / 28
    )
    means = rate.groupby(patients.ethnicity == "hispanic").mean()
    assert means[True] < 0.8 * means[False]
    sites = rate.groupby(patients.site).mean()
    assert sites.max() < 1.15 * sites.min()


def test_of_all_items_little_interest_falls_first(clinic: Simulated) -> None:
    scores = clinic.scores[clinic.scores["instrument"] == "PHQ-9"]
    # The answer on suicidality has rules of its own.
    answers = scores[ITEMS[:8]].astype(float)
    day = scores["day"]
    before = answers[day <= 0].mean()
    early = (answers[(day > 0) & (day <= 14)].mean() - before) / before
    late = (answers[day > 120].mean() - before) / before
    others_early = early.drop("item_1")
    assert early["item_1"] < others_early.min() - 0.08
    # Later on it has fallen about as far as the others, neither most nor least.
    assert late.drop("item_1").min() < late["item_1"] < late.drop("item_1").max()


def test_a_written_folder_goes_through_the_front_door(tmp_path: Path) -> None:
    made = simulated("A", 40, 1)
    paths = write_cohort_folder(made, tmp_path / "a", extract="synthetic, scenario A")
    assert all(path.is_file() for path in paths)
    cohort = load_cohort(tmp_path / "a")
    assert cohort.settings.extract == "synthetic, scenario A"
    assert len(cohort.sessions) == len(made.sessions)
    assert len(cohort.scores) == len(made.scores)


def test_refusals() -> None:
    with pytest.raises(UsageError, match="at least one patient"):
        simulate(A, 0, seed=1)
    with pytest.raises(UsageError, match="at least one session"):
        simulate(A, 5, seed=1, regime=0)
    with pytest.raises(UsageError, match="pass the screening of 'A'"):
        simulate(
            replace(
                A, natural=NaturalCourse(start_mean=0.0), screening=Screening(lowest=25)
            ),
            5,
            seed=1,
        )


def test_no_vital_sign_lies_beyond_what_the_reader_takes() -> None:
    """Among many thousands of sessions one would: the clinic must still load."""
    usual = DETAIL.safety
    wild = replace(usual, systolic=(usual.systolic[0], 80.0, 40.0))
    n = 400
    sessions = run(CLINIC, n, 1).sessions
    route = np.full(n, "iv", dtype=object)
    rng = np.random.default_rng(1)
    given = draw_doses(sessions, route, np.full(n, 80.0), wild, rng)
    vitals = draw_vitals(given, wild, rng)
    assert vitals["systolic_before"].min() == 60
    assert vitals["systolic_peak"].max() == 300


def test_no_planned_day_lies_beyond_what_the_reader_takes() -> None:
    sessions = run(CLINIC, 400, 1).sessions
    # Two years and more between two sessions of one person, as happens in a large clinic.
    rare = replace(sessions, day=sessions.day * 40)
    planned = draw_planned_gaps(rare, DETAIL.plans, np.random.default_rng(1))
    assert np.nanmax(planned) == 730
    assert np.nanmin(planned) >= 1
