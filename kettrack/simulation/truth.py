"""What is true of a scenario, found by forcing what is done on many people instead of looking at
who stops when.

The people are worked through in blocks, so that memory stays small whatever their number; every
truth is a mean over people and carries its Monte-Carlo standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Ints
from kettrack.simulation.courses_seen import (
    confirmed_losses,
    first_responses,
    rated,
    weekly_scores,
)
from kettrack.simulation.decisions_seen import decision_days, known_by, scores_from
from kettrack.simulation.history import run
from kettrack.simulation.parameters import Parameters
from kettrack.simulation.regimes import AtMost, Fork, UsualCareAfter
from kettrack.simulation.truth_kinds import KINDS, Kind, take_every_score

BLOCK: Final = 20_000  # people simulated at once
# sessions of the two regimes that are compared
MANY = 8
FEW = 3
# days after a decision; the later is after the recall of the PHQ-9
LOOKED_AT_FROM: Final = (7, 21)
HORIZONS: Final = (28, 56)  # days after the planned course


@dataclass(frozen=True, slots=True)
class Truth:
    """A number and the Monte-Carlo standard error it was found with."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Tally:
    """A mean in the making: how many people, their sum, their sum of squares."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.n + other.n, self.total + other.total, self.squares + other.squares
        )

    @property
    def truth(self) -> Truth:
        """Mean and its standard error; missing where nobody was counted."""
        if not self.n:
            return Truth(float("nan"), float("nan"))
        mean = self.total / self.n
        return Truth(
            mean, float(max(self.squares / self.n - mean**2, 0.0) ** 0.5 / self.n**0.5)
        )


Tallies = dict[str, Tally]


def _tally(values: npt.ArrayLike) -> Tally:
    found = np.asarray(values, dtype=np.float64)
    return Tally(len(found), float(found.sum()), float((found**2).sum()))


def planned_sessions(parameters: Parameters) -> int:
    """Length of the longest planned course."""
    return max(length for length, _ in parameters.schedule.planned)


def _by_session(
    name: str, response: Ints, counted: Bools, parameters: Parameters
) -> Tallies:
    """Share of those counted who have responded by session 1, 2, ... of the planned course; 0 =
    never.
    """
    response = response[counted]
    last = planned_sessions(parameters)
    return {
        f"{name}_{s}": _tally((response > 0) & (response <= s))
        for s in range(1, last + 1)
    }


def _contrast(parameters: Parameters, n: int, seed: int) -> Tallies:
    """Week-12 score, eight sessions against three."""
    many, few = (
        weekly_scores(run(take_every_score(parameters), n, seed, regime=k))[:, -1]
        for k in (MANY, FEW)
    )
    return {f"stop_after_{MANY}_minus_{FEW}": _tally(many - few)}


def _continued(parameters: Parameters, n: int, seed: int) -> Tallies:
    """First response if everybody goes on to the end of the planned course and no score is
    missing.
    """
    history = run(
        take_every_score(parameters), n, seed, regime=planned_sessions(parameters)
    )
    return _by_session(
        "response_by", first_responses(history), rated(history), parameters
    )


def _seen(parameters: Parameters, n: int, seed: int) -> Tallies:
    """First response as it happens and is seen in this clinic, with everybody who started in the
    denominator.
    """
    history = run(parameters, n, seed)
    return _by_session(
        "seen_response_by", first_responses(history), rated(history), parameters
    )


def _one_more(parameters: Parameters, n: int, seed: int) -> Tallies:
    """The next weekly score with and without one more session, decided at one random session of
    those still in care.
    """
    at = _at_random(parameters, n, seed)
    on, off = (
        run(take_every_score(parameters), n, seed, regime=Fork(at, goes_on))
        for goes_on in (True, False)
    )
    there = np.flatnonzero(np.bincount(off.sessions.who, minlength=n) >= at)
    next_score = [weekly_scores(history)[there, at[there] + 1] for history in (on, off)]
    return {"one_more_session": _tally(next_score[0] - next_score[1])}


def _at_most(parameters: Parameters, n: int, seed: int) -> Tallies:
    """Week-12 score, at most eight sessions against at most three, ended by two scores in
    remission.
    """
    full = take_every_score(parameters)
    many, few = (
        weekly_scores(run(full, n, seed, regime=AtMost(k)))[:, -1] for k in (MANY, FEW)
    )
    return {f"at_most_{MANY}_minus_{FEW}": _tally(many - few)}


def _usual_care(parameters: Parameters, n: int, seed: int) -> Tallies:
    """Week-12 score, eight sessions against three, whatever the clinic does later."""
    full = take_every_score(parameters)
    many, few = (
        weekly_scores(run(full, n, seed, regime=UsualCareAfter(k)))[:, -1]
        for k in (MANY, FEW)
    )
    return {f"usual_care_{MANY}_minus_{FEW}": _tally(many - few)}


def _going_on(parameters: Parameters, n: int, seed: int) -> Tallies:
    """The first score from one week and from three weeks after a decision on: a session within the
    week against none.
    """
    at = _at_random(parameters, n, seed)
    on, off = (
        run(parameters, n, seed, regime=Fork(at, goes_on)) for goes_on in (True, False)
    )
    day = decision_days(off, at)
    known = known_by(off, day)
    tallies: Tallies = {}
    for begin in LOOKED_AT_FROM:
        difference = scores_from(on, day + begin) - scores_from(off, day + begin)
        tallies[f"going_on_from_day_{begin}"] = _tally(
            difference[known & ~np.isnan(difference)]
        )
    return tallies


def _at_random(parameters: Parameters, n: int, seed: int) -> Ints:
    """A session of each person before the last planned one, by lot."""
    lot = np.random.default_rng(np.random.SeedSequence(seed).spawn(3)[2])
    return lot.integers(1, planned_sessions(parameters), n)


def _durability(parameters: Parameters, n: int, seed: int) -> Tallies:
    """Share of responders after a completed planned course without a confirmed loss, and without a
    single score of loss.
    """
    planned = planned_sessions(parameters)
    # no maintenance; else the clinic gives none anyway
    treatment_free = planned if parameters.extras.held else None
    history = run(parameters, n, seed, regime=treatment_free)
    tallies: Tallies = {}
    for name, confirmed in (("durability", True), ("durability_single_score", False)):
        loss = confirmed_losses(history, planned, confirmed)
        tallies |= {
            f"{name}_{days}": _tally(loss[~np.isnan(loss)] > days) for days in HORIZONS
        }
    return tallies


_MEASURES: Final[dict[Kind, Callable[[Parameters, int, int], Tallies]]] = {
    "stop_after": _contrast,
    "at_most": _at_most,
    "usual_care": _usual_care,
    "response": _continued,
    "seen_response": _seen,
    "one_more_session": _one_more,
    "going_on": _going_on,
    "durability": _durability,
}


def _blocks(n: int, seed: int) -> Iterator[tuple[int, int]]:
    """Size and seed of each block; one block keeps the seed as it is."""
    if n <= BLOCK:
        yield n, seed
        return
    for place, begin in enumerate(range(0, n, BLOCK)):
        yield (
            min(BLOCK, n - begin),
            int(np.random.SeedSequence([seed, place]).generate_state(1)[0]),
        )


def force_truth(
    parameters: Parameters, n: int, seed: int, kinds: tuple[Kind, ...] | None = None
) -> dict[str, Truth]:
    """Truths of a scenario with n people.

    Parameters
    ----------
    parameters : Parameters
        One of `weekly_presets.TRIALS`, or a variant of it under the same name.
    n, seed : int
        Number of people and seed.
    kinds : tuple of str, optional
        Which kinds of truth; default: all that the scenario has (`truth_kinds.KINDS`).

    Returns
    -------
    dict of str to Truth
        Points and shares (0 to 1). `stop_after_8_minus_3`: mean difference of the week-12 score.
        `at_most_8_minus_3`: the same, ended early by two scores in remission.
        `usual_care_8_minus_3`: the same, with the clinic's own decisions once 28 days have passed.
        `response_by_S`: share with a first response by session S if everybody goes on and every
        score is taken. `seen_response_by_S`: the same as it happens in the clinic.
        `one_more_session`: mean difference of the next weekly score, decided at one random session
        of those still in care. `going_on_from_day_7` `going_on_from_day_21`: mean difference of the
        first score so long after such a decision, a session in the week after it against none.
        `durability_28` `durability_56`: share of those who completed the planned course and
        responded within 14 days of its end who have no confirmed loss of response so many days
        after its end; with `_single_score`, no score of loss at all.
    """
    wanted = KINDS.get(parameters.name, ()) if kinds is None else kinds
    sums: Tallies = {}
    for size, block_seed in _blocks(n, seed):
        for kind in wanted:
            for name, tally in _MEASURES[kind](parameters, size, block_seed).items():
                sums[name] = sums.get(name, Tally()) + tally
    return {name: tally.truth for name, tally in sums.items()}
