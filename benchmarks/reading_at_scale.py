"""A clinic of a hundred thousand patients from its files to the table of outcomes, as whole
processes: `kettrack outcomes`, the same of an earlier checkout, and a DuckDB script.

They run in turn, so that a busy machine is busy for all; printed are medians of time, of processor
time and of peak memory, and ratios. Where others use the machine, processor time is the one to
compare. Both kettracks must give the same table before anything is printed; the DuckDB
script checks nothing of what it reads, and only its sessions are compared. Run with `make bench`;
`--against` names a checkout, `--patients` makes it smaller.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

# Nothing heavy is imported here: the system counts the memory of a process that starts another
# one to that other one.
ROOT = Path(__file__).resolve().parent.parent
FORMATS = ("csv", "parquet")
# What a user would write: the files, the query, a file.
SCRIPT = """
import sys, duckdb
folder, ending, sql, out = sys.argv[1:]
duckdb.sql(f"CREATE TABLE scores AS SELECT patient_id AS patient, day, score"
           f" FROM '{folder}/scores.{ending}'"
           f" WHERE instrument = 'PHQ-9' AND score IS NOT NULL")
duckdb.sql(f"CREATE TABLE sessions AS SELECT patient_id AS patient, day"
           f" FROM '{folder}/sessions.{ending}'")
duckdb.sql(sql).write_parquet(out)
"""
COPY = """
import sys, duckdb
duckdb.sql(f"COPY (FROM '{sys.argv[1]}') TO '{sys.argv[2]}'")
"""


class Taken(NamedTuple):
    """Seconds, seconds of processors, and peak memory in MB."""

    seconds: float
    processor: float
    memory: float


def main() -> None:
    """Make the clinic, run everything in turn, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--against", type=Path, help="checkout of an earlier kettrack")
    asked = parser.parse_args()
    checkouts = {"kettrack": ROOT}
    if asked.against:
        checkouts["before"] = asked.against.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        clinics = make_clinics(Path(scratch), asked.patients)
        measured = {
            ending: measure(ending, clinic, checkouts, asked.runs)
            for ending, clinic in clinics.items()
        }
        for clinic in clinics.values():
            compare(clinic, list(checkouts))
    for ending, medians in measured.items():
        show(ending, medians)


def make_clinics(scratch: Path, n: int) -> dict[str, Path]:
    """The same simulated clinic as CSV and as Parquet."""
    folders = {ending: scratch / ending for ending in FORMATS}
    simulate = ["-m", "kettrack", "simulate", folders["csv"], "-n", n, "--seed", 3]
    run_measured(simulate, ROOT)
    folders["parquet"].mkdir()
    for file in folders["csv"].glob("*.csv"):
        target = folders["parquet"] / f"{file.stem}.parquet"
        run_measured(["-c", COPY, file, target], ROOT)
    return folders


def measure(
    ending: str, clinic: Path, checkouts: dict[str, Path], runs: int
) -> dict[str, Taken]:
    """Median of what each took, run in turn."""
    taken = measure_runs(ending, clinic, checkouts, runs)
    return {name: median_of(of_it) for name, of_it in taken.items()}


def median_of(taken: list[Taken]) -> Taken:
    """The middle of some runs, for each number by itself."""
    return Taken(*map(statistics.median, zip(*taken, strict=True)))


def measure_runs(
    ending: str, clinic: Path, checkouts: dict[str, Path], runs: int
) -> dict[str, list[Taken]]:
    """What each took, run in turn."""
    source = (ROOT / "benchmarks/outcomes_against_duckdb.py").read_text()
    sql = source.split('SQL = """')[1].split('"""')[0]
    outcomes = ["-m", "kettrack", "outcomes", clinic, "-o"]
    commands: dict[str, tuple[list[object], Path]] = {
        name: ([*outcomes, table_of(name, clinic)], checkout)
        for name, checkout in checkouts.items()
    }
    script = ["-c", SCRIPT, clinic, ending, sql, table_of("duckdb", clinic)]
    commands["duckdb"] = (script, ROOT)
    taken: dict[str, list[Taken]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            taken[name].append(run_measured(*command))
    return taken


def table_of(name: str, clinic: Path) -> Path:
    """Where the outcomes are written."""
    return clinic.parent / f"{clinic.name}-{name}.parquet"


def run_measured(arguments: list[object], checkout: Path) -> Taken:
    """What a whole Python process takes that finds one checkout."""
    taken, ended = _measured(arguments, checkout, lambda _process: None)
    if ended:
        raise SystemExit(f"this failed: python {arguments[0]} {arguments[1]}")
    return taken


def killed_measured(
    arguments: list[object], checkout: Path, enough: Callable[[], bool]
) -> Taken:
    """What a process took until it was killed; `enough` is asked every second."""

    def kill(process: subprocess.Popen[bytes]) -> None:
        # Its end is looked for and not taken down: what it took is told once.
        look = os.WEXITED | os.WNOHANG | os.WNOWAIT
        while not enough() and os.waitid(os.P_PID, process.pid, look) is None:
            time.sleep(1)
        process.kill()

    taken, ended = _measured(arguments, checkout, kill)
    if ended != -signal.SIGKILL:
        raise SystemExit("this ended by itself, before it was to be killed")
    return taken


def _measured(
    arguments: list[object],
    checkout: Path,
    watch: Callable[[subprocess.Popen[bytes]], None],
) -> tuple[Taken, int]:
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        # Not in a checkout: Python would find the kettrack that stands there.
        cwd=tempfile.gettempdir(),
        env={**os.environ, "PYTHONPATH": str(checkout)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    watch(process)
    # The system knows the peak of each process once it has ended.
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    taken = Taken(took, usage.ru_utime + usage.ru_stime, kilobytes / 1024)
    return taken, process.returncode


def compare(clinic: Path, names: list[str]) -> None:
    """Stop unless all say the same of every patient."""
    import pandas as pd

    ours, *others = [pd.read_parquet(table_of(name, clinic)) for name in names]
    for before in others:
        pd.testing.assert_frame_equal(ours[before.columns], before)
    theirs = pd.read_parquet(table_of("duckdb", clinic))
    # The script takes a score after the first session, on the same day, for a baseline.
    pd.testing.assert_series_equal(
        ours["n_sessions"].astype("int64"), theirs["n_sessions"].astype("int64")
    )


def show(ending: str, medians: dict[str, Taken]) -> None:
    """One line for each, with the ratios of kettrack to it."""
    ours = medians["kettrack"]
    for name, taken in medians.items():
        of_time, of_processor, of_memory = (
            own / other for own, other in zip(ours, taken, strict=True)
        )
        print(
            f"{ending}, {name}: {taken.seconds:.2f} s, {taken.processor:.2f} s of processors,"
            f" {taken.memory:.0f} MB; kettrack takes {of_time:.2f} of the time,"
            f" {of_processor:.2f} of the processor time and {of_memory:.2f} of the memory"
        )


if __name__ == "__main__":
    main()
