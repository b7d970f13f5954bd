"""What kettrack says when it cannot go on: a root, bad input, and a refusal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kettrack.escapes import in_terminal

_MOST_TOLD: Final = 20  # lines for one file
_MOST_JOINED: Final = 3  # places named in one line


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


class Interrupted(KettrackError):
    """The person at the terminal stopped the run."""

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
