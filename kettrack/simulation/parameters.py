"""Every number of a clinic: how depression goes, what a session adds, who enters, when sessions and
scores come, why people stop.

All values are frozen, so that a scenario is a value too: `dataclasses.replace(CLINIC, effect=...)`
makes the next one. Rates are per week and turned into rates per day here, so that the day grid and
a weekly scheme agree exactly. The names of the fields stand in every `truth.json` and in the
fingerprints of the shipped truths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kettrack.vocabulary.columns import STOP_REASONS
from kettrack.vocabulary.days import DAYS_IN_WEEK

PLANNED_END: Final = len(STOP_REASONS)  # reason code of a course that ended as planned
NOT_STOPPED: Final = -1
# A code is the place of the reason in `STOP_REASONS`; the planned end has no name there.
REASON_CODE: Final = {reason: code for code, reason in enumerate(STOP_REASONS)} | {
    "": PLANNED_END
}

Phase = Literal["induction", "maintenance", "re-induction"]
PHASES: Final[tuple[Phase, ...]] = ("induction", "maintenance", "re-induction")
# Codes of where a person is; the first three are places in `PHASES`.
INDUCTION, MAINTENANCE, REINDUCTION, OUT = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRule:
    """Chance of stopping after a session for one reason: `expit(alpha + beta * z)` on the last
    *measured* score.

    Parameters
    ----------
    reason : str
        Of the closed list of `stop_reason`.
    alpha, beta : float
        Intercept and slope on z.
    who : {"well", "ill"}
        `well`: z = (pivot - score) / 3, people leave because they are well; `ill`: the opposite
        sign.
    pivot : float
        Score at which the chance is expit(alpha).
    from_session : int
        First session of the course after which the rule acts.
    phases : tuple of str
        Kinds of course in which it acts.
    unmeasured : float
        Slope on the own level, which nobody measures: 0 unless a scenario breaks the assumption on
        purpose.
    between : bool
        Decided at each score between two sessions of an induction, not after a session.
    """

    reason: str
    alpha: float
    beta: float = 0.0
    who: Literal["well", "ill"] = "well"
    pivot: float = 9.0
    from_session: int = 1
    phases: tuple[Phase, ...] = PHASES
    unmeasured: float = 0.0
    between: bool = False

    @property
    def direction(self) -> int:
        """+1 where a low score makes people stop, -1 where a high one does."""
        return 1 if self.who == "well" else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When sessions come. Shares and chances are 0 to 1, gaps in days.

    Parameters
    ----------
    planned : tuple of (int, float)
        Length of the first course in sessions, and the share of people it is planned for.
    gaps : tuple of (int, float)
        Days between sessions of an induction, and their shares.
    goes_on, goes_on_slope : float
        Logit of going on to maintenance at a last score of 9, and its fall per 3 points above.
    maintenance_gaps : tuple of int
        Mean gap to the 1st, 2nd, ... maintenance session; the last one repeats.
    gap_spread : float
        Log standard deviation around it.
    longest_gap : tuple of (int, int)
        Smallest and largest value of a person's own longest maintenance gap.
    retreat, returns : float
        Chance of a re-induction after a session, or after a score when already out, once response
        is lost.
    retreat_sessions : int
        Length of a re-induction.
    lost_from : int
        Lowest score at which lost response leads to re-induction.
    hard_session : float
        Chance that a session is tolerated badly.
    leaves_after_hard : float
        Chance of stopping for side effects after such a session.
    """

    planned: tuple[tuple[int, float], ...] = ((12, 1.0),)
    gaps: tuple[tuple[int, float], ...] = ((DAYS_IN_WEEK, 1.0),)
    goes_on: float = -99.0  # nobody
    goes_on_slope: float = 0.0
    maintenance_gaps: tuple[int, ...] = (DAYS_IN_WEEK,)
    gap_spread: float = 0.0
    longest_gap: tuple[int, int] = (28, 28)
    retreat: float = 0.0
    returns: float = 0.0
    retreat_sessions: int = 4
    lost_from: int = 10
    hard_session: float = 0.0
    leaves_after_hard: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparser:
    """Requests from home that come less often once the first months are over.

    Parameters
    ----------
    from_day, interval : int
        From this day on, so many days lie between two requests.
    """

    from_day: int
    interval: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """When people are scored, and how exactly. Chances 0 to 1, times in days.

    Parameters
    ----------
    error_sd : float
        Measurement error of one score, in points.
    at_visits : float
        Chance of a score on the day of a session.
    timing : tuple of float
        Shares of before, after, unknown among scores on session days.
    remote_first : tuple of (int, int)
        Smallest and largest day of the first remote request.
    remote_interval, remote_jitter : int
        Days between requests, and how far each may move either way.
    sparser : Sparser, optional
        How requests get rarer.
    answers, answers_sd : float
        Mean and spread between people of the logit of answering a request.
    sicker_answers_less : float
        Fall of that logit per true point above 10: scores are missing not at random.
    quiet_days : int
        No request within so many days of the last score.
    silent_after_stop : tuple of (str, float)
        Stop reason and the share of people who are never scored again after it; `""` is the planned
        end.
    exit_call, exit_call_after : float, tuple of (int, int)
        Share of people who stop that are reached and scored once more, and how many days after
        their last session.
    never_scored : float
        Share of people with sessions and not one score.
    followed_less, followed_less_factor : float
        Share of people in the group that is followed less, and what its chances of a score are
        multiplied by.
    """

    error_sd: float = 2.0
    at_visits: float = 0.0
    timing: tuple[float, float, float] = (0.0, 1.0, 0.0)
    remote_first: tuple[int, int] = (0, 0)
    remote_interval: int = DAYS_IN_WEEK
    remote_jitter: int = 0
    sparser: Sparser | None = None
    answers: float = 99.0  # everybody
    answers_sd: float = 0.0
    sicker_answers_less: float = 0.0
    quiet_days: int = 0
    silent_after_stop: tuple[tuple[str, float], ...] = ()
    exit_call: float = 0.0
    exit_call_after: tuple[int, int] = (4, 11)
    never_scored: float = 0.0
    followed_less: float = 0.0
    followed_less_factor: float = 1.0

    def interval(self, day: int) -> int:
        """Days from a request on this day to the next one."""
        sparser = self.sparser
        if sparser is None or day < sparser.from_day:
            return self.remote_interval
        return sparser.interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One of several clinics.

    Parameters
    ----------
    name : str
        Study code of the site.
    share : float
        Share of the patients.
    level_shift : float
        Points by which its patients' own long-run level lies higher.
    stop_shift : float
        What it adds to the logit of every reason to stop.
    """

    name: str
    share: float
    level_shift: float = 0.0
    stop_shift: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LostFinal:
    """A final score that is missing at random, given the last score on treatment.

    Parameters
    ----------
    missing : float
        Share missing at a last score on treatment of `pivot`.
    slope : float
        Rise of the logit of being missing per point above.
    pivot : float
        In points.
    """

    missing: float
    slope: float = 0.08
    pivot: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseLoss:
    """A response that is held in full and then lost at one moment, at a constant rate, for good.

    Parameters
    ----------
    from_session : int
        Sessions after which there is something to lose.
    protected_days : int
        Days after each session in which nothing is lost.
    half_life_days : float
        Days after the protection in which half of those still well lose it: the truth that an
        analysis must find.
    """

    from_session: int
    protected_days: int
    half_life_days: float

    @property
    def daily_loss(self) -> float:
        """Chance of losing the response on an unprotected day."""
        return float(1 - 0.5 ** (1 / self.half_life_days))


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What a scenario has beside the common process.

    Parameters
    ----------
    sites : tuple of Site
        Empty: one clinic without a name.
    two_week_recall : bool
        Whether a score is the mean of now and a week ago, before error and rounding.
    lost_final : LostFinal, optional
        How the score on the last day goes missing.
    held : ResponseLoss, optional
        How a response is held and lost; then the effect of sessions should not fade.
    """

    sites: tuple[Site, ...] = ()
    two_week_recall: bool = False
    lost_final: LostFinal | None = None
    held: ResponseLoss | None = None


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
        return float((1 - self.reversion) ** (1 / DAYS_IN_WEEK))

    @property
    def daily_shock_sd(self) -> float:
        """Shock of a day whose seven-day sum, each day's share fading, has the weekly variance."""
        # the variances of seven days add up to a geometric series
        fading = self.daily_keep**2
        return float(self.shock_sd * ((1 - fading) / (1 - fading**DAYS_IN_WEEK)) ** 0.5)


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
        return float(self.keep ** (1 / DAYS_IN_WEEK))


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
    earliest_day: int = -DAYS_IN_WEEK
    latest_day: int = -DAYS_IN_WEEK
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
