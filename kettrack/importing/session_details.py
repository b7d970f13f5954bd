"""Details of sessions that stand in a table of their own: the weight, blood pressures, adverse
events of the day. They become columns of the session of that day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Ints
from kettrack.importing.asked_events import (
    all_events,
)
from kettrack.importing.dose import WEIGHT
from kettrack.importing.journal import Journal
from kettrack.importing.patients_joined import (
    RowsOfOne,
    one_row_each,
    say_of_rows,
)
from kettrack.importing.source import (
    DATE,
    ORIGIN,
    SESSION_DETAILS,
)
from kettrack.vocabulary.columns import SESSIONS

_ID: Final = "patient_id"
_EVENTS: Final = "adverse_events"
_TIMES: Final = (DATE, "day")
NO_SESSION: Final = "the patient has no session on that day"
SEVERAL: Final = (
    "the patient has several sessions on that day, and nothing tells to which of them"
    " it belongs"
)
A_WEIGHT: Final = (
    "no session is on that day; its weight is used where a later dose is per kg"
)
ANOTHER: Final = "the row of the session says something else, and that is used"
_PLACE: Final = "place"
_KEYS: Final = (_ID, *_TIMES)
OF_ONE_SESSION: Final = RowsOfOne(
    key=_PLACE,
    joined="joined with another row of the same session",
    # Of several readings these are what the column is for.
    chosen={
        "systolic_peak": "max",
        "diastolic_peak": "max",
        "heart_rate_peak": "max",
        "spo2_min": "min",
        "moaas_lowest": "min",
    },
    differ="rows of one session say different things, so none of them is used",
)
_NO_PLACE: Final = -1
_MANY: Final = -2


def with_details(
    tables: Mapping[str, pa.Table],
    journal: Journal,
) -> tuple[dict[str, pa.Table], pa.Table | None]:
    """The tables with the details in the sessions, and the details that found their session.

    Parameters
    ----------
    tables : mapping
        Of the contract, with origins, and perhaps `session_details`.
    journal : Journal
        Takes the rows that found none, and cells that contradict one another.
    """
    done = dict(tables)
    details = done.pop(SESSION_DETAILS, None)
    if details is None:
        return done, None
    # Without sessions every detail is told to have none.
    sessions = done.get("sessions")
    places = np.full(len(details), _NO_PLACE)
    if sessions is not None:
        places = _places(sessions, details)
    _say(details, places, journal)
    found = places >= 0
    there = details.filter(pa.array(found))
    if sessions is not None and len(there):
        done["sessions"] = _filled(sessions, there, places[found], journal)
    return done, there


def _places(
    sessions: pa.Table,
    details: pa.Table,
) -> Ints:
    """For each detail the place of the session of its patient and day."""
    places = np.full(len(details), _NO_PLACE)
    for time in _TIMES:
        if time not in details.column_names or time not in sessions.column_names:
            continue
        keys = _keys(sessions, time)
        keys["place"] = np.arange(len(sessions))
        of_day = keys.dropna().groupby([_ID, time])["place"]
        # Of two sessions on one day neither is more likely than the other.
        one = of_day.first().where(of_day.size() == 1, _MANY)
        wanted = pd.MultiIndex.from_frame(_keys(details, time))
        # A row that was placed by its date is not placed again by its day.
        found = one.reindex(wanted).fillna(_NO_PLACE).to_numpy(dtype=np.int64)
        places = np.where(places == _NO_PLACE, found, places)
    return places


def _keys(
    table: pa.Table,
    time: str,
) -> pd.DataFrame:
    times = table[time]
    if time == DATE:
        times = times.cast(pa.int32())
    patients = table[_ID].to_pandas()
    return pd.DataFrame(
        {
            _ID: patients,
            time: times.to_pandas(),
        }
    )


def _say(
    details: pa.Table,
    places: Ints,
    journal: Journal,
) -> None:
    # A weight is of use without a session, and all else is not.
    weighed: Bools = np.zeros(len(details), dtype=bool)
    if WEIGHT in details.column_names:
        valid = pc.is_valid(details[WEIGHT])
        weighed = valid.to_numpy().astype(bool)
    none = places == _NO_PLACE
    several = places == _MANY
    say_of_rows(details, none & weighed, "", "noted", A_WEIGHT, journal)
    say_of_rows(details, none & ~weighed, "", "refused", NO_SESSION, journal)
    say_of_rows(details, several, "", "refused", SEVERAL, journal)


def _filled(
    sessions: pa.Table,
    details: pa.Table,
    places: Ints,
    journal: Journal,
) -> pa.Table:
    """The sessions with their details."""
    placed = details.append_column(_PLACE, pa.array(places))
    if _EVENTS in placed.column_names:
        placed = _with_all_events(placed)
    # Adverse events are alike by now, so that they contradict nothing.
    each = one_row_each(placed, journal, OF_ONE_SESSION)
    where = np.full(len(sessions), _NO_PLACE)
    where[each[_PLACE].to_numpy()] = np.arange(len(each))
    taken = pa.array(where, mask=where < 0)
    done = sessions
    for name in each.column_names:
        if name in SESSIONS.names and name not in _KEYS:
            beside = each[name].combine_chunks().take(taken)
            done = _with_column(done, name, beside, journal)
    return done


def _with_all_events(details: pa.Table) -> pa.Table:
    """Each row of a session with all adverse events that any of its rows names."""
    frame = details.select([_PLACE, _EVENTS]).to_pandas()
    known = frame.dropna().groupby(_PLACE)[_EVENTS]
    of_session = known.agg(all_events)
    cells = frame[_PLACE].map(of_session)
    column = pa.array(cells, pa.string(), from_pandas=True)
    where = details.column_names.index(_EVENTS)
    return details.set_column(where, _EVENTS, column)


def _with_column(
    sessions: pa.Table,
    name: str,
    beside: pa.Array,
    journal: Journal,
) -> pa.Table:
    """The sessions with a column of details; what a session says itself goes before it."""
    if name not in sessions.column_names:
        end = len(sessions.column_names) - len(ORIGIN)
        return sessions.add_column(end, name, beside)
    own = sessions[name].combine_chunks()
    differ = pc.fill_null(pc.not_equal(own, beside), False)
    # Both were recorded, and the log of sessions is the nearer to what was done.
    hit = differ.to_numpy(zero_copy_only=False)
    say_of_rows(sessions, hit, name, "noted", ANOTHER, journal)
    where = sessions.column_names.index(name)
    return sessions.set_column(where, name, pc.coalesce(own, beside))
