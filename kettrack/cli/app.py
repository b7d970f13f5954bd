"""The `kettrack` program: its commands, and what becomes of an error."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer
from typer.core import TyperGroup

from kettrack import __version__
from kettrack.cli.check import check
from kettrack.cli.dashboard import dashboard
from kettrack.cli.deidentify import deidentify
from kettrack.cli.estimate import estimate
from kettrack.cli.export import export
from kettrack.cli.handout import handout
from kettrack.cli.import_ import import_
from kettrack.cli.methods import methods
from kettrack.cli.notebooks import notebooks
from kettrack.cli.output import (
    answer,
    buffer_standard_output,
    current_step,
    forget_steps,
)
from kettrack.cli.pooling import pool, summarise
from kettrack.cli.report import report
from kettrack.cli.rows import courses, events, outcomes, review, timeline
from kettrack.cli.shard import shard
from kettrack.cli.sheet import sheet
from kettrack.cli.simulate import simulate
from kettrack.cli.specification import specification
from kettrack.errors import Interrupted, KettrackError, NotRead
from kettrack.escapes import in_terminal
from kettrack.memory import (
    TooLittleMemory,
    is_short_of_memory,
    one_thread_each,
    require_memory,
)

# typer is light; pandas, matplotlib and the analysis are imported inside the commands.


_CLOSED_PIPE: Final = 141  # as every program that the shell sees end by it
# Signals by which a system asks a program to end; both would else leave drafts behind.
_ASKED_TO_END: Final = ("SIGTERM", "SIGHUP")
_OF_SIGNALS: Final = 128  # and the number of the signal, as every shell counts


# What the library that checks values says, and what a person needs to know.
_SAID_PLAINLY: Final = (
    (re.compile(r"^Value error, "), ""),
    (re.compile(r"^Input should be a valid integer.*"), "a whole number is needed."),
    (re.compile(r"^Input should be a valid number.*"), "a number is needed."),
    (
        re.compile(r"^Input should be greater than or equal to (\S+)$"),
        r"a number from \1 up is needed.",
    ),
    (
        re.compile(r"^Input should be less than or equal to (\S+)$"),
        r"a number up to \1 is needed.",
    ),
)

REPORT_FAULTS_TO: Final = "the issue tracker of kettrack"
_FAULT: Final = 1
# What the libraries need that every command loads; measured with two processors.
LEAST_MB: Final = 900


class _Commands(TyperGroup):
    """The commands; what is wrong with a value is told in plain words."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as wrong:
            for said, plainly in _SAID_PLAINLY:
                wrong.message = said.sub(plainly, wrong.message)
            raise


class _AskedToEnd(KeyboardInterrupt):
    """Ends a run as Ctrl-C does, so that everything is tidied up in the same way."""


def _guarded(command: Callable[..., None]) -> Callable[..., None]:
    """A command that ends in one line when it is interrupted, and in none when nobody reads on."""

    @wraps(command)
    def guarded(**options: Any) -> None:
        try:
            if command is not version:
                require_memory(LEAST_MB, "to load the libraries")
            command(**options)
        # Ctrl-C would otherwise end in a long trace.
        except KeyboardInterrupt:
            raise Interrupted from None
        # `| head` has seen enough.
        except BrokenPipeError:
            silence_standard_output()
            sys.exit(_CLOSED_PIPE)

    return guarded


def version() -> None:
    """Print the version.

    \b
    Example:
      kettrack version
    """
    answer(f"kettrack {__version__}")


def _tell_version(asked: bool) -> None:
    # typer calls this in every run, with False where --version was not given.
    if asked:
        version()
        raise typer.Exit


# No rich mark-up and no shell completion: both would be imported for every `--help`.
app = typer.Typer(
    name="kettrack",
    help=(
        "Outcome tracking for ketamine clinics: from sessions and scores to timelines, outcomes"
        " and a report."
    ),
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    # typer would print local variables, which may hold patients' values.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def program(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_tell_version,
            help="Print the version, as the command of that name does.",
        ),
    ] = False,
) -> None:
    # What stands before the command.
    pass


for command in (
    import_,
    check,
    courses,
    timeline,
    outcomes,
    events,
    review,
    estimate,
    report,
    methods,
    notebooks,
    dashboard,
    sheet,
    handout,
    summarise,
    pool,
    shard,
    specification,
    export,
    deidentify,
    simulate,
    version,
):
    # The order of the list is the order in `--help`.
    # `import` is a word of Python, so its function has another name.
    app.command(command.__name__.rstrip("_"))(_guarded(command))


