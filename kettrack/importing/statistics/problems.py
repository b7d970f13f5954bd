"""A file that cannot be read at all."""

from __future__ import annotations

from typing import NoReturn

from kettrack.errors import DataProblems, Problem
from kettrack.privacy.identifying_people import shown


def damaged(
    file: str,
    expected: str,
) -> NoReturn:
    """Stop: the file is not what it should be.

    Parameters
    ----------
    file : str
        Its name.
    expected : str
        What it should be, in words.

    Raises
    ------
    DataProblems
        Always. Called outside of `except`, it has no error of a library behind it.
    """
    raise DataProblems([Problem(shown(file, file=True), None, "", "", expected)])
