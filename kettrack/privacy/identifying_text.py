"""Text that a clinic writes into its settings: what in it could identify somebody."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from kettrack.privacy.identifying_numbers import personal_numbers
from kettrack.privacy.identifying_people import full_names, titled
from kettrack.privacy.identifying_shapes import (
    DATE_IN_TEXT,
    IN_TEXT,
    matches,
    telephone,
)

# Where a publication is named, its web address, its day and its authors belong there.
_OF_PUBLICATIONS: Final = ("a web address", "a calendar date")
_BORN: Final = r"(?i)\b(?:born|birth|dob|mrn|geboren|geb\.|née?|nacid[oa]|nat[oa] il)\b"
_LONG_RUN: Final = r"\b(?:\d[ ./-]?){7,}\d\b"
_YEARS: Final = r"\b(?:19|20)\d\d ?[-–/] ?(?:19|20)\d\d\b"
# What to write instead, for every message.
HOW_TO_NAME_DATA: Final = (
    "name the data without day, person or number, such as"
    ' "all patients to the end of 2025"'
)


def reason_in_text(text: str, publication: bool = False) -> str | None:
    """Say what in a text could identify somebody, None where nothing does.

    Parameters
    ----------
    text : str
        As written; never part of the answer.
    publication : bool
        Whether the text names a source, which has authors, a day and a web address.

    Examples
    --------
    >>> reason_in_text("all patients to the end of 2025") is None
    True
    >>> reason_in_text("exported on 1 May 2025"), reason_in_text("patients of Dr. Example")
    ('a calendar date', "a person's name")
    """
    words = np.array([text], dtype=object)
    for what, pattern in IN_TEXT:
        belongs = publication and what in _OF_PUBLICATIONS
        if not belongs and matches(words, pattern, whole=False).any():
            return what
    if publication:
        return None
    if matches(words, DATE_IN_TEXT, whole=False).any():
        return "a calendar date"
    if re.search(_BORN, text):
        return "what is known of one person"
    if (titled(words) | full_names(words)).any():
        return "a person's name"
    return _long_number(text)


def _long_number(text: str) -> str | None:
    """What a run of eight digits or more is: nothing that says what data these are."""
    rest = re.sub(_YEARS, " ", text)
    runs = np.array(re.findall(_LONG_RUN, rest), dtype=object)
    words = np.array([word.strip(".,;:()") for word in rest.split()], dtype=object)
    for numbers in (runs, words):
        found = personal_numbers(numbers, codes=True)
        if found:
            return found[0].what
    if not len(runs):
        return None
    return "a telephone number" if telephone(runs).any() else "a long number"
