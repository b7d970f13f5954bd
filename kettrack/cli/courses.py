"""`kettrack courses`: session days to induction, maintenance and re-induction."""

from __future__ import annotations

from kettrack.cli.cohorts import open_cohort
from kettrack.cli.options import (
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    Output,
    PolicyName,
)
from kettrack.cli.output import check_output, working, write_rows


def courses(
    folder: Folder,
    output: Output = None,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
) -> None:
    """One row per session: its number, its course and the gap before it.

    \b
    Example:
      kettrack courses clinic -o courses.csv
    """
    check_output(output)
    cohort = open_cohort(
        folder, allow, instrument=instrument, criteria=criteria, policy=policy
    )
    from kettrack.timelines.courses import courses_table

    with working("Rating every patient"):
        rows = courses_table(cohort)
    write_rows(rows, cohort, output)