def main(arguments: list[str] | None = None) -> None:
    """Run the program and leave with its exit code: 0 ok, 1 fault in kettrack, 2 bad input or
    usage, 3 refused, 130 stopped, 141 nobody reads on.
    """
    # Said before Arrow is loaded. Its own allocator keeps what was used on the way; that of the
    # system can be told to give it back.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    one_thread_each(os.environ)
    # On leaving, Python looks through all that the libraries made for what could be let go, which
    # takes a fifth of a second; the system takes everything back at once.
    atexit.register(gc.freeze)
    buffer_standard_output()
    forget_steps()
    asked = _end_when_asked()
    try:
        app(arguments, prog_name="kettrack")
    except Interrupted as stopped:
        _leave(str(stopped), _OF_SIGNALS + asked[0] if asked else stopped.exit_code)
    except Exception as error:  # the one place where a fault of kettrack's own ends
        # What could not be printed would be tried again at the end, and complained about.
        if isinstance(error, OSError) and not error.filename:
            silence_standard_output()
        _leave(*ending_of(error))


def _end_when_asked() -> list[int]:
    """Tidy up when the system asks the run to end; the list takes the number of the signal."""
    asked: list[int] = []

    def end(number: int, _frame: object) -> None:
        # Who asks twice does not want to wait.
        signal.signal(number, signal.SIG_DFL)
        asked.append(number)
        raise _AskedToEnd

    for name in _ASKED_TO_END:
        number = getattr(signal, name, None)
        # Where somebody has chosen that a signal is ignored, as nohup does, it stays so. Signals
        # can be taken only in the first thread.
        with suppress(ValueError):
            if number is not None and _is_free(signal.getsignal(number)):
                signal.signal(number, end)
    return asked


def _is_free(handler: object) -> bool:
    """Whether nobody else has taken a signal: it ends the run, or an earlier run in this process
    took it.
    """
    earlier = getattr(handler, "__qualname__", "").startswith(_end_when_asked.__name__)
    return handler is signal.SIG_DFL or earlier


def _leave(text: str, exit_code: int) -> None:
    # Where standard error is full or closed too, the exit code still tells.
    with suppress(OSError):
        typer.echo(in_terminal(text), err=True)
    sys.exit(exit_code)


class Ending(NamedTuple):
    """The last line on standard error, and the exit code."""

    text: str
    exit_code: int


def ending_of(error: Exception) -> Ending:
    """How a run ends after an error.

    Parameters
    ----------
    error : Exception
        Whatever came up to the top.

    Returns
    -------
    Ending
        Code 2 for what the user can mend, among it a full disk and too little memory; code 1 for a
        fault in kettrack.
    """
    if isinstance(error, KettrackError):
        return Ending(str(error), error.exit_code)
    if is_short_of_memory(error):
        return Ending(str(_memory_error()), KettrackError.exit_code)
    # A full disk or a missing right is the user's to mend, and no fault of kettrack.
    if isinstance(error, OSError):
        return Ending(_file_text(error), KettrackError.exit_code)
    return Ending(_fault_text(error), _FAULT)


def _memory_error() -> TooLittleMemory:
    """What was being done when memory ran out."""
    step = current_step()
    return TooLittleMemory(f"to go on (at this step: {step})" if step else "to go on")


def _file_text(error: OSError) -> str:
    """Which file it is and what to do; where the system names none, it was standard output."""
    if error.filename:
        return str(NotRead(Path(os.fsdecode(error.filename)), error))
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return (
            "The answer is cut off: the disk that standard output goes to is full. Make room on it,"
            " or send the output to another disk."
        )
    return f"The system says: {error.strerror or type(error).__name__}."


def _fault_text(fault: Exception) -> str:
    """One line, without the message of the fault: it may quote a cell of the input."""
    if os.environ.get("KETTRACK_DEBUG") == "1":
        return "".join(traceback.format_exception(fault)).rstrip()
    # The last entry of the trace is where the fault happened.
    place = traceback.extract_tb(fault.__traceback__)[-1]
    return (
        f"kettrack {__version__} made a mistake ({type(fault).__name__} in {place.name}, line"
        f" {place.lineno}). Please tell {REPORT_FAULTS_TO}; KETTRACK_DEBUG=1 shows the whole"
        " trace, which may quote your data."
    )


def silence_standard_output() -> None:
    """Let what is still to be written go nowhere: whoever read it has closed the pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
