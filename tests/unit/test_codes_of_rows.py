"""Columns as codes on the way in: the same in one block or in many, in lines of a file, and in the
frame that is made of them in the end.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kettrack import Cohort, cohort_from_frames, load_cohort, sample_folder
from kettrack.reading import records, textfile
from kettrack.reading.coded import CodedRows, coded_numbers, coded_whole, repeated
from kettrack.reading.problems import Ledger
from kettrack.reading.raw import Encoder
from kettrack.reading.table_files import table_files
from kettrack.reading.typed import CheckedTable
from kettrack.settings import Settings
from kettrack.vocabulary.columns import SCORES

TEXTS = ["7", " 7", "", "NA", "x", None, "7", "nan", "y", "x"]


def encoded(blocks: list[list[str | None]]) -> tuple[list[str | None], int]:
    """Rows as words, None where empty, and how many said so in a word."""
    encoder = Encoder()
    for block in blocks:
        encoder.add(pa.array(block, pa.string()))
    cells = encoder.cells()
    words = [cells.levels[code] if code >= 0 else None for code in cells.codes]
    return words, cells.n_marked


@pytest.mark.parametrize("size", [1, 3, len(TEXTS)])
def test_blocks_of_any_size_give_the_same(size: int) -> None:
    blocks = [TEXTS[begin : begin + size] for begin in range(0, len(TEXTS), size)]
    words, n_marked = encoded(blocks)
    assert words == ["7", "7", None, None, "x", None, "7", None, "y", "x"]
    assert n_marked == 2, "NA and nan; an empty cell says nothing"


NUMBERS: list[tuple[pa.DataType, list[list[float | bool | None]]]] = [
    (pa.int64(), [[3, None, 0], [7, 3, None]]),
    (pa.int64(), [[5, 900, 5], [None, 2**62, -(2**63)]]),
    (pa.int8(), [[-128, 127, None], [0, -1, 1]]),
    (pa.uint64(), [[2**64 - 1, 2**64 - 3, None], [2**64 - 2]]),
    (pa.uint8(), [[255, 0, None], []]),
    (pa.bool_(), [[True, None], [None, False, True]]),
    (pa.float64(), [[1.0, -0.0, None], [2.5, 3.0], [4.0]]),
    (pa.float64(), [[float("inf"), 1.0], [float("nan"), 2.0], [1e300, None]]),
    (pa.float32(), [[1.0, None, 40.0], [32768.0, -32768.0]]),
    (pa.int16(), [[None, None], [None, 4]]),
    (pa.int32(), [[None]]),
    (pa.int32(), [list(range(1024)), list(range(-3, 1030))]),
]


@pytest.mark.parametrize(("kind", "blocks"), NUMBERS)
@pytest.mark.parametrize("before", [0, 1, 9])
def test_numbers_are_their_text(
    kind: pa.DataType, blocks: list[list[float | bool | None]], before: int
) -> None:
    encoder = Encoder()
    for block in blocks:
        # Part of a longer array, as those of a file are.
        longer = pa.array([None] * before + block + [None], kind)
        encoder.add(longer.slice(before, len(block)))
    cells = encoder.cells()
    told = [cells.levels[code] if code >= 0 else None for code in cells.codes]
    rows = [one for block in blocks for one in block]
    assert told == [as_text(one) for one in rows]
    assert set(cells.levels) == set(told) - {None}


def test_numbers_of_all_blocks_are_in_their_order() -> None:
    encoder = Encoder()
    for block in ([10, 9, None], [2, 10, -1]):
        encoder.add(pa.array(block, pa.int64()))
    assert encoder.cells().levels.tolist() == ["-1", "2", "9", "10"]


def as_text(value: float | bool | None) -> str | None:
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return (
        str(int(value))
        if abs(value) != float("inf") and value == int(value)
        else repr(value)
    )


def test_what_stands_where_a_number_is_missing_is_nobody_s() -> None:
    there = pa.py_buffer(bytes([0b101]))
    numbers = pa.py_buffer(np.array([4, 999, 6], dtype=np.int64).tobytes())
    values = pa.Array.from_buffers(pa.int64(), 3, [there, numbers])
    encoder = Encoder()
    encoder.add(values)
    cells = encoder.cells()
    assert cells.levels.tolist() == ["4", "6"]
    assert cells.codes.tolist() == [0, -1, 1]


def test_nothing_at_all_is_a_column_too() -> None:
    assert encoded([]) == ([], 0)


@pytest.mark.parametrize("n", [126, 127, 128, 129, 40_000])
def test_codes_are_as_small_as_they_can_be(n: int) -> None:
    encoder = Encoder()
    encoder.add(pa.array(list(map(str, range(n))), pa.string()))
    cells = encoder.cells()
    assert cells.codes.tolist() == list(range(n))
    assert cells.counts.tolist() == [1] * n
    assert cells.codes.itemsize == (1 if n <= 127 else 2 if n <= 32_767 else 4)


@pytest.mark.parametrize("stretch", [1, 2, 7, 1000])
def test_lines_are_counted_across_stretches(
    stretch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "STRETCH", stretch)
    text = 'day,patient_id\n1,a\n\n"2\n2",b\n3,"x,\ny"\n4,d,\n5,e'
    ledger = Ledger()
    known = {"day", "patient_id"}
    raw = textfile.read_text_table("scores", "f.csv", text.encode(), known, ledger)
    assert raw is not None
    assert raw.lines.tolist() == [2, 4, 6, 8, 9]
    assert raw.columns[1].levels.tolist() == ["a", "b", "x,\ny", "d", "e"]
    assert not ledger.problems


def test_ten_blank_lines_above_the_names_are_no_fault() -> None:
    text = "\n" * 12 + "day;patient_id\n1;a\n"
    known = {"day", "patient_id"}
    raw = textfile.read_text_table("scores", "f.csv", text.encode(), known, Ledger())
    assert raw is not None
    assert raw.headers == ("day", "patient_id")
    assert raw.lines.tolist() == [14]


def test_a_key_rises_with_its_columns_and_tells_missing_from_all_values() -> None:
    first = coded_numbers(np.array([1.0, 1.0, np.nan, 2.0, 1.0]))
    second = coded_whole(np.array([3, -3, 0, -3, 3]))
    rows = CodedRows(np.arange(5), {"first": first, "second": second})
    key = rows.key(["first", "second"])
    assert np.argsort(key, kind="stable").tolist() == [2, 1, 0, 4, 3]
    assert repeated(key).tolist() == [True, False, False, False, True]
    assert not repeated(np.array([1, 2, 9])).any()


def test_a_minus_before_nought_is_no_other_number() -> None:
    column = coded_numbers(np.array([0.0, -0.0]))
    assert column.codes.tolist() == [0, 0]
    assert not np.signbit(column.values).any()


def test_columns_are_those_of_the_frame_and_do_not_make_it() -> None:
    day = np.array([0, 3, 3])
    rows = CodedRows(np.arange(3), {"day": coded_whole(day)})
    scores = CheckedTable(SCORES, rows, ("day",))
    empty = pd.DataFrame()
    cohort = Cohort(sessions=empty, scores=scores, patients=empty, events=empty)
    narrow = cohort.columns("scores", ["day"])
    assert cohort.__dict__["scores"] is scores, "no frame was made"
    assert narrow["day"].tolist() == day.tolist()
    made = cohort.scores
    assert made is cohort.scores, "it is made once"
    pd.testing.assert_frame_equal(cohort.columns("scores", ["day"]), made)


def test_columns_of_the_sample_are_those_of_its_frames() -> None:
    names = ["patient_id", "day", "instrument", "score", "timing"]
    narrow = load_cohort(sample_folder()).columns("scores", names)
    whole = load_cohort(sample_folder()).scores
    pd.testing.assert_frame_equal(narrow, whole[names])


def test_a_dictionary_with_words_of_no_row_says_nothing_of_them(tmp_path: Path) -> None:
    words = pa.DictionaryArray.from_arrays(
        pa.array([0, 2, None, 0], pa.int8()), pa.array(["a", "NEVER SEEN", "b"])
    )
    table = pa.table({"patient_id": words, "day": pa.array([0, 1, 2, 3])})
    file = tmp_path / "sessions.parquet"
    pq.write_table(table, file, row_group_size=3)
    read = table_files()[".parquet"]
    raw = read("sessions", file.name, file.read_bytes(), Settings(), Ledger())
    assert raw is not None
    assert raw.columns[0].levels.tolist() == ["a", "b"]
    assert raw.columns[0].codes.tolist() == [0, 1, -1, 0]


def test_every_format_is_found_without_a_list() -> None:
    assert list(table_files()) == [".csv", ".parquet"]


PLAIN_OR_NOT = {
    "plain": "day,patient_id\n1,a\n2,b\n",
    "no line end at the end": "day,patient_id\n1,a\n2,b",
    "blank lines above": "\n\nday,patient_id\n1,a\n",
    "a separator that is said": "sep=;\nday;patient_id\n1;a\n",
    "a title above": "Export\nday,patient_id\n1,a\n",
    "a blank line between": "day,patient_id\n1,a\n\n2,b\n",
    "a row of separators": "day,patient_id\n1,a\n,\n2,b\n",
    "a wide row": "day,patient_id\n1,a,x\n2,b\n",
    "empty cells at the end": "day,patient_id\n1,a,,\n2,b\n",
    "a wide and a blank row": "day,patient_id\n1,a,x\n\n2,b\n",
    "a mark": 'day,patient_id\n1,"a"\n2,b\n',
    "names only": "day,patient_id",
    "nothing below": "day,patient_id\n",
    "nothing": "\n\n",
    "one column": "patient_id\na\n\nb\n",
}


@pytest.mark.parametrize("name", PLAIN_OR_NOT)
def test_a_plain_file_is_read_as_if_its_lines_were_looked_for(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for _ in range(2):
        ledger = Ledger()
        data = PLAIN_OR_NOT[name].encode()
        known = {"day", "patient_id"}
        raw = textfile.read_text_table("scores", "f.csv", data, known, ledger)
        rows: list[object] = [ledger.problems, ledger.notes]
        if raw is not None:
            cells = [[*one.codes.tolist(), *one.levels] for one in raw.columns]
            rows += [raw.headers, raw.lines.tolist(), raw.separator, cells]
        told.append(rows)
        # The second time round, as if no file were plain.
        monkeypatch.setattr(textfile, "_plain_table", lambda *_: None)
    assert told[0] == told[1]


def test_places_of_patients_are_the_same_by_code_and_by_name() -> None:
    sample = load_cohort(sample_folder())
    by_code = cohort_from_frames(
        sample.sessions, sample.scores, sample.patients, sample.events
    )
    coded = {name: by_code.patient_places(name) for name in ("sessions", "events")}
    assert isinstance(by_code.__dict__["patients"], CheckedTable), "no frame was made"
    for name, places in coded.items():
        # Once the frame of the patients is there, names are compared.
        patients = by_code.patients["patient_id"].to_numpy()
        rows = getattr(by_code, name)["patient_id"].to_numpy()
        assert (patients[places] == rows).all()
        assert (by_code.patient_places(name) == places).all()


def test_a_patient_whom_the_table_does_not_know_has_no_place() -> None:
    patients = pd.DataFrame({"patient_id": ["a", "c"]})
    sessions = pd.DataFrame({"patient_id": ["a", "a", "b", "c"]})
    empty = pd.DataFrame()
    cohort = Cohort(sessions=sessions, scores=empty, patients=patients, events=empty)
    assert cohort.patient_places("sessions").tolist() == [0, 0, -1, 1]
