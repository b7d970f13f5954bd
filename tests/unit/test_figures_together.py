"""Figures of other conditions, adherence, suicidality and ordinary questions: the numbers of the
table are read back from the axes.
"""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import kettrack as kt


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def table(name, policy="internal"):
    return sample_answer(name, policy).table


def marks(ax, along):
    """Values of all marks along an axis, in the order in which they were drawn."""
    pick = 0 if along == "x" else 1
    return [
        float(point[pick])
        for line in ax.lines
        if line.get_marker() in ("o", "s") and line.get_linestyle() in ("None", "-")
        for point in line.get_xydata()
    ]


def test_items_are_drawn_early_and_later():
    rows = table("change_by_item").set_index("key")
    ax = kt.plot_change_by_item(rows.reset_index())
    drawn = marks(ax, "x")[:18]
    told = [
        rows.loc[f"{when}_{n}", "estimate"]
        for when in ("early", "later")
        for n in range(1, 10)
    ]
    assert drawn == pytest.approx(told)
    named = [text.get_text() for text in ax.texts]
    first = rows[rows.index.str.startswith("ahead_") & (rows["ci_high"] < 0)]
    assert named.count("moves first") == len(first)
    # The interest of the sample is planted to move first.
    assert first.index.tolist() == ["ahead_1"]


def test_an_item_of_a_rising_scale_moves_first_upwards():
    keys = ["early_1", "later_1", "ahead_1", "early_2", "later_2", "ahead_2"]
    rows = pd.DataFrame(
        {"key": keys, "item": ["a"] * 3 + ["b"] * 3, "week": [2, 12, 2] * 2}
    )
    rows["estimate"] = [1.0, 1.5, 0.3, 0.8, 1.4, -0.3]
    rows = rows.assign(ci_low=rows["estimate"] - 0.1, ci_high=rows["estimate"] + 0.1)
    ax = kt.plot_change_by_item(rows)
    assert [text.get_text() for text in ax.texts] == ["moves first", "moves later"]


@pytest.mark.parametrize(
    ("plot", "name", "group"),
    [
        ("plot_maintenance_rhythm", "maintenance_rhythm", "period"),
        ("plot_planned_intervals", "planned_intervals", "planned"),
    ],
)
def test_bars_are_the_table_and_add_up(plot, name, group):
    rows = table(name)
    ax = getattr(kt, plot)(rows)
    heights = [bar.get_height() for bar in ax.patches]
    assert sorted(heights) == pytest.approx(sorted(rows["estimate"]))
    tops = {}
    for bar in ax.patches:
        place = round(bar.get_x() + bar.get_width() / 2)
        tops[place] = max(tops.get(place, 0), bar.get_y() + bar.get_height())
    assert list(tops.values()) == pytest.approx([100] * rows[group].nunique())


def test_reasons_end_where_any_reason_is():
    rows = table("time_to_discontinuation")
    ax = kt.plot_time_to_discontinuation(rows)
    whole = rows[rows["reason"] == "any_reason"]["estimate"]
    tops = {}
    for bar in ax.patches:
        place = round(bar.get_x() + bar.get_width() / 2)
        tops[place] = max(tops.get(place, 0), bar.get_y() + bar.get_height())
    assert list(tops.values()) == pytest.approx(list(whole))


def test_shift_bars_are_percentages_of_the_people_asked():
    rows = table("ideation_shift").set_index("key")
    ax = kt.plot_ideation_shift(rows.reset_index())
    widths = np.reshape([bar.get_width() for bar in ax.patches], (3, -1))
    shown = rows.loc[["worst", "last", "first", "untreated"]]
    told = [100 * shown[way] / shown["n"] for way in ("rose", "same", "fell")]
    assert widths == pytest.approx(np.array(told, float))


@pytest.mark.parametrize("compared", ["worst", "last", "first"])
def test_every_cell_of_the_shift_table_holds_its_people(compared):
    rows = table("ideation_shift")
    ax = kt.plot_shift_table(rows, compared=compared)
    cells = rows[rows["key"].str.fullmatch(rf"{compared}_\d")]
    told = cells[[f"answer_{level}" for level in range(4)]].to_numpy(int)
    drawn = [int(text.get_text()) for text in ax.texts[: told.size]]
    assert drawn == told.ravel().tolist()


