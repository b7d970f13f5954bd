"""The figures of durability draw the numbers of their table, hidden and refused ones included."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")

import kettrack as kt
from kettrack.analysis.durability.curve import durability_from_response
from kettrack.analysis.durability.intervals import durability_intervals
from kettrack.analysis.durability.recurrent_loss import recurrent_loss
from kettrack.figures.durability import (
    CURVES,
    plot_durability,
    plot_mean_count,
    plot_turnbull,
)
from kettrack.vocabulary.published_results import published_durability


@pytest.fixture(scope="module")
def sample():
    return kt.load_cohort(kt.sample_folder())


@pytest.fixture(scope="module")
def curves(sample):
    return durability_from_response(sample)


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
    eight = curves.table.set_index("key").loc[
        "treatment_policy_in_force_56", "estimate"
    ]
    assert ax.get_title(loc="left").startswith(
        f"{eight:.0f} % were still responding 8 weeks on"
    )


def test_the_numbers_of_the_risk_table_stand_under_the_ticks_of_the_axis(curves):
    ax = plot_durability(curves.table)
    ticks = set(ax.get_xticks())
    numbers = [text for text in ax.texts if text.get_text().isdigit()]
    assert {text.xy[0] for text in numbers} <= ticks
    shown = curves.table[
        (curves.table["rule"] == "in_force") & curves.table["day"].isin(ticks)
    ]
    expected = shown[["at_risk", "lost", "retreated", "censored"]].to_numpy().ravel()
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


def test_the_lower_bound_stands_under_the_curve_hypothetical(curves):
    ax = plot_durability(curves.table)
    line = next(
        line
        for line in ax.lines
        if line.get_label().startswith("without a further session, with")
    )
    rows = curves.table[
        (curves.table["estimand"] == "hypothetical")
        & (curves.table["rule"] == "in_force")
    ]
    assert line.get_ydata().tolist() == rows["bound_low"].tolist()


def test_boxes_reach_from_share_to_share(sample):
    table = durability_intervals(sample).table
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


def test_mean_count_is_the_table(sample):
    table = recurrent_loss(sample).table
    line = plot_mean_count(table).lines[0]
    assert line.get_ydata().tolist() == [0, *table["estimate"]]


@pytest.mark.parametrize("plot", [plot_durability, plot_turnbull, plot_mean_count])
def test_a_refused_table_says_so(plot):
    assert "Not shown" in plot(pd.DataFrame()).texts[0].get_text()


def test_nothing_false_is_drawn_under_a_release_policy():
    clinic = kt.load_cohort(kt.sample_folder(), policy="cms")
    for answer, plot in (
        (durability_from_response, plot_durability),
        (durability_intervals, plot_turnbull),
    ):
        assert "Not shown" in plot(answer(clinic).table).texts[0].get_text()
