"""Tables with one row for each answer: which column names the item, and what its words mean."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from kettrack.importing.import_map import (
    TableMap,
)
from kettrack.importing.proposal.facts import (
    ColumnFacts,
)
from kettrack.importing.proposal.score_columns import (
    ScoreHeading,
    item_alone,
    parse_heading,
)
from kettrack.importing.proposal.table_columns import (
    TableColumns,
)
from kettrack.importing.proposal.versions import (
    Asking,
    version_of,
)
from kettrack.importing.proposal.when import When
from kettrack.importing.remarks import (
    OpenQuestion,
)
from kettrack.importing.source import FORM, ITEM
from kettrack.privacy.identifying_people import (
    common_first_names,
    shown,
    titled,
)
from kettrack.vocabulary.cdisc_words import (
    CDISC_ANSWERS,
    CDISC_SCORES,
)
from kettrack.vocabulary.instruments import (
    GAD7,
    INSTRUMENTS,
    PHQ9,
)
from kettrack.vocabulary.outside_codes import (
    LOINC_SCORES,
)

# Of several scales in one table some may be unknown.
_FEWEST_KNOWN: Final = 0.3
_TOTAL: Final = 0
# "3. Trouble falling asleep": a number in front, and words behind it.
_NUMBERED: Final = re.compile(
    r"\s*(?:q|item|question|frage)?\s*(\d{1,2})\s*[.):-]\s*\D", re.IGNORECASE
)
_ANSWERED: Final = frozenset(CDISC_ANSWERS[PHQ9.name])
_CODE: Final = re.compile(r"^\s*\(?\d\)?\s*[-–:=.]?\s*|\s*\(\d\)\s*$")
# Two scales have the answers of PHQ-9, and differ in the number of their questions.
_SCALES: Final = {scale.n_items: scale.name for scale in (PHQ9, GAD7)}
_FEWEST_FORMS: Final = 3
_FEWEST_PATIENTS: Final = 2
IN_ORDER: Final = "in the order of the scale"
OTHER_ORDER: Final = "in another order"


def answer_part(
    known: TableColumns,
    when: When,
    asking: Asking,
) -> TableMap | None:
    """The part of the map that takes scores from such a table; None where it is none.

    Parameters
    ----------
    known : TableColumns
        The table.
    when : When
        The day of its rows.
    asking : Asking
        Answers and questions.
    """
    answer = _answer(known)
    if not answer:
        return None
    words, item = _best_items(known, asking)
    if not words:
        return None
    columns = dict(when.columns) | {ITEM: item, "score": answer}
    # A number for each form tells two of one day apart.
    form = known.best(FORM)
    if form and form not in columns.values():
        columns[FORM] = form
    constants = {}
    # Where the items name their scale themselves, nothing else need name it.
    if not all(_names_scale(what) for what in words.values()):
        named = _scale_column(known, item)
        if named:
            columns["instrument"] = named
        else:
            constants["instrument"] = str(known.scale)
    part = when.part(known, "scores", columns, constants)
    values = {**part.values, ITEM: words}
    return TableMap(
        source=part.source,
        to=part.to,
        columns=part.columns,
        constants=part.constants,
        units=part.units,
        values=values,
    )


def _names_scale(what: str) -> bool:
    return what.split(" item ")[0] in INSTRUMENTS


def _answer(known: TableColumns) -> str:
    """The column of answers: numbers, or the words of a form."""
    fits = known.fits.get("answer", [])
    good = [facts for facts in fits if facts.kind == "whole" or _in_words(facts)]
    return good[0].name if good else ""


def _in_words(facts: ColumnFacts) -> bool:
    bare = [_CODE.sub("", word).strip().casefold() for word in facts.as_words]
    hit = np.array([word in _ANSWERED for word in bare], dtype=bool)
    return bool(facts.counts[hit].sum() >= _FEWEST_KNOWN * max(facts.n, 1))


def _best_items(
    known: TableColumns,
    asking: Asking,
) -> tuple[dict[str, str], str]:
    """What the words of a column mean, and that column: the one in which most are known."""
    # A table may have a column of codes and one of texts.
    best: dict[str, str] = {}
    name = ""
    most = _FEWEST_KNOWN
    for facts in known.fits.get(ITEM, []):
        words = _items(known, facts, asking) or questions_in_order(known, facts, asking)
        hit = np.array([str(level) in words for level in facts.levels], dtype=bool)
        share = float(facts.counts[hit].sum() / max(facts.n, 1))
        # A table of totals alone has one row for each score, and needs no joining.
        if share > most and any("item" in what for what in words.values()):
            best = words
            name = facts.name
            most = share
    return best, name


def _items(
    known: TableColumns,
    facts: ColumnFacts,
    asking: Asking,
) -> dict[str, str]:
    """Word of a column to what a map says of it; words that are not understood are left out."""
    named = bool(known.scale or _scale_column(known, facts.name))
    found = {}
    # A name that slipped into the column must not get into the map.
    levels = facts.levels
    persons = titled(levels) | common_first_names(levels)
    for level, word, person in zip(levels, facts.as_words, persons, strict=True):
        if person:
            continue
        what = _coded(known, str(level), asking) or _coded(known, str(word), asking)
        if not what and named:
            what = _numbered(str(level)) or _numbered(str(word))
        if what:
            found[str(level)] = what
    return found


def _coded(known: TableColumns, word: str, asking: Asking) -> str:
    """What a word says that names its scale: PHQ9_3, 44255-8, PHQ0103."""
    text = word.strip()
    code = LOINC_SCORES.get(text) or CDISC_SCORES.get(text.upper())
    if code is not None:
        item = code.column.removeprefix("item_")
        return _said(code.instrument, 0 if item == "score" else int(item))
    # Codes are written like names of columns: phq9_q3, PHQ-9 total.
    readings = (parse_heading(text.lower()), parse_heading(text))
    heading = next((one for one in readings if one and one.understood), None)
    if heading is None or heading.occasion or heading.part == "date":
        return ""
    scale = version_of(known, heading.scale, asking) if heading.scale else ""
    return _of_heading(scale, heading) if scale in INSTRUMENTS else ""


def _of_heading(scale: str, heading: ScoreHeading) -> str:
    # PHQ9_3 has a bare number, which can only be an item.
    number = heading.item or heading.bare or _TOTAL
    instrument = INSTRUMENTS[scale]
    items = {*range(instrument.n_items + 1), instrument.uncounted_item}
    return _said(scale, number) if number in items else ""


def _said(scale: str, item: int) -> str:
    return f"{scale} item {item}" if item else scale


def _numbered(word: str) -> str:
    """What a word says beside a column that names the scale: 3, Q3, total, "3. Sleep"."""
    item = item_alone(word)
    if item is None:
        found = _NUMBERED.match(word)
        item = int(found[1]) if found else None
    if item is None:
        return ""
    return f"item {item}" if item else "total"


def _scale_column(known: TableColumns, item: str) -> str:
    """The column that names the scale of each row."""
    names = [facts.name for facts in known.fits.get("instrument", [])]
    return next((name for name in names if name != item), "")


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
