"""What every variable of an export means: `define.json` for programs, Markdown for people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from kettrack import __version__
from kettrack.exporting.data_sets import DataSet, Variable

_SHORT: Final = 60  # letters of a list that still fits a cell of a table


def define_json(data_sets: Iterable[DataSet], study: str) -> str:
    """Text of `define.json`.

    Parameters
    ----------
    data_sets : iterable of DataSet
        Those that were written.
    study : str
        Name of the study.
    """
    described = {
        "study": study,
        "originator": f"kettrack {__version__}",
        "dates": "none: study days only, day 1 being that of the first session; there is no day 0",
        "datasets": [_data_set(one) for one in data_sets],
    }
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def _data_set(data_set: DataSet) -> dict[str, Any]:
    return {
        "name": data_set.name,
        "label": data_set.label,
        "class": data_set.kind,
        "grain": data_set.grain,
        "keys": list(data_set.keys),
        "variables": [_variable(one) for one in data_set.variables],
    }


def _variable(variable: Variable) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": variable.name,
        "label": variable.label,
        "type": variable.kind,
        "unit": variable.unit,
        "derivation": variable.derivation,
        "missing": variable.missing,
        "values": list(variable.allowed),
    }
    # What does not apply is left out.
    return {name: value for name, value in said.items() if value}


def describe_data_sets(data_sets: Iterable[DataSet]) -> str:
    """The same for people, as Markdown: the second half of `docs/export.md`.

    Parameters
    ----------
    data_sets : iterable of DataSet
        In the order in which they shall stand.
    """
    lines: list[str] = []
    for one in data_sets:
        grain = f"{one.grain[0].upper()}{one.grain[1:]}."
        keys = ", ".join(f"`{name}`" for name in one.keys)
        lines += [
            f"## {one.name}: {one.label}",
            "",
            f"{grain} Keys: {keys}.",
            "",
            "| variable | label | type, unit | where it comes from | empty |",
            "|---|---|---|---|---|",
            *map(_line, one.variables),
            "",
        ]
    return "\n".join(lines)


def _line(variable: Variable) -> str:
    unit = f", {variable.unit}" if variable.unit else ""
    # Longer lists are those of the contract, and stand in `define.json`.
    few = ", ".join(variable.allowed)
    values = f" Values: {few}." if few and len(few) <= _SHORT else ""
    cells = (
        f"`{variable.name}`",
        variable.label,
        f"{variable.kind}{unit}",
        f"{variable.derivation}{values}",
        variable.missing,
    )
    return f"| {' | '.join(cells)} |"
