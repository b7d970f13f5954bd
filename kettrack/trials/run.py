"""Runs gates: cohorts are drawn in worker processes, measurements are kept as they come, and the
checks are judged at the end.

Many cohorts are simulated and checked at the front door together, and parted afterwards: the
simulated patients are independent, so every n of them are a cohort of their own, and one pass
through the door costs much less than many. What was measured is kept one line per cohort and only
ever appended, so that a run goes on where it was broken off.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from hashlib import sha256
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack import __version__
from kettrack.reading.cohort import Cohort
from kettrack.reading.load import cohort_from_frames
from kettrack.simulation.cohort import simulate
from kettrack.simulation.known_truths import (
    cached_truths,
    describe_numbers,
    known_truths,
)
from kettrack.simulation.presets import SCENARIOS
from kettrack.trials.gate import FAST_SLACK, Check, Gate, Truths
from kettrack.vocabulary.columns import TABLES
from kettrack.writing import write_table

WORKERS: Final = 2
PATIENTS_TOGETHER: Final = 40_000  # enough rows for the compiled kernels to pay
_ONE_THREAD: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
# Number of a cohort, and what was measured in it.
Measured = tuple[int, Mapping[str, float]]


def run_gate(
    gate: Gate,
    work: Path | None = None,
    fast: bool = False,
    workers: int = WORKERS,
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
    measured = _measurements(entered, work, workers)
    checks = gate.judge(measured, _truths_of(gate, work))
    slack = FAST_SLACK if fast else 0.0
    rows = [
        _check_row(
            gate,
            check,
            len(measured),
            slack,
        )
        for check in checks
    ]
    return pd.DataFrame(rows).astype({"passed": "boolean"})


def write_results(results: pd.DataFrame, folder: Path) -> Path:
    """Write the checks of one gate as `<gate>.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_table(results, folder / f"{results['gate'].iloc[0]}.csv")


def _truths_of(gate: Gate, work: Path | None) -> Truths:
    """The shipped truths of the scenario; those of a changed scenario are found first."""
    # Workers never see the truth: it is looked up only to judge.
    if gate.source is not None:
        return gate.source.truths()
    scenario = SCENARIOS[gate.scenario]
    shipped = known_truths(scenario)
    if shipped:
        return shipped
    return cached_truths(scenario, folder=work) if work else cached_truths(scenario)


def _check_row(
    gate: Gate,
    check: Check,
    cohorts: int,
    slack: float,
) -> dict[str, object]:
    return {
        "gate": gate.name,
        "scenario": gate.scenario,
        "question": gate.question,
        "check": check.what,
        "n": gate.n,
        "cohorts": cohorts,
        "found": round(check.found, 5),
        "mc_error": round(check.mc_error, 5),
        "truth": round(check.truth, 5),
        "wanted": check.wanted,
        "passed": pd.NA if check.reported else check.passed(slack),
        "version": __version__,
        "date": date.today().isoformat(),  # noqa: DTZ011
    }


# ---- cohorts


def cohorts_together(gate: Gate) -> int:
    """How many cohorts of a gate are simulated at once."""
    return max(1, min(PATIENTS_TOGETHER // gate.n, gate.cohorts))


def draw_cohorts(gate: Gate, batch: int) -> Cohort:
    """The patients of the cohorts of one batch, checked; the same whatever else is run."""
    own_seed = np.random.SeedSequence([gate.first_seed, batch]).generate_state(1)[0]
    patients = gate.n * cohorts_together(gate)
    if gate.source is not None:
        return gate.source.draw(patients, int(own_seed))
    simulated = simulate(SCENARIOS[gate.scenario], patients, int(own_seed))
    prepared = gate.prepare(simulated) if gate.prepare else simulated
    return cohort_from_frames(
        prepared.sessions,
        prepared.scores,
        prepared.patients,
        prepared.events,
    )


def measure_cohorts(
    gate: Gate,
    cohort: Cohort,
    most: int,
) -> list[dict[str, float]]:
    """Measurements of the cohorts of n patients in a row that make up a batch, `most` of them at
    most.
    """
    if gate.measure_together is not None:
        together = gate.measure_together(cohort, gate.n)
        return [dict(numbers) for numbers in together[:most]]
    measure = gate.measured_by
    return [dict(measure(part)) for part in islice(part_cohort(cohort, gate.n), most)]


def part_cohort(cohort: Cohort, n: int) -> Iterator[Cohort]:
    """A cohort as cohorts of n patients each, in patient order; what is left over at the end makes
    a smaller one.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> [len(part.patients) for part in part_cohort(load_cohort(sample_folder()), 250)]
    [250, 250, 100]
    """
    patients = pd.Index(cohort.patients["patient_id"])
    frames = {name: getattr(cohort, name) for name in TABLES}
    # A checked cohort has its rows in the order of its patients, so that the rows of n patients in
    # a row are a stretch, whose ends are found by their positions.
    places = {
        name: patients.get_indexer(frame["patient_id"])
        for name, frame in frames.items()
    }
    for begin in range(0, len(patients), n):
        parts = {}
        for name, place in places.items():
            edges = np.searchsorted(place, (begin, begin + n))
            parts[name] = frames[name].iloc[slice(*edges)].reset_index(drop=True)
        yield replace(cohort, **parts)


# ---- measurements


def measure_batch(gate: Gate, batch: int) -> list[Measured]:
    """Measure the cohorts of one batch, those beyond the wanted number left out."""
    first = batch * cohorts_together(gate)
    cohort = draw_cohorts(gate, batch)
    measured = measure_cohorts(gate, cohort, gate.cohorts - first)
    return list(enumerate(measured, start=first))


def _measurements(
    gate: Gate,
    work: Path | None,
    workers: int,
) -> pd.DataFrame:
    """Measurements of all cohorts, those of earlier runs among them."""
    path = record_file(gate, work) if work else None
    done = read_records(path) if path else _no_records()
    open_batches = _open_batches(gate, set(done["cohort"]))
    batches = -(-gate.cohorts // cohorts_together(gate))
    fresh: list[Measured] = []
    with _bar(gate.name, batches, len(open_batches)) as step:
        for measured in _measured_batches(gate, open_batches, workers):
            if path:
                append_records(path, measured)
            fresh += measured
            step()
    # a batch that was broken off is measured again, with the same numbers
    rows = pd.concat([done, _record_rows(fresh)]).drop_duplicates("cohort")
    return rows.sort_values("cohort", kind="stable", ignore_index=True)


def _open_batches(gate: Gate, done: set[int]) -> list[int]:
    """Batches with a cohort that was not measured yet."""
    together = cohorts_together(gate)
    waiting = (cohort for cohort in range(gate.cohorts) if cohort not in done)
    return sorted({cohort // together for cohort in waiting})


def _measured_batches(
    gate: Gate,
    batches: Sequence[int],
    workers: int,
) -> Iterator[list[Measured]]:
    """The measurements of each batch, in the order in which they come."""
    if not workers or not batches:
        yield from (measure_batch(gate, batch) for batch in batches)
        return
    processes = min(workers, len(batches))
    with (
        _one_thread_each(),
        # A forked process would inherit the threads of the libraries, which can lock it up.
        ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool,
    ):
        waiting = [pool.submit(measure_batch, gate, batch) for batch in batches]
        # As they come, so that finished work is on disk when a run is broken off.
        for future in as_completed(waiting):
            yield future.result()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Workers share the processors: one thread of linear algebra each, which they read from the
    environment when they load their libraries.
    """
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _bar(
    message: str,
    total: int,
    left: int,
) -> Iterator[Callable[[], None]]:
    """A bar on standard error, at a terminal only."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(message, total=total, completed=total - left)
        yield lambda: bar.advance(task)


# ---- records of measurements


def gate_edition(gate: Gate) -> str:
    """Name of everything a measurement depends on, the code of the estimators apart: gate, module,
    scenario, version.
    """
    function: Any = gate.measured_by
    while isinstance(function, partial):
        function = function.func
    module = inspect.getsource(inspect.getmodule(function) or function)
    # the address of a function differs from run to run
    measured_by = repr(gate.measured_by).split(" at 0x")[0]
    facts = [
        gate.version,
        gate.n,
        gate.first_seed,
        cohorts_together(gate),
        measured_by,
        __version__,
        _numbers(gate),
        module,
    ]
    return sha256(json.dumps(facts).encode()).hexdigest()[:12]


def _numbers(gate: Gate) -> str:
    """Every number of the clinic that the cohorts come from."""
    if gate.source is not None:
        return gate.source.numbers()
    return describe_numbers(SCENARIOS[gate.scenario])


def record_file(gate: Gate, work: Path) -> Path:
    """Where the measurements of this edition of the gate stand."""
    return work / f"{gate.name}-{gate_edition(gate)}.csv"


def read_records(path: Path) -> pd.DataFrame:
    """All whole lines, one row per cohort in order; a line broken off by a crash is cut away from
    the file.
    """
    if not path.is_file():
        return _no_records()
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    # Only a run that was broken off leaves half a line.
    if whole != text:
        path.write_text(whole, encoding="utf-8", newline="\n")
    if not whole:
        return _no_records()
    rows = pd.read_csv(path).drop_duplicates("cohort")
    return rows.sort_values("cohort", kind="stable", ignore_index=True)


def append_records(path: Path, measured: Sequence[Measured]) -> None:
    """Add the measurements of some cohorts in one write; the first one writes the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.is_file() or not path.stat().st_size
    text = _record_rows(measured).to_csv(index=False, header=new, lineterminator="\n")
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _no_records() -> pd.DataFrame:
    return pd.DataFrame({"cohort": pd.Series(dtype="int64")})


def _record_rows(measured: Sequence[Measured]) -> pd.DataFrame:
    """One row per cohort: its number, and what was measured in it."""
    return pd.DataFrame([{"cohort": cohort, **numbers} for cohort, numbers in measured])
