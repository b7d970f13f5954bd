"""Every key of `kettrack.toml`: what it may hold from the schema that checks it, what it means from
the value that it becomes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import docstrings
import md
import msgspec

from kettrack.reading import settings_schema as schema
from kettrack.settings import Settings
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.rules import Criteria, Predicate, ReviewRules, Rule, Run

# Heading, schema, and the values that say what its keys mean.
TABLES: tuple[tuple[str, type[msgspec.Struct], tuple[type, ...]], ...] = (
    ("At the top of the file", schema.SettingsTable, (Settings,)),
    (
        "A scale of your own: `[instruments.NAME]`",
        schema.InstrumentTable,
        (Instrument,),
    ),
    ("A built-in scale: `[instruments.NAME]`", schema.BuiltInTable, (Instrument,)),
    ("Rules of your own: `[criteria.NAME]`", schema.CriteriaTable, (Criteria,)),
    (
        "One rule: `[criteria.NAME.response]` and the like",
        schema.RuleTable,
        (Rule, Predicate, Run),
    ),
    ("The review list: `[criteria.NAME.review]`", schema.ReviewTable, (ReviewRules,)),
)


def settings_page() -> str:
    """Every key, table by table."""
    return md.page(
        md.anchor("settings"),
        "# Every key of kettrack.toml",
        "The command line goes over this file, and this file over the defaults. An unknown key is"
        " an error. `[columns]` gives other names of columns, `[status]` the meaning of your own"
        " words: the [README](../../README.md) has examples of both.",
        *(_table(*one) for one in TABLES),
    )


def _table(heading: str, struct: type[msgspec.Struct], values: tuple[type, ...]) -> str:
    (_,), components = msgspec.json.schema_components([struct])
    described = components[struct.__name__]
    needed = described.get("required", [])
    meanings = {
        name: text
        for one in values
        for name, text in docstrings.parameters(one).items()
    }
    defaults = {
        field.name: field.default for one in values for field in dataclasses.fields(one)
    }
    rows = [
        (
            md.code(key),
            _holds(held, components),
            meanings.get(key, ""),
            "needed" if key in needed else _default(defaults.get(key, "")),
        )
        for key, held in described["properties"].items()
    ]
    return md.page(
        f"## {heading}", md.table(("key", "holds", "meaning", "default"), rows)
    )


def _default(value: object) -> str:
    plain = isinstance(value, str | int | float | bool) and value != ""
    return md.code(value) if plain else ""


def _holds(held: Mapping[str, Any], components: Mapping[str, Any]) -> str:
    """What a value must be, in words."""
    if "$ref" in held:
        return "a table"
    if "description" in held:
        return str(held["description"])
    if "enum" in held:
        return "one of: " + ", ".join(
            str(one) for one in held["enum"] if one is not None
        )
    if "anyOf" in held:
        parts = [
            _holds(one, components)
            for one in held["anyOf"]
            if one.get("type") != "null"
        ]
        return " or ".join(dict.fromkeys(filter(None, parts)))
    return str(held.get("type", ""))
