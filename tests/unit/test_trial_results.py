"""What the trials found, as it is read and drawn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from hatchling.builders.wheel import WheelBuilder
from sample_answers import derived_sample, sample_answer

from kettrack.analysis.overview import first_page
from kettrack.errors import UsageError
from kettrack.figures.answers import plot_methods
from kettrack.report.trial_tables import (
    methods_by_scenario,
    methods_table,
    trial_results,
)

# Tells, as an installed kettrack does, that there are no trials to run.
WITHOUT_TRIALS = """
import sys
sys.modules["kettrack.trials"] = None
import kettrack as kt
tables = (kt.trial_results(), kt.methods_by_scenario(), kt.beside_independent_run())
print(*map(len, tables))
"""


def test_every_stored_check_has_passed_and_says_which_code_was_on_trial() -> None:
    found = trial_results()
    failed = found.loc[~found["passed"].fillna(True), "gate"]
    # What is not borne out stands in its section with its interval; the first page leaves it out.
    assert all(gate.startswith("no_effect_") for gate in failed)
    assert found["passed"].sum() > 50
    assert found[["version", "date"]].notna().all(axis=None)


def test_the_first_page_tells_no_benchmark_while_a_trial_of_it_fails() -> None:
    found = trial_results()
    trials = found[found["gate"].str.startswith("no_effect_benchmark")]
    assert not trials["passed"].fillna(True).all()
    # at every size, since no clinic knows which kind it is
    failed = trials[~trials["passed"].fillna(True)]
    assert set(failed["n"]) == {240, 800, 2_000}
    page = " ".join(result.text for result in first_page(derived_sample()))
    assert "respond even where sessions do nothing" in page
    assert "In a model fitted to this clinic" not in page
    assert "sessions do nothing, about" not in page


def beside_said(kind: str) -> pd.DataFrame:
    """Stored checks of the null beside shares held, or beside slopes."""
    found = trial_results()
    found = found[found["gate"].str.startswith("no_effect_beside")]
    return found[found["check"].str.contains(kind)]


@pytest.mark.parametrize(
    ("question", "kind", "parts", "unit"),
    [
        ("durability", "still responding", ("by two scores", "by a single score"), 1),
        ("association", "slope", ("slope",), 2),
    ],
)
def test_what_is_said_of_the_null_beside_an_answer_is_what_its_trials_found(
    question, kind, parts, unit
) -> None:
    (said,) = (
        caveat
        for caveat in sample_answer(question).caveats
        if "simulated clinics of 240 people, of" in caveat
    )
    found = beside_said(kind)
    clinics = found.groupby("gate")["cohorts"].first().sum()
    assert set(found["n"]) == {240}
    assert f"In {clinics} simulated" in said or f"in {clinics} simulated" in said
    bias = found[found["check"].str.startswith("bias of the benchmark")]
    for part in parts:
        largest = bias[bias["check"].str.contains(part)]["found"].abs().max()
        assert f"{largest:.{unit}f}" in said
    held = 100 * found[found["check"].str.startswith("coverage")]["found"]
    assert f"held the truth in {held.min():.0f} to {held.max():.0f} %" in said


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


def test_the_wheel_leaves_the_trials_out_and_takes_what_they_found(
    checkout: Path,
) -> None:
    files = WheelBuilder(str(checkout)).recurse_included_files()
    names = {Path(file.distribution_path).as_posix() for file in files}
    assert not {name for name in names if name.startswith("kettrack/trials/")}
    assert "kettrack/report/trial_tables.py" in names
    shipped = "kettrack/shipped/notebooks/results"
    assert f"{shipped}/elsewhere/independent_run.csv" in names
    stored = {path.name for path in (checkout / "notebooks/results").glob("*.csv")}
    assert {f"{shipped}/{name}" for name in stored} <= names


def test_the_tables_are_read_where_no_trials_are_installed(
    checkout: Path, plain_environment: dict[str, str]
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_TRIALS],
        cwd=checkout,
        env=plain_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert all(int(rows) > 0 for rows in ran.stdout.split())


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
