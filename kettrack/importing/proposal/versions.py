"""What a proposal asks with, and the version of a scale that its name leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kettrack.importing.proposal.table_columns import TableColumns
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remarks
from kettrack.vocabulary.score_headings import UNSURE

OTHER_VERSION: Final = "another version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What a proposal asks with.

    Parameters
    ----------
    answers : mapping
        To the questions of earlier runs.
    remarks : Remarks
        Takes new ones.
    sessions_are_dated : bool
        Whether another part of the source says on which day each session was.
    """

    answers: Answers
    remarks: Remarks
    sessions_are_dated: bool


def version_of(
    known: TableColumns,
    scale: str,
    asking: Asking,
) -> str:
    """The scale, asked for where its name leaves its version open; empty = none that is known.

    Parameters
    ----------
    known : TableColumns
        The table in which it stands.
    scale : str
        With a question mark where its version is open.
    asking : Asking
        Answers and questions.
    """
    if scale not in UNSURE:
        return scale
    likely = UNSURE[scale]
    short = scale.rstrip("?")
    question = OpenQuestion(
        key=f"version.{short}",
        asks=f"Which version of the {short} is in {known.table.name!r}?",
        choices=(likely, OTHER_VERSION),
        why="Versions differ in their cut-offs.",
    )
    answer = asking.remarks.answer(question, asking.answers)
    return "" if answer == OTHER_VERSION else likely
