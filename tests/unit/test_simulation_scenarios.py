"""Each scenario does what its name says, and nothing of it reaches the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated import simulated, simulated_cohort

from kettrack.cli import main
from kettrack.simulation.cohort import Simulated
from kettrack.simulation.decisions import AtMost, Fork, UsualCareAfter
from kettrack.simulation.history import run
from kettrack.simulation.outcomes import (
    confirmed_losses,
    first_responses,
    weekly_scores,
)
from kettrack.simulation.presets import SCENARIOS, TRUTH_KINDS
from kettrack.timelines.derived import derive

PEOPLE = 300


def last_sessions(made: Simulated) -> pd.Series:
    return made.sessions.groupby("patient_id").day.max()


@pytest.mark.parametrize("name", list(TRUTH_KINDS))
def test_every_scenario_goes_through_the_front_door(name: str) -> None:
    made = simulated(name, 40, 1)
    cohort = simulated_cohort(name, 40, 1)
    assert cohort.exclusions.empty
    assert len(cohort.scores) == len(made.scores)
    last = cohort.sessions.groupby("patient_id")["day"].max()
    observed = cohort.patients.set_index("patient_id")["observed_to_day"]
    # Stopping can be told from going on, but where the day of the extract ends the log.
    assert SCENARIOS[name].open_days or (observed >= last + 60).all()


@pytest.mark.parametrize("name", ["A", "capped", "side-effects"])
def test_a_planned_end_is_what_the_plan_says(name: str) -> None:
    made = simulated(name, PEOPLE, 2)
    cohort = simulated_cohort(name, PEOPLE, 2)
    as_planned = derive(cohort).first_courses["as_planned"].to_numpy()
    assert (as_planned == (made.people.stop_reason == "planned_end").to_numpy()).all()


def test_final_scores_are_missing_given_the_last_score_on_treatment() -> None:
    a, g = (simulated(name, 8_000, 3) for name in "AG")
    final = g.scores[g.scores.day == 77].patient_id
    missing = ~g.patients.patient_id.isin(final)
    kept = a.scores.merge(g.scores, how="left", indicator=True)
    assert set(kept.loc[kept["_merge"] == "left_only", "day"]) == {77}
    on = a.scores[
        (a.scores.day <= a.scores.patient_id.map(last_sessions(a)))
        & (a.scores.day < 77)
    ]
    last = (
        on.groupby("patient_id")
        .score.last()
        .reindex(g.patients.patient_id)
        .astype(float)
        .to_numpy()
    )
    at_pivot = (last > 8) & (last < 12)
    assert missing[at_pivot].mean() == pytest.approx(0.25, abs=0.03)
    assert missing[last > 14].mean() > missing[last < 6].mean() + 0.1


def test_two_week_recall_halves_what_a_session_shows() -> None:
    """A fork at session 5: one week later the score holds half of the new session only."""
    at = np.full(4_000, 5)
    differences = []
    for name in "AH":
        parameters = replace(SCENARIOS[name], stops=())
        on, off = (
            weekly_scores(run(parameters, 4_000, 4, Fork(at, goes_on)))
            for goes_on in (True, False)
        )
        differences.append((on - off)[:, 6].mean())
    assert differences[1] / differences[0] == pytest.approx(0.5, abs=0.04)


def test_a_fork_changes_nothing_before_it_and_decides_there() -> None:
    at = np.full(PEOPLE, 3)
    on, off = (
        run(SCENARIOS["A"], PEOPLE, 5, Fork(at, goes_on)) for goes_on in (True, False)
    )
    sessions = [
        np.bincount(history.sessions.who, minlength=PEOPLE) for history in (on, off)
    ]
    assert (sessions[1] <= 3).all()
    assert (sessions[0][sessions[1] == 3] > 3).all()
    assert (sessions[0] == sessions[1])[sessions[1] < 3].all()
    np.testing.assert_array_equal(weekly_scores(on)[:, :4], weekly_scores(off)[:, :4])


def test_a_fork_keeps_from_the_next_session_for_its_days_only() -> None:
    at = np.full(PEOPLE, 2)
    for goes_on in (True, False):
        history = run(SCENARIOS["irregular"], PEOPLE, 14, Fork(at, goes_on))
        days = pd.DataFrame(
            {
                "who": history.sessions.who,
                "day": history.sessions.day,
                "number": history.sessions.number,
            }
        )
        wide = days.pivot(index="who", columns="number", values="day")
        gap = (wide[3] - wide[2])[wide[2].notna()]
        if goes_on:
            assert (gap <= 7).all()
        else:
            assert (gap.dropna() > 7).all()
            assert 0.2 < gap.isna().mean() < 0.9  # some stop, some only delay


def test_at_most_ends_with_the_second_score_in_remission() -> None:
    history = run(SCENARIOS["E"], PEOPLE, 15, AtMost(8))
    total = np.bincount(history.sessions.who, minlength=PEOPLE)
    # without screening; score j comes after session j + 1
    scores = weekly_scores(history)[:, 1:]
    twice = (scores[:, :-1] <= 4) & (scores[:, 1:] <= 4)
    # the session after which it was shown
    shown = np.where(twice.any(axis=1), twice.argmax(axis=1) + 2, 99)
    assert (total[shown >= 8] == 8).all()
    early = shown < 8
    extra = (total - shown)[early]
    assert set(extra) == {0, 1}
    # the clinic's people would have come
    assert (extra == 1).mean() == pytest.approx(1 - 1 / (1 + np.exp(1.8)), abs=0.12)


def test_usual_care_brings_people_back_after_the_grace() -> None:
    history = run(SCENARIOS["returns"], PEOPLE, 16, UsualCareAfter(3))
    days = pd.DataFrame({"who": history.sessions.who, "day": history.sessions.day})
    total = days.groupby("who").size()
    assert (total >= 3).all()
    fourth = days.groupby("who").day.nth(3)
    assert len(fourth) > PEOPLE / 10
    assert (fourth > 14 + 28).all()
    assert total.max() <= 9


def test_people_who_feel_well_call_off_the_next_session() -> None:
    made = simulated("steered", PEOPLE, 17)
    last = made.scores.patient_id.map(last_sessions(made))
    told = (
        made.scores[made.scores.day == last + 4]
        .set_index("patient_id")
        .score.astype(float)
    )
    stopped = (made.patients.set_index("patient_id").stop_reason == "well").reindex(
        told.index
    )
    assert stopped.mean() > 0.5
    before = (
        made.scores[made.scores.day < last]
        .groupby("patient_id")
        .score.mean()
        .astype(float)
    )
    assert told[stopped].mean() < before.reindex(told.index)[stopped].mean() - 2


@pytest.mark.parametrize(("name", "share"), [("J0", 0.0), ("J30", 0.3), ("J70", 0.7)])
def test_scores_come_before_the_session_and_a_share_from_home(
    name: str, share: float
) -> None:
    made = simulated(name, PEOPLE, 6)
    scores = made.scores
    visits = made.sessions.set_index(["patient_id", "day"]).index
    at_visit = scores.set_index(["patient_id", "day"]).index.isin(visits)
    assert at_visit.sum() == len(visits)
    assert set(scores.timing[at_visit]) == {"before"}
    weeks_away = 14 * PEOPLE - len(visits)
    assert (~at_visit).sum() / weeks_away == pytest.approx(share, abs=0.03)


def test_capped_ends_at_six_with_scores_to_week_26() -> None:
    made = simulated("capped", PEOPLE, 7)
    sessions = made.sessions.groupby("patient_id").size()
    assert sessions.max() == 6
    assert sessions.min() < 6
    assert set(made.patients.planned_sessions) == {6}
    assert (made.scores.groupby("patient_id").day.max() == 182).all()
    everybody = simulated("durability", PEOPLE, 7).sessions.groupby("patient_id").size()
    assert (everybody == 6).all()


def test_clinics_differ_in_patients_and_in_stopping() -> None:
    made = simulated("clinics", 3_000, 8)
    site = made.patients.site.to_numpy()
    assert site[:20].tolist() != sorted(site[:20])
    level = made.people.level.groupby(site).mean()
    assert level["K6"] > level["K1"] + 3
    length = made.sessions.groupby("patient_id").size().groupby(site).mean()
    assert length["K5"] > length["K4"] + 1
    assert "site" not in simulated("A", 5, 1).patients


def test_maintenance_loses_response_at_its_half_life() -> None:
    held = SCENARIOS["maintenance"].extras.held
    assert held is not None
    history = run(SCENARIOS["maintenance"], 2_000, seed=9, regime=6)
    loss = confirmed_losses(history, 6)
    loss = loss[~np.isnan(loss)]
    assert len(loss) > 1_950
    for halvings in (0.25, 1, 2):
        days = held.protected_days + halvings * held.half_life_days
        assert (loss > days).mean() == pytest.approx(0.5**halvings, abs=0.04)


def test_maintenance_sessions_put_the_loss_off() -> None:
    made = simulated("maintenance", 800, 10)
    sessions = made.sessions.groupby("patient_id").size()
    ill = made.severity[made.severity.day == 119].set_index("patient_id").severity > 10
    assert ill[sessions == 6].mean() > ill[sessions > 8].mean() + 0.2
    gaps = made.sessions.groupby("patient_id").day.diff()[lambda gap: gap > 7]
    assert gaps.quantile(0.1) < 18 < 45 < gaps.quantile(0.95)


def test_side_effects_are_recorded_where_they_stop_people() -> None:
    made = simulated("side-effects", PEOPLE, 11)
    last = made.sessions.groupby("patient_id").adverse_events.last()
    stopped = made.patients.set_index("patient_id").stop_reason == "side_effects"
    assert stopped.sum() > 20
    assert (last[stopped] == "nausea").all()
    assert (made.sessions.adverse_events == "nausea").mean() == pytest.approx(
        1 / 12, abs=0.02
    )


def test_silent_has_no_score_after_the_last_session() -> None:
    made = simulated("silent", PEOPLE, 12)
    assert (made.scores.day <= made.scores.patient_id.map(last_sessions(made))).all()


def test_irregular_has_uneven_gaps_and_patchy_scores() -> None:
    made = simulated("irregular", PEOPLE, 13)
    gaps = made.sessions.groupby("patient_id").day.diff().dropna()
    assert set(gaps) == {3, 5, 7, 9, 11, 14, 21}
    assert set(made.scores.timing) == {"before", "after", "unknown", ""}


def test_first_response_belongs_to_the_session_before_it() -> None:
    history = run(SCENARIOS["A"], 500, seed=14, regime=12)
    table = weekly_scores(history)
    for person, session in enumerate(first_responses(history)):
        halves = np.flatnonzero(table[person, 1:] <= table[person, 0] / 2)
        assert session == (halves[0] + 1 if len(halves) else 0)


def test_the_command_names_every_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", str(tmp_path / "x"), "--scenario", "Z"])
    said = capsys.readouterr().err
    assert all(name in said for name in SCENARIOS)
    assert set(TRUTH_KINDS) <= set(SCENARIOS)
