"""The numbers that a release shows, as a file: the next release of the same clinic is checked
against it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kettrack.errors import UsageError
from kettrack.privacy.identifying_text import reason_in_text
from kettrack.privacy.policies import POLICIES
from kettrack.privacy.release.cells import ReleaseCell, read_counts, release_of
from kettrack.result import Result

_SCHEMA: Final = 1
_LONGEST: Final = 80  # letters of a word of the file that a message repeats
_ABOUT: Final = (
    "The numbers that a kettrack report shows. Give this file to the next report of the same"
    " clinic with --previous, so that the two together tell of no few people."
)
# What must be the same in both, and its name in the settings or on the command line.
_SAME: Final[Mapping[str, str]] = {
    "policy": "--policy",
    "instrument": "--instrument",
    "criteria": "--criteria",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an earlier release shows.

    Parameters
    ----------
    made_by : mapping
        Its policy, instrument and rules.
    numbers : mapping
        Where each count stands, and the count.
    """

    made_by: Mapping[str, str]
    numbers: Mapping[ReleaseCell, int]


def manifest_text(results: Sequence[Result], **made_by: str) -> str:
    """The manifest of a release as JSON.

    Parameters
    ----------
    results : sequence of Result
        As they leave.
    **made_by
        `policy`, `instrument` and `criteria` in force.
    """
    said: dict[str, Any] = {"schema": _SCHEMA, "about": _ABOUT, **made_by}
    numbers = read_counts(release_of(results))
    # Lists in order: the same release gives the same text.
    said["numbers"] = [[*cell, count] for cell, count in sorted(numbers.items())]
    return json.dumps(said, indent=1) + "\n"


def read_manifest(file: Path) -> Manifest:
    """The manifest of an earlier release.

    Raises
    ------
    UsageError
        When the file cannot be read, or is no manifest.
    """
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        numbers = {
            ReleaseCell(
                str(question),
                str(row),
                str(column),
            ): _count(count)
            for question, row, column, count in said["numbers"]
        }
        made_by = {name: str(said[name]) for name in _SAME}
        schema = _count(said["schema"])
        # Compared with another policy's name, it would stand in a message.
        if made_by["policy"] not in POLICIES:
            raise ValueError
    except OSError:
        raise UsageError(
            f"The file {file.name!r} cannot be read, so the report cannot be checked against it."
        ) from None
    # Nothing of the file is repeated: it may be any file.
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise UsageError(
            f"{file.name!r} is no manifest of a kettrack report. The report before this one wrote"
            " its manifest beside itself, with the ending .manifest.json."
        ) from None
    if schema != _SCHEMA:
        raise UsageError(
            f"{file.name!r} was written by another version of kettrack: its schema is {schema}, and"
            f" this version reads {_SCHEMA}."
        )
    return Manifest(made_by, numbers)


def _named(words: str) -> str:
    """A word of the file, where it may be shown."""
    # The file may have been changed by hand: nothing of it that looks like a person is repeated.
    short = len(words) <= _LONGEST and reason_in_text(words) is None
    return words if short else "another one"


def _count(value: object) -> int:
    """A whole number from 0, as kettrack writes it.

    Raises
    ------
    ValueError
        For any other: 5.9 people would be compared as 5, and true as 1.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError
    return value


def require_same(manifest: Manifest, **made_by: str) -> None:
    """Refuse to compare releases of different kinds.

    Raises
    ------
    UsageError
        Naming what differs: under two policies the same people are shown twice, once hidden and
        once rounded, and no check of differences covers that.
    """
    differ = [
        f"{flag} (then {_named(manifest.made_by[name])}, now {made_by[name]})"
        for name, flag in _SAME.items()
        if manifest.made_by[name] != made_by[name]
    ]
    if differ:
        raise UsageError(
            "The report before this one was made otherwise, so the two cannot be checked against"
            f" each other: {', '.join(differ)}. Make this report like that one, or release it to"
            " nobody who has that one."
        )
