"""What kettrack says when it cannot go on: a root, bad input, and a refusal."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kettrack.escapes import in_terminal

_MOST_TOLD: Final = 20  # lines for one file
_MOST_JOINED: Final = 3  # places named in one line

_TROUBLE: Final = "the disk or the network reported a fault"
_OTHER_DISK: Final = "Name a place on another disk."
_MAKE_ROOM: Final = "Make room on it, or name a place on another disk."
# Number of the system's error to what is wrong, and what to do; first for what is to be written.
_WHY_NOT_WRITTEN: Final[Mapping[int, tuple[str, str]]] = {
    errno.ENOSPC: ("the disk is full", _MAKE_ROOM),
    errno.EDQUOT: (
        "your share of the disk is used up",
        _MAKE_ROOM,
    ),
    errno.EFBIG: ("the file would be too large for this disk", _OTHER_DISK),
    errno.EROFS: ("nothing can be written on this disk", _OTHER_DISK),
    errno.EIO: (_TROUBLE, _OTHER_DISK),
    errno.EACCES: (
        "you have no right to write there",
        "Name a place in a folder of your own.",
    ),
    errno.EPERM: (
        "you have no right to write there",
        "Name a place in a folder of your own.",
    ),
    errno.ENAMETOOLONG: ("its name is too long", "Choose a shorter name."),
}
_WHY_NOT_READ: Final[Mapping[int, tuple[str, str]]] = {
    errno.ENOENT: (
        "it is not there",
        "It may have been moved or deleted meanwhile. Look for it, and type the command again.",
    ),
    errno.EACCES: (
        "you have no right to read it",
        "Ask its owner for the right, or for a copy in a folder of your own.",
    ),
    errno.EPERM: (
        "you have no right to read it",
        "Ask its owner for the right, or for a copy in a folder of your own.",
    ),
    errno.EISDIR: ("it is a folder, and a file is needed", "Name a file in it."),
    errno.ENOTDIR: ("a part of its path is a file", "Name a folder there."),
    errno.ENAMETOOLONG: ("its name is too long", "Look whether it is a name at all."),
    errno.EIO: (_TROUBLE, "Copy it to another disk, and name it there."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the input, and where it stands.

    `value` is already masked where it could identify a person; it is never the raw cell of an
    identifying column.
    """

    file: str
    line: int | None
    column: str
    value: str
    expected: str

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        return _placed(line, self.column, self.value, self.expected)


def _placed(line: str, column: str, value: str, expected: str) -> str:
    """`line 3, score: 31 - a whole number`, without the parts that are empty."""
    place = ", ".join(filter(None, (line, column)))
    if not place:
        return expected
    shown = f": {value}" if value else ""
    return f"{place}{shown} - {expected}"


class KettrackError(Exception):
    """Root of every error meant for the user; shown as text, never as a traceback."""

    exit_code = 2

    def __str__(self) -> str:
        """The message; the name of a file or column in it moves no cursor and hides nothing."""
        return in_terminal(super().__str__())


class UsageError(KettrackError):
    """A name, option or combination that does not exist; the message says what does."""


class WrongArgument(UsageError):
    """A function was given something of another kind than it needs.

    Parameters
    ----------
    function : str
        As the caller wrote it.
    expected : str
        What it needs, in words.
    given : object
        What it got; only its type is named.

    Examples
    --------
    >>> print(WrongArgument("load_cohort", "the path of a cohort folder", [1, 2]))
    load_cohort needs the path of a cohort folder, but it was given a list.
    """

    def __init__(self, function: str, expected: str, given: object) -> None:
        # Only the kind is named: the value may hold data of patients.
        kind = type(given).__name__
        article = "an" if kind[0] in "AEIOUaeiou" else "a"
        named = "None" if given is None else f"{article} {kind}"
        super().__init__(f"{function} needs {expected}, but it was given {named}.")


class NoCohortFolder(UsageError):
    """A path does not lead to a folder; the message says what a cohort folder holds.

    Parameters
    ----------
    path : str or Path
        As given.
    """

    def __init__(self, path: str | Path) -> None:
        needed = "A cohort folder holds sessions.csv and scores.csv."
        # Naming a file of the folder instead of the folder is the commonest slip.
        if Path(path).is_file():
            name = str(path)
            super().__init__(
                f"{name!r} is a file. Name the folder it is in. {needed}"
                f" A file of another program becomes one: kettrack import {name} -o FOLDER"
            )
        else:
            super().__init__(f"There is no folder {str(path)!r}. {needed}")


