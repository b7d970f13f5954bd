"""What the clinic does after a session: the next one, a stop with its reason, maintenance,
re-induction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.simulation.habits import (
    INDUCTION,
    MAINTENANCE,
    NOT_STOPPED,
    OUT,
    PHASES,
    PLANNED_END,
    REASON_CODE,
    REINDUCTION,
    Schedule,
    StopRule,
)
from kettrack.simulation.parameters import Parameters
from kettrack.simulation.people import People, choose
from kettrack.simulation.process import NEVER, NO_SCORE, Roll, State, has_lost_response
from kettrack.simulation.regimes import AtMost, Fork, Regime, UsualCareAfter
from kettrack.simulation.scoring import expit, silence

POINTS_PER_STEP = 3.0  # the stop rules count in steps of three points
# score at which the logit of going on to maintenance is its intercept
NEUTRAL_SCORE = 9
# days from the score that shows the loss to the first session back, assumption
SOONEST_RETURN = 3
RETURN_SPAN = 12
SHORTEST_MAINTENANCE_GAP = 5
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
class Clinic:
    """The people, the numbers, and what is forced (None: the clinic decides)."""

    people: People
    parameters: Parameters
    forced: Regime = None

    @property
    def schedule(self) -> Schedule:
        """When sessions come."""
        return self.parameters.schedule


def stop_chance(rule: StopRule, state: State, clinic: Clinic, who: Ints) -> Floats:
    """Chance that each of `who` stops now for the reason of one rule; a person never scored counts
    as at the pivot.
    """
    last = state.last_score[who]
    distance = np.where(
        last == NO_SCORE, 0.0, rule.direction * (rule.pivot - last) / POINTS_PER_STEP
    )
    natural = clinic.parameters.natural
    hidden = (
        rule.direction
        * (natural.level_mean - clinic.people.level[who])
        / natural.level_sd
    )
    acts = np.isin(state.phase[who], [PHASES.index(phase) for phase in rule.phases])
    acts &= state.in_course[who] >= rule.from_session
    logit = rule.alpha + rule.beta * distance + rule.unmeasured * hidden
    return np.where(acts, expit(logit + clinic.people.stop_shift[who]), 0.0)


def draw_stops(
    state: State, clinic: Clinic, who: Ints, hard: Bools, roll: Roll
) -> Ints:
    """Reason code for each of `who`, `NOT_STOPPED` for those who go on: competing reasons, one
    uniform number.
    """
    rules = [rule for rule in clinic.parameters.stops if not rule.between]
    chances = [stop_chance(rule, state, clinic, who) for rule in rules]
    chances.append(np.where(hard, clinic.schedule.leaves_after_hard, 0.0))
    codes = np.array(
        [REASON_CODE[rule.reason] for rule in rules] + [REASON_CODE["side_effects"]]
    )
    edges = np.round(np.cumsum(chances, axis=0), 12)
    drawn = (_uniform(state, clinic, who, edges[-1], roll) >= edges).sum(axis=0)
    return np.append(codes, NOT_STOPPED)[drawn]


def _uniform(
    state: State, clinic: Clinic, who: Ints, stops: Floats, roll: Roll
) -> Floats:
    """The number that decides; where a fork lets none come for some days, as it falls among those
    who stop or delay.
    """
    uniform = roll.stop[who]
    if not isinstance(clinic.forced, Fork) or clinic.forced.goes_on:
        return uniform
    return np.where(
        _here(state, clinic.forced, who),
        uniform * (stops + (1 - stops) * _later(clinic)),
        uniform,
    )


def _here(state: State, fork: Fork, who: Ints) -> Bools:
    return np.asarray(state.total[who] == fork.at[who])


def _later(clinic: Clinic) -> float:
    """Share of the gaps that are longer than a fork asks about."""
    within = clinic.forced.within if isinstance(clinic.forced, Fork) else 0
    return sum(share for gap, share in clinic.schedule.gaps if gap > within)


def _goes_on(state: State, clinic: Clinic, who: Ints, roll: Roll) -> Bools:
    """Who of those at the end of a course enters maintenance: the better the last score, the
    likelier.
    """
    last = state.last_score[who]
    above = np.where(last == NO_SCORE, 0.0, (last - NEUTRAL_SCORE) / POINTS_PER_STEP)
    return roll.back[who] < np.round(
        expit(clinic.schedule.goes_on - clinic.schedule.goes_on_slope * above), 12
    )


def _end_reasons(state: State, clinic: Clinic, who: Ints, roll: Roll) -> Ints:
    """Why those who do not enter maintenance end with the course; a clinic without maintenance has
    no reason but the plan.
    """
    if not clinic.parameters.detailed:
        return np.full(len(who), PLANNED_END)
    responded = (state.baseline[who] > 0) & (
        2 * state.last_score[who] <= state.baseline[who]
    )
    uniform = roll.reason[who]
    return np.where(
        responded, choose(uniform, _AFTER_RESPONSE), choose(uniform, _WITHOUT_RESPONSE)
    )


def _gaps(state: State, clinic: Clinic, who: Ints, roll: Roll) -> Ints:
    """Days to the next session: drawn in an induction, stretching step by step in maintenance."""
    schedule = clinic.schedule
    steps = np.array(schedule.maintenance_gaps)[
        np.minimum(state.in_course[who], len(schedule.maintenance_gaps) - 1)
    ]
    mean = np.minimum(steps, clinic.people.longest_gap[who])
    stretched = np.rint(
        np.round(mean * np.exp(schedule.gap_spread * roll.spread[who]), 9)
    ).astype(np.int64)
    stretched = np.maximum(stretched, SHORTEST_MAINTENANCE_GAP)
    gaps = choose(roll.gap[who], schedule.gaps)
    if isinstance(clinic.forced, Fork):
        here = _here(state, clinic.forced, who)
        gaps = np.where(
            here, choose(roll.gap[who], _allowed(schedule, clinic.forced)), gaps
        )
    return np.where(state.phase[who] == MAINTENANCE, stretched, gaps)


def _allowed(schedule: Schedule, fork: Fork) -> tuple[tuple[int, float], ...]:
    """The gaps that a forced decision leaves, in their shares."""
    left = [
        (gap, share)
        for gap, share in schedule.gaps
        if (gap <= fork.within) == fork.goes_on
    ]
    total = sum(share for _, share in left)
    return tuple((gap, share / total) for gap, share in left) or schedule.gaps


def _enter(state: State, who: Ints, phase: int, length: int) -> None:
    state.phase[who] = phase
    state.in_course[who] = 0
    state.course_length[who] = length


def _leave(state: State, clinic: Clinic, who: Ints, reasons: Ints) -> None:
    state.phase[who] = OUT
    state.reason[who] = reasons
    state.next_session[who] = NEVER
    silence(state, clinic.people, clinic.parameters.scoring, who)


def _verdict(
    state: State, clinic: Clinic, who: Ints, hard: Bools, roll: Roll
) -> tuple[Ints, Bools]:
    """Stop reason of each (or `NOT_STOPPED`), and whether the person enters maintenance now."""
    at_end = (state.phase[who] != MAINTENANCE) & (
        state.in_course[who] >= state.course_length[who]
    )
    if isinstance(clinic.forced, int):
        return np.where(
            state.total[who] >= clinic.forced, PLANNED_END, NOT_STOPPED
        ), at_end
    goes_on = _goes_on(state, clinic, who, roll)
    ends = np.where(goes_on, NOT_STOPPED, _end_reasons(state, clinic, who, roll))
    reasons = np.where(at_end, ends, draw_stops(state, clinic, who, hard, roll))
    return _overruled(state, clinic, who, reasons), at_end & goes_on


def _overruled(state: State, clinic: Clinic, who: Ints, reasons: Ints) -> Ints:
    """What is forced in the place of the clinic's own verdict."""
    forced = clinic.forced
    total = state.total[who]
    if isinstance(forced, Fork) and (forced.goes_on or not _later(clinic)):
        return np.where(
            _here(state, forced, who),
            NOT_STOPPED if forced.goes_on else PLANNED_END,
            reasons,
        )
    if isinstance(forced, AtMost):
        shown = state.remitted_on[who]
        today = state.last_session[who]
        reasons = np.select(
            [shown < today, shown > today], [PLANNED_END, NOT_STOPPED], reasons
        )
        return np.where(total >= forced.sessions, PLANNED_END, reasons)
    if isinstance(forced, UsualCareAfter):
        first = np.where(total < forced.sessions, NOT_STOPPED, PLANNED_END)
        return np.where(state.phase[who] == REINDUCTION, reasons, first)
    return reasons


