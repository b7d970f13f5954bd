"""What is true of a scenario, found by forcing what is done on many people instead of looking at
who stops when.

The people are worked through in blocks, so that memory stays small whatever their number; every
truth is a mean over people and carries its Monte-Carlo standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats, Ints
from kettrack.simulation.decisions import AtMost, Fork, Regime, UsualCareAfter
from kettrack.simulation.history import History, run
from kettrack.simulation.outcomes import (
    confirmed_losses,
    decision_days,
    first_responses,
    has_recent_score,
    is_rated,
    scores_from,
    weekly_scores,
)
from kettrack.simulation.parameters import Parameters
from kettrack.simulation.presets import TRUTH_KINDS, TruthKind
from kettrack.vocabulary.days import DAYS_IN_WEEK

BLOCK: Final = 20_000  # people simulated at once
# Sessions of the two regimes that are compared.
MANY: Final = 8
FEW: Final = 3
USUAL_PAIR: Final = (6, 3)
LOOKED_AT_WEEK: Final = 12
# Days after a decision; the later is after the recall of the PHQ-9.
LOOKED_AT_FROM: Final = (7, 21)
HORIZONS: Final = (28, 56)  # days after the planned course
ANSWERS_ALWAYS: Final = 99.0  # a logit


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
        # rounding may leave a variance of 0 a little below it
        variance = max(self.squares / self.n - mean**2, 0.0)
        return Truth(mean, float(variance**0.5 / self.n**0.5))


Tallies = dict[str, Tally]


def _tally(values: npt.ArrayLike) -> Tally:
    found = np.asarray(values, dtype=np.float64)
    return Tally(len(found), float(found.sum()), float((found**2).sum()))


def planned_sessions(parameters: Parameters) -> int:
    """Length of the longest planned course."""
    return max(length for length, _ in parameters.schedule.planned)


def _by_session(
    name: str,
    response: Ints,
    counted: Bools,
    parameters: Parameters,
) -> Tallies:
    """Share of those counted who have responded by session 1, 2, ... of the planned course; 0 =
    never.
    """
    response = response[counted]
    sessions = range(1, planned_sessions(parameters) + 1)
    responded = response > 0
    return {f"{name}_{s}": _tally(responded & (response <= s)) for s in sessions}


def take_every_score(parameters: Parameters) -> Parameters:
    """The same clinic in which nobody fails to answer, at home or after stopping; when scores are
    due stays as it is.
    """
    scoring = replace(
        parameters.scoring,
        answers=ANSWERS_ALWAYS,
        answers_sd=0.0,
        silent_after_stop=(),
    )
    return replace(parameters, scoring=scoring)


# ---- one function for each kind of truth: a parameter set, people and seed to tallies


def _final_scores(
    parameters: Parameters,
    n: int,
    seed: int,
    regime: Regime,
) -> Floats:
    """Week-12 score of each person under a regime, every score being taken."""
    history = run(take_every_score(parameters), n, seed, regime=regime)
    return weekly_scores(history)[:, -1]


def _stop_after(
    parameters: Parameters,
    n: int,
    seed: int,
) -> Tallies:
    """Week-12 score, eight sessions against three."""
    many = _final_scores(parameters, n, seed, MANY)
    few = _final_scores(parameters, n, seed, FEW)
    return {f"stop_after_{MANY}_minus_{FEW}": _tally(many - few)}


def _usual_pair(
    parameters: Parameters,
    n: int,
    seed: int,
) -> Tallies:
    """Score on the last day of week 12, six sessions against three, nothing but that score being
    taken: sessions that are forced wait for no score.
    """
    day = LOOKED_AT_WEEK * DAYS_IN_WEEK
    answering = take_every_score(parameters)
    scoring = replace(
        answering.scoring,
        remote_first=(day, day),
        sparser=None,
        at_visits=0.0,
        exit_call=0.0,
        never_scored=0.0,
        followed_less_factor=1.0,
        sicker_answers_less=0.0,
    )
    one_score = replace(
        answering,
        scoring=scoring,
        last_day=day,
        open_days=0,
        seen_to_day=day,
    )
    six, three = (
        run(one_score, n, seed, regime=sessions).scores for sessions in USUAL_PAIR
    )
    # Everybody is scored, in the same order under both.
    later = six.day == day
    return {
        "stop_after_6_minus_3": _tally(six.score[later] - three.score[three.day == day])
    }


def _at_most(
    parameters: Parameters,
    n: int,
    seed: int,
) -> Tallies:
    """Week-12 score, at most eight sessions against at most three, ended by two scores in
    remission.
    """
    many = _final_scores(parameters, n, seed, AtMost(MANY))
    few = _final_scores(parameters, n, seed, AtMost(FEW))
    return {f"at_most_{MANY}_minus_{FEW}": _tally(many - few)}


def _usual_care(
    parameters: Parameters,
    n: int,
    seed: int,
) -> Tallies:
    """Week-12 score, eight sessions against three, whatever the clinic does later."""
    many = _final_scores(parameters, n, seed, UsualCareAfter(MANY))
    few = _final_scores(parameters, n, seed, UsualCareAfter(FEW))
    return {f"usual_care_{MANY}_minus_{FEW}": _tally(many - few)}


def _response(
    parameters: Parameters,
    n: int,
    seed: int,
) -> Tallies:
    """First response if everybody goes on to the end of the planned course and no score is
    missing.
    """
    planned = planned_sessions(parameters)
    history = run(take_every_score(parameters), n, seed, regime=planned)
    responses = first_responses(history)
    return _by_session("response_by", responses, is_rated(history), parameters)


def _seen_response(
    parameters: Parameters,
    n: int,
    seed: int,
) -> Tallies:
    """First response as it happens and is seen in this clinic, with everybody who started in the
    denominator.
    """
    history = run(parameters, n, seed)
    responses = first_responses(history)
    return _by_session("seen_response_by", responses, is_rated(history), parameters)


def _both_ways(
    parameters: Parameters,
    n: int,
    seed: int,
    at: Ints,
) -> tuple[History, History]:
    """The same people with and without a session soon after their session number `at`."""
    goes_on = run(parameters, n, seed, regime=Fork(at, True))
    stops = run(parameters, n, seed, regime=Fork(at, False))
    return goes_on, stops


def _one_more_session(
    parameters: Parameters,
    n: int,
    seed: int,
) -> Tallies:
    """The next weekly score with and without one more session, decided at one random session of
    those still in care.
    """
    at = _random_sessions(parameters, n, seed)
    on, off = _both_ways(take_every_score(parameters), n, seed, at)
    in_care = np.flatnonzero(np.bincount(off.sessions.who, minlength=n) >= at)
    next_week = at[in_care] + 1  # the scores begin with the screening score
    with_it = weekly_scores(on)[in_care, next_week]
    without_it = weekly_scores(off)[in_care, next_week]
    return {"one_more_session": _tally(with_it - without_it)}


def _going_on(
    parameters: Parameters,
    n: int,
    seed: int,
) -> Tallies:
    """The first score from one week and from three weeks after a decision on: a session within the
    week against none.
    """
    at = _random_sessions(parameters, n, seed)
    on, off = _both_ways(parameters, n, seed, at)
    day = decision_days(off, at)
    known = has_recent_score(off, day)
    tallies: Tallies = {}
    for begin in LOOKED_AT_FROM:
        difference = scores_from(on, day + begin) - scores_from(off, day + begin)
        counted = known & ~np.isnan(difference)
        tallies[f"going_on_from_day_{begin}"] = _tally(difference[counted])
    return tallies


def _random_sessions(
    parameters: Parameters,
    n: int,
    seed: int,
) -> Ints:
    """A session of each person before the last planned one, by lot."""
    # the third stream of the seed: the first two are those of `run`
    lot = np.random.default_rng(np.random.SeedSequence(seed).spawn(3)[2])
    return lot.integers(1, planned_sessions(parameters), n)


def _durability(
    parameters: Parameters,
    n: int,
    seed: int,
) -> Tallies:
    """Share of responders after a completed planned course without a confirmed loss, and without a
    single score of loss.
    """
    planned = planned_sessions(parameters)
    # Only a clinic with maintenance must be kept from it; the others give none anyway.
    treatment_free = planned if parameters.extras.held else None
    history = run(parameters, n, seed, regime=treatment_free)
    tallies: Tallies = {}
    for name, confirmed in (("durability", True), ("durability_single_score", False)):
        loss = confirmed_losses(history, planned, confirmed)
        known = loss[~np.isnan(loss)]
        tallies |= {f"{name}_{days}": _tally(known > days) for days in HORIZONS}
    return tallies


_MEASURES: Final[dict[TruthKind, Callable[[Parameters, int, int], Tallies]]] = {
    "stop_after": _stop_after,
    "usual_pair": _usual_pair,
    "at_most": _at_most,
    "usual_care": _usual_care,
    "response": _response,
    "seen_response": _seen_response,
    "one_more_session": _one_more_session,
    "going_on": _going_on,
    "durability": _durability,
}


def _blocks(n: int, seed: int) -> Iterator[tuple[int, int]]:
    """Size and seed of each block; one block keeps the seed as it is."""
    if n <= BLOCK:
        yield n, seed
        return
    for place, begin in enumerate(range(0, n, BLOCK)):
        block_seed = np.random.SeedSequence([seed, place]).generate_state(1)[0]
        yield min(BLOCK, n - begin), int(block_seed)


def force_truth(
    parameters: Parameters,
    n: int,
    seed: int,
    kinds: tuple[TruthKind, ...] | None = None,
) -> dict[str, Truth]:
    """Truths of a scenario with n people.

    Parameters
    ----------
    parameters : Parameters
        One of `presets.SCENARIOS`, or a variant of it under the same name.
    n, seed : int
        Number of people and seed.
    kinds : tuple of str, optional
        Which kinds of truth; default: all that the scenario has (`presets.TRUTH_KINDS`).

    Returns
    -------
    dict of str to Truth
        Points and shares (0 to 1). `stop_after_8_minus_3`: mean difference of the week-12 score.
        `stop_after_6_minus_3`: the same for six against three in a clinic of any rhythm.
        `at_most_8_minus_3`: the same as the first, ended early by two scores in remission.
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
    wanted = TRUTH_KINDS.get(parameters.name, ()) if kinds is None else kinds
    sums: Tallies = {}
    for size, block_seed in _blocks(n, seed):
        for kind in wanted:
            for name, tally in _MEASURES[kind](parameters, size, block_seed).items():
                sums[name] = sums.get(name, Tally()) + tally
    return {name: tally.truth for name, tally in sums.items()}
