"""The numbers that a release shows, as a file: the next release of the same clinic is checked
against it, and against those before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from kettrack.arrays import Floats
from kettrack.errors import UsageError
from kettrack.privacy.identifying_text import reason_in_text
from kettrack.privacy.policies import POLICIES, Policy
from kettrack.privacy.release.cells import (
    Printed,
    ReleaseCell,
    read_counts,
    release_of,
)
from kettrack.result import Result
from kettrack.vocabulary.made_of import Kept

_SCHEMA: Final = 2
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


class Figure(NamedTuple):
    """A mean, a median or a slope, and the people behind it."""

    value: float
    people: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What one release shows.

    Parameters
    ----------
    numbers : mapping
        Where each count stands, and the count.
    figures : mapping
        Where each figure stands that is made of no counts, and the figure.
    """

    numbers: Mapping[ReleaseCell, int]
    figures: Mapping[ReleaseCell, Figure]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an earlier release shows, and what those before it show.

    Parameters
    ----------
    made_by : mapping
        Its policy, instrument and rules.
    releases : tuple of Shown
        The release itself first. What it hides may stand in one before it, and a reader has both.
    """

    made_by: Mapping[str, str]
    releases: tuple[Shown, ...]

    @property
    def numbers(self) -> Mapping[ReleaseCell, int]:
        """The counts of the release itself."""
        return self.releases[0].numbers


def manifest_text(
    results: Sequence[Result],
    previous: Manifest | None = None,
    **made_by: str,
) -> str:
    """The manifest of a release as JSON.

    Parameters
    ----------
    results : sequence of Result
        As they leave.
    previous : Manifest, optional
        Of the release before it.
    **made_by
        `policy`, `instrument` and `criteria` in force.
    """
    numbers = read_counts(release_of(results))
    own = Shown(numbers, figures_of(results))
    said: dict[str, Any] = {"schema": _SCHEMA, "about": _ABOUT, **made_by}
    said |= _as_lists(own)
    said["earlier"] = (
        [_as_lists(each) for each in previous.releases] if previous else []
    )
    return json.dumps(said, indent=1) + "\n"


def _as_lists(shown: Shown) -> dict[str, Any]:
    # Lists in order: the same release gives the same text.
    return {
        "numbers": [[*cell, count] for cell, count in sorted(shown.numbers.items())],
        "figures": [[*cell, *found] for cell, found in sorted(shown.figures.items())],
    }


def figures_of(results: Iterable[Result]) -> dict[ReleaseCell, Figure]:
    """The figures of some answers that are made of no counts, with the people behind them."""
    found: dict[ReleaseCell, Figure] = {}
    for result in results:
        kept = [recipe for recipe in result.recipes if isinstance(recipe, Kept)]
        for recipe in kept if len(result.table) else ():
            found |= _figures_of_one(result, recipe)
    return found


def _figures_of_one(
    result: Result,
    recipe: Kept,
) -> dict[ReleaseCell, Figure]:
    table = result.table
    # An answer may leave some of its columns out.
    if recipe.of not in table:
        return {}
    rows = Printed.of(result).rows
    people = _numbers(table, recipe.of)
    found = {}
    for column in filter(table.columns.__contains__, recipe.values):
        values = _numbers(table, column)
        for at in np.flatnonzero(~np.isnan(values) & ~np.isnan(people)):
            cell = ReleaseCell(result.name, rows[at], column)
            found[cell] = Figure(float(values[at]), int(people[at]))
    return found


def _numbers(
    table: pd.DataFrame,
    column: str,
) -> Floats:
    """A column as numbers; words, such as the name of an item, are none."""
    known = pd.to_numeric(table[column], errors="coerce")
    return known.to_numpy(
        np.float64,
        na_value=np.nan,
        copy=True,
    )


def figures_since(
    results: Iterable[Result], previous: Manifest, policy: Policy
) -> set[ReleaseCell]:
    """The figures that few people have moved since an earlier release: twice a mean and its people
    tell the scores of those who came between.

    Parameters
    ----------
    results : iterable of Result
        As they would leave.
    previous : Manifest
        Of the release before.
    policy : Policy
        In force.
    """
    # Both numbers are rounded: so many fewer may have come.
    unsure = policy.rounding.step - 1 if policy.rounding else 0
    gone = set()
    for cell, now in figures_of(results).items():
        for shown in previous.releases:
            then = shown.figures.get(cell, now)
            moved = abs(now.people - then.people) - unsure
            if now != then and moved < policy.fewest_behind:
                gone.add(cell)
    return gone


def read_manifest(file: Path) -> Manifest:
    """The manifest of an earlier release.

    Raises
    ------
    UsageError
        When the file cannot be read, or is no manifest.
    """
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        schema = _count(said["schema"])
        made_by = {name: str(said[name]) for name in _SAME}
        # Compared with another policy's name, it would stand in a message.
        if made_by["policy"] not in POLICIES:
            raise ValueError
        # Of another version nothing else is known.
        releases = [said, *said["earlier"]] if schema == _SCHEMA else []
        shown = tuple(_read_shown(each) for each in releases)
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
    return Manifest(made_by, shown)


def _read_shown(said: Mapping[str, Any]) -> Shown:
    numbers = {_cell(words): _count(count) for *words, count in said["numbers"]}
    figures = {
        _cell(words): Figure(_number(value), _count(people))
        for *words, value, people in said["figures"]
    }
    return Shown(numbers, figures)


def _cell(words: Sequence[object]) -> ReleaseCell:
    question, row, column = words
    return ReleaseCell(str(question), str(row), str(column))


def _number(value: object) -> float:
    """A figure, as kettrack writes it.

    Raises
    ------
    ValueError
        For what is no number, or none that ends.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    if not np.isfinite(value):
        raise ValueError
    return float(value)


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
