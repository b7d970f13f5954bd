"""What the reader found: problems, notes and rows left out, collected so that one never hides
another.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import pandas as pd

from kettrack.errors import Problem
from kettrack.vocabulary.columns import TABLES

# Shown in place of a value that could tell who somebody is.
HIDDEN = "(hidden)"
# What helps where dates stand in the place of days.
TO_DAYS = "kettrack deidentify turns dates into days"
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)")
_MOST_DIGITS = 4  # longer numbers may be dates, record or telephone numbers
_ALIKE = 0.8
_SHORTEST_ALIKE = 4  # "Ivy" is too near to "iv" to be shown


def show(
    value: str,
    words: Iterable[str] = (),
    high: float | None = None,
) -> str:
    """Return a cell in quotes where it cannot identify anyone, else `(hidden)`.

    Parameters
    ----------
    value : str
        The cell as written.
    words : iterable of str
        What is allowed there; shown is what differs from one by capital letters, blanks,
        punctuation or two letters swapped.
    high : float, optional
        Largest number that may be shown.

    Examples
    --------
    >>> show("31"), show("PHQ9", ["PHQ-9", "MADRS"])
    ("'31'", "'PHQ9'")
    >>> show("01234"), show("Wells", ["well"]), show("95", high=89)
    ('(hidden)', '(hidden)', '(hidden)')
    """
    if (
        _PLAIN_NUMBER.fullmatch(value)
        and sum(letter.isdigit() for letter in value) <= _MOST_DIGITS
    ):
        return (
            f"'{value}'"
            if high is None or float(value.replace(",", ".")) <= high
            else HIDDEN
        )
    bare = _bare(value)
    slip = bool(bare) and any(
        bare == key or _swapped(bare, key) for key in map(_bare, words)
    )
    return f"'{value}'" if slip else HIDDEN


def _swapped(
    one: str,
    other: str,
) -> bool:
    """Tell whether two neighbouring letters changed places."""
    differ = [
        place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b
    ]
    # Exactly two places, side by side: the commonest slip of typing.
    if len(one) != len(other) or len(differ) != 2 or differ[1] != differ[0] + 1:
        return False
    first, second = differ
    return one[first] == other[second] and one[second] == other[first]


@lru_cache(maxsize=1024)
def _bare(word: str) -> str:
    # Blanks, hyphens and capital letters are where spellings of one word differ.
    return "".join(letter for letter in word.casefold() if letter.isalnum())


def nearest(
    value: str,
    words: Iterable[str],
) -> str | None:
    """Return the allowed word a value was probably meant to be, None where there is no close one.

    Examples
    --------
    >>> nearest("PHQ9", ["PHQ-9", "MADRS"]), nearest("QIDS", ["QIDS-SR16"]), nearest("Ivy", ["iv"])
    ('PHQ-9', 'QIDS-SR16', None)
    """
    # First the same letters, then the beginning of a word, then a word that is nearly the same.
    bare = _bare(value)
    known = {_bare(word): word for word in words}
    if bare in known:
        return known[bare]
    if len(bare) >= _SHORTEST_ALIKE - 1:
        # "QIDS" for "QIDS-SR16": the name without its version.
        begun = [word for key, word in known.items() if key.startswith(bare)]
        if begun:
            return begun[0]
    if len(bare) < _SHORTEST_ALIKE:
        return None
    found = difflib.get_close_matches(bare, list(known), n=1, cutoff=_ALIKE)
    return known[found[0]] if found else None


def did_you_mean(
    value: str,
    words: Iterable[str],
) -> str:
    """Return `; did you mean X?`, or nothing where no word is close."""
    word = nearest(value, words)
    return f"; did you mean {word}?" if word else ""


def counted(
    number: int,
    one: str,
    many: str = "",
) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(2, "row"), counted(0, "person", "people")
    ('1 row', '2 rows', '0 people')
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


def counted_was(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun and "was" or "were".

    Examples
    --------
    >>> counted_was(1, "row"), counted_was(2, "row")
    ('1 row was', '2 rows were')
    """
    verb = "was" if number == 1 else "were"
    return f"{counted(number, one, many)} {verb}"


@dataclass(slots=True)
class Ledger:
    """Everything found on the way in, in the order of the files.

    Parameters
    ----------
    problems : list of Problem
        What stops the load.
    notes : list of str
        What was noticed or done, one sentence each.
    left_out : list of (reason, n_rows, n_patients)
        Rows that do not reach the cohort.
    decisions : list of (what, how)
        What was decided from all rows of a table together. Where a table is checked part by part,
        the parts must decide alike.
    """

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[tuple[str, int, int]] = field(default_factory=list)
    decisions: list[tuple[str, str]] = field(default_factory=list)

    def problem(
        self,
        file: str,
        line: int | None,
        column: str,
        value: str,
        expected: str,
    ) -> None:
        """Add one problem; `value` must already be masked."""
        self.problems.append(Problem(file, line, column, value, expected))

    def note(
        self,
        text: str,
    ) -> None:
        """Add one sentence."""
        self.notes.append(text)

    def decided(
        self,
        what: str,
        how: str,
    ) -> None:
        """Take down how one thing was decided from all rows together."""
        self.decisions.append((what, how))

    def leave_out(
        self,
        reason: str,
        n_rows: int,
        n_patients: int,
    ) -> None:
        """Count rows that are kept out, and say so."""
        if n_rows:
            self.left_out.append((reason, n_rows, n_patients))
            self.note(
                f"Left out: {counted(n_rows, 'row')} of {counted(n_patients, 'patient')}:"
                f" {reason}."
            )

    def in_order(self) -> list[Problem]:
        """Problems by table, in the order of the vocabulary, then by line."""
        # Settings come first, at -1: what is wrong there explains what follows.
        tables = {name: place for place, name in enumerate(TABLES)}
        return sorted(
            self.problems,
            key=lambda problem: (
                tables.get(re.split(r"[./]", problem.file)[0], -1),
                problem.line or 0,
            ),
        )

    def exclusions(self) -> pd.DataFrame:
        """One row per reason: `reason` `n_rows` `n_patients`."""
        # Types are set, since a frame without rows has none.
        frame = pd.DataFrame(self.left_out, columns=["reason", "n_rows", "n_patients"])
        return frame.astype({"reason": "str", "n_rows": "int64", "n_patients": "int64"})


def problem_table(problems: list[Problem]) -> pd.DataFrame:
    """One row per problem: `file` `line` `column` `value` (masked) `expected`."""
    rows = [
        (one.file, one.line, one.column, one.value, one.expected) for one in problems
    ]
    frame = pd.DataFrame(rows, columns=["file", "line", "column", "value", "expected"])
    return frame.astype(
        {
            "file": "str",
            "line": "Int64",
            "column": "str",
            "value": "str",
            "expected": "str",
        }
    )
