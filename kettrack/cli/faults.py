"""What becomes of an error at the end of a run: one line that says what to do, and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from pathlib import Path
from typing import Final, NamedTuple

from kettrack import __version__
from kettrack.cli.output import current_step
from kettrack.errors import KettrackError, NotRead
from kettrack.memory import TooLittleMemory, is_short_of_memory

REPORT_FAULTS_TO: Final = "the issue tracker of kettrack"
_FAULT: Final = 1
# What the libraries need that every command loads; measured with two processors.
LEAST_MB: Final = 900


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
