"""What the clinic does: when sessions come, who is scored when, and what makes people stop.

All values are frozen; the numbers of a particular clinic stand in `presets`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kettrack.vocabulary.columns import STOP_REASONS

DAYS_PER_WEEK: Final = 7
PLANNED_END: Final = len(STOP_REASONS)  # reason code of a course that ended as planned
NOT_STOPPED: Final = -1
REASON_CODE: Final = {reason: code for code, reason in enumerate(STOP_REASONS)} | {
    "": PLANNED_END
}

Phase = Literal["induction", "maintenance", "re-induction"]
PHASES: Final[tuple[Phase, ...]] = ("induction", "maintenance", "re-induction")
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
    gaps: tuple[tuple[int, float], ...] = ((DAYS_PER_WEEK, 1.0),)
    goes_on: float = -99.0
    goes_on_slope: float = 0.0
    maintenance_gaps: tuple[int, ...] = (DAYS_PER_WEEK,)
    gap_spread: float = 0.0
    longest_gap: tuple[int, int] = (28, 28)
    retreat: float = 0.0
    returns: float = 0.0
    retreat_sessions: int = 4
    lost_from: int = 10
    hard_session: float = 0.0
    leaves_after_hard: float = 0.0


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
    remote_interval: int = DAYS_PER_WEEK
    remote_jitter: int = 0
    answers: float = 99.0
    answers_sd: float = 0.0
    sicker_answers_less: float = 0.0
    quiet_days: int = 0
    silent_after_stop: tuple[tuple[str, float], ...] = ()
    exit_call: float = 0.0
    exit_call_after: tuple[int, int] = (4, 11)
    never_scored: float = 0.0
    followed_less: float = 0.0
    followed_less_factor: float = 1.0
