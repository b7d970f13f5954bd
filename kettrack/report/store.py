"""Run the notebooks and store what they say, so that the stored file is the same on every machine.

`python -m kettrack.report.store notebooks`
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import nbformat
from nbformat import NotebookNode

from kettrack.errors import KettrackError
from kettrack.report.execute import NotebookFailed, execute
from kettrack.writing import write_text

METADATA: Final[Mapping[str, Any]] = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


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
        sys.exit("Give one folder: python -m kettrack.report.store notebooks")
    try:
        for path in sorted(folder.glob("*.ipynb")):
            store(path)
    except KettrackError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
