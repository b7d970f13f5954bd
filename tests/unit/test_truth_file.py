"""`truth.json`: what is true of a simulated clinic stands beside its answers, and nowhere else."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from sample_answers import sample_answer

import kettrack as kt
from kettrack.errors import DataProblems


def folder_with(tmp_path: Path, truth: str) -> Path:
    folder = tmp_path / "clinic"
    ignore = shutil.ignore_patterns("truth.json")
    shutil.copytree(kt.sample_folder(), folder, ignore=ignore)
    (folder / "truth.json").write_text(truth, encoding="utf-8")
    return folder


def test_the_sample_shows_the_truth_beside_its_answers() -> None:
    shipped = json.loads((Path(kt.sample_folder()) / "truth.json").read_text("utf-8"))
    table = sample_answer("sessions_and_change").table.set_index("key")
    value = shipped["truths"]["going_on_from_day_21"]["value"]
    assert table.loc["next_session", "truth"] == value
    assert table.loc["naive_slope"].isna()["truth"]
    ax = kt.plot_session_answers(table.reset_index())
    ring = next(line for line in ax.lines if line.get_label().startswith("ring"))
    assert value in ring.get_xdata()
    plt.close("all")


@pytest.mark.parametrize(
    ("truth", "known"),
    [
        (
            '{"synthetic": true, "truths": {"a": {"value": 1.5, "error": 0}}}',
            {"a": 1.5},
        ),
        ('{"synthetic": false, "truths": {"a": {"value": 1.5}}}', {}),
        ('{"synthetic": true}', {}),
    ],
)
def test_only_a_simulated_clinic_has_truths(
    tmp_path: Path, truth: str, known: dict[str, float]
) -> None:
    assert kt.load_cohort(folder_with(tmp_path, truth)).truths == known


@pytest.mark.parametrize("truth", ["{", '{"synthetic": 3}', "[]"])
def test_another_file_of_that_name_is_a_problem_without_its_words(
    tmp_path: Path, truth: str
) -> None:
    with pytest.raises(DataProblems, match=r"truth\.json"):
        kt.load_cohort(folder_with(tmp_path, truth))


def test_the_truth_of_one_scale_is_not_told_of_another() -> None:
    cohort = kt.load_cohort(kt.sample_folder())
    other = replace(cohort, settings=replace(cohort.settings, instrument="GAD-7"))
    stop = kt.estimate("stop_after", other, replicates=5)
    found = kt.session_answers(other, stop=stop)
    assert found.table["truth"].isna().all()
