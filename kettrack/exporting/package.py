"""The cohort itself as a data package of Frictionless, which is a cohort folder at the same time:
kettrack reads it again as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kettrack.errors import UsageError
from kettrack.reading.cohort import Cohort
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.vocabulary.columns import AGE_CAP, TABLES, Table
from kettrack.vocabulary.criteria import convention
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.rules import Criteria, ReviewRules, Rule, Run
from kettrack.vocabulary.table_schema import OPEN_AGE, describe_package
from kettrack.writing import csv_text, reads_as_formula, write_text

PACKAGE_FILE: Final = "datapackage.json"
_ABOUT: Final = (
    "A cohort folder of kettrack: rows of single patients, pseudonymised and not anonymous. They"
    " stay in the clinic."
)

_WORDS: Final = (
    "instrument",
    "criteria",
    "baseline",
    "duplicates",
    "log_complete_to",
    "policy",
    "currency",
    "extract",
)
# What the file calls by the same name as `Instrument` does.
_SCALE_KEYS: Final = (
    "title",
    "licence",
    "construct",
    "minimum",
    "maximum",
    "whole_numbers",
    "percent_change",
    "item_minimum",
)
_SCALE_FACTS: Final = ("caseness", "reliable_change", "recall_days", "suicidality_item")
_RULES: Final = (
    "response",
    "remission",
    "partial",
    "loss_of_response",
    "relapse",
    "deterioration",
)
_DAYS: Final = (
    "recovery_days",
    "recovery_max_gap",
    "late_after_days",
    "state_holds_days",
)


def write_package(
    cohort: Cohort,
    study: str,
    folder: Path,
) -> dict[str, int]:
    """Write the tables of a cohort, its settings, and what describes them.

    Parameters
    ----------
    cohort : Cohort
        As it came through the reader.
    study : str
        Names the package.
    folder : Path
        A folder that is there.

    Returns
    -------
    dict of str to int
        Name of each file to its records; 0 for those without.
    """
    _require_names(cohort)
    written = {}
    contents = {}
    for name, table in TABLES.items():
        frame: pd.DataFrame = getattr(cohort, name)
        # The other tables refer to the patients, also where nothing else is known of them.
        if not len(frame) and name == "events":
            continue
        content = csv_text(_with_open_age(_filled(frame, table))).encode()
        contents[name] = content
        (folder / f"{name}.csv").write_bytes(content)
        written[f"{name}.csv"] = len(frame)
    write_text(settings_text(cohort.settings), folder / SETTINGS_FILE)
    described = describe_package(_package_name(study), _ABOUT, contents)
    write_text(described, folder / PACKAGE_FILE)
    return written | {SETTINGS_FILE: 0, PACKAGE_FILE: 0}


def _require_names(cohort: Cohort) -> None:
    """Refuse a scale whose name would get an apostrophe in the table and none in the settings."""
    for scale in cohort.settings.user_instruments:
        if reads_as_formula(scale.name):
            raise UsageError(
                "The name of a scale begins like a formula of a spreadsheet, and CSV cannot keep it"
                " as it is. Give the scale another name in the kettrack.toml, or leave datapackage"
                " out of the formats."
            )


def _filled(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The columns in which anything stands; the reader makes the others itself."""
    kept = [
        name
        for name in table.names
        if name in frame and (table[name].required or frame[name].notna().any())
    ]
    return frame[kept]


def _with_open_age(rows: pd.DataFrame) -> pd.DataFrame:
    """The oldest class as `90+`: a plain 90 would be an age that somebody has, and the reader
    refuses it.
    """
    oldest = rows["age"] == AGE_CAP if "age" in rows else None
    if oldest is None or not oldest.any():
        return rows
    words = rows["age"].astype("str")
    return rows.assign(age=words.mask(oldest.fillna(False), OPEN_AGE))


def _package_name(study: str) -> str:
    """A name as the standard of data packages has it: small letters, digits, and signs between."""
    small = "".join(one if one.isalnum() and one.isascii() else "-" for one in study)
    return f"kettrack-{small.lower().strip('-') or 'cohort'}"


def settings_text(settings: Settings) -> str:
    """Text of a `kettrack.toml`.

    Names of columns and words of status columns are left out: in tables that kettrack writes the
    columns have its own names, and rows that were no observations are gone.

    Parameters
    ----------
    settings : Settings
        Of a cohort.

    Raises
    ------
    UsageError
        Where rules are in force that no file can state.

    Examples
    --------
    >>> print(settings_text(Settings(instrument="MADRS")))
    instrument = "MADRS"
    """
    defaults = Settings()
    words = {
        name: getattr(settings, name)
        for name in _WORDS
        # The scale is named always: it says which numbers the folder is about.
        if name == "instrument" or getattr(settings, name) != getattr(defaults, name)
    }
    own = [one for one in settings.user_criteria if one.standing == "user"]
    _require_in_file(settings, own)
    parts = []
    if own:
        # TOML gives a key one meaning: beside tables of criteria the one in force is `use`.
        use = words.pop("criteria", defaults.criteria)
        parts.append(_table(["criteria"], {"use": use}))
    parts.insert(0, _lines(words))
    parts += [_scale(scale) for scale in settings.user_instruments]
    parts += [_criteria(one, settings) for one in own]
    return "\n".join(filter(None, parts))


