"""Who is scored today: at a session, or by a request sent home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.simulation.habits import DAYS_PER_WEEK, PLANNED_END, REASON_CODE, Scoring
from kettrack.simulation.people import People, rate
from kettrack.simulation.process import NEVER, NO_SCORE, Roll, State, recalled
from kettrack.vocabulary.instruments import PHQ9

BEFORE, AFTER, UNKNOWN, NO_SESSION = range(4)
# empty: there was no session that day to be before or after
TIMING_NAMES = ("before", "after", "unknown", "")
REMISSION = PHQ9.remission[0].value  # the highest score of it
SICK_FROM = 10.0  # points above which answering gets rarer


@dataclass(frozen=True, slots=True)
class Occasions:
    """Positions of the patients scored today, before and after a session."""

    before: Ints
    after: Ints


def expit(logit: Floats) -> Floats:
    """Logistic function, safe far out."""
    return 1 / (1 + np.exp(-np.clip(logit, -50, 50)))


def draw_timing(scoring: Scoring, roll: Roll, coming: Bools) -> Ints:
    """Timing code per patient; `NO_SESSION` where none comes today."""
    before, after, _ = scoring.timing
    drawn = np.where(
        roll.timing < before,
        BEFORE,
        np.where(roll.timing < before + after, AFTER, UNKNOWN),
    )
    return np.where(coming, drawn, NO_SESSION)


def _requests(
    state: State, people: People, scoring: Scoring, day: int, roll: Roll
) -> Bools:
    """Who answers a remote request today; moves the day of the next request of everybody who got
    one.
    """
    due = state.next_request <= day
    jitter = (
        np.floor(roll.gap * (2 * scoring.remote_jitter + 1)).astype(np.int64)
        - scoring.remote_jitter
    )
    state.next_request[due] = day + scoring.remote_interval + jitter[due]
    logit = people.answers - scoring.sicker_answers_less * (state.severity - SICK_FROM)
    rested = day - state.last_scored > scoring.quiet_days
    return due & rested & (roll.remote < expit(logit) * _followed(people, scoring))


def _followed(people: People, scoring: Scoring) -> Floats:
    return np.where(people.followed_less, scoring.followed_less_factor, 1.0)


def occasions(
    state: State, people: People, scoring: Scoring, day: int, coming: Bools, roll: Roll
) -> tuple[Occasions, Ints]:
    """Who is scored today and on which side of the session, with the timing code of everybody.

    Scores before the first session need the screening score to be in the log too: a person without
    a baseline has none at all.
    """
    at_visit = coming & (roll.visit < scoring.at_visits * _followed(people, scoring))
    at_visit &= state.last_scored < day
    called = state.exit_call == day
    scored = (
        (at_visit | called | _requests(state, people, scoring, day, roll))
        & ~state.silent
        & (day <= people.seen_to)
    )
    timing = draw_timing(scoring, roll, coming)
    first = (state.total == 0) & (timing != AFTER)
    scored &= (day >= 0) & (people.recorded | ~first)
    return (
        Occasions(
            np.flatnonzero(scored & (timing != AFTER)),
            np.flatnonzero(scored & (timing == AFTER)),
        ),
        timing,
    )


def measure(state: State, scoring: Scoring, who: Ints, day: int, roll: Roll) -> Ints:
    """Score `who` now, and let the clinic remember it: last score, best score since the start,
    baseline before it.
    """
    score = rate(recalled(state)[who] + scoring.error_sd * roll.error[who])
    fresh = state.total[who] == 0
    state.last_score[who] = score
    state.last_scored[who] = day
    state.baseline[who] = np.where(fresh, score, state.baseline[who])
    better = fresh | (state.best[who] == NO_SCORE) | (score < state.best[who])
    state.best[who] = np.where(better, score, state.best[who])
    low = score <= REMISSION
    state.low_since[who] = np.where(low, np.minimum(state.low_since[who], day), NEVER)
    again = who[low & (day - state.low_since[who] >= DAYS_PER_WEEK)]
    state.remitted_on[again] = np.minimum(state.remitted_on[again], day)
    return score


def silence(state: State, people: People, scoring: Scoring, who: Ints) -> None:
    """After a stop some people are never scored again, by reason; of the others some are reached
    for a last score.
    """
    share = np.zeros(PLANNED_END + 1)
    for reason, silent in scoring.silent_after_stop:
        share[REASON_CODE[reason]] = silent
    state.silent[who] |= people.silent[who] < share[state.reason[who]]
    earliest, latest = scoring.exit_call_after
    reached = who[people.silent[who] > 1 - scoring.exit_call]
    state.exit_call[reached] = (
        state.last_session[reached]
        + earliest
        + people.first_request[reached] % (latest - earliest + 1)
    )
