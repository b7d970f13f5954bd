"""Wilson's interval, exact at its edges; published numbers stand in
tests/reference/test_published_oracles.py.
"""

import numpy as np
import pytest

from kettrack.estimators.intervals import effective_number, exact_ends, wilson


def test_wilson_behaves_at_0_and_at_100_and_without_patients():
    assert wilson(0, 20) == pytest.approx((0, 0, 16.84), abs=0.01)
    assert wilson(20, 20) == pytest.approx((100, 83.16, 100), abs=0.01)
    assert wilson(30, 30) == pytest.approx((100, 88.43, 100), abs=0.01)
    assert wilson(0, 30) == pytest.approx((0, 0, 11.57), abs=0.01)
    assert wilson(0, 59) == pytest.approx((0, 0, 6.06), abs=0.01)
    assert np.isnan(wilson(0, 0)).all()


def test_a_weighted_count_has_no_wilson_interval():
    with pytest.raises(TypeError):
        wilson(2.5, 20)


def test_exact_ends_leave_what_lies_between_alone():
    low, high = exact_ends(
        [0, 0.5, 1, np.nan, 1 - 1e-15], 0.2, 0.8, [30, 30, 30, 30, 0]
    )
    assert low == pytest.approx([0, 0.2, 0.8843, 0.2, 0], abs=1e-4)
    assert high == pytest.approx([0.1157, 0.8, 1, 0.8, 1], abs=1e-4)


def test_the_effective_number_goes_on_where_nobody_is_left():
    number = effective_number([30, 15, 3, 0, 0], [1, 0.5, 0.2, 0, 0])
    assert number.tolist() == pytest.approx([30, 30, 15, 15, 15])
