"""`kettrack shard`: a cohort folder of any size, in buckets of whole patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kettrack.cli.cohorts import Allowed, require_folder
from kettrack.cli.output import answer, say, working
from kettrack.errors import UsageError


def shard(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="Cohort folder. A table may also be a folder with files of its parts.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Folder to make."),
    ] = None,
    buckets: Annotated[
        int | None,
        typer.Option(
            "--buckets",
            metavar="N",
            help="How many buckets to make. By default one for about 100,000 patients.",
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace a DIR that was made so before."),
    ] = False,
    allow: Allowed = None,
) -> None:
    """Make buckets of whole patients, for very large cohorts.

    A cohort that does not fit into memory is read bucket by bucket. Everything is checked once,
    as kettrack check does. The other commands take DIR in the place of a cohort folder. A run
    that was stopped goes on where it was.

    \b
    Example:
      kettrack shard registry -o buckets
      kettrack outcomes buckets -o outcomes.parquet
    """
    require_folder(folder)
    if output is None:
        raise UsageError(f"Name the folder to make: kettrack shard {folder} -o DIR.")
    # Imported late: `--help` needs no pandas.
    from kettrack.reading.problems import counted
    from kettrack.sharding.make import make_buckets, plan_sharding

    plan = plan_sharding(
        folder,
        output,
        buckets=buckets,
        allow=tuple(allow or ()),
        replace=replace,
    )
    with working("Making the buckets", plan.n_steps) as advance:
        made = make_buckets(plan, advance)
    for note in made.notes:
        say(note)
    rows = f"{made.n_patients:,} patients and {made.n_rows:,} rows"
    answer(f"Wrote {rows} to {output}, in {counted(made.n_buckets, 'bucket')}.")
