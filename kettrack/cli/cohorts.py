"""Options that several commands share, and the cohort they lead to; with `--against`, the other
cohort beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kettrack.cli.output import say, working
from kettrack.errors import NoCohortFolder, UsageError

if TYPE_CHECKING:
    from kettrack.reading.cohort import Cohort
    from kettrack.reading.sharded.opened import ShardedFolder


# Options that all commands share are stated once, so that their help reads alike.
Folder = Annotated[
    Path,
    typer.Argument(
        help=(
            "Cohort folder. It holds sessions.csv and scores.csv; patients.csv and"
            " events.csv are optional."
        )
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Write to this file. It ends in .csv or .parquet.",
    ),
]
InstrumentName = Annotated[
    str | None,
    typer.Option("--instrument", help="Primary instrument, for example MADRS."),
]
CriteriaName = Annotated[
    str | None,
    typer.Option(
        "--criteria",
        help="Rules for the instrument: convention, or a published set such as SUSTAIN-1.",
    ),
]
# The policy is checked with the settings of the folder, since `kettrack.toml` may name it.
PolicyName = Annotated[
    str | None,
    typer.Option(
        "--policy",
        help=(
            "Disclosure policy. internal, the default, hides nothing and stays in the clinic. For"
            " what leaves: release, which rounds every count and keeps the answers (midpoint6);"
            " or cms, opensafely or nhs where somebody prescribes them, which hide much."
        ),
    ),
]
Allowed = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="COLUMN",
        help=(
            "Accept a column that looks as if it could identify a person. This is"
            " recorded. May be repeated."
        ),
    ),
]
SchedulerName = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help=(
            "Let Dask do the work on a folder of kettrack shard: the address of a scheduler, or"
            " local for workers on this machine."
        ),
    ),
]

Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="FOLDER|PERIOD",
        help=(
            "Compare with another cohort folder, or with a period: 2023, 2022-2023, or"
            " 2024:2022-2023 for the first against the second. Periods are told by start_year in"
            " patients.csv."
        ),
    ),
]


def require_folder(folder: Path) -> None:
    """Stop before anything heavy is imported when there is no such folder.

    Raises
    ------
    NoCohortFolder
        Naming what a cohort folder holds.
    """
    if not folder.is_dir():
        raise NoCohortFolder(folder)


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
    # A wrong path is told at once; loading pandas first would take a second.
    require_folder(folder)
    from kettrack.reading.load import load_cohort

    with working("Reading the cohort folder"):
        # typer gives None where `--allow` was not used.
        return load_cohort(folder, allow=tuple(allow or ()), **given(**options))


def open_cohort(
    folder: Path,
    allow: list[str] | None = None,
    *,
    scored: bool,
    **options: str | None,
) -> Cohort:
    """Load a cohort folder as `read_cohort` does, and tell a person at the terminal what the reader
    noticed.

    Parameters
    ----------
    folder, allow, **options
        As for `read_cohort`.
    scored : bool
        Whether the command rates scores, and so stops when there is not one of the primary
        instrument.
    """
    cohort = read_cohort(folder, allow, **options)
    # Notes go to standard error, so that a file made with `>` holds only the answer.
    for note in cohort.shown_notes:
        say(note)
    # `courses` needs no score: it counts sessions only.
    if scored:
        cohort.require_scores()
    return cohort


def open_buckets(
    folder: Path,
    allow: list[str] | None = None,
    *,
    scheduler: str | None = None,
    **options: str | None,
) -> ShardedFolder | None:
    """Open a folder that `kettrack shard` has made, and tell a person what was noticed then; None
    for any other folder.

    Parameters
    ----------
    folder, allow, **options
        As for `read_cohort`.
    scheduler : str, optional
        Address of a scheduler.

    Raises
    ------
    UsageError
        Where there is a scheduler and nothing for it to do.
    """
    require_folder(folder)
    from kettrack.reading.sharded.manifest import is_sharded
    from kettrack.reading.sharded.opened import open_sharded

    if is_sharded(folder):
        opened = open_sharded(folder, tuple(allow or ()), **given(**options))
        for note in opened.nobody().shown_notes:
            say(note)
        return opened
    if scheduler is not None:
        raise UsageError(
            "--scheduler lets many do the work on buckets of patients. Make them first: kettrack"
            f" shard {folder} -o DIR"
        )
    return None


def read_other(
    asked: str,
    allow: list[str] | None,
    **options: str | None,
) -> Cohort | str:
    """What to compare with: the cohort of a folder, or the period as it was typed.

    Parameters
    ----------
    asked : str
        A path or a period.
    allow, **options
        As for the folder that is looked at: both are read alike.
    """
    folder = Path(asked)
    # A folder may be named after its year.
    return read_cohort(folder, allow, **options) if folder.is_dir() else asked
