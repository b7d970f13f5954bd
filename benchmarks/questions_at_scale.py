"""Every question of `kt.questions()` asked of one clinic of a hundred thousand patients, in one
process: what each takes.

The clinic is read and derived first, as a report does it; what several questions share counts for
the one that asks first. Printed is a row as soon as it is answered, the slowest once more at the
end, and those over the limit. Seconds of processors are those to compare where others use the
machine. `--patients` makes it smaller, `--only` names questions, `--at-most` stops a question after
so many seconds of processors and says so. `--readme` writes the table into `README.md` of this
folder; with `--only`, the rows of these questions alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import kettrack as kt
from kettrack.analysis.registry import load_questions
from kettrack.timelines.derived import DerivedCohort, derive

LIMIT = 20  # seconds that a question may take
SLOWEST = 5  # told once more
README = Path(__file__).parent / "README.md"
BEGIN = "<!-- questions_at_scale.py: from here -->"
END = "<!-- questions_at_scale.py: to here -->"
HEAD = "| question | seconds of processors | |\n|---|---|---|"
# A row of the table, as it was written.
ROW = re.compile(r"\| (\w+) \| ([\d.]+) \| (\w*) ?\|")


class Taken(NamedTuple):
    """What one question took, in seconds, and how it ended."""

    name: str
    seconds: float
    processor: float
    status: str


class TooLong(Exception):
    """A question was stopped."""


def main() -> None:
    """Make the clinic, read it, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--only", nargs="*", default=[], help="names of questions")
    parser.add_argument("--folder", type=Path, help="a clinic that is there already")
    parser.add_argument("--at-most", type=int, help="seconds for one question")
    parser.add_argument("--readme", action="store_true", help="keep the table there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cohort = clinic(asked.folder or Path(scratch) / "clinic", asked.patients)
    print("| question | seconds | of processors | |")
    print("|---|---|---|---|")
    names = asked.only or list(load_questions())
    taken = []
    for name in names:
        took = ask(name, cohort, asked.at_most)
        taken.append(took)
        print(row(took), flush=True)
    show(taken)
    if asked.readme:
        keep(taken, asked.patients)


def clinic(folder: Path, n: int) -> DerivedCohort:
    """The cohort of a simulated clinic, derived."""
    from kettrack.simulation.cohort import simulate
    from kettrack.simulation.cohort_files import write_cohort_folder
    from kettrack.simulation.presets import SCENARIOS

    if not folder.is_dir():
        made = simulate(SCENARIOS["clinic"], n=n, seed=3)
        write_cohort_folder(made, folder, extract="synthetic, seed 3")
    cohort = derive(kt.load_cohort(folder))
    # What nearly every question starts from.
    print(f"{len(cohort.outcomes):,} patients, {len(cohort.scores):,} scores\n")
    return cohort


def ask(name: str, cohort: DerivedCohort, at_most: int | None) -> Taken:
    """One question; a fault ends it and not the benchmark."""
    begin = time.perf_counter()
    processor = time.process_time()
    try:
        with stopped_after(at_most):
            status = kt.estimate(name, cohort).status
    except TooLong:
        status = "stopped"
    # The other questions are asked all the same, and the fault is told by its kind.
    except Exception as fault:
        status = type(fault).__name__
    return Taken(
        name,
        time.perf_counter() - begin,
        time.process_time() - processor,
        status,
    )


@contextmanager
def stopped_after(seconds: int | None) -> Iterator[None]:
    """Stop what runs too long; where the system has no such clock, nothing is stopped."""
    if seconds is None or not hasattr(signal, "SIGPROF"):
        yield
        return

    def stop(*_: object) -> None:
        raise TooLong

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def row(took: Taken) -> str:
    """One line of the table."""
    told = "" if took.status == "ok" else took.status
    return f"| {took.name} | {took.seconds:.1f} | {took.processor:.1f} | {told} |"


def keep(taken: list[Taken], patients: int) -> None:
    """Write the table into the README; rows of questions that were not asked stay."""
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    old, after = rest.split(END)
    told = {name: (float(seconds), said) for name, seconds, said in ROW.findall(old)}
    for took in taken:
        said = "" if took.status == "ok" else took.status
        told[took.name] = (round(took.processor, 1), said)
    rows = []
    for name in load_questions():
        seconds, said = told.get(name, (None, "not asked"))
        shown = "" if seconds is None else f"{seconds:.1f}"
        rows.append(f"| {name} | {shown} | {said} |")
    over = [name for name, (seconds, _) in told.items() if seconds > LIMIT]
    whole = sum(seconds for seconds, _ in told.values())
    today = datetime.now(UTC).date()
    about = (
        f"`python benchmarks/questions_at_scale.py --readme`, {today}:"
        f" {patients:,} patients, {machine()}. {len(told)} questions take {whole:.0f} seconds of"
        f" processors together. Over {LIMIT} seconds: {', '.join(over) or 'none'}."
    )
    table = "\n".join([BEGIN, "", about, "", HEAD, *rows, "", END])
    README.write_text(f"{before}{table}{after}", encoding="utf-8")


def machine() -> str:
    """What kind of machine this is, without its name."""
    return f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}"


def show(taken: list[Taken]) -> None:
    """The sum, the slowest, and how many are over the limit."""
    whole = sum(took.processor for took in taken)
    over = [took.name for took in taken if took.processor > LIMIT]
    print(f"\n{len(taken)} questions, {whole:.0f} seconds of processors together.")
    print(f"Over {LIMIT} seconds: {', '.join(over) or 'none'}.")
    slowest = sorted(taken, key=lambda took: -took.processor)[:SLOWEST]
    told = ", ".join(f"{took.name} ({took.processor:.0f} s)" for took in slowest)
    print(f"Slowest: {told}.")


if __name__ == "__main__":
    main()
