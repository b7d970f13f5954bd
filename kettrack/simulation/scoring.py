"""Who is scored today: at a session, or by a request sent home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.simulation.parameters import PLANNED_END, REASON_CODE, Scoring
from kettrack.simulation.people import People, phq9_total
from kettrack.simulation.process import NEVER, NO_SCORE, Roll, State, recalled_severity
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.instruments import PHQ9

BEFORE, AFTER, UNKNOWN, NO_SESSION = range(4)
# Words of these codes; empty: there was no session that day to be before or after.
TIMING_NAMES = ("before", "after", "unknown", "")
REMISSION = PHQ9.remission[0].value  # the highest score of it
SICK_FROM = 10.0  # points above which answering gets rarer
LARGEST_LOGIT = 50


@dataclass(frozen=True, slots=True)
class Occasions:
    """Positions of the patients scored today, before and after a session, and the timing code of
    everybody.
    """

    before: Ints
    after: Ints
    timing: Ints


def expit(logit: Floats) -> Floats:
    """Logistic function; logits are cut off where it has long reached 0 or 1."""
    inside = np.clip(logit, -LARGEST_LOGIT, LARGEST_LOGIT)
    return 1 / (1 + np.exp(-inside))


def draw_timing(
    scoring: Scoring,
    roll: Roll,
    coming: Bools,
) -> Ints:
    """Timing code per patient; `NO_SESSION` where none comes today."""
    before, after, _ = scoring.timing
    not_before = np.where(roll.timing < before + after, AFTER, UNKNOWN)
    drawn = np.where(roll.timing < before, BEFORE, not_before)
    return np.where(coming, drawn, NO_SESSION)


def _answers(
    state: State,
    people: People,
    scoring: Scoring,
    day: int,
    roll: Roll,
) -> Bools:
    """Who answers a remote request today; moves the day of the next request of everybody who got
    one.
    """
    # The next request moves whether or not this one is answered.
    due = state.next_request <= day
    # whole days from -jitter to +jitter, all as likely
    width = 2 * scoring.remote_jitter + 1
    moved_by = np.floor(roll.gap * width).astype(np.int64) - scoring.remote_jitter
    state.next_request[due] = day + scoring.remote_interval + moved_by[due]
    sickness = state.severity - SICK_FROM
    logit = people.answers - scoring.sicker_answers_less * sickness
    chance = expit(logit) * _reach(people, scoring)
    rested = day - state.last_scored > scoring.quiet_days
    return due & rested & (roll.remote < chance)


def _reach(people: People, scoring: Scoring) -> Floats:
    """What a person's chances of a score are multiplied by."""
    return np.where(people.followed_less, scoring.followed_less_factor, 1.0)


def occasions(
    state: State,
    people: People,
    scoring: Scoring,
    day: int,
    coming: Bools,
    roll: Roll,
) -> Occasions:
    """Who is scored today and on which side of the session.

    Scores before the first session need the screening score to be in the log too: a person without
    a baseline has none at all.

    Parameters
    ----------
    state : State
        At the start of the day; the days of the next requests are moved.
    people : People
        The patients.
    scoring : Scoring
        Habits of the clinic.
    day : int
        Today.
    coming : array of bool
        Who has a session today.
    roll : Roll
        Today's chance.

    Returns
    -------
    Occasions
        Positions, in the order of the patients.
    """
    at_visit = coming & (roll.visit < scoring.at_visits * _reach(people, scoring))
    # One score a day: the screening score may already be of day 0.
    at_visit &= state.last_scored < day
    called = state.exit_call == day
    answers = _answers(
        state,
        people,
        scoring,
        day,
        roll,
    )
    in_view = (day >= 0) & (day <= people.seen_to)
    scored = (at_visit | called | answers) & ~state.silent & in_view
    timing = draw_timing(scoring, roll, coming)
    # A score after the first session already holds its effect.
    counts_as_baseline = (state.total == 0) & (timing != AFTER)
    scored &= people.recorded | ~counts_as_baseline
    return Occasions(
        before=np.flatnonzero(scored & (timing != AFTER)),
        after=np.flatnonzero(scored & (timing == AFTER)),
        timing=timing,
    )


def measure(
    state: State,
    scoring: Scoring,
    who: Ints,
    day: int,
    roll: Roll,
) -> Ints:
    """Score `who` now, and let the clinic remember it: last score, best score since the start,
    baseline before it.
    """
    error = scoring.error_sd * roll.error[who]
    score = phq9_total(recalled_severity(state)[who] + error)
    # Each score before the first session takes the place of the baseline so far.
    untreated = state.total[who] == 0
    state.last_score[who] = score
    state.last_scored[who] = day
    state.baseline[who] = np.where(untreated, score, state.baseline[who])
    # the best score counts from the baseline on, so each new baseline begins it anew
    best = state.best[who]
    is_best = untreated | (best == NO_SCORE) | (score < best)
    state.best[who] = np.where(is_best, score, best)
    _remember_remission(
        state,
        who,
        score,
        day,
    )
    return score


def _remember_remission(
    state: State,
    who: Ints,
    score: Ints,
    day: int,
) -> None:
    """Note since when the scores of `who` show remission, and when they had done so for a week."""
    low = score <= REMISSION
    # `NEVER` is larger than any day, so the minimum begins a new run.
    since = np.minimum(state.low_since[who], day)
    state.low_since[who] = np.where(low, since, NEVER)
    again = who[low & (day - state.low_since[who] >= DAYS_IN_WEEK)]
    state.remitted_on[again] = np.minimum(state.remitted_on[again], day)


def silence(
    state: State,
    people: People,
    scoring: Scoring,
    who: Ints,
) -> None:
    """After a stop some people are never scored again, by reason; of the others some are reached
    for a last score.
    """
    share = np.zeros(PLANNED_END + 1)
    for reason, silent in scoring.silent_after_stop:
        share[REASON_CODE[reason]] = silent
    state.silent[who] |= people.silent[who] < share[state.reason[who]]
    # One uniform number decides both: the silent are taken from its low end, the reached from its
    # high end.
    reached = who[people.silent[who] > 1 - scoring.exit_call]
    earliest, latest = scoring.exit_call_after
    # A number that the person has anyway: no new draw, so no other chance moves.
    later = people.first_request[reached] % (latest - earliest + 1)
    state.exit_call[reached] = state.last_session[reached] + earliest + later
