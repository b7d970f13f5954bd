"""What commands share that take record numbers and dates out: their options and what is told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kettrack.cli.output import answer
from kettrack.errors import KettrackError, UsageError
from kettrack.escapes import in_terminal

if TYPE_CHECKING:
    import pyarrow as pa

    from kettrack.importing.deidentify.options import Deidentification
    from kettrack.importing.remarks import OpenQuestion, Remarks


_MOST_REASONS = 12

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="Secret key: the same patient gets the same code every time.",
    ),
]
NewKeyFile = Annotated[
    Path | None,
    typer.Option(
        "--new-key",
        metavar="FILE",
        help="Make a secret key, and use it. Keep it outside of the folder.",
    ),
]
ExtractDate = Annotated[
    str,
    typer.Option(
        "--extract-date",
        metavar="YYYY-MM-DD",
        help="Day to which the logs are complete. It is used and forgotten.",
    ),
]
LinkageFile = Annotated[
    Path | None,
    typer.Option(
        "--linkage",
        metavar="FILE",
        help="Write which code is whom, for your eyes alone.",
    ),
]
Replace = Annotated[
    bool,
    typer.Option("--replace", help="Replace a FOLDER that an import has made."),
]


def day_of(text: str) -> date | None:
    """The day that --extract-date names; None where it was not given.

    Raises
    ------
    UsageError
        When it is no day, or one in the future.
    """
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            "--extract-date needs a day written as 2025-06-30: year, month, day."
        ) from None
    # In some places of the world it is tomorrow already.
    tomorrow = datetime.now().astimezone().date() + timedelta(days=1)
    if day > tomorrow:
        raise UsageError(
            "--extract-date lies in the future. No log can be complete to that day."
        )
    return day


def chosen(
    output: Path,
    *,
    key: Path | None,
    new_key: Path | None,
    linkage: Path | None,
    extract_date: date | None,
    replace: bool,
    start_year: bool = False,
    keep: tuple[str, ...] = (),
) -> Deidentification:
    """What the options ask for, every place looked at before any work.

    Parameters
    ----------
    output : Path
        The cohort folder.
    key, new_key, linkage, extract_date, replace, start_year, keep
        As given.

    Raises
    ------
    UsageError
        When a file cannot be read or written there.
    """
    # Imported late: `--help` needs no Arrow.
    from kettrack.importing.deidentify.options import Deidentification
    from kettrack.importing.deidentify.private_files import (
        new_key as make_key,
    )
    from kettrack.importing.deidentify.private_files import (
        read_key,
        require_new_linkage,
    )
    from kettrack.importing.folder import require_place

    if key is not None and new_key is not None:
        raise UsageError("--key uses a key and --new-key makes one: name one of them.")
    require_place(output, replace)
    if linkage is not None:
        require_new_linkage(linkage, output)
    secret = None
    if key is not None:
        secret = read_key(key, output)
    if new_key is not None:
        secret = make_key(new_key, output)
    return Deidentification(
        key=secret,
        extract_date=extract_date,
        start_year=start_year,
        keep=keep,
    )


def write_links(
    linkage: pa.Table,
    path: Path | None,
    output: Path,
) -> None:
    """Write which code is whom, where it was asked for; it is never printed."""
    if path is None:
        return
    from kettrack.importing.deidentify.private_files import write_linkage

    write_linkage(linkage, path, output)
    answer(f"Wrote {path}: it says which code is whom. Only you can read it.")


def tell_what_happened(
    remarks: Remarks,
) -> None:
    """Every kind of thing that was left out or changed, with its count."""
    from kettrack.reading.import_remarks import COLUMN_NOT_USED
    from kettrack.reading.problems import counted

    told: dict[tuple[str, str, str], int] = {}
    unused = 0
    for one in remarks.said:
        if one.reason.startswith(COLUMN_NOT_USED):
            unused += 1
            continue
        kind = (one.action, "cell" if one.column else "row", one.reason)
        told[kind] = told.get(kind, 0) + one.count
    # What changed nothing comes last.
    most = sorted(told.items(), key=lambda item: (item[0][0] == "noted", -item[1]))
    for (action, unit, reason), count in most[:_MOST_REASONS]:
        answer(f"- {counted(count, unit)} {action}: {reason}")
    if len(most) > _MOST_REASONS:
        answer(f"- and {len(most) - _MOST_REASONS} more kinds, in import_problems.csv")
    if unused:
        # Why stands beside each of them in the list above.
        answer(f"- {counted(unused, 'column')} not used: see the list above")


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
