"""How long others saw a response last: published figures, each with its rule, its source and its
standing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kettrack.vocabulary.instrument import Standing


@dataclass(frozen=True, slots=True)
class PublishedDurability:
    """One published share that still held a response.

    Parameters
    ----------
    study : str
        As printed beside a mark.
    day : int
        Days since the study's own origin.
    percent : float
        Share that still held the response.
    n : int or None
        Responders it is about, where known.
    about : str
        Treatment, rule and origin in short.
    source : str
        Where it was read.
    standing : str
        `verified`, `computed` from verified numbers, or `recalled`; a recalled one is never shown
        unless asked for.
    """

    study: str
    day: int
    percent: float
    n: int | None
    about: str
    source: str
    standing: Standing = "verified"

    def __str__(self) -> str:
        of = "" if self.n is None else f" of {self.n}"
        return f"{self.percent:g} %{of} on day {self.day} ({self.about}; {self.source})"

    @property
    def usable(self) -> bool:
        """Whether it may be shown: everything but a recalled one."""
        return self.standing != "recalled"


_HALF: Final = "intravenous, no maintenance; at least 50 % down no longer held"
_MCINNES: Final = "McInnes 2022, J Affect Disord 301:486"
_SHIROMA: Final = "Shiroma 2014, J Affect Disord 155:123"
_ELEKT_D: Final = "ELEKT-D, unconfirmed"

PUBLISHED_DURABILITY: Final[tuple[PublishedDurability, ...]] = (
    PublishedDurability("McInnes 2022", 28, 80, None, _HALF, _MCINNES),
    PublishedDurability("McInnes 2022", 56, 60, None, _HALF, _MCINNES),
    PublishedDurability(
        "Shiroma 2014",
        28,
        45,
        11,
        "six infusions, 5 of 11 kept the response",
        _SHIROMA,
        "computed",
    ),
    PublishedDurability(
        "ELEKT-D", 30, 81.0, None, "ketamine responders", _ELEKT_D, "recalled"
    ),
    PublishedDurability(
        "ELEKT-D", 91, 75.0, None, "ketamine responders", _ELEKT_D, "recalled"
    ),
    PublishedDurability(
        "ELEKT-D", 182, 65.5, None, "ketamine responders", _ELEKT_D, "recalled"
    ),
)


def published_durability(recalled: bool = False) -> tuple[PublishedDurability, ...]:
    """The figures that may be shown, or all of them.

    Examples
    --------
    >>> [(figure.study, figure.day, figure.percent) for figure in published_durability()][:2]
    [('McInnes 2022', 28, 80), ('McInnes 2022', 56, 60)]
    """
    return tuple(figure for figure in PUBLISHED_DURABILITY if recalled or figure.usable)
