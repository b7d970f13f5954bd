"""A simulated cohort as a normal cohort folder, so that everything is tried through the front
door.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kettrack.simulation.cohort import Simulated
from kettrack.simulation.detail import PLANTED, PLANTED_NULLS
from kettrack.simulation.known_truths import known_truths
from kettrack.simulation.parameters import Extras, Parameters
from kettrack.vocabulary.columns import TABLES, Column
from kettrack.vocabulary.table_schema import CC0, describe_package
from kettrack.writing import csv_text, whole_folder, write_text

CURRENCY: Final = "USD"
# The last bits of a float may differ between machines; fixed decimals leave them out.
DECIMALS: Final = {"dose_mg": 1, "weight_kg": 1, "cost": 0}


def format_table(table: pd.DataFrame) -> bytes:
    """The bytes of a table as CSV with fixed decimals; the same on every machine."""
    here = [name for name in DECIMALS if name in table]
    fixed = {
        name: table[name].map(f"{{:.{DECIMALS[name]}f}}".format, na_action="ignore")
        for name in here
    }
    return csv_text(table.assign(**fixed)).encode()


def describe_settings(extract: str) -> str:
    """Text of `kettrack.toml`."""
    lines = (
        "# What kettrack needs to know of this folder; a command-line option overrides it.",
        'instrument = "PHQ-9"',
        f'currency = "{CURRENCY}"',
        f"extract = {json.dumps(extract)}",
    )
    return "\n".join(lines) + "\n"


def describe_parameters(parameters: Parameters) -> dict[str, Any]:
    """Every number of the clinic by name; the extras are left out of a clinic that has none."""
    numbers = asdict(parameters)
    return (
        numbers
        # A list of absent extras would only be in the way.
        if parameters.extras != Extras()
        else {name: value for name, value in numbers.items() if name != "extras"}
    )


def describe_truth(simulated: Simulated) -> str:
    """Text of `truth.json`: how the cohort was made, why people truly stopped, what was planted,
    what is true of many.
    """
    reasons = (
        simulated.people.stop_reason.replace("", "in_care").value_counts().sort_index()
    )
    truth = {
        "synthetic": True,
        "patients": len(simulated.patients),
        "seed": simulated.seed,
        "regime": simulated.regime,
        "parameters": describe_parameters(simulated.parameters),
        "true_stop_reasons": {
            str(reason): int(count) for reason, count in reasons.items()
        },
        "planted_signals": PLANTED if simulated.parameters.detailed else {},
        "planted_nulls": PLANTED_NULLS if simulated.parameters.detailed else {},
    }
    truths = known_truths(simulated.parameters)
    # A scenario with changed numbers has no shipped truth.
    if truths:
        truth["truths"] = {name: asdict(found) for name, found in truths.items()}
    return json.dumps(truth, indent=1) + "\n"


def cohort_files(simulated: Simulated, extract: str) -> dict[str, str]:
    """Name and content of every file of the folder, `README.md` apart."""
    frames = {
        name: getattr(simulated, name)
        for name in ("sessions", "scores", "patients", "events")
    }
    tables = {name: format_table(frame) for name, frame in frames.items()}
    about = f"Synthetic, no real patients: {simulated.parameters.about}. Seed {simulated.seed}."
    texts = {
        "kettrack.toml": describe_settings(extract),
        "datapackage.json": describe_package(
            f"kettrack-{simulated.parameters.name.lower()}", about, tables, CC0
        ),
        "data_dictionary.md": describe_columns(),
        "truth.json": describe_truth(simulated),
    }
    return {f"{name}.csv": content.decode() for name, content in tables.items()} | texts


def write_files(files: dict[str, str], folder: Path) -> list[Path]:
    """Write each file of a folder, made if need be, and return the paths in order."""
    # A folder that is there may be the root of a disk, which nothing can take the place of.
    if folder.exists():
        return [write_text(content, folder / name) for name, content in files.items()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(folder) as draft:
        for name, content in files.items():
            write_text(content, draft / name)
    return [folder / name for name in files]


def write_cohort_folder(
    simulated: Simulated, folder: str | Path, extract: str
) -> list[Path]:
    """Write a simulated cohort as a cohort folder with `truth.json` beside it.

    Parameters
    ----------
    simulated : Simulated
        From `simulate`.
    folder : str or Path
        Made where it does not exist; files of the same name are overwritten.
    extract : str
        Free text naming the data cut-off; printed in every report.

    Returns
    -------
    list of Path
        `sessions.csv` `scores.csv` `patients.csv` `events.csv` `kettrack.toml` `datapackage.json`
        `data_dictionary.md` `truth.json`.
    """
    return write_files(cohort_files(simulated, extract), Path(folder))


# ---- what describes the folder to other programs and to people; both are made from
# `vocabulary.columns`, so they cannot say anything else than the reader


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
