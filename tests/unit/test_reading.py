"""Reading a folder: one situation each, from the text of the files to the cohort or to the
problems.
"""

import numpy as np
import pandas as pd
import pytest

from kettrack.errors import DataProblems, UsageError
from kettrack.reading.load import check_folder, cohort_from_frames, load_cohort
from kettrack.settings import Settings
from kettrack.vocabulary.columns import TABLES

SESSIONS = "patient_id,day\na,0\na,3\nb,0\n"
SCORES = "patient_id,day,instrument,score\na,-1,PHQ-9,20\na,7,PHQ-9,9\nb,-1,PHQ-9,15\n"


@pytest.fixture
def clinic(tmp_path):
    """Write a cohort folder; text tables may be indented."""

    def write(sessions=SESSIONS, scores=SCORES, **others):
        for name, content in {"sessions": sessions, "scores": scores, **others}.items():
            data = content if isinstance(content, bytes) else content.encode()
            (
                tmp_path / (f"{name}.csv" if name in TABLES else f"{name}.toml")
            ).write_bytes(data)
        return tmp_path

    return write


def said(folder, **options):
    """All problems of a folder, as they are printed."""
    with pytest.raises(DataProblems) as caught:
        load_cohort(folder, **options)
    return [f"{problem.file}: {problem}" for problem in caught.value.problems]


def with_scores(*rows):
    return "patient_id,day,instrument,score\n" + "\n".join(rows) + "\n"


def note(cohort, part):
    found = [one for one in cohort.notes if part in one]
    assert found, f"no note says {part!r}: {cohort.notes}"
    return found[0]


def test_a_clean_folder_says_nothing(clinic):
    cohort = load_cohort(clinic())
    assert cohort.notes == ()
    assert len(cohort.exclusions) == 0
    assert cohort.sessions[["patient_id", "day", "order"]].values.tolist() == [
        ["a", 0, 1],
        ["a", 3, 1],
        ["b", 0, 1],
    ]
    assert cohort.scores["score"].tolist() == [20, 9, 15]
    assert cohort.patients["patient_id"].tolist() == ["a", "b"]


def test_frames_are_as_documented(clinic):
    cohort = load_cohort(clinic())
    dtypes = cohort.sessions.dtypes.astype(str)
    assert list(cohort.sessions.columns) == list(TABLES["sessions"].names)
    assert list(cohort.patients.columns) == list(TABLES["patients"].names)
    assert list(cohort.events.columns) == list(TABLES["events"].names)
    assert dtypes[
        ["patient_id", "day", "order", "dose_mg", "spo2_min", "serious"]
    ].tolist() == [
        "str",
        "int32",
        "int32",
        "float64",
        "Int64",
        "boolean",
    ]
    assert list(cohort.scores.columns) == [
        "patient_id",
        "day",
        "instrument",
        "score",
        "timing",
    ]
    assert cohort.scores["timing"].dtype == pd.CategoricalDtype(
        ["before", "unknown", "after"], ordered=True
    )


def test_every_problem_is_said_at_once_and_none_shows_a_person(clinic):
    folder = clinic(
        sessions=(
            "patient_id,day,route,dose_mg\na,0,iv,40\na,3,intranassal,4000\nAnn Example,4,Ivy"
            " Example,fourty\n,5,iv,40\n"
        ),
        scores=with_scores(
            "a,-1,PHQ-9,31", "a,7,PHQ9,9", "b,45000,PHQ-9,3.5", "b,x,,5", "b,1,PHQ-9"
        ),
    )
    assert said(folder) == [
        "sessions.csv: line 3, route: (hidden) - not known; did you mean intranasal?",
        "sessions.csv: line 3, dose_mg: '4000' - a number of mg, 0 to 2000",
        (
            "sessions.csv: line 4, patient_id: (hidden) - looks like a person's name (1 cell);"
            " use a study code, or --allow patient_id if it cannot identify anyone"
        ),
        (
            "sessions.csv: line 4, route: (hidden) - one of: iv, im, sc, sublingual, intranasal,"
            " oral"
        ),
        "sessions.csv: line 4, dose_mg: (hidden) - a number of mg, 0 to 2000",
        "sessions.csv: line 5, patient_id - empty; a study code is needed",
        "scores.csv: line 2, score: '31' - a PHQ-9 total is a whole number, 0 to 27",
        "scores.csv: line 3, instrument: 'PHQ9' - not known; did you mean PHQ-9?",
        (
            "scores.csv: line 4, day: (hidden) - looks like a date as Excel stores it; send days"
            " counted from the patient's first session (day 0); kettrack deidentify turns dates"
            " into days"
        ),
        (
            "scores.csv: line 4, score: '3.5' - a PHQ-9 total is a whole number. If these are"
            ' prorated for missing answers, write prorated = "round" or "keep" under'
            " [instruments.PHQ-9] in kettrack.toml"
        ),
        "scores.csv: line 5, day: (hidden) - a whole number of days, -3650 to 3650",
        "scores.csv: line 5, instrument - empty; the name of an instrument is needed",
        "scores.csv: line 6 - 4 cells expected, as in the first line; found 3",
    ]


