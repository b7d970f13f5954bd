"""The names that `--help` lists are those of the clinics there are, and each says what is true."""

from kettrack.simulation.names import SCENARIOS_IN_SHORT
from kettrack.simulation.presets import SCENARIOS


def test_every_scenario_is_listed_in_order() -> None:
    assert tuple(SCENARIOS) == tuple(SCENARIOS_IN_SHORT)


def test_what_is_short_already_is_said_in_the_same_words() -> None:
    for name, words in SCENARIOS_IN_SHORT.items():
        about = SCENARIOS[name].about
        if name in "ABCDEFHI":
            assert words == about
        # a line of the help
        assert len(words) <= 60
