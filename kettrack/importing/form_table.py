"""Answers that were told to belong together, as a table with one row for each form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import (
    dataclass,
    replace,
)
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from kettrack.importing.import_map import (
    TableMap,
)
from kettrack.importing.journal import (
    SourceColumn,
)
from kettrack.importing.remarks import (
    ColumnPlace,
)
from kettrack.importing.source import (
    DATE,
    FORM,
    ITEM,
    SourceTable,
)
from kettrack.importing.word_keys import word_key

SCORE: Final = "score"
SCALE: Final = "instrument"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRows:
    """A table with one row for each answer.

    Parameters
    ----------
    table : SourceTable
        As read.
    plan : TableMap
        With a column for `item`, one for `score`, which holds the answers, and under `values` what
        the words of `item` mean.
    columns : mapping
        Source column to its cells, for all that the plan names.
    days : pyarrow.Array, optional
        The column `date`, read; the answers of a form may have several times of one day.
    """

    table: SourceTable
    plan: TableMap
    columns: Mapping[str, SourceColumn]
    days: pa.Array | None

    def column(self, name: str) -> SourceColumn:
        """The cells of a column of the map."""
        return self.columns[self.plan.columns[name]]

    def said_of(self, word: str) -> str:
        """What the map says of a word of the column `item`; empty where it says nothing."""
        words = self.plan.values.get(ITEM, {})
        same = word_key(word)
        known = (what for one, what in words.items() if word_key(one) == same)
        return next(known, "")

    @property
    def shared(self) -> dict[str, str]:
        """The columns of the map that all answers of a form share."""
        return _shared(self.plan)


def _shared(plan: TableMap) -> dict[str, str]:
    return {
        name: column
        for name, column in plan.columns.items()
        if name not in (ITEM, FORM, SCORE)
    }


def one_row_a_form(
    frame: pd.DataFrame,
    answers: AnswerRows,
) -> SourceTable:
    """What the answers of each form share, and a column for each item.

    Parameters
    ----------
    frame : DataFrame
        For each answer its `place` in the table, the `number` of its form, the `scale` that its
        item names, and the column of the contract that it fills, `target`.
    answers : AnswerRows
        Where they stand.
    """
    table = answers.table
    forms = frame.groupby("number", sort=True)
    firsts = pa.array(forms["place"].min(), pa.int64())
    made = {
        name: answers.columns[name].values.take(firsts)
        for name in (*answers.shared.values(), *answers.plan.where)
    }
    cells: dict[str, ColumnPlace] = {}
    # The days were read from the whole column, so that its order is told once.
    if answers.days is not None:
        day = answers.column(DATE).place
        made[day.column] = answers.days.take(firsts)
        cells[day.column] = _at(day, firsts)
    if frame["scale"].any():
        scales = forms["scale"].first()
        made[_named(SCALE)] = pa.array(scales, pa.string())
        cells[_named(SCALE)] = _at(answers.column(ITEM).place, firsts)
    filled = answers.column(SCORE)
    known = table.value_labels
    labels = dict(known)
    # Each answer keeps the row that it stood in, so that a refusal names it.
    for target, own in frame.groupby("target"):
        name = _named(str(target))
        places = _places(own, len(firsts))
        made[name] = filled.values.take(places)
        cells[name] = _at(filled.place, places)
        labels[name] = known.get(filled.place.column, {})
    # Why an answer is empty does not matter: it is in no form.
    return replace(
        table,
        data=pa.table(made),
        rows=table.rows.take(firsts),
        value_labels=labels,
        reasons={},
        cells=cells,
    )


def _at(
    place: ColumnPlace,
    places: pa.Array,
) -> ColumnPlace:
    rows = place.rows.take(places)
    return replace(place, rows=rows)


def _places(
    own: pd.DataFrame,
    n_forms: int,
) -> pa.Array:
    """For each form the place of its answer to one item; null where it has none."""
    at = np.full(n_forms, -1)
    at[own["number"].to_numpy()] = own["place"].to_numpy()
    return pa.array(at, mask=at < 0)


def _named(target: str) -> str:
    # No column of a source is called so by accident.
    return f"({target})"


def plan_of_forms(
    frame: pd.DataFrame,
    plan: TableMap,
) -> TableMap:
    """The part of the map that reads the table of forms.

    Parameters
    ----------
    frame : DataFrame
        As for `one_row_a_form`.
    plan : TableMap
        The part that reads the table of answers.
    """
    targets = sorted(frame["target"].unique())
    columns = _shared(plan)
    # Only what some form has becomes a column.
    columns |= {target: _named(target) for target in targets}
    if frame["scale"].any():
        columns[SCALE] = _named(SCALE)
    values = dict(plan.values)
    values.pop(ITEM, None)
    # What an answer means is the same for every item.
    answered = values.pop(SCORE, {})
    values |= dict.fromkeys(targets, answered)
    return replace(
        plan,
        columns=columns,
        values=values,
    )
