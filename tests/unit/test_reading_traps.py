"""Folders as clinics really send them: each trap once, with what is said about it and that no value
is repeated.
"""

import uuid
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kettrack.errors import DataProblems, Problem
from kettrack.reading.load import check_folder, cohort_from_frames, load_cohort

SESSIONS = "patient_id,day\na1,0\nb2,0\n"
SCORES = "patient_id,day,instrument,score\na1,-1,PHQ-9,20\nb2,-1,PHQ-9,15\n"


@pytest.fixture
def clinic(tmp_path):
    def write(sessions=SESSIONS, scores=SCORES, toml="", **others):
        for name, content in {"sessions": sessions, "scores": scores, **others}.items():
            (tmp_path / f"{name}.csv").write_bytes(content.encode())
        if toml:
            (tmp_path / "kettrack.toml").write_text(toml)
        return tmp_path

    return write


def problems(folder):
    with pytest.raises(DataProblems) as caught:
        load_cohort(folder)
    return [
        (one.file, one.line, one.column, one.value, one.expected)
        for one in caught.value.problems
    ]


def notes(folder):
    return "\n".join(load_cohort(folder).notes)


def test_codes_a_spreadsheet_has_rounded(clinic):
    (found,) = problems(clinic(sessions="patient_id,day\n1.23E+15,0\na1,0\nb2,0\n"))
    assert found[:4] == ("sessions.csv", 2, "patient_id", "(hidden)")
    assert "a spreadsheet has rounded the code" in found[4]


@pytest.mark.parametrize("letter", ["\x00", "\x01", "\x1b", "\x7f"])
def test_control_characters_in_codes(clinic, letter):
    assert problems(clinic(sessions=f"patient_id,day\na1{letter},0\na1,0\nb2,0\n"))[0][
        :4
    ] == (
        "sessions.csv",
        2,
        "patient_id",
        "(hidden)",
    )


def test_one_source_column_for_two(clinic):
    found = problems(clinic(toml='[columns.scores]\nscore = "day"'))[0]
    assert found[:3] == ("kettrack.toml", None, "columns.scores.score")
    assert "also read as day" in found[4]


def test_swapped_names_are_no_double(clinic):
    swapped = clinic(
        scores=SCORES.replace("day", "x")
        .replace("score", "day")
        .replace("x,", "score,", 1),
        toml='[columns.scores]\nscore = "day"\nday = "score"',
    )
    assert load_cohort(swapped).scores["score"].tolist() == [20, 15]


@pytest.mark.parametrize("section", ["[columns.scores]", "[columns]"])
def test_a_name_that_is_not_there(clinic, section):
    folder = clinic(
        scores=SCORES.replace("score\n", "total\n"), toml=f'{section}\nscore = "totla"'
    )
    found = problems(folder)[0]
    assert found[:3] == ("kettrack.toml", None, section.strip("[]") + ".score")
    assert "there is no column 'totla'" in found[4]
    assert "did you mean 'total'?" in found[4]


def test_a_name_that_is_not_there_and_names_nobody(clinic):
    folder = clinic(
        scores=SCORES.replace("score\n", "Jane Smith\n"),
        toml='[columns.scores]\nscore = "Jane Smit"',
    )
    assert "Smit" not in str(problems(folder))


@pytest.mark.parametrize(
    "name", ["Kettrack.toml", "kettrack.toml.txt", "KETTRACK.TOML"]
)
def test_settings_that_would_not_be_read(clinic, name):
    folder = clinic()
    (folder / name).write_text('policy = "cms"')
    assert "must be called kettrack.toml" in problems(folder)[0][4]


def test_a_folder_in_place_of_settings(clinic):
    folder = clinic()
    (folder / "kettrack.toml").mkdir()
    assert "this is a folder" in problems(folder)[0][4]


def test_other_files_are_listed_unless_they_name_someone(clinic):
    folder = clinic()
    for name in (
        "scores_backup.csv",
        "Jane Smith.csv",
        "jane_smith.txt",
        "scores.xlsx",
    ):
        (folder / name).write_text("")
    said = notes(folder)
    assert (
        "These files are not used: (hidden), (hidden), scores.xlsx, scores_backup.csv."
        in said
    )
    assert "save each table as CSV" in said


