"""What is true in a plasmode, found by force: one decision of each person settled by lot.

A session takes so many points off the next score, but what one more session comes to some weeks
later also depends on what follows it, on how fast it wears off and on scores that cannot fall below
the lowest. So it is not assumed but simulated.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.plasmode.attendance import GOES_ON, LEFT, PLANNED_END
from kettrack.estimators.plasmode.clinic import ClinicSimulation, PlasmodeModel
from kettrack.estimators.regression.logistic import predict_logistic


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionByLot:
    """Which decisions are settled by lot, and when what follows is looked at.

    Parameters
    ----------
    grace : float
        Days within which the next session is going on.
    fresh : float
        Days after which the last score is too old for the decision to count.
    looked_at : float
        Days after the decision; with half a day more than a whole number a session of that day
        counts.
    latest : float64, shape (n,)
        Last day on which a decision of the person counts.
    """

    grace: float
    fresh: float
    looked_at: float
    latest: Floats


def true_difference(
    model: PlasmodeModel,
    effect_per_session: float,
    decision: DecisionByLot,
    rng: np.random.Generator,
) -> float:
    """Mean difference in the score between the next session soon and not, over the decisions of
    people still coming.

    Parameters
    ----------
    model : PlasmodeModel
        Fitted to a clinic; the more people, the less chance.
    effect_per_session : float
        Points each session takes off.
    decision : DecisionByLot
        Which decisions count.
    rng : Generator
        Of NumPy.

    Returns
    -------
    float
        Points, below 0 = lower with a session; missing when a lot could not be drawn. Everyone is
        scored; the natural course is the same in both, and so are sessions up to the decision, so
        only what later ones took off is compared.
    """
    world = LotterySimulation(model, effect_per_session, rng, decision=decision)
    world.run(int(model.planned.max(initial=0)))
    world.pass_time(np.flatnonzero(np.isfinite(world.due)), np.inf)
    with_it, without = (
        world.taken[(world.soon == arm) & ~np.isnan(world.taken)]
        for arm in (True, False)
    )
    return (
        float(with_it.mean() - without.mean())
        if with_it.size and without.size
        else float("nan")
    )


@dataclass(slots=True)
class LotterySimulation(ClinicSimulation):
    """A plasmode in which one decision of each person, at a session drawn at random, is settled by
    lot.
    """

    decision: DecisionByLot = field(kw_only=True)
    soon: Bools = field(init=False)
    number: Ints = field(init=False)
    scored_on: Floats = field(init=False)
    due: Floats = field(init=False)
    before: Floats = field(init=False)
    taken: Floats = field(init=False)

    def __post_init__(self) -> None:
        ClinicSimulation.__post_init__(self)
        n = self.model.baseline.size
        self.soon = self.rng.random(n) < 0.5
        self.number = self.rng.integers(
            1, max(int(self.model.planned.max(initial=0)), 1) + 1, n
        )
        self.scored_on, self.before = self.model.baseline_day.copy(), np.zeros(n)
        self.due, self.taken = np.full(n, np.inf), np.full(n, np.nan)

    def measure(self, who: Ints, after: bool) -> None:
        """A score, and when it was."""
        ClinicSimulation.measure(self, who, after)
        self.scored_on[who] = self.clock[who]

    def pass_time(self, who: Ints, day: Floats | float) -> None:
        """As ever; on the way it is noted what sessions since the decision took off by the time it
        is to be looked at.
        """
        day = np.broadcast_to(np.asarray(day, np.float64), who.shape)
        ripe = who[(self.due[who] <= day) & np.isnan(self.taken[who])]
        if ripe.size:
            ClinicSimulation.pass_time(self, ripe, self.due[ripe])
            error = self.model.process.error_sd * self.rng.standard_normal(ripe.size)
            natural = self.severity[ripe] + error
            earlier = self.before[ripe] * np.exp(
                -self.model.process.wear * self.decision.looked_at
            )
            with_it, without = (
                self.as_score(natural - self.effect * dose)
                for dose in (self.dose[ripe], earlier)
            )
            self.taken[ripe] = with_it - without
        ClinicSimulation.pass_time(
            self, who, np.where(np.isfinite(day), day, self.clock[who])
        )

    def decide(self, who: Ints, session: int, known: Floats) -> tuple[Ints, Floats]:
        """As ever but where the lot decides: the next session soon; or none soon, and people leave
        or pause as they would.
        """
        kind, gap = ClinicSimulation.decide(self, who, session, known)
        day = self.day[who]
        rules = self.decision
        lot = (
            (self.number[who] == session)
            & (kind != PLANNED_END)
            & (day - self.scored_on[who] <= rules.fresh)
        )
        lot &= day <= rules.latest[who]
        gaps = self.model.attendance.gaps
        short = gaps[(gaps > 0) & (gaps <= rules.grace)]
        long = gaps[gaps > rules.grace]
        if not lot.any() or not short.size:
            return kind, gap
        self.due[who[lot]], self.before[who[lot]] = (
            day[lot] + rules.looked_at,
            self.dose[who[lot]],
        )
        goes = lot & self.soon[who]
        waits = lot & ~self.soon[who]
        kind[goes], gap[goes] = GOES_ON, self.rng.choice(short, int(goes.sum()))
        stops = self._leaves(known[waits], long.size / max(gaps.size, 1))
        kind[waits] = np.where(stops, LEFT, GOES_ON)
        gap[waits] = (
            np.minimum(
                self.rng.choice(long, stops.size), self.model.longest_gap[who[waits]]
            )
            if long.size
            else 0.0
        )
        return kind, gap

    def _leaves(self, known: Floats, long: float) -> Bools:
        """Whether somebody who has no session soon leaves, rather than pauses."""
        stops = self.model.attendance.stops
        chance = (
            np.zeros(len(known))
            if np.isnan(stops).any()
            else predict_logistic(known, stops)
        )
        either = chance + (1 - chance) * long
        return np.asarray(self.rng.random(len(known)) * either <= chance)
