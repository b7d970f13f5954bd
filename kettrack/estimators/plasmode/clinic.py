"""The same clinic again, with sessions that do what one tells them to do: nothing, or so many
points each.

Baselines, plans, gaps and the days on which people are scored come from the clinic itself; scores
come from the fitted course of severity. Who stops after a session, and who is scored when, comes
from logistic models given the last score, and from days to draw from. Running an estimator on such
cohorts shows what it finds where the truth is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.plasmode.latent_severity import ScoreProcess
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic

GOES_ON, LEFT, PLANNED_END = range(3)


@dataclass(frozen=True, slots=True)
class SessionRows:
    """One row per person and session of the first course, as far as the log is complete; arrays of
    shape (rows,).

    Parameters
    ----------
    last, baseline : float64
        Last score known by the end of the day of the session, and the baseline; points.
    session : int
        1, 2, ...
    scored_before : float64
        Share of earlier sessions of the person that a score followed, half a session counted as one
        half.
    followed_by : int
        `GOES_ON`, `LEFT` or `PLANNED_END`.
    same_day : bool
        Whether a score was taken on that day, after the session.
    gap : float64
        Days to the next session of the course; NaN where there is none.
    offsets : float64, shape (rows, scores)
        Days from the session to each later score before the next session, or after the last
        session; NaN-padded.
    """

    last: Floats
    baseline: Floats
    session: Ints
    scored_before: Floats
    followed_by: Ints
    same_day: Bools
    gap: Floats
    offsets: Floats


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who stops, and who is scored when; coefficients on the logit scale over the columns of
    `attendance_columns`.

    Parameters
    ----------
    stops, same_day : float64
        Of stopping after a session before the plan is reached, and of a score on its day.
    later : tuple of float64
        Of any later score, by what followed: going on, left, planned end.
    gaps : float64
        Gaps to draw from, days.
    offsets : tuple of float64
        Days of scores to draw from, by what followed; one row per session.
    """

    stops: Floats
    same_day: Floats
    later: tuple[Floats, ...]
    gaps: Floats
    offsets: tuple[Floats, ...]


def attendance_columns(
    last: Floats,
    baseline: Floats,
    session: Ints | int,
    scored_before: Floats,
) -> Floats:
    """Columns that stopping and being scored may depend on, shape (rows, 7)."""
    number = np.broadcast_to(np.asarray(session, np.float64), last.shape)
    # squares are divided by 10, to be of the size of the other columns
    return np.column_stack(
        [
            np.ones_like(last),
            last,
            last**2 / 10,
            baseline,
            number,
            number**2 / 10,
            scored_before,
        ]
    )


def fit_attendance(rows: SessionRows) -> Attendance:
    """Fit who stops and who is scored, and collect the gaps and days to draw from."""
    columns = attendance_columns(
        rows.last,
        rows.baseline,
        rows.session,
        rows.scored_before,
    )
    choice = rows.followed_by != PLANNED_END  # the plan decides there
    later = np.asarray((~np.isnan(rows.offsets)).any(axis=1))
    chances = []
    offsets = []
    # after a session that is followed by another, people are scored otherwise than after the last
    for kind in (GOES_ON, LEFT, PLANNED_END):
        here = rows.followed_by == kind
        chances.append(_chance(columns[here], later[here]))
        offsets.append(rows.offsets[here & later])
    left = rows.followed_by[choice] == LEFT
    return Attendance(
        stops=_chance(columns[choice], left),
        same_day=_chance(columns, rows.same_day),
        later=tuple(chances),
        gaps=rows.gap[~np.isnan(rows.gap)],
        offsets=tuple(offsets),
    )


def _chance(
    columns: Floats,
    happened: Bools,
) -> Floats:
    """Coefficients; all missing where there was nothing to learn from, which `draw_happens` reads
    as never.
    """
    if not happened.any():
        return np.full(columns.shape[1], np.nan)
    return fit_logistic(columns, happened.astype(np.float64))


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
    clinic = ClinicSimulation(model, effect_per_session, rng)
    clinic.run(int(model.planned.max(initial=0)))
    return clinic.panel()


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
        n = model.baseline.size
        self.severity, self.level = draw_start(model.process, model.baseline, self.rng)
        self.last = model.baseline.copy()
        self.clock = model.baseline_day.copy()
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
        kinds = zip(attendance.later, attendance.offsets, strict=True)
        for code, (chance, days) in enumerate(kinds):
            here = np.flatnonzero(kind == code)
            happens = draw_happens(known[here], chance, self.rng)
            here = here[happens]
            scored[here] = True
            if not here.size:
                continue
            # all days of one donor together: they stand in the order and at the distance seen
            donor = self.rng.integers(len(days), size=here.size)
            latest = np.where(code == GOES_ON, gap[here], np.inf)
            self._score_on(who[here], days[donor], latest)
        return scored

    def _score_on(
        self,
        who: Ints,
        offsets: Floats,
        latest: Floats,
    ) -> None:
        """Scores so many days after the session, none later than the next; NaN = no score."""
        for offset in offsets.T:
            now = ~np.isnan(offset)
            person = who[now]
            later = np.minimum(offset, latest)[now]
            self.pass_time(person, self.day[person] + later)
            self.measure(person, after=False)

    def _history(
        self,
        who: Ints,
        session: int,
    ) -> Floats:
        return attendance_columns(
            last=self.last[who],
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
        # the clock is copied: indexing with places makes a new array
        times = np.full(who.size, after)
        self.scores.append((who, self.clock[who], times, score))

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


def draw_start(
    process: ScoreProcess,
    baseline: Floats,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Draw true severity and own level of people with these baseline scores; points, shape (n,)."""
    variance = process.start_sd**2
    # share of a baseline score that is severity and not error
    trust = variance / (variance + process.error_sd**2)
    drawn = rng.standard_normal(baseline.size)
    width = process.start_sd * np.sqrt(1 - trust)
    noise = width * drawn
    above = baseline - process.start
    severity = process.start + trust * above + noise
    spread = process.level_sd * rng.standard_normal(baseline.size)
    moved = severity - process.start
    level = process.level + process.link * moved
    return severity, level + spread


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


def draw_happens(
    columns: Floats,
    coefficients: Floats,
    rng: np.random.Generator,
) -> Bools:
    """Draw whether it happens in each row of `attendance_columns`."""
    if np.isnan(coefficients).any():
        # never, and without a random number: the draws that follow stay as they are
        return np.zeros(len(columns), bool)
    return rng.random(len(columns)) < predict_logistic(columns, coefficients)
