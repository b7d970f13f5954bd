"""The day of a row: its date, or a number of days, weeks or months, or a word for a visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kettrack.importing.import_map import TableMap
from kettrack.importing.proposal.columns import strength_of
from kettrack.importing.proposal.facts import ColumnFacts
from kettrack.importing.proposal.score_columns import NamedOccasion, occasion_in
from kettrack.importing.proposal.table_columns import TableColumns
from kettrack.importing.proposal.words import words_of_many
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remarks
from kettrack.importing.source import DATE, SESSION_NUMBER
from kettrack.vocabulary.days import DAYS_IN_WEEK

# What a column of whole numbers may count.
_COUNTED: Final = ("days", "weeks", "months", "sessions", "something else")
_UNITS: Final[Mapping[str, str]] = {"week": "weeks", "month": "months"}
_MOST_ASKED: Final = 12
_DAYS_IN_MONTH: Final = 365.25 / 12


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """How the rows of a table say their day.

    Parameters
    ----------
    columns : mapping
        `date`, `day` or `session_number` to its source column; empty where nothing says it.
    units, values : mapping
        As in `TableMap`.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def part(
        self,
        known: TableColumns,
        to: str,
        columns: Mapping[str, str],
        constants: Mapping[str, str],
    ) -> TableMap:
        """A part of the map with the day of its rows.

        Parameters
        ----------
        known : TableColumns
            The table.
        to : str
            Table of the contract.
        columns, constants : mapping
            As in `TableMap`; `columns` holds the day already.
        """
        dated = DATE in columns
        return TableMap(
            source=known.table.name,
            to=to,
            columns={"patient_id": known.patient, **columns},
            constants=constants,
            # Beside a date the counter of visits says nothing more.
            units={} if dated else dict(self.units),
            values={} if dated else dict(self.values),
        )


def when_of(
    known: TableColumns,
    to: str,
    answers: Answers,
    remarks: Remarks,
) -> When:
    """Find how the rows of a table say their day.

    Parameters
    ----------
    known : TableColumns
        The table.
    to : str
        Table of the contract; sessions and scores may have dates of their own.
    answers, remarks
        As for `propose`.
    """
    # The date of the other table is better than none.
    own = {"sessions": "session_date", "scores": "score_date"}.get(to, "")
    for meaning in (own, DATE, *({"session_date", "score_date"} - {own})):
        if known.best(meaning):
            column = _one_date(known, meaning, answers, remarks)
            return When(columns={DATE: column})
    if known.best("day"):
        return When(columns={"day": known.best("day")})
    for meaning, unit in _UNITS.items():
        if known.best(meaning):
            return When(columns={"day": known.best(meaning)}, units={"day": unit})
    if known.best("session_number"):
        return When(columns={SESSION_NUMBER: known.best("session_number")})
    visits = known.fits.get("occasion", [])
    return _by_visit(known, visits[0], answers, remarks) if visits else When()


def _one_date(
    known: TableColumns,
    meaning: str,
    answers: Answers,
    remarks: Remarks,
) -> str:
    """The column of dates, asked for where several fit equally well."""
    fits = known.fits[meaning]
    best = strength_of(meaning, fits[0])
    alike = [one.name for one in fits if strength_of(meaning, one) == best]
    if len(alike) == 1:
        return alike[0]
    question = OpenQuestion(
        key=f"date.{known.table.name}",
        asks=f"Which column of {known.table.name!r} says when it took place?",
        choices=tuple(alike),
        why="Days are counted from the date of the first session.",
    )
    return remarks.answer(question, answers) or alike[0]


def _by_visit(
    known: TableColumns,
    facts: ColumnFacts,
    answers: Answers,
    remarks: Remarks,
) -> When:
    if facts.is_number:
        return _counted(known, facts, answers, remarks)
    days: dict[str, str] = {}
    unknown = []
    for level, word in zip(facts.levels, facts.as_words, strict=True):
        answered = answers.get(f"day.{known.table.name}.{level}")
        day = answered or _day_of_words(occasion_in(word))
        if day is None:
            unknown.append(level)
        else:
            days[str(level)] = day
    # A word that was not understood may be anything, also a name.
    shown = words_of_many(known.table, facts.name, known.patient, unknown)
    if len(shown) <= _MOST_ASKED and days:
        for word in shown:
            remarks.ask(_which_day(known, facts.name, str(word)))
    return When(columns={"day": facts.name}, values={"day": days}) if days else When()


def _day_of_words(
    occasion: NamedOccasion | None,
) -> str | None:
    if occasion is None:
        return None
    if occasion.unit == "start":
        return "0"
    days = {"day": 1.0, "week": float(DAYS_IN_WEEK), "month": _DAYS_IN_MONTH}
    per = days.get(occasion.unit)
    return None if per is None else str(round(occasion.number * per))


def _which_day(
    known: TableColumns,
    column: str,
    word: str,
) -> OpenQuestion:
    return OpenQuestion(
        key=f"day.{known.table.name}.{word}",
        asks=(
            f"Which day is {word!r} in column {column!r} of {known.table.name!r}? Day 0 is that of"
            " the first session; 14 is two weeks later."
        ),
        why="A score needs its day.",
    )


def _counted(
    known: TableColumns,
    facts: ColumnFacts,
    answers: Answers,
    remarks: Remarks,
) -> When:
    """A column of whole numbers that does not say what it counts."""
    question = OpenQuestion(
        key=f"counts.{known.table.name}.{facts.name}",
        asks=(
            f"What does column {facts.name!r} of {known.table.name!r} count, from the first"
            " session on?"
        ),
        choices=_COUNTED,
        why="A score needs its day.",
    )
    answer = remarks.answer(question, answers)
    if answer == "sessions":
        return When(columns={SESSION_NUMBER: facts.name})
    if answer in _COUNTED[:3]:
        return When(columns={"day": facts.name}, units={"day": answer})
    return When()
