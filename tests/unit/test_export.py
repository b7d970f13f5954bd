"""Standard tables out: what stands in each record, by text tables; every format says the same; a
folder is written whole or not at all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest
from spec.tables import cohort, plain, read

import kettrack as kt
from kettrack.cli import main
from kettrack.errors import NotWritten, UsageError
from kettrack.exporting.adam.adverse_events import adverse_event_rows
from kettrack.exporting.adam.doses import dose_rows
from kettrack.exporting.adam.scores import QuestionnaireBlocks
from kettrack.exporting.adam.subjects import subject_rows
from kettrack.exporting.adam.times_to_event import time_rows
from kettrack.exporting.data_sets import DATA_SETS
from kettrack.exporting.define import describe_data_sets
from kettrack.exporting.episodes import episode_tables
from kettrack.exporting.export import CDISC_MAKERS, FORMATS
from kettrack.importing.cdisc.study_days import as_days

CHECKOUT = Path(__file__).resolve().parents[2]
SCORES = """
    patient  | day | score | timing
    well     | -7  | 22    |
    well     | 0   | 20    | before
    well     | 0   | 18    | after
    well     | 7   | 9     |          # response
    well     | 20  | 15    |          # lost, confirmed by the next
    well     | 30  | 16    |
    well     | 90  | 3     |
    waits    | 0   | 20    |
    waits    | 7   | 10    |
    waits    | 14  | 18    |          # lost, and nobody scored again
    never    | 0   | 20    |          # no score afterwards
    mild     | 0   | 6     |          # below caseness
    mild     | 7   | 2     |
    bare     | 7   | 12    |          # no baseline
    zero     | -40 | 15    |          # too old for a baseline
    partly   | 0   | 18    |
    partly   | 7   |       |          # incomplete
    partly   | 9   | 20    |
"""
SESSIONS = """
    patient | days
    well    | 0 3 10
    waits   | 0
    never   | 0
    mild    | 0
    bare    | 0
    zero    | 0
    partly  | 0
