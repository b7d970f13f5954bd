"""Scores and events that know only the number of a session get its date or day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.journal import Journal
from kettrack.importing.remarks import ColumnPlace
from kettrack.importing.source import (
    DATE,
    SESSION_NUMBER,
    SOURCE_FILE,
    SOURCE_ROW,
    SOURCE_TABLE,
)

_ID: Final = "patient_id"
_DAY: Final = "day"
_KEYS: Final = (_ID, SESSION_NUMBER)
_NO_SESSION: Final = "its time is a session number, and the patient has no such session"


def with_session_days(
    tables: Mapping[str, pa.Table],
    journal: Journal,
) -> dict[str, pa.Table]:
    """The tables with the time of a session where only its number is given.

    A session has the number that its own table says, else its place among the sessions of its
    patient. The number is not in the tables any more.

    Parameters
    ----------
    tables : mapping
        Of the contract, with origins.
    journal : Journal
        Takes the rows whose session is not there.
    """
    done = dict(tables)
    numbered = None
    if "sessions" in tables:
        numbered = _numbered(tables["sessions"])
    for name, table in tables.items():
        if SESSION_NUMBER not in table.column_names:
            continue
        if name != "sessions":
            done[name] = _placed(table, numbered, journal)
        done[name] = done[name].drop_columns([SESSION_NUMBER])
    return done


def _whens(table: pa.Table) -> list[str]:
    return [name for name in (DATE, _DAY) if name in table.column_names]


def _numbered(sessions: pa.Table) -> pa.Table:
    """Patient, number of the session, and when it was; each number once."""
    whens = _whens(sessions)
    if SESSION_NUMBER not in sessions.column_names:
        sessions = _counted(sessions, whens)
    # A number that stands twice, as on two lines for one session, has the time of the first.
    groups = sessions.select([*_KEYS, *whens]).group_by(list(_KEYS))
    found = groups.aggregate([(name, "min") for name in whens])
    return found.rename_columns(
        [
            *_KEYS,
            *(f"session_{name}" for name in whens),
        ]
    )


def _counted(sessions: pa.Table, whens: list[str]) -> pa.Table:
    """Sessions numbered in the order of their days."""
    order = [name for name in ("order", SOURCE_ROW) if name in sessions.column_names]
    keys = [(name, "ascending") for name in (_ID, *whens, *order)]
    ordered = sessions.sort_by(keys)
    codes = ordered[_ID].combine_chunks().dictionary_encode().indices.to_numpy()
    place = np.arange(len(codes))
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])[: len(codes)]
    # The place in the table less that of the patient's first session.
    counts = np.diff(np.r_[starts, len(codes)])
    numbers = place - np.repeat(starts, counts) + 1
    return ordered.append_column(
        SESSION_NUMBER,
        pa.array(numbers, pa.int64()),
    )


def _placed(
    table: pa.Table,
    numbered: pa.Table | None,
    journal: Journal,
) -> pa.Table:
    """Rows with a time of their own keep it; those whose session is not there go."""
    known = _has_time(table)
    bare = pc.and_(
        pc.invert(known),
        pc.is_valid(table[SESSION_NUMBER]),
    )
    if not pc.any(bare).as_py():
        return table
    # A join keeps no order, so the rows are numbered.
    marked = table.append_column("place", pa.array(np.arange(len(table))))
    joined = marked
    if numbered is not None and len(numbered):
        joined = marked.join(numbered, list(_KEYS)).sort_by("place")
    for name in (DATE, _DAY):
        joined = _filled(joined, name, bare)
    there = _has_time(joined)
    lost = pc.and_(bare, pc.invert(there))
    _say(joined, lost, journal)
    kept = joined.filter(pc.invert(lost))
    apart = (_ID, *_whens(kept))
    rest = [name for name in table.column_names if name not in apart]
    # Help columns of the join are gone with this.
    return kept.select([*apart, *rest])


def _has_time(table: pa.Table) -> pa.ChunkedArray:
    known = pa.chunked_array([pa.array(np.zeros(len(table), dtype=bool))])
    for name in _whens(table):
        known = pc.or_(known, pc.is_valid(table[name]))
    return known


def _filled(
    table: pa.Table,
    name: str,
    bare: pa.ChunkedArray,
) -> pa.Table:
    """A column of times with those of the sessions in it."""
    of_session = f"session_{name}"
    if of_session not in table.column_names:
        return table
    # A row with a time of its own keeps it, also where its session is known.
    times = table[of_session]
    nothing = pa.scalar(None, times.type)
    taken = pc.if_else(bare, times, nothing)
    if name in table.column_names:
        place = table.column_names.index(name)
        return table.set_column(
            place,
            name,
            pc.coalesce(table[name], taken),
        )
    return table.append_column(name, taken)


def _say(
    table: pa.Table,
    lost: pa.ChunkedArray,
    journal: Journal,
) -> None:
    rows = table.filter(lost)
    groups = rows.group_by([SOURCE_FILE, SOURCE_TABLE]).aggregate(
        [(SOURCE_ROW, "list")]
    )
    for group in groups.to_pylist():
        numbers = sorted(set(group[f"{SOURCE_ROW}_list"]))
        place = ColumnPlace(
            file=group[SOURCE_FILE],
            table=group[SOURCE_TABLE],
            column=SESSION_NUMBER,
            rows=pa.array(numbers, pa.int64()),
        )
        journal.rows(
            place,
            np.ones(len(numbers), dtype=bool),
            "refused",
            _NO_SESSION,
        )
