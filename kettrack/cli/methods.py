"""`kettrack methods`: what a paper says of its methods, and checklists of reporting guidelines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from kettrack.cli.cohorts import (
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    PolicyName,
    open_cohort,
)
from kettrack.cli.output import answer, check_output, working

_ENDINGS: Final = (".md",)


def methods(
    folder: Folder,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="A file of Markdown."),
    ] = None,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
) -> None:
    """Write the methods of a paper from what was asked.

    Data, scale, rules with their source, what every number is about, what could not be answered,
    disclosure, versions. Then the checklists STROBE with RECORD, and TARGET 2025 for one more
    session, filled where kettrack knows the answer. What only the authors know is marked.

    \b
    Example:
      kettrack methods clinic
      kettrack methods clinic -o methods.md --policy release
    """
    check_output(output, folder, _ENDINGS)
    cohort = open_cohort(
        folder,
        allow,
        scored=True,
        instrument=instrument,
        criteria=criteria,
        policy=policy,
    )
    from kettrack.report.methods import as_markdown, describe_methods
    from kettrack.report.paper_tables import ask_for_paper
    from kettrack.timelines.derived import derive
    from kettrack.writing import write_text

    derived = derive(cohort)
    with working("Asking what the methods are about"):
        text = as_markdown(describe_methods(derived, ask_for_paper(derived)))
    if output is None:
        answer(text)
        return
    write_text(f"{text}\n", output)
    answer(f"The methods are in {output}.")
