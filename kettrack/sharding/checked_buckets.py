"""One bucket: its rows checked as those of a cohort folder are, and written."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from kettrack.reading.assemble import check_tables
from kettrack.reading.patient_codes import folded_codes
from kettrack.reading.problems import Ledger
from kettrack.reading.raw import RawTable, give_back_memory
from kettrack.reading.sharded.bucket_tables import write_bucket_table
from kettrack.reading.sharded.manifest import bucket_path
from kettrack.reading.typed import CheckedTable
from kettrack.settings import Settings
from kettrack.sharding.shuffle import read_bucket
from kettrack.sharding.source_files import SourceFile
from kettrack.sharding.told import found_in
from kettrack.sharding.work_folder import BucketDone, PartDone, WorkFolder

SpooledParts = Mapping[str, Sequence[tuple[Path, PartDone]]]


@dataclass(
    frozen=True,
    slots=True,
    kw_only=True,
)
class Spooled:
    """A source whose rows stand by bucket.

    Parameters
    ----------
    settings : Settings
        Of the source.
    allow : tuple of str
        Columns let through the identifier check.
    files : sequence of SourceFile
        Of all tables.
    parts : mapping
        Table to its parts.
    n_buckets : int
        How many buckets there are.
    """

    settings: Settings
    allow: tuple[str, ...]
    files: Sequence[SourceFile]
    parts: SpooledParts
    n_buckets: int

    def name_of(
        self,
        table: str,
    ) -> str:
        """What a table is called in messages: its file, or the folder of its parts."""
        here = [one.file for one in self.files if one.table == table]
        return here[0] if len(here) == 1 else table

    def raw_tables(
        self,
        number: int,
    ) -> dict[str, RawTable]:
        """The tables of one bucket as they stand in the source."""
        raws = {}
        for table, parts in self.parts.items():
            raw = read_bucket(
                table,
                self.name_of(table),
                parts,
                number,
            )
            if raw is not None:
                raws[table] = raw
        return raws


def check_bucket(
    source: Spooled,
    number: int,
    work: WorkFolder,
) -> BucketDone:
    """Check one bucket and write it; with a problem nothing of it is written.

    Parameters
    ----------
    source : Spooled
        All buckets.
    number : int
        Of this one.
    work : WorkFolder
        Takes the files.
    """
    ledger = Ledger()
    raws = source.raw_tables(number)
    tables = check_tables(
        raws,
        source.settings,
        source.allow,
        ledger,
    )
    _keep_folded(tables["sessions"], work.folded_path(number))
    files = {}
    if not ledger.problems:
        for name, checked in tables.items():
            files[bucket_path(name, number)] = _written(
                checked,
                number,
                source,
                work,
            )
    done = BucketDone(
        rows={name: len(checked.rows) for name, checked in tables.items()},
        columns={name: list(checked.names) for name, checked in tables.items()},
        scored=_scored(tables["scores"]),
        logs_without_end=_without_end(tables["patients"]),
        files=files,
        found=found_in(ledger),
    )
    work.note_bucket(number, done)
    give_back_memory()
    return done


def _written(
    checked: CheckedTable,
    number: int,
    source: Spooled,
    work: WorkFolder,
) -> str:
    """Write a table of a bucket, and return the hash of its file."""
    path = work.result / bucket_path(checked.table.name, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Under its own name at once: only the step that is noted afterwards makes it count.
    write_bucket_table(
        checked,
        number,
        source.n_buckets,
        path,
    )
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _keep_folded(
    sessions: CheckedTable,
    path: Path,
) -> None:
    """Numbers that stand for the codes of patients, but for what may differ by accident. Codes that
    are similar are in different buckets, so that they are compared when all are there.
    """
    # Any table will do: all have one list of patients.
    codes = pd.Index(sessions.rows["patient_id"].values, dtype="str")
    folded = folded_codes(codes)
    np.save(path, pd.util.hash_array(folded.to_numpy(dtype=object)))


def _scored(
    scores: CheckedTable,
) -> dict[str, int]:
    """Rows of each instrument that has any."""
    instrument = scores.rows["instrument"]
    counts = zip(
        instrument.values,
        instrument.counts.tolist(),
        strict=True,
    )
    return Counter({name: n for name, n in counts if n})


def _without_end(
    patients: CheckedTable,
) -> int:
    return int((~patients.rows["observed_to_day"].filled).sum())
