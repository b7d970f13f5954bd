"""Files of an export under other people's eyes: numbers and texts in SAS transport files, the rules
of the standard that need no dates, settings that are read again, and CSV in a spreadsheet.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec.tables import cohort

import kettrack as kt
from kettrack.errors import UsageError
from kettrack.exporting.data_sets import DataSet, Variable, sizes_of
from kettrack.exporting.export import CDISC_MAKERS
from kettrack.exporting.formats.transport_files import transport_file
from kettrack.exporting.package import settings_text
from kettrack.reading.settings_file import load_settings
from kettrack.settings import Settings

SMALL = DataSet(
    "XX",
    "A small one",
    "BDS",
    "one record per number",
    ("N",),
    (
        Variable("N", "A number", "decimal", "Made up."),
        Variable("T", "A text", "text", "Made up.", "sometimes"),
    ),
)
# What IBM's double can hold; beyond it a number has no place in such a file.
NUMBERS = st.one_of(
    st.integers(-(2**53), 2**53).map(float),
    st.floats(1e-70, 1e70),
    st.floats(-1e70, -1e-70),
    st.sampled_from([0.0, 0.1, -0.1, 1 / 3, 5.4e-79, 2.0**-200]),
    st.none(),
)


def written(folder: Path, numbers: list[float | None], texts: list[str | None]) -> Path:
    frame = SMALL.frame({"N": numbers, "T": texts})
    path = folder / "xx.xpt"
    with transport_file(SMALL, sizes_of(SMALL, [frame]), path) as write:
        # In two blocks, as a large data set comes.
        write(frame.iloc[:1])
        write(frame.iloc[1:])
    return path


def ibm(cell: bytes) -> float | None:
    """IBM's double by its definition, with whole numbers of any size."""
    (bits,) = struct.unpack(">Q", cell)
    if cell[:1] == b"." and not any(cell[1:]):
        return None
    sign = -1 if bits >> 63 else 1
    exponent = (bits >> 56) & 0x7F
    fraction = bits & ((1 << 56) - 1)
    power = 4 * (exponent - 64) - 56
    return sign * fraction * 2.0**power


@settings(max_examples=60)
@given(numbers=st.lists(NUMBERS, min_size=1, max_size=12))
def test_numbers_in_a_transport_file(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[float | None]
) -> None:
    path = written(tmp_path_factory.mktemp("xpt"), numbers, ["a"] * len(numbers))
    body = path.read_bytes()
    assert len(body) % 80 == 0
    rows = body[body.index(b"HEADER RECORD*******OBS") + 80 :]
    told = [ibm(rows[9 * place : 9 * place + 8]) for place in range(len(numbers))]
    assert told == numbers


@pytest.mark.parametrize("n", range(1, 20))
def test_every_record_is_found(tmp_path: Path, n: int) -> None:
    """The end of the file is filled up with blanks, which are no record and hide none."""
    texts = [None if place % 2 else "é" * (1 + place % 3) for place in range(n)]
    path = written(tmp_path, [float(place) for place in range(n)], texts)
    read, told = pyreadstat.read_xport(path)
    assert read["N"].tolist() == list(range(n))
    assert read["T"].tolist() == [text or "" for text in texts]
    assert (told.table_name, told.file_label) == ("XX", "A small one")
    assert told.column_labels == ["A number", "A text"]


def test_a_text_that_would_be_cut_is_refused_and_not_repeated(tmp_path: Path) -> None:
    secret = "Zyxwarth" * 26
    with pytest.raises(UsageError, match="A text of T has 208 bytes") as refused:
        written(tmp_path, [1.0], [secret])
    assert "Zyx" not in str(refused.value)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    clinic = kt.derive(kt.load_cohort(kt.sample_folder()))
    return {
        name: pd.concat(make(clinic, "KT"), ignore_index=True)
        for name, make in CDISC_MAKERS.items()
    }


