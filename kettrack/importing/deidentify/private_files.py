"""The key and the linkage: only their owner may read them, and they never lie with the data."""

from __future__ import annotations

import os
import secrets
import shlex
import stat
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import csv

from kettrack.errors import NotWritten, UsageError

_KEY_BYTES: Final = 32
# As many signs as 16 random bytes have in hexadecimal: fewer could be tried out one after another.
_FEWEST_SIGNS: Final = 32
_FEWEST_DIFFERENT: Final = 8
_OWNER_ONLY: Final = 0o600
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_CHECKOUTS: Final = (".git", ".hg", ".svn")


def new_key(
    path: Path,
    cohort: Path | None,
) -> bytes:
    """Make a secret key, and write it to a file that only its owner can read.

    Parameters
    ----------
    path : Path
        A new file, outside of the cohort folder and of any checkout.
    cohort : Path, optional
        The cohort folder, where there is to be one.

    Raises
    ------
    UsageError
        When the file exists, or must not lie there.
    """
    if path.exists():
        raise UsageError(
            f"{str(path)!r} exists already. Use it with --key, or name a new file: whoever loses a"
            " key can never make the same codes again."
        )
    refuse_place(path, cohort, "The key")
    key = secrets.token_hex(_KEY_BYTES)
    _write_privately(path, f"{key}\n".encode())
    return key.encode()


def read_key(
    path: Path,
    cohort: Path,
) -> bytes:
    """Read a secret key.

    Parameters
    ----------
    path : Path
        As `new_key` made it, or any text of 32 signs or more that nobody can guess.
    cohort : Path
        The cohort folder.

    Raises
    ------
    UsageError
        When there is none, when others can read it, when it must not lie there, or when it is so
        short that it could be guessed.
    """
    if not path.is_file():
        raise UsageError(
            f"There is no key {str(path)!r}. Make one: kettrack deidentify --new-key FILE"
        )
    refuse_place(path, cohort, "The key")
    # Windows has no such bits; there the rights of the folder decide.
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        raise UsageError(
            f"Others on this computer can read the key {str(path)!r}. Type:"
            f" chmod 600 {shlex.quote(str(path))}"
        )
    # An editor may have put a line end behind it.
    key = path.read_bytes().strip()
    if len(key) < _FEWEST_SIGNS or len(set(key)) < _FEWEST_DIFFERENT:
        raise UsageError(
            f"The key {str(path)!r} is too short or too plain to be secret. A code made with it"
            " would be like a plain hash: whoever has a list of record numbers could try them all."
            " Make one: kettrack deidentify --new-key FILE"
        )
    return key


def write_linkage(
    linkage: pa.Table,
    path: Path,
    cohort: Path,
) -> None:
    """Write which code is whom, to a file that only its owner can read.

    Parameters
    ----------
    linkage : pyarrow.Table
        As `deidentify` returns it.
    path : Path
        A new CSV file, outside of the cohort folder and of any checkout.
    cohort : Path
        The cohort folder.

    Raises
    ------
    UsageError
        When the file exists, or must not lie there.
    """
    require_new_linkage(path, cohort)
    # Exactly as the source writes them: a changed record number would find nobody.
    sink = pa.BufferOutputStream()
    csv.write_csv(linkage, sink)
    _write_privately(path, sink.getvalue().to_pybytes())


def require_new_linkage(
    path: Path,
    cohort: Path,
) -> None:
    """Refuse a place for the linkage before any work is done; it raises as `write_linkage`."""
    if path.exists():
        raise UsageError(
            f"{str(path)!r} exists already; an older linkage is not overwritten. Name a new file."
        )
    refuse_place(path, cohort, "The linkage")


def refuse_place(
    path: Path,
    cohort: Path | None,
    what: str,
) -> None:
    """Refuse a place from which a secret would travel together with the data.

    Parameters
    ----------
    path : Path
        The file.
    cohort : Path, optional
        The cohort folder, where there is one.
    what : str
        What the file is, as a sentence begins.

    Raises
    ------
    UsageError
        Saying where it may lie.
    """
    # Where links lead to counts, not what the path looks like.
    place = path.resolve()
    if not place.parent.is_dir():
        raise UsageError(f"There is no folder {str(path.parent)!r} for {path.name!r}.")
    if cohort is not None and place.is_relative_to(cohort.resolve()):
        raise UsageError(
            f"{what} must not lie in the cohort folder: whoever gets the folder would know who"
            " everybody is. Name a file elsewhere, such as one in your home folder."
        )
    for around in place.parents:
        if any((around / name).exists() for name in _CHECKOUTS):
            raise UsageError(
                f"{what} must not lie in {str(around)!r}, which is under version control: with the"
                " next commit everybody would have it. Name a file elsewhere, such as one in your"
                " home folder."
            )


def _write_privately(
    path: Path,
    content: bytes,
) -> None:
    """Create a file that nobody else could read at any moment."""
    # The rights are given when the file is made; a chmod afterwards would come too late.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        handle = os.open(path, flags, _OWNER_ONLY)
    except OSError as error:
        raise NotWritten(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        # Half a key is none, and it would stand in the way of a whole one.
        path.unlink(missing_ok=True)
        raise NotWritten(path, error) from error
