"""What an instrument is: a scale with a range, cut-offs and a rule for its total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kettrack.errors import UsageError
from kettrack.vocabulary.days import ASSUMED_RECALL_DAYS

# How sure a number is, from read in its source to stated by the user.
Standing = Literal["verified", "computed", "convention", "recalled", "user"]
TotalRule = Literal["sum", "domains", "highest", "t_value"]
# What a clinic says of totals with decimals; empty where it says nothing.
Prorated = Literal["", "round", "keep"]
Construct = Literal[
    "depression",
    "anxiety",
    "trauma",
    "suicidality",
    "dissociation",
    "insomnia",
    "function",
    "well-being",
    "pain",
    "mania",
    "substance use",
    "other",
]
# Groups of item positions, from 1. The highest answer of a domain counts; of each group at least
# one answer is needed.
Domain = tuple[tuple[int, ...], ...]

# No band of an own scale: so the flows between bands name who is in none.
RESERVED_BANDS: Final = ("no score", "not yet there", "stopped", "log ended", "merged")

# The source of a caseness that is kettrack's own choice.
MODERATE_EDGE: Final = "lower edge of the moderate band, where no caseness is published"


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


def severity_bands(text: str) -> tuple[Band, ...]:
    """Read bands written as one line of text.

    Parameters
    ----------
    text : str
        Bands in rising order, separated by semicolons: a label, a blank, lowest-highest in points.

    Examples
    --------
    >>> severity_bands("minimal 0-4; mild 5-9")[1]
    Band(label='mild', low=5.0, high=9.0)
    """
    bands = []
    for part in text.split(";"):
        # A label may hold blanks, so the split is at the last one.
        label, _, edges = part.strip().rpartition(" ")
        low, high = edges.split("-")
        bands.append(Band(label, float(low), float(high)))
    return tuple(bands)


@dataclass(frozen=True, slots=True)
class Recall:
    """How far back a score looks.

    Parameters
    ----------
    instrument : str
        Name of the scale.
    days : int
        Days before the day of the score; 0 = the moment itself.
    assumed : bool
        True where the instrument's own window is not confirmed and nobody stated another:
        `ASSUMED_RECALL_DAYS` is used, and every result says so.
    """

    instrument: str
    days: int
    assumed: bool

    def __str__(self) -> str:
        if self.assumed:
            return (
                f"How far back {self.instrument} looks is not confirmed; {self.days} days are"
                " assumed, unless recall_days says otherwise."
            )
        return f"{self.instrument} asks about the last {self.days} days."


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A rating scale as kettrack uses it.

    Parameters
    ----------
    name : str
        As it stands in the `instrument` column of scores.
    title : str
        Written out.
    construct : str or None
        What the scale measures, such as `depression` or `insomnia`. Only scales of the same
        construct are compared with one another. None = not stated: the scale is rated by its own
        rules and compared with no other.
    minimum, maximum : float
        Range of a total, both ends included, in points (PROMIS: T values).
    item_maxima : tuple of int
        Highest answer of each item in order; empty where items are not read.
    item_names : tuple of str
        What each item is about, in a word of kettrack's own; empty where they go by number. It is
        not the wording of the item.
    item_minimum : int
        Lowest answer of an item.
    items_coded_from : int or None
        Lowest answer as the files of a clinic write it, where the clinic says so; the reader moves
        all answers so that it is `item_minimum`.
    uncounted_item : int or None
        Number of an item that is on the form and never counts.
    item_apart : int or None
        Number of a yes-or-no item that is kept and shown by itself, and never counts.
    skips : tuple of (item, items)
        Where the first item is answered with its lowest answer, the others are not asked: a blank
        there is no missing answer.
    total : {"sum", "domains", "highest", "t_value"}
        How items make a total: their sum; the sum over `domains` of the highest answer; the
        position of the highest yes; the T value of their sum.
    domains : tuple of Domain
        For the rule `domains`.
    t_values : tuple of float
        For the rule `t_value`: the T value of each raw sum, from the lowest.
    whole_numbers : bool
        Whether a total is always an integer.
    prorated : {"", "round", "keep"}
        What becomes of totals with decimals, which a clinic has prorated for missing answers; empty
        where it has said nothing, and such a total is a problem.
    most_missing : Fact or None
        How many answers may be missing in a prorated total; None where no publication says so.
    higher_is_worse : bool
        Direction; True for every built-in scale.
    recall_days : Fact or None
        How far back the questions look; 0 = now; None = not fixed. Ask `recall` for the days that
        are used.
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
    construct: Construct | None = None
    minimum: float
    maximum: float
    item_maxima: tuple[int, ...] = ()
    item_names: tuple[str, ...] = ()
    item_minimum: int = 0
    items_coded_from: int | None = None
    uncounted_item: int | None = None
    item_apart: int | None = None
    skips: tuple[tuple[int, tuple[int, ...]], ...] = ()
    total: TotalRule = "sum"
    domains: tuple[Domain, ...] = ()
    t_values: tuple[float, ...] = ()
    whole_numbers: bool = True
    prorated: Prorated = ""
    most_missing: Fact | None = None
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

    def item_name(self, number: int) -> str:
        """What an item is about, with its number from 1.

        Examples
        --------
        >>> from kettrack.vocabulary.instruments import MADRS, PHQ9
        >>> PHQ9.item_name(3), MADRS.item_name(3)
        ('3 sleep', 'item 3')
        """
        if not self.item_names:
            return f"item {number}"
        return f"{number} {self.item_names[number - 1]}"

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

    def recall(self, stated_days: int | None = None) -> Recall:
        """How far back a score of this scale is taken to look.

        Parameters
        ----------
        stated_days : int, optional
            What the asker states; it goes before the instrument's own window.

        Returns
        -------
        Recall
            The days asked for, else the confirmed window of the instrument, else the assumed one.

        Raises
        ------
        UsageError
            When the stated days are below 0.

        Examples
        --------
        >>> from kettrack.vocabulary.instruments import MADRS, PHQ9
        >>> PHQ9.recall().days, MADRS.recall().assumed, MADRS.recall(1).days
        (14, True, 1)
        """
        if stated_days is not None:
            if stated_days < 0:
                raise UsageError(
                    f"recall_days is {stated_days}; a recall of at least 0 days is needed."
                )
            return Recall(self.name, stated_days, assumed=False)
        confirmed = self.recall_days
        # A window that is only recalled is treated like none: it could be wrong.
        if confirmed is None or not confirmed.usable:
            return Recall(self.name, ASSUMED_RECALL_DAYS, assumed=True)
        return Recall(self.name, int(confirmed.value), assumed=False)
