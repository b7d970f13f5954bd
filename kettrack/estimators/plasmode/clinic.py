"""The same clinic again, with sessions that do what one tells them to do: nothing, or so many
points each.

Baselines, plans, gaps and the days on which people are scored come from the clinic itself; scores
come from the fitted course of severity. Who stops after a session, and who is scored when, comes
from logistic models given the last score, and from days to draw from. Running an estimator on such
cohorts shows what it finds where the truth is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.plasmode.attendance import (
    GOES_ON,
    LEFT,
    PLANNED_END,
    Attendance,
    attendance_columns,
    draw_donors,
    draw_happens,
    gap_columns,
)
from kettrack.estimators.plasmode.severity_filter import ScoreProcess
from kettrack.estimators.plasmode.severity_start import Start, draw_start


@dataclass(frozen=True, slots=True)
class PlasmodeModel:
    """All that is needed to live the first course of a clinic again.

    Parameters
    ----------
    process : ScoreProcess
        Course of severity.
    attendance : Attendance
        Stopping and scoring.
    start : Start
        What is known of each of these people before session 1.
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
    start: Start
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

    @classmethod
    def joined(cls, panels: Sequence[SimulatedPanel], first: Ints) -> SimulatedPanel:
        """Several panels as one, in order; the people of each are numbered from `first` on."""
        treated = [p.session_person + n for p, n in zip(panels, first, strict=True)]
        told = [p.score_person + n for p, n in zip(panels, first, strict=True)]
        return cls(
            session_person=np.concatenate(treated),
            session_day=np.concatenate([panel.session_day for panel in panels]),
            score_person=np.concatenate(told),
            score_day=np.concatenate([panel.score_day for panel in panels]),
            score_after=np.concatenate([panel.score_after for panel in panels]),
            score=np.concatenate([panel.score for panel in panels]),
        )

    def of(self, people: Ints) -> SimulatedPanel:
        """What was written down of some people, ascending, who are numbered anew."""
        given = np.isin(
            self.session_person,
            people,
        )
        told = np.isin(
            self.score_person,
            people,
        )
        treated = self.session_person[given]
        scored = self.score_person[told]
        return SimulatedPanel(
            session_person=np.searchsorted(people, treated),
            session_day=self.session_day[given],
            score_person=np.searchsorted(people, scored),
            score_day=self.score_day[told],
            score_after=self.score_after[told],
            score=self.score[told],
        )


@dataclass(frozen=True, slots=True)
class PanelPeople:
    """What was known of the people of a panel before session 1, and how their courses may end.

    Parameters
    ----------
    baseline, baseline_day, planned, longest_gap : shape (n,)
        As in `PlasmodeModel`.
    """

    baseline: Floats
    baseline_day: Floats
    planned: Ints
    longest_gap: Floats

    @classmethod
    def of(cls, model: PlasmodeModel) -> PanelPeople:
        """The people of a model."""
        return cls(
            model.baseline,
            model.baseline_day,
            model.planned,
            model.longest_gap,
        )

    @classmethod
    def joined(cls, groups: Sequence[PanelPeople]) -> PanelPeople:
        """All of several groups, in order."""
        return cls(
            np.concatenate([group.baseline for group in groups]),
            np.concatenate([group.baseline_day for group in groups]),
            np.concatenate([group.planned for group in groups]),
            np.concatenate([group.longest_gap for group in groups]),
        )


