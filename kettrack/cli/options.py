"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path,
    typer.Argument(
        help="Cohort folder: sessions.csv, scores.csv and, if there are, patients, events."
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Write here instead: .csv or .parquet by ending.",
    ),
]
InstrumentName = Annotated[
    str | None,
    typer.Option("--instrument", help="Primary instrument, for instance MADRS."),
]
CriteriaName = Annotated[
    str | None,
    typer.Option(
        "--criteria", help="Rules for it: convention, or a preset (SUSTAIN-1 ...)."
    ),
]
PolicyName = Annotated[
    str | None,
    typer.Option(
        "--policy", help="Disclosure policy: internal (hides nothing) or cms."
    ),
]
Allowed = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="COLUMN",
        help="Let a column through the identifier check; recorded. May be repeated.",
    ),
]
