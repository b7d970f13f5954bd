"""`python -m kettrack.trials [GATE ...]`: every method against simulated truth; exit code 1 when a
check fails.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from kettrack.errors import KettrackError
from kettrack.simulation.known_truths import CACHE
from kettrack.trials.gate import choose_gates
from kettrack.trials.run import WORKERS, run_gate, write_results

RESULTS = "notebooks/results"


def main(arguments: list[str] | None = None) -> int:
    """Run the gates named, print their checks, and say by the exit code whether all passed."""
    options = _parser().parse_args(arguments)
    # A fast run is no evidence, so it leaves the stored results alone.
    results = options.results or (None if options.fast else Path(RESULTS))
    passed = True
    try:
        for gate in choose_gates(options.gates):
            # Some gates say nothing on a few cohorts.
            if options.fast and not gate.fast_cohorts:
                continue
            found = run_gate(gate, options.work, options.fast, options.workers)
            if results is not None:
                write_results(found, results)
            sys.stdout.write(said(found) + "\n")
            # A gate takes minutes to hours: each is told as soon as it is judged.
            sys.stdout.flush()
            passed &= bool(found["passed"].all())
    except KettrackError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(
            "Stopped; what was measured is kept, and the next run goes on from there.\n"
        )
        return 130
    return 0 if passed else 1


def said(results: pd.DataFrame) -> str:
    """The checks of one gate as lines for people."""
    # Missing means that nothing was wanted: the number is only told.
    words = results["passed"].map({True: "pass", False: "FAIL"}).fillna("told")
    lines = [
        f"{word}  {row.gate}: {row.check}: {row.found:.4f} (Monte-Carlo error"
        f" {row.mc_error:.4f}), wanted {row.wanted}; {row.cohorts:,} cohorts of {row.n:,}"
        for word, row in zip(words, results.itertuples(), strict=True)
    ]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kettrack.trials", description=__doc__
    )
    parser.add_argument(
        "gates",
        nargs="*",
        help="gates, or the part of their names before '-'; default: all",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="few cohorts with fixed seeds; writes nothing unless told where",
    )
    parser.add_argument(
        "--results", type=Path, help=f"folder of the results; default: {RESULTS}"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(CACHE),
        help=f"folder of measurements so far; default: {CACHE}",
    )
    parser.add_argument(
        "--workers", type=int, default=WORKERS, help=f"processes; default: {WORKERS}"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
