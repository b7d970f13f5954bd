"""The example on the page about the map gives what the page says."""

from __future__ import annotations

import re
from pathlib import Path

from pyarrow import csv

from kettrack.importing.apply import apply_map
from kettrack.importing.map_file import read_map
from kettrack.importing.registry import read_source
from kettrack.importing.remarks import Remarks

PAGE = Path(__file__).parents[2] / "docs" / "import" / "map.md"


def blocks() -> list[str]:
    """What stands between fences."""
    return re.findall(r"```\w*\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)


def test_the_example(tmp_path: Path) -> None:
    visits, plan, sessions, wide, answers, details, _own = blocks()
    (tmp_path / "visits.csv").write_text(visits)
    (tmp_path / "map.toml").write_text(plan)
    remarks = Remarks()
    source = read_source(tmp_path / "visits.csv", {}, remarks)
    made = apply_map(source, read_map(tmp_path / "map.toml"), remarks)
    assert remarks.asked == []
    assert made.sessions is not None
    assert made.scores is not None
    (tmp_path / "sessions.csv").write_text(sessions)
    told = csv.read_csv(tmp_path / "sessions.csv")
    for name in ("drug", "route", "dose_mg", "weight_kg"):
        column = made.sessions.sort_by(
            [("patient_id", "descending"), ("date", "ascending")]
        )
        assert column[name].to_pylist() == told[name].to_pylist()
    assert sorted(made.scores["score"].to_pylist()) == [12, 19, 21]
    whole = [one.row for one in remarks.said if one.row and not one.column]
    assert whole == [6]
    (tmp_path / "map.toml").write_text(f'kind = "text"\n{answers}')
    (items,) = read_map(tmp_path / "map.toml").tables
    assert items.values["item"]["PHQ9_SUM"] == "PHQ-9"
    (tmp_path / "map.toml").write_text(f'kind = "text"\n{details}')
    assert read_map(tmp_path / "map.toml").tables[0].to == "session_details"
    # The second map is a part of one.
    head = 'kind = "text"\n[[tables]]\nsource = "s"\nto = "scores"\n'
    (tmp_path / "map.toml").write_text(
        f'{head}[tables.columns]\npatient_id = "id"\n{wide}'
    )
    days = read_map(tmp_path / "map.toml").tables[0].wide[0].columns
    assert days == {"phq9_baseline": -1, "phq9_week2": 14, "phq9_last": None}