def test_a_lost_line_end_behind_the_names_shows_no_cell(clinic):
    # The first row stands beside the names, and its patient is a part of the last one.
    joined = SESSIONS.replace("\na,", "meier,", 1)
    assert said(clinic(sessions=joined)) == [
        "sessions.csv: a line end behind the names of the columns: line 1 holds 3 cells, and every"
        " other line 2; end it behind the name of column 2"
    ]


def test_check_folder_returns_the_same_as_a_table(clinic):
    checked = check_folder(clinic(scores=with_scores("a,-1,PHQ-9,31")))
    assert checked.problems.to_dict("records") == [
        {
            "file": "scores.csv",
            "line": 2,
            "column": "score",
            "value": "'31'",
            "expected": "a PHQ-9 total is a whole number, 0 to 27",
        }
    ]
    assert check_folder(clinic()).problems.empty


@pytest.mark.parametrize(
    ("data", "notes"),
    [
        (b"\xef\xbb\xbf" + SCORES.encode(), ["byte order mark"]),
        (SCORES.encode("utf-16"), ["UTF-16"]),
        (SCORES.encode("utf-16-le"), ["UTF-16"]),
        (SCORES.replace(",", ";").encode(), ["semicolons"]),
        (SCORES.replace(",", "\t").encode(), ["tabs"]),
        (SCORES.replace(",", "|").encode(), ["vertical bars"]),
        (SCORES.replace("\n", "\r\n").encode(), []),
        (SCORES.replace("\n", "\r").encode(), []),
        (SCORES.rstrip("\n").encode(), []),
        (SCORES.replace("\n", "\n\n").encode() + b",,,\n", ["5 blank lines"]),
        (
            ("größe," + SCORES.replace("\n", "\nü,", 3)).encode("cp1252"),
            ["Windows-1252", "1 unknown column was not used: größe"],
        ),
        (SCORES.replace("20", '"20"').encode(), []),
        (SCORES.replace("a,", " a ,").encode(), []),
        (SCORES.replace("PHQ", "phq").encode(), ["capital and small letters"]),
        (
            SCORES.replace("patient_id", "Patient_ID").encode(),
            ["'patient_id' found as 'Patient_ID'"],
        ),
    ],
)
def test_dialects_give_the_same_scores_and_say_so(clinic, data, notes):
    cohort = load_cohort(clinic(scores=data))
    pd.testing.assert_frame_equal(cohort.scores, load_cohort(clinic()).scores)
    assert len(cohort.notes) == len(notes)
    for part in notes:
        note(cohort, part)


def test_decimal_commas_are_read_and_said(clinic):
    cohort = load_cohort(clinic(sessions="patient_id;day;dose_mg\na;0;37,5\nb;0;40\n"))
    assert cohort.sessions["dose_mg"].tolist() == [37.5, 40]
    note(cohort, "dose_mg: decimal commas")


def test_a_comma_in_a_comma_separated_number_is_no_decimal(clinic):
    (problem,) = said(clinic(sessions='patient_id,day,dose_mg\na,0,"1,500"\nb,0,40\n'))
    assert "a number of mg" in problem


