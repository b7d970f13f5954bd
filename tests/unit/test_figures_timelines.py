"""The figures of the timelines draw the numbers of their table."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import kettrack as kt
from kettrack.analysis.courses.flows import VISITS
from kettrack.figures.cohort import INTERVALS
from kettrack.figures.states import BANDS, MERGED, OTHERS


@pytest.fixture(scope="module")
def sample():
    return kt.load_cohort(kt.sample_folder())


def bars_of(ax, name):
    container = next(
        container for container in ax.containers if container.get_label() == name
    )
    return list(container)


def test_occupancy_bars_are_the_table_and_reach_everyone():
    table = sample_answer("state_occupancy").table
    ax = kt.plot_occupancy(table)
    drawn = {patch.get_label(): patch.get_data() for patch in ax.patches}
    for band in BANDS:
        height = drawn[band].values - drawn[band].baseline
        assert height.tolist() == table[band].tolist()
    assert drawn["log_ended"].values.tolist() == table["n"].tolist()
    assert ax.get_ylim() == (0, table["n"].max())
    ticks = [
        tuple(map(int, label.get_text().split("\n"))) for label in ax.get_xticklabels()
    ]
    shown = table[table["week"] % 4 == 0]
    assert ticks == list(
        zip(shown["week"], shown["followed"], shown["treatment_over"], strict=True)
    )


def test_a_week_with_a_hidden_count_stays_empty():
    table = sample_answer("state_occupancy").table.head(3).astype({"worse": "Int64"})
    table.loc[1, "worse"] = pd.NA
    ax = kt.plot_occupancy(table)
    for patch in ax.patches:
        assert np.isnan(patch.get_data().values).tolist() == [False, True, False]
    assert "hidden" in ax.get_xlabel()


def test_every_column_of_the_flows_holds_everyone(sample):
    table = sample_answer("severity_flows").table
    nodes = table[table["kind"] == "visit"]
    ribbons = table[table["kind"] == "change"]
    assert (nodes.groupby("step")["people"].sum() == len(sample.patients)).all()
    out = (
        ribbons[ribbons["source"] != MERGED].groupby(["step", "source"])["people"].sum()
    )
    there = nodes[nodes["step"] != VISITS[-1]].set_index(["step", "source"])["people"]
    assert out.sort_index().to_dict() == there.to_dict()
    into = (
        ribbons[ribbons["target"] != MERGED].groupby(["step", "target"])["people"].sum()
    )
    arrived = {
        (VISITS[VISITS.index(step) + 1], name): people
        for (step, name), people in into.items()
    }
    assert (
        arrived
        == nodes[nodes["step"] != VISITS[0]]
        .set_index(["step", "source"])["people"]
        .to_dict()
    )
    assert (
        ribbons.loc[
            ~ribbons[["source", "target"]].eq(MERGED).any(axis=1), "people"
        ].min()
        >= 6
    )


def test_blocks_are_as_high_as_their_nodes_and_do_not_overlap(sample):
    table = sample_answer("severity_flows").table
    ax = kt.plot_flows(table)
    blocks = [patch for patch in ax.patches if hasattr(patch, "get_height")]
    nodes = table[table["kind"] == "visit"]
    assert sorted(block.get_height() for block in blocks) == sorted(nodes["people"])
    assert {block.get_label() for block in blocks} == set(nodes["source"])
    assert set(OTHERS) >= set(nodes["source"]) - {
        band.label for band in sample.instrument.bands
    }
    for visit in range(len(VISITS)):
        column = sorted(
            (b.get_y(), b.get_height())
            for b in blocks
            if round(b.get_x() + b.get_width() / 2) == visit
        )
        assert all(
            low + high < above
            for (low, high), (above, _) in zip(column, column[1:], strict=False)
        )
    assert len(ax.patches) - len(blocks) == (table["kind"] == "change").sum()


def test_the_strip_shows_every_count():
    table = sample_answer("session_intervals").table
    ax = kt.plot_session_intervals(table)
    counts = table.filter(like="days_")
    written = [text.get_text() for text in ax.texts]
    assert "people" in written
    assert sorted(int(text) for text in written if text.isdigit()) == sorted(
        counts.to_numpy()[counts.to_numpy() > 0]
    )
    shares = (counts.T / table["n"]).to_numpy()
    assert ax.images[0].get_array().data == pytest.approx(shares)
    assert (counts.sum(axis=1) == table["n"]).all()


def test_maintenance_bars_are_the_table():
    table = sample_answer("maintenance_lengths").table
    ax = kt.plot_maintenance(table)
    shown = table[table["key"] != "all"]
    for column, look in INTERVALS.items():
        assert [bar.get_height() for bar in bars_of(ax, look.words)] == shown[
            column
        ].tolist()
    assert (
        shown[list(INTERVALS)].sum().sum()
        == table.loc[table["key"] == "all", "intervals"].item()
    )


def test_a_line_for_each_of_sixty_and_the_sample_is_said(sample):
    result = sample_answer("swimmer")
    table = result.table
    ax = kt.plot_swimmer(table)
    assert table["place"].nunique() == 60
    assert "a random sample of 600" in ax.get_title(loc="left")
    assert "seed" in result.text
    states = table[(table["what"] == "state") & (table["label"] == "remission")]
    bars = next(
        bars for bars in ax.collections if bars.get_label() == "remission"
    ).get_paths()
    boxes = [bar.get_extents() for bar in bars]
    assert [(box.x0, box.x1) for box in boxes] == list(
        zip(states["from_day"], states["to_day"], strict=True)
    )
    middle = [(box.y0 + box.y1) / 2 for box in boxes]
    assert middle == pytest.approx(states["place"].to_numpy())
    squares = next(
        marks for marks in ax.collections if marks.get_label() == "treatment over"
    )
    over = table[
        (table["what"] == "end") & table["label"].str.startswith(("stopped", "planned"))
    ]
    assert (
        squares.get_offsets().tolist()
        == over[["from_day", "place"]].astype(float).to_numpy().tolist()
    )
    ends = table[table["what"] == "end"].set_index("place")["to_day"]
    assert ends.sort_index().is_monotonic_decreasing
    assert not set(sample.patients["patient_id"]) & set(
        table.astype(str).to_numpy().ravel()
    )


def test_nothing_of_single_people_is_drawn_under_a_release_policy():
    result = kt.estimate("swimmer", kt.load_cohort(kt.sample_folder(), policy="cms"))
    assert result.table.empty
    assert "Not shown" in kt.plot_swimmer(result.table).texts[0].get_text()


def test_one_line_has_room_beside_the_legend():
    table = sample_answer("swimmer").table
    ax = kt.plot_swimmer(table[table["place"] == 1].assign(n=1))
    ax.figure.draw_without_rendering()  # a warning of the layout would be an error
    assert ax.get_title(loc="left").startswith("1 person")
    assert ax.get_position().height > 0.5


def test_a_refused_figure_is_one_line_and_leaves_other_axes_alone():
    assert kt.plot_swimmer(pd.DataFrame()).figure.get_size_inches()[1] < 1
    figure, both = plt.subplots(2)
    kt.plot_swimmer(pd.DataFrame(), ax=both[0])
    assert figure.get_size_inches()[1] > 2
