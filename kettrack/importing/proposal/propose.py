"""A map for a source that nobody has described: guessed, and asked where a guess could mislead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from kettrack.importing.import_map import ImportMap, TableMap
from kettrack.importing.proposal.detail_tables import (
    details_parts,
    of_sessions_elsewhere,
)
from kettrack.importing.proposal.facts import ColumnFacts
from kettrack.importing.proposal.other_tables import (
    event_part,
    patient_part,
    session_part,
    status_columns,
)
from kettrack.importing.proposal.patients import with_patients
from kettrack.importing.proposal.score_tables import score_parts
from kettrack.importing.proposal.table_columns import TableColumns, read_columns
from kettrack.importing.proposal.versions import Asking
from kettrack.importing.proposal.visits import visits_with_sessions
from kettrack.importing.proposal.when import When, when_of
from kettrack.importing.proposal.wide_sessions import has_wide_sessions, wide_sessions
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remarks
from kettrack.importing.source import (
    BIRTH_DATE,
    DATE,
    DOSE,
    DOSE_UNIT,
    SESSION_NUMBER,
    STATUS,
    SourceData,
    SourceTable,
    tables_by_name,
)
from kettrack.vocabulary.columns import TABLES

NO_COLUMN: Final = "no column of a cohort takes it"
_NO_PATIENT: Final = "the table has no column that tells patients apart"
_NO_USE: Final = "nothing in its table looks like sessions, scores, patients or events"
_OTHER_DAY: Final = "another column says the day"
_OF_SOURCES: Final = (DATE, BIRTH_DATE, DOSE, DOSE_UNIT, STATUS, SESSION_NUMBER)
_YES: Final = "yes"
_NO: Final = "no"


def propose(
    source: SourceData,
    answers: Answers,
    remarks: Remarks,
) -> ImportMap:
    """Propose a map.

    Parameters
    ----------
    source : SourceData
        As its reader returned it.
    answers : mapping
        To the questions of earlier runs.
    remarks : Remarks
        Takes what is assumed, and what only the owner of the data can answer. No value of a column
        that could identify is in it.

    Returns
    -------
    ImportMap
        With every column that is not used, and why.
    """
    parts: list[TableMap] = []
    # What a reader has named needs no guess.
    guessed = [read_columns(table) for table in source.tables if not table.is_a]
    told = _with_weights(with_patients(guessed, answers, remarks))
    dated = _sessions_are_dated(told) or any(
        table.is_a == "sessions" for table in source.tables
    )
    asking = Asking(answers=answers, remarks=remarks, sessions_are_dated=dated)
    by_name = {known.table.name: known for known in told}
    left: dict[str, dict[str, str]] = {name: {} for name in by_name}
    for several in tables_by_name(source.tables).values():
        table = several[0]
        if table.is_a:
            parts.append(_identity(several))
            continue
        known = by_name[table.name]
        parts += _parts_of(known, told, asking, left[table.name])
    parts += _asked_sessions(told, parts, asking)
    parts = [_numbered(part, by_name, parts) for part in parts]
    unused = {
        name: _unused(known, parts, left[name]) for name, known in by_name.items()
    }
    return ImportMap(
        kind=source.kind,
        tables=tuple(parts),
        answers=dict(answers),
        unused={table: columns for table, columns in unused.items() if columns},
    )


def _numbered(
    part: TableMap,
    by_name: Mapping[str, TableColumns],
    parts: Sequence[TableMap],
) -> TableMap:
    """Sessions with their own numbers, where scores are placed by the number of a session."""
    if part.to != "sessions" or part.source not in by_name or DATE not in part.columns:
        return part
    number = by_name[part.source].best(SESSION_NUMBER)
    by_number = any(
        SESSION_NUMBER in other.columns or any(block.sessions for block in other.wide)
        for other in parts
    )
    if not number or not by_number:
        return part
    return replace(part, columns={**part.columns, SESSION_NUMBER: number})


def _identity(
    tables: Sequence[SourceTable],
) -> TableMap:
    """Tables of one name whose reader has named the columns by the contract."""
    table = tables[0]
    names = {*TABLES[table.is_a].names, *_OF_SOURCES}
    columns = dict.fromkeys(name for one in tables for name in one.data.column_names)
    there = [name for name in columns if name in names]
    # Several columns may each say whether a row is an observation.
    there += [
        name
        for name in columns
        if name not in names and name.rstrip("_0123456789") == STATUS
    ]
    return TableMap(
        source=table.name, to=table.is_a, columns={name: name for name in there}
    )


def _sessions_are_dated(
    told: Sequence[TableColumns],
) -> bool:
    return any(
        (known.speaks_of_sessions or "sessions" in known.hints)
        and (known.best("session_date") or known.best(DATE) or known.best("day"))
        for known in told
    ) or any(has_wide_sessions(known) for known in told)


def _with_weights(
    told: Sequence[TableColumns],
) -> list[TableColumns]:
    """The tables, each knowing whether another one tells weights."""
    weighed = [bool(known.patient and known.best("weight_kg")) for known in told]
    n_weighed = sum(weighed)
    return [
        replace(known, weighed_elsewhere=n_weighed > own)
        for known, own in zip(told, weighed, strict=True)
    ]


def _parts_of(
    known: TableColumns,
    told: Sequence[TableColumns],
    asking: Asking,
    unused: dict[str, str],
) -> list[TableMap]:
    if not known.patient:
        reason = _NO_PATIENT if known.scores or known.fits else _NO_USE
        unused |= dict.fromkeys((one.name for one in known.facts), reason)
        return []
    answers = asking.answers
    remarks = asking.remarks
    # A day that has to be asked for is asked once, with the scores.
    sessions = when_of(known, "sessions", answers, Remarks())
    wide = wide_sessions(known, answers, remarks)
    parts = [wide] if wide else _of_sessions(known, told, sessions, asking)
    rated = next((part.columns.get("dissociation", "") for part in parts), "")
    known = _without_score(known, rated)
    # Scores whose columns name their visits need no day of their row.
    of_row = [one for one in known.scores if one.heading.occasion is None]
    needs_day = wide is None and (of_row or known.best("score"))
    asked = remarks if needs_day else Remarks()
    scores = when_of(known, "scores", answers, asked)
    made = score_parts(known, scores, asking, unused)
    parts += [_with_status(known, part) for part in made]
    patients = patient_part(known, answers, remarks, unused)
    events = event_part(known, sessions, answers, remarks)
    return parts + [part for part in (patients, events) if part is not None]


def _of_sessions(
    known: TableColumns,
    told: Sequence[TableColumns],
    when: When,
    asking: Asking,
) -> list[TableMap]:
    """The sessions of a table, or what it tells of those of another one."""
    answers = asking.answers
    remarks = asking.remarks
    if of_sessions_elsewhere(known, told, answers, remarks):
        return details_parts(known, when, answers, remarks)
    if not _has_sessions(known, when, answers):
        return []
    asked = when_of(known, "sessions", answers, remarks)
    return [session_part(known, asked, answers, remarks)]


def _without_score(
    known: TableColumns,
    name: str,
) -> TableColumns:
    """The table without a score that is a column of its sessions."""
    scores = tuple(one for one in known.scores if one.facts.name != name)
    return replace(known, scores=scores)


def _has_sessions(
    known: TableColumns,
    when: When,
    answers: Answers,
) -> bool:
    if not when.columns:
        return False
    if known.speaks_of_sessions or visits_with_sessions(known, answers, Remarks())[1]:
        return True
    # A numbered list of dates that holds no score is one of sessions.
    scored = bool(known.scores or known.best("score"))
    if known.best(SESSION_NUMBER) and DATE in when.columns and not scored:
        return True
    return "sessions" in known.hints and "scores" not in known.hints


def _with_status(
    known: TableColumns,
    part: TableMap,
) -> TableMap:
    columns = dict(part.columns) | status_columns(known, "scores")
    return replace(part, columns=columns)


def _asked_sessions(
    told: Sequence[TableColumns],
    parts: Sequence[TableMap],
    asking: Asking,
) -> list[TableMap]:
    """Where no table speaks of sessions: is each row of one a session?"""
    if any(part.to == "sessions" for part in parts):
        return []
    made = []
    for known in told:
        when = when_of(known, "sessions", asking.answers, Remarks())
        # A session needs a date: a week is no day.
        if not known.patient or DATE not in when.columns:
            continue
        question = OpenQuestion(
            key=f"sessions.{known.table.name}",
            asks=f"Was there a session on the day of each row of {known.table.name!r}?",
            choices=(_YES, _NO),
            why="No table says who had which session when.",
        )
        # Until it is answered the map shows what a yes would mean.
        if asking.remarks.answer(question, asking.answers) != _NO:
            made.append(session_part(known, when, asking.answers, asking.remarks))
    return made


def _unused(
    known: TableColumns,
    parts: Sequence[TableMap],
    left: dict[str, str],
) -> dict[str, str]:
    """Each column that no part takes, with the reason."""
    own = [part for part in parts if part.source == known.table.name]
    taken = {column for part in own for column in _taken(part)}
    found = {}
    for facts in known.facts:
        if facts.name in taken:
            continue
        found[facts.name] = _why(known, facts) or left.get(facts.name, NO_COLUMN)
    return found


def _taken(
    part: TableMap,
) -> set[str]:
    columns = {*part.columns.values(), *part.where}
    for block in part.wide:
        columns |= {*block.columns, *block.dates.values()}
    return columns


def _why(
    known: TableColumns,
    facts: ColumnFacts,
) -> str:
    if facts.kind == "empty":
        return "it is empty"
    if facts.finding is not None:
        return f"it {facts.finding.why}"
    times = {
        one.name
        for name in ("week", "month", "occasion")
        for one in known.fits.get(name, [])
    }
    return _OTHER_DAY if facts.name in times else ""
