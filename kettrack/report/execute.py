"""Run one notebook: in this Python, in an empty folder, and with nothing of the user's own start-up
files.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import zmq
from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from kettrack import errors
from kettrack.errors import Interrupted, KettrackError


class NotebookFailed(KettrackError):
    """A cell stopped; the message names notebook and cell in one line."""


class ThisPython(AsyncKernelManager):
    """A kernel in the running interpreter, whatever kernels the user has installed elsewhere.

    What passes between this process and the kernel holds patients' scores, so it is encrypted where
    ZeroMQ can.
    """

    transport_encryption = "auto" if zmq.has("curve") else "disabled"

    @property
    def kernel_spec(self) -> KernelSpec:
        """Start command of the kernel."""
        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


def execute(
    notebook: NotebookNode, name: str, on_cell: Callable[[], None] = lambda: None
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

    Raises
    ------
    NotebookFailed
        When a cell raises, or the kernel dies.
    Interrupted
        When the person at the terminal stops the run.
    """
    done: list[int] = []

    def executed(cell_index: int, **_: Any) -> None:
        done.append(cell_index)
        on_cell()

    stopped: list[bool] = []
    with tempfile.TemporaryDirectory(
        prefix="kettrack-", ignore_cleanup_errors=True
    ) as empty:
        client = NotebookClient(
            notebook,
            kernel_manager_class=ThisPython,
            timeout=None,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": empty}},
            on_cell_executed=executed,
        )
        client.on_notebook_start = lambda **_: _stop_on_interrupt(client, stopped)
        try:
            client.execute(env=_environment(Path(empty)), stderr=_kernel_messages())
        except (Exception, asyncio.CancelledError) as error:
            # the second: while Python was still starting
            if stopped or hasattr(client, "_async_cleanup_kernel_future"):
                raise Interrupted from None
            _explain(error, name, done)
            raise


def _stop_on_interrupt(client: NotebookClient, stopped: list[bool]) -> None:
    """Let an interrupt cancel the run, and the kernel with it, in place of nbclient's own handler,
    which ends in a fault.
    """
    run = asyncio.current_task()

    def stop() -> None:
        stopped.append(True)
        client.shutdown_kernel = "immediate"
        if run is not None:
            run.cancel()

    # Windows, and threads other than the first
    with suppress(NotImplementedError, RuntimeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)


def _explain(error: BaseException, name: str, done: list[int]) -> None:
    if isinstance(error, CellExecutionError):
        raise NotebookFailed(f"{name}, cell {len(done)}: {_reason(error)}") from error
    if isinstance(error, DeadKernelError):
        raise NotebookFailed(
            f"{name}, cell {len(done) + 1}: Python stopped, perhaps for want of memory."
        ) from error


def _environment(empty: Path) -> dict[str, str]:
    """The user's environment, without what would change the output of a notebook."""
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return kept | {"IPYTHONDIR": str(empty / "ipython"), "PYTHONHASHSEED": "0"}


def _kernel_messages() -> int | None:
    """What Python itself says when it is stopped midway: traces that may quote data."""
    return None if os.environ.get("KETTRACK_DEBUG") == "1" else subprocess.DEVNULL


def _reason(error: CellExecutionError) -> str:
    """kettrack's own words are safe to print; those of other exceptions may quote a cell of the
    input.
    """
    kind = getattr(errors, error.ename, None)
    ours = isinstance(kind, type) and issubclass(kind, KettrackError)
    if ours or os.environ.get("KETTRACK_DEBUG") == "1":
        return f"{error.ename}: {' '.join(str(error.evalue).split())}"
    return (
        f"{error.ename} (KETTRACK_DEBUG=1 shows its message, which may quote your data)"
    )
