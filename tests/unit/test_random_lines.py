"""The mixed model finds the highest point of its likelihood, also where people hardly differ."""

from __future__ import annotations

import numpy as np
import pytest

from kettrack.estimators.regression.random_lines import fit_random_lines


@pytest.mark.parametrize("seed", range(12))
def test_digits_nobody_sees_change_no_fit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(60), 4)
    # People differ by a seventh of what one score differs from the next.
    y = rng.normal(0, 1, 60)[who] + rng.normal(0, 7, 240)
    x = np.column_stack([np.ones(240), rng.normal(size=240)])
    likelihoods = [
        fit_random_lines(y * (1 + 1e-13 * rng.standard_normal(240)), x, who).loglik
        for _ in range(5)
    ]
    assert np.ptp(likelihoods) < 1e-6