def test_newlines_in_quotes_do_not_shift_line_numbers(clinic):
    scores = (
        "patient_id,day,instrument,score,room\n"
        'a,-1,PHQ-9,20,"one\ntwo\n\nthree"\na,7,PHQ-9,99,x\n\na,8,PHQ-9,98,"y"\n'
    )
    assert [problem.split(" - ")[0] for problem in said(clinic(scores=scores))] == [
        "scores.csv: line 6, score: '99'",
        "scores.csv: line 8, score: '98'",
    ]


def test_an_open_quotation_mark_does_not_hide_what_follows(clinic):
    problems = said(clinic(scores=with_scores('a,-1,"PHQ-9,20', "a,7,PHQ-9,99")))
    assert "never closed" in problems[0]
    assert any("line 3, score: '99'" in problem for problem in problems)


def test_a_column_named_twice(clinic):
    scores = "patient_id,day,instrument,score,day\na,1,PHQ-9,5,2\n"
    assert said(clinic(scores=scores)) == [
        "scores.csv: line 1, day - this column is there more than once, at places 2 and 5; keep one"
    ]


def test_a_near_miss_of_a_needed_column_is_named(clinic):
    (problem,) = said(clinic(scores=SCORES.replace("instrument", "instruments")))
    assert (
        "line 1, instrument - this column is missing; did you mean 'instruments'?"
        in problem
    )


def test_other_names_are_declared_in_kettrack_toml(clinic):
    folder = clinic(
        scores=SCORES.replace("score", "total").replace("patient_id", "pid"),
        sessions=SESSIONS.replace("patient_id", "pid"),
        kettrack='[columns]\npatient_id = "pid"\n[columns.scores]\nscore = "total"\n',
    )
    assert load_cohort(folder).scores["score"].tolist() == [20, 9, 15]


def test_an_unknown_column_is_said_and_not_used(clinic):
    cohort = load_cohort(clinic(sessions="patient_id,day,nurse_mood\na,0,1\nb,0,2\n"))
    assert "nurse_mood" not in cohort.sessions
    note(cohort, "sessions.csv: 1 unknown column was not used: nurse_mood")


def test_of_many_unknown_columns_the_first_are_named(clinic):
    names = [f"mood_{letter}" for letter in "abcdefghijklmnop"]
    header = ",".join(["patient_id", "day", *names, "rute"])
    row = ",0" + ",1" * 17
    cohort = load_cohort(clinic(sessions=f"{header}\na{row}\nb{row}\n"))
    (told,) = [one for one in cohort.notes if "unknown column" in one]
    assert "17 unknown columns were not used" in told
    # What may be a slip is named, wherever it stands.
    assert "rute (it resembles route" in told
    assert "mood_i, and 7 more." in told
    assert "mood_j" not in told


def test_a_file_without_header_shows_no_cell(clinic):
    text = "\n".join(said(clinic(sessions="Ann Example,0\nBob Example,1\n")))
    assert "no column is known" in text
    assert "Example" not in text


@pytest.mark.parametrize("content", [b"", b"\n\n", b"PK\x03\x04rest"])
def test_a_file_that_is_no_table(clinic, content):
    assert len(said(clinic(scores=content))) == 1


def test_missing_files_and_folders(clinic, tmp_path):
    folder = clinic()
    (folder / "scores.csv").rename(folder / "score.csv")
    assert "did you mean score.csv" in said(folder)[0]
    with pytest.raises(UsageError, match="no folder"):
        load_cohort(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"instrment": "MADRS"}, "did you mean instrument"),
        ({"instrument": "PHQ"}, "No instrument"),
        ({"criteria": "SUSTAIN-1"}, "No criteria"),
        ({"baseline": "frist"}, "last, mean, worst"),
    ],
)
def test_settings_that_do_not_exist(clinic, option, message):
    with pytest.raises(UsageError, match=message):
        load_cohort(clinic(), **option)


def test_command_line_over_toml_over_default(clinic):
    folder = clinic(kettrack='instrument = "MADRS"\nextract = "spring"')
    assert load_cohort(folder).settings == Settings(
        instrument="MADRS", extract="spring", scores_of="MADRS"
    )
    assert (
        load_cohort(folder, instrument="GAD-7", criteria=None).settings.instrument
        == "GAD-7"
    )


