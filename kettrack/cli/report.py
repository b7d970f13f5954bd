"""`kettrack report`: the notebooks on a cohort folder, as one offline HTML file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from kettrack.cli.check import PAGE_ENDINGS
from kettrack.cli.cohorts import (
    Against,
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    PolicyName,
    given,
    read_other,
    require_folder,
)
from kettrack.cli.output import answer, check_place, say, step
from kettrack.errors import UsageError

_ABOUT: Final = {
    ".pdf": "The same as PDF is",
    ".docx": "Tables and methods for a paper are",
    ".xlsx": "The same tables as a workbook are",
}


class TableFormat(StrEnum):
    """Formats of the tables of a paper."""

    xlsx = "xlsx"


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
    pdf: Annotated[
        bool,
        typer.Option("--pdf", help="Also as PDF, printed by Chromium, Chrome or Edge."),
    ] = False,
    docx: Annotated[
        bool,
        typer.Option(
            "--docx",
            help="Also the tables of a paper, with methods, as a Word document.",
        ),
    ] = False,
    tables: Annotated[
        TableFormat | None,
        typer.Option("--tables", help="Also the tables of a paper as a workbook."),
    ] = None,
    timings: Annotated[
        bool,
        typer.Option("--timings", help="Say on standard error what took how long."),
    ] = False,
    against: Against = None,
) -> None:
    """Write the report as one HTML file.

    The notebooks are run on the cohort folder. The file needs no network. Under a policy for
    release a manifest of all numbers shown stands beside it, for the report after this one. The
    other files have the same name and another ending; all are written, or none.

    \b
    Example:
      kettrack report clinic -o report.html
      kettrack report clinic -o june.html --policy release
      kettrack report clinic -o june.html --pdf --docx --tables xlsx
      kettrack report clinic -o july.html --policy release --previous june.manifest.json
      kettrack report clinic -o beside.html --against other_clinic
      kettrack report clinic -o years.html --against 2023
    """
    # A browser opens the file by its ending.
    if output.suffix.lower() not in PAGE_ENDINGS:
        raise UsageError(
            f"The report is an HTML file, but {output.name!r} does not end in .html. --pdf and"
            " --docx make the other files beside it."
        )
    wanted = {".pdf": pdf, ".docx": docx, ".xlsx": tables is not None}
    also = [ending for ending, is_wanted in wanted.items() if is_wanted]
    for ending in (output.suffix, *also):
        check_place(output.with_suffix(ending), folder)
    require_folder(folder)
    # Jupyter is imported only once the arguments are known to be right.
    from kettrack.report.run import write_report
    from kettrack.report.timings import Timings

    clock = Timings()

    options = given(instrument=instrument, criteria=criteria, policy=policy)
    columns = tuple(allow or ())
    other = read_other(against, allow, **options) if against else None
    with step("Making the report"):
        manifest = write_report(
            folder,
            output,
            *also,
            allow=columns,
            previous=previous,
            timings=clock,
            other=other,
            **options,
        )
    answer(f"The report is in {output}.")
    for ending in also:
        answer(f"{_ABOUT[ending]} in {output.with_suffix(ending)}.")
    if timings:
        typer.echo("\n".join(clock.lines()), err=True)
    if manifest is not None:
        say(f"Its numbers are in {manifest}, for --previous of the next report.")
    else:
        say(
            "It hides nothing and stays in the clinic. One that may leave: --policy release."
        )
    _tell_distances(folder, columns, options)


def _tell_distances(
    folder: Path,
    allow: tuple[str, ...],
    options: Mapping[str, str],
) -> None:
    """How far rounding moved the first page, on standard error: for the clinic and not for the
    file, since with the released figure it tells the exact one.
    """
    from kettrack.analysis.overview import first_page
    from kettrack.privacy.policies import get_policy
    from kettrack.reading.load import load_cohort
    from kettrack.report.release_check import rounding_distances

    # Page one is worked out twice for it, which is for nothing where nobody reads.
    if not sys.stderr.isatty():
        return
    outside = load_cohort(folder, allow=allow, **options)
    if get_policy(outside.settings.policy).rounding is None:
        return
    inside = load_cohort(folder, allow=allow, **{**options, "policy": "internal"})
    moved = rounding_distances(first_page(inside), first_page(outside)).dropna()
    if moved.empty:
        return
    far = moved["distance"].abs()
    # The one that moved most, and of each answer the mean: nobody reads two hundred lines.
    worst = moved.iloc[int(far.to_numpy().argmax())]
    say(
        f"For the clinic alone, not for release: rounding moved the {len(moved)} figures of the"
        f" first page by {far.mean():.1f} on average, and by {far.max():.1f} at most"
        f" ({worst['answer']} {worst['figure']}: {worst['internal']:g} became"
        f" {worst['released']:g})."
    )
    for name, group in far.groupby(moved["answer"], sort=False):
        say(f"- {name}: {group.mean():.1f} on average, {group.max():.1f} at most")
