"""The figures of durability draw the numbers of their table, hidden and refused ones included."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer

matplotlib.use("Agg")

import kettrack as kt
from kettrack.analysis.durability.curve import durability_from_response
from kettrack.analysis.durability.intervals import durability_intervals
from kettrack.figures.all_courses import plot_what_came_first
from kettrack.figures.durability import (
    CURVES,
    ROWS,
    plot_durability,
    plot_mean_count,
    plot_turnbull,
)
from kettrack.vocabulary import published_results
from kettrack.vocabulary.published_results import (
    PublishedDurability,
    durability_on_figure,
    published_durability,
)


@pytest.fixture(scope="module")
def curves():
    return sample_answer("durability_from_response")


def test_each_estimand_has_its_curve(curves):
    ax = plot_durability(curves.table, caption=curves.caption)
    lines = {
        line.get_label().split("\n")[0]: line
        for line in ax.lines
        if "\n(to week" in line.get_label()
    }
    for estimand, (_, words) in CURVES.items():
        rows = curves.table[
            (curves.table["estimand"] == estimand)
            & (curves.table["rule"] == "in_force")
        ]
        assert lines[words].get_ydata().tolist() == rows["estimate"].tolist()
        assert lines[words].get_xdata().tolist() == rows["day"].tolist()
    eight = curves.table.set_index("key").loc["treatment_policy_in_force_56"]
    assert ax.get_title(loc="left").startswith(
        f"{eight['estimate']:.0f} % ({eight['single']:.0f} % by one score) still"
        " responding 8 weeks on"
    )


def test_the_numbers_of_the_risk_table_stand_under_the_ticks_of_the_axis(curves):
    ax = plot_durability(curves.table)
    ticks = set(ax.get_xticks())
    numbers = [text for text in ax.texts if text.get_text().isdigit()]
    assert {text.xy[0] for text in numbers} <= ticks
    shown = curves.table[
        (curves.table["rule"] == "in_force") & curves.table["day"].isin(ticks)
    ]
    expected = shown[list(ROWS)].to_numpy().ravel()
    assert sorted(int(text.get_text()) for text in numbers) == sorted(expected)


def test_hidden_numbers_are_said_and_a_hidden_week_breaks_the_line(curves):
    table = curves.table.astype({"lost": "Int64"})
    hidden = table["key"] == "treatment_policy_in_force_28"
    table.loc[hidden, "lost"] = pd.NA
    table.loc[hidden, ["estimate", "ci_low", "ci_high"]] = np.nan
    ax = plot_durability(table)
    assert "hidden" in [text.get_text() for text in ax.texts]
    line = next(
        line
        for line in ax.lines
        if line.get_label().startswith("whatever sessions followed\n(to")
    )
    assert np.isnan(line.get_ydata()[4])


def test_a_figure_has_room_for_three_published_marks(monkeypatch):
    many = [
        PublishedDurability(f"Study {day}", day, 60, 100 - day, "any", "none")
        for day in (7, 14, 21, 28, 35, 999)
    ]
    worse = PublishedDurability("Computed", 7, 60, 900, "any", "none", "computed")
    monkeypatch.setattr(published_results, "PUBLISHED_DURABILITY", (worse, *many))
    shown = [share.day for share in durability_on_figure(182)]
    assert shown == [7, 14, 21]


def test_published_marks_are_named(curves):
    ax = plot_durability(curves.table)
    shown = {
        line.get_label().split("\n")[0]: line
        for line in ax.lines
        if line.get_label().startswith("published: ")
    }
    assert shown["published: McInnes 2022"].get_xdata().tolist() == [28, 56]
    assert shown["published: Shiroma 2014"].get_ydata().tolist() == [45]
    assert len({line.get_marker() for line in shown.values()}) == 2
    cited = " ".join(curves.caveats)
    assert all(
        f"{figure.percent:g} %" in cited and figure.source in cited
        for figure in published_durability()
    )
    assert not [
        line
        for line in plot_durability(curves.table, published=()).lines
        if line.get_label().startswith("published")
    ]


def test_the_bounds_of_the_silent_stand_around_their_curve(curves):
    ax = plot_durability(curves.table)
    for estimand in ("treatment_policy", "hypothetical"):
        _, words = CURVES[estimand]
        rows = curves.table[
            (curves.table["estimand"] == estimand)
            & (curves.table["rule"] == "in_force")
        ]
        low = next(
            line
            for line in ax.lines
            if line.get_label() == f"{words},\nif all the silent had lost it, or none"
        )
        high = next(
            line for line in ax.lines if line.get_label() == f"_{estimand}_high"
        )
        assert low.get_ydata().tolist() == rows["silent_low"].tolist()
        assert high.get_ydata().tolist() == rows["silent_high"].tolist()


def test_every_curve_by_a_single_score_stands_beside_it(curves):
    dotted = [
        line for line in plot_durability(curves.table).lines if line.get_ls() == ":"
    ]
    assert len(dotted) == len(CURVES)
    for line, estimand in zip(dotted, CURVES, strict=True):
        rows = curves.table[
            (curves.table["estimand"] == estimand)
            & (curves.table["rule"] == "in_force")
        ]
        assert np.array_equal(line.get_ydata(), rows["single"], equal_nan=True)


def test_what_came_first_adds_up_and_shows_its_intervals(curves):
    ax = plot_what_came_first(curves.table)
    rows = curves.table[
        (curves.table["estimand"] == "composite") & (curves.table["rule"] == "in_force")
    ]
    rows = rows[rows["day"] <= 26 * 7]
    tops = [band.get_data().values for band in ax.patches if band.get_fill()]
    assert tops[0] == pytest.approx(rows["estimate"].to_numpy())
    assert tops[-1] == pytest.approx(np.full(len(rows), 100))
    eight = rows.set_index("day").loc[56, "estimate"]
    assert f"8 weeks on, {eight:.0f} %" in ax.get_title(loc="left")
    assert len(ax.containers) == 1


def test_boxes_reach_from_share_to_share():
    table = sample_answer("durability_intervals").table
    ax = plot_turnbull(table)
    closed = table[(table["kind"] == "box") & table["right"].notna()]
    drawn = [(box.get_x(), box.get_width(), box.get_height()) for box in ax.patches]
    assert drawn == list(
        zip(
            closed["left"],
            closed["right"] - closed["left"],
            closed["estimate"],
            strict=True,
        )
    )
    tops = [100.0, *(100 - closed["estimate"].cumsum())]
    assert [box.get_y() for box in ax.patches] == pytest.approx(tops[1:])


def test_mean_count_is_the_table():
    table = sample_answer("recurrent_loss").table
    line = plot_mean_count(table).lines[0]
    assert line.get_ydata().tolist() == [0, *table["estimate"]]


@pytest.mark.parametrize(
    "plot", [plot_durability, plot_what_came_first, plot_turnbull, plot_mean_count]
)
def test_a_refused_table_says_so(plot):
    assert "Not shown" in plot(pd.DataFrame()).texts[0].get_text()


def test_nothing_false_is_drawn_under_a_release_policy():
    clinic = kt.load_cohort(kt.sample_folder(), policy="cms")
    for answer, plot in (
        (durability_from_response, plot_durability),
        (durability_intervals, plot_turnbull),
    ):
        assert "Not shown" in plot(answer(clinic).table).texts[0].get_text()
