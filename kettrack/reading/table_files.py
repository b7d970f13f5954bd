"""The one list of formats that a table of a cohort folder can have: ending to reader."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from pkgutil import iter_modules
from typing import Final

from kettrack.reading import formats
from kettrack.reading.problems import Ledger
from kettrack.reading.raw import RawTable
from kettrack.settings import Settings

# Name of the table, name of the file, and its bytes in; None where it cannot be read.
ReadTable = Callable[[str, str, bytes, Settings, Ledger], RawTable | None]
_READERS: Final[dict[str, ReadTable]] = {}


def table_file(ending: str) -> Callable[[ReadTable], ReadTable]:
    """Register the function below as the reader of files with an ending.

    Parameters
    ----------
    ending : str
        In small letters, with its point.
    """

    def register(read: ReadTable) -> ReadTable:
        _READERS[ending] = read
        return read

    return register


@cache
def table_files() -> Mapping[str, ReadTable]:
    """Ending to reader, in the order of the endings."""
    # A module registers its reader when it is imported.
    for module in iter_modules(formats.__path__):
        importlib.import_module(f"{formats.__name__}.{module.name}")
    return dict(sorted(_READERS.items()))
