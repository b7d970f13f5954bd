"""Whole processes beside what they are measured against, in one table: files to outcomes at two
sizes, cold starts, a file with 5,000 columns that nobody knows, and a mixed model.

Processes run in turn; told are medians of processor time, since a busy machine makes seconds long,
and of peak memory. Run with `make bench`. `make bench-large` takes ten times the patients, the same
clinic ten times over under new ids, and keeps the table in `large.md` of this folder.
"""

from __future__ import annotations

import argparse
import math
import operator
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from questions_at_scale import machine
from reading_at_scale import (
    COPY,
    FORMATS,
    ROOT,
    Taken,
    compare,
    make_clinics,
    measure_runs,
    run_measured,
)
from shard_at_scale import BUCKETS, KEPT, multiply

SAMPLE = ROOT / "data" / "sample"
UNKNOWN_COLUMNS = 5_000
TIMES = 10  # the large clinic beside the small one
HEAD = (
    "| | kettrack | beside | ratio | of single runs | wanted | reached |\n"
    "|---|---|---|---|---|---|---|"
)


class Line(NamedTuple):
    """One line of the table: it is reached where the median of the runs is at most `wanted`."""

    about: str
    kettrack: str
    beside: str
    got: float
    of_runs: list[float]
    wanted: float


def main() -> None:
    """Measure everything, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--large", action="store_true", help="ten times over, and kept")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        lines = list(files_to_outcomes(folder, asked))
        lines += starts(folder, asked.runs)
        lines += unknown_columns(folder, asked.runs)
        lines.append(mixed_model())
    told = "\n".join([HEAD, *map(row, lines)])
    print(told)
    if asked.large:
        keep(told, asked)


def files_to_outcomes(folder: Path, asked: argparse.Namespace) -> list[Line]:
    """Time and memory beside the DuckDB script, and how both grow with ten times the patients."""
    if asked.large:
        once = make_clinics(folder / "once", asked.patients)
        # Ids of one kind: whether they may identify is told sooner of some than of others.
        small = over_again(once, folder / "few", 1)
        clinics = over_again(once, folder / "many", TIMES)
    else:
        small = make_clinics(folder / "few", asked.patients // TIMES)
        clinics = make_clinics(folder / "many", asked.patients)
    lines = []
    for ending, limits in zip(FORMATS, ((1.5, 1.5), (1.0, 1.5)), strict=True):
        less = measure_runs(ending, small[ending], {"kettrack": ROOT}, asked.runs)
        more = measure_runs(ending, clinics[ending], {"kettrack": ROOT}, asked.runs)
        compare(clinics[ending], ["kettrack"])
        lines += beside_duckdb(ending, more, limits)
        lines += growth(ending, less["kettrack"], more["kettrack"])
    return lines


def over_again(clinics: dict[str, Path], folder: Path, times: int) -> dict[str, Path]:
    """The clinic several times under new ids, its rows in their order: a file in another order
    takes longer, and is no matter of its size.
    """
    copies = {ending: folder / ending for ending in FORMATS}
    for ending in copies.values():
        ending.mkdir(parents=True)
    for source in clinics["csv"].iterdir():
        target = copies["csv"] / source.name
        if source.suffix != ".csv":
            shutil.copy(source, target)
            continue
        multiply(source, target, times)
        run_measured(
            ["-c", COPY, target, copies["parquet"] / f"{source.stem}.parquet"], ROOT
        )
    return copies


def beside_duckdb(
    ending: str, taken: dict[str, list[Taken]], limits: tuple[float, float]
) -> list[Line]:
    """Two lines: processor time, and memory."""
    lines = []
    for what, unit, field, limit in (
        ("processor time", "s", "processor", limits[0]),
        ("peak memory", "MB", "memory", limits[1]),
    ):
        about = f"{ending} to outcomes, {what} beside a DuckDB script"
        ours = values(taken["kettrack"], field)
        theirs = values(taken["duckdb"], field)
        lines.append(compared(about, unit, (ours, theirs), operator.truediv, limit))
    return lines


def growth(ending: str, less: list[Taken], more: list[Taken]) -> list[Line]:
    """Exponents: 1 is ten times as much for ten times the patients."""
    lines = []
    for what, unit, field in (
        ("processor time", "s", "processor"),
        ("peak memory", "MB", "memory"),
    ):
        about = f"{ending}: growth of {what} with ten times the patients, as a power"
        both = (values(more, field), values(less, field))
        lines.append(compared(about, unit, both, power, 1.05))
    return lines


def values(taken: list[Taken], field: str) -> list[float]:
    """One number of each run."""
    return [getattr(one, field) for one in taken]


def power(many: float, few: float) -> float:
    """The exponent of growth with ten times the patients."""
    return math.log10(many / few)


def compared(
    about: str,
    unit: str,
    both: tuple[list[float], list[float]],
    ratio: Callable[[float, float], float],
    wanted: float,
) -> Line:
    """A line of two sides, whose runs were made in turn."""
    ours, theirs = map(statistics.median, both)
    return Line(
        about,
        f"{ours:.1f} {unit}",
        f"{theirs:.1f} {unit}",
        ratio(ours, theirs),
        [ratio(*pair) for pair in zip(*both, strict=True)],
        wanted,
    )


def starts(folder: Path, runs: int) -> list[Line]:
    """From nothing to the help, and to a file of outcomes of the sample."""
    help_taken = processor_times(["-m", "kettrack", "--help"], runs)
    outcomes = processor_times(to_file(SAMPLE, folder), runs)
    return [
        in_seconds("kettrack --help, processor time", help_taken, 0.25),
        in_seconds("outcomes of the sample to a file, processor time", outcomes, 1.0),
    ]


def to_file(clinic: Path, folder: Path) -> list[object]:
    """The command that writes outcomes; without a file it also answers the first questions."""
    return ["-m", "kettrack", "outcomes", clinic, "-o", folder / "outcomes.csv"]


def unknown_columns(folder: Path, runs: int) -> list[Line]:
    """The sample with many columns that no table has."""
    clinic = folder / "unknown"
    shutil.copytree(SAMPLE, clinic)
    scores = clinic / "scores.csv"
    header, *rows = scores.read_text().splitlines()[:200]
    names = "".join(f",extra_{number}" for number in range(UNKNOWN_COLUMNS))
    cells = ",1" * UNKNOWN_COLUMNS
    scores.write_text(
        "\n".join([header + names, *(one + cells for one in rows)]) + "\n"
    )
    taken = processor_times(to_file(clinic, folder), runs)
    about = (
        f"outcomes of 200 rows with {UNKNOWN_COLUMNS:,} unknown columns, processor time"
    )
    return [in_seconds(about, taken, 3.0)]


def mixed_model() -> Line:
    """A hundred thousand patients with a line each, drawn and fitted in a process of their own."""
    script = ROOT / "benchmarks" / "mixed_models_at_scale.py"
    taken = run_measured([script, "--compared", 200], ROOT)
    about = "mixed model of 100,000 patients, processor time with drawing them"
    return in_seconds(about, [taken.processor], 20.0)


def processor_times(arguments: list[object], runs: int) -> list[float]:
    """Processor time of a process, run several times."""
    return [run_measured(arguments, ROOT).processor for _ in range(runs)]


def in_seconds(about: str, seconds: list[float], wanted: float) -> Line:
    """A line without anything beside it."""
    middle = statistics.median(seconds)
    return Line(about, f"{middle:.2f} s", "", middle, seconds, wanted)


def row(line: Line) -> str:
    """One line of the table."""
    reached = "yes" if line.got <= line.wanted else "no"
    spread = f"{min(line.of_runs):.2f} to {max(line.of_runs):.2f}"
    return (
        f"| {line.about} | {line.kettrack} | {line.beside} | {line.got:.2f} | {spread} |"
        f" {line.wanted:g} | {reached} |"
    )


def keep(told: str, asked: argparse.Namespace) -> None:
    """The table with its date, size and kind of machine."""
    today = datetime.now(UTC).date()
    about = (
        f"`make bench-large`, {today}: {TIMES * asked.patients:,} patients, medians of"
        f" {asked.runs}; {machine()}, {sys.platform}."
    )
    # What `shard_at_scale.py` keeps there stays.
    _, heading, rest = KEPT.read_text(encoding="utf-8").partition(BUCKETS)
    kept = f"\n{heading}{rest}" if heading else ""
    KEPT.write_text(f"# Large sizes\n\n{about}\n\n{told}\n{kept}", encoding="utf-8")


if __name__ == "__main__":
    main()
