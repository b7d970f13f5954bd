"""Response by session 8 if nobody had stopped early, against the same clinics with the regime
forced.
"""

import pytest
from simulated import simulated_cohort

from kettrack import Cohort
from kettrack.analysis.response.if_all_continued import response_if_all_continued
from kettrack.trials.continued import continued_by

# Share with a score at most half of the screening score by session 8 if all go on; forced, 400,000
# people.
TRUTH = {"A": 0.778, "C": 0.607}
PATIENTS = 2500


def clinic(name: str, n: int = PATIENTS) -> Cohort:
    return simulated_cohort(name, n, seed=11)


@pytest.mark.parametrize(("name", "off"), [("A", -0.03), ("C", 0.06)])
def test_the_weights_find_what_the_plain_curve_misses(name: str, off: float) -> None:
    found = continued_by(clinic(name))
    assert found["estimate"] == pytest.approx(TRUTH[name], abs=0.03)
    # too low where the well stop, too high where the ill do
    assert (found["plain"] - TRUTH[name]) / off > 1


def test_it_refuses_where_scores_are_taken_at_the_next_visit_only() -> None:
    found = response_if_all_continued(clinic("J0", 300))
    assert found.status == "refused"
    assert "fewer than 50 % of the people who stopped" in found.reason
