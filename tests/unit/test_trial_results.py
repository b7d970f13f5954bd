"""What the trials found, as it is read and drawn."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from kettrack.errors import UsageError
from kettrack.figures.trials import plot_methods
from kettrack.trials.results import methods_by_scenario, methods_table, trial_results


def test_every_stored_check_has_passed_and_says_which_code_was_on_trial() -> None:
    found = trial_results()
    assert found.loc[~found["passed"].fillna(True), ["gate", "check"]].empty
    assert found["passed"].sum() > 50
    assert found[["version", "date"]].notna().all(axis=None)


def test_the_naive_slope_has_the_wrong_sign_where_sessions_help_and_the_well_stop() -> (
    None
):
    rows = methods_table().set_index(["method", "scenario"])
    naive = next(name for name in rows.index.levels[0] if name.startswith("naive"))
    assert rows.loc[(naive, "A"), "truth"] < 0 < rows.loc[(naive, "A"), "found"]
    assert rows.loc[(naive, "B"), "truth"] == 0


def test_one_row_per_method_and_one_column_per_scenario() -> None:
    table = methods_by_scenario()
    assert table["method"].is_unique
    assert table.columns.tolist() == ["method", *"ABCDEFGHI"]


def test_without_results_it_says_what_writes_them(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="make truth"):
        trial_results(folder=tmp_path)


def test_the_figure_draws_each_method_beside_the_truth() -> None:
    table = pd.DataFrame(
        {
            "method": (
                [
                    "naive slope times 5, baselines being equal",
                    "stop after 8 less 3, weighted, smooth",
                ]
                * 2
            ),
            "scenario": ["A", "A", "B", "B"],
            "found": [2.6, -0.7, 3.6, 0.4],
            "mc_error": 0.1,
            "truth": [-1.36, -1.36, 0.0, 0.0],
        }
    )
    axes = plot_methods(table)
    drawn = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert list(drawn["truth"]) == [-1.36, -1.36]
    heights = [
        float(y)
        for container in axes.containers
        for y in container[0].get_ydata()
        if y == y
    ]
    assert sorted(heights) == sorted(table["found"])
    plt.close("all")


def test_an_empty_table_is_said_to_be_empty() -> None:
    axes = plot_methods(pd.DataFrame({"found": []}))
    assert "Not shown" in axes.texts[0].get_text()
    plt.close("all")
