"""Which adverse event a column of yes and no asks for."""

from __future__ import annotations

import re
from typing import Final

from kettrack.importing.proposal.facts import ColumnFacts
from kettrack.privacy.identifying_names import words_of
from kettrack.vocabulary.cell_words import word_meant
from kettrack.vocabulary.truth_words import truth_of


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Beside the name of an event they say that it is one, and not an illness of the patient.
OF_AN_EVENT: Final = _words(
    "ae aes adverse event events side effect effects during nebenwirkung nebenwirkungen effet"
    " effets secondaire secondaires efecto efectos"
)
_BESIDE: Final = OF_AN_EVENT | _words(
    "after post session infusion yes no yn y n ja nein oui non si"
)
_IN_BRACKETS: Final = re.compile(r"[(\[][^)\]]*[)\]]")


def event_asked_in(facts: ColumnFacts) -> str:
    """The adverse event that a heading names, where the column holds nothing but yes and no; empty
    where it does not.
    """
    # A column that may identify is not looked at more closely.
    if facts.finding is not None or facts.kind == "empty":
        return ""
    said = [truth_of(str(word)) for word in facts.as_words]
    # How bad it was is no yes and no.
    if None in said:
        return ""
    return _event_named(facts.name) or _event_named(facts.label)


def _event_named(text: str) -> str:
    words = words_of(_IN_BRACKETS.sub(" ", text))
    event = " ".join(word for word in words if word not in _BESIDE)
    return word_meant("adverse_events", event) or ""
