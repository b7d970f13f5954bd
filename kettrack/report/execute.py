"""Run notebooks: each in a process of its own, in an empty folder, and with nothing of the user's
own start-up files.

`python -m kettrack.report.execute notebooks` stores what the notebooks of a folder say, so that the
stored files are the same on every machine.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import nbformat
from nbformat import NotebookNode

from kettrack import errors
from kettrack.errors import Interrupted, KettrackError
from kettrack.memory import (
    TooLittleMemory,
    one_thread_each,
    require_memory,
    sounds_like_memory,
)
from kettrack.report.cells import CellOutputs, run_cells
from kettrack.writing import remove_leftovers, write_text

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

SIDE_BY_SIDE: Final = 2  # notebooks that run at the same time
# What a process needs before any data; measured with two processors.
LEAST_MB: Final = 1_300
# Tag of the cell that reads the folder; it is not run where the cohort is given.
READS: Final = "reads"
_EMPTY: Final = "kettrack-"  # how the names of their temporary folders begin
# A copy of this process has all libraries and the cohort already. Elsewhere libraries break in a
# copy, and a new Python loads everything again.
_START: Final[Any] = get_context("fork" if sys.platform == "linux" else "spawn")
# What stored notebooks say of the language, whatever Python ran them.
METADATA: Final[Mapping[str, Any]] = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class NotebookFailed(KettrackError):
    """A cell stopped; the message names notebook and cell in one line."""


@dataclass(frozen=True, slots=True)
class CellRun:
    """A code cell that has been run: its notebook, what it says, and the seconds that it took."""

    notebook: str
    source: str
    seconds: float


OnCell = Callable[[CellRun], None]


def _ignore(_: CellRun) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class AtHand:
    """What notebooks find when they begin.

    Parameters
    ----------
    names : mapping
        Name to value, such as the cohort; cells tagged `reads` are then not run.
    show : callable, optional
        As in `run_cells`.
    """

    names: Mapping[str, object] = field(default_factory=dict)
    show: Callable[[Any], None] | None = None


NOTHING: Final = AtHand()


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What the first process does beside the first notebooks.

    Parameters
    ----------
    steps : iterable
        Does a part of it for each item; between two parts the next notebook may begin.
    early : int
        How many may begin before all is done. The others find everything that was worked out.
    """

    steps: Iterable[object] = ()
    early: int = 0


NOTHING_ELSE: Final = Meanwhile()


def execute_all(
    notebooks: Mapping[str, NotebookNode],
    on_cell: OnCell = _ignore,
    given: AtHand = NOTHING,
    meanwhile: Meanwhile = NOTHING_ELSE,
) -> None:
    """Run several notebooks in place: two side by side where there are two processors, the others
    after them.

    A notebook finds nothing of those before it, so its outputs do not depend on the order.

    Parameters
    ----------
    notebooks : mapping
        File name to notebook, in the order in which they begin.
    on_cell : callable
        Called after each code cell.
    given : AtHand
        What each finds when it begins.
    meanwhile : Meanwhile
        What this process does beside the first of them.

    Raises
    ------
    NotebookFailed
        When a cell raises, or a process dies; the other notebooks are stopped.
    TooLittleMemory
        When a cell finds no memory, or the system does not leave enough to begin.
    Interrupted
        When the person at the terminal stops the run.
    """
    require_memory(LEAST_MB, "to run the notebooks")
    # Those of runs that were killed.
    remove_leftovers(Path(tempfile.gettempdir()), _EMPTY)
    waiting = deque(notebooks.items())
    beside = min(SIDE_BY_SIDE, os.cpu_count() or 1)
    running: dict[Connection, _Running] = {}
    try:
        others = len(waiting) - meanwhile.early
        # this process is busy itself
        _fill(waiting, running, given, beside - 1, others)
        for _ in meanwhile.steps:
            while _take(running, on_cell, at_most=0):
                pass
            _fill(waiting, running, given, beside - 1, others)
        while waiting or running:
            _fill(waiting, running, given, beside)
            _take(running, on_cell)
    except KeyboardInterrupt:
        raise Interrupted from None
    finally:
        for one in running.values():
            one.end()


def execute(notebook: NotebookNode, name: str, on_cell: OnCell = _ignore) -> None:
    """Run every code cell of a notebook in place, in order, in a process of its own.

    Parameters
    ----------
    notebook : NotebookNode
        Its cells receive outputs and execution counts.
    name : str
        File name, for the error message.
    on_cell : callable
        Called after each code cell.

    Raises
    ------
    NotebookFailed
        When a cell raises, or the process dies.
    Interrupted
        When the person at the terminal stops the run.
    """
    execute_all({name: notebook}, on_cell)


