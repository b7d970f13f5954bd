"""Broken files for every reader and for the settings, guided by which lines they reach.

`make fuzz` runs it for an hour, `make fuzz-short` for the minute that CI has. It needs atheris, and
stands apart from the suite for that.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

# Where files come in: which lines of these rooms an input reaches decides what is tried next.
GUIDED_BY: Final = [
    "kettrack.importing",
    "kettrack.pooling.summary_file",
    "kettrack.privacy",
    "kettrack.reading",
    "kettrack.settings",
]
FAILED: Final = Path("build/fuzz")
# Seconds and megabytes after which an input is one that hangs; a small file needs far less.
HANGS: Final = 120
LARGEST_MB: Final = 4096


def main() -> None:
    """Break files for some seconds, or try one that failed before."""
    import atheris

    asked = _asked(sys.argv[1:])
    # Every marked module is named, and there are hundreds.
    with redirect_stderr(StringIO()), atheris.instrument_imports(include=GUIDED_BY):
        from doors import PIECES, every_door

        doors = every_door()
        # kettrack imports late, so the good files are read while modules are still being marked.
        for door in doors:
            assert not door.enter(door.seed), f"the good file of {door.name} is refused"
    # From here on: what other packages warn of while they are imported is theirs.
    warnings.simplefilter("error")
    assert len(doors) <= 256, "the first byte of an input is the number of its door"

    def enter(data: bytes) -> None:
        door = doors[data[0] % len(doors)] if data else doors[0]
        try:
            door.enter(bytes(data[1:]))
        except BaseException:
            print(f"Failed at the door {door.name}.", file=sys.stderr)
            raise

    if asked.again:
        enter(asked.again.read_bytes())
        return
    FAILED.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as around:
        seeds = Path(around) / "seeds"
        seeds.mkdir()
        for number, door in enumerate(doors):
            (seeds / f"{number:03d}").write_bytes(bytes([number]) + door.seed)
        words = Path(around) / "words"
        words.write_text("\n".join(map(_as_word, PIECES)) + "\n", encoding="ascii")
        print(f"{len(doors)} doors, {asked.seconds} s, seed {asked.seed}", flush=True)
        atheris.Setup(_arguments(asked, seeds, words), enter)
        atheris.Fuzz()


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", type=Path, help="a file of build/fuzz to try again")
    return parser.parse_args(words)


def _arguments(asked: argparse.Namespace, seeds: Path, words: Path) -> list[str]:
    """What the fuzzer is told: the same seed tries the same inputs in the same order."""
    return [
        "guided_fuzz",
        str(seeds),
        f"-seed={asked.seed}",
        f"-max_total_time={asked.seconds}",
        f"-dict={words}",
        f"-artifact_prefix={FAILED}/",
        f"-timeout={HANGS}",
        f"-rss_limit_mb={LARGEST_MB}",
        "-len_control=0",
        "-print_final_stats=1",
    ]


def _as_word(piece: str) -> str:
    """A piece as a dictionary of the fuzzer holds it."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in piece.encode()) + '"'


if __name__ == "__main__":
    main()