def test_a_workbook_in_place_of_a_table(clinic):
    folder = clinic()
    (folder / "scores.csv").rename(folder / "scores.xlsx")
    assert "scores.xlsx is there: save it as CSV" in problems(folder)[0][4]


@pytest.mark.parametrize("word", ["Wells", "Malena", "ketamine Jane", "Ivy"])
@pytest.mark.parametrize(
    ("table", "column"),
    [("patients", "stop_reason"), ("sessions", "drug"), ("sessions", "route")],
)
def test_closed_lists_repeat_nobody(clinic, word, table, column):
    folder = clinic(**{table: f"patient_id,day,{column}\na1,0,{word}\nb2,0,\n"})
    said = "\n".join([str(problems(folder)), check_folder(folder).problems.to_csv()])
    assert word not in said


def test_two_swapped_letters_are_shown(clinic):
    assert (
        problems(clinic(sessions="patient_id,day,drug\na1,0,ketamnie\nb2,0,\n"))[0][3]
        == "'ketamnie'"
    )


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("scores", "patient_id,day,instrument,score\na1,0,PHQ-9,12345\n"),
        ("sessions", "patient_id,day\na1,0\nb2,0\na1,45123\n"),
        ("patients", "patient_id,age\na1,97\n"),
        ("sessions", "patient_id,day,dose_mg\na1,0,40512\nb2,0,\n"),
    ],
)
def test_telling_numbers_are_hidden(clinic, table, text):
    assert problems(clinic(**{table: text}))[0][3] == "(hidden)"


def test_headers_that_name_someone_are_hidden(clinic):
    folder = clinic(
        sessions="patient_id,day,Jane Smith,JANE_Smith,mood\na1,0,1,1,1\nb2,0,1,1,1\n"
    )
    assert "3 unknown columns were not used: column 3, column 4, mood." in notes(folder)


def test_chosen_names_that_name_someone_are_hidden(clinic):
    folder = clinic(toml='instrument = "Jane Smith"')
    with pytest.raises(Exception, match="not repeated|looks like a person") as caught:
        load_cohort(folder)
    assert "Smith" not in str(caught.value)


def test_a_lone_hit_in_text_is_noted_with_its_line(clinic):
    said = notes(clinic(patients="patient_id,site\na1,north\nb2,555-010-1234\n"))
    assert (
        "column 'site' holds what looks like a telephone number (line 3: (hidden); 1 cell)"
        in said
    )
    assert "555" not in said


def test_the_column_meant_is_named_and_not_used(clinic):
    said = notes(
        clinic(
            sessions="patient_id,day,Dose (mg)\na1,0,40\nb2,0,40\n",
            scores="patient_id,day,instrument,score,timming,Item1\na1,-1,PHQ-9,20,before,1\n",
            patients="patient_id,observed_to_days\na1,90\n",
        )
    )
    for known in ("dose_mg", "timing", "item_1", "observed_to_day"):
        assert f"(it resembles {known}, but is not used as such)" in said


@pytest.mark.parametrize("name", ["sessions", "scores"])
def test_a_table_of_names_only(clinic, name):
    text = {"sessions": SESSIONS, "scores": SCORES}[name].partition("\n")[0] + "\n"
    assert (f"{name}.csv", None, "", "") == problems(clinic(**{name: text}))[0][:4]
    assert "no rows" in problems(clinic(**{name: text}))[0][4]


def test_no_kind_of_bad_cell_is_hidden_by_the_cap():
    many = [
        Problem("scores.csv", line, "score", "'31'", "a total is 0 to 27")
        for line in range(2, 40)
    ]
    text = str(DataProblems([*many, Problem("scores.csv", 50, "day", "", "a day")]))
    assert "line 2, 3, 4 and 35 more, score: '31' - a total is 0 to 27" in text
    assert "line 50, day - a day" in text
    kinds = [
        Problem("scores.csv", line, "score", "", f"the items make {line}")
        for line in range(2, 60)
    ]
    text = str(DataProblems([*kinds, Problem("scores.csv", 99, "day", "", "a day")]))
    assert "line 99, day - a day" in text
    assert "... and 38 more of these kinds" in text


