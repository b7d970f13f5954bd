"""A plasmode up to a fixed day, for strategies of "so many sessions, then stop": who stops, who
comes back, and what is true.

A course here is sessions that each lie within the grace of the one before, whatever the plan was;
who stopped may come back later, given the last score.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.plasmode.attendance import (
    GOES_ON,
    LEFT,
    draw_donors,
    draw_happens,
)
from kettrack.estimators.plasmode.clinic import (
    ClinicSimulation,
    PlasmodeModel,
    SimulatedPanel,
    draw_later,
)
from kettrack.estimators.plasmode.severity_filter import ScoreProcess
from kettrack.estimators.regression.logistic import predict_logistic

RETURN_UNIT: Final = 7  # days: coming back is fitted and drawn week by week


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """Who stops and who comes back.

    Parameters
    ----------
    planned : float64, shape (n,)
        Sessions planned for each; infinite without a plan.
    stops : float64
        Coefficients of stopping after a session, over the columns of `attendance_columns` and of
        `plan_columns`.
    gaps : tuple of float64
        Days to the next session to draw from, after session 1, 2, ...; after the last of these
        nobody goes on.
    returns : float64
        Coefficients of coming back within a week, past the grace, over `return_columns`; missing
        where nobody did.
    grace, horizon : int
        Days within which the next session of a course comes, and day up to which it matters who
        comes back.
    """

    planned: Floats
    stops: Floats
    gaps: tuple[Floats, ...]
    returns: Floats
    grace: int
    horizon: int


def plan_columns(
    session: Ints | int,
    planned: Floats,
) -> Floats:
    """Whether the plan is reached, and whether it is passed; shape (rows, 2)."""
    reached = planned == session
    passed = planned < session
    return np.column_stack([reached, passed]).astype(np.float64)


def return_columns(
    last: Floats,
    baseline: Floats,
    weeks: Floats,
) -> Floats:
    """What coming back may depend on: last score, baseline, weeks since the last session; shape
    (rows, 5).
    """
    intercept = np.ones_like(last)
    return np.column_stack([intercept, last, last**2 / 10, baseline, weeks])


def draw_strength(
    process: ScoreProcess,
    n: int,
    rng: np.random.Generator,
) -> Floats:
    """What a session does in each person against the mean of all: gamma, mean 1, its SD as fitted,
    at most 1.

    Where it helps some more than others, those it helps most may be the first to stop, and few of
    them are left to say what more sessions would have done.
    """
    if not process.session_sd:
        return np.ones(n)
    # at most 1: where sessions do little on the mean a larger spread would be all noise
    spread = process.session_sd / max(process.session, process.session_sd)
    # shape and scale of a gamma with mean 1 and this standard deviation
    return rng.gamma(spread**-2, spread**2, n)


def simulate_stopping(
    model: PlasmodeModel,
    stopping: Stopping,
    effect_per_session: float,
    rng: np.random.Generator,
) -> SimulatedPanel:
    """Let everyone go through the clinic once more.

    Parameters
    ----------
    model : PlasmodeModel
        Course of severity, scoring and people; of its attendance only the scoring is used.
    stopping : Stopping
        Who stops, who comes back.
    effect_per_session : float
        Points each session takes off the next score, on the mean; people differ and it wears off as
        fitted.
    rng : Generator
        Of NumPy.

    Returns
    -------
    SimulatedPanel
        People numbered as in `model.baseline`.
    """
    clinic = StoppingSimulation(model, effect_per_session, rng, stopping=stopping)
    clinic.run(len(stopping.gaps) + 1)
    return clinic.panel()


@dataclass(slots=True)
class StoppingSimulation(ClinicSimulation):
    """A plasmode in which courses end by a gap, not by a plan, and people may come back."""

    stopping: Stopping = field(kw_only=True)

    def __post_init__(self) -> None:
        ClinicSimulation.__post_init__(self)
        self.strength = draw_strength(
            self.model.process, self.model.baseline.size, self.rng
        )

    def decide(
        self,
        who: Ints,
        session: int,
        known: Floats,
    ) -> tuple[Ints, Floats]:
        """Whether the next session comes within the grace, and when."""
        rules = self.stopping
        # nobody was ever seen to go on after so many sessions
        if session > len(rules.gaps):
            return np.full(who.size, LEFT), np.zeros(who.size)
        plan = plan_columns(session, rules.planned[who])
        leaves = draw_happens(
            np.column_stack([known, plan]),
            rules.stops,
            self.rng,
        )
        gap = self.rng.choice(rules.gaps[session - 1], who.size)
        return np.where(leaves, LEFT, GOES_ON), gap

    def _score_later(
        self,
        who: Ints,
        kind: Ints,
        gap: Floats,
        known: Floats,
    ) -> Bools:
        going = kind == GOES_ON
        scored = np.zeros(who.size, bool)
        scored[going] = ClinicSimulation._score_later(
            self,
            who[going],
            kind[going],
            gap[going],
            known[going],
        )
        scored[~going] = self._live_on(who[~going], known[~going])
        return scored

    def _live_on(
        self,
        who: Ints,
        known: Floats,
    ) -> Bools:
        """Scores after the last session; between one and the next some come back."""
        scored = draw_happens(known, self.model.attendance.later[LEFT], self.rng)
        attendance = self.model.attendance
        donor = draw_donors(attendance.alike[LEFT], self.day[who[scored]], self.rng)
        days = attendance.offsets[LEFT]
        # one column more than the scores: the time after the last of them, up to the horizon
        offsets = np.full((who.size, days.shape[1] + 1), np.nan)
        offsets[scored, :-1] = days[donor]
        away = np.ones(who.size, bool)
        looked = np.zeros(who.size)
        for offset in offsets.T:
            until = np.where(np.isnan(offset), np.inf, offset)
            self._come_back(who, away, looked, until)
            now = ~np.isnan(offset)
            self.pass_time(who[now], self.day[who[now]] + offset[now])
            self.measure(who[now], after=False)
            looked = until
        return scored

    def _come_back(
        self,
        who: Ints,
        away: Bools,
        looked: Floats,
        until: Floats,
    ) -> None:
        """Sessions past the grace between two scores; after one nobody is counted as away any
        more.
        """
        rules = self.stopping
        if np.isnan(rules.returns).any():
            return
        begin = np.maximum(looked, rules.grace)
        end = np.minimum(until, rules.horizon - self.day[who])
        days = np.where(away, end - begin, 0.0)
        at_risk = np.flatnonzero(days > 0)
        person = who[at_risk]
        columns = return_columns(
            last=self.last[person],
            baseline=self.model.baseline[person],
            weeks=begin[at_risk] / RETURN_UNIT,
        )
        # the same chance in every week: none in all of them is a power of none in one
        in_a_week = predict_logistic(columns, rules.returns)
        none = (1 - in_a_week) ** (days[at_risk] / RETURN_UNIT)
        back = at_risk[self.rng.random(at_risk.size) > none]
        person = who[back]
        when = begin[back] + self.rng.random(back.size) * days[back]
        self.pass_time(person, self.day[person] + np.ceil(when))
        self.dose[person] += self.strength[person]
        self.sessions.append((person, self.clock[person].copy()))
        away[back] = False


def true_strategy_difference(
    model: PlasmodeModel,
    stopping: Stopping,
    effect_per_session: float,
    numbers: tuple[int, int],
    looked_at: Floats,
    rng: np.random.Generator,
) -> float:
    """Mean difference in the score between "stop after k" and "stop after m", each forced on
    everybody.

    Parameters
    ----------
    model, stopping, effect_per_session, rng
        As `simulate_stopping`; the more people, the less chance.
    numbers : tuple of int
        k and m.
    looked_at : float64
        Days of the outcome to draw from.

    Returns
    -------
    float
        Points, below 0 = lower after k. Spacing as in the clinic; everyone is scored; the natural
        course, the days and the errors are the same under both.
    """
    process = model.process
    clinic = StoppingSimulation(model, effect_per_session, rng, stopping=stopping)
    n = model.baseline.size
    day = rng.choice(looked_at, n).astype(np.float64)
    gaps = [rng.choice(pool, n) for pool in stopping.gaps[: max(numbers) - 1]]
    held = np.cumsum([np.zeros(n), *gaps], axis=0)
    error = process.error_sd * rng.standard_normal(n)
    days = day - model.start.day
    later = draw_later(process, clinic.severity, clinic.level, days, rng)
    # drawn once: the natural course and the error are the same under both strategies
    natural = later + error
    since = np.maximum(day - held, 0.0)
    left = np.where(
        held <= day,
        np.exp(-process.wear * since),
        0.0,
    )
    effect = effect_per_session * clinic.strength
    ends = []
    for number in numbers:
        taken = effect * left[:number].sum(axis=0)
        ends.append(clinic.as_score(natural - taken))
    return float((ends[0] - ends[1]).mean())
