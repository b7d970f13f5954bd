"""`kettrack.toml` to `Settings`: every key is known or is an error."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

from kettrack.errors import DataProblems
from kettrack.reading.definitions import criteria_from, instrument_from
from kettrack.reading.problems import Ledger, did_you_mean
from kettrack.settings import BaselineRule, DuplicateRule, Settings
from kettrack.vocabulary.columns import TABLES
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import INSTRUMENTS

SETTINGS_FILE: Final = "kettrack.toml"
_TEXTS: Final = ("instrument", "criteria", "baseline", "duplicates", "policy", "currency", "extract")
CLOSED: Final = {"baseline": get_args(BaselineRule), "duplicates": get_args(DuplicateRule)}
_TABLES: Final = ("columns", "instruments", "criteria")


def load_settings(path: str | Path) -> Settings:
    """Read a `kettrack.toml`.

    Parameters
    ----------
    path : str or Path
        Keys: `instrument`, `criteria`, `baseline`, `duplicates`, `policy`, `currency`, `extract`; tables: `[columns]` and
        `[columns.scores]` (contract name = name in the source), `[instruments.X]`, `[criteria.X]`. With a `[criteria.X]` table
        the name of the criteria in force is `use` in `[criteria]`, since TOML gives a key one meaning only.

    Returns
    -------
    Settings
        Defaults where nothing is said; user-defined instruments and criteria are marked `user`.

    Raises
    ------
    DataProblems
        Carries every unknown key and every value that cannot be.
    """
    ledger = Ledger()
    content = _parsed(Path(path), ledger)
    settings = _settings(content, Path(path).name, ledger)
    if ledger.problems:
        raise DataProblems(ledger.in_order())
    return settings


def _parsed(path: Path, ledger: Ledger) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        ledger.problem(path.name, None, "", "", f"not valid TOML: {error}")
        return {}


def _settings(content: Mapping[str, Any], file: str, ledger: Ledger) -> Settings:
    known = (*_TEXTS, *_TABLES)
    for key in content:
        if key not in known:
            ledger.problem(file, None, key, "", f"unknown key{did_you_mean(key, known) or '; there are: ' + ', '.join(known)}")
    chosen = _texts(content, file, ledger)
    instruments = _instruments(content.get("instruments", {}), file, ledger)
    everything = INSTRUMENTS | {scale.name: scale for scale in instruments}
    bundles = content.get("criteria", {})
    own = {name: table for name, table in bundles.items() if name != "use"} if isinstance(bundles, dict) else {}
    criteria = [
        criteria_from(name, table, everything, _Complain(file, f"criteria.{name}", ledger)) for name, table in own.items()
    ]
    return Settings(
        **chosen,
        columns=_columns(content.get("columns", {}), file, ledger),
        user_instruments=instruments,
        user_criteria=tuple(bundle for bundle in criteria if bundle is not None),
    )


class _Complain:
    """Reports a problem of one table of the file."""

    def __init__(self, file: str, table: str, ledger: Ledger) -> None:
        self.file, self.table, self.ledger = file, table, ledger

    def __call__(self, key: str, expected: str) -> None:
        self.ledger.problem(self.file, None, f"{self.table}.{key}" if key else self.table, "", expected)


def _texts(content: Mapping[str, Any], file: str, ledger: Ledger) -> dict[str, Any]:
    given = {key: content[key] for key in _TEXTS if key in content}
    if isinstance(given.get("criteria"), dict):
        given["criteria"] = given["criteria"].get("use", "convention")
    chosen = {}
    for key, value in given.items():
        allowed = CLOSED.get(key)
        if not isinstance(value, str):
            ledger.problem(file, None, key, "", 'text in quotation marks, as in key = "text"')
        elif allowed and value not in allowed:
            ledger.problem(file, None, key, "", f"one of: {', '.join(allowed)}{did_you_mean(value, allowed)}")
        else:
            chosen[key] = value
    return chosen


def _columns(content: object, file: str, ledger: Ledger) -> dict[str, dict[str, str]]:
    if not isinstance(content, dict):
        ledger.problem(file, None, "columns", "", 'a table: [columns], then contract name = "name in the source"')
        return {}
    general = {key: value for key, value in content.items() if not isinstance(value, dict)}
    own = {key: value for key, value in content.items() if isinstance(value, dict)}
    for table in own:
        if table not in TABLES:
            ledger.problem(file, None, f"columns.{table}", "", f"no such table{did_you_mean(table, TABLES)}")
    everywhere = {name for table in TABLES.values() for name in table.names}
    read = {"": _renames(general, everywhere, _Complain(file, "columns", ledger))}
    for name in own.keys() & TABLES.keys():
        read[name] = _renames(own[name], set(TABLES[name].names), _Complain(file, f"columns.{name}", ledger))
    return {name: renames for name, renames in read.items() if renames}


def _renames(content: Mapping[str, object], known: set[str], complain: _Complain) -> dict[str, str]:
    good = {}
    for name, source in content.items():
        if name not in known:
            complain(name, f"no such column{did_you_mean(name, known)}")
        elif not isinstance(source, str) or not source.strip():
            complain(name, "the column's name in the source, in quotation marks")
        else:
            good[name] = source.strip()
    return good


def _instruments(content: object, file: str, ledger: Ledger) -> tuple[Instrument, ...]:
    if not isinstance(content, dict):
        ledger.problem(file, None, "instruments", "", "tables: [instruments.NAME]")
        return ()
    made = [instrument_from(name, table, _Complain(file, f"instruments.{name}", ledger)) for name, table in content.items()]
    return tuple(scale for scale in made if scale is not None)
