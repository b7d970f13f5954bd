"""One more maintenance session: found where it is known, each trial at its own pace, and refused
where it cannot be told.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kettrack import cohort_from_frames
from kettrack.analysis import estimate
from kettrack.analysis.next_session.decisions import HISTORY, decision_points
from kettrack.analysis.next_session.maintenance import (
    MORE_HISTORY,
    maintenance_grace,
    maintenance_points,
    next_session_maintenance,
)
from kettrack.analysis.next_session.outcome_model import (
    fit_trials,
    history_columns,
    require_same_time,
)
from kettrack.analysis.next_session.trials import find_trials
from kettrack.analysis.next_session.unscored import waiting_weights
from kettrack.errors import NotIdentified, UsageError
from kettrack.privacy.policies import POLICIES
from kettrack.timelines.derived import derive

BANNED = (
    "effect of number of sessions",
    "proved",
    "significant",
    "dose-response",
    "needed",
)
PEOPLE = 400


def made(gap=14, more=(), chance=None, scored=None, people=PEOPLE):
    """People with a plan of two sessions, a maintenance session after `gap` days, and the next in
    time or never.

    The score of that day is 8 to 18; that of four days into the outcome's window is lower by 3, by
    2 more after a session, and an even error. `chance` of going on and of being scored follow from
    the score of the day, its day, and whether they went on.
    """
    rng = np.random.default_rng(2)
    score = rng.integers(8, 19, people)
    day = np.broadcast_to(3 + np.asarray(gap), people)
    went_on = rng.random(people) < (0.5 if chance is None else chance(score, day))
    grace = np.clip(np.floor(1.5 * (day - 3)), 14, 60).astype(int)
    there = rng.random(people) < (1.0 if scored is None else scored(score, went_on))
    rows = [("sessions", i, at) for i in range(people) for at in (0, 3, day[i])]
    rows += [
        ("sessions", i, day[i] + after)
        for i in np.flatnonzero(went_on)
        for after in (grace[i], *more)
    ]
    sessions = pd.DataFrame([row[1:] for row in rows], columns=["patient_id", "day"])
    later = score - 3 - 2 * went_on + rng.integers(-1, 2, people)
    known = [(i, -1, 20) for i in range(people)] + [
        (i, day[i], score[i]) for i in range(people)
    ]
    known += [(i, day[i] + grace[i] + 18, int(later[i])) for i in np.flatnonzero(there)]
    scores = pd.DataFrame(known, columns=["patient_id", "day", "score"]).assign(
        instrument="PHQ-9", timing="after"
    )
    patients = pd.DataFrame(
        {"patient_id": range(people), "planned_sessions": 2, "observed_to_day": 350}
    )
    return cohort_from_frames(
        *(
            frame.assign(patient_id="p" + frame["patient_id"].astype(str).str.zfill(4))
            for frame in (sessions, scores, patients)
        )
    )


def trials_of(clinic):
    points = maintenance_points(derive(clinic))
    return find_trials(points, maintenance_grace(points), 14)


@pytest.fixture(scope="module")
def answer():
    """The well stop: who goes on is decided by the score."""
    return next_session_maintenance(
        made(chance=lambda score, day: 0.15 + 0.06 * (score - 8))
    )


def test_it_finds_what_a_session_does_where_the_well_stop(answer):
    table = answer.table.set_index("key")
    found = table.loc["next_session_maintenance"]
    assert (answer.status, found["trials"], found["n"]) == ("ok", PEOPLE, PEOPLE)
    assert found["estimate"] == pytest.approx(-2, abs=0.25)
    assert found["ci_low"] < -2 < found["ci_high"]
    assert table["estimate"]["crude"] > -0.5  # as it stands those who went on are worse
    assert (
        "people in maintenance, those who had one more session scored 1.9"
        in answer.text
    )


def test_the_grace_is_printed_and_halved_and_doubled(answer):
    table = answer.table.set_index("key")
    assert table["estimate"][["grace", "grace_shortest", "grace_longest"]].tolist() == [
        21,
        21,
        21,
    ]
    assert table["note"]["half_grace"].startswith(
        "the decisions that can be used are those of 0 patients who had another"
    )
    # day 56 + 14 comes after the scores
    assert "outcome" in table["note"]["double_grace"]
    assert table["trials"][["gap_11_17", "session_1"]].tolist() == [PEOPLE, PEOPLE]
    assert "left_out_planned_end" not in table.index
    # the session that came was unscored
    assert table["trials"]["left_out_no_recent_score"] == table["trials"]["on_score"]


def test_no_decision_is_lost_in_silence(answer):
    table = answer.table.set_index("key")
    clinic = made(chance=lambda score, day: 0.15 + 0.06 * (score - 8))
    left_out = table.loc[
        [key for key in table.index if key.startswith("left_out_")], "trials"
    ].sum()
    points = maintenance_points(derive(clinic))
    assert left_out + table["trials"]["next_session_maintenance"] == len(points.day)
    assert len(points.day) + len(decision_points(derive(clinic)).day) == len(
        clinic.sessions
    )


def test_it_is_named_by_the_sessions_received():
    found = next_session_maintenance(made(more=(24, 27, 30)))
    assert found.table["about"].iloc[0].startswith("going on versus pausing")
    assert "had had 4.0 sessions, the others 0.0" in found.text


def test_arms_of_another_pace_are_not_scored_at_another_time():
    """After 40 days most go on, after 14 few: the mean day of the outcome differs by weeks, its
    place in the window not.
    """
    gap = np.where(np.arange(PEOPLE) % 2, 40, 14)
    clinic = made(gap=gap, chance=lambda score, day: np.where(day > 30, 0.75, 0.25))
    trials = trials_of(clinic)
    days = [trials.after[trials.arm == arm].mean() for arm in (True, False)]
    assert days[0] - days[1] > 15
    assert fit_trials(trials).difference().estimate == pytest.approx(-2, abs=0.25)
    later = replace(trials, after=trials.after + 4 * trials.arm)
    with pytest.raises(NotIdentified, match="not scored at the same time"):
        require_same_time(later)


def test_scores_within_a_grace_of_its_own_that_decide_are_taken_out():
    """As for the first course, with half of the graces twice as long: the share of the wait counts,
    not the day.
    """
    rng = np.random.default_rng(4)
    n = 8_000
    state = rng.normal(0, 1, n)
    score = 12 + state + rng.normal(0, 1, n)
    later = 12 + 2 * state + rng.normal(0, 1, n)
    arm = rng.random(n) < 1 / (1 + np.exp(-0.5 * (later - 12)))
    outcome = 12 + 2 * state - 0.7 * arm + rng.normal(0, 1, n)
    grace = np.where(np.arange(n) % 2, 28, 14)
    history = np.full((n, len(HISTORY) + len(MORE_HISTORY)), np.nan)
    history[:, 0] = score
    since = np.where(np.arange(1, 29) > grace[:, None] / 2, later[:, None], np.nan)
    base = trials_of(made(people=2))
    trials = replace(
        base.take(np.zeros(n, int)),
        patient=np.arange(n),
        arm=arm,
        history=history,
        outcome=outcome,
        after=grace + 15.0,
        settled=grace,
        since=since,
        grace=grace,
    )
    weights = waiting_weights(trials, history_columns(trials)[0])
    assert weights.mean() == pytest.approx(1, abs=0.03)
    assert fit_trials(trials, weighted_for_wait=False).difference().estimate > 0
    weighted = fit_trials(trials).difference()
    assert weighted.low < -0.7 < weighted.high < -0.3


def test_where_stopping_thins_the_scores_it_answers_with_bounds_and_without_any_it_refuses():
    thin = next_session_maintenance(
        made(scored=lambda score, went_on: np.where(went_on, 1.0, 0.3))
    )
    rows = thin.table.set_index("key")
    assert thin.status == "ok"
    assert "without one were up to" in thin.text
    # those who paused may all be worse: the answer could be that much lower
    assert rows["ci_low"]["unscored_worse"] < rows["ci_low"]["next_session_maintenance"]
    none = next_session_maintenance(
        made(scored=lambda score, went_on: np.where(went_on, 1.0, 0.0))
    )
    assert none.status == "refused"
    assert "too few have an outcome" in none.reason


def test_it_refuses_where_the_score_settles_who_goes_on():
    settled = made(chance=lambda score, day: np.where(score > 12, 0.99, 0.01))
    found = next_session_maintenance(settled)
    assert found.status == "refused"
    assert "could have gone either way" in found.reason


def test_it_refuses_without_maintenance():
    clinic = made()
    for_good = replace(
        clinic,
        sessions=clinic.sessions[clinic.sessions["day"] <= 3].reset_index(drop=True),
    )
    found = next_session_maintenance(for_good)
    assert (found.name, found.status) == ("next_session_maintenance", "refused")
    assert (
        "0 patients who had another session and 0 patients who had none" in found.reason
    )


def test_a_recall_that_is_not_confirmed_is_assumed_and_said():
    clinic = made()
    madrs = clinic.scores.assign(instrument="MADRS")
    other = replace(
        clinic,
        scores=madrs,
        settings=replace(clinic.settings, instrument="MADRS"),
    )
    found = next_session_maintenance(other)
    assert found.status == "ok"
    assert (
        "How far back MADRS looks is not confirmed; 14 days are assumed, unless recall_days"
        in " ".join(found.caveats)
    )


def test_days_that_make_no_sense():
    with pytest.raises(UsageError, match="recall of at least 0 days"):
        next_session_maintenance(made(people=2), recall_days=-1)


@pytest.mark.parametrize("policy", POLICIES)
def test_words_and_policies(policy):
    clinic = made()
    found = estimate(
        "next_session_maintenance",
        replace(clinic, settings=replace(clinic.settings, policy=policy)),
    )
    assert "{" not in found.text + repr(found)
    said = " ".join(
        [
            found.text,
            found.estimand,
            *found.caveats,
            *found.table["about"],
            *found.table["note"],
        ]
    ).lower()
    assert not [word for word in BANNED if word in said]
    assert "after the first course" in said
