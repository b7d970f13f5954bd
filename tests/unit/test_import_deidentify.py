"""Record numbers and dates go; codes, days and ages come."""

from __future__ import annotations

import io
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kettrack.errors import UsageError
from kettrack.importing.deidentify.days import AFTER_EXTRACT, FAR_FROM_FIRST, NO_CLOCK
from kettrack.importing.deidentify.deidentify import Deidentified, deidentify
from kettrack.importing.deidentify.options import Deidentification
from kettrack.importing.deidentify.people import Coder
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import ORIGIN
from kettrack.privacy.identifiers import find_in_column

KEY = bytes(range(32))
DATES = ("date", "birth_date", "observed_to_day", "last_contact_day", "stop_day")
WHOLE = ("day", "order", "age", "score", "start_year")

SESSIONS = """
patient_id date
MRN1       2024-02-28
MRN1       2024-03-01
MRN2       2023-12-31
MRN2       2024-01-01
"""
SCORES = """
patient_id date       instrument score
MRN1       2024-02-21 PHQ-9      20
MRN1       2024-03-28 PHQ-9      10
MRN2       2023-12-30 PHQ-9      18
MRN3       2024-01-01 PHQ-9      5
"""


def dated(text: str, name: str, *, days_as_dates: bool = True) -> pa.Table:
    """A text table as a map makes it of a source."""
    frame = pd.read_csv(
        io.StringIO(text.strip()), sep=r"\s+", dtype=str, na_values=["-"]
    )
    columns = {}
    for column in frame:
        words = pa.array(frame[column], pa.string(), from_pandas=True)
        is_date = column in DATES and days_as_dates
        if is_date:
            words = words.cast(pa.date32())
        elif column in WHOLE:
            words = words.cast(pa.int64())
        columns[column] = words
    n_rows = len(frame)
    columns["source_file"] = pa.array([f"{name}.csv"] * n_rows)
    columns["source_table"] = pa.array([f"{name}.csv"] * n_rows)
    columns["source_row"] = pa.array(range(2, n_rows + 2), pa.int64())
    return pa.table(columns)


def run(
    tables: dict[str, str], answers: dict[str, str] | None = None, **how: object
) -> tuple[dict[str, pd.DataFrame], Deidentified, Remarks]:
    remarks = Remarks()
    given_tables = {name: dated(text, name) for name, text in tables.items()}
    done = deidentify(
        given_tables,
        Deidentification(**({"key": KEY} | how)),  # type: ignore[arg-type]
        answers or {},
        remarks,
    )
    frames = {}
    original = {
        code: raw
        for kind, code, raw in zip(*done.linkage.to_pydict().values(), strict=True)
        if kind == "patient"
    }
    for name, table in done.tables.items():
        assert tuple(table.column_names[-3:]) == ORIGIN
        frame = table.to_pandas().drop(columns=list(ORIGIN))
        frames[name] = frame.assign(patient_id=frame["patient_id"].map(original))
    return frames, done, remarks


def refusals(remarks: Remarks) -> list[tuple[str, int | None, str]]:
    return [
        (one.file, one.row, one.reason)
        for one in remarks.said
        if one.action == "refused"
    ]


def rows(frame: pd.DataFrame, *columns: str) -> set[tuple[object, ...]]:
    return set(frame[list(columns)].itertuples(index=False, name=None))


def test_days_from_the_first_session() -> None:
    frames, _, remarks = run({"sessions": SESSIONS, "scores": SCORES})
    # 2024 is a leap year: 29 February lies between.
    assert rows(frames["sessions"], "patient_id", "day") == {
        ("MRN1", 0),
        ("MRN1", 2),
        ("MRN2", 0),
        ("MRN2", 1),
    }
    assert rows(frames["scores"], "patient_id", "day", "score") == {
        ("MRN1", -7, 20),
        ("MRN1", 29, 10),
        ("MRN2", -1, 18),
    }
    assert refusals(remarks) == [("scores.csv", 5, NO_CLOCK)]


