"""Commands on a folder of buckets: the same as on the folder that it was made from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from distributed import KilledWorker

import kettrack as kt
from kettrack.cli import main
from kettrack.memory import TooLittleMemory
from kettrack.reading.sharded import opened
from kettrack.sharding import cluster


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample in buckets, made by the command."""
    place = tmp_path_factory.mktemp("sharded") / "buckets"
    run("shard", kt.sample_folder(), "-o", place, "--buckets", 3)
    return place


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(one) for one in arguments])
    return int(left.value.code or 0)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("command", ["outcomes", "timeline", "events", "courses"])
def test_rows_are_those_of_the_source(
    command: str, ending: str, buckets: Path, tmp_path: Path
) -> None:
    read = pd.read_csv if ending == "csv" else pd.read_parquet
    tables = []
    for name, folder in {"by bucket": buckets, "whole": kt.sample_folder()}.items():
        file = tmp_path / f"{name}.{ending}"
        assert run(command, folder, "-o", file) == 0
        tables.append(read(file).sort_values("patient_id", kind="stable"))
    found, expected = (one.reset_index(drop=True) for one in tables)
    pd.testing.assert_frame_equal(found, expected)


def test_rows_on_standard_output_have_one_header(
    buckets: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("courses", buckets) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("patient_id")] == lines[:1]
    assert len(lines) - 1 == len(kt.load_cohort(kt.sample_folder()).sessions)


def test_an_answer_says_how_it_was_counted(
    buckets: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("estimate", "session-counts", buckets, "--json") == 0
    found = json.loads(capfd.readouterr().out)
    assert run("estimate", "session-counts", kt.sample_folder(), "--json") == 0
    expected = json.loads(capfd.readouterr().out)
    assert found["table"] == expected["table"]
    assert found["text"] == expected["text"]
    assert found["input_sha256"] == expected["input_sha256"]
    assert found["caveats"][-1].startswith("Counted bucket by bucket")


def test_a_part_that_needs_all_rows_is_there_where_they_fit(
    buckets: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run("estimate", "paired_change", buckets, "--json") == 0
    whole = json.loads(capfd.readouterr().out)
    monkeypatch.setattr(opened, "free_memory_mb", lambda: 100)
    assert run("estimate", "paired_change", buckets, "--json") == 0
    counted = json.loads(capfd.readouterr().out)
    missing = len(whole["table"]) - len(counted["table"])
    # What regression to the mean alone would make: two rows.
    assert missing == 2
    assert "Not in it: What regression to the mean alone" in counted["caveats"][-1]


def test_check_reads_every_bucket(
    buckets: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run("check", kt.sample_folder()) == 0
    expected = capfd.readouterr().out
    assert run("check", buckets) == 0
    assert capfd.readouterr().out == expected
    monkeypatch.setattr(opened, "free_memory_mb", lambda: 100)
    assert run("check", buckets) == 0
    said = capfd.readouterr().out
    assert "600 patients, 4289 sessions, 21061 scores: no problems." in said
    assert "What is not recorded is not listed" in said


def test_what_does_not_fit_ends_with_2(
    buckets: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kettrack.memory.free_memory_mb", lambda: 100)
    assert run("estimate", "waterfall", buckets) == 2
    assert "to hold the rows of 600 people at once" in capfd.readouterr().err


def test_other_scores_and_release_are_as_ever(
    buckets: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    assert run("outcomes", buckets, "-o", file, "--policy", "cms") == 2
    assert run("outcomes", buckets, "-o", file, "--instrument", "BDI-II") == 2
    said = capfd.readouterr().err
    assert "It has scores of: PHQ-9 (11,319), GAD-7 (8,440), MADRS (1,302)." in said
    assert not file.exists()


def test_under_a_policy_that_hides_no_bucket_is_counted_by_itself(
    buckets: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Whoever has the answer has a report too: both are protected together, or there is none."""
    asked = []

    def together(cohort: kt.Cohort, *also: str) -> kt.Cohort:
        asked.append(also)
        return cohort

    monkeypatch.setattr("kettrack.report.run.as_in_report", together)
    hiding = ("estimate", "ladder", buckets, "--policy", "cms")
    assert run(*hiding) == 0
    assert asked == [('estimate("ladder", cohort)',)]
    monkeypatch.setattr(opened, "free_memory_mb", lambda: 100)
    capfd.readouterr()
    assert run(*hiding) == 2
    said = " ".join(capfd.readouterr().err.split())
    assert "cannot be protected together with a report" in said
    assert "Choose --policy release" in said
    assert run("estimate", "ladder", buckets, "--policy", "release") == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("estimate", "waterfall", "FOLDER"), "needs all rows at once"),
        (("estimate", "ladder", "FOLDER", "--by", "sex"), "needs all rows at once"),
        (("outcomes", "FOLDER"), "Name a file: -o FILE"),
    ],
)
def test_a_scheduler_without_work_is_told(
    arguments: tuple[str, ...],
    expected: str,
    buckets: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    words = [str(buckets) if word == "FOLDER" else word for word in arguments]
    assert run(*words, "--scheduler", "local") == 2
    assert expected in capfd.readouterr().err


def test_a_folder_is_replaced_only_when_asked(
    buckets: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("shard", kt.sample_folder(), "-o", buckets) == 2
    assert "--replace" in capfd.readouterr().err
    again = ("shard", kt.sample_folder(), "-o", buckets, "--buckets", 3, "--replace")
    assert run(*again) == 0
    assert "600 patients and 26,249 rows" in capfd.readouterr().out


def test_a_cluster_that_is_not_there_is_told(
    buckets: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = ("outcomes", buckets, "-o", tmp_path / "rows.csv", "--scheduler")
    monkeypatch.setattr(cluster, "_SECONDS", 0.1)
    assert run(*asked, "tcp://127.0.0.1:9") == 2
    assert (
        "No scheduler of Dask answers at 'tcp://127.0.0.1:9'" in capfd.readouterr().err
    )
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert run(*asked, "local") == 2
    assert "'kettrack[distributed]'" in capfd.readouterr().err


def test_a_bucket_that_kills_workers_is_too_large_for_them() -> None:
    class Killed:
        def result(self) -> None:
            raise KilledWorker("task", None, 3)

    with pytest.raises(TooLittleMemory, match="on the workers for one of the buckets"):
        cluster._result(Killed())
