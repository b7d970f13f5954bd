"""`kettrack simulate`: a synthetic clinic with a known truth, as a cohort folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from kettrack.cli.output import answer, require_new_folder
from kettrack.errors import UsageError
from kettrack.simulation.names import SCENARIOS_IN_SHORT


def simulate(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder to write. It must be new or empty.")
    ] = None,
    patients: Annotated[
        int,
        typer.Option(
            "--patients", "-n", min=1, metavar="N", help="Number of patients."
        ),
    ] = 240,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, metavar="N", help="Seed of the random numbers."),
    ] = 1,
    scenario: Annotated[
        str,
        typer.Option(
            "--scenario",
            metavar="NAME",
            help="What is true in it: one of the names below.",
        ),
    ] = "clinic",
    # Every other command writes with -o, so people try it here as well.
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="The folder to write, as an option.",
        ),
    ] = None,
) -> None:
    """Write a synthetic clinic with a known truth.

    It is a cohort folder; truth.json in it holds the truth that it was made from.

    \b
    Example:
      kettrack simulate synthetic -n 500 --seed 7
      kettrack simulate --scenario A -n 400 --seed 1 -o scenario-a
    """
    folder = _one_folder(folder, output)
    require_new_folder(folder)
    # Imported late: `--help` needs no NumPy.
    from kettrack.simulation.cohort import simulate as run_clinic
    from kettrack.simulation.cohort_files import write_cohort_folder
    from kettrack.simulation.presets import SCENARIOS

    if scenario not in SCENARIOS:
        raise UsageError(
            f"No scenario is called {scenario!r}; there are: {', '.join(SCENARIOS)}."
        )
    made = run_clinic(SCENARIOS[scenario], n=patients, seed=seed)
    write_cohort_folder(
        made, folder, extract=f"synthetic, scenario {scenario}, seed {seed}"
    )
    answer(f"Wrote {patients} synthetic patients to {folder}.")


def _one_folder(folder: Path | None, output: Path | None) -> Path:
    named = [path for path in (folder, output) if path is not None]
    if len(named) != 1:
        raise UsageError(
            "Name one folder to write: kettrack simulate FOLDER, or -o FOLDER."
        )
    return named[0]


# Each on a line of its own in `--help`.
_LISTED: Final = "".join(
    f"\n      {name:13} {words}" for name, words in SCENARIOS_IN_SHORT.items()
)
simulate.__doc__ = (
    f"{simulate.__doc__}\n    \b\n    Scenarios, and what is true in each:{_LISTED}\n"
)
