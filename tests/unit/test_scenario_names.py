"""The names that `--help` lists are those of the clinics there are."""

from kettrack.simulation.names import SCENARIO_NAMES
from kettrack.simulation.presets import SCENARIOS


def test_every_scenario_is_listed_in_order() -> None:
    assert tuple(SCENARIOS) == SCENARIO_NAMES
