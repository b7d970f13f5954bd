"""How near the synthetic clinic is to its targets: `python -m kettrack.simulation.calibration`
prints the table.
"""

from __future__ import annotations

import sys
from typing import Final

import pandas as pd

from kettrack.simulation.cohort import simulate
from kettrack.simulation.measured import measure_cohort, measure_durability
from kettrack.simulation.presets import CLINIC
from kettrack.simulation.targets import TARGETS

PATIENTS: Final = 50_000
SEED: Final = 7


def summarise_calibration(n: int = PATIENTS, seed: int = SEED) -> pd.DataFrame:
    """One row per target: the value aimed at, what n simulated patients give, band, whether inside,
    rule, scoring, source.
    """
    found = measure_cohort(simulate(CLINIC, n, seed)) | measure_durability(
        CLINIC, n, seed
    )
    rows = [
        {
            "target": target.name,
            "aim": target.value,
            "simulated": round(found[target.name], 3),
            "low": target.band[0],
            "high": target.band[1],
            "inside": target.band[0] <= found[target.name] <= target.band[1],
            "kind": target.kind,
            "rule": target.rule,
            "scored": target.scored,
            "source": target.source,
        }
        for target in TARGETS
    ]
    return pd.DataFrame(rows)


if __name__ == "__main__":
    sys.stdout.write(summarise_calibration().to_csv(index=False, lineterminator="\n"))
