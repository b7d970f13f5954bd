"""From the names in a source to the names of the contract, and the identifier check on every column
there is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from kettrack.privacy.identifiers import Finding, find_in_column, plainly_harmless
from kettrack.privacy.identifying_people import may_be_shown, shown
from kettrack.privacy.identifying_shapes import looked_through_together
from kettrack.reading.problems import (
    HIDDEN,
    TO_DAYS,
    Ledger,
    counted,
    counted_was,
    nearest,
)
from kettrack.reading.raw import Cells, RawTable
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.vocabulary.columns import TABLES, Table
from kettrack.vocabulary.status_words import EMPTY, StatusColumn, bare

# A header is shown when it reads like one; without a header line the first patient's row stands
# there.
_HEADER_LIKE = re.compile(r"[^\W\d_][\w .()/%-]{0,40}")
# An export of a registry has thousands of columns; nobody reads them all in one line.
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Matched:
    """The columns of one table under their contract names.

    Parameters
    ----------
    table : Table
        What it should be.
    raw : RawTable
        What it is.
    columns : mapping
        Contract name to cells; identifying columns are not among them, but for `patient_id`.
    found : frozenset of str
        Contract names of all columns that are there.
    identifying : frozenset of str
        Contract names of columns that stopped the load; nothing of theirs is shown or judged
        further.
    statuses : mapping
        Place of each column that says whether a row is an observation, to its kind.
    free : tuple of int
        Places of the columns that nothing reads.
    """

    table: Table
    raw: RawTable
    columns: Mapping[str, Cells]
    found: frozenset[str]
    identifying: frozenset[str]
    statuses: Mapping[int, StatusColumn]
    free: tuple[int, ...]


def match_columns(
    raw: RawTable,
    table: Table,
    settings: Settings,
    allow: Sequence[str],
    ledger: Ledger,
) -> Matched:
    """Give each column its contract name, report the rest, and let nothing identifying through.

    Parameters
    ----------
    raw : RawTable
        As read.
    table : Table
        The contract.
    settings : Settings
        `columns` says which source name stands for which contract name.
    allow : sequence of str
        Columns, by source or contract name, that the identifier check lets through.
    ledger : Ledger
        Takes notes and problems.
    """
    sources = source_names(table, settings)
    # Names come first: the identifier check judges a known column by its meaning.
    places = _places(raw, table, sources, ledger)
    report_double(raw, table, places, settings, ledger)
    _report_items_from_zero(raw, table, sources, ledger)
    by_place = {place: name for name, place in places.items()}
    statuses = _statuses(raw, by_place, settings)
    # Every column is searched, also those that nothing reads: a file is often passed on whole.
    with looked_through_together([cells.levels for cells in raw.columns]):
        stopped = _identifying(raw, table, by_place, statuses, allow, ledger)
    _note_unknown(raw, table, {*by_place, *stopped, *statuses}, places, ledger)
    identifying = frozenset(by_place[place] for place in stopped if place in by_place)
    columns = {
        name: raw.columns[place]
        for name, place in places.items()
        # The codes are needed to check everything else; the load stops all the same.
        if name not in identifying or name == "patient_id"
    }
    kinds = {place: kind for place, kind in statuses.items() if place not in stopped}
    settled = {*by_place, *stopped, *kinds}
    return Matched(
        table=table,
        raw=raw,
        columns=columns,
        found=frozenset(places),
        identifying=identifying,
        statuses=kinds,
        free=tuple(place for place in range(len(raw.headers)) if place not in settled),
    )


def _report_items_from_zero(
    raw: RawTable, table: Table, sources: Mapping[str, str], ledger: Ledger
) -> None:
    """Items counted from 0 would each stand for the question before: the last one, on suicidal
    thoughts in PHQ-9, would be nobody's.
    """
    if "item_1" not in table.names:
        return
    for header in raw.headers:
        if bare(header) == "item0" and header not in sources.values():
            expected = (
                "items counted from 1: rename item_0 to item_1, item_1 to item_2 and so on, or"
                f" name them in [columns.scores] of {SETTINGS_FILE}. If it is no item, give it"
                " another name"
            )
            ledger.problem(raw.file, 1, "item_0", "", expected)


def _statuses(
    raw: RawTable, by_place: Mapping[int, str], settings: Settings
) -> dict[int, StatusColumn]:
    """Columns outside the contract that say whether a row is an observation."""
    found = {}
    for place, header in enumerate(raw.headers):
        kind = settings.status.kind(header, raw.name)
        if kind is not None and place not in by_place:
            found[place] = kind
    return found


def shown_header(raw: RawTable, place: int, trusted: bool = True) -> str:
    """Return a header as it may be printed, or the place of its column."""
    header = raw.headers[place]
    # Where no name is known, the first line may be a patient's row.
    return header if trusted and printable(header) else f"column {place + 1}"


def printable(header: str) -> bool:
    """Tell whether a header may stand in a message."""
    return bool(_HEADER_LIKE.fullmatch(header)) and may_be_shown(header)


def _places(
    raw: RawTable, table: Table, sources: Mapping[str, str], ledger: Ledger
) -> dict[str, int]:
    places: dict[str, int] = {}
    for name in table.names:
        exact = [
            place for place, header in enumerate(raw.headers) if header == sources[name]
        ]
        alike = [
            place
            for place, header in enumerate(raw.headers)
            if header.casefold() == sources[name].casefold()
        ]
        if not alike:
            continue
        # The exact name comes before one that differs by capital letters.
        places[name] = (exact or alike)[0]
        if len(alike) > 1:
            where = " and ".join(str(place + 1) for place in alike)
            ledger.problem(
                raw.file,
                1,
                name,
                "",
                f"this column is there more than once, at places {where}; keep one",
            )
        elif not exact:
            ledger.note(
                f"{raw.file}: column {name!r} found as {shown(raw.headers[alike[0]])!r}."
            )
    return places


def _identifying(
    raw: RawTable,
    table: Table,
    by_place: Mapping[int, str],
    statuses: Mapping[int, StatusColumn],
    allow: Sequence[str],
    ledger: Ledger,
) -> set[int]:
    stopped: set[int] = set()
    for place, header in enumerate(raw.headers):
        name = by_place.get(place, "")
        cells = raw.columns[place]
        is_id = name == "patient_id"
        known = header == name
        # Rows are counted only where something may be found.
        if plainly_harmless(header, cells.levels, is_id=is_id, known=known):
            continue
        found = find_in_column(
            header,
            cells.levels,
            cells.counts,
            is_id=is_id,
            known=known,
        )
        # a bad cell, and reported as one
        if found is None or (found.lone and name and table[name].kind != "text"):
            continue
        # "No Show" reads like two names; a word that is not known is asked about anyway.
        if place in statuses and not found.stop:
            continue
        # Letting a column through is recorded, so that a reader of the report knows.
        if header in allow or (name and name in allow):
            ledger.note(
                f"{raw.file}: column {name or shown(header)!r} {found.why}. It was let"
                " through because it is named in allow."
            )
        # A clear sign stops the load; a faint one is a note, since studies differ.
        elif found.stop:
            _report_identifying(raw, place, name, found, ledger)
            stopped.add(place)
        else:
            _note_suspicious(
                raw,
                name or shown_header(raw, place, bool(by_place)),
                place,
                found,
                ledger,
            )
    return stopped


def _note_suspicious(
    raw: RawTable, shown_name: str, place: int, found: Finding, ledger: Ledger
) -> None:
    rows = raw.columns[place].rows(found.hit)
    where = (
        f" (line {raw.lines[rows[0]]}: {HIDDEN}; {counted(len(rows), 'cell')})"
        if found.lone
        else ""
    )
    ledger.note(
        f"{raw.file}: column {shown_name!r} {found.why}{where}. Look at it before"
        " you share these data."
    )


def _report_identifying(
    raw: RawTable, place: int, name: str, found: Finding, ledger: Ledger
) -> None:
    shown = name or shown_header(raw, place)
    rows = raw.columns[place].rows(found.hit)
    line = int(raw.lines[rows[0]]) if len(rows) else None
    size = f" ({counted(len(rows), 'cell')})" if len(rows) else ""
    ledger.problem(
        raw.file,
        line,
        shown,
        HIDDEN,
        f"{found.why}{size}; {_remedy(name, shown, found.why)}",
    )


def _remedy(name: str, shown: str, why: str) -> str:
    allow = (
        f"or --allow {shown} if it cannot identify anyone"
        if " " not in shown
        else "or allow it by its name"
    )
    if name == "patient_id":
        return f"use a study code, {allow}"
    # A visit date has a use as a day number; a birth date has none.
    if "date" in why and "birth" not in why:
        days = "days counted from the first session (day 0)"
        return (
            f"send {days}, not dates; {TO_DAYS}"
            if name
            else f"{TO_DAYS}; else remove the column, {allow}"
        )
    return f"remove the column, {allow}"


# Clinics number sessions over the whole treatment, also those before their log.
_NUMBER_OF_SESSION: Final = re.compile(
    r"(?i)(?:session|infusion|treatment|visit)[ _.-]?(?:number|num|no|nr|index)\.?$"
)
_NUMBERED: Final = (
    "sessions are numbered by their days; for people treated before this log, record"
    " prior_sessions in patients.csv"
)


def _note_unknown(
    raw: RawTable,
    table: Table,
    settled: set[int],
    places: Mapping[str, int],
    ledger: Ledger,
) -> None:
    # A column with neither a name nor a filled cell is what spreadsheets leave at the right edge.
    unknown = [
        place
        for place in range(len(raw.headers))
        if place not in settled
        and (raw.headers[place] or (raw.columns[place].codes >= 0).any())
    ]
    if unknown:
        absent = [name for name in table.names if name not in places]
        named = _most_telling(raw, unknown, absent, trusted=bool(places))
        left = len(unknown) - len(named)
        more = f", and {left} more" if left else ""
        ledger.note(
            f"{raw.file}: {counted_was(len(unknown), 'unknown column')} not used:"
            f" {', '.join(named)}{more}."
        )


def _most_telling(
    raw: RawTable,
    unknown: Sequence[int],
    absent: Sequence[str],
    trusted: bool,
) -> list[str]:
    """The first names as they may be printed; a likely slip is never among those left out."""
    told: dict[int, str] = {}
    for place in unknown:
        header = raw.headers[place]
        if raw.name == "sessions" and _NUMBER_OF_SESSION.match(header):
            told[place] = f"{header} ({_NUMBERED})"
            continue
        near = nearest(header, absent)
        # A header that may not be shown is not compared either: likeness would tell it.
        if near and trusted and printable(header):
            told[place] = f"{header} (it resembles {near}, but is not used as such)"
    # Slips come first where not all can be told.
    order = unknown if len(unknown) <= _MOST_NAMED else dict.fromkeys([*told, *unknown])
    return [
        told.get(place) or shown_header(raw, place, trusted)
        for place in islice(order, _MOST_NAMED)
    ]


def source_names(table: Table, settings: Settings) -> dict[str, str]:
    """Contract name to the name it has in the source."""
    general = settings.columns.get("", {})
    own = settings.columns.get(table.name, {})
    # [columns.scores] comes before [columns], and both before the name itself.
    return {name: own.get(name, general.get(name, name)) for name in table.names}


def report_double(
    raw: RawTable,
    table: Table,
    places: Mapping[str, int],
    settings: Settings,
    ledger: Ledger,
) -> None:
    """Report a column of the source that is to be read as two columns of the contract."""
    sources = source_names(table, settings)
    for name in places:
        others = [
            other
            for other, place in places.items()
            if place == places[name] and other != name
        ]
        # The column that has its own name is right; the renamed one takes it twice.
        if others and sources[name].casefold() != name:
            expected = (
                f"another column: {shown(sources[name])!r} of {raw.file} is also read as"
                f" {others[0]}"
            )
            ledger.problem(
                SETTINGS_FILE,
                None,
                _settings_key(table.name, name, settings),
                "",
                expected,
            )


def report_absent(
    raws: Mapping[str, RawTable], settings: Settings, ledger: Ledger
) -> None:
    """Report names in `[columns]` that no table has: in its own table, or for the general ones in
    any.
    """
    for section, renames in settings.columns.items():
        # The section "" holds for every table.
        here = [raw for name, raw in raws.items() if section in ("", name)]
        for name, source in renames.items():
            headers = [
                header
                for raw in here
                if name in TABLES[raw.name].names
                for header in raw.headers
            ]
            if headers and source.casefold() not in {
                header.casefold() for header in headers
            }:
                _report_absent_name(
                    f"columns.{section}.{name}" if section else f"columns.{name}",
                    source,
                    headers,
                    here,
                    ledger,
                )


def report_absent_status(
    raws: Mapping[str, RawTable], settings: Settings, ledger: Ledger
) -> None:
    """Report columns that `[status]` names and no table has; note its words that stand nowhere."""
    headers = [header for raw in raws.values() for header in raw.headers]
    there = set(map(bare, headers))
    lists = {"columns": settings.status.columns, "ignore": settings.status.ignore}
    for key, names in lists.items():
        for name in names:
            if headers and bare(name) not in there:
                _report_absent_name(
                    f"status.{key}", name, headers, list(raws.values()), ledger
                )
    _note_words_nowhere(raws, settings, ledger)


def _note_words_nowhere(
    raws: Mapping[str, RawTable], settings: Settings, ledger: Ledger
) -> None:
    """A word that stands nowhere is most likely misspelt, and its rows count as they would without
    it.
    """
    # An empty cell is no word of a column, and may be meant where there is none today.
    there = {name: _status_words(raw, settings) | {EMPTY} for name, raw in raws.items()}
    for section, words in settings.status.words.items():
        # What is said for no table is said for every one.
        asked = [section] if section else list(there)
        found = set().union(*(there.get(table, set()) for table in asked))
        for word in words:
            if bare(word) not in found:
                ledger.note(
                    f"{SETTINGS_FILE}, [status]: {shown(word)!r} stands in no status column;"
                    " it changes nothing."
                )


def _status_words(raw: RawTable, settings: Settings) -> set[str]:
    """Words of the columns of a table that are read as a status."""
    return {
        bare(level)
        for header, cells in zip(raw.headers, raw.columns, strict=True)
        if settings.status.kind(header, raw.name)
        for level in cells.levels
    }


def _report_absent_name(
    key: str, source: str, headers: list[str], here: list[RawTable], ledger: Ledger
) -> None:
    near = nearest(source, [header for header in headers if may_be_shown(header)])
    where = here[0].file if len(here) == 1 else "any table"
    hint = f"; did you mean {near!r}?" if near else ""
    ledger.problem(
        SETTINGS_FILE,
        None,
        key,
        "",
        f"there is no column {shown(source)!r} in {where}{hint}",
    )


def _settings_key(table: str, name: str, settings: Settings) -> str:
    return (
        f"columns.{table}.{name}"
        if name in settings.columns.get(table, {})
        else f"columns.{name}"
    )
