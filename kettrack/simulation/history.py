"""The run over the day grid, and what it leaves: arrays of sessions and scores with the truth
beside each score.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import UsageError
from kettrack.simulation.clinic import Clinic, call_back, cancel, decide
from kettrack.simulation.parameters import Parameters
from kettrack.simulation.people import People, draw_people
from kettrack.simulation.process import (
    Dice,
    Roll,
    State,
    advance,
    begin,
    remember,
    treat,
)
from kettrack.simulation.regimes import Regime
from kettrack.simulation.scoring import NO_SESSION, TIMING_NAMES, measure, occasions

BASELINE_TIMING = TIMING_NAMES.index("before")


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

    def score(
        self, state: State, who: Ints, day: int, timing: Ints, score: Ints
    ) -> None:
        """Write the scores of `who`, with the truth of the moment."""
        page = (
            who,
            np.full(len(who), day),
            timing,
            score,
            state.severity[who],
            state.natural[who],
        )
        self.scores.append(page)


def _screened(state: State, people: People, pages: _Pages) -> None:
    """Write the screening scores that reached the log."""
    who = np.flatnonzero(people.recorded & ~people.never_scored)
    timing = np.where(people.first_day[who] == 0, BASELINE_TIMING, NO_SESSION)
    truth = state.natural[who]
    pages.scores.append(
        (who, people.first_day[who], timing, people.first_score[who], truth, truth)
    )


def _live(state: State, clinic: Clinic, day: int, roll: Roll, pages: _Pages) -> None:
    """One day: the night passes, scores before, sessions, scores after, decisions."""
    people = clinic.people
    parameters = clinic.parameters
    advance(state, people, parameters, day, roll)
    coming = (state.next_session == day) & (day <= people.seen_to)
    today, timing = occasions(state, people, parameters.scoring, day, coming, roll)
    pages.score(
        state,
        today.before,
        day,
        timing[today.before],
        measure(state, parameters.scoring, today.before, day, roll),
    )
    who = np.flatnonzero(coming)
    treat(state, people, parameters, who, day)
    hard = roll.hard[who] < parameters.schedule.hard_session
    pages.sessions.append(
        (who, np.full(len(who), day), state.total[who], state.phase[who], hard)
    )
    pages.score(
        state,
        today.after,
        day,
        timing[today.after],
        measure(state, parameters.scoring, today.after, day, roll),
    )
    call_back(state, clinic, today.before, day, roll)
    cancel(state, clinic, today.before, day, roll)
    decide(state, clinic, who, hard, roll)
    if parameters.extras.two_week_recall:
        remember(state)


def run(parameters: Parameters, n: int, seed: int, regime: Regime = None) -> History:
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
        Arrays; `simulate` makes tables of them.
    """
    if n < 1 or (isinstance(regime, int) and regime < 1):
        raise UsageError(
            "A simulation needs at least one patient, and a forced regime at least one session."
        )
    chance = np.random.SeedSequence(seed).spawn(2)
    people = draw_people(parameters, n, np.random.default_rng(chance[0]))
    dice = Dice(chance[1], n, parameters.extras.held is not None)
    state = begin(people)
    pages = _Pages()
    clinic = Clinic(people, parameters, regime)
    _screened(state, people, pages)
    for day in range(int(people.first_day.min()), parameters.last_day + 1):
        _live(state, clinic, day, dice.roll(), pages)
    sessions = SessionLog(
        *(np.concatenate(column) for column in zip(*pages.sessions, strict=True))
    )
    scores = ScoreLog(
        *(np.concatenate(column) for column in zip(*pages.scores, strict=True))
    )
    return History(parameters, seed, people, sessions, scores, state.reason)
