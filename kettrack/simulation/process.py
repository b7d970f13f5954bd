"""A day in the clinic, in arrays over patients: severity moves, sessions act, scores are taken at a
session or by a request sent home.

Chance comes from one roll of dice per day and purpose for *everybody*, needed or not. Two runs with
the same seed therefore share their chance whatever treatment is forced, and a contrast between them
carries next to no Monte-Carlo error.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.simulation.parameters import (
    INDUCTION,
    NOT_STOPPED,
    PLANNED_END,
    REASON_CODE,
    Parameters,
    Scoring,
)
from kettrack.simulation.people import People, phq9_total
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.instruments import PHQ9

NEVER = 1_000_000  # a day that does not come
NO_SCORE = -1
NORMALS = 3  # fields of `Roll` that are standard normal: shock, error, spread
UNIFORMS = 8  # fields of `Roll` that are uniform, the loss left out

# When a score was taken, beside the session of its day.
BEFORE, AFTER, UNKNOWN, NO_SESSION = range(4)
# Words of these codes; empty: there was no session that day to be before or after.
TIMING_NAMES = ("before", "after", "unknown", "")
REMISSION = PHQ9.remission[0].value  # the highest score of it
SICK_FROM = 10.0  # points above which answering gets rarer
LARGEST_LOGIT = 50


@dataclass(frozen=True, slots=True)
class Roll:
    """One day's chance: a standard normal or a uniform number per patient and purpose; `loss` only
    where a response is held.
    """

    shock: Floats
    error: Floats
    spread: Floats
    gap: Floats
    stop: Floats
    reason: Floats
    visit: Floats
    timing: Floats
    remote: Floats
    back: Floats
    hard: Floats
    loss: Floats


class Dice:
    """Streams that never wait for one another: each purpose has its own generator.

    Parameters
    ----------
    seed : numpy.random.SeedSequence
        Of the run.
    n : int
        Number of patients.
    held : bool
        Whether the loss of a held response is rolled for too.
    """

    def __init__(
        self, seed: np.random.SeedSequence, n: int, held: bool = False
    ) -> None:
        self.n = n
        # nothing is rolled where nothing can be lost: the streams stay apart either way
        self._losses = n if held else 0
        streams = map(np.random.default_rng, seed.spawn(3))
        self._process, self._clinic, self._loss = streams

    def roll(self) -> Roll:
        """Roll for the next day."""
        # One row per field of `Roll`, in its order: another order is another seed.
        normal = self._process.standard_normal((NORMALS, self.n))
        # twelve decimals, so that a comparison with a chance is the same on every machine
        uniform = np.round(self._clinic.random((UNIFORMS, self.n)), 12)
        loss = self._loss.random(self._losses)
        return Roll(*[*normal, *uniform, loss])


@dataclass(slots=True)
class State:
    """Where every patient stands at the end of a day; arrays are changed in place.

    Parameters
    ----------
    natural, effect : array of float
        Severity without sessions, and what sessions take off it now, in points.
    baseline, last_score, best : array of int
        As the clinic knows them; `NO_SCORE` where it has none.
    last_scored, next_request, exit_call, next_session, last_session : array of int
        Days; `exit_call` is the day on which somebody who stopped is reached once more.
    phase, in_course, course_length, total : array of int
        Kind of course, sessions in it, its planned length, all sessions.
    reason : array of int
        Stop reason code, `NOT_STOPPED` while in care.
    low_since, remitted_on : array of int
        Day on which an unbroken run of scores in remission began, and of the first score at least a
        week into one; `NEVER`.
    silent : array of bool
        Never scored again.
    lost : array of bool
        A held response was lost: sessions act no more.
    past : list of array
        Severity at the end of each of the last seven days, the oldest first; kept only where scores
        look back.
    """

    natural: Floats
    effect: Floats
    baseline: Ints
    last_score: Ints
    best: Ints
    last_scored: Ints
    next_request: Ints
    exit_call: Ints
    next_session: Ints
    last_session: Ints
    phase: Ints
    in_course: Ints
    course_length: Ints
    total: Ints
    reason: Ints
    low_since: Ints
    remitted_on: Ints
    silent: Bools
    lost: Bools
    past: list[Floats] = field(default_factory=list)

    @property
    def severity(self) -> Floats:
        """True severity: natural course less what sessions take off."""
        return self.natural - self.effect


def begin(people: People) -> State:
    """Everybody before the first day of the grid; the clinic knows a screening score where it was
    recorded.
    """
    n = people.n
    known = np.where(
        people.recorded & ~people.never_scored, people.first_score, NO_SCORE
    )
    return State(
        natural=people.start.copy(),
        effect=np.zeros(n),
        baseline=known.copy(),
        last_score=known.copy(),
        best=known.copy(),
        last_scored=people.first_day.copy(),
        next_request=people.first_request.copy(),
        exit_call=np.full(n, -NEVER),
        next_session=np.zeros(n, np.int64),
        last_session=np.full(n, -NEVER),
        phase=np.full(n, INDUCTION),
        in_course=np.zeros(n, np.int64),
        course_length=people.planned.copy(),
        total=np.zeros(n, np.int64),
        reason=np.full(n, NOT_STOPPED),
        low_since=np.full(n, NEVER),
        remitted_on=np.full(n, NEVER),
        silent=people.never_scored.copy(),
        lost=np.zeros(n, bool),
    )


def advance(
    state: State, people: People, parameters: Parameters, day: int, roll: Roll
) -> None:
    """Let a night pass: revert to the own level, shake, let the effect fade. Until the screening
    score time stands still.
    """
    natural = parameters.natural
    # Reverting to the own level: the daily share that is kept shrinks the distance.
    distance = state.natural - people.level
    shock = natural.daily_shock_sd * roll.shock
    moved = people.level + natural.daily_keep * distance + shock
    state.natural = np.where(day > people.first_day, moved, state.natural)
    state.effect *= parameters.effect.daily_keep
    held = parameters.extras.held
    if held is not None:
        treated = state.total >= held.from_session
        # A response is held for so many days after a session, and can be lost from then on.
        unprotected = day - state.last_session > held.protected_days
        state.lost |= treated & unprotected & (roll.loss < held.daily_loss)
        state.effect[state.lost] = 0.0


def remember(state: State) -> None:
    """Keep today's severity for the scores of the next week."""
    # seven days at most: the first of them is then the severity of a week ago
    state.past = [*state.past[1 - DAYS_IN_WEEK :], state.severity]


