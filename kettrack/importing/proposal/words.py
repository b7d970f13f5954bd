"""Words of closed columns: which of them are known, and which may be shown to be asked about.

A word of a column may be a name that slipped into the wrong cell. So only a word that several
patients have, and that reads like nobody's name, stands in a question. Every other one is refused
with its place, by the map.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.proposal.facts import ColumnFacts
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remarks
from kettrack.importing.source import SourceTable
from kettrack.privacy.identifying_people import (
    common_first_names,
    may_be_shown,
    person_like,
    titled,
)
from kettrack.vocabulary.cell_words import has_words, word_meant
from kettrack.vocabulary.columns import TABLES

NOTHING: Final = "nothing"
# Patients that have a word before it may stand in a question.
_FEWEST_PATIENTS: Final = 3
_MOST_QUESTIONS: Final = 12
_MOST_WORDS: Final = 1000
_BETWEEN: Final = r"\s*(?:[;,/+|]|\band\b|\bund\b|\bet\b|\by\b|\ben\b)\s*"
_SHORT: Final = 30


class ClosedColumn(NamedTuple):
    """A column of the source that becomes one of the contract with a closed list.

    Parameters
    ----------
    table : SourceTable
        Where it stands.
    to : str
        Table of the contract.
    meaning : str
        Column of the contract.
    facts : ColumnFacts
        What it holds.
    patients : str
        Column of the source that tells patients apart; empty = none.
    """

    table: SourceTable
    to: str
    meaning: str
    facts: ColumnFacts
    patients: str


def known_share(
    meaning: str,
    facts: ColumnFacts,
) -> float:
    """Share of the cells of a column whose words are known for a column of the contract."""
    # Notes and codes of patients are as many as rows; words of a list come back.
    if not facts.n or not has_words(meaning) or len(facts.levels) > _MOST_WORDS:
        return 0.0
    hit = [bool(_meant(meaning, word)) for word in facts.as_words]
    return float(facts.counts[np.array(hit, dtype=bool)].sum() / facts.n)


def _meant(
    meaning: str,
    word: str,
) -> str | None:
    if meaning != "adverse_events":
        return word_meant(meaning, word)
    parts = parts_of(word)
    found = [word_meant(meaning, part) for part in parts]
    return ";".join(dict.fromkeys(filter(None, found))) if all(found) else None


def parts_of(
    cell: str,
) -> list[str]:
    """The words of a cell that holds several.

    Examples
    --------
    >>> parts_of("Nausea, headache and dizziness")
    ['Nausea', 'headache', 'dizziness']
    """
    return [part for part in re.split(_BETWEEN, cell.strip()) if part]


def word_map(
    column: ClosedColumn,
    answers: Answers,
    remarks: Remarks,
) -> dict[str, str]:
    """Word of the source to word of the contract, where they differ; what is not known is asked.

    Parameters
    ----------
    column : ClosedColumn
        The column.
    answers : mapping
        `value.COLUMN.WORD` says what a word means.
    remarks : Remarks
        Takes the questions.
    """
    meaning = column.meaning
    # A contract word needs no line in the map.
    allowed = TABLES[column.to][meaning].allowed
    found = {}
    unknown = []
    for level in column.facts.levels:
        word = column.facts.codes.get(level, level)
        answered = answers.get(f"value.{meaning}.{level}")
        meant = answered or _meant(meaning, word)
        if meant is None:
            unknown += [] if word.casefold() in allowed else [level]
        elif level != meant:
            found[str(level)] = "" if meant == NOTHING else meant
    _ask_of_words(column, allowed, unknown, remarks)
    return found


def _ask_of_words(
    column: ClosedColumn,
    allowed: Sequence[str],
    unknown: list[str],
    remarks: Remarks,
) -> None:
    shown = _may_be_asked(column, unknown)
    # So many words are no closed list; the map refuses them with their places.
    if len(shown) > _MOST_QUESTIONS:
        return
    for level in shown:
        label = column.facts.codes.get(level)
        said = f"{level!r} ({label})" if label else repr(level)
        question = OpenQuestion(
            key=f"value.{column.meaning}.{level}",
            asks=(
                f"What does {said} mean in column {column.facts.name!r} of"
                f" {column.table.name!r}?"
            ),
            choices=(*allowed, NOTHING),
            why=f"It becomes the column {column.meaning} of {column.to}.",
        )
        remarks.ask(question)


def _may_be_asked(
    column: ClosedColumn,
    unknown: list[str],
) -> list[str]:
    # The label of a code may be a name where the code is not.
    labels = [column.facts.codes.get(word, "") for word in unknown]
    person = common_first_names(np.array(labels, dtype=object))
    words = [word for word, named in zip(unknown, person, strict=True) if not named]
    return words_of_many(column.table, column.facts.name, column.patients, words)


def words_of_many(
    table: SourceTable,
    column: str,
    patients: str,
    words: Sequence[str],
) -> list[str]:
    """Words that nobody can be known by: short, of several patients, like nobody's name.

    Parameters
    ----------
    table : SourceTable
        Where they stand.
    column, patients : str
        Their column, and the one that tells patients apart; empty = none, and no word is shown.
    words : sequence of str
        Distinct cells of the column.
    """
    levels = np.array(list(words), dtype=object)
    if not levels.size or not patients:
        return []
    persons = person_like(levels) | titled(levels) | common_first_names(levels)
    several = _patients_of(table, column, patients, words)
    return [
        word
        for word, person, n_patients in zip(words, persons, several, strict=True)
        if not person
        and n_patients >= _FEWEST_PATIENTS
        and len(word) <= _SHORT
        and may_be_shown(word)
    ]


def _patients_of(
    table: SourceTable,
    column: str,
    patients: str,
    words: Sequence[str],
) -> list[int]:
    """In how many patients each word stands."""
    cells = pc.utf8_trim_whitespace(table.data[column].cast(pa.string()))
    pairs = pa.table({"word": cells, "patient": table.data[patients]})
    asked = pairs.filter(pc.is_in(cells, pa.array(words, pa.string())))
    counted = asked.group_by("word").aggregate([("patient", "count_distinct")])
    numbers = counted["patient_count_distinct"].to_pylist()
    found = dict(zip(counted["word"].to_pylist(), numbers, strict=True))
    return [found.get(word, 0) for word in words]
