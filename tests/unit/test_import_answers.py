"""Tables with one row for each answer: forms are told apart, joined, and counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_maps import applied, column, said, sheet
from import_tables import source_of

from kettrack.errors import DataProblems
from kettrack.importing.answer_rows import DIFFER, NO_ANSWER, NO_ITEM, TWICE
from kettrack.importing.import_map import TableMap
from kettrack.importing.map_file import read_map
from kettrack.importing.proposal.propose import propose
from kettrack.importing.remarks import Remarks

ITEMS = {"g1": "GAD-7 item 1", "g2": "GAD-7 item 2", "g": "GAD-7", "p9": "PHQ-9 item 9"}
PART = TableMap(
    source="Visits",
    to="scores",
    columns={"patient_id": "id", "date": "At", "item": "Q", "score": "A"},
    values={"item": ITEMS},
)
HEAD = "id | At | Q | A"

# Each: the rows below the head, and what becomes of them: one line for each form, its items 1 and
# 2, then the row, action and reason of what is said of whole rows or single cells.
CASES = {
    "minutes apart": (
        """
a | 2024-01-02 09:01 | g1 | 3
a | 2024-01-02 09:02 | g2 | Not at all
a | 2024-01-09 09:01 | g1 | 1
b | 2024-01-09 09:01 | g1 | 2
b | 2024-01-09 23:01 | G-2 | 0""",
        [("a", 3, 0), ("a", 1, None), ("b", 2, 0)],
        [],
    ),
    "a form twice on one day": (
        """
a | 2024-01-02 | g1 | 3
a | 2024-01-02 | g2 | 2
a | 2024-01-02 | g1 | 1
a | 2024-01-02 | g2 | 0""",
        [("a", 3, 2), ("a", 1, 0)],
        [],
    ),
    "one answer twice": (
        """
a | 2024-01-02 | g1 | 3
a | 2024-01-02 | g2 | 2
a | 2024-01-02 | g1 | 3""",
        [("a", 3, 2)],
        [(4, "dropped", TWICE)],
    ),
    "two answers to one item": (
        """
a | 2024-01-02 | g1 | 3
a | 2024-01-02 | g2 | 2
a | 2024-01-02 | g1 | 1""",
        [("a", None, 2)],
        [(2, "refused", DIFFER), (4, "refused", DIFFER)],
    ),
    "nothing answered, nothing known": (
        """
a | 2024-01-02 | g1 | .
a | 2024-01-02 | mood | 7
a | 2024-01-02 | . | 7
a | 2024-01-02 | g2 | 2""",
        [("a", None, 2)],
        [(2, "dropped", NO_ANSWER), (3, "dropped", NO_ITEM), (4, "dropped", NO_ITEM)],
    ),
    "out of range is told in its own row": (
        """
a | 2024-01-02 | g1 | 1
a | 2024-01-02 | g2 | 5""",
        [("a", 1, None)],
        [(3, "refused", "out of range: item 2 of GAD-7 is 0 to 3")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_answers_become_forms(case: str) -> None:
    rows, forms, problems = CASES[case]
    made, remarks = applied(PART, tables=(sheet(HEAD + rows),))
    assert made.scores is not None
    ones = column(made.scores, "item_1") if "item_1" in made.scores.column_names else []
    ones = ones or [None] * len(made.scores)
    twos = column(made.scores, "item_2")
    patients = column(made.scores, "patient_id")
    assert [*zip(patients, ones, twos, strict=True)] == forms
    told = [(one.row, one.action, one.reason) for one in remarks.said if one.row]
    assert sorted(told) == problems


def test_forms_that_lack_answers_are_counted() -> None:
    rows = "\na | 2024-01-02 | g1 | 3\na | 2024-01-03 | g | 12\na | 2024-01-03 | g1 | 1"
    made, remarks = applied(PART, tables=(sheet(HEAD + rows),))
    assert column(made.scores, "score") == [None, 12]
    # Beside its total a form needs no answers.
    noted = [(one.count, one.reason) for one in remarks.said if one.action == "noted"]
    assert noted == [(1, "a form of GAD-7 lacks answers: fewer than 7 stand there")]


def test_two_scales_and_the_number_of_the_form() -> None:
    text = """