def test_days_that_the_source_counted_stay() -> None:
    text = "patient_id day\nMRN1 0\nMRN1 7\n"
    scores = "patient_id day instrument score\nMRN1 -3 PHQ-9 20\n"
    frames, _, remarks = run({"sessions": text, "scores": scores})
    assert frames["sessions"]["day"].tolist() == [0, 7]
    assert frames["scores"]["day"].tolist() == [-3]
    assert not remarks.said


def test_a_row_with_both_has_its_date() -> None:
    sessions = "patient_id date day\nA1 2024-01-01 0\nA1 2024-01-08 6\nA1 - 20\n"
    frames, _, _ = run({"sessions": sessions})
    assert frames["sessions"]["day"].tolist() == [0, 7, 20]


def test_ten_years_from_the_first_session_something_is_wrong() -> None:
    scores = "patient_id date instrument score\nMRN1 1999-01-01 PHQ-9 20\n"
    _, done, remarks = run({"sessions": SESSIONS, "scores": scores})
    assert refusals(remarks) == [("scores.csv", 2, FAR_FROM_FIRST)]
    assert len(done.tables["scores"]) == 0


def test_the_log_is_complete_to_the_extract_in_whole_weeks() -> None:
    frames, _, remarks = run(
        {"sessions": SESSIONS, "scores": SCORES}, extract_date=date(2024, 3, 13)
    )
    # 14 days after MRN1 began, and 73 after MRN2 did.
    assert rows(frames["patients"], "patient_id", "observed_to_day") == {
        ("MRN1", 14),
        ("MRN2", 70),
    }
    assert ("scores.csv", 3, AFTER_EXTRACT) in refusals(remarks)


def test_without_the_extract_nothing_is_known_of_the_end() -> None:
    frames, _, _ = run({"sessions": SESSIONS, "scores": SCORES})
    assert "patients" not in frames


def test_a_log_ends_with_a_death() -> None:
    events = "patient_id date event\nMRN2 2024-01-20 death\n"
    frames, _, _ = run(
        {"sessions": SESSIONS, "events": events}, extract_date=date(2024, 3, 13)
    )
    ends = dict(frames["patients"][["patient_id", "observed_to_day"]].to_numpy())
    assert ends == {"MRN1": 14, "MRN2": 14}


def test_days_of_patients() -> None:
    patients = """
    patient_id observed_to_day last_contact_day stop_day   stop_reason
    MRN1       2024-03-31      2024-03-08       2024-03-02 well
    MRN4       2024-03-31      -                -          -
    """
    frames, _, remarks = run({"sessions": SESSIONS, "patients": patients})
    first = frames["patients"].set_index("patient_id").loc["MRN1"]
    assert first.tolist() == [28, 9, 3, "well"]
    assert ("patients.csv", 3, NO_CLOCK) in refusals(remarks)


@pytest.mark.parametrize(
    ("born", "age"),
    [
        ("1994-02-28", 30),
        ("1994-02-27", 30),
        ("1994-03-01", 29),
        ("1996-02-29", 27),
        ("1934-02-28", 90),
        ("1934-03-01", 89),
        ("1904-01-01", 90),
        ("1900-01-01", None),
        ("2024-02-29", None),
    ],
)
def test_age_at_the_first_session(born: str, age: int | None) -> None:
    """MRN1 began on 28 February 2024."""
    patients = f"patient_id birth_date\nMRN1 {born}\n"
    frames, _, remarks = run({"sessions": SESSIONS, "patients": patients})
    (found,) = frames["patients"]["age"]
    assert (None if pd.isna(found) else found) == age
    assert [one.action for one in remarks.said] == (
        ["refused"] if age is None else ["mended"] if age == 90 else []
    )


