"""`shards.json`: what a sharded folder holds, what it was made from, and what was checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

from kettrack.errors import DataProblems, NotRead, Problem
from kettrack.reading.sharded.bucket_numbers import HASH_NAME

MANIFEST_FILE: Final = "shards.json"
SHARDED_FORMAT: Final = "kettrack sharded cohort"
# It goes up when a file of an earlier kettrack could no longer be read.
SHARDS_SCHEMA: Final = 1
# Where a bucket of a table stands, as programs for large tables expect it.
_PART: Final = "{table}/bucket={number:03d}/part-0.parquet"
_PART_PATH: Final = re.compile(r"[a-z]+/bucket=\d{3,}/part-0\.parquet")
_MAKE_ANEW: Final = "Make the folder anew: kettrack shard SOURCE -o DIR --replace"


class ShardList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in `shards.json`.

    Parameters
    ----------
    kettrack : str
        Version that has checked the source.
    n_buckets : int
        How many buckets there are.
    source : dict
        File of the source to the SHA-256 of its content.
    input_sha256 : str
        Of all of them, as a cohort read from the source has it.
    allowed : list of str
        Columns let through the identifier check.
    rows : dict
        Table to its number of rows in each bucket.
    columns : dict
        Table to its columns: those that any bucket has.
    scored : dict
        Instrument to its rows.
    logs_without_end : int
        Patients whose `observed_to_day` is missing.
    files : dict
        File of this folder to the SHA-256 of its content.
    notes : list of str
        What was noticed or done, one sentence each.
    left_out : list of (str, int, int)
        Reason, rows and patients.
    """

    format: str = SHARDED_FORMAT
    schema: int = SHARDS_SCHEMA
    hash: str = HASH_NAME
    kettrack: str
    n_buckets: int
    source: dict[str, str]
    input_sha256: str
    allowed: list[str]
    rows: dict[str, list[int]]
    columns: dict[str, list[str]]
    scored: dict[str, int]
    logs_without_end: int
    files: dict[str, str]
    notes: list[str]
    left_out: list[tuple[str, int, int]]

    @property
    def n_patients(self) -> int:
        """Patients in all buckets."""
        return sum(self.rows["patients"])

    @property
    def n_rows(self) -> int:
        """Rows of all tables."""
        return sum(map(sum, self.rows.values()))


def is_sharded(folder: Path) -> bool:
    """Whether a folder was made by `kettrack shard`."""
    return (folder / MANIFEST_FILE).is_file()


def bucket_path(table: str, number: int) -> str:
    """Where a bucket of a table stands in its folder.

    Examples
    --------
    >>> bucket_path("scores", 7)
    'scores/bucket=007/part-0.parquet'
    """
    return _PART.format(table=table, number=number)


def read_shard_list(folder: Path) -> ShardList:
    """The manifest of a folder.

    Raises
    ------
    DataProblems
        When it is none that this version can read.
    """
    path = folder / MANIFEST_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotRead(path, error) from error
    try:
        manifest = msgspec.json.decode(data, type=ShardList)
    # What the library says may quote the file.
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise not_as_written(
            MANIFEST_FILE, "the list that kettrack shard has written"
        ) from None
    if not _makes_sense(manifest):
        expected = f"a list of version {SHARDS_SCHEMA}, as this kettrack writes it"
        raise not_as_written(MANIFEST_FILE, expected)
    return manifest


def _makes_sense(manifest: ShardList) -> bool:
    known = (manifest.format, manifest.schema, manifest.hash)
    if known != (SHARDED_FORMAT, SHARDS_SCHEMA, HASH_NAME) or manifest.n_buckets < 1:
        return False
    # A path of another kind could lead out of the folder.
    paths = {
        bucket_path(table, number)
        for table in manifest.rows
        for number in range(manifest.n_buckets)
    }
    whole = all(len(rows) == manifest.n_buckets for rows in manifest.rows.values())
    plain = all(map(_PART_PATH.fullmatch, paths))
    return whole and plain and paths <= manifest.files.keys()


def write_shard_list(manifest: ShardList, folder: Path) -> None:
    """Write the manifest of a folder; it comes last, since it says that the others are whole."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    (folder / MANIFEST_FILE).write_bytes(text + b"\n")


def not_as_written(file: str, expected: str) -> DataProblems:
    """The error for a file of a sharded folder that is not as it was written."""
    return DataProblems([Problem(file, None, "", "", expected)], _MAKE_ANEW)
