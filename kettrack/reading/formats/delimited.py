"""Tables as delimited text."""

from __future__ import annotations

from kettrack.reading.headers import source_names
from kettrack.reading.problems import Ledger
from kettrack.reading.raw import RawTable
from kettrack.reading.table_files import table_file
from kettrack.reading.textfile import read_text_table
from kettrack.settings import Settings
from kettrack.vocabulary.columns import TABLES


@table_file(".csv")
def read_csv_table(
    name: str,
    file: str,
    data: bytes,
    settings: Settings,
    ledger: Ledger,
) -> RawTable | None:
    """Read a text file, whatever its encoding and separator."""
    # The separator is the one that shows the most names that are known here.
    sources = source_names(TABLES[name], settings).values()
    known = {source.casefold() for source in sources}
    return read_text_table(name, file, data, known, ledger)
