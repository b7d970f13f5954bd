"""`--against`: another cohort folder, or a period of the one that is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kettrack.cli.cohorts import read_cohort

if TYPE_CHECKING:
    from kettrack.reading.cohort import Cohort

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
