"""Questions that stand in full in the rows of their answers: which item each is, by their order."""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.importing.proposal.facts import (
    ColumnFacts,
)
from kettrack.importing.proposal.table_columns import (
    TableColumns,
)
from kettrack.importing.proposal.versions import (
    Asking,
)
from kettrack.importing.remarks import (
    OpenQuestion,
)
from kettrack.privacy.identifying_people import (
    shown,
)
from kettrack.vocabulary.instruments import (
    GAD7,
    INSTRUMENTS,
    PHQ9,
)

# Two scales have the answers of PHQ-9, and differ in the number of their questions.
_SCALES: Final = {scale.n_items: scale.name for scale in (PHQ9, GAD7)}
_FEWEST_FORMS: Final = 3
_FEWEST_PATIENTS: Final = 2
IN_ORDER: Final = "in the order of the scale"
OTHER_ORDER: Final = "in another order"


def questions_in_order(
    known: TableColumns,
    facts: ColumnFacts,
    asking: Asking,
) -> dict[str, str]:
    """Question to the item that it is, where every form has all of them in one order, and somebody
    says that it is that of the scale.

    Parameters
    ----------
    known : TableColumns
        A table with one row for each answer.
    facts : ColumnFacts
        The column of the questions, in which no number stands.
    asking : Asking
        `item_order.TABLE` says in which order they are.
    """
    n_items = len(facts.levels)
    scale = known.scale or _SCALES.get(n_items, "")
    there = INSTRUMENTS.get(scale)
    if there is None or there.n_items != n_items:
        return {}
    questions = _of_every_form(known, facts)
    # An export that sorts by the text says nothing of the scale.
    if not questions or questions == sorted(questions):
        return {}
    table = shown(known.table.name, file=True)
    question = OpenQuestion(
        key=f"item_order.{table}",
        asks=(
            f"Every form in {table} has {n_items} questions in one order. Is it that of"
            f" {scale}? The map shows them with their items."
        ),
        choices=(IN_ORDER, OTHER_ORDER),
        why=(
            "Otherwise write under [tables.values.item] which item each question is; a total"
            " is the same in any order, the answer to one item is not."
        ),
    )
    if asking.remarks.answer(question, asking.answers) == OTHER_ORDER:
        return {}
    # Until it is answered the map shows what a yes would mean.
    numbered = enumerate(questions, start=1)
    return {text: f"{scale} item {item}" for item, text in numbered}


def _of_every_form(
    known: TableColumns,
    facts: ColumnFacts,
) -> list[str]:
    """The questions in the order of the first form, where all forms have it; else none."""
    n_items = len(facts.levels)
    data = known.table.data
    cells = data[facts.name].combine_chunks()
    coded = cells.dictionary_encode()
    codes = coded.indices.fill_null(-1)
    # Whole forms below each other: a block of rows for each.
    if len(codes) % n_items or len(codes) < _FEWEST_FORMS * n_items:
        return []
    forms = codes.to_numpy().reshape(-1, n_items)
    first = forms[0]
    whose = data[known.patient].to_numpy()
    patients = whose.reshape(-1, n_items)
    # One form that lacks a question moves all below it.
    alike = (forms == first).all()
    own = (patients == patients[:, :1]).all()
    whole = len(np.unique(first)) == n_items
    # What every form of several patients has tells of none of them.
    several = len({*patients[:, 0].tolist()}) >= _FEWEST_PATIENTS
    if not (alike and own and whole and several):
        return []
    return [str(coded.dictionary[place].as_py()) for place in first.tolist()]