def simulate_plasmode(
    model: PlasmodeModel,
    effect_per_session: float,
    rng: np.random.Generator,
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
    return live_through(model, effect_per_session, rng).panel()


def live_through(
    model: PlasmodeModel,
    effect_per_session: float,
    rng: np.random.Generator,
) -> ClinicSimulation:
    """The clinic of `simulate_plasmode` with everybody's state at its end, so that people can be
    followed on.
    """
    clinic = ClinicSimulation(model, effect_per_session, rng)
    clinic.run(int(model.planned.max(initial=0)))
    return clinic


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
    best: Floats = field(init=False)
    strength: Floats = field(init=False)
    dose: Floats = field(init=False)
    clock: Floats = field(init=False)
    day: Floats = field(init=False)
    scored: Floats = field(init=False)
    sessions: list[tuple[Ints, Floats]] = field(default_factory=list)
    scores: list[tuple[Ints, Floats, Bools, Floats]] = field(default_factory=list)
    # people scored after a planned end, the day of it, and whose days of scores they have
    ended: list[tuple[Ints, Floats, Ints]] = field(default_factory=list)

    def __post_init__(self) -> None:
        model = self.model
        n = model.baseline.size
        self.severity, self.level = draw_start(model.start, self.rng)
        self.last = model.baseline.copy()
        self.best = model.baseline.copy()
        self.clock = model.start.day.copy()
        self.strength = np.ones(n)  # of a session, in each person
        # sessions that have not worn off, in units of a fresh one
        self.dose = np.zeros(n)
        self.day = np.zeros(n)
        self.scored = np.zeros(n)

    def run(self, most: int) -> None:
        """Sessions 1, 2, ... for all who are still coming, at most so many."""
        # who is still coming; each session hands on those who come again
        active = np.arange(self.model.baseline.size)
        for session in range(1, most + 1):
            active = self.hold_session(active, session)
            if not active.size:
                break

    def hold_session(
        self,
        who: Ints,
        session: int,
    ) -> Ints:
        """One session, its scores, and the decision; those who come again."""
        self.pass_time(who, self.day[who])
        self.dose[who] += self.strength[who]
        self.sessions.append((who, self.day[who]))
        columns = self._history(who, session)
        today = draw_happens(columns, self.model.attendance.same_day, self.rng)
        self.measure(who[today], after=True)
        # anew: a score of today is known when the next session is decided
        known = self._history(who, session)
        kind, gap = self.decide(who, session, known)
        again = today | self._score_later(who, kind, gap, known)
        self.scored[who] += again
        self.day[who] += gap
        return who[kind == GOES_ON]

    def decide(
        self,
        who: Ints,
        session: int,
        known: Floats,
    ) -> tuple[Ints, Floats]:
        """What follows this session, and the days to the next one where there is one."""
        model = self.model
        leaves = draw_happens(known, model.attendance.stops, self.rng)
        kind = np.where(leaves, LEFT, GOES_ON)
        # where the plan is reached it decides, whatever was drawn
        kind = np.where(session >= model.planned[who], PLANNED_END, kind)
        if not who.size:
            return kind, self.day[who]
        drawn = self.rng.choice(model.attendance.gaps, who.size)
        return kind, np.minimum(drawn, model.longest_gap[who])

    def _score_later(
        self,
        who: Ints,
        kind: Ints,
        gap: Floats,
        known: Floats,
    ) -> Bools:
        """Scores between this session and the next, or after the last, on the days somebody of the
        same kind had them.
        """
        attendance = self.model.attendance
        scored = np.zeros(who.size, bool)
        for code, chance in enumerate(attendance.later):
            here = np.flatnonzero(kind == code)
            columns = known[here]
            if code == GOES_ON:
                columns = gap_columns(columns, gap[here])
            happens = draw_happens(columns, chance, self.rng)
            here = here[happens]
            scored[here] = True
            if not here.size:
                continue
            person = who[here]
            wanted = gap[here] if code == GOES_ON else self.day[person]
            donor = draw_donors(attendance.alike[code], wanted, self.rng)
            # all days of one donor together: they stand in the order and at the distance seen
            days = attendance.offsets[code][donor]
            if code == GOES_ON:
                # where no gap is quite as long, a score lies as far on its way to the next session
                stretch = wanted / np.maximum(attendance.alike[code][donor], 1)
                days = np.rint(days * stretch[:, None])
            self._score_on(person, days)
            if code == PLANNED_END:
                self.ended.append((person, wanted, donor))
        return scored

    def _score_on(
        self,
        who: Ints,
        offsets: Floats,
    ) -> None:
        """Scores so many days after the session; NaN = no score."""
        for offset in offsets.T:
            now = ~np.isnan(offset)
            person = who[now]
            self.pass_time(
                person,
                self.day[person] + offset[now],
            )
            self.measure(person, after=False)

    def _history(
        self,
        who: Ints,
        session: int,
    ) -> Floats:
        return attendance_columns(
            last=self.last[who],
            best=self.best[who],
            baseline=self.model.baseline[who],
            session=session,
            # half a session more, so that the first one is not a share of nothing
            scored_before=(self.scored[who] + 0.5) / session,
        )

    def pass_time(
        self,
        who: Ints,
        day: Floats,
    ) -> None:
        """Severity drifts, and what sessions took off wears off, up to the given days."""
        # the clock never runs backwards: a day that is over leaves everything as it is
        days = np.maximum(day - self.clock[who], 0.0)
        self.severity[who] = draw_later(
            self.model.process,
            self.severity[who],
            self.level[who],
            days,
            self.rng,
        )
        self.dose[who] *= np.exp(-self.model.process.wear * days)
        self.clock[who] = np.maximum(day, self.clock[who])

    def as_score(self, value: Floats) -> Floats:
        """Rounded where scores are, and inside their range."""
        model = self.model
        rounded = np.round(value) if model.whole_numbers else value
        return np.clip(rounded, model.lowest, model.highest)

    def measure(
        self,
        who: Ints,
        after: bool,
    ) -> None:
        """A score of each, now."""
        error = self.model.process.error_sd * self.rng.standard_normal(who.size)
        taken = self.effect * self.dose[who]
        score = self.as_score(self.severity[who] - taken + error)
        self.last[who] = score
        self.best[who] = np.minimum(self.best[who], score)
        # the clock is copied: indexing with places makes a new array
        times = np.full(who.size, after)
        self.scores.append((who, self.clock[who], times, score))

    def follow_on(self) -> Ints:
        """Score everybody whose course ended as planned for longer, as far as the clinic did; who
        they are, ascending.
        """
        # chance of its own, so that what was drawn before stays as it is
        (self.rng,) = self.rng.spawn(1)
        offsets = self.model.attendance.much_later
        people = [np.zeros(0, np.int64)]
        for who, ended_on, donor in self.ended:
            self.day[who] = ended_on
            self._score_on(who, offsets[donor])
            people.append(who)
        self.ended = []
        return np.sort(np.concatenate(people))

    def panel(self) -> SimulatedPanel:
        """What was written down, sorted."""
        sessions = zip(*self.sessions, strict=True)
        scores = zip(*self.scores, strict=True)
        person, day = (np.concatenate(column) for column in sessions)
        who, when, after, score = (np.concatenate(column) for column in scores)
        # by person, then day; on one day a score before the session comes first
        row = np.lexsort((day, person))
        place = np.lexsort((after, when, who))
        return SimulatedPanel(
            session_person=person[row],
            session_day=day[row].astype(np.int64),
            score_person=who[place],
            score_day=when[place].astype(np.int64),
            score_after=after[place],
            score=score[place],
        )


def draw_later(
    process: ScoreProcess,
    severity: Floats,
    level: Floats,
    days: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Draw true severity so many days later, if nothing is done; points, shape (n,)."""
    keep = np.exp(-process.drift * days)
    # the spread about the level stays as it is, however many days pass
    renewed = np.sqrt(1 - keep**2)
    width = process.shock_sd * renewed
    noise = width * rng.standard_normal(severity.size)
    return keep * severity + (1 - keep) * level + noise
