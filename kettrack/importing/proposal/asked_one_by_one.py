"""Columns of yes and no in a table of sessions that ask for one adverse event each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kettrack.importing.asked_events import (
    ASKED_EVENTS,
)
from kettrack.importing.proposal.event_headings import (
    OF_AN_EVENT,
    event_asked_in,
)
from kettrack.importing.proposal.facts import (
    ColumnFacts,
)
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
