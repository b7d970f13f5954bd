"""The cells of one form: boxes joined, codes for "missing" taken out, what identifies left
behind.
"""

from __future__ import annotations

import re
from collections.abc import (
    Mapping,
    Sequence,
)
from dataclasses import (
    dataclass,
    field,
)
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import (
    Bools,
    Objects,
)
from kettrack.importing.redcap.dictionary import (
    DataDictionary,
    RedcapField,
)
from kettrack.importing.redcap.layout import written_in_name
from kettrack.privacy.identifying_words import words_in

_BOX: Final = "___"
_TICKED: Final = ("1", "checked")
# HL7 null flavours, which REDCap offers as codes for missing data. None of them is a number or
# the code of an answer.
_NULL_FLAVOURS: Final = words_in(
    "NI INV OTH NINF PINF UNC DER UNK ASKU NAV NASK NAVU QS TRC MSK NA NP"
)
_NUMBER: Final = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)")
# -9, -99, -888: numbers that projects take as codes for missing data.
_LIKE_A_CODE: Final = re.compile(r"-(?:[789]|(\d)\1+)")
_KINDS_LEFT: Final[Mapping[str, str]] = {
    "notes": "a field for notes holds free text",
    "file": "the field holds a file, no value",
    "signature": "the field holds a signature",
}
_IDENTIFYING: Final = ("email", "phone", "zip", "postalcode", "ssn", "mrn", "vmrn")


@dataclass(slots=True)
class FormCells:
    """The columns of one form in the rows in which it was filled.

    Parameters
    ----------
    columns : dict
        Field to text.
    labels, value_labels, reasons : dict
        As in `SourceTable`.
    left : dict
        Column that is left behind to why, and how many of its cells are filled.
    unknown : dict
        Field to how many of its cells hold what may be a code for "missing".
    labelled : bool, optional
        Whether the export has labels in place of codes; None where nothing tells.
    """

    columns: dict[str, pa.Array] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    value_labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    reasons: dict[str, pa.Array] = field(default_factory=dict)
    left: dict[str, tuple[str, int]] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    labelled: bool | None = None


def is_box(
    column: str,
) -> bool:
    """Tell whether a column is one box of a group of boxes."""
    return _BOX in column


def label_of_box(
    column: str,
    known: RedcapField | None,
) -> str:
    """The label of the choice that a box stands for; empty where it is not known.

    Examples
    --------
    >>> sex = RedcapField(name="drug", form="visit", choices={"-1": "none", "2": "ketamine"})
    >>> label_of_box("drug____1", sex), label_of_box("drug___2", None)
    ('none', '')
    """
    choices = known.choices if known else {}
    by_name = {written_in_name(code): label for code, label in choices.items()}
    return by_name.get(column.partition(_BOX)[2], "")


def ticked(
    column: pa.Array,
    label: str = "",
) -> Bools:
    """Tell in which rows a box is ticked; an export with labels writes the label of the choice."""
    words = pc.utf8_lower(pc.fill_null(column, ""))
    yes = pa.array([*_TICKED, *filter(None, [label.casefold()])])
    return pc.is_in(words, yes).to_numpy(zero_copy_only=False)


def form_cells(
    columns: Mapping[str, pa.Array],
    dictionary: DataDictionary,
    missing: frozenset[str],
) -> FormCells:
    """Make the columns of a form.

    Parameters
    ----------
    columns : mapping
        Field or box to its text in the rows of the form.
    dictionary : DataDictionary
        Of the project; may be empty.
    missing : frozenset of str
        Codes for "missing" that the owner named.
    """
    # Boxes of one question stand in as many columns as it has choices.
    made = FormCells()
    groups: dict[str, list[str]] = {}
    for name in columns:
        base = name.partition(_BOX)[0] if is_box(name) else name
        groups.setdefault(base, []).append(name)
    for base, names in groups.items():
        known = dictionary.field_of(base)
        why = _left_behind(known)
        filled = [len(columns[name]) - columns[name].null_count for name in names]
        if why:
            made.left[base] = (why, max(filled))
        elif is_box(names[0]):
            made.columns[base] = _joined_boxes(names, columns, known)
        else:
            _add_cells(made, base, columns[base], known, missing)
        if known and base in made.columns:
            made.labels[base] = known.label
    return made


