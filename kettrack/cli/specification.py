"""`kettrack specification`: the same cohort under every named rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kettrack.cli.cohorts import (
    Allowed,
    InstrumentName,
    Output,
    PolicyName,
    open_cohort,
)
from kettrack.cli.output import (
    answer,
    answer_rows,
    check_output,
    refused,
    say,
    working,
)
from kettrack.errors import UsageError
from kettrack.writing import write_table

if TYPE_CHECKING:
    import pandas as pd

    from kettrack.reading.cohort import Cohort


def specification(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Cohort folder. `--presets` needs none."),
    ] = None,
    output: Output = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also",
            metavar="RULE",
            help="Apply this unconfirmed rule as well. May be repeated.",
        ),
    ] = None,
    presets: Annotated[
        bool,
        typer.Option(
            "--presets", help="List every named rule with its source, and nothing else."
        ),
    ] = False,
    instrument: InstrumentName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
) -> None:
    """Compare the named rules on one cohort.

    Response, remission, loss of response and more are counted under every named rule and baseline,
    one row for each combination.

    \b
    Example:
      kettrack specification clinic -o specification.csv
      kettrack specification --presets
    """
    check_output(output, folder)
    if presets:
        from kettrack.timelines.published.table import list_presets

        _give(list_presets(), output)
        return
    if folder is None:
        raise UsageError("Name the cohort folder: kettrack specification FOLDER.")
    cohort = open_cohort(
        folder, allow, scored=True, instrument=instrument, policy=policy
    )
    _answer(cohort, tuple(also or ()), output)


def _answer(cohort: Cohort, also: tuple[str, ...], output: Path | None) -> None:
    from kettrack.analysis.courses.specification import n_steps
    from kettrack.analysis.courses.specification import specification as specify
    from kettrack.timelines.derived import derive

    # One step for each scale that was used and each baseline; only the cohort tells which.
    with working("Applying the rules", n_steps(derive(cohort))) as on_step:
        result = specify(cohort, also, on_step)
    if result.status == "refused":
        raise refused(result, output)
    if output is not None:
        _give(result.table, output)
        return
    # One block per outcome, in the order of the table: one long table would be hard to read.
    outcomes = result.table.groupby("outcome", sort=False)
    blocks = [
        replace(result, table=rows).shown.to_string(index=False) for _, rows in outcomes
    ]
    caveats = "\n".join(f"- {caveat}" for caveat in result.caveats)
    answer(
        "\n\n".join(
            [
                result.text,
                *blocks,
                caveats,
                "Every rule with its source: kettrack specification --presets",
            ]
        )
    )


def _give(table: pd.DataFrame, output: Path | None) -> None:
    if output is None:
        answer_rows(table)
        return
    write_table(table, output)
    say(f"Wrote {len(table):,} rows to {output}.")
