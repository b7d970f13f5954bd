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
    clinic = LotterySimulation(
        model,
        effect_per_session,
        rng,
        decision=decision,
    )
    most = model.planned.max(initial=0)
    clinic.run(int(most))
    # let time pass for those whose sessions ended before the score was due
    clinic.pass_time(
        np.flatnonzero(np.isfinite(clinic.due)),
        np.inf,
    )
    known = ~np.isnan(clinic.taken)
    with_it = clinic.taken[clinic.soon & known]
    without = clinic.taken[~clinic.soon & known]
    if not (with_it.size and without.size):
        return float("nan")
    return float(with_it.mean() - without.mean())


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
        planned = self.model.planned.max(initial=0)
        most = max(int(planned), 1)
        self.soon = self.rng.random(n) < 0.5
        self.number = self.rng.integers(1, most + 1, n)
        self.scored_on = self.model.baseline_day.copy()
        self.before = np.zeros(n)
        # infinite until a decision is settled by lot, and missing until it has been looked at
        self.due = np.full(n, np.inf)
        self.taken = np.full(n, np.nan)

    def measure(
        self,
        who: Ints,
        after: bool,
    ) -> None:
        """A score, and when it was."""
        # by name: a class with slots is made anew, and `super()` would look for the old one
        ClinicSimulation.measure(self, who, after)
        self.scored_on[who] = self.clock[who]

    def pass_time(
        self,
        who: Ints,
        day: Floats | float,
    ) -> None:
        """As ever; on the way it is noted what sessions since the decision took off by the time it
        is to be looked at.
        """
        day = np.broadcast_to(
            np.asarray(day, np.float64),
            who.shape,
        )
        due = self.due[who] <= day
        not_yet = np.isnan(self.taken[who])
        ripe = who[due & not_yet]
        if ripe.size:
            ClinicSimulation.pass_time(self, ripe, self.due[ripe])
            self._look(ripe)
        # an infinite day only asks for what is due, and leaves the clock
        last = np.where(
            np.isfinite(day),
            day,
            self.clock[who],
        )
        ClinicSimulation.pass_time(self, who, last)

    def _look(self, who: Ints) -> None:
        """Note what sessions since the decision took off the score of now."""
        process = self.model.process
        drawn = self.rng.standard_normal(who.size)
        error = process.error_sd * drawn
        # the same natural course and error in both, so that only the sessions differ
        natural = self.severity[who] + error
        days = self.decision.looked_at
        left = np.exp(-process.wear * days)
        earlier = self.before[who] * left
        all_taken = self.effect * self.dose[who]
        some_taken = self.effect * earlier
        with_it = self.as_score(natural - all_taken)
        without = self.as_score(natural - some_taken)
        self.taken[who] = with_it - without

    def decide(
        self,
        who: Ints,
        session: int,
        known: Floats,
    ) -> tuple[Ints, Floats]:
        """As ever but where the lot decides: the next session soon; or none soon, and people leave
        or pause as they would.
        """
        kind, gap = ClinicSimulation.decide(
            self,
            who,
            session,
            known,
        )
        day = self.day[who]
        rules = self.decision
        lot = self.number[who] == session
        lot &= kind != PLANNED_END
        lot &= day - self.scored_on[who] <= rules.fresh
        lot &= day <= rules.latest[who]
        gaps = self.model.attendance.gaps
        # gaps seen in the clinic, apart by whether they are within the grace
        short = gaps[(gaps > 0) & (gaps <= rules.grace)]
        if not lot.any() or not short.size:
            return kind, gap
        settled = who[lot]
        self.due[settled] = day[lot] + rules.looked_at
        self.before[settled] = self.dose[settled]
        # whoever the lot sends on goes on, also those who would have left
        goes = lot & self.soon[who]
        kind[goes] = GOES_ON
        n = int(goes.sum())
        gap[goes] = self.rng.choice(short, n)
        waits = lot & ~self.soon[who]
        kind[waits], gap[waits] = self._pause(
            who[waits],
            known[waits],
        )
        return kind, gap

    def _pause(self, who: Ints, known: Floats) -> tuple[Ints, Floats]:
        """What follows, and when, for those to whom the lot gives no session soon."""
        gaps = self.model.attendance.gaps
        long = gaps[gaps > self.decision.grace]
        share = long.size / max(gaps.size, 1)
        stops = self._leaves(known, share)
        kind = np.where(stops, LEFT, GOES_ON)
        if not long.size:
            return kind, np.zeros(who.size)
        drawn = self.rng.choice(long, stops.size)
        longest = self.model.longest_gap[who]
        return kind, np.minimum(drawn, longest)

    def _leaves(
        self,
        known: Floats,
        long: float,
    ) -> Bools:
        """Whether somebody who has no session soon leaves, rather than pauses."""
        stops = self.model.attendance.stops
        chance = np.zeros(len(known))
        if not np.isnan(stops).any():
            chance = predict_logistic(known, stops)
        # given that no session comes soon, they leave or have a long gap: u * P(either) <= P(leave)
        either = chance + (1 - chance) * long
        drawn = self.rng.random(len(known))
        return np.asarray(drawn * either <= chance)
