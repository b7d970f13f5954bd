"""The report in other formats, beside its page: a PDF, and the tables of a paper."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Final

from kettrack.report.browser import find_browser, print_pdf
from kettrack.report.papers import (
    Paper,
    require_package,
    write_docx,
    write_workbook,
)

# What each format needs before any work is done.
_NEEDS: Final[dict[str, Callable[[], object]]] = {
    ".pdf": find_browser,
    ".docx": partial(require_package, "docx"),
    ".xlsx": partial(require_package, "openpyxl"),
}


def require_formats(endings: Collection[str]) -> None:
    """Stop where a format could not be written.

    Parameters
    ----------
    endings : collection of str
        Of the files that are wanted beside the page.

    Raises
    ------
    UsageError
        Saying what to install.
    """
    for ending in endings:
        _NEEDS[ending]()


def writers(
    output: Path,
    endings: Collection[str],
    page: str,
    paper: Paper,
) -> dict[Path, Callable[[Path], object]]:
    """What writes each file, by its path.

    Parameters
    ----------
    output : Path
        The page; the others have its name and another ending.
    endings : collection of str
        `.pdf`, `.docx`, `.xlsx`.
    page : str
        HTML of the report.
    paper : Paper
        Its tables and methods.
    """
    made: dict[str, Callable[[Path], object]] = {
        ".pdf": partial(print_pdf, page),
        ".docx": partial(write_docx, paper),
        ".xlsx": partial(write_workbook, paper),
    }
    return {output.with_suffix(ending): made[ending] for ending in endings}
