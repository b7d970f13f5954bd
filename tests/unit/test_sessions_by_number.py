"""Sessions until a response along a number: the spline, intervals along it, and truths."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample, sample_answer
from simulated import simulated_cohort

from kettrack import (
    Cohort,
    cohort_from_frames,
    estimate,
    plot_sessions_by_number,
)
from kettrack.analysis.response.exits import first_course_exits
from kettrack.analysis.subgroups.adjusted import adjusted_comparison
from kettrack.errors import UsageError
from kettrack.estimators.regression.spline import natural_spline, spline_knots
from kettrack.timelines.derived import derive

matplotlib.use("Agg")


def test_the_spline_spans_that_of_patsy() -> None:
    from patsy import dmatrix

    values = np.linspace(-1, 5, 40)
    knots = np.array([0.0, 1.0, 2.5, 4.0])
    own = natural_spline(values, knots)
    theirs = np.asarray(
        dmatrix(
            "cr(v, knots=(1.0, 2.5), lower_bound=0, upper_bound=4)",
            {"v": np.clip(values, 0, 4)},
        )
    )
    inside = (values >= 0) & (values <= 4)
    with_one = np.column_stack([np.ones(len(values)), own])[inside]
    left = np.linalg.lstsq(theirs[inside], with_one, rcond=None)[0]
    assert theirs[inside] @ left == pytest.approx(with_one, abs=1e-8)
    # Beyond the outer knots it goes on straight.
    for end in (values < 0, values > 4):
        assert np.diff(own[end], n=2, axis=0) == pytest.approx(0, abs=1e-9)


def test_few_values_give_a_straight_line() -> None:
    yes_no = np.array([0.0] * 60 + [1.0] * 40)
    assert len(spline_knots(yes_no)) == 0
    assert natural_spline(yes_no, spline_knots(yes_no)).shape == (100, 1)


def test_bands_hold_along_the_whole_curve() -> None:
    """A number that tells nothing: a band that misses 0 anywhere is a false alarm."""
    rng = np.random.default_rng(12)
    alarms = 0
    for _ in range(200):
        number = rng.gamma(4, 5, 300)
        # Spread grows with the number, so that an error that takes it as equal would be wrong.
        outcome = rng.normal(0, 1 + number / 20)
        knots = spline_knots(number)
        found = adjusted_comparison(
            outcome, natural_spline(number, knots), np.zeros((300, 1)), []
        )
        middle = natural_spline(np.array([20.0]), knots)[0]
        steps = natural_spline(np.quantile(number, np.linspace(0.1, 0.9, 9)), knots)
        ends = [found.along("d", step, 0.95) for step in steps - middle]
        alarms += any(end["d_low"] > 0 or end["d_high"] < 0 for end in ends)
    # 5 % would be 10; below 8 % is what the trials ask.
    assert alarms <= 16


def _clinic(n: int, seed: int, slope: float) -> tuple[Cohort, pd.Series]:
    """Everybody has six sessions and a score after each; the chance to respond after one falls
    with the baseline. Returned with the sessions begun without a response, by baseline.
    """
    rng = np.random.default_rng(seed)
    baseline = rng.integers(10, 28, n)
    chance = np.clip(0.3 - slope * (baseline - 18), 0.02, 0.9)
    first = rng.geometric(chance)
    codes = np.array([f"P{place:04d}" for place in range(n)])
    days = np.arange(0, 18, 3)
    rows = [pd.DataFrame({"patient_id": codes, "day": -1, "score": baseline})]
    for session, day in enumerate(days, start=1):
        score = np.where(session >= first, baseline // 3, baseline)
        rows.append(pd.DataFrame({"patient_id": codes, "day": day + 1, "score": score}))
    sessions = pd.DataFrame(
        {"patient_id": np.repeat(codes, 6), "day": np.tile(days, n)}
    )
    patients = pd.DataFrame(
        {"patient_id": codes, "observed_to_day": 300, "planned_sessions": 6}
    )
    scores = pd.concat(rows, ignore_index=True).assign(instrument="PHQ-9")
    made = cohort_from_frames(sessions, scores, patients=patients)
    return made, pd.Series(np.minimum(first, 6)).groupby(baseline).mean()


def test_more_severe_people_who_need_more_are_found() -> None:
    clinic, truth = _clinic(1500, 3, slope=0.02)
    table = estimate("sessions_by_number", clinic).table.set_index("key")
    sessions = table[table["unit"].str.startswith("sessions")]
    assert sessions["at"].is_monotonic_increasing
    for row in sessions.itertuples():
        assert row.estimate == pytest.approx(truth[row.at], abs=0.5)
    assert sessions["difference_high"].iloc[0] < 0 < sessions["difference_low"].iloc[-1]
    assert sessions["chance"].iloc[0] < 1


def test_severity_that_tells_nothing_is_not_found() -> None:
    clinic, _ = _clinic(1500, 4, slope=0.0)
    table = estimate("sessions_by_number", clinic).table
    known = table.dropna(subset=["difference_low"])
    assert ((known["difference_low"] <= 0) & (known["difference_high"] >= 0)).all()


def test_the_average_over_people_is_plain_counting() -> None:
    """Where no log ends early, a pseudo-value is what was seen."""
    clinic, _ = _clinic(400, 5, slope=0.01)
    exits = first_course_exits(derive(clinic))
    responded = exits["cause"] == 1
    seen = np.where(responded, exits["step"], 6).clip(max=6).mean()
    table = estimate("sessions_by_number", clinic).table
    assert table["estimate"].iloc[:9].min() < seen < table["estimate"].iloc[:9].max()


def test_no_share_is_above_everybody_and_no_mean_beyond_the_last_session() -> None:
    """Below a baseline nobody needs a second session, above it nobody responds: a smooth curve
    goes over both edges.
    """
    clinic, _ = _clinic(300, 6, slope=2.0)
    table = estimate("sessions_by_number", clinic).table
    share = table["unit"].str.startswith("%")
    told = table[["estimate", "ci_low", "ci_high"]]
    assert told[share].stack().between(0, 100).all()
    assert told[~share].stack().between(1, 6).all()
    # The curve reaches an edge here, so the limits were on trial.
    assert (table["estimate"][share] == 100).any()


def test_another_number_has_no_null_and_says_why() -> None:
    found = estimate("sessions_by_number", derived_sample(), column="age")
    assert found.table["null"].isna().all()
    assert any("No null curve" in caveat for caveat in found.caveats)
    by_scale = estimate("sessions_by_number", derived_sample(), column="GAD-7")
    assert by_scale.status == "ok"
    with pytest.raises(UsageError, match="is no number"):
        estimate("sessions_by_number", derived_sample(), column="sex")


def test_small_clinics_are_refused() -> None:
    found = estimate("sessions_by_number", simulated_cohort("measured", 25, seed=4))
    assert found.status == "refused"
    assert "30 people" in found.reason


def test_the_figure_draws_the_sessions() -> None:
    table = sample_answer("sessions_by_number").table
    ax = plot_sessions_by_number(table)
    own = table[table["unit"] == table["unit"].iloc[0]]
    counted, null = ax.lines
    assert list(counted.get_xdata()) == list(own["at"])
    assert list(counted.get_ydata()) == pytest.approx(list(own["estimate"]))
    assert list(null.get_ydata()) == pytest.approx(list(own["null"]))
