"""The plasmode check: it finds what is true in the clinic it made, and says when it cannot."""

from dataclasses import replace

import numpy as np
import pytest
from simulated import simulated_cohort, thin_clinic

from kettrack import Cohort, estimate
from kettrack.analysis.calibration import next_session, stop_after_clinic
from kettrack.analysis.calibration.next_session import calibration_check
from kettrack.analysis.response import benchmark
from kettrack.analysis.response.plasmode import fit_plasmode, repeat_people
from kettrack.errors import UsageError
from kettrack.estimators.plasmode.clinic import PlasmodeModel
from kettrack.estimators.plasmode.one_decision import DecisionByLot, true_difference
from kettrack.timelines.derived import derive

NEVER = np.full(7, np.nan)


@pytest.fixture(scope="module")
def helped() -> Cohort:
    return simulated_cohort("A", 300, 3)


@pytest.fixture(scope="module")
def plain(helped) -> PlasmodeModel:
    """Weekly sessions, nobody leaves by themselves, nothing wears off, scores without limits or
    rounding.
    """
    model = repeat_people(fit_plasmode(derive(helped)), 3_000)
    attendance = replace(model.attendance, gaps=np.array([7.0]), stops=NEVER)
    process = replace(model.process, wear=0.0)
    return replace(
        model,
        process=process,
        attendance=attendance,
        lowest=-np.inf,
        highest=np.inf,
        whole_numbers=False,
        planned=np.full(model.planned.shape, 12),
        longest_gap=np.full(model.planned.shape, 10.0),
    )


def decision(model: PlasmodeModel, **changes) -> DecisionByLot:
    usual = {
        "grace": 7,
        "fresh": np.inf,
        "looked_at": 7.5,
        "latest": np.full(model.baseline.size, 1e9),
    }
    return DecisionByLot(**(usual | changes))


def settled(model: PlasmodeModel, effect: float = 1.0, **changes) -> float:
    return true_difference(
        model, effect, decision(model, **changes), np.random.default_rng(1)
    )


def test_one_session_is_one_point_where_nothing_else_happens(plain):
    assert settled(plain) == pytest.approx(-1.0)
    assert settled(plain, effect=0.5) == pytest.approx(-0.5)
    assert settled(plain, effect=0.0) == 0.0


def test_sessions_after_it_count_until_it_is_looked_at(plain):
    # only the decision after session 1, on day 0
    latest = np.full(plain.baseline.size, 0.0)
    assert settled(plain, looked_at=21.5, latest=latest) == pytest.approx(-3.0)
    assert settled(plain, looked_at=20.5, latest=latest) == pytest.approx(-2.0)


def test_what_wears_off_is_less(plain):
    worn = replace(plain, process=replace(plain.process, wear=np.log(2) / 7))
    # that of day 7, a week old; that of day 14 is yet to come
    assert settled(worn, looked_at=14) == pytest.approx(-1 / 2)


def test_scores_cannot_fall_below_the_lowest(plain):
    floored = replace(plain, lowest=10.0)  # near where half the people are in the end
    assert -0.8 < settled(floored) < -0.05


def test_old_scores_and_late_decisions_are_no_trial(plain):
    assert np.isnan(settled(plain, latest=np.full(plain.baseline.size, -1.0)))


def test_it_finds_what_is_true_in_its_own_clinic(helped):
    table = calibration_check(helped, recall_days=0, cohorts=20).table.set_index("key")
    assert table.loc["next_session_0", "truth"] == 0
    assert abs(table.loc["next_session_0", "bias"]) < 0.15
    assert abs(table.loc["next_session_1", "bias"]) < 0.15
    assert -1.05 < table.loc["next_session_1", "truth"] < -0.7
    assert table.loc["next_session_1", "holds"] >= 80
    assert table.loc["adjusted_slope_0", "holds"] < 30
    assert (table["cohorts"] == 20).all()
    zero = table.loc["next_session_0"]
    assert zero["bias_error"] == pytest.approx(zero["sd"] / np.sqrt(20))
    # 19 of 20 is 75.1 to 99.9 % (Clopper-Pearson), and no share is narrower
    assert zero["holds_high"] - zero["holds_low"] > 16
    assert zero["holds_low"] < zero["holds"] <= zero["holds_high"]


def test_a_handful_of_answers_is_counted_and_nothing_is_told_of_it(helped):
    found = calibration_check(helped, recall_days=0, cohorts=9)
    row = found.table.set_index("key").loc["next_session_0"]
    assert (row["answers"], row["cohorts"]) == (9, 9)
    assert row[["estimate", "bias", "holds", "tells"]].isna().all()
    assert "it answers in 9 of 9 cohorts" in found.text
    assert "told from 10 answers on" in found.text


def test_the_same_seed_is_the_same_answer(helped):
    first, again = (
        calibration_check(helped, recall_days=0, cohorts=1, seed=7) for _ in range(2)
    )
    assert first.table.equals(again.table)
    assert first.made_from["seed"] == 7


def test_refused_cohorts_are_counted_and_said():
    found = calibration_check(thin_clinic(), cohorts=12)
    refused = found.table.set_index("key")["refused"]
    assert refused["next_session_0"] > 0
    assert "refused" in found.text or "refuses" in found.text
    assert "unrecorded reason" in " ".join(found.caveats)


def test_refused_where_the_clinic_cannot_be_simulated(helped):
    last = helped.sessions.groupby("patient_id")["day"].max()
    kept = helped.scores["day"] <= helped.scores["patient_id"].map(last)
    found = calibration_check(
        replace(helped, scores=helped.scores[kept].reset_index(drop=True))
    )
    assert found.status == "refused"
    assert "after the last session" in found.collect
    assert (
        calibration_check(helped, grace_days=1).reason
        == "nobody had another session within 1 days."
    )


def test_it_needs_a_cohort(helped):
    with pytest.raises(UsageError, match="at least 1"):
        calibration_check(helped, cohorts=0)


@pytest.mark.parametrize("name", ["calibration", "stop_after_calibration"])
def test_of_many_people_some_are_simulated_and_said(helped, monkeypatch, name) -> None:
    for module in (next_session, stop_after_clinic):
        monkeypatch.setattr(module, "MOST_SIMULATED", 100)
    changes = {"cohorts": 2} | (
        {"k": 4, "m": 3, "replicates": 2} if "stop" in name else {}
    )
    found = estimate(name, helped, **changes)
    assert set(found.table["n"]) == {100}
    said = "\n".join(found.caveats)
    assert "100 of the 300 people" in said
    assert "fitted to everybody. With all 300 people" in said


def test_of_very_many_people_some_are_learnt_from_and_said(helped, monkeypatch) -> None:
    monkeypatch.setattr(benchmark, "MOST_LEARNT_FROM", 200)
    monkeypatch.setattr(next_session, "MOST_SIMULATED", 100)
    found = estimate("calibration", helped, cohorts=2)
    said = "\n".join(found.caveats)
    assert "100 of the 300 people" in said
    assert "fitted to 200 people drawn by chance. With all 300 people" in said


def test_where_people_are_few_all_of_them_are_simulated(helped) -> None:
    found = calibration_check(helped, cohorts=2)
    assert set(found.table["n"]) == {300}
    assert "in each cohort an" not in "\n".join(found.caveats)
