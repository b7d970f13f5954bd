"""Forms whose questions stand in full in the headings, as the sheets of online forms have them.

They are told by their answers in words, and by how many questions there are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from kettrack.importing.proposal.facts import (
    ColumnFacts,
)
from kettrack.vocabulary.cdisc_words import (
    CDISC_ANSWERS,
)
from kettrack.vocabulary.instruments import (
    GAD7,
    PHQ9,
)

_ANSWERS: Final = frozenset(CDISC_ANSWERS[PHQ9.name])
# Two scales have these answers, and differ in the number of their questions.
_SCALES: Final = {len(scale.item_maxima): scale.name for scale in (PHQ9, GAD7)}
# "3 - Nearly every day", "Nearly every day (3)"
_CODE: Final = re.compile(r"^\s*\(?\d\)?\s*[-–:=.]?\s*|\s*\(\d\)\s*$")
_NUMBER: Final = re.compile(r"\s*(?:q|question|item)?\s*(\d{1,2})\b", re.IGNORECASE)


def questions_of_forms(
    columns: Sequence[ColumnFacts],
) -> dict[str, tuple[str, int]]:
    """Columns of such forms: name to the scale and the number of the item.

    Parameters
    ----------
    columns : sequence of ColumnFacts
        All columns of a table, in their order.
    """
    found: dict[str, tuple[str, int]] = {}
    for form in _forms(columns):
        scale = _SCALES.get(len(form), "")
        if scale:
            found |= {
                facts.name: (scale, item) for item, facts in enumerate(form, start=1)
            }
    return found


def _forms(
    columns: Sequence[ColumnFacts],
) -> list[list[ColumnFacts]]:
    """Columns side by side with such answers; where their numbers begin anew, another form does."""
    forms: list[list[ColumnFacts]] = [[]]
    for facts in columns:
        if not _has_answers(facts):
            forms.append([])
            continue
        # A form is begun by its question 1, whatever stands before it.
        if _number(facts) == 1 or _is_full(forms[-1]):
            forms.append([])
        forms[-1].append(facts)
    return [form for form in forms if form]


def _is_full(
    form: Sequence[ColumnFacts],
) -> bool:
    # Without numbers nothing tells where PHQ-9 ends and GAD-7 begins, but that no form is longer.
    unnumbered = all(_number(facts) is None for facts in form)
    return unnumbered and len(form) == max(_SCALES)


def _number(
    facts: ColumnFacts,
) -> int | None:
    found = _NUMBER.match(facts.name)
    return int(found[1]) if found else None


def _has_answers(
    facts: ColumnFacts,
) -> bool:
    if facts.kind != "text" or not len(facts.levels):
        return False
    answers = {_CODE.sub("", word).strip().casefold() for word in facts.as_words}
    return answers <= _ANSWERS
