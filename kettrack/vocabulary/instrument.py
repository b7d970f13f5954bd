"""What an instrument is: a scale with a range, cut-offs and a rule for its total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Standing = Literal["verified", "computed", "convention", "recalled", "user"]
TotalRule = Literal["sum", "qids", "ids", "highest", "promis_sf8a"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One number and where it comes from.

    Parameters
    ----------
    value : float
        In the unit of the thing it describes: points for cut-offs, days for windows, a position for
        an item.
    source : str
        The publication or registry the number was read in.
    standing : {"verified", "computed", "convention", "recalled", "user"}
        `verified` was read in the source, `computed` follows from verified inputs, `convention` is
        kettrack's own choice, `recalled` is unconfirmed and never used unless asked for, `user`
        comes from a `kettrack.toml`.
    """

    value: float
    source: str
    standing: Standing = "verified"

    @property
    def usable(self) -> bool:
        """Whether the fact may act as a default: everything but a recalled one."""
        return self.standing != "recalled"


@dataclass(frozen=True, slots=True)
class Band:
    """A severity band, both ends included, in points."""

    label: str
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A rating scale as kettrack uses it.

    Parameters
    ----------
    name : str
        As it stands in the `instrument` column of scores.
    title : str
        Written out.
    minimum, maximum : float
        Range of a total, both ends included, in points (PROMIS: T values).
    item_maxima : tuple of int
        Highest answer of each item in order; empty where items are not read.
    item_minimum : int
        Lowest answer of an item.
    total : {"sum", "qids", "ids", "highest", "promis_sf8a"}
        How items make a total.
    whole_numbers : bool
        Whether a total is always an integer.
    higher_is_worse : bool
        Direction; True for every built-in scale.
    recall_days : Fact or None
        How far back the questions look; 0 = now; None = not fixed.
    bands : tuple of Band
        Severity bands in rising order; empty where none is published.
    bands_source : str
        Where the bands come from.
    caseness : Fact or None
        Scores at or above it count as a case; response is rated only from such a baseline.
    remission : tuple of Fact
        Every cut-off in use (score at or below it), the default first.
    reliable_change : Fact or None
        Change in points beyond which measurement error is an unlikely explanation; None where no
        usable value is known.
    suicidality_item : Fact or None
        Position of the item on suicidal thoughts.
    percent_change : bool
        Whether percent change, and with it a response rule, has a meaning on this scale.
    loinc, loinc_panel : str or None
        Verified LOINC codes of total and panel; None where none could be verified.
    item_text_may_ship : bool
        Whether the licence lets the wording be printed.
    licence : str
        The licence in short.
    standing : str
        `verified` for built-in scales, `user` for one from a `kettrack.toml`.
    """

    name: str
    title: str
    minimum: float
    maximum: float
    item_maxima: tuple[int, ...] = ()
    item_minimum: int = 0
    total: TotalRule = "sum"
    whole_numbers: bool = True
    higher_is_worse: bool = True
    recall_days: Fact | None = None
    bands: tuple[Band, ...] = ()
    bands_source: str = ""
    caseness: Fact | None = None
    remission: tuple[Fact, ...] = ()
    reliable_change: Fact | None = None
    suicidality_item: Fact | None = None
    percent_change: bool = True
    loinc: str | None = None
    loinc_panel: str | None = None
    item_text_may_ship: bool = False
    licence: str = ""
    standing: Standing = "verified"

    @property
    def n_items(self) -> int:
        """Number of items read, 0 where kettrack reads totals only."""
        return len(self.item_maxima)

    @property
    def range_text(self) -> str:
        """The range as it stands in error texts, such as `0 to 27`."""
        kind = "whole number, " if self.whole_numbers else ""
        return f"{kind}{self.minimum:g} to {self.maximum:g}"

    @property
    def sign(self) -> int:
        """+1 where higher is worse, -1 where higher is better; multiplies scores before any rule is
        tested.
        """
        return 1 if self.higher_is_worse else -1