def test_parquet_gives_the_same_cohort_as_csv(clinic, tmp_path):
    csv = load_cohort(clinic())
    for name in ("sessions", "scores"):
        pd.read_csv(tmp_path / f"{name}.csv").to_parquet(tmp_path / f"{name}.parquet")
        (tmp_path / f"{name}.csv").unlink()
    parquet = load_cohort(tmp_path)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(parquet, name), getattr(csv, name))


def test_the_hash_follows_the_content(clinic):
    before = load_cohort(clinic()).provenance
    assert before == load_cohort(clinic()).provenance
    assert before.files == ("scores.csv", "sessions.csv")
    assert (
        before.input_sha256
        != load_cohort(
            clinic(scores=SCORES.replace("20", "21"))
        ).provenance.input_sha256
    )


IDS = {
    "integers": pd.Series([1, 2]),
    "floats": pd.Series([1.0, 2.0]),
    "text": pd.Series(["1", "2"]),
    "object": pd.Series([1, "2"], dtype=object),
    "nullable": pd.Series([1, 2], dtype="Int64"),
    "category": pd.Series(["1", "2"]).astype("category"),
    "arrow text": pd.Series(["1", "2"], dtype="string[pyarrow]"),
    "arrow integers": pd.Series([1, 2], dtype="int64[pyarrow]"),
    "arrow floats": pd.Series([1, 2], dtype="double[pyarrow]"),
}


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS.keys())
def test_patient_ids_of_any_dtype_are_the_same_patients(ids):
    sessions = pd.DataFrame({"patient_id": ids, "day": [0, 0]})
    scores = pd.DataFrame(
        {
            "patient_id": ["1", "2"],
            "day": [0, 0],
            "instrument": "PHQ-9",
            "score": [5, 6],
        }
    )
    cohort = cohort_from_frames(sessions, scores)
    assert cohort.sessions["patient_id"].tolist() == ["1", "2"]
    assert len(cohort.scores) == 2


def test_arrow_dictionary_ids():
    import pyarrow as pa

    dtype = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    sessions = pd.DataFrame(
        {"patient_id": pd.Series(["1", "2"], dtype=dtype), "day": [0, 0]}
    )
    scores = pd.DataFrame(
        {"patient_id": [1], "day": [0], "instrument": ["PHQ-9"], "score": [5]}
    )
    assert cohort_from_frames(sessions, scores).sessions["patient_id"].tolist() == [
        "1",
        "2",
    ]


@pytest.mark.parametrize("missing", [None, pd.NA, np.nan, "", "<NA>", "NA"])
def test_a_missing_patient_id_is_a_problem_by_row(missing):
    sessions = pd.DataFrame(
        {"patient_id": pd.Series(["1", missing], dtype=object), "day": [0, 0]}
    )
    scores = pd.DataFrame(
        {"patient_id": ["1"], "day": [0], "instrument": ["PHQ-9"], "score": [5]}
    )
    with pytest.raises(DataProblems) as caught:
        cohort_from_frames(sessions, scores)
    assert [
        (problem.file, problem.line, problem.column)
        for problem in caught.value.problems
    ] == [("sessions", 2, "patient_id")]


def test_leading_noughts_are_kept_and_floats_are_undone(clinic):
    assert load_cohort(
        clinic(sessions="patient_id,day\n001,0\n", scores=with_scores("001,0,PHQ-9,5"))
    ).patients["patient_id"].tolist() == ["001"]
    cohort = load_cohort(
        clinic(
            sessions="patient_id,day\n1,0\n2,0\n",
            scores=with_scores("1.0,0,PHQ-9,5", "2.0,0,PHQ-9,5"),
        )
    )
    assert len(cohort.scores) == 2
    note(cohort, "written as 1.0")


def test_frames_handed_over_are_not_changed():
    sessions = pd.DataFrame({"patient_id": [1], "day": [4]})
    scores = pd.DataFrame(
        {"patient_id": [1], "day": [4], "instrument": ["PHQ-9"], "score": [5]}
    )
    before = sessions.copy(), scores.copy()
    cohort_from_frames(sessions, scores)
    pd.testing.assert_frame_equal(sessions, before[0])
    pd.testing.assert_frame_equal(scores, before[1])
