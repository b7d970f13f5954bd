"""Sessions that stand beside each other in the row of their patient: session1_date, session2_date
and so on.
"""

from __future__ import annotations

import re
from typing import Final

from kettrack.importing.import_map import (
    TableMap,
    WideBlock,
)
from kettrack.importing.proposal.columns import (
    heading,
)
from kettrack.importing.proposal.facts import (
    mostly_measures,
)
from kettrack.importing.proposal.headings import (
    heading_of,
)
from kettrack.importing.proposal.other_tables import (
    session_part,
)
from kettrack.importing.proposal.table_columns import (
    TableColumns,
)
from kettrack.importing.proposal.when import When
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import (
    OpenQuestion,
    Remarks,
)
from kettrack.importing.source import DATE
from kettrack.privacy.identifying_names import (
    words_of,
)
from kettrack.privacy.identifying_people import (
    may_be_shown,
    shown,
)
from kettrack.vocabulary.heading_words import HEADINGS
from kettrack.vocabulary.score_headings import (
    OCCASION_WORDS,
    ORDINALS,
)

_FEWEST_DATES: Final = 2
_DOSE_WORDS: Final = frozenset(
    phrase[0] for phrase in HEADINGS["dose"] if len(phrase) == 1
)
_NOT_THERE: Final = "it is not in the file"
# Said once for a patient, they hold for all sessions of the row.
_OF_THE_ROW: Final = (
    "patient_id",
    "drug",
    "route",
    "weight_kg",
)


def has_wide_sessions(
    known: TableColumns,
) -> bool:
    """Whether a table has the dates of several sessions beside each other.

    Parameters
    ----------
    known : TableColumns
        The table.
    """
    return len(_dates(known)) >= _FEWEST_DATES


def wide_sessions(
    known: TableColumns,
    answers: Answers,
    remarks: Remarks,
) -> TableMap | None:
    """The part of the map that takes such sessions; None where there are none.

    Parameters
    ----------
    known : TableColumns
        The table.
    answers, remarks
        As for `propose`.
    """
    dates = _dates(known)
    if len(dates) < _FEWEST_DATES or not known.patient:
        return None
    if min(dates) > 1:
        first = _asked_first(known, dates, answers, remarks)
        # In front: the first session is day 0 of everything.
        dates = ({1: first} if first else {}) | dates
    names = dict.fromkeys(dates.values())
    blocks = [
        WideBlock(
            columns=names,
            dates={one: one for one in names},
            into=DATE,
        )
    ]
    doses = _doses(known)
    dosed = {doses[number]: dates[number] for number in doses if number in dates}
    if dosed:
        columns = dict.fromkeys(dosed)
        blocks.append(
            WideBlock(
                columns=columns,
                dates=dosed,
                into="dose_mg",
            )
        )
    # What is said once in a row is read as for a table with one session in it.
    asked = Remarks()
    row = session_part(known, When(), answers, asked)
    kept = {name: row.columns[name] for name in _OF_THE_ROW if name in row.columns}
    for question in asked.asked:
        # Nobody is asked about a column that stays unused.
        if question.key.split(".")[1] in kept:
            remarks.ask(question)
    units = {name: row.units[name] for name in kept if name in row.units}
    return TableMap(
        source=row.source,
        to=row.to,
        columns=kept | {"patient_id": known.patient},
        constants=row.constants,
        values={name: row.values[name] for name in kept if name in row.values},
        units=units | _unit_of_doses(known, dosed),
        wide=tuple(blocks),
    )


def _dates(known: TableColumns) -> dict[int, str]:
    """Number of a session to the column of its date, in the order of the sessions."""
    found: dict[int, str] = {}
    for facts in known.facts:
        number = _number_of_session(facts.name)
        if number is not None and facts.kind == "date":
            found.setdefault(number, facts.name)
    return dict(sorted(found.items()))


def _doses(known: TableColumns) -> dict[int, str]:
    found: dict[int, str] = {}
    for facts in known.facts:
        number = _number_of_session(facts.name)
        measured = facts.is_number or mostly_measures(facts)
        # "Session 1 dose" is no heading of a dose alone, and has its word.
        named = bool(_DOSE_WORDS & set(words_of(facts.name)))
        if number is not None and measured and named:
            found.setdefault(number, facts.name)
    return found


def _unit_of_doses(known: TableColumns, dosed: dict[str, str]) -> dict[str, str]:
    """The unit that all headings of doses name."""
    units = {heading(facts).unit for facts in known.facts if facts.name in dosed}
    one = "".join(units) if len(units) == 1 else ""
    return {"dose_mg": one} if one else {}


def _number_of_session(
    name: str,
) -> int | None:
    """The number of the session that a column is about; None where it is about none."""
    words = words_of(name)
    # "1st" comes as two words.
    numbers = [int(word) for word in words if re.fullmatch(r"\d{1,3}", word)]
    numbers += [ORDINALS[word] for word in words if word in ORDINALS]
    named = any(OCCASION_WORDS.get(word) == "session" for word in words)
    # trtdt1: one word for the date of a session.
    others = " ".join(word for word in words if not word.isdigit())
    named |= "session_date" in heading_of(others).meanings
    # "session 2 of 6" has two numbers, and could be about either.
    return numbers[0] if named and len(numbers) == 1 else None


def _asked_first(
    known: TableColumns,
    dates: dict[int, str],
    answers: Answers,
    remarks: Remarks,
) -> str:
    """The column with the date of the first session, where none says that it is."""
    others = [
        facts.name
        for facts in known.facts
        if facts.kind == "date" and facts.name not in dates.values()
    ]
    key = f"first_session.{shown(known.table.name, file=True)}"
    answer = answers.get(key, "")
    if answer in others:
        return answer
    if answer != _NOT_THERE:
        choices = (
            *filter(may_be_shown, others),
            _NOT_THERE,
        )
        question = OpenQuestion(
            key=key,
            asks=(
                f"Dates of sessions in {shown(known.table.name, file=True)!r} begin with number"
                f" {min(dates)}. Which column has the date of the first session?"
            ),
            choices=choices,
            why="Every day is counted from it.",
        )
        remarks.ask(question)
    return ""
