"""Numbers as clinics write them: each line is a column, what stands in its cells, and what is read.

`!` and a letter stand for a cell that is refused: N no number, U unknown unit, D a dash, S a word
that says why there is none.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from kettrack.importing.journal import Journal, SourceColumn
from kettrack.importing.quantities import read_amounts
from kettrack.importing.remarks import ColumnPlace, Remarks
from kettrack.vocabulary.columns import TABLES
from kettrack.vocabulary.units import factor, per_kg

# table.column | unit of the map | cells, with ; between | what is read; k behind a number = per kg
CASES = """
sessions.dose_mg | . | 84 mg; 84mg; 0.5 mg/kg; 500 µg/kg; 0.07 g; 35 | 84 84 0.5k 0.5k 70 35
sessions.dose_mg | . | 3 x 28 mg; 2×28mg; 84 ml; about 40; 40-50 mg | 84 56 !U !N !U
sessions.dose_mg | mg/kg | 0.5; 0,5; 35 mg | 0.5k !N 35
sessions.dose_mg | mg/kg | 0,5; 0,75; 35 mg | 0.5k 0.75k 35
sessions.dose_mg | mg/kg | .5; 1. ; 35 mg | 0.5k 1k 35
sessions.weight_kg | lb | 154; 154 lbs; 70 kg; 11 st | 69.85 69.85 70 69.85
sessions.weight_kg | . | 70,5; 81,25; 90 | 70.5 81.25 90
sessions.weight_kg | . | 70.5; 81,2 | 70.5 !N
sessions.weight_kg | . | 70,500; 81,250 | 70.5 81.25
sessions.duration_min | . | 0:40; 1:05:30; 1 h 10; 1h10min; 2 hours; 45 | 40 65.5 70 70 120 45
sessions.duration_min | h | 1.5; 40 min | 90 40
sessions.systolic_before | . | 120/80; 120 / 80 mmHg; 135; 16 kPa | 120 120 135 120.00984
sessions.diastolic_before | . | 120/80; 90 | 80 90
sessions.spo2_min | . | 98%; 98 %; 97 | 98 98 97
sessions.spo2_min | fraction | 0.98; 97 % | 98 97
sessions.cost | . | $ 450; 450 €; 1,200.50; 1,500 | 450 450 1200.5 1500
sessions.cost | . | 1.200,50 €; 1.500; 7 | 1200.5 1500 7
scores.score | . | 12; 12.0; 12,0; -9; −9 | 12 12 !N -9 -9
scores.score | . | 12 (moderate); 12/27; twelve; -; declined; Not done | 12 !U !N !D !S !S
scores.item_1 | . | 2 - More than half the days; 2=often; Nearly (3); 1 | 2 2 3 1
scores.day | weeks | 2; 14 days; 1 month | 14 14 30.4375
patients.age | . | 41; 41 years; 500 months; 41 yo | 41 41 41.666667 41
"""
LETTERS = {
    "this is no number": "N",
    "the unit beside the number is not known for this column": "U",
    "a dash stands there for nothing": "D",
    "no number stands there; it says declined": "S",
    "no number stands there; it says not done": "S",
}


def place(n_rows: int) -> ColumnPlace:
    rows = pa.array(range(n_rows), pa.int64())
    return ColumnPlace(file="log.xlsx", table="Visits", column="Dose", rows=rows)


def shown(values: np.ndarray, by_weight: np.ndarray, remarks: Remarks) -> list[str]:
    said = {
        one.row: f"!{LETTERS[one.reason]}"
        for one in remarks.said
        if one.row is not None
    }
    read = zip(values, by_weight, strict=True)
    return [
        said.get(row, f"{value:.8g}{'k' * bool(kg)}")
        for row, (value, kg) in enumerate(read)
    ]


@pytest.mark.parametrize("line", CASES.strip().splitlines())
def test_cells(line: str) -> None:
    name, unit, cells, expected = [part.strip() for part in line.split("|")]
    table, _, column = name.partition(".")
    texts = [cell.strip() for cell in cells.split(";")]
    source = SourceColumn(pa.array(texts), place(len(texts)))
    remarks = Remarks()
    unit = "" if unit == "." else unit
    read = read_amounts(source, TABLES[table][column], Journal(remarks, {}), unit)
    assert shown(*read, remarks) == expected.split()
    assert remarks.asked == []


def test_every_cell_with_a_comma_is_counted() -> None:
    texts = ["0,5 mg", "0,5 mg", "0,75 mg", "1 mg", "0,5 mg/kg"]
    source = SourceColumn(pa.array(texts), place(len(texts)))
    remarks = Remarks()
    read_amounts(source, TABLES["sessions"]["dose_mg"], Journal(remarks, {}))
    assert [one.count for one in remarks.said] == [4]


def test_a_number_of_a_workbook_has_no_decimal_sign() -> None:
    texts = ["45.5", "40,5 mg", "1.125", "97", "0,5"]
    numbers = frozenset({"45.5", "1.125", "97"})
    source = SourceColumn(pa.array(texts), place(len(texts)), numbers=numbers)
    remarks = Remarks()
    read = read_amounts(source, TABLES["sessions"]["dose_mg"], Journal(remarks, {}))
    assert read.values.tolist() == [45.5, 40.5, 1.125, 97, 0.5]
    assert [(one.action, one.count) for one in remarks.said] == [("mended", 2)]


ASKED = SourceColumn(pa.array(["1,500", "1.500"]), place(2))
COST = TABLES["sessions"]["cost"]


def test_one_and_a_half_or_fifteen_hundred_is_asked() -> None:
    remarks = Remarks()
    read = read_amounts(ASKED, COST, Journal(remarks, {}))
    assert np.isnan(read.values).all()
    assert [one.key for one in remarks.asked] == ["decimal_sign.Visits.Dose"]
    for answer, value in (("one and a half", 1.5), ("fifteen hundred", 1500)):
        remarks = Remarks()
        journal = Journal(remarks, {"decimal_sign.Visits.Dose": answer})
        assert read_amounts(ASKED, COST, journal).values.tolist() == [value, value]
        assert not remarks.asked
        assert not remarks.said


def test_the_map_goes_before_a_guess_and_minus_nine_is_not_nine() -> None:
    words = {"-9": "", "none": "0", "84": "28"}
    for cells in (
        pa.array(["-9", "9", "None", "84"]),
        pa.array([-9.0, 9.0, None, 84.0]),
    ):
        source = SourceColumn(cells, place(4))
        remarks = Remarks()
        read = read_amounts(
            source, TABLES["scores"]["score"], Journal(remarks, {}), "", words
        )
        none = 0.0 if cells.type == pa.string() else np.nan
        np.testing.assert_array_equal(read.values, [np.nan, 9, none, 28])
        assert remarks.said == []


def test_codes_whose_label_says_missing() -> None:
    labels = {"88": "Refused", "0": "Not at all", "1": "Several days"}
    for cells in (pa.array(["0", "88"]), pa.array([0.0, 88.0])):
        remarks = Remarks()
        source = SourceColumn(cells, place(2), labels)
        read = read_amounts(source, TABLES["scores"]["item_1"], Journal(remarks, {}))
        np.testing.assert_array_equal(read.values, [0, np.nan])
        assert [(one.reason, one.count) for one in remarks.said] == [
            ("codes that stand for declined are read as empty", 1)
        ]


def test_kinds_that_are_no_numbers() -> None:
    score = TABLES["scores"]["score"]
    minutes = TABLES["sessions"]["duration_min"]
    for cells in (pa.array([True, None]), pa.array([19000, None], pa.date32())):
        remarks = Remarks()
        read = read_amounts(SourceColumn(cells, place(2)), score, Journal(remarks, {}))
        assert np.isnan(read.values).all()
        assert [one.row for one in remarks.said] == [0]
    hours = SourceColumn(pa.array([2400, 90_000], pa.duration("s")), place(2))
    assert read_amounts(hours, minutes, Journal(Remarks(), {})).values.tolist() == [
        40,
        1500,
    ]


def test_units() -> None:
    assert [per_kg(unit) for unit in ("mg/kg", "mg / kg", "mg per kg", "kg")] == [
        1,
        1,
        1,
        0,
    ]
    assert factor("mg/kg/h", "mg") is None
    assert factor("Wochen", "days") == 7
