"""Every number of the process: how a person's depression goes, what a session adds, who enters.

All values are frozen, so that a scenario is a value too: `dataclasses.replace(CLINIC, effect=...)`
makes the next one. Rates are per week and turned into rates per day here, so that the day grid and
a weekly scheme agree exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

from kettrack.simulation.extras import Extras
from kettrack.simulation.habits import DAYS_PER_WEEK, Schedule, Scoring, StopRule


@dataclass(frozen=True, slots=True, kw_only=True)
class NaturalCourse:
    """Depression without sessions, in points: it starts high and reverts to the person's own level.

    Parameters
    ----------
    start_mean, start_sd : float
        Level on the day of the screening score, before measurement error.
    level_mean, level_sd, level_low, level_high : float
        The person's own long-run level: normal, clipped. It lies below the start because people
        come when they are worst.
    reversion : float
        Share of the distance to the own level covered in a week.
    shock_sd : float
        Standard deviation of the random walk in a week.
    """

    start_mean: float = 16.0
    start_sd: float = 2.5
    level_mean: float = 9.0
    level_sd: float = 6.0
    level_low: float = 1.0
    level_high: float = 24.0
    reversion: float = 0.35
    shock_sd: float = 1.2

    @property
    def daily_keep(self) -> float:
        """Share of the distance to the own level left after a day."""
        return float((1 - self.reversion) ** (1 / DAYS_PER_WEEK))

    @property
    def daily_shock_sd(self) -> float:
        """Shock of a day whose seven-day sum, each day's share fading, has the weekly variance."""
        fading = self.daily_keep**2
        return float(
            self.shock_sd * ((1 - fading) / (1 - fading**DAYS_PER_WEEK)) ** 0.5
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEffect:
    """What a session takes off the score, in points.

    Parameters
    ----------
    per_session : float
        Mean drop on the day of the session; 0 makes every session do nothing.
    shape : float
        Of the gamma that spreads responsiveness between people (mean 1): smaller = more people
        without any effect.
    keep : float
        Share of the effect left after a week.
    first_factor : float
        How many times as much the very first session does: published courses gain most of all after
        it.
    """

    per_session: float = 0.8
    shape: float = 2.0
    keep: float = 0.85
    first_factor: float = 1.0

    @property
    def daily_keep(self) -> float:
        """Share of the effect left after a day."""
        return float(self.keep ** (1 / DAYS_PER_WEEK))


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """Who enters, by a noisy first score, which brings regression to the mean.

    Parameters
    ----------
    lowest : int
        Screening scores at or above it enter.
    exempt : float
        Share of people taken whatever their score.
    earliest_day, latest_day : int
        The screening score lies between, both included; day 0 is the first session.
    unrecorded : float
        Share whose scores before the first session never reach the log.
    """

    lowest: int = 10
    exempt: float = 0.0
    earliest_day: int = -DAYS_PER_WEEK
    latest_day: int = -DAYS_PER_WEEK
    unrecorded: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """One clinic, whole: a value that `simulate` turns into a cohort.

    Parameters
    ----------
    name, about : str
        Short name and one sentence.
    last_day : int
        Last day of the grid: nothing happens after it.
    open_days : int
        Days between the opening of the clinic and the extract; a person starts on a random one. 0:
        all seen to `seen_to_day`.
    seen_to_day : int
        `observed_to_day` where `open_days` is 0.
    detailed : bool
        Whether the optional columns, tables and scales are made too.
    extras : Extras
        What only some scenarios have; the default is nothing.
    """

    name: str
    about: str
    natural: NaturalCourse = NaturalCourse()
    effect: SessionEffect = SessionEffect()
    screening: Screening = Screening()
    stops: tuple[StopRule, ...] = ()
    schedule: Schedule = Schedule()
    scoring: Scoring = Scoring()
    last_day: int = 77
    open_days: int = 0
    seen_to_day: int = 140
    detailed: bool = False
    extras: Extras = Extras()
