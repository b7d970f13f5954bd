"""`kettrack check`: is this folder fit to be read?"""

from __future__ import annotations

from collections.abc import Mapping
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
    open_buckets,
    read_cohort,
)
from kettrack.cli.output import answer, check_output, say, working
from kettrack.errors import DataProblems, Problem
from kettrack.writing import write_table

if TYPE_CHECKING:
    from kettrack.reading.cohort import Cohort
    from kettrack.reading.sharded.opened import ShardedFolder

_COUNTED: Final = ("patients", "sessions", "scores")
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
    if _is_too_large(folder, allow, options):
        return
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
    rows = {
        "patients": len(cohort.patients),
        "sessions": len(cohort.sessions),
        "scores": len(cohort.scores),
    }
    answer(f"{_sizes(rows, cohort.settings.policy)}: no problems.")
    _tell_what_is_missing(cohort)
    if html is not None:
        _write_page(folder, html, allow, options)


def _is_too_large(
    folder: Path, allow: list[str] | None, options: dict[str, str]
) -> bool:
    """Read every bucket of a folder of `kettrack shard`: each file as it was written, sorted, with
    its own patients. What can be told of one that does not fit into memory is told.
    """
    opened = open_buckets(folder, allow, **options)
    if opened is None:
        return False
    n = opened.manifest.n_buckets
    with working(f"Reading {n:,} buckets", n) as advance:
        for number in range(n):
            opened.bucket(number)
            advance()
    if not opened.fits:
        _tell_of_large(opened)
    return not opened.fits


def _tell_of_large(opened: ShardedFolder) -> None:
    """What can be told of a folder that does not fit into memory."""
    for sentence in opened.nobody().shown_notes:
        answer(sentence)
    rows = {name: sum(opened.manifest.rows[name]) for name in _COUNTED}
    answer(f"{_sizes(rows, opened.settings.policy)}: no problems.")
    answer(
        "What is not recorded is not listed: all rows at once take about"
        f" {opened.needed_mb:,} MB of memory. kettrack check SOURCE lists it for the folder that"
        " these buckets were made from, on a larger machine."
    )


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


def _sizes(rows: Mapping[str, int], policy_name: str) -> str:
    """How many patients, sessions and scores there are, small counts as the policy has them."""
    # Imported here to keep `--help` fast.
    from kettrack.privacy.policies import get_policy

    policy = get_policy(policy_name)
    said = []
    for name in _COUNTED:
        number = rows[name]
        one = number == 1 and not policy.for_release
        noun = name.removesuffix("s") if one else name
        said.append(f"{policy.said(number)} {noun}")
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
