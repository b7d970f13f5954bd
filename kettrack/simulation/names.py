"""Names of the clinics of `presets`, for whoever only lists them: `--help` need not make the
clinics.
"""

from __future__ import annotations

from typing import Final

# In the order of `presets.SCENARIOS`.
SCENARIO_NAMES: Final = (
    "A",
    "B",
    "C",
    "D",
    "E",
    "F",
    "G",
    "H",
    "I",
    "J0",
    "J30",
    "J70",
    "capped",
    "durability",
    "irregular",
    "clinics",
    "maintenance",
    "side-effects",
    "silent",
    "returns",
    "steered",
    "steered-null",
    "clinic",
    "clinic-null",
    "measured",
)
