"""`kettrack outcomes`: what became of each patient."""

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
from kettrack.cli.output import answer, check_output, working, write_rows


def outcomes(
    folder: Folder,
    output: Output = None,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
) -> None:
    """A short summary; with -o one row per patient: first response, remission, loss, relapse.

    \b
    Example:
      kettrack outcomes clinic
      kettrack outcomes clinic -o outcomes.csv
    """
    check_output(output)
    cohort = open_scored(
        folder, allow, instrument=instrument, criteria=criteria, policy=policy
    )
    if output is None:
        from kettrack.analysis.overview import summary_text

        answer(summary_text(cohort))
        return
    from kettrack.timelines.tables import outcomes_table

    with working("Rating every patient"):
        rows = outcomes_table(cohort)
    write_rows(rows, cohort, output)
