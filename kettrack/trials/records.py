"""What was measured so far: one line per cohort, only ever appended, so that a run goes on where it
was broken off.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from kettrack import __version__
from kettrack.simulation.known_truths import describe_numbers
from kettrack.simulation.presets import SCENARIOS
from kettrack.trials.entrants import cohorts_together
from kettrack.trials.gate import Gate

Measured = tuple[int, Mapping[str, float]]


def edition(gate: Gate) -> str:
    """Name of everything a measurement depends on, the code of the estimators apart: gate, module,
    scenario, version.
    """
    function: Any = gate.measured_by
    while isinstance(function, partial):
        function = function.func
    module = inspect.getsource(inspect.getmodule(function) or function)
    facts = [
        gate.version,
        gate.n,
        gate.first_seed,
        cohorts_together(gate),
        repr(gate.measured_by).split(" at 0x")[0],
        __version__,
    ]
    text = json.dumps([*facts, describe_numbers(SCENARIOS[gate.scenario]), module])
    return sha256(text.encode()).hexdigest()[:12]


def record_file(gate: Gate, work: Path) -> Path:
    """Where the measurements of this edition of the gate stand."""
    return work / f"{gate.name}-{edition(gate)}.csv"


def read_records(path: Path) -> pd.DataFrame:
    """All whole lines, one row per cohort in order; a line broken off by a crash is cut away from
    the file.
    """
    if not path.is_file():
        return pd.DataFrame({"cohort": pd.Series(dtype="int64")})
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8", newline="\n")
    if not whole:
        return pd.DataFrame({"cohort": pd.Series(dtype="int64")})
    return (
        pd.read_csv(path)
        .drop_duplicates("cohort")
        .sort_values("cohort", ignore_index=True)
    )


def append_records(path: Path, measured: Sequence[Measured]) -> None:
    """Add the measurements of some cohorts in one write; the first one writes the header."""
    table = pd.DataFrame(
        [{"cohort": cohort, **numbers} for cohort, numbers in measured]
    )
    new = not path.is_file() or not path.stat().st_size
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(table.to_csv(index=False, header=new, lineterminator="\n"))
