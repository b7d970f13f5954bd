"""The columns of `vocabulary.columns` as Table Schema of Frictionless, so that other programs can
check the files without kettrack.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kettrack.vocabulary.columns import AGE_CAP, TABLES, Column, Table

PROFILE: Final = "https://datapackage.org/profiles/2.0/datapackage.json"
FIELD_TYPES: Final = {
    "text": "string",
    "whole": "integer",
    "decimal": "number",
    "yes_no": "boolean",
    "choice": "string",
    "choices": "string",
}


# The oldest class, as it stands in a cell.
OPEN_AGE: Final = f"{AGE_CAP}+"


class License(NamedTuple):
    """A licence: its short name, and where it stands in full."""

    name: str
    path: str


CC0: Final = License("CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/")


def _constraints(column: Column) -> dict[str, Any]:
    """What Table Schema can say of a column; a list of several values has no closed form there."""
    limits: dict[str, Any] = {"required": True} if column.required else {}
    if column.kind == "choice":
        limits["enum"] = list(column.allowed)
    if column.low is not None and column.high is not None:
        limits |= {"minimum": column.low, "maximum": column.high}
    # a list joined by `;` can only be told by a pattern
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
        described |= {"trueValues": ["TRUE"], "falseValues": ["FALSE"]}
    # Empty constraints are left out of the file.
    limits = _constraints(column)
    return described | ({"constraints": limits} if limits else {})


def _age_in_words(field: Mapping[str, Any]) -> dict[str, Any]:
    pattern = rf"\d{{1,2}}|{AGE_CAP}\+"
    return dict(field) | {"type": "string", "constraints": {"pattern": pattern}}


def _resource(table: Table, content: bytes) -> dict[str, Any]:
    # The header that was written tells which columns are there.
    header = content.split(b"\n", 1)[0].decode().split(",")
    fields = [_field(table[name]) for name in header]
    # A class is no number: where somebody is in it, the column is one of words.
    if table.name == "patients" and f",{OPEN_AGE}".encode() in content:
        fields = [_age_in_words(one) if one["name"] == "age" else one for one in fields]
    schema: dict[str, Any] = {
        "fields": fields,
        "missingValues": [""],
    }
    # Only the patients table has one row per patient; the others refer to it.
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


def describe_package(
    name: str,
    description: str,
    tables: Mapping[str, bytes],
    licence: License | None = None,
) -> str:
    """Text of `datapackage.json` (Frictionless Data Package 2).

    Parameters
    ----------
    name, description : str
        Of the package.
    tables : mapping
        Table name to the bytes of its CSV, first line the header.
    licence : License, optional
        Under which the data may be used; rows of patients have none.
    """
    package: dict[str, Any] = {
        "$schema": PROFILE,
        "name": name,
        "description": description,
    }
    if licence is not None:
        package["licenses"] = [{"name": licence.name, "path": licence.path}]
    package["resources"] = [
        _resource(TABLES[table], content) for table, content in tables.items()
    ]
    return json.dumps(package, indent=1, ensure_ascii=False) + "\n"
