"""The mixed model finds the highest point of its likelihood, also where people hardly differ."""

from __future__ import annotations

import numpy as np
import pytest

from kettrack.estimators.regression.line_sums import sums_of_rows
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


def test_people_alike_are_one_in_the_sums_and_the_fit_stays() -> None:
    """Four visits of which some are missing, so that few rows stand for many people."""
    draw = np.random.default_rng(8)
    who = np.repeat(np.arange(300), 4)
    visit = np.tile(np.arange(4.0), 300)
    own = draw.normal(0, [4, 1], (300, 2))[who]
    y = 20 - 2 * visit + own[:, 0] + own[:, 1] * visit + draw.normal(0, 2, 1200)
    kept = draw.random(1200) < 0.8
    y, who, visit = y[kept], np.unique(who[kept], return_inverse=True)[1], visit[kept]
    x = np.column_stack([np.ones(len(y)), visit])
    sums = sums_of_rows(y, x, who, visit, restricted=False)
    few = sums.condensed()
    assert len(few.people) < len(sums.people) / 3
    assert few.people.sum() == sums.people.sum()
    # A column that hardly differs between people makes all of them different.
    apart = fit_random_lines(y, x, who, visit + draw.normal(0, 1e-9, len(y)))
    fit = fit_random_lines(y, x, who, visit)
    assert fit.loglik == pytest.approx(apart.loglik, abs=1e-5)
    assert fit.coefficient == pytest.approx(apart.coefficient, rel=1e-6)
    assert fit.seen_error == pytest.approx(apart.seen_error, rel=1e-5)
    assert fit.freedom == pytest.approx(apart.freedom, rel=1e-4)
