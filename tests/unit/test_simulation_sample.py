"""`data/sample` is what the generator writes, to the byte, and goes through the reader without a
problem.
"""

from __future__ import annotations

import csv
import json
from hashlib import sha256
from pathlib import Path

import pytest

from kettrack.errors import UsageError
from kettrack.reading.load import load_cohort
from kettrack.simulation.sample import EXTRACT, SAMPLE_PATIENTS, main
from kettrack.vocabulary.columns import TABLES

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"


def test_the_command_writes_the_sample_to_the_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path / "sample")])
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert {path.name for path in written} == {path.name for path in SAMPLE.iterdir()}
    for path in written:
        assert path.read_bytes() == (SAMPLE / path.name).read_bytes(), (
            f"{path.name} differs: run `make sample`"
        )


def test_the_command_asks_where_to() -> None:
    with pytest.raises(UsageError, match="Say where to"):
        main([])


def test_the_sample_loads_without_a_problem() -> None:
    cohort = load_cohort(SAMPLE)
    assert cohort.settings.extract == EXTRACT
    assert cohort.patients.patient_id.nunique() == SAMPLE_PATIENTS
    assert cohort.exclusions.empty
    assert set(TABLES["sessions"].names) <= set(cohort.sessions.columns)


def test_the_package_describes_the_files() -> None:
    package = json.loads((SAMPLE / "datapackage.json").read_text(encoding="utf-8"))
    assert "Synthetic" in package["description"]
    for resource in package["resources"]:
        content = (SAMPLE / resource["path"]).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{sha256(content).hexdigest()}"
        header = next(csv.reader([content.split(b"\n", 1)[0].decode()]))
        assert [field["name"] for field in resource["schema"]["fields"]] == header


def test_the_words_are_there() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert "SYNTHETIC" in readme
    assert "Planted signals" in readme
    dictionary = (SAMPLE / "data_dictionary.md").read_text(encoding="utf-8")
    assert all(
        f"`{column.name}`" in dictionary
        for table in TABLES.values()
        for column in table.columns
    )
    assert not any(b"\r" in path.read_bytes() for path in SAMPLE.iterdir())
