"""`kettrack deidentify`: tables with dates and record numbers to a cohort folder."""

from __future__ import annotations

from dataclasses import replace as replaced
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kettrack.cli.coding import (
    ExtractDate,
    KeyFile,
    LinkageFile,
    NewKeyFile,
    QuestionsOpen,
    Replace,
    ask_all,
    can_ask,
    chosen,
    day_of,
    tell_what_happened,
    write_links,
)
from kettrack.cli.cohorts import Allowed
from kettrack.cli.output import answer, say, working
from kettrack.errors import UsageError

if TYPE_CHECKING:
    from kettrack.importing.deidentify.deidentify import Deidentified
    from kettrack.importing.deidentify.options import Deidentification
    from kettrack.importing.remarks import OpenQuestion
    from kettrack.importing.source import SourceData

# Answers may open new questions, but no file needs as many rounds as this.
_MOST_ROUNDS = 20


def deidentify(
    raw: Annotated[
        Path | None,
        typer.Argument(
            help=(
                "Folder with sessions.csv and scores.csv (patients.csv, events.csv), or a"
                " workbook with such sheets. They have kettrack's column names, but `date`"
                " instead of `day`, and your record numbers as patient_id."
            )
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FOLDER", help="Cohort folder to make."),
    ] = None,
    key: KeyFile = None,
    new_key: NewKeyFile = None,
    extract_date: ExtractDate = "",
    linkage: LinkageFile = None,
    start_year: Annotated[
        bool,
        typer.Option("--start-year", help="Keep the year of each first session."),
    ] = False,
    allow: Allowed = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--answer", metavar="KEY=ANSWER", help="Answer a question. May be repeated."
        ),
    ] = None,
    replace: Replace = False,
) -> None:
    """Turn dates into days, and record numbers into codes.

    A cohort folder is made. Codes are random, or made with a secret key. Ages over 89 become
    one class, clinics get codes, and free text, times of day, places and names of staff do not
    go on. What is left is pseudonymised, not anonymous: keep it in the clinic.

    \b
    Examples:
      kettrack deidentify raw -o clinic --extract-date 2025-06-30
      kettrack deidentify raw -o clinic --new-key ~/kettrack.key
      kettrack deidentify raw -o clinic --key ~/kettrack.key --linkage ~/who.csv
      kettrack deidentify --new-key ~/kettrack.key
    """
    if raw is None and new_key is not None and output is None:
        _only_a_key(new_key)
        return
    if raw is None or output is None:
        raise UsageError(
            "Name what to read and the folder to make: kettrack deidentify RAW -o FOLDER."
        )
    # Before any work: a wrong place should not cost a minute.
    how = chosen(
        output,
        key=key,
        new_key=new_key,
        linkage=linkage,
        extract_date=day_of(extract_date),
        start_year=start_year,
        keep=tuple(allow or ()),
        replace=replace,
    )
    given = _given(answers or [])
    done = _made(raw, output, how, given, replace)
    write_links(done.linkage, linkage, output)
    answer(f"Wrote the cohort folder {output}. Next: kettrack report {output}")


def _only_a_key(path: Path) -> None:
    from kettrack.importing.deidentify.private_files import new_key

    new_key(path, None)
    answer(
        f"Wrote the key {path}. Only you can read it. Keep it apart from the data, and never lose"
        " it."
    )


def _given(answers: list[str]) -> dict[str, str]:
    """Key to answer."""
    given = {}
    for one in answers:
        key, sign, word = one.partition("=")
        if not sign:
            raise UsageError(
                "--answer needs the key of the question, = and the answer, such as"
                " --answer 'date_order.sessions.csv.date=day first'."
            )
        given[key.strip()] = word.strip()
    return given


def _made(
    raw: Path,
    output: Path,
    how: Deidentification,
    answers: dict[str, str],
    replace: bool,
) -> Deidentified:
    """Read, ask and write until nothing is open."""
    # Imported late: `--help` needs no Arrow.
    from kettrack.importing.contract_source import (
        read_contract_source,
        unused_columns,
    )
    from kettrack.importing.make import Destination, make_folder
    from kettrack.importing.proposal.propose import propose
    from kettrack.importing.remarks import Remarks

    into = Destination(folder=output, settings=_settings(raw), replace=replace)
    for turn in range(_MOST_ROUNDS):
        remarks = Remarks()
        with working(f"Reading {raw.name}"):
            source = read_contract_source(raw, answers, remarks)
        if turn == 0:
            _tell_unused(source)
        plan = propose(source, answers, remarks)
        plan = replaced(plan, unused=unused_columns(source))
        with working("Taking names and dates out"):
            done = make_folder(
                source,
                plan,
                how,
                into,
                remarks,
            )
        if done is not None:
            tell_what_happened(remarks)
            return done
        answers |= _asked(remarks.asked)
    raise UsageError("The answers led to more and more questions. Nothing was written.")


def _asked(questions: list[OpenQuestion]) -> dict[str, str]:
    """Answers of the person at the terminal; off it the command ends with the questions."""
    if can_ask():
        return ask_all(questions)
    first = questions[0]
    word = first.choices[0] if first.choices else "..."
    raise QuestionsOpen(
        questions,
        f"Answer with --answer and the key, such as: --answer '{first.key}={word}'",
    )


def _settings(raw: Path) -> str:
    """The settings that lie beside the tables; empty where there are none."""
    from kettrack.settings import SETTINGS_FILE

    path = raw / SETTINGS_FILE
    if not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8")
    # The tables that are written have kettrack's own names.
    if "[columns" in text:
        raise UsageError(
            f"{SETTINGS_FILE} gives columns other names. kettrack deidentify needs kettrack's own:"
            " rename the columns, or use kettrack import, which writes a map of them."
        )
    return text


def _tell_unused(source: SourceData) -> None:
    """What a person should look at: columns that do not go on."""
    from kettrack.importing.contract_source import unused_columns
    from kettrack.privacy.identifying_people import may_be_shown
    from kettrack.reading.problems import counted

    n_hidden = 0
    unused = unused_columns(source)
    for column, why in chain(*(columns.items() for columns in unused.values())):
        if may_be_shown(column):
            answer(f"- Not used: {column}: {why}.")
            continue
        n_hidden += 1
        # For the eyes of the person who sits there; a log or a file never holds it.
        say(f"- Not used: {column}: its name may be that of a person.")
    if n_hidden:
        columns = counted(n_hidden, "column")
        answer(f"- Not used: {columns} with a name that may be that of a person.")
