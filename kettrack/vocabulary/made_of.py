"""How a figure of a table is made of the counts beside it: what a release policy that rounds counts
needs to work the figure out again.

A figure that no question declares here is not shown under such a policy, since nobody could say
which counts it would tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

# Of a share: Wilson's, Clopper and Pearson's, the latter with people as clusters, or none.
ShareInterval = Literal["wilson", "exact", "clustered", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A percentage: `events` of `of`.

    Parameters
    ----------
    value : str
        Column of the percentage.
    events, of : str
        Columns of the counts.
    ends : tuple of str
        Columns of its interval; empty for none.
    interval : {"wilson", "exact", "clustered", "none"}
        How the interval is made.
    plus : tuple of str
        Columns of two counts, of which the first is added to the events and the second taken off:
        people who might have had it too.
    without : str
        Column of people who do not belong to the whole; empty where all do.
    rows, unit : str
        Column of the unit, and what stands there in a row that is such a share; empty where all
        rows are.

    Examples
    --------
    >>> Share(value="estimate", events="events", of="n").columns
    ('estimate',)
    """

    value: str
    # The columns are named, since a table may hold several shares of different people.
    events: str
    of: str
    ends: tuple[str, ...] = ()
    interval: ShareInterval = "none"
    plus: tuple[str, ...] = ()
    without: str = ""
    # Some tables set shares of people above rates per person-year.
    rows: str = ""
    unit: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The figures that it makes."""
        return (self.value, *self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Events per time, with the exact Poisson interval; the time is no count of people.

    Parameters
    ----------
    value, events : str
        Columns of the rate and of its events.
    ends : tuple of str
        Columns of its interval.
    rows : str
        Column of the unit that tells which rows are rates; empty for all of them.
    unit : str
        What stands there in a row that is a rate.
    """

    value: str
    events: str
    ends: tuple[str, ...]
    rows: str = ""
    unit: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The figures that it makes."""
        return (self.value, *self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidenceCurve:
    """A curve of competing causes, step by step, from how many left by each.

    Parameters
    ----------
    step : str
        Column of the session, week or day; rows follow it.
    n, at_risk, censored : str
        Columns of the people at the start, of those at risk, and of logs that end.
    causes : mapping
        Column of the share that each cause took -> column of the people who left by it.
    ends : tuple of str
        Columns of the interval of the first cause.
    free : str
        Column of the share to whom nothing has happened yet.
    sums : mapping
        Column -> columns of which it is the sum.
    half_by : tuple of str
        Columns of the first step with one half, and of the ends of its interval.
    ticks : int
        Steps of the clock in one row, such as the days of a week.
    """

    step: str
    n: str
    at_risk: str
    causes: Mapping[str, str]
    censored: str
    ends: tuple[str, str]
    free: str
    # Such as the share if everyone who was not scored had it too.
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    half_by: tuple[str, ...] = ()
    ticks: int = 1

    @property
    def columns(self) -> tuple[str, ...]:
        """The figures that it makes."""
        return (*self.causes, *self.ends, self.free, *self.sums, *self.half_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class StillResponding:
    """The curves of durability, from the people who lost it, came again, and left so far.

    Parameters
    ----------
    value : str
        Column of the share to whom nothing has happened.
    ends : tuple of str
        Columns of its interval.
    lost_first, again_first : tuple of str
        Columns of the shares to whom a loss, or another session, came first, with their ends.
    """

    value: str = "estimate"
    ends: tuple[str, str] = ("ci_low", "ci_high")
    lost_first: tuple[str, str, str] = (
        "lost_first",
        "lost_first_low",
        "lost_first_high",
    )
    again_first: tuple[str, str, str] = (
        "again_first",
        "again_first_low",
        "again_first_high",
    )
    # Both are read off the curves that this recipe makes, so they belong to it.
    median: tuple[str, str, str] = ("median_day", "median_low", "median_high")
    single: tuple[str, str, str] = ("single", "single_low", "single_high")

    @property
    def columns(self) -> tuple[str, ...]:
        """The figures that it makes."""
        return (
            self.value,
            *self.ends,
            *self.lost_first,
            *self.again_first,
            *self.median,
            *self.single,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """A percentage that no counts of its table add up to, such as one with weights: it is rounded
    as if it were a count of `of`.

    Parameters
    ----------
    value, of : str
        Columns of the percentage and of its people.
    ends : tuple of str
        Columns of its interval, made anew from the rounded percentage of so many people.
    weighted : bool
        Whether the ends come from a bootstrap of weights, which tells no count: then each is
        rounded like the percentage.
    per : float
        100 for a percentage, 1 for a number per person.
    at_most_all : bool
        Whether it cannot be more than everybody.
    least, most : str
        Columns that it may not fall below, or rise above.
    """

    value: str
    of: str
    ends: tuple[str, ...] = ()
    weighted: bool = False
    per: float = 100.0
    # A person can lose a response more than once.
    at_most_all: bool = True
    least: str = ""
    most: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The figures that it makes."""
        return (self.value, *self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRow:
    """Figures of which each row has a kind of its own: a percentage of the counts beside it,
    another percentage, or no percentage, which is kept as `Kept` keeps it.

    Parameters
    ----------
    value, of : str
        Columns of the figure and of its people.
    ends : tuple of str
        Columns of its interval.
    events : str
        Column of the people counted; empty where there is none.
    unit : str
        Column of the unit, `%` for a percentage; empty where all rows have one kind.
    percent : bool
        Whether that one kind is a percentage.
    anew : bool
        Whether the ends of a percentage without counts beside it are made anew from the rounded
        percentage, rather than rounded like it: for curves, whose ends come from counts.
    """

    value: str = "estimate"
    of: str = "n"
    ends: tuple[str, ...] = ("ci_low", "ci_high")
    events: str = ""
    unit: str = ""
    percent: bool = False
    anew: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The figures that it makes."""
        return (self.value, *self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureDifference:
    """One figure less another, both made again before it.

    Parameters
    ----------
    value, first, second : str
        Their columns.
    """

    value: str
    first: str
    second: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The figure that it makes."""
        return (self.value,)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """The figure of a row less that of the row before it which is about the same thing, with
    intervals made of those of both figures.

    Parameters
    ----------
    value, figure : str
        Columns of the difference and of the figure.
    ends, joint : tuple of str
        Columns of its interval by itself, and of the one that holds for all rows at once.
    figure_ends : tuple of str
        Columns of the interval of the figure.
    within : str
        Column that is the same in both rows. What is hidden of one of them hides the figures of
        both, and of everything that stands beside them.
    """

    value: str
    ends: tuple[str, str]
    joint: tuple[str, str]
    figure: str
    figure_ends: tuple[str, str]
    within: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The figures that it makes."""
        return (self.value, *self.ends, *self.joint)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerEvent:
    """A total of everybody, such as money, divided by the people with an event. The mean per person
    tells no count; the ratio to it would tell how many events there are.

    Parameters
    ----------
    value, events, of : str
        Columns of the figure, of the people with the event, and of everybody.
    ends : tuple of str
        Columns of its interval.
    """

    value: str
    events: str
    of: str
    ends: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The figures that it makes."""
        return (self.value, *self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneForecast:
    """The Brier score of one forecast for everybody, the share with the event: the share times the
    rest of it.

    Parameters
    ----------
    value, events, of : str
        Columns of the score and of the counts.
    """

    value: str
    events: str
    of: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The figure that it makes."""
        return (self.value,)


@dataclass(frozen=True, slots=True, kw_only=True)
class LikeCounts:
    """Effective numbers of people, which without weights are counts.

    Parameters
    ----------
    values : tuple of str
        Their columns.
    """

    values: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The figures that it makes."""
        return self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Figures that are no share of people: means of scores, medians, slopes, ratios, what a
    simulation shows. They stand where enough people are behind them, with the decimals that people
    see and no more.

    Parameters
    ----------
    values : tuple of str
        Their columns.
    of : str
        Column of the people behind them.
    """

    values: tuple[str, ...]
    of: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The figures that it lets through."""
        return self.values


MadeOf = (
    Share
    | Rate
    | IncidenceCurve
    | StillResponding
    | Scaled
    | ByRow
    | FigureDifference
    | RowDifference
    | PerEvent
    | OneForecast
    | LikeCounts
    | Kept
)
# Most tables have one figure a row, with its interval, of the people in `n`.
COUNTED: Final = ByRow(events="events", percent=True)
COUNTED_BY_UNIT: Final = ByRow(events="events", unit="unit")
SAID_BY_UNIT: Final = ByRow(unit="unit")
MEANS: Final = ByRow()


def percentages(recipes: Iterable[MadeOf]) -> list[tuple[str, str, str]]:
    """Columns that hold a percentage in every row, each with the columns of its counts: how many,
    and of how many; both are empty where the table holds none.

    Parameters
    ----------
    recipes : iterable of MadeOf
        Of one table.

    Examples
    --------
    >>> percentages([COUNTED, Kept(values=("day",), of="n")])
    [('estimate', 'events', 'n')]
    >>> percentages([COUNTED_BY_UNIT])
    []
    """
    found: list[tuple[str, str, str]] = []
    for recipe in recipes:
        found += _percentages_of(recipe)
    return found


def _percentages_of(recipe: MadeOf) -> list[tuple[str, str, str]]:
    match recipe:
        case Share(rows="", plus=()) | ByRow(percent=True):
            return [(recipe.value, recipe.events, recipe.of)]
        case Share(rows="") | Scaled(per=100.0):
            return [(recipe.value, "", "")]
        case IncidenceCurve():
            curves = (*recipe.causes, recipe.free, *recipe.sums)
            return [(curve, "", "") for curve in curves]
        case StillResponding():
            firsts = (recipe.single, recipe.lost_first, recipe.again_first)
            curves = (recipe.value, *(first[0] for first in firsts))
            return [(curve, "", "") for curve in curves]
        case _:
            return []
