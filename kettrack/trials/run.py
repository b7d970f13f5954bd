"""Runs gates: cohorts in worker processes, measurements kept as they come, checks judged at the
end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import pandas as pd

from kettrack import __version__
from kettrack.simulation.known_truths import cached_truths, known_truths
from kettrack.simulation.presets import SCENARIOS
from kettrack.trials.entrants import cohorts_together, draw_cohorts, measure_cohorts
from kettrack.trials.gate import FAST_SLACK, Gate
from kettrack.trials.records import Measured, append_records, read_records, record_file
from kettrack.writing import write_table

WORKERS: Final = 2
_ONE_THREAD: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def run_gate(
    gate: Gate, work: Path | None = None, fast: bool = False, workers: int = WORKERS
) -> pd.DataFrame:
    """Measure every cohort of a gate that has not been measured yet, and judge.

    Parameters
    ----------
    gate : Gate
        On trial.
    work : Path, optional
        Folder of measurements and truths, made if need be; without one nothing is kept.
    fast : bool
        `fast_cohorts` only, each check with a slack of three Monte-Carlo errors.
    workers : int
        Processes; 0 = in this one.

    Returns
    -------
    DataFrame
        One row per check: `gate` `scenario` `question` `check` `n` `cohorts` `found` `mc_error`
        `truth` `wanted` `passed` (missing where nothing was wanted) `version` `date`.
    """
    entered = replace(gate, cohorts=gate.fast_cohorts) if fast else gate
    measured = _measured(entered, work, workers)
    scenario = SCENARIOS[gate.scenario]
    truths = known_truths(scenario) or (
        cached_truths(scenario, folder=work) if work else cached_truths(scenario)
    )
    slack = FAST_SLACK if fast else 0.0
    checks = [
        {
            "gate": gate.name,
            "scenario": gate.scenario,
            "question": gate.question,
            "check": check.what,
            "n": gate.n,
            "cohorts": len(measured),
            "found": round(check.found, 5),
            "mc_error": round(check.mc_error, 5),
            "truth": round(check.truth, 5),
            "wanted": check.wanted,
            "passed": pd.NA if check.reported else check.passed(slack),
            "version": __version__,
            "date": date.today().isoformat(),  # noqa: DTZ011
        }
        for check in gate.judge(measured, truths)
    ]
    return pd.DataFrame(checks).astype({"passed": "boolean"})


def write_results(results: pd.DataFrame, folder: Path) -> Path:
    """Write the checks of one gate as `<gate>.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_table(results, folder / f"{results['gate'].iloc[0]}.csv")


def _measured(gate: Gate, work: Path | None, workers: int) -> pd.DataFrame:
    """Measurements of all cohorts, those of earlier runs among them."""
    path = record_file(gate, work) if work else None
    done = (
        read_records(path)
        if path
        else pd.DataFrame({"cohort": pd.Series(dtype="int64")})
    )
    open_batches = _open_batches(gate, set(done["cohort"]))
    fresh: list[Measured] = []
    with _bar(
        gate.name, -(-gate.cohorts // cohorts_together(gate)), len(open_batches)
    ) as step:
        for measured in _batches(gate, open_batches, workers):
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
                append_records(path, measured)
            fresh += measured
            step()
    rows = pd.concat(
        [
            done,
            pd.DataFrame([{"cohort": cohort, **numbers} for cohort, numbers in fresh]),
        ]
    )
    return rows.drop_duplicates("cohort").sort_values("cohort", ignore_index=True)


def _open_batches(gate: Gate, done: set[int]) -> list[int]:
    together = cohorts_together(gate)
    return sorted(
        {cohort // together for cohort in range(gate.cohorts) if cohort not in done}
    )


def _batches(
    gate: Gate, batches: Sequence[int], workers: int
) -> Iterator[list[Measured]]:
    if not workers or not batches:
        yield from (measure_batch(gate, batch) for batch in batches)
        return
    kept = {name: os.environ.get(name) for name in _ONE_THREAD}
    # the workers read it when they load their libraries
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        with ProcessPoolExecutor(
            min(workers, len(batches)), mp_context=get_context("spawn")
        ) as pool:
            for future in as_completed(
                [pool.submit(measure_batch, gate, batch) for batch in batches]
            ):
                yield future.result()
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def measure_batch(gate: Gate, batch: int) -> list[Measured]:
    """Measure the cohorts of one batch, those beyond the wanted number left out."""
    first = batch * cohorts_together(gate)
    found = measure_cohorts(gate, draw_cohorts(gate, batch), gate.cohorts - first)
    return list(enumerate(found, start=first))


@contextmanager
def _bar(message: str, total: int, left: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, at a terminal only."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(message, total=total, completed=total - left)
        yield lambda: bar.advance(task)
