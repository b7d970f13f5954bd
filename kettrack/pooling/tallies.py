"""Numbers that can be added over sites: tables of counts and sums, each column in words; and one
question that can be pooled, by what a site counts for it and the answer from the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from kettrack.analysis.registry import Answer
from kettrack.analysis.rules_in_force import RulesInForce
from kettrack.timelines.derived import DerivedCohort

# Keys that are numbers; the others are text.
NUMBERED: Final = frozenset(
    (
        "day",
        "session",
        "sessions",
        "at",
        "earlier",
        "later",
        "followed_to",
        "week",
        "other_week",
    )
)
# A count or a sum of squares beyond it is none, and floats would round it.
MOST: Final = 10**15
_ONE: Final = "all"  # a group that everything is in, where a table has no other key than its clock

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What stands in one table of numbers.

    Parameters
    ----------
    about : str
        What is counted, in words.
    keys : mapping
        Column that names a row to what it is.
    counts : mapping
        Column of whole numbers to what it counts.
    sums : mapping
        Column of sums over the values of people to what is summed; they belong to the people
        in `n`.
    clock : str
        The key that is a step of time, where each count is of those who leave at it; empty
        otherwise.
    needed : tuple of str
        Values of the first key that every file has.
    optional : bool
        Whether a site may have no such table.
    allowed : frozenset of str
        Values that the first key can have; empty where any.
    part_of : mapping
        Count to the one of the same row that it is a part of.
    row_part_of : mapping
        Value of the first key to the one whose counts are the whole of it.
    """

    about: str
    keys: Mapping[str, str]
    counts: Mapping[str, str]
    sums: Mapping[str, str] = field(default_factory=dict)
    clock: str = ""
    needed: tuple[str, ...] = ()
    optional: bool = False
    allowed: frozenset[str] = frozenset()
    part_of: Mapping[str, str] = field(default_factory=dict)
    row_part_of: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """All columns, keys first."""
        return list(self.words)

    @property
    def words(self) -> dict[str, str]:
        """Every column in words."""
        return {
            **self.keys,
            **self.counts,
            **self.sums,
        }


def add_tallies(shape: Shape, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The sum of tables of one shape: rows of the same keys are added, a row that a table lacks is
    0 in it.
    """
    # Of one site alone there is nothing to add, and two hundred sites are looked at one by one.
    if len(frames) == 1:
        return frames[0][shape.columns]
    whole = pd.concat([frame[shape.columns] for frame in frames], ignore_index=True)
    # Rows keep the order in which they first come; steps of time are sorted where they are read.
    by_key = whole.groupby(
        list(shape.keys),
        sort=False,
        as_index=False,
    )
    return by_key.sum()


def without_empty_rows(shape: Shape, table: pd.DataFrame) -> pd.DataFrame:
    """A table on a clock without steps of zeros; the last step stays, since it says how far people
    are followed. Any other table stays as it is: nobody is an answer too.
    """
    if not shape.clock:
        return table.reset_index(drop=True)
    numbers = [*shape.counts, *shape.sums]
    kept = table[numbers].ne(0).any(axis=1)
    others = [name for name in shape.keys if name != shape.clock]
    whole = table.assign(**{_ONE: 0})
    steps = whole.groupby([_ONE, *others])[shape.clock]
    # Zeros after the last event say that people were still followed.
    kept |= table[shape.clock] == steps.transform("max")
    return table[kept].reset_index(drop=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledQuestion:
    """One question that can be pooled.

    Parameters
    ----------
    question : str
        Name in `kettrack.questions()`.
    shapes : mapping
        Name of each table to what stands in it.
    lacks : str
        What of the question's own answer is not pooled, and why; empty where everything is.
    nearly_rows : bool
        Whether the counts are nearly as fine as the people; they leave a site exact or not at all.
    count : callable
        A derived cohort in, tables out; refuses where the site cannot count at all.
    answer : callable
        Sum of the tables of all sites in, answer out; refuses where it is too little.
    """

    question: str
    shapes: Mapping[str, Shape]
    lacks: str = ""
    nearly_rows: bool = False
    count: Callable[[DerivedCohort], dict[str, pd.DataFrame]]
    answer: Callable[[Tables, RulesInForce], Answer]
