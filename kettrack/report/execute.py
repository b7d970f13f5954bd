"""Run notebooks: each in a Python of its own, in an empty folder, and with nothing of the user's
own start-up files.

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
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
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
from kettrack.memory import TooLittleMemory, require_memory, sounds_like_memory
from kettrack.writing import remove_leftovers, write_text

SIDE_BY_SIDE: Final = 2  # notebooks that run at the same time
# What Jupyter needs in each of its processes before any data; measured with two processors.
LEAST_MB: Final = 1_300
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


def execute_all(
    notebooks: Mapping[str, NotebookNode], on_cell: Callable[[], None] = lambda: None
) -> None:
    """Run several notebooks in place, two side by side where there are two processors.

    Notebooks share nothing, so their outputs do not depend on the order. Two are enough: each
    holds a cohort of its own in memory.

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
    with ThreadPoolExecutor(min(SIDE_BY_SIDE, os.cpu_count() or 1)) as threads:
        runs = [
            threads.submit(execute, notebook, name, on_cell, switch)
            # The last first: in a report they take longest, and a long one that starts late
            # would run alone at the end.
            for name, notebook in reversed(list(notebooks.items()))
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
    on_cell: Callable[[], None] = lambda: None,
    switch: StopSwitch | None = None,
) -> None:
    """Run every code cell of a notebook in place, in order.

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
    switch = switch or StopSwitch()
    done: list[int] = []

    def executed(cell_index: int, **_: Any) -> None:
        done.append(cell_index)
        on_cell()

    # Those of runs that were killed hold the keys to kernels that are gone.
    remove_leftovers(Path(tempfile.gettempdir()), _EMPTY)
    with tempfile.TemporaryDirectory(
        prefix=_EMPTY, ignore_cleanup_errors=True
    ) as empty:
        client = NotebookClient(
            notebook,
            kernel_manager_class=ThisPython,
            # Some cells take minutes on a slow machine, and a limit would end them for no fault.
            timeout=None,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": empty}},
            on_cell_executed=executed,
        )
        client.on_notebook_start = lambda **_: _obey(switch, client)
        try:
            run = client.async_execute(
                env=_environment(Path(empty)), stderr=_kernel_messages()
            )
            asyncio.run(run)
        except (Exception, asyncio.CancelledError) as error:
            # the second: while Python was still starting
            if switch.interrupted or hasattr(client, "_async_cleanup_kernel_future"):
                raise Interrupted from None
            _explain(error, name, done)
            raise


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


def _explain(error: BaseException, name: str, done: list[int]) -> None:
    if isinstance(error, CellExecutionError):
        if sounds_like_memory(error.ename, error.evalue):
            raise TooLittleMemory(f"for {name}, cell {len(done)}") from error
        raise NotebookFailed(f"{name}, cell {len(done)}: {_reason(error)}") from error
    # The cell that was running is the one after those that are done.
    if isinstance(error, DeadKernelError):
        raise NotebookFailed(
            f"{name}, cell {len(done) + 1}: Python was ended from outside, as systems do when"
            " memory runs out. Close other programs, or use a computer with more memory."
        ) from error


def _environment(empty: Path) -> dict[str, str]:
    """The user's environment, without what would change the output of a notebook."""
    # A backend named in the environment would draw to a window and store no picture.
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
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
