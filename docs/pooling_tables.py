"""Write the tables of `docs/pooling.md` and the JSON schema of a summary from the code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from kettrack.analysis.rules_in_force import RULES
from kettrack.pooling.catalogue import NOT_YET, PARTS, WHY_NOT
from kettrack.pooling.summary import FORMAT, LONGEST_SITE, SUMMARY_SCHEMA
from kettrack.pooling.tallies import MOST, NUMBERED, Shape
from kettrack.privacy.policies import POLICIES

HERE = Path(__file__).parent
PAGE = HERE / "pooling.md"
SCHEMA_FILE = HERE / "site_summary.schema.json"
START = "<!-- made by docs/pooling_tables.py -->"
END = "<!-- end -->"


def question_table() -> str:
    """What is pooled, and what is not and why, as a table of the page."""
    rows = ["| question | pooled | what is missing, and why |", "|---|---|---|"]
    for name, part in PARTS.items():
        pooled = "in part" if part.lacks else "yes"
        rows.append(f"| `{name}` | {pooled} | {part.lacks} |")
    for why, names in WHY_NOT.items():
        listed = ", ".join(f"`{name}`" for name in names)
        rows.append(f"| {listed} | no | {why} |")
    rows.append(f"| every other | no | {NOT_YET} |")
    return "\n".join(rows)


def summary_schema() -> dict[str, Any]:
    """The JSON schema of a file that a site sends."""
    text = {"type": "string"}
    rules = [
        "instrument",
        "scale",
        "criteria",
        "criteria_version",
        "criteria_hash",
        "label",
        "baseline",
        "log_complete_to",
    ]
    properties = {
        "format": {"const": FORMAT},
        "schema": {"const": SUMMARY_SCHEMA},
        "kettrack": text,
        "about": text,
        "site": {"type": "string", "minLength": 1, "maxLength": LONGEST_SITE},
        "policy": {"enum": [name for name in POLICIES if _addable(name)]},
        "what_the_policy_says": text,
        "people": _count("people with at least one session in the log of this site"),
        "people_in_words": text,
        "rules": _object(
            dict.fromkeys(rules, text)
            | {"in_words": _object(dict.fromkeys(RULES, text))}
        ),
        "log_end_known": {"type": "boolean"},
        "input_sha256": text,
        "not_counted": {"type": "object", "additionalProperties": text},
        "questions": {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: _question(name) for name in PARTS},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FORMAT,
        **_object(properties),
    }


def _addable(policy: str) -> bool:
    return POLICIES[policy].smallest_count <= 1


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _count(words: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "maximum": MOST, "description": words}


def _question(name: str) -> dict[str, Any]:
    shapes = PARTS[name].shapes
    tables = _object({table: _table(shape) for table, shape in shapes.items()})
    tables["required"] = [
        table for table, shape in shapes.items() if not shape.optional
    ]
    return _object({"asks": {"type": "string"}, "tables": tables})


def _table(shape: Shape) -> dict[str, Any]:
    row = {name: _column(shape, name, words) for name, words in shape.words.items()}
    return _object(
        {
            "about": {"const": shape.about},
            "columns": {"type": "object"},
            "rows": {"type": "array", "items": _object(row)},
        }
    )


def _column(shape: Shape, name: str, words: str) -> dict[str, Any]:
    if name in shape.counts or name in NUMBERED:
        return _count(words)
    kind = "number" if name in shape.sums else "string"
    return {"type": kind, "description": words}


def page_with_table(page: str) -> str:
    """The page with the table of today."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{question_table()}\n{END}{after}"


def schema_text() -> str:
    """The schema as it stands in its file."""
    return json.dumps(summary_schema(), indent=1) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} and {SCHEMA_FILE.name} are up to date.\n")
