"""Tables that tell something of sessions, and whose rows are none: vitals, weights, side effects.

Taken for sessions, they would double those of another table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.dose import WEIGHT
from kettrack.importing.import_map import (
    TableMap,
)
from kettrack.importing.map_file import names_of
from kettrack.importing.proposal.other_tables import (
    session_part,
)
from kettrack.importing.proposal.table_columns import (
    TableColumns,
)
from kettrack.importing.proposal.when import When
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import (
    OpenQuestion,
    Remarks,
)
from kettrack.importing.source import (
    DATE,
    SESSION_DETAILS,
    STATUS,
)
from kettrack.privacy.identifying_names import (
    words_of,
)
from kettrack.privacy.identifying_people import (
    shown,
)
from kettrack.vocabulary.heading_words import (
    DETAIL_WORDS,
    READING_TIMES,
)

_ID: Final = "patient_id"
# CADSS in a table of scores is a score, and therapy is said of a person too.
_DETAILS: Final = frozenset(names_of(SESSION_DETAILS)) - {
    "dissociation",
    "psychotherapy",
}
# A plain reading to what it is called at the times of a session.
_READINGS: Final = {
    "systolic_before": "systolic",
    "diastolic_before": "diastolic",
    "heart_rate_before": "heart_rate",
}
_OF_EACH_SESSION: Final = ("drug", "route")
_FEWEST_SHARED: Final = 0.5
SESSIONS_OF_ITS_OWN: Final = "a session"
OF_OTHERS: Final = "something of a session"


def gives_doses(known: TableColumns) -> bool:
    """Whether each row of a table is a session, as it says what was given.

    Parameters
    ----------
    known : TableColumns
        The table.
    """
    if not known.patient or _is_called_so(known):
        return False
    if any(known.best(name) for name in _OF_EACH_SESSION):
        return True
    # A list of other medication has doses too.
    named = known.best("session_date") or "sessions" in known.hints
    return bool(known.best("dose") and named)


def of_sessions_elsewhere(
    known: TableColumns,
    told: Sequence[TableColumns],
    answers: Answers,
    remarks: Remarks,
) -> bool:
    """Whether the rows of a table belong to sessions of another one, whose patients they share.

    Parameters
    ----------
    known : TableColumns
        The table.
    told : sequence of TableColumns
        All tables.
    answers, remarks
        As for `propose`; asked where no day of theirs is that of a session.
    """
    others = [one for one in told if one is not known and gives_doses(one)]
    if not others or not known.patient or gives_doses(known):
        return False
    # Sessions of another year may lack the drug, but are called sessions.
    if "sessions" in known.hints and not _is_called_so(known):
        return False
    # The file of a second clinic has other patients.
    own = _patients(known)
    there = pa.concat_arrays([_patients(one) for one in others])
    shared = pc.sum(pc.is_in(own, there)).as_py() or 0
    if not len(own) or shared < _FEWEST_SHARED * len(own):
        return False
    # A weight or a score makes no session, on whatever day.
    if _is_called_so(known) or not known.speaks_of_sessions:
        return True
    days = _days(known)
    of_sessions = pa.concat_arrays([_days(one) for one in others])
    on_days = pc.sum(pc.is_in(days, of_sessions)).as_py() or 0
    return on_days > 0 or not len(days) or _asked(known, answers, remarks)


def _asked(known: TableColumns, answers: Answers, remarks: Remarks) -> bool:
    """Whether somebody says that the rows are no sessions, or has not said anything yet."""
    table = shown(known.table.name, file=True)
    question = OpenQuestion(
        key=f"rows_of.{table}",
        asks=(
            f"Is each row of {table} a session, or does it tell something of a session that"
            " stands in another table? It names no drug, and none of its rows is on the day of"
            " a session there."
        ),
        choices=(SESSIONS_OF_ITS_OWN, OF_OTHERS),
        why="Taken for sessions, they are counted.",
    )
    return remarks.answer(question, answers) != SESSIONS_OF_ITS_OWN


def _days(known: TableColumns) -> pa.Array:
    """Patients with their days, as far as the spelling of a day can be compared."""
    data = known.table.data
    name = known.best("session_date") or known.best(DATE)
    if not name:
        return pa.array([], pa.string())
    text = data[name].cast(pa.string())
    # Without the time of day.
    day = pc.replace_substring_regex(text, r"^([^T ]{8,})[T ].*$", r"\1")
    patient = pc.utf8_trim_whitespace(data[known.patient].cast(pa.string()))
    pairs = pc.binary_join_element_wise(patient, day, "|")
    return pc.unique(pairs.combine_chunks()).drop_null()


def _is_called_so(known: TableColumns) -> bool:
    return bool(DETAIL_WORDS & {*words_of(known.table.name)})


def _patients(known: TableColumns) -> pa.Array:
    column = known.table.data[known.patient]
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.unique(text.combine_chunks()).drop_null()


def details_parts(
    known: TableColumns,
    when: When,
    answers: Answers,
    remarks: Remarks,
) -> list[TableMap]:
    """The parts of the map that take details of sessions; none where a table has none.

    Parameters
    ----------
    known : TableColumns
        The table.
    when : When
        The day of its rows; a weight that stands once for each patient needs none.
    answers, remarks
        As for `propose`.
    """
    quiet = Remarks()
    part = session_part(known, when, answers, quiet)
    names = _DETAILS if when.columns else (WEIGHT, _ID)
    shared = {_ID, *when.columns}
    columns = {
        name: column
        for name, column in part.columns.items()
        if name in names or name.startswith(("adverse_events_", STATUS))
    }
    shared |= {name for name in columns if name.startswith(STATUS)}
    if not columns.keys() - shared:
        return []
    # Nobody is asked about a table of which nothing is taken.
    for question in quiet.asked:
        remarks.ask(question)
    whole = replace(
        part,
        to=SESSION_DETAILS,
        constants={},
        where={},
    )
    readings = {name: _READINGS[name] for name in columns if name in _READINGS}
    column, times = _reading_times(known)
    if not readings or not times:
        return [_with_columns(whole, columns)]
    rest = {name: one for name, one in columns.items() if name not in readings}
    made = [_with_columns(whole, rest)] if rest.keys() - shared else []
    base = {name: one for name, one in columns.items() if name in shared}
    for time, words in times.items():
        those = {
            f"{stem}_{time}": columns[name]
            for name, stem in readings.items()
            if f"{stem}_{time}" in _DETAILS
        }
        of_time = _with_columns(whole, base | those)
        made.append(replace(of_time, where={column: words}))
    return made


def _with_columns(
    part: TableMap,
    columns: Mapping[str, str],
) -> TableMap:
    return replace(
        part,
        columns=columns,
        values={name: part.values[name] for name in columns if name in part.values},
        units={name: part.units[name] for name in columns if name in part.units},
    )


def _reading_times(
    known: TableColumns,
) -> tuple[str, dict[str, tuple[str, ...]]]:
    """The column that says when in a session a reading was taken, and its words for each time."""
    for facts in known.fits.get("occasion", []) + known.fits.get("timing", []):
        times: dict[str, tuple[str, ...]] = {}
        for level, word in zip(facts.levels, facts.as_words, strict=True):
            told = {READING_TIMES.get(part, "") for part in words_of(word)} - {""}
            if len(told) == 1:
                time = told.pop()
                times[time] = (*times.get(time, ()), str(level))
        # A visit in week 2 is no time of a session, and has none of these words.
        if times:
            return facts.name, times
    return "", {}
