"""`kettrack report`: the notebooks on a cohort folder, as one offline HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kettrack.cli.check import PAGE_ENDINGS
from kettrack.cli.cohorts import (
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    PolicyName,
    given,
    require_folder,
)
from kettrack.cli.output import answer, check_place, say
from kettrack.errors import UsageError


def report(
    folder: Folder,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The HTML file.")
    ] = Path("report.html"),
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
    previous: Annotated[
        Path | None,
        typer.Option(
            "--previous",
            metavar="MANIFEST",
            help=(
                "The manifest of the report that was released before this one: what has changed by"
                " few people is then not shown either."
            ),
        ),
    ] = None,
) -> None:
    """Write the report as one HTML file.

    The notebooks are run on the cohort folder. The file needs no network. Under a policy for
    release a manifest of all numbers shown stands beside it, for the report after this one.

    \b
    Example:
      kettrack report clinic -o report.html
      kettrack report clinic -o june.html --policy cms --previous may.manifest.json
    """
    # A browser opens the file by its ending.
    if output.suffix.lower() not in PAGE_ENDINGS:
        raise UsageError(
            f"The report is an HTML file, but {output.name!r} does not end in .html."
        )
    check_place(output, folder)
    require_folder(folder)
    # Jupyter is imported only once the arguments are known to be right.
    from kettrack.report.run import write_report

    options = given(instrument=instrument, criteria=criteria, policy=policy)
    manifest = write_report(
        folder, output, allow=tuple(allow or ()), previous=previous, **options
    )
    answer(f"The report is in {output}.")
    if manifest is not None:
        say(f"Its numbers are in {manifest}, for --previous of the next report.")
