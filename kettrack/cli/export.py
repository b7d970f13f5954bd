"""`kettrack export`: the standard tables of a cohort folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kettrack.cli.cohorts import (
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    PolicyName,
    open_cohort,
    require_folder,
)
from kettrack.cli.output import answer, say, working
from kettrack.errors import UsageError

_ALL = "parquet,xpt,dataset-json,omop,datapackage"


def export(
    folder: Folder,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Folder to make."),
    ] = None,
    formats: Annotated[
        str,
        typer.Option("--format", metavar="LIST", help="Which of them, with commas."),
    ] = _ALL,
    study: Annotated[
        str, typer.Option("--study", metavar="NAME", help="STUDYID in every record.")
    ] = "KETTRACK",
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a DIR that an export has made.")
    ] = False,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
) -> None:
    """Write the standard tables: CDISC, OMOP, and a data package.

    ADSL, ADQS, ADTTE, ADAE and EX as Parquet, SAS transport and Dataset-JSON; courses as episodes;
    the cohort itself. All are rows of single patients and stay in the clinic.

    \b
    Examples:
      kettrack export clinic -o tables
      kettrack export clinic -o tables --format xpt,datapackage --study KT01
    """
    require_folder(folder)
    if output is None:
        raise UsageError(f"Name the folder to make: kettrack export {folder} -o DIR.")
    home = folder.resolve()
    # A table inside the folder would be taken for one of the clinic by whoever opens it next.
    if home in (output.resolve(), *output.resolve().parents):
        raise UsageError(
            f"{str(output)!r} is the cohort folder, or lies in it. Name a folder outside of it."
        )
    # Imported late: `--help` needs no pandas.
    from kettrack.exporting.export import check_export, steps_of
    from kettrack.exporting.export import export as write_export

    chosen = [one.strip() for one in formats.split(",") if one.strip()]
    # A slip is told before a large cohort is read.
    check_export(output, chosen, study, replace)
    cohort = open_cohort(
        folder,
        allow,
        scored=True,
        instrument=instrument,
        criteria=criteria,
        policy=policy,
    )
    from kettrack.privacy.policies import get_policy

    with working("Writing the tables", total=steps_of(chosen)) as advance:
        files = write_export(
            cohort,
            output,
            formats=chosen,
            study=study,
            replace=replace,
            tell=lambda _name: advance(),
        )
    say(get_policy(cohort.settings.policy).banner)
    answer(f"Wrote {len(files)} files to {output}, and provenance.json beside them.")
