"""`kettrack check`: is this folder fit to be read?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kettrack.cli.cohorts import (
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    Output,
    PolicyName,
    given,
    read_cohort,
)
from kettrack.cli.output import answer, check_output, say
from kettrack.errors import DataProblems, Problem
from kettrack.writing import write_table

if TYPE_CHECKING:
    from kettrack.reading.cohort import Cohort

PAGE_ENDINGS: Final = (".html", ".htm")


def check(
    folder: Folder,
    output: Output = None,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write a page to look at: tables and pictures of what came in.",
        ),
    ] = None,
) -> None:
    """Check a cohort folder and list every problem.

    With -o the problems are written as a table, with --html as a page with pictures. When the
    folder can be read, the last lines say what is not recorded, which questions this leaves
    unanswered, and how to record it.

    \b
    Example:
      kettrack check clinic -o problems.csv
      kettrack check clinic --html check.html
    """
    # Before the folder is read: a wrong -o should not cost a minute of work.
    check_output(output, folder)
    check_output(html, folder, PAGE_ENDINGS)
    options = given(instrument=instrument, criteria=criteria, policy=policy)
    try:
        cohort = read_cohort(folder, allow, **options)
    except DataProblems as found:
        if output is not None:
            # The table is for the person who mends the export; the error still ends the command.
            _write_problems(found.problems, output)
        _tell_what_to_mend(found.problems)
        if html is not None:
            _write_page(folder, html, allow, options)
        raise
    if output is not None:
        # An empty table takes the place of the problems of an earlier run.
        _write_problems([], output)
    for sentence in cohort.shown_notes:
        answer(sentence)
    answer(f"{_sizes(cohort)}: no problems.")
    _tell_what_is_missing(cohort)
    if html is not None:
        _write_page(folder, html, allow, options)


def _tell_what_to_mend(problems: list[Problem]) -> None:
    """The one change that mends most, before the list of everything."""
    from kettrack.reading.causes import causes_of, what_to_mend_first

    first = what_to_mend_first(causes_of(problems))
    if first:
        answer(first)


def _write_page(
    folder: Path, html: Path, allow: list[str] | None, options: dict[str, str]
) -> None:
    # Jupyter is imported only where a page is asked for.
    from kettrack.report.check_page import write_check_page

    # A folder that cannot be read has a page too; the problems still end the command.
    try:
        write_check_page(folder, html, allow=tuple(allow or ()), **options)
    finally:
        say(f"The page is in {html}.")


def _sizes(cohort: Cohort) -> str:
    """How many patients, sessions and scores there are, small counts as the policy has them."""
    # Imported here to keep `--help` fast.
    from kettrack.privacy.policies import get_policy

    policy = get_policy(cohort.settings.policy)
    sizes = {
        "patient": len(cohort.patients),
        "session": len(cohort.sessions),
        "score": len(cohort.scores),
    }
    said = []
    for noun, number in sizes.items():
        plural = "" if number == 1 and not policy.for_release else "s"
        said.append(f"{policy.said(number)} {noun}{plural}")
    return ", ".join(said)


def _tell_what_is_missing(cohort: Cohort) -> None:
    from kettrack.reading.completeness import missing_information

    lacks = missing_information(cohort)
    if lacks:
        answer("No errors, but some questions cannot be answered, or not fully:")
    for lack in lacks:
        answer(f"- {lack}")


def _write_problems(problems: list[Problem], output: Path) -> None:
    from kettrack.reading.problems import problem_table

    write_table(problem_table(problems), output)
    say(f"Wrote the table of problems to {output}.")