def decide(state: State, clinic: Clinic, who: Ints, hard: Bools, roll: Roll) -> None:
    """After today's sessions of `who`: who stops and why, who enters maintenance or re-induction,
    and when the next one is.
    """
    reasons, enters = _verdict(state, clinic, who, hard, roll)
    stays = reasons == NOT_STOPPED
    _leave(state, clinic, who[~stays], reasons[~stays])
    _enter(state, who[enters & stays], MAINTENANCE, NEVER)
    if clinic.forced is None:
        worse = who[stays & (state.phase[who] == MAINTENANCE)]
        worse = worse[has_lost_response(state, worse, clinic.schedule.lost_from)]
        _enter(
            state,
            worse[roll.back[worse] < clinic.schedule.retreat],
            REINDUCTION,
            clinic.schedule.retreat_sessions,
        )
    going = who[stays]
    state.next_session[going] = state.last_session[going] + _gaps(
        state, clinic, going, roll
    )


def cancel(state: State, clinic: Clinic, scored: Ints, day: int, roll: Roll) -> None:
    """Some who are scored between two sessions of an induction call off the next one, and stop."""
    rules = [rule for rule in clinic.parameters.stops if rule.between]
    if not rules or not (clinic.forced is None or isinstance(clinic.forced, Fork)):
        return
    who = scored[
        (state.phase[scored] == INDUCTION)
        & (state.next_session[scored] > day)
        & (state.total[scored] > 0)
    ]
    if isinstance(clinic.forced, Fork):
        who = who[~_here(state, clinic.forced, who)]
    for rule in rules:
        leaves = roll.stop[who] < np.round(stop_chance(rule, state, clinic, who), 12)
        _leave(
            state,
            clinic,
            who[leaves],
            np.full(int(leaves.sum()), REASON_CODE[rule.reason]),
        )
        who = who[~leaves]


def call_back(state: State, clinic: Clinic, scored: Ints, day: int, roll: Roll) -> None:
    """Some who had stopped, and whose score today shows that response is lost, come back for a
    re-induction.
    """
    if (
        not (clinic.forced is None or isinstance(clinic.forced, UsualCareAfter))
        or not clinic.schedule.returns
    ):
        return
    out = scored[state.phase[scored] == OUT]
    out = out[
        has_lost_response(state, out, clinic.schedule.lost_from)
        & (roll.back[out] < clinic.schedule.returns)
    ]
    back = (
        day + SOONEST_RETURN + np.floor(roll.stop[out] * RETURN_SPAN).astype(np.int64)
    )
    if isinstance(clinic.forced, UsualCareAfter):
        late = (back > state.last_session[out] + clinic.forced.grace) | (
            state.total[out] > clinic.forced.sessions
        )
        out = out[late]
        back = back[late]
    _enter(state, out, REINDUCTION, clinic.schedule.retreat_sessions)
    state.reason[out] = NOT_STOPPED
    state.next_session[out] = back
