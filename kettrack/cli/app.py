"""The `kettrack` program: its commands, and what becomes of an error."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

# typer is light; pandas, matplotlib and the analysis are imported inside the commands.
import typer

from kettrack import __version__
from kettrack.cli.check import check
from kettrack.cli.deidentify import deidentify
from kettrack.cli.estimate import estimate
from kettrack.cli.export import export
from kettrack.cli.import_ import import_
from kettrack.cli.output import answer
from kettrack.cli.pooling import pool, summarise
from kettrack.cli.report import report
from kettrack.cli.rows import courses, events, outcomes, review, timeline
from kettrack.cli.sheet import sheet
from kettrack.cli.simulate import simulate
from kettrack.cli.specification import specification
from kettrack.errors import Interrupted, KettrackError
from kettrack.escapes import in_terminal

REPORT_FAULTS_TO = "the issue tracker of kettrack"


def _guarded(command: Callable[..., None]) -> Callable[..., None]:
    """A command that ends in one line when it is interrupted."""

    @wraps(command)
    def guarded(**options: Any) -> None:
        try:
            command(**options)
        # Ctrl-C would otherwise end in a long trace.
        except KeyboardInterrupt:
            raise Interrupted from None

    return guarded


def version() -> None:
    """Print the version.

    \b
    Example:
      kettrack version
    """
    answer(f"kettrack {__version__}")


# No rich mark-up and no shell completion: both would be imported for every `--help`.
app = typer.Typer(
    name="kettrack",
    help=(
        "Outcome tracking for ketamine clinics: from sessions and scores to timelines, outcomes"
        " and a report."
    ),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    # typer would print local variables, which may hold patients' values.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
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
    sheet,
    summarise,
    pool,
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
    usage, 3 refused, 130 stopped.
    """
    # Said before Arrow is loaded. Its own allocator keeps what was used on the way; that of the
    # system can be told to give it back.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # On leaving, Python looks through all that the libraries made for what could be let go, which
    # takes a fifth of a second; the system takes everything back at once.
    atexit.register(gc.freeze)
    try:
        app(arguments, prog_name="kettrack")
    except KettrackError as error:
        _leave(str(error), error.exit_code)
    # A full disk or a missing right is the user's to mend, and no fault of kettrack.
    except OSError as error:
        _leave(_file_error_text(error), KettrackError.exit_code)
    except Exception as fault:  # the one place where a fault of kettrack's own ends
        _leave(_fault_text(fault), 1)


def _file_error_text(error: OSError) -> str:
    """What the system says, and of which file."""
    # Some errors, such as a full disk, name no file.
    if not error.filename:
        return str(error)
    return f"{error.strerror or error}: {error.filename}"


def _leave(text: str, exit_code: int) -> None:
    typer.echo(in_terminal(text), err=True)
    sys.exit(exit_code)


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
