"""The families are of other kinds than the synthetic clinic, share all chance before a forced
decision, and hold the truths that the gates are judged by.
"""

from __future__ import annotations

import numpy as np
import pytest

from kettrack.simulation.families.clinic import Forced, run_family
from kettrack.simulation.families.presets import FAMILIES
from kettrack.trials.family_clinics import KNOWN, FamilySource, find_truths

WITH_EFFECT = [name for name in FAMILIES if not name.endswith("-null")]


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_differs_before_the_forced_decision(name):
    """Person 0 is forced after the second session, nobody else anywhere."""
    n = 60
    at = np.zeros(n, np.int64)
    at[0] = 2
    free = run_family(FAMILIES[name], n, 4)
    forced = run_family(FAMILIES[name], n, 4, Forced(at, False, 7, 0.0))
    others = free.session_rows[free.session_rows[:, 0] > 0]
    assert (others == forced.session_rows[forced.session_rows[:, 0] > 0]).all()
    own = free.session_rows[free.session_rows[:, 0] == 0][:2, 1]
    assert (forced.session_rows[forced.session_rows[:, 0] == 0][:2, 1] == own).all()


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_forced_decision_comes_out_as_forced(goes_on):
    n = 400
    at = np.full(n, 2)
    run = run_family(FAMILIES["walk"], n, 5, Forced(at, goes_on, 7, 0.1))
    who, day = run.session_rows.T
    order = np.lexsort((day, who))
    days = [day[order][who[order] == one] for one in range(n)]
    gaps = [one[2] - one[1] if len(one) > 2 else np.inf for one in days if len(one) > 1]
    within = np.array(gaps) <= 7
    assert within.all() if goes_on else not within.any()


@pytest.mark.parametrize("name", WITH_EFFECT)
def test_the_known_truths_are_found_again(name):
    found = find_truths(name, 4_000, 5)["next_session"]
    value, error = KNOWN[name]["next_session"]
    assert abs(found.value - value) < 3.5 * np.hypot(found.error, error)


def test_where_sessions_do_nothing_every_truth_is_zero():
    found = find_truths("blocks-null", 1_000, 5)
    assert {truth.value for truth in found.values()} == {0.0}
    assert {t.value for t in FamilySource("blocks-null").truths().values()} == {0.0}
