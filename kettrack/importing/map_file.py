"""`map.toml` to the map it describes, with every mistake in it at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from kettrack.errors import (
    DataProblems,
    UsageError,
)
from kettrack.importing.answer_rows import is_item
from kettrack.importing.asked_events import ASKED_EVENTS
from kettrack.importing.clock_times import CLOCK_TIMES
from kettrack.importing.contract_columns import (
    contract_column,
)
from kettrack.importing.decimal_signs import PLAIN_NUMBER
from kettrack.importing.import_map import (
    OF_THE_ROW,
    ImportMap,
    MapTable,
    PartTable,
    TableMap,
    WideBlock,
    WideTable,
)
from kettrack.importing.source import (
    BIRTH_DATE,
    DATE,
    DOSE,
    DOSE_UNIT,
    FORM,
    ITEM,
    SESSION_DETAILS,
    SESSION_NUMBER,
    STATUS,
    contract_table,
)
from kettrack.reading.problems import (
    Ledger,
    did_you_mean,
)
from kettrack.reading.settings_schema import (
    AnyTable,
    Place,
    given,
    read_table,
)
from kettrack.reading.toml_file import read_toml
from kettrack.vocabulary.cell_words import truth_of
from kettrack.vocabulary.columns import (
    EARLIEST_DAY,
    LATEST_DAY,
    Column,
)
from kettrack.vocabulary.status_words import (
    NOT_OBSERVED,
    OBSERVED,
)
from kettrack.vocabulary.units import factor

MAP_FILE: Final = "map.toml"
_TEXT: Final = 'text in quotation marks, as in key = "text"'
_ID: Final = "patient_id"
_ITEM_EXPECTED: Final = (
    'a scale and its item, as in "PHQ-9 item 3", or the scale alone for its total; "item 3" or'
    ' "total" where another column names the scale; or empty text for nothing'
)
# Names beside those of the contract, and the tables in which they have a meaning.
_OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    DATE: ("sessions", "scores", "events", SESSION_DETAILS),
    BIRTH_DATE: ("patients",),
    DOSE: ("sessions",),
    DOSE_UNIT: ("sessions",),
    STATUS: (
        "sessions",
        "scores",
        "patients",
        "events",
        SESSION_DETAILS,
    ),
    SESSION_NUMBER: (
        "sessions",
        "scores",
        "events",
        SESSION_DETAILS,
    ),
    ITEM: ("scores",),
    FORM: ("scores",),
}


_WITH_EVENTS: Final = ("sessions", SESSION_DETAILS)
# Whoever tells these has a row for each session.
_OF_A_SESSION: Final = ("drug", "route", "dose_mg", "order")


def read_map(path: Path) -> ImportMap:
    """Read a map.

    Parameters
    ----------
    path : Path
        Of the `map.toml`.

    Raises
    ------
    DataProblems
        With every unknown key, every name that the contract does not have and every word outside a
        closed list, each with its line.
    UsageError
        When there is no such file.
    """
    if not path.is_file():
        raise UsageError(f"There is no map {str(path)!r}.")
    ledger = Ledger()
    file = read_toml(path, ledger)
    plan = ImportMap(kind="") if file is None else _map(file.content, file.top)
    # A map with a mistake is not used in part: a column that is left out changes numbers.
    if ledger.problems:
        raise DataProblems(ledger.in_order())
    return plan


def names_of(table: str) -> tuple[str, ...]:
    """What a map may call a column of a table: the names of the contract, and those that are used
    up on the way to them.

    Examples
    --------
    >>> "birth_date" in names_of("patients"), "birth_date" in names_of("scores")
    (True, False)
    """
    others = [name for name, tables in _OTHER_NAMES.items() if table in tables]
    names = contract_table(table).names
    if table == SESSION_DETAILS:
        names = tuple(name for name in names if name not in _OF_A_SESSION)
    return (*names, *others)


def _map(content: Mapping[str, Any], place: Place) -> ImportMap:
    values = _read(content, MapTable, place, ("kind",))
    at_tables = place.at("tables")
    parts = [
        _part(part, at_tables.at(str(number)))
        for number, part in enumerate(values.get("tables", []))
    ]
    return ImportMap(
        kind=values.get("kind", ""),
        tables=tuple(part for part in parts if part is not None),
        answers=_texts(values.get("answers", {}), place.at("answers")),
        unused=_each(values.get("unused", {}), place.at("unused")),
    )


def _read(
    content: object,
    schema: type[AnyTable],
    place: Place,
    needed: tuple[str, ...],
) -> dict[str, Any]:
    """The keys that fit; a problem for every other one, and for each that is needed and not
    there.
    """
    table = read_table(
        content,
        schema,
        place,
        keep_what_fits=True,
    )
    values = given(table) if table is not None else {}
    if isinstance(content, dict):
        for key in needed:
            if key not in content:
                place.at(key).problem("missing; it is needed")
    return values


def _part(content: object, place: Place) -> TableMap | None:
    values = _read(
        content,
        PartTable,
        place,
        ("source", "to", "columns"),
    )
    to = values.get("to", "")
    # Without its table nothing else can be judged.
    if not to:
        return None
    at_wide = place.at("wide")
    blocks = [
        _block(block, to, at_wide.at(str(number)))
        for number, block in enumerate(values.get("wide", []))
    ]
    if blocks and to == "patients":
        at_wide.problem("nothing: a patient is one row")
    part = TableMap(
        source=values.get("source", ""),
        to=to,
        columns=_texts(values.get("columns", {}), place.at("columns")),
        constants=_texts(values.get("constants", {}), place.at("constants")),
        values=_each(values.get("values", {}), place.at("values")),
        units=_texts(values.get("units", {}), place.at("units")),
        where=_wanted(values.get("where", {}), place.at("where")),
        wide=tuple(blocks),
        lines=place.lines_below(),
    )
    _check_part(part, place)
    return part


def _texts(content: Mapping[str, Any], place: Place) -> dict[str, str]:
    """Lines of text; a number or a truth value is taken as it is written."""
    good = {}
    for key, value in content.items():
        if isinstance(value, bool):
            good[key] = str(value).lower()
        elif isinstance(value, (str, int, float)):
            good[key] = str(value)
        else:
            place.at(key).problem(_TEXT)
    return good


def _each(content: Mapping[str, Any], place: Place) -> dict[str, dict[str, str]]:
    good = {}
    for key, value in content.items():
        if isinstance(value, dict):
            good[key] = _texts(value, place.at(key))
        else:
            place.at(key).problem('a table of lines such as "name" = "text"')
    return good


def _wanted(content: Mapping[str, Any], place: Place) -> dict[str, tuple[str, ...]]:
    good = {}
    for key, value in content.items():
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            good[key] = tuple(value)
        else:
            place.at(key).problem(
                'a list of words, as in key = ["word", "word"]; [] for any word'
            )
    return good


def _block(content: object, to: str, place: Place) -> WideBlock:
    values = _read(
        content,
        WideTable,
        place,
        ("columns", "into"),
    )
    days: dict[str, float | None] = {}
    for column, day in values.get("columns", {}).items():
        if day == OF_THE_ROW:
            days[column] = None
        elif _is_day(day):
            days[column] = day
        else:
            expected = (
                f'a day from {EARLIEST_DAY} to {LATEST_DAY}, as in "name" = 14, or'
                f' "{OF_THE_ROW}"'
            )
            place.at("columns", column).problem(expected)
    block = WideBlock(
        columns=days,
        dates=_texts(values.get("dates", {}), place.at("dates")),
        sessions=_numbers(values.get("sessions", {}), place.at("sessions")),
        into=values.get("into", ""),
        constants=_texts(values.get("constants", {}), place.at("constants")),
    )
    if block.into:
        _check_name(block.into, to, place.at("into"))
    _check_constants(block.constants, to, place.at("constants"))
    for key, named in (
        ("dates", block.dates),
        ("sessions", block.sessions),
    ):
        for column in set(named) - set(days):
            place.at(key, column).problem("a name that stands in columns, too")
    return block


def _is_day(day: object) -> bool:
    if isinstance(day, bool) or not isinstance(day, (int, float)):
        return False
    # TOML has nan and inf, which are no days: they compare false.
    return EARLIEST_DAY <= day <= LATEST_DAY


def _numbers(content: Mapping[str, Any], place: Place) -> dict[str, int]:
    good = {}
    for key, value in content.items():
        if isinstance(value, int) and not isinstance(value, bool):
            good[key] = value
        else:
            place.at(key).problem("the number of a session")
    return good


def _check_part(part: TableMap, place: Place) -> None:
    """Report what a part says of columns and words that the contract does not have."""
    _check_columns(part, place)
    _check_constants(
        part.constants,
        part.to,
        place.at("constants"),
    )
    for name, words in part.values.items():
        here = place.at("values", name)
        _check_column(name, part.to, here)
        for word, target in words.items():
            _check_word(
                target,
                name,
                part.to,
                here.at(word),
            )
    for name, unit in part.units.items():
        here = place.at("units", name)
        column = contract_column(part.to, "dose_mg" if name == DOSE else name)
        if column is None or not column.unit:
            here.problem("a column that has a unit")
        elif factor(unit, column.unit) is None:
            here.problem(f"a unit that can be turned into {column.unit}")


def _is_asked(name: str, to: str) -> bool:
    return to in _WITH_EVENTS and name in ASKED_EVENTS


def _is_clock(name: str, to: str) -> bool:
    return to == "sessions" and name in CLOCK_TIMES


def _check_columns(part: TableMap, place: Place) -> None:
    for name in part.columns:
        _check_column(
            name,
            part.to,
            place.at("columns", name),
        )
    if _ID not in part.columns:
        place.at("columns").problem(f"{_ID} is missing: whose row is it?")
    if ITEM in part.columns and "score" not in part.columns:
        place.at("columns").problem("score is missing: which column has the answers?")
    if ITEM in part.columns and part.wide:
        place.at("wide").problem("nothing: each row is one answer")
    if len({*part.columns} & {*CLOCK_TIMES}) == 1:
        both = " and ".join(CLOCK_TIMES)
        place.at("columns").problem(f"{both}; one alone does not say how long it took")


def _check_column(name: str, to: str, place: Place) -> None:
    # One adverse event and a time of day stand in a column of a row, and nowhere else.
    if not (_is_asked(name, to) or _is_clock(name, to)):
        _check_name(name, to, place)


def _check_name(name: str, to: str, place: Place) -> None:
    known = names_of(to)
    # status_2 is a second column of that kind.
    if name not in known and name.rstrip("_0123456789") != STATUS:
        place.problem(f"no such column of {to}{did_you_mean(name, known)}")


def _check_constants(
    constants: Mapping[str, str],
    to: str,
    place: Place,
) -> None:
    for name, word in constants.items():
        _check_name(name, to, place.at(name))
        _check_word(word, name, to, place.at(name))


def _check_word(word: str, name: str, to: str, place: Place) -> None:
    """Report a word that its column cannot hold; an empty one stands for nothing."""
    column = contract_column(to, name)
    if word and name.startswith(STATUS) and word not in (OBSERVED, NOT_OBSERVED):
        place.problem(f'"{OBSERVED}" or "{NOT_OBSERVED}"')
    if word and name == ITEM and not is_item(word):
        place.problem(_ITEM_EXPECTED)
    if word and _is_asked(name, to) and truth_of(word) is None:
        place.problem('"yes" or "no", or empty text for nothing')
    if word and column is not None and not _fits(word, column):
        near = did_you_mean(word, column.allowed)
        place.problem(f"{column.expected}, or empty text for nothing{near}")


def _fits(word: str, column: Column) -> bool:
    if column.kind == "choice":
        return word in column.allowed
    if column.kind == "choices":
        return set(word.split(";")) <= set(column.allowed)
    if column.kind == "yes_no":
        return truth_of(word) is not None
    if column.kind == "text":
        return True
    if not PLAIN_NUMBER.fullmatch(word):
        return False
    number = float(word)
    low = -np.inf if column.low is None else column.low
    high = np.inf if column.high is None else column.high
    whole = column.kind != "whole" or number.is_integer()
    return whole and low <= number <= high
