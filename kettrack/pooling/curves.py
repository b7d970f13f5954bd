"""Curves as tables that can be sent and added: exits by step, losses by day, and losses that come
again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Ints
from kettrack.estimators.survival.competing_risks import ExitCounts
from kettrack.estimators.survival.life_table import LifeCounts
from kettrack.estimators.survival.recurrent_events import RecurrenceCounts
from kettrack.pooling.tallies import Shape

# People who leave a curve because their log ends, and people who never were on it.
LOG_ENDS: Final = "log_ends"
NEVER: Final = "never_counted"
_LOG_ENDS_WORDS: Final = "people whose log ends then, and who are followed no further"
_NEVER_WORDS: Final = (
    "people whose log is too short to be counted; all in the first row"
)


def exit_shape(
    about: str,
    clock: Mapping[str, str],
    causes: Mapping[str, str],
) -> Shape:
    """Shape of exits by cause on one clock."""
    return Shape(
        about=about,
        keys=clock,
        counts={
            **causes,
            LOG_ENDS: _LOG_ENDS_WORDS,
            NEVER: _NEVER_WORDS,
        },
        clock=next(iter(clock)),
    )


def exit_tally(
    shape: Shape,
    counts: ExitCounts,
    first: int,
) -> pd.DataFrame:
    """Exits as a table.

    Parameters
    ----------
    shape : Shape
        From `exit_shape`.
    counts : ExitCounts
        Of a site.
    first : int
        What the first step is called: session 1, or day 0.
    """
    causes = _causes(shape)
    # A site without anybody has one row of zeros, which holds those never counted.
    steps = max(len(counts.censored), 1)
    table = pd.DataFrame(
        0,
        index=range(steps),
        columns=shape.columns,
    )
    table[shape.clock] = np.arange(steps) + first
    table.loc[0, NEVER] = counts.never_at_risk
    if len(counts.censored):
        table[causes] = counts.events
        table[LOG_ENDS] = counts.censored
    return table


def exits_of(
    shape: Shape,
    table: pd.DataFrame,
    first: int,
) -> ExitCounts:
    """The exits that a table holds."""
    by_step = _by_step(table, shape.clock, first)
    events = by_step[_causes(shape)].to_numpy(np.int64)
    ends = by_step[LOG_ENDS].to_numpy(np.int64)
    # The one row of zeros of a site without anybody is no step.
    steps = len(ends) if events.any() or ends.any() else 0
    return ExitCounts(
        events=events[:steps],
        censored=ends[:steps],
        never_at_risk=int(table[NEVER].sum()),
    )


def _causes(shape: Shape) -> list[str]:
    apart = (LOG_ENDS, NEVER)
    return [name for name in shape.counts if name not in apart]


def _by_step(
    table: pd.DataFrame,
    clock: str,
    first: int,
) -> pd.DataFrame:
    """One row for each step from the first to the last, zeros where the table has none."""
    last = first - 1
    if len(table):
        last = int(table[clock].max())
    numbers = table.groupby(clock).sum(numeric_only=True)
    # Steps at which nothing happened were left out of the file.
    return numbers.reindex(range(first, last + 1), fill_value=0)


def life_tally(
    keys: Mapping[str, str],
    counts: LifeCounts,
) -> pd.DataFrame:
    """Events and ends by day as a table whose other keys are given."""
    both = np.column_stack([counts.events, counts.censored])
    return days_tally(
        keys,
        ("events", LOG_ENDS),
        both,
    )


def life_of(table: pd.DataFrame) -> LifeCounts:
    """Events and ends by day that a table holds."""
    by_day = _by_step(table, "day", 0)
    return LifeCounts(
        by_day["events"].to_numpy(np.int64), by_day[LOG_ENDS].to_numpy(np.int64)
    )


def days_tally(
    keys: Mapping[str, str],
    names: Sequence[str],
    by_day: Ints,
) -> pd.DataFrame:
    """Numbers by day, one column for each name, as a table whose other keys are given."""
    table = pd.DataFrame(by_day, columns=list(names))
    table.insert(0, "day", np.arange(len(table)))
    # Keys are the same in every row.
    return table.assign(**keys)


def by_day_of(
    table: pd.DataFrame,
    names: Sequence[str],
) -> Ints:
    """Numbers by day that a table holds."""
    by_day = _by_step(table, "day", 0)
    return by_day[list(names)].to_numpy(np.int64)


RECURRENCE: Final[Mapping[str, Shape]] = {
    "followed": Shape(
        about="People by the last day on which they are followed.",
        keys={"day": "days since the first response"},
        counts={"people": "people followed to this day and no longer"},
        clock="day",
    ),
    "losses": Shape(
        about="Losses by their day and the last day of the same person.",
        keys={
            "day": "day of the loss, since the first response",
            "followed_to": "last day on which the same person is followed",
        },
        counts={"losses": "losses with these two days"},
    ),
    "pairs": Shape(
        about=(
            "Pairs of losses of one person, each loss with itself too; they say how far losses"
            " come in bunches."
        ),
        keys={"earlier": "day of one loss", "later": "day of the other"},
        counts={"pairs": "ordered pairs with these two days"},
    ),
}


def recurrence_tallies(counts: RecurrenceCounts) -> dict[str, pd.DataFrame]:
    """Recurrent events as the three tables of `RECURRENCE`."""
    # Row 0 holds the people who are not followed at all.
    people = np.append(counts.never_at_risk, counts.ended)
    columns = {name: shape.columns for name, shape in RECURRENCE.items()}
    return {
        "followed": days_tally({}, ["people"], people[:, None]),
        "losses": pd.DataFrame(counts.events, columns=columns["losses"]),
        "pairs": pd.DataFrame(counts.pairs, columns=columns["pairs"]),
    }


def recurrence_of(tables: Mapping[str, pd.DataFrame]) -> RecurrenceCounts:
    """The recurrent events that three tables hold."""
    people = by_day_of(tables["followed"], ["people"])[:, 0]
    rows = {}
    for name in ("losses", "pairs"):
        keys = list(RECURRENCE[name].keys)
        # In the order in which one site alone would count them.
        ordered = tables[name].sort_values(keys)
        rows[name] = ordered.to_numpy(np.int64)
    return RecurrenceCounts(
        ended=people[1:],
        events=rows["losses"],
        pairs=rows["pairs"],
        never_at_risk=int(people[:1].sum()),
    )
