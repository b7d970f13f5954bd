"""Whatever identifying thing stands in whatever cell: it never comes out, in no message, note, or
error behind the error.
"""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kettrack.errors import DataProblems
from kettrack.reading.load import check_folder, load_cohort

LETTERS = "bcdfghjklmnpqrstvwxz"
name = st.builds(
    lambda first, last, order: order.format(first.capitalize(), last.capitalize()),
    st.text(LETTERS, min_size=5, max_size=9),
    st.text(LETTERS, min_size=5, max_size=9),
    st.sampled_from(["{} {}", "{1}, {0}", "{}", "{} born in spring, {}"]),
)
mail = st.builds(
    "{}@{}.example".format,
    st.text(LETTERS, min_size=4, max_size=8),
    st.text(LETTERS, min_size=4, max_size=8),
)
date = st.dates(min_value=pd.Timestamp("1930-01-01").date()).flatmap(
    lambda day: st.sampled_from(
        [f"{day:%Y-%m-%d}", f"{day:%d/%m/%Y}", f"{day:%d.%m.%y}", f"{day:%d %B %Y}"]
    )
)
number = st.integers(10**8, 10**12).map(str)
phone = st.builds(
    "{}-{}-{}".format,
    st.integers(200, 999),
    st.integers(200, 999),
    st.integers(1000, 9999),
)
# Made from a person, or given to one by a state; every one is invented.
code = st.sampled_from(
    [
        "Ashworth_1942",
        "ashworth.j",
        "JS-12031985",
        "RSSMRA85T10A562S",
        "111.444.777-35",
        "880320-0016",
        "12345678-Z",
        "A123456780",
        "MRN 4711-0815",
        "Patient Nr. 471108",
    ]
)
identifying = st.one_of(name, mail, date, number, phone, code)

TABLES = {
    "sessions": [
        "patient_id",
        "day",
        "order",
        "drug",
        "route",
        "dose_mg",
        "serious",
        "adverse_events",
        "remark_x",
    ],
    "scores": ["patient_id", "day", "instrument", "score", "timing", "item_1"],
    "patients": [
        "patient_id",
        "age",
        "sex",
        "site",
        "stop_reason",
        "observed_to_day",
        "extra",
    ],
    "events": ["patient_id", "day", "event", "detail"],
}
GOOD = {
    "patient_id": "P1",
    "day": "0",
    "order": "1",
    "drug": "ketamine",
    "route": "iv",
    "dose_mg": "40",
    "serious": "false",
    "adverse_events": "none",
    "instrument": "PHQ-9",
    "event": "ect",
    "age": "40",
    "sex": "female",
    "site": "s1",
}


def quoted(cell):
    return f'"{cell}"'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clinic")


def everything_said(folder):
    """Problems, notes, messages, and whatever hangs on to the exception."""
    checked = check_folder(folder)
    said = [checked.problems.to_csv(), *checked.notes]
    if len(checked.problems):
        with pytest.raises(DataProblems) as caught:
            load_cohort(folder)
        said += [
            str(caught.value),
            repr(caught.value.__cause__),
            repr(caught.value.__context__),
        ]
    return "\n".join(said)


@settings(max_examples=24, deadline=None)
@given(
    value=identifying,
    place=st.sampled_from(
        [(table, column) for table, columns in TABLES.items() for column in columns]
    ),
    how=st.sampled_from(["one cell", "whole column", "ragged row", "header"]),
)
def test_an_identifying_value_never_comes_out(folder, value, place, how):
    for table, columns in TABLES.items():
        rows = [[GOOD.get(column, "") for column in columns] for _ in range(4)]
        header = list(columns)
        if table == place[0]:
            at = columns.index(place[1])
            if how == "header":
                header = rows[0] = [*rows[0][:at], value, *rows[0][at + 1 :]]
            for row in rows[: {"one cell": 1, "whole column": 4}.get(how, 0)]:
                row[at] = value
            if how == "ragged row":
                rows[0] = [*rows[0], value]
        text = "\n".join(",".join(map(quoted, row)) for row in [header, *rows])
        (folder / f"{table}.csv").write_text(text + "\n", encoding="utf-8")
    said = everything_said(folder)
    assert value not in said
    assert not [
        part
        for part in value.replace(",", " ").split()
        if len(part) > 4 and part in said and part not in ("born", "spring", "Patient")
    ]


@pytest.mark.parametrize(
    "column", ["patient_name", "dob", "email", "notes", "visit_date"]
)
def test_a_column_that_identifies_by_its_name_stops_until_allowed(tmp_path, column):
    (tmp_path / "sessions.csv").write_text(f"patient_id,day,{column}\na,0,secret\n")
    (tmp_path / "scores.csv").write_text(
        "patient_id,day,instrument,score\na,0,PHQ-9,5\n"
    )
    with pytest.raises(DataProblems) as caught:
        load_cohort(tmp_path)
    assert column in str(caught.value)
    assert "secret" not in str(caught.value)
    cohort = load_cohort(tmp_path, allow=(column,))
    assert cohort.provenance.allowed == (column,)
    assert any(column in note and "let through" in note for note in cohort.notes)


def test_names_as_patient_codes_can_be_allowed(tmp_path):
    (tmp_path / "sessions.csv").write_text("patient_id,day\nSilver Birch,0\n")
    (tmp_path / "scores.csv").write_text(
        "patient_id,day,instrument,score\nSilver Birch,0,PHQ-9,5\n"
    )
    with pytest.raises(DataProblems, match="looks like a person's name"):
        load_cohort(tmp_path)
    assert load_cohort(tmp_path, allow=("patient_id",)).patients[
        "patient_id"
    ].tolist() == ["Silver Birch"]
