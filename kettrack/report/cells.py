"""Run the cells of a notebook in this process, as Jupyter would, and catch what they say.

Nothing is started: the shell of IPython stands in the process that calls, and what a cell shows is
handed back as the outputs of a notebook file.
"""

from __future__ import annotations

import io
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any, Final, TextIO

import nbformat
from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode
from traitlets import Type
from traitlets.config import Config

INLINE: Final = "module://matplotlib_inline.backend_inline"
# As many columns of a table as pandas writes out where it finds itself in a notebook.
_NOTEBOOK_COLUMNS: Final = 20
# What Python tells only to who tests.
_NO_WARNING_FOR_USERS: Final = (
    DeprecationWarning,
    PendingDeprecationWarning,
    ImportWarning,
    ResourceWarning,
)


@dataclass(frozen=True, slots=True)
class CellOutputs:
    """What a cell said, how long it took, and why it stopped where it did."""

    seconds: float
    outputs: list[NotebookNode]
    error: tuple[str, str] | None = None


class _Stream(io.TextIOBase):
    """Printed text: what is printed in one go is one output."""

    def __init__(self, name: str, outputs: list[NotebookNode]) -> None:
        super().__init__()
        self._name = name
        self._outputs = outputs

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        last = self._outputs[-1] if self._outputs else {}
        if last.get("name") == self._name:
            last["text"] += text
        elif text:
            said = nbformat.v4.new_output("stream", name=self._name, text=text)
            self._outputs.append(said)
        return len(text)


class _Shown(DisplayPublisher):
    """What a cell displays, such as a figure."""

    outputs: list[NotebookNode]

    def publish(
        self,
        data: Any,
        metadata: Any = None,
        *_: Any,
        **__: Any,
    ) -> None:
        """Keep an output."""
        shown = nbformat.v4.new_output(
            "display_data", data=dict(data), metadata=dict(metadata or {})
        )
        self.outputs.append(shown)


class _Last(DisplayHook):
    """The value of the last line of a cell."""

    outputs: list[NotebookNode]

    def write_output_prompt(self) -> None:
        """No prompt: a notebook has none in its outputs."""

    def write_format_data(
        self,
        format_dict: Mapping[str, Any],
        md_dict: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep an output."""
        value = nbformat.v4.new_output(
            "execute_result",
            data=dict(format_dict),
            metadata=dict(md_dict or {}),
            execution_count=self.prompt_count,
        )
        self.outputs.append(value)

    def finish_displayhook(self) -> None:
        """No line end either."""
        self._is_active = False


class _Names(CachingCompiler):
    """A cell is called by its number wherever a warning names it."""

    def get_code_name(self, _raw: str, _code: str, number: int) -> str:
        """As a file of a place without folders."""
        return f"cell-{number}.py"


class _Shell(InteractiveShell):
    """IPython without a terminal, a history, or anything of the user's own."""

    display_pub_class = Type(_Shown)
    displayhook_class = Type(_Last)
    compiler_class = Type(_Names)

    def enable_gui(self, gui: str | None = None) -> None:
        """Pictures need no window."""

    def _showtraceback(self, *_: Any) -> None:
        """Who runs the cells tells why one stopped."""


def run_cells(
    sources: Sequence[str],
    names: Mapping[str, object],
    tell: Callable[[CellOutputs], None],
    show: Callable[[Any], None] | None = None,
) -> None:
    """Run cells one after another, until one stops.

    Parameters
    ----------
    sources : sequence of str
        Code of the cells, numbered from 1.
    names : mapping
        What the cells find already there.
    tell : callable
        Called after each cell.
    show : callable, optional
        Takes the formatters of the shell and changes how a value is shown.
    """
    os.environ["MPLBACKEND"] = INLINE
    shell = _shell()
    shell.user_ns.update(names)
    if show is not None:
        show(shell.display_formatter)
    for source in sources:
        outputs: list[NotebookNode] = []
        shell.display_pub.outputs = outputs
        shell.displayhook.outputs = outputs
        began = time.perf_counter()
        with _printed(outputs):
            ran = shell.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        took = time.perf_counter() - began
        stopped = ran.error_before_exec or ran.error_in_exec
        error = (type(stopped).__name__, str(stopped)) if stopped else None
        tell(CellOutputs(took, outputs, error))
        if stopped:
            return


def _shell() -> _Shell:
    _warn_as_usual()
    settings = Config()
    settings.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell = _Shell.instance(config=settings)
    # A library that was loaded before has drawn elsewhere, and took this for a terminal.
    import matplotlib.pyplot as plt
    import pandas as pd
    from matplotlib_inline.backend_inline import configure_inline_support

    pd.options.display.max_columns = _NOTEBOOK_COLUMNS
    plt.switch_backend(INLINE)
    configure_inline_support(shell, INLINE)  # type: ignore[no-untyped-call]
    return shell


def _warn_as_usual() -> None:
    """Warnings as a new Python tells them, also those that this one has told before."""
    warnings.resetwarnings()
    for kind in _NO_WARNING_FOR_USERS:
        warnings.simplefilter("ignore", kind)
    warnings.showwarning = _tell_warning


def _tell_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    told = warnings.formatwarning(message, category, filename, lineno, line)
    (file or sys.stderr).write(told)


@contextmanager
def _printed(outputs: list[NotebookNode]) -> Iterator[None]:
    out = _Stream("stdout", outputs)
    err = _Stream("stderr", outputs)
    with redirect_stdout(out), redirect_stderr(err):
        yield
