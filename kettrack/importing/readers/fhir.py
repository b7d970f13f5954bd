"""FHIR: bulk exports, bundles and single records, R4 and R5, JSON and XML."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kettrack.errors import DataProblems, Problem
from kettrack.importing.fhir.files import (
    FhirFile,
    files_of,
    looks_like_fhir,
    records_of,
)
from kettrack.importing.fhir.reading import FhirReading
from kettrack.importing.registry import Answers, reader
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.source import SourceData

KIND: Final = "fhir"
NO_FHIR: Final = "no record of FHIR stands in this file"


def _recognise(path: Path) -> int:
    if path.is_file():
        return 2 if looks_like_fhir(path) else 0
    return 2 if any(looks_like_fhir(one.path) for one in files_of(path)) else 0


@reader(
    KIND,
    about="FHIR: bulk export, bundle or records, JSON or XML",
    recognise=_recognise,
)
def read_fhir(path: Path, answers: Answers, remarks: Remarks) -> SourceData:
    """Read FHIR R4 or R5.

    Parameters
    ----------
    path : Path
        A file, or a folder of files.
    answers : mapping
        To the questions of an earlier run.
    remarks : Remarks
        Takes every record that makes no row, with its reason.

    Raises
    ------
    DataProblems
        When a file cannot be read, or no file holds FHIR.
    """
    files = _fhir_files(path, remarks)
    reading = FhirReading(answers, remarks)
    # Patients, forms and drugs may stand behind the records that refer to them.
    for record in records_of(files):
        reading.look_at(record)
    for record in records_of(files):
        reading.read(record)
    return reading.finish(KIND)


def _fhir_files(path: Path, remarks: Remarks) -> list[FhirFile]:
    """The files that hold FHIR; the others of a folder, such as its manifest, are said."""
    files = files_of(path)
    if path.is_file():
        return files
    fhir = [one for one in files if looks_like_fhir(one.path)]
    if not fhir:
        raise DataProblems([Problem(one.name, None, "", "", NO_FHIR) for one in files])
    for one in files:
        if one not in fhir:
            remarks.add(
                Remark(
                    file=one.name,
                    table=one.name,
                    # No record is lost, so nothing is dropped.
                    action="noted",
                    reason=f"{NO_FHIR}; it was not read",
                )
            )
    return fhir