class _Running:
    """A notebook and the process that runs it."""

    def __init__(self, name: str, cells: list[NotebookNode], given: AtHand) -> None:
        self._name = name
        self._cells = cells
        self._n_done = 0
        self._empty = tempfile.TemporaryDirectory(
            prefix=_EMPTY, ignore_cleanup_errors=True
        )
        self.told, tells = _START.Pipe(duplex=False)
        sources = [cell.source for cell in cells]
        self._process: BaseProcess = _START.Process(
            target=_run, args=(sources, given, self._empty.name, tells), daemon=True
        )
        with warnings.catch_warnings():
            # Threads of libraries that wait for work; a copy of this process does without.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        # Only the other process writes: when it ends, this end is told.
        tells.close()

    def take(self, on_cell: OnCell) -> bool:
        """Take what the process tells next; whether that was the last."""
        try:
            said: CellOutputs = self.told.recv()
        except EOFError:
            raise NotebookFailed(
                f"{self._place()}: Python was ended from outside, as systems do when memory runs"
                " out. Close other programs, or use a computer with more memory."
            ) from None
        if said.error is not None:
            raise _why(self._place(), *said.error)
        cell = self._cells[self._n_done]
        self._n_done += 1
        cell.outputs = said.outputs
        cell.execution_count = self._n_done
        on_cell(CellRun(self._name, cell.source, said.seconds))
        return self._n_done == len(self._cells)

    def end(self) -> None:
        """End the process, wherever it is."""
        self._process.kill()
        self._process.join()
        self.told.close()
        self._empty.cleanup()

    def _place(self) -> str:
        return f"{self._name}, cell {self._n_done + 1}"


def _start(
    waiting: deque[tuple[str, NotebookNode]],
    running: dict[Connection, _Running],
    given: AtHand,
) -> None:
    """Start the notebook that has waited longest."""
    name, notebook = waiting.popleft()
    cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code"
        and cell.source.strip()
        and not (given.names and READS in cell.metadata.get("tags", []))
    ]
    if cells:
        one = _Running(name, cells, given)
        running[one.told] = one


def _fill(
    waiting: deque[tuple[str, NotebookNode]],
    running: dict[Connection, _Running],
    given: AtHand,
    beside: int,
    others: int = 0,
) -> None:
    """Start notebooks until so many run, or so many are left."""
    while len(waiting) > others and len(running) < beside:
        _start(waiting, running, given)


def _take(
    running: dict[Connection, _Running],
    on_cell: OnCell,
    at_most: float | None = None,
) -> bool:
    """Wait until one of the processes tells something, at most so many seconds, and take it;
    whether one did.
    """
    ready = wait(list(running), at_most)
    for told in ready:
        assert isinstance(told, Connection)
        if running[told].take(on_cell):
            running.pop(told).end()
    return bool(ready)


def _run(sources: list[str], given: AtHand, empty: str, tells: Connection) -> None:
    """What the other process does."""
    # The first process answers who interrupts, and ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _be_silent()
    os.chdir(empty)
    os.environ["IPYTHONDIR"] = str(Path(empty, "ipython"))
    one_thread_each(os.environ)
    # What was there before is not looked through again: that would copy it.
    gc.freeze()
    # Sending waits until the first process takes, which may be busy; cells must not.
    ready: SimpleQueue[CellOutputs | None] = SimpleQueue()
    sender = threading.Thread(target=_send, args=(ready, tells))
    sender.start()
    try:
        run_cells(sources, given.names, ready.put, given.show)
    finally:
        ready.put(None)
        sender.join()


def _send(ready: SimpleQueue[CellOutputs | None], tells: Connection) -> None:
    while (said := ready.get()) is not None:
        tells.send(said)


def _be_silent() -> None:
    """What Python itself says when it is stopped midway are traces that may quote data."""
    if os.environ.get("KETTRACK_DEBUG") == "1":
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _why(place: str, name: str, message: str) -> KettrackError:
    """The error of a cell that stopped."""
    if sounds_like_memory(name, message):
        return TooLittleMemory(f"for {place}")
    return NotebookFailed(f"{place}: {_reason(name, message)}")


def _reason(name: str, message: str) -> str:
    """kettrack's own words are safe to print; those of other exceptions may quote a cell of the
    input.
    """
    # The other process passes on the name of an error only, so its class is looked up by name.
    kind = getattr(errors, name, None)
    ours = isinstance(kind, type) and issubclass(kind, KettrackError)
    if ours or os.environ.get("KETTRACK_DEBUG") == "1":
        return f"{name}: {' '.join(message.split())}"
    return f"{name} (KETTRACK_DEBUG=1 shows its message, which may quote your data)"


def store(path: Path) -> None:
    """Execute a notebook and write it back without anything that differs from run to run.

    Raises
    ------
    NotebookFailed
        When a cell raises, or prints a warning: stored warnings would hide the next one.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.strip()
    execute(notebook, path.name)
    tidy(notebook, path.name)
    write_text(nbformat.writes(notebook, version=4) + "\n", path)


def tidy(notebook: NotebookNode, name: str) -> None:
    """Strip an executed notebook of machine, time and chance: ids by position, only tags kept,
    nothing on standard error.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02d}"
        # Tags say which cell holds the parameters; times and the state of the screen go.
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        for output in cell.get("outputs", []):
            # A warning may name a path of this machine, and would hide the next one.
            if output.get("name") == "stderr":
                raise NotebookFailed(
                    f"{name}, cell {number} prints on standard error: {output.text.strip()}"
                )
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})
    nbformat.validate(notebook)


def main(arguments: list[str]) -> None:
    """Store every notebook of a folder."""
    folder = Path(arguments[0]) if len(arguments) == 1 else None
    if folder is None or not folder.is_dir():
        sys.exit("Give one folder: python -m kettrack.report.execute notebooks")
    try:
        for path in sorted(folder.glob("*.ipynb")):
            store(path)
    except KettrackError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
