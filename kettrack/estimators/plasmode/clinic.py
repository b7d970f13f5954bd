"""The same clinic again, with sessions that do what one tells them to do: nothing, or so many
points each.

Baselines, plans, gaps and the days on which people are scored come from the clinic itself; scores
come from the fitted course of severity, and who stops or is scored after a session from logistic
models given the last score. Running an estimator on such cohorts shows what it finds where the
truth is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.plasmode.attendance import (
    GOES_ON,
    LEFT,
    PLANNED_END,
    Attendance,
    draw_happens,
    history,
)
from kettrack.estimators.plasmode.latent_severity import (
    ScoreProcess,
    draw_later,
    draw_start,
)


@dataclass(frozen=True, slots=True)
class PlasmodeModel:
    """All that is needed to live the first course of a clinic again.

    Parameters
    ----------
    process : ScoreProcess
        Course of severity.
    attendance : Attendance
        Stopping and scoring.
    baseline, baseline_day : float64, shape (n,)
        Of the people to be drawn again.
    planned : int, shape (n,)
        Sessions after which the course ends.
    longest_gap : float64, shape (n,)
        Days; a longer pause would end the course.
    lowest, highest : float
        Range of a score.
    whole_numbers : bool
        Whether scores are rounded.
    """

    process: ScoreProcess
    attendance: Attendance
    baseline: Floats
    baseline_day: Floats
    planned: Ints
    longest_gap: Floats
    lowest: float
    highest: float
    whole_numbers: bool = True


@dataclass(frozen=True, slots=True)
class SimulatedPanel:
    """A simulated cohort: sessions, and scores after the first of them, sorted by person and day.

    Parameters
    ----------
    session_person, session_day : int64
        One entry per session.
    score_person, score_day : int64
        One entry per score.
    score_after : bool
        Whether it was taken after a session of that day.
    score : float64
        Points.
    """

    session_person: Ints
    session_day: Ints
    score_person: Ints
    score_day: Ints
    score_after: Bools
    score: Floats


def simulate_plasmode(
    model: PlasmodeModel, effect_per_session: float, rng: np.random.Generator
) -> SimulatedPanel:
    """Let everyone live the first course once more.

    Parameters
    ----------
    model : PlasmodeModel
        Fitted to a clinic.
    effect_per_session : float
        Points each session takes off the next score, for everybody; 0 = sessions do nothing. It
        wears off as fitted.
    rng : Generator
        Of NumPy.

    Returns
    -------
    SimulatedPanel
        People numbered as in `model.baseline`. Scores go on after the last session as far as they
        did in the clinic.
    """
    world = ClinicSimulation(model, effect_per_session, rng)
    world.run(int(model.planned.max(initial=0)))
    return world.panel()


@dataclass(slots=True)
class ClinicSimulation:
    """Everybody's state while the clock runs; what happens is written down row by row.

    Parameters
    ----------
    model : PlasmodeModel
        Fitted to a clinic.
    effect : float
        Points each session takes off.
    rng : Generator
        Of NumPy.
    """

    model: PlasmodeModel
    effect: float
    rng: np.random.Generator
    severity: Floats = field(init=False)
    level: Floats = field(init=False)
    last: Floats = field(init=False)
    strength: Floats = field(init=False)
    dose: Floats = field(init=False)
    clock: Floats = field(init=False)
    day: Floats = field(init=False)
    scored: Floats = field(init=False)
    sessions: list[tuple[Ints, Floats]] = field(default_factory=list)
    scores: list[tuple[Ints, Floats, Bools, Floats]] = field(default_factory=list)

    def __post_init__(self) -> None:
        model = self.model
        n = self.model.baseline.size
        self.severity, self.level = draw_start(model.process, model.baseline, self.rng)
        self.last, self.clock = model.baseline.copy(), model.baseline_day.copy()
        self.strength = np.ones(n)  # of a session, in each person
        self.dose, self.day, self.scored = np.zeros(n), np.zeros(n), np.zeros(n)

    def run(self, most: int) -> None:
        """Sessions 1, 2, ... for all who are still coming, at most so many."""
        active = np.arange(self.model.baseline.size)
        for session in range(1, most + 1):
            active = self.hold_session(active, session)
            if not active.size:
                break

    def hold_session(self, who: Ints, session: int) -> Ints:
        """One session, its scores, and the decision; those who come again."""
        model = self.model
        rng = self.rng
        self.pass_time(who, self.day[who])
        self.dose[who] += self.strength[who]
        self.sessions.append((who, self.day[who]))
        today = draw_happens(
            self._history(who, session), model.attendance.same_day, rng
        )
        self.measure(who[today], after=True)
        known = self._history(who, session)
        kind, gap = self.decide(who, session, known)
        again = today | self._score_later(who, kind, gap, known)
        self.scored[who] += again
        going = kind == GOES_ON
        self.day[who] += gap
        return who[going]

    def decide(self, who: Ints, session: int, known: Floats) -> tuple[Ints, Floats]:
        """What follows this session, and the days to the next one where there is one."""
        model = self.model
        rng = self.rng
        leaves = draw_happens(known, model.attendance.stops, rng)
        kind = np.where(
            session >= model.planned[who], PLANNED_END, np.where(leaves, LEFT, GOES_ON)
        )
        gap = (
            np.minimum(
                rng.choice(model.attendance.gaps, who.size), model.longest_gap[who]
            )
            if who.size
            else self.day[who]
        )
        return kind, gap

    def _score_later(self, who: Ints, kind: Ints, gap: Floats, known: Floats) -> Bools:
        """Scores between this session and the next, or after the last, on the days somebody of the
        same kind had them.
        """
        scored = np.zeros(who.size, bool)
        for code, (chance, days) in enumerate(
            zip(self.model.attendance.later, self.model.attendance.offsets, strict=True)
        ):
            here = np.flatnonzero(kind == code)
            here = here[draw_happens(known[here], chance, self.rng)]
            scored[here] = True
            if not here.size:
                continue
            drawn = days[self.rng.integers(len(days), size=here.size)]
            latest = np.where(code == GOES_ON, gap[here], np.inf)
            for offset in drawn.T:
                now = ~np.isnan(offset)
                person = who[here[now]]
                self.pass_time(
                    person, self.day[person] + np.minimum(offset, latest)[now]
                )
                self.measure(person, after=False)
        return scored

    def _history(self, who: Ints, session: int) -> Floats:
        return history(
            self.last[who],
            self.model.baseline[who],
            session,
            (self.scored[who] + 0.5) / session,
        )

    def pass_time(self, who: Ints, day: Floats) -> None:
        """Severity drifts, and what sessions took off wears off, up to the given days."""
        days = np.maximum(day - self.clock[who], 0.0)
        self.severity[who] = draw_later(
            self.model.process, self.severity[who], self.level[who], days, self.rng
        )
        self.dose[who] *= np.exp(-self.model.process.wear * days)
        self.clock[who] = np.maximum(day, self.clock[who])

    def as_score(self, value: Floats) -> Floats:
        """Rounded where scores are, and inside their range."""
        model = self.model
        return np.clip(
            np.round(value) if model.whole_numbers else value,
            model.lowest,
            model.highest,
        )

    def measure(self, who: Ints, after: bool) -> None:
        """A score of each, now."""
        error = self.model.process.error_sd * self.rng.standard_normal(who.size)
        score = self.as_score(self.severity[who] - self.effect * self.dose[who] + error)
        self.last[who] = score
        self.scores.append((who, self.clock[who], np.full(who.size, after), score))

    def panel(self) -> SimulatedPanel:
        """What was written down, sorted."""
        person, day = (
            np.concatenate(column) for column in zip(*self.sessions, strict=True)
        )
        row = np.lexsort((day, person))
        who, when, after, score = (
            np.concatenate(column) for column in zip(*self.scores, strict=True)
        )
        place = np.lexsort((after, when, who))
        return SimulatedPanel(
            person[row],
            day[row].astype(np.int64),
            who[place],
            when[place].astype(np.int64),
            after[place],
            score[place],
        )