def test_settings_and_tables_are_told_together(clinic):
    folder = clinic(
        scores=SCORES.replace("20", "99"),
        toml='policy = "cmss"\n[instruments.Mood]\nminimum = 0',
    )
    assert {found[0] for found in problems(folder)} == {"kettrack.toml", "scores.csv"}


@pytest.mark.parametrize("twin", ["A1", "a01", "a1\u200b", "ａ1"])
def test_codes_in_two_spellings(clinic, twin):
    said = notes(clinic(scores=SCORES.replace("a1,", f"{twin},")))
    assert "2 patient codes differ from another only by capital letters" in said
    assert twin not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sep=;\n" + SCORES.replace(",", ";"), "semicolons"),
        (
            "Scores of our clinic\n\n" + SCORES,
            "2 lines were ignored above the names of the columns",
        ),
        (
            "Scores of our clinic;;;\n" + SCORES.replace(",", ";"),
            "1 line was ignored above",
        ),
        (
            SCORES.replace(",20\n", ",20,,\n") + ",,,,,,\n",
            "2 rows had empty cells at the end, which were ignored",
        ),
    ],
)
def test_what_spreadsheets_leave(clinic, text, said):
    assert said in notes(clinic(scores=text))
    assert load_cohort(clinic(scores=text)).scores["score"].tolist() == [20, 15]


def test_lines_are_counted_from_the_first_of_the_file(clinic):
    assert problems(clinic(scores="sep=,\n" + SCORES.replace("20", "99,")))[0][1] == 3


def parquet(folder, columns, names=None):
    (folder / "sessions.csv").unlink(missing_ok=True)
    pq.write_table(
        pa.Table.from_arrays(list(columns), names=names), folder / "sessions.parquet"
    )
    return folder


@pytest.mark.parametrize(
    "kind", [pa.binary(), pa.binary(2), pa.large_binary()], ids=str
)
def test_codes_that_are_bytes(clinic, kind):
    folder = parquet(
        clinic(),
        [pa.array([b"a1", b"b2"], kind), pa.array([0, 0])],
        ["patient_id", "day"],
    )
    found = problems(folder)[0]
    assert (found[0], found[2], found[4].startswith("bytes, not text")) == (
        "sessions.parquet",
        "patient_id",
        True,
    )


def test_a_type_of_another_program_is_noted(clinic):
    marks = pa.array([uuid.uuid4().bytes, uuid.uuid4().bytes], pa.uuid())
    folder = parquet(
        clinic(),
        [pa.array(["a1", "b2"]), pa.array([0, 0]), marks],
        ["patient_id", "day", "mark"],
    )
    assert "column 'mark' holds neither text nor numbers" in notes(folder)


def test_two_parquet_columns_of_one_name(clinic):
    folder = parquet(
        clinic(),
        [pa.array(["a1"]), pa.array([0]), pa.array([1])],
        ["patient_id", "day", "day"],
    )
    assert (
        "sessions.parquet",
        1,
        "day",
        "",
        "2 columns have this name; keep one",
    ) in problems(folder)


def test_scores_before_and_unknown_are_one_moment_in_files_too(clinic):
    scores = (
        "patient_id,day,instrument,score,timing\n"
        "a1,0,PHQ-9,20,before\na1,0,PHQ-9,9,\nb2,0,PHQ-9,5,after\n"
    )
    cohort = load_cohort(clinic(scores=scores))
    assert cohort.scores["score"].tolist() == [9, 5]
    assert isinstance(cohort.exclusions, pd.DataFrame)
    assert cohort.exclusions["n_rows"].tolist() == [1]


def test_true_among_numbers_is_not_taken_for_1():
    sessions = pd.DataFrame({"patient_id": ["a", "a"], "day": [0, 7]})
    scores = pd.DataFrame(
        {
            "patient_id": ["a", "a"],
            "day": pd.Series([1, True], dtype=object),
            "instrument": "PHQ-9",
            "score": [20, 15],
        }
    )
    with pytest.raises(DataProblems, match="line 2, day: .* a whole number of days"):
        cohort_from_frames(sessions, scores)