def test_the_shift_table_is_not_released():
    ax = kt.plot_shift_table(table("ideation_shift", "cms"))
    assert "Not shown" in ax.texts[0].get_text()


def test_emergent_ideation_starts_at_nothing():
    rows = table("treatment_emergent_ideation_by_week")
    curve, most = kt.plot_emergent_ideation(rows).lines[:2]
    assert curve.get_ydata() == pytest.approx([0, *rows["estimate"]])
    assert most.get_ydata() == pytest.approx([0, *rows["at_most"]])


def test_clearance_stands_beside_what_came_back():
    rows = table("ideation_clearance").set_index("key")
    ax = kt.plot_ideation_clearance(rows.reset_index())
    weekly = rows[rows.index.str.startswith("week_")]
    assert marks(ax, "y") == pytest.approx(list(weekly["estimate"]), nan_ok=True)
    level = rows.loc["came_back", "estimate"]
    assert any(np.allclose(line.get_ydata(), level) for line in ax.lines)


def test_rates_reach_to_what_could_be():
    rows = table("attempts_and_admissions")
    ax = kt.plot_attempts_and_admissions(rows)
    ends = [float(segment[1, 0]) for segment in ax.collections[0].get_segments()]
    assert ends == pytest.approx(list(rows["ci_high"]))


@pytest.mark.parametrize("name", ["time_to_response", "time_to_remission"])
def test_days_are_drawn_at_their_share(name):
    rows = table(name)
    ax = kt.plot_time_to(rows)
    shares = rows[rows["key"].str.startswith("share_") & rows["estimate"].notna()]
    drawn = marks(ax, "x")
    for day in shares["estimate"]:
        assert day in drawn
    said = [text.get_text() for text in ax.texts]
    missing = rows["key"].str.startswith("share_") & rows["estimate"].isna()
    assert sum(text.startswith("not reached") for text in said) == missing.sum()


def test_changes_are_those_of_the_table():
    rows = table("paired_change").set_index("key")
    line = kt.plot_paired_change(rows.reset_index()).lines[-1]
    assert line.get_ydata() == pytest.approx(
        rows.loc[["baseline", "score"], "estimate"]
    )
    groups = table("change_by_sessions")
    groups = groups[groups["key"].str.startswith("sessions_")]
    ax = kt.plot_change_by_sessions(table("change_by_sessions"))
    assert marks(ax, "y") == pytest.approx(list(groups["estimate"]))


def test_the_ratio_of_two_groups_lies_on_its_axis():
    rows = table("two_groups").set_index("key")
    ax = kt.plot_two_groups(rows.reset_index())
    assert marks(ax, "x") == pytest.approx([rows.loc["hazard_ratio", "estimate"]])
    low, high = ax.get_xlim()
    assert low < rows.loc["hazard_ratio", "ci_low"]
    assert high > rows.loc["hazard_ratio", "ci_high"]


@pytest.mark.parametrize("policy", ["cms", "midpoint6"])
@pytest.mark.parametrize(
    ("plot", "name"),
    {
        "plot_time_to": "time_to_response",
        "plot_paired_change": "paired_change",
        "plot_change_by_sessions": "change_by_sessions",
        "plot_two_groups": "two_groups",
        "plot_ideation_shift": "ideation_shift",
        "plot_emergent_ideation": "treatment_emergent_ideation_by_week",
        "plot_ideation_clearance": "ideation_clearance",
        "plot_attempts_and_admissions": "attempts_and_admissions",
        "plot_time_to_discontinuation": "time_to_discontinuation",
        "plot_maintenance_rhythm": "maintenance_rhythm",
        "plot_planned_intervals": "planned_intervals",
        "plot_change_by_item": "change_by_item",
        "plot_other_conditions": "other_conditions",
    }.items(),
)
def test_hidden_numbers_stop_no_figure(plot, name, policy):
    ax = getattr(kt, plot)(table(name, policy))
    ax.figure.canvas.draw()
