"""The response curve and the futility sheet draw the numbers of their tables; labels keep apart."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_answers import sample_answer

matplotlib.use("Agg")

from kettrack.figures.all_courses import (
    plot_response_by_any_session,
    plot_response_by_week,
    plot_worsening_by_week,
)
from kettrack.figures.going_on import plot_futility
from kettrack.figures.kit import spread_out
from kettrack.figures.response import (
    OFF_LINES,
    plot_response_by_session,
    plot_response_curve,
)
from kettrack.vocabulary.published_results import (
    MOST_ON_FIGURE,
    rates_on_figure,
    rates_to_draw,
)

CAPTION = "N = 120 · PHQ-9, convention 1"


def curve(sessions=8, **columns):
    count = np.arange(1, sessions + 1)
    table = pd.DataFrame(
        {"session": count, "n": 120, "at_risk": 120 - 14 * count, "new_responded": 6}
        | {"counted": 120 - 14 * count}
    )
    table = table.assign(
        estimate=5.0 * count,
        ci_low=4.0 * count,
        ci_high=6.0 * count,
        confirmed=4.0 * count,
        null=3.0 * count,
    )
    table = table.assign(null_confirmed=2.0 * count)
    bands = {
        "completed": 2.0 * count,
        "stopped": 2.0 * count,
        "not_scored": 1.0 * count,
        "scored_later": 0.0 * count,
    }
    return table.assign(**bands, still_in_course=100 - 10.0 * count).assign(**columns)


def sheet():
    rows = [(s, group) for s in (2, 3, 4, 6) for group in ("below_20", "20_to_49")]
    table = pd.DataFrame(rows, columns=["landmark", "group"])
    value = np.arange(8.0) * 5 + 5
    table = table.assign(
        went_on=42,
        n=40,
        stopped=3,
        unscored=12,
        estimate=value,
        ci_low=value - 4,
        ci_high=value + 9,
        null=value / 2,
    )
    table.loc[7, ["estimate", "ci_low", "ci_high"]] = np.nan
    return table.assign(
        reason=[
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "fewer than 11 people went on and can be followed",
        ]
    )


def texts(ax):
    return [text.get_text() for text in ax.texts]


def lines(ax):
    return {line.get_label(): line for line in ax.lines}


def test_the_curve_is_a_step_from_nothing():
    table = curve()
    ax = plot_response_curve(table, caption=CAPTION)
    drawn = lines(ax)
    named = {
        "estimate": "estimate",
        "confirmed": "confirmed",
        "null": "if no effect (model)",
    }
    for column, label in (
        named | {"null_confirmed": "confirmed, if no effect (model)"}
    ).items():
        assert drawn[label].get_xdata().tolist() == [
            0,
            *table["session"],
            table["session"].iloc[-1] + 1,
        ]
        assert drawn[label].get_ydata().tolist() == [
            0,
            *table[column],
            table[column].iloc[-1],
        ]
    assert drawn["if no effect (model)"].get_linestyle() == "--"
    assert ax.get_xticks().tolist() == list(range(9))
    assert CAPTION in texts(ax)


def test_the_line_is_faint_where_few_are_at_risk():
    table = curve()
    ax = plot_response_curve(table)
    solid, faint = (patch for patch in ax.patches if patch.get_linewidth() == 2.2)
    few = (table["counted"] < 20).to_numpy()
    assert few.any()
    assert np.isnan(solid.get_data().values).tolist() == few.tolist()
    assert np.isnan(faint.get_data().values).tolist() == (~few).tolist()
    assert faint.get_alpha() < solid.get_alpha()


def test_bars_beneath_are_the_counts():
    table = curve()
    (row,) = plot_response_curve(table).child_axes
    at_risk, new = row.containers
    assert [bar.get_height() for bar in at_risk] == table["at_risk"].tolist()
    assert [bar.get_height() for bar in new] == table["new_responded"].tolist()


@pytest.mark.parametrize("plot", [plot_response_curve, plot_response_by_session])
def test_published_marks_stand_where_they_were_measured(plot):
    ax = plot(curve())
    marks = [
        (line.get_xdata()[0], line.get_ydata()[0])
        for line in ax.lines
        if "n=" in line.get_label()
    ]
    rates = rates_on_figure("response", 8)
    assert sorted(y for _, y in marks) == sorted(rate.response for rate in rates)
    assert {round(x) for x, _ in marks} == {rate.session for rate in rates}
    assert any(text.startswith("Hull 63") for text in texts(ax))
    # The others are told in words.
    assert len(rates) == MOST_ON_FIGURE < len(rates_to_draw("response", 8))
    assert not [text for text in texts(ax) if "KADS" in text or "Rot" in text]


@pytest.mark.parametrize("plot", [plot_response_curve, plot_response_by_session])
@pytest.mark.parametrize("sessions", [6, 8, 12])
def test_no_two_labels_of_published_marks_overlap(plot, sessions):
    ax = plot(
        curve(
            sessions,
            estimate=20.0,
            ci_low=15.0,
            ci_high=25.0,
            at_risk=50,
            counted=50,
            still_in_course=75.0,
            completed=0.0,
            stopped=5.0,
            not_scored=0.0,
            scored_later=0.0,
        )
    )
    ax.figure.canvas.draw()
    names = {rate.study.split()[0] for rate in rates_on_figure("response", sessions)}
    boxes = [
        text.get_window_extent()
        for text in ax.texts
        if text.get_text().split()[0] in names
    ]
    assert len(boxes) == len(rates_on_figure("response", sessions))
    assert not [
        1
        for place, one in enumerate(boxes)
        for other in boxes[place + 1 :]
        if one.overlaps(other)
    ]


def test_labels_of_published_marks_keep_off_the_lines():
    table = curve(
        6,
        estimate=[10, 16, 25, 31, 50, 55.4],
        confirmed=[8, 11, 18, 22, 24, 25.5],
        null=[3, 8, 14, 19, 23, 25.5],
    )
    ax = plot_response_curve(table.assign(null_confirmed=[1, 2, 3, 4, 5, 6]))
    labels = {text.get_text(): text for text in ax.texts}
    assert abs(labels["Anand 55"].get_position()[1] - 55.4) >= OFF_LINES
    names = {rate.study.split()[0] for rate in rates_on_figure("response", 6)}
    for text in (text for name, text in labels.items() if name.split()[0] in names):
        here = table[table["session"] == round(text.xy[0])]
        heights = here[["estimate", "confirmed", "null"]].to_numpy(float)
        assert (np.abs(heights - text.get_position()[1]) >= OFF_LINES).all()


@pytest.mark.parametrize("plot", [plot_response_curve, plot_response_by_session])
def test_a_table_without_a_null_draws_none(plot):
    for table in (curve(null=np.nan), curve().drop(columns="null")):
        assert "if no effect (model)" not in [*texts(plot(table)), *lines(plot(table))]


def test_remission_takes_the_published_remission():
    ax = plot_response_curve(curve(), outcome="remission")
    assert any(text.startswith("Hull 33") for text in texts(ax))
    assert "newly remitted" in texts(ax)


def test_futility_draws_each_row_with_its_null_and_its_numbers():
    table = sheet()
    ax = plot_futility(table, caption=CAPTION)
    drawn = lines(ax)
    told = table["reason"] == ""
    assert (
        drawn["responded later, 95 % interval"].get_xdata().tolist()
        == table.loc[told, "estimate"].tolist()
    )
    assert (
        drawn["if no effect (model)"].get_xdata().tolist()
        == table.loc[told, "null"].tolist()
    )
    assert drawn["if no effect (model)"].get_markerfacecolor() == "none"
    spans = [tuple(segment[:, 0]) for segment in ax.collections[0].get_segments()]
    assert spans == list(
        zip(table.loc[told, "ci_low"], table.loc[told, "ci_high"], strict=True)
    )
    assert [label.get_text() for label in ax.get_yticklabels()][:2] == [
        "session 2: less than 20 % better",
        "session 2: 20 % better or more",
    ]
    assert [texts(ax).count(number) for number in ("42", "40", "12")] == [8, 8, 8]
    assert {"went on", "followed"} <= set(texts(ax))
    assert "not shown: fewer than 11 people went on and can be followed" in texts(ax)


def test_nothing_of_the_futility_sheet_is_cut_off():
    ax = plot_futility(sheet(), caption=CAPTION)
    ax.figure.canvas.draw()
    inside = ax.figure.bbox
    for text in [*ax.texts, *ax.get_yticklabels(), ax.title]:
        box = text.get_window_extent()
        assert inside.x0 <= box.x0
        assert box.x1 <= inside.x1


@pytest.mark.parametrize("plot", [plot_response_curve, plot_futility])
def test_nothing_is_drawn_of_what_is_hidden_or_refused(plot):
    assert "Not shown" in texts(plot(pd.DataFrame()))[0]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=15))
def test_labels_are_pushed_apart_and_stay_inside(heights):
    moved = spread_out(np.array(heights), 4)
    assert (np.diff(np.sort(moved)) >= 4 - 1e-9).all()
    assert (moved >= 2 - 1e-9).all()
    assert (moved <= 98 + 1e-9).all()


def test_bands_of_all_courses_and_of_weeks_are_their_tables():
    for name, plot in (
        ("response_by_any_session", plot_response_by_any_session),
        ("response_by_week", plot_response_by_week),
    ):
        table = sample_answer(name).table
        axes = plot(table)
        tops = {patch.get_label(): patch.get_data() for patch in axes.patches}
        assert tops["estimate"].values == pytest.approx(table["estimate"])
        last = list(tops.values())[-1]
        assert last.values == pytest.approx([100] * len(table))


def test_harm_and_response_stand_on_one_axis_with_the_numbers_of_the_table():
    table = sample_answer("worsening_by_week").table
    axes = plot_worsening_by_week(table)
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    for column, name in (
        ("estimate", "worse"),
        ("confirmed", "worse, confirmed"),
        ("any_time", "worse, also after the sessions"),
        ("responded", "responded"),
    ):
        assert lines[name].tolist() == pytest.approx([0, *table[column]])
    assert axes.get_ylim() == (0, 100)
