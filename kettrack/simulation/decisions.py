"""What is decided after a session: the next one, a stop with its reason, maintenance, re-induction.

The clinic decides by its rules. Where a truth is found, some of it is taken out of the clinic's
hands: how many sessions, one decision, or a rule that ends them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.simulation.parameters import (
    INDUCTION,
    MAINTENANCE,
    NOT_STOPPED,
    OUT,
    PHASES,
    PLANNED_END,
    REASON_CODE,
    REINDUCTION,
    Parameters,
    Schedule,
    StopRule,
)
from kettrack.simulation.people import People, choose, whole_numbers
from kettrack.simulation.process import (
    NEVER,
    NO_SCORE,
    Roll,
    State,
    expit,
    has_lost_response,
    silence,
)
from kettrack.vocabulary.days import DAYS_IN_WEEK, STOP_AFTER_GRACE_DAYS

POINTS_PER_STEP = 3.0  # the stop rules count in steps of three points
# Score at which the logit of going on to maintenance is its intercept.
NEUTRAL_SCORE = 9
# Days from the score that shows the loss to the first session back, assumption.
SOONEST_RETURN = 3
RETURN_SPAN = 12
SHORTEST_MAINTENANCE_GAP = 5
# Decimals of a chance before it meets a uniform number: last bits differ between machines.
CHANCE_DECIMALS = 12
# Why people do not go on after the planned course, by whether the last score is half of baseline:
# assumption.
_AFTER_RESPONSE = (
    (REASON_CODE["well"], 0.62),
    (REASON_CODE["cost"], 0.15),
    (REASON_CODE["access"], 0.05),
    (REASON_CODE["unknown"], 0.18),
)
_WITHOUT_RESPONSE = (
    (REASON_CODE["not_helped"], 0.55),
    (REASON_CODE["cost"], 0.17),
    (REASON_CODE["side_effects"], 0.04),
    (REASON_CODE["access"], 0.06),
    (REASON_CODE["unknown"], 0.18),
)


@dataclass(frozen=True, slots=True)
class Fork:
    """One decision: what happens after a person's session number `at`; before it, and once `within`
    days are over, the clinic decides.

    Parameters
    ----------
    at : array of int, one per patient
        Number of the session after which it is decided.
    goes_on : bool
        Whether the next session comes within so many days, or none does. Those kept from one stop
        or only delay, in the shares in which the clinic's people do.
    within : int
        Days.
    """

    at: Ints
    goes_on: bool
    within: int = DAYS_IN_WEEK


@dataclass(frozen=True, slots=True)
class AtMost:
    """So many sessions at most, and an end once two scores in a row, at least a week apart, show
    remission.

    Until then nobody stops. Of sessions after those scores one may come within a week, where the
    clinic's people would have come. For scenarios that score on the days of sessions.
    """

    sessions: int


@dataclass(frozen=True, slots=True)
class UsualCareAfter:
    """So many sessions for everybody, none for the grace after them, and from then on whatever the
    clinic does.
    """

    sessions: int
    grace: int = STOP_AFTER_GRACE_DAYS


# An int: so many sessions and no more. None: the clinic decides.
Regime = int | Fork | AtMost | UsualCareAfter | None


@dataclass(frozen=True, slots=True)
class ClinicRun:
    """The people, the numbers, and what is forced (None: the clinic decides)."""

    people: People
    parameters: Parameters
    forced: Regime = None

    @property
    def schedule(self) -> Schedule:
        """When sessions come."""
        return self.parameters.schedule

    @property
    def fork(self) -> Fork | None:
        """The one decision that is forced, if there is one."""
        return self.forced if isinstance(self.forced, Fork) else None


# ---- who stops, and why


def stop_chance(
    rule: StopRule,
    state: State,
    clinic: ClinicRun,
    who: Ints,
) -> Floats:
    """Chance that each of `who` stops now for the reason of one rule; a person never scored counts
    as at the pivot.
    """
    last = state.last_score[who]
    steps = rule.direction * (rule.pivot - last) / POINTS_PER_STEP
    distance = np.where(last == NO_SCORE, 0.0, steps)
    natural = clinic.parameters.natural
    better = rule.direction * (natural.level_mean - clinic.people.level[who])
    hidden = better / natural.level_sd
    logit = rule.alpha + rule.beta * distance + rule.unmeasured * hidden
    chance = expit(logit + clinic.people.stop_shift[who])
    # one entry per phase code; `OUT` is the last code, and nobody stops who is out
    acts_in = np.array([phase in rule.phases for phase in PHASES] + [False])
    acts = acts_in[state.phase[who]]
    acts &= state.in_course[who] >= rule.from_session
    return np.where(acts, chance, 0.0)


def draw_stops(
    state: State,
    clinic: ClinicRun,
    who: Ints,
    hard: Bools,
    roll: Roll,
) -> Ints:
    """Reason code for each of `who`, `NOT_STOPPED` for those who go on: competing reasons, one
    uniform number.

    Parameters
    ----------
    state : State
        After today's sessions.
    clinic : ClinicRun
        The clinic, and what is forced.
    who : array of int
        Positions of the patients who had a session.
    hard : array of bool
        Which of these sessions were tolerated badly.
    roll : Roll
        Today's chance.

    Returns
    -------
    array of int
        One code per entry of `who`.
    """
    rules = [rule for rule in clinic.parameters.stops if not rule.between]
    chances = [stop_chance(rule, state, clinic, who) for rule in rules]
    chances.append(np.where(hard, clinic.schedule.leaves_after_hard, 0.0))
    codes = [REASON_CODE[rule.reason] for rule in rules]
    codes.append(REASON_CODE["side_effects"])
    # The reasons lie end to end on the line from 0 to 1. The number of ends that the uniform number
    # has reached is the place of the reason; beyond the last of them the person goes on.
    edges = np.round(np.cumsum(chances, axis=0), CHANCE_DECIMALS)
    uniform = _deciding_number(
        state,
        clinic,
        who,
        edges[-1],
        roll,
    )
    place = (uniform >= edges).sum(axis=0)
    return np.append(codes, NOT_STOPPED)[place]


def _deciding_number(
    state: State,
    clinic: ClinicRun,
    who: Ints,
    stops: Floats,
    roll: Roll,
) -> Floats:
    """The uniform number that decides; where a fork lets no session come for some days, as it falls
    among those who stop or delay.
    """
    uniform = roll.stop[who]
    fork = clinic.fork
    if fork is None or fork.goes_on:
        return uniform
    # Those who go on without delay are left out: the number is squeezed into the share of the rest.
    stops_or_delays = stops + (1 - stops) * _share_of_long_gaps(clinic)
    return np.where(_is_at(state, fork, who), uniform * stops_or_delays, uniform)


def _is_at(
    state: State,
    fork: Fork,
    who: Ints,
) -> Bools:
    """Who of `who` stands at the forced decision."""
    return np.asarray(state.total[who] == fork.at[who])


def _share_of_long_gaps(clinic: ClinicRun) -> float:
    """Share of the gaps that are longer than a fork asks about."""
    within = clinic.fork.within if clinic.fork else 0
    return sum(share for gap, share in clinic.schedule.gaps if gap > within)


# ---- what follows the last planned session, and when the next one is


def _enters_maintenance(
    state: State,
    clinic: ClinicRun,
    who: Ints,
    roll: Roll,
) -> Bools:
    """Who of those at the end of a course enters maintenance: the better the last score, the
    likelier.
    """
    schedule = clinic.schedule
    last = state.last_score[who]
    steps = (last - NEUTRAL_SCORE) / POINTS_PER_STEP
    above = np.where(last == NO_SCORE, 0.0, steps)
    chance = expit(schedule.goes_on - schedule.goes_on_slope * above)
    return roll.back[who] < np.round(chance, CHANCE_DECIMALS)


def _end_reasons(
    state: State,
    clinic: ClinicRun,
    who: Ints,
    roll: Roll,
) -> Ints:
    """Why those who do not enter maintenance end with the course; a clinic without maintenance has
    no reason but the plan.
    """
    if not clinic.parameters.detailed:
        return np.full(len(who), PLANNED_END)
    baseline = state.baseline[who]
    responded = (baseline > 0) & (2 * state.last_score[who] <= baseline)
    uniform = roll.reason[who]
    after_response = choose(uniform, _AFTER_RESPONSE)
    without_response = choose(uniform, _WITHOUT_RESPONSE)
    return np.where(responded, after_response, without_response)


def _gaps(
    state: State,
    clinic: ClinicRun,
    who: Ints,
    roll: Roll,
) -> Ints:
    """Days to the next session: drawn in an induction, stretching step by step in maintenance."""
    gaps = choose(roll.gap[who], clinic.schedule.gaps)
    fork = clinic.fork
    if fork is not None:
        forced = choose(roll.gap[who], _gaps_left(clinic.schedule, fork))
        gaps = np.where(_is_at(state, fork, who), forced, gaps)
    in_maintenance = state.phase[who] == MAINTENANCE
    return np.where(in_maintenance, _maintenance_gaps(state, clinic, who, roll), gaps)


def _maintenance_gaps(
    state: State,
    clinic: ClinicRun,
    who: Ints,
    roll: Roll,
) -> Ints:
    """Days to the next maintenance session: a step for each session so far, up to the person's own
    longest.
    """
    schedule = clinic.schedule
    steps = np.array(schedule.maintenance_gaps)
    step = np.minimum(state.in_course[who], len(steps) - 1)
    mean = np.minimum(steps[step], clinic.people.longest_gap[who])
    spread = np.exp(schedule.gap_spread * roll.spread[who])
    days = whole_numbers(mean * spread).astype(np.int64)
    return np.maximum(days, SHORTEST_MAINTENANCE_GAP)


def _gaps_left(schedule: Schedule, fork: Fork) -> tuple[tuple[int, float], ...]:
    """The gaps that a forced decision leaves, in their shares; all where it leaves none."""
    left = [
        (gap, share)
        for gap, share in schedule.gaps
        if (gap <= fork.within) == fork.goes_on
    ]
    total = sum(share for _, share in left)
    return tuple((gap, share / total) for gap, share in left) or schedule.gaps


# ---- decisions of a day


def _enter(
    state: State,
    who: Ints,
    phase: int,
    length: int,
) -> None:
    """Begin a course of so many sessions."""
    state.phase[who] = phase
    state.in_course[who] = 0
    state.course_length[who] = length


def _leave(
    state: State,
    clinic: ClinicRun,
    who: Ints,
    reasons: Ints,
) -> None:
    """End treatment: no next session, and the habits of scoring after a stop begin."""
    state.phase[who] = OUT
    state.reason[who] = reasons
    state.next_session[who] = NEVER
    silence(state, clinic.people, clinic.parameters.scoring, who)


def _verdict(
    state: State,
    clinic: ClinicRun,
    who: Ints,
    hard: Bools,
    roll: Roll,
) -> tuple[Ints, Bools]:
    """Stop reason of each (or `NOT_STOPPED`), and whether the person enters maintenance now."""
    at_end = state.in_course[who] >= state.course_length[who]
    at_end &= state.phase[who] != MAINTENANCE
    if isinstance(clinic.forced, int):
        over = state.total[who] >= clinic.forced
        return np.where(over, PLANNED_END, NOT_STOPPED), at_end
    enters = _enters_maintenance(state, clinic, who, roll)
    ends = np.where(enters, NOT_STOPPED, _end_reasons(state, clinic, who, roll))
    reasons = np.where(
        at_end,
        ends,
        draw_stops(
            state,
            clinic,
            who,
            hard,
            roll,
        ),
    )
    return _forced_reasons(state, clinic, who, reasons), at_end & enters


def _forced_reasons(
    state: State,
    clinic: ClinicRun,
    who: Ints,
    reasons: Ints,
) -> Ints:
    """What is forced in the place of the clinic's own reasons, which stay where nothing is."""
    match clinic.forced:
        case Fork() as fork if fork.goes_on or not _share_of_long_gaps(clinic):
            verdict = NOT_STOPPED if fork.goes_on else PLANNED_END
            return np.where(_is_at(state, fork, who), verdict, reasons)
        case AtMost(sessions):
            shown = state.remitted_on[who]
            today = state.last_session[who]
            # On the day itself the clinic's own people decide whether one more session comes.
            cases = [shown < today, shown > today]
            reasons = np.select(cases, [PLANNED_END, NOT_STOPPED], reasons)
            return np.where(state.total[who] >= sessions, PLANNED_END, reasons)
        case UsualCareAfter(sessions):
            first = np.where(state.total[who] < sessions, NOT_STOPPED, PLANNED_END)
            return np.where(state.phase[who] == REINDUCTION, reasons, first)
    return reasons


