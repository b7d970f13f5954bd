"""`kettrack.toml` to `Settings`: every key is known or is an error."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

from kettrack.errors import DataProblems
from kettrack.privacy.disclosure import POLICIES
from kettrack.privacy.identifying_people import shown
from kettrack.reading.definitions import criteria_from, instrument_from
from kettrack.reading.problems import Ledger, did_you_mean
from kettrack.settings import SETTINGS_FILE as SETTINGS_FILE
from kettrack.settings import BaselineRule, DuplicateRule, Settings
from kettrack.vocabulary.columns import TABLES
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import INSTRUMENTS

_TEXTS: Final = (
    "instrument",
    "criteria",
    "baseline",
    "duplicates",
    "policy",
    "currency",
    "extract",
)
CLOSED: Final = {
    "baseline": get_args(BaselineRule),
    "duplicates": get_args(DuplicateRule),
    "policy": tuple(POLICIES),
}
_TABLES: Final = ("columns", "instruments", "criteria")


def load_settings(path: str | Path) -> Settings:
    """Read a `kettrack.toml`.

    Parameters
    ----------
    path : str or Path
        Keys: `instrument`, `criteria`, `baseline`, `duplicates`, `policy`, `currency`, `extract`;
        tables: `[columns]` and `[columns.scores]` (contract name = name in the source),
        `[instruments.X]`, `[criteria.X]`. With a `[criteria.X]` table the name of the criteria in
        force is `use` in `[criteria]`, since TOML gives a key one meaning only.

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
    settings = read_settings(Path(path), ledger)
    if settings is None or ledger.problems:
        raise DataProblems(ledger.in_order())
    return settings


def read_settings(path: Path, ledger: Ledger) -> Settings | None:
    """Read a settings file into what of it can be used; the rest goes to the ledger. None where it
    is no TOML at all.

    Parameters
    ----------
    path : Path
        The file.
    ledger : Ledger
        Takes every unknown key and every value that cannot be.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8-sig"))
    except UnicodeDecodeError:
        ledger.problem(
            path.name, None, "", "", "not valid TOML: not UTF-8; save it as UTF-8"
        )
        return None
    except tomllib.TOMLDecodeError as error:
        ledger.problem(
            path.name, None, "", "", f"not valid TOML: {_place_only(str(error))}"
        )
        return None
    return _settings(content, path.name, ledger)


def _place_only(message: str) -> str:
    """What the parser says without what it quotes of the file, which may be a name."""
    return re.sub(r"'[^']{2,}'|\"[^\"]{2,}\"", "(hidden)", message)


def _settings(content: Mapping[str, Any], file: str, ledger: Ledger) -> Settings:
    known = (*_TEXTS, *_TABLES)
    for key in content:
        if key not in known:
            ledger.problem(
                file,
                None,
                shown(key),
                "",
                f"unknown key{did_you_mean(key, known) or '; there are: ' + ', '.join(known)}",
            )
    chosen = _texts(content, file, ledger)
    instruments = _instruments(content.get("instruments", {}), file, ledger)
    everything = INSTRUMENTS | {scale.name: scale for scale in instruments}
    bundles = content.get("criteria", {})
    own = (
        {name: table for name, table in bundles.items() if name != "use"}
        if isinstance(bundles, dict)
        else {}
    )
    for name in own:
        if (
            not name.strip()
            or sum(name.strip().casefold() == other.strip().casefold() for other in own)
            > 1
        ):
            ledger.problem(
                file,
                None,
                f"criteria.{shown(name)}",
                "",
                "a name that is not empty and stands once",
            )
    criteria = [
        criteria_from(
            name, table, everything, _Complain(file, f"criteria.{name}", ledger)
        )
        for name, table in own.items()
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
        section, _, name = table.partition(".")
        self.file, self.ledger = file, ledger
        self.table = f"{section}.{shown(name)}" if name else section

    def __call__(self, key: str, expected: str) -> None:
        where = ".".join(shown(part) for part in key.split("."))
        self.ledger.problem(
            self.file,
            None,
            f"{self.table}.{where}" if key else self.table,
            "",
            expected,
        )


def _texts(content: Mapping[str, Any], file: str, ledger: Ledger) -> dict[str, Any]:
    given = {key: content[key] for key in _TEXTS if key in content}
    if isinstance(given.get("criteria"), dict):
        given["criteria"] = given["criteria"].get("use", "convention")
    chosen = {}
    for key, value in given.items():
        allowed = CLOSED.get(key)
        if not isinstance(value, str):
            ledger.problem(
                file, None, key, "", 'text in quotation marks, as in key = "text"'
            )
        elif allowed and value not in allowed:
            ledger.problem(
                file,
                None,
                key,
                "",
                f"one of: {', '.join(allowed)}{did_you_mean(value, allowed)}",
            )
        else:
            chosen[key] = value
    return chosen


def _columns(content: object, file: str, ledger: Ledger) -> dict[str, dict[str, str]]:
    if not isinstance(content, dict):
        ledger.problem(
            file,
            None,
            "columns",
            "",
            'a table: [columns], then contract name = "name in the source"',
        )
        return {}
    general = {
        key: value for key, value in content.items() if not isinstance(value, dict)
    }
    own = {key: value for key, value in content.items() if isinstance(value, dict)}
    for table in own:
        if table not in TABLES:
            ledger.problem(
                file,
                None,
                f"columns.{shown(table)}",
                "",
                f"no such table{did_you_mean(table, TABLES)}",
            )
    everywhere = {name for table in TABLES.values() for name in table.names}
    read = {"": _renames(general, everywhere, _Complain(file, "columns", ledger))}
    for name in own.keys() & TABLES.keys():
        read[name] = _renames(
            own[name],
            set(TABLES[name].names),
            _Complain(file, f"columns.{name}", ledger),
        )
    return {name: renames for name, renames in read.items() if renames}


def _renames(
    content: Mapping[str, object], known: set[str], complain: _Complain
) -> dict[str, str]:
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
    made: dict[str, Instrument] = {}
    for name, table in content.items():
        complain = _Complain(file, f"instruments.{name}", ledger)
        if not name.strip():
            complain("", "a name that is not empty")
        elif name.strip().casefold() in made:
            complain(
                "",
                "another instrument has this name but for capital letters or blanks; choose"
                " another",
            )
        else:
            made[name.strip().casefold()] = instrument_from(
                name.strip(), table, complain
            ) or _placeholder(name.strip())
    return tuple(made.values())


def _placeholder(name: str) -> Instrument:
    """Stands for an instrument whose definition is wrong, so that its scores are not called unknown
    as well.
    """
    return Instrument(
        name=name,
        title=name,
        minimum=-1e12,
        maximum=1e12,
        whole_numbers=False,
        standing="user",
    )