def _problem(sessions: pd.DataFrame, scores: pd.DataFrame) -> Problem:
    with pytest.raises(DataProblems) as caught:
        cohort_from_frames(sessions, scores)
    return caught.value.problems[0]


@pytest.mark.parametrize(
    "word", ["None", "-", "??", "unknown", "MISSING", "unassigned", "TBD"]
)
def test_a_word_for_no_code_is_no_patient(word: str) -> None:
    sessions = pd.DataFrame({"patient_id": ["a", word, word], "day": [0, 0, 7]})
    score = {"patient_id": "a", "day": 0, "instrument": "PHQ-9", "score": 20}
    found = _problem(sessions, pd.DataFrame([score]))
    assert (found.line, found.column) == (2, "patient_id")
    assert "would become one patient's" in found.expected


def test_items_counted_from_0_are_not_moved_by_one_question() -> None:
    sessions = pd.DataFrame({"patient_id": ["a"], "day": [0]})
    score = {"patient_id": "a", "day": 0, "instrument": "PHQ-9", "score": 20}
    items = {f"item_{number}": 2 for number in range(9)}
    found = _problem(sessions, pd.DataFrame([{**score, **items, "item_8": 3}]))
    assert (found.column, found.line) == ("item_0", 1)
    assert "rename item_0 to item_1" in found.expected


def test_a_folder_of_parts_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "sessions.parquet").mkdir()
    with pytest.raises(DataProblems, match="sessions.parquet is a folder"):
        load_cohort(tmp_path)


def test_a_number_for_no_score_is_told_with_the_way_on(clinic) -> None:
    scores = f"{SCORES}a1,7,PHQ-9,-9\nb2,7,PHQ-9,28\n"
    coded, other = problems(clinic(scores=scores))
    assert coded[:3] == ("scores.csv", 4, "score")
    assert "leave the cell empty" in coded[4]
    assert "leave the cell empty" not in other[4]


def test_one_column_for_each_scale(clinic) -> None:
    scores = "patient_id,day,gad7,PHQ-9\na1,-1,12,20\nb2,-1,8,15\n"
    told = problems(clinic(scores=scores))
    (expected,) = [found[4] for found in told if found[2] == "score"]
    assert "called PHQ-9 and GAD-7, as scales are. Write one row for each" in expected


@pytest.mark.parametrize(
    "kind",
    [
        pa.string_view(),
        pa.large_string(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.large_string()),
    ],
    ids=str,
)
def test_every_kind_of_text_in_parquet_is_text(tmp_path, kind) -> None:
    codes = pa.array(["a1", "a1", "b2", None]).cast(kind)[:3]
    pq.write_table(
        pa.table({"patient_id": codes, "day": [0, 3, 0]}), tmp_path / "sessions.parquet"
    )
    (tmp_path / "scores.csv").write_text(SCORES)
    cohort = load_cohort(tmp_path)
    assert cohort.sessions["patient_id"].tolist() == ["a1", "a1", "b2"]
    frame = pd.DataFrame({"patient_id": pd.Series(codes, dtype=pd.ArrowDtype(kind))})
    scores = cohort.scores[["patient_id", "day", "instrument", "score"]]
    same = cohort_from_frames(frame.assign(day=[0, 3, 0]), scores)
    assert len(same.sessions) == 3


@pytest.mark.parametrize(
    "kind",
    [pa.decimal128(25, 2), pa.decimal256(60, 2), pa.float16(), pa.uint8()],
    ids=str,
)
def test_every_kind_of_number_in_parquet_is_a_number(tmp_path, kind) -> None:
    (tmp_path / "sessions.csv").write_text(SESSIONS)
    score = pa.array([20.0, 15.0]).cast(kind)
    columns = {"patient_id": ["a1", "b2"], "day": [-1, -1], "instrument": ["PHQ-9"] * 2}
    pq.write_table(pa.table({**columns, "score": score}), tmp_path / "scores.parquet")
    assert load_cohort(tmp_path).scores["score"].tolist() == [20, 15]


