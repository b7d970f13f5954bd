"""A clinic day by day: scores are taken, sessions given, and after each it is decided whether and
when the next one comes. One decision of each person can be forced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.simulation.families.dynamics import Dynamics

LEAD: Final = 7  # days before the first session
LAST_DAY: Final = 110
NO_MORE: Final = 10_000
_GAPS: Final = 2_000  # drawn to know the gaps of a clinic
INSTRUMENT_TOPS: Final = {"MADRS": 60, "QIDS-SR16": 27, "PHQ-9": 27}


@dataclass(frozen=True, slots=True)
class Known:
    """What the clinic has on record of some people; missing scores are NaN.

    Parameters
    ----------
    last, before, earlier : float64
        Last recorded score, the one before it and the one before that.
    baseline : float64
        Last score before the first session.
    sessions : int64
        So far.
    """

    last: Floats
    before: Floats
    earlier: Floats
    baseline: Floats
    sessions: Ints

    def take(
        self,
        who: Ints,
    ) -> Known:
        """Of some people."""
        return Known(
            self.last[who],
            self.before[who],
            self.earlier[who],
            self.baseline[who],
            self.sessions[who],
        )


Chance = Callable[[Known], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of clinic.

    Parameters
    ----------
    name, about : str
        Its name, and what it is in a sentence.
    instrument : str
        Scale of the scores.
    dynamics : callable
        Severity without sessions.
    effect : float
        Points that a session takes off on its day; 0 = sessions do nothing.
    fades : float
        Share of it that is left a day later.
    of_session : callable
        Factor on the effect by number of the session, 1 = the first.
    stops : callable
        Chance to stop right after a session.
    calls_off : callable
        Chance that a score taken while the next session is awaited calls it off for good.
    gap : callable
        Days to the next session from a uniform number.
    visit_scored : float
        Chance of a score before a session.
    remote_every : int
        Days between remote scores, before and after stopping alike.
    scored : callable
        Chance that a remote score comes in, from what is on record.
    sees : float
        How much sicker people answer less often: logit per point of severity; 0 = at random given
        what is on record.
    noise : float
        SD of a score around the severity.
    """

    name: str
    about: str
    instrument: str
    dynamics: Dynamics
    effect: float = 0.0
    fades: float = 0.95
    of_session: Callable[[Ints], Floats]
    stops: Chance
    calls_off: Chance
    gap: Callable[[Floats], Ints]
    visit_scored: float
    remote_every: int
    scored: Chance
    sees: float = 0.0
    noise: float = 2.0

    def without_effect(self) -> Family:
        """The same clinic, in which sessions do nothing."""
        return replace(self, effect=0.0, name=f"{self.name}-null")


@dataclass(frozen=True, slots=True)
class Forced:
    """A decision that is forced: after that session of each person, whether the next one comes
    within the grace.

    Parameters
    ----------
    after_session : int64
        Number of the session; 0 where nothing is forced.
    goes_on : bool
        What is forced.
    grace : int
        Days.
    called_off : float
        Share of the awaited sessions that are called off in this clinic. Those who do not go on
        stop or pause in the shares in which the clinic's own people do.
    """

    after_session: Ints
    goes_on: bool
    grace: int
    called_off: float


@dataclass(frozen=True, slots=True)
class FamilyRun:
    """What happened.

    Parameters
    ----------
    session_rows, score_rows : Ints, Floats
        Person and day of each session; person, day and value of each score.
    severity : float64, shape (days, people)
        From `LEAD` days before the first session on, sessions included, within the scale.
    called_off : float
        Share of the awaited sessions that were called off.
    """

    session_rows: Ints
    score_rows: Floats
    severity: Floats
    called_off: float


class _State:
    """Everybody on one day; changed in place."""

    def __init__(self, n: int) -> None:
        missing = np.full(n, np.nan)
        self.last = missing.copy()
        self.before = missing.copy()
        self.earlier = missing.copy()
        self.baseline = missing.copy()
        self.sessions = np.zeros(n, np.int64)
        self.next_session = np.zeros(n, np.int64)
        self.weekday = np.zeros(n, np.int64)
        self.treated = np.zeros(n)
        # sessions that were awaited, and those of them that were called off
        self.going = [0, 0]

    def known(self) -> Known:
        return Known(self.last, self.before, self.earlier, self.baseline, self.sessions)

    def record(
        self,
        who: Ints,
        score: Floats,
    ) -> None:
        self.earlier[who] = self.before[who]
        self.before[who] = self.last[who]
        self.last[who] = score


def run_family(
    family: Family,
    n: int,
    seed: int,
    forced: Forced | None = None,
) -> FamilyRun:
    """Run a clinic of n people.

    Two runs with one seed share all chance: before a forced decision they are alike.
    """
    rng = np.random.default_rng([seed, 1])
    days = LEAD + LAST_DAY + 1
    of_severity = np.random.default_rng([seed, 2])
    natural = family.dynamics(of_severity, n, days)
    top = INSTRUMENT_TOPS[family.instrument]
    state = _State(n)
    state.weekday = rng.integers(0, family.remote_every, n)
    severity = np.empty((days, n))
    sessions = []
    scores = []
    for day in range(-LEAD, LAST_DAY + 1):
        # drawn for everybody every day, whatever happens, so that runs share them
        uniform = rng.random((6, n))
        noise = rng.normal(0, family.noise, n)
        now = np.clip(natural[day + LEAD] - state.treated, 0, top)
        severity[day + LEAD] = now
        scored = _who_is_scored(family, state, now, day, uniform)
        value = np.clip(np.rint(now + noise), 0, top)
        state.record(scored, value[scored])
        scores.append(_rows(scored, day, value[scored]))
        # the first score is that of intake, before anybody can have a session
        if day >= 0:
            treated = _day_of_sessions(family, state, scored, day, uniform, forced)
            sessions.append(_rows(treated, day)[:, :2])
    awaited, called_off = state.going
    return FamilyRun(
        np.concatenate(sessions),
        np.concatenate(scores),
        severity,
        called_off / max(awaited, 1),
    )


