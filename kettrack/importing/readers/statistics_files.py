"""Files of SPSS, Stata and SAS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kettrack.importing.registry import Answers, reader
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData
from kettrack.importing.statistics.native import read_native, with_catalog
from kettrack.importing.statistics.stored import StoredTable, damaged
from kettrack.importing.statistics.tell import told_table
from kettrack.importing.statistics.transport import read_transport
from kettrack.privacy.identifying_people import shown

_SPSS: Final = (".sav", ".zsav", ".por")
_STATA: Final = (".dta",)
_SAS: Final = (".sas7bdat", ".xpt", ".xport")
# First bytes of each; the numbers of old Stata files are releases.
_SPSS_STARTS: Final = (b"$FL2", b"$FL3")
_STATA_STARTS: Final = (b"<stata_dta>", *(bytes([n]) for n in range(104, 116)))
# Twelve zeros, then what every file of SAS data begins with.
_SAS_START: Final = bytes(12) + bytes.fromhex(
    "c2ea8160b31411cfbd92080009c7318c181f1011"
)
_TRANSPORT: Final = b"HEADER RECORD*******LIB"


def _sure(
    path: Path,
    endings: Sequence[str],
    starts: Sequence[bytes],
) -> int:
    if not path.is_file() or path.suffix.lower() not in endings:
        return 0
    with path.open("rb") as file:
        begin = file.read(64)
    return 2 if begin.startswith(tuple(starts)) else 1


def _is_spss(path: Path) -> int:
    return _sure(path, _SPSS, _SPSS_STARTS)


def _is_stata(path: Path) -> int:
    return _sure(path, _STATA, _STATA_STARTS)


def _is_sas(path: Path) -> int:
    return _sure(path, _SAS, (_SAS_START, _TRANSPORT))


@reader("spss", about="SPSS: .sav, .zsav, .por", recognise=_is_spss)
def read_spss(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read a file of SPSS.

    Parameters
    ----------
    path, answers, remarks
        As `Reader.read` takes them.
    """
    _require_file(path)
    stored = read_native(path, answers, remarks)
    return _source("spss", [stored], answers, remarks)


@reader("stata", about="Stata: .dta", recognise=_is_stata)
def read_stata(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read a file of Stata.

    Parameters
    ----------
    path, answers, remarks
        As `Reader.read` takes them.
    """
    _require_file(path)
    stored = read_native(path, answers, remarks)
    return _source("stata", [stored], answers, remarks)


@reader("sas", about="SAS: .sas7bdat, transport files .xpt", recognise=_is_sas)
def read_sas(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read a file of SAS; a catalog of formats (.sas7bcat) beside it gives the labels of codes.

    Parameters
    ----------
    path, answers, remarks
        As `Reader.read` takes them.
    """
    _require_file(path)
    if path.suffix.lower() == ".sas7bdat":
        tables = [read_native(path, answers, remarks)]
    else:
        tables = read_transport(
            shown(path.name, file=True), path.read_bytes(), answers, remarks
        )
    named = [with_catalog(table, path, remarks) for table in tables]
    return _source("sas", named, answers, remarks)


def _require_file(path: Path) -> None:
    """A folder of such files has a reader of its own."""
    if path.is_dir():
        file = shown(path.name, file=True)
        damaged(file, "a single file; to read a folder of them, name no kind")


def _source(
    kind: str,
    stored: Sequence[StoredTable],
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    tables = [told_table(one, answers, remarks) for one in stored]
    return SourceData(
        kind=kind,
        tables=tables,
        records={(table.file, table.name): table.rows for table in tables},
    )
