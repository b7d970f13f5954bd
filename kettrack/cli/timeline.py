"""`kettrack timeline`: scores against sessions."""

from __future__ import annotations

from kettrack.cli.cohorts import open_scored
from kettrack.cli.options import (
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    Output,
    PolicyName,
)
from kettrack.cli.output import check_output, working, write_rows


def timeline(
    folder: Folder,
    output: Output = None,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
) -> None:
    """One row per score: change from baseline, sessions so far, and the state it means.

    \b
    Example:
      kettrack timeline clinic --instrument MADRS -o timeline.parquet
    """
    check_output(output)
    cohort = open_scored(
        folder, allow, instrument=instrument, criteria=criteria, policy=policy
    )
    from kettrack.timelines.tables import timeline_table

    with working("Rating every patient"):
        rows = timeline_table(cohort)
    write_rows(rows, cohort, output)
