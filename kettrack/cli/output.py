"""Where a command's answer and its messages go."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from kettrack.errors import NotIdentified, UsageError
from kettrack.escapes import in_terminal
from kettrack.writing import (
    TABLE_ENDINGS,
    csv_text,
    write_table,
    write_table_in_parts,
)

if TYPE_CHECKING:
    import pandas as pd

    from kettrack.reading.cohort import Cohort
    from kettrack.result import Result


def say(message: str) -> None:
    """Print a message for a person: on standard error, and only at a terminal."""
    # In a script or a log nobody reads progress; there it would only be noise.
    if sys.stderr.isatty():
        typer.echo(in_terminal(message), err=True)


_steps: list[str] = []  # what is being done, and within it what


def current_step() -> str:
    """What the command does, or did last, in words; empty before the first step."""
    return _steps[-1] if _steps else ""


def forget_steps() -> None:
    """Begin a run: what an earlier one in this process did is no step of it."""
    _steps.clear()


@contextmanager
def step(message: str) -> Iterator[None]:
    """Name what is being done, for the message of an error that comes up from it."""
    n_before = len(_steps)
    _steps.append(message)
    yield
    # After an error it stays, and is told.
    del _steps[n_before:]


@contextmanager
def working(message: str, total: int | None = None) -> Iterator[Callable[[], None]]:
    """A bar on standard error while something runs, at a terminal only; without a total it only
    shows that work goes on.
    """
    with step(message):
        if not sys.stderr.isatty():
            yield lambda: None
            return
        # rich takes a tenth of a second to import, and most runs need no bar.
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            # Words in square brackets would be taken for a colour.
            task = bar.add_task(escape(in_terminal(message)), total=total)
            yield lambda: bar.advance(task)


def buffer_standard_output() -> None:
    """Let standard output take long texts whole, or say that it cannot.

    With PYTHONUNBUFFERED, which containers set, Python drops without an error what did not fit on a
    full disk (CPython issue 85393).
    """
    was = sys.stdout
    # What somebody else has put in its place is left alone.
    if was is not sys.__stdout__ or not isinstance(was, io.TextIOWrapper):
        return
    if not isinstance(was.buffer, io.RawIOBase):
        return
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(was.buffer),
        encoding=was.encoding,
        errors=was.errors,
        line_buffering=True,
    )


def answer(text: str) -> None:
    """Print the answer itself on standard output."""
    typer.echo(in_terminal(text))


def answer_rows(frame: pd.DataFrame, header: bool = True) -> None:
    """Print rows as CSV on standard output: to another program as they are, at a terminal without
    signs that it would obey.

    Parameters
    ----------
    frame : DataFrame
        The rows.
    header : bool
        Whether the names of the columns stand above them.
    """
    text = csv_text(frame, header).rstrip("\n")
    shown = in_terminal(text) if sys.stdout.isatty() else text
    # Without `color`, typer would take out what looks like a colour.
    typer.echo(shown, color=True)


def check_output(
    output: Path | None,
    folder: Path | None,
    endings: tuple[str, ...] = TABLE_ENDINGS,
) -> None:
    """Refuse an output file that could not be written, before any work is done.

    Parameters
    ----------
    output : Path, optional
        As given with -o.
    folder : Path, optional
        The cohort folder that the command reads; None where it reads none.
    endings : tuple of str
        Those the command writes.

    Raises
    ------
    UsageError
        For an unknown ending, a folder that does not exist, or an input of the cohort folder.
    """
    if output is None:
        return
    # The ending says in which format to write.
    if output.suffix.lower() not in endings:
        raise UsageError(
            f"{output.name!r} does not end in {' or '.join(endings)}. The ending says how it is"
            " written."
        )
    check_place(output, folder)


def refused(result: Result, output: Path | None) -> NotIdentified:
    """A refusal as the error that ends a command; where a file was asked for, it says that none was
    written.

    Parameters
    ----------
    result : Result
        Refused.
    output : Path, optional
        The file that was asked for; None where there was none, or where it holds the refusal.
    """
    from kettrack.vocabulary.plain_words import readable

    told = readable(str(NotIdentified(result.reason, result.collect)))
    if output is None:
        return NotIdentified(told)
    unwritten = f"{told} {str(output)!r} was not written."
    if output.exists():
        unwritten += " The file of that name is from an earlier run."
    return NotIdentified(unwritten)


def check_place(output: Path, folder: Path | None) -> None:
    """Refuse an output file in no folder, or in place of a folder or of an input.

    Raises
    ------
    UsageError
        Naming the folder or the file.
    """
    # `-o clinic` for `-o clinic/table.csv` is a common slip.
    if output.is_dir():
        raise UsageError(f"{str(output)!r} is a folder. Name a file in it.")
    if not output.absolute().parent.is_dir():
        raise UsageError(
            f"There is no folder {str(output.parent)!r} to write {output.name!r} in."
            " Make it first, or name another."
        )
    if folder is not None:
        _spare_the_input(folder, output)


def require_new_folder(folder: Path) -> None:
    """Refuse to write into a folder that holds anything: what is made must never take the place of
    what a person has.

    Raises
    ------
    UsageError
        Naming the folder.
    """
    if folder.is_file():
        raise UsageError(f"{str(folder)!r} is a file. Name a new folder.")
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(
            f"{str(folder)!r} already exists and is not empty. Name a new folder."
        )


def _spare_the_input(folder: Path, output: Path) -> None:
    """Refuse an output that would take the place of an input file of the cohort folder, also by way
    of a link.

    Raises
    ------
    UsageError
        Naming the file.
    """
    from kettrack.settings import SETTINGS_FILE
    from kettrack.vocabulary.columns import TABLES

    home = folder.resolve()
    inputs = {SETTINGS_FILE}
    for ending in TABLE_ENDINGS:
        inputs |= {f"{name}{ending}" for name in TABLES}
    # The path as written and where its links lead: either may name an input. Some file systems do
    # not tell capital letters from small ones.
    as_written = output.parent.resolve() / output.name
    as_linked = output.resolve()
    taken = any(
        path.parent == home and path.name.casefold() in inputs
        # Names of tables that are not there are taken too: the next run would read the file as
        # input.
        for path in (as_written, as_linked)
    )
    if taken or any(_same_file(output, home / name) for name in inputs):
        raise UsageError(
            f"{str(output)!r} is an input of the cohort folder, or has the name of one. Name"
            " another file."
        )


def _same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, as hard links do."""
    # A file that is not there yet shares nothing with another.
    if not one.exists() or not other.exists():
        return False
    return one.samefile(other)


