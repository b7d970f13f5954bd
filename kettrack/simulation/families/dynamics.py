"""How severe people are on each day without any session, by processes that share nothing with the
one of the synthetic clinic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from kettrack.arrays import Floats


class Dynamics(Protocol):
    """Severity of n people on so many days, shape (days, n)."""

    def __call__(
        self,
        rng: np.random.Generator,
        n: int,
        days: int,
    ) -> Floats: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkWithJumps:
    """A random walk that now and then jumps, and is pulled weakly to an own level.

    Parameters
    ----------
    start, level : (float, float)
        Mean and SD of the first day, and of the level.
    pull : float
        Share of the distance to the level that goes each day.
    step : float
        SD of a day.
    jump_rate : float
        Chance of a jump on a day.
    jump : (float, float)
        Mean and SD of one.
    """

    start: tuple[float, float]
    level: tuple[float, float]
    pull: float
    step: float
    jump_rate: float
    jump: tuple[float, float]

    def __call__(
        self,
        rng: np.random.Generator,
        n: int,
        days: int,
    ) -> Floats:
        """As `Dynamics`."""
        now = rng.normal(*self.start, n)
        level = rng.normal(*self.level, n)
        out = np.empty((days, n))
        for day in range(days):
            out[day] = now
            jumps = rng.random(n) < self.jump_rate
            size = rng.normal(*self.jump, n)
            steps = rng.normal(0, self.step, n)
            pulled = self.pull * (level - now)
            jumped = np.where(jumps, size, 0.0)
            now = now + pulled + steps + jumped
        return out


ENTRY_SPREAD: Final = 0.6  # SD of where on the slow swing people enter, in its SDs


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoTimeScales:
    """An own level, a slow swing and a fast one; people enter high on the slow one.

    Parameters
    ----------
    level : (float, float)
        Mean and SD.
    slow_sd, fast_sd : float
        SD of each swing in the long run.
    slow_days, fast_days : float
        Days in which each keeps 1/e of itself.
    enters : float
        Slow SDs above the level at which people enter, on average.
    """

    level: tuple[float, float]
    slow_sd: float
    fast_sd: float
    slow_days: float
    fast_days: float
    enters: float

    def __call__(
        self,
        rng: np.random.Generator,
        n: int,
        days: int,
    ) -> Floats:
        """As `Dynamics`."""
        level = rng.normal(*self.level, n)
        above = rng.normal(self.enters, ENTRY_SPREAD, n)
        slow = self.slow_sd * above
        fast = rng.normal(0, self.fast_sd, n)
        keeps_slow = np.exp(-1 / self.slow_days)
        keeps_fast = np.exp(-1 / self.fast_days)
        # what a day adds, so that the spread stays what it is
        adds_slow = self.slow_sd * np.sqrt(1 - keeps_slow**2)
        adds_fast = self.fast_sd * np.sqrt(1 - keeps_fast**2)
        out = np.empty((days, n))
        for day in range(days):
            out[day] = level + slow + fast
            more_slow = rng.normal(0, adds_slow, n)
            more_fast = rng.normal(0, adds_fast, n)
            slow = keeps_slow * slow + more_slow
            fast = keeps_fast * fast + more_fast
        return out


ILL_AT_ENTRY: Final = 0.95  # share of people
_TOWARD: Final = (
    0.25  # share of the distance to the level of the spell that goes each day
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IllnessSpells:
    """Spells of illness and of health, which begin and end by chance; the score goes over from one
    level to the other in a few days.

    Parameters
    ----------
    ill, well : (float, float)
        Mean and SD of each person's level in either.
    ill_days, well_days : float
        Mean length of a spell.
    wobble : float
        SD of a day.
    """

    ill: tuple[float, float]
    well: tuple[float, float]
    ill_days: float
    well_days: float
    wobble: float

    def __call__(
        self,
        rng: np.random.Generator,
        n: int,
        days: int,
    ) -> Floats:
        """As `Dynamics`."""
        ill = rng.normal(*self.ill, n)
        well = rng.normal(*self.well, n)
        is_ill = rng.random(n) < ILL_AT_ENTRY
        now = np.where(is_ill, ill, well)
        out = np.empty((days, n))
        for day in range(days):
            out[day] = now
            mean_days = np.where(is_ill, self.ill_days, self.well_days)
            turns = rng.random(n) * mean_days < 1
            is_ill = is_ill ^ turns
            level = np.where(is_ill, ill, well)
            steps = rng.normal(0, self.wobble, n)
            now = now + _TOWARD * (level - now) + steps
        return out


# Shares of those who fall at once, by and by, not at all, and who fall and come back.
CLASSES: Final = (0.3, 0.35, 0.25, 0.1)
_QUICK_DAYS: Final = 6.0
_LEFT_QUICK: Final = 0.35
_SLOW_DAYS: Final = 60.0
_LEFT_SLOW: Final = 0.55
_BACK_FROM: Final = 30.0
_BACK_DAYS: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrajectoryClasses:
    """Four kinds of people, each with a curve of their own, and a wobble around it.

    Parameters
    ----------
    start : (float, float)
        Mean and SD of the first day.
    wobble_sd, wobble_days : float
        SD of the wobble, and the days in which it keeps 1/e of itself.
    """

    start: tuple[float, float]
    wobble_sd: float
    wobble_days: float

    def __call__(
        self,
        rng: np.random.Generator,
        n: int,
        days: int,
    ) -> Floats:
        """As `Dynamics`."""
        start = rng.normal(*self.start, n)
        kind = rng.choice(len(CLASSES), n, p=CLASSES)
        wobble = rng.normal(0, self.wobble_sd, n)
        keeps = np.exp(-1 / self.wobble_days)
        adds = self.wobble_sd * np.sqrt(1 - keeps**2)
        curves = _curves(days)
        out = np.empty((days, n))
        for day in range(days):
            left = curves[day, kind]
            out[day] = start * left + wobble
            more = rng.normal(0, adds, n)
            wobble = keeps * wobble + more
        return out


def _curves(days: int) -> Floats:
    """Share of the first day that is left on each day, one column per class."""
    day = np.arange(days, dtype=np.float64)
    fading = np.exp(-day / _QUICK_DAYS)
    quick = _LEFT_QUICK + (1 - _LEFT_QUICK) * fading
    way = np.minimum(day / _SLOW_DAYS, 1)
    slow = 1 - (1 - _LEFT_SLOW) * way
    since = (day - _BACK_FROM) / _BACK_DAYS
    back = np.clip(since, 0, 1)
    returns = quick + (1 - quick) * back
    same = np.ones(days)
    return np.column_stack(
        [
            quick,
            slow,
            same,
            returns,
        ]
    )
