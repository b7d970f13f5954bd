"""A registry as buckets: time, processor time and peak memory of `kettrack shard`, and of a table
and a question asked bucket by bucket.

    python benchmarks/shard_at_scale.py 100000 1000000 [--scratch DIR] [--keep]

A clinic of 100,000 simulated patients is written once, and again and again under other codes. The
table of outcomes must have a row for each patient, and the same rows for each copy. Ten million
patients take 21 GB as CSV, and half an hour of processors. `--keep` writes the table into
`large.md` of this folder with its date and kind of machine, also when it is stopped half-way.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reading_at_scale import Taken, run_measured

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


def main() -> None:
    """Make each registry, shard it, ask it, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("patients", type=int, nargs="*", default=[ONE_CLINIC])
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--keep", action="store_true", help="in large.md")
    asked = parser.parse_args()
    rows: list[str] = []
    with tempfile.TemporaryDirectory(dir=asked.scratch) as made:
        scratch = Path(made)
        clinic = scratch / "clinic"
        kettrack("simulate", clinic, "-n", ONE_CLINIC, "--seed", 3)
        print(*HEAD, sep="\n", flush=True)
        for n in asked.patients:
            for row in measure(n, clinic, scratch):
                print(row, flush=True)
                rows.append(row)
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


def measure(n: int, clinic: Path, scratch: Path) -> Iterator[str]:
    """One size, from files to answers: a row of the table for each step."""
    registry = scratch / "registry"
    buckets = scratch / "buckets"
    table = scratch / "outcomes.parquet"
    registry.mkdir()
    copies = n // ONE_CLINIC
    for name in TABLES:
        multiply(clinic / f"{name}.csv", registry / f"{name}.csv", copies)
    shutil.copy(clinic / "kettrack.toml", registry)
    size = sum(file.stat().st_size for file in registry.iterdir())
    steps = {
        "shard": ("shard", registry, "-o", buckets),
        "outcomes -o": ("outcomes", buckets, "-o", table),
        "estimate session_counts": ("estimate", "session_counts", buckets, "--json"),
        "estimate response_by_any_session": (
            *("estimate", "response_by_any_session", buckets, "--json"),
        ),
    }
    for name, command in steps.items():
        found = kettrack(*command)
        # What is read, and what is written.
        read = size if name == "shard" else size_of(buckets)
        yield (
            f"| {n:,} | `{name}` | {found.seconds:.0f} s | {found.processor:.0f} s |"
            f" {found.memory:,.0f} MB | {read / 1e6:,.0f} MB |"
        )
    require_copies(table, n, copies)
    for folder in (registry, buckets):
        shutil.rmtree(folder)
    table.unlink()


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def multiply(source: Path, target: Path, copies: int) -> None:
    """The same rows under other codes."""
    with target.open("wb") as file:
        for copy in range(copies):
            lines = source.open("rb")
            header = next(lines)
            if not copy:
                file.write(header)
            # The code is the first cell of every table.
            file.writelines(b"%d-%b" % (copy, line) for line in lines)


def kettrack(*arguments: object) -> Taken:
    """What a command takes as a process of its own."""
    return run_measured(["-m", "kettrack", *arguments], ROOT)


def require_copies(table: Path, n: int, copies: int) -> None:
    """Stop unless everybody has a row, and each copy the same ones."""
    import pandas as pd

    rows = pd.read_parquet(table)
    if len(rows) != n or rows["patient_id"].nunique() != n:
        raise SystemExit(f"{len(rows):,} rows for {n:,} patients")
    code = rows["patient_id"].str.split("-", n=1, expand=True)
    rest = rows.drop(columns="patient_id").assign(patient=code[1])
    distinct = rest.drop_duplicates()
    if len(distinct) != n // copies:
        raise SystemExit("copies of one patient have different outcomes")


if __name__ == "__main__":
    main()
