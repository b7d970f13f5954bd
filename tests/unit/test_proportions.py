"""Wilson's interval at its edges; published numbers stand in
tests/reference/test_published_oracles.py.
"""

import numpy as np
import pytest

from kettrack.estimators.intervals import wilson


def test_wilson_behaves_at_0_and_at_100_and_without_patients():
    assert wilson(0, 20) == pytest.approx((0, 0, 16.11), abs=0.01)
    assert wilson(20, 20) == pytest.approx((100, 83.89, 100), abs=0.01)
    assert np.isnan(wilson(0, 0)).all()


def test_a_weighted_count_has_no_wilson_interval():
    with pytest.raises(TypeError):
        wilson(2.5, 20)
