"""Tables with one row for each answer: the answers of one questionnaire on one day become one row.

Exports of questionnaires have an item, its answer, a patient and a date in each row. A form is told
by its patient, its day, and all else that its rows share: the scale, the number of the form, the
status.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from kettrack.arrays import (
    Bools,
    Ints,
)
from kettrack.importing.closed_words import (
    as_words,
)
from kettrack.importing.form_table import (
    SCALE,
    SCORE,
    AnswerRows,
    one_row_a_form,
    plan_of_forms,
)
from kettrack.importing.import_map import (
    TableMap,
)
from kettrack.importing.journal import (
    Journal,
)
from kettrack.importing.source import (
    DATE,
    FORM,
    ITEM,
    SourceTable,
)
from kettrack.vocabulary.cdisc_words import (
    score_code_of,
)
from kettrack.vocabulary.instruments import (
    INSTRUMENTS,
)
from kettrack.vocabulary.score_headings import (
    scale_in_words,
)

_THE_DAY: Final = "the day"
# Beside a column that names the scale: which of its items, or its total.
_OF_THE_ROW: Final = re.compile(r"item (\d{1,2})|(total)", re.IGNORECASE)
NO_ANSWER: Final = "no answer stands in it"
NO_ITEM: Final = "the map does not say which item it answers"
TWICE: Final = "the same answer to this item stands there already on that day"
DIFFER: Final = (
    "different answers to one item on one day, so none of them is used; if they are of several"
    " forms, name the column that tells these apart under form"
)
JOINED: Final = (
    "answers to the items of one scale on one day stand in one row of scores"
)
INCOMPLETE: Final = "a form of {scale} lacks answers: fewer than {n} stand there"


def is_item(word: str) -> bool:
    """Whether a map may say this of an item: `PHQ-9 item 3`, or `PHQ-9` for the total; where
    another column names the scale, `item 3` or `total`.

    Parameters
    ----------
    word : str
        From the map.

    Examples
    --------
    >>> [is_item(word) for word in ("PHQ-9 item 3", "PHQ-9", "item 3", "total", "sleep")]
    [True, True, True, True, False]
    """
    return bool(_meant(word)[1])


def _meant(word: str) -> tuple[str, str]:
    """The scale, empty where another column names it, and the column of the contract."""
    code = score_code_of(word)
    if code is not None:
        return code.instrument, code.column
    found = _OF_THE_ROW.fullmatch(word)
    if found is None:
        return "", ""
    item = found[1]
    return "", f"item_{int(item)}" if item else SCORE


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedForms:
    """The same table with one row for each form.

    Parameters
    ----------
    table : SourceTable
        The number of a row is that of the first answer of its form.
    plan : TableMap
        The part of the map that reads it.
    firsts, members : int array
        For each answer in a form, the row of the first answer of that form, and its own.
    """

    table: SourceTable
    plan: TableMap
    firsts: Ints
    members: Ints


def as_forms(answers: AnswerRows, journal: Journal) -> JoinedForms:
    """Join answers to forms.

    Parameters
    ----------
    answers : AnswerRows
        One row for each.
    journal : Journal
        Takes the rows that are in no form, and how many were joined.
    """
    frame = _usable(_told(answers), answers, journal)
    kept = _without_repeats(frame, answers, journal)
    # The second answers of a day are a form of their own.
    by_form = kept.groupby(["form", "nth"], sort=False)
    kept["number"] = by_form.ngroup()
    _say_incomplete(kept, answers, journal)
    first = by_form["place"].transform("min")
    own = answers.column(SCORE).place.rows.to_numpy()
    n_joined = len(kept) - int(kept["number"].nunique())
    journal.counted(answers.column(SCORE), n_joined, "mended", JOINED)
    return JoinedForms(
        table=one_row_a_form(kept, answers),
        plan=plan_of_forms(kept, answers.plan),
        firsts=own[first.to_numpy()],
        members=own[kept["place"].to_numpy()],
    )


def _told(answers: AnswerRows) -> pd.DataFrame:
    """For each answer its place, its form, the scale that its item names, the column of the
    contract that it fills, and what was answered, as a code.
    """
    items = answers.column(ITEM)
    cells = as_words(items)
    meant = [
        # What the map says of a code goes before what it says of its label.
        _meant(answers.said_of(level) or answers.said_of(items.label(level)))
        for level in map(str, cells.levels)
    ]
    # Code -1, an empty cell, takes the entry appended.
    meant.append(("", ""))
    scales, targets = np.array(meant, dtype=object).T
    frame = pd.DataFrame(
        {
            "scale": scales[cells.codes],
            "target": targets[cells.codes],
        }
    )
    frame["place"] = np.arange(len(frame))
    filled = as_words(answers.column(SCORE))
    frame["answer"] = filled.codes
    frame["form"] = _form_of(answers, frame["scale"])
    return frame


def _form_of(
    answers: AnswerRows,
    scales: pd.Series[str],
) -> Ints:
    """For each answer the number of its form."""
    plan = answers.plan
    named = dict(answers.shared)
    if FORM in plan.columns:
        named[FORM] = plan.columns[FORM]
    keys = pd.DataFrame({SCALE: pd.factorize(scales)[0]})
    if answers.days is not None:
        # The day in place of the time, which may differ within a form.
        named.pop(DATE)
        days = answers.days.cast(pa.int32())
        known = days.fill_null(-1)
        keys[_THE_DAY] = known.to_numpy(zero_copy_only=False)
    # What decides whether a row counts must not be lost in a form.
    together = [*named.values(), *plan.where]
    for column in together:
        cells = as_words(answers.columns[column])
        keys[f"of {column}"] = cells.codes
    groups = keys.groupby([*keys.columns], sort=False)
    return np.asarray(groups.ngroup(), dtype=np.int64)


def _usable(
    frame: pd.DataFrame,
    answers: AnswerRows,
    journal: Journal,
) -> pd.DataFrame:
    """Answers whose item is known, and in which something stands."""
    place = answers.column(SCORE).place
    unknown = np.asarray(frame["target"] == "")
    journal.rows(place, unknown, "dropped", NO_ITEM)
    blank = np.asarray(frame["answer"] < 0) & ~unknown
    journal.rows(place, blank, "dropped", NO_ANSWER)
    return frame[~unknown & ~blank]


def _without_repeats(
    frame: pd.DataFrame,
    answers: AnswerRows,
    journal: Journal,
) -> pd.DataFrame:
    """Each item once in a form; a day on which a form was filled in twice has two of them."""
    of_item = frame.groupby(["form", "target"], sort=False)
    n_answers = of_item["answer"].transform("size")
    n_kinds = of_item["answer"].transform("nunique")
    nth = of_item.cumcount()
    of_form = n_answers.groupby(frame["form"], sort=False)
    # Every item as often as every other: so many forms, one below the other.
    fewest = of_form.transform("min")
    whole = fewest == of_form.transform("max")
    alike = n_kinds == 1
    twice = ~whole & alike & (nth > 0)
    differ = ~whole & ~alike
    place = answers.column(SCORE).place
    n_rows = len(place.rows)
    journal.rows(
        place,
        _at(frame[twice], n_rows),
        "dropped",
        TWICE,
    )
    journal.rows(
        place,
        _at(frame[differ], n_rows),
        "refused",
        DIFFER,
    )
    # What was put together or taken out is told; the rest keeps its number.
    kept = frame.assign(nth=nth)
    return kept[~twice & ~differ]


def _at(
    frame: pd.DataFrame,
    n_rows: int,
) -> Bools:
    hit = np.zeros(n_rows, dtype=bool)
    hit[frame["place"].to_numpy()] = True
    return hit


def _say_incomplete(
    frame: pd.DataFrame,
    answers: AnswerRows,
    journal: Journal,
) -> None:
    """Say how many forms of each scale have neither a total nor all answers."""
    forms = frame.groupby("number", sort=True)
    n_answers = forms["target"].size()
    # A form has each target once.
    is_total = frame["target"] == SCORE
    n_totals = is_total.groupby(frame["number"]).sum()
    scales = _scale_of_each(frame, answers)
    # How many items a scale of the clinic's own has is not known here.
    for name in sorted({*scales.unique()} & {*INSTRUMENTS}):
        n_items = INSTRUMENTS[name].n_items
        short = (n_answers < n_items) & (n_totals == 0)
        count = int((short & (scales == name)).sum())
        reason = INCOMPLETE.format(scale=name, n=n_items)
        journal.counted(
            answers.column(SCORE),
            count,
            "noted",
            reason,
        )


def _scale_of_each(
    frame: pd.DataFrame,
    answers: AnswerRows,
) -> pd.Series[str]:
    """The scale of each form, in the order of their numbers; empty where it is not known here."""
    plan = answers.plan
    forms = frame.groupby("number", sort=True)
    first = forms[["scale", "place"]].first()
    constant = plan.constants.get(SCALE, "")
    beside = np.full(len(first), constant, dtype=object)
    if SCALE in plan.columns:
        cells = as_words(answers.column(SCALE))
        named = [scale_in_words(str(level)) or "" for level in cells.levels]
        levels = np.array([*named, ""], dtype=object)
        codes = cells.codes[first["place"].to_numpy()]
        beside = levels[codes]
    # What the item itself names goes before a column beside it.
    own = first["scale"]
    return own.where(own != "", beside)
