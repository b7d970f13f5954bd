"""Kill each command that writes at random moments, and look at what is left: the old output or the
new one, whole, and nothing that the next run takes for input.

    python benchmarks/killed_writes.py [KILLS [SEED [NAME ...]]]

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

import pandas as pd

from kettrack.resources import sample_folder

KETTRACK = (sys.executable, "-m", "kettrack")
KEYED = ("--key", "KEY", "--extract-date", "2023-01-01")
# What each writes, and the command; the last part of every command is the output. Words in capitals
# stand for what is made before anything is killed.
WRITERS: dict[str, tuple[str, ...]] = {
    "rows.csv": ("timeline", "CLINIC", "-o"),
    "rows.parquet": ("timeline", "CLINIC", "-o"),
    "outcomes.csv": ("outcomes", "CLINIC", "-o"),
    "events.csv": ("events", "CLINIC", "-o"),
    "courses.csv": ("courses", "CLINIC", "-o"),
    "review.csv": ("review", "CLINIC", "-o"),
    "problems.csv": ("check", "CLINIC", "-o"),
    "rules.csv": ("specification", "CLINIC", "-o"),
    "answer.json": ("estimate", "session_counts", "CLINIC", "-o"),
    "people.csv": ("estimate", "durability", "CLINIC", "--rows"),
    "methods.md": ("methods", "CLINIC", "-o"),
    "sheet.html": ("sheet", "payer", "S001", "CLINIC", "-o"),
    "handout.html": ("handout", "CLINIC", "-o"),
    "site.json": ("summarise", "CLINIC", "-o"),
    "pooled.html": ("pool", "SITE_A", "SITE_B", "-o"),
    "buckets": ("shard", "CLINIC", "--buckets", "12", "--replace", "-o"),
    "tables": ("export", "CLINIC", "--replace", "-o"),
    "imported": ("import", "DATED", *KEYED, "--map", "MAP", "--replace", "-o"),
    "coded": ("deidentify", "DATED", *KEYED, "--replace", "-o"),
    "simulated": ("simulate", "-n", "60", "-o"),
    "notebooks": ("notebooks",),
    # Minutes each.
    "report.html": ("report", "CLINIC", "--policy", "release", "-o"),
}
# These write no folder where one stands, so they are killed where nothing does.
ONLY_NEW = ("simulated", "notebooks")


def content_of(path: Path) -> str:
    """A hash over a file, or over all files of a folder and their names."""
    whole = hashlib.sha256()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        if file.is_file():
            whole.update(str(file.relative_to(path.parent)).encode())
            whole.update(file.read_bytes())
    return whole.hexdigest()


def made(room: Path) -> dict[str, str]:
    """What the commands read, by the word that stands for it."""
    there = {
        "CLINIC": sample_folder(),
        "DATED": room / "dated",
        "KEY": room / "key",
        "MAP": room / "map.toml",
        "SITE_A": room / "a.json",
        "SITE_B": room / "b.json",
    }
    words = {name: str(path) for name, path in there.items()}
    other = room / "other"
    _dated(there["CLINIC"], there["DATED"])
    for command in (
        ("deidentify", "--new-key", words["KEY"]),
        ("simulate", "-n", "60", "-o", str(other)),
        ("summarise", words["CLINIC"], "--site", "A", "-o", words["SITE_A"]),
        ("summarise", str(other), "--site", "B", "-o", words["SITE_B"]),
    ):
        subprocess.run([*KETTRACK, *command], check=True, capture_output=True)
    return words


def _dated(clinic: Path, folder: Path) -> None:
    """The sample as a clinic would have it: with dates in the place of days."""
    folder.mkdir()
    for name in ("sessions", "scores"):
        table = pd.read_csv(clinic / f"{name}.csv")
        began = pd.Timestamp("2020-01-01")
        dates = began + pd.to_timedelta(table.pop("day"), unit="D")
        table.insert(1, "date", dates.dt.strftime("%Y-%m-%d"))
        table.to_csv(folder / f"{name}.csv", index=False)


def start(name: str, place: Path, words: dict[str, str]) -> subprocess.Popen[bytes]:
    """Begin to write."""
    parts = [words.get(part, part) for part in WRITERS[name]]
    return subprocess.Popen(
        [*KETTRACK, *parts, str(place / name)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def write_both(name: str, place: Path, words: dict[str, str]) -> tuple[str, float]:
    """The hash of the output, and how long it takes to write."""
    began = time.monotonic()
    start(name, place, words).wait()
    if not (place / name).exists():
        raise SystemExit(f"{name} cannot be written at all")
    return content_of(place / name), time.monotonic() - began


def kill_the_first_run(kills: int, chance: random.Random, words: dict[str, str]) -> int:
    """Kill `shard` where nothing stands yet, and let the next run go on from there; how many
    folders were there that are not whole.
    """
    name = "buckets"
    broken = 0
    went_on = 0
    with tempfile.TemporaryDirectory() as room:
        place = Path(room)
        whole, _ = write_both(name, place, words)
        shutil.rmtree(place / name)
        running = begun(name, place, words)
        began = time.monotonic()
        running.wait()
        seconds = time.monotonic() - began
        for _ in range(kills):
            shutil.rmtree(place / name)
            running = begun(name, place, words)
            time.sleep(seconds * chance.random())
            running.send_signal(signal.SIGKILL)
            running.wait()
            there = (place / name).exists()
            broken += there and content_of(place / name) != whole
            went_on += bool(list(place.glob(".kettrack-shard-*/steps/*.json")))
            start(name, place, words).wait()
            broken += content_of(place / name) != whole
    print(f"{name}, first run: {kills} kills, {went_on} went on from what was there")
    return broken


def begun(name: str, place: Path, words: dict[str, str]) -> subprocess.Popen[bytes]:
    """A run that has loaded its libraries and begins to write."""
    running = start(name, place, words)
    while running.poll() is None and not list(place.glob(".kettrack-shard-*")):
        time.sleep(0.01)
    return running


def kill_in_the_middle(
    name: str, kills: int, chance: random.Random, words: dict[str, str]
) -> int:
    """Kill one command again and again; how often something else than the whole output was left."""
    broken = 0
    with tempfile.TemporaryDirectory() as room:
        place = Path(room)
        output = place / name
        whole, seconds = write_both(name, place, words)
        for _ in range(kills):
            if name in ONLY_NEW and output.exists():
                shutil.rmtree(output)
            running = start(name, place, words)
            # Writing comes last; most moments are near the end.
            time.sleep(seconds * (1 - chance.random() ** 2 / 2))
            running.send_signal(signal.SIGKILL)
            running.wait()
            nothing = name in ONLY_NEW and not output.exists()
            broken += not nothing and content_of(output) != whole
        # A report has its manifest beside it.
        beside = {name, f"{output.stem}.manifest.json"}
        others = [path.name for path in place.iterdir() if path.name not in beside]
        broken += any(not other.startswith(".") for other in others)
    print(
        f"{name}: {kills} kills, {len(others)} drafts left for the next day", flush=True
    )
    return broken


def main() -> None:
    """Kill, look, and count."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    names = sys.argv[3:] or [*WRITERS]
    with tempfile.TemporaryDirectory() as room:
        words = made(Path(room))
        broken = sum(kill_in_the_middle(name, kills, chance, words) for name in names)
        if "buckets" in names:
            broken += kill_the_first_run(kills, chance, words)
    print(f"{broken} outputs were neither the old nor the new one")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
