"""Kill each command that writes at random moments, and look at what is left: the old output or the
new one, whole, and nothing that the next run takes for input.

    python benchmarks/killed_writes.py [KILLS [SEED]]

It ends with 1 when something else is left.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kettrack.resources import sample_folder

KETTRACK = (sys.executable, "-m", "kettrack")
# What each writes, and the command; the last part of every command is the output.
WRITERS: dict[str, tuple[str, ...]] = {
    "rows.csv": ("timeline", "CLINIC", "-o"),
    "rows.parquet": ("timeline", "CLINIC", "-o"),
    "site.json": ("summarise", "CLINIC", "-o"),
    "sheet.html": ("sheet", "payer", "S001", "CLINIC", "-o"),
    "problems.csv": ("check", "CLINIC", "-o"),
    "buckets": ("shard", "CLINIC", "--buckets", "12", "--replace", "-o"),
    "tables": ("export", "CLINIC", "--format", "omop,datapackage", "--replace", "-o"),
}


def content_of(path: Path) -> str:
    """A hash over a file, or over all files of a folder and their names."""
    whole = hashlib.sha256()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        if file.is_file():
            whole.update(str(file.relative_to(path.parent)).encode())
            whole.update(file.read_bytes())
    return whole.hexdigest()


def start(name: str, place: Path, clinic: Path) -> subprocess.Popen[bytes]:
    """Begin to write."""
    parts = [str(clinic) if part == "CLINIC" else part for part in WRITERS[name]]
    return subprocess.Popen(
        [*KETTRACK, *parts, str(place / name)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def write_both(name: str, place: Path, clinic: Path) -> tuple[str, float]:
    """The hash of the output, and how long it takes to write."""
    began = time.monotonic()
    start(name, place, clinic).wait()
    return content_of(place / name), time.monotonic() - began


def kill_the_first_run(kills: int, chance: random.Random, clinic: Path) -> int:
    """Kill `shard` where nothing stands yet, and let the next run go on from there; how many
    folders were there that are not whole.
    """
    name = "buckets"
    broken = 0
    went_on = 0
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        whole, _ = write_both(name, place, clinic)
        shutil.rmtree(place / name)
        running = begun(name, place, clinic)
        began = time.monotonic()
        running.wait()
        seconds = time.monotonic() - began
        for _ in range(kills):
            shutil.rmtree(place / name)
            running = begun(name, place, clinic)
            time.sleep(seconds * chance.random())
            running.send_signal(signal.SIGKILL)
            running.wait()
            there = (place / name).exists()
            broken += there and content_of(place / name) != whole
            went_on += bool(list(place.glob(".kettrack-shard-*/steps/*.json")))
            start(name, place, clinic).wait()
            broken += content_of(place / name) != whole
    print(f"{name}, first run: {kills} kills, {went_on} went on from what was there")
    return broken


def begun(name: str, place: Path, clinic: Path) -> subprocess.Popen[bytes]:
    """A run that has loaded its libraries and begins to write."""
    running = start(name, place, clinic)
    while running.poll() is None and not list(place.glob(".kettrack-shard-*")):
        time.sleep(0.01)
    return running


def main() -> None:
    """Kill, look, and count."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    broken = 0
    clinic = sample_folder()
    for name in WRITERS:
        with tempfile.TemporaryDirectory() as made:
            place = Path(made)
            whole, seconds = write_both(name, place, clinic)
            for _ in range(kills):
                running = start(name, place, clinic)
                # Writing comes last; most moments are near the end.
                time.sleep(seconds * (1 - chance.random() ** 2 / 2))
                running.send_signal(signal.SIGKILL)
                running.wait()
                broken += content_of(place / name) != whole
            left_behind = sum(path.name != name for path in place.iterdir())
            visible = [one for one in place.iterdir() if not one.name.startswith(".")]
            broken += len(visible) != 1
        print(f"{name}: {kills} kills, {left_behind} drafts left for the next day")
    broken += kill_the_first_run(kills, chance, clinic)
    print(f"{broken} outputs were neither the old nor the new one")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
