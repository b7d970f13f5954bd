"""Who could have gone either way, and how alike the two sides are: on clinics where stopping
follows the score, or chance.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
from simulated import simulated_cohort

from kettrack import Cohort, estimate
from kettrack.figures.going_on import plot_balance, plot_going_on
from kettrack.result import Result


def weekly(scenario: str) -> Cohort:
    return simulated_cohort(scenario, 500, seed=8)


@pytest.fixture(scope="module")
def by_score() -> Cohort:
    return weekly("I")


@pytest.fixture(scope="module")
def cells(by_score: Cohort) -> Result:
    return estimate("going_on_by_score", by_score)


def test_where_the_score_nearly_decides_the_well_stop_and_the_ill_go_on(
    cells: Result,
) -> None:
    at_three = cells.table[cells.table["session"] == 3].set_index("band")
    assert at_three.loc["minimal", "estimate"] < 40
    assert at_three.loc["moderately severe", "note"] == "everybody went on"


def test_every_decision_is_in_one_cell_and_small_cells_show_no_share(
    cells: Result,
) -> None:
    table = cells.table
    assert (table["events"] + table["without"] == table["n"]).all()
    assert table.loc[table["n"] < 11, "estimate"].isna().all()
    assert set(table.loc[table["estimate"].isin([0, 100]), "note"]) <= {
        "everybody went on",
        "nobody went on",
    }


def test_weights_bring_the_two_sides_together(by_score: Cohort) -> None:
    table = estimate("balance", by_score).table.set_index("key")
    assert table.loc["score", "estimate"] > 0.8  # those who go on score higher
    assert abs(table.loc["score", "after"]) < table.loc["score", "estimate"] / 3


def test_where_chance_decides_they_are_alike_from_the_start() -> None:
    table = estimate("balance", weekly("E")).table
    assert (
        table.loc[table["key"].isin(["score", "baseline", "mean_score"]), "estimate"]
        .abs()
        .max()
        < 0.25
    )


def test_figures_draw_the_tables(by_score: Cohort, cells: Result) -> None:
    axes = plot_going_on(cells.table)
    shown = [text.get_text() for text in axes.texts if "%" in text.get_text()]
    assert len(shown) == cells.table["estimate"].notna().sum()
    assert len(axes.patches) == cells.table["estimate"].isin([0, 100]).sum()
    table = estimate("balance", by_score).table
    drawn = {
        line.get_label(): list(line.get_xdata())
        for line in plot_balance(table).get_lines()
    }
    assert drawn["before"] == table["estimate"].tolist()
    assert drawn["after weighting"] == table["after"].tolist()
    plt.close("all")
