"""`kettrack notebooks`: the notebooks of the suite as copies to change and to run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kettrack.cli.cohorts import (
    CriteriaName,
    InstrumentName,
    PolicyName,
    given,
    read_cohort,
)
from kettrack.cli.output import answer, require_new_folder


def notebooks(
    folder: Annotated[
        Path, typer.Argument(help="Folder to write. It must be new or empty.")
    ],
    cohort: Annotated[
        Path | None,
        typer.Option(
            "--cohort",
            metavar="FOLDER",
            help="Cohort folder that the notebooks shall read. Default: the sample.",
        ),
    ] = None,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
) -> None:
    """Copy the notebooks to a folder of your own.

    They come without outputs. The first cell of each names the cohort folder and the rules: change
    it, and run the notebook in Jupyter.

    \b
    Example:
      kettrack notebooks study
      kettrack notebooks study --cohort clinic
      kettrack notebooks study --cohort clinic --instrument MADRS --criteria SUSTAIN-1
    """
    require_new_folder(folder)
    options = given(instrument=instrument, criteria=criteria, policy=policy)
    from kettrack.report.suite import copy_notebooks
    from kettrack.resources import sample_folder

    # A wrong folder or rule is told here, and not by the first notebook.
    if cohort is not None or options:
        read_cohort(cohort or sample_folder(), None, **options)
    names = copy_notebooks(folder, cohort, options)
    answer(
        f"Wrote {len(names)} notebooks to {folder}. Its README.md says how to open them, and what"
        " to do before they go into git."
    )