def _left_behind(
    known: RedcapField | None,
) -> str:
    """Why a field is not used; empty where it may be."""
    if known is None:
        return ""
    if known.validation.startswith(_IDENTIFYING):
        return "by its kind in the data dictionary the field names a person or place"
    # Dates become days, and are forgotten; age needs the date of birth.
    if known.identifier and not known.is_date:
        return "the data dictionary calls the field an identifier"
    return _KINDS_LEFT.get(known.kind, "")


def _joined_boxes(
    names: Sequence[str],
    columns: Mapping[str, pa.Array],
    known: RedcapField | None,
) -> pa.Array:
    """The ticked boxes of each row, joined by `;`; null where none is."""
    n_rows = len(columns[names[0]])
    joined: Objects = np.full(n_rows, "", dtype=object)
    for name in names:
        label = label_of_box(name, known)
        # A minus cannot stand in a name: -1 was written as _1.
        word = label or re.sub("^_", "-", name.partition(_BOX)[2])
        here = ticked(columns[name], label)
        joined[here] += word.replace(";", ",") + ";"
    text = pa.array([word.rstrip(";") for word in joined], pa.string())
    return pc.if_else(pc.equal(text, ""), None, text)


def _add_cells(
    made: FormCells,
    name: str,
    column: pa.Array,
    known: RedcapField | None,
    missing: frozenset[str],
) -> None:
    coded = pc.dictionary_encode(column)
    words = coded.dictionary.to_pylist()
    says_nothing = [_says_nothing(word, known, missing) for word in words]
    made.unknown[name] = _n_unknown(coded, known, missing)
    if any(says_nothing):
        out = pc.is_in(column, pa.array(_chosen(words, says_nothing)))
        made.reasons[name] = pc.if_else(out, column, None)
        column = pc.if_else(out, None, column)
    made.columns[name] = column
    if known and known.choices:
        made.value_labels[name] = known.choices


def _chosen(
    words: Sequence[str],
    chosen: Sequence[bool],
) -> list[str]:
    return [word for word, one in zip(words, chosen, strict=True) if one]


def _says_nothing(
    word: str,
    known: RedcapField | None,
    missing: frozenset[str],
) -> bool:
    """Whether a cell holds a code for "missing" instead of a value."""
    if word in missing:
        return True
    # In free text NA may be a word; where only numbers or codes can stand it is none.
    closed = known is not None and (known.is_number or bool(known.choices))
    return closed and word in _NULL_FLAVOURS and word not in _answers(known)


def _answers(
    known: RedcapField | None,
) -> frozenset[str]:
    """What can stand in a field with choices: codes, and labels in an export with labels."""
    choices = known.choices if known else {}
    return frozenset(choices) | frozenset(choices.values())


def _n_unknown(
    coded: pa.DictionaryArray,
    known: RedcapField | None,
    missing: frozenset[str],
) -> int:
    """Cells that cannot be a value of their field, and that nobody has explained."""
    if known is None:
        return 0
    odd = []
    for word in coded.dictionary.to_pylist():
        if _says_nothing(word, known, missing):
            continue
        number = _NUMBER.fullmatch(word)
        if known.is_number:
            if not number or _LIKE_A_CODE.fullmatch(word):
                odd.append(word)
        # A branching question or a slip: only its owner knows what an unlisted code means.
        elif known.choices and word not in _answers(known):
            odd.append(word)
    here = pc.is_in(coded.cast(pa.string()), pa.array(odd, pa.string()))
    return int(pc.sum(pc.and_(here, coded.is_valid())).as_py() or 0)
