"""A cohort folder of any size to buckets of whole patients: checked once, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Final

import numpy as np
import pandas as pd

from kettrack import __version__
from kettrack.errors import DataProblems, NoCohortFolder, UsageError
from kettrack.reading.cells import note_marked
from kettrack.reading.chosen_settings import settings_of_folder
from kettrack.reading.folder import report_no_rows, sha256_of
from kettrack.reading.headers import source_names
from kettrack.reading.import_remarks import IMPORT_PROBLEMS_FILE
from kettrack.reading.patient_codes import note_similar_ids
from kettrack.reading.problems import Ledger
from kettrack.reading.sharded.manifest import (
    MANIFEST_FILE,
    ShardList,
    is_sharded,
    write_shard_list,
)
from kettrack.reading.truth_file import TRUTH_FILE
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.sharding.checked_buckets import Spooled, check_bucket
from kettrack.sharding.shuffle import write_by_bucket
from kettrack.sharding.source_files import (
    FilePart,
    SourceFile,
    buckets_filled,
    n_parts,
    read_parts,
    source_files,
)
from kettrack.sharding.source_text import Content, look_through
from kettrack.sharding.told import (
    Found,
    contradictions_in,
    found_in,
    left_out_of,
    notes_of_buckets,
    notes_of_files,
    problems_of,
)
from kettrack.sharding.work_folder import BucketDone, PartDone, Plan, WorkFolder
from kettrack.vocabulary.columns import TABLES
from kettrack.writing import whole_folder

MOST_BUCKETS: Final = 4096
# What else a folder may hold beside its tables.
_COPIED: Final = (SETTINGS_FILE, TRUTH_FILE, IMPORT_PROBLEMS_FILE)
# Problems beyond it are those of a file that is read wrongly as a whole.
_MOST_PROBLEMS: Final = 100_000
_HINT: Final = (
    "Nothing was written. A bucket is checked as a folder is; what is judged from a whole file is"
    " judged in each bucket."
)
_Advance = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharding:
    """What is to be made. Made by `plan_sharding`.

    Parameters
    ----------
    source, target : Path
        The cohort folder, and the folder to be made.
    files : tuple of SourceFile
        Of all tables.
    settings : Settings
        Of the source.
    allow : tuple of str
        Columns let through the identifier check.
    n_buckets : int
        How many buckets are made.
    found : Ledger
        What was found so far.
    """

    source: Path
    target: Path
    files: tuple[SourceFile, ...]
    settings: Settings
    allow: tuple[str, ...]
    n_buckets: int
    found: Ledger

    @property
    def n_steps(self) -> int:
        """Steps of a bar that shows progress, roughly."""
        return sum(map(n_parts, self.files)) + self.n_buckets


def plan_sharding(
    source: str | Path,
    target: str | Path,
    *,
    buckets: int | None = None,
    allow: Sequence[str] = (),
    replace: bool = False,
) -> Sharding:
    """Look at a source and a place before any work is done.

    Parameters
    ----------
    source : str or Path
        A cohort folder. A table may also be a folder of parts.
    target : str or Path
        The folder to be made.
    buckets : int, optional
        How many are made. By default one for about 100,000 patients.
    allow : sequence of str
        Columns to let through the identifier check.
    replace : bool
        Whether a folder that was made so before is replaced.

    Raises
    ------
    UsageError
        For a place where something else is, and for a number of buckets that makes no sense.
    """
    home = Path(source)
    place = Path(target)
    if not home.is_dir():
        raise NoCohortFolder(source)
    if is_sharded(home):
        raise UsageError(
            f"{str(home)!r} is in buckets already. Name what it was made from."
        )
    _require_place(home, place, replace)
    if buckets is not None and not 1 <= buckets <= MOST_BUCKETS:
        raise UsageError(
            f"A folder has 1 to {MOST_BUCKETS:,} buckets, not {buckets:,}."
        )
    ledger = Ledger()
    settings = settings_of_folder(home, {}, ledger)
    if settings is None:  # without it nobody knows what the columns are called
        raise DataProblems(ledger.in_order())
    files = tuple(source_files(home, ledger))
    wanted = sum(map(buckets_filled, files))
    return Sharding(
        source=home,
        target=place,
        files=files,
        settings=settings,
        allow=tuple(allow),
        n_buckets=buckets or min(int(wanted) + 1, MOST_BUCKETS),
        found=ledger,
    )


def _require_place(source: Path, target: Path, replace: bool) -> None:
    if target.is_file():
        raise UsageError(f"{str(target)!r} is a file. Name a new folder.")
    home = source.resolve()
    if home in (target.resolve(), *target.resolve().parents):
        raise UsageError(
            f"{str(target)!r} is the cohort folder, or lies in it. Name a folder outside of it."
        )
    if not target.absolute().parent.is_dir():
        raise UsageError(
            f"There is no folder {str(target.parent)!r} to make {target.name!r} in."
        )
    there = {one.name for one in target.iterdir()} if target.exists() else set()
    if there and not replace:
        raise UsageError(
            f"{str(target)!r} exists already and is not empty. Name a new folder; one that kettrack"
            " shard has made can be replaced with --replace."
        )
    # Nothing is lost that somebody else may have put there.
    if there and (there - {*TABLES, *_COPIED, MANIFEST_FILE} or not is_sharded(target)):
        raise UsageError(
            f"{str(target)!r} was not made by kettrack shard, or holds other files as well, so it"
            " is not replaced. Name a new folder."
        )


def shard(
    source: str | Path,
    target: str | Path,
    *,
    buckets: int | None = None,
    allow: Sequence[str] = (),
    replace: bool = False,
) -> ShardList:
    """Make a cohort folder of any size into buckets of whole patients, which are checked once and
    read bucket by bucket.

    Parameters
    ----------
    source, target, buckets, allow, replace
        As for `plan_sharding`.

    Returns
    -------
    ShardList
        What the folder holds. A run that was killed goes on where it stopped, unless the source has
        changed.

    Raises
    ------
    DataProblems
        Carries every problem found; nothing is written then.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from kettrack import load_cohort, sample_folder
    >>> with TemporaryDirectory() as place:
    ...     made = shard(sample_folder(), f"{place}/buckets", buckets=2)
    ...     again = load_cohort(f"{place}/buckets")
    >>> made.n_buckets, made.n_patients == len(again.patients)
    (2, True)
    """
    plan = plan_sharding(source, target, buckets=buckets, allow=allow, replace=replace)
    return make_buckets(plan, lambda: None)


def make_buckets(plan: Sharding, advance: _Advance) -> ShardList:
    """Do what was planned.

    Parameters
    ----------
    plan : Sharding
        From `plan_sharding`.
    advance : callable
        Called after each step.
    """
    before = _marks(plan)
    contents = {one.file: look_through(one.path) for one in plan.files}
    hashes = _hashes(plan, contents)
    work = WorkFolder(plan.target, _work_plan(plan, hashes))
    parts: dict[str, list[tuple[Path, PartDone]]] = {}
    for one in plan.files:
        here = parts.setdefault(one.table, [])
        here += _spool(plan, one, contents[one.file], work, advance)
    source = Spooled(
        settings=plan.settings,
        allow=plan.allow,
        files=plan.files,
        parts=parts,
        n_buckets=plan.n_buckets,
    )
    done = _check_all(source, work, advance)
    spooled = {name: [each for _, each in some] for name, some in parts.items()}
    _require_unchanged(plan, before)
    _stop_on_problems(plan, spooled, done, work)
    manifest = _manifest(plan, hashes, spooled, done, work)
    _put_in_place(plan, manifest, work)
    return manifest


def _files_of(
    plan: Sharding,
    table: str,
) -> list[SourceFile]:
    return [one for one in plan.files if one.table == table]


def _hashes(plan: Sharding, contents: dict[str, Content]) -> dict[str, bytes]:
    """File to the hash of its content, as a cohort that is read at once has it."""
    hashes = {file: content.sha256 for file, content in contents.items()}
    settings = plan.source / SETTINGS_FILE
    if settings.is_file():
        hashes[SETTINGS_FILE] = look_through(settings).sha256
    return hashes


def _work_plan(plan: Sharding, hashes: dict[str, bytes]) -> Plan:
    return Plan(
        kettrack=__version__,
        source={file: found.hex() for file, found in hashes.items()},
        n_buckets=plan.n_buckets,
        allowed=list(plan.allow),
    )


def _marks(plan: Sharding) -> list[tuple[int, int]]:
    """Size and time of each file, by which a change on the way is noticed."""
    found = [one.path.stat() for one in plan.files]
    return [(one.st_size, one.st_mtime_ns) for one in found]


def _require_unchanged(plan: Sharding, before: list[tuple[int, int]]) -> None:
    if _marks(plan) != before:
        raise UsageError(
            f"A file of {str(plan.source)!r} was changed while it was read. Type the command again"
            " when nobody writes to it."
        )


def _spool(
    plan: Sharding,
    one: SourceFile,
    content: Content,
    work: WorkFolder,
    advance: _Advance,
) -> list[tuple[Path, PartDone]]:
    """Write the rows of one file by bucket, part by part; parts that are done are passed over."""
    done: dict[int, PartDone] = {}
    while (earlier := work.part_done(one.file, len(done))) is not None:
        done[len(done)] = earlier
        advance()
    for part in read_parts(one, content, plan.settings, set(done)):
        done[part.number] = _spooled(plan, part, one, work)
        advance()
    return [(work.part_path(one.file, number), done[number]) for number in done]


def _spooled(
    plan: Sharding,
    part: FilePart,
    one: SourceFile,
    work: WorkFolder,
) -> PartDone:
    raw = part.raw
    rows: list[int] = []
    if raw is not None:
        path = work.part_path(one.file, part.number)
        rows = write_by_bucket(raw, plan.settings, plan.n_buckets, path)
    columns = raw.columns if raw is not None else ()
    done = PartDone(
        headers=list(raw.headers) if raw is not None else None,
        rows=rows,
        marked=[cells.n_marked for cells in columns],
        separator=raw.separator if raw is not None else "",
        found=found_in(part.ledger),
    )
    work.note_part(one.file, part.number, done)
    return done


def _check_all(
    source: Spooled, work: WorkFolder, advance: _Advance
) -> list[BucketDone]:
    """Check every bucket that is not done yet."""
    done: list[BucketDone] = []
    n_problems = 0
    for number in range(source.n_buckets):
        one = work.bucket_done(number) or check_bucket(source, number, work)
        done.append(one)
        advance()
        n_problems += len(one.found.problems)
        # Nobody mends so many one by one, and they fill the memory.
        if n_problems > _MOST_PROBLEMS:
            break
    return done


def _stop_on_problems(
    plan: Sharding,
    spooled: Mapping[str, list[PartDone]],
    done: list[BucketDone],
    work: WorkFolder,
) -> None:
    ledger = Ledger()
    found = [found_in(plan.found)]
    found += _found_in_files(spooled)
    found += [one.found for one in done]
    ledger.problems = problems_of(found, plan.files)
    for table, parts in spooled.items():
        read = [part for part in parts if part.headers is not None]
        if read and not any(any(part.rows) for part in read):
            report_no_rows(table, _files_of(plan, table)[0].file, ledger)
    for what in contradictions_in(one.found for one in done):
        expected = f"the same judgement in every bucket, but {what}; make fewer buckets"
        ledger.problem(SETTINGS_FILE, None, "", "", expected)
    if ledger.problems:
        # The source must change, and what was done so far would be worth nothing.
        work.remove()
        raise DataProblems(ledger.in_order(), _HINT)


def _found_in_files(
    spooled: Mapping[str, list[PartDone]],
) -> list[Found]:
    return [one.found for parts in spooled.values() for one in parts]


def _manifest(
    plan: Sharding,
    hashes: dict[str, bytes],
    spooled: Mapping[str, list[PartDone]],
    done: list[BucketDone],
    work: WorkFolder,
) -> ShardList:
    scored: Counter[str] = Counter()
    files: dict[str, str] = {}
    for one in done:
        scored.update(one.scored)
        files |= one.files
    checks = [one.found for one in done]
    return ShardList(
        kettrack=__version__,
        n_buckets=plan.n_buckets,
        source={file: found.hex() for file, found in sorted(hashes.items())},
        input_sha256=sha256_of(hashes),
        allowed=list(plan.allow),
        rows={name: [one.rows[name] for one in done] for name in TABLES},
        columns={name: _columns(name, done) for name in TABLES},
        scored=dict(scored.most_common()),
        logs_without_end=sum(one.logs_without_end for one in done),
        files=files,
        notes=[
            *plan.found.notes,
            *notes_of_files(_found_in_files(spooled)),
            *_marked(plan, spooled),
            *notes_of_buckets(checks),
            *_similar(plan, work),
        ],
        left_out=left_out_of(checks),
    )


def _marked(
    plan: Sharding,
    spooled: Mapping[str, list[PartDone]],
) -> list[str]:
    """How many cells of each column said in a word that they are empty: those words are gone before
    rows come into buckets.
    """
    ledger = Ledger()
    for table, parts in spooled.items():
        counts: Counter[str] = Counter()
        for part in parts:
            headers = map(str.casefold, part.headers or [])
            counts.update(dict(zip(headers, part.marked, strict=True)))
        file = _files_of(plan, table)[0].file
        sources = source_names(TABLES[table], plan.settings)
        for name, source in sources.items():
            note_marked(file, name, counts[source.casefold()], ledger)
    return ledger.notes


def _columns(
    table: str,
    done: Sequence[BucketDone],
) -> list[str]:
    """Every column that any bucket has, in the order of the contract."""
    there = {name for one in done for name in one.columns[table]}
    return [name for name in TABLES[table].names if name in there]


def _similar(
    plan: Sharding,
    work: WorkFolder,
) -> list[str]:
    """The note on codes that differ only by what nobody means, over all buckets."""
    numbers = [np.load(work.folded_path(number)) for number in range(plan.n_buckets)]
    ledger = Ledger()
    note_similar_ids(pd.Series(np.concatenate(numbers)), ledger)
    return ledger.notes


def _put_in_place(plan: Sharding, manifest: ShardList, work: WorkFolder) -> None:
    with whole_folder(plan.target) as draft:
        for name in TABLES:
            (work.result / name).replace(draft / name)
        for name in _COPIED:
            if (plan.source / name).is_file():
                copyfile(plan.source / name, draft / name)
        # Without its list the folder is none: the list comes last.
        write_shard_list(manifest, draft)
    work.remove()