@pytest.mark.parametrize("quoted", [False, True])
def test_names_of_columns_on_every_printed_page(clinic, quoted):
    first, second, third = SCORES.splitlines()
    pages = "\n".join([first, second, first, third, first, ""])
    folder = clinic(scores=pages.replace("PHQ-9", '"PHQ-9"') if quoted else pages)
    cohort = load_cohort(folder)
    assert cohort.scores["score"].tolist() == [20, 15]
    assert (
        "scores.csv: 2 further lines were ignored that held the names of the columns."
        in cohort.notes
    )


def cost(cells):
    rows = "".join(f"a1;{day};{cell}\n" for day, cell in enumerate(cells))
    return f"patient_id;day;cost\n{rows}b2;0;\n"


def test_a_point_that_may_mark_thousands_is_asked_about(clinic):
    (found,) = problems(clinic(sessions=cost(["1.200", "900"])))
    assert found[:4] == ("sessions.csv", 2, "cost", "'1.200'")
    assert "a number without a mark for thousands" in found[4]
    # with commas between cells too: nothing tells what the point is
    with_commas = cost(["1.200", "900"]).replace(";", ",")
    assert len(problems(clinic(sessions=with_commas))) == 1
    decimal_commas = cost(["1,200", "900"])
    assert len(problems(clinic(sessions=decimal_commas))) == 1


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["1.200", "99.5"], 1.2),  # another count of decimals
        (["1.200", "0.125"], 1.2),  # no thousand begins with 0
        (["1.20", "3.40"], 1.2),
        (["1200", "900"], 1200.0),
    ],
)
def test_a_point_that_something_explains_is_a_decimal_point(clinic, cells, first):
    cohort = load_cohort(clinic(sessions=cost(cells)))
    assert cohort.sessions["cost"].iloc[0] == first


def test_three_decimals_are_read_where_thousands_are_out_of_range(clinic):
    sessions = "patient_id,day,dose_mg\na1,0,37.625\nb2,0,1.250\n"
    found = problems(clinic(sessions=sessions))
    assert [one[1] for one in found] == [
        3
    ]  # too small a dose, and no question of thousands
    assert "mg per kg" in found[0][4]


def test_none_excludes_other_side_effects(clinic):
    sessions = "patient_id,day,adverse_events\na1,0,none; nausea\nb2,0,none\n"
    (found,) = problems(clinic(sessions=sessions))
    assert found[1:3] == (2, "adverse_events")
    assert "the two exclude each other" in found[4]


@pytest.mark.parametrize("when", ["before", "peak", "after"])
def test_swapped_blood_pressures_are_found(clinic, when):
    names = f"systolic_{when},diastolic_{when}"
    rows = "a1,0,80,120\na1,3,75,110\nb2,0,120,80\n"
    (found,) = problems(clinic(sessions=f"patient_id,day,{names}\n{rows}"))
    assert found[:3] == ("sessions.csv", None, f"systolic_{when}")
    assert "at 2 of 3 sessions it is below. The two columns look swapped" in found[4]
    # half of them are no sign of swapped columns
    assert load_cohort(
        clinic(sessions=f"patient_id,day,{names}\n{rows.replace('75,110', '75,')}")
    )


def test_a_number_of_the_session_says_where_earlier_sessions_belong(clinic):
    sessions = "patient_id,day,session_number\na1,0,3\nb2,0,1\n"
    assert "record prior_sessions in patients.csv" in notes(clinic(sessions=sessions))
    assert "prior_sessions" not in notes(clinic())


def test_many_scores_of_one_moment_are_told_first(clinic):
    """Two raters write the same scale on the same day; one of them is left out."""
    others = SCORES.replace(",20", ",24").replace(",15", ",19").split("\n", 1)[1]
    said = notes(clinic(scores=SCORES + others))
    assert (
        "Look at this first: 2 of 4 scores in scores.csv stand beside another score"
        in said
    )
    many = "".join(f"a1,{day},PHQ-9,9\n" for day in range(1, 20))
    assert "Look at this first" not in notes(clinic(scores=SCORES + others + many))
