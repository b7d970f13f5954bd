"""The one list of readers: which files each takes, and how another package adds one."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

import pyarrow as pa

from kettrack.errors import UsageError
from kettrack.importing import readers
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.safe_names import with_unique_names
from kettrack.importing.source import SourceData, SourceTable
from kettrack.privacy.identifying_people import shown

# Entry points under this name are modules of other packages that register readers of their own.
ENTRY_POINTS: Final = "kettrack.readers"
# The kind of a folder that is read file by file.
FOLDER: Final = "folder"
_UNKNOWN: Final = "no reader knows what this file is; nothing was read from it"
# What is read with the data that it belongs to, and told there.
_OF_DATA: Final[Mapping[str, str]] = {
    ".sas7bcat": "a catalog of formats; it is read with the SAS data beside it",
}
Answers = Mapping[str, str]
Read = Callable[[Path, Answers, Remarks], SourceData]
# How sure a reader is that a path is its own: 0 = not at all, 1 = its ending says so, 2 = its
# content does.
Recognise = Callable[[Path], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One kind of source.

    Parameters
    ----------
    kind : str
        Its name on the command line and in `map.toml`, such as `excel`.
    about : str
        What it reads, in a few words.
    read : callable
        A path, the answers given so far and the remarks in; a `SourceData` out.
    recognise : callable
        How sure it is that a path is its own.
    """

    kind: str
    about: str
    read: Read
    recognise: Recognise


_READERS: Final[dict[str, Reader]] = {}


def reader(kind: str, *, about: str, recognise: Recognise) -> Callable[[Read], Read]:
    """Register the function below as the reader of a kind of file.

    Parameters
    ----------
    kind, about, recognise
        As in `Reader`.
    """

    def register(read: Read) -> Read:
        _READERS[kind] = Reader(kind=kind, about=about, read=read, recognise=recognise)
        return read

    return register


def known_readers() -> Mapping[str, Reader]:
    """Kind to reader: those of kettrack and those of other packages."""
    _load_all()
    return dict(sorted(_READERS.items()))


@cache
def _load_all() -> None:
    # A module registers its readers when it is imported.
    for module in iter_modules(readers.__path__):
        importlib.import_module(f"{readers.__name__}.{module.name}")
    for entry in entry_points(group=ENTRY_POINTS):
        entry.load()


def recognised(path: Path) -> Reader:
    """The reader of a path.

    Raises
    ------
    UsageError
        When nothing is there, or when no reader takes it; the message lists the kinds.
    """
    if not path.exists():
        raise UsageError(f"There is no file or folder {str(path)!r}.")
    sure = [(one.recognise(path), one) for one in known_readers().values()]
    best = max((rank for rank, _ in sure), default=0)
    if not best:
        kinds = "; ".join(f"{one.kind} ({one.about})" for _, one in sure)
        raise UsageError(
            f"No reader knows what {path.name!r} is. Say it with --kind; there are: {kinds}."
        )
    # Of several that are equally sure the first by name: the choice is the same every time.
    return next(one for rank, one in sure if rank == best)


def read_source(
    path: Path,
    answers: Answers,
    remarks: Remarks,
    kind: str = "",
) -> SourceData:
    """Read a file or folder of any kind.

    Parameters
    ----------
    path : Path
        The file or folder.
    answers : mapping
        To the questions of an earlier run.
    remarks : Remarks
        Takes what was dropped, refused or mended, and what is to be asked.
    kind : str
        Name of a reader; empty = guess.

    Raises
    ------
    UsageError
        When there is no such reader or path, or when a package is missing.
    """
    known = known_readers()
    if kind == FOLDER or (not kind and _is_mixed(path)):
        return with_unique_names(_read_each(path, answers, remarks), remarks)
    if kind and kind not in known:
        raise UsageError(
            f"No reader is called {kind!r}; there are: {', '.join(known)}."
        )
    chosen = known[kind] if kind else recognised(path)
    return with_unique_names(chosen.read(path, answers, remarks), remarks)


def _is_mixed(path: Path) -> bool:
    """Whether no reader takes a folder as a whole, though some takes a file of it."""
    if not path.is_dir() or any(
        one.recognise(path) for one in known_readers().values()
    ):
        return False
    return any(_reader_of(file) for file in _files(path))


def _files(folder: Path) -> list[Path]:
    # Hidden files, and those that an open spreadsheet leaves behind, are nobody's data.
    return sorted(
        file
        for file in folder.iterdir()
        if file.is_file() and not file.name.startswith((".", "~"))
    )


def _reader_of(path: Path) -> Reader | None:
    try:
        return recognised(path)
    except UsageError:
        return None


def _read_each(
    folder: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """A folder of files of several kinds, or of a kind whose reader takes single files."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {str(folder)!r}.")
    # The tables keep the names of their files, so nothing mixes.
    tables: list[SourceTable] = []
    records: dict[tuple[str, str], pa.Array] = {}
    joined: dict[tuple[str, str], pa.Array] = {}
    for file in _files(folder):
        of_file = _reader_of(file)
        if of_file is None:
            name = shown(file.name, file=True)
            reason = _OF_DATA.get(file.suffix.lower(), _UNKNOWN)
            remarks.add(Remark(file=name, table=name, action="noted", reason=reason))
            continue
        source = of_file.read(file, answers, remarks)
        tables += source.tables
        records |= source.records
        joined |= source.joined
    return SourceData(
        kind=FOLDER,
        tables=tables,
        records=records,
        joined=joined,
    )


def require(module: str, package: str, what: str = "Reading this file") -> None:
    """Stop when a package that only a reader needs is not installed.

    Parameters
    ----------
    module : str
        Name to import.
    package : str
        Name to install.
    what : str
        Needs it.

    Raises
    ------
    UsageError
        Saying what to install.
    """
    try:
        importlib.import_module(module)
    except ImportError:
        raise UsageError(
            f"{what} needs {package}, which is not installed."
            " Type: pip install 'kettrack[import]'"
        ) from None