def test_an_age_that_is_written_down_counts() -> None:
    patients = "patient_id birth_date age\nMRN1 1994-02-28 31\nMRN2 1994-02-28 -\n"
    frames, _, _ = run({"sessions": SESSIONS, "patients": patients})
    assert rows(frames["patients"], "patient_id", "age") == {("MRN1", 31), ("MRN2", 29)}


def test_the_year_is_kept_only_if_asked() -> None:
    frames, _, _ = run({"sessions": SESSIONS}, start_year=True)
    assert rows(frames["patients"], "patient_id", "start_year") == {
        ("MRN1", 2024),
        ("MRN2", 2023),
    }


def test_clinics_have_codes() -> None:
    patients = "patient_id site\nMRN1 Springfield\nMRN2 Shelbyville\n"
    _, done, _ = run({"sessions": SESSIONS, "patients": patients})
    sites = done.tables["patients"]["site"].to_pylist()
    assert len(set(sites)) == 2
    assert all(len(site) == 4 for site in sites)
    kept, _, _ = run({"sessions": SESSIONS, "patients": patients}, keep=("site",))
    assert set(kept["patients"]["site"]) == {"Springfield", "Shelbyville"}


def test_a_clinic_called_like_a_record_number_has_another_code() -> None:
    name = pa.array(["1234"])
    coder = Coder(KEY)
    patient = coder.patients(name)[0].as_py()
    assert not patient.startswith(coder.sites(name)[0].as_py())


def test_the_extract_needs_dates() -> None:
    with pytest.raises(UsageError, match="only where sessions have dates"):
        run({"sessions": "patient_id day\nA1 0\n"}, extract_date=date(2024, 1, 1))


def test_the_extract_changes_nothing_where_days_and_their_end_are_there() -> None:
    patients = dated("patient_id age\nA1 40\nA2 50\n", "patients")
    ends = pa.array([84, None])
    tables = {
        "sessions": dated("patient_id day\nA1 0\nA2 0\n", "sessions"),
        "patients": patients.add_column(2, "observed_to_day", ends),
    }
    how = Deidentification(key=KEY, extract_date=date(2024, 1, 1))
    remarks = Remarks()
    done = deidentify(tables, how, {}, remarks).tables["patients"]
    assert done["observed_to_day"].drop_null().to_pylist() == [84]
    assert [(one.action, one.column, one.count) for one in remarks.said] == [
        ("noted", "observed_to_day", 1)
    ]


def test_other_columns_go_and_are_counted() -> None:
    sessions = "patient_id date nurse_name colour\nA1 2024-01-01 Kim red\nA1 2024-01-02 Kim -\n"
    frames, _, remarks = run({"sessions": sessions})
    assert list(frames["sessions"]) == ["patient_id", "day"]
    assert [(one.column, one.action, one.count) for one in remarks.said] == [
        ("nurse_name", "dropped", 2),
        ("colour", "dropped", 1),
    ]


def test_with_a_key_codes_are_the_same_every_time() -> None:
    first = run({"sessions": SESSIONS, "scores": SCORES})[1].linkage
    again = run({"scores": SCORES, "sessions": SESSIONS})[1].linkage
    assert first.equals(again)
    other = run({"sessions": SESSIONS}, key=bytes(32))[1].linkage
    assert not set(first["code"].to_pylist()) & set(other["code"].to_pylist())


def test_without_a_key_they_are_not() -> None:
    first = run({"sessions": SESSIONS}, key=None)[1].linkage["code"].to_pylist()
    again = run({"sessions": SESSIONS}, key=None)[1].linkage["code"].to_pylist()
    assert not set(first) & set(again)


def test_rows_do_not_tell_who_came_first() -> None:
    ids = [f"{number:04}" for number in range(60)]
    text = "patient_id date\n" + "\n".join(f"{one} 2024-01-01" for one in ids)
    frames, done, _ = run({"sessions": text})
    codes = done.tables["sessions"]["patient_id"].to_pylist()
    assert codes == sorted(codes)
    # The order of codes has nothing to do with that of the file.
    places = [ids.index(one) for one in frames["sessions"]["patient_id"]]
    assert abs(np.corrcoef(places, np.arange(60))[0, 1]) < 0.5


