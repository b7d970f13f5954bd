"""The shipped sample: `python -m kettrack.simulation.sample data/sample` writes it, byte for byte
the same every time.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from kettrack.errors import UsageError
from kettrack.simulation.cohort import Simulated, simulate
from kettrack.simulation.cohort_files import cohort_files, write_files
from kettrack.simulation.detail import PLANTED, PLANTED_NULLS
from kettrack.simulation.presets import CLINIC

PATIENTS: Final = 240
SEED: Final = 20261121
EXTRACT: Final = (
    "SYNTHETIC clinic, no real patient; 18 months, all logs complete to the same day"
)

_README: Final = """# A synthetic ketamine clinic

**SYNTHETIC. No patient in this folder is real; no row was copied, altered or resampled from any real record.** The data are
made so that kettrack can be tried, shown and tested; they are no evidence about ketamine.

{patients} patients, {sessions} sessions and {scores} scores over 18 months of an invented clinic: induction, maintenance
and re-induction; people who stop because they are well, are not helped, cannot pay, have side effects or just stay away; scores
before and after sessions, sent from home, after stopping, incomplete and missing.

## How it was made

    python -m kettrack.simulation.sample data/sample

`kettrack.simulation.cohort.simulate` with the parameter set `CLINIC` of `kettrack/simulation/presets.py`, {patients} patients,
seed {seed}. Each person has a depression that reverts to an own long-run level; each session takes {effect:g} points off on
average, the first one {first:g} times as much, very differently from person to person, and {lost:.0%} of what is left fades
every week; a score is the truth plus an error (SD {error:g} points); people stop on what was *measured*. Every number is named
there, with its source or as an assumption. The generator is calibrated to published cohorts at 50,000 patients:
`python -m kettrack.simulation.calibration` prints each target with its rule and source, and what is reached. `truth.json` holds
the parameters and why people truly stopped. The command writes every file here, this one too.

Days count from each patient's first session; no calendar date exists.

## Planted signals: what an analysis should find

{signals}

## Planted nulls: what an analysis should not find

{nulls}

## Files

`sessions.csv` `scores.csv` `patients.csv` `events.csv`: the tables, described column by column in `data_dictionary.md` and, for
other programs, in `datapackage.json`. `kettrack.toml`: what kettrack needs to know of the folder. `truth.json`: what only a
simulator can know. `scores.csv` leaves `timing` empty where there was no session that day. Licence of the data: CC0 1.0.
"""


def _bullets(words: dict[str, str]) -> str:
    return "\n".join(
        f"- **{name.replace('_', ' ')}**: {what}" for name, what in words.items()
    )


def describe_sample(simulated: Simulated) -> str:
    """Text of the sample's `README.md`."""
    effect = simulated.parameters.effect
    return _README.format(
        patients=len(simulated.patients),
        sessions=f"{len(simulated.sessions):,}",
        scores=f"{len(simulated.scores):,}",
        seed=simulated.seed,
        effect=effect.per_session,
        first=effect.first_factor,
        lost=1 - effect.keep,
        error=simulated.parameters.scoring.error_sd,
        signals=_bullets(PLANTED),
        nulls=_bullets(PLANTED_NULLS),
    )


def make_sample() -> Simulated:
    """The cohort of `data/sample`."""
    return simulate(CLINIC, PATIENTS, SEED)


def write_sample(folder: str | Path) -> list[Path]:
    """Write every file of the sample and return the paths."""
    simulated = make_sample()
    return write_files(
        cohort_files(simulated, EXTRACT) | {"README.md": describe_sample(simulated)},
        Path(folder),
    )


def main(arguments: list[str]) -> None:
    """Write the sample into the one folder named on the command line."""
    if len(arguments) != 1:
        raise UsageError(
            "Say where to: python -m kettrack.simulation.sample data/sample"
        )
    for path in write_sample(arguments[0]):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
