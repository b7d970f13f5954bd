"""`truth.json` of a simulated clinic: what is true of it, so that it can stand beside the answers.

No clinic of real people has such a file. It is read only to be shown; no estimate looks at it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from kettrack.reading.problems import Ledger

TRUTH_FILE: Final = "truth.json"


class _KnownTruth(msgspec.Struct):
    value: float


class _TruthFile(msgspec.Struct):
    """The part of the file that is read."""

    synthetic: bool
    truths: dict[str, _KnownTruth] = {}


def read_truths(folder: Path, ledger: Ledger) -> dict[str, float]:
    """What is true of a simulated clinic, by the names of `simulation.truth.force_truth`; empty for
    any other folder. A file that cannot be read is a problem of the ledger.
    """
    path = folder / TRUTH_FILE
    if not path.is_file():
        return {}
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_TruthFile)
    # The library's words may repeat a value of the file.
    except (msgspec.DecodeError, UnicodeDecodeError):
        ledger.problem(
            TRUTH_FILE,
            None,
            "",
            "",
            "the file that `kettrack simulate` writes beside a simulated clinic; a clinic of real"
            " people has none",
        )
        return {}
    if not found.synthetic:
        return {}
    return {name: truth.value for name, truth in found.truths.items()}
