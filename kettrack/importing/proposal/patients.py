"""Which column of each table tells patients apart: the one whose codes the other tables share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from kettrack.importing.proposal.columns import strength_of
from kettrack.importing.proposal.facts import ColumnFacts
from kettrack.importing.proposal.table_columns import TableColumns
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remarks
from kettrack.privacy.identifying_names import words_of
from kettrack.privacy.identifying_words import PEOPLE

_NO_SUCH: Final = "no column"
# Of a person; a record or a case may also be a row.
_OF_PERSONS: Final = PEOPLE | frozenset(
    {
        "chart",
        "dossier",
        "ipp",
        "mrn",
        "nhc",
        "pat",
        "pid",
        "pt",
        "subj",
        "subjectkey",
        "usubjid",
    }
)
_ID: Final = "patient_id"


def with_patients(
    told: Sequence[TableColumns],
    answers: Answers,
    remarks: Remarks,
) -> list[TableColumns]:
    """Tables with the column that tells patients apart, asked for where nothing says it.

    Parameters
    ----------
    told : sequence of TableColumns
        All tables of the source.
    answers, remarks
        As for `propose`.
    """
    named = [
        replace(known, named=_named(known, told, answers, remarks)) for known in told
    ]
    found = {one.named: one for one in named if one.named}
    asked: list[TableColumns] = []
    return [
        one
        if one.named
        else replace(one, named=_as_elsewhere(one, found, asked, answers, remarks))
        for one in named
    ]


def _named(
    known: TableColumns,
    told: Sequence[TableColumns],
    answers: Answers,
    remarks: Remarks,
) -> str:
    answer = answers.get(f"{_ID}.{known.table.name}", "")
    if answer in known.table.data.column_names:
        return answer
    codes = known.codes
    if not codes:
        return ""
    others = [one for one in told if one is not known]
    ranked = sorted(codes, key=lambda one: _rank(one, others), reverse=True)
    best = ranked[0]
    alike = [one.name for one in ranked if _rank(one, others) == _rank(best, others)]
    if len(alike) > 1 and not answer:
        _ask(known, alike, remarks)
    return best.name


def _as_elsewhere(
    known: TableColumns,
    found: Mapping[str, TableColumns],
    asked: list[TableColumns],
    answers: Answers,
    remarks: Remarks,
) -> str:
    """The column of the name that tells patients apart in another table, with some of its codes;
    asked for where there is none.

    Parameters
    ----------
    known, found
        The table, and those whose column is known, by its name.
    asked : list of TableColumns
        Tables that were asked about, this one among them then.
    answers, remarks
        As for `propose`.
    """
    if f"{_ID}.{known.table.name}" in answers:
        return ""
    for one in known.facts:
        other = found.get(one.name)
        if other is not None and _shares(one, other):
            return one.name
    telling = known.scores or known.speaks_of_sessions
    choices = set(known.may_be_patients)
    # The answer for a table that has the same column tells it for this one, too.
    told = [
        one
        for one in known.facts
        for other in asked
        if one.name in choices & set(other.may_be_patients) and _shares(one, other)
    ]
    if choices and telling and not told:
        _ask(known, known.may_be_patients, remarks)
        asked.append(known)
    return ""


def _shares(
    facts: ColumnFacts,
    other: TableColumns,
) -> bool:
    """Whether a column holds codes that stand in the column of its name in another table, too."""
    theirs = next(one for one in other.facts if one.name == facts.name)
    return bool(set(facts.levels) & set(theirs.levels))


def _rank(
    facts: ColumnFacts,
    others: Sequence[TableColumns],
) -> tuple[float, bool, float, float]:
    """How well a column tells patients apart, the more the better."""
    own = set(facts.levels)
    shared = [
        len(own & set(code.levels)) / max(len(own), 1)
        for other in others
        for code in other.codes
    ]
    of_person = bool(set(words_of(facts.name)) & _OF_PERSONS)
    # The number of a row is another one in each row; a patient comes back.
    rows_each = facts.n / max(len(facts.levels), 1)
    strength = strength_of(_ID, facts)
    return round(max(shared, default=0.0), 1), of_person, strength, rows_each


def _ask(
    known: TableColumns,
    choices: Sequence[str],
    remarks: Remarks,
) -> None:
    question = OpenQuestion(
        key=f"{_ID}.{known.table.name}",
        asks=f"Which column of {known.table.name!r} tells patients apart?",
        choices=(*choices, _NO_SUCH),
        why=(
            "Sessions and scores of a patient are joined by it. It becomes a code; two people"
            " of one name would become one."
        ),
    )
    remarks.ask(question)
