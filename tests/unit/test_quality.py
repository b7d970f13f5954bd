"""What came in, who was scored when, what cannot be answered: small clinics, counted by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from simulated import thin_clinic
from spec.tables import cohort

from kettrack import Cohort, derive, estimate, unanswered
from kettrack.analysis.response.benchmark import without_intervals
from kettrack.errors import DataProblems, Problem
from kettrack.reading.causes import causes_of, what_to_mend_first
from kettrack.reading.import_remarks import REMARK_COLUMNS, read_import_remarks
from kettrack.reading.problems import Ledger
from kettrack.report.check_page import write_check_page

SCORES = """
patient | day | instrument | score
a       | -1  | PHQ-9      | 20
a       | 6   | PHQ-9      | 0
a       | 8   | GAD-7      | 21
b       | 7   | PHQ-9      | 27
"""
SESSIONS = "patient | days\n a | 0 3 14\n b | 0 \n c | 0 13"
PATIENTS = (
    "patient | observed_to_day | sex\n a | 21 | female\n b | 7 | unknown\n c | 28 |"
)


@pytest.fixture
def clinic() -> Cohort:
    return cohort(SCORES, SESSIONS, PATIENTS)


def rows(name: str, asked: Cohort) -> pd.DataFrame:
    return estimate(name, asked).table


def test_every_person_has_one_place_in_every_week(clinic: Cohort) -> None:
    table = rows("scored_by_week", clinic).set_index("week")
    parts = ["scored", "session_only", "nothing", "log_ended"]
    # Week 1: a is scored on day 6; b and c have a session. Week 2: b is scored on day 7, which is
    # recorded though the log ends there; c comes on day 13. Week 3: a comes on day 14.
    assert table.loc[1, parts].tolist() == [1, 2, 0, 0]
    assert table.loc[2, parts].tolist() == [1, 1, 1, 0]
    assert table.loc[3, parts].tolist() == [0, 1, 1, 1]
    assert table.loc[4, parts].tolist() == [0, 0, 1, 2]
    assert (table[parts].sum(axis=1) == 3).all()
    assert table.loc[3, "estimate"] == 0
    assert pd.isna(table.loc[6, "estimate"])


def test_an_unknown_end_of_the_log_is_said(clinic: Cohort) -> None:
    said = estimate("scored_by_week", cohort(SCORES, SESSIONS)).caveats
    assert "Of everyone nobody knows to which day the log is complete" in said[0]
    assert not estimate("scored_by_week", clinic).caveats


def test_people_by_table(clinic: Cohort) -> None:
    table = rows("people_by_table", clinic).set_index("key")
    assert table["n"].to_dict() == {
        "sessions": 3,
        "scores": 2,
        "primary": 2,
        "no_score": 1,
        "complete_log": 3,
        "events": 0,
    }


def test_unknown_and_empty_say_nothing(clinic: Cohort) -> None:
    table = rows("columns_filled", clinic).set_index("key")
    assert table.loc["patients_sex", ["filled", "n"]].tolist() == [1, 3]
    assert table.loc["scores_items", ["filled", "n"]].tolist() == [0, 4]


def test_ends_of_the_scale_and_items(clinic: Cohort) -> None:
    table = rows("totals_and_items", clinic).set_index("scale")
    phq = table.loc["PHQ-9"]
    assert phq[["lowest_score", "highest_score", "n"]].tolist() == [1, 1, 3]
    assert table.loc["GAD-7", "highest_score"] == 1


def test_items_are_whole_or_in_part() -> None:
    items = " | ".join(f"item_{number}" for number in range(1, 10))
    whole = " | ".join("1" * 9)
    part = " | ".join(["1", "1", *[""] * 7])
    scores = f"patient | day | score | {items}\n a | 0 | | {whole}\n b | 0 | | {part}"
    table = rows("totals_and_items", cohort(scores))
    kinds = ["all_items", "some_items", "no_items", "no_total"]
    assert table[kinds].iloc[0].tolist() == [1, 1, 0, 1]
    filled = rows("columns_filled", cohort(scores)).set_index("key")
    assert filled.loc["scores_items", "filled"] == 2


def test_rows_left_out_have_their_reason() -> None:
    scores = f"{SCORES}\nz | 3 | PHQ-9 | 12"
    left_out = cohort(scores, SESSIONS)
    table = rows("rows_used", left_out).set_index("key")
    assert table.loc["scores", "n_rows"] == 4
    assert table.loc["left_out1", ["n_rows", "n_patients"]].tolist() == [1, 1]


def test_what_an_import_did_is_counted_by_reason(clinic: Cohort) -> None:
    done = [
        ("log.xlsx", "Visits", 4, "", "dropped", "no show", 1),
        ("log.xlsx", "Visits", 9, "", "dropped", "no show", 1),
        ("log.xlsx", "Visits", None, "Dose", "mended", "from mg/kg", 7),
        ("log.xlsx", "Visits", None, "", "noted", "a hidden sheet", 1),
    ]
    remarks = pd.DataFrame(done, columns=list(REMARK_COLUMNS))
    table = rows("rows_used", replace(clinic, import_remarks=remarks))
    by_import = table[table["key"].str.startswith("import")]
    assert by_import["n_rows"].tolist() == [2, 7]
    assert by_import["became"].tolist() == [
        "left out by the import",
        "cells mended by the import",
    ]


def test_days_that_contradict_each_other_are_counted() -> None:
    patients = (
        "patient | stop_day | last_contact_day\n a | 2 | 9\n b | 5 | 0\n c | | 20"
    )
    table = rows("days_in_order", cohort(SCORES, SESSIONS, patients))
    found = table.set_index("what")["n"]
    assert found["stop_day is earlier than the last session"] == 1
    assert found["last_contact_day is earlier than the last session"] == 1
    assert found["A death is earlier than the last score"] == 0


def test_questions_without_an_answer_say_what_to_record(clinic: Cohort) -> None:
    table = unanswered(clinic).set_index("question")
    assert "next_session" in table.index
    assert (table["what_to_record"] != "").all()
    assert "days_in_order" not in table.index


def test_a_benchmark_without_interval_leaves_the_cohort_its_own() -> None:
    whole = derive(thin_clinic())
    quick = estimate("response_by_session", without_intervals(whole)).table
    found = estimate("response_by_session", whole).table
    pd.testing.assert_series_equal(quick["null"], found["null"])
    assert quick["null_low"].isna().all()
    assert (found["null_low"] < found["null"]).any()


def test_few_people_show_no_small_count_under_a_release_policy() -> None:
    released = cohort(SCORES, SESSIONS, PATIENTS, policy="cms")
    for name in ("rows_used", "people_by_table", "scored_by_week", "totals_and_items"):
        counts = estimate(name, released).table.select_dtypes("number")
        small = counts.drop(columns=["week"], errors="ignore").stack()
        assert not small.between(1, 10).any(), name


def problem(line: int, column: str, expected: str) -> Problem:
    return Problem("scores.csv", line, column, "'x'", expected)


def test_problems_of_one_kind_are_one_cause_and_the_largest_comes_first() -> None:
    found = [
        problem(3, "day", "a whole number"),
        problem(4, "score", "PHQ-9: 0 to 27"),
        problem(5, "score", "GAD-7: 0 to 21"),
        problem(9, "score", "PHQ-9: 0 to 27"),
    ]
    causes = causes_of(found)
    assert [(cause.column, cause.n) for cause in causes] == [
        ("score", 2),
        ("day", 1),
        ("score", 1),
    ]
    assert causes[0].lines == (4, 9)
    assert what_to_mend_first(causes).startswith(
        "4 problems of 3 kinds. Mend this first: "
    )
    assert what_to_mend_first(causes_of(found[:1])) == ""


def test_remarks_that_are_damaged_are_said(tmp_path: Path) -> None:
    ledger = Ledger()
    assert read_import_remarks(tmp_path, ledger).empty
    (tmp_path / "import_problems.csv").write_text("what,is,this\n1,2,3\n")
    assert read_import_remarks(tmp_path, ledger).empty
    assert ledger.notes == [
        "import_problems.csv is not as the import wrote it; not shown."
    ]


def test_a_folder_that_cannot_be_read_gets_a_page(tmp_path: Path) -> None:
    folder = tmp_path / "clinic"
    folder.mkdir()
    (folder / "sessions.csv").write_text("patient_id,day\na,0\nb,0\n")
    scores = "patient_id,day,instrument,score\na,0,PHQ9,20\nb,0,PHQ9,21\nb,7,PHQ-9,31\n"
    (folder / "scores.csv").write_text(scores)
    page = tmp_path / "check.html"
    with pytest.raises(DataProblems):
        write_check_page(folder, page)
    text = page.read_text(encoding="utf-8")
    assert (
        "3 problems of 2 kinds. Mend this first: scores.csv, instrument (2 of 3" in text
    )
    assert "In lines 2, 3." in text
    assert "<h2>Contents</h2>" not in text
