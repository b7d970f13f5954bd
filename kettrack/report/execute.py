"""Run notebooks: each as if in a Python of its own, in an empty folder, and with nothing of the
user's own start-up files.

`python -m kettrack.report.execute notebooks` stores what the notebooks of a folder say, so that the
stored files are the same on every machine.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nbformat
import zmq
from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from kettrack import errors
from kettrack.errors import Interrupted, KettrackError
from kettrack.memory import (
    TooLittleMemory,
    one_thread_each,
    require_memory,
    sounds_like_memory,
)
from kettrack.writing import remove_leftovers, write_text

SIDE_BY_SIDE: Final = 2  # notebooks that run at the same time
# What Jupyter needs in each of its processes before any data; measured with two processors.
LEAST_MB: Final = 1_300
# Run between two notebooks of one Python: names go and cells count from 1 again, libraries stay
# loaded. The block lets a warning be told again that the notebook before has told.
FORGET: Final = """
get_ipython().reset(new_session=True)
from warnings import catch_warnings
with catch_warnings():
    del catch_warnings
"""
_EMPTY: Final = "kettrack-"  # how the names of their temporary folders begin
# What stored notebooks say of the language, whatever Python ran them.
METADATA: Final[Mapping[str, Any]] = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class NotebookFailed(KettrackError):
    """A cell stopped; the message names notebook and cell in one line."""


class ThisPython(AsyncKernelManager):
    """A kernel in the running interpreter, whatever kernels the user has installed elsewhere.

    What passes between this process and the kernel holds patients' scores, so it is encrypted where
    ZeroMQ can.
    """

    # CURVE is the encryption of ZeroMQ; some builds come without it.
    transport_encryption = "auto" if zmq.has("curve") else "disabled"

    @property
    def kernel_spec(self) -> KernelSpec:
        """Start command of the kernel."""
        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


class StopSwitch:
    """One switch for several runs: an interrupt of one, or a failure, ends them all.

    A run is ended by cancelling its task. Tasks live in the event loops of their threads, so the
    cancellation is handed to the loop instead of being done from outside.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._ended = False
        self._runs: list[tuple[asyncio.AbstractEventLoop, Callable[[], object]]] = []

    def add(self, end_run: Callable[[], object]) -> None:
        """Let the switch end the run whose event loop calls this."""
        self._runs.append((asyncio.get_running_loop(), end_run))
        if self._ended:  # the others ended while this Python was still starting
            end_run()

    def end_all(self) -> None:
        """End every run, and those that start later as soon as they have started."""
        # A second cancellation would break into the clean-up after the first.
        if self._ended:
            return
        self._ended = True
        for loop, end_run in self._runs:
            with suppress(RuntimeError):  # the loop of a run that is over is closed
                loop.call_soon_threadsafe(end_run)

    def interrupt(self) -> None:
        """End every run because the person at the terminal asks for it."""
        self.interrupted = True
        self.end_all()


@dataclass(frozen=True, slots=True)
class CellRun:
    """A code cell that has been run: its notebook, what it says, and the seconds that it took."""

    notebook: str
    source: str
    seconds: float


OnCell = Callable[[CellRun], None]


def _ignore(_: CellRun) -> None:
    """Nobody wants to know."""


def execute_all(
    notebooks: Mapping[str, NotebookNode],
    on_cell: OnCell = _ignore,
) -> None:
    """Run several notebooks in place: two side by side where there are two processors, the others
    after them in the same two Pythons.

    A notebook finds nothing of those before it, so its outputs do not depend on the order. Two
    Pythons are enough: each holds a cohort of its own in memory.

    Parameters
    ----------
    notebooks : mapping
        File name to notebook, in order.
    on_cell : callable
        Called after each code cell, from the thread of its notebook.

    Raises
    ------
    NotebookFailed
        When a cell raises, or a kernel dies; the other notebooks are stopped.
    TooLittleMemory
        When a cell finds no memory, or the system does not leave enough to begin.
    Interrupted
        When the person at the terminal stops the run.
    """
    require_memory(LEAST_MB, "to run the notebooks")
    switch = StopSwitch()
    # The last first: in a report they take longest, and a long one that starts late would run alone
    # at the end.
    waiting = deque(reversed(list(notebooks.items())))
    n_pythons = min(SIDE_BY_SIDE, os.cpu_count() or 1, len(waiting))
    if not n_pythons:
        return
    with ThreadPoolExecutor(n_pythons) as threads:
        runs = [
            threads.submit(_run_in_turn, waiting, on_cell, switch)
            for _ in range(n_pythons)
        ]
        try:
            _wait_for(runs)
        except KeyboardInterrupt:
            switch.interrupt()
            raise Interrupted from None
        finally:
            switch.end_all()
            threads.shutdown(wait=False, cancel_futures=True)


def _wait_for(runs: list[Future[None]]) -> None:
    """Wait for all runs, or for the first that fails, and raise its error."""
    over, _ = wait(runs, return_when=FIRST_EXCEPTION)
    for run in runs:
        if run in over:
            run.result()