def test_rules_of_the_standard(tables: dict[str, pd.DataFrame]) -> None:
    """Those of the ADaM conformance rules that ask for no date."""
    subjects = set(tables["ADSL"]["USUBJID"])
    for frame in tables.values():
        assert set(frame["USUBJID"]) <= subjects
    for name in ("ADQS", "ADTTE"):
        # One to one: a code, its words and its number.
        named = tables[name][["PARAMCD", "PARAM", "PARAMN"]].drop_duplicates()
        assert all(named[column].is_unique for column in named)
        assert named["PARAMCD"].astype("str").str.fullmatch("[A-Z][A-Z0-9]{0,7}").all()
    scores = tables["ADQS"]
    visits = scores[["AVISIT", "AVISITN"]].drop_duplicates()
    assert visits["AVISIT"].is_unique
    assert visits["AVISITN"].is_unique
    one = ["USUBJID", "PARAMCD", "BASETYPE"]
    flagged = scores[scores["ABLFL"] == "Y"]
    assert not flagged.duplicated(one).any()
    # The flagged value is the baseline of all records of that patient and parameter.
    base = scores.merge(flagged[[*one, "AVAL"]], on=one, suffixes=("", "_AT_BASE"))
    assert (base["BASE"] == base["AVAL_AT_BASE"]).all()
    changed = scores.dropna(subset=["CHG"])
    assert (changed["CHG"] == changed["AVAL"] - changed["BASE"]).all()
    assert (changed["AVISITN"] > 0).all()
    assert (flagged["AVISITN"] == 0).all()
    assert (flagged["ADY"] <= 1).all()
    percent = changed.dropna(subset=["PCHG"])
    expected = 100 * (percent["AVAL"] - percent["BASE"]) / percent["BASE"]
    np.testing.assert_allclose(percent["PCHG"], expected, rtol=1e-12)
    assert (changed.loc[changed["PCHG"].isna(), "BASE"] == 0).all()
    times = tables["ADTTE"]
    assert (times["AVAL"] == times["ADY"] - times["STARTDY"] + 1).all()
    assert ((times["CNSR"] == 0) == (times["EVENT"] == 1)).all()
    assert (times["EVNTDESC"].notna() == (times["CNSR"] == 0)).all()
    assert (times["CNSDTDSC"].isna() == (times["CNSR"] == 0)).all()
    for name in tables:
        days = [column for column in tables[name] if column.endswith("DY")]
        for day in days:
            assert not (tables[name][day] == 0).any(), f"{name} {day}"


OWN = """
instrument = "Sleep diary"
baseline = "worst"
extract = 'a "quoted" cut-off'

[instruments."Sleep diary"]
minimum = 0
maximum = 40.5
direction = "higher is better"
whole_numbers = false
construct = "insomnia"
caseness = 30
remission = [35, 38]
reliable_change = 4.5
recall_days = 7
source = "the clinic's own handbook"

[instruments."Sleep diary".bands]
poor = [0, 20]
good = [20.5, 40.5]

[instruments.MADRS]
recall_days = 3

[criteria]
use = "strict"

[criteria.strict]
instrument = "Sleep diary"
version = "2"
late_after_days = 21
partial = false

[criteria.strict.relapse]
measure = "score"
operator = "at most"
limit = 20
count = 2
min_gap = 7
max_gap = 60
event_rows = ["hospitalisation"]

[criteria.strict.review]
last_scores = 5
"""


def test_own_scales_and_rules_are_read_again(tmp_path: Path) -> None:
    (tmp_path / "kettrack.toml").write_text(OWN)
    first = load_settings(tmp_path / "kettrack.toml")
    (tmp_path / "again.toml").write_text(settings_text(first))
    again = load_settings(tmp_path / "again.toml")
    assert again == first
    rules = {one.name: one.hash for one in first.user_criteria}
    assert {one.name: one.hash for one in again.user_criteria} == rules


def test_rules_made_in_python_are_not_lost_in_silence() -> None:
    criteria = kt.load_cohort(kt.sample_folder()).criteria
    odd = Settings(criteria="odd", user_criteria=(_named(criteria, "odd"),))
    with pytest.raises(UsageError, match="'odd' were made in Python"):
        settings_text(odd)


