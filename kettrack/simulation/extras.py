"""What only some scenarios have: sites that differ, two-week recall, a final score that goes
missing, a response that is held.

A clinic without any of it carries the defaults, which change no number and draw no chance.
"""

from __future__ import annotations

from dataclasses import dataclass


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
class Held:
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

    def still_held(self, days: float) -> float:
        """Share that still holds the response so many days after the last session."""
        return float(0.5 ** (max(days - self.protected_days, 0) / self.half_life_days))


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
    held : Held, optional
        How a response is held and lost; then the effect of sessions should not fade.
    """

    sites: tuple[Site, ...] = ()
    two_week_recall: bool = False
    lost_final: LostFinal | None = None
    held: Held | None = None
