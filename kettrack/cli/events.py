"""`kettrack events`: dated changes of state with their proof."""

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


def events(
    folder: Folder,
    output: Output = None,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
) -> None:
    """One row per event: response, remission, loss, relapse, with the scores that prove it.

    \b
    Example:
      kettrack events clinic --criteria SUSTAIN-1 --instrument MADRS -o events.csv
    """
    check_output(output)
    cohort = open_scored(
        folder, allow, instrument=instrument, criteria=criteria, policy=policy
    )
    from kettrack.timelines.state_events import state_events_table

    with working("Rating every patient"):
        rows = state_events_table(cohort)
    write_rows(rows, cohort, output)
