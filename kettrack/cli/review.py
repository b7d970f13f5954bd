"""`kettrack review`: who needs a look this week, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from kettrack.cli.cohorts import open_scored
from kettrack.cli.options import (
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    Output,
    PolicyName,
)
from kettrack.cli.output import answer, check_output, say, working, write_rows


def review(
    folder: Folder,
    weeks_ago: Annotated[
        int,
        typer.Option(
            "--weeks-ago",
            min=0,
            metavar="N",
            help="Look back, using only what was known N weeks ago.",
        ),
    ] = 0,
    output: Output = None,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
) -> None:
    """List the patients to look at, safety first, with the reason in words: for the treating clinic
    only.

    \b
    Example:
      kettrack review clinic --weeks-ago 4 -o review.csv
    """
    check_output(output)
    cohort = open_scored(
        folder, allow, instrument=instrument, criteria=criteria, policy=policy
    )
    from kettrack.analysis.people.review import review_lines, review_table
    from kettrack.timelines.known_by import known_by

    known = known_by(cohort, weeks_ago)
    for note in known.notes[len(cohort.notes) :]:
        say(note)
    with working(f"Reviewing {len(known.patients):,} patients"):
        table = review_table(known)
    if output is not None:
        write_rows(table, known, output)
        return
    when = (
        "now"
        if weeks_ago == 0
        else f"as known {weeks_ago} week{'s' if weeks_ago > 1 else ''} ago"
    )
    answer(
        f"Review {when}: {table['patient_id'].nunique():,} of {len(known.patients):,} patients,"
        f" {len(table):,} reasons."
    )
    answer(
        f"{known.criteria.instrument}, {known.criteria.label}. For the treating clinic, not for"
        " release."
    )
    for line in review_lines(table, known.criteria):
        answer(line)