def write_rows(frame: pd.DataFrame, cohort: Cohort, output: Path | None) -> None:
    """Pass rows through the disclosure gate, then to the file or, as CSV, to standard output."""
    from kettrack.privacy.disclosure import gate_rows
    from kettrack.privacy.policies import get_policy

    policy = cohort.settings.policy
    # Rows of single patients leave only through the gate.
    rows = gate_rows(frame, policy)
    say(get_policy(policy).banner)
    if output is None:
        answer_rows(rows)
        return
    write_table(rows, output)
    plural = "s" if len(rows) != 1 else ""
    say(f"Wrote {len(rows):,} row{plural} to {output}.")


def write_rows_in_parts(
    frames: Iterable[pd.DataFrame],
    policy: str,
    output: Path | None,
    advance: Callable[[], None],
) -> None:
    """Pass rows that come part by part through the disclosure gate, then to one file or to standard
    output.

    Parameters
    ----------
    frames : iterable of DataFrame
        With the same columns.
    policy : str
        In force.
    output : Path, optional
        As given with -o.
    advance : callable
        Called after each part.
    """
    import pandas as pd

    from kettrack.privacy.disclosure import gate_rows
    from kettrack.privacy.policies import get_policy

    # Told before the work: nothing of it could be written.
    gate_rows(pd.DataFrame(), policy)
    say(get_policy(policy).banner)
    gated = _passed(frames, policy, advance)
    if output is not None:
        n_rows = write_table_in_parts(gated, output)
        say(f"Wrote {n_rows:,} rows to {output}.")
        return
    for place, frame in enumerate(gated):
        if len(frame) or not place:
            answer_rows(frame, header=not place)


def _passed(
    frames: Iterable[pd.DataFrame],
    policy: str,
    advance: Callable[[], None],
) -> Iterator[pd.DataFrame]:
    from kettrack.privacy.disclosure import gate_rows

    for frame in frames:
        yield gate_rows(frame, policy)
        advance()
