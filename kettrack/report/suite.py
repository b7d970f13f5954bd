"""The notebooks as a person's own copies: without outputs, the cohort folder and the rules in their
first cell, in a folder from which git takes nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import nbformat
from nbformat import NotebookNode

from kettrack.report.layout import PARAMETERS
from kettrack.resources import notebook_folder
from kettrack.writing import whole_folder, write_text

# Rows of people, and whatever the notebooks write, stay out of git: only what is named goes in.
IGNORED: Final = """\
# Only the notebooks are for git. Data, tables and pages of a clinic are not.
*
!.gitignore
!.gitattributes
!README.md
!*.ipynb
"""
# git runs the filter only where it is installed; the page beside it says how.
ATTRIBUTES: Final = """\
*.ipynb filter=nbstripout
*.ipynb diff=ipynb
"""
_ABOUT: Final = Path(__file__).with_name("suite.md")
_SAMPLE: Final = """\
import kettrack as kt

# The synthetic sample. For your own cohort folder: folder = "../clinic"
folder = kt.sample_folder()"""
_OWN: Final = """\
# The cohort folder, as seen from the folder of this notebook.
folder = {folder!r}"""
_RULES: Final = """\
# Rules that differ from those of kettrack.toml in that folder, such as
# {{"instrument": "MADRS", "criteria": "SUSTAIN-1", "baseline": "worst"}}
options = {options!r}"""


def copy_notebooks(
    target: Path, cohort: Path | None, options: Mapping[str, object]
) -> tuple[str, ...]:
    """Write the notebooks into a new folder, ready to be changed and run.

    Parameters
    ----------
    target : Path
        A folder that is not there yet, or empty.
    cohort : Path, optional
        The cohort folder that the first cell names; default the sample.
    options : mapping
        Names and values for `load_cohort`, for the first cell.

    Returns
    -------
    tuple of str
        Names of the notebooks.
    """
    sources = sorted(notebook_folder().glob("*.ipynb"))
    named = None if cohort is None else _seen_from(target, cohort)
    cell = first_cell(named, options)
    with whole_folder(target) as draft:
        for path in sources:
            notebook = nbformat.read(path, as_version=4)
            make_own(notebook, cell)
            text = nbformat.writes(notebook, version=4)
            write_text(f"{text}\n", draft / path.name)
        write_text(IGNORED, draft / ".gitignore")
        write_text(ATTRIBUTES, draft / ".gitattributes")
        write_text(_ABOUT.read_text(encoding="utf-8"), draft / "README.md")
    return tuple(path.name for path in sources)


def _seen_from(target: Path, cohort: Path) -> str:
    """The way to the cohort folder from the notebooks: it names no home folder of a person, and
    holds when both are moved.
    """
    try:
        way = Path(os.path.relpath(cohort.resolve(), target.resolve()))
    # On Windows no way leads from one drive to another.
    except ValueError:
        way = cohort.resolve()
    return way.as_posix()


def first_cell(folder: str | None, options: Mapping[str, object]) -> str:
    """Source of the cell that names the cohort folder and the rules.

    Examples
    --------
    >>> print(first_cell("../clinic", {"criteria": "SUSTAIN-1"}).splitlines()[-1])
    options = {'criteria': 'SUSTAIN-1'}
    """
    named = _SAMPLE if folder is None else _OWN.format(folder=folder)
    rules = _RULES.format(options=dict(options))
    return f"{named}\n{rules}"


def make_own(notebook: NotebookNode, cell: str) -> None:
    """Take the outputs out of a notebook, and let it begin with the folder and the rules.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place.
    cell : str
        Source of its first cell of code.
    """
    cells = notebook.cells
    _forget_outputs(cells)
    given = next(one for one in cells if PARAMETERS in one.metadata.get("tags", []))
    # The one about the methods takes no cohort: it reads the results of the trials.
    if "options" not in given.source:
        return
    given.source = cell
    cells.remove(given)
    # Behind the title.
    cells.insert(1, given)


def _forget_outputs(cells: Iterable[NotebookNode]) -> None:
    for cell in cells:
        if cell.cell_type != "code":
            continue
        cell.outputs = []
        cell.execution_count = None
