"""Where a sharding keeps what it has done so far, so that a later run goes on from there."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Final, TypeVar

import msgspec

from kettrack.sharding.told import Found
from kettrack.writing import DRAFT_MARK, remove_leftovers, whole_file

T = TypeVar("T")
_PLAN: Final = "plan.json"
_STEPS: Final = "steps"
_PARTS: Final = "parts"
_RESULT: Final = "result"
_LETTERS: Final = 16  # of the hash that stands for the folder to be made


class Plan(msgspec.Struct, frozen=True):
    """What a run is to do: another plan makes what was done worthless.

    Parameters
    ----------
    kettrack : str
        Version.
    source : dict
        File to the SHA-256 of its content.
    n_buckets : int
        How many buckets are made.
    allowed : list of str
        Columns let through the identifier check.
    """

    kettrack: str
    source: dict[str, str]
    n_buckets: int
    allowed: list[str]


class PartDone(msgspec.Struct, frozen=True):
    """A part of a file whose rows stand by bucket.

    Parameters
    ----------
    headers : list of str, optional
        None where the file cannot be read.
    rows : list of int
        By bucket.
    marked : list of int
        By column, the cells that said in a word that they are empty.
    separator : str
        Between cells of a text file; empty otherwise.
    found : Found
        On the way.
    """

    headers: list[str] | None
    rows: list[int]
    marked: list[int]
    separator: str
    found: Found


class BucketDone(msgspec.Struct, frozen=True):
    """A bucket that was checked and written.

    Parameters
    ----------
    rows, columns : dict
        By table.
    scored : dict
        Instrument to its rows.
    logs_without_end : int
        Patients whose `observed_to_day` is missing.
    files : dict
        File to the SHA-256 of its content.
    found : Found
        By the check.
    """

    rows: dict[str, int]
    columns: dict[str, list[str]]
    scored: dict[str, int]
    logs_without_end: int
    files: dict[str, str]
    found: Found


class WorkFolder:
    """The work folder of one folder to be made: beside it, hidden, and left alone by readers. One
    that nothing was written to for a day is removed by whoever writes there next.

    Parameters
    ----------
    target : Path
        The folder to be made.
    plan : Plan
        What was done by another plan is done again.
    """

    def __init__(
        self,
        target: Path,
        plan: Plan,
    ) -> None:
        around = target.absolute().parent
        remove_leftovers(around)
        mark = sha256(target.name.encode()).hexdigest()[:_LETTERS]
        self.root = around / f"{DRAFT_MARK}shard-{mark}"
        self.went_on = self._read(_PLAN, Plan) == plan
        if not self.went_on:
            rmtree(self.root, ignore_errors=True)
        # Rows of patients stand in it, which nobody else may read.
        self.root.mkdir(mode=0o700, exist_ok=True)
        for name in (_STEPS, _PARTS, _RESULT):
            (self.root / name).mkdir(exist_ok=True)
        self._write(_PLAN, plan)

    @property
    def result(self) -> Path:
        """Where finished files of the folder stand."""
        return self.root / _RESULT

    def part_path(
        self,
        file: str,
        number: int,
    ) -> Path:
        """Where the rows of a part of a file stand by bucket."""
        return self.root / _PARTS / f"{_bare(file)}-{number:06d}.arrow"

    def part_done(
        self,
        file: str,
        number: int,
    ) -> PartDone | None:
        """What is known of a part; None where it is still to be done."""
        return self._read(_part_step(file, number), PartDone)

    def note_part(
        self,
        file: str,
        number: int,
        done: PartDone,
    ) -> None:
        """Say that a part is done, once its rows are written."""
        self._write(_part_step(file, number), done)

    def bucket_done(
        self,
        number: int,
    ) -> BucketDone | None:
        """What is known of a bucket; None where it is still to be done."""
        done = self._read(_bucket_step(number), BucketDone)
        # A run may have been killed while it moved its files to their place.
        if done and all((self.result / file).is_file() for file in done.files):
            return done
        return None

    def note_bucket(
        self,
        number: int,
        done: BucketDone,
    ) -> None:
        """Say that a bucket is done, once its files are written."""
        self._write(_bucket_step(number), done)

    def folded_path(
        self,
        number: int,
    ) -> Path:
        """Where the codes of a bucket stand as numbers, without what may differ by accident."""
        return self.root / _STEPS / f"codes-{number:06d}.npy"

    def remove(self) -> None:
        """Take all of it away."""
        rmtree(self.root, ignore_errors=True)

    def _read(
        self,
        name: str,
        kind: type[T],
    ) -> T | None:
        path = self.root / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        # What another version has left behind is as good as nothing.
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _write(
        self,
        name: str,
        value: msgspec.Struct,
    ) -> None:
        with whole_file(self.root / name) as draft:
            draft.write_bytes(msgspec.json.encode(value))


def _bare(
    file: str,
) -> str:
    """A name for a file that may stand in a folder."""
    return sha256(file.encode()).hexdigest()[:_LETTERS]


def _part_step(
    file: str,
    number: int,
) -> str:
    return f"{_STEPS}/{_bare(file)}-{number:06d}.json"


def _bucket_step(
    number: int,
) -> str:
    return f"{_STEPS}/bucket-{number:06d}.json"
