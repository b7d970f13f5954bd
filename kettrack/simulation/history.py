"""The run over the day grid, and what it leaves: arrays of sessions and scores with the truth
beside each score.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from math import log
from typing import Any

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import UsageError
from kettrack.simulation.decisions import (
    CHANCE_DECIMALS,
    ClinicRun,
    Regime,
    call_back,
    cancel,
    decide,
)
from kettrack.simulation.parameters import Parameters
from kettrack.simulation.people import People, draw_people
from kettrack.simulation.process import (
    BEFORE,
    NO_SESSION,
    Dice,
    Occasions,
    Roll,
    State,
    advance,
    begin,
    expit,
    measure,
    occasions,
    remember,
    treat,
)


@dataclass(frozen=True, slots=True)
class SessionLog:
    """One entry per session: position of the patient, day, number, kind of course, badly
    tolerated.
    """

    who: Ints
    day: Ints
    number: Ints
    phase: Ints
    hard: Bools


@dataclass(frozen=True, slots=True)
class ScoreLog:
    """One entry per PHQ-9 score: position of the patient, day, timing code, score, and the truth:
    with and without sessions.
    """

    who: Ints
    day: Ints
    timing: Ints
    score: Ints
    severity: Floats
    natural: Floats


@dataclass(frozen=True, slots=True)
class History:
    """A run: who came, what happened, and why each one left (`reason` code, `NOT_STOPPED` where
    still in care).
    """

    parameters: Parameters
    seed: int
    people: People
    sessions: SessionLog
    scores: ScoreLog
    reason: Ints


@dataclass(slots=True)
class _Pages:
    """Rows written day by day, one tuple of arrays per page."""

    sessions: list[tuple[Ints | Bools, ...]] = field(default_factory=list)
    scores: list[tuple[Ints | Floats, ...]] = field(default_factory=list)

    def write_sessions(
        self,
        state: State,
        who: Ints,
        day: int,
        hard: Bools,
    ) -> None:
        """Write the sessions of `who` on one day, in the order of `SessionLog`."""
        days = np.full(len(who), day)
        # Indexing with positions copies, so later days do not change what is written.
        page = (who, days, state.total[who], state.phase[who], hard)
        self.sessions.append(page)

    def write_scores(
        self,
        state: State,
        who: Ints,
        day: int,
        timing: Ints,
        score: Ints,
    ) -> None:
        """Write the scores of `who` with the truth of the moment, in the order of `ScoreLog`."""
        days = np.full(len(who), day)
        severity = state.severity[who]
        page = (who, days, timing[who], score, severity, state.natural[who])
        self.scores.append(page)

    def write_screening(self, state: State, people: People) -> None:
        """Write the screening scores that reached the log."""
        who = np.flatnonzero(people.recorded & ~people.never_scored)
        day = people.first_day[who]
        timing = np.where(day == 0, BEFORE, NO_SESSION)
        # nobody is treated yet: both truths are the natural course
        truth = state.natural[who]
        self.scores.append((who, day, timing, people.first_score[who], truth, truth))


def run(
    parameters: Parameters,
    n: int,
    seed: int,
    regime: Regime = None,
) -> History:
    """Run the clinic over its day grid.

    Parameters
    ----------
    parameters : Parameters
        The clinic.
    n : int
        Number of patients, at least 1.
    seed : int
        Everything random follows from it; the same seed means the same chance under every `regime`.
    regime : int, Fork, AtMost or UsualCareAfter, optional
        Exactly so many sessions for everybody, at the clinic's own spacing, and nobody stops
        earlier; or one decision forced; or a rule that ends the sessions; or so many sessions and
        the clinic's own decisions later. Default: the clinic decides.

    Returns
    -------
    History
        Arrays, in the order of days; `simulate` makes tables of them.

    Raises
    ------
    UsageError
        For less than one patient or one session, or when too few people pass the screening.
    """
    if n < 1 or (isinstance(regime, int) and regime < 1):
        raise UsageError(
            "A simulation needs at least one patient, and a forced regime at least one session."
        )
    # the people are drawn apart from the days, so that a forced regime meets the same people
    for_people, for_days = np.random.SeedSequence(seed).spawn(2)
    people = draw_people(parameters, n, np.random.default_rng(for_people))
    # One dice for all days: people who left are rolled for too, so that chance stays paired.
    dice = Dice(for_days, n, parameters.extras.held is not None)
    state = begin(people)
    clinic = ClinicRun(people, parameters, regime)
    pages = _Pages()
    pages.write_screening(state, people)
    # Days before 0 hold only the screening scores and the natural course.
    first = int(people.first_day.min())
    for day in range(first, parameters.last_day + 1):
        roll = dice.roll()
        _live(state, clinic, day, roll, pages)
    sessions = SessionLog(*_columns(pages.sessions))
    scores = ScoreLog(*_columns(pages.scores))
    return History(parameters, seed, people, sessions, scores, state.reason)


def _live(
    state: State,
    clinic: ClinicRun,
    day: int,
    roll: Roll,
    pages: _Pages,
) -> None:
    """One day: the night passes, scores before, sessions, scores after, decisions."""
    people = clinic.people
    parameters = clinic.parameters
    scoring = parameters.scoring
    # The order of a day is part of the truth: a score before a session must not feel it.
    advance(state, people, parameters, day, roll)
    # Nobody is seen after the extract, even where a session is due.
    coming = (state.next_session == day) & (day <= people.seen_to)
    today: Occasions = occasions(state, people, scoring, day, coming, roll)
    score = measure(state, scoring, today.before, day, roll)
    pages.write_scores(state, today.before, day, today.timing, score)
    who = np.flatnonzero(coming)
    treat(state, people, parameters, who, day)
    hard = roll.hard[who] < parameters.schedule.hard_session
    pages.write_sessions(state, who, day, hard)
    score = measure(state, scoring, today.after, day, roll)
    pages.write_scores(state, today.after, day, today.timing, score)
    # Scores after a session do not bring people back or call a session off: whoever has one is in
    # care today, and is decided on below.
    call_back(state, clinic, today.before, day, roll)
    cancel(state, clinic, today.before, day, roll)
    decide(state, clinic, who, hard, roll)
    if parameters.extras.two_week_recall:
        remember(state)


def _columns(pages: list[tuple[Any, ...]]) -> list[Any]:
    """The pages put end to end, column by column."""
    return [np.concatenate(column) for column in zip(*pages, strict=True)]


def lose_final_scores(history: History, rng: np.random.Generator) -> History:
    """The history without the final scores that go missing under `LostFinal`; unchanged in a
    scenario without it.

    The chance of each person depends on the last score on treatment, which an analysis knows.
    """
    lost = history.parameters.extras.lost_final
    if lost is None:
        return history
    # Points above the score at which the chance is the one stated.
    above = (_last_on_treatment(history) - lost.pivot).astype(np.float64)
    logit_at_pivot = log(lost.missing / (1 - lost.missing))
    chance = np.round(expit(logit_at_pivot + lost.slope * above), CHANCE_DECIMALS)
    missing = rng.random(history.people.n) < chance
    scores = history.scores
    # Only the score of the last day is lost; earlier ones stay.
    is_earlier = scores.day < history.parameters.last_day
    kept = ~missing[scores.who] | is_earlier
    columns = [getattr(scores, column.name)[kept] for column in fields(scores)]
    return replace(history, scores=ScoreLog(*columns))


def _last_on_treatment(history: History) -> Ints:
    """Last score of each patient up to the day of the last session, the final score apart."""
    scores = history.scores
    last_session = last_session_days(history)
    on = scores.day <= last_session[scores.who]
    on &= scores.day < history.parameters.last_day
    last = history.people.first_score.copy()
    # the log is in order of days: the last one written stays
    last[scores.who[on]] = scores.score[on]
    return last


def last_session_days(history: History) -> Ints:
    """Day of each patient's last session; everybody has one, on day 0."""
    last = np.zeros(history.people.n, np.int64)
    np.maximum.at(last, history.sessions.who, history.sessions.day)
    return last