def _rows(
    who: Ints,
    day: int,
    *values: Floats,
) -> Floats:
    """Rows of person, day and values."""
    every_day = np.full(len(who), day)
    return np.column_stack([who, every_day, *values])


def _day_of_sessions(
    family: Family,
    state: _State,
    scored: Ints,
    day: int,
    uniform: Floats,
    forced: Forced | None,
) -> Ints:
    """Some call off, the others have their session, and it is decided on the next; who had one."""
    comes = state.next_session == day
    waiting = scored[~comes[scored]]
    _call_off(
        family,
        state,
        waiting,
        uniform[2],
        forced,
    )
    treated = np.flatnonzero(comes)
    if day == 0:
        state.baseline[:] = state.last
    state.sessions[treated] += 1
    number = state.sessions[treated]
    gives = family.effect * family.of_session(number)
    _decide(
        family,
        state,
        treated,
        day,
        uniform,
        forced,
    )
    state.treated *= family.fades
    state.treated[treated] += gives
    return treated


def _who_is_scored(
    family: Family,
    state: _State,
    severity: Floats,
    day: int,
    uniform: Floats,
) -> Ints:
    """A score at intake, before some sessions, and by remote on the person's own weekday."""
    if day == -1:
        return np.arange(len(severity))
    comes = state.next_session == day
    at_visit = comes & (uniform[0] < family.visit_scored)
    remote = (day - state.weekday) % family.remote_every == 0
    remote &= day > 0
    chance = family.scored(state.known())
    if family.sees:
        # the centre is the severity now of those on record, so that as many answer
        sicker = severity - state.last
        odds = chance / (1 - chance)
        odds = odds * np.exp(-family.sees * sicker)
        chance = odds / (1 + odds)
    answers = uniform[1] < chance
    return np.flatnonzero(at_visit | (remote & answers))


def _call_off(
    family: Family,
    state: _State,
    who: Ints,
    uniform: Floats,
    forced: Forced | None,
) -> None:
    """Some who are scored while they wait for a session never have it."""
    awaits = state.next_session[who] < NO_MORE
    began = state.sessions[who] > 0
    who = who[awaits & began]
    if forced is not None:
        is_forced = state.sessions[who] == forced.after_session[who]
        who = who[~is_forced]
    chance = family.calls_off(state.known().take(who))
    leaves = uniform[who] < chance
    state.next_session[who[leaves]] = NO_MORE
    state.going[1] += int(leaves.sum())


def _decide(
    family: Family,
    state: _State,
    who: Ints,
    day: int,
    uniform: Floats,
    forced: Forced | None,
) -> None:
    """Whether and when the next session comes."""
    chance = family.stops(state.known().take(who))
    stops = uniform[3][who] < chance
    gap = family.gap(uniform[4][who])
    if forced is not None:
        here = state.sessions[who] == forced.after_session[who]
        stops_here, gap_here = _forced_decision(
            family, forced, chance, uniform[3][who], uniform[5][who]
        )
        stops = np.where(here, stops_here, stops)
        gap = np.where(here, gap_here, gap)
    state.going[0] += int((~stops).sum())
    state.next_session[who] = np.where(stops, NO_MORE, day + gap)


def _forced_decision(
    family: Family,
    forced: Forced,
    chance: Floats,
    uniform: Floats,
    pick: Floats,
) -> tuple[Bools, Ints]:
    """Who stops, and the gap of those who do not, drawn from the clinic's own gaps that fit."""
    gaps = family.gap((np.arange(_GAPS) + 0.5) / _GAPS)
    is_within = gaps <= forced.grace
    fitting = gaps[is_within == forced.goes_on]
    if forced.goes_on or not len(fitting):
        stops = np.full(len(chance), not forced.goes_on)
    else:
        pauses = (1 - chance) * np.mean(~is_within)
        called_off = (1 - chance) * np.mean(is_within) * forced.called_off
        stops = uniform >= pauses / (chance + pauses + called_off)
    if not len(fitting):
        return stops, np.ones(len(chance), np.int64)
    return stops, fitting[(pick * len(fitting)).astype(np.int64)]


def family_tables(
    family: Family,
    run: FamilyRun,
) -> dict[str, pd.DataFrame]:
    """The tables of a clinic's folder: sessions, scores and patients."""
    n = run.severity.shape[1]
    width = len(str(n))
    ids = np.array([f"F{one:0{width}d}" for one in range(n)], dtype=object)
    people, days = run.session_rows.T
    sessions = pd.DataFrame({"patient_id": ids[people], "day": days})
    who = run.score_rows[:, 0].astype(np.int64)
    scores = pd.DataFrame(
        {
            "patient_id": ids[who],
            "instrument": family.instrument,
            "day": run.score_rows[:, 1].astype(np.int64),
            "score": run.score_rows[:, 2].astype(np.int64),
            "timing": "before",
        }
    )
    patients = pd.DataFrame({"patient_id": ids, "observed_to_day": LAST_DAY})
    order = ["patient_id", "day"]
    return {
        "sessions": sessions.sort_values(order, ignore_index=True),
        "scores": scores.sort_values(order, ignore_index=True),
        "patients": patients,
    }
