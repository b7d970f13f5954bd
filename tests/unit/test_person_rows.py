"""Rows of single patients behind an answer: the very people that were counted, and never under a
release policy.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample, sample_answer

from kettrack import estimate
from kettrack.analysis.person_rows import COLUMNS, exit_rows, weighted_rows
from kettrack.errors import UsageError
from kettrack.result import Result


def rows_of(answer: Result) -> pd.DataFrame:
    assert answer.rows is not None
    return answer.rows()


def test_exits_become_rows_and_nobody_is_dropped() -> None:
    exits = pd.DataFrame(
        {"patient_id": list("abcd"), "step": [2, 3, 0, 1], "cause": [1, 0, 0, 2]}
    )
    rows = exit_rows("response", exits, ["responded", "stopped"])
    assert rows["cause"].tolist() == [
        "responded",
        "log_ends",
        "never_at_risk",
        "stopped",
    ]
    assert rows["status"].tolist() == [True, False, False, True]


def test_changing_weights_become_stretches() -> None:
    # Losses became known on days 3 and 7; c is at risk beyond the last of them, d before the first.
    rows = weighted_rows(
        "off",
        pd.Index(list("abcd")),
        until=np.array([3, 7, 9, 2]),
        dated=np.array([1.0, 7.0, np.nan, np.nan]),
        weights=np.array([[1.5, 9], [2, 3], [1, 4], [9, 9]]),
        days=np.array([3, 7]),
    )
    told = rows[["patient_id", "start", "time", "status", "weight", "dated"]]
    assert told.to_numpy().tolist() == [
        ["a", -1, 3, True, 1.5, 1],
        ["b", -1, 3, False, 2, 3],
        ["b", 3, 7, True, 3, 7],
        ["c", -1, 3, False, 1, 3],
        ["c", 3, 7, False, 4, 7],
        ["c", 7, 9, False, 4, 9],
        ["d", -1, 2, False, 1, 2],
    ]


@pytest.mark.parametrize(
    "name", ["response_by_session", "ladder", "session_counts", "state_after_course"]
)
def test_rows_are_of_the_people_counted(name: str) -> None:
    rows = rows_of(sample_answer(name))
    assert tuple(rows) == COLUMNS
    assert not rows.duplicated(["curve", "patient_id"]).any()
    assert rows["patient_id"].isin(derived_sample().patients["patient_id"]).all()


def test_the_rows_of_the_curve_count_to_its_table() -> None:
    answer = sample_answer("response_by_session")
    rows = rows_of(answer)
    rows = rows[rows["curve"] == "response"]
    first = answer.table.iloc[0]
    assert (rows["cause"] != "never_at_risk").sum() == first["n"]
    assert (rows["cause"] == "never_at_risk").sum() == first["too_new"]
    at_first = rows[rows["time"] == 1]
    assert (at_first["cause"] == "responded").sum() == first["new_responded"]


def test_groups_stand_beside_their_people() -> None:
    answer = sample_answer("response_by_session", by="severity")
    counted = rows_of(answer).groupby("group")["patient_id"].nunique()
    shown = answer.table.groupby("group")["n"].first()
    assert (counted.reindex(shown.index) >= shown).all()


def test_no_policy_releases_rows() -> None:
    answer = sample_answer("response_by_session", "cms")
    with pytest.raises(UsageError, match="Rows of single patients are not released"):
        rows_of(answer)


def test_rows_are_no_part_of_the_json() -> None:
    said = sample_answer("response_by_session").to_json()
    assert "S001" not in said
    assert '"rows"' not in said


def test_a_refusal_and_a_table_of_gaps_have_no_rows() -> None:
    assert estimate("session_gaps", derived_sample()).rows is None


def test_the_command_writes_rows_for_r(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from kettrack import sample_folder
    from kettrack.cli.app import app

    file = tmp_path / "rows.csv"
    asked = ["estimate", "response_by_session", str(sample_folder())]
    ran = CliRunner().invoke(app, [*asked, "--rows", str(file)])
    assert ran.exit_code == 0, ran.output
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(COLUMNS)
    # What R reads as logical.
    assert {line.split(",")[5] for line in lines[1:]} == {"TRUE", "FALSE"}
    ran = CliRunner().invoke(
        app, [*asked, "--policy", "cms", "--rows", str(tmp_path / "other.csv")]
    )
    assert ran.exit_code != 0
    assert not (tmp_path / "other.csv").exists()


def test_rates_of_maintenance_can_be_worked_out_again() -> None:
    answer = sample_answer("maintenance")
    rows = rows_of(answer)
    days = rows["time"] - rows["start"]
    table = answer.table.set_index("key")
    assert days.sum() == table.loc["all", "person_days"]
    for key, part in rows.groupby("curve"):
        assert part["status"].sum() == table.loc[key, "events"]
        assert days[part.index].sum() == table.loc[key, "person_days"]


def test_intervals_of_maintenance_can_be_counted_again() -> None:
    table = sample_answer("maintenance_lengths").table.set_index("key")
    rows = rows_of(sample_answer("maintenance_lengths"))
    for key, part in rows.groupby("curve"):
        assert len(part) == table.loc[key, "intervals"]
        assert part["status"].count() == table.loc[key, "rated"]
        assert part["status"].sum() == table.loc[key, "held"]
        assert part["patient_id"].nunique() == table.loc[key, "n"]


def test_people_and_gaps_can_be_counted_again() -> None:
    table = sample_answer("holding_interval").table.set_index("key")
    rows = rows_of(sample_answer("holding_interval"))
    kinds = rows["curve"].value_counts()
    assert kinds.to_dict() == table.loc[kinds.index, "events"].to_dict()
    between = rows[rows["curve"] == "between"]
    assert between["start"].median() == table.loc["between", "longest_held"]
    gaps = rows_of(sample_answer("session_intervals"))
    medians = gaps.groupby("curve")["time"].median()
    shown = sample_answer("session_intervals").table.set_index("session")
    for session, median in shown["estimate"].items():
        assert medians[f"session_{session}"] == median
