"""Columns that only a table of sessions has: one of yes and no for each adverse event, and the
clock at the beginning and at the end of an administration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.asked_events import (
    ASKED_EVENTS,
)
from kettrack.importing.clock_times import (
    CLOCK_TIMES,
    is_clock,
)
from kettrack.importing.proposal.facts import (
    ColumnFacts,
)
from kettrack.importing.proposal.headings import OF_AN_EVENT, event_asked_in
from kettrack.importing.proposal.table_columns import (
    TableColumns,
)
from kettrack.privacy.identifying_names import (
    words_of,
)

# Also illnesses that people come with.
_ILLNESSES: Final = (
    "anxiety",
    "hypertension",
    "urinary",
)


def asked_events(
    known: TableColumns,
    columns: Mapping[str, str],
) -> dict[str, str]:
    """Name in the map to column, for each adverse event that has a column of its own.

    Parameters
    ----------
    known : TableColumns
        A table of sessions.
    columns : mapping
        Those that are used already.
    """
    taken = {one.facts.name for one in known.scores}
    taken |= {*columns.values()}
    found: dict[str, str] = {}
    alone: dict[str, str] = {}
    for facts in known.facts:
        event = event_asked_in(facts)
        name = f"adverse_events_{event}"
        if facts.name in taken or name not in ASKED_EVENTS:
            continue
        # Of two columns of one event the first is read, and the other is listed as not used.
        changes = not known.one_per_patient(facts.name)
        sure = changes or _says_event(facts)
        those = found if sure else alone
        those.setdefault(name, facts.name)
    # What never changes in a patient may be an illness, unless events stand beside it.
    if not found:
        return found
    plain = {
        name: column
        for name, column in alone.items()
        if ASKED_EVENTS[name] not in _ILLNESSES
    }
    return {**plain, **found}


def _says_event(facts: ColumnFacts) -> bool:
    named = words_of(facts.name)
    labelled = words_of(facts.label)
    said = {*named, *labelled}
    return bool(said & OF_AN_EVENT)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SIDES: Final = (
    _words("start started begin began beginn debut inicio inizio"),
    _words("end ended stop stopped finish finished ende fin fine einde"),
)
# From arrival to discharge is longer than anything that is given.
_OF_THE_VISIT: Final = _words(
    "arrival arrived visit appointment appt check checkin checkout monitoring observation obs"
    " discharge discharged admission room termin aufenthalt"
)
_MOST_AGREE: Final = 0.8


def clock_columns(
    known: TableColumns,
) -> dict[str, str]:
    """`start_time` and `end_time` to their columns; nothing where either is missing or comes twice.

    Parameters
    ----------
    known : TableColumns
        A table of sessions.
    """
    found: dict[str, str] = {}
    for name, side in zip(CLOCK_TIMES, _SIDES, strict=True):
        fits = [facts.name for facts in known.facts if _fits(known, facts, side)]
        # Of two beginnings nobody can tell which belongs to the end.
        if len(fits) != 1:
            return {}
        found[name] = fits[0]
    return found


def _fits(
    known: TableColumns,
    facts: ColumnFacts,
    side: frozenset[str],
) -> bool:
    named = _said(facts.name, facts.label)
    if not named & side or named & _OF_THE_VISIT:
        return False
    values = known.table.data[facts.name]
    kind = values.type
    # A date without a clock begins at midnight.
    if pa.types.is_timestamp(kind):
        hours = pc.hour(values)
        return bool(pc.any(pc.not_equal(hours, 0)).as_py())
    if pa.types.is_duration(kind):
        return True
    if not pa.types.is_string(kind):
        return False
    clocks = is_clock(facts.levels)
    n_clocks = facts.counts[clocks].sum()
    return bool(n_clocks >= _MOST_AGREE * max(facts.n, 1))


def _said(*texts: str) -> frozenset[str]:
    words: Iterable[str] = (word for text in texts for word in words_of(text))
    return frozenset(words)