def _require_in_file(settings: Settings, own: Sequence[Criteria]) -> None:
    made = {one.name for one in settings.user_criteria} - {one.name for one in own}
    if settings.criteria in made:
        raise UsageError(
            f"The rules {settings.criteria!r} were made in Python, and no kettrack.toml can state"
            " them. Write them as [criteria.NAME] in a kettrack.toml, or leave datapackage out of"
            " the formats."
        )


def _scale(scale: Instrument) -> str:
    path = ["instruments", scale.name]
    if scale.name in INSTRUMENTS:
        return _table(path, _as_the_clinic_uses_it(scale))
    keys: dict[str, Any] = {name: getattr(scale, name) for name in _SCALE_KEYS}
    worse = scale.higher_is_worse
    keys["direction"] = "higher is worse" if worse else "higher is better"
    keys["prorated"] = scale.prorated
    if scale.prorated:
        # Kept totals have decimals, which follows from the word.
        del keys["whole_numbers"]
    for name in _SCALE_FACTS:
        fact = getattr(scale, name)
        if fact is not None:
            keys[name] = fact.value
    # An empty list would say that there are none of them.
    if scale.item_maxima:
        keys["item_maxima"] = list(scale.item_maxima)
    if scale.remission:
        keys["remission"] = [cut.value for cut in scale.remission]
    keys["source"] = _source_of(scale)
    bands = {band.label: [band.low, band.high] for band in scale.bands}
    below = _table([*path, "bands"], bands) if bands else ""
    return "\n".join(filter(None, [_table(path, keys), below]))


def _as_the_clinic_uses_it(scale: Instrument) -> dict[str, Any]:
    """Of a built-in scale only what the clinic says itself. How its answers were coded is left
    out: in what kettrack writes they have been moved already.
    """
    keys: dict[str, Any] = {"prorated": scale.prorated}
    days = scale.recall_days
    if days is not None and days.standing == "user":
        keys["recall_days"] = days.value
    return keys


def _source_of(scale: Instrument) -> str:
    """The one source of an own scale, as every number of it repeats."""
    facts = [getattr(scale, name) for name in _SCALE_FACTS]
    named = [fact.source for fact in (*facts, *scale.remission) if fact is not None]
    return next(iter(named), scale.bands_source)


def _criteria(criteria: Criteria, settings: Settings) -> str:
    """Own rules; what is as in the convention is left out, as it was in the file."""
    scale = settings.known_instruments[criteria.instrument]
    usual = convention(scale)
    path = ["criteria", criteria.name]
    keys: dict[str, Any] = {
        "instrument": criteria.instrument,
        "version": criteria.version,
        "source": criteria.source,
    }
    if criteria.caseness != usual.caseness and criteria.caseness is not None:
        keys["caseness"] = criteria.caseness.value
    for name in _DAYS:
        if getattr(criteria, name) != getattr(usual, name):
            keys[name] = getattr(criteria, name)
    parts = []
    for name in _RULES:
        rule = getattr(criteria, name)
        if rule == getattr(usual, name):
            continue
        # TOML has no word for nothing.
        if rule is None:
            keys[name] = False
        else:
            parts.append(_table([*path, name], _rule_keys(rule)))
    review = _changed(asdict(criteria.review), asdict(ReviewRules()))
    if review:
        parts.append(_table([*path, "review"], review))
    return "\n".join([_table(path, keys), *parts])


def _rule_keys(rule: Rule) -> dict[str, Any]:
    keys: dict[str, Any] = asdict(rule.predicate)
    keys |= _changed(asdict(rule.run), {one.name: one.default for one in fields(Run)})
    if rule.event_rows:
        keys["event_rows"] = list(rule.event_rows)
    return keys | {"source": rule.source}


def _changed(values: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """What differs, and can be said."""
    return {
        name: value
        for name, value in values.items()
        if value != usual[name] and value is not None
    }


def _table(path: Sequence[str], keys: Mapping[str, Any]) -> str:
    name = ".".join(map(_quoted, path))
    return f"[{name}]\n{_lines(keys)}"


def _lines(keys: Mapping[str, Any]) -> str:
    lines = []
    for name, value in keys.items():
        # What is empty was not said.
        if value not in (None, ""):
            lines.append(f"{_quoted(name)} = {_value(value)}\n")
    return "".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        inside = ", ".join(map(_value, value))
        return f"[{inside}]"
    # As Python writes it: the same number when it is read again.
    return repr(value)


def _quoted(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else _text(name)


def _text(words: str) -> str:
    """Words in quotation marks, as TOML has them."""
    # JSON escapes all that TOML wants escaped but one sign.
    return json.dumps(words, ensure_ascii=False).replace("\x7f", "\\u007f")
