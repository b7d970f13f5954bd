"""The families: four kinds of clinic, each with and without an effect of sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from scipy.special import expit, logit

from kettrack.arrays import Floats, Ints
from kettrack.simulation.families.clinic import Family, Known
from kettrack.simulation.families.dynamics import (
    IllnessSpells,
    TrajectoryClasses,
    TwoTimeScales,
    WalkWithJumps,
)


def _improved(known: Known) -> Floats:
    """Share of the baseline that is gone by the last score."""
    baseline = np.maximum(known.baseline, 1)
    return 1 - known.last / baseline


def _never(known: Known) -> Floats:
    return np.zeros(len(known.last))


def _often(known: Known) -> Floats:
    return np.full(len(known.last), 0.85)


def _sometimes(known: Known) -> Floats:
    """Who is better on record answers more often."""
    improved = np.nan_to_num(_improved(known))
    return expit(-1.9 + 1.5 * improved)


# ---- walk: MADRS, who gets worse over three scores stops, and so do the well


def _stops_by_slope(known: Known) -> Floats:
    rise = (known.last - known.earlier) / 2
    slope = np.where(np.isnan(rise), 0.0, rise)
    well = known.last <= 12
    first = known.sessions == 1
    odds = -2.4 + 0.25 * slope
    odds = odds + 1.2 * well - 0.9 * first
    return expit(odds)


def _calls_off_when_worse(known: Known) -> Floats:
    # a missing score before compares false
    worse = known.last > known.before + 4
    return np.where(worse, 0.5, 0.02)


def _twice_a_week(uniform: Floats) -> Ints:
    gaps = np.array([3, 4, 4, 5, 6, 7, 10, 14])
    pick = uniform * len(gaps)
    return gaps[pick.astype(np.int64)]


# ---- blocks: QIDS, four sessions are paid for at a time


def _stops_at_block_end(known: Known) -> Floats:
    ends = known.sessions % 4 == 0
    improved = np.clip(_improved(known), 0, 1)
    renews = expit(-1.0 + 5.0 * improved)
    return np.where(ends, 1 - renews, 0.03)


def _calls_off_when_well(known: Known) -> Floats:
    well = _improved(known) > 0.5
    return np.where(well, 0.4, 0.02)


def _any_gap(uniform: Floats) -> Ints:
    # log-logistic, which has a long tail
    logs = np.log(4.5) + 0.25 * logit(uniform)
    days = np.rint(np.exp(logs))
    return np.clip(days, 2, 28).astype(np.int64)


# ---- plan: PHQ-9, six sessions, three more for those who are half-way, and no more


def _stops_by_plan(known: Known) -> Floats:
    improved = _improved(known)
    futile = (known.sessions >= 4) & (improved < 0.1)
    early = np.where(futile, 0.3, 0.05)
    half_way = (improved >= 0.2) & (improved < 0.6)
    at_six = np.where(half_way, 0.25, 0.7)
    later = np.where(known.sessions == 6, at_six, early)
    over = known.sessions >= 9
    return np.where(over, 1.0, later)


def _weekly_or_so(uniform: Floats) -> Ints:
    within = 7 - np.floor(4 * uniform)
    gaps = np.where(uniform < 0.85, within, 9)
    return gaps.astype(np.int64)


def _same(number: Ints) -> Floats:
    return np.ones(len(number))


def _less_and_less(number: Ints) -> Floats:
    before = number - 1.0
    return np.asarray(0.8**before)


def _mostly_the_first(number: Ints) -> Floats:
    return np.where(number == 1, 2.0, 1.0)


WALK: Final = Family(
    name="walk",
    about="MADRS wanders and jumps; who gets worse over three scores stops, and so do the well.",
    instrument="MADRS",
    dynamics=WalkWithJumps(
        start=(31.0, 6.0),
        level=(21.0, 8.0),
        pull=0.012,
        step=1.0,
        jump_rate=0.03,
        jump=(-2.0, 6.0),
    ),
    effect=5.0,
    of_session=_less_and_less,
    stops=_stops_by_slope,
    calls_off=_calls_off_when_worse,
    gap=_twice_a_week,
    visit_scored=0.9,
    remote_every=7,
    scored=_often,
    noise=2.5,
)
BLOCKS: Final = Family(
    name="blocks",
    about="QIDS swings slowly and fast; four sessions are paid for at a time.",
    instrument="QIDS-SR16",
    dynamics=TwoTimeScales(
        level=(13.0, 3.0),
        slow_sd=3.0,
        fast_sd=1.5,
        slow_days=45.0,
        fast_days=4.0,
        enters=1.2,
    ),
    effect=0.8,
    of_session=_same,
    stops=_stops_at_block_end,
    calls_off=_calls_off_when_well,
    gap=_any_gap,
    visit_scored=0.5,
    remote_every=7,
    scored=_often,
    noise=1.5,
)
PLAN: Final = Family(
    name="plan",
    about="PHQ-9 of four kinds of people; a plan of six, three more when half-way, no more.",
    instrument="PHQ-9",
    dynamics=TrajectoryClasses(start=(18.0, 3.0), wobble_sd=2.0, wobble_days=5.0),
    effect=1.5,
    of_session=_mostly_the_first,
    stops=_stops_by_plan,
    calls_off=_never,
    gap=_weekly_or_so,
    visit_scored=0.95,
    remote_every=7,
    scored=_often,
    noise=1.5,
)

# As blocks, but for how people are and how often a visit is scored.
SPELLS: Final = replace(
    BLOCKS,
    name="spells",
    about="QIDS of people who are ill for weeks and well for weeks; four sessions are paid for.",
    dynamics=IllnessSpells(
        ill=(17.0, 3.0),
        well=(6.0, 2.0),
        ill_days=40.0,
        well_days=30.0,
        wobble=0.75,
    ),
    visit_scored=0.7,
)


def _thinned(family: Family, name: str, sees: float, visits: float = 0.35) -> Family:
    """The same clinic, in which about half of the decisions have no score in time: of the visits
    only a share is scored.
    """
    return replace(
        family,
        name=f"{family.name}-{name}",
        visit_scored=visits,
        scored=_sometimes,
        sees=sees,
    )


_KINDS: Final = (
    WALK,
    BLOCKS,
    PLAN,
    SPELLS,
    # at random given what is on record
    _thinned(WALK, "thin", 0.0, visits=0.2),
    _thinned(BLOCKS, "thin", 0.0),
    # the sicker of equals on record answer less often
    _thinned(WALK, "silent", 0.06),
    _thinned(BLOCKS, "silent", 0.12),
)
FAMILIES: Final = {
    family.name: family for kind in _KINDS for family in (kind, kind.without_effect())
}
