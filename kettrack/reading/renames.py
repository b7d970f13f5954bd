"""What `[columns]` of a settings file says about the names in a source, held against the columns
there are.
"""

from __future__ import annotations

from collections.abc import Mapping

from kettrack.privacy.identifying_people import may_be_shown, shown
from kettrack.reading.problems import Ledger, nearest
from kettrack.reading.raw import RawTable
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.vocabulary.columns import TABLES, Table


def source_names(table: Table, settings: Settings) -> dict[str, str]:
    """Contract name to the name it has in the source."""
    general = settings.columns.get("", {})
    own = settings.columns.get(table.name, {})
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
        twins = [
            other
            for other, place in places.items()
            if place == places[name] and other != name
        ]
        if twins and sources[name].casefold() != name:
            expected = (
                f"another column: {shown(sources[name])!r} of {raw.file} is also read as"
                f" {twins[0]}"
            )
            ledger.problem(
                SETTINGS_FILE, None, _key(table.name, name, settings), "", expected
            )


def report_absent(
    raws: Mapping[str, RawTable], settings: Settings, ledger: Ledger
) -> None:
    """Report names in `[columns]` that no table has: in its own table, or for the general ones in
    any.
    """
    for section, renames in settings.columns.items():
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
                _report(
                    f"columns.{section}.{name}" if section else f"columns.{name}",
                    source,
                    headers,
                    here,
                    ledger,
                )


def _report(
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


def _key(table: str, name: str, settings: Settings) -> str:
    return (
        f"columns.{table}.{name}"
        if name in settings.columns.get(table, {})
        else f"columns.{name}"
    )
