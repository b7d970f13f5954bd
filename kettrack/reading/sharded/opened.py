"""A sharded folder that was opened: its settings, and a cohort of any of its buckets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kettrack.arrays import Objects
from kettrack.errors import DataProblems, NotRead, UsageError
from kettrack.memory import free_memory_mb, require_free_memory
from kettrack.reading.chosen_settings import settings_of_folder
from kettrack.reading.cohort import Cohort, Provenance, refuse_unscored
from kettrack.reading.import_remarks import read_import_remarks
from kettrack.reading.log_end import choose_log_end
from kettrack.reading.problems import Ledger
from kettrack.reading.sharded.bucket_numbers import bucket_numbers
from kettrack.reading.sharded.bucket_tables import (
    is_sorted,
    sorted_table,
    table_of_buckets,
)
from kettrack.reading.sharded.manifest import (
    MANIFEST_FILE,
    ShardList,
    bucket_path,
    not_as_written,
    read_shard_list,
)
from kettrack.reading.truth_file import read_truths
from kettrack.reading.typed import CheckedTable
from kettrack.settings import LAST_ROW, SETTINGS_FILE, Settings
from kettrack.vocabulary.columns import TABLES

# What decided how cells were read when the folder was made.
_DECIDED: Final = (
    "columns",
    "duplicates",
    "scores_of",
    "status",
    "user_instruments",
)
_AS_WRITTEN: Final = "this file as kettrack shard has written it; it was changed since"
# Peak memory of a question on all rows, measured: see benchmarks/README.md.
_BASE_MB: Final = 450
_BYTES_A_ROW: Final = 400
_BYTES_IN_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardedFolder:
    """A cohort in buckets of whole patients. Made by `open_sharded`.

    Parameters
    ----------
    folder : Path
        Where it stands; programs on other machines find it there too.
    manifest : ShardList
        What it holds.
    settings : Settings
        In force.
    """

    folder: Path
    manifest: ShardList
    settings: Settings

    @property
    def needed_mb(self) -> int:
        """Memory that all rows at once take, roughly."""
        return _BASE_MB + self.manifest.n_rows * _BYTES_A_ROW // _BYTES_IN_MB

    @property
    def fits(self) -> bool:
        """Whether all rows at once fit into the memory that is free."""
        free = free_memory_mb()
        return free is None or self.needed_mb <= free

    def bucket(self, number: int) -> Cohort:
        """The people of one bucket.

        Raises
        ------
        DataProblems
            When a file is not as it was written, is not sorted, or holds a patient of another
            bucket.
        """
        tables = self._tables([number])
        _require_order(tables, number)
        _require_own(tables["patients"], number, self.manifest.n_buckets)
        return self._cohort(tables, Ledger())

    def whole(self) -> Cohort:
        """Everybody at once.

        Raises
        ------
        TooLittleMemory
            When that takes more memory than is free.
        """
        n = self.manifest.n_patients
        step = f"to hold the rows of {n:,} people at once"
        require_free_memory(self.needed_mb, step)
        tables = self._tables(range(self.manifest.n_buckets))
        for name in TABLES:
            tables[name] = sorted_table(tables[name])
        return self._cohort(tables, Ledger())

    def nobody(self) -> Cohort:
        """A cohort without people, with the settings, notes and provenance of the whole."""
        return self._cohort(self._tables([]), Ledger())

    def require_scores(self) -> None:
        """Refuse to go on without a single score of the primary instrument.

        Raises
        ------
        UsageError
            Naming the instruments that there are scores of.
        """
        refuse_unscored(self.settings, self.manifest.scored)

    def _tables(self, numbers: Sequence[int]) -> dict[str, CheckedTable]:
        """The tables of some buckets, each in the order of the buckets."""
        files = {}
        for name in TABLES:
            files[name] = [self._read(name, number) for number in numbers]
        try:
            return self._checked(files)
        # A type or a patient that no file of `kettrack shard` has.
        except ValueError:
            raise not_as_written(MANIFEST_FILE, _AS_WRITTEN) from None

    def _checked(
        self, files: Mapping[str, list[pq.ParquetFile]]
    ) -> dict[str, CheckedTable]:
        patients = _everyone(files["patients"])
        found = {}
        for name, table in TABLES.items():
            columns = self.manifest.columns[name]
            found[name] = table_of_buckets(files[name], table, columns, patients)
        return found

    def _read(self, table: str, number: int) -> pq.ParquetFile:
        """One file, once its bytes are known to be those that were written."""
        file = bucket_path(table, number)
        path = self.folder / file
        try:
            data = path.read_bytes()
        except OSError as error:
            raise NotRead(path, error) from error
        if hashlib.sha256(data).hexdigest() != self.manifest.files[file]:
            raise not_as_written(file, _AS_WRITTEN)
        return pq.ParquetFile(pa.BufferReader(data))

    def _cohort(self, tables: dict[str, CheckedTable], ledger: Ledger) -> Cohort:
        manifest = self.manifest
        ledger.notes += manifest.notes
        ledger.left_out += manifest.left_out
        if self.settings.instrument not in manifest.scored:
            ledger.note(
                f"There is no {self.settings.instrument} score; another instrument can be chosen."
            )
        # Of nobody there is no end of a log to choose.
        patients: CheckedTable | pd.DataFrame = tables["patients"]
        if len(tables["sessions"].rows):
            patients, _ = choose_log_end(tables, self.settings, ledger)
        return Cohort(
            sessions=tables["sessions"],
            scores=tables["scores"],
            patients=patients,
            events=tables["events"],
            # A bucket in which every log has an end does not choose for the others.
            settings=self.settings,
            notes=tuple(ledger.notes),
            exclusions=ledger.exclusions(),
            provenance=self._provenance(),
            truths=read_truths(self.folder, ledger),
            import_remarks=read_import_remarks(self.folder, ledger),
        )

    def _provenance(self) -> Provenance:
        return Provenance(
            input_sha256=self.manifest.input_sha256,
            files=tuple(sorted(self.manifest.source)),
            allowed=tuple(self.manifest.allowed),
        )


def open_sharded(
    folder: str | Path,
    allow: Iterable[str] = (),
    **overrides: object,
) -> ShardedFolder:
    """Open a folder that `kettrack shard` has made.

    Parameters
    ----------
    folder : str or Path
        The folder.
    allow : iterable of str
        Only columns that were let through when the folder was made.
    **overrides
        Fields of `Settings`, but for those that decided how cells were read.

    Raises
    ------
    DataProblems
        When its list or its settings are not as they were written.
    UsageError
        For a setting that was decided when the folder was made.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from kettrack import sample_folder, shard
    >>> with TemporaryDirectory() as place:
    ...     made = shard(sample_folder(), f"{place}/buckets", buckets=2)
    ...     folder = open_sharded(f"{place}/buckets", instrument="MADRS")
    ...     first = folder.bucket(0)
    >>> folder.manifest.n_patients, len(first.patients) < 600
    (600, True)
    """
    place = Path(folder)
    manifest = read_shard_list(place)
    _refuse_late(manifest, allow, overrides)
    _require_settings(place, manifest)
    ledger = Ledger()
    settings = settings_of_folder(place, overrides, ledger)
    if settings is None or ledger.problems:
        raise DataProblems(ledger.in_order())
    # As where all rows are read at once: a choice that fills nothing is none.
    if settings.log_complete_to == LAST_ROW and not manifest.logs_without_end:
        settings = replace(settings, log_complete_to="observed_to_day")
    return ShardedFolder(
        folder=place.absolute(),
        manifest=manifest,
        settings=settings,
    )


def _refuse_late(
    manifest: ShardList,
    allow: Iterable[str],
    overrides: Mapping[str, Any],
) -> None:
    """Stop at what had to be said when the folder was made."""
    late = [name for name in _DECIDED if overrides.get(name) is not None]
    late += [name for name in allow if name not in manifest.allowed]
    if late:
        raise UsageError(
            f"{late[0]!r} was decided when this folder was made. Say it there: kettrack shard"
            " SOURCE -o DIR --replace"
        )


def _require_settings(folder: Path, manifest: ShardList) -> None:
    """Settings decide what cells mean, and cells were read by those of the source."""
    path = folder / SETTINGS_FILE
    there = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    if there != manifest.source.get(SETTINGS_FILE):
        expected = (
            "the settings by which the source was read; these are others. Change those of the"
            " source, and shard it again. Instrument, criteria and policy can be chosen on the"
            " command line"
        )
        raise not_as_written(SETTINGS_FILE, expected)


def _everyone(patients: Sequence[pq.ParquetFile]) -> Objects:
    """All patient codes, sorted."""
    codes: list[str] = []
    for file in patients:
        codes += file.read(["patient_id"])["patient_id"].to_pylist()
    return np.array(sorted(codes), dtype=object)


def _require_order(tables: Mapping[str, CheckedTable], number: int) -> None:
    for name, table in tables.items():
        if not is_sorted(table):
            expected = "rows in the order that the file says they have"
            raise not_as_written(bucket_path(name, number), expected)


def _require_own(patients: CheckedTable, number: int, n_buckets: int) -> None:
    """Whole patients are in one bucket only where each is in its own."""
    codes = patients.rows["patient_id"].values
    once = pd.Index(codes).is_unique
    if not once or (bucket_numbers(codes, n_buckets) != number).any():
        expected = f"patients of bucket {number} alone, each once"
        raise not_as_written(bucket_path("patients", number), expected)
