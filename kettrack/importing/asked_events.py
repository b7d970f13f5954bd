"""Adverse events that a form asks one by one, with a column of yes and no for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import (
    Bools,
    Ints,
)
from kettrack.importing.closed_words import (
    read_truth,
)
from kettrack.importing.journal import (
    Journal,
    SourceColumn,
)
from kettrack.vocabulary.columns import (
    SESSIONS,
)

_ALL: Final = "adverse_events"
_NONE: Final = "none"
_NO_TO_ALL: Final = (
    "no to each event asked for is read as none; others may have happened"
)
# What can be asked: "none" is the answer where nothing was said yes to.
_WORDS: Final = tuple(
    word
    # In the order in which a cell names them.
    for word in SESSIONS[_ALL].allowed
    if word != _NONE
)
ASKED_EVENTS: Final[Mapping[str, str]] = {
    # The name in a map, and the word that a yes stands for.
    f"{_ALL}_{word}": word
    for word in _WORDS
}


def with_asked_events(
    columns: Mapping[str, pa.Array],
    sources: Mapping[str, SourceColumn],
    values: Mapping[str, Mapping[str, str]],
    journal: Journal,
) -> dict[str, pa.Array]:
    """The columns with `adverse_events` from all that was said yes to.

    Parameters
    ----------
    columns : mapping
        Of the contract; a column `adverse_events` that is there already is added to.
    sources : mapping
        Name in the map to cells; those of `ASKED_EVENTS` are read.
    values : mapping
        Name in the map to what its words mean.
    journal : Journal
        Takes cells that are neither yes nor no, and how many rows say no to everything.
    """
    asked = [name for name in ASKED_EVENTS if name in sources]
    if not asked:
        return dict(columns)
    first = sources[asked[0]]
    n_rows = len(first.values)
    happened = np.zeros(n_rows, dtype=np.int64)
    answered = np.zeros(n_rows, dtype=bool)
    for name in asked:
        truth = read_truth(
            sources[name],
            values.get(name, {}),
            journal,
        )
        yes = _plain(pc.fill_null(truth, False))
        word = ASKED_EVENTS[name]
        happened[yes] |= _bit(word)
        answered |= _plain(pc.is_valid(truth))
    if _ALL in columns:
        listed = columns[_ALL]
        happened |= _bits_of(listed)
        answered |= _plain(pc.is_valid(listed))
    nothing = answered & (happened == 0)
    # Nobody can tell from a no what the form does not ask.
    journal.counted(
        first,
        int(nothing.sum()),
        "noted",
        _NO_TO_ALL,
    )
    told = _words_of(happened)
    # Where no question has an answer nothing is known.
    known = pc.if_else(pa.array(answered), told, None)
    return {**columns, _ALL: known}


def _plain(truth: pa.Array) -> Bools:
    values = truth.to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=bool)


def _bit(word: str) -> int:
    place = _WORDS.index(word)
    return 1 << place


def all_events(cells: Iterable[str]) -> str:
    """The words of several cells in one; `none` only where nothing else is named.

    Parameters
    ----------
    cells : iterable of str
        Of `adverse_events`.

    Examples
    --------
    >>> all_events(["headache", "none", "nausea;headache"])
    'nausea;headache'
    """
    said = {word for cell in cells for word in cell.split(";")}
    named = [word for word in _WORDS if word in said]
    return ";".join(named) or _NONE


def _bits_of(cells: pa.Array) -> Ints:
    """One bit for each word of a cell."""
    coded = cells.dictionary_encode()
    bits = []
    for cell in coded.dictionary.to_pylist():
        words = set(cell.split(";")) - {_NONE}
        bits.append(sum(map(_bit, words)))
    # An empty cell takes the entry appended.
    places = pc.fill_null(coded.indices, len(bits))
    with_empty = np.array([*bits, 0], dtype=np.int64)
    return with_empty[places.to_numpy()]


def _words_of(bits: Ints) -> pa.Array:
    """The words of each row, in the order of the contract; `none` where there is no bit."""
    # Few combinations come in many rows.
    distinct, place = np.unique(bits, return_inverse=True)
    texts = []
    for one in distinct.tolist():
        words = [word for word in _WORDS if one & _bit(word)]
        texts.append(";".join(words) or _NONE)
    cells = pa.array(texts, pa.string())
    return cells.take(pa.array(place))