id | At | Form | Q | A
a | 2024-01-02 | 1 | g1 | 3
a | 2024-01-02 | 1 | p9 | 0
a | 2024-01-02 | 2 | g1 | 1
a | 2024-01-02 | 2 | g2 | 1
"""
    columns = {**PART.columns, "form": "Form"}
    part = TableMap(source="Visits", to="scores", columns=columns, values=PART.values)
    made, _ = applied(part, tables=(sheet(text),))
    assert column(made.scores, "instrument") == ["GAD-7", "PHQ-9", "GAD-7"]
    assert column(made.scores, "item_1") == [3, None, 1]
    assert column(made.scores, "item_9") == [None, 0, None]


def test_what_becomes_of_a_form_is_said_of_all_its_rows() -> None:
    rows = "\na | soon | g1 | 3\na | soon | g2 | 2\nb | 2024-01-02 | g1 | 1"
    _, remarks = applied(PART, tables=(sheet(HEAD + rows),))
    reason = "neither a date nor a day that can be read stands in it"
    whole = [(row, why) for row, name, _, why in said(remarks) if row and not name]
    assert whole == [(2, reason), (3, reason)]


LONG = {
    "codes": (
        "patient | date | question | answer",
        "a | 2024-01-02 | PHQ9_1 | 3\na | 2024-01-02 | phq9.total | 20",
        {"PHQ9_1": "PHQ-9 item 1", "phq9.total": "PHQ-9"},
    ),
    "LOINC": (
        "patient | date | item code | value",
        "a | 2024-01-02 | 44250-9 | 3\na | 2024-01-02 | 44261-6 | 20",
        {"44250-9": "PHQ-9 item 1", "44261-6": "PHQ-9"},
    ),
    "a column names the scale": (
        "patient | date | questionnaire | item | response",
        "a | 2024-01-02 | PHQ-9 | Q3 | Nearly every day\na | 2024-01-02 | GAD-7 | total | 3",
        {"Q3": "item 3", "total": "total"},
    ),
    "a name among the questions": (
        "patient | date | questionnaire | item | response",
        "a | 2024-01-02 | PHQ-9 | Q3 | 1\na | 2024-01-02 | PHQ-9 | 4. Jane Doe | 3",
        {"Q3": "item 3"},
    ),
    "totals alone are no answers": (
        "patient | date | item | value",
        "a | 2024-01-02 | PHQ-9 | 3\na | 2024-01-02 | GAD-7 | 2",
        None,
    ),
}


@pytest.mark.parametrize("case", LONG)
def test_a_table_of_answers_is_proposed(case: str) -> None:
    head, rows, words = LONG[case]
    plan = propose(source_of(answers=f"{head}\n{rows}"), {}, Remarks())
    found = [part.values.get("item") for part in plan.tables if part.to == "scores"]
    assert next(iter(found), None) == words


QUESTIONS = [
    "Interest",
    "Feeling down",
    "Sleep",
    "Tired",
    "Appetite",
    "Failure",
    "Pace",
]


def _asked_in_full(questions: list[str]) -> str:
    rows = [
        f"{patient} | 2024-01-0{patient} | {question} | Not at all"
        for patient in (1, 2, 3)
        for question in questions
    ]
    return "\n".join(["patient | date | question | answer", *rows])


def test_questions_in_full_are_asked_about() -> None:
    source = source_of(gad7=_asked_in_full(QUESTIONS))
    remarks = Remarks()
    plan = propose(source, {}, remarks)
    assert plan.tables[0].values["item"]["Sleep"] == "GAD-7 item 3"
    assert "item_order.gad7" in {one.key for one in remarks.asked}
    no = propose(source, {"item_order.gad7": "in another order"}, Remarks())
    assert not [part for part in no.tables if "item" in part.columns]
    # Sorted by their text they tell nothing, and so does a form that lacks one.
    for questions in (sorted(QUESTIONS), QUESTIONS[1:]):
        other = propose(source_of(gad7=_asked_in_full(questions)), {}, Remarks())
        assert not [part for part in other.tables if "item" in part.columns]


MISTAKES = """
kind = "text"

[[tables]]
source = "x"
to = "scores"

[tables.columns]
patient_id = "id"
item = "Q"

[tables.values.item]
sleep = "PHQ-9 item 30"
"""


def test_mistakes_in_what_is_said_of_items(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(MISTAKES)
    with pytest.raises(DataProblems) as raised:
        read_map(path)
    text = str(raised.value)
    assert "which column has the answers?" in text
    assert '"PHQ-9 item 3"' in text
    assert "30" not in text


def test_a_table_in_which_no_question_is_known_has_no_form() -> None:
    made, remarks = applied(PART, tables=(sheet(HEAD + "\na | 2024-01-02 | mood | 3"),))
    assert made.scores is not None
    assert len(made.scores) == 0
    assert said(remarks) == [(2, "", "dropped", NO_ITEM)]
