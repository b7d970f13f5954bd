"""Every gate on few cohorts with fixed seeds, and the frame that runs them: resumable, atomic, and
able to fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kettrack.analysis.response.response_curve import count
from kettrack.errors import UsageError
from kettrack.reading.cohort import Cohort
from kettrack.simulation.truth import Truth
from kettrack.timelines.derived import derive
from kettrack.trials import __main__ as command
from kettrack.trials import horizons, no_effect, score_lines, together
from kettrack.trials.gate import (
    Check,
    Gate,
    Truths,
    all_gates,
    bias,
    choose_gates,
    coverage,
    off_by,
    share,
)
from kettrack.trials.response import count_together
from kettrack.trials.run import (
    draw_cohorts,
    part_cohort,
    read_records,
    record_file,
    run_gate,
)

GATES = all_gates()
COLUMNS = [
    "gate",
    "scenario",
    "question",
    "check",
    "n",
    "cohorts",
    "found",
    "mc_error",
    "truth",
    "wanted",
    "passed",
    "version",
    "date",
]


# What is true is told from as many people as keep its error far below that of a few cohorts.
FEWER_PEOPLE = (
    (no_effect, "TWIN_PEOPLE", 5_000),
    (horizons, "_TRUTH_PEOPLE", 20_000),
    (score_lines, "_TRUTH_PEOPLE", 50_000),
    (together, "_TRUTH_PEOPLE", 50_000),
)


@pytest.fixture(scope="module", autouse=True)
def _fewer_people() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for module, name, people in FEWER_PEOPLE:
            patched.setattr(module, name, people)
        yield
    no_effect.true_shares.cache_clear()


@pytest.mark.parametrize(
    "gate",
    [gate for gate in GATES.values() if gate.fast_cohorts],
    ids=lambda gate: gate.name,
)
def test_gate(gate: Gate) -> None:
    results = run_gate(gate, fast=True, workers=0)
    assert list(results.columns) == COLUMNS
    assert results["passed"].all(), command.said(results)


def _sessions(cohort: Cohort) -> dict[str, float]:
    return {
        "sessions": float(len(cohort.sessions)),
        "patients": float(len(cohort.patients)),
    }


def _judged(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    assert "response_by_8" in truths
    return [
        Check(
            what="mean sessions",
            found=frame["sessions"].mean(),
            mc_error=1.0,
            low=1.0,
            high=600.0,
        )
    ]


SMALL = Gate(
    name="small",
    question="Many?",
    scenario="A",
    n=50,
    cohorts=6,
    fast_cohorts=2,
    measure=_sessions,
    judge=_judged,
)


def test_a_run_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # two cohorts at once
    monkeypatch.setattr("kettrack.trials.run.PATIENTS_TOGETHER", 100)
    whole = run_gate(SMALL, tmp_path, workers=0)
    path = record_file(SMALL, tmp_path)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) == 7
    # broken off within a line
    path.write_text("".join(lines[:3]) + lines[3][:4], encoding="utf-8")
    drawn = []
    monkeypatch.setattr(
        "kettrack.trials.run.draw_cohorts",
        lambda gate, batch: drawn.append(batch) or draw_cohorts(gate, batch),
    )
    pd.testing.assert_frame_equal(run_gate(SMALL, tmp_path, workers=0), whole)
    assert drawn == [1, 2]
    assert read_records(path)["cohort"].tolist() == list(range(6))
    assert record_file(replace(SMALL, version=2), tmp_path) != path
    assert record_file(replace(SMALL, scenario="B"), tmp_path) != path


def test_parted_cohorts_are_what_the_door_gives() -> None:
    drawn = draw_cohorts(SMALL, 0)
    parts = list(part_cohort(drawn, 50))
    assert [len(part.patients) for part in parts] == [50] * 6
    for name in ("sessions", "scores", "patients", "events"):
        pd.testing.assert_frame_equal(
            pd.concat([getattr(part, name) for part in parts], ignore_index=True),
            getattr(drawn, name),
        )
    for part, counted in zip(parts, count_together(drawn, 50), strict=True):
        alone = count(derive(part))
        np.testing.assert_array_equal(alone.events, counted.events)
        np.testing.assert_array_equal(alone.censored, counted.censored)
        assert alone.never_at_risk == counted.never_at_risk


def test_checks() -> None:
    frame = pd.DataFrame(
        {
            "x": [0.4, 0.6, 0.5, 0.5],
            "low": [0.3, 0.55, 0.4, 0.4],
            "high": [0.5, 0.7, 0.6, 0.6],
            "no": [0, 1, 0, 0],
        }
    )
    half = Truth(0.5, 0.0)
    assert bias(frame, "x", half, 0.01).passed()
    assert not bias(frame, "x", Truth(0.3, 0.0), 0.01).passed()
    assert off_by(frame, "x", Truth(0.3, 0.0), 0.1).passed()
    assert not off_by(frame, "x", half, -0.1).passed()
    covered = coverage(frame, ("low", "high"), half)
    assert covered.found == 0.75
    assert not covered.passed()
    assert covered.passed(slack=3)
    assert share(frame, "no", high=0.3).passed()
    missing = bias(frame.assign(x=[np.nan, 0.5, 0.5, 0.5]), "x", half, 0.01)
    assert not missing.passed(slack=3)
    assert [
        Check(what="", found=1, mc_error=0, **bounds).wanted
        for bounds in ({"low": 1}, {"high": 2}, {})
    ] == [
        "at least 1",
        "at most 2",
        "reported only",
    ]


def test_gates_are_named_once_and_chosen_by_name() -> None:
    assert [gate.name for gate in choose_gates(["plain_curve"])] == [
        "plain_curve-A",
        "plain_curve-C",
    ]
    assert [gate.name for gate in choose_gates(["plain_curve-C"])] == ["plain_curve-C"]
    assert len(choose_gates([])) == len(GATES)
    with pytest.raises(UsageError, match="No gate is called 'nonsense'"):
        choose_gates(["nonsense"])
    with pytest.raises(UsageError, match="needs one of"):
        _ = replace(SMALL, measure=None).measured_by


@pytest.mark.parametrize(("high", "code"), [(600.0, 0), (2.0, 1)])
def test_the_command_writes_and_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    high: float,
    code: int,
) -> None:
    judged = Check(what="mean sessions", found=200.0, mc_error=1.0, high=high)
    monkeypatch.setattr(
        "kettrack.trials.__main__.choose_gates",
        lambda _: [replace(SMALL, judge=lambda *_: [judged])],
    )
    options = [
        "--fast",
        "--workers",
        "0",
        "--work",
        str(tmp_path / "work"),
        "--results",
        str(tmp_path / "results"),
    ]
    assert command.main(options) == code
    written = pd.read_csv(tmp_path / "results" / "small.csv")
    assert list(written.columns) == COLUMNS
    assert written["passed"].tolist() == [code == 0]
    assert capsys.readouterr().out.startswith("pass" if code == 0 else "FAIL")
