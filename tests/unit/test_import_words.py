"""Words of a source: what the map says goes first, what is not known is asked about, and no word is
repeated.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest

from kettrack.importing.closed_words import (
    as_words,
    read_scale_names,
    read_truth,
    read_words,
)
from kettrack.importing.import_map import TableMap
from kettrack.importing.journal import Journal, SourceColumn
from kettrack.importing.observed_rows import observed, wanted
from kettrack.importing.remarks import ColumnPlace, Remarks
from kettrack.vocabulary.cell_words import dose_within, truth_of, word_meant
from kettrack.vocabulary.columns import TABLES

EFFECTS = TABLES["sessions"]["adverse_events"]
DRUG = TABLES["sessions"]["drug"]
SECRET = "Quilliam"


def column_of(
    *words: object,
    name: str = "Words",
    labels: Mapping[str, str] | None = None,
) -> SourceColumn:
    rows = pa.array(range(2, len(words) + 2), pa.int64())
    place = ColumnPlace(file="log.xlsx", table="Visits", column=name, rows=rows)
    return SourceColumn(pa.array(list(words)), place, labels or {})


def actions(remarks: Remarks) -> list[tuple[int | None, str]]:
    return [(one.row, one.action) for one in remarks.said]


def test_lists_in_one_cell() -> None:
    cells = column_of(
        "Nausea, Headache", "none; nausea", "None", "dizziness + nausea", None, "NA"
    )
    remarks = Remarks()
    read = read_words(cells, EFFECTS, {}, Journal(remarks, {}))
    assert read.to_pylist() == [
        "nausea;headache",
        "nausea",
        "none",
        "nausea;dizziness",
        None,
        None,
    ]
    assert remarks == Remarks()


@pytest.mark.parametrize(
    ("answer", "read_as", "done"),
    [
        ("", [None, None, "nausea"], "refused"),
        ("leave empty", [None, None, "nausea"], "refused"),
        ("other", ["other", "nausea;other", "nausea"], "mended"),
    ],
)
def test_an_unknown_word(answer: str, read_as: list[str | None], done: str) -> None:
    cells = column_of(SECRET, f"nausea; {SECRET}", "nausea")
    remarks = Remarks()
    answers = {"unknown_words.Visits.adverse_events": answer} if answer else {}
    read = read_words(cells, EFFECTS, {}, Journal(remarks, answers))
    assert read.to_pylist() == read_as
    assert actions(remarks) == [(2, done), (3, done)]
    assert [one.key for one in remarks.asked] == (
        [] if answer else ["unknown_words.Visits.adverse_events"]
    )
    assert SECRET not in repr(remarks)


def test_a_map_goes_first_and_codes_before_labels() -> None:
    words = {"1": "esketamine", "ketamine": "placebo", "-": "", "K i.v.": "ketamine"}
    labels = {"1": "ketamine", "2": "Esketamine", "3": "K IV"}
    cells = column_of("1", "2", "3", "KETAMINE", "-", labels=labels)
    remarks = Remarks()
    read = read_words(cells, DRUG, words, Journal(remarks, {}))
    assert read.to_pylist() == ["esketamine", "esketamine", "ketamine", "placebo", None]
    assert remarks == Remarks()


def test_codes_that_went_through_a_column_of_numbers() -> None:
    cells = as_words(column_of(1.0, 2.5, None, 123456789.0))
    assert [cells.levels[code] if code >= 0 else None for code in cells.codes] == [
        "1",
        "2.5",
        None,
        "123456789",
    ]


def test_yes_and_no() -> None:
    cells = column_of("Ja", "NON", "1.0", "x", "sí", "perhaps", None, "2")
    remarks = Remarks()
    read = read_truth(cells, {"2": "no"}, Journal(remarks, {}))
    assert read.to_pylist() == [True, False, True, True, True, None, None, False]
    assert actions(remarks) == [(7, "refused")]
    labels = {"1": "No", "2": "Yes"}
    coded = column_of(1, 2, labels=labels)
    assert read_truth(coded, {}, Journal(Remarks(), {})).to_pylist() == [False, True]
    as_it_is = column_of(True, None)
    assert read_truth(as_it_is, {}, Journal(Remarks(), {})).to_pylist() == [True, None]


@pytest.mark.parametrize(
    "word",
    [
        "yes",
        "ja",
        "oui",
        "sí",
        "sì",
        "si",
        "vero",
        "wahr",
        "y",
        "j",
        "o",
        "s",
        "x",
        "✓",
        "1",
        "true",
    ],
)
def test_words_for_yes(word: str) -> None:
    assert truth_of(word.upper()) is True


@pytest.mark.parametrize(
    "word", ["no", "nein", "non", "falso", "nee", "n", "0", "0.0", "false", "☐"]
)
def test_words_for_no(word: str) -> None:
    assert truth_of(word) is False


def test_names_of_scales() -> None:
    cells = column_of("PHQ9", "phq-9", "Wellness", "HAMD-21", "MADRS", "who")
    remarks = Remarks()
    read = read_scale_names(cells, {"who": "WHO-5"}, Journal(remarks, {}))
    assert read.to_pylist() == ["PHQ-9", "PHQ-9", None, None, "MADRS", "WHO-5"]
    assert [one.key for one in remarks.asked] == ["unknown_words.Visits.instrument"]


STATUS = TableMap(
    source="Visits",
    to="sessions",
    values={"status": {"ok": "observed", "-1": "not observed"}},
)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [("", False), ("observed", True), ("not observed", False)],
)
def test_statuses(answer: str, kept: bool) -> None:
    cells = column_of(
        "completed", "No-Show", "ok", "-1", "1", SECRET, None, name="Status"
    )
    remarks = Remarks()
    journal = Journal(remarks, {"status.Visits.Status": answer} if answer else {})
    rows = observed(cells, STATUS, journal)
    # 1 is not -1; nobody said what it is.
    assert rows.tolist() == [True, False, True, False, kept, kept, True]
    assert bool(remarks.asked) == (not answer)
    journal.settle({})
    done = {one.row: one.reason for one in remarks.said}
    assert done[3] == "it is no observation: the status says no show"
    assert SECRET not in repr(remarks)


def test_rows_that_belong_to_a_table() -> None:
    cells = column_of("Infusion", "phone", None, "K", "", labels={"k": "INFUSION"})
    np.testing.assert_array_equal(wanted(cells, ("infusion",)), [1, 0, 0, 1, 0])
    np.testing.assert_array_equal(wanted(cells, ()), [1, 1, 0, 1, 0])


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("Intravenous route", "iv"),
        ("IV push", "iv"),
        ("Sublingual (troche)", "sublingual"),
        ("Subcutaneous (qualifier value)", "sc"),
        ("By mouth (PO)", "oral"),
        ("Ketamine IV", "iv"),
        ("injection", None),
        ("IV or IM", None),
        (f"{SECRET} iv", None),
    ],
)
def test_words_beside_a_route(text: str, route: str | None) -> None:
    assert word_meant("route", text) == route


def test_a_cell_without_end_is_no_word() -> None:
    assert word_meant("drug", "9" * 1_000_000) is None
    assert dose_within("9" * 1_000_000) is None