"""


@pytest.fixture(scope="module")
def clinic() -> kt.DerivedCohort:
    return kt.derive(cohort(SCORES, SESSIONS))


def questionnaire_rows(clinic: kt.DerivedCohort, study: str) -> pd.DataFrame:
    return pd.concat(QuestionnaireBlocks(clinic, study), ignore_index=True)


def rows(frame: pd.DataFrame, *columns: str, **where: str) -> list[tuple[Any, ...]]:
    for name, value in where.items():
        frame = frame[frame[name] == value]
    cells = frame[list(columns)].astype("object")
    return [tuple(plain(cell) for cell in row) for row in cells.to_numpy().tolist()]


def text(table: str) -> list[tuple[Any, ...]]:
    """A text table as rows, numbers as numbers."""
    frame = read(table)
    return [
        tuple(
            None if pd.isna(cell) else int(cell) if cell.lstrip("-").isdigit() else cell
            for cell in row
        )
        for row in frame.to_numpy().tolist()
    ]


def test_scores_against_their_baseline(clinic: kt.DerivedCohort) -> None:
    found = questionnaire_rows(clinic, "KT")
    columns = ("ADY", "ATPT", "AVISITN", "AVAL", "BASE", "CHG", "PCHG", "ABLFL")
    assert rows(found, *columns, USUBJID="well") == text("""
        ADY | ATPT      | AVISITN | AVAL | BASE | CHG | PCHG | ABLFL
        -7  |           | 0       | 22   | 20   |     |      |
        1   | PRE-DOSE  | 0       | 20   | 20   |     |      | Y
        1   | POST-DOSE | 1       | 18   | 20   | -2  | -10  |
        8   |           | 2       | 9    | 20   | -11 | -55  |
        21  |           | 3       | 15   | 20   | -5  | -25  |
        31  |           | 3       | 16   | 20   | -4  | -20  |
        91  |           | 3       | 3    | 20   | -17 | -85  |
    """)
    assert rows(found, "ADY", "BASE", "CHG", "ABLFL", USUBJID="bare") == [
        (8, None, None, None)
    ]
    assert rows(found, "ADY", "BASE", "ABLFL", USUBJID="zero") == [(-40, None, None)]


def test_an_incomplete_total_has_a_record_and_no_number(
    clinic: kt.DerivedCohort,
) -> None:
    found = questionnaire_rows(clinic, "KT")
    columns = ("ASEQ", "ADY", "AVAL", "CHG", "ANL01FL", "DTYPE")
    assert rows(found, *columns, USUBJID="partly") == text("""
        ASEQ | ADY | AVAL | CHG | ANL01FL | DTYPE
        1    | 1   | 18   |     | Y       |
        2    | 8   |      |     |         |
        3    | 10  | 20   | 2   | Y       |
    """)


@pytest.mark.parametrize(
    ("rule", "base", "flagged"),
    [("last", 20, [1]), ("worst", 22, [-7]), ("mean", 21, [])],
)
def test_baseline_rules(rule: Any, base: int, flagged: list[int]) -> None:
    clinic = kt.derive(cohort(SCORES, SESSIONS, baseline=rule))
    found = questionnaire_rows(clinic, "KT")
    mine = found[found["USUBJID"] == "well"]
    assert set(mine["BASE"]) == {base}
    assert mine.loc[mine["ABLFL"] == "Y", "ADY"].tolist() == flagged
    assert set(mine["BASETYPE"]) == {f"{rule.upper()} BEFORE FIRST SESSION"}


def test_items_are_parameters_with_baselines_of_their_own() -> None:
    scores = """
        patient | day | instrument | score | item_1 | item_2 | item_3 | item_9
        a       | 0   | PHQ-9      | 12    |        |        |        |
        a       | 0   | MADRS      |       | 4      | 2      | 0      | 6
        a       | 7   | MADRS      |       | 1      | 0      | 0      |
    """
    clinic = kt.derive(cohort(scores))
    found = questionnaire_rows(clinic, "KT")
    columns = ("PARAMCD", "PARAM", "ADY", "AVAL", "BASE", "CHG", "SRCVAR", "SRCSEQ")
    assert rows(found, *columns, PARCAT1="MADRS") == text("""
        PARAMCD  | PARAM        | ADY | AVAL | BASE | CHG | SRCVAR | SRCSEQ
        MADRSTOT | MADRS Total  | 1   |      |      |     | SCORE  | 1
        MADRSI1  | MADRS Item 1 | 1   | 4    |      |     | ITEM_1 | 1
        MADRSI2  | MADRS Item 2 | 1   | 2    |      |     | ITEM_2 | 1
        MADRSI3  | MADRS Item 3 | 1   | 0    |      |     | ITEM_3 | 1
        MADRSI9  | MADRS Item 9 | 1   | 6    |      |     | ITEM_9 | 1
        MADRSTOT | MADRS Total  | 8   |      |      |     | SCORE  | 2
        MADRSI1  | MADRS Item 1 | 8   | 1    |      |     | ITEM_1 | 2
        MADRSI2  | MADRS Item 2 | 8   | 0    |      |     | ITEM_2 | 2
        MADRSI3  | MADRS Item 3 | 8   | 0    |      |     | ITEM_3 | 2
    """)


def test_times_to_events(clinic: kt.DerivedCohort) -> None:
    found = time_rows(clinic, "KT")
    columns = ("USUBJID", "STARTDY", "ADY", "AVAL", "CNSR", "EVENT", "LODY", "STATUS")
    assert rows(found, *columns, PARAMCD="TTRESP") == text("""
        USUBJID | STARTDY | ADY | AVAL | CNSR | EVENT | LODY | STATUS
        never   | 1       | 1   | 1    | 3    | 0     |      | NONE
        partly  | 1       | 10  | 10   | 1    | 0     |      | NONE
        waits   | 1       | 8   | 8    | 0    | 1     |      | SINGLE
        well    | 1       | 8   | 8    | 0    | 1     | 1    | SINGLE
    """)
    # One day of the response and one of the loss: the clock of the loss begins anew.
    assert rows(found, *columns, PARAMCD="TTLOR") == text("""
        USUBJID | STARTDY | ADY | AVAL | CNSR | EVENT | LODY | STATUS
        waits   | 8       | 8   | 1    | 2    | 0     |      | PENDING
        well    | 8       | 21  | 14   | 0    | 1     | 8    | CONFIRMED
    """)
    # Rules without a relapse say nothing of it; that it is not there is told elsewhere.
    assert set(found["PARAMCD"]) == {"TTRESP", "TTREM", "TTDET", "TTLOR"}


def test_the_day_that_the_standard_adds(clinic: kt.DerivedCohort) -> None:
    """From kettrack to the standard and back: no day is lost or won on either way."""
    outcomes = kt.outcomes_table(clinic).set_index("patient_id")
    found = time_rows(clinic, "KT")
    responses = found[(found["PARAMCD"] == "TTRESP") & (found["CNSR"] == 0)]
    assert len(responses) == 2
    for row in responses.to_dict("records"):
        day = outcomes.loc[row["USUBJID"], "response_day"]
        assert row["AVAL"] == row["ADY"] - row["STARTDY"] + 1 == day + 1
        assert as_days(np.array([float(row["ADY"])])).tolist() == [day]
    # A patient who is well on the day of the first session responded after 1 day, never after 0.
    assert found["AVAL"].min() == 1


def test_adverse_events_and_what_is_none() -> None:
    clinic = kt.derive(
        kt.cohort_from_frames(
            pd.DataFrame(
                {
                    "patient_id": list("aaaaab"),
                    "day": [0, 2, 4, 6, 8, 0],
                    "adverse_events": [
                        "nausea",
                        "nausea;headache",
                        "none",
                        None,
                        "headache;nausea",
                        None,
                    ],
                    "serious": [True, True, False, True, False, None],
                    "stopped_early": [False, True, None, None, None, None],
                }
            ),
            pd.DataFrame(
                {"patient_id": ["a"], "day": [0], "instrument": "PHQ-9", "score": [20]}
            ),
            events=pd.DataFrame(
                {
                    "patient_id": ["a", "a", "b", "b"],
                    "day": [-3, 5, 4, 9],
                    "event": ["hospitalisation", "adverse_event", "ect", "death"],
                    "detail": ["worsening", None, None, None],
                }
            ),
        )
    )
    found = adverse_event_rows(clinic, "KT")
    columns = ("USUBJID", "AESEQ", "AETERM", "ASTDY", "SESSN", "TRTEMFL", "AESER")
    more = ("SESSSER", "SRCDOM", "SRCSEQ")
    assert rows(found, *columns, *more) == text("""
        p | n | AETERM          | day | s | t | ser | sess | from     | row
        a | 1 | HOSPITALISATION | -3  |   | N | Y   |      | EVENTS   | 1
        a | 2 | NAUSEA          | 1   | 1 | Y | Y   | Y    | SESSIONS | 1
        a | 3 | NAUSEA          | 3   | 2 | Y |     | Y    | SESSIONS | 2
        a | 4 | HEADACHE        | 3   | 2 | Y |     | Y    | SESSIONS | 2
        a | 5 | ADVERSE_EVENT   | 6   |   | Y |     |      | EVENTS   | 2
        a | 6 | NOT_NAMED       | 7   | 4 | Y | Y   | Y    | SESSIONS | 4
        a | 7 | NAUSEA          | 9   | 5 | Y | N   | N    | SESSIONS | 5
        a | 8 | HEADACHE        | 9   | 5 | Y | N   | N    | SESSIONS | 5
        b | 1 | DEATH           | 10  |   | Y | Y   |      | EVENTS   | 4
    """)


def test_patients_and_why_they_do_not_count(clinic: kt.DerivedCohort) -> None:
    found = subject_rows(clinic, "KT")
    columns = ("USUBJID", "NSESS", "TRTEDY", "RATEDFL", "INCLFL", "EXCLRSN", "BASE")
    assert rows(found, *columns) == text("""
        USUBJID | NSESS | TRTEDY | RATEDFL | INCLFL | EXCLRSN        | BASE
        bare    | 1     | 1      | N       | N      | NO_BASELINE    |
        mild    | 1     | 1      | N       | N      | BELOW_CASENESS | 6
        never   | 1     | 1      | Y       | N      | NO_FOLLOW_UP   | 20
        partly  | 1     | 1      | Y       | Y      |                | 18
        waits   | 1     | 1      | Y       | Y      |                | 20
        well    | 3     | 11     | Y       | Y      |                | 20
        zero    | 1     | 1      | N       | N      | NO_BASELINE    |
    """)


def test_doses_and_courses(clinic: kt.DerivedCohort) -> None:
    assert rows(dose_rows(clinic, "KT"), "EXSEQ", "EXSTDY", USUBJID="well") == [
        (1, 1),
        (2, 4),
        (3, 11),
    ]
    made = episode_tables(clinic)
    courses = kt.courses_table(clinic)
    counted = courses.groupby(["patient_id", "course_number"])["day"].agg(
        ["min", "max", "size"]
    )
    columns = ["episode_start_day", "episode_end_day", "n_sessions"]
    assert made["episode"][columns].to_numpy().tolist() == counted.to_numpy().tolist()
    # Every session belongs to one course of the same patient.
    both = made["episode_event"].merge(
        made["drug_exposure"], left_on="event_id", right_on="drug_exposure_id"
    )
    both = both.merge(made["episode"], on="episode_id", suffixes=("", "_of_episode"))
    assert len(both) == len(courses)
    assert (both["person_id"] == both["person_id_of_episode"]).all()


# Of SAS transport files, version 5.
LONGEST_NAME = 8
LONGEST_LABEL = 40


def test_every_variable_fits_a_transport_file() -> None:
    for name in CDISC_MAKERS:
        data_set = DATA_SETS[name]
        assert len(data_set.label) <= LONGEST_LABEL
        assert set(data_set.keys) <= set(data_set.names)
        for variable in data_set.variables:
            assert len(variable.name) <= LONGEST_NAME, variable.name
            assert len(variable.label) <= LONGEST_LABEL, variable.label


@pytest.mark.parametrize("name", CDISC_MAKERS)
def test_records_are_what_the_page_says(name: str) -> None:
    """Nothing is empty that the page calls always filled; closed lists are closed; keys tell
    records apart.
    """
    clinic = kt.derive(kt.load_cohort(kt.sample_folder()))
    frame = pd.concat(CDISC_MAKERS[name](clinic, "KT"))
    data_set = DATA_SETS[name]
    assert len(frame)
    assert not frame.duplicated(list(data_set.keys)).any()
    for variable in data_set.variables:
        cells = frame[variable.name]
        if variable.required:
            assert cells.notna().all(), variable.name
        if variable.allowed:
            assert set(cells.dropna().astype(str)) <= set(variable.allowed)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("export") / "out"
    kt.export(kt.load_cohort(kt.sample_folder()), place)
    return place


@pytest.mark.parametrize("name", CDISC_MAKERS)
def test_every_format_says_the_same(exported: Path, name: str) -> None:
    parquet = pq.read_table(exported / f"parquet/{name.lower()}.parquet")
    expected = parquet.to_pydict()
    described = DATA_SETS[name].variables
    xpt, metadata = pyreadstat.read_xport(exported / f"xpt/{name.lower()}.xpt")
    assert metadata.column_labels == [one.label for one in described]
    told = json.loads((exported / f"dataset-json/{name.lower()}.json").read_bytes())
    assert told["datasetJSONVersion"] == "1.1.0"
    assert told["records"] == len(told["rows"]) == len(xpt) == parquet.num_rows
    for place, one in enumerate(described):
        cells = expected[one.name]
        assert [row[place] for row in told["rows"]] == cells
        if one.kind == "text":
            # The format has no missing text.
            assert xpt[one.name].tolist() == [cell or "" for cell in cells]
        else:
            wanted = np.array(cells, dtype=np.float64)
            np.testing.assert_array_equal(xpt[one.name].to_numpy(float), wanted)


def test_rows_in_and_out_are_told(exported: Path) -> None:
    said = json.loads((exported / "provenance.json").read_text())
    cohort = kt.load_cohort(kt.sample_folder())
    assert said["policy"] == "internal"
    assert said["rows_in"]["sessions"] == len(cohort.sessions)
    assert said["input"]["sha256"] == cohort.provenance.input_sha256
    assert said["rules"]["not_defined"] == ["relapse", "recurrence"]
    # What the data sets have no place for is named, and nothing else is.
    beside = said["only_in_the_data_package"]
    assert set(beside) == {"sessions"}
    assert {"systolic_peak", "dissociation", "cost"} <= set(beside["sessions"])
    assert not {"dose_mg", "serious"} & set(beside["sessions"])
    n_out = {one["file"]: one["records"] for one in said["files"]}
    assert n_out["xpt/ex.xpt"] == len(cohort.sessions)
    assert n_out["parquet/adsl.parquet"] == len(cohort.patients)
    left = {
        one["reason"]: one["rows"]
        for one in said["left_out_of_data_sets"]
        if one["dataset"] == "ADTTE"
    }
    counted = pq.read_table(exported / "parquet/adtte.parquet").to_pandas()
    n_rated = counted.loc[counted["PARAMCD"] == "TTRESP", "USUBJID"].nunique()
    assert n_rated + sum(left.values()) == len(cohort.patients)
    files = {
        str(one.relative_to(exported)) for one in exported.rglob("*") if one.is_file()
    }
    told = {"provenance.json", "define.json", "README.md"}
    assert files == set(n_out) | told


def test_a_release_policy_lets_no_row_out(tmp_path: Path) -> None:
    cohort = kt.load_cohort(kt.sample_folder(), policy="cms")
    with pytest.raises(UsageError, match="not released under the policy 'cms'"):
        kt.export(cohort, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"formats": ["sas"]}, "There is no format 'sas'. There are: parquet, xpt"),
        ({"formats": []}, "no format named"),
        ({"study": "KT 01"}, "1 to 20 letters"),
        ({"folder": "missing/out"}, "There is no folder"),
    ],
)
def test_slips_are_told(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    folder = tmp_path / options.pop("folder", "out")
    with pytest.raises(UsageError, match=said):
        kt.export(kt.load_cohort(kt.sample_folder()), folder, **options)
    assert list(tmp_path.iterdir()) == []


def test_only_an_export_is_replaced(tmp_path: Path) -> None:
    clinic = cohort(SCORES, SESSIONS)
    place = tmp_path / "out"
    kt.export(clinic, place, formats=["omop"])
    with pytest.raises(UsageError, match="--replace"):
        kt.export(clinic, place, formats=["omop"])
    kt.export(clinic, place, formats=["parquet"], replace=True)
    assert {one.name for one in place.iterdir()} >= {"parquet", "provenance.json"}
    assert not (place / "omop").exists()
    (place / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        kt.export(clinic, place, replace=True)
    assert (place / "notes.txt").read_text() == "mine"


def test_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic = cohort(SCORES, SESSIONS)
    place = tmp_path / "out"
    kt.export(clinic, place, formats=["omop"])
    before = {one: one.read_bytes() for one in place.rglob("*") if one.is_file()}

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kettrack.exporting.export.provenance_json", full)
    with pytest.raises(NotWritten, match="the disk is full"):
        kt.export(clinic, place, replace=True)
    after = {one: one.read_bytes() for one in place.rglob("*") if one.is_file()}
    assert after == before
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "out"
    folder = str(kt.sample_folder())
    main_ok(["export", folder, "-o", str(place), "--format", "omop,datapackage"])
    assert "Wrote" in capsys.readouterr().out
    assert sorted(one.name for one in place.iterdir()) == [
        "README.md",
        "datapackage",
        "define.json",
        "omop",
        "provenance.json",
    ]
    inside = str(kt.sample_folder() / "tables")
    for wrong in (
        ["-o", str(place), "--format", "sas"],
        ["-o", folder],
        ["-o", inside],
        [],
    ):
        with pytest.raises(SystemExit) as left:
            main(["export", folder, *wrong])
        assert left.value.code == 2
    assert not Path(inside).exists()


def main_ok(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0


def test_formats_of_the_command_are_those_of_the_function() -> None:
    from kettrack.cli.export import _ALL

    assert _ALL.split(",") == list(FORMATS)


def test_the_page_of_every_variable_is_the_one_in_the_docs() -> None:
    page = (CHECKOUT / "docs/export.md").read_text(encoding="utf-8")
    assert page.endswith(describe_data_sets(DATA_SETS.values()))


def test_an_illness_comes_back_first_in_one_way_only() -> None:
    scores = """
        patient | day | score
        relapse | 0   | 34
        relapse | 28  | 5
        relapse | 60  | 25
        relapse | 70  | 26
        again   | 0   | 34
        again   | 28  | 5
        again   | 80  | 5
        again   | 130 | 5
        again   | 170 | 5
        again   | 200 | 25
        again   | 210 | 26
        unclear | 0   | 34
        unclear | 28  | 5
        unclear | 300 | 25
        unclear | 310 | 26
        admit   | 0   | 34
        admit   | 28  | 5
        admit   | 90  | 5
        well    | 0   | 34
        well    | 28  | 5
        well    | 100 | 5
    """
    events = """
        patient | day | event
        admit   | 50  | hospitalisation
    """
    clinic = cohort(scores, events=events, instrument="MADRS", criteria="SUSTAIN-1")
    found = time_rows(kt.derive(clinic), "KT")
    columns = ("USUBJID", "STARTDY", "AVAL", "CNSR")
    assert rows(found, *columns, PARAMCD="TTRELAP") == text("""
        USUBJID | STARTDY | AVAL | CNSR
        admit   | 29      | 23   | 0
        again   | 29      | 173  | 4
        relapse | 29      | 33   | 0
        unclear | 29      | 273  | 4
        well    | 29      | 73   | 1
    """)
    assert rows(found, *columns, PARAMCD="TTRECUR") == text("""
        USUBJID | STARTDY | AVAL | CNSR
        admit   | 29      | 23   | 4
        again   | 29      | 173  | 0
        relapse | 29      | 33   | 4
        unclear | 29      | 273  | 4
        well    | 29      | 73   | 1
    """)


def test_percent_change_on_a_scale_that_does_not_begin_at_0() -> None:
    scores = """
        patient | day | score
        a       | 0   | 58.2
        a       | 7   | 48.2
        least   | 0   | 38.2
        least   | 7   | 40.2
    """
    clinic = cohort(scores, instrument="PROMIS Depression")
    found = questionnaire_rows(kt.derive(clinic), "KT").query("ADY > 1")
    # From 58.2 down by 10 is half of what lies above 38.2, and less than a fifth of the number.
    assert found["PCHGMIN"].round(6).tolist()[0] == -50
    assert found["PCHG"].round(2).tolist() == [-17.18, 5.24]
    # From the lowest score of the scale no percent change has a meaning.
    assert np.isnan(found["PCHGMIN"].tolist()[1])


def test_a_data_set_without_records_is_a_whole_file(tmp_path: Path) -> None:
    clinic = cohort(SCORES, SESSIONS)
    kt.export(clinic, tmp_path / "out", formats=["parquet", "xpt", "dataset-json"])
    told = json.loads((tmp_path / "out/dataset-json/adae.json").read_bytes())
    assert told["records"] == 0
    assert told["rows"] == []
    assert pq.read_table(tmp_path / "out/parquet/adae.parquet").num_rows == 0
    xpt, metadata = pyreadstat.read_xport(tmp_path / "out/xpt/adae.xpt")
    assert len(xpt) == 0
    assert metadata.column_names == DATA_SETS["ADAE"].names
