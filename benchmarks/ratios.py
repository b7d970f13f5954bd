"""Whole processes beside what they are measured against, in one table: files to outcomes at two
sizes, cold starts, a file with 5,000 columns that nobody knows, and a mixed model.

Processes run in turn; told are medians of processor time, since a busy machine makes seconds long,
and of peak memory. Run with `make bench`. `make bench-large` takes ten times the patients, the same
clinic ten times over under new ids, and keeps the table in `large.md` of this folder.
"""

from __future__ import annotations

import argparse
import math
import shutil
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from questions_at_scale import machine
from reading_at_scale import (
    FORMATS,
    ROOT,
    Taken,
    compare,
    make_clinics,
    measure,
    run_measured,
)
from shard_at_scale import BUCKETS, KEPT

SAMPLE = ROOT / "data" / "sample"
UNKNOWN_COLUMNS = 5_000
TIMES = 10  # the large clinic beside the small one
OVER_AGAIN = """
import sys, duckdb
source, target, times = sys.argv[1:]
duckdb.sql(f"COPY (SELECT * REPLACE (k || '-' || patient_id AS patient_id)"
           f" FROM read_csv('{source}', all_varchar = true), range({times}) AS r(k)"
           f" ORDER BY k) TO '{target}' (HEADER)")
"""
HEAD = "| | kettrack | beside | ratio | wanted | reached |\n|---|---|---|---|---|---|"


class Line(NamedTuple):
    """One line of the table; at most `wanted` of `got` is reached."""

    about: str
    kettrack: str
    beside: str
    got: float
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
    few = asked.patients if asked.large else asked.patients // TIMES
    small = make_clinics(folder / "few", few)
    if asked.large:
        clinics = ten_times_over(small, folder / "many")
    else:
        clinics = make_clinics(folder / "many", asked.patients)
    lines = []
    for ending, limits in zip(FORMATS, ((1.5, 1.5), (1.0, 1.5)), strict=True):
        less = measure(ending, small[ending], {"kettrack": ROOT}, asked.runs)
        more = measure(ending, clinics[ending], {"kettrack": ROOT}, asked.runs)
        compare(clinics[ending], ["kettrack"])
        lines += beside_duckdb(ending, more, limits)
        lines += growth(ending, less["kettrack"], more["kettrack"])
    return lines


def ten_times_over(small: dict[str, Path], folder: Path) -> dict[str, Path]:
    """The clinic ten times, under new ids."""
    clinics = {ending: folder / ending for ending in FORMATS}
    for ending in clinics.values():
        ending.mkdir(parents=True)
    for source in small["csv"].iterdir():
        target = clinics["csv"] / source.name
        if source.suffix != ".csv":
            shutil.copy(source, target)
            continue
        run_measured(["-c", OVER_AGAIN, source, target, TIMES], ROOT)
        as_parquet = clinics["parquet"] / f"{source.stem}.parquet"
        text = f"COPY (FROM '{target}') TO '{as_parquet}'"
        run_measured(["-c", "import sys, duckdb; duckdb.sql(sys.argv[1])", text], ROOT)
    return clinics


def beside_duckdb(
    ending: str, medians: dict[str, Taken], limits: tuple[float, float]
) -> list[Line]:
    """Two lines: processor time, and memory."""
    ours = medians["kettrack"]
    theirs = medians["duckdb"]
    time_limit, memory_limit = limits
    return [
        Line(
            f"{ending} to outcomes, processor time beside a DuckDB script",
            f"{ours.processor:.1f} s",
            f"{theirs.processor:.1f} s",
            ours.processor / theirs.processor,
            time_limit,
        ),
        Line(
            f"{ending} to outcomes, peak memory beside a DuckDB script",
            f"{ours.memory:.0f} MB",
            f"{theirs.memory:.0f} MB",
            ours.memory / theirs.memory,
            memory_limit,
        ),
    ]


def growth(ending: str, less: Taken, more: Taken) -> list[Line]:
    """Exponents: 1 is ten times as much for ten times the patients."""
    return [
        Line(
            f"{ending}: growth of {what} with ten times the patients, as a power",
            f"{many:.1f} {unit}",
            f"{few:.1f} {unit}",
            math.log10(many / few),
            1.05,
        )
        for what, unit, few, many in (
            ("processor time", "s", less.processor, more.processor),
            ("peak memory", "MB", less.memory, more.memory),
        )
    ]


def starts(folder: Path, runs: int) -> list[Line]:
    """From nothing to the help, and to a file of outcomes of the sample."""
    help_taken = median(["-m", "kettrack", "--help"], runs)
    outcomes = median(to_file(SAMPLE, folder), runs)
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
    taken = median(to_file(clinic, folder), runs)
    about = (
        f"outcomes of 200 rows with {UNKNOWN_COLUMNS:,} unknown columns, processor time"
    )
    return [in_seconds(about, taken, 3.0)]


def mixed_model() -> Line:
    """A hundred thousand patients with a line each, drawn and fitted in a process of their own."""
    script = ROOT / "benchmarks" / "mixed_models_at_scale.py"
    taken = run_measured([script, "--compared", 200], ROOT)
    about = "mixed model of 100,000 patients, processor time with drawing them"
    return in_seconds(about, taken.processor, 20.0)


def median(arguments: list[object], runs: int) -> float:
    """Processor time of a process, in the middle of some runs."""
    taken = [run_measured(arguments, ROOT).processor for _ in range(runs)]
    return statistics.median(taken)


def in_seconds(about: str, seconds: float, wanted: float) -> Line:
    """A line without anything beside it."""
    return Line(about, f"{seconds:.2f} s", "", seconds, wanted)


def row(line: Line) -> str:
    """One line of the table."""
    reached = "yes" if line.got <= line.wanted else "no"
    return (
        f"| {line.about} | {line.kettrack} | {line.beside} | {line.got:.2f} |"
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