class DataProblems(KettrackError):
    """The input cannot be used as it is; carries every problem found, not only the first.

    Parameters
    ----------
    problems : list of Problem
        In file and line order.
    hint : str
        What to do next, printed as the last line.
    """

    def __init__(self, problems: list[Problem], hint: str = "") -> None:
        self.problems = problems
        self.hint = hint
        super().__init__(self._text())

    def _text(self) -> str:
        lines: list[str] = []
        for file in dict.fromkeys(problem.file for problem in self.problems):
            here = [problem for problem in self.problems if problem.file == file]
            plural = "" if len(here) == 1 else "s"
            lines.append(f"{file}: {len(here)} problem{plural}")
            lines += _told(here)
        lines.append("Nothing was loaded.")
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


def _told(problems: list[Problem]) -> list[str]:
    """One line for all problems of a column that expect the same. The first lines are told, and of
    every kind at least one.
    """
    alike: dict[tuple[str, str], list[Problem]] = {}
    for one in problems:
        alike.setdefault((one.column, one.expected), []).append(one)
    # Kinds differ in more than their numbers. The list is walked backwards, so that the first of a
    # kind is the one that stays.
    first_of_kind = {}
    for column, expected in reversed(alike):
        kind = (column, re.sub(r"\d+", "#", expected))
        first_of_kind[kind] = (column, expected)
    firsts = set(first_of_kind.values())
    told = []
    n_untold = 0
    for place, (key, group) in enumerate(alike.items()):
        if place < _MOST_TOLD or key in firsts:
            told.append(f"  {_joined(group)}")
        else:
            n_untold += len(group)
    if n_untold:
        told.append(f"  ... and {n_untold} more of these kinds")
    return told


def _joined(alike: list[Problem]) -> str:
    """Problems of one column that expect the same, as one line with the first of their lines and
    values.
    """
    first = alike[0]
    if len(alike) == 1:
        return str(first)
    lines = [str(one.line) for one in alike if one.line]
    values = list(dict.fromkeys(one.value for one in alike if one.value))
    shown_lines = ", ".join(lines[:_MOST_JOINED])
    shown_values = ", ".join(values[:_MOST_JOINED])
    if len(lines) > _MOST_JOINED:
        shown_lines += f" and {len(lines) - _MOST_JOINED} more"
    if len(values) > _MOST_JOINED:
        shown_values += ", ..."
    line = f"line {shown_lines}" if lines else ""
    return _placed(line, first.column, shown_values, first.expected)


class NotWritten(KettrackError):
    """The system did not let a file or folder be written. What stood there before is as it was.

    Parameters
    ----------
    path : str or Path
        What was to be written, as the person named it.
    error : OSError
        What the system said. Its own words are used only where there are none below.

    Examples
    --------
    >>> print(NotWritten("out.csv", OSError(28, "No space left on device")))
    'out.csv' was not written: the disk is full. Make room on it, or name a place on another disk.
    """

    def __init__(self, path: str | Path, error: OSError) -> None:
        self.error = error
        why = _system_words(error, _WHY_NOT_WRITTEN)
        kept = " What stood there before is as it was." if Path(path).exists() else ""
        super().__init__(f"{str(path)!r} was not written: {why}{kept}")


class NotRead(KettrackError):
    """The system did not let a file or folder be read.

    Parameters
    ----------
    path : str or Path
        What was to be read.
    error : OSError
        What the system said.

    Examples
    --------
    >>> print(NotRead("clinic", PermissionError(13, "Permission denied")))  # doctest: +ELLIPSIS
    'clinic' could not be read: you have no right to read it. Ask its owner for the right, or ...
    """

    def __init__(self, path: str | Path, error: OSError) -> None:
        super().__init__(f"{str(path)!r} could not be read: {why_not_read(error)}")


def why_not_read(error: OSError) -> str:
    """What keeps a file from being read, and what to do, as the end of a sentence.

    Examples
    --------
    >>> why_not_read(IsADirectoryError(21, "Is a directory"))
    'it is a folder, and a file is needed. Name a file in it.'
    """
    return _system_words(error, _WHY_NOT_READ)


def _system_words(error: OSError, known: Mapping[int, tuple[str, str]]) -> str:
    said = f"the system says: {error.strerror or type(error).__name__}"
    why, what_to_do = known.get(error.errno or 0, (said, ""))
    return f"{why}. {what_to_do}".rstrip()


class Interrupted(KettrackError):
    """The run was stopped by the person at the terminal, or by the system."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("Stopped before the end; nothing was written.")


class NotIdentified(KettrackError):
    """A refusal: the data cannot answer the question. `reason` says why, `collect` what to record
    so that they could.
    """

    exit_code = 3

    def __init__(self, reason: str, collect: str = "") -> None:
        self.reason = reason
        self.collect = collect
        super().__init__(
            f"{reason} To answer it, record: {collect}" if collect else reason
        )