def test_codes_look_like_nothing_that_identifies() -> None:
    many = pa.array([str(number) for number in range(3000)])
    codes = Coder(KEY).patients(many).to_numpy(zero_copy_only=False)
    ones = np.ones(len(codes), dtype=np.int64)
    assert len(set(codes)) == len(codes)
    assert find_in_column("patient_id", codes, ones, is_id=True, known=True) is None
    assert pd.to_numeric(pd.Series(codes), errors="coerce").isna().all()


SIMILAR = """
patient_id date
P007       2024-01-01
p7         2024-01-08
P9         2024-01-01
"""


def test_record_numbers_that_differ_by_nothing_meant_are_asked() -> None:
    frames, _, remarks = run({"sessions": SIMILAR})
    (question,) = remarks.asked
    assert question.key == "same_patients"
    assert question.asks.startswith(
        "Are these the same people? 2 record numbers differ"
    )
    assert frames["sessions"]["day"].tolist() == [0, 0, 0]
    for answer, days in (
        ("the same people", [0, 0, 7]),
        ("different people", [0, 0, 0]),
    ):
        frames, done, remarks = run({"sessions": SIMILAR}, {"same_patients": answer})
        assert sorted(frames["sessions"]["day"]) == days
        assert not remarks.asked
        # Every spelling is in the linkage.
        assert sorted(done.linkage["original"].to_pylist()) == ["P007", "P9", "p7"]


def test_record_numbers_of_another_table_in_another_form_are_asked() -> None:
    scores = "patient_id date instrument score\n1.0 2024-03-01 PHQ-9 9\n2.0 2024-03-01 PHQ-9 8\n"
    sessions = "patient_id date\n1 2024-02-28\n2 2024-02-28\n"
    _, _, remarks = run({"sessions": sessions, "scores": scores})
    assert "2 record numbers without a session" in remarks.asked[0].asks
    frames, _, _ = run(
        {"sessions": sessions, "scores": scores}, {"same_patients": "the same people"}
    )
    assert frames["scores"]["day"].tolist() == [2, 2]


def test_a_code_stays_when_the_next_export_writes_the_number_in_another_way() -> None:
    one = run({"sessions": "patient_id date\nP007 2024-01-01\n"})[1]
    other = run({"sessions": "patient_id date\np7 2024-01-01\n"})[1]
    assert one.linkage["code"].equals(other.linkage["code"])


START = date(1999, 1, 1)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.integers(0, 3000)), min_size=1, max_size=20
    ),
    st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(0, 3000)), max_size=20),
)
def test_days_are_differences_of_dates(
    sessions: list[tuple[str, int]], scores: list[tuple[str, int]]
) -> None:
    """Each row is on its day, or stands among the remarks."""

    def table(rows: list[tuple[str, int]], more: str) -> str:
        lines = [f"{who} {START + timedelta(day)} {more}" for who, day in rows]
        return "patient_id date instrument score\n" + "\n".join(lines)

    texts = {"sessions": table(sessions, "- -"), "scores": table(scores, "PHQ-9 7")}
    frames, done, remarks = run(texts)
    first = {who: min(day for w, day in sessions if w == who) for who, _ in sessions}
    for name, source in (("sessions", sessions), ("scores", scores)):
        expected = [(who, day - first[who]) for who, day in source if who in first]
        found = frames[name][["patient_id", "day"]].itertuples(index=False, name=None)
        assert sorted(found) == sorted(expected)
    lost = [row for _, row, reason in refusals(remarks) if reason == NO_CLOCK]
    assert len(scores) == len(done.tables["scores"]) + len(lost)
