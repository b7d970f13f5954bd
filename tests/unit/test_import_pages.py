"""The examples of the pages in `docs/import` come out as the pages say."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest

from kettrack.cli import main

PAGES = Path(__file__).parents[2] / "docs" / "import"
# Page -> the files that it shows, in their order, and what is imported.
FILES = {
    "redcap.md": (["clinic.csv", "clinic_DataDictionary.csv"], "clinic.csv"),
    "omop.md": (
        ["measurement.csv", "drug_exposure.csv", "person.csv", "CONCEPT.csv"],
        ".",
    ),
    "fhir.md": (
        [
            "MedicationAdministration.ndjson",
            "Observation.ndjson",
            "QuestionnaireResponse.ndjson",
            "Patient.ndjson",
        ],
        ".",
    ),
}


def blocks(page: str, kind: str) -> list[str]:
    text = (PAGES / page).read_text(encoding="utf-8")
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [block for named, block in found if named == kind]


def rows_of_people(table: str) -> list[list[list[str]]]:
    """Rows of each person, whatever code the person got."""
    frame = pd.read_csv(io.StringIO(table), dtype=str, keep_default_na=False)
    people = frame.groupby("patient_id", sort=False)
    return sorted(
        group.drop(columns="patient_id").to_numpy().tolist() for _, group in people
    )


@pytest.mark.parametrize("page", FILES)
def test_the_example_of_a_page(
    page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names, source = FILES[page]
    folder = tmp_path / "source"
    folder.mkdir()
    files = [*blocks(page, "csv"), *blocks(page, "json")]
    for name, text in zip(names, files, strict=True):
        (folder / name).write_text(text)
    with pytest.raises(SystemExit) as left:
        main(["import", str(folder / source), "-o", str(tmp_path / "clinic")])
    assert not left.value.code, capsys.readouterr()
    shown = blocks(page, "")
    assert len(shown) == 3
    for name, table in zip(("sessions", "scores", "patients"), shown, strict=True):
        made = (tmp_path / "clinic" / f"{name}.csv").read_text()
        assert made.splitlines()[0] == table.splitlines()[0]
        assert rows_of_people(made) == rows_of_people(table)
    # The map that the page shows is part of the one that is written.
    written = (tmp_path / "map.toml").read_text()
    for line in "".join(blocks(page, "toml")[:1]).splitlines():
        assert line in written or page == "omop.md"
