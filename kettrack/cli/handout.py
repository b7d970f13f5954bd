"""`kettrack handout`: one page for patients, from the clinic's own figures."""

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
    open_cohort,
)
from kettrack.cli.output import answer, check_output, working


def handout(
    folder: Folder,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The HTML file.")
    ] = Path("handout.html"),
    language: Annotated[
        str,
        typer.Option(
            "--language",
            help=(
                "en, de or es; or a catalogue of your own that ends in .po. Copy one of"
                " kettrack/report/languages to begin with."
            ),
        ),
    ] = "en",
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            help="Disclosure policy for release: release (midpoint6), cms, opensafely or nhs.",
        ),
    ] = "release",
    allow: Allowed = None,
) -> None:
    """Write one page for patients, in plain words.

    Of 100 people who started here: how many felt much better after 2, 4, 6 and 8 sessions, how long
    it lasted, who got worse, side effects, and who is not known. All numbers go through a policy
    for release. Whom patients can call at any hour is set in kettrack.toml: crisis_line = "...".

    \b
    Example:
      kettrack handout clinic -o handout.html
      kettrack handout clinic -o handout.html --language de
    """
    check_output(output, folder, PAGE_ENDINGS)
    # A language that is not there is told before any work is done.
    from kettrack.report.catalogue import read_catalogue

    read_catalogue(language)
    cohort = open_cohort(
        folder,
        allow,
        scored=True,
        instrument=instrument,
        criteria=criteria,
        policy=policy,
    )
    from kettrack.analysis.handout import handout_figures
    from kettrack.report.handout_page import write_handout
    from kettrack.report.run import as_in_report

    with working("Working out the figures"):
        told = handout_figures(as_in_report(cohort))
    write_handout(told, output, language)
    answer(f"The handout is in {output}.")
    if not told.crisis_line:
        answer(
            "It names no line that a patient can call at any hour: set crisis_line in"
            " kettrack.toml before you hand it out."
        )
