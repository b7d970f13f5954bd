"""Loss in maintenance and losses that recur: numbers counted by hand."""

import numpy as np
import pytest
from sample_answers import sample_answer
from spec.tables import cohort

import kettrack as kt
from kettrack.analysis.durability.maintenance import maintenance, maintenance_stretches
from kettrack.analysis.durability.recurrent_loss import recurrent_loss
from kettrack.analysis.registry import asked_as
from kettrack.timelines.derived import derive


@pytest.fixture(scope="module")
def sample():
    return kt.load_cohort(kt.sample_folder())


def twelve(lost):
    """Twelve people with a session every 14 days, scored on the same days before it; `lost` of them
    lose it at day 56.
    """
    scores = ["patient | day | score | timing"]
    sessions = ["patient | days"]
    plans = ["patient | planned_sessions"]
    for person in range(12):
        name = f"P{person}"
        sessions.append(f"{name} | 0 14 28 42 56 70")
        plans.append(f"{name} | 1")
        scores.append(f"{name} | -1 | 20 | before")
        for day in (16, 28, 42, 56, 70):
            scores.append(
                f"{name} | {day} | {15 if person < lost and day >= 56 else 5} | before"
            )
    return cohort("\n".join(scores), "\n".join(sessions), "\n".join(plans))


def test_rates_are_losses_over_days_watched():
    rows = maintenance(twelve(6)).table.set_index("key")
    # Watched from day 16 to day 56: all of them, since day 70 could only have confirmed day 56.
    assert rows.loc["all", ["n", "events", "person_days"]].tolist() == [12, 6, 12 * 40]
    assert rows.loc["all", "estimate"] == pytest.approx(700 * 6 / 480)
    # Day 28 lies 14 days after the session of day 14; days 42 and 56 lie 14 after the sessions
    # given on days 28 and 42.
    assert rows.loc["since_8_14", ["n", "events", "person_days"]].tolist() == [
        12,
        6,
        12 * 3 * 7,
    ]
    assert rows.loc["since_0_7", ["n", "events", "person_days"]].tolist() == [
        12,
        0,
        12 * (5 + 7 + 7),
    ]
    # Each person has 40 days and one loss or none: the cluster error of a proportion of a half.
    spread = np.exp(1.959964 * np.sqrt(12 * 0.25) / 6)
    assert rows.loc["all", ["ci_low", "ci_high"]].tolist() == pytest.approx(
        [8.75 / spread, 8.75 * spread]
    )


def test_no_hazard_ratio_where_nobody_differs_and_the_caveat_says_so():
    found = maintenance(twelve(6))
    assert (found.table["kind"] == "rate").all()
    assert any("no hazard ratios" in caveat for caveat in found.caveats)


def test_it_refuses_with_few_losses():
    found = maintenance(twelve(4))
    assert found.status == "refused"
    assert "4 of them lost it" in found.reason


def test_the_sample_has_rates_and_ratios_and_speaks_of_association(sample):
    found = sample_answer("maintenance")
    table = found.table.set_index("key")
    for part in ("since_", "interval_"):
        rows = table[table.index.str.startswith(part) & (table["kind"] == "rate")]
        assert rows["events"].sum() == table.loc["all", "events"]
        assert rows["person_days"].sum() == table.loc["all", "person_days"]
    assert set(table.index[table["kind"] == "hazard ratio"]) == {
        "ratio_since_15_28",
        "ratio_since_29",
        "ratio_doubling",
    }
    assert "association" in found.text
    assert asked_as("holding_interval") in found.text
    stretches = maintenance_stretches(derive(sample))
    assert (stretches["start"] < stretches["stop"]).all()
    assert (stretches["since"] >= stretches["stop"] - stretches["start"]).all()
    assert stretches.groupby("patient_id")["event"].sum().max() == 1


def test_losses_per_person_by_hand():
    course = dict.fromkeys(range(7, 120, 7), 5) | {21: 15, 28: 15, 63: 15, 70: 15}
    scores = ["patient | day | score"]
    for person in range(12):
        scores.append(f"P{person} | -1 | 20")
        scores += [
            f"P{person} | {day} | {score if person < 3 else 5}"
            for day, score in course.items()
        ]
    table = recurrent_loss(cohort("\n".join(scores))).table.set_index("day")
    assert table.loc[[7, 14, 49, 56], "estimate"].tolist() == pytest.approx(
        [0, 0.25, 0.25, 0.5]
    )
    assert table.loc[[7, 14, 56], "losses"].tolist() == [0, 3, 6]
    # nobody has lost it: the interval begins at 0, and its end says how few they are
    assert table.loc[7, "ci_low"] == 0 < table.loc[7, "ci_high"]


def test_recurrent_loss_of_the_sample():
    found = sample_answer("recurrent_loss")
    assert found.table["estimate"].is_monotonic_increasing
    assert "times" in found.text
    assert (
        recurrent_loss(
            cohort("patient | day | score\n a | -1 | 20\n a | 7 | 19")
        ).status
        == "refused"
    )
