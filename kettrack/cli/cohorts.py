"""From a command's options to a cohort."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kettrack.cli.output import say, working
from kettrack.errors import UsageError

if TYPE_CHECKING:
    from kettrack.reading.cohort import Cohort


def require_folder(folder: Path) -> None:
    """Stop with a plain sentence when there is no such folder.

    Raises
    ------
    UsageError
        Naming what a cohort folder holds.
    """
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder {str(folder)!r}. A cohort folder holds sessions.csv and"
            " scores.csv."
        )


def given(**options: str | None) -> dict[str, str]:
    """Keep the options that were given: the others are left to `kettrack.toml` and the defaults."""
    return {name: value for name, value in options.items() if value is not None}


def read_cohort(
    folder: Path, allow: list[str] | None = None, **options: str | None
) -> Cohort:
    """Load a cohort folder.

    Parameters
    ----------
    folder : Path
        The cohort folder.
    allow : list of str, optional
        Columns let through the identifier check.
    **options : str or None
        `instrument`, `criteria`, `policy`; None where not given.
    """
    require_folder(folder)
    from kettrack.reading.load import load_cohort

    with working("Reading the cohort folder"):
        return load_cohort(folder, allow=tuple(allow or ()), **given(**options))


def open_cohort(
    folder: Path, allow: list[str] | None = None, **options: str | None
) -> Cohort:
    """Load a cohort folder as `read_cohort` does, and tell a person at the terminal what the reader
    noticed.
    """
    cohort = read_cohort(folder, allow, **options)
    for note in cohort.shown_notes:
        say(note)
    return cohort


def open_scored(
    folder: Path, allow: list[str] | None = None, **options: str | None
) -> Cohort:
    """`open_cohort` for commands that rate scores: stops when there is not one of the primary
    instrument.
    """
    cohort = open_cohort(folder, allow, **options)
    cohort.require_scores()
    return cohort
