"""Columns that say what kind of visit a row is: which of them are sessions."""

from __future__ import annotations

from typing import Final, Literal

from kettrack.importing.proposal.facts import ColumnFacts
from kettrack.importing.proposal.table_columns import TableColumns
from kettrack.importing.proposal.words import words_of_many
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remark, Remarks
from kettrack.vocabulary.cell_words import plain, word_meant
from kettrack.vocabulary.heading_words import TABLE_WORDS, VISIT_WORDS

YES: Final = "yes"
NO: Final = "no"
_KINDS: Final = TABLE_WORDS["sessions"] | VISIT_WORDS
# Beside a kind of visit these say which one of several it is.
_BESIDE: Final = frozenset(
    ["visit", "no", "number", "up", "week", "month", "day", "the", "of", "new"]
    + ["patient", "initial", "office", "first", "psychiatric", "appointment", "termin"]
)
_Kind = Literal["session", "visit", ""]


def visits_with_sessions(
    known: TableColumns,
    answers: Answers,
    remarks: Remarks,
) -> tuple[str, tuple[str, ...]]:
    """The column of visits some of which are sessions, and the words of these.

    Parameters
    ----------
    known : TableColumns
        The table.
    answers : mapping
        `visit.TABLE.WORD` says whether a word is a session.
    remarks : Remarks
        Takes the questions about words that are neither.
    """
    for facts in known.fits.get("occasion", []):
        kinds = {
            str(level): _kind(known, str(level), word, answers)
            for level, word in zip(facts.levels, facts.as_words, strict=True)
        }
        sessions = sorted(level for level, kind in kinds.items() if kind == "session")
        # Where every row is a session, or none, the column does not tell them apart.
        if sessions and len(sessions) < len(kinds):
            unknown = [level for level, kind in kinds.items() if not kind]
            _ask_of_visits(known, facts, unknown, remarks)
            return facts.name, tuple(sessions)
    return "", ()


def _kind(
    known: TableColumns,
    level: str,
    word: str,
    answers: Answers,
) -> _Kind:
    answer = answers.get(f"visit.{known.table.name}.{level}", "")
    if answer:
        return "session" if answer == YES else "visit"
    parts = set(plain(word).split())
    # A word that is not known could be a name, and must not get into the map.
    rest = {part for part in parts - _KINDS - _BESIDE if not part.isdigit()}
    if any(word_meant("route", part) is None for part in rest):
        return ""
    if parts & TABLE_WORDS["sessions"]:
        return "session"
    return "visit" if parts & VISIT_WORDS else ""


def _ask_of_visits(
    known: TableColumns,
    facts: ColumnFacts,
    unknown: list[str],
    remarks: Remarks,
) -> None:
    shown = words_of_many(known.table, facts.name, known.patient, unknown)
    for word in shown:
        question = OpenQuestion(
            key=f"visit.{known.table.name}.{word}",
            asks=(
                f"Is a row with {word!r} in column {facts.name!r} of {known.table.name!r} a"
                " session?"
            ),
            choices=(YES, NO),
            why="Sessions are counted; other visits are not.",
        )
        remarks.ask(question)
    hidden = set(unknown) - set(shown)
    counts = zip(facts.levels, facts.counts, strict=True)
    n_hidden = sum(int(count) for level, count in counts if level in hidden)
    if n_hidden:
        remark = Remark(
            file=known.table.file,
            table=known.table.name,
            column=facts.name,
            action="noted",
            reason=(
                "the column does not say in a known word whether these rows are sessions; they are"
                " not taken for sessions"
            ),
            count=n_hidden,
        )
        remarks.add(remark)
