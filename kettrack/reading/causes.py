"""Problems grouped by what causes them, the change that mends most of them first."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from kettrack.errors import Problem
from kettrack.reading.problems import counted


@dataclass(frozen=True, slots=True)
class Cause:
    """Problems of one column that one change mends.

    Parameters
    ----------
    file, column : str
        Where they stand; the column may be empty.
    expected : str
        What is wrong, or what was expected, as the first of them says it.
    values : tuple of str
        What stands there instead, masked, each once.
    lines : tuple of int
        Lines of the file in which they stand, in order.
    n : int
        How many there are.
    """

    file: str
    column: str
    expected: str
    values: tuple[str, ...]
    lines: tuple[int, ...]
    n: int

    @property
    def place(self) -> str:
        """File and column."""
        return f"{self.file}, {self.column}" if self.column else self.file


def causes_of(problems: Sequence[Problem]) -> list[Cause]:
    """Group problems by file, column and kind; the largest group comes first.

    Parameters
    ----------
    problems : sequence of Problem
        As the reader found them.

    Returns
    -------
    list of Cause
        Groups of the same size stand in the order of the files.

    Examples
    --------
    >>> bad = [Problem("scores.csv", line, "score", "'31'", "PHQ-9: 0 to 27") for line in (4, 9)]
    >>> [(cause.place, cause.n) for cause in causes_of(bad)]
    [('scores.csv, score', 2)]
    """
    # A dict keeps the order in which kinds come up, and so that of the files.
    groups: dict[tuple[str, str, str], list[Problem]] = defaultdict(list)
    for one in problems:
        # Problems of one kind differ in nothing but numbers.
        kind = re.sub(r"\d+", "#", one.expected)
        groups[one.file, one.column, kind].append(one)
    causes = [
        Cause(
            file=file,
            column=column,
            expected=group[0].expected,
            values=tuple(dict.fromkeys(one.value for one in group if one.value)),
            lines=tuple(one.line for one in group if one.line),
            n=len(group),
        )
        for (file, column, _), group in groups.items()
    ]
    return sorted(causes, key=lambda cause: -cause.n)


def what_to_mend_first(causes: Sequence[Cause]) -> str:
    """Say in one sentence which change mends most problems; nothing where no change mends more than
    another.

    Examples
    --------
    >>> bad = [Problem("scores.csv", line, "score", "'31'", "PHQ-9: 0 to 27") for line in (4, 9)]
    >>> what_to_mend_first(causes_of([*bad, Problem("scores.csv", 5, "day", "'x'", "a day")]))
    '3 problems of 2 kinds. Mend this first: scores.csv, score (2 of 3 problems): PHQ-9: 0 to 27.'
    """
    if len(causes) < 2 or causes[0].n < 2:
        return ""
    n_all = sum(cause.n for cause in causes)
    first = causes[0]
    share = f"{first.n:,} of {n_all:,} problems"
    return (
        f"{n_all:,} problems of {counted(len(causes), 'kind')}. Mend this first:"
        f" {first.place} ({share}): {as_sentence_end(first.expected)}"
    )


def as_sentence_end(words: str) -> str:
    """Words that end in one sign, also where they are a question.

    Examples
    --------
    >>> as_sentence_end("not known; did you mean PHQ-9?"), as_sentence_end("a number")
    ('not known; did you mean PHQ-9?', 'a number.')
    """
    return words if words.endswith(("?", ".")) else f"{words}."