def _named(criteria: Any, name: str) -> Any:
    from dataclasses import replace

    return replace(criteria, name=name)


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    scores = """
        patient      | day | score
        =cmd()       | 0   | 20
        @sum         | 0   | 20
        -2+3         | 0   | 20
        -7           | 0   | 20
    """
    clinic = cohort(scores)
    kt.export(clinic, tmp_path / "out", formats=["omop", "datapackage"])
    for path in (tmp_path / "out").rglob("*.csv"):
        cells = [
            cell.strip('"')
            for line in path.read_text().splitlines()
            for cell in line.split(",")
        ]
        wrong = [cell for cell in cells if cell[:1] in ("=", "@", "+")]
        assert wrong == []
        assert "-2+3" not in cells
    # All tables call a patient by the same text, so that the folder is whole.
    again = kt.load_cohort(tmp_path / "out/datapackage")
    assert len(again.patients) == 4
    assert len(again.scores) == 4


def test_a_scale_called_like_a_formula_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "kettrack.toml"
    own.write_text(
        'instrument = "=A1"\n[instruments."=A1"]\nminimum = 0\nmaximum = 9\n'
        'direction = "higher is worse"\n'
    )
    scores = pd.DataFrame(
        {"patient_id": ["a"], "day": [0], "instrument": ["=A1"], "score": [5]}
    )
    sessions = pd.DataFrame({"patient_id": ["a"], "day": [0]})
    clinic = kt.cohort_from_frames(sessions, scores, settings=load_settings(own))
    with pytest.raises(UsageError, match="begins like a formula"):
        kt.export(clinic, tmp_path / "out", formats=["datapackage"])
    assert not (tmp_path / "out").exists()


def test_the_oldest_are_a_class_and_no_age(tmp_path: Path) -> None:
    patients = """
        patient | age
        old     | 90+
        young   | 30
    """
    scores = """
        patient | day | score
        old     | 0   | 20
        young   | 0   | 20
    """
    clinic = cohort(scores, patients=patients)
    kt.export(clinic, tmp_path / "out", formats=["datapackage"])
    package = json.loads((tmp_path / "out/datapackage/datapackage.json").read_text())
    fields = {
        one["name"]: one
        for resource in package["resources"]
        if resource["name"] == "patients"
        for one in resource["schema"]["fields"]
    }
    assert fields["age"]["type"] == "string"
    again = kt.load_cohort(tmp_path / "out/datapackage")
    assert again.patients["age"].tolist() == [90, 30]


def test_the_package_says_what_the_files_hold(tmp_path: Path) -> None:
    """The promises of Table Schema, held against the cells by plain reading."""
    kt.export(
        kt.load_cohort(kt.sample_folder()), tmp_path / "out", formats=["datapackage"]
    )
    folder = tmp_path / "out/datapackage"
    package = json.loads((folder / "datapackage.json").read_text())
    assert "licenses" not in package
    for resource in package["resources"]:
        frame = pd.read_csv(folder / resource["path"], dtype=str, keep_default_na=False)
        assert resource["bytes"] == (folder / resource["path"]).stat().st_size
        fields = resource["schema"]["fields"]
        assert [one["name"] for one in fields] == list(frame)
        for one in fields:
            filled = frame.loc[frame[one["name"]] != "", one["name"]]
            limits = one.get("constraints", {})
            if limits.get("required"):
                assert len(filled) == len(frame)
            if "enum" in limits:
                assert set(filled) <= set(limits["enum"])
            if "pattern" in limits:
                assert filled.str.fullmatch(limits["pattern"]).all()
            if one["type"] == "integer":
                assert filled.str.fullmatch(r"-?\d+").all(), one["name"]
            if one["type"] in ("integer", "number") and "minimum" in limits:
                numbers = filled.astype(float)
                assert numbers.between(limits["minimum"], limits["maximum"]).all()
