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
from kettrack.simulation.presets import MEASURED

SAMPLE_PATIENTS: Final = 600
# The first seed from 20261121 on whose cohort lies in every band of `targets` and carries the usual
# pair of `stop_after`: another seed makes another sample, and other stored notebooks.
SAMPLE_SEED: Final = 20261129
EXTRACT: Final = (
    "SYNTHETIC clinic, no real patient; 18 months, all logs complete to the same day"
)

_README: Final = Path(__file__).with_name("sample_readme.txt")


def _bullets(words: dict[str, str]) -> str:
    return "\n".join(
        f"- **{name.replace('_', ' ')}**: {what}" for name, what in words.items()
    )


def describe_sample(simulated: Simulated) -> str:
    """Text of the sample's `README.md`."""
    # Every number of the text is read from the clinic, so that it cannot be out of date.
    effect = simulated.parameters.effect
    return _README.read_text(encoding="utf-8").format(
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
    return simulate(MEASURED, SAMPLE_PATIENTS, SAMPLE_SEED)


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
