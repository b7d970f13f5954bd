"""What describes a cohort folder to other programs and to people: `datapackage.json` and the data
dictionary.

Both are generated from `vocabulary.columns`, so they cannot say anything else than the reader.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from kettrack.vocabulary.columns import TABLES, Column, Table

PROFILE: Final = "https://datapackage.org/profiles/2.0/datapackage.json"
FIELD_TYPES: Final = {
    "text": "string",
    "whole": "integer",
    "decimal": "number",
    "yes_no": "boolean",
    "choice": "string",
    "choices": "string",
}


def _constraints(column: Column) -> dict[str, Any]:
    """What Table Schema can say of a column; a list of several values has no closed form there."""
    limits: dict[str, Any] = {"required": True} if column.required else {}
    if column.kind == "choice":
        limits["enum"] = list(column.allowed)
    if column.low is not None and column.high is not None:
        limits |= {"minimum": column.low, "maximum": column.high}
    if column.kind == "choices":
        one = f"({'|'.join(column.allowed)})"
        limits["pattern"] = f"{one}(;{one})*"
    return limits


def _field(column: Column) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": column.name,
        "type": FIELD_TYPES[column.kind],
        "description": column.about,
    }
    if column.unit:
        described["unit"] = column.unit
    if column.kind == "yes_no":
        described |= {"trueValues": ["true"], "falseValues": ["false"]}
    limits = _constraints(column)
    return described | ({"constraints": limits} if limits else {})


def _resource(table: Table, content: bytes) -> dict[str, Any]:
    header = content.split(b"\n", 1)[0].decode().split(",")
    schema: dict[str, Any] = {
        "fields": [_field(table[name]) for name in header],
        "missingValues": [""],
    }
    if table.key == ("patient_id",):
        schema["primaryKey"] = ["patient_id"]
    else:
        schema["foreignKeys"] = [
            {
                "fields": ["patient_id"],
                "reference": {"resource": "patients", "fields": ["patient_id"]},
            }
        ]
    return {
        "name": table.name,
        "path": f"{table.name}.csv",
        "description": table.grain,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "schema": schema,
    }


def describe_package(name: str, description: str, tables: Mapping[str, bytes]) -> str:
    """Text of `datapackage.json` (Frictionless Data Package 2).

    Parameters
    ----------
    name, description : str
        Of the package.
    tables : mapping
        Table name to the bytes of its CSV, first line the header.
    """
    package = {
        "$schema": PROFILE,
        "name": name,
        "description": description,
        "licenses": [
            {
                "name": "CC0-1.0",
                "path": "https://creativecommons.org/publicdomain/zero/1.0/",
            }
        ],
        "resources": [
            _resource(TABLES[table], content) for table, content in tables.items()
        ],
    }
    return json.dumps(package, indent=1, ensure_ascii=False) + "\n"


def _dictionary_row(column: Column) -> str:
    required = "yes" if column.required else ""
    return f"| `{column.name}` | {column.expected} | {column.about} | {required} |"


def describe_columns() -> str:
    """The data dictionary: every table and column kettrack reads, as Markdown."""
    lines = [
        "# Data dictionary",
        "",
        "Generated from `kettrack/vocabulary/columns.py`. An empty cell is a missing value.",
    ]
    for table in TABLES.values():
        lines += [
            "",
            f"## {table.name}.csv",
            "",
            f"{table.grain[0].upper()}{table.grain[1:]}.",
            "",
        ]
        lines += [
            "| column | what stands in it | meaning | required |",
            "|---|---|---|---|",
        ]
        lines += [_dictionary_row(column) for column in table.columns]
    return "\n".join(lines) + "\n"