def decide(
    state: State,
    clinic: ClinicRun,
    who: Ints,
    hard: Bools,
    roll: Roll,
) -> None:
    """After today's sessions of `who`: who stops and why, who enters maintenance or re-induction,
    and when the next one is.

    Parameters
    ----------
    state : State
        Changed in place.
    clinic : ClinicRun
        The clinic, and what is forced.
    who : array of int
        Positions of the patients who had a session today.
    hard : array of bool
        Which of these sessions were tolerated badly.
    roll : Roll
        Today's chance.
    """
    reasons, enters = _verdict(
        state,
        clinic,
        who,
        hard,
        roll,
    )
    stays = reasons == NOT_STOPPED
    _leave(state, clinic, who[~stays], reasons[~stays])
    _enter(state, who[enters & stays], MAINTENANCE, NEVER)
    if clinic.forced is None:
        schedule = clinic.schedule
        maintained = who[stays & (state.phase[who] == MAINTENANCE)]
        worse = maintained[has_lost_response(state, maintained, schedule.lost_from)]
        treated_again = worse[roll.back[worse] < schedule.retreat]
        _enter(state, treated_again, REINDUCTION, schedule.retreat_sessions)
    going = who[stays]
    gaps = _gaps(state, clinic, going, roll)
    state.next_session[going] = state.last_session[going] + gaps


