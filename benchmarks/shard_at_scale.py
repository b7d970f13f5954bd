"""A registry as buckets: time, processor time and peak memory of `kettrack shard`, and of a table
and a question asked bucket by bucket.

    python benchmarks/shard_at_scale.py 100000 1000000 [--scratch DIR] [--kill STEPS] [--keep]

A clinic of 100,000 simulated patients is written once, and again and again under other codes. The
table of outcomes must have a row for each patient, and the same rows for each copy. Ten million
patients take 21 GB as CSV, and half an hour of processors. `--kill` kills `shard` after so many
steps, and types the command again: a step is 64 MB of text, or a bucket that was checked. `--keep`
writes the table into `large.md` of this folder with its date and kind of machine, also when it is
stopped half-way.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reading_at_scale import Taken, killed_measured, run_measured

# Nothing heavy is imported here: the system counts the memory of a process that starts another one
# to that other one.
ROOT = Path(__file__).resolve().parent.parent
ONE_CLINIC = 100_000
KEPT = Path(__file__).parent / "large.md"
BUCKETS = "## Buckets\n"  # heading of what is kept here
HEAD = (
    "| patients | step | time | processor time | peak memory | size |",
    "|---|---|---|---|---|---|",
)
TABLES = ("sessions", "scores", "patients", "events")
AT_A_TIME = 1 << 20  # bytes of lines
COUNT_COPIES = """
import sys, duckdb
table, patients, copies = sys.argv[1:]
n = int(patients)
duckdb.sql(f"CREATE VIEW outcomes AS SELECT patient_id AS code,"
           f" * REPLACE (split_part(patient_id, '-', 2) AS patient_id) FROM '{table}'")
there = duckdb.sql("SELECT count(*), count(DISTINCT code) FROM outcomes").fetchall()
one_clinic = duckdb.sql("SELECT DISTINCT * EXCLUDE (code) FROM outcomes")
sys.exit(there != [(n, n)] or len(one_clinic) != n // int(copies))
"""


def main() -> None:
    """Make each registry, shard it, ask it, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("patients", type=int, nargs="*", default=[ONE_CLINIC])
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--folder", type=Path, help="a clinic that is there already")
    parser.add_argument("--kill", type=int, metavar="STEPS")
    parser.add_argument("--keep", action="store_true", help="in large.md")
    asked = parser.parse_args()
    rows: list[str] = []
    with tempfile.TemporaryDirectory(dir=asked.scratch) as made:
        scratch = Path(made)
        clinic = asked.folder or scratch / "clinic"
        if asked.folder is None:
            kettrack("simulate", clinic, "-n", ONE_CLINIC, "--seed", 3)
        print(*HEAD, sep="\n", flush=True)
        for n in asked.patients:
            for told in measure(n, clinic, scratch, asked.kill):
                print(told, flush=True)
                rows.append(told)
                if asked.keep:
                    keep(rows)


def keep(rows: list[str]) -> None:
    """The table so far, with its date and kind of machine, in the place of the one before."""
    from datetime import UTC, datetime

    from questions_at_scale import machine

    before = KEPT.read_text(encoding="utf-8").partition(BUCKETS)[0].rstrip()
    today = datetime.now(UTC).date()
    about = f"`shard_at_scale.py --keep`, {today}; {machine()}."
    table = "\n".join([*HEAD, *rows])
    KEPT.write_text(f"{before}\n\n{BUCKETS}\n{about}\n\n{table}\n", encoding="utf-8")


def measure(n: int, clinic: Path, scratch: Path, kill: int | None) -> Iterator[str]:
    """One size, from files to answers: a row of the table for each step."""
    registry = scratch / "registry"
    buckets = scratch / "buckets"
    table = scratch / "outcomes.parquet"
    registry.mkdir()
    copies = n // ONE_CLINIC
    for name in TABLES:
        multiply(clinic / f"{name}.csv", registry / f"{name}.csv", copies)
    shutil.copy(clinic / "kettrack.toml", registry)
    size = size_of(registry)
    shard = ("shard", registry, "-o", buckets)
    if kill is not None:
        found = killed_measured(
            ["-m", "kettrack", *shard], ROOT, lambda: steps_done(scratch) >= kill
        )
        told = f"`shard`, killed after {steps_done(scratch):,} steps"
        yield row(n, told, found, size)
    again = "" if kill is None else ", typed again"
    yield row(n, f"`shard`{again}", kettrack(*shard), size)
    steps = {
        "outcomes -o": ("outcomes", buckets, "-o", table),
        **{
            f"estimate {name}": ("estimate", name, buckets, "--json")
            for name in ("session_counts", "response_by_any_session")
        },
    }
    for name, command in steps.items():
        yield row(n, f"`{name}`", kettrack(*command), size_of(buckets))
    # It ends with an error where somebody lacks a row, or copies of one patient differ.
    run_measured(["-c", COUNT_COPIES, table, n, copies], ROOT)
    for folder in (registry, buckets):
        shutil.rmtree(folder)
    table.unlink()


def steps_done(scratch: Path) -> int:
    """Steps that `shard` has noted beside the folder to be made."""
    return len(list(scratch.glob(".kettrack-shard-*/steps/*.json")))


def row(n: int, step: str, found: Taken, size: int) -> str:
    """One line of the table; `size` is that of the files which are read."""
    return (
        f"| {n:,} | {step} | {found.seconds:.0f} s | {found.processor:.0f} s |"
        f" {found.memory:,.0f} MB | {size / 1e6:,.0f} MB |"
    )


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def multiply(source: Path, target: Path, copies: int) -> None:
    """The same rows under other codes."""
    with target.open("wb") as file:
        for copy in range(copies):
            # The code is the first cell of every table.
            mark = b"%d-" % copy
            with source.open("rb") as lines:
                header = next(lines)
                if not copy:
                    file.write(header)
                while some := lines.readlines(AT_A_TIME):
                    file.write(mark + mark.join(some))


def kettrack(*arguments: object) -> Taken:
    """What a command takes as a process of its own."""
    return run_measured(["-m", "kettrack", *arguments], ROOT)


if __name__ == "__main__":
    main()
