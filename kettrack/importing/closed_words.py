"""Words of a source to words of a closed list, to yes or no, and to the names of scales."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from kettrack.arrays import Bools
from kettrack.importing.journal import (
    Journal,
    SourceColumn,
)
from kettrack.importing.word_keys import word_key
from kettrack.privacy.identifying_people import shown
from kettrack.reading.raw import Cells, cells_from_arrow
from kettrack.vocabulary.cell_words import truth_of
from kettrack.vocabulary.columns import Column
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.score_headings import scale_in_words

_Words = Mapping[str, str]
# A word of the source to the word of the contract; None = not known, empty = nothing.
_Meaning = Callable[[str], str | None]
_BETWEEN: Final = re.compile(r"\s*[;,/|+\n]\s*")
LEAVE_EMPTY: Final = "leave empty"
OTHER: Final = "other"
_LEAVE_OUT: Final = "leave out"
_UNKNOWN: Final = "the map does not say what this word means"


def read_words(
    source: SourceColumn,
    column: Column,
    words: _Words,
    journal: Journal,
) -> pa.Array:
    """Read a column of words from a closed list, or of several of them.

    Parameters
    ----------
    source : SourceColumn
        Its cells; where codes have labels, either may be in the map.
    column : Column
        Of the kind `choice` or `choices`.
    words : mapping
        Word of the source to word of the contract; an empty word = nothing.
    journal : Journal
        Takes cells that are refused, and asks what unknown words mean.
    """
    meaning = _meaning(words, source, column.allowed)
    cells = as_words(source)
    if column.kind == "choices":
        spelled = [_several(level, column, meaning) for level in cells.levels]
    else:
        spelled = [meaning(level) for level in cells.levels]
    unknown = _unknown_levels(spelled)
    if unknown.any():
        where = source.rows_in_words(np.append(unknown, False)[cells.codes])
        instead = _instead(source, column, where, journal)
        spelled = [
            _filled_in(level, place, column, meaning, instead)
            for level, place in zip(cells.levels, spelled, strict=True)
        ]
        _say_unknown(source, cells, unknown, instead, journal)
    return by_level(spelled, cells)


def _unknown_levels(spelled: Sequence[str | None]) -> Bools:
    return np.array([word is None for word in spelled], dtype=bool)


def as_words(source: SourceColumn) -> Cells:
    """The cells as text, each spelling once."""
    kind = source.values.type
    if not pa.types.is_floating(kind):
        return cells_from_arrow(source.values)
    coded = source.values.dictionary_encode()
    # A code such as 1 became 1.0 on its way through a column of numbers.
    texts = [_code(value) for value in coded.dictionary.to_pylist()]
    return cells_from_arrow(pa.array(texts, pa.string()).take(coded.indices))


def _code(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def by_level(spelled: Sequence[str | None], cells: Cells) -> pa.Array:
    """Words of levels to words of rows; an empty word and an unknown one are nothing."""
    # Code -1, an empty cell, takes the entry appended.
    words = pa.array([*(word or None for word in spelled), None], pa.string())
    places = np.where(cells.codes < 0, len(spelled), cells.codes)
    return words.take(pa.array(places))


def _meaning(
    words: _Words,
    source: SourceColumn,
    allowed: Sequence[str],
) -> _Meaning:
    """What the map says goes before what the list says, and a code before its label."""
    mapped = {word_key(word): target for word, target in words.items()}
    listed = {word_key(word): word for word in allowed}

    def means(word: str) -> str | None:
        label = source.label(word)
        for spelling in (word, label):
            if spelling and word_key(spelling) in mapped:
                return mapped[word_key(spelling)]
        for spelling in (label, word):
            if spelling and word_key(spelling) in listed:
                return listed[word_key(spelling)]
        return None

    return means


def _several(level: str, column: Column, meaning: _Meaning) -> str | None:
    whole = meaning(level)
    if whole is not None:
        return whole
    parts = [meaning(part) for part in _BETWEEN.split(level) if part]
    if None in parts:
        return None
    return _joined([word for word in parts if word], column)


def _joined(words: Sequence[str], column: Column) -> str:
    said = {part for word in words for part in word.split(";")}
    # "None" beside a word is no word: something happened.
    if len(said) > 1:
        said.discard("none")
    return ";".join(word for word in column.allowed if word in said)


def _instead(
    source: SourceColumn,
    column: Column,
    where: str,
    journal: Journal,
) -> str:
    """What unknown words are read as, by the answer to the question."""
    place = source.place
    choices = (LEAVE_EMPTY, OTHER) if OTHER in column.allowed else (LEAVE_EMPTY,)
    answer = journal.ask(
        f"unknown_words.{shown(place.table, file=True)}.{column.name}",
        f"What shall become of words that are not in the list of {column.name}?"
        f" They stand in {place.named}, {where}.",
        choices,
        f"To keep what they say, write a line for each word under [tables.values.{column.name}]:"
        f" one of {', '.join(column.allowed)}.",
    )
    return OTHER if answer == OTHER else ""


def _filled_in(
    level: str,
    known: str | None,
    column: Column,
    meaning: _Meaning,
    instead: str,
) -> str | None:
    if known is not None or not instead:
        return known
    if column.kind == "choice":
        return instead
    # What of the list is known stays beside the other thing that happened.
    parts = [meaning(part) for part in _BETWEEN.split(level) if part]
    return _joined([instead, *(word for word in parts if word)], column)


def _say_unknown(
    source: SourceColumn,
    cells: Cells,
    unknown: Bools,
    instead: str,
    journal: Journal,
) -> None:
    hit = np.append(unknown, False)[cells.codes]
    if instead:
        journal.cells(
            source,
            hit,
            "mended",
            f"{_UNKNOWN}; it is read as {instead}",
        )
    else:
        journal.cells(source, hit, "refused", _UNKNOWN)


def read_truth(source: SourceColumn, words: _Words, journal: Journal) -> pa.Array:
    """Read a column of yes and no, in any of five languages.

    Parameters
    ----------
    source, words, journal
        As in `read_words`; targets of the map are words of yes and no.
    """
    if pa.types.is_boolean(source.values.type):
        return source.values
    mapped = {word_key(word): target for word, target in words.items()}
    cells = as_words(source)
    values: list[bool | None] = []
    unknown = np.zeros(len(cells.levels) + 1, dtype=bool)
    for place, level in enumerate(cells.levels):
        label = source.label(level)
        target = mapped.get(
            word_key(level), mapped.get(word_key(label)) if label else None
        )
        # A label goes before its code: 1 = no, 2 = yes is common.
        value = truth_of(target if target is not None else label or level)
        unknown[place] = value is None and target != ""
        values.append(value)
    reason = "this word is neither yes nor no; say in the values of the map what it is"
    journal.cells(source, unknown[cells.codes], "refused", reason)
    places = np.where(cells.codes < 0, len(values), cells.codes)
    return pa.array([*values, None], pa.bool_()).take(pa.array(places))


def read_scale_names(
    source: SourceColumn,
    words: _Words,
    journal: Journal,
) -> pa.Array:
    """Read a column that names scales; names of built-in ones may be written with other marks.

    Parameters
    ----------
    source, words, journal
        As in `read_words`; the map may name a scale of the clinic's own.
    """
    meaning = _meaning(words, source, tuple(INSTRUMENTS))
    cells = as_words(source)
    # The right side of the map may stand in the file as it is.
    own = set(words.values())
    spelled = [
        level if level in own else _scale(level, meaning(level), source)
        for level in map(str, cells.levels)
    ]
    unknown = _unknown_levels(spelled)
    if unknown.any():
        place = source.place
        where = source.rows_in_words(np.append(unknown, False)[cells.codes])
        journal.ask(
            f"unknown_words.{shown(place.table, file=True)}.instrument",
            "What shall become of scores whose scale is not known? Their scale stands in"
            f" {place.named}, {where}.",
            (_LEAVE_OUT,),
            "To keep them, write a line for each scale under [tables.values.instrument]: the name"
            f" of a built-in scale ({', '.join(INSTRUMENTS)}) or of one of"
            " your own, which the kettrack.toml of the folder must define.",
        )
    return by_level(spelled, cells)


def _scale(
    level: str,
    known: str | None,
    source: SourceColumn,
) -> str | None:
    """What a word is known for; else the built-in scale that it, or its label, names."""
    if known is not None:
        return known
    return scale_in_words(level) or scale_in_words(source.label(level))