def cancel(
    state: State,
    clinic: ClinicRun,
    scored: Ints,
    day: int,
    roll: Roll,
) -> None:
    """Some who are scored between two sessions of an induction call off the next one, and stop."""
    rules = [rule for rule in clinic.parameters.stops if rule.between]
    may_decide = clinic.forced is None or clinic.fork is not None
    if not rules or not may_decide:
        return
    waiting = state.phase[scored] == INDUCTION
    waiting &= state.next_session[scored] > day
    waiting &= state.total[scored] > 0
    who = scored[waiting]
    if clinic.fork is not None:
        who = who[~_is_at(state, clinic.fork, who)]
    for rule in rules:
        chance = np.round(stop_chance(rule, state, clinic, who), CHANCE_DECIMALS)
        leaves = roll.stop[who] < chance
        reasons = np.full(int(leaves.sum()), REASON_CODE[rule.reason])
        _leave(state, clinic, who[leaves], reasons)
        who = who[~leaves]


def call_back(
    state: State,
    clinic: ClinicRun,
    scored: Ints,
    day: int,
    roll: Roll,
) -> None:
    """Some who had stopped, and whose score today shows that response is lost, come back for a
    re-induction.
    """
    schedule = clinic.schedule
    may_return = clinic.forced is None or isinstance(clinic.forced, UsualCareAfter)
    if not may_return or not schedule.returns:
        return
    out = scored[state.phase[scored] == OUT]
    lost = has_lost_response(state, out, schedule.lost_from)
    out = out[lost & (roll.back[out] < schedule.returns)]
    delay = np.floor(roll.stop[out] * RETURN_SPAN).astype(np.int64)
    back = day + SOONEST_RETURN + delay
    if isinstance(clinic.forced, UsualCareAfter):
        after_grace = back > state.last_session[out] + clinic.forced.grace
        allowed = after_grace | (state.total[out] > clinic.forced.sessions)
        out = out[allowed]
        back = back[allowed]
    _enter(state, out, REINDUCTION, schedule.retreat_sessions)
    state.reason[out] = NOT_STOPPED
    state.next_session[out] = back
