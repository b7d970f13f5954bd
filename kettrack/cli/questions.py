"""Questions of an import: asked at a terminal, listed off it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from kettrack.errors import KettrackError
from kettrack.escapes import in_terminal

if TYPE_CHECKING:
    from kettrack.importing.remarks import OpenQuestion


class QuestionsOpen(KettrackError):
    """The source leaves something open that only a person can answer.

    Parameters
    ----------
    questions : sequence of OpenQuestion
        All of them.
    way_on : str
        How to answer, printed last.
    """

    def __init__(
        self,
        questions: Sequence[OpenQuestion],
        way_on: str,
    ) -> None:
        self.questions = list(questions)
        number = len(questions)
        lines = [f"{number} question{'s are' if number != 1 else ' is'} open:"]
        for one in questions:
            lines += _listed(one)
        super().__init__("\n".join([*lines, way_on]))


def _listed(
    question: OpenQuestion,
) -> list[str]:
    lines = [f"- {question.asks}"]
    if question.why:
        lines.append(f"  {question.why}")
    lines.append(f"  {question.key} = {' | '.join(question.choices) or '...'}")
    return lines


def can_ask() -> bool:
    """Whether a person sits at the terminal and can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_all(
    questions: Sequence[OpenQuestion],
) -> dict[str, str]:
    """Ask one question after the other on standard error.

    Parameters
    ----------
    questions : sequence of OpenQuestion
        In order.

    Returns
    -------
    dict
        Key to answer.
    """
    return {one.key: _asked(one) for one in questions}


def _asked(
    question: OpenQuestion,
) -> str:
    # On standard error, so that a file made with `>` holds only the answer.
    typer.echo(in_terminal(f"\n{question.asks}"), err=True)
    if question.why:
        typer.echo(in_terminal(f"  {question.why}"), err=True)
    for place, choice in enumerate(question.choices, start=1):
        typer.echo(in_terminal(f"  {place}  {choice}"), err=True)
    while True:
        given = str(typer.prompt("Answer", err=True)).strip()
        # A slip of the finger should not cost the whole run.
        answer = _chosen(given, question.choices)
        if answer:
            return answer
        typer.echo("Type the number of one of the choices.", err=True)


def _chosen(
    given: str,
    choices: Sequence[str],
) -> str:
    """The choice that a number or word stands for; empty where there is none."""
    if not choices:
        return given
    if given.isdigit() and 1 <= int(given) <= len(choices):
        return choices[int(given) - 1]
    return next((one for one in choices if one.casefold() == given.casefold()), "")
