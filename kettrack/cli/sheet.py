"""`kettrack sheet`: one page about one patient, for a payer or for the talk with the patient."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kettrack.cli.check import PAGE_ENDINGS
from kettrack.cli.cohorts import (
    Allowed,
    CriteriaName,
    InstrumentName,
    PolicyName,
    open_cohort,
)
from kettrack.cli.output import answer, check_output


def sheet(
    kind: Annotated[
        str,
        typer.Argument(metavar="payer|progress", help="For whom the sheet is."),
    ],
    patient: Annotated[str, typer.Argument(help="Study code of the patient.")],
    folder: Annotated[Path, typer.Argument(help="Cohort folder.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The HTML file.")
    ] = Path("sheet.html"),
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
) -> None:
    """Write one page about one patient.

    `payer` has what a renewal of treatment asks for: first and last score, the change, the rules it
    meets, sessions and side effects. `progress` is for the talk with the patient. Both are made
    under the policy internal only.

    \b
    Example:
      kettrack sheet payer S061 clinic -o payer.html
      kettrack sheet progress S061 clinic -o progress.html
    """
    check_output(output, folder, PAGE_ENDINGS)
    cohort = open_cohort(
        folder,
        allow,
        scored=True,
        instrument=instrument,
        criteria=criteria,
        policy=policy,
    )
    from kettrack.analysis.people.sheet import patient_sheet
    from kettrack.report.sheet_page import write_sheet

    # The kind is checked with the sheet, whose error names both.
    made = patient_sheet(cohort, patient, kind)  # type: ignore[arg-type]
    write_sheet(made, patient, output)
    answer(f"The sheet is in {output}.")