def recalled_severity(state: State) -> Floats:
    """What a score that looks back two weeks measures: the mean of now and a week ago."""
    # In the first week nothing lies a week back.
    if not state.past:
        return state.severity
    return (state.severity + state.past[0]) / 2


def treat(
    state: State, people: People, parameters: Parameters, who: Ints, day: int
) -> None:
    """Give a session to `who` (positions): the effect comes on the same day."""
    effect = parameters.effect
    # The first session may do more, or less, than a later one.
    times = np.where(state.total[who] == 0, effect.first_factor, 1.0)
    # whoever lost a response that was held gains nothing from later sessions
    acts = ~state.lost[who]
    drop = effect.per_session * times * people.responsiveness[who] * acts
    state.effect[who] += drop
    state.total[who] += 1
    state.in_course[who] += 1
    state.last_session[who] = day


def has_lost_response(state: State, who: Ints, lowest: int) -> Bools:
    """Whether the clinic has seen a response (half of baseline) that the last score no longer
    holds.
    """
    baseline = state.baseline[who]
    last = state.last_score[who]
    responded = (baseline > 0) & (2 * state.best[who] <= baseline)
    # Doubled scores instead of halved baselines: whole numbers compare exactly.
    return responded & (2 * last > baseline) & (last >= lowest)


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
    state.next_request[due] = day + scoring.interval(day) + moved_by[due]
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
