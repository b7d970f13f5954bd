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

from kettrack.errors import UsageError
from kettrack.importing import readers
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData
from kettrack.importing.unique_names import with_unique_names

# Entry points under this name are modules of other packages that register readers of their own.
ENTRY_POINTS: Final = "kettrack.readers"
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
    if kind and kind not in known:
        raise UsageError(
            f"No reader is called {kind!r}; there are: {', '.join(known)}."
        )
    chosen = known[kind] if kind else recognised(path)
    return with_unique_names(chosen.read(path, answers, remarks), remarks)


def require(module: str, package: str) -> None:
    """Stop when a package that only a reader needs is not installed.

    Parameters
    ----------
    module : str
        Name to import.
    package : str
        Name to install.

    Raises
    ------
    UsageError
        Saying what to install.
    """
    try:
        importlib.import_module(module)
    except ImportError:
        raise UsageError(
            f"Reading this file needs {package}, which is not installed."
            " Type: pip install 'kettrack[import]'"
        ) from None