def execute(
    notebook: NotebookNode,
    name: str,
    on_cell: OnCell = _ignore,
    switch: StopSwitch | None = None,
) -> None:
    """Run every code cell of a notebook in place, in order, in a Python of its own.

    Parameters
    ----------
    notebook : NotebookNode
        Its cells receive outputs and execution counts.
    name : str
        File name, for the error message.
    on_cell : callable
        Called after each code cell.
    switch : StopSwitch, optional
        Ends the run from outside.

    Raises
    ------
    NotebookFailed
        When a cell raises, or the kernel dies.
    Interrupted
        When the person at the terminal stops the run.
    """
    _run_in_turn(deque([(name, notebook)]), on_cell, switch or StopSwitch())


def _run_in_turn(
    waiting: deque[tuple[str, NotebookNode]],
    on_cell: OnCell,
    switch: StopSwitch,
) -> None:
    """Run notebooks in one Python, each as if it were the first, until none is waiting."""
    # Those of runs that were killed hold the keys to kernels that are gone.
    remove_leftovers(Path(tempfile.gettempdir()), _EMPTY)
    with tempfile.TemporaryDirectory(
        prefix=_EMPTY, ignore_cleanup_errors=True
    ) as empty:
        client = NotebookClient(
            nbformat.v4.new_notebook(),
            kernel_manager_class=ThisPython,
            # Some cells take minutes on a slow machine, and a limit would end them for no fault.
            timeout=None,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": empty}},
        )
        client.on_notebook_start = lambda **_: _obey(switch, client)
        turn = _Turn(client, on_cell)
        try:
            asyncio.run(turn.run_all(waiting, _environment(Path(empty))))
        except (Exception, asyncio.CancelledError) as error:
            # the second: while Python was still starting
            if switch.interrupted or hasattr(client, "_async_cleanup_kernel_future"):
                raise Interrupted from None
            _explain(error, turn.name, turn.n_done)
            raise


def _next(
    waiting: deque[tuple[str, NotebookNode]],
) -> tuple[str, NotebookNode] | None:
    # The other Python takes from the same list.
    try:
        return waiting.popleft()
    except IndexError:
        return None


class _Turn:
    """The notebooks of one Python, one after another, and how far the one that runs has come."""

    def __init__(self, client: NotebookClient, on_cell: OnCell) -> None:
        self.name = ""
        self.n_done = 0
        self._client = client
        self._on_cell = on_cell

    async def run_all(
        self,
        waiting: deque[tuple[str, NotebookNode]],
        environment: dict[str, str],
    ) -> None:
        """Start a Python, run what is waiting, and end it."""
        setup = self._client.async_setup_kernel(
            env=environment, stderr=_kernel_messages()
        )
        async with setup:
            while (following := _next(waiting)) is not None:
                await self._run(*following)
                await self._client.kc.execute(FORGET, silent=True, reply=True)

    async def _run(self, name: str, notebook: NotebookNode) -> None:
        client = self._client
        client.nb = notebook
        client.reset_execution_trackers()
        self.name = name
        self.n_done = 0
        for place, cell in enumerate(notebook.cells):
            began = time.perf_counter()
            await client.async_execute_cell(
                cell, place, execution_count=client.code_cells_executed + 1
            )
            # nbclient runs no prose, and no empty cell
            if cell.cell_type == "code":
                self.n_done += 1
                took = time.perf_counter() - began
                self._on_cell(CellRun(name, cell.source, took))


def _obey(switch: StopSwitch, client: NotebookClient) -> None:
    """Let the switch cancel the run, and the kernel with it; an interrupt throws the switch.

    nbclient has a handler of its own for interrupts, which ends in a fault.
    """
    run = asyncio.current_task()

    def end_run() -> None:
        client.shutdown_kernel = "immediate"
        if run is not None:
            run.cancel()

    switch.add(end_run)
    # Windows, and threads other than the first, whose interrupts reach the first thread
    with suppress(NotImplementedError, RuntimeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, switch.interrupt)


def _explain(error: BaseException, name: str, n_done: int) -> None:
    # The cell that was running is the one after those that are done.
    place = f"{name}, cell {n_done + 1}"
    if isinstance(error, CellExecutionError):
        if sounds_like_memory(error.ename, error.evalue):
            raise TooLittleMemory(f"for {place}") from error
        raise NotebookFailed(f"{place}: {_reason(error)}") from error
    if isinstance(error, DeadKernelError):
        raise NotebookFailed(
            f"{place}: Python was ended from outside, as systems do when memory runs out. Close"
            " other programs, or use a computer with more memory."
        ) from error


def _environment(empty: Path) -> dict[str, str]:
    """The user's environment, without what would change the output of a notebook."""
    # A backend named in the environment would draw to a window and store no picture.
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    one_thread_each(kept)
    return kept | {"IPYTHONDIR": str(empty / "ipython"), "PYTHONHASHSEED": "0"}


def _kernel_messages() -> int | None:
    """What Python itself says when it is stopped midway: traces that may quote data."""
    return None if os.environ.get("KETTRACK_DEBUG") == "1" else subprocess.DEVNULL


def _reason(error: CellExecutionError) -> str:
    """kettrack's own words are safe to print; those of other exceptions may quote a cell of the
    input.
    """
    # The kernel passes on the name of an error only, so its class is looked up by name.
    kind = getattr(errors, error.ename, None)
    ours = isinstance(kind, type) and issubclass(kind, KettrackError)
    if ours or os.environ.get("KETTRACK_DEBUG") == "1":
        return f"{error.ename}: {' '.join(str(error.evalue).split())}"
    return (
        f"{error.ename} (KETTRACK_DEBUG=1 shows its message, which may quote your data)"
    )


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
