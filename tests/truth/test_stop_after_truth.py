"""Stopping after eight sessions against stopping after three, where the regime was forced on the
same people.
"""

import numpy as np
import pytest
from simulated import simulated_cohort

from kettrack.analysis.stop_after.rows import StopData, stop_data
from kettrack.analysis.stop_after.weights import Pair, contrasts
from kettrack.timelines.derived import derive

# mean score in week 12, eight weekly sessions minus three; forced, 400,000 people
TRUTH = -1.369
PATIENTS = 3000
PAIR = Pair(8, 3, False, 12)


def clinic(name: str) -> StopData:
    return stop_data(derive(simulated_cohort(name, PATIENTS, seed=21)))


def test_it_finds_the_truth_where_chance_decides_who_stops() -> None:
    data = clinic("E")
    found = contrasts(data, PAIR)
    assert float(found["smooth"]) == pytest.approx(TRUTH, abs=0.45)
    # nobody comes back in this clinic
    assert float(found["other"]) == pytest.approx(float(found["smooth"]))


def test_it_finds_the_sign_that_the_plain_comparison_gets_wrong() -> None:
    data = clinic("A")
    plain = np.polynomial.Polynomial.fit(data.sessions, data.outcome, 2)
    assert plain(8) - plain(3) > 1
    assert float(contrasts(data, PAIR)["smooth"]) < -0.4
