"""What kettrack says when it cannot go on: a root, bad input, and a refusal."""

from __future__ import annotations

import re
from dataclasses import dataclass


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
        place = ", ".join(
            part
            for part in (f"line {self.line}" if self.line else "", self.column)
            if part
        )
        shown = f": {self.value}" if self.value else ""
        return f"{place}{shown} - {self.expected}" if place else self.expected


class KettrackError(Exception):
    """Root of every error meant for the user; shown as text, never as a traceback."""

    exit_code = 2


class UsageError(KettrackError):
    """A name, option or combination that does not exist; the message says what does."""


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

    def _text(self, per_file: int = 20) -> str:
        lines: list[str] = []
        for file in dict.fromkeys(problem.file for problem in self.problems):
            here = [problem for problem in self.problems if problem.file == file]
            lines.append(f"{file}: {len(here)} problem{'s' if len(here) != 1 else ''}")
            lines += _told(here, per_file)
        return "\n".join(
            [*lines, "Nothing was loaded.", *([self.hint] if self.hint else [])]
        )


def _told(problems: list[Problem], most: int) -> list[str]:
    """One line for all problems of a column that expect the same; of every kind at least one line
    is there.
    """
    alike: dict[tuple[str, str], list[Problem]] = {}
    for one in problems:
        alike.setdefault((one.column, one.expected), []).append(one)
    kinds = {
        (column, re.sub(r"\d+", "#", expected)): (column, expected)
        for column, expected in reversed(alike)
    }
    shown = [
        key for place, key in enumerate(alike) if place < most or key in kinds.values()
    ]
    rest = sum(len(group) for key, group in alike.items() if key not in shown)
    return [f"  {_joined(alike[key])}" for key in shown] + (
        [f"  ... and {rest} more of these kinds"] if rest else []
    )


def _joined(alike: list[Problem], most: int = 3) -> str:
    if len(alike) == 1:
        return str(alike[0])
    lines = [str(one.line) for one in alike if one.line]
    more = f" and {len(lines) - most} more" if len(lines) > most else ""
    place = ", ".join(
        part
        for part in (
            f"line {', '.join(lines[:most])}{more}" if lines else "",
            alike[0].column,
        )
        if part
    )
    values = list(dict.fromkeys(one.value for one in alike if one.value))
    shown = (
        f": {', '.join(values[:most])}{', ...' if len(values) > most else ''}"
        if values
        else ""
    )
    return f"{place}{shown} - {alike[0].expected}" if place else alike[0].expected


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
